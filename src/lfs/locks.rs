//! Locks on paths: one trait, and two implementations without a database.
//!
//! Clients show a lock's path to each other. No implementation opens a file by it.

mod file;
mod holder;
mod journal;
mod table;

use std::fmt;
use std::str::FromStr;

use super::Fault;
use crate::name::is_plain;

pub use crate::access::{BadHolderId, HolderId};
pub(crate) use file::FileLocks;
pub use holder::Holder;
pub use table::{Limits as LockLimits, MemoryLocks, TooManyLocks};

/// The longest path that can be locked, in bytes.
const PATH_MAX: usize = 4096;
/// The longest id of a lock, in bytes.
const ID_MAX: usize = 64;

/// A path that can be locked: a file's path in the working tree.
///
/// Holding one tells you that it is relative, does not leave the repository, and has no control characters. It does not
/// tell you that the file exists, nor that it has no invisible characters: an older lock may have them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LockPath(String);

/// Why a path cannot be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLockPath {
    /// It is empty or too long.
    #[error("a path to lock has 1 to {PATH_MAX} bytes")]
    Length,
    /// It is not UTF-8, or has characters that act on a terminal or hide.
    #[error("a path to lock is UTF-8 without control characters and invisible characters")]
    Character,
    /// It is absolute, or has a part `.` or `..`.
    #[error("a path to lock is relative to the repository and has no part \".\" or \"..\"")]
    Outside,
}

impl LockPath {
    /// Reads a path that a client wants to lock.
    ///
    /// # Errors
    /// [`BadLockPath`].
    pub fn parse(text: &[u8]) -> Result<Self, BadLockPath> {
        let path = Self::parse_locked(text)?;
        if path.0.chars().all(is_plain) { Ok(path) } else { Err(BadLockPath::Character) }
    }

    /// Reads a path that may be locked already. Earlier versions locked paths with invisible characters.
    ///
    /// # Errors
    /// [`BadLockPath`].
    pub fn parse_locked(text: &[u8]) -> Result<Self, BadLockPath> {
        if text.is_empty() || text.len() > PATH_MAX {
            return Err(BadLockPath::Length);
        }
        let text = std::str::from_utf8(text).map_err(|_| BadLockPath::Character)?;
        if text.contains(char::is_control) {
            return Err(BadLockPath::Character);
        }
        // An absolute path begins with an empty part. On Windows, git-lfs converts backslashes before it asks.
        if text.split(['/', '\\']).any(|part| matches!(part, "" | "." | "..")) {
            return Err(BadLockPath::Outside);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LockPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a lock: letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LockId(String);

/// The text is not the id of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a lock has 1 to {ID_MAX} letters and digits")]
pub struct BadLockId;

impl LockId {
    /// A new random id.
    ///
    /// # Errors
    /// The kernel has no random bytes.
    pub fn random() -> std::io::Result<Self> {
        Ok(Self(format!("{:032x}", u128::from_ne_bytes(crate::random::bytes()?))))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LockId {
    type Err = BadLockId;

    fn from_str(text: &str) -> Result<Self, BadLockId> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_id = (1..=ID_MAX).contains(&text.len()) && text.bytes().all(plain);
        if is_id { Ok(Self(text.to_owned())) } else { Err(BadLockId) }
    }
}

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A lock of the session's repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The id by which it is removed.
    pub id: LockId,
    /// The locked path.
    pub path: LockPath,
    /// The time of the lock, in seconds since 1970.
    pub locked_at: i64,
    /// The holder's name, as clients read it.
    pub owner: String,
    /// The holder's id; `None` if only the name is known.
    pub holder: Option<HolderId>,
    /// Whether the session's client holds it: decided by the holder's id, or by the name if there is no id.
    pub ours: bool,
    /// Its number in the order in which locks are listed. Each new lock gets a greater number.
    pub place: u64,
}

/// The result of locking a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locking {
    /// The session has locked the path.
    Locked(Lock),
    /// The path was locked before, perhaps by the same holder.
    Held(Lock),
    /// There are as many locks as there may be.
    Full(TooManyLocks),
}

/// Which locks are listed: those that match every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The lock of this path.
    pub path: Option<LockPath>,
    /// The lock with this id.
    pub id: Option<LockId>,
}

/// The locks of one repository, as one client sees them.
///
/// An implementation knows the repository and the client. It finds, lists and removes only locks of that repository,
/// for every id. If two sessions lock a path at once, one of them gets the lock.
pub trait Locks {
    /// Locks a path for the session's client. `refname` is the client's branch; it has no effect.
    ///
    /// # Errors
    /// What failed.
    fn lock(&mut self, path: &LockPath, refname: Option<&str>, now: i64) -> Result<Locking, Fault>;

    /// The lock with an id.
    ///
    /// # Errors
    /// What failed.
    fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault>;

    /// Removes the lock with an id, for any holder, and returns it. `None` if there is no such lock.
    ///
    /// # Errors
    /// What failed.
    fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault>;

    /// At most `limit` locks with numbers greater than `after`, in the order of their numbers.
    ///
    /// # Errors
    /// What failed.
    fn list(&mut self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Lock>, Fault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_to_lock_stays_in_the_repository_and_on_one_line() {
        let longest = "a".repeat(PATH_MAX);
        for text in ["a", "a/b.bin", "a b/ü", ".gitattributes", "a/..b", "...", "-x", &longest] {
            assert_eq!(LockPath::parse(text.as_bytes()).map(|path| path.0), Ok(text.to_owned()));
        }
        for (text, why) in [
            ("", BadLockPath::Length),
            (&"a".repeat(PATH_MAX + 1), BadLockPath::Length),
            ("a\nb", BadLockPath::Character),
            ("a\0", BadLockPath::Character),
            ("a\x1b[2J", BadLockPath::Character),
            ("a\u{85}", BadLockPath::Character),
            ("/a", BadLockPath::Outside),
            ("a/", BadLockPath::Outside),
            ("a//b", BadLockPath::Outside),
            ("..", BadLockPath::Outside),
            ("../../x", BadLockPath::Outside),
            ("a/../b", BadLockPath::Outside),
            ("./a", BadLockPath::Outside),
            ("..\\x", BadLockPath::Outside),
        ] {
            assert_eq!(LockPath::parse(text.as_bytes()), Err(why), "{text:?}");
        }
        assert_eq!(LockPath::parse(b"a\xff"), Err(BadLockPath::Character));
        for text in ["a\u{202e}b", "a\u{200b}", "\u{2066}a"] {
            assert_eq!(LockPath::parse(text.as_bytes()), Err(BadLockPath::Character), "{text:?}");
            // An earlier version may have locked it.
            assert!(LockPath::parse_locked(text.as_bytes()).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn an_id_of_a_lock_is_a_word() {
        assert_eq!(LockId::random().unwrap().as_str().len(), 32);
        assert!("1".parse::<LockId>().is_ok());
        for text in ["", " ", "a b", "../x", "a/b", "a\n", "ü", &"a".repeat(ID_MAX + 1)] {
            assert_eq!(text.parse::<LockId>(), Err(BadLockId), "{text:?}");
        }
    }
}
