//! Teams of organizations, and their members.
//!
//! A team is a row of `owner` that no name of an account finds. Its members are rows of `member`, and its roles on
//! repositories are rows of `collaborator`.

use serde_json::{Value as Json, json};

use super::account::OwnerKind;
use super::list::{Each, GrantPosition, Period, all};
use super::{Change, ChangeError};
use crate::access::{CollaboratorRole, Role};
use crate::db::engine::{Row, Value, values};
use crate::db::session::TEAMS_SINCE;
use crate::db::{Error, View};
use crate::name::{Grantee, Owner, RepoPath, TeamName, TeamPath};

/// The row of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    /// The row.
    pub id: i64,
    /// The row of its organization.
    pub organization: i64,
    /// The present names.
    pub path: TeamPath,
    /// Seconds UTC since 1970.
    pub created_at: i64,
}

/// A user in a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamMembership {
    /// The team.
    pub team: TeamPath,
    /// The user.
    pub user: Owner,
    /// The first second in which the user no longer belongs to the team.
    pub until: Option<i64>,
}

/// A team's role on one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamGrant {
    /// The team.
    pub team: TeamPath,
    /// The repository.
    pub path: RepoPath,
    /// The role.
    pub role: CollaboratorRole,
    /// The first second in which the role no longer applies.
    pub until: Option<i64>,
}

/// The most teams of an organization. Whether an account is in one of them is asked for each repository of a list, and
/// an account cannot leave the teams of others.
const MOST_TEAMS: i64 = 1_000;

const COLUMNS: &str = "SELECT t.id, t.team_of, o.name AS organization, t.name AS team, t.created_at
    FROM owner t JOIN owner o ON o.id = t.team_of";

fn team_row(row: &Row<'_>) -> Result<TeamRow, Error> {
    Ok(TeamRow {
        id: row.get("id")?,
        organization: row.get("team_of")?,
        path: team_path(row)?,
        created_at: row.get("created_at")?,
    })
}

/// The team in the columns `organization` and `team`.
fn team_path(row: &Row<'_>) -> Result<TeamPath, Error> {
    Ok(TeamPath { organization: row.word("organization")?, name: row.word("team")? })
}

/// The user or the team in the columns `user` and `organization`. The second is NULL for a user.
pub(super) fn grantee(row: &Row<'_>) -> Result<Grantee, Error> {
    Ok(match row.optional_word("organization")? {
        Some(organization) => Grantee::Team(TeamPath { organization, name: row.word("user")? }),
        None => Grantee::User(row.word("user")?),
    })
}

impl TeamRow {
    /// The name by which lists are ordered.
    pub(super) fn folded(&self) -> String {
        folded(self.organization, &self.path.name)
    }
}

/// The `folded` of a team.
fn folded(organization: i64, name: &TeamName) -> String {
    format!("{organization}/{}", name.folded())
}

/// What is before and behind the `folded` of each team of an organization: `0` is the next character after `/`.
fn names_of(organization: i64) -> (String, String) {
    (format!("{organization}/"), format!("{organization}0"))
}

