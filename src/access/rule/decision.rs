//! Which rule decides about a ref. No I/O here.
//!
//! [`applied`] leaves, of the rules of all scopes, those that concern one identity. What is left needs no identity any
//! more. [`decide_ref`] finds the first of them that names the action and the ref.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use super::{Action, Actions, GranteeRow, Pattern, Rule, Verdict, Who};
use crate::access::{Access, Identity, RepositoryFacts, Role, is_live};
use crate::name::{Grantee, Owner, RepoPath};

/// A user or a team in a rule: the row, by which rights are decided, and the present name, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedGrantee {
    /// The row.
    pub row: GranteeRow,
    /// The name.
    pub name: Grantee,
    /// How people read it.
    pub shown: ShownAs,
}

/// How people read a user or a team in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownAs {
    /// By the name.
    Name,
    /// By the name of a team that was removed.
    Gone,
    /// Without the name of the team, which is not of the owner of the repository any more. Nobody there may know it.
    Foreign,
    /// Without the name of the team, by readers who may not know it.
    Hidden,
}

impl fmt::Display for NamedGrantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.shown) {
            (name, ShownAs::Name) | (name @ Grantee::User(_), ShownAs::Gone | ShownAs::Foreign | ShownAs::Hidden) => {
                name.fmt(f)
            }
            (name @ Grantee::Team(_), ShownAs::Gone) => write!(f, "{name}(gone)"),
            (Grantee::Team(team), ShownAs::Hidden) => write!(f, "@{}/...", team.organization),
            (Grantee::Team(team), ShownAs::Foreign) => write!(f, "@{}/...(gone)", team.organization),
        }
    }
}

impl Rule<NamedGrantee> {
    /// The rule for readers who may not know the teams of the organization.
    #[must_use]
    pub fn without_teams(&self) -> Self {
        let hidden =
            self.with_names(|named| Ok::<_, Infallible>(NamedGrantee { shown: ShownAs::Hidden, ..named.clone() }));
        hidden.unwrap_or_else(|never| match never {})
    }
}

/// The teams that rules name and that the owner of the repository has, each with whether the account is in it. Without
/// an account, it is in none.
///
/// A team that is missing here was removed, or the repository has another owner now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownTeams(pub BTreeMap<i64, bool>);

/// The rules of every scope that a repository is in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleSets {
    /// Those of the hub.
    pub hub: Vec<Rule<NamedGrantee>>,
    /// Those of the repository's owner.
    pub owner: Vec<Rule<NamedGrantee>>,
    /// Those of the repository.
    pub repository: Vec<Rule<NamedGrantee>>,
}

/// Who pushes, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The identity.
    pub identity: &'a Identity,
    /// Its access to the repository.
    pub access: Access,
    /// The repository's path.
    pub path: &'a RepoPath,
    /// What the database says about the repository.
    pub facts: &'a RepositoryFacts,
    /// What the database says about the teams that the rules name.
    pub teams: &'a KnownTeams,
    /// The time of the decision.
    pub now: i64,
    /// Whether the reader of the decision is the operator, who may see the rules of every scope.
    pub is_for_operator: bool,
}

impl Subject<'_> {
    /// Whether a word of a rule means the identity.
    ///
    /// What a team that is gone was denied, is denied to everyone: nobody gets a right because a team was removed. What
    /// it was allowed, it does not give to anyone.
    pub(super) fn is_named(&self, verdict: Verdict, who: &Who<GranteeRow>) -> bool {
        match who {
            Who::Named(GranteeRow::User(row)) => {
                self.identity.account_at(self.facts.owner).is_some_and(|own| own.id == *row)
            }
            Who::Named(GranteeRow::Team(row)) => match self.teams.0.get(row) {
                Some(is_in) => *is_in && self.is_member(),
                None => verdict == Verdict::Deny,
            },
            Who::Role(role) => self.access >= role.access(),
            Who::DeployKeys => matches!(self.identity, Identity::DeployKey { .. }),
            Who::Everyone => true,
        }
    }

    /// The name for which `{user}` stands.
    pub(super) fn user(&self) -> Option<&Owner> {
        self.identity.account_at(self.facts.owner).map(|account| &account.name)
    }

    /// Whether the identity is, or is certified as, a member of the organization that owns the repository.
    fn is_member(&self) -> bool {
        let role = self.facts.role.filter(|role| is_live(role.until, self.now));
        self.identity.account_at(self.facts.owner).is_some() && role.is_some()
    }

    /// Whether the identity may read the rules of the repository's owner: the owner itself, or a member of the
    /// organization who may read its repositories.
    fn sees_owner(&self) -> bool {
        let account = self.identity.account_at(self.facts.owner);
        account.is_some_and(|account| match self.facts.role.filter(|role| is_live(role.until, self.now)) {
            Some(role) => role.value != Role::NoAccess,
            None => account.id == self.facts.owner,
        })
    }
}

