//! The groups of gitolite as teams.
//!
//! A group that rules name for a repository of an organization becomes a team of the organization. Nobody gets a right
//! by a team that gitolite refuses: where a team would give one, the users of the group get their rights one by one.
//! What a person removed from a team, or from one of its members, stays removed.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::conf::{Conf, Repository};
use super::super::history::History;
use super::super::history::teams::{Team as Made, Teams as TeamHistory};
use super::super::kind::Kind;
use super::super::outcome::Outcome;
use super::accounts::Accounts;
use super::groups::{GroupHere, Groups, named_groups, person};
use super::team::{Team, Users, folded};
use crate::access::{Role, is_member};
use crate::db::{ChangeError, OwnerKind, OwnerRow, RepositoryRow, TeamRow, all};
use crate::name::{Grantee, HubScope, Owner, TeamName, TeamPath};

/// What a group is in an organization.
enum Standing {
    /// A team, or a group that becomes one with its first right.
    Team(Rc<Team>),
    /// Its users get their rights one by one, except users that a person removed from the organization.
    Users(Rc<Users>),
    /// A person removed the team: how.
    Gone(String),
}

/// A team that is not here yet.
struct Pending {
    group: Rc<str>,
    organization: OwnerRow,
    users: Vec<OwnerRow>,
}

/// The groups of gitolite in the organizations of this hub.
pub(super) struct Teams<'a> {
    conf: &'a Conf,
    /// By the row of the organization: its history, and how many teams it can still get.
    organizations: BTreeMap<i64, (Rc<TeamHistory>, i64)>,
    standings: BTreeMap<(i64, Rc<str>), Rc<Standing>>,
    pending: BTreeMap<String, Pending>,
}

impl<'a> Teams<'a> {
    pub(super) fn new(conf: &'a Conf) -> Self {
        Self { conf, organizations: BTreeMap::new(), standings: BTreeMap::new(), pending: BTreeMap::new() }
    }

