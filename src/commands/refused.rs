//! Why a command was refused or failed, as types. The operator's program and `services` each word it for their reader.

use crate::access::proposal::Opening;
use crate::db::{self, ChangeError, DatabaseError};
use crate::key::{Fingerprint, KeyError};
use crate::message::{FaultKind, Refusal, Status, reserved};
use crate::name::{NameError, Owner, RepoPath, Title};
use crate::push::BranchName;

/// Why a command did nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Refused with the message that git clients get.
    #[error("{}", .0.reason())]
    Refusal(Refusal),
    /// The session may not run it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The state of the hub does not allow it.
    #[error(transparent)]
    Change(ChangeError),
    /// The command cannot be undone, and the requester did not confirm it. Holds the question.
    #[error("{0}")]
    Unconfirmed(String),
    /// Wrong usage.
    #[error("{0}")]
    Usage(String),
    /// A key that hubgate does not accept.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A title or description that hubgate does not accept.
    #[error(transparent)]
    Text(#[from] NameError),
    /// The server failed. The text is for the log.
    #[error("{1}")]
    Fault(FaultKind, String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Why a session may not run a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// The session speaks for no account.
    #[error("this needs an account: connect with a key that is on an account here")]
    NoAccount,
    /// The key is of scope `read`.
    #[error("this needs a key of scope write, and the key that you are using has scope read")]
    ReadingKey,
    /// The session was opened by a certificate.
    #[error("this needs a key on your account: a certificate cannot change anything here")]
    Certificate,
    /// The session was opened by a certificate, which shows nothing of its account.
    #[error("this needs a key on your account: a certificate shows only what concerns its organization")]
    CertificateShows,
    /// Not an administrator of the repository.
    #[error("you do not administer {0}")]
    Repository(RepoPath),
    /// Neither owner nor creator of the repository.
    #[error("you may neither rename nor remove {0}")]
    Manage(RepoPath),
    /// May not open proposals.
    #[error("{}", .0.problem().unwrap_or_default())]
    Propose(Opening),
    /// The repository has no such branch.
    #[error("{0} has no branch {1}: push it first")]
    NoBranch(RepoPath, BranchName),
    /// Not allowed to create repositories there.
    #[error("you may not create repositories of {0}")]
    Create(Owner),
    /// The path is in use.
    #[error("there is already a {kind} {path}", kind = .path.kind)]
    Exists { path: RepoPath },
    /// The path is reserved for a repository that was moved away from it.
    #[error("{}", reserved(.0))]
    Reserved(RepoPath),
    /// May not give the repository to that owner.
    #[error("you may not transfer {0} to {1}")]
    Transfer(RepoPath, Owner),
    /// Not an administrator of the organization.
    #[error("you do not administer {0}")]
    Organization(Owner),
    /// The hub as a scope.
    #[error("only the operator may see and change what applies to the whole hub")]
    Hub,
    /// Not a member of the organization.
    #[error("you are not a member of {0}")]
    Member(Owner),
    /// The key is on another account, or unknown.
    #[error("there is no key {0} on your account")]
    Key(Fingerprint),
    /// No key has the title.
    #[error("there is no key with the title \"{0}\"")]
    NoTitle(Title),
    /// Several keys have the title.
    #[error("{1} keys have the title \"{0}\": name one of them by its fingerprint")]
    SameTitle(Title, usize),
    /// Only the key in use can be marked as compromised.
    #[error("you can mark only the key that you are using as compromised: ask the operator about another key")]
    Compromised,
    /// The session may fetch the repository without a request.
    #[error("you may already fetch {0}")]
    Fetches(RepoPath),
    /// `key release` without a key.
    #[error("you connected without a key")]
    NoKey,
    /// `key release` with a key that is on no account and no repository.
    #[error("the key {0} is not on an account or a repository here")]
    Unknown(Fingerprint),
    /// `join` with a key that is in use.
    #[error("the key that you are using is already in use: join with a new one")]
    InUse,
    /// `invite` on a hub that admits only registered keys.
    #[error("[access] anonymous is off, so the holder of a code could not connect: add the key yourself")]
    NoJoin,
    /// An answer to a request, but the repository has no gate.
    #[error("{0} has no gate, so this would have no effect: grant a role on it")]
    NoGate(RepoPath),
    /// A code that is wrong, used or expired.
    #[error("this code is wrong, used or expired: ask for a new one")]
    Code,
    /// Too many wrong codes.
    #[error("too many wrong codes: check the code, or ask for a new one")]
    Codes,
}

impl Refused {
    /// The exit status.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Usage(_) | Self::Unconfirmed(_) | Self::Text(_) | Self::Change(ChangeError::Name(..)) => {
                Status::Usage
            }
            Self::Key(error) if !matches!(error, KeyError::WeakKeys(_)) => Status::Usage,
            Self::Key(_)
            | Self::Denied(_)
            | Self::Change(_)
            | Self::Refusal(_)
            | Self::Fault(..)
            | Self::Database(_) => Status::Refused,
        }
    }

    /// The text of `reason=` in the log.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Refusal(refusal) => refusal.reason(),
            Self::Denied(Denied::Code) => "wrong-code",
            Self::Denied(Denied::Codes) => "too-many-codes",
            Self::Denied(_) => "no-right",
            Self::Change(_) => "conflict",
            Self::Unconfirmed(_) => "not-confirmed",
            Self::Usage(_) | Self::Text(_) => "usage",
            Self::Key(_) => "key",
            Self::Fault(..) | Self::Database(_) => "fault",
        }
    }

    /// The command to run next, without its first words, which depend on the reader.
    pub(crate) fn next_command(&self) -> Option<String> {
        match self {
            Self::Change(ChangeError::LastAdmin(organization)) => {
                Some(format!("org member set {organization} USER admin"))
            }
            Self::Denied(Denied::NoGate(path)) => Some(format!("repo collaborator set {path} USER read")),
            Self::Denied(Denied::NoJoin) => Some("key add USER FILE".to_owned()),
            _ => None,
        }
    }
}

impl From<ChangeError> for Refused {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Database(error) => Self::Database(error),
            other => Self::Change(other),
        }
    }
}

impl DatabaseError for Refused {
    fn database(&self) -> Option<&db::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Refusal(_)
            | Self::Denied(_)
            | Self::Change(_)
            | Self::Unconfirmed(_)
            | Self::Usage(_)
            | Self::Key(_)
            | Self::Text(_)
            | Self::Fault(..) => None,
        }
    }
}
