//! Certificate authorities of organizations, for the operator.

use serde_json::json;

use super::arguments::Confirmation;
use super::{Output, Refused, Requester};
use crate::db::ChangeError;
use crate::key::{Fingerprint, PublicKey};
use crate::name::{Owner, Title};
use crate::report::{Authorities, Report, authority_json};

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
        let rows = change.authorities(organization)?;
        let added = rows.iter().find(|row| row.fingerprint == fingerprint);
        let json = added.map(|row| authority_json(organization, row)).unwrap_or_default();
        Ok(Report::new(text, json))
    })
}

/// Lists the authorities of an organization.
pub(crate) fn list(
    requester: &Requester<'_>,
    organization: &Owner,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let after: Option<Fingerprint> = output.after()?;
    requester.list(output, &Authorities { organization }, |_, view, each| {
        let rows = view.authorities(organization)?;
        let begin =
            after.map_or(Some(0), |after| rows.iter().position(|row| row.fingerprint == after).map(|at| at + 1));
        let begin = begin.ok_or_else(|| ChangeError::NotFound("such authority to begin behind".to_owned()))?;
        let _ = rows.into_iter().skip(begin).try_for_each(each);
        Ok(())
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
