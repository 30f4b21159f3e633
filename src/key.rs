//! SSH public keys: the line that a person pastes, the key that sshd offers, and the fingerprint that names a key.
//!
//! Strangers' text enters as bytes and leaves as types; only `weak` does I/O. No text or comment leaves with a key: a
//! key is written as its type's name and the base64 of the decoded blob. This module is the only user of `ssh-key`,
//! `sha2` and `base64ct`.

mod certificate;
mod curve;
mod error;
mod fingerprint;
mod key_type;
mod line;
#[cfg(feature = "operator")]
mod signature;
mod structure;
mod weak;

use std::fmt;

use crate::name::{NameError, Title};
pub use certificate::{BadOffer, OfferedCertificate};
pub use error::{DSA_REFUSED, KeyError};
pub use fingerprint::{Fingerprint, FingerprintError};
pub use key_type::KeyType;
use key_type::{authorized_keys_words, decode_base64, inner_type};
#[cfg(feature = "operator")]
pub use signature::{BadSignature, verify};
pub use weak::{WeakKeys, WeakKeysError, refuse_weak};

/// The exponent of the RSA keys that current programs make.
const USUAL_EXPONENT: u64 = 65_537;

/// Why an offered key is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferedKeyError {
    /// A type that this hub does not accept, such as a certificate or `ssh-dss`. This is not a fault.
    #[error("this type of key is not accepted")]
    OtherType,
    /// Not base64, or a blob of another type than the word before it. sshd never sends this.
    #[error("the offered key is malformed")]
    Malformed,
}

/// The key that sshd offers: the words `%t` and `%k` of `AuthorizedKeysCommand`.
///
/// Holding one tells you that the key decodes, that its type is accepted and that its blob begins with that type. It
/// does not tell you that the rest of the blob is a key, nor that the peer holds the private half. A row in the
/// database shows that the blob is a key. sshd checks the private half after the helper has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    key_type: KeyType,
    blob: Vec<u8>,
}

impl OfferedKey {
    /// Reads the two words. Every connection does this, so the rest of the blob is not checked.
    ///
    /// # Errors
    /// Another type, or words that are not a key.
    pub fn parse(key_type: &[u8], base64: &[u8]) -> Result<Self, OfferedKeyError> {
        let key_type = KeyType::named(key_type).ok_or(OfferedKeyError::OtherType)?;
        let blob = decode_base64(base64).ok_or(OfferedKeyError::Malformed)?;
        if inner_type(&blob) != Some(key_type.as_str().as_bytes()) {
            return Err(OfferedKeyError::Malformed);
        }
        Ok(Self { key_type, blob })
    }

    /// The fingerprint, by which the database finds the key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.blob)
    }

    /// The key's type.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// `TYPE BASE64` for an `authorized_keys` line, re-encoded from the decoded blob.
    #[must_use]
    pub fn to_authorized_keys(&self) -> String {
        authorized_keys_words(self.key_type, &self.blob)
    }

    /// Whether the key would be accepted for an account. Needed for keys that are not in the database.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        structure::check(self.key_type, &self.blob).is_ok()
    }
}

/// A key that may be added to an account.
///
/// Holding one tells you that its blob is the canonical encoding of the key, and that type, size and structure are
/// accepted. It does not tell you that the private half is secret ([`WeakKeys`]), nor that the key is not in use
/// already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key_type: KeyType,
    blob: Vec<u8>,
    bits: Option<usize>,
}

impl PublicKey {
    /// Reads the line of a `.pub` file, and the title that its comment gives.
    ///
    /// Ignores blank lines around it, and accepts several blanks and tabs between its words. An empty comment gives no
    /// title.
    ///
    /// # Errors
    /// The rule that the text breaks; [`KeyError::Comment`] if only the comment is invalid.
    pub fn parse_line(text: &[u8]) -> Result<(Self, Option<Title>), KeyError> {
        let line = line::split(text)?;
        let key = Self::from_blob(line.key_type, line.blob)?;
        Ok((key, title(line.comment)?))
    }

    /// Checks a decoded key.
    ///
    /// # Errors
    /// The rule that the blob breaks.
    pub fn from_blob(key_type: KeyType, blob: Vec<u8>) -> Result<Self, KeyError> {
        let bits = structure::check(key_type, &blob)?;
        Ok(Self { key_type, blob, bits })
    }

    /// The key's type.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The key in the encoding that the SSH protocol uses (RFC 4253, section 6.6).
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The fingerprint, by which the database and people know the key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.blob)
    }

    /// The exponent of an RSA key if it is below 65,537, which every current program uses.
    ///
    /// Such a key is accepted, because signatures are checked whole. Such keys come from programs from before 2010, so
    /// a key may be one of the guessable keys of CVE-2008-0166.
    #[must_use]
    pub fn small_exponent(&self) -> Option<u64> {
        structure::exponent(&self.blob).filter(|exponent| *exponent < USUAL_EXPONENT)
    }

    /// The size of an RSA modulus or of an ECDSA curve, in bits; `None` for Ed25519, which has one size.
    #[must_use]
    pub fn bits(&self) -> Option<usize> {
        self.bits
    }
}

impl fmt::Display for PublicKey {
    /// `TYPE BASE64`, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&authorized_keys_words(self.key_type, &self.blob))
    }
}

/// The title that a comment gives; `None` for an empty comment.
fn title(comment: &[u8]) -> Result<Option<Title>, KeyError> {
    if comment.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(comment).map_err(|_| KeyError::Comment(NameError::TitleCharacter))?;
    text.parse().map(Some).map_err(KeyError::Comment)
}

#[cfg(test)]
mod tests;