impl View<'_> {
    /// The team of that name, in upper or lower case.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn team(&self, team: &TeamPath) -> Result<TeamRow, ChangeError> {
        let missing = || ChangeError::NotFound(format!("team {team}"));
        let organization = match self.owner_of(OwnerKind::Organization, &team.organization) {
            Err(ChangeError::NotFound(_)) => return Err(missing()),
            found => found?.id,
        };
        let query = format!("{COLUMNS} WHERE t.folded = ?1");
        self.connection.first(&query, values![&folded(organization, &team.name)], team_row)?.ok_or_else(missing)
    }

    /// The teams of an organization, given by its row, by name. Begins behind the name `after`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn teams_of(&self, organization: i64, after: Option<&TeamName>, each: Each<'_, TeamRow>) -> Result<(), Error> {
        let (first, end) = names_of(organization);
        let after = after.map_or(first, |name| folded(organization, name));
        let query = format!("{COLUMNS} WHERE t.folded > ?1 AND t.folded < ?2 ORDER BY t.folded");
        self.connection.each(&query, values![&after, &end], |row| Ok(each(team_row(row)?)))
    }

    /// The members of a team, given by its row, by user. Begins behind the user `after`. With a period, only those who
    /// leave the team in it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn team_members(
        &self,
        team: i64,
        after: Option<&Owner>,
        ending: Option<Period>,
        each: Each<'_, TeamMembership>,
    ) -> Result<(), Error> {
        let after = after.map(Owner::folded).unwrap_or_default();
        let filter = "m.organization_id = ?1 AND u.folded > ?2";
        self.team_members_by(filter, "u.folded", Value::Integer(team), Value::Text(&after), ending, each)
    }

    /// The members of all teams, by the rows of team and user. Begins behind this team and user.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if one of them does not exist, or the database's.
    pub fn members_of_all_teams(
        &self,
        after: Option<&GrantPosition<TeamPath>>,
        ending: Option<Period>,
        each: Each<'_, TeamMembership>,
    ) -> Result<(), ChangeError> {
        let (team, user) = match after {
            Some(GrantPosition { object, user }) => (self.team(object)?.id, self.owner(user)?.id),
            None => (i64::MIN, i64::MIN),
        };
        let (filter, order) = ("(m.organization_id, m.user_id) > (?1, ?2)", "m.organization_id, m.user_id");
        Ok(self.team_members_by(filter, order, Value::Integer(team), Value::Integer(user), ending, each)?)
    }

    /// The teams of a user, given by its row.
    ///
    /// # Errors
    /// [`Error`].
    pub fn teams_of_user(&self, user: i64) -> Result<Vec<TeamMembership>, Error> {
        let (filter, order) = ("m.user_id = ?1 AND m.organization_id > ?2", "o.folded, t.folded");
        all(|each| self.team_members_by(filter, order, Value::Integer(user), Value::Integer(0), None, each))
    }

    fn team_members_by(
        &self,
        filter: &str,
        order: &str,
        first: Value<'_>,
        second: Value<'_>,
        ending: Option<Period>,
        each: Each<'_, TeamMembership>,
    ) -> Result<(), Error> {
        let query = format!(
            "{MEMBERSHIPS} WHERE {filter} {} ORDER BY {order}",
            if ending.is_some() { "AND m.until > ?3 AND m.until <= ?4" } else { "" }
        );
        let Period { after, until } = ending.unwrap_or_default();
        let values = values![first, second, after, until];
        let values = if ending.is_some() { values } else { values.get(..2).unwrap_or_default() };
        self.connection.each(&query, values, |row| Ok(each(membership(row)?)))
    }

    /// The memberships of a team that count at a second, by user: neither they nor the users' roles in the organization
    /// have ended.
    ///
    /// # Errors
    /// [`Error`].
    pub fn live_team_members(&self, team: &TeamRow, now: i64) -> Result<Vec<TeamMembership>, Error> {
        let query = format!(
            "{MEMBERSHIPS} JOIN member n ON n.organization_id = t.team_of AND n.user_id = m.user_id
             WHERE m.organization_id = ?1 AND (m.until IS NULL OR m.until > ?2) AND (n.until IS NULL OR n.until > ?2)
             ORDER BY u.folded"
        );
        self.connection.query(&query, values![team.id, now], membership)
    }

    /// The roles of a team, given by its row, on repositories.
    ///
    /// # Errors
    /// [`Error`].
    pub fn team_grants(&self, team: i64) -> Result<Vec<TeamGrant>, Error> {
        let query = format!("{GRANTS} WHERE c.user_id = ?1 AND r.folded IS NOT NULL ORDER BY r.kind, r.folded");
        self.connection.query(&query, values![team], team_grant)
    }

    /// The roles that an account has by its teams on a repository, both given by their rows, at a second. It must be a
    /// member of the owning organization then.
    ///
    /// # Errors
    /// [`Error`].
    pub fn grants_by_teams(&self, repository: i64, account: i64, now: i64) -> Result<Vec<TeamGrant>, Error> {
        let query = format!(
            "{GRANTS} JOIN member m ON m.organization_id = t.id AND m.user_id = ?2
             JOIN member n ON n.organization_id = t.team_of AND n.user_id = ?2
             WHERE c.repository_id = ?1 AND t.team_of = r.owner_id AND (c.until IS NULL OR c.until > ?3)
                 AND (m.until IS NULL OR m.until > ?3) AND (n.until IS NULL OR n.until > ?3) ORDER BY t.folded"
        );
        let grants = self.connection.query(&query, values![repository, account, now], team_grant);
        Ok(self.unless_older(TEAMS_SINCE, grants)?.unwrap_or_default())
    }
}

/// The refusal for a user who is not a member of the organization of a team.
#[must_use]
pub fn not_a_member(user: &Owner, of: &Owner) -> ChangeError {
    let advice = format!("first give a role with: org member set {of} {user} no_access");
    ChangeError::Conflict(format!("{user} is not a member of {of}: {advice}"))
}

/// The memberships of users in teams.
const MEMBERSHIPS: &str = "SELECT o.name AS organization, t.name AS team, u.name AS user, m.until FROM member m
    JOIN owner t ON t.id = m.organization_id JOIN owner o ON o.id = t.team_of JOIN owner u ON u.id = m.user_id";

fn membership(row: &Row<'_>) -> Result<TeamMembership, Error> {
    Ok(TeamMembership { team: team_path(row)?, user: row.word("user")?, until: row.get("until")? })
}

