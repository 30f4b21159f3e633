//! Repositories that were taken out of the hub: their rows stay, and so do their directories for a while.

use rusqlite::params;
use serde_json::json;

use super::repository::{COLUMNS, RepositoryRow, repository_row, taken};
use super::{Change, ChangeError};
use crate::db::{Error, View, word};
use crate::name::RepoPath;
use crate::repository::Directory;

/// A repository that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The row; its path is the one that it had.
    pub row: RepositoryRow,
    /// When.
    pub removed_at: i64,
}

impl View<'_> {
    /// Every repository that was removed, the last one first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn removed_repositories(&self) -> Result<Vec<Removed>, Error> {
        let query = format!(
            "SELECT r.removed_at, {} WHERE r.folded IS NULL ORDER BY r.removed_at DESC, r.id DESC",
            COLUMNS.trim_start_matches("SELECT ")
        );
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement
            .query_and_then([], |row| Ok(Removed { row: repository_row(row)?, removed_at: row.get("removed_at")? }))?;
        rows.collect()
    }
}

impl Change<'_> {
    /// Brings a removed repository back, given by its directory, to a path that is free. Who was granted something on
    /// it has it again.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the path is taken.
    pub fn restore_repository(&self, directory: &Directory, path: &RepoPath) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&path.owner)?;
        let query = "SELECT kind FROM repository WHERE directory = ?1 AND folded IS NULL";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query_and_then(params![directory.id()], |row| word(row, "kind"))?;
        let kind: crate::name::RepoKind =
            rows.next().transpose()?.ok_or_else(|| ChangeError::NotFound(format!("removed repository {directory}")))?;
        if kind != path.kind {
            return Err(ChangeError::Conflict(format!("it was a {kind}: it cannot come back as a {}", path.kind)));
        }
        let query = "UPDATE repository SET owner_id = ?2, name = ?3, folded = ?4, removed_at = NULL
                     WHERE directory = ?1 AND folded IS NULL";
        let values = params![directory.id(), owner.id, path.name.as_str(), path.name.folded()];
        taken(self.connection.execute(query, values), path)?;
        self.take_former_path(owner.id, path)?;
        let row = self.repository(path)?;
        self.audit("repo.restore", &row.path.to_string(), &json!({ "directory": directory.id() }))?;
        Ok(row)
    }

    /// Notes that the directory of a removed repository is deleted for good.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_purge(&self, removed: &Removed) -> Result<(), ChangeError> {
        let detail = json!({ "directory": removed.row.directory.id(), "removed_at": removed.removed_at });
        self.audit("repo.purge", &removed.row.path.to_string(), &detail)
    }
}
