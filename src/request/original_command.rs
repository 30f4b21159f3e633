//! `SSH_ORIGINAL_COMMAND` becomes a [`Request`].

use super::account_command::AccountCommand;
use super::bad_request::BadRequest;
use super::verb::{LfsProgram, Operation, Service};
use super::words::unquote;
use crate::name::RepoPath;

/// The longest git or LFS command, in bytes. git's own commands are far shorter: two components of 96 bytes.
const COMMAND_MAX: usize = 1024;

/// A command that matches the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// No command, as in `ssh -T git@hub`.
    Greeting,
    /// `ssh git@hub help`.
    Help,
    /// An account command, such as `whoami` or `key …`.
    Account(AccountCommand),
    /// A git service on a repository.
    Git(Service, RepoPath),
    /// A Git LFS program on a repository.
    Lfs(LfsProgram, Operation, RepoPath),
}

impl Request {
    /// The repository of the command, if it names one.
    #[must_use]
    pub fn path(&self) -> Option<&RepoPath> {
        match self {
            Self::Greeting | Self::Help | Self::Account(_) => None,
            Self::Git(_, path) | Self::Lfs(_, _, path) => Some(path),
        }
    }

    /// The text of `verb=` in the log.
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

impl Request {
    /// Reads `SSH_ORIGINAL_COMMAND` as bytes; `None` means that sshd did not set it.
    ///
    /// The grammar is `VERB SP ARGUMENT`; an LFS verb also requires ` download` or ` upload` at the end. ARGUMENT is a
    /// word that git quoted (quote.c, `sq_quote_buf`) or a bare word of `[A-Za-z0-9._/~-]`.
    ///
    /// # Errors
    /// [`BadRequest`], which determines text and status of the refusal.
    pub fn parse(command: Option<&[u8]>) -> Result<Self, BadRequest> {
        let command = match command {
            None | Some(b"") => return Ok(Self::Greeting),
            Some(command) => command,
        };
        if let Some(command) = AccountCommand::parse(command) {
            return command.map(Self::Account);
        }
        let command = std::str::from_utf8(command).map_err(|_| BadRequest::Syntax)?;
        if command.len() > COMMAND_MAX || !command.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(BadRequest::Syntax);
        }
        if command == "help" {
            return Ok(Self::Help);
        }
        // If remote.*.uploadpack is `git upload-pack`, git sends the verb with a blank.
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

/// The verbs of git and LFS, after `git-` or `git `.
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

/// Reads a quoted or bare word as a repository path.
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
