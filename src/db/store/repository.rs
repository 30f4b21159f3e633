//! Repositories and their collaborators.

use rusqlite::{Row, params};
use serde_json::json;

use super::account::{OwnerKind, OwnerRow, owner_of};
use super::is_constraint;
use super::{Change, ChangeError};
use crate::access::{CollaboratorRole, GateMode, Visibility};
use crate::config::ObjectFormat;
use crate::db::{Error, View, word};
use crate::name::{Owner, RepoPath};
use crate::repository::Directory;

/// A repository as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRow {
    /// The row.
    pub id: i64,
    /// Its path, as its owner writes it.
    pub path: RepoPath,
    /// Where it lies.
    pub directory: Directory,
    /// Who may see it.
    pub visibility: Visibility,
    /// How requests to pass its gate are answered.
    pub gate: GateMode,
    /// Whether members with the role `read` must ask too.
    pub gate_members: bool,
    /// How its objects are named.
    pub object_format: ObjectFormat,
    /// What it is about; may be empty.
    pub description: String,
    /// Why it takes no pushes, if so.
    pub frozen: Option<String>,
    /// Seconds UTC since 1970.
    pub created_at: i64,
}

/// What a new repository is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRepository {
    /// Its path.
    pub path: RepoPath,
    /// Where it lies, ready to serve.
    pub directory: Directory,
    /// Who may see it.
    pub visibility: Visibility,
    /// How its objects are named.
    pub object_format: ObjectFormat,
    /// What it is about.
    pub description: String,
    /// Who made it: a contributor writes what they created. `None`: the operator.
    pub created_by: Option<Owner>,
}

/// What a user was granted on one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaborator {
    /// The user.
    pub user: Owner,
    /// The role.
    pub role: CollaboratorRole,
    /// The first second at which it no longer holds.
    pub until: Option<i64>,
}

pub(super) const COLUMNS: &str =
    "SELECT r.id, o.name AS owner, r.kind, r.name, r.directory, r.visibility, r.gate, r.gate_members,
    r.object_format, r.description, r.frozen, r.created_at FROM repository r JOIN owner o ON o.id = r.owner_id";

/// What a user has on a repository.
const COLLABORATION: &str = "SELECT role, until FROM collaborator WHERE repository_id = ?1 AND user_id = ?2";

pub(super) fn repository_row(row: &Row<'_>) -> Result<RepositoryRow, Error> {
    Ok(RepositoryRow {
        id: row.get("id")?,
        path: RepoPath { kind: word(row, "kind")?, owner: word(row, "owner")?, name: word(row, "name")? },
        directory: word(row, "directory")?,
        visibility: word(row, "visibility")?,
        gate: word(row, "gate")?,
        gate_members: row.get("gate_members")?,
        object_format: word(row, "object_format")?,
        description: row.get("description")?,
        frozen: row.get("frozen")?,
        created_at: row.get("created_at")?,
    })
}

fn find(connection: &rusqlite::Connection, path: &RepoPath) -> Result<RepositoryRow, ChangeError> {
    let query = format!("{COLUMNS} WHERE o.folded = ?1 AND r.kind = ?2 AND r.folded = ?3");
    let mut statement = connection.prepare(&query).map_err(Error::from)?;
    let words = params![path.owner.folded(), path.kind.as_str(), path.name.folded()];
    let mut rows = statement.query_and_then(words, repository_row).map_err(Error::from)?;
    rows.next().transpose()?.ok_or_else(|| ChangeError::NotFound(format!("repository {path}")))
}