    /// What the groups of a repository are there.
    pub(super) fn groups(
        &mut self,
        outcome: &mut Outcome,
        accounts: &mut Accounts<'_>,
        repository: &Repository,
        row: &RepositoryRow,
        history: &History,
    ) -> Result<Groups<'a>, ChangeError> {
        let mut found = BTreeMap::new();
        let owner = accounts.change.owner(&row.path.owner)?;
        for group in named_groups(repository) {
            if owner.kind != OwnerKind::Organization {
                let mut users = self.conf.groups.get(&group).into_iter().flatten();
                if !users.any(|user| person(repository, user).is_some()) {
                    continue;
                }
                let why =
                    format!("{group} on {}: {} is a user, and only organizations have teams", row.path, owner.name);
                outcome.leave(Kind::NoTeam, "", why);
                found.insert(group, GroupHere::Users(Rc::default()));
                continue;
            }
            let standing = self.standing(outcome, accounts, &owner, &group)?;
            let place = match &*standing {
                Standing::Users(withdrawn) => GroupHere::Users(Rc::clone(withdrawn)),
                Standing::Gone(how) => GroupHere::Gone(how.clone()),
                Standing::Team(team) => {
                    let has_team = !self.is_pending(&team.path) && has_team(accounts, row, team, history)?;
                    match history.removed_team() {
                        // The group may have had a team under another name.
                        Some(how) if !has_team => GroupHere::Gone(how),
                        Some(_) | None if has_team || !team.has_others() => GroupHere::Team(Rc::clone(team)),
                        Some(_) | None => {
                            let why = format!("{group} on {}: {}", row.path, team.others_in_words());
                            outcome.leave(Kind::NoTeam, "", why);
                            GroupHere::Users(Rc::clone(&team.withdrawn))
                        }
                    }
                }
            };
            found.insert(group, place);
        }
        Ok(Groups { users: &self.conf.groups, found })
    }

    fn standing(
        &mut self,
        outcome: &mut Outcome,
        accounts: &mut Accounts<'_>,
        organization: &OwnerRow,
        group: &Rc<str>,
    ) -> Result<Rc<Standing>, ChangeError> {
        let key = (organization.id, Rc::clone(group));
        if let Some(standing) = self.standings.get(&key) {
            return Ok(Rc::clone(standing));
        }
        let standing = Rc::new(self.new_standing(outcome, accounts, organization, group)?);
        self.standings.insert(key, Rc::clone(&standing));
        Ok(standing)
    }

    fn new_standing(
        &mut self,
        outcome: &mut Outcome,
        accounts: &mut Accounts<'_>,
        organization: &OwnerRow,
        group: &Rc<str>,
    ) -> Result<Standing, ChangeError> {
        let change = accounts.change;
        let mut users: Vec<(Rc<str>, OwnerRow)> = Vec::new();
        for user in self.conf.groups.get(group).into_iter().flatten() {
            users.extend(accounts.of(user)?.ok().map(|account| (Rc::clone(user), account)));
        }
        if users.is_empty() {
            return Ok(Standing::Users(Rc::default()));
        }
        let (history, room) = self.organization(accounts, organization)?;
        let made = history.of_group(group);
        if let Some(how) = made.and_then(|made| made.removed.clone()) {
            return Ok(Standing::Gone(how));
        }
        let (path, row) = match here(accounts, &organization.name, group, made, room)? {
            Ok(found) => found,
            Err(why) => {
                outcome.leave(Kind::NoTeam, "", format!("{group}: {why}"));
                return Ok(Standing::Users(Rc::default()));
            }
        };
        let live = row.as_ref().map_or(Ok(BTreeMap::new()), |row| live_members(accounts, row))?;
        let mut team = Team::new(path, live);
        let (mut joining, mut withdrawn) = (Vec::new(), Users::new());
        for (user, account) in users {
            let name = &account.name;
            if team.more.remove(&name.folded()).is_some() {
                team.members.insert(user);
                continue;
            }
            let (_, facts) = change.owner_facts(&organization.name, account.id)?;
            if let Some(how) = history.withdrawn(change, made, name, is_member(&facts, change.now))? {
                outcome.leave(Kind::Revoked, "", format!("{name} in the team {}: {how}", team.path));
                withdrawn.insert(user);
                continue;
            }
            // What else the team has here could give the user more than gitolite does.
            if row.is_some() {
                outcome.leave(Kind::NotJoined, "", format!("{name} to {}", team.path));
                team.others.insert(user);
            } else {
                team.members.insert(user);
                joining.push(account);
            }
        }
        team.withdrawn = Rc::new(withdrawn);
        team.grantees.extend(made.map(|made| history.grantees(made)).unwrap_or_default());
        match row {
            Some(row) => {
                if !team.more.is_empty() {
                    team.scopes = change.scopes_naming(&row)?;
                    for member in team.more.values() {
                        let why = format!("{member} in the team {}, not in {group}", team.path);
                        outcome.leave(Kind::More, "", why);
                    }
                }
            }
            None if team.members.is_empty() => return Ok(Standing::Users(team.withdrawn)),
            None => {
                self.organizations.insert(organization.id, (history, room - 1));
                let pending = Pending { group: Rc::clone(group), organization: organization.clone(), users: joining };
                self.pending.insert(folded(&team.path), pending);
            }
        }
        Ok(Standing::Team(Rc::new(team)))
    }

    /// Makes a team that is not here yet, with its members.
    pub(super) fn make(
        &mut self,
        outcome: &mut Outcome,
        accounts: &Accounts<'_>,
        path: &TeamPath,
    ) -> Result<(), ChangeError> {
        if let Some(Pending { group, organization, users }) = self.pending.remove(&folded(path)) {
            accounts.change.import_team(path, &group)?;
            outcome.team(path).is_new = true;
            join(outcome, accounts, &organization, path, &users)?;
        }
        Ok(())
    }

    /// Whether a team is not here yet.
    pub(super) fn is_pending(&self, path: &TeamPath) -> bool {
        self.pending.contains_key(&folded(path))
    }

    /// The history of an organization, and how many teams it can still get.
    fn organization(
        &mut self,
        accounts: &Accounts<'_>,
        organization: &OwnerRow,
    ) -> Result<(Rc<TeamHistory>, i64), ChangeError> {
        if let Some((history, room)) = self.organizations.get(&organization.id) {
            return Ok((Rc::clone(history), *room));
        }
        let history = Rc::new(TeamHistory::of(accounts.change, &organization.name)?);
        let room = accounts.change.free_teams(organization.id)?;
        self.organizations.insert(organization.id, (Rc::clone(&history), room));
        Ok((history, room))
    }
}

