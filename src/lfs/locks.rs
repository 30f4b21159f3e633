//! Locks on paths: one trait, and two keepers that need no database.
//!
//! A lock's path is text that peers show each other; nothing here, or behind the trait, opens a file by it.

mod file;
mod holder;
mod table;

use std::fmt;
use std::str::FromStr;

use super::Fault;

pub(crate) use file::FileLocks;
pub use holder::{BadHolderId, Holder, HolderId};
pub use table::MemoryLocks;

/// The longest path that can be locked, in bytes.
const PATH_MAX: usize = 4096;
/// The longest id of a lock, in bytes.
const ID_MAX: usize = 64;

/// What can be locked: a file's path in the working tree.
///
/// Holding one tells you that it is relative, names no directory above, and has no control characters. It does not tell
/// you that there is such a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LockPath(String);

/// Why nothing of that path can be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLockPath {
    /// Empty, or longer than any path.
    #[error("a path to lock has 1 to {PATH_MAX} bytes")]
    Length,
    /// Not UTF-8, or with control characters.
    #[error("a path to lock is UTF-8 without control characters")]
    Character,
    /// Absolute, or with `.` or `..` in it.
    #[error("a path to lock is relative to the repository and has no part \".\" or \"..\"")]
    Outside,
}

impl LockPath {
    /// Reads a path.
    ///
    /// # Errors
    /// [`BadLockPath`].
    pub fn parse(text: &[u8]) -> Result<Self, BadLockPath> {
        if text.is_empty() || text.len() > PATH_MAX {
            return Err(BadLockPath::Length);
        }
        let text = std::str::from_utf8(text).map_err(|_| BadLockPath::Character)?;
        if text.contains(char::is_control) {
            return Err(BadLockPath::Character);
        }
        // An absolute path begins with an empty part. Windows writes the other slash; git-lfs turns it before it asks.
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

/// What the peer calls a lock by: letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LockId(String);

/// Not an id of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id of a lock has 1 to {ID_MAX} letters and digits")]
pub struct BadLockId;

impl LockId {
    /// A new one, at random.
    ///
    /// # Errors
    /// Where the kernel has no randomness to give.
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
    /// By what it is unlocked.
    pub id: LockId,
    /// What is locked.
    pub path: LockPath,
    /// Since when, in seconds since 1970.
    pub locked_at: i64,
    /// Whose it is, as peers read it.
    pub owner: String,
    /// Whose it is, whatever they are called; `None` where only a name is known.
    pub holder: Option<HolderId>,
    /// Whether it is the session's own: decided by the holder, and by name only where that is all that is known.
    pub ours: bool,
    /// Its place in the order in which locks are listed. Grows with each lock, and is never given twice.
    pub place: u64,
}

/// What came of locking a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Locking {
    /// It is locked now, by the session.
    Locked(Lock),
    /// It was locked before, by whomever.
    Held(Lock),
}

/// Which locks are listed: those of which everything holds that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this path.
    pub path: Option<LockPath>,
    /// Of this id.
    pub id: Option<LockId>,
}

/// The locks of one repository, as one peer sees them.
///
/// An implementation knows the repository and the peer. It finds, lists and removes locks of that repository alone,
/// whatever id it is asked for. Of two sessions that lock one path at once, one wins.
pub trait Locks {
    /// Locks a path for the session's peer. `refname` is what the client was on; it limits nothing.
    ///
    /// # Errors
    /// What failed.
    fn lock(&mut self, path: &LockPath, refname: Option<&str>, now: i64) -> Result<Locking, Fault>;

    /// The lock of an id.
    ///
    /// # Errors
    /// What failed.
    fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault>;

    /// Removes the lock of an id, whoever has it, and returns it; `None` where there is none any more.
    ///
    /// # Errors
    /// What failed.
    fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault>;

    /// At most `limit` locks in the order of their places, those whose place is greater than `after`.
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