impl View<'_> {
    /// The repository of that path, in any case.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn repository(&self, path: &RepoPath) -> Result<RepositoryRow, ChangeError> {
        find(self.connection, path)
    }

    /// The repositories of one owner, or all, by path.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repositories(&self, owner: Option<&OwnerRow>) -> Result<Vec<RepositoryRow>, Error> {
        let filter = if owner.is_some() { "r.owner_id = ?1" } else { "?1 IS NULL" };
        let query = format!("{COLUMNS} WHERE {filter} AND r.folded IS NOT NULL ORDER BY o.folded, r.kind, r.folded");
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_and_then(params![owner.map(|owner| owner.id)], repository_row)?;
        rows.collect()
    }

    /// Where every repository lies, removed ones among them.
    ///
    /// # Errors
    /// [`Error`].
    pub fn directories(&self) -> Result<Vec<Directory>, Error> {
        let mut statement = self.connection.prepare("SELECT directory FROM repository")?;
        let rows = statement.query_and_then([], |row| word(row, "directory"))?;
        rows.collect()
    }

    /// Who was granted something on a repository, by name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn collaborators(&self, repository: &RepositoryRow) -> Result<Vec<Collaborator>, Error> {
        let query = "SELECT o.name, c.role, c.until FROM collaborator c JOIN owner o ON o.id = c.user_id
                     WHERE c.repository_id = ?1 ORDER BY o.folded";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_and_then(params![repository.id], |row| {
            Ok(Collaborator { user: word(row, "name")?, role: word(row, "role")?, until: row.get("until")? })
        })?;
        rows.collect()
    }
}

