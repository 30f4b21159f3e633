//! Repositories.

use std::ops::ControlFlow;

use serde_json::json;

use super::account::OwnerKind;
use super::list::Each;
use super::{Change, ChangeError, Store};
use crate::access::{GateMode, Visibility};
use crate::config::ObjectFormat;
use crate::db::engine::{Row, values};
use crate::db::{Error, ErrorKind, View};
use crate::name::{Owner, RepoPath};
use crate::repository::Directory;

/// The row of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRow {
    /// The row.
    pub id: i64,
    /// Its path, in the case that its owner chose.
    pub path: RepoPath,
    /// Its directory.
    pub directory: Directory,
    /// Its visibility.
    pub visibility: Visibility,
    /// How requests for access are answered.
    pub gate: GateMode,
    /// Whether members with the role `read` must also ask.
    pub gate_members: bool,
    /// Its object format.
    pub object_format: ObjectFormat,
    /// Its description; may be empty.
    pub description: String,
    /// Why it rejects pushes; `None` if it accepts them.
    pub frozen: Option<String>,
    /// Whether it accepts proposals; `None` if the configuration decides.
    pub proposals: Option<bool>,
    /// Seconds UTC since 1970.
    pub created_at: i64,
}

/// A repository to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRepository {
    /// Its path.
    pub path: RepoPath,
    /// Its directory, ready to serve.
    pub directory: Directory,
    /// Its visibility.
    pub visibility: Visibility,
    /// Its object format.
    pub object_format: ObjectFormat,
    /// Its description.
    pub description: String,
    /// The account that created it, which may push as a contributor; `None` for the operator.
    pub created_by: Option<Owner>,
}

pub(super) const COLUMNS: &str = concat!(
    "SELECT r.id, o.name AS owner, r.kind, r.name, r.directory, r.gate, r.gate_members, ",
    visibility_column!(),
    " AS visibility, r.object_format, r.description, r.frozen, r.proposals, r.created_at, r.removed_at
    FROM repository r JOIN owner o ON o.id = r.owner_id"
);

/// How many rows [`Store::each_repository`] reads at a time.
const PAGE: usize = 1_000;

pub(super) fn repository_row(row: &Row<'_>) -> Result<RepositoryRow, Error> {
    Ok(RepositoryRow {
        id: row.get("id")?,
        path: RepoPath { kind: row.word("kind")?, owner: row.word("owner")?, name: row.word("name")? },
        directory: row.word("directory")?,
        visibility: row.word("visibility")?,
        gate: row.word("gate")?,
        gate_members: row.get("gate_members")?,
        object_format: row.word("object_format")?,
        description: row.get("description")?,
        frozen: row.get("frozen")?,
        proposals: row.get("proposals")?,
        created_at: row.get("created_at")?,
    })
}

/// The columns `visibility` and `internal`. A program that does not know `internal` reads `private`.
fn columns(visibility: Visibility) -> (&'static str, bool) {
    match visibility {
        Visibility::Public | Visibility::Private => (visibility.as_str(), false),
        Visibility::Internal => (Visibility::Private.as_str(), true),
    }
}

