//! Invitations: a one-time code with which a person adds a key to an account.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::key::{KeyRow, NewKey};
use super::{Change, ChangeError};
use crate::access::Scope;
use crate::db::engine::values;
use crate::db::{Error, View};
use crate::key::PublicKey;
use crate::name::{Owner, Title};

/// The code of an invitation: 128 random bits, as 32 hexadecimal digits. The database has only its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Makes a code.
    ///
    /// # Errors
    /// If the kernel has no random numbers.
    pub fn random() -> std::io::Result<Self> {
        crate::random::bytes().map(|bytes| Self(format!("{:032x}", u128::from_le_bytes(bytes))))
    }

    /// Reads a code in lower or upper case; `None` if the text is not a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The text for the person.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl View<'_> {
    /// The user that a code invites at a second. `None` if the code is wrong, used or expired.
    ///
    /// # Errors
    /// [`Error`].
    pub fn invited(&self, code: &Code, now: i64) -> Result<Option<Owner>, Error> {
        let query = "SELECT o.name FROM invite i JOIN owner o ON o.id = i.user_id
                     WHERE i.code = ?1 AND i.used_at IS NULL AND i.expires_at > ?2
                       AND o.folded IS NOT NULL AND o.disabled IS NULL";
        self.connection.first(query, values![&code.hash(), now], |row| row.word("name"))
    }
}

impl Change<'_> {
    /// Lets the bearer of the code add a key to a user's account before `expires_at`.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn invite(&self, user: &Owner, code: &Code, expires_at: i64) -> Result<(), ChangeError> {
        let user = self.user(user)?;
        self.connection.execute(
            "INSERT INTO invite (code, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
            values![&code.hash(), user.id, self.now, expires_at],
        )?;
        self.audit("user.invite", user.name.as_str(), &json!({ "expires_at": expires_at }))
    }

    /// Adds a key by an invitation, which is then used. `None` if the code is wrong, used or expired.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn join(&self, code: &Code, key: &PublicKey, title: &Title) -> Result<Option<KeyRow>, ChangeError> {
        let Some(user) = self.invited(code, self.now)? else { return Ok(None) };
        let query = "UPDATE invite SET used_at = ?2 WHERE code = ?1";
        self.connection.execute(query, values![&code.hash(), self.now])?;
        let new = NewKey { key, title, scope: Scope::Write, expires_at: None, sources: None };
        self.add_key(&user, &new).map(Some)
    }
}
