//! Locks in one file of a directory that is served without a hub.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, mkdirat};

use super::table::Table;
use super::{Filter, Lock, LockId, LockPath, Locking, Locks};
use crate::services::lfs::Fault;

/// The file, in `lfs/`.
const FILE: &str = "locks.txt";
/// What replaces it.
const NEXT: &str = "locks.txt.next";
/// The first line: what it is, and the last place that was given.
const HEADING: &str = "hubgate locks 1";

/// Locks in `lfs/locks.txt`: a line each, rewritten whole, by one session at a time.
#[derive(Debug)]
pub(crate) struct FileLocks {
    owner: String,
    repository: OwnedFd,
}

/// Not a file of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lfs/{FILE} does not read")]
struct BadFile;

impl FileLocks {
    /// The locks of a repository, given by its open directory, as the peer `owner` sees them.
    ///
    /// # Errors
    /// Where the descriptor cannot be had twice.
    pub(crate) fn new(repository: BorrowedFd<'_>, owner: &str) -> std::io::Result<Self> {
        Ok(Self { owner: owner.to_owned(), repository: repository.try_clone_to_owned()? })
    }

    /// The directory, as long as nobody else changes the locks.
    fn hold(&self) -> Result<Flock<OwnedFd>, Fault> {
        match mkdirat(&self.repository, "lfs", Mode::from_bits_truncate(0o777)) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
        let directory = self.directory()?.ok_or(Errno::ENOENT)?;
        Flock::lock(directory, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
    }

    fn directory(&self) -> Result<Option<OwnedFd>, Fault> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.repository, "lfs", flags, Mode::empty()) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn look(&self) -> Result<Table, Fault> {
        self.directory()?.map_or_else(|| Ok(Table::default()), |directory| read(directory.as_fd()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table) -> Result<T, Fault>) -> Result<T, Fault> {
        let directory = self.hold()?;
        let before = read(directory.as_fd())?;
        let mut table = before.clone();
        let result = change(&mut table)?;
        if table != before {
            write(directory.as_fd(), &table)?;
        }
        Ok(result)
    }
}

impl Locks for FileLocks {
    fn lock(&mut self, path: &LockPath, _: Option<&str>, now: i64) -> Result<Locking, Fault> {
        self.change(|table| table.lock(&self.owner, path, now))
    }

    fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        Ok(self.look()?.find(&self.owner, id))
    }

    fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        self.change(|table| Ok(table.unlock(&self.owner, id)))
    }

    fn list(&mut self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Lock>, Fault> {
        Ok(self.look()?.list(&self.owner, filter, after, limit))
    }
}

fn read(directory: BorrowedFd<'_>) -> Result<Table, Fault> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mut file = match openat(directory, FILE, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(Table::default()),
        Err(errno) => return Err(errno.into()),
    };
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(parse(&text).ok_or(BadFile)?)
}

fn write(directory: BorrowedFd<'_>, table: &Table) -> Result<(), Fault> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(directory, NEXT, flags, Mode::from_bits_truncate(0o666))?);
    file.write_all(print(table).as_bytes())?;
    file.sync_all()?;
    renameat(directory, NEXT, directory, FILE)?;
    Ok(())
}

fn parse(text: &str) -> Option<Table> {
    let mut lines = text.lines();
    let last = lines.next()?.strip_prefix(HEADING)?.strip_prefix(' ')?.parse().ok()?;
    let locks = lines.map(|line| {
        let mut words = line.splitn(5, ' ');
        let (place, id) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (locked_at, owner) = (words.next()?.parse().ok()?, words.next()?.to_owned());
        Some(Lock { id, path: LockPath::parse(words.next()?.as_bytes()).ok()?, locked_at, owner, ours: false, place })
    });
    Some(Table { last, locks: locks.collect::<Option<_>>()? })
}

fn print(table: &Table) -> String {
    let mut text = format!("{HEADING} {}\n", table.last);
    for Lock { id, path, locked_at, owner, place, .. } in &table.locks {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{place} {id} {locked_at} {owner} {path}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_outlive_a_session_and_a_place_is_never_given_twice() {
        let directory = tempfile::tempdir().unwrap();
        let repository = File::open(directory.path()).unwrap();
        let locks = |owner| FileLocks::new(repository.as_fd(), owner).unwrap();
        let path = LockPath::parse("a dir/file".as_bytes()).unwrap();
        assert_eq!(locks("alice").list(&Filter::default(), 0, 9).unwrap(), vec![]);
        let Locking::Locked(lock) = locks("alice").lock(&path, None, 1_700_000_000).unwrap() else { panic!() };
        let held = Lock { ours: false, ..lock.clone() };
        assert_eq!(locks("bob").lock(&path, None, 0).unwrap(), Locking::Held(held.clone()));
        assert_eq!(locks("bob").find(&lock.id).unwrap(), Some(held));
        assert_eq!(locks("alice").list(&Filter::default(), 0, 9).unwrap(), vec![lock.clone()]);
        assert_eq!(locks("alice").unlock(&lock.id).unwrap(), Some(lock.clone()));
        assert_eq!(locks("alice").unlock(&lock.id).unwrap(), None);
        let Locking::Locked(again) = locks("bob").lock(&path, None, 0).unwrap() else { panic!() };
        assert!(again.place > lock.place);
        std::fs::write(directory.path().join("lfs").join(FILE), "garbage").unwrap();
        assert!(locks("alice").find(&lock.id).is_err());
    }
}
