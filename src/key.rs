//! SSH public keys: what a person pastes, what sshd offers, and the fingerprint that names a key everywhere else.
//!
//! Strangers' text enters as bytes and leaves as types; nothing here does I/O but the list of weak keys
//! (`weak`). No text and no comment ever leaves with
//! a key: what is written out is the type's own name and the base64 of the decoded blob. The only user of `ssh-key`,
//! `sha2` and `base64ct`.

mod certificate;
mod curve;
mod error;
mod fingerprint;
mod key_type;
mod line;
mod structure;
mod weak;

use std::fmt;

use crate::name::{NameError, Title};
pub use certificate::{BadOffer, OfferedCertificate};
pub use error::KeyError;
pub use fingerprint::{Fingerprint, FingerprintError};
pub use key_type::KeyType;
use key_type::{authorized_keys_words, decode_base64, inner_type};
pub use weak::{WeakKeys, WeakKeysError, refuse_weak};

/// Why an offered key is not taken further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferedKeyError {
    /// A type that this hub does not admit, such as a certificate or `ssh-dss`: no fault of anybody's.
    #[error("this type of key is not admitted")]
    OtherType,
    /// No base64, or the blob is of another type than the word before it: sshd never sends that.
    #[error("the offered key is malformed")]
    Malformed,
}

/// The key that sshd offers: the words `%t` and `%k` of `AuthorizedKeysCommand`.
///
/// Holding one tells you that it decodes, that its type is admitted and that its blob begins with that type. It does
/// not tell you that the rest of the blob is a key, nor that the peer holds its private half: a row of the database
/// speaks for the one, and sshd for the other, after the helper has answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKey {
    key_type: KeyType,
    blob: Vec<u8>,
}

impl OfferedKey {
    /// Reads the two words; the path of every connection, so the blob is not looked into any further.
    ///
    /// # Errors
    /// Another type, or words that are no key.
    pub fn parse(key_type: &[u8], base64: &[u8]) -> Result<Self, OfferedKeyError> {
        let key_type = KeyType::named(key_type).ok_or(OfferedKeyError::OtherType)?;
        let blob = decode_base64(base64).ok_or(OfferedKeyError::Malformed)?;
        if inner_type(&blob) != Some(key_type.as_str().as_bytes()) {
            return Err(OfferedKeyError::Malformed);
        }
        Ok(Self { key_type, blob })
    }

    /// The name under which the database knows the key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.blob)
    }

    /// The key's type.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// `TYPE BASE64` for an `authorized_keys` line, encoded anew from the decoded blob.
    #[must_use]
    pub fn to_authorized_keys(&self) -> String {
        authorized_keys_words(self.key_type, &self.blob)
    }

    /// Whether an account could have this key: for a key that no row vouches for.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        structure::check(self.key_type, &self.blob).is_ok()
    }
}

/// A key that may be put on an account.
///
/// Holding one tells you that its blob is the one encoding of a key of an admitted type, in size and structure fit to
/// be trusted. It does not tell you that anybody holds the private half, that only one person does ([`WeakKeys`]), or
/// that the key is not on an account already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key_type: KeyType,
    blob: Vec<u8>,
    bits: Option<usize>,
}

impl PublicKey {
    /// Reads what a person pastes: the one line of a `.pub` file, and the title that its comment makes.
    ///
    /// Blank lines around it and runs of blanks and tabs between its words do not count. An empty comment is no title.
    ///
    /// # Errors
    /// The rule that the text breaks; [`KeyError::Comment`] if it is the comment alone that does.
    pub fn parse_line(text: &[u8]) -> Result<(Self, Option<Title>), KeyError> {
        let line = line::split(text)?;
        let key = Self::from_blob(line.key_type, line.blob)?;
        Ok((key, title(line.comment)?))
    }

    /// Takes a decoded key.
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

    /// The key as it is on the wire (RFC 4253, section 6.6).
    #[must_use]
    pub fn blob(&self) -> &[u8] {
        &self.blob
    }

    /// The name under which the database and people know the key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_blob(&self.blob)
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

/// The title that a comment makes, if it is not empty.
fn title(comment: &[u8]) -> Result<Option<Title>, KeyError> {
    if comment.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(comment).map_err(|_| KeyError::Comment(NameError::TitleCharacter))?;
    text.parse().map(Some).map_err(KeyError::Comment)
}

#[cfg(test)]
mod tests;
