//! The roles of users and teams on one repository.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::conf::{Name, Person, Place, Repository};
use super::super::history::History;
use super::super::kind::Kind;
use super::super::outcome::Outcome;
use super::accounts::Accounts;
use super::groups::{GroupHere, Groups};
use super::team::Team;
use super::teams::Teams;
use crate::access::CollaboratorRole;
use crate::db::{ChangeError, Collaborator, OwnerRow, RepositoryRow};
use crate::name::{Grantee, Owner};

/// What users may do: `false` is to read, and `true` is to push too.
type Levels = BTreeMap<Rc<str>, bool>;

/// The repository of this hub.
pub(super) struct On<'a> {
    pub(super) row: &'a RepositoryRow,
    pub(super) history: &'a History,
    /// Whether new grants may permit to push.
    pub(super) may_push: bool,
}

/// By what users have their rights here.
#[derive(Default)]
struct Sources {
    /// By a name of their own, or by that of a group that is no team.
    alone: Levels,
    /// By teams, also what a person has removed.
    teams: Levels,
    /// By groups whose teams get less.
    rest: Levels,
    /// By `@all`.
    all: Option<bool>,
}

impl Sources {
    /// The role that a user needs besides those of teams. `level` is what gitolite permits.
    fn needed(&self, user: &str, level: bool) -> Option<bool> {
        let of = |levels: &Levels| levels.get(user).copied();
        let rest = of(&self.rest).max(self.all).map(|rest| rest.min(level));
        let rest = rest.filter(|rest| Some(*rest) > of(&self.teams));
        of(&self.alone).map(|alone| alone.min(level)).max(rest)
    }
}

fn raise(levels: &mut Levels, user: &Rc<str>, level: bool) {
    *levels.entry(Rc::clone(user)).or_default() |= level;
}

fn role(writes: bool) -> CollaboratorRole {
    if writes { CollaboratorRole::Write } else { CollaboratorRole::Read }
}

impl Outcome {
    /// Gives users and teams their roles. Returns the users who have one.
    pub(super) fn take_roles(
        &mut self,
        accounts: &Accounts<'_>,
        teams: &mut Teams<'_>,
        repository: &Repository,
        on: &On<'_>,
        groups: &Groups<'_>,
        present: Vec<(&Person, OwnerRow)>,
    ) -> Result<BTreeSet<Rc<str>>, ChangeError> {
        let levels: Levels = present.iter().map(|(person, _)| (Rc::clone(&person.name), person.writes)).collect();
        let mut sources = Sources::default();
        let mut granted = BTreeSet::new();
        for (name, right) in &repository.named {
            let wanted = right.writes;
            let group = match name {
                Name::All => {
                    sources.all = Some(wanted);
                    continue;
                }
                Name::User(user) => {
                    raise(&mut sources.alone, user, wanted);
                    continue;
                }
                Name::Group(group) => group,
            };
            let users = groups.users.get(group).into_iter().flatten();
            match groups.found.get(group) {
                Some(GroupHere::Team(team)) => {
                    team.withdrawn.iter().for_each(|user| raise(&mut sources.teams, user, wanted));
                    team.others.iter().for_each(|user| raise(&mut sources.alone, user, wanted));
                    let lowest = team.members.iter().map(|user| levels.get(user).copied()).min().flatten();
                    let has = Self::role_of_team(accounts, teams, on, team)?;
                    let given = lowest.map(|lowest| lowest.min(wanted));
                    // What the team has stays, but it gets nothing for members that are not of the group.
                    let most = has.map(|has| has != CollaboratorRole::Read);
                    let is_changed = on.history.changed_team_role(&team.grantees).is_some();
                    let given = if team.has_others() && !is_changed { given.min(most) } else { given };
                    let revoked = if given > most { Self::revoked(accounts, on, team, &present)? } else { None };
                    let given = if revoked.is_some() { most } else { given };
                    if let Some(user) = &revoked {
                        let why = format!("{group} on {}: the role of {user} was changed here", on.row.path);
                        self.leave(Kind::NoTeam, "", why);
                    }
                    if let Some(given) = given {
                        team.members.iter().for_each(|user| raise(&mut sources.teams, user, given));
                        if self.take_team(accounts, teams, on, team, given, &right.place)? {
                            granted.extend(team.members.iter().cloned());
                        }
                    }
                    let more = has.filter(|_| lowest.is_none() && !team.members.is_empty());
                    if let Some(has) = more {
                        let why = format!("@{} on {}: {has}, not nothing", team.path, on.row.path);
                        self.leave(Kind::More, right.place.to_string(), why);
                    }
                    if given != Some(wanted) {
                        team.members.iter().for_each(|user| raise(&mut sources.rest, user, wanted));
                        if revoked.is_none() {
                            self.note_less(on, group, team, &levels, given);
                        }
                    }
                }
                Some(GroupHere::Gone(how)) => {
                    users.clone().for_each(|user| raise(&mut sources.teams, user, wanted));
                    if users.clone().any(|user| levels.contains_key(user)) {
                        let why = format!("{group} on {}: {how}", on.row.path);
                        self.leave(Kind::Revoked, right.place.to_string(), why);
                    }
                }
                Some(GroupHere::Users(withdrawn)) => {
                    withdrawn.iter().for_each(|user| raise(&mut sources.teams, user, wanted));
                    let users = users.filter(|user| !withdrawn.contains(*user));
                    users.for_each(|user| raise(&mut sources.alone, user, wanted));
                }
                None => users.for_each(|user| raise(&mut sources.alone, user, wanted)),
            }
        }
        self.note_others(accounts, on, &present)?;
        for (person, account) in present {
            let needed = sources.needed(&person.name, person.writes).map(role);
            if self.take_person(accounts, on, person, &account, needed)? {
                granted.insert(Rc::clone(&person.name));
            }
        }
        Ok(granted)
    }

