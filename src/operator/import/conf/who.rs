//! Who a rule of this hub names: users of gitolite, and the groups that they belong to. No I/O.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::statements::Users;

/// Who a rule concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Everyone,
    Users(Named),
}

/// The users that a rule concerns, by gitolite's names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Named {
    /// All of them.
    pub(crate) users: Vec<Rc<str>>,
    /// Those that are not named by a group alone.
    pub(crate) alone: BTreeSet<Rc<str>>,
    /// The groups that name some of them. The rule may concern only some users of a group.
    pub(crate) groups: BTreeSet<Rc<str>>,
}

impl Named {
    /// Users without a group.
    pub(super) fn alone(users: Vec<Rc<str>>) -> Self {
        Self { alone: users.iter().cloned().collect(), users, groups: BTreeSet::new() }
    }

    /// The users that a rule allows something.
    pub(super) fn allowed(users: &Users) -> Self {
        let Users { names, alone, groups, .. } = users;
        Self { users: names.iter().cloned().collect(), alone: alone.clone(), groups: groups.clone() }
    }

    /// The same without some users.
    pub(super) fn without(self, left: &[Rc<str>]) -> Self {
        let stays = |user: &Rc<str>| !left.contains(user);
        let Self { users, alone, groups } = self;
        Self {
            users: users.into_iter().filter(stays).collect(),
            alone: alone.into_iter().filter(stays).collect(),
            groups,
        }
    }

    /// Adds the users and groups of another rule.
    pub(super) fn extend(&mut self, other: Self) {
        for user in other.users {
            if !self.users.contains(&user) {
                self.users.push(user);
            }
        }
        self.alone.extend(other.alone);
        self.groups.extend(other.groups);
    }
}

impl Who {
    /// The users that a rule denies something. Everyone may belong to a group that is not known.
    pub(super) fn denied(users: &Users) -> Self {
        if users.all || !users.unknown.is_empty() {
            return Self::Everyone;
        }
        Self::Users(Named {
            users: users.names.union(&users.perhaps).cloned().collect(),
            alone: users.alone.union(&users.perhaps).cloned().collect(),
            groups: users.groups.clone(),
        })
    }

    /// Whether a user is named. `None` stands for a user that no rule names.
    pub(super) fn names(&self, user: Option<&str>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Users(named) => user.is_some_and(|user| named.users.iter().any(|other| &**other == user)),
        }
    }

    /// Whether nobody is named.
    pub(super) fn is_nobody(&self) -> bool {
        matches!(self, Self::Users(named) if named.users.is_empty())
    }

    /// Whether the name of a user is more than letters for a regular expression.
    pub(super) fn is_dotted(&self) -> bool {
        matches!(self, Self::Users(named) if named.users.iter().any(|user| user.contains(['.', '+'])))
    }
}
