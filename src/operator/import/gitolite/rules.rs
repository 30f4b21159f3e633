//! The rules of gitolite with the names of accounts and teams.

use std::rc::Rc;

use super::super::conf::{PathText, RuleText, Who};
use super::accounts::Accounts;
use super::groups::Groups;
use crate::access::rule::{self, PathPattern, PathRule, Rule, Verdict, WHO_MAX};
use crate::db::ChangeError;
use crate::name::{Grantee, Owner, TeamPath};

/// Stands for the name of a user in a pattern.
const USER: &str = "{user}";

/// The name of a user in gitolite, and here.
pub(super) type Named = (Rc<str>, Owner);

/// The teams and users that a rule names here.
struct Names {
    teams: Vec<TeamPath>,
    users: Vec<Named>,
}

/// The rules for refs. Those of users without an account are left out. `everyone` are the users with a right on the
/// repository.
pub(super) fn written(
    accounts: &mut Accounts<'_>,
    rules: &[RuleText],
    groups: &Groups<'_>,
    everyone: &[Named],
) -> Result<Vec<Rule<Grantee>>, ChangeError> {
    let mut found: Vec<(&RuleText, Option<Names>)> = Vec::new();
    let mut denies_missing = false;
    for rule in rules {
        let names = match &rule.who {
            Who::Everyone => None,
            Who::Users(named) => {
                // The members of a team would have their new names in the pattern.
                let has_user = rule.pattern.contains(USER);
                let (teams, users) = groups.named(accounts, rule.verdict, named, has_user)?;
                for user in &named.users {
                    denies_missing |= rule.verdict == Verdict::Deny && accounts.of(user)?.is_err();
                }
                Some(Names { teams, users: present(accounts, &users)? })
            }
        };
        found.push((rule, names));
    }
    let is_renamed = |(old, new): &Named| **old != *new.as_str();
    let mut written = Vec::new();
    for (rule, names) in found {
        let has_user = rule.pattern.contains(USER);
        // If a rule denies something to a user without an account, a later rule for everyone must not allow it.
        let names = match names {
            None if rule.verdict == Verdict::Allow
                && (denies_missing || has_user && everyone.iter().any(is_renamed)) =>
            {
                Some(Names { teams: Vec::new(), users: everyone.to_vec() })
            }
            names => names,
        };
        let Some(Names { teams, users }) = names else {
            // What is denied to everyone is denied to a renamed user by both names.
            for (old, new) in everyone.iter().filter(|user| has_user && is_renamed(user)) {
                push(&mut written, rule, &rule.pattern.replace(USER, old), Some(vec![Grantee::User(new.clone())]));
            }
            push(&mut written, rule, &rule.pattern, None);
            continue;
        };
        let (renamed, others): (Vec<_>, Vec<_>) = users.into_iter().partition(|user| has_user && is_renamed(user));
        let others = others.into_iter().map(|(_, new)| Grantee::User(new));
        push(&mut written, rule, &rule.pattern, Some(teams.into_iter().map(Grantee::Team).chain(others).collect()));
        for (old, new) in renamed {
            push(&mut written, rule, &rule.pattern.replace(USER, &old), Some(vec![Grantee::User(new)]));
        }
    }
    Ok(written)
}

/// The rules for files. Users without an account are left out.
pub(super) fn files(
    accounts: &mut Accounts<'_>,
    paths: &[PathText],
    groups: &Groups<'_>,
) -> Result<Vec<PathRule<Grantee>>, ChangeError> {
    let mut rules = Vec::new();
    for PathText { verdict, pattern, who } in paths {
        let Ok(pattern) = pattern.parse::<PathPattern>() else {
            // No pattern is written that is not one. If one were, it would be wrong to go on without it.
            return Err(ChangeError::Conflict(format!("{pattern} is not a pattern of paths")));
        };
        let mut add = |who| rules.push(PathRule { verdict: *verdict, pattern: pattern.clone(), who });
        match who {
            Who::Everyone => add(vec![rule::Who::Everyone]),
            Who::Users(named) => {
                let (teams, users) = groups.named(accounts, *verdict, named, false)?;
                let users = present(accounts, &users)?.into_iter().map(|(_, new)| Grantee::User(new));
                let who: Vec<_> = teams.into_iter().map(Grantee::Team).chain(users).map(rule::Who::Named).collect();
                who.chunks(WHO_MAX).for_each(|who| add(who.to_vec()));
            }
        }
    }
    Ok(rules)
}

/// The teams that rules name.
pub(super) fn teams<'a>(who: impl Iterator<Item = &'a rule::Who<Grantee>>) -> Vec<&'a TeamPath> {
    let team = |who: &'a rule::Who<Grantee>| match who {
        rule::Who::Named(name) => name.team(),
        rule::Who::Role(_) | rule::Who::DeployKeys | rule::Who::Everyone => None,
    };
    who.filter_map(team).collect()
}

/// The users who have an account.
fn present(accounts: &mut Accounts<'_>, users: &[Rc<str>]) -> Result<Vec<Named>, ChangeError> {
    let mut found = Vec::new();
    for user in users {
        found.extend(accounts.of(user)?.ok().map(|account| (Rc::clone(user), account.name)));
    }
    Ok(found)
}

/// Adds a rule for these users and teams, or for everyone. Many of them need several rules.
fn push(written: &mut Vec<Rule<Grantee>>, rule: &RuleText, pattern: &str, names: Option<Vec<Grantee>>) {
    let Ok(pattern) = pattern.parse::<rule::Pattern>() else { return };
    let RuleText { verdict, actions, .. } = rule;
    let mut add = |who: Vec<rule::Who<Grantee>>| {
        let pattern = pattern.clone();
        written.push(Rule { is_final: false, verdict: *verdict, actions: *actions, pattern, who });
    };
    match names {
        None => add(vec![rule::Who::Everyone]),
        Some(names) => {
            for names in names.chunks(WHO_MAX) {
                add(names.iter().cloned().map(rule::Who::Named).collect());
            }
        }
    }
}
