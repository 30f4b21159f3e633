//! Keys of accounts and deploy keys of repositories.

use serde_json::json;

use super::holder::Holder;
use super::list::{Each, Period};
use super::{Change, ChangeError};
use crate::access::{Removal, Scope, Sources};
use crate::db::engine::{Row, Value, values};
use crate::db::{Error, View};
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::{Owner, RepoPath, Title, fold};

/// The row of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// SHA-256 of the blob.
    pub fingerprint: Fingerprint,
    /// The account or repository.
    pub holder: Holder,
    /// The type.
    pub key_type: KeyType,
    /// The title.
    pub title: Title,
    /// The scope.
    pub scope: Scope,
    /// The addresses from which the key may be used, as written; `None` for all addresses.
    pub sources: Option<String>,
    /// Seconds UTC since 1970.
    pub added_at: i64,
    /// The first second in which the key is expired.
    pub expires_at: Option<i64>,
    /// How the key was removed; `None` if it was not.
    pub removal: Option<Removal>,
    /// The time of the removal.
    pub removed_at: Option<i64>,
}

/// A key to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey<'a> {
    /// The key.
    pub key: &'a PublicKey,
    /// The title.
    pub title: &'a Title,
    /// The scope.
    pub scope: Scope,
    /// The first second in which the key is expired.
    pub expires_at: Option<i64>,
    /// The addresses from which the key may be used.
    pub sources: Option<&'a Sources>,
}

/// The row of an account or a repository, as the holder of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderId {
    /// A user.
    Account(i64),
    /// A repository with deploy keys.
    Repository(i64),
}

/// Which keys of a list are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyRange {
    /// Only the keys behind this key of the list.
    pub after: Option<Fingerprint>,
    /// Only keys that were not removed and that expire in this period.
    pub ending: Option<Period>,
}

const COLUMNS: &str =
    "SELECT k.fingerprint, u.name AS user, o.name AS owner, r.kind, r.name AS repository, k.type, k.title,
    k.scope, k.sources, k.added_at, k.expires_at, k.removal, k.removed_at
    FROM key k LEFT JOIN owner u ON u.id = k.owner_id
    LEFT JOIN repository r ON r.id = k.repository_id LEFT JOIN owner o ON o.id = r.owner_id";

/// The keys of all users behind the user `?1` and that user's key with these columns.
pub(super) const OF_ALL_USERS: &str =
    "u.folded >= ?1 AND (u.folded > ?1 OR (k.added_at, k.title, k.fingerprint) > (?2, ?3, ?4))";

/// The statement of a list of keys.
pub(super) fn statement(filter: &str, ending: &str, order: &str) -> String {
    format!("{COLUMNS} WHERE {filter} {ending} ORDER BY {order}k.added_at, k.title, k.fingerprint")
}

/// The statement of [`View::keys_with_title`].
pub(super) fn with_title() -> String {
    format!("{COLUMNS} WHERE k.owner_id = ?1 AND k.title = ?2 AND k.removal IS NULL")
}

fn key_row(row: &Row<'_>) -> Result<KeyRow, Error> {
    let holder = match row.optional_word("user")? {
        Some(user) => Holder::Account(user),
        None => Holder::Repository(RepoPath {
            kind: row.word("kind")?,
            owner: row.word("owner")?,
            name: row.word("repository")?,
        }),
    };
    Ok(KeyRow {
        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
        holder,
        key_type: row.word("type")?,
        title: row.word("title")?,
        scope: row.word("scope")?,
        sources: row.get("sources")?,
        added_at: row.get("added_at")?,
        expires_at: row.get("expires_at")?,
        removal: row.optional_word("removal")?,
        removed_at: row.get("removed_at")?,
    })
}

fn no_key(fingerprint: &Fingerprint) -> ChangeError {
    ChangeError::NotFound(format!("key {fingerprint} here"))
}

