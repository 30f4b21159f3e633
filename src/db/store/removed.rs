//! Removed repositories: their rows stay, and their directories stay until they are purged.

use serde_json::json;

use super::repository::{COLUMNS, RepositoryRow, conflict_if_in_use, repository_row};
use super::{Change, ChangeError};
use crate::db::engine::values;
use crate::db::{Error, View};
use crate::name::RepoPath;
use crate::repository::Directory;

/// A repository that was removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The row; its path is the last path.
    pub row: RepositoryRow,
    /// The time of the removal.
    pub removed_at: i64,
}

impl View<'_> {
    /// Every removed repository, the most recently removed first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn removed_repositories(&self) -> Result<Vec<Removed>, Error> {
        let query = format!(
            "SELECT r.removed_at, {} WHERE r.folded IS NULL ORDER BY r.removed_at DESC, r.id DESC",
            COLUMNS.trim_start_matches("SELECT ")
        );
        self.connection
            .query(&query, &[], |row| Ok(Removed { row: repository_row(row)?, removed_at: row.get("removed_at")? }))
    }
}

impl Change<'_> {
    /// Restores a removed repository, given by its directory, at a free path. Its grants apply again.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the path is in use.
    pub fn restore_repository(&self, directory: &Directory, path: &RepoPath) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&path.owner)?;
        let query = "SELECT kind FROM repository WHERE directory = ?1 AND folded IS NULL";
        let kind = self.connection.first(query, values![directory.id()], |row| row.word("kind"))?;
        let kind: crate::name::RepoKind =
            kind.ok_or_else(|| ChangeError::NotFound(format!("removed repository {directory}")))?;
        if kind != path.kind {
            return Err(ChangeError::Conflict(format!("it was a {kind}: it cannot come back as a {}", path.kind)));
        }
        let query = "UPDATE repository SET owner_id = ?2, name = ?3, folded = ?4, removed_at = NULL
                     WHERE directory = ?1 AND folded IS NULL";
        let folded = path.name.folded();
        let values = values![directory.id(), owner.id, path.name.as_str(), &folded];
        conflict_if_in_use(self.connection.execute(query, values), path)?;
        self.remove_redirect(owner.id, path)?;
        let row = self.repository(path)?;
        self.audit("repo.restore", &row.path.to_string(), &json!({ "directory": directory.id() }))?;
        Ok(row)
    }

    /// Writes the audit row for an LFS lock that the operator removed. Locks are not in the database.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_lock_removal(&self, path: &RepoPath, file: &str, holder: &str) -> Result<(), ChangeError> {
        self.audit("lock.remove", &path.to_string(), &json!({ "file": file, "holder": holder }))
    }

    /// Writes the audit row for deleted unreachable objects.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_prune(&self, path: &RepoPath) -> Result<(), ChangeError> {
        self.audit("repo.prune", &path.to_string(), &json!({}))
    }

    /// Writes the audit row for a deleted directory of a removed repository.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_purge(&self, removed: &Removed) -> Result<(), ChangeError> {
        let detail = json!({ "directory": removed.row.directory.id(), "removed_at": removed.removed_at });
        self.audit("repo.purge", &removed.row.path.to_string(), &detail)
    }
}
