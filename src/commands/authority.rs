//! Certificate authorities of organizations, for the operator.

use serde_json::json;

use super::arguments::Confirmation;
use super::{Refused, Requester};
use crate::key::{Fingerprint, PublicKey};
use crate::name::{Owner, Title};
use crate::report::{Report, authority_table};

/// Accepts certificates of an authority for an organization, valid for at most `max_ttl` seconds.
pub(crate) fn add(
    requester: &mut Requester<'_>,
    organization: &Owner,
    key: &PublicKey,
    max_ttl: i64,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        change.add_authority(organization, key, max_ttl)?;
        let fingerprint = key.fingerprint();
        let text = format!("{organization} accepts certificates of {fingerprint}, valid for at most {max_ttl} s\n");
        let json = json!({
            "organization": organization.as_str(), "fingerprint": fingerprint.to_string(), "max_ttl": max_ttl,
        });
        Ok(Report::new(text, json))
    })
}

/// Lists the authorities of an organization.
pub(crate) fn list(requester: &Requester<'_>, organization: &Owner) -> Result<Report, Refused> {
    requester.read(|_, view| Ok(authority_table(&view.authorities(organization)?)))
}

/// Revokes certificates by serial number or key id.
pub(crate) fn revoke(
    requester: &mut Requester<'_>,
    organization: &Owner,
    certificate: &Title,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        change.revoke_certificate(organization, certificate.as_str())?;
        let json = json!({ "organization": organization.as_str(), "revoked": certificate.as_str() });
        Ok(Report::new(format!("revoked {certificate} of {organization}\n"), json))
    })
}

/// Removes an authority. Its certificates are rejected from then on.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    organization: &Owner,
    fingerprint: &Fingerprint,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        confirmation.require(|| format!("Remove the authority {fingerprint} of {organization}?"))?;
        change.remove_authority(organization, fingerprint)?;
        let json = json!({ "organization": organization.as_str(), "removed": fingerprint.to_string() });
        Ok(Report::new(format!("removed the authority {fingerprint} of {organization}\n"), json))
    })
}
