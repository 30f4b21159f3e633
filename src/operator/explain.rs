//! `hubgate explain`: the chain that allows or denies, from the functions that decide.

use std::path::Path;

use serde_json::json;

use super::Failure;
use super::cli::Explain;
use super::context::Context;
use super::key::read_fingerprint;
use super::report::Report;
use crate::access::{
    Access, Account, Decision, Denial, Gate, GateRequest, Grant, Identity, KeyFacts, NotAdmitted, Role, Scope,
    Visibility, decide, identify,
};
use crate::clock::now;
use crate::config::{AnonymousMode, Config, LfsMode};
use crate::db::{Reader, ServedRepository};
use crate::key::Fingerprint;
use crate::message::{Refusal, Speaker, Status};
use crate::name::{Owner, RepoPath, Title};
use crate::request::{ANONYMOUS, Form, Request, Service};

/// Who would ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// An account, as if by a key of scope `write`.
    Account(Owner),
    /// A key, from an address.
    Key(Fingerprint, Option<String>),
    /// A key on no account.
    Anonymous,
}

/// What it would come to, and why.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The links, the last of which is the verdict.
    pub(super) chain: Vec<String>,
    pub(super) is_allowed: bool,
}

impl Verdict {
    pub(super) fn word(&self) -> &'static str {
        if self.is_allowed { "allow" } else { "deny" }
    }

    /// The last link.
    pub(super) fn reason(&self) -> &str {
        self.chain.last().map(String::as_str).unwrap_or_default()
    }

    fn denied(chain: Vec<String>) -> Self {
        Self { chain, is_allowed: false }
    }
}

pub(super) fn run(command: &Explain, config: &Path) -> Result<Report, Failure> {
    // The file of a key is opened before root's rights are dropped.
    let key = command.key.as_deref().map(read_fingerprint).transpose()?;
    let context = Context::open(config)?;
    let request = Request::parse(Some(command.command.as_bytes()));
    let request = request.map_err(|error| Failure::Usage(format!("{}: {error}", command.command)))?;
    let (needed, path) = match &request {
        Request::Git(service, path) => (service.needs(), path),
        Request::Lfs(_, operation, path) => (operation.needs(), path),
        Request::Greeting | Request::Help | Request::Account(_) => {
            return Err(Failure::Usage("explain takes a command of git or git-lfs on a repository".to_owned()));
        }
    };
    let who = match (&command.user, key) {
        (Some(user), _) => Who::Account(user.clone()),
        (None, Some(key)) => Who::Key(key, command.from.clone()),
        (None, None) => Who::Anonymous,
    };
    let reader = Reader::open(&context.config.paths.database)?;
    let verdict = match not_served(&context.config, &request) {
        Some(why) => Verdict::denied(vec![why.to_owned()]),
        None => explain(&reader, &context.config, &who, path, needed)?,
    };
    let text = verdict.chain.iter().map(|line| format!("{line}\n")).collect();
    let json = json!({ "decision": verdict.word(), "reason": verdict.reason(), "chain": verdict.chain });
    let mut report = Report::new(text, json);
    report.status = if verdict.is_allowed { Status::Done } else { Status::Refused };
    Ok(report)
}

/// What this hub serves to nobody.
fn not_served(config: &Config, request: &Request) -> Option<&'static str> {
    match request {
        Request::Git(Service::UploadArchive, _) if !config.git.archive => {
            Some("deny: git-upload-archive is not served: [git] archive is off")
        }
        Request::Lfs(..) if config.lfs.mode == LfsMode::Off => Some("deny: LFS is not served: [lfs] mode is off"),
        Request::Git(..) | Request::Lfs(..) | Request::Greeting | Request::Help | Request::Account(_) => None,
    }
}

/// Asks the database and the functions that decide, as a session would.
pub(super) fn explain(
    reader: &Reader,
    config: &Config,
    who: &Who,
    path: &RepoPath,
    needed: Access,
) -> Result<Verdict, Failure> {
    let now = now();
    let (name, identity, key, served) = match who {
        Who::Account(user) => {
            let (account, served) = reader.ask(|view| view.session_of_account(user, Some(path)))?;
            let (account, disabled) = account.ok_or_else(|| Failure::Usage(format!("there is no user {user}")))?;
            if let Some(reason) = disabled {
                return Ok(Verdict::denied(vec![format!("deny: the account {user} is disabled: {reason}")]));
            }
            (account.name.to_string(), Identity::Account(account), None, served)
        }
        Who::Key(fingerprint, address) => {
            let facts = reader.ask(|view| view.session(Some(fingerprint), Some(path)))?;
            let row = facts.key.as_ref().map(|(row, _)| row);
            let form = row.map_or(Form::Anonymous(*fingerprint), |row| row.form(*fingerprint));
            match identify(&form, row, address.as_deref().unwrap_or_default(), now) {
                Ok(identity) => (form.user().to_owned(), identity, facts.key, facts.repository),
                Err(NotAdmitted::Address(_)) if address.is_none() => {
                    let line = "deny: the key may be used from some addresses only: name one with --from".to_owned();
                    return Ok(Verdict::denied(vec![line]));
                }
                Err(reason) => {
                    let title = facts.key.as_ref().map(|(_, title)| title);
                    let speaker = Speaker { config, form: &form, title, deployed: None };
                    let said = speaker.refusal(&Refusal::NotAdmitted(reason)).err;
                    return Ok(Verdict::denied(vec![format!("deny: {}", said.join("; "))]));
                }
            }
        }
        Who::Anonymous => {
            let facts = reader.ask(|view| view.session(None, Some(path)))?;
            (ANONYMOUS.to_owned(), Identity::Anonymous, None, facts.repository)
        }
    };
    if identity == Identity::Anonymous && config.access.anonymous == AnonymousMode::Off {
        let line = "deny: a key on no account is not admitted: [access] anonymous is off".to_owned();
        return Ok(Verdict::denied(vec![line]));
    }
    let decision = decide(&identity, served.as_ref().map(|served| &served.facts), needed, now);
    let mut chain = chain(&name, key.as_ref(), &identity, served.as_ref(), decision);
    if let Some(served) = served.filter(|served| served.path.folded() != path.folded()) {
        chain.insert(chain.len() - 1, format!("{path} is an old path of {}", served.path));
    }
    Ok(Verdict { chain, is_allowed: matches!(decision, Decision::Allow(_)) })
}

