//! The record of a running session: who is connected, for what, and what decides whether its rights still stand.
//!
//! The gateway writes it where other processes of the login find it ([`crate::session_limits`]). A change that takes
//! rights away, and the process that watches the session, ask the database by it again.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::rules::{self, Deciding, Reading};
use super::user_auth::{Proven, proven};
use super::{SessionContext, accepts_proposals, admit};
use crate::access::proposal::{author, may_advance, may_open};
use crate::access::{Access, Decision, Identity, decide};
use crate::config::Config;
use crate::db::{Error, Reader, View};
use crate::log::Line;
use crate::message::Refusal;
use crate::name::RepoPath;
use crate::process::Process;
use crate::push::{ProposalNumber, ProposalRights};
use crate::request::{Activity, ForcedCommand};

/// The first line of a record: what it is, and the version of its format.
const HEADING: &str = "hubgate session 1";
/// The line of a session that may only propose.
const PROPOSES: &str = "proposes";

/// A running session.
///
/// Holding one tells you what the gateway decided when the session began. It does not tell you that the session still
/// runs or that its rights still stand: see [`Record::check`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The session's id in the log.
    pub(crate) sid: String,
    /// The process that ends the session when it gets SIGTERM.
    pub(crate) process: Process,
    /// When it began, in Unix time.
    pub(crate) since: i64,
    pub(crate) activity: Activity,
    pub(crate) forced_command: ForcedCommand,
    /// What the client proved to sshd, if sshd says so.
    pub(crate) proven: Option<Proven>,
    /// The client's address.
    pub(crate) address: String,
    /// The repository's path, as the client wrote it, and its row.
    pub(crate) repository: Option<(RepoPath, i64)>,
    /// Whether a push may only propose.
    pub(crate) proposes: bool,
}

/// Why a running session ends.
#[derive(Debug)]
pub(crate) struct End {
    /// What the client reads.
    pub(crate) lines: Vec<String>,
    /// The text of `reason=` in the log.
    pub(crate) reason: &'static str,
}

impl Record {
    /// The access that the session needs for what it does.
    pub(crate) fn needed(&self) -> Access {
        match (self.activity, self.proposes) {
            (Activity::UploadPack | Activity::UploadArchive | Activity::Download, _) => Access::Fetch,
            (Activity::ReceivePack, true) => Access::Propose,
            (Activity::ReceivePack, false) | (Activity::Upload, _) => Access::Write,
            (Activity::Account, _) => Access::None,
        }
    }

    /// Asks the database whether the session may go on. Opens the database again, because `restore` may have replaced
    /// it.
    ///
    /// # Errors
    /// As [`Record::check`].
    pub(crate) fn ask(&self, config: &Config, now: i64) -> Result<Result<Option<i64>, End>, Error> {
        let reader = Reader::open(&config.paths.database)?;
        reader.ask(|view| self.check(view, config, self.needed(), now))
    }

    /// Decides by the database whether a push may go on. Returns what decides about its refs and paths.
    ///
    /// # Errors
    /// As [`Record::check`].
    pub(crate) fn check_push(
        &self,
        view: &View<'_>,
        config: &Config,
        now: i64,
    ) -> Result<Result<Deciding, End>, Error> {
        let context = self.context(view, config, now)?;
        match (self.decide(&context, self.needed(), now), &context.identity, &context.repository) {
            (Err(refusal), ..) => Ok(Err(end(&context, config, refusal.as_ref()))),
            (Ok(_), Ok(identity), Some(served)) => {
                let (rules, checks) = rules::rules_and_checks(view, identity, served, now, Reading::Session)?;
                Ok(Ok(Deciding { rules, checks }))
            }
            (Ok(_), ..) => Ok(Ok(Deciding::default())),
        }
    }

