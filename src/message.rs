//! Every text that a peer reads, and the exit status that goes with it.
//!
//! Decisions enter, words leave; nothing is decided here. A text names what the peer gave and what the peer may know,
//! and never how the server is built.

use std::process::ExitCode;

use time::{Date, OffsetDateTime};

use crate::access::{AddedKey, GateRequest, NotAdmitted};
use crate::config::{AnonymousMode, Config};
use crate::name::{RepoPath, Title};
use crate::request::{BadRequest, ForcedCommand};

/// Of how many added keys a greeting tells by name.
const ADDED_MAX: usize = 3;

/// The exit statuses of every program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Done.
    Done,
    /// Refused, or not found.
    Refused,
    /// Used wrongly.
    Usage,
    /// A command that this server does not know: what a shell says of a program that is not there.
    NotSupported,
    /// A fault of ours, or temporarily unavailable. git prints nothing of its own for it.
    Fault,
}

impl Status {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::NotSupported => 127,
            Self::Fault => 128,
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        status.code().into()
    }
}

/// What a session comes to when it is not handed to git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The command is none of ours.
    Bad(BadRequest),
    /// A verb of ours that this hub does not serve.
    NotSupported,
    /// Missing or hidden.
    NoRepository,
    /// The same, for a push by somebody who may create it there.
    NotCreated(RepoPath),
    /// Visible, not writable.
    ReadOnly(RepoPath),
    /// To be asked for.
    Gated(RepoPath, GateRequest),
    /// Takes no pushes, for the operator's reason.
    Frozen(RepoPath, String),
    /// The key or the account is not good.
    NotAdmitted(NotAdmitted),
    /// Every session that the account, or the address, may have is under way.
    TooManySessions,
    /// `git-lfs-authenticate` where large files are served inside SSH.
    LfsInsideSsh,
    /// `git-lfs-transfer` where large files are on an HTTP server.
    LfsOverHttp,
    /// LFS where it is off.
    LfsOff,
}

impl Refusal {
    /// What stands as `reason=` in the log.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Bad(BadRequest::Syntax) => "syntax",
            Self::Bad(BadRequest::Verb) => "verb",
            Self::Bad(BadRequest::Path) => "path",
            Self::NotSupported => "off",
            Self::NoRepository | Self::NotCreated(_) => "no-repository",
            Self::ReadOnly(_) => "read-only",
            Self::Gated(..) => "gated",
            Self::Frozen(..) => "frozen",
            Self::NotAdmitted(NotAdmitted::NoLongerOn) => "key-removed",
            Self::NotAdmitted(NotAdmitted::Address(_)) => "key-address",
            Self::NotAdmitted(NotAdmitted::Certificate(_)) => "certificate",
            Self::NotAdmitted(NotAdmitted::Expired(_)) => "key-expired",
            Self::NotAdmitted(NotAdmitted::Disabled(_)) => "account-disabled",
            Self::NotAdmitted(NotAdmitted::Compromised) => "key-compromised",
            Self::NotAdmitted(NotAdmitted::OtherAccount) => "other-account",
            Self::TooManySessions => "too-many-sessions",
            Self::LfsInsideSsh => "lfs-inside-ssh",
            Self::LfsOverHttp => "lfs-over-http",
            Self::LfsOff => "lfs-off",
        }
    }
}

/// Something of ours that failed; the peer gets a reference, the log the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// It may work in a minute.
    Unavailable,
    /// It will not.
    Broken,
}

/// The text and the status of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// For standard output: the greeting and what was asked for.
    pub out: String,
    /// For standard error: one line each, without prefix.
    pub err: Vec<String>,
    /// The exit status.
    pub status: Status,
}

impl Answer {
    /// What a peer reads of a fault: one fixed sentence, and a reference that the log has too.
    #[must_use]
    pub fn fault(kind: FaultKind, reference: &str) -> Self {
        let line = match kind {
            FaultKind::Unavailable => format!("temporarily unavailable, try again in a minute (reference {reference})"),
            FaultKind::Broken => format!("the server could not serve this request (reference {reference})"),
        };
        Self { out: String::new(), err: vec![line], status: Status::Fault }
    }

