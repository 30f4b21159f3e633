//! Certificates of an organization's authority: what is wrong with one, and who comes by one that is good.

use super::identity::{Account, Identity};
use super::not_admitted::{BadCertificate, NotAdmitted};
use super::{Grant, Role};

/// What the database says of a certificate's authority and principal, and the certificate of its own lifetime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The organization whose authority signed it, and the longest lifetime that it may give, in seconds.
    pub authority: Option<(i64, i64)>,
    /// The principal's account, and why it is disabled, if so.
    pub account: Option<(Account, Option<String>)>,
    /// The principal's membership.
    pub member: Option<Grant<Role>>,
    /// Whether its serial number or key id was taken back.
    pub revoked: bool,
    /// Whether the key that it certifies was reported as compromised.
    pub compromised: bool,
    /// From when and until when it is good, seconds UTC since 1970.
    pub validity: (i64, i64),
}

/// Says who a session by a certificate speaks for. sshd has checked the signature and the principal.
///
/// # Errors
/// Why nobody is admitted.
pub fn identify_certificate(certificate: &CertificateFacts, now: i64) -> Result<Identity, NotAdmitted> {
    let bad = |why| Err(NotAdmitted::Certificate(why));
    let Some((organization, max_ttl)) = certificate.authority else {
        return bad(BadCertificate::Authority);
    };
    let (Some((account, disabled)), Some(_)) = (&certificate.account, Grant::at(certificate.member, now)) else {
        return bad(BadCertificate::Member);
    };
    if let Some(reason) = disabled {
        return Err(NotAdmitted::Disabled(reason.clone()));
    }
    let (start, end) = certificate.validity;
    match certificate {
        CertificateFacts { compromised: true, .. } => bad(BadCertificate::Compromised),
        CertificateFacts { revoked: true, .. } => bad(BadCertificate::Revoked),
        _ if end.saturating_sub(start) > max_ttl => bad(BadCertificate::Lifetime),
        _ if now < start => bad(BadCertificate::NotYet),
        _ if now >= end => bad(BadCertificate::Expired),
        _ => Ok(Identity::Certificate { account: account.clone(), organization }),
    }
}
