//! Keys whose private half is public, and the list of them on this machine. The only file of `key` that reads one.

use std::io::ErrorKind;
use std::str::FromStr;

use super::fingerprint::{Fingerprint, FingerprintError};
use super::{KeyError, PublicKey};

/// Fingerprints of keys whose private half is public, one a line.
const LIST: &str = "/usr/share/hubgate/weak-keys";
/// The same list as of this build, for a machine on which no package put one.
const BUILT_IN: &str = include_str!("../../packaging/weak-keys");

/// Refuses a key whose private half is public.
///
/// # Errors
/// [`KeyError::Known`]; [`KeyError::WeakKeys`] where the machine has a list that cannot be read.
pub fn refuse_weak(key: &PublicKey) -> Result<(), KeyError> {
    let list = match std::fs::read_to_string(LIST) {
        Ok(list) => list,
        Err(error) if error.kind() == ErrorKind::NotFound => BUILT_IN.to_owned(),
        Err(error) => return Err(KeyError::WeakKeys(error.kind())),
    };
    let list: WeakKeys = list.parse().map_err(|_| KeyError::WeakKeys(ErrorKind::InvalidData))?;
    list.check(key)
}

/// A line of the list is neither a fingerprint nor a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {FingerprintError}")]
pub struct WeakKeysError {
    /// The number of the line, counted from 1.
    pub line: usize,
}

/// Keys whose private half is public: sample keys, keys of shipped appliances, keys of broken generators.
///
/// Read from text with one fingerprint a line; what follows a `#` is a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeakKeys(
    /// Sorted: such a list can be long (CVE-2008-0166 alone is some 100,000 keys).
    Vec<Fingerprint>,
);

impl WeakKeys {
    /// Whether the list names this key.
    #[must_use]
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.0.binary_search(fingerprint).is_ok()
    }

    /// Refuses a key that the list names.
    ///
    /// # Errors
    /// [`KeyError::Known`].
    pub fn check(&self, key: &PublicKey) -> Result<(), KeyError> {
        if self.contains(&key.fingerprint()) { Err(KeyError::Known) } else { Ok(()) }
    }
}

impl FromStr for WeakKeys {
    type Err = WeakKeysError;

    fn from_str(text: &str) -> Result<Self, WeakKeysError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let entry = line.split_once('#').map_or(line, |(entry, _)| entry).trim();
            if !entry.is_empty() {
                keys.push(entry.parse().map_err(|_| WeakKeysError { line: index + 1 })?);
            }
        }
        keys.sort_unstable();
        Ok(Self(keys))
    }
}
