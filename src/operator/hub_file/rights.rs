//! Who gains or loses what by the steps: the access of each identity before and after, by the function that decides.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::file::Key;
use super::step::{Action, Step};
use crate::access::{Access, Account, Decision, Identity, Scope, decide};
use crate::commands::Refused;
use crate::db::{ChangeError, OwnerKind, View, all};
use crate::name::{Grantee, Owner, RepoPath, TeamPath};
use crate::word::counted;

/// The most paths of one line, for people and for programs.
const SHOWN: usize = 3;
const LISTED: usize = 100;

/// Numbers that no row has, for an identity without an account and for an account without grants.
const EVERYONE: i64 = -1;
const EVERY_ACCOUNT: i64 = -2;
const GENERAL: [i64; 2] = [EVERYONE, EVERY_ACCOUNT];

/// What the steps can concern.
#[derive(Debug, Default)]
pub(super) struct Concerned {
    /// Repositories of which any identity may gain or lose something.
    repositories: BTreeMap<String, RepoPath>,
    /// Users and teams who may gain or lose something on one repository.
    collaborators: BTreeMap<(String, String), (RepoPath, Grantee)>,
    /// Users who may gain or lose something on every repository of an organization.
    members: BTreeMap<String, (Owner, BTreeSet<String>, Vec<Owner>)>,
    /// Users who enter or leave a team.
    teams: BTreeMap<String, (TeamPath, Vec<Owner>)>,
    /// What deploy keys gain and lose.
    keys: Vec<(String, bool, RepoPath, Access)>,
}

/// The access of accounts to repositories, both by their rows.
type Accesses = HashMap<(i64, i64), Access>;

/// Who gains or loses what: identity, access before and after; the number of repositories, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Rights(BTreeMap<(String, Access, Access), (usize, Vec<String>)>);

impl Concerned {
    pub(super) fn by(steps: &[Step]) -> Self {
        let mut concerned = Self::default();
        for step in steps {
            match &step.action {
                Action::AddRepository(wanted) => concerned.repository(&wanted.path),
                Action::RemoveRepository(path) | Action::SetVisibility(path, _) | Action::SetGate(path, ..) => {
                    concerned.repository(path);
                }
                Action::SetCollaborator(path, user, ..) | Action::RemoveCollaborator(path, user) => {
                    let key = (path.folded(), user.folded());
                    concerned.collaborators.insert(key, (path.clone(), user.clone()));
                }
                Action::SetMember(organization, user, ..) | Action::RemoveMember(organization, user) => {
                    let new = || (organization.clone(), BTreeSet::new(), Vec::new());
                    let (_, folded, users) = concerned.members.entry(organization.folded()).or_insert_with(new);
                    if folded.insert(user.folded()) {
                        users.push(user.clone());
                    }
                }
                Action::AddTeamMember(team, user, _) | Action::RemoveTeamMember(team, user) => {
                    let new = || (team.clone(), Vec::new());
                    concerned.teams.entry(team_key(team)).or_insert_with(new).1.push(user.clone());
                }
                Action::AddDeployKey(path, key, scope, _) => {
                    let who = format!("deploy key {}", key.key.fingerprint());
                    concerned.keys.push((who, true, path.clone(), of_scope(*scope)));
                }
                Action::RemoveDeployKey(fingerprint, scope) => {
                    if let Ok(path) = step.object.parse() {
                        concerned.keys.push((format!("deploy key {fingerprint}"), false, path, of_scope(*scope)));
                    }
                }
                Action::AddUser(_)
                | Action::SetMayCreate(..)
                | Action::AddOrganization(_)
                | Action::AddTeam(_)
                // Other steps remove its roles or the repositories.
                | Action::RemoveTeam(_)
                | Action::CheckAdmin(_)
                | Action::RemoveOrganization(_)
                | Action::SetProposals(..)
                | Action::SetDescription(..)
                | Action::RenameDeployKey(_)
                | Action::AddRule(..)
                | Action::RemoveRule(..)
                | Action::SetCheck(..) => {}
            }
        }
        concerned
    }

    fn repository(&mut self, path: &RepoPath) {
        self.repositories.insert(path.folded(), path.clone());
    }

