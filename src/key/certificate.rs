//! OpenSSH user certificates, as far as a gate must look into them (OpenSSH's PROTOCOL.certkeys).

use ssh_key::certificate::CertType;

use super::error::KeyError;
use super::fingerprint::Fingerprint;
use super::key_type::{KeyType, authorized_keys_words, decode_base64, inner_type};
use super::structure;
use crate::name::Owner;

/// What the name of a certificate's type ends with.
const SUFFIX: &[u8] = b"-cert-v01@openssh.com";

/// A user certificate that sshd offers: it has checked the authority's signature, and no more.
///
/// Holding one tells you that it is a user certificate for exactly one principal, by a key of an admitted type. It does
/// not tell you that anybody here trusts the authority, nor that the certificate is good now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedCertificate {
    words: String,
    key: Fingerprint,
    authority: Fingerprint,
    authority_words: String,
    principal: Owner,
    serial: u64,
    key_id: String,
    validity: (i64, i64),
}

/// Why what sshd offers is no certificate that could open anything. For the log: sshd goes on to the peer's next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadOffer {
    /// Another type, a host's, or bytes that are none.
    #[error("it is no user certificate")]
    Other,
    /// Good for ever.
    #[error("it has no end: sign it with ssh-keygen -V")]
    Endless,
    /// None at all would be a wildcard to OpenSSH before 10.3, and of several nobody could say which was meant.
    #[error("it has {0} principals and not one: sign it with ssh-keygen -n USER")]
    Principals(usize),
    /// A principal that cannot be an account.
    #[error("its principal is no name of an account")]
    Principal,
    /// Signed by a key of a type that is not admitted.
    #[error("its authority is a key of a type that is not admitted")]
    Authority,
    /// For a key that no account could have.
    #[error("its key is none that an account may have: {0}")]
    Key(KeyError),
}

impl OfferedCertificate {
    /// Reads the words `%t` and `%k` of `AuthorizedKeysCommand`.
    ///
    /// # Errors
    /// [`BadOffer`].
    pub fn parse(key_type: &[u8], base64: &[u8]) -> Result<Self, BadOffer> {
        if !key_type.ends_with(SUFFIX) {
            return Err(BadOffer::Other);
        }
        let blob = decode_base64(base64).ok_or(BadOffer::Other)?;
        let certificate = ssh_key::Certificate::from_bytes(&blob)
            .map_err(|_| if is_endless(&blob) { BadOffer::Endless } else { BadOffer::Other })?;
        // `ssh-key` 0.6 reads an Ed25519 key whatever length stands before it: what it read must be what is there.
        if certificate.to_bytes().as_deref() != Ok(blob.as_slice())
            || certificate.algorithm().to_certificate_type().as_bytes() != key_type
            || certificate.cert_type() != CertType::User
        {
            return Err(BadOffer::Other);
        }
        let [principal] = certificate.valid_principals() else {
            return Err(BadOffer::Principals(certificate.valid_principals().len()));
        };
        let bytes = |key: &ssh_key::public::KeyData| ssh_key::PublicKey::from(key.clone()).to_bytes();
        let authority = bytes(certificate.signature_key()).map_err(|_| BadOffer::Authority)?;
        let authority_type = inner_type(&authority).and_then(KeyType::named).ok_or(BadOffer::Authority)?;
        let key = bytes(certificate.public_key()).map_err(|_| BadOffer::Other)?;
        let certified = inner_type(&key).and_then(KeyType::named).ok_or(BadOffer::Key(KeyError::OtherType))?;
        structure::check(certified, &key).map_err(BadOffer::Key)?;
        let second = |time: u64| i64::try_from(time).map_err(|_| BadOffer::Endless);
        let text = |word| std::str::from_utf8(word).map_err(|_| BadOffer::Other);
        Ok(Self {
            words: format!("{} {}", text(key_type)?, text(base64)?),
            key: Fingerprint::of_blob(&key),
            authority: Fingerprint::of_blob(&authority),
            authority_words: authorized_keys_words(authority_type, &authority),
            principal: principal.parse().map_err(|_| BadOffer::Principal)?,
            serial: certificate.serial(),
            key_id: certificate.key_id().to_owned(),
            validity: (second(certificate.valid_after())?, second(certificate.valid_before())?),
        })
    }

    /// `TYPE BASE64`, as sshd offers it.
    #[must_use]
    pub fn words(&self) -> &str {
        &self.words
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

/// Whether the certificate has no end: that is 2^64 - 1, which `ssh-key` does not read.
fn is_endless(blob: &[u8]) -> bool {
    fn field(blob: &[u8]) -> Option<(&[u8], &[u8])> {
        let (length, rest) = blob.split_first_chunk::<4>()?;
        rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
    }
    let end = || -> Option<u64> {
        let (name, mut rest) = field(blob)?;
        let key_fields = match name.strip_suffix(SUFFIX)? {
            b"ssh-ed25519" => 1,
            b"sk-ecdsa-sha2-nistp256" => 3,
            _ => 2,
        };
        // The nonce and the key; a serial number and a type of certificate; key id and principals; the start.
        for _ in 0..=key_fields {
            (_, rest) = field(rest)?;
        }
        rest = rest.get(12..)?;
        for _ in 0..2 {
            (_, rest) = field(rest)?;
        }
        rest.get(8..)?.first_chunk().map(|end| u64::from_be_bytes(*end))
    };
    end() == Some(u64::MAX)
}
