//! Certificates of an organization's CA: which identity a valid certificate gives, and why one is invalid.

use super::identity::{Account, Identity};
use super::not_admitted::{BadCertificate, NotAdmitted};
use super::{Grant, Role};

/// The CA that signed a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorityFacts {
    /// The row of its organization.
    pub organization: i64,
    /// The longest lifetime of its certificates, in seconds.
    pub max_ttl: i64,
    /// The first second in which it signs nothing any more: it has expired or was removed.
    pub until: Option<i64>,
}

/// What the database says about a certificate's CA and principal, and the lifetime in the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The CA, if an organization has or had it.
    pub authority: Option<AuthorityFacts>,
    /// The principal's account, and the reason if it is disabled.
    pub account: Option<(Account, Option<String>)>,
    /// The principal's membership.
    pub member: Option<Grant<Role>>,
    /// Whether the certificate's serial number or key id was revoked.
    pub revoked: bool,
    /// Whether the certified key was reported as compromised.
    pub compromised: bool,
    /// The first second at which the certificate is valid and the first at which it is not any more, in Unix time.
    pub validity: (i64, i64),
}

impl CertificateFacts {
    /// The first second in which the certificate gives no identity any more.
    #[must_use]
    pub fn until(&self) -> i64 {
        let authority = self.authority.and_then(|authority| authority.until);
        let member = self.member.and_then(|member| member.until);
        [authority, member].into_iter().flatten().fold(self.validity.1, i64::min)
    }
}

/// Returns the identity that a certificate gives. sshd has checked the signature and the principal.
///
/// # Errors
/// Why the certificate is not accepted.
pub fn identify_certificate(certificate: &CertificateFacts, now: i64) -> Result<Identity, NotAdmitted> {
    let bad = |why| Err(NotAdmitted::Certificate(why));
    let Some(AuthorityFacts { organization, max_ttl, until }) = certificate.authority else {
        return bad(BadCertificate::Authority);
    };
    if until.is_some_and(|until| now >= until) {
        return bad(BadCertificate::AuthorityEnded);
    }
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