/// The roles of teams on repositories.
const GRANTS: &str = "SELECT o.name AS organization, t.name AS team, w.name AS owner, r.kind, r.name, c.role, c.until
    FROM collaborator c JOIN owner t ON t.id = c.user_id JOIN owner o ON o.id = t.team_of
    JOIN repository r ON r.id = c.repository_id JOIN owner w ON w.id = r.owner_id";

fn team_grant(row: &Row<'_>) -> Result<TeamGrant, Error> {
    Ok(TeamGrant {
        team: team_path(row)?,
        path: RepoPath { kind: row.word("kind")?, owner: row.word("owner")?, name: row.word("name")? },
        role: row.word("role")?,
        until: row.get("until")?,
    })
}

impl Change<'_> {
    /// Adds a team to an organization. No team of the organization may have its name.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the name is in use, or the organization has 1,000 teams.
    pub fn add_team(&self, team: &TeamPath) -> Result<TeamRow, ChangeError> {
        self.add_team_with(team, json!({}))
    }

    /// Adds a team that comes from a group of another server, whose name the audit row has.
    ///
    /// # Errors
    /// As [`Change::add_team`].
    pub fn import_team(&self, team: &TeamPath, group: &str) -> Result<TeamRow, ChangeError> {
        self.add_team_with(team, json!({ "group": group }))
    }

    fn add_team_with(&self, team: &TeamPath, detail: Json) -> Result<TeamRow, ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, &team.organization)?;
        self.check_free_team(team)?;
        if self.free_teams(organization.id)? <= 0 {
            let problem = format!("{} would have more than {MOST_TEAMS} teams", organization.name);
            return Err(ChangeError::Conflict(problem));
        }
        self.connection.execute(
            "INSERT INTO owner (name, folded, kind, may_create, created_at, team_of) VALUES (?1, ?2, ?3, 0, ?4, ?5)",
            values![
                team.name.as_str(),
                &folded(organization.id, &team.name),
                OwnerKind::Organization.as_str(),
                self.now,
                organization.id
            ],
        )?;
        let row = self.team(team)?;
        self.audit_team("team.create", &row.path, detail)?;
        Ok(row)
    }

    /// How many teams an organization, given by its row, can still get.
    ///
    /// # Errors
    /// [`Error`].
    pub fn free_teams(&self, organization: i64) -> Result<i64, Error> {
        let query = "SELECT count(*) AS number FROM owner WHERE folded > ?1 AND folded < ?2";
        let (first, end) = names_of(organization);
        Ok(MOST_TEAMS - self.connection.number(query, values![&first, &end])?)
    }

    fn check_free_team(&self, team: &TeamPath) -> Result<(), ChangeError> {
        match self.team(team) {
            Ok(row) => Err(ChangeError::Conflict(format!("there is already a team {}", row.path))),
            Err(ChangeError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives a team another name. It keeps its members and its roles.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the name is in use.
    pub fn rename_team(&self, team: &TeamPath, name: &TeamName) -> Result<TeamRow, ChangeError> {
        let row = self.team(team)?;
        let new = TeamPath { organization: row.path.organization.clone(), name: name.clone() };
        // A name in another case is the same name.
        if row.path.name.folded() != name.folded() {
            self.check_free_team(&new)?;
        }
        self.connection.execute(
            "UPDATE owner SET name = ?2, folded = ?3 WHERE id = ?1",
            values![row.id, name.as_str(), &folded(row.organization, name)],
        )?;
        let detail = json!({ "before": Grantee::Team(row.path.clone()).to_string(), "name": name.as_str() });
        self.audit_team("team.rename", &new, detail)?;
        self.team(&new)
    }

    /// Removes a team. Its members lose the roles that it gave them, and its name is free.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if rules name it: what they deny to the team would otherwise be allowed, or denied to
    /// everyone.
    pub fn remove_team(&self, team: &TeamPath) -> Result<TeamRow, ChangeError> {
        let row = self.team(team)?;
        let scopes: Vec<String> = self.scopes_naming(&row)?.iter().map(ToString::to_string).collect();
        if !scopes.is_empty() {
            let (scopes, team) = (scopes.join(", "), &row.path);
            return Err(ChangeError::Conflict(format!(
                "rules of {scopes} name the team {team}: first remove them, as rule list and check list show them"
            )));
        }
        let users = all(|each| self.team_members(row.id, None, None, each))?;
        let users: Vec<&str> = users.iter().map(|member| member.user.as_str()).collect();
        let grants = self.team_grants(row.id)?;
        let grants: Vec<_> =
            grants.iter().map(|grant| json!({ "path": grant.path.to_string(), "role": grant.role.as_str() })).collect();
        let detail = json!({ "users": users, "repositories": grants });
        self.erase_team(row.id)?;
        self.audit_team("team.delete", &row.path, detail)?;
        Ok(row)
    }

    /// Removes the members, the roles and the name of a team, given by its row.
    fn erase_team(&self, team: i64) -> Result<(), ChangeError> {
        for statement in
            ["DELETE FROM member WHERE organization_id = ?1", "DELETE FROM collaborator WHERE user_id = ?1"]
        {
            self.connection.execute(statement, values![team])?;
        }
        let query = "UPDATE owner SET folded = NULL, removed_at = ?2 WHERE id = ?1";
        self.connection.execute(query, values![team, self.now])?;
        Ok(())
    }

    /// Removes the teams of an organization that is removed, given by its row.
    pub(super) fn erase_teams_of(&self, organization: i64) -> Result<(), ChangeError> {
        all(|each| self.teams_of(organization, None, each))?.iter().try_for_each(|team| self.erase_team(team.id))
    }

    /// Adds a member of the organization to one of its teams, or changes when the membership ends.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the user is not a member of the organization.
    pub fn add_team_member(&self, team: &TeamPath, user: &Owner, until: Option<i64>) -> Result<(), ChangeError> {
        let row = self.team(team)?;
        let user = self.user(user)?;
        let query =
            "SELECT 1 FROM member WHERE organization_id = ?1 AND user_id = ?2 AND (until IS NULL OR until > ?3)";
        if self.connection.first(query, values![row.organization, user.id, self.now], |_| Ok(()))?.is_none() {
            return Err(not_a_member(&user.name, &row.path.organization));
        }
        let before = self.team_membership(row.id, user.id)?;
        self.connection.execute(
            "INSERT INTO member (organization_id, user_id, role, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (organization_id, user_id) DO UPDATE SET until = excluded.until",
            values![row.id, user.id, Role::NoAccess.as_str(), until],
        )?;
        let detail = json!({ "user": user.name.as_str(), "until": until, "before": before });
        self.audit_team("team.add_user", &row.path, detail)
    }

    /// Removes a user from a team.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if the user does not belong to it.
    pub fn remove_team_member(&self, team: &TeamPath, user: &Owner) -> Result<(), ChangeError> {
        let row = self.team(team)?;
        let user = self.user(user)?;
        let before = self.team_membership(row.id, user.id)?;
        let query = "DELETE FROM member WHERE organization_id = ?1 AND user_id = ?2";
        if self.connection.execute(query, values![row.id, user.id])? == 0 {
            return Err(ChangeError::NotFound(format!("member {} of {}", user.name, row.path)));
        }
        self.audit_team("team.remove_user", &row.path, json!({ "user": user.name.as_str(), "before": before }))
    }

    /// Until when a user belongs to a team, for the audit row; null if the user does not.
    fn team_membership(&self, team: i64, user: i64) -> Result<Json, ChangeError> {
        let query = "SELECT until FROM member WHERE organization_id = ?1 AND user_id = ?2";
        let until = self.connection.first(query, values![team, user], |row| row.get::<Option<i64>>("until"))?;
        Ok(until.map_or(Json::Null, |until| json!({ "until": until })))
    }

    /// Removes a user from all teams of an organization, both given by their rows. Returns the teams.
    pub(super) fn leave_teams(&self, organization: i64, user: i64) -> Result<Vec<String>, ChangeError> {
        let filter = "FROM member WHERE user_id = ?1 AND EXISTS
                      (SELECT 1 FROM owner t WHERE t.id = member.organization_id AND t.team_of = ?2)";
        let values = values![user, organization];
        let names = format!("SELECT (SELECT t.name FROM owner t WHERE t.id = member.organization_id) AS name {filter}");
        let names = self.connection.query(&names, values, |row| row.get("name"))?;
        self.connection.execute(&format!("DELETE {filter}"), values)?;
        Ok(names)
    }

    /// Removes the roles of teams on a repository, given by its row, because it gets another owner. Returns the teams.
    pub(super) fn leave_organization(&self, repository: i64) -> Result<Vec<String>, ChangeError> {
        let query = format!("{GRANTS} WHERE c.repository_id = ?1 ORDER BY t.folded");
        let grants = self.connection.query(&query, values![repository], team_grant)?;
        let query = "DELETE FROM collaborator WHERE repository_id = ?1 AND EXISTS
                     (SELECT 1 FROM owner t WHERE t.id = collaborator.user_id AND t.team_of IS NOT NULL)";
        self.connection.execute(query, values![repository])?;
        Ok(grants.into_iter().map(|grant| Grantee::Team(grant.team).to_string()).collect())
    }

    /// Writes an audit row for a team. The row also names the organization, so that a search for the organization finds
    /// it.
    fn audit_team(&self, event: &str, team: &TeamPath, mut detail: Json) -> Result<(), ChangeError> {
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("organization".to_owned(), team.organization.as_str().into());
        }
        self.audit(event, &Grantee::Team(team.clone()).to_string(), &detail)
    }
}
