//! Ends sessions that their client has forgotten, so that the client can end too.
//!
//! git-lfs 3.3 and 3.4 open up to eight sessions over one SSH connection and, when all work is done, quit the session
//! first whose ssh process holds the connection. That process ends only when the connection has no other session, and
//! the client waits for it before it quits the others: a deadlock (git-lfs #5535). 3.5 never ends some of its sessions
//! (#5816). So a session ends by itself when the client has begun to quit and then forgets the session.
//!
//! The sessions of one connection, repository and operation are a group. They share one entry in a file, which holds
//! the group's last event: a session of the group quit, or a session was at work. A session that waits for a command
//! reads that event from time to time. It ends when a quit has stayed the last event for the grace period. The session
//! measures the period with its own clock, from the moment at which it first saw the quit. No time is compared between
//! processes, so a process may be late at any step:
//!
//! - A client quits after the last answer. Each session notes a command before it answers, so no command of the same
//!   client can come after its quit.
//! - A quit that was the last event when a session began is another client's, because a client waits until its sessions
//!   have answered `version` before it quits any of them (git-lfs 3.3). Such a quit never ends the session: a checkout
//!   may open a session and send `batch` minutes later.
//! - A second client of the same connection is safe while any of its sessions has work more often than once in a grace
//!   period. One that pauses for longer, just after the other client quit, loses sessions. SSH gives no way to tell the
//!   two apart.
//!
//! No process watches, a crash leaves nothing to clean up, and a sandboxed session uses only a descriptor that was open
//! before. The content of the file is a hint: whatever it holds, only waiting sessions end.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::stat::fstat;
use nix::unistd::{Pid, getppid};
use sha2::{Digest, Sha256};

use crate::process::Process;
use crate::random;
use crate::request::Operation;

/// How long a quit must stay the group's last event before a waiting session ends.
const GRACE: Duration = Duration::from_secs(5);
/// How often a session at work notes that it is.
const PULSE: Duration = Duration::from_millis(500);
/// The rows of the file. Each row has the entries of several groups.
const ROWS: u64 = 4096;
const PLACES: usize = 8;
/// An entry: the group and its event, eight bytes each.
const PLACE: usize = 16;
const ROW: usize = PLACES * PLACE;

/// The sessions that one client opened over one connection for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupId(u64);

impl GroupId {
    /// The group of a session. `connection` is sshd's `SSH_CONNECTION`, the addresses and ports of both ends. If it is
    /// not set, or sshd does not know the addresses, the parent process stands for the connection.
    ///
    /// # Errors
    /// The repository's directory cannot be examined.
    pub fn of(connection: Option<&[u8]>, repository: BorrowedFd<'_>, operation: Operation) -> io::Result<Self> {
        let stat = fstat(repository)?;
        let place = format!("{}:{} {operation} ", stat.st_dev, stat.st_ino);
        let hash = Sha256::new().chain_update(place);
        let hash = match connection {
            Some(known) if !known.is_empty() && !known.starts_with(b"UNKNOWN") => hash.chain_update(known),
            Some(_) | None => hash.chain_update(started_by(getppid())),
        };
        let bytes = hash.finalize();
        // 0 marks an entry that was never used.
        Ok(Self(bytes.first_chunk().copied().map_or(1, u64::from_ne_bytes).max(1)))
    }
}

/// A process and when it started, because a later process may get the same number.
fn started_by(parent: Pid) -> String {
    Process::running(parent).map_or_else(|| parent.to_string(), |parent| parent.to_string())
}

/// Something that happened in a group. Two events are never equal, except by a chance of one in 2^63.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Event(u64);

impl Event {
    fn new(number: u64, is_quit: bool) -> Self {
        Self(number << 1 | u64::from(is_quit))
    }

