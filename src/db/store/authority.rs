//! Certificate authorities of organizations, and the certificates that were revoked.

use serde_json::json;

use super::account::OwnerKind;
use super::list::{Each, Period};
use super::{Change, ChangeError};
use crate::db::engine::{Row, values};
use crate::db::{Error, View};
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::Owner;

/// The row of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityRow {
    /// The organization.
    pub organization: Owner,
    /// SHA-256 of its public key.
    pub fingerprint: Fingerprint,
    /// The type of its key.
    pub key_type: KeyType,
    /// The longest validity of a certificate, in seconds.
    pub max_ttl: i64,
    /// Seconds UTC since 1970.
    pub added_at: i64,
    /// The first second in which it is expired.
    pub expires_at: Option<i64>,
}

/// Which authorities of a list are wanted.
#[derive(Debug, Clone, Copy)]
pub struct AuthorityRange {
    /// The second at which they sign.
    pub now: i64,
    /// Only the authorities behind this authority of the list.
    pub after: Option<Fingerprint>,
    /// Only authorities that expire in this period.
    pub ending: Option<Period>,
}

const COLUMNS: &str = "SELECT o.name AS organization, a.fingerprint, a.type, a.max_ttl, a.added_at, a.removed_at,
    o.folded FROM authority a JOIN owner o ON o.id = a.organization_id";

fn authority_row(row: &Row<'_>) -> Result<AuthorityRow, Error> {
    Ok(AuthorityRow {
        organization: row.word("organization")?,
        fingerprint: Fingerprint::from_bytes(row.get("fingerprint")?),
        key_type: row.word("type")?,
        max_ttl: row.get("max_ttl")?,
        added_at: row.get("added_at")?,
        expires_at: row.get("removed_at")?,
    })
}

impl View<'_> {
    /// The authorities of an organization, given by its row, or of all organizations, by organization and then oldest
    /// first. Those that have expired or were removed are left out.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if [`AuthorityRange::after`] is no authority of this list, or the database's.
    pub fn authorities(
        &self,
        organization: Option<i64>,
        range: &AuthorityRange,
        each: Each<'_, AuthorityRow>,
    ) -> Result<(), ChangeError> {
        let listed = "a.organization_id BETWEEN ?1 AND ?2 AND (a.removed_at IS NULL OR a.removed_at > ?3)";
        let (first, last) = organization.map_or((i64::MIN, i64::MAX), |id| (id, id));
        let (mut folded, mut added_at) = (String::new(), i64::MIN);
        if let Some(after) = &range.after {
            let query = format!("{COLUMNS} WHERE a.fingerprint = ?4 AND {listed}");
            let values = values![first, last, range.now, after.as_bytes()];
            let position = |row: &Row<'_>| Ok::<_, Error>((row.get("folded")?, row.get("added_at")?));
            let row: Option<(Option<String>, i64)> = self.connection.first(&query, values, position)?;
            let row = row.ok_or_else(|| ChangeError::NotFound(format!("authority {after} in this list")))?;
            (folded, added_at) = (row.0.unwrap_or_default(), row.1);
        }
        let fingerprint: &[u8] = range.after.as_ref().map_or(&[], |after| after.as_bytes());
        let ending = if range.ending.is_some() { "AND a.removed_at > ?7 AND a.removed_at <= ?8" } else { "" };
        let query = format!(
            "{COLUMNS} WHERE {listed} AND (o.folded, a.added_at, a.fingerprint) > (?4, ?5, ?6) {ending}
             ORDER BY o.folded, a.added_at, a.fingerprint"
        );
        let period = range.ending.unwrap_or_default();
        let values = values![first, last, range.now, &folded, added_at, fingerprint, period.after, period.until];
        let used = if range.ending.is_some() { values.len() } else { 6 };
        let values = values.get(..used).unwrap_or_default();
        Ok(self.connection.each(&query, values, |row| Ok(each(authority_row(row)?)))?)
    }
}

impl Change<'_> {
    /// Lets an organization sign certificates for its members, before `expires_at`.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the key is an authority already, or a key of an account or repository.
    pub fn add_authority(
        &self,
        organization: &Owner,
        key: &PublicKey,
        max_ttl: i64,
        expires_at: Option<i64>,
    ) -> Result<AuthorityRow, ChangeError> {
        let organization = self.owner_of(OwnerKind::Organization, organization)?;
        let fingerprint = key.fingerprint();
        let done = self.connection.execute(
            "INSERT INTO authority (fingerprint, organization_id, type, blob, max_ttl, added_at, removed_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE NOT EXISTS (SELECT 1 FROM key WHERE fingerprint = ?1)
             ON CONFLICT (fingerprint) DO UPDATE SET organization_id = excluded.organization_id,
                 max_ttl = excluded.max_ttl, added_at = excluded.added_at,
                 removed_at = excluded.removed_at
                 WHERE authority.removed_at <= excluded.added_at",
            values![
                fingerprint.as_bytes(),
                organization.id,
                key.key_type().as_str(),
                key.blob(),
                max_ttl,
                self.now,
                expires_at
            ],
        )?;
        if done == 0 {
            return Err(ChangeError::Conflict(format!("the key {fingerprint} is already in use")));
        }
        let detail = json!({ "fingerprint": fingerprint.to_string(), "max_ttl": max_ttl, "expires_at": expires_at });
        self.audit("org.add_authority", organization.name.as_str(), &detail)?;
        Ok(AuthorityRow {
            organization: organization.name,
            fingerprint,
            key_type: key.key_type(),
            max_ttl,
            added_at: self.now,
            expires_at,
        })
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
                     WHERE fingerprint = ?1 AND organization_id = ?2 AND (removed_at IS NULL OR removed_at > ?3)";
        if self.connection.execute(query, values![fingerprint.as_bytes(), organization.id, self.now])? == 0 {
            return Err(ChangeError::NotFound(format!("authority {fingerprint} of {}", organization.name)));
        }
        let detail = json!({ "fingerprint": fingerprint.to_string() });
        self.audit("org.remove_authority", organization.name.as_str(), &detail)
    }
}
