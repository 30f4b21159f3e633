//! How the two small programs read: without a write, whatever state a crash, a clean close or a foreign tool left.
//!
//! A database in WAL mode is three files: the database, its `-wal`, into which changes go first, and `-shm`, an index of
//! that. SQLite wants to make the latter two where they are missing, which who may only read cannot, and then it
//! refuses to read at all; and a `-wal` that a crash left without a single frame keeps such a reader waiting for ten
//! seconds, in vain (3.53, wal.c, `walBeginShmUnreliable`). Nobody may lose access for that. So where the `-wal` holds
//! nothing, or `-shm` is missing, the files are read without locks, and the answer counts only if they did not change
//! meanwhile. Where the `-wal` holds something, SQLite's locks see to it.

use std::fmt::Write as _;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::{Error, View, harden};

/// How long a reader waits for a writer that holds the database to itself. Less than the helper's own deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the files are looked at while somebody changes them, until SQLite's locks must do.
const LOOKS: usize = 40;
/// What lies between two looks.
const PAUSE: Duration = Duration::from_micros(500);
/// How often an answer may turn out not to hold.
const TRIES: usize = 10;

/// The longest tick of a kernel's clock: once a file is older than that, each later change of it has a later time.
const TICK: Duration = Duration::from_millis(10);

/// The length of a `-wal`'s header (sqlite.org/fileformat2.html#walformat).
pub(super) const WAL_HEADER: u64 = 32;
/// The length of the shortest frame.
const WAL_FRAME: u64 = 24 + 512;

/// A connection that can only read.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    look: Look,
}

impl Reader {
    /// Opens the database read-only.
    ///
    /// # Errors
    /// [`Error::Open`]. What is wrong inside the file shows with the first question.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), look: Look::at(path, Way::Locked)? })
    }

    /// Asks questions, as often as it takes to get an answer that holds. Each sees a committed state.
    ///
    /// # Errors
    /// Those of the questions.
    pub fn ask<T, E: DatabaseError>(&self, question: impl Fn(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        if let Some(answer) = self.look.ask(&self.path, &question) {
            return answer;
        }
        // In turns: an index may be missing for good, or in the making.
        for way in [Way::Locked, Way::OwnIndex].into_iter().cycle().take(TRIES) {
            sleep(PAUSE);
            if let Some(answer) = Look::at(&self.path, way)?.ask(&self.path, &question) {
                return answer;
            }
        }
        question(&View { connection: &open(&self.path, Way::Locked)? })
    }
}

/// An error that may come from the database.
pub trait DatabaseError: From<Error> {
    /// What the database said, where the error is its own.
    fn database(&self) -> Option<&Error>;
}

impl DatabaseError for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}

/// How SQLite opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The one file, without locks: for a `-wal` that holds nothing.
    Alone,
    /// With the `-wal`, without locks, with an index of it in memory.
    OwnIndex,
    /// With the `-wal` and its index, under locks.
    Locked,
}

/// The database opened, and what must not change before there is an answer; nothing where locks see to it.
#[derive(Debug)]
struct Look {
    connection: Connection,
    unchanged: Option<State>,
}

impl Look {
    /// Opens the database, a `-wal` that holds something in that way.
    fn at(path: &Path, way: Way) -> Result<Self, Error> {
        for _ in 0..LOOKS {
            let now = SystemTime::now();
            // SQLite has words for a file that is missing.
            let Ok(state) = State::of(path) else { break };
            let way = if state.has_frames() { way } else { Way::Alone };
            if way == Way::Locked {
                break;
            }
            if state.is_settled(now) {
                return Ok(Self { connection: open(path, way)?, unchanged: Some(state) });
            }
            sleep(PAUSE);
        }
        Ok(Self { connection: open(path, Way::Locked)?, unchanged: None })
    }

    /// The answer, if it holds.
    fn ask<T, E: DatabaseError>(
        &self,
        path: &Path,
        question: &impl Fn(&View<'_>) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let answer = question(&View { connection: &self.connection });
        let holds = self.unchanged.as_ref().is_none_or(|state| State::of(path).is_ok_and(|now| now == *state));
        let lacks_index = |error: &E| error.database().is_some_and(is_for_want_of_index);
        (holds && !answer.as_ref().is_err_and(lacks_index)).then_some(answer)
    }
}

/// Opens the database in one of the ways. None of them writes.
fn open(path: &Path, way: Way) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_URI;
    let parameter = match way {
        Way::Alone => "immutable=1",
        Way::OwnIndex => "vfs=unix-none",
        // The gateway could write to it, and would begin with emptying it, which a full disk may not let it fill again.
        Way::Locked => "readonly_shm=1",
    };
    let open = || {
        let connection = Connection::open_with_flags(uri(path, parameter), flags)?;
        harden(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if way == Way::OwnIndex {
            // Without locks it would take itself for the last user, and remove a `-wal` that others write to.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            // sqlite.org/wal.html, "Use of WAL Without Shared-Memory".
            connection.pragma_update(None, "locking_mode", "exclusive")?;
        }
        Ok(connection)
    };
    open().map_err(|error| Error::Open(path.to_owned(), error))
}

/// A path and a parameter as a URI of SQLite's.
fn uri(path: &Path, parameter: &str) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => uri.push(char::from(*byte)),
            // Writing to a String cannot fail.
            _ => drop(write!(uri, "%{byte:02x}")),
        }
    }
    uri + "?" + parameter
}

/// Whether SQLite gave up because the `-wal` or its index is missing, not to be read, or in the making.
fn is_for_want_of_index(error: &Error) -> bool {
    let Error::Sqlite(error) = error else {
        return false;
    };
    matches!(
        error.sqlite_extended_error_code(),
        Some(
            ffi::SQLITE_CANTOPEN
                | ffi::SQLITE_READONLY_RECOVERY
                | ffi::SQLITE_READONLY_CANTLOCK
                | ffi::SQLITE_READONLY_CANTINIT
                | ffi::SQLITE_READONLY_DIRECTORY
        )
    )
}

/// What every write changes: the database, its `-wal` where it has one.
#[derive(Debug, PartialEq, Eq)]
struct State {
    database: Stamp,
    wal: Option<Stamp>,
}

impl State {
    fn of(database: &Path) -> io::Result<Self> {
        let beside = |suffix: &str| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            match PathBuf::from(path).symlink_metadata() {
                Ok(file) => Ok(Some(Stamp::of(&file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            }
        };
        if beside("-journal")?.is_some() {
            // Left by another way of writing: half a change may stand in the file, and only a lock tells.
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        Ok(Self { database: Stamp::of(&database.symlink_metadata()?), wal: beside("-wal")? })
    }

    fn has_frames(&self) -> bool {
        self.wal.as_ref().is_some_and(|wal| wal.size >= WAL_HEADER + WAL_FRAME)
    }

    /// Whether a write after `now` would show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let old = |stamp: &Stamp| now.duration_since(stamp.changed()).map_or(true, |age| age > TICK);
        old(&self.database) && self.wal.as_ref().is_none_or(old)
    }
}

/// Which file it is, its size and its times.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self {
            file: (file.dev(), file.ino()),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    fn changed(&self) -> SystemTime {
        let (seconds, nanoseconds) = self.changed;
        let since = Duration::new(seconds.try_into().unwrap_or(0), nanoseconds.try_into().unwrap_or(0));
        SystemTime::UNIX_EPOCH + since
    }
}

#[cfg(test)]
mod tests;