    /// Standard error as it is written: each line behind `hubgate: `, without control characters.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.err.iter().map(|line| said(line)).collect()
    }
}

/// A line of ours for standard error.
#[must_use]
pub fn said(line: &str) -> String {
    format!("hubgate: {}\n", line.replace(char::is_control, "?"))
}

/// Words the answers of one session.
#[derive(Debug, Clone, Copy)]
pub struct Speaker<'a> {
    /// For names and addresses.
    pub config: &'a Config,
    /// For whom sshd started the session.
    pub form: &'a ForcedCommand,
    /// The title of the key, where it is on an account or a repository.
    pub title: Option<&'a Title>,
    /// The repository of a deploy key.
    pub deployed: Option<&'a RepoPath>,
}

impl Speaker<'_> {
    /// What `ssh -T` prints.
    #[must_use]
    pub fn greeting(&self) -> Answer {
        let hub = &self.config.hub;
        let (name, err) = match self.form {
            ForcedCommand::Account(user, _) | ForcedCommand::Certificate(user, _) => (user.to_string(), Vec::new()),
            ForcedCommand::DeployKey(_) => (self.deploy_key(), Vec::new()),
            ForcedCommand::Anonymous(_) | ForcedCommand::AuthInfo => {
                let mut lines = vec![self.nobody()];
                if !hub.keys_help.is_empty() {
                    let which =
                        if self.form.fingerprint().is_some() && !self.is_anonymous_login() { "it" } else { "one" };
                    lines.push(format!("add {which} to your account: {}", hub.keys_help));
                }
                lines.push(self.other_key());
                ("anonymous".to_owned(), lines)
            }
        };
        Answer { out: format!("Hi {name}, welcome to {}.\n", hub.name), err, status: Status::Done }
    }

    /// What a peer is told beside what it asked for: that the key will soon be over, and that a path has changed.
    #[must_use]
    pub fn notices(&self, expires_at: Option<i64>, now: i64, moved: Option<&RepoPath>) -> Answer {
        let soon = expires_at.filter(|end| (now..now + 7 * 86_400).contains(end));
        let expiry = soon.map(|end| format!("the key {} expires on {}", self.key(), last_day(end)));
        let moved = moved.map(|path| format!("this repository is now {path}: use {}:{path}", self.at()));
        Answer { out: String::new(), err: expiry.into_iter().chain(moved).collect(), status: Status::Done }
    }

    /// What a key is told at its greeting of others that came onto the account: of the newest by name.
    #[must_use]
    pub fn added(&self, mut keys: Vec<AddedKey>) -> Answer {
        keys.sort_by_key(|key| std::cmp::Reverse(key.added_at));
        let at = self.at();
        let line = |AddedKey { fingerprint, title, added_at }: &AddedKey| {
            let day = day(*added_at);
            format!(
                "the key \"{title}\" ({fingerprint}) was added on {day}: \
                 if you do not know it: ssh {at} key remove {fingerprint}"
            )
        };
        let more = keys.len().saturating_sub(ADDED_MAX);
        let more = (more > 0).then(|| format!("and {more} more were added: ssh {at} key list"));
        let err = keys.iter().take(ADDED_MAX).map(line).chain(more).collect();
        Answer { out: String::new(), err, status: Status::Done }
    }

    /// What `help` prints.
    #[must_use]
    pub fn help(&self) -> Answer {
        let at = self.at();
        let out = format!(
            "This server speaks git over SSH:\n  \
             git clone {at}:OWNER/NAME              a model\n  \
             git clone {at}:datasets/OWNER/NAME     a dataset\n  \
             git clone {at}:spaces/OWNER/NAME       a space\n  \
             ssh -T {at}                            says who you are\n\
             and has commands of its own for your account, each with --help and --json:\n  \
             ssh {at} whoami\n  \
             ssh {at} key add [TITLE] < id_ed25519.pub    key list|rename|remove|release\n  \
             ssh {at} repo create|list|show|rename|visibility|remove|collaborator\n  \
             ssh {at} org member list|set|remove\n  \
             ssh {at} access request|list|grant|reject|revoke\n  \
             ssh {at} explain PATH fetch|push\n  \
             ssh {at} join CODE\n"
        );
        Answer { out, err: Vec::new(), status: Status::Done }
    }

    /// What a refused peer reads.
    #[must_use]
    pub fn refusal(&self, refusal: &Refusal) -> Answer {
        let (line, you_are) = match refusal {
            Refusal::Bad(BadRequest::Syntax) => ("invalid command".to_owned(), Vec::new()),
            Refusal::Bad(BadRequest::Verb) | Refusal::NotSupported => (self.not_supported(), Vec::new()),
            Refusal::Bad(BadRequest::Path) | Refusal::NoRepository => {
                ("repository not found, or you have no access to it".to_owned(), self.you_are())
            }
            Refusal::NotCreated(path) => {
                let create = format!("create it with: ssh {} repo create {path}", self.at());
                let more = self.you_are().into_iter().chain([create]).collect();
                ("repository not found, or you have no access to it".to_owned(), more)
            }
            Refusal::ReadOnly(path) => (format!("you have no write access to {path}"), self.you_are()),
            Refusal::Gated(path, request) => (self.gated(path, *request), self.you_are()),
            Refusal::Frozen(path, reason) => (format!("{path} is read-only: {reason}"), Vec::new()),
            Refusal::NotAdmitted(reason) => (self.not_admitted(reason), Vec::new()),
            Refusal::TooManySessions => {
                ("too many sessions at once: wait until one of yours has ended".to_owned(), Vec::new())
            }
            Refusal::LfsInsideSsh => {
                ("LFS is served inside SSH here: update git-lfs to 3.0 or newer".to_owned(), Vec::new())
            }
            Refusal::LfsOverHttp => {
                ("LFS is served over HTTP here: git-lfs-authenticate tells where".to_owned(), Vec::new())
            }
            Refusal::LfsOff => ("LFS is not served here".to_owned(), Vec::new()),
        };
        let status = match refusal {
            Refusal::Bad(BadRequest::Verb) | Refusal::NotSupported => Status::NotSupported,
            Refusal::Bad(BadRequest::Syntax | BadRequest::Path)
            | Refusal::NoRepository
            | Refusal::NotCreated(_)
            | Refusal::ReadOnly(_)
            | Refusal::Gated(..)
            | Refusal::Frozen(..)
            | Refusal::NotAdmitted(_)
            | Refusal::TooManySessions
            | Refusal::LfsInsideSsh
            | Refusal::LfsOverHttp
            | Refusal::LfsOff => Status::Refused,
        };
        Answer { out: String::new(), err: std::iter::once(line).chain(you_are).collect(), status }
    }

    fn not_supported(&self) -> String {
        format!("command not supported: this server speaks git, git-lfs and its own commands (ssh {} help)", self.at())
    }

    fn not_admitted(&self, reason: &NotAdmitted) -> String {
        let key = self.form.key();
        match (reason, self.form) {
            (NotAdmitted::Compromised, _) => format!("the key {key} was removed as compromised"),
            (NotAdmitted::Expired(end), _) => format!("the key {} expired on {}", self.key(), last_day(*end)),
            (NotAdmitted::Address(address), _) => format!("the key {} may not be used from {address}", self.key()),
            (NotAdmitted::Disabled(reason), form) => format!("the account {} is disabled: {reason}", form.user()),
            (NotAdmitted::Certificate(problem), _) => format!("the certificate is not good: {problem}"),
            (NotAdmitted::NoLongerOn | NotAdmitted::OtherAccount, ForcedCommand::Account(user, _)) => {
                format!("the key {key} is no longer on the account {user}")
            }
            (NotAdmitted::NoLongerOn | NotAdmitted::OtherAccount, ForcedCommand::DeployKey(_)) => {
                format!("the key {key} is no longer on the repository")
            }
            (
                NotAdmitted::NoLongerOn | NotAdmitted::OtherAccount,
                ForcedCommand::Anonymous(_) | ForcedCommand::Certificate(..),
            ) => {
                format!("the key {key} is on no account here")
            }
            (NotAdmitted::NoLongerOn | NotAdmitted::OtherAccount, ForcedCommand::AuthInfo) => {
                "nobody is let in without a key any more".to_owned()
            }
        }
    }

    fn gated(&self, path: &RepoPath, request: GateRequest) -> String {
        match request {
            GateRequest::None => {
                format!(
                    "access to {path} is restricted: ask for it with: ssh {} access request {path}",
                    self.at_login()
                )
            }
            GateRequest::Pending => format!("access to {path} is restricted: your request waits for an answer"),
            GateRequest::Accepted | GateRequest::Rejected => {
                format!("access to {path} is restricted: your request was rejected")
            }
        }
    }

    fn you_are(&self) -> Vec<String> {
        match (self.form, self.title) {
            (ForcedCommand::Account(user, key), Some(title)) => {
                vec![format!("you are {user}, by the key \"{title}\" ({key})")]
            }
            (ForcedCommand::Account(user, key), None) => vec![format!("you are {user}, by the key {key}")],
            (ForcedCommand::Certificate(user, key), _) => vec![format!("you are {user}, by a certificate of {key}")],
            (ForcedCommand::DeployKey(key), _) => vec![format!("you are the {} ({key})", self.deploy_key())],
            (ForcedCommand::Anonymous(_) | ForcedCommand::AuthInfo, _) => {
                vec![format!("you are anonymous: {}", self.nobody()), self.other_key()]
            }
        }
    }

    /// The key, by its title where that is known.
    fn key(&self) -> String {
        let key = self.form.key();
        self.title.map_or_else(|| key.clone(), |title| format!("\"{title}\" ({key})"))
    }

    fn deploy_key(&self) -> String {
        self.deployed.map_or_else(|| "deploy key".to_owned(), |path| format!("deploy key of {path}"))
    }

    /// Why a peer is nobody.
    fn nobody(&self) -> String {
        match (self.form.fingerprint(), self.config.access.anonymous) {
            (None, _) => "none of your keys is on an account here".to_owned(),
            (Some(_), AnonymousMode::Login) => format!("whoever connects as {} is anonymous", self.at()),
            (Some(key), AnonymousMode::AnyKey | AnonymousMode::Fallback | AnonymousMode::Off) => {
                format!("the key {key} is on no account here")
            }
        }
    }

    /// The way out for a peer whose agent offered the wrong key first, or who came by the wrong login.
    fn other_key(&self) -> String {
        if self.is_anonymous_login() {
            format!("to come by a key on an account: ssh {}", self.at_login())
        } else {
            format!("to use another key: ssh -o IdentitiesOnly=yes -i FILE {}", self.at_login())
        }
    }

    fn is_anonymous_login(&self) -> bool {
        matches!((self.form, self.config.access.anonymous), (ForcedCommand::Anonymous(_), AnonymousMode::Login))
    }

    /// Where accounts connect.
    fn at_login(&self) -> String {
        format!("{}@{}", self.config.ssh.login, self.config.hub.host)
    }

    /// Where this peer connects.
    fn at(&self) -> String {
        if self.is_anonymous_login() {
            format!("{}@{}", self.config.ssh.anonymous_login, self.config.hub.host)
        } else {
            self.at_login()
        }
    }
}

/// The last day on which something was good that ends with this second: an end at midnight is that of the day before.
fn last_day(end: i64) -> Date {
    day(end.saturating_sub(1))
}

/// The day of a second.
fn day(second: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(second).map_or(Date::MAX, OffsetDateTime::date)
}

#[cfg(test)]
mod tests;