impl View<'_> {
    /// The keys of a user, or of a repository if they are deploy keys: oldest first, removed keys included.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if [`KeyRange::after`] is no key of this list, or the database's. So the list of an
    /// account does not tell which keys others have.
    pub fn keys_of(&self, holder: HolderId, range: &KeyRange, each: Each<'_, KeyRow>) -> Result<(), ChangeError> {
        let (column, id) = match holder {
            HolderId::Account(id) => ("owner_id", id),
            HolderId::Repository(id) => ("repository_id", id),
        };
        let filter = format!("k.{column} = ?1 AND (k.added_at, k.title, k.fingerprint) > (?2, ?3, ?4)");
        let of_holder = format!("k.{column} = ?2");
        let after = self.key_after(range, &of_holder, Some(id))?;
        self.keys_by(&filter, "", Value::Integer(id), after.as_ref(), range, each)
    }

    /// The keys of all users, by user and then as in [`Self::keys_of`].
    ///
    /// # Errors
    /// As [`Self::keys_of`].
    pub fn keys(&self, range: &KeyRange, each: Each<'_, KeyRow>) -> Result<(), ChangeError> {
        let after = self.key_after(range, "u.folded IS NOT NULL", None)?;
        let user = after.as_ref().map(|key| key.holder.to_string()).unwrap_or_default();
        self.keys_by(OF_ALL_USERS, "u.folded, ", Value::Text(&fold(&user)), after.as_ref(), range, each)
    }

    /// The key behind which a list begins, if the list has this key.
    fn key_after(&self, range: &KeyRange, filter: &str, holder: Option<i64>) -> Result<Option<KeyRow>, ChangeError> {
        let Some(fingerprint) = &range.after else { return Ok(None) };
        let query = format!("{COLUMNS} WHERE k.fingerprint = ?1 AND {filter}");
        let values = values![fingerprint.as_bytes(), holder];
        let values = values.get(..1 + usize::from(holder.is_some())).unwrap_or_default();
        let key = self.connection.first(&query, values, key_row)?;
        key.map(Some).ok_or_else(|| no_key(fingerprint))
    }

    fn keys_by(
        &self,
        filter: &str,
        order: &str,
        first: Value<'_>,
        after: Option<&KeyRow>,
        range: &KeyRange,
        each: Each<'_, KeyRow>,
    ) -> Result<(), ChangeError> {
        let (added_at, title, fingerprint): (_, _, &[u8]) =
            after.map_or((i64::MIN, "", &[]), |key| (key.added_at, key.title.as_str(), key.fingerprint.as_bytes()));
        let period = range.ending.unwrap_or_default();
        let ending = if range.ending.is_some() {
            "AND k.removal IS NULL AND k.expires_at > ?5 AND k.expires_at <= ?6"
        } else {
            ""
        };
        let query = statement(filter, ending, order);
        let values = values![first, added_at, title, fingerprint, period.after, period.until];
        let used = if range.ending.is_some() { values.len() } else { 4 };
        let values = values.get(..used).unwrap_or_default();
        Ok(self.connection.each(&query, values, |row| Ok(each(key_row(row)?)))?)
    }

    /// The number of a user's keys that were not removed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn key_count(&self, owner: i64) -> Result<i64, Error> {
        let query = "SELECT count(*) AS number FROM key WHERE owner_id = ?1 AND removal IS NULL";
        self.connection.number(query, values![owner])
    }

    /// The keys of a user, given by its row, that have this title and were not removed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn keys_with_title(&self, owner: i64, title: &Title) -> Result<Vec<KeyRow>, Error> {
        self.connection.query(&with_title(), values![owner, title.as_str()], key_row)
    }

    /// The key with this fingerprint, removed or not; `None` if the hub never had it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn find_key(&self, fingerprint: &Fingerprint) -> Result<Option<KeyRow>, Error> {
        let query = format!("{COLUMNS} WHERE k.fingerprint = ?1");
        self.connection.first(&query, values![fingerprint.as_bytes()], key_row)
    }

    /// The key with this fingerprint, removed or not.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn key(&self, fingerprint: &Fingerprint) -> Result<KeyRow, ChangeError> {
        self.find_key(fingerprint)?.ok_or_else(|| no_key(fingerprint))
    }

    /// The whole key with this fingerprint.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn public_key(&self, fingerprint: &Fingerprint) -> Result<PublicKey, ChangeError> {
        let key = self.key(fingerprint)?;
        let query = "SELECT blob FROM key WHERE fingerprint = ?1";
        let whole = self.connection.first(query, values![fingerprint.as_bytes()], |row| row.get("blob"))?;
        let whole = whole.and_then(|blob| PublicKey::from_blob(key.key_type, blob).ok());
        whole.ok_or_else(|| ChangeError::Database(Error::Value("blob".to_owned())))
    }
}

impl Change<'_> {
    /// Adds a key to a user's account. A removed key may be added again, unless it was compromised.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the key is in use or was compromised.
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

    /// Adds a deploy key, which opens only one repository.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the key is in use or was compromised.
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

    pub(super) fn insert_key(
        &self,
        user: Option<i64>,
        repository: Option<i64>,
        new: &NewKey<'_>,
    ) -> Result<(), ChangeError> {
        let fingerprint = new.key.fingerprint();
        match self.find_key(&fingerprint)? {
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
        // The owner of such a key could sign a certificate for any member.
        let query = "SELECT 1 FROM authority WHERE fingerprint = ?1 AND (removed_at IS NULL OR removed_at > ?2)";
        if self.connection.first(query, values![fingerprint.as_bytes(), self.now], |_| Ok(()))?.is_some() {
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
            values![
                fingerprint.as_bytes(),
                user,
                repository,
                new.key.key_type().as_str(),
                new.key.blob(),
                new.title.as_str(),
                new.scope.as_str(),
                new.sources.map(ToString::to_string).as_ref(),
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
        self.connection.execute(query, values![fingerprint.as_bytes(), title.as_str()])?;
        let detail = json!({ "before": key.title.as_str(), "after": title.as_str() });
        self.audit("key.rename", &fingerprint.to_string(), &detail)
    }

    /// Removes a key. A compromised key cannot come back. A removed key may still be marked as compromised.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if the hub never had the key.
    pub fn remove_key(&self, fingerprint: &Fingerprint, removal: Removal) -> Result<KeyRow, ChangeError> {
        let key = self.key(fingerprint)?;
        match (key.removal, removal) {
            (None, _) | (Some(Removal::Ordinary), Removal::Compromised) => {}
            (Some(before), _) => {
                return Err(ChangeError::Conflict(format!("the key {fingerprint} was removed before ({before})")));
            }
        }
        let query = "UPDATE key SET removal = ?2, removed_at = ?3 WHERE fingerprint = ?1";
        self.connection.execute(query, values![fingerprint.as_bytes(), removal.as_str(), self.now])?;
        let detail = json!({ "holder": key.holder.to_string(), "title": key.title.as_str(), "removal": removal.as_str(),
            "before": key.removal.map(Removal::as_str) });
        self.audit("key.remove", &fingerprint.to_string(), &detail)?;
        Ok(key)
    }
}
