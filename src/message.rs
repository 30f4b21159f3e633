//! Every text that a peer reads, and its exit status.
//!
//! Decisions enter and texts leave; this module decides nothing. A text names only what the peer sent or may know, and
//! never how the server is built.

use std::process::ExitCode;

use time::{Date, OffsetDateTime};

use crate::access::{AddedKey, AddedMembership, GateRequest, NotAdmitted};
use crate::config::{Address, AnonymousMode, Config};
use crate::name::{RepoPath, Shown, Title};
use crate::request::{BadRequest, ForcedCommand};

/// The number of added keys that a greeting lists by title.
const ADDED_MAX: usize = 3;

/// The exit statuses of every program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Done.
    Done,
    /// Refused, or not found.
    Refused,
    /// Wrong usage.
    Usage,
    /// There is something to change, and the command has not changed it.
    Pending,
    /// A command that this server does not know; a shell exits with this status for a missing program.
    NotSupported,
    /// A fault of the server, or temporarily unavailable. git adds no message of its own for this status.
    Fault,
}

impl Status {
    /// The exit status as a number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Pending => 3,
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

/// Why a session ends without starting git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// hubgate cannot read the command.
    Bad(BadRequest),
    /// A known verb that this hub does not offer.
    NotSupported,
    /// The repository is missing or hidden.
    NoRepository,
    /// The repository is missing, and the peer that pushes to it may create it.
    NotCreated(RepoPath),
    /// The repository is missing or hidden, and the peer that pushes could create it there if the path were not
    /// reserved.
    Reserved(RepoPath),
    /// The peer may fetch but not write.
    ReadOnly(RepoPath),
    /// The repository is gated, and the peer has no accepted request.
    Gated(RepoPath, GateRequest),
    /// The repository is frozen, for the operator's reason.
    Frozen(RepoPath, String),
    /// The key or the account is not valid.
    NotAdmitted(NotAdmitted),
    /// The account or the address has reached its limit of sessions.
    TooManySessions,
    /// `git-lfs-authenticate` on a hub that serves LFS over SSH.
    LfsInsideSsh,
    /// `git-lfs-transfer` on a hub that serves LFS over HTTP.
    LfsOverHttp,
    /// An LFS command on a hub without LFS.
    LfsOff,
}

impl Refusal {
    /// The text of `reason=` in the log.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Bad(BadRequest::Syntax) => "syntax",
            Self::Bad(BadRequest::Verb) => "verb",
            Self::Bad(BadRequest::Path) => "path",
            Self::NotSupported => "off",
            Self::NoRepository | Self::NotCreated(_) | Self::Reserved(_) => "no-repository",
            Self::ReadOnly(_) => "read-only",
            Self::Gated(..) => "gated",
            Self::Frozen(..) => "frozen",
            Self::NotAdmitted(NotAdmitted::NoLongerOn) => "key-removed",
            Self::NotAdmitted(NotAdmitted::Address(_)) => "key-address",
            Self::NotAdmitted(NotAdmitted::Certificate(_)) => "certificate",
            Self::NotAdmitted(NotAdmitted::Expired(_)) => "key-expired",
            Self::NotAdmitted(NotAdmitted::Disabled(_)) => "account-disabled",
            Self::NotAdmitted(NotAdmitted::Compromised) => "key-compromised",
            Self::NotAdmitted(NotAdmitted::Renamed(_)) => "account-renamed",
            Self::NotAdmitted(NotAdmitted::OtherAccount) => "other-account",
            Self::TooManySessions => "too-many-sessions",
            Self::LfsInsideSsh => "lfs-inside-ssh",
            Self::LfsOverHttp => "lfs-over-http",
            Self::LfsOff => "lfs-off",
        }
    }
}

/// A fault of the server. The peer sees a reference, and the log has the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A retry in a minute may work.
    Unavailable,
    /// A retry does not help.
    Broken,
}

