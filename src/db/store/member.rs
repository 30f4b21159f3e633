//! Members of organizations, and their roles.

use serde_json::{Value, json};

use super::account::OwnerKind;
use super::list::{Each, GrantPosition, Period};
use super::{Change, ChangeError};
use crate::access::Role;
use crate::db::engine::{Value as Bound, values};
use crate::db::{Error, View};
use crate::name::Owner;

/// A role of a user in an organization, with the name of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: Owner,
    /// The user.
    pub user: Owner,
    /// The role.
    pub role: Role,
    /// The first second in which the role no longer applies.
    pub until: Option<i64>,
}

impl View<'_> {
    /// The roles in an organization, given by its row, by user. Begins behind the user `after`. With a period, only
    /// roles that end in it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn memberships_of(
        &self,
        organization: i64,
        after: Option<&Owner>,
        ending: Option<Period>,
        each: Each<'_, Membership>,
    ) -> Result<(), Error> {
        let after = after.map(Owner::folded).unwrap_or_default();
        let filter = "m.organization_id = ?1 AND u.folded > ?2";
        self.memberships_by(filter, "u.folded", Bound::Integer(organization), Bound::Text(&after), ending, each)
    }

    /// The roles in all organizations, by the rows of organization and user. Begins behind this organization and user.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if one of them does not exist, or the database's.
    pub fn memberships(
        &self,
        after: Option<&GrantPosition<Owner>>,
        ending: Option<Period>,
        each: Each<'_, Membership>,
    ) -> Result<(), ChangeError> {
        let (organization, user) = match after {
            Some(GrantPosition { object, user }) => (self.owner(object)?.id, self.owner(user)?.id),
            None => (i64::MIN, i64::MIN),
        };
        let filter = "(m.organization_id, m.user_id) > (?1, ?2) AND o.team_of IS NULL";
        let order = "m.organization_id, m.user_id";
        Ok(self.memberships_by(filter, order, Bound::Integer(organization), Bound::Integer(user), ending, each)?)
    }

    fn memberships_by(
        &self,
        filter: &str,
        order: &str,
        first: Bound<'_>,
        second: Bound<'_>,
        ending: Option<Period>,
        each: Each<'_, Membership>,
    ) -> Result<(), Error> {
        let query = format!(
            "SELECT o.name AS organization, u.name AS user, m.role, m.until FROM member m
             JOIN owner o ON o.id = m.organization_id JOIN owner u ON u.id = m.user_id
             WHERE {filter} {} ORDER BY {order}",
            if ending.is_some() { "AND m.until > ?3 AND m.until <= ?4" } else { "" }
        );
        let Period { after, until } = ending.unwrap_or_default();
        let values = values![first, second, after, until];
        let values = if ending.is_some() { values } else { values.get(..2).unwrap_or_default() };
        self.connection.each(&query, values, |row| {
            Ok(each(Membership {
                organization: row.word("organization")?,
                user: row.word("user")?,
                role: row.word("role")?,
                until: row.get("until")?,
            }))
        })
    }
}

impl Change<'_> {
    /// Gives a user a role in an organization. It replaces the previous role. A new member belongs to no team.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] if the organization would have no admin.
    pub fn set_member(
        &self,
        organization: &Owner,
        user: &Owner,
        role: Role,
        until: Option<i64>,
    ) -> Result<(), ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let user = self.user(user)?;
        if role != Role::Admin || until.is_some() {
            self.check_another_admin(organization.id, user.id)?;
        }
        let before = self.membership(organization.id, user.id)?;
        let query =
            "SELECT 1 FROM member WHERE organization_id = ?1 AND user_id = ?2 AND (until IS NULL OR until > ?3)";
        if self.connection.first(query, values![organization.id, user.id, self.now], |_| Ok(()))?.is_none() {
            self.leave_teams(organization.id, user.id)?;
        }
        self.connection.execute(
            "INSERT INTO member (organization_id, user_id, role, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role, until = excluded.until",
            values![organization.id, user.id, role.as_str(), until],
        )?;
        let event = if before.is_null() { "org.add_user" } else { "org.change_role" };
        let detail = json!({ "user": user.name.as_str(), "role": role.as_str(), "until": until, "before": before });
        self.audit(event, organization.name.as_str(), &detail)
    }

    /// Removes a user from an organization and from its teams.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] if the organization would have no admin.
    pub fn remove_member(&self, organization: &Owner, user: &Owner) -> Result<(), ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let user = self.user(user)?;
        self.check_another_admin(organization.id, user.id)?;
        let teams = self.leave_teams(organization.id, user.id)?;
        let before = self.membership(organization.id, user.id)?;
        let mut detail = json!({ "user": user.name.as_str(), "before": before });
        if let Some(fields) = detail.as_object_mut().filter(|_| !teams.is_empty()) {
            fields.insert("teams".to_owned(), teams.into());
        }
        let query = "DELETE FROM member WHERE organization_id = ?1 AND user_id = ?2";
        match self.connection.execute(query, values![organization.id, user.id])? {
            0 => Err(ChangeError::NotFound(format!("member {} of {}", user.name, organization.name))),
            _ => self.audit("org.remove_user", organization.name.as_str(), &detail),
        }
    }

    /// The role of a user in an organization, for the audit row; null without a role.
    fn membership(&self, organization: i64, user: i64) -> Result<Value, ChangeError> {
        let query = "SELECT role, until FROM member WHERE organization_id = ?1 AND user_id = ?2";
        self.grant_before(query, organization, user)
    }

    pub(super) fn organizations_of_admin(&self, user: i64) -> Result<Vec<i64>, ChangeError> {
        let query = "SELECT organization_id FROM member WHERE user_id = ?1 AND role = 'admin'";
        Ok(self.connection.query(query, values![user], |row| row.get("organization_id"))?)
    }

    /// Rejects a change of the role of the only admin whose role does not end.
    pub(super) fn check_another_admin(&self, organization: i64, user: i64) -> Result<(), ChangeError> {
        let query = "SELECT
                (SELECT count(*) FROM member m WHERE m.organization_id = ?1 AND m.role = 'admin'
                 AND m.until IS NULL AND m.user_id = ?2) AS this,
                (SELECT count(*) FROM member m WHERE m.organization_id = ?1 AND m.role = 'admin'
                 AND m.until IS NULL AND m.user_id <> ?2) AS others,
                o.name FROM owner o WHERE o.id = ?1";
        let admins = self.connection.first(query, values![organization, user], |row| {
            Ok((row.get("this")?, row.get("others")?, row.get("name")?))
        });
        let (this, others, name): (i64, i64, String) = admins?.unwrap_or_default();
        if this > 0 && others == 0 {
            let name = name.parse().map_err(|_| Error::Value("name".to_owned()))?;
            return Err(ChangeError::LastAdmin(name));
        }
        Ok(())
    }
}