impl View<'_> {
    /// The repository at this path, in upper or lower case.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn repository(&self, path: &RepoPath) -> Result<RepositoryRow, ChangeError> {
        let query = format!("{COLUMNS} WHERE o.folded = ?1 AND r.kind = ?2 AND r.folded = ?3");
        let (owner, name) = (path.owner.folded(), path.name.folded());
        let row = self.connection.first(&query, values![&owner, path.kind.as_str(), &name], repository_row)?;
        row.ok_or_else(|| ChangeError::NotFound(format!("repository {path}")))
    }

    /// The repository of that row, whatever its path is now; `None` if it was removed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repository_of_row(&self, row: i64) -> Result<Option<RepositoryRow>, Error> {
        let query = format!("{COLUMNS} WHERE r.id = ?1 AND r.removed_at IS NULL");
        self.connection.first(&query, values![row], repository_row)
    }

    /// All repositories, by owner, kind and name. Begins behind the path `after`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repositories(&self, after: Option<&RepoPath>, each: Each<'_, RepositoryRow>) -> Result<(), Error> {
        let owner = after.map(|path| path.owner.folded()).unwrap_or_default();
        let (kind, name) = position(after);
        self.connection.each(&all_repositories(), values![&owner, kind, &name], |row| Ok(each(repository_row(row)?)))
    }

    /// The repositories of an owner, given by its row, by kind and name. Begins behind the path `after`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repositories_of(
        &self,
        owner: i64,
        after: Option<&RepoPath>,
        each: Each<'_, RepositoryRow>,
    ) -> Result<(), Error> {
        let (kind, name) = position(after);
        let query = format!(
            "{COLUMNS} WHERE r.owner_id = ?1 AND r.folded IS NOT NULL AND (r.kind, r.folded) > (?2, ?3)
             ORDER BY r.kind, r.folded"
        );
        self.connection.each(&query, values![owner, kind, &name], |row| Ok(each(repository_row(row)?)))
    }

    /// At most so many repositories, in the order of their rows, beginning behind a row: those of an owner, given by
    /// its row, or all. Removed repositories are included.
    ///
    /// # Errors
    /// [`Error`].
    pub fn stored_repositories(
        &self,
        owner: Option<i64>,
        after: i64,
        most: usize,
    ) -> Result<Vec<RepositoryRow>, Error> {
        let (first, last) = owner.map_or((i64::MIN, i64::MAX), |id| (id, id));
        let query = format!("{COLUMNS} WHERE r.id > ?1 AND r.owner_id BETWEEN ?2 AND ?3 ORDER BY r.id");
        let mut rows = Vec::new();
        self.connection.each(&query, values![after, first, last], |row| {
            rows.push(repository_row(row)?);
            Ok(if rows.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(rows)
    }

    /// The number of repositories.
    ///
    /// # Errors
    /// [`Error`].
    pub fn number_of_repositories(&self) -> Result<u64, Error> {
        let query = "SELECT count(*) AS number FROM repository WHERE folded IS NOT NULL";
        Ok(u64::try_from(self.connection.number(query, &[])?).unwrap_or_default())
    }

    /// The repository with this directory, and the time of its removal if it was removed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repository_in(&self, directory: &Directory) -> Result<Option<(RepositoryRow, Option<i64>)>, Error> {
        let query = format!("{COLUMNS} WHERE r.directory = ?1");
        self.connection.first(&query, values![directory.id()], |row| Ok((repository_row(row)?, row.get("removed_at")?)))
    }

    /// The directories of all repositories, removed repositories included.
    ///
    /// # Errors
    /// [`Error`].
    pub fn directories(&self, each: Each<'_, Directory>) -> Result<(), Error> {
        self.connection.each("SELECT directory FROM repository", &[], |row| Ok(each(row.word("directory")?)))
    }
}

impl Store {
    /// Does work on every repository, by path. The work may take long: the rows are read in pages, each from the state
    /// that the database then has.
    ///
    /// # Errors
    /// The errors of the work, or of the database.
    pub fn each_repository<E: From<Error>>(
        &self,
        mut work: impl FnMut(RepositoryRow) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut last: Option<RepoPath> = None;
        loop {
            let mut page = Vec::new();
            self.view().repositories(last.as_ref(), &mut |row| {
                page.push(row);
                if page.len() < PAGE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            let is_last = page.len() < PAGE;
            last = page.last().map(|row| row.path.clone());
            page.into_iter().try_for_each(&mut work)?;
            if is_last {
                return Ok(());
            }
        }
    }
}

impl Change<'_> {
    /// Adds a repository whose directory exists. From then on it is served.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the path is in use.
    pub fn add_repository(&self, new: &NewRepository) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&new.path.owner)?;
        if owner.kind == OwnerKind::User && !owner.may_create {
            return Err(ChangeError::Conflict(format!("the account {} may not create repositories", owner.name)));
        }
        self.enter_repository("repo.create", new, None)
    }

    /// Adds a repository that was created elsewhere, whether its owner may create repositories or not. The audit row
    /// has the given event and the source.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the path is in use.
    pub fn enter_repository(
        &self,
        event: &str,
        new: &NewRepository,
        source: Option<&str>,
    ) -> Result<RepositoryRow, ChangeError> {
        let owner = self.owner(&new.path.owner)?;
        let creator = new.created_by.as_ref().map(|user| self.user(user)).transpose()?;
        let (visibility, internal) = columns(new.visibility);
        let done = self.connection.execute(
            "INSERT INTO repository (owner_id, kind, name, folded, directory, visibility, internal, object_format,
                                     description, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            values![
                owner.id,
                new.path.kind.as_str(),
                new.path.name.as_str(),
                &new.path.name.folded(),
                new.directory.id(),
                visibility,
                internal,
                new.object_format.as_str(),
                &new.description,
                self.now,
                creator.as_ref().map(|user| user.id)
            ],
        );
        conflict_if_in_use(done, &new.path)?;
        self.remove_redirect(owner.id, &new.path)?;
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

    /// Removes the redirect from an old path, because the path is in use again.
    pub(super) fn remove_redirect(&self, owner: i64, path: &RepoPath) -> Result<(), ChangeError> {
        let query = "DELETE FROM former_path WHERE owner_id = ?1 AND kind = ?2 AND folded = ?3";
        self.connection.execute(query, values![owner, path.kind.as_str(), &path.name.folded()])?;
        Ok(())
    }

    /// Changes the name or the owner of a repository, or both. The old path leads to the repository until it is in use
    /// again. A new owner gets it without the roles of teams. Returns these teams, as `@ORG/TEAM`.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the path is in use.
    pub fn rename_repository(&self, old: &RepoPath, new: &RepoPath) -> Result<Vec<String>, ChangeError> {
        let repository = self.repository(old)?;
        if old.kind != new.kind {
            return Err(ChangeError::Conflict(format!("{old} is a {}: it cannot become a {}", old.kind, new.kind)));
        }
        let owner = self.owner(&new.owner)?;
        let query = "UPDATE repository SET owner_id = ?2, name = ?3, folded = ?4 WHERE id = ?1";
        let folded = new.name.folded();
        let values = values![repository.id, owner.id, new.name.as_str(), &folded];
        conflict_if_in_use(self.connection.execute(query, values), new)?;
        self.remove_redirect(owner.id, new)?;
        let before = self.owner(&repository.path.owner)?;
        if (before.id, repository.path.name.folded()) != (owner.id, new.name.folded()) {
            self.connection.execute(
                "INSERT INTO former_path (owner_id, kind, folded, repository_id, since) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (owner_id, kind, folded) DO UPDATE SET repository_id = excluded.repository_id,
                     since = excluded.since",
                values![before.id, old.kind.as_str(), &repository.path.name.folded(), repository.id, self.now],
            )?;
        }
        let mut detail = json!({ "before": repository.path.to_string(), "path": new.to_string() });
        let teams = if before.id == owner.id { Vec::new() } else { self.leave_organization(repository.id)? };
        if let Some(fields) = detail.as_object_mut().filter(|_| !teams.is_empty()) {
            fields.insert("teams".to_owned(), teams.clone().into());
        }
        self.audit("repo.move", &repository.path.to_string(), &detail)?;
        Ok(teams)
    }

    /// Sets who may see a repository.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_visibility(&self, path: &RepoPath, visibility: Visibility) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET visibility = ?2, internal = ?3 WHERE id = ?1";
        let (column, internal) = columns(visibility);
        self.connection.execute(query, values![repository.id, column, internal])?;
        let detail = json!({ "before": repository.visibility.as_str(), "visibility": visibility.as_str() });
        self.audit("repo.update_settings", &repository.path.to_string(), &detail)
    }

    /// Sets the description of a repository. An empty text removes it.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_description(&self, path: &RepoPath, description: &str) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET description = ?2 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, description])?;
        let detail = json!({ "before": { "description": repository.description }, "description": description });
        self.audit("repo.update_settings", &repository.path.to_string(), &detail)
    }

    /// Notes that a branch is chosen as the default branch. Names are without `refs/heads/`.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_default_branch(&self, path: &RepoPath, before: Option<&str>, branch: &str) -> Result<(), ChangeError> {
        self.audit("repo.set_default_branch", &path.to_string(), &json!({ "before": before, "branch": branch }))
    }

    /// Rejects pushes, for a reason that the client reads; `None` accepts them again.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_frozen(&self, path: &RepoPath, reason: Option<&str>) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET frozen = ?2 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, reason])?;
        let event = if reason.is_some() { "repo.freeze" } else { "repo.unfreeze" };
        self.audit(event, &repository.path.to_string(), &json!({ "before": repository.frozen, "reason": reason }))
    }

    /// Removes a repository. Its row and its directory stay, and its path is free.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn remove_repository(&self, path: &RepoPath) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "UPDATE repository SET folded = NULL, removed_at = ?2 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, self.now])?;
        let detail = json!({ "directory": repository.directory.id() });
        self.audit("repo.delete", &repository.path.to_string(), &detail)
    }
}

/// The statement of [`View::repositories`].
pub(super) fn all_repositories() -> String {
    format!(
        "{COLUMNS} WHERE r.folded IS NOT NULL AND o.folded >= ?1 AND (o.folded > ?1 OR (r.kind, r.folded) > (?2, ?3))
         ORDER BY o.folded, r.kind, r.folded"
    )
}

/// A path as the position in a list of one owner: kind and name.
pub(super) fn position(after: Option<&RepoPath>) -> (&'static str, String) {
    after.map_or_else(Default::default, |path| (path.kind.as_str(), path.name.folded()))
}

/// Returns an error if a path is in use.
pub(super) fn conflict_if_in_use(done: Result<usize, Error>, path: &RepoPath) -> Result<(), ChangeError> {
    match done {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Constraint => {
            Err(ChangeError::Conflict(format!("there is already a {} {path}", path.kind)))
        }
        Err(error) => Err(error.into()),
    }
}
