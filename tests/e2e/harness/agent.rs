//! An ssh-agent that ends when its value is dropped.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::key::Key;
use super::machine::machine;
use super::process::{Background, background, run, wait_until};

pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    _process: Background,
}

impl Agent {
    /// Starts an agent with these keys, which it offers in this order.
    pub(crate) fn with<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let socket = machine().fresh("agent");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let agent = Self { _process: background(&mut command), socket };
        // The socket exists before ssh-agent listens.
        wait_until("ssh-agent does not listen", || UnixStream::connect(&agent.socket).is_ok());
        let files: Vec<&PathBuf> = keys.into_iter().map(|key| &key.file).collect();
        if !files.is_empty() {
            run(agent.ssh_add().args(files)).succeeded();
        }
        agent
    }

    pub(crate) fn ssh_add(&self) -> Command {
        let mut command = Command::new("ssh-add");
        command.arg("-q").env("SSH_AUTH_SOCK", &self.socket).env_remove("DISPLAY").env_remove("SSH_ASKPASS");
        command
    }
}
