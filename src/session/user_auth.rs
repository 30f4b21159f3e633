//! `$SSH_USER_AUTH`: the file in which sshd says which key the client proved, checked against the forced command.
//!
//! If sshd is misconfigured, the variable could come from the client. So the gateway accepts only a file that sshd
//! itself wrote for this session.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use nix::fcntl::OFlag;

use crate::bounded;
use crate::key::{OfferedCertificate, OfferedKey};
use crate::request::ForcedCommand;

/// The largest file that is read, in bytes: a certificate with all its principals is smaller.
const FILE_MAX: u64 = 256 * 1024;
/// The line of a session that PAM admitted.
const NO_KEY: &str = "keyboard-interactive/pam";

/// Why the session does not match its forced command. For the log, as critical.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("SSH_USER_AUTH is not set: as login shell the gateway needs ExposeAuthInfo yes in sshd's configuration")]
    Missing,
    #[error("SSH_USER_AUTH does not name a file of sshd's: {0}")]
    Name(String),
    #[error("the file of SSH_USER_AUTH is gone: sshd removes it when the client disconnects")]
    Gone,
    #[error("the file of SSH_USER_AUTH cannot be read: {0}")]
    Read(std::io::Error),
    #[error("the file of SSH_USER_AUTH is not one that sshd wrote for this session")]
    Untrusted,
    #[error("the file of SSH_USER_AUTH does not name the key of the forced command")]
    OtherKey,
    #[error(
        "--auth-info needs the gateway as login shell: with another shell, a client could choose the forced command"
    )]
    Shell,
}

/// What the client proved to sshd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proven {
    /// A key.
    Key(OfferedKey),
    /// A certificate.
    Certificate(OfferedCertificate),
    /// Nothing: PAM admitted the client without a key.
    NoKey,
}

impl fmt::Display for Proven {
    /// The line of sshd's file, which [`proven`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "publickey {}", key.to_authorized_keys()),
            Self::Certificate(certificate) => write!(f, "publickey {}", certificate.words()),
            Self::NoKey => f.write_str(NO_KEY),
        }
    }
}

/// Checks that the client proved the key of the forced command. `file` is the value of `SSH_USER_AUTH`. Returns what
/// the file says, if there is one.
///
/// # Errors
/// [`Error`]. A session without the file is accepted only for a key, and only if the gateway is not the login shell. In
/// that case, sshd wrote the words. A login shell gets the words as one string. Without a forced command, that string
/// is the client's.
pub(crate) fn check(
    file: Option<&OsStr>,
    forced_command: &ForcedCommand,
    login_shell: bool,
) -> Result<Option<Proven>, Error> {
    if *forced_command == ForcedCommand::AuthInfo && !login_shell {
        return Err(Error::Shell);
    }
    let Some(file) = file else {
        let needed = login_shell || matches!(forced_command, ForcedCommand::Certificate(..));
        return if needed { Err(Error::Missing) } else { Ok(None) };
    };
    let proven = read(file)?;
    let is_what_was_proven = match (forced_command, &proven) {
        (ForcedCommand::AuthInfo, Some(Proven::Key(_) | Proven::Certificate(_) | Proven::NoKey)) => true,
        (ForcedCommand::Certificate(user, authority), Some(Proven::Certificate(certificate))) => {
            certificate.authority() == *authority && certificate.principal() == user
        }
        (
            ForcedCommand::Account(_, key) | ForcedCommand::Anonymous(key) | ForcedCommand::DeployKey(key),
            Some(Proven::Key(proven)),
        ) => proven.fingerprint() == *key,
        (
            ForcedCommand::Certificate(..)
            | ForcedCommand::Account(..)
            | ForcedCommand::Anonymous(_)
            | ForcedCommand::DeployKey(_)
            | ForcedCommand::AuthInfo,
            None | Some(Proven::Key(_) | Proven::Certificate(_) | Proven::NoKey),
        ) => false,
    };
    if is_what_was_proven { Ok(proven) } else { Err(Error::OtherKey) }
}

/// Reads the file, if no other program than sshd can have written it for this session.
fn read(file: &OsStr) -> Result<Option<Proven>, Error> {
    let name = file.as_encoded_bytes().strip_prefix(b"/tmp/sshauth.");
    if !name.is_some_and(|name| !name.is_empty() && name.iter().all(u8::is_ascii_alphanumeric)) {
        return Err(Error::Name(file.to_string_lossy().into_owned()));
    }
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = File::options().read(true).custom_flags(flags).open(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::Gone,
        _ => Error::Read(error),
    })?;
    let metadata = file.metadata().map_err(Error::Read)?;
    let ours = metadata.is_file()
        && metadata.uid() == nix::unistd::geteuid().as_raw()
        && metadata.mode() & 0o7777 == 0o600
        && metadata.nlink() == 1
        && metadata.len() <= FILE_MAX;
    if !ours {
        return Err(Error::Untrusted);
    }
    Ok(proven(&bounded::read(file, FILE_MAX).map_err(Error::Read)?))
}

/// Reads the file's text: a single line `publickey TYPE BASE64`, or `keyboard-interactive/pam` for a session without a
/// key.
pub(crate) fn proven(text: &[u8]) -> Option<Proven> {
    let line = text.strip_suffix(b"\n").unwrap_or(text);
    if line == NO_KEY.as_bytes() {
        return Some(Proven::NoKey);
    }
    // Splits at blanks only. A second line stays part of a word, which is then neither a type nor base64.
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let [b"publickey", key_type, base64] = words.as_slice() else {
        return None;
    };
    let certificate = || OfferedCertificate::parse(key_type, base64).ok().map(Proven::Certificate);
    OfferedKey::parse(key_type, base64).ok().map(Proven::Key).or_else(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/";

    #[test]
    fn one_line_of_publickey_is_a_proven_key() {
        assert!(proven(format!("publickey {KEY}\n").as_bytes()).is_some());
        assert!(proven(format!("publickey {KEY}").as_bytes()).is_some());
    }

    #[test]
    fn one_line_of_pam_is_a_session_without_a_key() {
        assert_eq!(proven(b"keyboard-interactive/pam\n"), Some(Proven::NoKey));
    }

    #[test]
    fn anything_else_proves_nothing() {
        for text in [
            String::new(),
            "keyboard-interactive\n".to_owned(),
            "keyboard-interactive/pam \n".to_owned(),
            "keyboard-interactive/pam\n\n".to_owned(),
            "keyboard-interactive/pam\nkeyboard-interactive/pam\n".to_owned(),
            format!("publickey {KEY}\nkeyboard-interactive/pam\n"),
            "keyboard-interactive/bsdauth\n".to_owned(),
            "password\n".to_owned(),
            "none\n".to_owned(),
            format!("publickey {KEY}\npublickey {KEY}\n"),
            format!("publickey {KEY} trailing\n"),
            format!("publickey  {KEY}\n"),
            format!("publickey\n{KEY}\n"),
            format!("publickey {}\n", KEY.replace(' ', "\n")),
            format!("publickey {KEY}\n\n"),
            format!("hostbased {KEY}\n"),
            "publickey ssh-ed25519 AAAA\n".to_owned(),
        ] {
            assert_eq!(proven(text.as_bytes()), None, "{text:?}");
        }
    }
}
