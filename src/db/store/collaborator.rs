//! Collaborators: users and teams with a role on one repository.

use serde_json::json;

use super::list::{Each, GrantPosition, Period};
use super::repository::RepositoryRow;
use super::team::grantee;
use super::{Change, ChangeError};
use crate::access::CollaboratorRole;
use crate::db::engine::{Value, values};
use crate::db::{Error, View};
use crate::name::{Grantee, Owner, RepoPath};

/// A grant of one user or team on a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaborator {
    /// The user or the team.
    pub user: Grantee,
    /// The role.
    pub role: CollaboratorRole,
    /// The first second in which the grant no longer applies.
    pub until: Option<i64>,
}

/// A grant of one user or team on a repository, with the path of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collaboration {
    /// The repository.
    pub path: RepoPath,
    /// The user or the team.
    pub user: Grantee,
    /// The role.
    pub role: CollaboratorRole,
    /// The first second in which the grant no longer applies.
    pub until: Option<i64>,
}

/// The grant of a user or a team on a repository.
const COLLABORATION: &str = "SELECT role, until FROM collaborator WHERE repository_id = ?1 AND user_id = ?2";

impl View<'_> {
    /// The grants on a repository, the teams' first, by name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn collaborators(&self, repository: &RepositoryRow) -> Result<Vec<Collaborator>, Error> {
        let query = "SELECT u.name AS user, t.name AS organization, c.role, c.until FROM collaborator c
                     JOIN owner u ON u.id = c.user_id LEFT JOIN owner t ON t.id = u.team_of
                     WHERE c.repository_id = ?1 ORDER BY u.team_of IS NULL, u.folded";
        self.connection.query(query, values![repository.id], |row| {
            Ok(Collaborator { user: grantee(row)?, role: row.word("role")?, until: row.get("until")? })
        })
    }

    /// The grants on a repository, given by its row, the teams' first, by name. Begins behind `after`. With a period,
    /// only grants that end in it. `with_teams` says whether the reader may know of teams.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if the team `after` does not exist, or the database's.
    pub fn collaborations_of(
        &self,
        repository: i64,
        with_teams: bool,
        after: Option<&Grantee>,
        ending: Option<Period>,
        each: Each<'_, Collaboration>,
    ) -> Result<(), ChangeError> {
        let (is_user, after) = match after {
            None => (false, String::new()),
            Some(Grantee::User(user)) => (true, user.folded()),
            Some(Grantee::Team(team)) => (false, self.team(team)?.folded()),
        };
        // A team's `folded` begins with a digit, as a user's may: what has no team comes last.
        let teams = if with_teams { "" } else { "AND u.team_of IS NULL" };
        let users = if is_user {
            "AND u.team_of IS NULL AND u.folded > ?2"
        } else {
            "AND (u.team_of IS NULL OR u.folded > ?2)"
        };
        let filter = format!("c.repository_id = ?1 {users} {teams}");
        let order = "u.team_of IS NULL, u.folded";
        Ok(self.collaborations_by(&filter, order, Value::Integer(repository), Value::Text(&after), ending, each)?)
    }

    /// The grants on all repositories, by the rows of repository and of user or team. Begins behind these two.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if one of them does not exist, or the database's.
    pub fn collaborations(
        &self,
        after: Option<&GrantPosition<RepoPath, Grantee>>,
        ending: Option<Period>,
        each: Each<'_, Collaboration>,
    ) -> Result<(), ChangeError> {
        let (repository, user) = match after {
            Some(GrantPosition { object, user }) => (
                self.repository(object)?.id,
                match user {
                    Grantee::User(user) => self.owner(user)?.id,
                    Grantee::Team(team) => self.team(team)?.id,
                },
            ),
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
            "SELECT o.name AS owner, r.kind, r.name, u.name AS user, t.name AS organization, c.role, c.until
             FROM collaborator c JOIN repository r ON r.id = c.repository_id JOIN owner o ON o.id = r.owner_id
             JOIN owner u ON u.id = c.user_id LEFT JOIN owner t ON t.id = u.team_of WHERE {filter} {} ORDER BY {order}",
            if ending.is_some() { "AND c.until > ?3 AND c.until <= ?4" } else { "" }
        );
        let Period { after, until } = ending.unwrap_or_default();
        let values = values![first, second, after, until];
        let values = if ending.is_some() { values } else { values.get(..2).unwrap_or_default() };
        self.connection.each(&query, values, |row| {
            Ok(each(Collaboration {
                path: RepoPath { kind: row.word("kind")?, owner: row.word("owner")?, name: row.word("name")? },
                user: grantee(row)?,
                role: row.word("role")?,
                until: row.get("until")?,
            }))
        })
    }
}

