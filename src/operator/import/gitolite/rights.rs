//! What gitolite permits, on repositories of this hub.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::conf::{ADMIN, Conf, PathText, Person, Repository, RuleText, Who};
use super::super::history::History;
use super::super::kind::Kind;
use super::super::outcome::Outcome;
use super::names::{Names, Problem};
use crate::access::rule::{self, PathPattern, PathRule, PathRules, Rule, Verdict, WHO_MAX};
use crate::access::{CollaboratorRole, Visibility};
use crate::content::{CheckValue, CheckValues, ContentCheck, TypedValue};
use crate::db::{Change, ChangeError, MOST_RULES, OwnerKind, OwnerRow, RepositoryRow, all};
use crate::name::{Grantee, HubScope, Owner, Title};

/// Stands for the name of a user in a pattern.
const USER: &str = "{user}";

/// Accounts that were asked for, by gitolite's names.
type Accounts = BTreeMap<Rc<str>, Result<OwnerRow, Problem>>;

impl Outcome {
    pub(super) fn take_conf(&mut self, change: &Change<'_>, conf: &Conf, names: &Names) -> Result<(), ChangeError> {
        for lost in &conf.lost {
            self.leave(Kind::Conf(lost.kind), lost.place.to_string(), lost.what.clone());
        }
        for ignored in &conf.ignored {
            self.leave(Kind::Ignored, ignored.place.to_string(), ignored.why.clone());
        }
        if conf.settings > 0 {
            self.leave(Kind::Settings, "", format!("{} lines", conf.settings));
        }
        let mut accounts = Accounts::new();
        // Users with a right in gitolite, and whether they have one here.
        let mut users: BTreeMap<&str, bool> = BTreeMap::new();
        for repository in &conf.repositories {
            let granted = self.take_repository(change, repository, names, &mut accounts)?;
            for person in &repository.people {
                *users.entry(&person.name).or_default() |= granted.contains(&person.name);
            }
        }
        for (user, _) in users.into_iter().filter(|(_, has)| !has) {
            self.leave(Kind::Nothing, "", user);
        }
        Ok(())
    }

