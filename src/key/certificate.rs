//! OpenSSH user certificates, as far as a gate must look into them (OpenSSH's PROTOCOL.certkeys).

use base64ct::{Base64, Encoding};
use ssh_key::certificate::CertType;

use super::{Fingerprint, KeyType, authorized_keys_words};
use crate::name::Owner;

/// What the name of a certificate's type ends with.
const SUFFIX: &[u8] = b"-cert-v01@openssh.com";

/// A user certificate that sshd offers: it has checked the authority's signature, and no more.
///
/// Holding one tells you that it is a user certificate for exactly one principal, by a key of an admitted type. It does
/// not tell you that anybody here trusts the authority, nor that the certificate is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedCertificate {
    key: Fingerprint,
    authority: Fingerprint,
    authority_words: String,
    principal: Owner,
    serial: u64,
    key_id: String,
    validity: (i64, i64),
}

impl OfferedCertificate {
    /// Reads the words `%t` and `%k` of `AuthorizedKeysCommand`; `None` where they are no such certificate.
    #[must_use]
    pub fn parse(key_type: &[u8], base64: &[u8]) -> Option<Self> {
        if !key_type.ends_with(SUFFIX) {
            return None;
        }
        let blob = Base64::decode_vec(std::str::from_utf8(base64).ok()?).ok()?;
        let certificate = ssh_key::Certificate::from_bytes(&blob).ok()?;
        // `ssh-key` 0.6 reads an Ed25519 key whatever length stands before it: what it read must be what is there.
        if certificate.to_bytes().as_deref() != Ok(blob.as_slice()) {
            return None;
        }
        if certificate.algorithm().to_certificate_type().as_bytes() != key_type
            || certificate.cert_type() != CertType::User
        {
            return None;
        }
        // None at all would be a wildcard to OpenSSH before 10.3, and of several nobody could say which was meant.
        let [principal] = certificate.valid_principals() else { return None };
        let authority = ssh_key::PublicKey::from(certificate.signature_key().clone()).to_bytes().ok()?;
        let key = ssh_key::PublicKey::from(certificate.public_key().clone()).to_bytes().ok()?;
        let authority_type = super::inner_type(&authority).and_then(KeyType::named)?;
        // "For ever" is 2^64 - 1, which `ssh-key` does not read: longer than any authority here may sign for.
        let second = |time: u64| i64::try_from(time).ok();
        Some(Self {
            key: Fingerprint::of_blob(&key),
            authority: Fingerprint::of_blob(&authority),
            authority_words: authorized_keys_words(authority_type, &authority),
            principal: principal.parse().ok()?,
            serial: certificate.serial(),
            key_id: certificate.key_id().to_owned(),
            validity: (second(certificate.valid_after())?, second(certificate.valid_before())?),
        })
    }

    /// The key that it certifies.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        self.key
    }

    /// The key of the authority that signed it.
    #[must_use]
    pub fn authority(&self) -> Fingerprint {
        self.authority
    }

    /// `TYPE BASE64` of the authority's key, for a `cert-authority` line.
    #[must_use]
    pub fn authority_words(&self) -> &str {
        &self.authority_words
    }

    /// For whom it was made.
    #[must_use]
    pub fn principal(&self) -> &Owner {
        &self.principal
    }

    /// Its serial number.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// What the authority calls it; any text.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The first second at which it is good, and the first at which it no longer is, since 1970.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        self.validity
    }
}
