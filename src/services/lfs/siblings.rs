//! A cure for clients that wait for each other at the end.
//!
//! git-lfs 3.3 and 3.4 open up to eight sessions over one SSH connection and, when all is done, first end the one whose
//! ssh process holds the connection. That process waits until the connection has no other session, the client waits for
//! that process, and so for ever (git-lfs #5535); 3.5 loses sessions that it never ends (#5816).
//!
//! So a session that says `quit` leaves the time on a board that its siblings read: those that have been idle since
//! before, for so long that a client which ends them one after the other would have come to them, end by themselves. A
//! session that is busy, or got a command since, stays. Any `quit` counts: a push of nothing new asks for no batch, and
//! hangs all the same; a pull does too (3.3.0). There is no process that watches, nothing to be cleaned up after a crash,
//! and, since the board is open from the beginning, nothing to be reached by path from a sandbox.

use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::stat::fstat;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, getppid};
use sha2::{Digest, Sha256};

use crate::request::Operation;

/// How long after the last `quit` an idle sibling waits for its own.
const GRACE: Duration = Duration::from_secs(5);
/// How many groups the board has places for. Two that share one at the same moment lose the cure.
const PLACES: u64 = 4096;
/// A place: whose it is and when one of them quit, eight bytes each. Nobody need tell them apart on another machine.
const PLACE: usize = 16;

/// Sessions that one client opened over one connection for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(u64);

impl Group {
    /// The group of a session: `connection` is sshd's `SSH_CONNECTION`, addresses and ports of both ends. Where sshd
    /// does not know them, or nobody does, the process that started this one stands for them.
    ///
    /// # Errors
    /// Where the repository's directory cannot be looked at.
    pub fn of(connection: Option<&[u8]>, repository: BorrowedFd<'_>, operation: Operation) -> io::Result<Self> {
        let stat = fstat(repository)?;
        let place = format!("{}:{} {operation} ", stat.st_dev, stat.st_ino);
        let hash = Sha256::new().chain_update(place);
        let hash = match connection {
            Some(known) if !known.is_empty() && !known.starts_with(b"UNKNOWN") => hash.chain_update(known),
            Some(_) | None => hash.chain_update(started_by(getppid())),
        };
        let bytes = hash.finalize();
        Ok(Self(bytes.first_chunk().copied().map_or(0, u64::from_ne_bytes)))
    }
}

/// A process and when it started: the number alone is given to another one some day.
fn started_by(parent: Pid) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{parent}/stat")).unwrap_or_default();
    // The name before may hold anything, blanks and brackets too; the time is the 22nd field (proc(5)).
    let start = stat.rsplit_once(')').and_then(|(_, rest)| rest.split(' ').nth(20)).unwrap_or_default();
    format!("{parent} {start}")
}

/// A moment of the clock that all processes of a machine share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn now() -> io::Result<Self> {
        let time = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
        Ok(Self(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long it is from `earlier` to this; `None` where it is not earlier.
    fn since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_nanos)
    }
}

/// A session's place among those of its group.
#[derive(Debug)]
pub struct Siblings {
    board: File,
    group: Group,
    grace: Duration,
}

impl Siblings {
    /// Opens the board, a file of 64 KiB at most that all sessions of a machine may share, and makes it if need be.
    /// It should lie where it is gone after a reboot.
    ///
    /// # Errors
    /// Where it can be neither opened nor made. The session goes on without.
    pub fn open(board: &Path, group: Group) -> io::Result<Self> {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(board)?;
        Ok(Self { board: file, group, grace: GRACE })
    }

    /// Another grace than five seconds.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Leaves word that this session has quit.
    ///
    /// # Errors
    /// Where the board cannot be written. Siblings then wait, as they would without.
    pub fn quit(&self) -> io::Result<()> {
        self.quit_at(Moment::now()?)
    }

    fn quit_at(&self, Moment(time): Moment) -> io::Result<()> {
        let mut place = [0; PLACE];
        let (group, when) = place.split_at_mut(PLACE / 2);
        group.copy_from_slice(&self.group.0.to_ne_bytes());
        when.copy_from_slice(&time.to_ne_bytes());
        self.board.write_all_at(&place, self.offset())
    }

