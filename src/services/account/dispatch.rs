//! A command line of an account: read, handed to its noun, and answered.

use std::time::Instant;

use clap::error::ErrorKind;
use serde_json::json;

use super::cli::{self, Cli, Command};
use super::{Outcome, Session, Trouble, access, explain, join, key, org, repo};
use crate::access::{Identity, NotAdmitted};
use crate::clock::wait_to_deny;
use crate::config::AnonymousMode;
use crate::db::Reader;
use crate::message::{Answer, FaultKind, Refusal, Status};
use crate::request::{AccountCommand, ForcedCommand};
use crate::services::caller::Caller;
use crate::session::SessionContext;

/// Runs an account command for the session that the gateway handed over.
pub(in crate::services) fn run(caller: &Caller, command: &AccountCommand) -> Answer {
    let began = Instant::now();
    let fault = |kind, cause: &str| {
        caller.log_fault(cause);
        Answer::fault(kind, &caller.sid)
    };
    let asked = Reader::open(&caller.config.paths.database)
        .and_then(|reader| reader.ask(|view| caller.session_context(view, None)));
    let standing = match asked {
        Ok(standing) => standing,
        Err(error) => return fault(FaultKind::Unavailable, &error.to_string()),
    };
    let session = Session::begin(caller, &standing);
    match session.and_then(|session| session.answer(command)) {
        Ok(answer) => answer,
        Err(Trouble::Refusal(refusal)) => {
            if let Refusal::NoRepository = refusal {
                wait_to_deny(began);
            }
            standing.messages(&caller.config).refusal(&refusal)
        }
        Err(Trouble::Refused(line)) => refused(&line, Status::Refused),
        Err(Trouble::Usage(line)) => refused(&line, Status::Usage),
        Err(Trouble::Fault(kind, cause)) => fault(kind, &cause),
        Err(Trouble::Database(error)) => fault(FaultKind::Unavailable, &error.to_string()),
    }
}

fn refused(text: &str, status: Status) -> Answer {
    Answer { out: String::new(), err: text.lines().map(str::to_owned).collect(), status }
}

impl<'a> Session<'a> {
    /// Takes over who the session speaks for.
    fn begin(caller: &'a Caller, standing: &'a SessionContext) -> Result<Self, Trouble> {
        let (identity, barred) = match &standing.identity {
            Ok(identity) => (identity.clone(), None),
            Err(NotAdmitted::OtherAccount) => {
                return Err(Trouble::Fault(FaultKind::Broken, "the key is on another account".to_owned()));
            }
            Err(reason) if reason.leaves_release() => (Identity::Anonymous, Some(reason.clone())),
            Err(reason) => return Err(Trouble::Refusal(Refusal::NotAdmitted(reason.clone()))),
        };
        let Caller { config, forced_command: form, now, .. } = caller;
        Ok(Self { caller, config, form, identity, barred, key: standing.key.as_ref(), now: *now })
    }

    fn answer(&self, command: &AccountCommand) -> Result<Answer, Trouble> {
        let cli = match Cli::read(command) {
            Ok(cli) => cli,
            // Asked for, so it is an answer.
            Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp) => {
                return Ok(Answer { out: error.to_string(), err: Vec::new(), status: Status::Done });
            }
            Err(error) => return Err(Trouble::Usage(self.usage(&error))),
        };
        match (&self.barred, &cli.command) {
            (None, _) | (Some(_), Command::Key(cli::KeyCommand::Release { .. })) => {}
            (Some(reason), _) => return Err(Trouble::Refusal(Refusal::NotAdmitted(reason.clone()))),
        }
        let outcome = match cli.command {
            Command::Whoami => Ok(self.whoami()),
            Command::Key(command) => key::run(self, command),
            Command::Repo(command) => repo::run(self, command),
            Command::Org(command) => org::run(self, command),
            Command::Access(command) => access::run(self, command),
            Command::Explain { path, what } => explain::run(self, &path, &what),
            Command::Join { code } => join::run(self, &code),
        }?;
        let out = if cli.json { format!("{}\n", outcome.json) } else { outcome.text };
        Ok(Answer { out, err: Vec::new(), status: Status::Done })
    }

    /// What is wrong with a command, and how it is written.
    fn usage(&self, error: &clap::Error) -> String {
        let text = error.to_string();
        let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("For more information"));
        let lines: Vec<&str> = lines.map(|line| line.strip_prefix("error: ").unwrap_or(line).trim()).collect();
        format!("{}\nsee: ssh {}@{} help", lines.join("\n"), self.config.ssh.login, self.config.hub.host)
    }

    fn whoami(&self) -> Outcome {
        let fingerprint = self.form.key();
        let user = match &self.identity {
            Identity::Account(account) | Identity::Certificate { account, .. } => Some(account.name.as_str()),
            Identity::DeployKey { .. } | Identity::Anonymous => None,
        };
        let title = self.key.map(|(_, title)| title.as_str());
        let facts = self.key.map(|(facts, _)| facts);
        let text = match (&self.identity, title) {
            (Identity::Account(account), Some(title)) => {
                format!("{} by the key \"{title}\" ({fingerprint})\n", account.name)
            }
            (Identity::Account(account), None) => format!("{} by the key {fingerprint}\n", account.name),
            (Identity::Certificate { account, .. }, _) => {
                format!("{} by a certificate of {fingerprint}\n", account.name)
            }
            (Identity::DeployKey { .. }, _) => format!("a deploy key ({fingerprint})\n"),
            (Identity::Anonymous, _) => match (self.form, self.config.access.anonymous) {
                (ForcedCommand::AuthInfo, _) => "anonymous, by no key\n".to_owned(),
                (_, AnonymousMode::Login) => {
                    format!("anonymous, as everybody is who connects as {}\n", self.config.ssh.anonymous_login)
                }
                (_, _) => format!("anonymous by the key {fingerprint}, which is on no account here\n"),
            },
        };
        let json = json!({
            "user": user,
            "anonymous": matches!(self.identity, Identity::Anonymous),
            "key": {
                "fingerprint": self.form.fingerprint().map(|key| key.to_string()),
                "title": title,
                "expires_at": crate::report::json_time(facts.and_then(|facts| facts.expires_at)),
                "certificate": matches!(self.identity, Identity::Certificate { .. }),
            },
        });
        Outcome::new(text, json)
    }
}
