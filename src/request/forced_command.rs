//! The words of the forced command: for whom sshd started the gateway.

use std::fmt;
use std::str::FromStr;

use super::bad_request::BadRequest;
use crate::key::Fingerprint;
use crate::name::Owner;

/// For whom sshd started the gateway: the last words of the forced command.
///
/// Holding one tells you that the words are well formed. It does not tell you that the key is still on the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForcedCommand {
    /// `<user> --key SHA256:…`: a key on an account.
    Account(Owner, Fingerprint),
    /// `anonymous --key SHA256:…`: a key on no account.
    Anonymous(Fingerprint),
    /// `--deploy-key SHA256:…`: a key of one repository.
    DeployKey(Fingerprint),
    /// `<user> --ca SHA256:…`: a certificate for an account, by the authority of that key.
    Certificate(Owner, Fingerprint),
    /// `--auth-info`: nobody but whom `$SSH_USER_AUTH` names; where it names no key, somebody without one.
    AuthInfo,
}

impl ForcedCommand {
    /// The key that the session is about; of a certificate, its authority's. `None` where the words name none.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Account(_, key) | Self::Anonymous(key) | Self::DeployKey(key) | Self::Certificate(_, key) => {
                Some(*key)
            }
            Self::AuthInfo => None,
        }
    }

    /// The key as a log line and an audit row have it: `-` where there is none.
    #[must_use]
    pub fn key(&self) -> String {
        self.fingerprint().map_or_else(|| "-".to_owned(), |key| key.to_string())
    }

    /// What stands as `user=` in the log.
    #[must_use]
    pub fn user(&self) -> &str {
        match self {
            Self::Account(user, _) | Self::Certificate(user, _) => user.as_str(),
            Self::Anonymous(_) | Self::AuthInfo => ANONYMOUS,
            Self::DeployKey(_) => "-",
        }
    }
}

impl ForcedCommand {
    fn from_words(words: &[&[u8]]) -> Option<Self> {
        match words {
            [word] if *word == AUTH_INFO.as_bytes() => Some(Self::AuthInfo),
            [b"--deploy-key", fingerprint] => Some(Self::DeployKey(utf8(fingerprint)?.parse().ok()?)),
            [user, option @ (b"--key" | b"--ca"), fingerprint] => {
                let fingerprint = utf8(fingerprint)?.parse().ok()?;
                match (utf8(user)?, *option) {
                    (ANONYMOUS, b"--key") => Some(Self::Anonymous(fingerprint)),
                    (ANONYMOUS, _) => None,
                    (user, b"--key") => Some(Self::Account(user.parse().ok()?, fingerprint)),
                    (user, _) => Some(Self::Certificate(user.parse().ok()?, fingerprint)),
                }
            }
            _ => None,
        }
    }
}

impl FromStr for ForcedCommand {
    type Err = BadRequest;

    /// Reads the one form that `Display` writes.
    fn from_str(text: &str) -> Result<Self, BadRequest> {
        let words: Vec<&[u8]> = text.split(' ').map(str::as_bytes).collect();
        Self::from_words(&words).ok_or(BadRequest::Syntax)
    }
}

impl fmt::Display for ForcedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(user, key) => write!(f, "{user} --key {key}"),
            Self::Anonymous(key) => write!(f, "{ANONYMOUS} --key {key}"),
            Self::DeployKey(key) => write!(f, "--deploy-key {key}"),
            Self::Certificate(user, authority) => write!(f, "{user} --ca {authority}"),
            Self::AuthInfo => f.write_str(AUTH_INFO),
        }
    }
}

/// The word that stands for nobody; [`Owner::new_account`] keeps it back.
pub const ANONYMOUS: &str = "anonymous";

/// The word by which a `ForceCommand` leaves it to `$SSH_USER_AUTH` who the session speaks for.
pub const AUTH_INFO: &str = "--auth-info";

/// The word that stands in place of a form where the database could not be asked whose key it is.
pub const UNAVAILABLE: &str = "--unavailable";

/// The gateway's own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The configuration file, where it is not the default one.
    pub config: Option<String>,
    /// For whom; `None` where nobody can say, which is what [`UNAVAILABLE`] stands for.
    pub forced_command: Option<ForcedCommand>,
    /// Whether the gateway is the login shell: then the words came as one string behind `-c`, and a client without a
    /// forced command could have written them.
    pub login_shell: bool,
}

impl Arguments {
    /// Reads the gateway's arguments without the program's name: `[--config FILE] FORM` as words, or, as login shell,
    /// `-c` and one string that starts with the program's path.
    ///
    /// # Errors
    /// `None` where they are anything else.
    #[must_use]
    pub fn parse(words: &[&[u8]]) -> Option<Self> {
        match words {
            [b"-c", command] => {
                // Split at single blanks: two in a row give an empty word, which no place below takes.
                let words: Vec<&[u8]> = command.split(|byte| *byte == b' ').collect();
                match words.as_slice() {
                    [program, words @ ..] if is_plain_path(program) => Self::from_words(words, true),
                    _ => None,
                }
            }
            words => Self::from_words(words, false),
        }
    }

    fn from_words(words: &[&[u8]], login_shell: bool) -> Option<Self> {
        let (config, words) = match words {
            [b"--config", file, words @ ..] if is_plain_path(file) => (Some(utf8(file)?.to_owned()), words),
            words => (None, words),
        };
        let forced_command = match words {
            [word] if *word == UNAVAILABLE.as_bytes() => None,
            words => Some(ForcedCommand::from_words(words)?),
        };
        Some(Self { config, forced_command, login_shell })
    }
}

fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Whether a path is absolute and safe inside a forced command: no blank, quote or sign that a shell or sshd reads.
#[must_use]
pub fn is_plain_path(path: &[u8]) -> bool {
    path.starts_with(b"/") && path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(byte))
}
