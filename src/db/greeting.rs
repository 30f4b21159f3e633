//! What an account is told when one of its keys is greeted.

use super::engine::values;
use super::{Error, View};
use crate::access::{Account, AddedKey, AddedMembership};
use crate::key::Fingerprint;

/// The keys that were added to the account `?1` after the key `?2`, and not before the second `?3`.
const KEYS_ADDED: &str = "
SELECT k.fingerprint, k.title, k.added_at FROM key k
WHERE k.owner_id = ?1 AND k.removal IS NULL AND k.fingerprint <> ?2 AND k.added_at >= ?3
    AND k.added_at > (SELECT added_at FROM key WHERE fingerprint = ?2)";

/// The organizations that the account `?1`, named `?2`, was put into and is a member of, after the key `?4` was added
/// and not before the second `?3`.
const MEMBERSHIPS_ADDED: &str = "
SELECT o.name AS organization, m.role, max(n.at) AS added_at
FROM key k
JOIN audit_about n ON n.name = ?2 AND n.at > k.added_at AND n.at >= ?3
JOIN audit a ON a.id = n.event AND a.event = 'org.add_user'
JOIN owner o ON o.id = coalesce(
    (SELECT id FROM owner WHERE folded = lower(a.object)),
    (SELECT owner_id FROM former_name WHERE folded = lower(a.object)))
JOIN member m ON m.organization_id = o.id AND m.user_id = ?1
WHERE k.fingerprint = ?4
GROUP BY o.id, o.name, m.role";

impl View<'_> {
    /// The keys that were added to an account after one of its keys, and not before the second `since`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn keys_added(&self, account: i64, key: Fingerprint, since: Option<i64>) -> Result<Vec<AddedKey>, Error> {
        self.connection.query(KEYS_ADDED, values![account, key.as_bytes(), since.unwrap_or(0)], |row| {
            let fingerprint = Fingerprint::from_bytes(row.get("fingerprint")?);
            Ok(AddedKey { fingerprint, title: row.word("title")?, added_at: row.get("added_at")? })
        })
    }

    /// The organizations that an account was put into since one of its keys was added, and not before the second
    /// `since`.
    ///
    /// # Errors
    /// [`Error`], also if the schema is older than the index of changes.
    pub fn memberships_added(
        &self,
        account: &Account,
        key: Fingerprint,
        since: Option<i64>,
    ) -> Result<Vec<AddedMembership>, Error> {
        let name = account.name.folded();
        let values = values![account.id, &name, since.unwrap_or(0), key.as_bytes()];
        self.connection.query(MEMBERSHIPS_ADDED, values, |row| {
            Ok(AddedMembership {
                organization: row.word("organization")?,
                role: row.word("role")?,
                added_at: row.get("added_at")?,
            })
        })
    }

    /// How SQLite would run the statements of this file, which may find many rows.
    #[cfg(test)]
    pub(super) fn plans_of_greetings(&self) -> Result<[Vec<String>; 2], Error> {
        Ok([self.connection.plan(KEYS_ADDED)?, self.connection.plan(MEMBERSHIPS_ADDED)?])
    }
}
