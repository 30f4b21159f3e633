//! Locks in one file of the repository's directory, where a sandboxed session may write.
//!
//! A line is a lock, with its holder and the holder's name at that time. Files of version 1 have only names. They are
//! read, and the next change rewrites them in version 2. Clients read the holder's present name, or the name in the
//! file if the present name is not known.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::{Mode, mkdirat};

use super::table::Table;
use super::{Filter, Holder, HolderId, Lock, LockId, LockPath, Locking, Locks};
use crate::lfs::Fault;

/// The file, in `lfs/`.
const FILE: &str = "locks.txt";
/// The new file before it replaces the old one.
const NEXT: &str = "locks.txt.next";
/// The first line, followed by the greatest number of a lock.
const HEADING: &str = "hubgate locks 2";
/// The first line of files without holders.
const HEADING_1: &str = "hubgate locks 1";
/// The holder's field if the holder is not known.
const UNKNOWN: &str = "-";

/// Returns the present name of a holder.
type Names<'a> = Box<dyn Fn(&HolderId) -> Option<String> + 'a>;

/// Locks in `lfs/locks.txt`, one per line. One session at a time rewrites the whole file.
pub(crate) struct FileLocks<'a> {
    holder: Holder,
    names: Names<'a>,
    repository: OwnedFd,
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
        Ok(Self { holder, names: Box::new(|_| None), repository: repository.try_clone_to_owned()? })
    }

    /// The same locks; `names` returns the present names of other holders.
    pub(crate) fn with_names(self, names: impl Fn(&HolderId) -> Option<String> + 'a) -> Self {
        Self { names: Box::new(names), ..self }
    }

    /// A lock with the present name of its holder.
    fn shown(&self, lock: Lock) -> Lock {
        let name = if lock.ours { Some(self.holder.name.clone()) } else { lock.holder.as_ref().and_then(&self.names) };
        Lock { owner: name.unwrap_or(lock.owner), ..lock }
    }

    /// The directory, locked against other sessions' changes.
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