    /// The row of the session's account, if it has one.
    ///
    /// # Errors
    /// The database did not answer.
    pub(crate) fn account(&self, view: &View<'_>, config: &Config, now: i64) -> Result<Option<i64>, Error> {
        Ok(match self.context(view, config, now)?.identity {
            Ok(Identity::Account(account) | Identity::Certificate { account, .. }) => Some(account.id),
            Ok(Identity::DeployKey { .. } | Identity::Anonymous) | Err(_) => None,
        })
    }

    /// Decides by the database what a push may do with proposals, and with those of these numbers.
    ///
    /// # Errors
    /// As [`Record::check`].
    pub(crate) fn check_proposals(
        &self,
        view: &View<'_>,
        config: &Config,
        numbers: &[ProposalNumber],
        now: i64,
    ) -> Result<Result<ProposalRights, End>, Error> {
        let context = self.context(view, config, now)?;
        if let Err(refusal) = self.decide(&context, self.needed(), now) {
            return Ok(Err(end(&context, config, refusal.as_ref())));
        }
        let (Ok(identity), Some(served)) = (&context.identity, &context.repository) else {
            return Ok(Err(end(&context, config, None)));
        };
        let access = match decide(identity, Some(&served.facts), Access::Fetch, now) {
            Decision::Allow(access) => access,
            Decision::Deny(_) => Access::None,
        };
        let accepts = author(identity).is_some() && accepts_proposals(view, config, served.facts.id)?;
        let mut advances = HashMap::new();
        for number in numbers {
            let proposal = view.proposal_facts(served.facts.id, number.get())?;
            advances.insert(*number, may_advance(identity, access, proposal));
        }
        Ok(Ok(ProposalRights { opening: may_open(identity, access, accepts), advances }))
    }

    /// Decides by the database whether the session may go on, with this access. Returns the next second at
    /// which a key or a role ends, if there is one.
    ///
    /// # Errors
    /// The database did not answer. The inner error is why the session may not go on.
    pub(crate) fn check(
        &self,
        view: &View<'_>,
        config: &Config,
        needed: Access,
        now: i64,
    ) -> Result<Result<Option<i64>, End>, Error> {
        let context = self.context(view, config, now)?;
        Ok(self.decide(&context, needed, now).map_err(|refusal| end(&context, config, refusal.as_ref())))
    }

    fn context(&self, view: &View<'_>, config: &Config, now: i64) -> Result<SessionContext, Error> {
        let Self { forced_command, proven, address, repository, .. } = self;
        let path = repository.as_ref().map(|(path, _)| path);
        let mut context = SessionContext::ask(view, config, forced_command, proven.as_ref(), path, address, now)?;
        if self.proposes {
            context.ask_about_proposals(view, config, now)?;
        }
        Ok(context)
    }

    /// The inner error is `None` if the path leads to another repository than when the session began.
    fn decide(&self, context: &SessionContext, needed: Access, now: i64) -> Result<Option<i64>, Option<Refusal>> {
        let identity = context.identity.as_ref().map_err(|reason| Some(Refusal::NotAdmitted(reason.clone())))?;
        let mut ends = vec![context.until];
        if let Some((_, row)) = &self.repository {
            let served = admit(identity, context.repository.as_ref(), needed, now).map_err(Some)?;
            if served.facts.id != *row {
                return Err(None);
            }
            let facts = &served.facts;
            let requests = facts.gate_request.and_then(|grant| grant.until);
            let roles = [facts.collaborator, facts.team].map(|grant| grant.and_then(|grant| grant.until));
            ends.extend(roles.into_iter().chain([facts.role.and_then(|grant| grant.until), requests]));
        }
        Ok(ends.into_iter().flatten().filter(|end| *end > now).min())
    }

    /// The first fields of each log line about this session.
    pub(crate) fn line(&self) -> Line {
        self.line_of(self.activity.as_str())
    }

    /// The same for something that happened in the session.
    pub(crate) fn line_of(&self, verb: &str) -> Line {
        let line = Line::default()
            .field("sid", &self.sid)
            .field("user", self.forced_command.user())
            .field("key", self.forced_command.key())
            .field("from", &self.address)
            .field("verb", verb);
        self.repository.iter().fold(line, |line, (path, _)| line.field("repo", path))
    }
}

