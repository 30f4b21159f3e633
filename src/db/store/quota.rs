//! Quotas for LFS objects.

use serde_json::json;

use super::account::OwnerRow;
use super::repository::RepositoryRow;
use super::{Change, ChangeError};
use crate::db::engine::values;
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};

/// The quotas of a repository and its owner, in bytes. `None` means that the configured limit applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// The quota of the repository; 0 sets no limit.
    pub repository: Option<u64>,
    /// The quota of the owner; 0 sets no limit.
    pub owner: Option<u64>,
}

impl View<'_> {
    /// The quotas that are set for a repository and for its owner, given by their rows.
    ///
    /// # Errors
    /// [`Error`].
    pub fn quotas(&self, repository: i64, owner: i64) -> Result<Quotas, Error> {
        let repository = self.quota("SELECT quota FROM repository WHERE id = ?1", repository)?;
        Ok(Quotas { repository, owner: self.quota("SELECT quota FROM owner WHERE id = ?1", owner)? })
    }

    /// The quota of a repository. `None` means that the configured limit applies.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repository_quota(&self, row: &RepositoryRow) -> Result<Option<u64>, Error> {
        self.quota("SELECT quota FROM repository WHERE id = ?1", row.id)
    }

    /// The quota of an owner. `None` means that the configured limit applies.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owner_quota(&self, row: &OwnerRow) -> Result<Option<u64>, Error> {
        self.quota("SELECT quota FROM owner WHERE id = ?1", row.id)
    }

    fn quota(&self, query: &str, id: i64) -> Result<Option<u64>, Error> {
        let quota: Option<Option<i64>> = self.connection.first(query, values![id], |row| row.get("quota"))?;
        Ok(quota.flatten().map(|bytes| u64::try_from(bytes).unwrap_or_default()))
    }
}

impl Change<'_> {
    /// Sets the quota for LFS objects of a repository, in bytes. `None` means that the configured limit applies.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_repository_quota(&self, path: &RepoPath, quota: Option<u64>) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let before = self.repository_quota(&repository)?;
        let query = "UPDATE repository SET quota = ?2 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, stored(quota)])?;
        self.audit("repo.set_quota", &repository.path.to_string(), &json!({ "quota": quota, "before": before }))
    }

    /// Sets the quota for all repositories of an owner together.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_owner_quota(&self, owner: &Owner, quota: Option<u64>) -> Result<(), ChangeError> {
        let owner = self.owner(owner)?;
        let before = self.owner_quota(&owner)?;
        let query = "UPDATE owner SET quota = ?2 WHERE id = ?1";
        self.connection.execute(query, values![owner.id, stored(quota)])?;
        self.audit("owner.set_quota", owner.name.as_str(), &json!({ "quota": quota, "before": before }))
    }
}

/// The quota as a column value.
fn stored(quota: Option<u64>) -> Option<i64> {
    quota.map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
}
