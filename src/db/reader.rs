//! How the two small programs read: without a write, whatever state a crash, a clean close or a foreign tool left.
//!
//! SQLite reads a database in WAL mode through its `-wal` and `-shm`. Who may not write in the directory cannot make
//! them where they are missing, and SQLite then refuses to read at all: after a foreign tool has closed the database,
//! on a read-only file system, from a copy that somebody put back. Nobody may lose access for that, so such a file is
//! read without locks, and the answer counts only if nothing was written meanwhile.

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

use super::{Error, harden};

/// How long a reader waits for a writer that holds the database to itself. Less than the helper's own deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// How often an answer is sought in the time in which somebody opens or closes the database.
const TRIES: usize = 40;
/// What lies between two of them.
const PAUSE: Duration = Duration::from_micros(500);

/// A later write has a later time than one that is that old: the longest tick of a kernel's clock.
const CLOCK_TICK: Duration = Duration::from_millis(10);

/// A connection that can only read.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
}

impl Reader {
    /// Opens the database read-only.
    ///
    /// # Errors
    /// [`Error::Open`]. What is wrong inside the file shows with the first question.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open_with_flags(path, flags())
            .and_then(prepare)
            .map_err(|error| Error::Open(path.to_owned(), error))?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// Asks a question, as often as it takes to get an answer that holds.
    pub(super) fn ask<T>(&self, question: impl Fn(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        match question(&self.connection) {
            Err(error) if is_for_want_of_wal(&error) => self.ask_without_wal(question, error),
            answer => answer,
        }
    }

    #[cold]
    fn ask_without_wal<T>(
        &self,
        question: impl Fn(&Connection) -> Result<T, Error>,
        mut error: Error,
    ) -> Result<T, Error> {
        for _ in 0..TRIES {
            let now = SystemTime::now();
            let Ok(state) = State::of(&self.path) else {
                return Err(error);
            };
            if state.is_settled(now) {
                let reader = open_without_locks(&self.path, &state);
                let answer = reader.map_err(Error::from).and_then(|reader| question(&reader));
                if State::of(&self.path).is_ok_and(|after| after == state)
                    && !answer.as_ref().is_err_and(is_for_want_of_wal)
                {
                    return answer;
                }
            }
            sleep(PAUSE);
            match question(&self.connection) {
                Err(again) if is_for_want_of_wal(&again) => error = again,
                answer => return answer,
            }
        }
        Err(error)
    }
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    harden(&connection)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Opens the database by the file alone if there is no `-wal`, else with an index of the `-wal` in memory.
///
/// Nothing keeps a writer away meanwhile: the caller must see that there was none.
fn open_without_locks(path: &Path, state: &State) -> rusqlite::Result<Connection> {
    let parameter = if state.wal.is_some() { "vfs=unix-none" } else { "immutable=1" };
    let connection = prepare(Connection::open_with_flags(uri(path, parameter), flags() | OpenFlags::SQLITE_OPEN_URI)?)?;
    if state.wal.is_some() {
        // Without locks it would take itself for the last one, and delete a `-wal` that others use.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // Alone: then SQLite needs no -shm (sqlite.org/wal.html, "Use of WAL Without Shared-Memory").
        connection.pragma_update(None, "locking_mode", "exclusive")?;
    }
    Ok(connection)
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

/// Whether SQLite gave up because of a missing `-wal` or `-shm`, or of one that is in the making.
fn is_for_want_of_wal(error: &Error) -> bool {
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
            // Half a change may stand in the file, and only a lock tells.
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        Ok(Self { database: Stamp::of(&database.symlink_metadata()?), wal: beside("-wal")? })
    }

    /// Whether a write after `now` would show.
    fn is_settled(&self, now: SystemTime) -> bool {
        let old = |stamp: &Stamp| now.duration_since(stamp.changed()).map_or(true, |age| age > CLOCK_TICK);
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
