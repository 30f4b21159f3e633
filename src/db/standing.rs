//! What an account may do where, for the commands that list and change.

use rusqlite::params;

use super::Error;
use super::account::OwnerRow;
use super::repository::{RepositoryRow, repository_row};
use super::session::{grant, repository_facts};
use super::store::{ChangeError, Store};
use crate::access::{OwnerFacts, RepositoryFacts};
use crate::clock::now;
use crate::name::Owner;

impl Store {
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
                   CASE WHEN g.until <= ?3 THEN 'none' ELSE g.state END AS gate_state
            FROM repository r JOIN owner o ON o.id = r.owner_id
            LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = ?2
            LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = ?2
            LEFT JOIN gate_request g ON g.repository_id = r.id AND g.user_id = ?2
            WHERE r.owner_id = ?1 AND r.folded IS NOT NULL ORDER BY r.kind, r.folded";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_and_then(params![owner, account, now()], |row| {
            let repository = repository_row(row)?;
            let facts = repository_facts(row, repository.id)?;
            Ok((repository, facts))
        })?;
        rows.collect()
    }
}