/// The texts and the exit status of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Standard output: the greeting, or the output of a command.
    pub out: String,
    /// The lines of standard error, without the prefix `hubgate: `.
    pub err: Vec<String>,
    /// The exit status.
    pub status: Status,
}

impl Answer {
    /// A fault as the peer sees it: one fixed sentence with a reference that is also in the log.
    #[must_use]
    pub fn fault(kind: FaultKind, reference: &str) -> Self {
        let line = match kind {
            FaultKind::Unavailable => format!("temporarily unavailable, try again in a minute (reference {reference})"),
            FaultKind::Broken => format!("the server could not serve this request (reference {reference})"),
        };
        Self { out: String::new(), err: vec![line], status: Status::Fault }
    }

    /// Standard error as written: each line with the prefix `hubgate: ` and without control characters.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.err.iter().map(|line| said(line)).collect()
    }
}

/// What each line for a client begins with, on standard error.
pub const PREFIX: &str = "hubgate: ";

/// One line for standard error.
#[must_use]
pub fn said(line: &str) -> String {
    format!("{PREFIX}{}\n", Shown(line))
}

/// Writes the answers of one session.
#[derive(Debug, Clone, Copy)]
pub struct Messages<'a> {
    /// Names and addresses of the hub.
    pub config: &'a Config,
    /// The forced command that sshd started the session with.
    pub forced_command: &'a ForcedCommand,
    /// The title of the key, if the key is on an account or a repository.
    pub title: Option<&'a Title>,
    /// The repository of a deploy key.
    pub deployed: Option<&'a RepoPath>,
    /// Whether an anonymous session may have hidden a certificate: an organization has a CA, and sshd accepts the first
    /// key that the client offers.
    pub may_hide_certificate: bool,
    /// Whether the key of an anonymous session was added to an account or a repository after the connection was opened.
    pub was_added: bool,
}

impl<'a> Messages<'a> {
    /// The answers for a forced command of which nothing else is known.
    #[must_use]
    pub fn new(config: &'a Config, forced_command: &'a ForcedCommand) -> Self {
        Self { config, forced_command, title: None, deployed: None, may_hide_certificate: false, was_added: false }
    }

    /// What `ssh -T` prints.
    #[must_use]
    pub fn greeting(&self) -> Answer {
        let hub = &self.config.hub;
        let (name, err) = match self.forced_command {
            ForcedCommand::Account(user, _) | ForcedCommand::Certificate(user, _) => (user.to_string(), Vec::new()),
            ForcedCommand::DeployKey(_) => (self.deploy_key(), Vec::new()),
            ForcedCommand::Anonymous(_) | ForcedCommand::AuthInfo => {
                let mut lines = vec![self.nobody()];
                if !hub.keys_help.is_empty() && !self.was_added {
                    let which = if self.forced_command.fingerprint().is_some() && !self.is_anonymous_login() {
                        "it"
                    } else {
                        "one"
                    };
                    lines.push(format!("add {which} to your account: {}", hub.keys_help));
                }
                lines.extend(self.other_keys());
                ("anonymous".to_owned(), lines)
            }
        };
        Answer { out: format!("Hi {name}, welcome to {}.\n", hub.name), err, status: Status::Done }
    }

    /// Notices beside an answer: that the key expires within a week, and that the repository has a new path.
    #[must_use]
    pub fn notices(&self, expires_at: Option<i64>, now: i64, moved: Option<&RepoPath>) -> Answer {
        let soon = expires_at.filter(|end| (now..now + 7 * 86_400).contains(end));
        let expiry = soon.map(|end| format!("the key {} expires on {}", self.key(), last_day(end)));
        let moved = moved.map(|path| format!("this repository is now {path}: use {}", self.at().url(path)));
        Answer { out: String::new(), err: expiry.into_iter().chain(moved).collect(), status: Status::Done }
    }