/// Why a session ends. Without a refusal, its path leads to another repository.
fn end(context: &SessionContext, config: &Config, refusal: Option<&Refusal>) -> End {
    let moved = || vec!["the repository was moved during this session: try again".to_owned()];
    let lines = |refusal| context.messages(config).refusal(refusal).err;
    End { lines: refusal.map_or_else(moved, lines), reason: refusal.map_or("moved", Refusal::reason) }
}

impl fmt::Display for Record {
    /// One line for each field. No field can contain the end of a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, process, since, activity, forced_command, proven, address, repository, proposes } = self;
        let proven = proven.as_ref().map_or_else(String::new, ToString::to_string);
        writeln!(f, "{HEADING}\n{sid}\n{process}\n{since}\n{activity}\n{forced_command}\n{proven}\n{address}")?;
        if let Some((path, row)) = repository {
            writeln!(f, "{path}\n{row}")?;
        }
        // A program of a release without proposals rejects such a record. The session's guard still ends the session.
        if *proposes {
            writeln!(f, "{PROPOSES}")?;
        }
        writeln!(f, "end")
    }
}

/// The text is not a record of this release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the record of a session")]
pub(crate) struct BadRecord;

impl FromStr for Record {
    type Err = BadRecord;

    fn from_str(text: &str) -> Result<Self, BadRecord> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(BadRecord)?.split('\n').collect();
        let [HEADING, sid, process, since, activity, forced_command, proof, address, repository @ ..] =
            lines.as_slice()
        else {
            return Err(BadRecord);
        };
        let (repository, proposes) = match repository {
            ["end"] => (None, false),
            [path, row, "end"] => (Some((*path, *row)), false),
            [path, row, PROPOSES, "end"] => (Some((*path, *row)), true),
            _ => return Err(BadRecord),
        };
        Ok(Self {
            sid: (*sid).to_owned(),
            process: process.parse().map_err(|_| BadRecord)?,
            since: since.parse().map_err(|_| BadRecord)?,
            activity: activity.parse().map_err(|_| BadRecord)?,
            forced_command: forced_command.parse().map_err(|_| BadRecord)?,
            proven: match *proof {
                "" => None,
                line => Some(proven(line.as_bytes()).ok_or(BadRecord)?),
            },
            address: (*address).to_owned(),
            repository: match repository {
                None => None,
                Some((path, row)) => Some((path.parse().map_err(|_| BadRecord)?, row.parse().map_err(|_| BadRecord)?)),
            },
            proposes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Fingerprint;

    #[test]
    fn a_record_reads_back_as_it_was_written_and_a_part_of_it_is_none() {
        let fingerprint = Fingerprint::from_bytes([7; 32]);
        let alice = ForcedCommand::Account("alice".parse().unwrap(), fingerprint);
        for (forced_command, repository, proposes) in [
            (alice.clone(), Some(("a/x".parse().unwrap(), 7)), false),
            (alice, Some(("a/x".parse().unwrap(), 7)), true),
            (ForcedCommand::Anonymous(fingerprint), None, false),
            (ForcedCommand::AuthInfo, Some(("datasets/a/x".parse().unwrap(), -1)), false),
        ] {
            let record = Record {
                sid: "00ff".to_owned(),
                process: Process::own().unwrap(),
                since: 1_700_000_000,
                activity: Activity::ReceivePack,
                forced_command,
                proven: Some(Proven::NoKey),
                address: "::1".to_owned(),
                repository,
                proposes,
            };
            let text = record.to_string();
            assert_eq!(text.parse(), Ok(record));
            // A reader may see a record that is not complete yet.
            for length in 0..text.len() {
                assert_eq!(text[..length].parse::<Record>(), Err(BadRecord), "{length}");
            }
            assert_eq!(text.replace("session 1", "session 2").parse::<Record>(), Err(BadRecord));
        }
    }
}
