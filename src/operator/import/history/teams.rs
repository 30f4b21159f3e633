//! Reads from the audit table which teams of an organization an import made, and what was changed about them since.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::Value;

use super::{Last, Later, former};
use crate::db::{Change, Direction, Error, Event};
use crate::name::{Owner, fold};

/// A team that an import made.
#[derive(Debug, Default)]
pub(in crate::operator::import) struct Team {
    /// The present name in its organization.
    pub(in crate::operator::import) name: String,
    /// The present name and the former ones.
    names: BTreeSet<String>,
    /// What a person did to remove it.
    pub(in crate::operator::import) removed: Option<String>,
    /// The last change of a membership, by the name that the user had then.
    members: BTreeMap<String, Last>,
}

/// The changes of the teams and members of one organization.
#[derive(Debug, Default)]
pub(in crate::operator::import) struct Teams {
    /// The names of the organization, the present one and the former ones.
    organizations: BTreeSet<String>,
    /// By the group of gitolite from which an import made the team.
    by_group: BTreeMap<String, Team>,
    /// The last change of a role in the organization, by the name that the user had then.
    members: BTreeMap<String, Last>,
    /// The last time that a user left the organization.
    left: BTreeMap<String, Last>,
}

impl Teams {
    pub(in crate::operator::import) fn of(change: &Change<'_>, organization: &Owner) -> Result<Self, Error> {
        let organizations = former(change, organization.as_str(), &["org.rename"], "name")?;
        let mut events: BTreeMap<i64, Event> = BTreeMap::new();
        for name in &organizations {
            change.events(0, Some(name), Direction::OldestFirst, &mut |event| {
                if event.event.starts_with("team.") || event.event.starts_with("org.") {
                    events.insert(event.id, event);
                }
                ControlFlow::Continue(())
            })?;
        }
        let mut teams = Self { organizations, ..Self::default() };
        for event in events.values() {
            let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
            if event.event.starts_with("org.") {
                teams.take_event_of_organization(event, &detail);
            } else {
                teams.take_event_of_team(event, &detail);
            }
        }
        Ok(teams)
    }

    fn take_event_of_organization(&mut self, event: &Event, detail: &Value) {
        if !self.organizations.contains(&fold(&event.object)) {
            return;
        }
        let user = text(detail, "user");
        // Another organization may have had the name. What was withdrawn there counts here too.
        match event.event.as_str() {
            "org.add_user" | "org.change_role" => drop(self.members.insert(user, Last::of(event))),
            "org.remove_user" => {
                self.members.insert(user.clone(), Last::of(event));
                self.left.insert(user, Last::of(event));
            }
            _ => {}
        }
    }

    fn take_event_of_team(&mut self, event: &Event, detail: &Value) {
        let team = fold(&event.object);
        let in_organization = |team: &str| {
            let mut names = self.organizations.iter();
            names.find_map(|of| team.strip_prefix(&format!("@{of}/")).map(str::to_owned))
        };
        let Some(name) = in_organization(&team) else { return };
        let last = Last::of(event);
        if event.event == "team.create" {
            if let Some(group) = detail.get("group").and_then(Value::as_str).filter(|_| last.by_import) {
                let new = Team { names: BTreeSet::from([name.clone()]), name, ..Team::default() };
                self.by_group.insert(group.to_owned(), new);
            }
            return;
        }
        let is_renamed = event.event == "team.rename";
        let Some(old) = (if is_renamed { in_organization(&text(detail, "before")) } else { Some(name.clone()) }) else {
            return;
        };
        let is_old = |team: &&mut Team| team.removed.is_none() && team.name == old;
        let Some(found) = self.by_group.values_mut().find(is_old) else { return };
        match event.event.as_str() {
            "team.rename" => {
                found.names.insert(name.clone());
                found.name = name;
            }
            "team.delete" => found.removed = Some(last.phrase),
            "team.add_user" | "team.remove_user" => drop(found.members.insert(text(detail, "user"), last)),
            _ => {}
        }
    }

    /// The team that an import made from a group of gitolite.
    pub(in crate::operator::import) fn of_group(&self, group: &str) -> Option<&Team> {
        self.by_group.get(group)
    }

    /// How a team is or was written where it has a role.
    pub(in crate::operator::import) fn grantees(&self, team: &Team) -> BTreeSet<String> {
        let mut grantees = BTreeSet::new();
        for organization in &self.organizations {
            grantees.extend(team.names.iter().map(|name| format!("@{organization}/{name}")));
        }
        grantees
    }

    /// The change by which a person removed a user from a team or from the organization. `is_member` says whether the
    /// user is a member of the organization now.
    pub(in crate::operator::import) fn withdrawn(
        &self,
        change: &Change<'_>,
        team: Option<&Team>,
        user: &Owner,
        is_member: bool,
    ) -> Result<Option<String>, Error> {
        // A group without a team of its own may be another group under a new name.
        let others = || self.by_group.values().filter(|_| team.is_none());
        if self.members.is_empty() && team.into_iter().chain(others()).all(|team| team.members.is_empty()) {
            return Ok(None);
        }
        let (mut of_team, mut of_organization, mut left, mut of_other) = (None, None, None, None);
        for name in former(change, user.as_str(), &["user.rename"], "name")? {
            for other in others() {
                of_other = other.members.get(&name).filter(|last| last.removes).cloned().max_by_id(of_other);
            }
            of_team = team.and_then(|team| team.members.get(&name)).cloned().max_by_id(of_team);
            of_organization = self.members.get(&name).cloned().max_by_id(of_organization);
            left = self.left.get(&name).cloned().max_by_id(left);
        }
        let joined = of_team.as_ref().map(|last| last.id);
        let by_person = |last: &Last| !last.by_import;
        let found =
            of_team.or(of_other).filter(by_person).or(of_organization.filter(|last| !is_member && by_person(last)));
        // A user that becomes a member of the organization again belongs to no team.
        let left = left.filter(|left| by_person(left) && joined.is_some_and(|joined| left.id > joined));
        Ok(found.or(left).map(|last| last.phrase))
    }
}

/// A field of the details, as names are compared.
fn text(detail: &Value, field: &str) -> String {
    fold(detail.get(field).and_then(Value::as_str).unwrap_or_default())
}