    /// Imports the rules and grants of one repository. Returns the users who have a right there.
    fn take_repository(
        &mut self,
        change: &Change<'_>,
        repository: &Repository,
        names: &Names,
        accounts: &mut Accounts,
    ) -> Result<BTreeSet<Rc<str>>, ChangeError> {
        let mut granted = BTreeSet::new();
        let Repository { name, people, rules, paths, everyone_reads, description } = repository;
        let row = match names.path(name) {
            _ if name == ADMIN => Err((Kind::Admin, String::new())),
            Ok(path) => match change.repository(&path) {
                Ok(row) => Ok(row),
                Err(ChangeError::NotFound(_)) => Err((Kind::NoRepository, format!(": {path}"))),
                Err(error) => return Err(error),
            },
            Err((kind, why)) => Err((kind, format!(": {why}"))),
        };
        let row = match row {
            Ok(row) => row,
            Err((kind, why)) => {
                for person in people {
                    self.leave(kind, person.place.to_string(), format!("{} on {name}{why}", person.name));
                }
                return Ok(granted);
            }
        };
        let mut present: Vec<(&Person, OwnerRow)> = Vec::new();
        for person in people {
            match account(change, &person.name, names, accounts)? {
                Ok(account) => present.push((person, account)),
                Err((Kind::NoAccount, _)) => {
                    self.leave(Kind::NoAccount, person.place.to_string(), format!("{} on {name}", person.name));
                }
                Err((kind, why)) => {
                    self.leave(kind, person.place.to_string(), format!("{} on {name}: {why}", person.name));
                }
            }
        }
        let history = History::of(change, &row.path)?;
        let rules = written(change, rules, names, accounts, &present)?;
        let files = files(change, paths, names, accounts)?;
        // Rules for refs permit nothing before those for files are here.
        let may_push =
            self.take_paths(change, &row, files, &history)? && self.take_rules(change, &row, &rules, &history)?;
        for (person, account) in present {
            let role = if person.writes { CollaboratorRole::Write } else { CollaboratorRole::Read };
            let place = person.place.to_string();
            let on = format!("{} on {}", account.name, row.path);
            if account.name.folded() == row.path.owner.folded() {
                self.already += 1;
                granted.insert(Rc::clone(&person.name));
                continue;
            }
            let has = change.collaborator_role(row.id, &account.name)?;
            if has.is_some_and(|has| has.access() >= role.access()) {
                self.already += 1;
                granted.insert(Rc::clone(&person.name));
                if let Some(more) = has.filter(|has| has.access() > role.access()) {
                    self.leave(Kind::More, place, format!("{on}: {more}, not {role}"));
                }
                continue;
            }
            if has.is_some() {
                granted.insert(Rc::clone(&person.name));
            }
            if let Some(changed) = history.changed_role(change, &account.name)? {
                self.leave(Kind::Revoked, place, format!("{on}: {changed}"));
                continue;
            }
            let role = match (role, may_push) {
                (CollaboratorRole::Write, false) => {
                    self.leave(Kind::OtherRules, place, on);
                    if has.is_some() {
                        continue;
                    }
                    CollaboratorRole::Read
                }
                (role, _) => role,
            };
            change.set_collaborator(&row.path, &Grantee::User(account.name.clone()), role, None)?;
            granted.insert(Rc::clone(&person.name));
            self.grants.push((row.path.clone(), account.name, role));
        }
        if let (Some(place), Visibility::Private) = (everyone_reads, row.visibility) {
            if let Some(changed) = history.changed_visibility() {
                self.leave(Kind::Revoked, place.to_string(), format!("every user on {}: {changed}", row.path));
            } else {
                change.set_visibility(&row.path, Visibility::Internal)?;
                self.leave(Kind::Internal, place.to_string(), row.path.to_string());
            }
        }
        if let Some(description) = description {
            self.take_description(change, &row, description, &history)?;
        }
        self.note_owner(change, &row, repository, names)?;
        Ok(granted)
    }

    /// Reports a user of gitolite who owns the repository here, and so administers it whatever gitolite permits.
    fn note_owner(
        &mut self,
        change: &Change<'_>,
        row: &RepositoryRow,
        repository: &Repository,
        names: &Names,
    ) -> Result<(), ChangeError> {
        let owner = &row.path.owner;
        if change.owner(owner)?.kind != OwnerKind::User {
            return Ok(());
        }
        if let Some(user) = names.user_called(owner) {
            let before = match repository.people.iter().find(|person| *person.name == *user) {
                None => "nothing",
                Some(Person { writes: false, .. }) => "read",
                Some(Person { writes: true, .. }) if repository.rules.is_empty() => "write",
                Some(Person { writes: true, .. }) => "write by rules",
            };
            self.leave(Kind::OwnerGained, "", format!("{owner} on {}: {before} in gitolite", row.path));
        }
        Ok(())
    }

    /// Describes a repository, unless a person did.
    fn take_description(
        &mut self,
        change: &Change<'_>,
        row: &RepositoryRow,
        description: &str,
        history: &History,
    ) -> Result<(), ChangeError> {
        if row.description == description {
            return Ok(());
        }
        if !history.may_describe(!row.description.is_empty()) {
            self.descriptions.1 += 1;
            return Ok(());
        }
        match description.parse::<Title>() {
            Ok(description) => {
                change.set_description(&row.path, description.as_str())?;
                self.descriptions.0 += 1;
            }
            Err(error) => self.leave(Kind::BadDescription, "", format!("{}: {error}", row.path)),
        }
        Ok(())
    }

