//! Teams of organizations, and their members.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::members::position;
use super::when::minute;
use super::{Report, json_time, page, table, with_fields};
use crate::db::{TeamGrant, TeamMembership, TeamRow};

pub(crate) fn team_json(team: &TeamRow) -> Value {
    json!({ "team": team.path.to_string(), "created_at": json_time(Some(team.created_at)) })
}

/// A list of the teams of one organization.
pub(crate) struct Teams;

impl Table<TeamRow> for Teams {
    fn columns(&self) -> Vec<Column> {
        vec![Column::new("TEAM"), Column::days("CREATED", 10)]
    }

    fn cells(&self, team: &TeamRow) -> Vec<String> {
        vec![team.path.to_string(), minute(Some(team.created_at))]
    }

    fn json(&self, team: &TeamRow) -> Value {
        team_json(team)
    }

    fn position(&self, team: &TeamRow) -> String {
        team.path.name.to_string()
    }
}

/// A team, its members, and those of its roles on repositories that the reader may see.
pub(crate) fn team_page(team: &TeamRow, members: &[TeamMembership], grants: &[TeamGrant]) -> Report {
    let mut text = page(&team.path, &[("created", &minute(Some(team.created_at)))]);
    if !members.is_empty() {
        let row = |member: &TeamMembership| [member.user.to_string(), minute(member.until)];
        text.push_str(&table(["MEMBER", "UNTIL"], members.iter().map(row).collect()));
    }
    if !grants.is_empty() {
        let row = |grant: &TeamGrant| [grant.path.to_string(), grant.role.to_string(), minute(grant.until)];
        text.push_str(&table(["REPOSITORY", "ROLE", "UNTIL"], grants.iter().map(row).collect()));
    }
    let member = |member: &TeamMembership| json!({ "user": member.user.as_str(), "until": json_time(member.until) });
    let grant = |grant: &TeamGrant| {
        let (path, role) = (grant.path.to_string(), grant.role.as_str());
        json!({ "path": path, "role": role, "until": json_time(grant.until) })
    };
    let fields =
        [("members", members.iter().map(member).collect()), ("repositories", grants.iter().map(grant).collect())];
    Report::new(text, with_fields(team_json(team), fields))
}

/// The teams of a user, as a table and as an array.
pub(crate) fn teams_of_user(teams: &[TeamMembership]) -> (String, Value) {
    let row = |team: &TeamMembership| [team.team.to_string(), minute(team.until)];
    let text = if teams.is_empty() { String::new() } else { table(["TEAM", "UNTIL"], teams.iter().map(row).collect()) };
    let object = |team: &TeamMembership| json!({ "team": team.team.to_string(), "until": json_time(team.until) });
    (text, teams.iter().map(object).collect())
}

/// The teams of an organization, as a table and as an array.
pub(crate) fn teams_of_organization(teams: &[TeamRow]) -> (String, Value) {
    let row = |team: &TeamRow| [team.path.to_string(), minute(Some(team.created_at))];
    let text =
        if teams.is_empty() { String::new() } else { table(["TEAM", "CREATED"], teams.iter().map(row).collect()) };
    (text, teams.iter().map(team_json).collect())
}

/// A list of the members of one team, or of all.
pub(crate) struct TeamMembers {
    pub(crate) of_all: bool,
}

impl Table<TeamMembership> for TeamMembers {
    fn columns(&self) -> Vec<Column> {
        self.of_all.then_some("TEAM").into_iter().chain(["MEMBER", "UNTIL"]).map(Column::new).collect()
    }

    fn cells(&self, row: &TeamMembership) -> Vec<String> {
        let cells = [row.team.to_string(), row.user.to_string(), minute(row.until)];
        cells.into_iter().skip(usize::from(!self.of_all)).collect()
    }

    fn json(&self, row: &TeamMembership) -> Value {
        json!({ "team": row.team.to_string(), "user": row.user.as_str(), "until": json_time(row.until) })
    }

    fn position(&self, row: &TeamMembership) -> String {
        position(self.of_all.then_some(&row.team), &row.user)
    }
}
