//! OpenSSH user certificates, as far as hubgate reads them (OpenSSH's PROTOCOL.certkeys).

use ssh_key::certificate::CertType;

use super::error::KeyError;
use super::fingerprint::Fingerprint;
use super::key_type::{KeyType, authorized_keys_words, decode_base64, inner_type};
use super::structure;
use crate::name::Owner;

/// The end of the name of every certificate type.
const SUFFIX: &[u8] = b"-cert-v01@openssh.com";

/// A user certificate that sshd offers. sshd has checked the CA's signature and nothing else.
///
/// Holding one tells you that it is a user certificate for exactly one principal and for a key of an accepted type. It
/// does not tell you that an organization trusts the CA, nor that the certificate is valid now.
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

/// Why a certificate is skipped. Only the log shows it, because sshd goes on to the peer's next key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadOffer {
    /// Another type of key, a host certificate, or bytes that are not a certificate.
    #[error("it is not a user certificate")]
    Other,
    /// It never expires.
    #[error("it never expires: sign it with ssh-keygen -V")]
    Endless,
    /// Before OpenSSH 10.3, a certificate without a principal is valid for every account. With several principals, its
    /// account is ambiguous.
    #[error("it has {0} principals instead of one: sign it with ssh-keygen -n USER")]
    Principals(usize),
    /// A principal that cannot be the name of an account.
    #[error("its principal is not a valid account name")]
    Principal,
    /// Signed by a key of a type that is not accepted.
    #[error("its CA is a key of a type that is not accepted")]
    Authority,
    /// The certified key would not be accepted for an account.
    #[error("its key is not accepted: {0}")]
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
        // `ssh-key` 0.6 accepts an Ed25519 key with any length before it, so the parsed value must encode to the same
        // bytes.
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

    /// The certified key.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        self.key
    }

    /// The fingerprint of the CA's key.
    #[must_use]
    pub fn authority(&self) -> Fingerprint {
        self.authority
    }

    /// `TYPE BASE64` of the CA's key, for a `cert-authority` line.
    #[must_use]
    pub fn authority_words(&self) -> &str {
        &self.authority_words
    }

    /// The principal.
    #[must_use]
    pub fn principal(&self) -> &Owner {
        &self.principal
    }

    /// Its serial number.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// The key id, which is any text that the CA chose.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The first second at which it is valid, and the first at which it no longer is, in Unix time.
    #[must_use]
    pub fn validity(&self) -> (i64, i64) {
        self.validity
    }
}

/// Whether the certificate never expires: its end is 2^64 - 1, which `ssh-key` rejects.
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
        // Skips nonce and key; serial number and certificate type; key id and principals; start.
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
