//! Collaborators: users with a role on one repository.

use serde_json::json;

use super::account::OwnerKind;
use super::list::{Each, GrantPosition, Period};
use super::repository::RepositoryRow;
use super::{Change, ChangeError};
use crate::access::CollaboratorRole;
use crate::db::engine::{Value, values};
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};

/// A grant of one user on a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaborator {
    /// The user.
    pub user: Owner,
    /// The role.
    pub role: CollaboratorRole,
    /// The first second in which the grant no longer applies.
    pub until: Option<i64>,
}

/// A grant of one user on a repository, with the path of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaboration {
    /// The repository.
    pub path: RepoPath,
    /// The user.
    pub user: Owner,
    /// The role.
    pub role: CollaboratorRole,
    /// The first second in which the grant no longer applies.
    pub until: Option<i64>,
}

/// The grant of a user on a repository.
const COLLABORATION: &str = "SELECT role, until FROM collaborator WHERE repository_id = ?1 AND user_id = ?2";

impl View<'_> {
    /// The grants on a repository, by the name of the user.
    ///
    /// # Errors
    /// [`Error`].
    pub fn collaborators(&self, repository: &RepositoryRow) -> Result<Vec<Collaborator>, Error> {
        let query = "SELECT o.name, c.role, c.until FROM collaborator c JOIN owner o ON o.id = c.user_id
                     WHERE c.repository_id = ?1 ORDER BY o.folded";
        self.connection.query(query, values![repository.id], |row| {
            Ok(Collaborator { user: row.word("name")?, role: row.word("role")?, until: row.get("until")? })
        })
    }

    /// The grants on a repository, given by its row, by user. Begins behind the user `after`. With a period, only
    /// grants that end in it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn collaborations_of(
        &self,
        repository: i64,
        after: Option<&Owner>,
        ending: Option<Period>,
        each: Each<'_, Collaboration>,
    ) -> Result<(), Error> {
        let after = after.map(Owner::folded).unwrap_or_default();
        let filter = "c.repository_id = ?1 AND u.folded > ?2";
        self.collaborations_by(filter, "u.folded", Value::Integer(repository), Value::Text(&after), ending, each)
    }

    /// The grants on all repositories, by the rows of repository and user. Begins behind this repository and user.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if one of them does not exist, or the database's.
    pub fn collaborations(
        &self,
        after: Option<&GrantPosition<RepoPath>>,
        ending: Option<Period>,
        each: Each<'_, Collaboration>,
    ) -> Result<(), ChangeError> {
        let (repository, user) = match after {
            Some(GrantPosition { object, user }) => (self.repository(object)?.id, self.owner(user)?.id),
            None => (i64::MIN, i64::MIN),
        };
        let filter = "(c.repository_id, c.user_id) > (?1, ?2) AND r.folded IS NOT NULL";
        let order = "c.repository_id, c.user_id";
        Ok(self.collaborations_by(filter, order, Value::Integer(repository), Value::Integer(user), ending, each)?)
    }

    fn collaborations_by(
        &self,
        filter: &str,
        order: &str,
        first: Value<'_>,
        second: Value<'_>,
        ending: Option<Period>,
        each: Each<'_, Collaboration>,
    ) -> Result<(), Error> {
        let query = format!(
            "SELECT o.name AS owner, r.kind, r.name, u.name AS user, c.role, c.until FROM collaborator c
             JOIN repository r ON r.id = c.repository_id JOIN owner o ON o.id = r.owner_id
             JOIN owner u ON u.id = c.user_id WHERE {filter} {} ORDER BY {order}",
            if ending.is_some() { "AND c.until > ?3 AND c.until <= ?4" } else { "" }
        );
        let Period { after, until } = ending.unwrap_or_default();
        let values = values![first, second, after, until];
        let values = if ending.is_some() { values } else { values.get(..2).unwrap_or_default() };
        self.connection.each(&query, values, |row| {
            Ok(each(Collaboration {
                path: RepoPath { kind: row.word("kind")?, owner: row.word("owner")?, name: row.word("name")? },
                user: row.word("user")?,
                role: row.word("role")?,
                until: row.get("until")?,
            }))
        })
    }
}

impl Change<'_> {
    /// Grants a user a role on a repository. It replaces the previous grant.
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
        let user = self.owner_of(OwnerKind::User, user)?;
        let before = self.grant_before(COLLABORATION, repository.id, user.id)?;
        self.connection.execute(
            "INSERT INTO collaborator (repository_id, user_id, role, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (repository_id, user_id) DO UPDATE SET role = excluded.role, until = excluded.until",
            values![repository.id, user.id, role.as_str(), until],
        )?;
        let detail = json!({ "user": user.name.as_str(), "role": role.as_str(), "until": until, "before": before });
        self.audit("repo.set_collaborator", &repository.path.to_string(), &detail)
    }

    /// The role of a user on a repository, given by its row, unless the grant has ended.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn collaborator_role(&self, repository: i64, user: &Owner) -> Result<Option<CollaboratorRole>, ChangeError> {
        let user = self.owner_of(OwnerKind::User, user)?;
        let query = "SELECT role FROM collaborator WHERE repository_id = ?1 AND user_id = ?2
                     AND (until IS NULL OR until > ?3)";
        Ok(self.connection.first(query, values![repository, user.id, self.now], |row| row.word("role"))?)
    }

    /// Removes the grant of a user on a repository.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if there is no grant.
    pub fn remove_collaborator(&self, path: &RepoPath, user: &Owner) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let user = self.owner_of(OwnerKind::User, user)?;
        let before = self.grant_before(COLLABORATION, repository.id, user.id)?;
        let query = "DELETE FROM collaborator WHERE repository_id = ?1 AND user_id = ?2";
        if self.connection.execute(query, values![repository.id, user.id])? == 0 {
            return Err(ChangeError::NotFound(format!("collaborator {} on {}", user.name, repository.path)));
        }
        let detail = json!({ "user": user.name.as_str(), "before": before });
        self.audit("repo.remove_collaborator", &repository.path.to_string(), &detail)
    }
}
