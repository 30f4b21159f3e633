//! Fingerprints of keys.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64Unpadded, Encoding};
use sha2::{Digest, Sha256};

/// The text before the base64 of a fingerprint.
const PREFIX: &str = "SHA256:";
/// The length of 32 bytes in unpadded base64.
const BASE64_LENGTH: usize = 43;

/// The text is not a fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is SHA256: and 43 characters, as ssh-keygen -lf FILE prints it")]
pub struct FingerprintError;

/// The SHA-256 of a key's blob. It names the key in the database, in forced commands and to people.
///
/// Holding one tells you nothing about the key, neither that its type is accepted nor that the database has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Hashes a key blob.
    #[must_use]
    pub fn of_blob(blob: &[u8]) -> Self {
        Self(Sha256::digest(blob).into())
    }

    /// Wraps a hash from the database.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash as 64 lower-case hexadecimal digits, which are safe in a file name.
    #[must_use]
    pub fn to_hex(&self) -> String {
        base16ct::lower::encode_string(&self.0)
    }
}

impl fmt::Display for Fingerprint {
    /// `SHA256:` and unpadded base64, as `ssh-keygen -l` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; BASE64_LENGTH];
        f.write_str(PREFIX)?;
        f.write_str(Base64Unpadded::encode(&self.0, &mut buffer).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    /// Reads exactly the text that `Display` writes.
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let base64 = text.strip_prefix(PREFIX).ok_or(FingerprintError)?;
        if base64.len() != BASE64_LENGTH {
            return Err(FingerprintError);
        }
        let mut hash = [0; 32];
        // base64ct rejects a last character whose unused bits are not zero, so each hash has one text.
        Base64Unpadded::decode(base64, &mut hash).map_err(|_| FingerprintError)?;
        Ok(Self(hash))
    }
}
