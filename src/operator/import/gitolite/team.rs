//! The team that a group of gitolite is in an organization. No I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::name::{Grantee, HubScope, Owner, TeamPath, fold};

/// Users of gitolite.
pub(super) type Users = BTreeSet<Rc<str>>;

/// The team of a group.
pub(super) struct Team {
    pub(super) path: TeamPath,
    /// How it is or was written where it has a role.
    pub(super) grantees: BTreeSet<String>,
    /// The users of the group who belong to the team.
    pub(super) members: Users,
    /// Those who would gain by the team, and get their rights one by one.
    pub(super) others: Users,
    /// Those that a person removed from it.
    pub(super) withdrawn: Rc<Users>,
    /// Members that are not in gitolite's group.
    pub(super) more: BTreeMap<String, Owner>,
    /// Where rules name it. Empty if it has no such members.
    pub(super) scopes: Vec<HubScope>,
}

impl Team {
    /// A team without users of the group.
    pub(super) fn new(path: TeamPath, more: BTreeMap<String, Owner>) -> Self {
        Self {
            grantees: BTreeSet::from([folded(&path)]),
            path,
            members: Users::new(),
            others: Users::new(),
            withdrawn: Rc::default(),
            more,
            scopes: Vec::new(),
        }
    }

    /// Whether it has members that are not in gitolite's group. Such a team gets nothing more.
    pub(super) fn has_others(&self) -> bool {
        !self.more.is_empty()
    }

    pub(super) fn others_in_words(&self) -> String {
        let others: Vec<&str> = self.more.values().map(Owner::as_str).collect();
        format!("{} has other members: {}", self.path, others.join(" "))
    }
}

/// A team as it is compared.
pub(super) fn folded(path: &TeamPath) -> String {
    fold(&Grantee::Team(path.clone()).to_string())
}
