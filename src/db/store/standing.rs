//! What an account may do where, for the commands that list and change.

use rusqlite::params;
use serde_json::json;

use super::account::OwnerRow;
use super::repository::{RepositoryRow, repository_row};
use super::{Change, ChangeError};
use crate::access::{OwnerFacts, RepositoryFacts};
use crate::db::session::{grant, repository_facts};
use crate::db::{Error, View, word};
use crate::name::{Owner, RepoPath};
use crate::repository::Directory;

/// The quotas of a repository and its owner in bytes, where they have their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// The repository's; 0 is none.
    pub repository: Option<u64>,
    /// The owner's.
    pub owner: Option<u64>,
}

impl View<'_> {
    /// The quotas that are set for a repository and for its owner, given by their rows.
    ///
    /// # Errors
    /// [`Error`].
    pub fn quotas(&self, repository: i64, owner: i64) -> Result<Quotas, Error> {
        let query = "SELECT (SELECT quota FROM repository WHERE id = ?1), (SELECT quota FROM owner WHERE id = ?2)";
        let pair = self.connection.query_row(query, params![repository, owner], |row| Ok((row.get(0)?, row.get(1)?)));
        let (repository, owner): (Option<i64>, Option<i64>) = pair?;
        let bytes = |quota: Option<i64>| quota.map(|bytes| u64::try_from(bytes).unwrap_or_default());
        Ok(Quotas { repository: bytes(repository), owner: bytes(owner) })
    }

    /// What an owner is called, given by its row; one that was removed keeps its last name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owner_name(&self, id: i64) -> Result<Option<Owner>, Error> {
        let mut statement = self.connection.prepare("SELECT name FROM owner WHERE id = ?1")?;
        let mut rows = statement.query(params![id])?;
        rows.next()?.map(|row| word(row, "name")).transpose()
    }

    /// Where the repositories of an owner lie.
    ///
    /// # Errors
    /// [`Error`].
    pub fn directories_of(&self, owner: i64) -> Result<Vec<Directory>, Error> {
        let mut statement = self.connection.prepare("SELECT directory FROM repository WHERE owner_id = ?1")?;
        let rows = statement.query_and_then(params![owner], |row| word(row, "directory"))?;
        rows.collect()
    }
}

impl View<'_> {
    /// The quota that a repository has of its own.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repository_quota(&self, row: &RepositoryRow) -> Result<Option<u64>, Error> {
        self.quota("SELECT quota FROM repository WHERE id = ?1", row.id)
    }

    /// The quota that an owner has of its own.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owner_quota(&self, row: &OwnerRow) -> Result<Option<u64>, Error> {
        self.quota("SELECT quota FROM owner WHERE id = ?1", row.id)
    }

    fn quota(&self, query: &str, id: i64) -> Result<Option<u64>, Error> {
        let quota: Option<i64> = self.connection.query_row(query, params![id], |row| row.get(0))?;
        Ok(quota.map(|bytes| u64::try_from(bytes).unwrap_or_default()))
    }

    /// An owner, and the standing there of the account with that row.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner_facts(&self, name: &Owner, account: i64) -> Result<(OwnerRow, OwnerFacts), ChangeError> {
        let owner = self.owner(name)?;
        let query = "SELECT role, until FROM member WHERE organization_id = ?1 AND user_id = ?2";
        let mut statement = self.connection.prepare(query)?;
        let mut rows = statement.query_and_then(params![owner.id, account], |row| grant(row, "role", "until"))?;
        let role = rows.next().transpose()?.flatten();
        let facts = OwnerFacts { id: owner.id, may_create: owner.may_create, role };
        Ok((owner, facts))
    }

    /// Every repository of an owner, with the standing of the account with that row.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repositories_with_facts(
        &self,
        owner: i64,
        account: Option<i64>,
    ) -> Result<Vec<(RepositoryRow, RepositoryFacts)>, Error> {
        let query = "
            SELECT r.id, o.name AS owner, r.kind, r.name, r.directory, r.visibility, r.gate, r.gate_members,
                   r.object_format, r.description, r.frozen, r.created_at,
                   r.owner_id, r.created_by = ?2 AS created_by_account,
                   m.role, m.until AS role_until, c.role AS collaborator, c.until AS collaborator_until,
                   g.state AS gate_state, g.until AS gate_until
            FROM repository r JOIN owner o ON o.id = r.owner_id
            LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = ?2
            LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = ?2
            LEFT JOIN gate_request g ON g.repository_id = r.id AND g.user_id = ?2
            WHERE r.owner_id = ?1 AND r.folded IS NOT NULL ORDER BY r.kind, r.folded";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_and_then(params![owner, account], |row| {
            let repository = repository_row(row)?;
            let facts = repository_facts(row, repository.id)?;
            Ok((repository, facts))
        })?;
        rows.collect()
    }
}

impl Change<'_> {
    /// Says how many bytes of large files a repository may store; `None` is what the configuration says.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_repository_quota(&self, path: &RepoPath, quota: Option<u64>) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let before = self.quota_before("SELECT quota FROM repository WHERE id = ?1", repository.id)?;
        let query = "UPDATE repository SET quota = ?2 WHERE id = ?1";
        self.connection.execute(query, params![repository.id, stored(quota)])?;
        self.audit("repo.set_quota", &repository.path.to_string(), &json!({ "quota": quota, "before": before }))
    }

    /// The same for all repositories of an owner together.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_owner_quota(&self, owner: &Owner, quota: Option<u64>) -> Result<(), ChangeError> {
        let owner = self.owner(owner)?;
        let before = self.quota_before("SELECT quota FROM owner WHERE id = ?1", owner.id)?;
        let query = "UPDATE owner SET quota = ?2 WHERE id = ?1";
        self.connection.execute(query, params![owner.id, stored(quota)])?;
        self.audit("owner.set_quota", owner.name.as_str(), &json!({ "quota": quota, "before": before }))
    }

    fn quota_before(&self, query: &str, row: i64) -> Result<Option<i64>, ChangeError> {
        Ok(self.connection.query_row(query, params![row], |row| row.get(0))?)
    }
}

/// A quota as the column has it.
fn stored(quota: Option<u64>) -> Option<i64> {
    quota.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
}
