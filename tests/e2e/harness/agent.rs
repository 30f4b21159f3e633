//! ssh-agent, ended with the value that stands for it.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::key::Key;
use super::machine::machine;
use super::process::{Background, background, run};

/// A running agent.
pub(crate) struct Agent {
    pub(crate) socket: PathBuf,
    _process: Background,
}

impl Agent {
    /// Starts an agent that holds these keys and offers them in this order.
    pub(crate) fn with<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let socket = machine().fresh("agent");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let agent = Self { _process: background(&mut command), socket };
        let start = Instant::now();
        // The file is there before anybody listens.
        while UnixStream::connect(&agent.socket).is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "ssh-agent does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        let files: Vec<&PathBuf> = keys.into_iter().map(|key| &key.file).collect();
        if !files.is_empty() {
            run(agent.ssh_add().args(files)).succeeded();
        }
        agent
    }

    /// `ssh-add` for this agent.
    pub(crate) fn ssh_add(&self) -> Command {
        let mut command = Command::new("ssh-add");
        command.arg("-q").env("SSH_AUTH_SOCK", &self.socket).env_remove("DISPLAY").env_remove("SSH_ASKPASS");
        command
    }
}
