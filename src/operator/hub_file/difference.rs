//! The steps from the present hub to the file. Reads, and changes nothing.

mod repository;
mod team;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::fmt::Display;
use std::ops::ControlFlow;

use super::file::{Checks, Granted, HubFile, Key, OrganizationTable, Word};
use super::step::{Action, Step, in_table};
use crate::access::Role;
use crate::access::rule::{PathRules, Rule, Who};
use crate::commands::Refused;
use crate::config::ObjectFormat;
use crate::content::{ContentCheck, TypedValue};
use crate::db::{ChangeError, DescribedOwner, Member, OwnerKind, ScopeSettings, View};
use crate::name::{Grantee, HubScope, Owner, RepoPath, fold};
use crate::report::when::rfc3339;

/// How a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Whether to remove what the file does not mention.
    pub(super) prune: bool,
    /// Whether users that do not exist are created.
    pub(super) create_users: bool,
    /// The object format of a new repository for which the file has none.
    pub(super) object_format: ObjectFormat,
}

/// The steps, in an order in which no step needs a later one.
#[derive(Debug, Default)]
struct Steps {
    /// New owners.
    owners: Vec<Step>,
    /// Memberships in teams that end. They come before roles in organizations, whose end also ends them.
    leavers: Vec<Step>,
    /// Roles of admins. They come before other roles, so that no organization is without an admin in between.
    admins: Vec<Step>,
    members: Vec<Step>,
    /// New teams and memberships in teams.
    teams: Vec<Step>,
    /// Removed repositories, grants and keys. They come before new ones, because a deploy key may move.
    removals: Vec<Step>,
    repositories: Vec<Step>,
    grants: Vec<Step>,
    settings: Vec<Step>,
    /// Removed teams, organizations and rights to create, and checks of the final state.
    last: Vec<Step>,
}

struct Difference<'a> {
    view: &'a View<'a>,
    reading: Reading,
    now: Now,
    steps: Steps,
    /// The names of users and organizations that the steps add, for comparison.
    new_owners: HashMap<String, OwnerKind>,
    /// The teams that the steps remove, for comparison.
    removed_teams: HashSet<String>,
}

/// Returns the steps from the present hub to the file.
///
/// # Errors
/// [`Refused`]: the file mentions a user that does not exist, or asks for what no command can do.
pub(super) fn steps(view: &View<'_>, file: &HubFile, reading: Reading, now: i64) -> Result<Vec<Step>, Refused> {
    let mut difference = Difference {
        view,
        reading,
        now: Now(now),
        steps: Steps::default(),
        new_owners: HashMap::new(),
        removed_teams: HashSet::new(),
    };
    difference.organizations(file)?;
    difference.users(file)?;
    let hub = view.described_hub()?;
    difference.settings("[hub]", &HubScope::Hub, &hub, file.hub.rules.as_deref(), &file.hub.checks);
    for (path, table) in &file.repositories.0 {
        difference.repository(path, table)?;
    }
    if reading.prune {
        difference.prune(file)?;
    }
    let Steps { owners, leavers, admins, members, teams, removals, repositories, grants, settings, last } =
        difference.steps;
    let steps = [owners, leavers, admins, members, teams, removals, repositories, grants, settings, last];
    Ok(steps.into_iter().flatten().collect())
}

/// The users of rules for refs and for paths.
fn users<'a>(rules: Option<&'a [Word<Rule<Grantee>>]>, checks: &'a Checks) -> impl Iterator<Item = &'a Owner> {
    let of_paths = checks.0.iter().flat_map(|(_, value)| match value {
        TypedValue::Paths(rules) => rules.rules.as_slice(),
        TypedValue::Plain(_) => &[],
    });
    let of_refs = rules.unwrap_or_default().iter().flat_map(|rule| &rule.0.who);
    of_refs.chain(of_paths.flat_map(|rule| &rule.who)).filter_map(|who| match who {
        Who::Named(Grantee::User(user)) => Some(user),
        Who::Named(Grantee::Team(_)) | Who::Role(_) | Who::DeployKeys | Who::Everyone => None,
    })
}

fn of_owner(kind: OwnerKind, name: &Owner) -> String {
    match kind {
        OwnerKind::User => format!("[users.{}]", super::write::key(name.as_str())),
        OwnerKind::Organization => format!("[organizations.{}]", super::write::key(name.as_str())),
    }
}

fn of_repository(path: &RepoPath) -> String {
    format!("[repositories.{}]", super::write::key(&path.to_string()))
}

/// The present second.
#[derive(Debug, Clone, Copy)]
struct Now(i64);

impl Now {
    /// Whether a grant or key with this end has ended.
    fn is_over(self, until: Option<i64>) -> bool {
        until.is_some_and(|end| end <= self.0)
    }
}

