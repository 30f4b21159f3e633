//! Whose a lock is: a name may change, and may be another's one day; what a holder is known by does not.

use std::fmt;
use std::str::FromStr;

use super::Lock;
use crate::key::Fingerprint;

/// By what a holder is told from others for good.
///
/// Holding one tells you that its text is one word. It does not tell you that the account or the key still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HolderId {
    /// An account of the hub, by its row. A row is never given to another account.
    Account(i64),
    /// A deploy key.
    Key(Fingerprint),
    /// A login of this machine, where there is no hub.
    Login(u32),
}

impl HolderId {
    /// The account's row, where the holder is an account of the hub.
    #[must_use]
    pub fn account(&self) -> Option<i64> {
        match self {
            Self::Account(row) => Some(*row),
            Self::Key(_) | Self::Login(_) => None,
        }
    }
}

/// Not what a holder is told by.
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

/// Whom a session locks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// By what they are told from others.
    pub id: Option<HolderId>,
    /// What peers read. A word.
    pub name: String,
}

impl Holder {
    /// One of whom only a name is known: it alone tells them from others.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { id: None, name: name.to_owned() }
    }

    /// Whether a lock is theirs. One that was written down without a holder is by its name.
    pub(super) fn has(&self, lock: &Lock) -> bool {
        match lock.holder {
            Some(holder) => self.id == Some(holder),
            None => self.name == lock.owner,
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
