//! Repositories.

use std::path::Path;

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{Report, json_time, page, table, with_fields};
use crate::access::{Access, GateMode};
use crate::config::Config;
use crate::db::{Collaborator, Removed, RepositoryRow};

pub(crate) fn repo_json(row: &RepositoryRow) -> Value {
    json!({
        "path": row.path.to_string(),
        "kind": row.path.kind.as_str(),
        "visibility": row.visibility.as_str(),
        "gate": row.gate.as_str(),
        "gate_members": row.gate_members,
        "object_format": row.object_format.as_str(),
        "description": row.description,
        "frozen": row.frozen,
        "proposals": row.proposals,
        "created_at": json_time(Some(row.created_at)),
    })
}

pub(crate) fn state(row: &RepositoryRow) -> String {
    let gated = if row.gate == GateMode::None { "" } else { ", gated" };
    match &row.frozen {
        Some(reason) => format!("{}{gated}, read-only: {reason}", row.visibility),
        None => format!("{}{gated}", row.visibility),
    }
}

/// A list of repositories.
pub(crate) struct Repositories;

impl Table<RepositoryRow> for Repositories {
    fn columns(&self) -> Vec<Column> {
        vec![Column::new("REPOSITORY"), Column::at_most("STATE", 30), Column::at_most("DESCRIPTION", 12)]
    }

    fn cells(&self, row: &RepositoryRow) -> Vec<String> {
        vec![row.path.to_string(), state(row), row.description.clone()]
    }

    fn json(&self, row: &RepositoryRow) -> Value {
        repo_json(row)
    }

    fn position(&self, row: &RepositoryRow) -> String {
        row.path.to_string()
    }
}

/// A list of repositories with the access of an account.
pub(crate) struct Reachable;

impl Table<(RepositoryRow, Access)> for Reachable {
    fn columns(&self) -> Vec<Column> {
        let narrow = [Column::at_most("STATE", 20), Column::at_most("DESCRIPTION", 12)];
        [Column::new("REPOSITORY"), Column::new("ACCESS")].into_iter().chain(narrow).collect()
    }

    fn cells(&self, (row, access): &(RepositoryRow, Access)) -> Vec<String> {
        vec![row.path.to_string(), access.to_string(), state(row), row.description.clone()]
    }

    fn json(&self, (row, access): &(RepositoryRow, Access)) -> Value {
        with_fields(repo_json(row), [("access", access.as_str().into())])
    }

    fn position(&self, (row, _): &(RepositoryRow, Access)) -> String {
        row.path.to_string()
    }
}

/// A list of removed repositories, which are kept for so many seconds.
pub(crate) struct RemovedRepositories {
    pub(crate) kept: i64,
}

impl Table<Removed> for RemovedRepositories {
    fn columns(&self) -> Vec<Column> {
        vec![Column::new("REPOSITORY"), Column::days("REMOVED", 10), Column::days("KEPT UNTIL", 10), Column::new("ID")]
    }

    fn cells(&self, Removed { row, removed_at }: &Removed) -> Vec<String> {
        let until = minute(Some(removed_at + self.kept));
        vec![row.path.to_string(), minute(Some(*removed_at)), until, row.directory.id().to_owned()]
    }

    fn json(&self, Removed { row, removed_at }: &Removed) -> Value {
        json!({
            "path": row.path.to_string(), "removed_at": json_time(Some(*removed_at)),
            "kept_until": json_time(Some(removed_at + self.kept)), "id": row.directory.id(),
        })
    }

    fn position(&self, removed: &Removed) -> String {
        removed.row.directory.id().to_owned()
    }
}

pub(crate) fn repository_created(config: &Config, row: &RepositoryRow) -> Report {
    let url = config.address().url(&row.path);
    let text = format!("created the {} {} ({}): git clone {url}\n", row.path.kind, row.path, state(row));
    Report::new(text, repo_json(row))
}

/// A repository as the operator sees it.
pub(crate) fn repository_page(row: &RepositoryRow, place: &Path, head: &str, collaborators: &[Collaborator]) -> Report {
    let mut text = page(
        &row.path,
        &[
            ("state", &state(row)),
            ("description", &row.description),
            ("created", &minute(Some(row.created_at))),
            ("object format", &row.object_format),
            ("head", &head),
            ("directory", &place.display()),
        ],
    );
    if !collaborators.is_empty() {
        let line = |grant: &Collaborator| [grant.user.to_string(), grant.role.to_string(), minute(grant.until)];
        text.push_str(&table(["COLLABORATOR", "ROLE", "UNTIL"], collaborators.iter().map(line).collect()));
    }
    let object = |grant: &Collaborator| {
        let (user, role) = (grant.user.to_string(), grant.role.as_str());
        json!({ "user": user, "role": role, "until": json_time(grant.until) })
    };
    let fields = [
        ("directory", json!(place)),
        ("head", head.into()),
        ("collaborators", collaborators.iter().map(object).collect()),
    ];
    Report::new(text, with_fields(repo_json(row), fields))
}

/// A repository as a session over SSH sees it, with what the session may do there.
pub(crate) fn repository_summary(row: &RepositoryRow, access: Access) -> Report {
    let fields: [(&str, &dyn std::fmt::Display); 4] = [
        ("state", &state(row)),
        ("description", &row.description),
        ("object format", &row.object_format),
        ("your access", &access),
    ];
    Report::new(page(&row.path, &fields), with_fields(repo_json(row), [("access", access.as_str().into())]))
}

/// A repository that was just removed, as the operator sees it.
pub(crate) fn repository_removed(row: &RepositoryRow, place: &Path) -> Report {
    let text = format!(
        "removed {0}; its directory stays: {1}\nto restore it: hubgate repo restore {0}\n",
        row.path,
        place.display()
    );
    Report::new(text, json!({ "removed": row.path.to_string(), "directory": place }))
}