impl Change<'_> {
    /// Grants a user or a team a role on a repository. It replaces the previous grant.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] for a team of another organization than the owning one.
    pub fn set_collaborator(
        &self,
        path: &RepoPath,
        user: &Grantee,
        role: CollaboratorRole,
        until: Option<i64>,
    ) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        check_team_of(&repository.path, user)?;
        let (id, user) = self.grantee_row(user)?;
        let before = self.grant_before(COLLABORATION, repository.id, id)?;
        self.connection.execute(
            "INSERT INTO collaborator (repository_id, user_id, role, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (repository_id, user_id) DO UPDATE SET role = excluded.role, until = excluded.until",
            values![repository.id, id, role.as_str(), until],
        )?;
        let detail = json!({ "user": user.to_string(), "role": role.as_str(), "until": until, "before": before });
        self.audit("repo.set_collaborator", &repository.path.to_string(), &detail)
    }

    /// The role of a user or a team on a repository, given by its row, unless the grant has ended.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn collaborator_role(&self, repository: i64, user: &Grantee) -> Result<Option<CollaboratorRole>, ChangeError> {
        let (user, _) = self.grantee_row(user)?;
        let query = "SELECT role FROM collaborator WHERE repository_id = ?1 AND user_id = ?2
                     AND (until IS NULL OR until > ?3)";
        Ok(self.connection.first(query, values![repository, user, self.now], |row| row.word("role"))?)
    }

    /// On how many repositories of an owner a user has a role of their own that has not ended.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn own_roles(&self, owner: &Owner, user: &Owner) -> Result<i64, ChangeError> {
        let (owner, user) = (self.owner(owner)?.id, self.user(user)?.id);
        let query = "SELECT count(*) AS number FROM collaborator c JOIN repository r ON r.id = c.repository_id
                     WHERE c.user_id = ?2 AND r.owner_id = ?1 AND r.folded IS NOT NULL
                     AND (c.until IS NULL OR c.until > ?3)";
        Ok(self.connection.number(query, values![owner, user, self.now])?)
    }

    /// The row of a user or a team, with the present names.
    fn grantee_row(&self, grantee: &Grantee) -> Result<(i64, Grantee), ChangeError> {
        Ok(match grantee {
            Grantee::User(user) => {
                let row = self.user(user)?;
                (row.id, Grantee::User(row.name))
            }
            Grantee::Team(team) => {
                let row = self.team(team)?;
                (row.id, Grantee::Team(row.path))
            }
        })
    }

    /// Removes the grant of a user or a team on a repository.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if there is no grant.
    pub fn remove_collaborator(&self, path: &RepoPath, user: &Grantee) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let (id, user) = self.grantee_row(user)?;
        let before = self.grant_before(COLLABORATION, repository.id, id)?;
        let query = "DELETE FROM collaborator WHERE repository_id = ?1 AND user_id = ?2";
        if self.connection.execute(query, values![repository.id, id])? == 0 {
            return Err(ChangeError::NotFound(format!("collaborator {user} on {}", repository.path)));
        }
        let detail = json!({ "user": user.to_string(), "before": before });
        self.audit("repo.remove_collaborator", &repository.path.to_string(), &detail)
    }
}

/// Rejects a team of another organization than the one that owns a repository.
///
/// # Errors
/// [`ChangeError::Conflict`]
pub fn check_team_of(path: &RepoPath, user: &Grantee) -> Result<(), ChangeError> {
    match user.team() {
        Some(team) if team.organization.folded() != path.owner.folded() => {
            let only = format!("only teams of the organization that owns {path} can have a role there");
            Err(ChangeError::Conflict(only))
        }
        Some(_) | None => Ok(()),
    }
}
