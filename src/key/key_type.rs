//! The types of key that this hub accepts, and the text of a key: its type and a blob that begins with it.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding};

use super::error::KeyError;

/// The types of key that this hub accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyType {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`.
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`.
    EcdsaP521,
    /// `ssh-rsa`; its signatures are `rsa-sha2-256` and `rsa-sha2-512`, which are not types of key.
    Rsa,
    /// `sk-ssh-ed25519@openssh.com`, in a security key.
    SkEd25519,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`, in a security key.
    SkEcdsaP256,
}

impl KeyType {
    /// Every type.
    pub const ALL: [Self; 7] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa,
        Self::SkEd25519,
        Self::SkEcdsaP256,
    ];

    /// The name on the wire and in files, as OpenSSH writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::Rsa => "ssh-rsa",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// The type of this name, byte for byte.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|key_type| key_type.as_str().as_bytes() == name)
    }
}

impl FromStr for KeyType {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        match Self::named(text.as_bytes()) {
            Some(key_type) => Ok(key_type),
            None if text.ends_with("-cert-v01@openssh.com") => Err(KeyError::Certificate),
            None if text == "ssh-dss" => Err(KeyError::Dsa),
            None if text.starts_with("rsa-sha2-") => Err(KeyError::SignatureName),
            None => Err(KeyError::OtherType),
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decodes padded base64 in its canonical form. Returns `None` for anything else, including a blank.
pub(super) fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    Base64::decode_vec(std::str::from_utf8(text).ok()?).ok()
}

/// The name of the type at the start of a key blob (RFC 4253, section 6.6), if there is one.
pub(super) fn inner_type(blob: &[u8]) -> Option<&[u8]> {
    let (length, rest) = blob.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Writes the two words of a key in an `authorized_keys` line.
pub(super) fn authorized_keys_words(key_type: KeyType, blob: &[u8]) -> String {
    format!("{key_type} {}", Base64::encode_string(blob))
}