/// A grant that changes.
struct GrantChange<K, R> {
    name: K,
    before: Option<String>,
    after: Option<Granted<R>>,
}

impl<K, R: Copy + Display> GrantChange<K, R> {
    /// What the grant is afterwards.
    fn after_text(&self) -> Option<String> {
        self.after.map(|grant| grant_text(grant.role, grant.until))
    }
}

/// A role and its end.
fn grant_text(role: impl Display, until: Option<i64>) -> String {
    until.map_or_else(|| role.to_string(), |end| format!("{role} until {}", rfc3339(end)))
}

impl Difference<'_> {
    /// How grants change: from those that are here to those of the file. A grant that has ended is no grant. What the
    /// file does not mention stays, or ends with `prune`.
    fn grants<K: Key + Clone, R: Copy + PartialEq + Display>(
        &self,
        present: &[(K, Granted<R>)],
        wanted: &[(K, Granted<R>)],
    ) -> Vec<GrantChange<K, R>> {
        let live = |grant: &Granted<R>| !self.now.is_over(grant.until);
        let text = |grant: Granted<R>| grant_text(grant.role, grant.until);
        let mut left: HashMap<String, Granted<R>> =
            present.iter().filter(|(_, grant)| live(grant)).map(|(name, grant)| (name.folded(), *grant)).collect();
        let mut changes = Vec::new();
        for (name, grant) in wanted {
            let (before, after) = (left.remove(&name.folded()), Some(*grant).filter(live));
            if before.map(|grant| (grant.role, grant.until)) != after.map(|grant| (grant.role, grant.until)) {
                changes.push(GrantChange { name: name.clone(), before: before.map(text), after });
            }
        }
        for (name, _) in present.iter().filter(|_| self.reading.prune) {
            if let Some(before) = left.remove(&name.folded()) {
                changes.push(GrantChange { name: name.clone(), before: Some(text(before)), after: None });
            }
        }
        changes
    }

    fn organizations(&mut self, file: &HubFile) -> Result<(), Refused> {
        for (name, table) in &file.organizations.0 {
            let at = of_owner(OwnerKind::Organization, name);
            let (name, present) = match self.view.described_owner(name)? {
                Some(owner) if owner.row.kind == OwnerKind::Organization => (owner.row.name.clone(), Some(owner)),
                Some(_) => {
                    let error = self.view.owner_of(OwnerKind::Organization, name).map(drop);
                    return error.map_err(|error| in_table(&at, error.into()));
                }
                None => (name.clone(), None),
            };
            if present.is_none() {
                self.new_owners.insert(name.folded(), OwnerKind::Organization);
                let step = |action, after: Option<&str>| Step {
                    table: at.clone(),
                    object: name.to_string(),
                    kind: "organization",
                    name: None,
                    before: None,
                    after: after.map(str::to_owned),
                    action,
                };
                self.steps.owners.push(step(Action::AddOrganization(name.clone()), Some("")));
                self.steps.last.push(step(Action::CheckAdmin(name.clone()), None));
            }
            self.members(&at, &name, present.as_ref(), table)?;
            self.teams(&at, &name, present.as_ref(), table)?;
            let none = ScopeSettings::default();
            let settings = present.as_ref().map_or(&none, |owner| &owner.settings);
            let scope = HubScope::Owner(name);
            self.settings(&at, &scope, settings, table.rules.as_deref(), &table.checks);
        }
        Ok(())
    }

    fn members(
        &mut self,
        table: &str,
        organization: &Owner,
        present: Option<&DescribedOwner>,
        wanted: &OrganizationTable,
    ) -> Result<(), Refused> {
        let present = match present {
            Some(owner) => self.view.organization_details(&owner.row.name)?.members,
            None => Vec::new(),
        };
        let grant = |member: Member| (member.name, Granted { role: member.role, until: member.until });
        let present: Vec<_> = present.into_iter().map(grant).collect();
        for change in self.grants(&present, &wanted.members.0) {
            let (user, after) = (change.name.clone(), change.after_text());
            let is_admin = change.after.is_some_and(|grant| grant.role == Role::Admin && grant.until.is_none());
            let action = match change.after {
                Some(grant) => Action::SetMember(organization.clone(), user, grant.role, grant.until),
                None => Action::RemoveMember(organization.clone(), user),
            };
            if is_admin { &mut self.steps.admins } else { &mut self.steps.members }.push(Step {
                table: table.to_owned(),
                object: organization.to_string(),
                kind: "member",
                name: Some(change.name.to_string()),
                before: change.before,
                after,
                action,
            });
        }
        Ok(())
    }

    /// Users that the file mentions anywhere must exist, or are added.
    fn users(&mut self, file: &HubFile) -> Result<(), Refused> {
        let mut mentioned: BTreeMap<String, (&Owner, String)> = BTreeMap::new();
        let mut mention = |user, table: &dyn Fn() -> String| {
            mentioned.entry(Owner::folded(user)).or_insert_with(|| (user, table()));
        };
        users(file.hub.rules.as_deref(), &file.hub.checks).for_each(|user| mention(user, &|| "[hub]".to_owned()));
        for (name, table) in &file.users.0 {
            let at = || of_owner(OwnerKind::User, name);
            mention(name, &at);
            users(table.rules.as_deref(), &table.checks).for_each(|user| mention(user, &at));
        }
        for (name, table) in &file.organizations.0 {
            let at = || of_owner(OwnerKind::Organization, name);
            let members = table.members.0.iter().map(|(user, _)| user);
            let of_teams = table.teams.0.iter().flat_map(|(_, members)| &members.0).map(|member| &member.user);
            members
                .chain(of_teams)
                .chain(users(table.rules.as_deref(), &table.checks))
                .for_each(|user| mention(user, &at));
        }
        for (path, table) in &file.repositories.0 {
            let at = || of_repository(path);
            let collaborators = table.collaborators.0.iter().filter_map(|(grantee, _)| match grantee {
                Grantee::User(user) => Some(user),
                Grantee::Team(_) => None,
            });
            let creator = table.created_by.iter().map(|user| &user.0);
            collaborators
                .chain(creator)
                .chain(users(table.rules.as_deref(), &table.checks))
                .for_each(|user| mention(user, &at));
            let is_owner_known =
                self.new_owners.contains_key(&path.owner.folded()) || self.view.described_owner(&path.owner)?.is_some();
            if !is_owner_known {
                mention(&path.owner, &at);
            }
        }
        for (folded, (user, table)) in mentioned {
            match self.view.user(user) {
                Ok(_) => continue,
                Err(ChangeError::NotFound(_))
                    if self.reading.create_users && self.view.described_owner(user)?.is_none() => {}
                Err(error) => return Err(in_table(&table, error.into())),
            }
            // An organization of the file has this name.
            if self.new_owners.insert(folded, OwnerKind::User).is_some() {
                let problem = ChangeError::Conflict(format!("the name {user} is in use by an organization"));
                return Err(in_table(&table, problem.into()));
            }
            self.steps.owners.push(Step {
                table,
                object: user.to_string(),
                kind: "user",
                name: None,
                before: None,
                after: Some(String::new()),
                action: Action::AddUser(user.clone()),
            });
        }
        for (name, table) in &file.users.0 {
            let at = of_owner(OwnerKind::User, name);
            let present = self.view.described_owner(name)?;
            let may_create = present.as_ref().is_none_or(|user| user.row.may_create);
            let name = present.as_ref().map_or(name, |user| &user.row.name);
            self.may_create(&at, name, may_create, table.may_create);
            let settings = present.as_ref().map(|user| user.settings.clone()).unwrap_or_default();
            let scope = HubScope::Owner(name.clone());
            self.settings(&at, &scope, &settings, table.rules.as_deref(), &table.checks);
        }
        Ok(())
    }

    /// Whether a user may create repositories. With `prune`, every user may unless the file says otherwise.
    fn may_create(&mut self, table: &str, user: &Owner, present: bool, wanted: Option<bool>) {
        let wanted = wanted.unwrap_or(present || self.reading.prune);
        if wanted != present {
            let step = Step {
                table: table.to_owned(),
                object: user.to_string(),
                kind: "may_create",
                name: None,
                before: Some(present.to_string()),
                after: Some(wanted.to_string()),
                action: Action::SetMayCreate(user.clone(), wanted),
            };
            // Other steps may create a repository by this right, so it is given first and withdrawn last.
            if wanted { &mut self.steps.owners } else { &mut self.steps.last }.push(step);
        }
    }

    /// The rules and checks of a scope. The order of rules matters, so the file has all rules of a scope or none.
    fn settings(
        &mut self,
        table: &str,
        scope: &HubScope,
        present: &ScopeSettings,
        rules: Option<&[Word<Rule<Grantee>>]>,
        checks: &Checks,
    ) {
        let step = |kind, name, before, after, action| Step {
            table: table.to_owned(),
            object: scope.to_string(),
            kind,
            name: Some(name),
            before,
            after,
            action,
        };
        let rules = if self.reading.prune { Some(rules.unwrap_or_default()) } else { rules };
        if let Some(rules) = rules {
            let wanted: Vec<String> = rules.iter().map(|rule| folded(&rule.0)).collect();
            let stored: Vec<Option<String>> = present.rules.iter().map(|rule| rule.as_ref().map(folded)).collect();
            if !stored.iter().flatten().eq(&wanted) {
                let same = stored.iter().zip(&wanted).take_while(|(a, b)| a.as_ref() == Some(*b)).count();
                let behind = stored.iter().rev().zip(wanted.iter().rev());
                let behind = behind.take_while(|(a, b)| a.as_ref() == Some(*b)).count();
                let behind = behind.min(stored.len() - same).min(wanted.len() - same);
                for number in (same + 1..=stored.len() - behind).rev() {
                    let rule = present.rules.get(number - 1).and_then(Option::as_ref);
                    let before = rule.map_or_else(|| "of a removed user".to_owned(), ToString::to_string);
                    let action = Action::RemoveRule(scope.clone(), number);
                    self.steps.settings.push(step("rule", number.to_string(), Some(before), None, action));
                }
                for (index, rule) in rules.iter().enumerate().take(wanted.len() - behind).skip(same) {
                    let at = (behind > 0).then_some(index + 1);
                    let action = Action::AddRule(scope.clone(), rule.0.clone(), at);
                    let (name, after) = ((index + 1).to_string(), Some(rule.0.to_string()));
                    self.steps.settings.push(step("rule", name, None, after, action));
                }
            }
        }
        let mut left = present.checks.clone();
        for (check, value) in &checks.0 {
            let before = present.shown(*check);
            if before.as_deref().map(check_text(*check)) != Some(check_text(*check)(&value.to_string())) {
                let after = Some(value.to_string());
                let action = Action::SetCheck(scope.clone(), *check, Some(value.clone()));
                self.steps.settings.push(step("check", check.to_string(), before, after, action));
            }
            left.set(*check, None);
        }
        if self.reading.prune {
            for (check, _) in left.iter() {
                let action = Action::SetCheck(scope.clone(), check, None);
                self.steps.settings.push(step("check", check.to_string(), present.shown(check), None, action));
            }
        }
    }

    /// Removes what the file does not mention. Accounts of users stay, because they belong to people.
    fn prune(&mut self, file: &HubFile) -> Result<(), Refused> {
        let paths: HashSet<String> = file.repositories.0.iter().map(|(path, _)| path.folded()).collect();
        let mut owners: HashSet<String> = file.organizations.0.iter().map(|(name, _)| name.folded()).collect();
        owners.extend(file.repositories.0.iter().map(|(path, _)| path.owner.folded()));
        let users: HashSet<String> = file.users.0.iter().map(|(name, _)| name.folded()).collect();
        let view = self.view;
        view.repositories(None, &mut |row| {
            if !paths.contains(&row.path.folded()) {
                self.steps.removals.push(Step {
                    table: of_repository(&row.path),
                    object: row.path.to_string(),
                    kind: "repository",
                    name: None,
                    before: Some(row.visibility.to_string()),
                    after: None,
                    action: Action::RemoveRepository(row.path),
                });
            }
            ControlFlow::Continue(())
        })?;
        view.described_owners(OwnerKind::User, &mut |user| {
            if !users.contains(&user.row.name.folded()) {
                let table = of_owner(OwnerKind::User, &user.row.name);
                self.may_create(&table, &user.row.name, user.row.may_create, None);
                let scope = HubScope::Owner(user.row.name);
                self.settings(&table, &scope, &user.settings, None, &Checks::default());
            }
            ControlFlow::Continue(())
        })?;
        view.owners(OwnerKind::Organization, None, &mut |row| {
            if !owners.contains(&row.name.folded()) {
                self.steps.last.push(Step {
                    table: of_owner(OwnerKind::Organization, &row.name),
                    object: row.name.to_string(),
                    kind: "organization",
                    name: None,
                    before: Some(String::new()),
                    after: None,
                    action: Action::RemoveOrganization(row.name),
                });
            }
            ControlFlow::Continue(())
        })?;
        Ok(())
    }
}

/// A rule for comparison: names of users in lower case.
fn folded<U: Display>(rule: &Rule<U>) -> String {
    let named = rule.with_names(|user| Ok::<_, Infallible>(fold(&user.to_string())));
    named.map_or_else(|never| match never {}, |rule| rule.to_string())
}

/// The value of a check for comparison: of rules for paths, names are in lower case.
fn check_text(check: ContentCheck) -> impl Fn(&str) -> String {
    move |text| match text.parse::<PathRules<Grantee>>() {
        Ok(rules) if check == ContentCheck::Path => {
            let named = rules.with_names(|name| Ok::<_, Infallible>(fold(&name.to_string())));
            named.map_or_else(|never| match never {}, |rules| rules.to_string())
        }
        Ok(_) | Err(_) => text.to_owned(),
    }
}
