//! How many sessions at a time: a place in a row of locks, freed by the kernel however the session ends.
//!
//! One file holds every row: whose it is says where the row begins, by hash, and each place is a lock of one byte. The
//! file stays empty. The lock belongs to an open file (fcntl(2), open file description locks), so that git, which the
//! session becomes, holds on to it.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::libc;
use sha2::{Digest, Sha256};

/// How many places a row can have at most; rows lie that far apart.
const ROW: u32 = 1 << 16;

/// What came of asking for a place.
#[derive(Debug)]
pub enum Slot {
    /// Ours, for as long as the file stays open in this process or in what it becomes.
    Held(File),
    /// Every place is taken.
    Full,
    /// No lock can be had, as on a read-only file system. A limit that cannot be kept stops nobody.
    Unavailable,
}

/// Takes one of `most` places in the row of `whose`; 0 is no limit.
#[must_use]
pub fn take(file: &Path, whose: &str, most: u32) -> Slot {
    let open = || {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        File::options().read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags).open(file)
    };
    let Ok(file) = open() else { return Slot::Unavailable };
    let most = if most == 0 { ROW } else { most.min(ROW) };
    let row = row(whose);
    // Where to begin looking: anywhere, so that sessions that start together rarely meet.
    let first = std::process::id() % most;
    for place in (first..most).chain(0..first) {
        match lock(&file, row + i64::from(place)) {
            Ok(()) => return if survives_exec(&file) { Slot::Held(file) } else { Slot::Unavailable },
            Err(Errno::EAGAIN | Errno::EACCES) => {}
            Err(_) => return Slot::Unavailable,
        }
    }
    Slot::Full
}

/// Where a row begins: 46 bits of a hash, a row apart. Two names of one row would only share their places.
fn row(whose: &str) -> i64 {
    let hash = Sha256::digest(whose.as_bytes());
    let number = hash.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number >> 18).unwrap_or_default() * i64::from(ROW)
}

fn lock(file: &File, offset: i64) -> Result<(), Errno> {
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

    fn is_held(slot: &Slot) -> bool {
        matches!(slot, Slot::Held(_))
    }

    #[test]
    fn a_row_has_as_many_places_as_the_limit_and_a_place_is_free_again_when_its_holder_ends() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sessions");
        let mut held: Vec<Slot> = (0..3).map(|_| take(&file, "alice", 3)).collect();
        assert!(held.iter().all(is_held));
        assert!(matches!(take(&file, "alice", 3), Slot::Full));
        assert!(is_held(&take(&file, "bob", 3)), "another row");
        held.pop();
        assert!(is_held(&take(&file, "alice", 3)));
        assert!(is_held(&take(&file, "alice", 0)), "no limit");
    }

    #[test]
    fn a_file_that_cannot_be_made_stops_nobody() {
        assert!(matches!(take(Path::new("/proc/nowhere/sessions"), "alice", 3), Slot::Unavailable));
    }

    #[test]
    fn rows_do_not_overlap() {
        let (alice, bob) = (row("alice"), row("bob"));
        assert!(alice.abs_diff(bob) >= u64::from(ROW));
        assert!(alice.checked_add(i64::from(ROW)).is_some());
    }
}
