//! Quotas of repositories and owners.

use serde_json::json;

use super::account::OwnerRow;
use super::repository::RepositoryRow;
use super::{Change, ChangeError};
use crate::db::engine::values;
use crate::db::session::quota;
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};
use crate::quota::Quota;

impl View<'_> {
    /// The quota of a repository. `None` means that the configured limit applies.
    ///
    /// # Errors
    /// [`Error`].
    pub fn repository_quota(&self, row: &RepositoryRow) -> Result<Option<Quota>, Error> {
        self.quota("SELECT quota FROM repository WHERE id = ?1", row.id)
    }

    /// The quota of an owner. `None` means that the configured limit applies.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owner_quota(&self, row: &OwnerRow) -> Result<Option<Quota>, Error> {
        self.quota("SELECT quota FROM owner WHERE id = ?1", row.id)
    }

    fn quota(&self, query: &str, id: i64) -> Result<Option<Quota>, Error> {
        Ok(self.connection.first(query, values![id], |row| quota(row, "quota"))?.flatten())
    }
}

impl Change<'_> {
    /// Sets the quota of a repository. `None` means that the configured limit applies.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_repository_quota(&self, path: &RepoPath, quota: Option<Quota>) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let query = "SELECT quota FROM repository WHERE id = ?1";
        let before: Option<Option<i64>> =
            self.connection.first(query, values![repository.id], |row| row.get("quota"))?;
        let quota = quota.map(Quota::number);
        let query = "UPDATE repository SET quota = ?2 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, quota])?;
        let detail = json!({ "quota": quota, "before": before.flatten() });
        self.audit("repo.set_quota", &repository.path.to_string(), &detail)
    }

    /// Sets the quota for all repositories of an owner together.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_owner_quota(&self, owner: &Owner, quota: Option<Quota>) -> Result<(), ChangeError> {
        let owner = self.owner(owner)?;
        let query = "SELECT quota FROM owner WHERE id = ?1";
        let before: Option<Option<i64>> = self.connection.first(query, values![owner.id], |row| row.get("quota"))?;
        let quota = quota.map(Quota::number);
        let query = "UPDATE owner SET quota = ?2 WHERE id = ?1";
        self.connection.execute(query, values![owner.id, quota])?;
        let detail = json!({ "quota": quota, "before": before.flatten() });
        self.audit("owner.set_quota", owner.name.as_str(), &detail)
    }
}
