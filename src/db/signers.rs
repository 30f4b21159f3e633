//! What a push asks about the keys that signed its commits.

use super::engine::values;
use super::{Error, View};
use crate::access::SignerFacts;
use crate::key::Fingerprint;

impl View<'_> {
    /// The account of a key that was not removed, unless the account is disabled. A deploy key is on no account.
    ///
    /// # Errors
    /// [`Error`].
    pub fn signer(&self, fingerprint: &Fingerprint) -> Result<Option<SignerFacts>, Error> {
        let query = "SELECT u.id, k.scope, k.expires_at FROM key k JOIN owner u ON u.id = k.owner_id
                     WHERE k.fingerprint = ?1 AND k.removal IS NULL AND u.folded IS NOT NULL AND u.disabled IS NULL";
        self.connection.first(query, values![fingerprint.as_bytes()], |row| {
            Ok(SignerFacts { account: row.get("id")?, scope: row.word("scope")?, expires_at: row.get("expires_at")? })
        })
    }
}
