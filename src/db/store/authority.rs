//! Certificate authorities of organizations, and the certificates that were revoked.

use serde_json::json;

use super::account::OwnerKind;
use super::{Change, ChangeError};
use crate::db::engine::{Row, values};
use crate::db::{Error, View};
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::Owner;

/// The row of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityRow {
    /// SHA-256 of its public key.
    pub fingerprint: Fingerprint,
    /// The type of its key.
    pub key_type: KeyType,
    /// The longest validity of a certificate, in seconds.
    pub max_ttl: i64,
    /// Seconds UTC since 1970.
    pub added_at: i64,
}

fn authority_row(row: &Row<'_>) -> Result<AuthorityRow, Error> {
    Ok(AuthorityRow {
        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
        key_type: row.word("type")?,
        max_ttl: row.get("max_ttl")?,
        added_at: row.get("added_at")?,
    })
}

impl View<'_> {
    /// The authorities of an organization, oldest first.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn authorities(&self, organization: &Owner) -> Result<Vec<AuthorityRow>, ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let query = "SELECT fingerprint, type, max_ttl, added_at FROM authority
                     WHERE organization_id = ?1 AND removed_at IS NULL ORDER BY added_at";
        Ok(self.connection.query(query, values![organization.id], authority_row)?)
    }
}

impl Change<'_> {
    /// Lets an organization sign certificates for its members.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the key is an authority already, or a key of an account or repository.
    pub fn add_authority(&self, organization: &Owner, key: &PublicKey, max_ttl: i64) -> Result<(), ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let fingerprint = key.fingerprint();
        let done = self.connection.execute(
            "INSERT INTO authority (fingerprint, organization_id, type, blob, max_ttl, added_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE NOT EXISTS (SELECT 1 FROM key WHERE fingerprint = ?1)
             ON CONFLICT (fingerprint) DO UPDATE SET organization_id = excluded.organization_id,
                 max_ttl = excluded.max_ttl, added_at = excluded.added_at, removed_at = NULL
                 WHERE authority.removed_at IS NOT NULL",
            values![fingerprint.as_bytes(), organization.id, key.key_type().as_str(), key.blob(), max_ttl, self.now],
        )?;
        if done == 0 {
            return Err(ChangeError::Conflict(format!("the key {fingerprint} is already in use")));
        }
        let detail = json!({ "fingerprint": fingerprint.to_string(), "max_ttl": max_ttl });
        self.audit("org.add_authority", organization.name.as_str(), &detail)
    }

    /// Revokes certificates of every authority of an organization, by serial number or key id.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if the organization has no authority.
    pub fn revoke_certificate(&self, organization: &Owner, what: &str) -> Result<(), ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let done = self.connection.execute(
            "INSERT INTO revocation (authority, what, at)
             SELECT fingerprint, ?2, ?3 FROM authority WHERE organization_id = ?1
             ON CONFLICT (authority, what) DO NOTHING",
            values![organization.id, what, self.now],
        )?;
        if done == 0 {
            return Err(ChangeError::NotFound(format!("authority of {} that has not revoked it", organization.name)));
        }
        self.audit("org.revoke_certificate", organization.name.as_str(), &json!({ "what": what }))
    }

    /// Removes an authority. Its certificates are no longer valid.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`].
    pub fn remove_authority(&self, organization: &Owner, fingerprint: &Fingerprint) -> Result<(), ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let query = "UPDATE authority SET removed_at = ?3
                     WHERE fingerprint = ?1 AND organization_id = ?2 AND removed_at IS NULL";
        if self.connection.execute(query, values![fingerprint.as_bytes(), organization.id, self.now])? == 0 {
            return Err(ChangeError::NotFound(format!("authority {fingerprint} of {}", organization.name)));
        }
        let detail = json!({ "fingerprint": fingerprint.to_string() });
        self.audit("org.remove_authority", organization.name.as_str(), &detail)
    }
}
