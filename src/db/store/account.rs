//! Users and organizations.

use serde_json::{Value, json};

use super::list::{Each, all};
use super::{Change, ChangeError};
use crate::access::Role;
use crate::db::engine::{Row, values};
use crate::db::{Error, Reader, View};
use crate::name::{Owner, RepoPath};
use crate::word::{counted, words};

words! {
    /// What an owner is.
    pub enum OwnerKind {
        /// A person or a machine.
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

    /// The name of an event in the audit table, as the Hub names events.
    fn event(self, what: &str) -> String {
        match self {
            Self::User => format!("user.{what}"),
            Self::Organization => format!("org.{what}"),
        }
    }
}

/// The row of an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerRow {
    /// The row.
    pub id: i64,
    /// The name.
    pub name: Owner,
    /// User or organization.
    pub kind: OwnerKind,
    /// Whether a user may create repositories under their own name.
    pub may_create: bool,
    /// Why the user is disabled; `None` if the user is not.
    pub disabled: Option<String>,
    /// Seconds UTC since 1970.
    pub created_at: i64,
}

/// A user with the details that a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account.
    pub owner: OwnerRow,
    /// The number of its keys.
    pub keys: i64,
    /// The number of its repositories.
    pub repositories: i64,
    /// Its roles in organizations.
    pub memberships: Vec<Member>,
}

/// An organization with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The account.
    pub owner: OwnerRow,
    /// The number of its repositories.
    pub repositories: i64,
    /// Its members.
    pub members: Vec<Member>,
}

/// A role of a user in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The user; in the list of a user's roles, the organization.
    pub name: Owner,
    /// The role.
    pub role: Role,
    /// The first second in which the role no longer applies.
    pub until: Option<i64>,
}

pub(super) const COLUMNS: &str = "SELECT o.id, o.name, o.kind, o.may_create, o.disabled, o.created_at FROM owner o";

pub(super) fn owner_row(row: &Row<'_>) -> Result<OwnerRow, Error> {
    Ok(OwnerRow {
        id: row.get("id")?,
        name: row.word("name")?,
        kind: row.word("kind")?,
        may_create: row.get("may_create")?,
        disabled: row.get("disabled")?,
        created_at: row.get("created_at")?,
    })
}

impl Reader {
    /// The present name of an account, given by its row; `None` if the database has no answer.
    #[must_use]
    pub fn account_name(&self, row: i64) -> Option<String> {
        self.ask(|view| view.owner_name(row)).ok().flatten().map(|name| name.to_string())
    }
}

impl View<'_> {
    /// The owner of that name, in upper or lower case.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner(&self, name: &Owner) -> Result<OwnerRow, ChangeError> {
        self.find_owner(name)?.ok_or_else(|| ChangeError::NotFound(format!("account {name}")))
    }

    /// The owner of that name and kind.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner_of(&self, kind: OwnerKind, name: &Owner) -> Result<OwnerRow, ChangeError> {
        match self.find_owner(name)? {
            Some(owner) if owner.kind == kind => Ok(owner),
            Some(other) => Err(ChangeError::NotFound(format!("{kind} {name}: {name} is {}", other.kind.one()))),
            None => Err(ChangeError::NotFound(format!("{kind} {name}"))),
        }
    }

    /// The user of that name.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn user(&self, name: &Owner) -> Result<OwnerRow, ChangeError> {
        self.owner_of(OwnerKind::User, name)
    }

    /// The owners of a kind, by name. Begins behind the name `after`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owners(&self, kind: OwnerKind, after: Option<&Owner>, each: Each<'_, OwnerRow>) -> Result<(), Error> {
        let after = after.map(Owner::folded).unwrap_or_default();
        let query = format!("{COLUMNS} WHERE o.kind = ?1 AND o.folded > ?2 AND o.team_of IS NULL ORDER BY o.folded");
        self.connection.each(&query, values![kind.as_str(), &after], |row| Ok(each(owner_row(row)?)))
    }

    /// A user with keys, repositories and roles counted.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn user_details(&self, name: &Owner) -> Result<User, ChangeError> {
        let owner = self.owner_of(OwnerKind::User, name)?;
        Ok(User {
            keys: self.key_count(owner.id)?,
            repositories: self.repository_count(owner.id)?,
            memberships: self.members(
                "SELECT o.name, m.role, m.until FROM member m JOIN owner o ON o.id = m.organization_id
                 WHERE m.user_id = ?1 AND o.team_of IS NULL ORDER BY o.folded",
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
            repositories: self.repository_count(owner.id)?,
            members: self.members(
                "SELECT o.name, m.role, m.until FROM member m JOIN owner o ON o.id = m.user_id
                 WHERE m.organization_id = ?1 ORDER BY o.folded",
                owner.id,
            )?,
            owner,
        })
    }

    fn find_owner(&self, name: &Owner) -> Result<Option<OwnerRow>, Error> {
        self.connection.first(&format!("{COLUMNS} WHERE o.folded = ?1"), values![&name.folded()], owner_row)
    }

    fn repository_count(&self, owner: i64) -> Result<i64, Error> {
        let query = "SELECT count(*) AS number FROM repository WHERE owner_id = ?1 AND folded IS NOT NULL";
        self.connection.number(query, values![owner])
    }

    fn members(&self, query: &str, owner: i64) -> Result<Vec<Member>, Error> {
        self.connection.query(query, values![owner], |row| {
            Ok(Member { name: row.word("name")?, role: row.word("role")?, until: row.get("until")? })
        })
    }
}

