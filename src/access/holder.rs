//! Who holds an LFS lock. No I/O here.

use std::fmt;
use std::str::FromStr;

use crate::key::Fingerprint;

/// The id of the holder of an LFS lock, which never changes.
///
/// Holding one tells you that its text is one word. It does not tell you that the account or the key still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HolderId {
    /// An account of the hub, by its row. No other account ever gets that row.
    Account(i64),
    /// A deploy key.
    Key(Fingerprint),
    /// A login of this machine, without a hub.
    Login(u32),
}

impl HolderId {
    /// The account's row, if the holder is an account of the hub.
    #[must_use]
    pub fn account(&self) -> Option<i64> {
        match self {
            Self::Account(row) => Some(*row),
            Self::Key(_) | Self::Login(_) => None,
        }
    }
}

/// The text is not the id of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a holder is an account, a key or a login")]
pub struct BadHolderId;

impl fmt::Display for HolderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(row) => write!(f, "account:{row}"),
            Self::Key(fingerprint) => write!(f, "key:{fingerprint}"),
            Self::Login(uid) => write!(f, "login:{uid}"),
        }
    }
}

impl FromStr for HolderId {
    type Err = BadHolderId;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, BadHolderId> {
        match text.split_once(':').ok_or(BadHolderId)? {
            ("account", row) => row.parse().map(Self::Account).map_err(|_| BadHolderId),
            ("key", fingerprint) => fingerprint.parse().map(Self::Key).map_err(|_| BadHolderId),
            ("login", uid) => uid.parse().map(Self::Login).map_err(|_| BadHolderId),
            _ => Err(BadHolderId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_one_word_that_reads_back() {
        let key = Fingerprint::of_blob(b"a key");
        for id in [HolderId::Account(12), HolderId::Key(key), HolderId::Login(1000)] {
            let text = id.to_string();
            assert!(!text.contains(' '), "{text}");
            assert_eq!(text.parse(), Ok(id));
        }
        for text in ["", "-", "alice", "account:", "account:x", "key:SHA256:x", "login:-1", "group:1"] {
            assert_eq!(text.parse::<HolderId>(), Err(BadHolderId), "{text}");
        }
    }
}
