//! The rules for refs and the checks of content that a push is judged by, read from the database.

use crate::access::rule::{AppliedRule, Subject, applied};
use crate::access::{Access, Decision, HolderId, Identity, decide};
use crate::content::CheckValues;
use crate::db::{Error, PushSettings, ServedRepository, View};
use crate::request::{ANONYMOUS, ForcedCommand};

/// Who reads what the rules say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The session itself, which may not see the rules of every scope.
    Session,
    /// The operator.
    Operator,
}

/// The rules for an identity that may at least fetch from the repository, in the order in which they are asked, and the
/// checks of what the identity pushes.
///
/// # Errors
/// The database did not answer.
pub(crate) fn rules_and_checks(
    view: &View<'_>,
    identity: &Identity,
    served: &ServedRepository,
    now: i64,
    reading: Reading,
) -> Result<(Vec<AppliedRule>, CheckValues), Error> {
    let ServedRepository { path, facts, .. } = served;
    let access = match decide(identity, Some(facts), Access::Fetch, now) {
        Decision::Allow(access) => access,
        Decision::Deny(_) => Access::None,
    };
    let account = identity.account_at(facts.owner).map(|account| account.id);
    let PushSettings { rules, checks, teams } = view.push_settings((facts.id, facts.owner), account, now)?;
    let is_for_operator = reading == Reading::Operator;
    let subject = Subject { identity, access, path, facts, teams: &teams, now, is_for_operator };
    Ok((applied(&rules, &subject), checks.applied(&subject)))
}

/// Who pushes, as a message says it.
pub(crate) fn who(identity: &Identity) -> String {
    match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => account.name.to_string(),
        Identity::DeployKey { .. } => "this deploy key".to_owned(),
        Identity::Anonymous => ANONYMOUS.to_owned(),
    }
}

/// The holder of the LFS locks of a session: its account, or its deploy key.
pub(crate) fn lock_holder(identity: &Identity, forced_command: &ForcedCommand) -> Option<HolderId> {
    match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => Some(HolderId::Account(account.id)),
        Identity::DeployKey { .. } => forced_command.fingerprint().map(HolderId::Key),
        // An anonymous session may lock nothing.
        Identity::Anonymous => None,
    }
}

/// What decides about the refs and the paths of a push.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Deciding {
    /// The rules for refs.
    pub(crate) rules: Vec<AppliedRule>,
    /// The checks.
    pub(crate) checks: CheckValues,
}

impl Deciding {
    /// Whether `other` decides alike about refs and paths.
    pub(crate) fn decides_like(&self, other: &Self) -> bool {
        decide_alike(&self.rules, &other.rules) && self.checks.paths() == other.checks.paths()
    }
}

/// Whether two lists decide alike. What a client reads about a rule may differ.
fn decide_alike(one: &[AppliedRule], other: &[AppliedRule]) -> bool {
    let deciding = |rule: &AppliedRule| (rule.verdict, rule.actions, rule.pattern.clone());
    one.iter().map(deciding).eq(other.iter().map(deciding))
}
