//! Why the policy allows or denies, one step a line.

use super::when::rfc3339;
use crate::access::{Account, Decision, Denial, Gate, GateRequest, Grant, Identity, KeyFacts, Role, Scope, Visibility};
use crate::clock::now;
use crate::db::{ServedRepository, TeamGrant};
use crate::name::Title;

/// The steps from a key to a decision, one line each. The last line is the decision. `by_teams` is what teams give the
/// account.
pub(crate) fn chain(
    who: &str,
    key: Option<&(KeyFacts, Title)>,
    identity: &Identity,
    served: Option<&ServedRepository>,
    by_teams: &[TeamGrant],
    decision: Decision,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some((_, title)) = key {
        lines.push(format!("the key \"{title}\" is valid"));
    }
    lines.push(match identity {
        Identity::Account(Account { name, scope, .. }) => format!("identity: account {name}, scope {scope}"),
        Identity::Certificate { account, .. } => format!("identity: by a certificate, account {}", account.name),
        Identity::DeployKey { scope, .. } => format!("identity: deploy key, scope {scope}"),
        Identity::Anonymous => format!("{who}: a key that is on no account"),
    });
    match served {
        None => lines.push("no repository has that path".to_owned()),
        Some(served) => lines.extend(repository_lines(identity, served, by_teams)),
    }
    lines.push(match decision {
        Decision::Allow(access) => format!("allow: {access:?}").to_lowercase(),
        Decision::Deny(Denial::NoRepository) => {
            "deny: no access, and the client sees \"repository not found\"".to_owned()
        }
        Decision::Deny(Denial::ReadOnly) => "deny: may fetch, may not push".to_owned(),
        Decision::Deny(Denial::Gated(GateRequest::None)) => {
            "deny: the gate is closed, and access was not requested".to_owned()
        }
        Decision::Deny(Denial::Gated(request)) => format!("deny: the gate is closed, and the request is {request}"),
        Decision::Deny(Denial::Frozen) => "deny: the repository is frozen".to_owned(),
    });
    lines
}

/// The identity's role, the state of the repository, and whether the gate lets the identity pass.
fn repository_lines(identity: &Identity, served: &ServedRepository, by_teams: &[TeamGrant]) -> Vec<String> {
    let facts = &served.facts;
    let account = identity.account_at(facts.owner);
    let gate = match (facts.visibility, facts.gate) {
        (Visibility::Internal | Visibility::Private, _) | (Visibility::Public, Gate::Open) => "",
        (Visibility::Public, Gate::Closed) => ", gated",
        (Visibility::Public, Gate::ClosedToMembers) => ", gated, for members with the role read too",
    };
    let mut lines = match (account, identity) {
        (Some(account), _) => role_lines(account, served, by_teams),
        (None, Identity::Certificate { .. }) => vec!["a certificate counts only in its organization".to_owned()],
        (None, _) => Vec::new(),
    };
    lines.push(format!("{} is {}{gate}", served.path, facts.visibility));
    if let Some(reason) = &facts.frozen {
        lines.push(format!("the repository is frozen: {reason}"));
    }
    if let (Some(account), Some(Grant { value, until: end })) = (account, facts.gate_request) {
        lines.push(format!("the request of {} to pass the gate is {value}{}", account.name, until(end)));
    }
    lines
}

/// The role of an account on a repository.
fn role_lines(account: &Account, served: &ServedRepository, by_teams: &[TeamGrant]) -> Vec<String> {
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
    for TeamGrant { team, role, until: end, .. } in by_teams {
        lines.push(format!("{} has the role {role} by the team {team}{}", account.name, until(*end)));
    }
    if lines.is_empty() {
        lines.push(format!("{} is neither a member of {} nor a collaborator", account.name, served.path.owner));
    }
    if account.scope == Scope::Read {
        lines.push("the key has scope read".to_owned());
    }
    lines
}

fn until(end: Option<i64>) -> String {
    match end {
        None => String::new(),
        Some(end) if end <= now() => format!(", which ended at {}", rfc3339(end)),
        Some(end) => format!(" until {}", rfc3339(end)),
    }
}