    /// A notice that the session waits, because `most` sessions run.
    #[must_use]
    pub fn waiting(&self, most: u32) -> Answer {
        let line = format!("waiting for the end of another of your sessions: at most {most} run at once");
        Answer { out: String::new(), err: vec![line], status: Status::Done }
    }

    /// Lists what was added to the account since this key was last greeted: the newest keys, and the organizations that
    /// it was put into.
    #[must_use]
    pub fn added(&self, mut keys: Vec<AddedKey>, mut memberships: Vec<AddedMembership>) -> Answer {
        keys.sort_by_key(|key| std::cmp::Reverse(key.added_at));
        memberships.sort_by_key(|membership| std::cmp::Reverse(membership.added_at));
        let ssh = self.at().ssh();
        let key = |AddedKey { fingerprint, title, added_at }: &AddedKey| {
            let day = day(*added_at);
            format!(
                "the key \"{title}\" ({fingerprint}) was added on {day}: \
                 if you do not know it: {ssh} key remove {fingerprint}"
            )
        };
        let membership = |AddedMembership { organization, role, added_at }: &AddedMembership| {
            format!("you have been a member of {organization} since {}, with the role {role}", day(*added_at))
        };
        let more = |count: usize, command: &str| {
            let more = count.saturating_sub(ADDED_MAX);
            (more > 0).then(|| format!("and {more} more{command}"))
        };
        let more_keys = more(keys.len(), &format!(" were added: {ssh} key list"));
        let more_memberships = more(memberships.len(), " organizations");
        let keys = keys.iter().take(ADDED_MAX).map(key).chain(more_keys);
        let memberships = memberships.iter().take(ADDED_MAX).map(membership).chain(more_memberships);
        Answer { out: String::new(), err: keys.chain(memberships).collect(), status: Status::Done }
    }

    /// What `help` prints.
    #[must_use]
    pub fn help(&self) -> Answer {
        let at = self.at();
        let url = |path| at.url(path);
        let ssh = at.ssh();
        let out = format!(
            "This server speaks git over SSH:\n  \
             git clone {}              a model\n  \
             git clone {}     a dataset\n  \
             git clone {}       a space\n  \
             {}                            shows who you are\n\
             and has commands for your account, each with --help and --json:\n  \
             {ssh} whoami\n  \
             {ssh} key add [TITLE] < id_ed25519.pub    key list|rename|remove|release\n  \
             {ssh} user email add|remove|list\n  \
             {ssh} repo create|list|show|rename|visibility|describe|default-branch|remove|collaborator\n  \
             {ssh} repo protect|unprotect PATH BRANCH    rule list|add|remove|move\n  \
             {ssh} check list|set SCOPE\n  \
             {ssh} allowed-signers PATH\n  \
             {ssh} proposal list|show|close|reopen PATH [NUMBER]    repo proposals PATH on|off\n  \
             {ssh} org member list|set|remove\n  \
             {ssh} team add|list|show|rename|remove    team member list|add|remove\n  \
             {ssh} access request|list|grant|reject|revoke\n  \
             {ssh} explain PATH fetch|push\n  \
             {ssh} join CODE\n",
            url("OWNER/NAME"),
            url("datasets/OWNER/NAME"),
            url("spaces/OWNER/NAME"),
            at.ssh_with("-T")
        );
        Answer { out, err: Vec::new(), status: Status::Done }
    }

