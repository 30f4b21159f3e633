//! What gitolite permits, on repositories of this hub.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::conf::{ADMIN, Conf, Person, Repository};
use super::super::history::History;
use super::super::kind::Kind;
use super::super::outcome::Outcome;
use super::accounts::Accounts;
use super::names::Names;
use super::roles::On;
use super::rules::{self, Named, files, written};
use super::teams::Teams;
use crate::access::Visibility;
use crate::access::rule::{PathRule, PathRules, Rule};
use crate::content::{CheckValue, CheckValues, ContentCheck, TypedValue};
use crate::db::{Change, ChangeError, MOST_RULES, OwnerKind, OwnerRow, RepositoryRow, all};
use crate::name::{Grantee, HubScope, Title};

/// A repository of this hub whose rules may be replaced.
struct Here<'a> {
    row: &'a RepositoryRow,
    history: &'a History,
    /// Why its rules stay as they are.
    fixed: Option<&'a str>,
}

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
        let mut accounts = Accounts::new(change, names);
        let mut teams = Teams::new(conf);
        // Users with a right in gitolite, and whether they have one here.
        let mut users: BTreeMap<&str, bool> = BTreeMap::new();
        for repository in &conf.repositories {
            let granted = self.take_repository(&mut accounts, &mut teams, repository)?;
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
        accounts: &mut Accounts<'_>,
        teams: &mut Teams<'_>,
        repository: &Repository,
    ) -> Result<BTreeSet<Rc<str>>, ChangeError> {
        let Repository { name, people, named: _, rules, closed_rules, paths, everyone_reads, description } = repository;
        let row = match accounts.names.path(name) {
            _ if name == ADMIN => Err((Kind::Admin, String::new())),
            Ok(path) => match accounts.change.repository(&path) {
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
                return Ok(BTreeSet::new());
            }
        };
        let mut present: Vec<(&Person, OwnerRow)> = Vec::new();
        for person in people {
            match accounts.of(&person.name)? {
                Ok(account) => present.push((person, account)),
                Err((Kind::NoAccount, _)) => {
                    self.leave(Kind::NoAccount, person.place.to_string(), format!("{} on {name}", person.name));
                }
                Err((kind, why)) => {
                    self.leave(kind, person.place.to_string(), format!("{} on {name}: {why}", person.name));
                }
            }
        }
        let change = accounts.change;
        let history = History::of(change, &row.path)?;
        if let Some(how) = history.moved() {
            for (person, account) in present {
                let why = format!("{} on {}: {how}", account.name, row.path);
                self.leave(Kind::Revoked, person.place.to_string(), why);
            }
            return Ok(BTreeSet::new());
        }
        let groups = teams.groups(self, accounts, repository, &row, &history)?;
        let everyone: Vec<Named> =
            present.iter().map(|(person, account)| (Rc::clone(&person.name), account.name.clone())).collect();
        // Users who could push before this import must not be able to do more without rules.
        let has_rules = !all(|each| change.rules_of(&HubScope::Repository(row.path.clone()), 0, each))?.is_empty();
        let rules = if rules.is_empty() && has_rules && history.has_rules() { closed_rules } else { rules };
        let rules = written(accounts, rules, &groups, &everyone)?;
        let files = files(accounts, paths, &groups)?;
        // Rules for refs permit nothing before those for files are here.
        let fixed = groups.fixed();
        let here = Here { row: &row, history: &history, fixed: fixed.as_deref() };
        let may_push =
            self.take_paths(accounts, teams, &here, files)? && self.take_rules(accounts, teams, &here, &rules)?;
        let on = On { row: &row, history: &history, may_push };
        let granted = self.take_roles(accounts, teams, repository, &on, &groups, present)?;
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
        self.note_owner(change, &row, repository, accounts.names)?;
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
        accounts: &Accounts<'_>,
        teams: &mut Teams<'_>,
        here: &Here<'_>,
        rules: Vec<PathRule<Grantee>>,
    ) -> Result<bool, ChangeError> {
        if rules.is_empty() {
            return Ok(true);
        }
        let change = accounts.change;
        let Here { row, history, fixed } = *here;
        let named = rules::teams(rules.iter().flat_map(|rule| &rule.who));
        if let Some(changed) =
            history.changed_paths().or(fixed).filter(|_| named.iter().any(|team| teams.is_pending(team)))
        {
            self.leave(Kind::OtherRules, "", format!("{}: {changed}", row.path));
            return Ok(false);
        }
        for team in named {
            teams.make(self, accounts, team)?;
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
        let why = match history.changed_paths().or(fixed) {
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
        accounts: &Accounts<'_>,
        teams: &mut Teams<'_>,
        here: &Here<'_>,
        rules: &[Rule<Grantee>],
    ) -> Result<bool, ChangeError> {
        let change = accounts.change;
        let Here { row, history, fixed } = *here;
        let scope = HubScope::Repository(row.path.clone());
        let present = all(|each| change.rules_of(&scope, 0, each))?;
        let present: Vec<String> = present.iter().map(|numbered| numbered.rule.to_string()).collect();
        let wanted: Vec<String> = rules.iter().map(ToString::to_string).collect();
        if present == wanted {
            self.already += wanted.len();
            return Ok(true);
        }
        if rules.len() > MOST_RULES {
            let why = format!("{}: it would have more than {MOST_RULES} rules", row.path);
            self.leave(Kind::OtherRules, "", why);
            return Ok(false);
        }
        let changed = history.changed_rules().or(fixed);
        if changed.is_some() || !present.is_empty() && !history.has_rules() {
            // Without rules from gitolite, the rules that exist here can only restrict what a role permits.
            if !wanted.is_empty() {
                let changed = changed.unwrap_or("it has other rules");
                self.leave(Kind::OtherRules, "", format!("{}: {changed}", row.path));
            }
            return Ok(wanted.is_empty());
        }
        for team in rules::teams(rules.iter().flat_map(|rule| &rule.who)) {
            teams.make(self, accounts, team)?;
        }
        change.import_rules(&row.path, rules)?;
        self.rules.push((row.path.clone(), wanted));
        Ok(true)
    }
}