    /// Sets the check of paths of a repository, unless it has another one. Returns whether new grants may permit to
    /// push.
    fn take_paths(
        &mut self,
        change: &Change<'_>,
        row: &RepositoryRow,
        rules: Vec<PathRule<Grantee>>,
        history: &History,
    ) -> Result<bool, ChangeError> {
        if rules.is_empty() {
            return Ok(true);
        }
        let scope = HubScope::Repository(row.path.clone());
        let wanted = change.check_value(&scope, &TypedValue::Paths(PathRules { by_ref: true, rules }))?;
        let [here, owner, hub] = change.checks_of(&scope)?;
        let has = |values: &CheckValues| values.get(ContentCheck::Path).is_some();
        if here.get(ContentCheck::Path) == Some(&wanted) {
            self.already += 1;
            return Ok(true);
        }
        let is_long = matches!(&wanted, CheckValue::Paths(rules) if !rules.fit());
        let why = match history.changed_paths() {
            _ if is_long => Some("its rules for paths would be too long"),
            Some(changed) => Some(changed),
            None if has(&here) && !history.has_paths() => Some("it has other rules for paths"),
            None if !has(&here) && (has(&owner) || has(&hub)) => Some("its owner or the hub has rules for paths"),
            None => None,
        };
        if let Some(why) = why {
            self.leave(Kind::OtherRules, "", format!("{}: {why}", row.path));
            return Ok(false);
        }
        let shown = change.shown_value(&wanted, None, true)?;
        change.set_check(&scope, ContentCheck::Path, Some(wanted))?;
        self.checks.push((row.path.clone(), shown));
        Ok(true)
    }

    /// Writes the rules of a repository, unless it has others. Returns whether new grants may permit to push.
    fn take_rules(
        &mut self,
        change: &Change<'_>,
        row: &RepositoryRow,
        rules: &[Rule<Grantee>],
        history: &History,
    ) -> Result<bool, ChangeError> {
        let scope = HubScope::Repository(row.path.clone());
        let here = all(|each| change.rules_of(&scope, 0, each))?;
        let here: Vec<String> = here.iter().map(|numbered| numbered.rule.to_string()).collect();
        let wanted: Vec<String> = rules.iter().map(ToString::to_string).collect();
        if here == wanted {
            self.already += wanted.len();
            return Ok(true);
        }
        if rules.len() > MOST_RULES {
            let why = format!("{}: it would have more than {MOST_RULES} rules", row.path);
            self.leave(Kind::OtherRules, "", why);
            return Ok(false);
        }
        let changed = history.changed_rules();
        if changed.is_some() || !here.is_empty() && !history.has_rules() {
            // Without rules from gitolite, the rules that exist here can only restrict what a role permits.
            if !wanted.is_empty() {
                let changed = changed.unwrap_or("it has other rules");
                self.leave(Kind::OtherRules, "", format!("{}: {changed}", row.path));
            }
            return Ok(wanted.is_empty());
        }
        change.import_rules(&row.path, rules)?;
        self.rules.push((row.path.clone(), wanted));
        Ok(true)
    }
}

/// The name of a user in gitolite, and here.
type Named = (Rc<str>, Owner);

