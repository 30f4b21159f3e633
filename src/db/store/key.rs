//! Keys on accounts.

use rusqlite::{Row, params};
use serde_json::json;

use super::holder::Holder;
use super::{Change, ChangeError};
use crate::access::{Removal, Scope, Sources};
use crate::db::{Error, View, optional_word, word};
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::{Owner, RepoPath, Title};

/// A key as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// SHA-256 of the blob.
    pub fingerprint: Fingerprint,
    /// What it opens.
    pub holder: Holder,
    /// The type.
    pub key_type: KeyType,
    /// What the person calls it.
    pub title: Title,
    /// What it may be used for.
    pub scope: Scope,
    /// The addresses that it may be used from, as written; `None` is anywhere.
    pub sources: Option<String>,
    /// Seconds UTC since 1970.
    pub added_at: i64,
    /// The first second at which it is no longer good.
    pub expires_at: Option<i64>,
    /// Whether and how it was taken off the account.
    pub removal: Option<Removal>,
    /// When.
    pub removed_at: Option<i64>,
}

/// What a key that is put on an account or a repository is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// What the person calls it.
    pub title: &'a Title,
    /// What it may be used for.
    pub scope: Scope,
    /// The first second at which it is no longer good.
    pub expires_at: Option<i64>,
    /// The addresses that it may be used from.
    pub sources: Option<&'a Sources>,
}

const COLUMNS: &str =
    "SELECT k.fingerprint, u.name AS user, o.name AS owner, r.kind, r.name AS repository, k.type, k.title,
    k.scope, k.sources, k.added_at, k.expires_at, k.removal, k.removed_at
    FROM key k LEFT JOIN owner u ON u.id = k.owner_id
    LEFT JOIN repository r ON r.id = k.repository_id LEFT JOIN owner o ON o.id = r.owner_id";