    /// Calls `pair` with the rows of each account and repository that the steps can concern, as far as both exist.
    fn pairs(&self, view: &View<'_>, mut pair: impl FnMut(i64, i64) -> Result<(), Refused>) -> Result<(), Refused> {
        for path in self.repositories.values() {
            let Some(repository) = found(view.repository(path))? else { continue };
            for account in GENERAL.into_iter().chain(view.grantees(repository.id)?) {
                pair(account, repository.id)?;
            }
        }
        for (path, grantee) in self.collaborators.values() {
            let Some(repository) = found(view.repository(path))? else { continue };
            let accounts = match grantee {
                Grantee::User(user) => rows(view, [user])?,
                Grantee::Team(team) => self.members_of(view, team)?,
            };
            for account in GENERAL.into_iter().chain(accounts) {
                pair(account, repository.id)?;
            }
        }
        for (team, users) in self.teams.values() {
            let Some(team) = found(view.team(team))? else { continue };
            let accounts = rows(view, users)?;
            for grant in view.team_grants(team.id)? {
                let Some(repository) = found(view.repository(&grant.path))? else { continue };
                for account in GENERAL.into_iter().chain(accounts.iter().copied()) {
                    pair(account, repository.id)?;
                }
            }
        }
        for (organization, _, users) in self.members.values() {
            let Some(organization) = found(view.owner_of(OwnerKind::Organization, organization))? else { continue };
            let accounts: Vec<i64> = GENERAL.into_iter().chain(rows(view, users)?).collect();
            let mut done = Ok(());
            view.repositories_of(organization.id, None, &mut |repository| {
                done = accounts.iter().try_for_each(|account| pair(*account, repository.id));
                if done.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            done?;
        }
        Ok(())
    }

    /// The rows of a team's members, and of the users who enter or leave it.
    fn members_of(&self, view: &View<'_>, team: &TeamPath) -> Result<Vec<i64>, Refused> {
        let present = match found(view.team(team))? {
            Some(team) => all(|each| view.team_members(team.id, None, None, each))?,
            None => Vec::new(),
        };
        let others = self.teams.get(&team_key(team)).map_or(&[][..], |(_, users)| users);
        rows(view, present.iter().map(|member| &member.user).chain(others))
    }

    /// What the concerned identities may do now.
    pub(super) fn accesses(&self, view: &View<'_>, now: i64) -> Result<Accesses, Refused> {
        let mut accesses = Accesses::new();
        self.pairs(view, |account, repository| {
            accesses.insert((account, repository), access(view, account, repository, now)?);
            Ok(())
        })?;
        Ok(accesses)
    }

    /// Compares with what they could do before.
    pub(super) fn rights(&self, view: &View<'_>, before: &Accesses, now: i64) -> Result<Rights, Refused> {
        let mut rights = Rights::default();
        let mut after = self.accesses(view, now)?;
        // An account that has lost its grant is in no list any more.
        for (account, repository) in before.keys() {
            if let Entry::Vacant(place) = after.entry((*account, *repository)) {
                place.insert(access(view, *account, *repository, now)?);
            }
        }
        let change = |account, repository| {
            let was = before.get(&(account, repository));
            // An account that did not exist had what every account had.
            let was = was.or_else(|| before.get(&(EVERY_ACCOUNT, repository)));
            let is = after.get(&(account, repository));
            (was.copied().unwrap_or(Access::None), is.copied().unwrap_or(Access::None))
        };
        let mut changed: Vec<(i64, i64)> = after.keys().copied().collect();
        changed.sort_unstable_by_key(|(account, repository)| (*repository, *account));
        for (account, repository) in changed {
            let (was, is) = change(account, repository);
            // What every account gains or loses is said once.
            let general = match account {
                EVERYONE => (Access::None, Access::None),
                EVERY_ACCOUNT => change(EVERYONE, repository),
                _ => change(EVERY_ACCOUNT, repository),
            };
            if was != is && (was, is) != general {
                let who = match account {
                    EVERYONE => "everyone".to_owned(),
                    EVERY_ACCOUNT => "every account".to_owned(),
                    row => view.owner_name(row)?.map(|name| name.to_string()).unwrap_or_default(),
                };
                rights.add(who, was, is, view.last_path(repository)?.to_string());
            }
        }
        for (who, gains, path, access) in &self.keys {
            let (was, is) = if *gains { (Access::None, *access) } else { (*access, Access::None) };
            rights.add(who.clone(), was, is, path.to_string());
        }
        Ok(rights)
    }
}

/// What an account, or an identity without one, may do with a repository; nothing if that was removed.
fn access(view: &View<'_>, account: i64, repository: i64, now: i64) -> Result<Access, Refused> {
    let facts = view.facts_of(repository, account, now)?;
    let identity = match account {
        EVERYONE => Identity::Anonymous,
        // The policy compares rows, and no names.
        id => Identity::Account(Account { id, name: "_".parse()?, scope: Scope::Write }),
    };
    Ok(match decide(&identity, facts.as_ref(), Access::Fetch, now) {
        Decision::Allow(access) => access,
        Decision::Deny(_) => Access::None,
    })
}

/// What a deploy key of this scope may do with its repository.
fn of_scope(scope: Scope) -> Access {
    match scope {
        Scope::Read => Access::Fetch,
        Scope::Write => Access::Write,
    }
}

fn team_key(team: &TeamPath) -> String {
    Grantee::Team(team.clone()).folded()
}

/// The rows of those users that exist.
fn rows<'a>(view: &View<'_>, users: impl IntoIterator<Item = &'a Owner>) -> Result<Vec<i64>, Refused> {
    let row = |user: &'a Owner| found(view.user(user)).map(|row| row.map(|row| row.id)).transpose();
    users.into_iter().filter_map(row).collect()
}

fn found<T>(row: Result<T, ChangeError>) -> Result<Option<T>, Refused> {
    match row {
        Ok(row) => Ok(Some(row)),
        Err(ChangeError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Rights {
    fn add(&mut self, who: String, was: Access, is: Access, path: String) {
        let (count, paths) = self.0.entry((who, was, is)).or_default();
        *count += 1;
        if paths.len() < LISTED {
            paths.push(path);
        }
    }

    /// One line for each identity and change.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |((who, was, is), (count, paths)): (&(String, Access, Access), &(usize, Vec<String>))| {
            let verb = if is > was { "gains" } else { "loses" };
            let mut shown = paths.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
            if *count > SHOWN {
                let count = counted(u64::try_from(*count).unwrap_or(u64::MAX), "repository", "repositories");
                shown = format!("{count}: {shown} and more");
            }
            format!("{who} {verb}: {was} -> {is} on {shown}")
        };
        self.0.iter().map(line).collect()
    }

    pub(super) fn json(&self) -> Value {
        let object = |((who, was, is), (count, paths)): (&(String, Access, Access), &(usize, Vec<String>))| {
            let (before, after) = (was.as_str(), is.as_str());
            json!({ "who": who, "before": before, "after": after, "count": count, "repositories": paths })
        };
        self.0.iter().map(object).collect()
    }
}