impl Locks for FileLocks<'_> {
    fn lock(&mut self, path: &LockPath, _: Option<&str>, now: i64) -> Result<Locking, Fault> {
        Ok(match self.change(|table| table.lock(&self.holder, path, now))? {
            Locking::Locked(lock) => Locking::Locked(lock),
            Locking::Held(lock) => Locking::Held(self.shown(lock)),
        })
    }

    fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        Ok(self.look()?.find(&self.holder, id).map(|lock| self.shown(lock)))
    }

    fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        let unlocked = self.change(|table| Ok(table.unlock(&self.holder, id)))?;
        Ok(unlocked.map(|lock| self.shown(lock)))
    }

    fn list(&mut self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Lock>, Fault> {
        let locks = self.look()?.list(&self.holder, filter, after, limit);
        Ok(locks.into_iter().map(|lock| self.shown(lock)).collect())
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
    let heading = lines.next()?;
    let (last, has_holders) = match heading.strip_prefix(HEADING) {
        Some(last) => (last, true),
        None => (heading.strip_prefix(HEADING_1)?, false),
    };
    let locks = lines.map(|line| {
        let mut words = line.splitn(if has_holders { 6 } else { 5 }, ' ');
        let (place, id) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let locked_at = words.next()?.parse().ok()?;
        let holder = match if has_holders { words.next()? } else { UNKNOWN } {
            UNKNOWN => None,
            holder => Some(holder.parse().ok()?),
        };
        let (owner, path) = (words.next()?.to_owned(), LockPath::parse(words.next()?.as_bytes()).ok()?);
        Some(Lock { id, path, locked_at, owner, holder, ours: false, place })
    });
    Some(Table { last: last.strip_prefix(' ')?.parse().ok()?, locks: locks.collect::<Option<_>>()? })
}

fn print(table: &Table) -> String {
    let mut text = format!("{HEADING} {}\n", table.last);
    for Lock { id, path, locked_at, owner, holder, place, .. } in &table.locks {
        let holder = holder.map_or_else(|| UNKNOWN.to_owned(), |holder| holder.to_string());
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{place} {id} {locked_at} {holder} {owner} {path}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository's directory, and its locks as one client sees them.
    struct Place(tempfile::TempDir, File);

    impl Place {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let repository = File::open(directory.path()).unwrap();
            Self(directory, repository)
        }

        fn locks(&self, account: i64, name: &str) -> FileLocks<'static> {
            let holder = Holder { id: Some(HolderId::Account(account)), name: name.to_owned() };
            FileLocks::new(self.1.as_fd(), holder).unwrap()
        }

        fn write(&self, text: &str) {
            std::fs::create_dir_all(self.0.path().join("lfs")).unwrap();
            std::fs::write(self.0.path().join("lfs").join(FILE), text).unwrap();
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.0.path().join("lfs").join(FILE)).unwrap()
        }
    }

    /// Name and `ours` of each lock.
    fn owners(mut locks: FileLocks<'_>) -> Vec<(String, bool)> {
        let locks = locks.list(&Filter::default(), 0, 9).unwrap();
        locks.into_iter().map(|lock| (lock.owner, lock.ours)).collect()
    }

    fn path(text: &str) -> LockPath {
        LockPath::parse(text.as_bytes()).unwrap()
    }

    fn owned(name: &str, ours: bool) -> (String, bool) {
        (name.to_owned(), ours)
    }

    #[test]
    fn locks_outlive_a_session_and_numbers_are_never_reused() {
        let place = Place::new();
        let (alice, bob) = (|| place.locks(1, "alice"), || place.locks(2, "bob"));
        let path = path("a dir/file");
        assert_eq!(alice().list(&Filter::default(), 0, 9).unwrap(), vec![]);
        let Locking::Locked(lock) = alice().lock(&path, None, 1_700_000_000).unwrap() else { panic!() };
        let held = Lock { ours: false, ..lock.clone() };
        assert_eq!(bob().lock(&path, None, 0).unwrap(), Locking::Held(held.clone()));
        assert_eq!(bob().find(&lock.id).unwrap(), Some(held));
        assert_eq!(alice().list(&Filter::default(), 0, 9).unwrap(), vec![lock.clone()]);
        assert_eq!(alice().unlock(&lock.id).unwrap(), Some(lock.clone()));
        assert_eq!(alice().unlock(&lock.id).unwrap(), None);
        let Locking::Locked(again) = bob().lock(&path, None, 0).unwrap() else { panic!() };
        assert!(again.place > lock.place);
    }

    #[test]
    fn a_lock_stays_with_its_holder_under_every_name() {
        let place = Place::new();
        place.locks(1, "alice").lock(&path("a"), None, 0).unwrap();
        assert_eq!(owners(place.locks(1, "alicia")), [owned("alicia", true)]);
        // Another account with the same name.
        assert_eq!(owners(place.locks(2, "alice")), [owned("alice", false)]);
        let names = |id: &HolderId| (*id == HolderId::Account(1)).then(|| "alicia".to_owned());
        assert_eq!(owners(place.locks(2, "alice").with_names(names)), [owned("alicia", false)]);
        // The operator, who has no locks.
        let operator = FileLocks::new(place.1.as_fd(), Holder::named("alice")).unwrap();
        assert_eq!(owners(operator), [owned("alice", false)]);
    }

    #[test]
    fn a_file_without_holders_is_read_by_names_and_gets_holders_with_new_locks() {
        let place = Place::new();
        place.write("hubgate locks 1 7\n3 aa 1700000000 alice a\n7 bb 1700000000 bob b c\n");
        assert_eq!(owners(place.locks(1, "alice")), [owned("alice", true), owned("bob", false)]);
        place.locks(2, "bob").lock(&path("d"), None, 0).unwrap();
        assert_eq!(
            owners(place.locks(2, "robert")),
            [owned("alice", false), owned("bob", false), owned("robert", true)]
        );
        assert_eq!(owners(place.locks(2, "bob")), [owned("alice", false), owned("bob", true), owned("bob", true)]);
        let text = place.text();
        let known = "hubgate locks 2 8\n3 aa 1700000000 - alice a\n7 bb 1700000000 - bob b c\n8 ";
        assert!(text.starts_with(known) && text.ends_with(" 0 account:2 bob d\n"), "{text}");
    }

    #[test]
    fn a_malformed_file_is_a_fault_and_stays_unchanged() {
        for text in [
            "",
            "garbage",
            "hubgate locks 3 1\n",
            "hubgate locks 2\n",
            "hubgate locks 2 x\n",
            "hubgate locks 2 1\n1 aa 0 alice a\n",
            "hubgate locks 2 1\n1 aa 0 account:x alice a\n",
            "hubgate locks 2 1\n1 aa 0 - alice ../a\n",
            "hubgate locks 2 1\n\n",
            "hubgate locks 1 1\n1 aa 0 alice\n",
        ] {
            let place = Place::new();
            place.write(text);
            assert!(place.locks(1, "alice").list(&Filter::default(), 0, 9).is_err(), "{text:?}");
            assert!(place.locks(1, "alice").lock(&path("a"), None, 0).is_err(), "{text:?}");
            assert_eq!(place.text(), text);
        }
    }
}
