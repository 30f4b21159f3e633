//! `hubgate explain`: why a command is allowed or denied, from the functions that decide.

use std::path::Path;

use serde_json::json;

use super::cli::Explain;
use super::context::Context;
use super::failure::Failure;
use super::key_file::read_fingerprint;
use crate::access::rule::Action;
use crate::access::{Access, Decision, Identity, NotAdmitted, decide, identify};
use crate::clock::now;
use crate::commands::team::by_teams;
use crate::commands::{proposal, rule};
use crate::config::{AnonymousMode, Config, LfsMode};
use crate::db::{Error, Reader};
use crate::key::Fingerprint;
use crate::message::{Messages, Refusal, Status};
use crate::name::{Owner, RepoPath};
use crate::report::{Report, chain};
use crate::request::{ANONYMOUS, ForcedCommand, Request, Service};
use crate::session::ask_about_proposals;
use crate::session::rules::{self, Reading};

/// The identity that asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// An account, with a key of scope `write`.
    Account(Owner),
    /// A key, from an address.
    Key(Fingerprint, Option<String>),
    /// A key on no account.
    Anonymous,
}

/// The decision and its reasons.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The steps; the last one is the decision.
    pub(super) chain: Vec<String>,
    pub(super) is_allowed: bool,
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        if self.is_allowed { "allow" } else { "deny" }
    }

    /// The last step.
    pub(super) fn reason(&self) -> &str {
        self.chain.last().map(String::as_str).unwrap_or_default()
    }

    fn denied(chain: Vec<String>) -> Self {
        Self { chain, is_allowed: false }
    }
}

pub(super) fn run(command: &Explain, config: &Path) -> Result<Report, Failure> {
    // The key's file is opened before root privileges are dropped.
    let key = command.key.as_deref().map(read_fingerprint).transpose()?;
    let context = Context::open(config)?;
    let request = Request::parse(Some(command.command.as_bytes()));
    let request = request.map_err(|error| Failure::Usage(format!("{}: {error}", command.command)))?;
    let (needed, path) = match &request {
        Request::Git(service, path) => (service.needs(), path),
        Request::Lfs(_, operation, path) => (operation.needs(), path),
        Request::Greeting | Request::Help | Request::Account(_) => {
            return Err(Failure::Usage("explain needs a git or git-lfs command on a repository".to_owned()));
        }
    };
    let change = command.change.given();
    if change.is_some() && !matches!(request, Request::Git(Service::ReceivePack, _)) {
        return Err(Failure::Usage("--ref and --action explain git-receive-pack".to_owned()));
    }
    let who = match (&command.user, key) {
        (Some(user), _) => Who::Account(user.clone()),
        (None, Some(key)) => Who::Key(key, command.from.clone()),
        (None, None) => Who::Anonymous,
    };
    let reader = Reader::open(&context.config.paths.database)?;
    let verdict = match not_served(&context.config, &request) {
        Some(why) => Verdict::denied(vec![why.to_owned()]),
        None => explain(&reader, &context.config, &who, path, (needed, change))?,
    };
    let text = verdict.chain.iter().map(|line| format!("{line}\n")).collect();
    let json = json!({ "decision": verdict.word(), "reason": verdict.reason(), "chain": verdict.chain });
    let mut report = Report::new(text, json);
    report.status = if verdict.is_allowed { Status::Done } else { Status::Refused };
    Ok(report)
}

/// Commands that this hub does not offer to any identity.
fn not_served(config: &Config, request: &Request) -> Option<&'static str> {
    match request {
        Request::Git(Service::UploadArchive, _) if !config.git.archive => {
            Some("deny: git-upload-archive is not served: [git] archive is off")
        }
        Request::Lfs(..) if config.lfs.mode == LfsMode::Off => Some("deny: LFS is not served: [lfs] mode is off"),
        Request::Git(..) | Request::Lfs(..) | Request::Greeting | Request::Help | Request::Account(_) => None,
    }
}

/// Consults the database and the functions that decide, as a session does.
pub(super) fn explain(
    reader: &Reader,
    config: &Config,
    who: &Who,
    path: &RepoPath,
    (needed, change): (Access, Option<(&str, Action)>),
) -> Result<Verdict, Failure> {
    let now = now();
    let (name, identity, key, mut served) = match who {
        Who::Account(user) => {
            let (account, served) = reader.ask(|view| view.session_of_account(user, Some(path), now))?;
            let (account, disabled) = account.ok_or_else(|| Failure::Usage(format!("there is no user {user}")))?;
            if let Some(reason) = disabled {
                return Ok(Verdict::denied(vec![format!("deny: the account {user} is disabled: {reason}")]));
            }
            (account.name.to_string(), Identity::Account(account), None, served)
        }
        Who::Key(fingerprint, address) => {
            let facts = reader.ask(|view| view.session(Some(fingerprint), Some(path), now))?;
            let row = facts.key.as_ref().map(|(row, _)| row);
            let forced_command =
                row.map_or(ForcedCommand::Anonymous(*fingerprint), |row| row.forced_command(*fingerprint));
            match identify(&forced_command, row, address.as_deref().unwrap_or_default(), now) {
                Ok(identity) => (forced_command.user().to_owned(), identity, facts.key, facts.repository),
                Err(NotAdmitted::Address(_)) if address.is_none() => {
                    let line = "deny: the key may be used only from some addresses: give one with --from".to_owned();
                    return Ok(Verdict::denied(vec![line]));
                }
                Err(reason) => {
                    let title = facts.key.as_ref().map(|(_, title)| title);
                    let messages = Messages { title, ..Messages::new(config, &forced_command) };
                    let said = messages.refusal(&Refusal::NotAdmitted(reason)).err;
                    return Ok(Verdict::denied(vec![format!("deny: {}", said.join("; "))]));
                }
            }
        }
        Who::Anonymous => {
            let facts = reader.ask(|view| view.session(None, Some(path), now))?;
            (ANONYMOUS.to_owned(), Identity::Anonymous, None, facts.repository)
        }
    };
    if identity == Identity::Anonymous && config.access.anonymous == AnonymousMode::Off {
        let line = "deny: a key on no account is not admitted: [access] anonymous is off".to_owned();
        return Ok(Verdict::denied(vec![line]));
    }
    if let Some(served) = &mut served {
        reader.ask(|view| ask_about_proposals(view, config, &identity, &mut served.facts, now))?;
    }
    let decision = decide(&identity, served.as_ref().map(|served| &served.facts), needed, now);
    let by_teams = reader.ask(|view| by_teams(view, &identity, served.as_ref(), now))?;
    let mut chain = chain(&name, key.as_ref(), &identity, served.as_ref(), &by_teams, decision);
    let mut is_allowed = matches!(decision, Decision::Allow(_));
    if let Some(served) = served.as_ref().filter(|served| served.path.folded() != path.folded()) {
        chain.insert(chain.len() - 1, format!("{path} is an old path of {}", served.path));
    }
    if let (true, Some(served), Some(change)) = (is_allowed, &served, change) {
        let (applied, as_proposal) = reader.ask(|view| {
            let applied = rules::rules_and_checks(view, &identity, served, now, Reading::Operator)?.0;
            Ok::<_, Error>((applied, proposal::explain(view, config, (&identity, served), change, now)?))
        })?;
        let (may, step) = rule::judge(config, &applied, (&rules::who(&identity), &as_proposal), change);
        is_allowed = may;
        chain.push(step);
    }
    Ok(Verdict { chain, is_allowed })
}