    /// The text of a refusal.
    #[must_use]
    pub fn refusal(&self, refusal: &Refusal) -> Answer {
        let (line, more) = match refusal {
            Refusal::Bad(BadRequest::Syntax) => ("invalid command".to_owned(), Vec::new()),
            Refusal::Bad(BadRequest::Verb) | Refusal::NotSupported => (self.not_supported(), Vec::new()),
            Refusal::Bad(BadRequest::Path) | Refusal::NoRepository => {
                ("repository not found, or you have no access to it".to_owned(), self.you_are())
            }
            Refusal::NotCreated(path) => {
                let create = format!("create it with: {} repo create {path}", self.at().ssh());
                let more = self.you_are().into_iter().chain([create]).collect();
                ("repository not found, or you have no access to it".to_owned(), more)
            }
            Refusal::Reserved(path) => {
                let more = self.you_are().into_iter().chain([reserved(path)]).collect();
                ("repository not found, or you have no access to it".to_owned(), more)
            }
            Refusal::ReadOnly(path) => (format!("you have no write access to {path}"), self.you_are()),
            Refusal::Gated(path, request) => (self.gated(path, *request), self.you_are()),
            Refusal::Frozen(path, reason) => (format!("{path} is read-only: {reason}"), Vec::new()),
            Refusal::NotAdmitted(reason) => (self.not_admitted(reason), Vec::new()),
            Refusal::TooManySessions => {
                ("too many sessions: wait until one of your sessions has ended".to_owned(), Vec::new())
            }
            Refusal::LfsInsideSsh => (
                "this server serves LFS over SSH alone: git-lfs 3.0 and newer use that unless lfs.sshtransfer is never"
                    .to_owned(),
                vec![
                    "git-xet is not needed; clients that need HTTP, such as git-annex and dvc, get no LFS objects here"
                        .to_owned(),
                ],
            ),
            Refusal::LfsOverHttp => {
                ("this server serves LFS over HTTP: git-lfs-authenticate gives its address".to_owned(), Vec::new())
            }
            Refusal::LfsOff => ("LFS is not served here".to_owned(), Vec::new()),
        };
        let status = match refusal {
            Refusal::Bad(BadRequest::Verb) | Refusal::NotSupported => Status::NotSupported,
            Refusal::Bad(BadRequest::Syntax | BadRequest::Path)
            | Refusal::NoRepository
            | Refusal::NotCreated(_)
            | Refusal::Reserved(_)
            | Refusal::ReadOnly(_)
            | Refusal::Gated(..)
            | Refusal::Frozen(..)
            | Refusal::NotAdmitted(_)
            | Refusal::TooManySessions
            | Refusal::LfsInsideSsh
            | Refusal::LfsOverHttp
            | Refusal::LfsOff => Status::Refused,
        };
        Answer { out: String::new(), err: std::iter::once(line).chain(more).collect(), status }
    }

    fn not_supported(&self) -> String {
        format!(
            "command not supported: this server speaks git, git-lfs and its own commands ({} help)",
            self.at().ssh()
        )
    }

