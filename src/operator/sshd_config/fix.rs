//! A problem of sshd's configuration, and the commands that fix it.

use std::path::{Path, PathBuf};

use super::block::{Block, drop_in};

/// The configuration file of the machine's sshd.
pub(in crate::operator) const MAIN: &str = "/etc/ssh/sshd_config";
/// The configuration file of an sshd for hubgate alone.
pub(in crate::operator) const STANDALONE: &str = "/etc/ssh/hubgate_sshd_config";

/// A cause for which sshd does not serve the hub's logins as hubgate needs it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::operator) struct Problem {
    /// What is wrong, in one or more clauses.
    pub(in crate::operator) texts: Vec<String>,
    /// A command or an instruction.
    pub(in crate::operator) fix: String,
    /// Whether the hub also works without the fix.
    pub(in crate::operator) may_stay: bool,
}

impl Problem {
    pub(super) fn new(text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { texts: vec![text.into()], fix: fix.into(), may_stay: false }
    }
}

/// An sshd, its configuration file, and the block that the file should have.
#[derive(Debug, Clone, Copy)]
pub(in crate::operator) struct Server<'a> {
    pub(in crate::operator) sshd: &'a Path,
    pub(in crate::operator) file: &'a Path,
    pub(in crate::operator) block: &'a Block<'a>,
}

impl Server<'_> {
    /// Whether the file is written by hubgate as a whole.
    pub(in crate::operator) fn is_standalone(&self) -> bool {
        self.file == Path::new(STANDALONE)
    }

    /// The file that hubgate writes.
    pub(super) fn own_file(&self) -> PathBuf {
        if self.is_standalone() { self.file.to_owned() } else { drop_in(self.file) }
    }

    /// The command that makes sshd read its configuration again.
    pub(super) fn reload(&self) -> String {
        format!("systemctl reload {}", unit(self.file))
    }

    /// The command that writes hubgate's own file.
    pub(in crate::operator) fn write(&self) -> String {
        let file = match self.file {
            _ if self.is_standalone() => " --standalone".to_owned(),
            file if file == Path::new(MAIN) => String::new(),
            file => format!(" --sshd-config {}", file.display()),
        };
        format!("hubgate sshd-config --install{file} && {}", self.reload())
    }

    /// A command that changes lines of a file, by scripts of sed(1).
    pub(super) fn edit(&self, file: &Path, scripts: &[String]) -> String {
        let scripts: String = scripts.iter().map(|script| format!(" -e '{script}'")).collect();
        format!("sed -i{scripts} {} && {}", file.display(), self.reload())
    }
}

/// The unit of the sshd with this configuration file.
pub(in crate::operator) fn unit(file: &Path) -> &'static str {
    if file == Path::new(MAIN) { "ssh" } else { "hubgate-sshd" }
}