/// Adds users to a team, and to its organization as members without access.
fn join(
    outcome: &mut Outcome,
    accounts: &Accounts<'_>,
    organization: &OwnerRow,
    path: &TeamPath,
    users: &[OwnerRow],
) -> Result<(), ChangeError> {
    let change = accounts.change;
    for user in users {
        let (_, facts) = change.owner_facts(&organization.name, user.id)?;
        if !is_member(&facts, change.now) {
            change.set_member(&organization.name, &user.name, Role::NoAccess, None)?;
            outcome.members.push((organization.name.clone(), user.name.clone()));
        }
        change.add_team_member(path, &user.name, None)?;
        outcome.team(path).users.push(user.name.clone());
    }
    Ok(())
}

/// Whether a person knows the team on a repository: it has or had a role there, or a rule names it.
fn has_team(accounts: &Accounts<'_>, row: &RepositoryRow, team: &Team, history: &History) -> Result<bool, ChangeError> {
    Ok(team.scopes.contains(&HubScope::Repository(row.path.clone()))
        || history.changed_team_role(&team.grantees).is_some()
        || accounts.change.collaborator_role(row.id, &Grantee::Team(team.path.clone()))?.is_some())
}

/// The path of the team that a group becomes, and the team if it is here. The other result is why there is none.
/// `made` is the team that an earlier import made, and `room` the number of teams that can be added.
fn here(
    accounts: &Accounts<'_>,
    organization: &Owner,
    group: &str,
    made: Option<&Made>,
    room: i64,
) -> Result<Result<(TeamPath, Option<TeamRow>), String>, ChangeError> {
    let find = |name: TeamName| {
        let path = TeamPath { organization: organization.clone(), name };
        match accounts.change.team(&path) {
            Ok(row) => Ok((path, Some(row))),
            Err(ChangeError::NotFound(_)) => Ok((path, None)),
            Err(error) => Err(error),
        }
    };
    if let Some(name) = made.and_then(|made| made.name.parse().ok()) {
        if let (_, Some(row)) = find(name)? {
            return Ok(Ok((row.path.clone(), Some(row))));
        }
    }
    let hint = format!("(--rename {group}=NEW)");
    Ok(match accounts.names.team(group).map(find) {
        Err((_, why)) => Err(format!("{why} {hint}")),
        Ok(found) => match found? {
            (path, Some(_)) => Err(format!("the team {path} was here before {hint}")),
            (path, None) if room > 0 => Ok((path, None)),
            (_, None) => Err(format!("{organization} has as many teams as it can have")),
        },
    })
}

/// The present members of a team.
fn live_members(accounts: &Accounts<'_>, team: &TeamRow) -> Result<BTreeMap<String, Owner>, ChangeError> {
    let change = accounts.change;
    let members = all(|each| change.team_members(team.id, None, None, each))?;
    let is_live = |until: Option<i64>| until.is_none_or(|until| change.now < until);
    Ok(members
        .into_iter()
        .filter(|member| is_live(member.until))
        .map(|member| (member.user.folded(), member.user))
        .collect())
}