    fn not_admitted(&self, reason: &NotAdmitted) -> String {
        let key = self.forced_command.key();
        match (reason, self.forced_command) {
            (NotAdmitted::Compromised, _) => format!("the key {key} was removed as compromised"),
            (NotAdmitted::Expired(end), _) => format!("the key {} expired on {}", self.key(), last_day(*end)),
            (NotAdmitted::Address(address), _) => format!("the key {} may not be used from {address}", self.key()),
            (NotAdmitted::Disabled(reason), forced_command) => {
                format!("the account {} is disabled: {reason}", forced_command.user())
            }
            (NotAdmitted::Renamed(name), forced_command) => {
                let close = self.config.address().ssh_with("-O exit");
                format!(
                    "the account {} is now {name}: close this connection ({close}) and connect again",
                    forced_command.user()
                )
            }
            (NotAdmitted::Certificate(problem), _) => format!("the certificate is not valid: {problem}"),
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
                "sessions without a registered key are no longer accepted".to_owned()
            }
        }
    }

    fn gated(&self, path: &RepoPath, request: GateRequest) -> String {
        match request {
            GateRequest::None => {
                format!(
                    "access to {path} is restricted: ask for it with: {} access request {path}",
                    self.config.address().ssh()
                )
            }
            GateRequest::Pending => format!("access to {path} is restricted: your request is pending"),
            GateRequest::Accepted | GateRequest::Rejected => {
                format!("access to {path} is restricted: your request was rejected")
            }
        }
    }

    fn you_are(&self) -> Vec<String> {
        match (self.forced_command, self.title) {
            (ForcedCommand::Account(user, key), Some(title)) => {
                vec![format!("you are {user}, by the key \"{title}\" ({key})")]
            }
            (ForcedCommand::Account(user, key), None) => vec![format!("you are {user}, by the key {key}")],
            (ForcedCommand::Certificate(user, key), _) => vec![format!("you are {user}, by a certificate of {key}")],
            (ForcedCommand::DeployKey(key), _) => vec![format!("you are the {} ({key})", self.deploy_key())],
            (ForcedCommand::Anonymous(_) | ForcedCommand::AuthInfo, _) => {
                std::iter::once(format!("you are anonymous: {}", self.nobody())).chain(self.other_keys()).collect()
            }
        }
    }

    /// The key's fingerprint, with its title if that is known.
    fn key(&self) -> String {
        let key = self.forced_command.key();
        self.title.map_or_else(|| key.clone(), |title| format!("\"{title}\" ({key})"))
    }

    fn deploy_key(&self) -> String {
        self.deployed.map_or_else(|| "deploy key".to_owned(), |path| format!("deploy key of {path}"))
    }

    /// Why a session is anonymous.
    fn nobody(&self) -> String {
        match (self.forced_command.fingerprint(), self.config.access.anonymous) {
            (None, _) => "none of your keys is on an account here".to_owned(),
            (Some(_), AnonymousMode::Login) => format!("every connection to {} is anonymous", self.at()),
            (Some(key), _) if self.was_added => {
                format!("the key {key} was added to an account or a repository while this connection was open")
            }
            (Some(key), AnonymousMode::AnyKey | AnonymousMode::Fallback | AnonymousMode::Off) => {
                format!("the key {key} is on no account here")
            }
        }
    }

    /// How to use a registered key: after the agent offered an unknown key first, or after a connection to the
    /// anonymous login.
    ///
    /// ssh 9.2 offers a key before the certificate that lies beside it, with `-i` and from an agent alike. It offers a
    /// `CertificateFile` first.
    fn other_keys(&self) -> Vec<String> {
        let address = self.config.address();
        if self.is_anonymous_login() {
            return vec![format!("to use a registered key: {}", address.ssh())];
        }
        if self.was_added {
            return vec![format!(
                "to use it: close this connection ({}) and connect again",
                address.ssh_with("-O exit")
            )];
        }
        let key = format!("to use another key: {}", address.ssh_with("-o IdentitiesOnly=yes -i FILE"));
        let certificate =
            || format!("to use a certificate: {}", address.ssh_with("-o CertificateFile=FILE-cert.pub -i FILE"));
        std::iter::once(key).chain(self.may_hide_certificate.then(certificate)).collect()
    }

    fn is_anonymous_login(&self) -> bool {
        matches!(
            (self.forced_command, self.config.access.anonymous),
            (ForcedCommand::Anonymous(_), AnonymousMode::Login)
        )
    }

    /// The address that this peer connected to.
    fn at(&self) -> Address<'_> {
        if self.is_anonymous_login() { self.config.anonymous_address() } else { self.config.address() }
    }
}

/// The sentence about an old path, in pushes and in account commands.
#[must_use]
pub fn reserved(path: &RepoPath) -> String {
    format!(
        "{path} is reserved for a repository that was moved: only the operator, and accounts that administer that \
         repository, may use the path again"
    )
}

/// The last valid day before an end. The end itself is not included, so an end at midnight belongs to the day before.
fn last_day(end: i64) -> Date {
    day(end.saturating_sub(1))
}

/// The date of a time in Unix seconds.
fn day(second: i64) -> Date {
    OffsetDateTime::from_unix_timestamp(second).map_or(Date::MAX, OffsetDateTime::date)
}

#[cfg(test)]
mod tests;
