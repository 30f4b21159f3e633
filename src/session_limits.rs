//! Limits how many sessions an account or an address may have at a time.
//!
//! Each session holds a lock, which the kernel releases when the session ends in any way. One file serves all subjects.
//! A hash of the subject gives the start of its range, and each session locks one byte of the range. The file stays
//! empty. The lock belongs to the open file (fcntl(2), open file description locks), so the session keeps it when it
//! becomes git.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use sha2::{Digest, Sha256};

/// The most locks of one subject, and the length of its range.
const RANGE: u32 = 1 << 16;

/// The result of acquiring a session's lock.
#[derive(Debug)]
pub enum SessionLock {
    /// The lock is held while the file is open, in this process or in the program that it becomes.
    Held(File),
    /// The subject has as many sessions as it may have.
    LimitReached,
    /// The lock cannot be created, for example on a read-only file system. The session continues, because this fault
    /// must not stop sessions.
    Unavailable,
}

/// Acquires one of the `most` locks of a subject; 0 means no limit.
#[must_use]
pub fn acquire(file: &Path, subject: &str, most: u32) -> SessionLock {
    // The search may begin at any byte. The process id spreads sessions that start together.
    acquire_from(std::process::id(), file, subject, most)
}

/// Tries each lock of the subject once, beginning at `begin` modulo the number of locks.
fn acquire_from(begin: u32, file: &Path, subject: &str, most: u32) -> SessionLock {
    let open = || {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        File::options().read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(file)
    };
    let Ok(file) = open() else { return SessionLock::Unavailable };
    let most = if most == 0 { RANGE } else { most.min(RANGE) };
    let start = range_of(subject);
    let first = begin % most;
    for byte in (first..most).chain(0..first) {
        match lock_byte(&file, start + i64::from(byte)) {
            Ok(()) => return if survives_exec(&file) { SessionLock::Held(file) } else { SessionLock::Unavailable },
            Err(Errno::EAGAIN | Errno::EACCES) => {}
            Err(_) => return SessionLock::Unavailable,
        }
    }
    SessionLock::LimitReached
}

/// The start of a subject's range: 46 bits of a hash. Two subjects with the same range would only share their limit.
fn range_of(subject: &str) -> i64 {
    let hash = Sha256::digest(subject.as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number >> 18).unwrap_or_default() * i64::from(RANGE)
}

fn lock_byte(file: &File, offset: i64) -> Result<(), Errno> {
    let short = |constant: libc::c_int| i16::try_from(constant).map_err(|_| Errno::EINVAL);
    let lock = libc::flock {
        l_type: short(libc::F_WRLCK)?,
        l_whence: short(libc::SEEK_SET)?,
        l_start: offset,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&lock)).map(drop)
}

fn survives_exec(file: &File) -> bool {
    fcntl(file, FcntlArg::F_SETFD(FdFlag::empty())).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_held(lock: &SessionLock) -> bool {
        matches!(lock, SessionLock::Held(_))
    }

    #[test]
    fn a_subject_gets_as_many_locks_as_its_limit_and_a_session_that_ends_frees_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sessions");
        // The search begins at the process id, so it must reach every lock from each remainder.
        for begin in [0, 1, 2, 3, u32::MAX] {
            let ask = |subject, most| acquire_from(begin, &file, subject, most);
            let mut held: Vec<SessionLock> = (0..3).map(|_| ask("alice", 3)).collect();
            assert!(held.iter().all(is_held), "{begin}: {held:?}");
            assert!(matches!(ask("alice", 3), SessionLock::LimitReached), "{begin}");
            assert!(is_held(&ask("bob", 3)), "{begin}: another subject");
            // The search finds the free lock, whichever it is.
            for lock in 0..3 {
                drop(held.remove(lock));
                held.insert(lock, ask("alice", 3));
                assert!(held.iter().all(is_held), "{begin}: {held:?}");
            }
            assert!(is_held(&ask("alice", 0)), "{begin}: no limit");
        }
        assert!(is_held(&acquire(&file, "alice", 1)), "all locks are free again");
    }

    #[test]
    fn a_lock_file_that_cannot_be_created_stops_no_session() {
        assert!(matches!(acquire(Path::new("/proc/nowhere/sessions"), "alice", 3), SessionLock::Unavailable));
    }

    #[test]
    fn ranges_do_not_overlap() {
        let (alice, bob) = (range_of("alice"), range_of("bob"));
        assert!(alice.abs_diff(bob) >= u64::from(RANGE));
        assert!(alice.checked_add(i64::from(RANGE)).is_some());
    }
}