/// The rules with the names of accounts. Those of users without an account are left out.
fn written(
    change: &Change<'_>,
    rules: &[RuleText],
    names: &Names,
    accounts: &mut Accounts,
    present: &[(&Person, OwnerRow)],
) -> Result<Vec<Rule<Grantee>>, ChangeError> {
    let mut found: Vec<(&RuleText, Option<Vec<Named>>)> = Vec::new();
    let mut denies_missing = false;
    for rule in rules {
        let users = match &rule.who {
            Who::Everyone => None,
            Who::Users(users) => {
                let mut known = Vec::new();
                for user in users {
                    match account(change, user, names, accounts)? {
                        Ok(account) => known.push((Rc::clone(user), account.name)),
                        Err(_) => denies_missing |= rule.verdict == Verdict::Deny,
                    }
                }
                Some(known)
            }
        };
        found.push((rule, users));
    }
    let everyone: Vec<Named> =
        present.iter().map(|(person, account)| (Rc::clone(&person.name), account.name.clone())).collect();
    let is_renamed = |(old, new): &Named| **old != *new.as_str();
    let mut written = Vec::new();
    for (rule, users) in found {
        let has_user = rule.pattern.contains(USER);
        // If a rule denies something to a user without an account, a later rule for everyone must not allow it.
        let users = match users {
            None if rule.verdict == Verdict::Allow
                && (denies_missing || has_user && everyone.iter().any(is_renamed)) =>
            {
                Some(everyone.clone())
            }
            users => users,
        };
        let (Some(users), true) = (&users, has_user) else {
            // What is denied to everyone is denied to a renamed user by both names.
            for (old, new) in everyone.iter().filter(|user| has_user && users.is_none() && is_renamed(user)) {
                push(&mut written, rule, &rule.pattern.replace(USER, old), Some(std::slice::from_ref(new)));
            }
            let users = users.map(|users| users.into_iter().map(|(_, new)| new).collect::<Vec<Owner>>());
            push(&mut written, rule, &rule.pattern, users.as_deref());
            continue;
        };
        let (renamed, others): (Vec<_>, Vec<_>) = users.iter().cloned().partition(is_renamed);
        let others: Vec<Owner> = others.into_iter().map(|(_, new)| new).collect();
        push(&mut written, rule, &rule.pattern, Some(&others));
        for (old, new) in renamed {
            push(&mut written, rule, &rule.pattern.replace(USER, &old), Some(&[new]));
        }
    }
    Ok(written)
}

/// The rules for files with the names of accounts. Users without an account are left out.
fn files(
    change: &Change<'_>,
    paths: &[PathText],
    names: &Names,
    accounts: &mut Accounts,
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
            Who::Users(users) => {
                let mut known = Vec::new();
                for user in users {
                    let account = account(change, user, names, accounts)?.ok();
                    known.extend(account.map(|row| rule::Who::Named(Grantee::User(row.name))));
                }
                known.chunks(WHO_MAX).for_each(|users| add(users.to_vec()));
            }
        }
    }
    Ok(rules)
}

/// Adds a rule for these users, or for everyone. Many users need several rules.
fn push(written: &mut Vec<Rule<Grantee>>, rule: &RuleText, pattern: &str, users: Option<&[Owner]>) {
    let Ok(pattern) = pattern.parse::<rule::Pattern>() else { return };
    let RuleText { verdict, actions, .. } = rule;
    let mut add = |who: Vec<rule::Who<Grantee>>| {
        let pattern = pattern.clone();
        written.push(Rule { is_final: false, verdict: *verdict, actions: *actions, pattern, who });
    };
    match users {
        None => add(vec![rule::Who::Everyone]),
        Some(users) => {
            for users in users.chunks(WHO_MAX) {
                add(users.iter().cloned().map(Grantee::User).map(rule::Who::Named).collect());
            }
        }
    }
}

fn account(
    change: &Change<'_>,
    user: &Rc<str>,
    names: &Names,
    accounts: &mut Accounts,
) -> Result<Result<OwnerRow, Problem>, ChangeError> {
    if let Some(account) = accounts.get(user) {
        return Ok(account.clone());
    }
    let account = match names.user(user) {
        Err(problem) => Err(problem),
        Ok(name) => match change.user(&name) {
            Ok(row) if row.name == name => Ok(row),
            Ok(row) => Err((Kind::SameName, format!("{user} and {}, an account here", row.name))),
            Err(ChangeError::NotFound(_)) => Err((Kind::NoAccount, user.to_string())),
            Err(error) => return Err(error),
        },
    };
    accounts.insert(Rc::clone(user), account.clone());
    Ok(account)
}
