//! Users and organizations, and who is a member.

use rusqlite::{OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::{Change, ChangeError};
use crate::access::Role;
use crate::db::{Error, Reader, View, word};
use crate::name::Owner;
use crate::word::words;

words! {
    /// What an owner is.
    pub enum OwnerKind {
        /// A person, or a machine that acts as one.
        User = "user",
        /// A group of users.
        Organization = "organization",
    }
}

impl OwnerKind {
    /// The word with its article.
    fn one(self) -> &'static str {
        match self {
            Self::User => "a user",
            Self::Organization => "an organization",
        }
    }

    /// An event of this kind's in the audit table, as the Hub names them.
    fn event(self, what: &str) -> String {
        match self {
            Self::User => format!("user.{what}"),
            Self::Organization => format!("org.{what}"),
        }
    }
}

/// An owner as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// The row.
    pub id: i64,
    /// The name.
    pub name: Owner,
    /// User or organization.
    pub kind: OwnerKind,
    /// Whether a user may create repositories under the own name.
    pub may_create: bool,
    /// Why a user is disabled, if so.
    pub disabled: Option<String>,
    /// Seconds UTC since 1970.
    pub created_at: i64,
}

/// A user with what is shown in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub owner: OwnerRow,
    /// How many keys are on it.
    pub keys: i64,
    /// How many repositories it owns.
    pub repositories: i64,
    /// Roles in organizations.
    pub memberships: Vec<Member>,
}

/// An organization with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The account.
    pub owner: OwnerRow,
    /// How many repositories it owns.
    pub repositories: i64,
    /// Who is a member.
    pub members: Vec<Member>,
}

/// A role that somebody has somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user, or, seen from the user, the organization.
    pub name: Owner,
    /// The role.
    pub role: Role,
    /// The first second at which it no longer holds.
    pub until: Option<i64>,
}

const COLUMNS: &str = "SELECT o.id, o.name, o.kind, o.may_create, o.disabled, o.created_at FROM owner o";

fn owner_row(row: &Row<'_>) -> Result<OwnerRow, Error> {
    Ok(OwnerRow {
        id: row.get("id")?,
        name: word(row, "name")?,
        kind: word(row, "kind")?,
        may_create: row.get("may_create")?,
        disabled: row.get("disabled")?,
        created_at: row.get("created_at")?,
    })
}

impl Reader {
    /// The present name of the account of that row; `None` where it cannot be found out.
    #[must_use]
    pub fn account_name(&self, row: i64) -> Option<String> {
        self.ask(|view| view.owner_name(row)).ok().flatten().map(|name| name.to_string())
    }
}

impl View<'_> {
    /// The owner of that name, in any case.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner(&self, name: &Owner) -> Result<OwnerRow, ChangeError> {
        find(self.connection, name)?.ok_or_else(|| ChangeError::NotFound(format!("account {name}")))
    }

    /// The owner of that name and kind.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner_of(&self, kind: OwnerKind, name: &Owner) -> Result<OwnerRow, ChangeError> {
        owner_of(self.connection, kind, name)
    }

    /// The user of that name.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn user(&self, name: &Owner) -> Result<OwnerRow, ChangeError> {
        owner_of(self.connection, OwnerKind::User, name)
    }

    /// Every owner of a kind, by name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owners(&self, kind: OwnerKind) -> Result<Vec<OwnerRow>, Error> {
        let query = format!("{COLUMNS} WHERE o.kind = ?1 AND o.folded IS NOT NULL ORDER BY o.folded");
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_and_then(params![kind.as_str()], owner_row)?;
        rows.collect()
    }

    /// A user with keys, repositories and roles counted.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn user_details(&self, name: &Owner) -> Result<User, ChangeError> {
        let owner = self.owner_of(OwnerKind::User, name)?;
        let keys = "SELECT count(*) FROM key WHERE owner_id = ?1 AND removal IS NULL";
        Ok(User {
            keys: self.connection.query_row(keys, params![owner.id], |row| row.get(0))?,
            repositories: repository_count(self.connection, owner.id)?,
            memberships: members(
                self.connection,
                "SELECT o.name, m.role, m.until FROM member m JOIN owner o ON o.id = m.organization_id
                 WHERE m.user_id = ?1 ORDER BY o.folded",
                owner.id,
            )?,
            owner,
        })
    }

    /// An organization with its members.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn organization_details(&self, name: &Owner) -> Result<Organization, ChangeError> {
        let owner = self.owner_of(OwnerKind::Organization, name)?;
        Ok(Organization {
            repositories: repository_count(self.connection, owner.id)?,
            members: members(
                self.connection,
                "SELECT o.name, m.role, m.until FROM member m JOIN owner o ON o.id = m.user_id
                 WHERE m.organization_id = ?1 ORDER BY o.folded",
                owner.id,
            )?,
            owner,
        })
    }
}