/// A rule that concerns the identity of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedRule {
    /// Allow or deny.
    pub verdict: Verdict,
    /// What it decides about.
    pub actions: Actions,
    /// Which refs, without `{user}`.
    pub pattern: Pattern,
    /// What the identity may read about the rule: its scope, and its number and text if it may see the scope's rules.
    pub label: String,
}

impl fmt::Display for AppliedRule {
    /// One line without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verdict, actions, pattern, label } = self;
        write!(f, "{verdict} {actions} {pattern} {label}")
    }
}

/// The text is not a rule for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a rule for a session")]
pub struct BadAppliedRule;

impl FromStr for AppliedRule {
    type Err = BadAppliedRule;

    fn from_str(line: &str) -> Result<Self, BadAppliedRule> {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().ok_or(BadAppliedRule);
        Ok(Self {
            verdict: word()?.parse().map_err(|_| BadAppliedRule)?,
            actions: word()?.parse().map_err(|_| BadAppliedRule)?,
            pattern: word()?.parse().map_err(|_| BadAppliedRule)?,
            label: word()?.to_owned(),
        })
    }
}

/// The rules that concern an identity, in the order in which they are asked: the final ones of the hub and of the
/// owner, then those of the repository, and last the others of the owner and of the hub.
///
/// The final rules of the hub come before those of the owner, so that no owner softens them.
#[must_use]
pub fn applied(sets: &RuleSets, subject: &Subject<'_>) -> Vec<AppliedRule> {
    let RuleSets { hub, owner, repository } = sets;
    let Subject { path, is_for_operator, .. } = subject;
    let the_hub = (hub, "the hub".to_owned(), *is_for_operator);
    let the_owner = (owner, path.owner.to_string(), *is_for_operator || subject.sees_owner());
    let the_repository = (repository, path.to_string(), true);
    let order =
        [(&the_hub, true), (&the_owner, true), (&the_repository, false), (&the_owner, false), (&the_hub, false)];
    let user = subject.user();
    let mut applied = Vec::new();
    for ((rules, scope, is_seen), is_final) in order {
        for (rule, number) in rules.iter().zip(1..).filter(|(rule, _)| rule.is_final == is_final) {
            let row = |who: &Who<NamedGrantee>| who.with_name(&mut |named| Ok::<_, Infallible>(named.row));
            let names = rule.who.iter().any(|who| row(who).is_ok_and(|who| subject.is_named(rule.verdict, &who)));
            if let (true, Some(pattern)) = (names, rule.pattern.for_user(user)) {
                let label = match (is_seen, *is_for_operator || subject.is_member()) {
                    (true, true) => format!("rule {number} of {scope}: {rule}"),
                    (true, false) => format!("rule {number} of {scope}: {}", rule.without_teams()),
                    (false, _) => format!("a rule of {scope}"),
                };
                applied.push(AppliedRule { verdict: rule.verdict, actions: rule.actions, pattern, label });
            }
        }
    }
    applied
}

/// What the rules say about a ref.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefDecision<'a> {
    /// The push may change it, by this rule; `None` if no rule names it.
    Allow(Option<&'a AppliedRule>),
    /// The push may not change it, by this rule.
    Deny(&'a AppliedRule),
}

/// Decides whether a push may do this to a ref, whose whole name is given. The first rule that names both decides.
/// Without one, an identity with write access may do everything.
pub fn decide_ref<'a>(rules: &'a [AppliedRule], action: Action, name: &[u8]) -> RefDecision<'a> {
    match rules.iter().find(|rule| rule.actions.contains(action) && rule.pattern.matches(name)) {
        Some(rule) if rule.verdict == Verdict::Deny => RefDecision::Deny(rule),
        rule => RefDecision::Allow(rule),
    }
}
