//! How the small programs read: without a write, whatever state a crash, a clean close or a foreign tool left.
//!
//! If `-wal` or `-shm` is missing, SQLite creates it, which a process without write access cannot do. SQLite then
//! refuses to read at all. A `-wal` that a crash left without a frame makes such a reader wait for ten seconds, in vain
//! (3.53, wal.c, `walBeginShmUnreliable`). Neither may keep a user out. This reader therefore takes no locks if the
//! `-wal` holds no change or `-shm` is missing. It then accepts the answer only if the files did not change during the
//! read. If the `-wal` holds a change, SQLite's locks keep the answer consistent.

use std::fmt::Write as _;
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

use super::{Connection, WAL_HEADER, beside, harden, kind};
use crate::db::error::{DatabaseError, Error, ErrorKind};

/// How long a reader waits for a writer that locks the whole database. Less than the helper's own deadline.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// How often the files are compared while another process changes them, before SQLite's locks are used instead.
const COMPARISONS: usize = 40;
/// The time between two comparisons.
const PAUSE: Duration = Duration::from_micros(500);
/// How often an answer may be rejected because a file changed.
const TRIES: usize = 10;

/// The longest tick of a kernel's clock. Once a file is older than that, each later change of it has a later time.
const TICK: Duration = Duration::from_millis(10);

/// The length of the shortest frame of a `-wal`.
const WAL_FRAME: u64 = 24 + 512;

/// A connection that can only read.
#[derive(Debug)]
pub(in crate::db) struct Reader {
    path: PathBuf,
    opened: Opened,
}

impl Reader {
    /// Opens the database read-only. Faults inside the file show with the first question.
    pub(in crate::db) fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { path: path.to_owned(), opened: Opened::new(path, Mode::Locked)? })
    }

    /// Asks until an answer is consistent. Each question sees one committed state.
    pub(in crate::db) fn ask<T, E: DatabaseError>(
        &self,
        mut question: impl FnMut(Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(answer) = self.opened.ask(&self.path, &mut question) {
            return answer;
        }
        // Tries both modes in turn: the index may stay missing, or another process may be about to create it.
        for mode in [Mode::Locked, Mode::PrivateIndex].into_iter().cycle().take(TRIES) {
            sleep(PAUSE);
            if let Some(answer) = Opened::new(&self.path, mode)?.ask(&self.path, &mut question) {
                return answer;
            }
        }
        question(Connection(&open(&self.path, Mode::Locked)?))
    }
}

/// How SQLite opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Only the database file, without locks. For a `-wal` that holds no change.
    Immutable,
    /// With the `-wal`, without locks, with an index of the `-wal` in memory.
    PrivateIndex,
    /// With the `-wal` and `-shm`, under locks.
    Locked,
}

/// The open database, and the files that must not change before there is an answer; `None` under locks.
#[derive(Debug)]
struct Opened {
    connection: rusqlite::Connection,
    unchanged: Option<Files>,
}

impl Opened {
    /// Opens the database. `mode` is for a `-wal` that holds a change.
    fn new(path: &Path, mode: Mode) -> Result<Self, Error> {
        for _ in 0..COMPARISONS {
            let now = SystemTime::now();
            // If a file is missing, SQLite words the error.
            let Ok(files) = Files::of(path) else { break };
            let mode = if files.has_frames() { mode } else { Mode::Immutable };
            if mode == Mode::Locked {
                break;
            }
            if files.are_settled(now) {
                return Ok(Self { connection: open(path, mode)?, unchanged: Some(files) });
            }
            sleep(PAUSE);
        }
        Ok(Self { connection: open(path, Mode::Locked)?, unchanged: None })
    }

    /// The answer, if it is consistent.
    fn ask<T, E: DatabaseError>(
        &self,
        path: &Path,
        question: &mut impl FnMut(Connection<'_>) -> Result<T, E>,
    ) -> Option<Result<T, E>> {
        let answer = question(Connection(&self.connection));
        let is_consistent = self.unchanged.as_ref().is_none_or(|files| Files::of(path).is_ok_and(|now| now == *files));
        let lacks_index =
            |error: &E| matches!(error.database().map(Error::kind), Some(ErrorKind::CannotOpen | ErrorKind::NoIndex));
        (is_consistent && !answer.as_ref().is_err_and(lacks_index)).then_some(answer)
    }
}

/// Opens the database in one of the modes. No mode writes.
fn open(path: &Path, mode: Mode) -> Result<rusqlite::Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW
        | OpenFlags::SQLITE_OPEN_URI;
    let parameter = match mode {
        Mode::Immutable => "immutable=1",
        Mode::PrivateIndex => "vfs=unix-none",
        // The gateway may write to `-shm`. SQLite would begin by emptying it, and a full disk may not let SQLite fill
        // it again.
        Mode::Locked => "readonly_shm=1",
    };
    let open = || {
        let connection = rusqlite::Connection::open_with_flags(uri(path, parameter), flags)?;
        harden(&connection)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if mode == Mode::PrivateIndex {
            // Without locks, SQLite would treat this connection as the last, and remove a `-wal` that is in use.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            // sqlite.org/wal.html, "Use of WAL Without Shared-Memory".
            connection.pragma_update(None, "locking_mode", "exclusive")?;
        }
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| Error::Open(path.to_owned(), kind(&error), error.to_string()))
}

/// A path and a parameter as an SQLite URI.
fn uri(path: &Path, parameter: &str) -> String {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(uri, "%{byte:02x}");
    }
    uri + "?" + parameter
}

/// What every write changes: the database, and its `-wal` if it has one.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    database: FileVersion,
    wal: Option<FileVersion>,
}

impl Files {
    fn of(database: &Path) -> io::Result<Self> {
        let version_beside = |ending: &str| match beside(database, ending).symlink_metadata() {
            Ok(file) => Ok(Some(FileVersion::of(&file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        if version_beside("-journal")?.is_some() {
            // A writer without WAL mode left this journal. The file may hold half a change, and only a lock can tell.
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        Ok(Self { database: FileVersion::of(&database.symlink_metadata()?), wal: version_beside("-wal")? })
    }

    fn has_frames(&self) -> bool {
        self.wal.as_ref().is_some_and(|wal| wal.size >= WAL_HEADER + WAL_FRAME)
    }

    /// Whether a write after `now` would show.
    fn are_settled(&self, now: SystemTime) -> bool {
        let old = |file: &FileVersion| now.duration_since(file.changed()).map_or(true, |age| age > TICK);
        old(&self.database) && self.wal.as_ref().is_none_or(old)
    }
}

/// Which file it is, its size and its times.
#[derive(Debug, PartialEq, Eq)]
struct FileVersion {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileVersion {
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
