//! The whole configuration of an sshd that serves hubgate and nothing else.

use std::fmt::Write;
use std::path::Path;

use super::block::{Anonymous, Block};
use crate::operator::failure::Failure;
use crate::operator::openssh::settings;

/// The host keys of the machine's sshd.
pub(super) fn host_keys(sshd: &Path, file: &Path, login: &str) -> Result<Vec<String>, Failure> {
    let settings =
        settings(sshd, file, login)?.map_err(|complaint| Failure::Refused(format!("sshd -T: {complaint}")))?;
    Ok(settings.values("hostkey").map(str::to_owned).collect())
}

/// The configuration. Only the logins of the hub may log in.
pub(super) fn text(block: &Block<'_>, port: u16, host_keys: &[String]) -> String {
    let logins = block.logins().collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "# Configuration of an OpenSSH server that serves hubgate and nothing else.\n\
         #\n\
         # `hubgate sshd-config --standalone --install` writes this file. The port is [ssh] port of hubgate's\n\
         # configuration. The unit hubgate-sshd.service starts the server.\n\
         \n\
         Port {port}\n\
         # Not the file of the machine's sshd.\n\
         PidFile /run/hubgate-sshd.pid\n\
         # The host keys of the machine's sshd.\n"
    );
    for key in host_keys {
        let _ = writeln!(text, "HostKey {key}");
    }
    let _ = write!(
        text,
        "# sshd refuses every other account.\n\
         AllowUsers {logins}\n\
         # No other way in, should an account be added to the line above.\n\
         PermitRootLogin no\n\
         AuthorizedKeysFile none\n\
         PermitEmptyPasswords no\n\
         PermitUserEnvironment no\n"
    );
    // In mode fallback, the block below turns PAM on, and states its own methods for the login.
    if !matches!(block.anonymous, Anonymous::ByPam(_)) {
        text.push_str("UsePAM no\n");
    }
    text.push_str("PasswordAuthentication no\nKbdInteractiveAuthentication no\n\n");
    text + &block.to_string()
}