impl Change<'_> {
    /// Enters a repository whose directory is in place: from here on it is served.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the path is taken.
    pub fn add_repository(&self, new: &NewRepository) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&new.path.owner)?;
        if owner.kind == OwnerKind::User && !owner.may_create {
            return Err(ChangeError::Conflict(format!("the account {} may not create repositories", owner.name)));
        }
        self.enter_repository("repo.create", new, None)
    }

    /// The same whoever owns it, for one that was made elsewhere: under an event of its own, with where it came from.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the path is taken.
    pub fn enter_repository(
        &self,
        event: &str,
        new: &NewRepository,
        source: Option<&str>,
    ) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&new.path.owner)?;
        let creator = new.created_by.as_ref().map(|user| self.user(user)).transpose()?;
        let done = self.connection.execute(
            "INSERT INTO repository (owner_id, kind, name, folded, directory, visibility, object_format, description,
                                     created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                owner.id,
                new.path.kind.as_str(),
                new.path.name.as_str(),
                new.path.name.folded(),
                new.directory.id(),
                new.visibility.as_str(),
                new.object_format.as_str(),
                new.description,
                self.now,
                creator.as_ref().map(|user| user.id)
            ],
        );
        taken(done, &new.path)?;
        self.take_former_path(owner.id, &new.path)?;
        let mut detail = json!({
            "visibility": new.visibility.as_str(), "object_format": new.object_format.as_str(),
            "directory": new.directory.id(), "created_by": new.created_by.as_ref().map(Owner::as_str),
        });
        if let (Some(source), Some(fields)) = (source, detail.as_object_mut()) {
            fields.insert("source".to_owned(), source.into());
        }
        let row = self.repository(&new.path)?;
        self.audit(event, &row.path.to_string(), &detail)?;
        Ok(row)
    }

    /// An old path that is taken again leads to its former repository no longer.
    pub(super) fn take_former_path(&self, owner: i64, path: &RepoPath) -> Result<(), ChangeError> {
        let query = "DELETE FROM former_path WHERE owner_id = ?1 AND kind = ?2 AND folded = ?3";
        self.connection.execute(query, params![owner, path.kind.as_str(), path.name.folded()])?;
        Ok(())
    }

    /// Gives a repository another path, of the same kind: another name, another owner, or both. The old path leads to
    /// it until somebody takes it.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the path is taken.
    pub fn rename_repository(&self, old: &RepoPath, new: &RepoPath) -> Result<(), ChangeError> {
        let repository = self.repository(old)?;
        if old.kind != new.kind {
            return Err(ChangeError::Conflict(format!("{old} is a {}: it cannot become a {}", old.kind, new.kind)));
        }
        let owner = self.owner(&new.owner)?;
        let query = "UPDATE repository SET owner_id = ?2, name = ?3, folded = ?4 WHERE id = ?1";
        let values = params![repository.id, owner.id, new.name.as_str(), new.name.folded()];
        taken(self.connection.execute(query, values), new)?;
        self.take_former_path(owner.id, new)?;
        let before = self.owner(&repository.path.owner)?;
        if (before.id, repository.path.name.folded()) != (owner.id, new.name.folded()) {
            self.connection.execute(
                "INSERT OR REPLACE INTO former_path (owner_id, kind, folded, repository_id, since)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![before.id, old.kind.as_str(), repository.path.name.folded(), repository.id, self.now],
            )?;
        }
        let detail = json!({ "before": repository.path.to_string(), "path": new.to_string() });
        self.audit("repo.move", &repository.path.to_string(), &detail)
    }

    /// Shows a repository to everybody, or hides it.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_visibility(&self, path: &RepoPath, visibility: Visibility) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET visibility = ?2 WHERE id = ?1";
        self.connection.execute(query, params![repository.id, visibility.as_str()])?;
        let detail = json!({ "before": repository.visibility.as_str(), "visibility": visibility.as_str() });
        self.audit("repo.update_settings", &repository.path.to_string(), &detail)
    }

    /// Stops pushes for a reason that the peer reads, or lets them in again with `None`.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_frozen(&self, path: &RepoPath, reason: Option<&str>) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET frozen = ?2 WHERE id = ?1";
        self.connection.execute(query, params![repository.id, reason])?;
        let event = if reason.is_some() { "repo.freeze" } else { "repo.unfreeze" };
        self.audit(event, &repository.path.to_string(), &json!({ "before": repository.frozen, "reason": reason }))
    }

    /// Takes a repository out of the hub. Its row and its directory stay; its path is free.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn remove_repository(&self, path: &RepoPath) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET folded = NULL, removed_at = ?2 WHERE id = ?1";
        self.connection.execute(query, params![repository.id, self.now])?;
        let detail = json!({ "directory": repository.directory.id() });
        self.audit("repo.delete", &repository.path.to_string(), &detail)
    }

    /// Grants a user a role on a repository, in place of the one before.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_collaborator(
        &self,
        path: &RepoPath,
        user: &Owner,
        role: CollaboratorRole,
        until: Option<i64>,
    ) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let user = owner_of(self.connection, OwnerKind::User, user)?;
        let before = self.grant_before(COLLABORATION, repository.id, user.id)?;
        self.connection.execute(
            "INSERT INTO collaborator (repository_id, user_id, role, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (repository_id, user_id) DO UPDATE SET role = excluded.role, until = excluded.until",
            params![repository.id, user.id, role.as_str(), until],
        )?;
        let detail = json!({ "user": user.name.as_str(), "role": role.as_str(), "until": until, "before": before });
        self.audit("repo.set_collaborator", &repository.path.to_string(), &detail)
    }

    /// What a user was granted on a repository, given by its row, if that has not ended.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn collaborator_role(&self, repository: i64, user: &Owner) -> Result<Option<CollaboratorRole>, ChangeError> {
        let user = owner_of(self.connection, OwnerKind::User, user)?;
        let query = "SELECT role FROM collaborator WHERE repository_id = ?1 AND user_id = ?2
                     AND (until IS NULL OR until > ?3)";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query_and_then(params![repository, user.id, self.now], |row| word(row, "role"))?;
        Ok(rows.next().transpose()?)
    }

    /// Takes back what a user was granted on a repository.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] where nothing was.
    pub fn remove_collaborator(&self, path: &RepoPath, user: &Owner) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let user = owner_of(self.connection, OwnerKind::User, user)?;
        let before = self.grant_before(COLLABORATION, repository.id, user.id)?;
        let query = "DELETE FROM collaborator WHERE repository_id = ?1 AND user_id = ?2";
        if self.connection.execute(query, params![repository.id, user.id])? == 0 {
            return Err(ChangeError::NotFound(format!("collaborator {} on {}", user.name, repository.path)));
        }
        let detail = json!({ "user": user.name.as_str(), "before": before });
        self.audit("repo.remove_collaborator", &repository.path.to_string(), &detail)
    }
}

/// Words the one conflict that a path can have.
pub(super) fn taken(done: rusqlite::Result<usize>, path: &RepoPath) -> Result<(), ChangeError> {
    match done {
        Ok(_) => Ok(()),
        Err(error) if is_constraint(&error) => {
            Err(ChangeError::Conflict(format!("there is already a {} {path}", path.kind)))
        }
        Err(error) => Err(error.into()),
    }
}
