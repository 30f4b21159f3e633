//! Limits how many sessions an account or an address may have at a time, and keeps a record of each.
//!
//! Each session holds the lock of one small file, which the kernel releases when the session ends in any way. The
//! file's name is a hash of the subject and the number of the lock. A session that lasts writes its record into the
//! file, so that other processes can list it and end it. The session keeps only a descriptor that can read. So a
//! program that it becomes can spoil nothing but its own lock.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, FlockArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
use sha2::{Digest, Sha256};

use crate::bounded::read_text;

/// The most locks of one subject.
const LOCKS_MAX: u32 = 1 << 16;
/// The longest record, in bytes. sshd's account of a certificate has at most 256 KiB.
const RECORD_MAX: u64 = 512 * 1024;
/// How old a file must be before [`records`] removes it.
const OLD: Duration = Duration::from_secs(86_400);

/// The result of acquiring a session's lock.
#[derive(Debug)]
pub enum SessionLock {
    /// The lock is held.
    Held(HeldLock),
    /// The subject has as many sessions as it may have.
    LimitReached,
    /// The lock cannot be created, for example on a read-only file system. The session continues, because this fault
    /// must not stop sessions.
    Unavailable,
}

/// A lock. The kernel releases it when each process has closed the file that inherited it.
#[derive(Debug)]
pub struct HeldLock {
    lock: File,
    file: PathBuf,
}

impl HeldLock {
    /// Writes the session's record. If that fails, the session can be neither listed nor ended by another process.
    ///
    /// # Errors
    /// The file system's.
    pub fn write(&self, record: &str) -> io::Result<()> {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let mut file = File::options().write(true).truncate(true).custom_flags(flags).open(&self.file)?;
        file.write_all(record.as_bytes())
    }

    /// Leaves the lock to the program that this process becomes.
    ///
    /// # Errors
    /// Not expected.
    pub fn survive_exec(&self) -> io::Result<()> {
        fcntl(&self.lock, FcntlArg::F_SETFD(FdFlag::empty())).map(drop).map_err(Into::into)
    }
}

/// Acquires one of the `most` locks of a subject; 0 means no limit. Creates the directory if it is missing.
#[must_use]
pub fn acquire(directory: &Path, subject: &str, most: u32) -> SessionLock {
    let most = if most == 0 { LOCKS_MAX } else { most.min(LOCKS_MAX) };
    let hash = Sha256::digest(subject.as_bytes());
    // 64 bits. Two subjects with the same name would only share their limit.
    let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    for number in 0..most {
        match lock(directory, directory.join(format!("{name}.{number}"))) {
            Ok(Some(held)) => return SessionLock::Held(held),
            Ok(None) => {}
            Err(_) => return SessionLock::Unavailable,
        }
    }
    SessionLock::LimitReached
}

/// Locks a file; `None` if another session holds its lock.
fn lock(directory: &Path, file: PathBuf) -> Result<Option<HeldLock>, Errno> {
    let (mut is_created, mut is_replaced) = (false, false);
    loop {
        let flags = OFlag::O_RDONLY | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let opened = match open(&file, flags, Mode::from_bits_truncate(0o600)) {
            Ok(opened) => File::from(opened),
            Err(Errno::ENOENT) if !is_created => {
                is_created = true;
                // This fails if another first session created it in between. After any other failure, the file cannot
                // be opened again.
                let _ = DirBuilder::new().mode(0o750).create(directory);
                continue;
            }
            // A session made it unusable, which must not free the subject from its limit.
            Err(Errno::EACCES | Errno::ELOOP | Errno::ENXIO) if !is_replaced => {
                is_replaced = true;
                std::fs::remove_file(&file).map_err(|_| Errno::EACCES)?;
                continue;
            }
            Err(errno) => return Err(errno),
        };
        match try_lock(&opened) {
            Ok(()) => {}
            Err(Errno::EWOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(errno),
        }
        // `records` may have removed the file in between.
        if has_name(&opened)? {
            return Ok(Some(HeldLock { lock: opened, file }));
        }
    }
}

#[expect(deprecated, reason = "nix's new type releases the lock when it is dropped, also in a copy of the process")]
fn try_lock(file: &File) -> nix::Result<()> {
    nix::fcntl::flock(file.as_raw_fd(), FlockArg::LockExclusiveNonblock)
}

/// Whether a path leads to the file.
fn has_name(file: &File) -> nix::Result<bool> {
    Ok(nix::sys::stat::fstat(file)?.st_nlink > 0)
}

/// The records in the directory. A record may be that of a session that has ended. Removes old files without a session.
pub fn records(directory: &Path) -> impl Iterator<Item = String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| record(directory, entry.path()))
}