    fn is_quit(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A session's view of its group.
#[derive(Debug)]
pub struct Group {
    file: File,
    id: GroupId,
    grace: Duration,
    /// Random at first, and one more with each event of this session.
    number: Cell<u64>,
    pulse: Cell<Option<Instant>>,
    /// The last event when the session began.
    at_start: Option<Event>,
}

impl Group {
    /// The largest size of the file, in bytes.
    pub const FILE_MAX: u64 = ROWS * ROW as u64;

    /// Opens the file, which all sessions of a machine may share, or creates it. The file has at most 512 KiB. The
    /// session begins now, so the caller must not have sent anything to the client.
    ///
    /// # Errors
    /// The file can be neither opened nor created. The session then runs without it.
    pub fn open(path: &Path, id: GroupId) -> io::Result<Self> {
        let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags)
            .open(path)?;
        let number = Cell::new(u64::from_ne_bytes(random::bytes()?));
        let mut group = Self { file, id, grace: GRACE, number, pulse: Cell::new(None), at_start: None };
        group.at_start = group.last_event();
        Ok(group)
    }

    /// Sets another grace period than five seconds.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Notes that this session has quit. If the note cannot be written, the other sessions keep waiting.
    pub fn note_quit(&self) {
        self.note(true);
    }

    /// Notes that a command came. The caller must not have answered the command yet.
    pub(super) fn note_command(&self) {
        self.note(false);
        self.pulse.set(Some(Instant::now()));
    }

    /// Notes that this session is still at work on a command, if it has not done so for a while.
    pub(super) fn note_work(&self) {
        if self.pulse.get().is_some_and(|last| last.elapsed() >= PULSE) {
            self.note_command();
        }
    }

    /// Begins to wait for a command.
    pub(super) fn wait(&self) -> Wait {
        Wait { grace: self.grace, at_start: self.at_start, since: None }
    }

    /// Whether the client has forgotten a session that waits for a command.
    pub(super) fn has_forgotten(&self, wait: &mut Wait) -> bool {
        wait.has_ended(self.last_event(), Instant::now())
    }

    fn note(&self, is_quit: bool) {
        let number = self.number.get().wrapping_add(1);
        self.number.set(number);
        let Some(row) = self.row() else { return };
        let of = |place: u64| row.iter().position(|(group, _)| *group == place);
        // If two groups take one entry at the same moment, their forgotten sessions do not end early. Nothing else
        // happens.
        let chance = usize::try_from(number % PLACES as u64).unwrap_or_default();
        let place = of(self.id.0).or_else(|| of(0)).unwrap_or(chance);
        let mut bytes = [0; PLACE];
        let (group, event) = bytes.split_at_mut(PLACE / 2);
        group.copy_from_slice(&self.id.0.to_ne_bytes());
        event.copy_from_slice(&Event::new(number, is_quit).0.to_ne_bytes());
        let _ = self.file.write_all_at(&bytes, self.offset() + (place * PLACE) as u64);
    }

    /// The last event of this group, if it is known.
    fn last_event(&self) -> Option<Event> {
        let row = self.row()?;
        row.iter().find(|(group, _)| *group == self.id.0).map(|(_, event)| Event(*event))
    }

    /// The entries of this group's row: groups and events. Entries behind the end of the file were never used.
    fn row(&self) -> Option<Vec<(u64, u64)>> {
        let mut bytes = [0; ROW];
        match self.file.read_exact_at(&mut bytes, self.offset()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(_) => return None,
            Ok(()) => {}
        }
        let number = |bytes: &[u8]| bytes.first_chunk().copied().map_or(0, u64::from_ne_bytes);
        let place =
            |bytes: &[u8]| bytes.split_at_checked(PLACE / 2).map(|(group, event)| (number(group), number(event)));
        bytes.chunks_exact(PLACE).map(place).collect()
    }

    fn offset(&self) -> u64 {
        self.id.0 % ROWS * ROW as u64
    }
}

/// The state of one wait for a command.
#[derive(Debug)]
pub(super) struct Wait {
    grace: Duration,
    at_start: Option<Event>,
    /// The quit that was the last event, and when this session first saw it.
    since: Option<(Event, Instant)>,
}

impl Wait {
    /// Notes the group's last event at `now`. Returns whether the client has forgotten this session.
    fn has_ended(&mut self, last: Option<Event>, now: Instant) -> bool {
        let Some(quit) = last.filter(|event| event.is_quit() && self.at_start != Some(*event)) else {
            self.since = None;
            return false;
        };
        match self.since {
            Some((seen, since)) if seen == quit => now.saturating_duration_since(since) >= self.grace,
            Some(_) | None => {
                self.since = Some((quit, now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests;