    /// Reports users with a role by an import who have no right in gitolite now.
    fn note_others(
        &mut self,
        accounts: &Accounts<'_>,
        on: &On<'_>,
        present: &[(&Person, OwnerRow)],
    ) -> Result<(), ChangeError> {
        if !on.history.has_roles() {
            return Ok(());
        }
        for Collaborator { user, role, .. } in accounts.change.collaborators(on.row)? {
            let Grantee::User(user) = user else { continue };
            let has_right = present.iter().any(|(_, account)| account.name.folded() == user.folded());
            if !has_right && on.history.is_role_by_import(&user) {
                self.leave(Kind::More, "", format!("{user} on {}: {role}, not nothing", on.row.path));
            }
        }
        Ok(())
    }

    /// Reports users of a group who have more than its team gets, since others of the group have less.
    fn note_less(&mut self, on: &On<'_>, group: &str, team: &Team, levels: &Levels, given: Option<bool>) {
        let level = |user: &Rc<str>| levels.get(user).copied();
        if !team.has_others() && team.members.iter().any(|user| level(user) > given) {
            let less: Vec<&str> = team.members.iter().filter(|user| level(user) == given).map(|user| &**user).collect();
            let why = format!("{group} on {}: a rule denies {} some of it", on.row.path, less.join(" "));
            self.leave(Kind::NoTeam, "", why);
        }
    }

    /// A user of a team whose own role a person has removed or lowered. A role of the team would give it back.
    fn revoked(
        accounts: &Accounts<'_>,
        on: &On<'_>,
        team: &Team,
        present: &[(&Person, OwnerRow)],
    ) -> Result<Option<Owner>, ChangeError> {
        for (person, account) in present.iter().filter(|(person, _)| team.members.contains(&person.name)) {
            let own = accounts.change.collaborator_role(on.row.id, &Grantee::User(account.name.clone()))?;
            if own.is_none_or(|own| own.access() < role(person.writes).access())
                && on.history.changed_role(accounts.change, &account.name)?.is_some()
            {
                return Ok(Some(account.name.clone()));
            }
        }
        Ok(None)
    }

