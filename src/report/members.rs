//! Roles: members of organizations, a user's organizations, and collaborators.

use std::fmt::Display;

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{json_time, table};
use crate::db::{Collaboration, GrantPosition, Member, Membership};

pub(crate) fn members_text(heading: &str, members: &[Member]) -> String {
    let row = |member: &Member| [member.name.to_string(), member.role.to_string(), minute(member.until)];
    table([heading, "ROLE", "UNTIL"], members.iter().map(row).collect())
}

pub(crate) fn members_json(key: &str, members: &[Member]) -> Value {
    let object = |member: &Member| {
        let (name, role) = (member.name.as_str(), member.role.as_str());
        json!({ key: name, "role": role, "until": json_time(member.until) })
    };
    members.iter().map(object).collect()
}

/// A list of roles in one organization, or in all.
pub(crate) struct Members {
    pub(crate) of_all: bool,
}

impl Table<Membership> for Members {
    fn columns(&self) -> Vec<Column> {
        roles(self.of_all.then_some("ORGANIZATION"), "MEMBER")
    }

    fn cells(&self, row: &Membership) -> Vec<String> {
        let cells = [row.organization.to_string(), row.user.to_string(), row.role.to_string(), minute(row.until)];
        cells.into_iter().skip(usize::from(!self.of_all)).collect()
    }

    fn json(&self, row: &Membership) -> Value {
        json!({
            "organization": row.organization.as_str(), "user": row.user.as_str(), "role": row.role.as_str(),
            "until": json_time(row.until),
        })
    }

    fn position(&self, row: &Membership) -> String {
        position(self.of_all.then_some(&row.organization), &row.user)
    }
}

/// A list of grants on one repository, or on all.
pub(crate) struct Collaborators {
    pub(crate) of_all: bool,
}

impl Table<Collaboration> for Collaborators {
    fn columns(&self) -> Vec<Column> {
        roles(self.of_all.then_some("REPOSITORY"), "COLLABORATOR")
    }

    fn cells(&self, row: &Collaboration) -> Vec<String> {
        let cells = [row.path.to_string(), row.user.to_string(), row.role.to_string(), minute(row.until)];
        cells.into_iter().skip(usize::from(!self.of_all)).collect()
    }

    fn json(&self, row: &Collaboration) -> Value {
        json!({
            "path": row.path.to_string(), "user": row.user.to_string(), "role": row.role.as_str(),
            "until": json_time(row.until),
        })
    }

    fn position(&self, row: &Collaboration) -> String {
        position(self.of_all.then_some(&row.path), &row.user)
    }
}

fn roles(object: Option<&'static str>, user: &'static str) -> Vec<Column> {
    object.into_iter().chain([user, "ROLE", "UNTIL"]).map(Column::new).collect()
}

pub(super) fn position<T: Display + Clone, U: Display + Clone>(object: Option<&T>, user: &U) -> String {
    let user = user.clone();
    match object.cloned() {
        Some(object) => GrantPosition { object, user }.to_string(),
        None => user.to_string(),
    }
}
