//! Locks in one file of the repository's directory, where a sandboxed session may write.
//!
//! The file is a journal: a change adds one line to it, so its cost does not grow with the number of locks. A session
//! reads only the lines that were added since it last read. The file is written again when most of its lines have no
//! effect any more. Clients read a holder's present name, or the name in the file if the present name is not known.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::Mode;

use super::journal::{Journal, Record};
use super::table::Limits;
use super::{Filter, Holder, HolderId, Lock, LockId, LockPath, Locking, Locks};
use crate::bounded;
use crate::lfs::Fault;
use crate::lfs::storage::Directory;

/// The most that is read of the file, in bytes: millions of locks.
const FILE_MAX: u64 = 256 << 20;

/// The file, in `lfs/`.
const FILE: &str = "locks.txt";
/// The new file before it replaces the old one.
const NEXT: &str = "locks.txt.next";
/// The most lines without effect, beside as many as there are locks.
const IDLE_MAX: usize = 100;

/// The locks where there is no file.
static NONE: Journal = Journal::EMPTY;

/// Returns the present name of a holder.
type Names<'a> = Box<dyn Fn(&HolderId) -> Option<String> + 'a>;

/// Locks in `lfs/locks.txt`. One session at a time changes the file.
pub(crate) struct FileLocks<'a> {
    holder: Holder,
    names: Names<'a>,
    limits: Limits,
    repository: Directory,
    /// What this session has read.
    read: Option<Seen>,
}

/// The file as far as a session has read it.
struct Seen {
    /// Another file may have replaced it. While it is open, no other file gets its number.
    file: File,
    journal: Journal,
    /// The bytes in `journal`. A session that was killed in the middle of a line leaves more bytes, which mean nothing.
    length: u64,
}

/// The file is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("lfs/{FILE} is malformed")]
struct BadFile;

impl<'a> FileLocks<'a> {
    /// The locks of a repository, given by its open directory, as `holder` sees them.
    ///
    /// # Errors
    /// The descriptor cannot be duplicated.
    pub(crate) fn new(repository: BorrowedFd<'_>, holder: Holder) -> std::io::Result<Self> {
        let repository = Directory::of(repository)?;
        Ok(Self { holder, names: Box::new(|_| None), limits: Limits::default(), repository, read: None })
    }

    /// The same locks; `names` returns the present names of other holders.
    pub(crate) fn with_names(self, names: impl Fn(&HolderId) -> Option<String> + 'a) -> Self {
        Self { names: Box::new(names), ..self }
    }

    /// The same locks; no more than these are added.
    pub(crate) fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// A lock with the present name of its holder.
    fn shown(&self, lock: Lock) -> Lock {
        let name = if lock.ours { Some(self.holder.name.clone()) } else { lock.holder.as_ref().and_then(&self.names) };
        Lock { owner: name.unwrap_or(lock.owner), ..lock }
    }