fn key_row(row: &Row<'_>) -> Result<KeyRow, Error> {
    let holder = match optional_word(row, "user")? {
        Some(user) => Holder::Account(user),
        None => Holder::Repository(RepoPath {
            kind: word(row, "kind")?,
            owner: word(row, "owner")?,
            name: word(row, "repository")?,
        }),
    };
    Ok(KeyRow {
        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
        holder,
        key_type: word(row, "type")?,
        title: word(row, "title")?,
        scope: word(row, "scope")?,
        sources: row.get("sources")?,
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

impl View<'_> {
    /// The keys of one user, or of all, oldest first; removed ones among them, with how and when.
    ///
    /// # Errors
    /// [`Error`].
    pub fn keys(&self, owner: Option<i64>) -> Result<Vec<KeyRow>, Error> {
        let filter = if owner.is_some() { "k.owner_id = ?1" } else { "?1 IS NULL AND k.owner_id IS NOT NULL" };
        let query = format!("{COLUMNS} WHERE {filter} ORDER BY u.folded, k.added_at, k.title");
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_and_then(params![owner], key_row)?;
        rows.collect()
    }

    /// The deploy keys of one repository, oldest first; removed ones among them.
    ///
    /// # Errors
    /// [`Error`].
    pub fn deploy_keys(&self, repository: i64) -> Result<Vec<KeyRow>, Error> {
        let query = format!("{COLUMNS} WHERE k.repository_id = ?1 ORDER BY k.added_at, k.title");
        let mut statement = self.connection.prepare(&query)?;
        let rows = statement.query_and_then(params![repository], key_row)?;
        rows.collect()
    }

    /// The key of that fingerprint, removed or not, if it was ever here.
    ///
    /// # Errors
    /// [`Error`].
    pub fn find_key(&self, fingerprint: &Fingerprint) -> Result<Option<KeyRow>, Error> {
        find(self.connection, fingerprint)
    }

    /// The key of that fingerprint, removed or not.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn key(&self, fingerprint: &Fingerprint) -> Result<KeyRow, ChangeError> {
        find(self.connection, fingerprint)?.ok_or_else(|| ChangeError::NotFound(format!("key {fingerprint} here")))
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
    pub fn add_key(&self, user: &Owner, new: &NewKey<'_>) -> Result<KeyRow, ChangeError> {
        let user = self.user(user)?;
        self.insert_key(Some(user.id), None, new)?;
        let detail = json!({
            "user": user.name.as_str(), "title": new.title.as_str(), "scope": new.scope.as_str(),
            "expires_at": new.expires_at, "sources": new.sources.map(ToString::to_string),
        });
        let fingerprint = new.key.fingerprint();
        self.audit("key.add", &fingerprint.to_string(), &detail)?;
        self.key(&fingerprint)
    }

    /// Lets a key into one repository, and into that alone.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] where the key is in use or was compromised.
    pub fn add_deploy_key(&self, path: &RepoPath, new: &NewKey<'_>) -> Result<KeyRow, ChangeError> {
        let repository = self.repository(path)?;
        self.insert_key(None, Some(repository.id), new)?;
        let detail = json!({
            "repository": repository.path.to_string(), "title": new.title.as_str(), "scope": new.scope.as_str(),
            "expires_at": new.expires_at,
        });
        let fingerprint = new.key.fingerprint();
        self.audit("deploy_key.add", &fingerprint.to_string(), &detail)?;
        self.key(&fingerprint)
    }

    fn insert_key(&self, user: Option<i64>, repository: Option<i64>, new: &NewKey<'_>) -> Result<(), ChangeError> {
        let fingerprint = new.key.fingerprint();
        match find(self.connection, &fingerprint)? {
            Some(KeyRow { removal: Some(Removal::Compromised), .. }) => {
                return Err(ChangeError::Conflict(format!(
                    "the key {fingerprint} was removed as compromised and cannot come back: make a new one"
                )));
            }
            Some(KeyRow { removal: None, holder, title, .. }) => {
                return Err(ChangeError::KeyInUse { fingerprint, holder, title });
            }
            Some(KeyRow { removal: Some(Removal::Ordinary), .. }) | None => {}
        }
        // Whoever holds it could sign a certificate for everybody; so it is nobody's own.
        let query = "SELECT 1 FROM authority WHERE fingerprint = ?1 AND removed_at IS NULL";
        if self.connection.prepare(query)?.exists(params![fingerprint.as_bytes()])? {
            return Err(ChangeError::Conflict(format!(
                "the key {fingerprint} is already in use: it signs the certificates of an organization"
            )));
        }
        self.connection.execute(
            "INSERT INTO key (fingerprint, owner_id, repository_id, type, blob, title, scope, sources, added_at,
                              expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (fingerprint) DO UPDATE SET owner_id = excluded.owner_id,
                 repository_id = excluded.repository_id, title = excluded.title, scope = excluded.scope,
                 sources = excluded.sources, added_at = excluded.added_at, expires_at = excluded.expires_at,
                 removal = NULL, removed_at = NULL",
            params![
                fingerprint.as_bytes(),
                user,
                repository,
                new.key.key_type().as_str(),
                new.key.blob(),
                new.title.as_str(),
                new.scope.as_str(),
                new.sources.map(ToString::to_string),
                self.now,
                new.expires_at
            ],
        )?;
        Ok(())
    }

    /// Gives a key another title.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn rename_key(&self, fingerprint: &Fingerprint, title: &Title) -> Result<(), ChangeError> {
        let key = self.key(fingerprint)?;
        let query = "UPDATE key SET title = ?2 WHERE fingerprint = ?1";
        self.connection.execute(query, params![fingerprint.as_bytes(), title.as_str()])?;
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
        self.connection.execute(query, params![fingerprint.as_bytes(), removal.as_str(), self.now])?;
        let detail = json!({ "holder": key.holder.to_string(), "title": key.title.as_str(), "removal": removal.as_str(),
            "before": key.removal.map(Removal::as_str) });
        self.audit("key.remove", &fingerprint.to_string(), &detail)?;
        Ok(key)
    }
}