    /// Whether a session that has waited for a command since `idle` is by now one that its client has forgotten.
    pub(super) fn are_gone(&self, idle: Moment, now: Moment) -> bool {
        let Some(quit) = self.last_quit() else { return false };
        quit >= idle && now.since(quit).is_some_and(|since| since >= self.grace)
    }

    /// When a session of this group quit last, if one did.
    fn last_quit(&self) -> Option<Moment> {
        let mut place = [0; PLACE];
        self.board.read_exact_at(&mut place, self.offset()).ok()?;
        let (group, time) = place.split_at(PLACE / 2);
        let is_ours = group == self.group.0.to_ne_bytes();
        time.first_chunk().copied().filter(|_| is_ours).map(|time| Moment(u64::from_ne_bytes(time)))
    }

    fn offset(&self) -> u64 {
        self.group.0 % PLACES * PLACE as u64
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn group(connection: Option<&str>) -> Group {
        let root = File::open("/").unwrap();
        Group::of(connection.map(str::as_bytes), root.as_fd(), Operation::Upload).unwrap()
    }

    #[test]
    fn a_group_is_one_connection_one_repository_one_operation() {
        let ours = "192.0.2.1 50000 192.0.2.2 22";
        assert_eq!(group(Some(ours)), group(Some(ours)));
        assert_ne!(group(Some(ours)), group(Some("192.0.2.1 50001 192.0.2.2 22")));
        let (root, other) = (File::open("/").unwrap(), File::open("/usr").unwrap());
        assert_ne!(group(Some(ours)), Group::of(Some(ours.as_bytes()), root.as_fd(), Operation::Download).unwrap());
        assert_ne!(group(Some(ours)), Group::of(Some(ours.as_bytes()), other.as_fd(), Operation::Upload).unwrap());
        let by_parent = group(None);
        assert_eq!(group(Some("UNKNOWN 65535 UNKNOWN 65535")), by_parent);
        assert_eq!(group(Some("")), by_parent);
        assert_ne!(group(Some(ours)), by_parent);
    }

    #[test]
    fn a_process_is_told_from_a_later_one_of_the_same_number() {
        let words = started_by(Pid::this());
        let (pid, start) = words.split_once(' ').unwrap();
        assert_eq!(pid, Pid::this().to_string());
        assert!(start.parse::<u64>().unwrap() > 0);
    }

    /// So many seconds after the machine was started.
    fn at(seconds: u64) -> Moment {
        Moment(seconds * 1_000_000_000)
    }

    #[test]
    fn an_idle_session_goes_when_a_sibling_has_quit_and_the_grace_is_over() {
        let directory = tempfile::tempdir().unwrap();
        let board = directory.path().join("board");
        let open = |connection| Siblings::open(&board, group(Some(connection))).unwrap();
        let (first, idle, other) = (open("a"), open("a"), open("b"));
        assert!(!idle.are_gone(at(100), at(1000)), "nobody has quit");
        first.quit_at(at(110)).unwrap();
        assert!(!idle.are_gone(at(100), at(114)), "the grace is not over");
        first.quit_at(at(113)).unwrap();
        assert!(!idle.are_gone(at(100), at(117)), "a later quit begins it anew");
        assert!(idle.are_gone(at(100), at(118)));
        assert!(idle.are_gone(at(113), at(1000)));
        assert!(!idle.are_gone(at(114), at(1000)), "a session that had work since stays");
        assert!(!other.are_gone(at(100), at(1000)), "another group");
        let other_of_that_place = Siblings { group: Group(idle.group.0 + PLACES), ..open("a") };
        other_of_that_place.quit_at(at(115)).unwrap();
        assert!(!idle.are_gone(at(100), at(1000)), "a group that has the same place on the board");
        first.quit().unwrap();
        assert!(idle.last_quit().unwrap() <= Moment::now().unwrap());
    }

    #[test]
    fn a_board_of_garbage_or_of_the_future_moves_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let board = directory.path().join("board");
        let siblings = Siblings::open(&board, group(Some("a"))).unwrap().with_grace(Duration::ZERO);
        std::fs::write(&board, vec![0xff; 70_000]).unwrap();
        assert!(!siblings.are_gone(at(1), at(1000)));
        siblings.quit_at(at(1001)).unwrap();
        assert!(!siblings.are_gone(at(1), at(1000)));
        std::fs::write(&board, "").unwrap();
        assert!(!siblings.are_gone(at(1), at(1000)));
    }
}
