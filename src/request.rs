//! What a session asks for: `SSH_ORIGINAL_COMMAND` and the words of the forced command become types.
//!
//! Bytes of strangers enter, [`Request`] and [`Form`] leave. Nothing here does I/O or knows a policy, and no text is
//! repaired: what is not exactly what a client sends is refused.

mod account_command;

use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};
use crate::word::words;

pub use account_command::{AccountCommand, Noun};

/// The longest command line of a git or LFS verb, in bytes. git's own are far shorter: two components of 96 bytes.
const COMMAND_MAX: usize = 1024;

words! {
    /// What git is asked to do with a repository, by the word behind `git`, as in `git upload-pack`.
    pub enum Service {
        /// Fetch and clone.
        UploadPack = "upload-pack",
        /// Push.
        ReceivePack = "receive-pack",
        /// `git archive --remote`.
        UploadArchive = "upload-archive",
    }
}

words! {
    /// The direction of a Git LFS transfer, by the word that git-lfs sends.
    pub enum Operation {
        /// From the hub.
        Download = "download",
        /// To the hub.
        Upload = "upload",
    }
}

/// Which of the two programs a git-lfs client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LfsProgram {
    /// `git-lfs-authenticate`: where is the HTTP server, and with which token?
    Authenticate,
    /// `git-lfs-transfer`: the pure SSH protocol.
    Transfer,
}

/// A command that parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `ssh -T git@hub`: no command at all.
    Greeting,
    /// `ssh git@hub help`.
    Help,
    /// A command of an account: `whoami`, `key …` and so on.
    Account(AccountCommand),
    /// A git service on a repository.
    Git(Service, RepoPath),
    /// A Git LFS program on a repository.
    Lfs(LfsProgram, Operation, RepoPath),
}

impl Request {
    /// The repository that is asked for, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&RepoPath> {
        match self {
            Self::Greeting | Self::Help | Self::Account(_) => None,
            Self::Git(_, path) | Self::Lfs(_, _, path) => Some(path),
        }
    }

    /// The word that stands as `verb=` in the log.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::Help => "help",
            Self::Account(_) => "account",
            Self::Git(service, _) => service.as_str(),
            Self::Lfs(LfsProgram::Authenticate, ..) => "lfs-authenticate",
            Self::Lfs(LfsProgram::Transfer, ..) => "lfs-transfer",
        }
    }
}

/// Why a command is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// A verb of ours whose argument is not what clients send, or bytes that no client sends.
    #[error("invalid command")]
    Syntax,
    /// Not a verb of ours.
    #[error("command not supported")]
    Verb,
    /// Well quoted, but no repository can have that path.
    #[error("no path of a repository")]
    Path,
}

/// The verbs of the wire, behind `git-` or `git `.
enum Verb {
    Git(Service),
    Lfs(LfsProgram),
}

impl Verb {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "lfs-authenticate" => Some(Self::Lfs(LfsProgram::Authenticate)),
            "lfs-transfer" => Some(Self::Lfs(LfsProgram::Transfer)),
            word => word.parse().ok().map(Self::Git),
        }
    }
}

impl Request {
    /// Reads `SSH_ORIGINAL_COMMAND`, given as bytes; `None` where sshd did not set it.
    ///
    /// The grammar is `VERB SP ARGUMENT`, for LFS followed by ` download` or ` upload`. ARGUMENT is a word quoted as
    /// git quotes it (git's quote.c, `sq_quote_buf`) or a bare word of `[A-Za-z0-9._/~-]`.
    ///
    /// # Errors
    /// [`BadRequest`], which decides text and status of the refusal.
    pub fn parse(command: Option<&[u8]>) -> Result<Self, BadRequest> {
        let command = match command {
            None | Some(b"") => return Ok(Self::Greeting),
            Some(command) => command,
        };
        if let Some(command) = AccountCommand::parse(command) {
            return command.map(Self::Account);
        }
        let command = utf8(command).ok_or(BadRequest::Syntax)?;
        if command.len() > COMMAND_MAX || !command.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(BadRequest::Syntax);
        }
        if command == "help" {
            return Ok(Self::Help);
        }
        // `git upload-pack` is what a client sends whose remote.*.uploadpack says so.
        let rest = command.strip_prefix("git-").or_else(|| command.strip_prefix("git ")).ok_or(BadRequest::Verb)?;
        let (verb, argument) = rest.split_once(' ').unwrap_or((rest, ""));
        match Verb::parse(verb).ok_or(BadRequest::Verb)? {
            Verb::Git(service) => Ok(Self::Git(service, repo_path(argument)?)),
            Verb::Lfs(program) => {
                let (path, operation) = argument.rsplit_once(' ').ok_or(BadRequest::Syntax)?;
                let operation = operation.parse().map_err(|_| BadRequest::Syntax)?;
                Ok(Self::Lfs(program, operation, repo_path(path)?))
            }
        }
    }
}

/// Reads one quoted or bare word as the path of a repository.
fn repo_path(word: &str) -> Result<RepoPath, BadRequest> {
    let path = if word.starts_with('\'') {
        unquote(word).ok_or(BadRequest::Syntax)?
    } else {
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"._/~-".contains(&byte);
        if word.is_empty() || !word.bytes().all(bare) {
            return Err(BadRequest::Syntax);
        }
        word.to_owned()
    };
    if path.starts_with('-') {
        return Err(BadRequest::Syntax);
    }
    RepoPath::from_wire(&path).map_err(|_| BadRequest::Path)
}

/// Undoes git's quoting: the whole of `word` is `'…'`, with `'` written as `'\''` and `!` as `'\!'`. `None` otherwise.
///
/// A bare `!` inside quotes is taken as well: dulwich does not escape it.
#[must_use]
pub fn unquote(word: &str) -> Option<String> {
    let mut rest = word.strip_prefix('\'')?;
    let mut text = String::with_capacity(word.len());
    loop {
        let (quoted, after) = rest.split_once('\'')?;
        text.push_str(quoted);
        if after.is_empty() {
            return Some(text);
        }
        let mut escaped = after.strip_prefix('\\')?.chars();
        text.push(escaped.next().filter(|c| matches!(c, '\'' | '!'))?);
        rest = escaped.as_str().strip_prefix('\'')?;
    }
}

/// For whom sshd started the gateway: the last words of the forced command.
///
/// Holding one tells you that the words are well formed. It does not tell you that the key is still on the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
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

impl Form {
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

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    pub form: Option<Form>,
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
        let (config, form) = match words {
            [b"--config", file, form @ ..] if is_plain_path(file) => (Some(utf8(file)?.to_owned()), form),
            form => (None, form),
        };
        let form = match form {
            [word] if *word == UNAVAILABLE.as_bytes() => None,
            [word] if *word == AUTH_INFO.as_bytes() => Some(Form::AuthInfo),
            [b"--deploy-key", fingerprint] => Some(Form::DeployKey(utf8(fingerprint)?.parse().ok()?)),
            [user, option @ (b"--key" | b"--ca"), fingerprint] => {
                let fingerprint = utf8(fingerprint)?.parse().ok()?;
                Some(match (utf8(user)?, *option) {
                    (ANONYMOUS, b"--key") => Form::Anonymous(fingerprint),
                    (ANONYMOUS, _) => return None,
                    (user, b"--key") => Form::Account(user.parse().ok()?, fingerprint),
                    (user, _) => Form::Certificate(user.parse().ok()?, fingerprint),
                })
            }
            _ => return None,
        };
        Some(Self { config, form, login_shell })
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

#[cfg(test)]
mod tests;
