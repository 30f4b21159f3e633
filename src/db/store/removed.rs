//! Removed repositories: their rows stay, and their directories stay until they are purged.

use serde_json::json;

use super::list::Each;
use super::repository::{COLUMNS, RepositoryRow, conflict_if_in_use, repository_row};
use super::{Change, ChangeError};
use crate::db::engine::{Row, values};
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
    /// The removed repositories, the most recently removed first. Begins behind the one whose directory is `after`.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if no removed repository has this directory, or the database's.
    pub fn removed_repositories(&self, after: Option<&Directory>, each: Each<'_, Removed>) -> Result<(), ChangeError> {
        let (removed_at, id) = match after {
            None => (i64::MAX, i64::MAX),
            Some(directory) => match self.repository_in(directory)? {
                Some((row, Some(removed_at))) => (removed_at, row.id),
                Some((_, None)) | None => {
                    return Err(ChangeError::NotFound(format!("removed repository in {}", directory.id())));
                }
            },
        };
        let query = format!(
            "{COLUMNS} WHERE r.folded IS NULL AND (r.removed_at, r.id) < (?1, ?2) ORDER BY r.removed_at DESC, r.id DESC"
        );
        Ok(self.connection.each(&query, values![removed_at, id], |row| Ok(each(removed(row)?)))?)
    }

    /// The removed repositories that had this path last, the most recently removed first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn removed_from(&self, path: &RepoPath) -> Result<Vec<Removed>, Error> {
        let (owner, name) = (path.owner.folded(), path.name.folded());
        self.connection.query(&statement_of_path(), values![&owner, path.kind.as_str(), &name], removed)
    }
}

#[cfg(test)]
impl View<'_> {
    /// How SQLite would run the statement of [`View::removed_from`].
    pub(in crate::db) fn plan_of_removed(&self) -> Result<Vec<String>, Error> {
        self.connection.plan(&statement_of_path())
    }
}

/// The statement of [`View::removed_from`]. An owner that was removed keeps its name, but has no `folded`.
fn statement_of_path() -> String {
    format!(
        "{COLUMNS} WHERE r.owner_id IN (
             SELECT id FROM owner WHERE folded = ?1
             UNION ALL SELECT id FROM owner WHERE folded IS NULL AND lower(name) = ?1)
         AND r.kind = ?2 AND r.folded IS NULL AND lower(r.name) = ?3 ORDER BY r.removed_at DESC, r.id DESC"
    )
}

fn removed(row: &Row<'_>) -> Result<Removed, Error> {
    Ok(Removed { row: repository_row(row)?, removed_at: row.get("removed_at")? })
}

impl Change<'_> {
    /// Restores a removed repository, given by its row, at a free path. Its grants apply again. With another owner,
    /// those of teams do not.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the path is in use.
    pub fn restore_repository(&self, id: i64, path: &RepoPath) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&path.owner)?;
        let query = "SELECT kind, owner_id FROM repository WHERE id = ?1 AND folded IS NULL";
        let found = self.connection.first(query, values![id], |row| Ok((row.word("kind")?, row.get("owner_id")?)))?;
        let (kind, before): (crate::name::RepoKind, i64) =
            found.ok_or_else(|| ChangeError::NotFound(format!("removed repository for {path}")))?;
        if kind != path.kind {
            return Err(ChangeError::Conflict(format!("it was a {kind}: it cannot come back as a {}", path.kind)));
        }
        let query = "UPDATE repository SET owner_id = ?2, name = ?3, folded = ?4, removed_at = NULL
                     WHERE id = ?1 AND folded IS NULL";
        let folded = path.name.folded();
        let values = values![id, owner.id, path.name.as_str(), &folded];
        conflict_if_in_use(self.connection.execute(query, values), path)?;
        self.remove_redirect(owner.id, path)?;
        if before != owner.id {
            self.leave_organization(id)?;
        }
        let row = self.repository(path)?;
        self.audit("repo.restore", &row.path.to_string(), &json!({ "directory": row.directory.id() }))?;
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
