//! What the groups of gitolite are on one repository: teams, or users one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::super::conf::{Name, Named, Person, Repository, Who};
use super::accounts::Accounts;
use super::team::{Team, Users};
use crate::access::rule::Verdict;
use crate::db::ChangeError;
use crate::name::TeamPath;

/// What a group is on one repository.
pub(super) enum GroupHere {
    Team(Rc<Team>),
    /// Its users one by one, except users that a person removed from the team.
    Users(Rc<Users>),
    /// A person removed the team: how.
    Gone(String),
}

/// What the groups that rules of a repository name are there.
pub(super) struct Groups<'a> {
    pub(super) users: &'a BTreeMap<Rc<str>, Users>,
    pub(super) found: BTreeMap<Rc<str>, GroupHere>,
}

impl Groups<'_> {
    /// Why rules for these groups stay as they are: a person added members to a team, and other rules could give these
    /// more than gitolite does.
    pub(super) fn fixed(&self) -> Option<String> {
        self.found.values().find_map(|here| match here {
            GroupHere::Team(team) if team.has_others() => Some(team.others_in_words()),
            GroupHere::Team(_) | GroupHere::Users(_) | GroupHere::Gone(_) => None,
        })
    }

    /// The teams and the users that a rule names. `has_user` says whether its pattern has the name of the user.
    pub(super) fn named(
        &self,
        accounts: &mut Accounts<'_>,
        verdict: Verdict,
        named: &Named,
        has_user: bool,
    ) -> Result<(Vec<TeamPath>, Vec<Rc<str>>), ChangeError> {
        let all: BTreeSet<&Rc<str>> = named.users.iter().collect();
        let mut teams = Vec::new();
        // The users that a rule names by a group, if it allows something and does not name the team.
        let mut others = Users::new();
        for group in &named.groups {
            let users = self.users.get(group).into_iter().flatten();
            match self.found.get(group) {
                Some(GroupHere::Team(team)) => {
                    let mut is_whole = team.members.iter().all(|member| all.contains(member));
                    for member in team.members.iter().filter(|_| has_user) {
                        is_whole &= !accounts.is_renamed(member)?;
                    }
                    if is_whole {
                        teams.push(team.path.clone());
                    } else {
                        others.extend(team.members.iter().cloned());
                    }
                    others.extend(team.others.iter().cloned());
                }
                Some(GroupHere::Users(withdrawn)) => {
                    others.extend(users.filter(|user| !withdrawn.contains(*user)).cloned());
                }
                Some(GroupHere::Gone(_)) => {}
                None => others.extend(users.cloned()),
            }
        }
        // Who leaves a team gains nothing by it: a rule that denies names the users beside it.
        let is_named =
            |user: &&Rc<str>| verdict == Verdict::Deny || named.alone.contains(*user) || others.contains(*user);
        Ok((teams, named.users.iter().filter(is_named).cloned().collect()))
    }
}

/// The groups that the rules of a repository name.
pub(super) fn named_groups(repository: &Repository) -> BTreeSet<Rc<str>> {
    let rules = repository.closed_rules.iter().map(|rule| &rule.who);
    let who = rules.chain(repository.paths.iter().map(|path| &path.who));
    let in_rules = who.filter_map(|who| match who {
        Who::Users(named) => Some(&named.groups),
        Who::Everyone => None,
    });
    let mut groups: BTreeSet<Rc<str>> = in_rules.flatten().cloned().collect();
    groups.extend(repository.named.keys().filter_map(|name| match name {
        Name::Group(group) => Some(Rc::clone(group)),
        Name::All | Name::User(_) => None,
    }));
    groups
}

/// A user with a right on a repository.
pub(super) fn person<'a>(repository: &'a Repository, user: &str) -> Option<&'a Person> {
    repository.people.iter().find(|person| *person.name == *user)
}
