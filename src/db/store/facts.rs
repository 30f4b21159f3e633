//! What an account may do with an owner or a repository, for the commands that list and change.

use super::ChangeError;
use super::account::OwnerRow;
use super::repository::{RepositoryRow, repository_row};
use crate::access::{OwnerFacts, RepositoryFacts};
use crate::db::engine::values;
use crate::db::session::{grant, repository_facts};
use crate::db::{Error, View};
use crate::name::Owner;

impl View<'_> {
    /// The name of an owner, given by its row. A removed owner keeps its last name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owner_name(&self, id: i64) -> Result<Option<Owner>, Error> {
        self.connection.first("SELECT name FROM owner WHERE id = ?1", values![id], |row| row.word("name"))
    }

    /// An owner, and the role that an account, given by its row, has there.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner_facts(&self, name: &Owner, account: i64) -> Result<(OwnerRow, OwnerFacts), ChangeError> {
        let owner = self.owner(name)?;
        let query = "SELECT role, until FROM member WHERE organization_id = ?1 AND user_id = ?2";
        let role = self.connection.first(query, values![owner.id, account], |row| grant(row, "role", "until"))?;
        let facts = OwnerFacts { id: owner.id, may_create: owner.may_create, role: role.flatten() };
        Ok((owner, facts))
    }

    /// The repositories of an owner that are public, or on which the account or the deploy key has a right. Each comes
    /// with the facts that decide about access. Owner, account and deployed repository are given by their rows.
    ///
    /// Rows that a session cannot see are not read, so the answer takes neither their time nor their memory.
    ///
    /// # Errors
    /// [`Error`].
    pub fn visible_repositories(
        &self,
        owner: i64,
        account: Option<i64>,
        deployed: Option<i64>,
    ) -> Result<Vec<(RepositoryRow, RepositoryFacts)>, Error> {
        let query = "
            SELECT r.id, o.name AS owner, r.kind, r.name, r.directory, r.visibility, r.gate, r.gate_members,
                   r.object_format, r.description, r.frozen, r.created_at,
                   r.owner_id, r.created_by,
                   m.role, m.until AS role_until, c.role AS collaborator, c.until AS collaborator_until,
                   g.state AS gate_state, g.until AS gate_until
            FROM repository r JOIN owner o ON o.id = r.owner_id
            LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = ?2
            LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = ?2
            LEFT JOIN gate_request g ON g.repository_id = r.id AND g.user_id = ?2
            WHERE r.owner_id = ?1 AND r.folded IS NOT NULL
              AND (r.visibility = 'public' OR r.owner_id = ?2 OR r.id = ?3 OR m.role IS NOT NULL OR c.role IS NOT NULL)
            ORDER BY r.kind, r.folded";
        self.connection.query(query, values![owner, account, deployed], |row| {
            let repository = repository_row(row)?;
            let facts = repository_facts(row, repository.id, account)?;
            Ok((repository, facts))
        })
    }
}