impl Change<'_> {
    /// Adds an account. Its name must be free, and no account may have had it before.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the name is in use or reserved.
    pub fn add_owner(&self, kind: OwnerKind, name: &Owner, may_create: bool) -> Result<OwnerRow, ChangeError> {
        self.check_free(name)?;
        self.connection.execute(
            "INSERT INTO owner (name, folded, kind, may_create, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            values![name.as_str(), &name.folded(), kind.as_str(), may_create, self.now],
        )?;
        self.audit(&kind.event("create"), name.as_str(), &json!({ "may_create": may_create }))?;
        self.owner(name)
    }

    /// Rejects a name that an account has, or had before it was renamed or removed.
    pub(super) fn check_free(&self, name: &Owner) -> Result<(), ChangeError> {
        if let Some(owner) = self.find_owner(name)? {
            return Err(ChangeError::Conflict(format!("the name {} is in use by {}", owner.name, owner.kind.one())));
        }
        let query = "SELECT 1 FROM former_name WHERE folded = ?1";
        match self.connection.first(query, values![&name.folded()], |_| Ok(()))? {
            None => Ok(()),
            Some(()) => Err(ChangeError::Conflict(format!(
                "the name {name} belonged to an account before: to free it run hubgate user release {name}"
            ))),
        }
    }

    /// Renames an account. The old name stays reserved.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn rename_owner(&self, kind: OwnerKind, old: &Owner, new: &Owner) -> Result<(), ChangeError> {
        let owner = self.owner_of(kind, old)?;
        // A name in another case is the same name.
        if old.folded() != new.folded() {
            self.check_free(new)?;
            self.reserve(&owner.name, Some(owner.id))?;
        }
        self.connection.execute(
            "UPDATE owner SET name = ?2, folded = ?3 WHERE id = ?1",
            values![owner.id, new.as_str(), &new.folded()],
        )?;
        let detail = json!({ "before": owner.name.as_str(), "name": new.as_str() });
        self.audit(&kind.event("rename"), owner.name.as_str(), &detail)
    }

    /// Reserves a name. The old name of a renamed account leads to the account.
    fn reserve(&self, name: &Owner, owner: Option<i64>) -> Result<(), ChangeError> {
        let query = "INSERT INTO former_name (folded, owner_id, since) VALUES (?1, ?2, ?3)";
        self.connection.execute(query, values![&name.folded(), owner, self.now])?;
        Ok(())
    }

    /// Frees a reserved name.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if the name is not reserved.
    pub fn release_name(&self, name: &Owner) -> Result<(), ChangeError> {
        match self.connection.execute("DELETE FROM former_name WHERE folded = ?1", values![&name.folded()])? {
            0 => Err(ChangeError::NotFound(format!("reserved name {name}"))),
            _ => self.audit("owner.release", name.as_str(), &json!({})),
        }
    }

    /// Sets whether a user may create repositories under their own name.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_may_create(&self, name: &Owner, may_create: bool) -> Result<(), ChangeError> {
        let user = self.user(name)?;
        self.connection.execute("UPDATE owner SET may_create = ?2 WHERE id = ?1", values![user.id, may_create])?;
        let detail = json!({ "may_create": may_create, "before": user.may_create });
        self.audit("user.update_settings", user.name.as_str(), &detail)
    }

    /// Disables a user, for a reason that the client reads; `None` enables the user again.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_disabled(&self, name: &Owner, reason: Option<&str>) -> Result<(), ChangeError> {
        let user = self.user(name)?;
        let query = "UPDATE owner SET disabled = ?2 WHERE id = ?1";
        self.connection.execute(query, values![user.id, reason])?;
        let event = if reason.is_some() { "user.disable" } else { "user.enable" };
        self.audit(event, user.name.as_str(), &json!({ "reason": reason, "before": user.disabled }))
    }

    /// Removes an account. Its keys become unknown keys, its roles end, and its name stays reserved. Its repositories
    /// go to `heir`. Without an heir, it must own no repository.
    ///
    /// # Errors
    /// [`ChangeError`]; [`ChangeError::Conflict`] also if an organization would have no admin.
    pub fn remove_owner(&self, kind: OwnerKind, name: &Owner, heir: Option<&Owner>) -> Result<(), ChangeError> {
        let owner = self.owner_of(kind, name)?;
        for organization in self.organizations_of_admin(owner.id)? {
            self.check_another_admin(organization, owner.id)?;
        }
        self.hand_over_repositories(&owner, heir)?;
        self.free_emails(owner.id)?;
        self.erase_teams_of(owner.id)?;
        for statement in [
            "DELETE FROM member WHERE user_id = ?1",
            "DELETE FROM member WHERE organization_id = ?1",
            "DELETE FROM collaborator WHERE user_id = ?1",
            "DELETE FROM gate_request WHERE user_id = ?1",
        ] {
            self.connection.execute(statement, values![owner.id])?;
        }
        for statement in [
            "UPDATE key SET removal = 'ordinary', removed_at = ?2 WHERE owner_id = ?1 AND removal IS NULL",
            "UPDATE owner SET folded = NULL, removed_at = ?2 WHERE id = ?1",
        ] {
            self.connection.execute(statement, values![owner.id, self.now])?;
        }
        // While its names are reserved, they lead to the repositories that the heir got.
        self.reserve(&owner.name, heir.map(|_| owner.id))?;
        if heir.is_none() {
            let query = "UPDATE former_name SET owner_id = NULL WHERE owner_id = ?1";
            self.connection.execute(query, values![owner.id])?;
        }
        let detail = json!({ "transfer_to": heir.map(Owner::as_str) });
        self.audit(&kind.event("delete"), owner.name.as_str(), &detail)
    }

    fn hand_over_repositories(&self, owner: &OwnerRow, heir: Option<&Owner>) -> Result<(), ChangeError> {
        let count = self.repository_count(owner.id)?;
        match heir {
            _ if count == 0 => Ok(()),
            None => Err(ChangeError::Conflict(format!(
                "{} owns {}: remove them first, or name the new owner with --transfer-to OWNER",
                owner.name,
                counted(count, "repository", "repositories")
            ))),
            Some(heir) => {
                let heir = self.owner(heir)?;
                if heir.id == owner.id {
                    return Err(ChangeError::Conflict(format!(
                        "{} is the account to be removed: name another account with --transfer-to OWNER",
                        owner.name
                    )));
                }
                for row in all(|each| self.repositories_of(owner.id, None, each))? {
                    let new = RepoPath { owner: heir.name.clone(), ..row.path.clone() };
                    self.rename_repository(&row.path, &new)?;
                }
                Ok(())
            }
        }
    }

    /// A grant before a change, by a query for `role` and `until`; null without a grant.
    pub(super) fn grant_before(&self, query: &str, object: i64, user: i64) -> Result<Value, ChangeError> {
        let grant = self.connection.first(query, values![object, user], |row| {
            let (role, until): (String, Option<i64>) = (row.get("role")?, row.get("until")?);
            Ok(json!({ "role": role, "until": until }))
        });
        Ok(grant?.unwrap_or_default())
    }
}
