//! Keys on accounts.

use rusqlite::{Row, params};
use serde_json::json;

use super::store::{Change, ChangeError, Store};
use super::{Error, optional_word, word};
use crate::access::{Removal, Scope};
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::{Owner, Title};

/// A key as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// SHA-256 of the blob.
    pub fingerprint: Fingerprint,
    /// The account that it is on.
    pub owner: Owner,
    /// The type.
    pub key_type: KeyType,
    /// What the person calls it.
    pub title: Title,
    /// What it may be used for.
    pub scope: Scope,
    /// Seconds UTC since 1970.
    pub added_at: i64,
    /// The first second at which it is no longer good.
    pub expires_at: Option<i64>,
    /// Whether and how it was taken off the account.
    pub removal: Option<Removal>,
    /// When.
    pub removed_at: Option<i64>,
}

const COLUMNS: &str = "SELECT k.fingerprint, o.name AS owner, k.type, k.title, k.scope, k.added_at, k.expires_at,
    k.removal, k.removed_at FROM key k JOIN owner o ON o.id = k.owner_id";

fn key_row(row: &Row<'_>) -> Result<KeyRow, Error> {
    Ok(KeyRow {
        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
        owner: word(row, "owner")?,
        key_type: word(row, "type")?,
        title: word(row, "title")?,
        scope: word(row, "scope")?,
        added_at: row.get("added_at")?,
        expires_at: row.get("expires_at")?,
        removal: optional_word(row, "removal")?,
        removed_at: row.get("removed_at")?,
    })
}

fn find(connection: &rusqlite::Connection, fingerprint: &Fingerprint) -> Result<Option<KeyRow>, Error> {
    let query = format!("{COLUMNS} WHERE k.fingerprint = ?1");
    connection.prepare(&query)?.query_and_then(params![fingerprint.as_bytes()], key_row)?.next().transpose()
}

impl Store {
    /// The keys of one user, or of all, oldest first; removed ones among them, with how and when.
    ///
    /// # Errors
    /// [`Error`].
    pub fn keys(&self, owner: Option<i64>) -> Result<Vec<KeyRow>, Error> {
        let query = format!("{COLUMNS} WHERE ?1 IS NULL OR k.owner_id = ?1 ORDER BY o.folded, k.added_at, k.title");
        let by_owner = format!("{COLUMNS} WHERE k.owner_id = ?1 ORDER BY k.added_at, k.title");
        let mut statement = self.connection.prepare(if owner.is_some() { &by_owner } else { &query })?;
        let rows = statement.query_and_then(params![owner], key_row)?;
        rows.collect()
    }

    /// The key of that fingerprint, removed or not.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn key(&self, fingerprint: &Fingerprint) -> Result<KeyRow, ChangeError> {
        find(&self.connection, fingerprint)?.ok_or_else(|| ChangeError::NotFound(format!("key {fingerprint} here")))
    }

    /// The whole key of that fingerprint.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn public_key(&self, fingerprint: &Fingerprint) -> Result<PublicKey, ChangeError> {
        let key = self.key(fingerprint)?;
        let query = "SELECT blob FROM key WHERE fingerprint = ?1";
        let blob = self.connection.query_row(query, params![fingerprint.as_bytes()], |row| row.get(0))?;
        PublicKey::from_blob(key.key_type, blob).map_err(|_| ChangeError::Database(Error::Value("blob".to_owned())))
    }
}

impl Change<'_> {
    /// Puts a key on a user's account. One that was removed in the ordinary course may come back.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the key is in use or was compromised.
    pub fn add_key(
        &self,
        user: &Owner,
        key: &PublicKey,
        title: &Title,
        scope: Scope,
        expires_at: Option<i64>,
    ) -> Result<KeyRow, ChangeError> {
        let user = self.user(user)?;
        let fingerprint = key.fingerprint();
        match find(&self.transaction, &fingerprint)? {
            Some(KeyRow { removal: Some(Removal::Compromised), .. }) => {
                return Err(ChangeError::Conflict(format!(
                    "the key {fingerprint} was removed as compromised and cannot come back: make a new one"
                )));
            }
            Some(KeyRow { removal: None, owner, title, .. }) => {
                return Err(ChangeError::Conflict(format!(
                    "the key {fingerprint} is already in use: it is \"{title}\" of {owner}"
                )));
            }
            Some(KeyRow { removal: Some(Removal::Ordinary), .. }) | None => {}
        }
        self.transaction.execute(
            "INSERT INTO key (fingerprint, owner_id, type, blob, title, scope, added_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (fingerprint) DO UPDATE SET owner_id = excluded.owner_id, title = excluded.title,
                 scope = excluded.scope, added_at = excluded.added_at, expires_at = excluded.expires_at,
                 removal = NULL, removed_at = NULL",
            params![
                fingerprint.as_bytes(),
                user.id,
                key.key_type().as_str(),
                key.blob(),
                title.as_str(),
                scope.as_str(),
                self.now,
                expires_at
            ],
        )?;
        let detail = json!({
            "user": user.name.as_str(), "title": title.as_str(), "scope": scope.as_str(), "expires_at": expires_at,
        });
        self.audit("key.add", &fingerprint.to_string(), &detail)?;
        self.key(&fingerprint)
    }

    fn key(&self, fingerprint: &Fingerprint) -> Result<KeyRow, ChangeError> {
        find(&self.transaction, fingerprint)?.ok_or_else(|| ChangeError::NotFound(format!("key {fingerprint} here")))
    }

    /// Gives a key another title.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn rename_key(&self, fingerprint: &Fingerprint, title: &Title) -> Result<(), ChangeError> {
        let key = self.key(fingerprint)?;
        let query = "UPDATE key SET title = ?2 WHERE fingerprint = ?1";
        self.transaction.execute(query, params![fingerprint.as_bytes(), title.as_str()])?;
        let detail = json!({ "before": key.title.as_str(), "after": title.as_str() });
        self.audit("key.rename", &fingerprint.to_string(), &detail)
    }

    /// Takes a key off its account; as compromised for ever. A removed key may still be marked as compromised.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] where it is on no account.
    pub fn remove_key(&self, fingerprint: &Fingerprint, removal: Removal) -> Result<KeyRow, ChangeError> {
        let key = self.key(fingerprint)?;
        match (key.removal, removal) {
            (None, _) | (Some(Removal::Ordinary), Removal::Compromised) => {}
            (Some(before), _) => {
                return Err(ChangeError::Conflict(format!("the key {fingerprint} was removed before ({before})")));
            }
        }
        let query = "UPDATE key SET removal = ?2, removed_at = ?3 WHERE fingerprint = ?1";
        self.transaction.execute(query, params![fingerprint.as_bytes(), removal.as_str(), self.now])?;
        let detail = json!({ "user": key.owner.as_str(), "title": key.title.as_str(), "removal": removal.as_str() });
        self.audit("key.remove", &fingerprint.to_string(), &detail)?;
        Ok(key)
    }
}
