//! Certificate authorities of organizations, for the operator.

use serde_json::json;

use super::arguments::{Confirmation, Expiring};
use super::{Output, Refused, Requester};
use crate::clock::now;
use crate::db::{AuthorityRange, OwnerKind};
use crate::key::{Fingerprint, PublicKey};
use crate::name::{Owner, Title};
use crate::report::when::{Expiry, minute};
use crate::report::{Authorities, Report, authority_json};

/// Accepts certificates of an authority for an organization, valid for at most `max_ttl` seconds, until it expires.
pub(crate) fn add(
    requester: &mut Requester<'_>,
    organization: &Owner,
    key: &PublicKey,
    max_ttl: i64,
    expires: Option<Expiry>,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        let row = change.add_authority(organization, key, max_ttl, expires.map(|end| end.0))?;
        let until = row.expires_at.map_or_else(String::new, |end| format!(", until {}", minute(Some(end))));
        let text = format!(
            "{organization} accepts certificates of {}, valid for at most {max_ttl} s{until}\n",
            row.fingerprint
        );
        Ok(Report::new(text, authority_json(&row)))
    })
}

/// Lists the authorities of an organization, or of all organizations.
pub(crate) fn list(
    requester: &Requester<'_>,
    organization: Option<&Owner>,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let range = AuthorityRange { now: now(), after: output.after()?, ending: expiring.period() };
    requester.list(output, &Authorities { of_all: organization.is_none() }, |_, view, each| {
        let organization = organization.map(|name| view.owner_of(OwnerKind::Organization, name)).transpose()?;
        Ok(view.authorities(organization.map(|row| row.id), &range, each)?)
    })
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
