//! The directory of a demo, and what it uses of this machine.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::operator::failure::Failure;

/// The name of 127.0.0.1 in the client's configuration.
pub(super) const HOST: &str = "hub.demo";

/// The paths of one demo.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) login: String,
    pub(super) port: u16,
}

impl Place {
    pub(super) fn config(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    pub(super) fn sshd_config(&self) -> PathBuf {
        self.dir.join("sshd_config")
    }

    /// The page for the people of the hub.
    pub(super) fn guide(&self) -> PathBuf {
        self.dir.join("guide.html")
    }

    pub(super) fn libexec(&self) -> PathBuf {
        self.dir.join("libexec")
    }
}

pub(super) fn own() -> Result<PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::File("/proc/self/exe".to_owned(), error))
}

pub(super) fn find_program(name: &str) -> Result<PathBuf, Failure> {
    let places = ["/usr/bin", "/usr/local/bin", "/bin"];
    let found = places.iter().map(|place| Path::new(place).join(name)).find(|path| path.is_file());
    found.ok_or_else(|| Failure::Refused(format!("there is no {name} on this machine: install git and openssh-client")))
}

/// Prints a text for the operator at once.
pub(super) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