fn find(connection: &rusqlite::Connection, name: &Owner) -> Result<Option<OwnerRow>, Error> {
    let query = format!("{COLUMNS} WHERE o.folded = ?1");
    connection.prepare(&query)?.query_and_then(params![name.folded()], owner_row)?.next().transpose()
}

/// The owner of that name and kind, on any connection.
pub(super) fn owner_of(
    connection: &rusqlite::Connection,
    kind: OwnerKind,
    name: &Owner,
) -> Result<OwnerRow, ChangeError> {
    match find(connection, name)? {
        Some(owner) if owner.kind == kind => Ok(owner),
        Some(other) => Err(ChangeError::NotFound(format!("{kind} {name}: {name} is {}", other.kind.one()))),
        None => Err(ChangeError::NotFound(format!("{kind} {name}"))),
    }
}

fn repository_count(connection: &rusqlite::Connection, owner: i64) -> Result<i64, Error> {
    let query = "SELECT count(*) FROM repository WHERE owner_id = ?1 AND folded IS NOT NULL";
    Ok(connection.query_row(query, params![owner], |row| row.get(0))?)
}

fn members(connection: &rusqlite::Connection, query: &str, owner: i64) -> Result<Vec<Member>, Error> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_and_then(params![owner], |row| {
        Ok(Member { name: word(row, "name")?, role: word(row, "role")?, until: row.get("until")? })
    })?;
    rows.collect()
}

