//! What the users, groups and repositories of gitolite are called here.

use std::collections::{BTreeMap, BTreeSet};

use super::super::conf::Conf;
use super::super::kind::Kind;
use crate::name::{Owner, RepoPath, TeamName};
use crate::operator::cli::Renaming;

/// Why a name or an account is missing here, for the report.
pub(super) type Problem = (Kind, String);

/// What the users, groups and repositories of gitolite are called here.
pub(super) struct Names {
    users: BTreeMap<String, Result<Owner, Problem>>,
    groups: BTreeMap<String, Result<TeamName, Problem>>,
    repositories: BTreeMap<String, Result<RepoPath, Problem>>,
}

impl Names {
    /// If two names of gitolite would become one name here, neither gets a name.
    ///
    /// # Errors
    /// gitolite has no user, group or repository with an old name of `renamed`.
    pub(super) fn read<'a>(
        renamed: &[Renaming],
        owner: Option<&Owner>,
        conf: &'a Conf,
        holders: impl Iterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let people = conf.repositories.iter().flat_map(|repository| &repository.people).map(|person| &*person.name);
        let users: BTreeSet<&str> = holders.chain(people).collect();
        let repositories: BTreeSet<&str> =
            conf.repositories.iter().map(|repository| repository.name.as_str()).collect();
        for renaming in renamed {
            let (old, is_known) = match renaming {
                Renaming::User(old, _) => (old, users.contains(old.as_str())),
                Renaming::Group(old, _) => (old, conf.groups.contains_key(old.as_str())),
                Renaming::Repository(old, _) => (old, repositories.contains(old.as_str())),
                Renaming::Directory(old, _) => (old, repositories.iter().any(|name| name.starts_with(old.as_str()))),
            };
            if !is_known {
                let hint = "--rename takes OLD=NEW for a user, @OLD=NEW for a group, OLD=OWNER/NAME for a \
                            repository, and OLD/=OWNER/ for all repositories below OLD";
                return Err(format!("gitolite has no {old}: {hint}"));
            }
        }
        let new_user = |name: &str| {
            let new = renamed.iter().find_map(|renaming| match renaming {
                Renaming::User(old, new) if old == name => Some(new.clone()),
                Renaming::User(..) | Renaming::Group(..) | Renaming::Repository(..) | Renaming::Directory(..) => None,
            });
            new.map_or_else(
                || Owner::new_account(name).map_err(|error| (Kind::BadName, format!("{name}: {error}"))),
                Ok,
            )
        };
        let new_team = |group: &str| {
            let new = renamed.iter().find_map(|renaming| match renaming {
                Renaming::Group(old, new) if old == group => Some(new.clone()),
                Renaming::User(..) | Renaming::Group(..) | Renaming::Repository(..) | Renaming::Directory(..) => None,
            });
            let same = || group.trim_start_matches('@').parse().map_err(|error| (Kind::BadName, format!("{error}")));
            new.map_or_else(same, Ok)
        };
        let new_path = |name: &str| {
            let new = renamed.iter().find_map(|renaming| match renaming {
                Renaming::Repository(old, new) if old == name => Some(new.clone()),
                Renaming::User(..) | Renaming::Group(..) | Renaming::Repository(..) | Renaming::Directory(..) => None,
            });
            // The longest directory decides.
            let moved = renamed.iter().filter_map(|renaming| match renaming {
                Renaming::Directory(old, new) => name.strip_prefix(old.as_str()).map(|rest| (old.len(), new, rest)),
                Renaming::User(..) | Renaming::Group(..) | Renaming::Repository(..) => None,
            });
            let path = match (new, moved.max_by_key(|(length, ..)| *length), name.contains('/'), owner) {
                (Some(new), ..) => return Ok(new),
                (None, Some((_, new, rest)), ..) => format!("{new}/{rest}").parse(),
                (None, None, true, _) => name.parse(),
                (None, None, false, Some(owner)) => format!("{owner}/{name}").parse(),
                (None, None, false, None) => return Err((Kind::BadPath, format!("{name}: it has no owner"))),
            };
            path.map_err(|error| (Kind::BadPath, format!("{name}: {error}")))
        };
        let groups = conf.groups.keys().map(|group| (&**group, new_team(group)));
        Ok(Self {
            users: distinct(users.into_iter().map(|name| (name, new_user(name))), Owner::folded),
            groups: distinct(groups, TeamName::folded),
            repositories: distinct(repositories.into_iter().map(|name| (name, new_path(name))), RepoPath::folded),
        })
    }

    pub(super) fn user(&self, name: &str) -> Result<Owner, Problem> {
        self.users.get(name).cloned().unwrap_or_else(|| Err((Kind::NoAccount, name.to_owned())))
    }

    /// The name of the team that a group becomes, or why there is none.
    pub(super) fn team(&self, group: &str) -> Result<TeamName, Problem> {
        self.groups.get(group).cloned().unwrap_or_else(|| Err((Kind::BadName, group.to_owned())))
    }

    pub(super) fn path(&self, name: &str) -> Result<RepoPath, Problem> {
        self.repositories.get(name).cloned().unwrap_or_else(|| Err((Kind::BadPath, name.to_owned())))
    }

    /// The user of gitolite who has this name here.
    pub(super) fn user_called(&self, owner: &Owner) -> Option<&str> {
        let is_owner = |name: &Result<Owner, Problem>| name.as_ref().is_ok_and(|name| name.folded() == owner.folded());
        self.users.iter().find(|(_, name)| is_owner(name)).map(|(user, _)| user.as_str())
    }
}

/// Removes each new name that several old names share.
fn distinct<'a, T>(
    names: impl Iterator<Item = (&'a str, Result<T, Problem>)>,
    folded: impl Fn(&T) -> String,
) -> BTreeMap<String, Result<T, Problem>> {
    let names: Vec<(&str, Result<T, Problem>)> = names.collect();
    let mut olds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (old, new) in &names {
        if let Ok(new) = new {
            olds.entry(folded(new)).or_default().push(old);
        }
    }
    let entry = |(old, new): (&str, Result<T, Problem>)| {
        let new = new.and_then(|new| match olds.get(&folded(&new)) {
            Some(olds) if olds.len() > 1 => Err((Kind::SameName, olds.join(" and "))),
            Some(_) | None => Ok(new),
        });
        (old.to_owned(), new)
    };
    names.into_iter().map(entry).collect()
}