/// The links from a key to a verdict, one line each; the last one is the verdict.
pub(crate) fn chain(
    who: &str,
    key: Option<&(KeyFacts, Title)>,
    identity: &Identity,
    served: Option<&ServedRepository>,
    decision: Decision,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((_, title)) = key {
        lines.push(format!("the key \"{title}\" is good"));
    }
    lines.push(match identity {
        Identity::Account(Account { name, scope, .. }) => format!("it speaks for the account {name}, scope {scope}"),
        Identity::Certificate { account, .. } => format!("a certificate speaks for the account {}", account.name),
        Identity::DeployKey { scope, .. } => format!("it is a deploy key, scope {scope}"),
        Identity::Anonymous => format!("{who}: a key on no account"),
    });
    match served {
        None => lines.push("no repository has that path".to_owned()),
        Some(served) => lines.extend(repository_lines(identity, served)),
    }
    lines.push(match decision {
        Decision::Allow(access) => format!("allow: {access:?}").to_lowercase(),
        Decision::Deny(Denial::NoRepository) => "deny: the peer reads that there is no repository".to_owned(),
        Decision::Deny(Denial::ReadOnly) => "deny: may fetch, may not write".to_owned(),
        Decision::Deny(Denial::Gated(GateRequest::None)) => "deny: the gate is closed, and nobody asked".to_owned(),
        Decision::Deny(Denial::Gated(request)) => format!("deny: the gate is closed, and the request is {request}"),
        Decision::Deny(Denial::Frozen) => "deny: the repository is frozen".to_owned(),
    });
    lines
}

/// What the identity has there, what the repository is, and whether the gate lets it pass.
fn repository_lines(identity: &Identity, served: &ServedRepository) -> Vec<String> {
    let facts = &served.facts;
    let account = match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => Some(account),
        Identity::DeployKey { .. } | Identity::Anonymous => None,
    };
    let gate = match (facts.visibility, facts.gate) {
        (Visibility::Private, _) | (Visibility::Public, Gate::Open) => "",
        (Visibility::Public, Gate::Closed) => ", gated",
        (Visibility::Public, Gate::ClosedToMembers) => ", gated, for members with the role read too",
    };
    let mut lines = account.map_or_else(Vec::new, |account| role_lines(account, served));
    lines.push(format!("{} is {}{gate}", served.path, facts.visibility));
    if let Some(reason) = &facts.frozen {
        lines.push(format!("it is frozen: {reason}"));
    }
    if let (Some(account), Some(Grant { value, until: end })) = (account, facts.gate_request) {
        lines.push(format!("the request of {} to pass the gate is {value}{}", account.name, until(end)));
    }
    lines
}

/// What an account has on a repository.
fn role_lines(account: &Account, served: &ServedRepository) -> Vec<String> {
    let facts = &served.facts;
    let mut lines = Vec::new();
    if account.id == facts.owner {
        lines.push(format!("{} owns it", account.name));
    }
    if let Some(Grant { value, until: end }) = facts.role {
        let own = if value == Role::Contributor && facts.created_by_account { ", and created it" } else { "" };
        lines.push(format!("{} has the role {value} in {}{}{own}", account.name, served.path.owner, until(end)));
    }
    if let Some(Grant { value, until: end }) = facts.collaborator {
        lines.push(format!("{} is a collaborator with the role {value}{}", account.name, until(end)));
    }
    if lines.is_empty() {
        lines.push(format!("{} is neither a member of {} nor a collaborator", account.name, served.path.owner));
    }
    if account.scope == Scope::Read {
        lines.push("the key is for reading only".to_owned());
    }
    lines
}

fn until(end: Option<i64>) -> String {
    end.map_or_else(String::new, |end| format!(" until {}", super::when::rfc3339(end)))
}