    /// The directory, locked against other sessions' changes.
    fn hold(&self) -> Result<Flock<OwnedFd>, Fault> {
        let (lfs, _) = self.repository.open_or_make("lfs")?;
        let lfs = lfs.as_fd().try_clone_to_owned()?;
        Flock::lock(lfs, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
    }

    /// The locks as the file has them now.
    fn look(&mut self) -> Result<&Journal, Fault> {
        let read = match self.repository.open("lfs")? {
            Some(lfs) => catch_up(&lfs, self.read.take())?,
            None => None,
        };
        self.read = read;
        Ok(self.read.as_ref().map_or(&NONE, |seen| &seen.journal))
    }

    /// Changes the locks, and adds the record of the change to the file.
    fn change<T>(
        &mut self,
        change: impl FnOnce(&mut Journal) -> Result<(T, Option<Record>), Fault>,
    ) -> Result<T, Fault> {
        let held = self.hold()?;
        let lfs = Directory::of(held.as_fd())?;
        // A change that fails leaves nothing read, so the next one reads the file from its start.
        let read = catch_up(&lfs, self.read.take())?;
        let (mut journal, seen) =
            read.map_or((Journal::EMPTY, None), |seen| (seen.journal, Some((seen.file, seen.length))));
        let (result, record) = change(&mut journal)?;
        self.read = match (record, seen) {
            (Some(record), Some((file, length)))
                if !journal.is_old() && journal.idle() <= journal.live() + IDLE_MAX =>
            {
                let length = append(&lfs, length, &record)?;
                Some(Seen { file, journal, length })
            }
            (Some(_), _) => Some(write(&lfs, journal)?),
            (None, seen) => seen.map(|(file, length)| Seen { file, journal, length }),
        };
        Ok(result)
    }
}

impl Locks for FileLocks<'_> {
    fn lock(&mut self, path: &LockPath, _: Option<&str>, now: i64) -> Result<Locking, Fault> {
        let (holder, limits) = (self.holder.clone(), self.limits);
        let locking = self.change(|journal| {
            let locking = journal.lock(&holder, path, now, limits)?;
            let record = if let Locking::Locked(lock) = &locking { Some(Record::Locked(lock.clone())) } else { None };
            Ok((locking, record))
        })?;
        Ok(match locking {
            Locking::Held(lock) => Locking::Held(self.shown(lock)),
            locking @ (Locking::Locked(_) | Locking::Full(_)) => locking,
        })
    }

    fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        let holder = self.holder.clone();
        let found = self.look()?.table().find(&holder, id);
        Ok(found.map(|lock| self.shown(lock)))
    }

    fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        let holder = self.holder.clone();
        let unlocked = self.change(|journal| {
            let unlocked = journal.unlock(&holder, id);
            let record = unlocked.as_ref().map(|lock| Record::Unlocked(lock.id.clone()));
            Ok((unlocked, record))
        })?;
        Ok(unlocked.map(|lock| self.shown(lock)))
    }

    fn list(&mut self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Lock>, Fault> {
        let holder = self.holder.clone();
        let locks = self.look()?.table().list(&holder, filter, after, limit);
        Ok(locks.into_iter().map(|lock| self.shown(lock)).collect())
    }
}

/// Reads what was added to the file since a session last read it; `None` if there is no file.
fn catch_up(lfs: &Directory, before: Option<Seen>) -> Result<Option<Seen>, Fault> {
    let Some((file, size)) = lfs.read(FILE)? else { return Ok(None) };
    let id = |file: &File| file.metadata().map(|file| (file.dev(), file.ino()));
    let mut seen = match before {
        Some(seen) if id(&seen.file)? == id(&file)? && seen.length <= size => seen,
        Some(_) | None => Seen { file, journal: Journal::EMPTY, length: 0 },
    };
    seen.file.seek(SeekFrom::Start(seen.length))?;
    // The git of a push can write the file too.
    let added = bounded::read(&seen.file, FILE_MAX)?;
    seen.length += seen.journal.read(&added).ok_or(BadFile)? as u64;
    Ok(Some(seen))
}

/// Adds a record at `length`, where the last complete line ends. Returns the new length.
fn append(lfs: &Directory, length: u64, record: &Record) -> Result<u64, Fault> {
    let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(lfs, FILE, flags, Mode::empty())?);
    let line = record.to_string();
    let written = file.set_len(length).and_then(|()| {
        file.seek(SeekFrom::Start(length))?;
        file.write_all(line.as_bytes())?;
        file.sync_data()
    });
    if let Err(error) = written {
        // The client reads that this change failed.
        let _ = file.set_len(length);
        return Err(error.into());
    }
    Ok(length + line.len() as u64)
}

/// Replaces the file by one without lines that have no effect.
fn write(lfs: &Directory, mut journal: Journal) -> Result<Seen, Fault> {
    // Readable too, because the session goes on reading what others add.
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut file = File::from(openat(lfs, NEXT, flags, Mode::from_bits_truncate(0o666))?);
    let text = journal.compact();
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    renameat(lfs, NEXT, lfs, FILE)?;
    Ok(Seen { file, journal, length: text.len() as u64 })
}

#[cfg(test)]
mod tests;