fn record(directory: &Path, path: PathBuf) -> Option<String> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = File::options().read(true).custom_flags(flags).open(&path).ok()?;
    let metadata = file.metadata().ok().filter(|metadata| metadata.is_file())?;
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(metadata.mtime().try_into().unwrap_or_default());
    if modified.elapsed().is_ok_and(|age| age > OLD) {
        if let Ok(Some(_free)) = lock(directory, path.clone()) {
            let _ = std::fs::remove_file(path);
            return None;
        }
    }
    read_text(file, RECORD_MAX).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn is_held(lock: &SessionLock) -> bool {
        matches!(lock, SessionLock::Held(_))
    }

    #[test]
    fn a_subject_gets_as_many_locks_as_its_limit_and_a_session_that_ends_frees_its_lock() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("running");
        let ask = |subject, most| acquire(&directory, subject, most);
        let mut held: Vec<SessionLock> = (0..3).map(|_| ask("alice", 3)).collect();
        assert!(held.iter().all(is_held), "{held:?}");
        assert!(matches!(ask("alice", 3), SessionLock::LimitReached));
        assert!(is_held(&ask("bob", 3)), "another subject");
        // The search finds the free lock, whichever it is.
        for lock in 0..3 {
            drop(held.remove(lock));
            held.insert(lock, ask("alice", 3));
            assert!(held.iter().all(is_held), "{held:?}");
        }
        assert!(is_held(&ask("alice", 0)), "no limit");
        drop(held);
        assert!(is_held(&acquire(&directory, "alice", 1)), "all locks are free again");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o750);
        assert!(fs::read_dir(&directory).unwrap().all(|file| mode(&file.unwrap().path()) == 0o600));
    }

    #[test]
    fn a_directory_that_cannot_be_created_stops_no_session() {
        assert!(matches!(acquire(Path::new("/proc/nowhere/running"), "alice", 3), SessionLock::Unavailable));
        let root = tempfile::tempdir().unwrap();
        symlink("nowhere", root.path().join("running")).unwrap();
        assert!(matches!(acquire(&root.path().join("running"), "alice", 3), SessionLock::Unavailable));
    }

    #[test]
    fn of_first_sessions_at_once_each_gets_a_lock() {
        let root = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let directory = root.path().join(round.to_string());
            let barrier = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                let first = || {
                    barrier.wait();
                    acquire(&directory, "alice", 8)
                };
                let sessions: Vec<_> = (0..4).map(|_| scope.spawn(first)).collect();
                assert!(sessions.into_iter().all(|session| is_held(&session.join().unwrap())), "{round}");
            });
        }
    }

    #[test]
    fn a_spoiled_lock_file_is_replaced_and_does_not_turn_the_limit_off() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("running");
        drop(acquire(&directory, "alice", 1));
        let file = fs::read_dir(&directory).unwrap().next().unwrap().unwrap().path();
        let target = root.path().join("target");
        for spoil in [
            (|file, _| fs::set_permissions(file, Permissions::from_mode(0o000)).unwrap()) as fn(&Path, &Path),
            |file, target| {
                fs::remove_file(file).unwrap();
                symlink(target, file).unwrap();
            },
        ] {
            spoil(&file, &target);
            let first = acquire(&directory, "alice", 1);
            assert!(is_held(&first));
            assert!(matches!(acquire(&directory, "alice", 1), SessionLock::LimitReached));
        }
        assert!(!target.exists());
    }

    #[test]
    fn the_descriptor_of_a_lock_cannot_change_its_file() {
        let root = tempfile::tempdir().unwrap();
        let SessionLock::Held(held) = acquire(root.path(), "alice", 1) else { panic!("no lock") };
        held.write("a longer record").unwrap();
        held.write("a record").unwrap();
        let descriptor = held.lock.try_clone().unwrap();
        assert!(descriptor.set_len(0).is_err() && (&descriptor).write_all(b"x").is_err());
        assert!(records(root.path()).eq(["a record"]));
    }

    #[test]
    fn a_link_or_a_fifo_in_the_place_of_a_lock_file_is_neither_read_nor_written() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("running");
        let SessionLock::Held(held) = acquire(&directory, "alice", 1) else { panic!("no lock") };
        let target = root.path().join("target");
        fs::write(&target, "a file of the login account").unwrap();
        fs::remove_file(&held.file).unwrap();
        symlink(&target, &held.file).unwrap();
        assert!(held.write("a record").is_err());
        assert_eq!(fs::read_to_string(&target).unwrap(), "a file of the login account");
        assert_eq!(records(&directory).count(), 0);
        fs::remove_file(&held.file).unwrap();
        nix::unistd::mkfifo(&held.file, Mode::from_bits_truncate(0o600)).unwrap();
        // Without a process at the other end, opening a FIFO would wait.
        assert!(held.write("a record").is_err());
        assert_eq!(records(&directory).count(), 0);
    }

    #[test]
    fn a_file_that_was_removed_while_it_was_locked_is_noticed() {
        let root = tempfile::tempdir().unwrap();
        let SessionLock::Held(held) = acquire(root.path(), "alice", 1) else { panic!("no lock") };
        assert_eq!(has_name(&held.lock), Ok(true));
        fs::remove_file(&held.file).unwrap();
        assert_eq!(has_name(&held.lock), Ok(false));
    }

    #[test]
    fn the_record_of_a_session_that_has_just_ended_stays() {
        let root = tempfile::tempdir().unwrap();
        let SessionLock::Held(held) = acquire(root.path(), "alice", 1) else { panic!("no lock") };
        held.write("a record").unwrap();
        drop(held);
        assert!(records(root.path()).eq(["a record"]));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_old_file_without_a_session_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let (held, ended) = (acquire(root.path(), "alice", 1), acquire(root.path(), "bob", 1));
        for lock in [&held, &ended] {
            let SessionLock::Held(lock) = lock else { panic!("no lock") };
            lock.write("a record").unwrap();
            File::options().write(true).open(&lock.file).unwrap().set_modified(SystemTime::now() - OLD * 2).unwrap();
        }
        drop(ended);
        assert!(records(root.path()).eq(["a record"]));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(!is_held(&acquire(root.path(), "alice", 1)) && is_held(&acquire(root.path(), "bob", 1)));
    }
}