impl Change<'_> {
    /// Makes an account under a name that is free and was nobody's.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the name is taken or kept back.
    pub fn add_owner(&self, kind: OwnerKind, name: &Owner, may_create: bool) -> Result<OwnerRow, ChangeError> {
        self.check_free(name)?;
        self.connection.execute(
            "INSERT INTO owner (name, folded, kind, may_create, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![name.as_str(), name.folded(), kind.as_str(), may_create, self.now],
        )?;
        self.audit(&kind.event("create"), name.as_str(), &json!({ "may_create": may_create }))?;
        self.owner(name)
    }

    /// Refuses a name that an account has, or had before it was renamed or removed.
    fn check_free(&self, name: &Owner) -> Result<(), ChangeError> {
        if let Some(owner) = find(self.connection, name)? {
            return Err(ChangeError::Conflict(format!("the name {} is taken by {}", owner.name, owner.kind.one())));
        }
        let query = "SELECT 1 FROM former_name WHERE folded = ?1";
        let former: Option<i64> =
            self.connection.query_row(query, params![name.folded()], |row| row.get(0)).optional()?;
        match former {
            None => Ok(()),
            Some(_) => Err(ChangeError::Conflict(format!(
                "the name {name} belonged to an account before: to free it run hubgate user release {name}"
            ))),
        }
    }

    /// Gives an account another name; the old one is kept back.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn rename_owner(&self, kind: OwnerKind, old: &Owner, new: &Owner) -> Result<(), ChangeError> {
        let owner = owner_of(self.connection, kind, old)?;
        // A change of case alone is the same name to everybody.
        if old.folded() != new.folded() {
            self.check_free(new)?;
            self.keep_back(&owner.name, Some(owner.id))?;
        }
        self.connection.execute(
            "UPDATE owner SET name = ?2, folded = ?3 WHERE id = ?1",
            params![owner.id, new.as_str(), new.folded()],
        )?;
        let detail = json!({ "before": owner.name.as_str(), "name": new.as_str() });
        self.audit(&kind.event("rename"), owner.name.as_str(), &detail)
    }

    /// Keeps a name back; the old name of an account that goes on leads to it.
    fn keep_back(&self, name: &Owner, owner: Option<i64>) -> Result<(), ChangeError> {
        let query = "INSERT INTO former_name (folded, owner_id, since) VALUES (?1, ?2, ?3)";
        self.connection.execute(query, params![name.folded(), owner, self.now])?;
        Ok(())
    }

    /// Frees a name that was kept back.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] where it is not kept back.
    pub fn release_name(&self, name: &Owner) -> Result<(), ChangeError> {
        match self.connection.execute("DELETE FROM former_name WHERE folded = ?1", params![name.folded()])? {
            0 => Err(ChangeError::NotFound(format!("name {name} that is kept back"))),
            _ => self.audit("owner.release", name.as_str(), &json!({})),
        }
    }

    /// Disables a user for a reason that the peer reads, or enables it again with `None`.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_disabled(&self, name: &Owner, reason: Option<&str>) -> Result<(), ChangeError> {
        let user = self.user(name)?;
        let query = "UPDATE owner SET disabled = ?2 WHERE id = ?1";
        self.connection.execute(query, params![user.id, reason])?;
        let event = if reason.is_some() { "user.disable" } else { "user.enable" };
        self.audit(event, user.name.as_str(), &json!({ "reason": reason, "before": user.disabled }))
    }

    /// Removes an account: its keys become unknown keys, its roles end, its name is kept back. Its repositories go to
    /// `heir`; without one it must have none.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] also where an organization would be left without an admin.
    pub fn remove_owner(&self, kind: OwnerKind, name: &Owner, heir: Option<&Owner>) -> Result<(), ChangeError> {
        let owner = owner_of(self.connection, kind, name)?;
        for organization in self.organizations_of_admin(owner.id)? {
            self.check_another_admin(organization, owner.id)?;
        }
        self.hand_over_repositories(&owner, heir)?;
        for statement in [
            "DELETE FROM member WHERE user_id = ?1",
            "DELETE FROM member WHERE organization_id = ?1",
            "DELETE FROM collaborator WHERE user_id = ?1",
            "DELETE FROM gate_request WHERE user_id = ?1",
        ] {
            self.connection.execute(statement, params![owner.id])?;
        }
        for statement in [
            "UPDATE key SET removal = 'ordinary', removed_at = ?2 WHERE owner_id = ?1 AND removal IS NULL",
            "UPDATE owner SET folded = NULL, removed_at = ?2 WHERE id = ?1",
        ] {
            self.connection.execute(statement, params![owner.id, self.now])?;
        }
        self.keep_back(&owner.name, None)?;
        let query = "UPDATE former_name SET owner_id = NULL WHERE owner_id = ?1";
        self.connection.execute(query, params![owner.id])?;
        let detail = json!({ "transfer_to": heir.map(Owner::as_str) });
        self.audit(&kind.event("delete"), owner.name.as_str(), &detail)
    }

    fn hand_over_repositories(&self, owner: &OwnerRow, heir: Option<&Owner>) -> Result<(), ChangeError> {
        let count = repository_count(self.connection, owner.id)?;
        match heir {
            _ if count == 0 => Ok(()),
            None => Err(ChangeError::Conflict(format!(
                "{} owns {count} repositories: remove them first, or name who gets them with --transfer-to OWNER",
                owner.name
            ))),
            Some(heir) => {
                let heir = self.owner(heir)?;
                if heir.id == owner.id {
                    return Err(ChangeError::Conflict(format!(
                        "{} is the account that goes: name another one with --transfer-to OWNER",
                        owner.name
                    )));
                }
                let query = "UPDATE repository SET owner_id = ?2 WHERE owner_id = ?1 AND folded IS NOT NULL";
                match self.connection.execute(query, params![owner.id, heir.id]) {
                    Err(error) if super::is_constraint(&error) => Err(ChangeError::Conflict(format!(
                        "{} has a repository of a name that {} has too: rename one of them first",
                        heir.name, owner.name
                    ))),
                    done => done.map(drop).map_err(ChangeError::from),
                }
            }
        }
    }

    /// Gives a user a role in an organization, in place of the one before.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] where the organization would be left without an admin.
    pub fn set_member(
        &self,
        organization: &Owner,
        user: &Owner,
        role: Role,
        until: Option<i64>,
    ) -> Result<(), ChangeError> {
        let organization = owner_of(self.connection, OwnerKind::Organization, organization)?;
        let user = self.user(user)?;
        if role != Role::Admin || until.is_some() {
            self.check_another_admin(organization.id, user.id)?;
        }
        let before = self.membership(organization.id, user.id)?;
        self.connection.execute(
            "INSERT INTO member (organization_id, user_id, role, until) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (organization_id, user_id) DO UPDATE SET role = excluded.role, until = excluded.until",
            params![organization.id, user.id, role.as_str(), until],
        )?;
        let event = if before.is_null() { "org.add_user" } else { "org.change_role" };
        let detail = json!({ "user": user.name.as_str(), "role": role.as_str(), "until": until, "before": before });
        self.audit(event, organization.name.as_str(), &detail)
    }

    /// Takes a user out of an organization.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] where the organization would be left without an admin.
    pub fn remove_member(&self, organization: &Owner, user: &Owner) -> Result<(), ChangeError> {
        let organization = owner_of(self.connection, OwnerKind::Organization, organization)?;
        let user = self.user(user)?;
        self.check_another_admin(organization.id, user.id)?;
        let detail = json!({ "user": user.name.as_str(), "before": self.membership(organization.id, user.id)? });
        let query = "DELETE FROM member WHERE organization_id = ?1 AND user_id = ?2";
        match self.connection.execute(query, params![organization.id, user.id])? {
            0 => Err(ChangeError::NotFound(format!("member {} of {}", user.name, organization.name))),
            _ => self.audit("org.remove_user", organization.name.as_str(), &detail),
        }
    }

    /// The role that a user has in an organization, for the audit; null where it has none.
    fn membership(&self, organization: i64, user: i64) -> Result<Value, ChangeError> {
        let query = "SELECT role, until FROM member WHERE organization_id = ?1 AND user_id = ?2";
        self.grant_before(query, organization, user)
    }

    /// A grant as it is before a change, by a query for `role` and `until`; null where there is none.
    pub(super) fn grant_before(&self, query: &str, object: i64, user: i64) -> Result<Value, ChangeError> {
        let grant = self.connection.query_row(query, params![object, user], |row| {
            let (role, until): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
            Ok(json!({ "role": role, "until": until }))
        });
        Ok(grant.optional()?.unwrap_or_default())
    }

    fn organizations_of_admin(&self, user: i64) -> Result<Vec<i64>, ChangeError> {
        let query = "SELECT organization_id FROM member WHERE user_id = ?1 AND role = 'admin'";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map(params![user], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Refuses to take the role of the only admin without an end date; a member who is none is no obstacle.
    fn check_another_admin(&self, organization: i64, user: i64) -> Result<(), ChangeError> {
        let query = "SELECT o.name,
                (SELECT count(*) FROM member m WHERE m.organization_id = o.id AND m.role = 'admin'
                 AND m.until IS NULL AND m.user_id = ?2),
                (SELECT count(*) FROM member m WHERE m.organization_id = o.id AND m.role = 'admin'
                 AND m.until IS NULL AND m.user_id <> ?2)
            FROM owner o WHERE o.id = ?1";
        let (name, this, others): (String, i64, i64) =
            self.connection
                .query_row(query, params![organization, user], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if this > 0 && others == 0 {
            let name = name.parse().map_err(|_| Error::Value("name".to_owned()))?;
            return Err(ChangeError::LastAdmin(name));
        }
        Ok(())
    }
}
