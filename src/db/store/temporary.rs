//! The temporary account of `hubgate doctor --login`. When the login has ended, only its audit rows are left.

use serde_json::json;

use super::account::OwnerKind;
use super::key::NewKey;
use super::{Change, ChangeError};
use crate::access::Scope;
use crate::db::engine::values;
use crate::db::{Error, View};
use crate::key::{Fingerprint, PublicKey};
use crate::name::{Owner, Title};

/// The event of a temporary account. An account without such a row is never erased.
const EVENT: &str = "doctor.login";

impl View<'_> {
    /// The temporary accounts that were created before `second` and that a killed program left.
    ///
    /// # Errors
    /// [`Error`].
    pub fn temporary_accounts(&self, second: i64) -> Result<Vec<Owner>, Error> {
        let query = "SELECT o.name FROM owner o WHERE o.kind = 'user' AND o.may_create = 0 AND o.created_at < ?1
                     AND EXISTS (SELECT 1 FROM audit a WHERE a.event = ?2 AND a.object = o.name)";
        self.connection.query(query, values![second, EVENT], |row| row.word("name"))
    }
}

impl Change<'_> {
    /// Adds an account that may create nothing, and its key. Their only audit row names both.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the name or the key is in use.
    pub fn add_temporary_account(&self, name: &Owner, key: &PublicKey, title: &Title) -> Result<(), ChangeError> {
        let query = "INSERT INTO owner (name, folded, kind, may_create, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.check_free(name)?;
        self.connection
            .execute(query, values![name.as_str(), &name.folded(), OwnerKind::User.as_str(), false, self.now])?;
        let new = NewKey { key, title, scope: Scope::Read, expires_at: None, sources: None };
        self.insert_key(Some(self.owner(name)?.id), None, &new)?;
        self.audit(EVENT, name.as_str(), &json!({ "key": key.fingerprint().to_string() }))
    }

    /// Deletes the rows of a temporary account and of its keys. Its audit rows stay. Returns the keys.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if there is no such account.
    pub fn erase_temporary_account(&self, name: &Owner) -> Result<Vec<Fingerprint>, ChangeError> {
        if !self.temporary_accounts(i64::MAX)?.contains(name) {
            return Err(ChangeError::NotFound(format!("temporary account {name}")));
        }
        let id = self.owner(name)?.id;
        let keys = "SELECT fingerprint FROM key WHERE owner_id = ?1";
        let keys =
            self.connection.query(keys, values![id], |row| row.get("fingerprint").map(Fingerprint::from_bytes))?;
        for statement in ["DELETE FROM key WHERE owner_id = ?1", "DELETE FROM owner WHERE id = ?1"] {
            self.connection.execute(statement, values![id])?;
        }
        self.audit("doctor.logout", name.as_str(), &json!({}))?;
        Ok(keys)
    }
}
