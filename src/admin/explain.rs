//! `hubgate explain`: the chain that allows or denies, from the functions that decide.

use std::path::Path;

use serde_json::json;

use super::Failure;
use super::cli::Explain;
use super::context::Context;
use super::key::read_fingerprint;
use super::report::Report;
use crate::access::{
    Account, Decision, Denial, Gate, GateRequest, Grant, Identity, KeyFacts, Role, Scope, Visibility, decide, identify,
};
use crate::clock::now;
use crate::db::{Reader, ServedRepository};
use crate::message::Status;
use crate::name::Title;
use crate::request::{ANONYMOUS, Form, Request};

pub(super) fn run(command: &Explain, config: &Path) -> Result<Report, Failure> {
    // The file of a key is opened before root's rights are dropped.
    let key = command.key.as_deref().map(read_fingerprint).transpose()?;
    let context = Context::open(config)?;
    let request = Request::parse(Some(command.command.as_bytes()));
    let request = request.map_err(|error| Failure::Usage(format!("{}: {error}", command.command)))?;
    let needed = match &request {
        Request::Git(service, _) => service.needs(),
        Request::Lfs(_, operation, _) => operation.needs(),
        Request::Greeting | Request::Help | Request::Account => {
            return Err(Failure::Usage("explain takes a command of git or git-lfs on a repository".to_owned()));
        }
    };
    let reader = Reader::open(&context.config.paths.database)?;
    let now = now();
    let (who, identity, key, served) = match (&command.user, key) {
        (Some(user), _) => {
            let (account, served) = reader.session_of_account(user, request.path())?;
            let (account, disabled) = account.ok_or_else(|| Failure::Usage(format!("there is no user {user}")))?;
            let identity = disabled.map_or(Ok(Identity::Account(account)), Err);
            (user.to_string(), identity.map_err(|reason| format!("the account is disabled: {reason}")), None, served)
        }
        (None, Some(fingerprint)) => {
            let facts = reader.session(Some(&fingerprint), request.path())?;
            let form = match &facts.key {
                Some((key, _)) => key.form(fingerprint),
                None => Form::Anonymous(fingerprint),
            };
            let address = command.from.as_deref().unwrap_or("unknown");
            let key = facts.key.as_ref().map(|(key, _)| key);
            let identity = identify(&form, key, address, now).map_err(|reason| format!("{reason:?}"));
            (form.user().to_owned(), identity, facts.key, facts.repository)
        }
        (None, None) => {
            let facts = reader.session(None, request.path())?;
            (ANONYMOUS.to_owned(), Ok(Identity::Anonymous), None, facts.repository)
        }
    };
    let (lines, allowed) = match identity {
        Err(reason) => (vec![format!("{who}: not admitted: {reason}"), "deny".to_owned()], false),
        Ok(identity) => {
            let decision = decide(&identity, served.as_ref().map(|served| &served.facts), needed, now);
            let lines = chain(&who, key.as_ref(), &identity, served.as_ref(), decision);
            (lines, matches!(decision, Decision::Allow(_)))
        }
    };
    let reason = lines.last().cloned().unwrap_or_default();
    let verdict = if allowed { "allow" } else { "deny" };
    let text = lines.iter().map(|line| format!("{line}\n")).collect();
    let mut report = Report::new(text, json!({ "decision": verdict, "reason": reason, "chain": lines }));
    report.status = if allowed { Status::Done } else { Status::Refused };
    Ok(report)
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

/// What the repository is, and what the identity has there.
fn repository_lines(identity: &Identity, served: &ServedRepository) -> Vec<String> {
    let facts = &served.facts;
    let gate = match (facts.visibility, facts.gate) {
        (Visibility::Private, _) | (Visibility::Public, Gate::Open) => "",
        (Visibility::Public, Gate::Closed) => ", gated",
        (Visibility::Public, Gate::ClosedToMembers) => ", gated, for members with the role read too",
    };
    let mut lines = vec![format!("{} is {}{gate}", served.path, facts.visibility)];
    if let Some(reason) = &facts.frozen {
        lines.push(format!("it is frozen: {reason}"));
    }
    let (Identity::Account(account) | Identity::Certificate { account, .. }) = identity else {
        return lines;
    };
    let until =
        |until: Option<i64>| until.map_or_else(String::new, |end| format!(" until {}", super::when::rfc3339(end)));
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
    if let Some(Grant { value, until: end }) = facts.gate_request {
        lines.push(format!("the request of {} to pass the gate is {value}{}", account.name, until(end)));
    }
    if account.scope == Scope::Read {
        lines.push("the key is for reading only".to_owned());
    }
    lines
}