    /// The role that a team has.
    fn role_of_team(
        accounts: &Accounts<'_>,
        teams: &Teams<'_>,
        on: &On<'_>,
        team: &Team,
    ) -> Result<Option<CollaboratorRole>, ChangeError> {
        if teams.is_pending(&team.path) {
            return Ok(None);
        }
        accounts.change.collaborator_role(on.row.id, &Grantee::Team(team.path.clone()))
    }

    /// Gives a team its role. Returns whether it has one.
    fn take_team(
        &mut self,
        accounts: &Accounts<'_>,
        teams: &mut Teams<'_>,
        on: &On<'_>,
        team: &Team,
        writes: bool,
        place: &Place,
    ) -> Result<bool, ChangeError> {
        let grantee = Grantee::Team(team.path.clone());
        let has = Self::role_of_team(accounts, teams, on, team)?;
        let changed = on.history.changed_team_role(&team.grantees);
        let Some(role) = self.role_to_give(on, &grantee, has, (role(writes), role(writes)), changed, place) else {
            return Ok(has.is_some());
        };
        teams.make(self, accounts, &team.path)?;
        accounts.change.set_collaborator(&on.row.path, &grantee, role, None)?;
        self.grants.push((on.row.path.clone(), grantee, role));
        Ok(true)
    }

    /// Gives a user a role. Without a role, the user needs none besides those of teams. Returns whether the user has
    /// one.
    fn take_person(
        &mut self,
        accounts: &Accounts<'_>,
        on: &On<'_>,
        person: &Person,
        account: &OwnerRow,
        needed: Option<CollaboratorRole>,
    ) -> Result<bool, ChangeError> {
        if account.name.folded() == on.row.path.owner.folded() {
            self.already += 1;
            return Ok(true);
        }
        let grantee = Grantee::User(account.name.clone());
        let has = accounts.change.collaborator_role(on.row.id, &grantee)?;
        let permitted = role(person.writes);
        let Some(needed) = needed else {
            if let Some(more) = has.filter(|has| has.access() > permitted.access()) {
                let why = format!("{grantee} on {}: {more}, not {permitted}", on.row.path);
                self.leave(Kind::More, person.place.to_string(), why);
            }
            return Ok(has.is_some());
        };
        let changed = on.history.changed_role(accounts.change, &account.name)?;
        let Some(role) = self.role_to_give(on, &grantee, has, (needed, permitted), changed, &person.place) else {
            return Ok(has.is_some());
        };
        accounts.change.set_collaborator(&on.row.path, &grantee, role, None)?;
        self.grants.push((on.row.path.clone(), grantee, role));
        Ok(true)
    }

    /// The role that a user or a team gets, if any: the first of two, of which the second is what gitolite permits in
    /// all. `changed` says what a person changed about it.
    fn role_to_give(
        &mut self,
        on: &On<'_>,
        grantee: &Grantee,
        has: Option<CollaboratorRole>,
        (role, permitted): (CollaboratorRole, CollaboratorRole),
        changed: Option<String>,
        place: &Place,
    ) -> Option<CollaboratorRole> {
        let place = place.to_string();
        let of = format!("{grantee} on {}", on.row.path);
        if has.is_some_and(|has| has.access() >= role.access()) {
            self.already += 1;
            if let Some(more) = has.filter(|has| has.access() > permitted.access()) {
                self.leave(Kind::More, place, format!("{of}: {more}, not {permitted}"));
            }
            return None;
        }
        if let Some(changed) = changed {
            self.leave(Kind::Revoked, place, format!("{of}: {changed}"));
            return None;
        }
        match role {
            CollaboratorRole::Write if !on.may_push => {
                self.leave(Kind::OtherRules, place, of);
                has.is_none().then_some(CollaboratorRole::Read)
            }
            role => Some(role),
        }
    }
}
