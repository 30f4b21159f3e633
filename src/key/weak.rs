//! Keys whose private half is published, and the list of them on this machine. Only this file of `key` reads a file.

use std::io::ErrorKind;
use std::str::FromStr;
use std::sync::OnceLock;

use super::fingerprint::{Fingerprint, FingerprintError};
use super::{KeyError, PublicKey};

/// Fingerprints of keys whose private half is published, one per line.
const LIST: &str = "/usr/share/hubgate/weak-keys";
/// The list at build time, for a machine on which no package installed a list.
const BUILT_IN: &str = include_str!("../../packaging/weak-keys");

/// Rejects a key whose private half is published.
///
/// # Errors
/// [`KeyError::Known`]; [`KeyError::WeakKeys`] if the list of this machine cannot be read.
pub fn refuse_weak(key: &PublicKey) -> Result<(), KeyError> {
    weak_keys().as_ref().map_err(|kind| KeyError::WeakKeys(*kind))?.check(key)
}

/// The list of this machine, which each process reads once: an import checks thousands of keys.
fn weak_keys() -> &'static Result<WeakKeys, ErrorKind> {
    static KEYS: OnceLock<Result<WeakKeys, ErrorKind>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let list = match std::fs::read_to_string(LIST) {
            Ok(list) => list,
            Err(error) if error.kind() == ErrorKind::NotFound => BUILT_IN.to_owned(),
            Err(error) => return Err(error.kind()),
        };
        list.parse().map_err(|_| ErrorKind::InvalidData)
    })
}

/// A line of the list is neither a fingerprint nor a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {FingerprintError}")]
pub struct WeakKeysError {
    /// The number of the line, starting at 1.
    pub line: usize,
}

/// Keys whose private half is published: sample keys, keys of appliances, keys from broken generators.
///
/// The text has one fingerprint per line; `#` starts a comment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeakKeys(
    /// Sorted for binary search, because such a list can be long: CVE-2008-0166 alone has about 100,000 keys.
    Vec<Fingerprint>,
);

impl WeakKeys {
    /// Whether the list has this key.
    #[must_use]
    pub fn contains(&self, fingerprint: &Fingerprint) -> bool {
        self.0.binary_search(fingerprint).is_ok()
    }

    /// Rejects a key that is in the list.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_reads_the_list_of_weak_keys_once() {
        assert!(std::ptr::eq(weak_keys(), weak_keys()));
        assert!(weak_keys().is_ok());
    }
}
