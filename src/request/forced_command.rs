//! The words of the forced command: the identity of the session that sshd starts.

use std::fmt;
use std::str::FromStr;

use super::bad_request::BadRequest;
use crate::key::Fingerprint;
use crate::name::Owner;

/// The identity that the last words of the forced command give.
///
/// Holding one tells you that the words are well formed. It does not tell you that the key is still on the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForcedCommand {
    /// `<user> --key SHA256:…`: a key on an account.
    Account(Owner, Fingerprint),
    /// `anonymous --key SHA256:…`: a key on no account.
    Anonymous(Fingerprint),
    /// `--deploy-key SHA256:…`: the deploy key of one repository.
    DeployKey(Fingerprint),
    /// `<user> --ca SHA256:…`: a certificate for an account, signed by the CA with that key.
    Certificate(Owner, Fingerprint),
    /// `--auth-info`: the identity is that of the key in `$SSH_USER_AUTH`, or anonymous if no key is there.
    AuthInfo,
}

impl ForcedCommand {
    /// The fingerprint of the key; for a certificate, that of its CA. `None` if the words name no key.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            Self::Account(_, key) | Self::Anonymous(key) | Self::DeployKey(key) | Self::Certificate(_, key) => {
                Some(*key)
            }
            Self::AuthInfo => None,
        }
    }

    /// The key as log lines and audit rows show it: `-` without a key.
    #[must_use]
    pub fn key(&self) -> String {
        self.fingerprint().map_or_else(|| "-".to_owned(), |key| key.to_string())
    }

    /// The text of `user=` in the log.
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

    /// Reads exactly the text that `Display` writes.
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

/// The user of anonymous sessions; [`Owner::new_account`] reserves the word.
pub const ANONYMOUS: &str = "anonymous";

/// The word of a `ForceCommand`: the identity comes from `$SSH_USER_AUTH` alone.
pub const AUTH_INFO: &str = "--auth-info";

/// The word that replaces the identity if the helper could not consult the database.
pub const UNAVAILABLE: &str = "--unavailable";

/// The gateway's own arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// The configuration file, if it is not the default.
    pub config: Option<String>,
    /// The identity; `None` for [`UNAVAILABLE`].
    pub forced_command: Option<ForcedCommand>,
    /// Whether the gateway is the login shell. In that case, its words came as one string after `-c`. A client without
    /// a forced command could have written that string.
    pub login_shell: bool,
}

impl Arguments {
    /// Reads the gateway's arguments without the program name. They are either the words `[--config FILE] IDENTITY`, or
    /// `-c` and one string that starts with the program's path, as a login shell gets it.
    ///
    /// # Errors
    /// `None` for all other arguments.
    #[must_use]
    pub fn parse(words: &[&[u8]]) -> Option<Self> {
        match words {
            [b"-c", command] => {
                // Two blanks in a row give an empty word, which no rule below accepts.
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

/// Whether a path is absolute and safe in a forced command: no blank, quote or character that is special to a shell or
/// sshd.
#[must_use]
pub fn is_plain_path(path: &[u8]) -> bool {
    path.starts_with(b"/") && path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(byte))
}
