//! Changes: one transaction each, with its row in the audit table.

mod account;
mod audit;
mod authority;
mod copy;
mod export;
mod gate;
mod health;
mod holder;
mod invite;
mod key;
mod removed;
mod repository;
mod standing;
mod steps;

use std::fs::OpenOptions;
use std::io;
use std::ops::Deref;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use serde_json::Value;

use super::reader::{DatabaseError, WAL_HEADER};
use super::schema::{MIN_READER, VERSION};
use super::{Error, View, harden};
use crate::clock::now;
use crate::key::Fingerprint;
use crate::name::{NameError, Owner, Title};

pub use account::{Member, Organization, OwnerKind, OwnerRow, User};
pub use audit::Event;
pub use authority::AuthorityRow;
pub use copy::{BadCopy, Contents};
pub use gate::GateRequestRow;
pub use holder::Holder;
pub use invite::Code;
pub use key::{KeyRow, NewKey};
pub use removed::Removed;
pub use repository::{Collaborator, NewRepository, RepositoryRow};
use steps::STEPS;

/// How long a change waits for another one.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of the `-wal` is kept when it is begun again, in bytes.
const WAL_KEPT: i64 = 1 << 20;

/// Why a change was not made. Worded for whoever asked for it.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// Something is in the way, in words that say what to do about it.
    #[error("{0}")]
    Conflict(String),
    /// A key that opens something already. Whom it belongs to is for operators to read.
    #[error("the key {fingerprint} is already in use: it is \"{title}\" of {holder}")]
    KeyInUse {
        /// The key.
        fingerprint: Fingerprint,
        /// What it opens.
        holder: Holder,
        /// What it is called.
        title: Title,
    },
    /// The last administrator of an organization.
    #[error("{0} would have no admin: first give the role to another member")]
    LastAdmin(Owner),
    /// A name that the rules do not allow.
    #[error("{0}: {1}")]
    Name(String, #[source] NameError),
    /// The database failed.
    #[error("{0}")]
    Database(#[from] Error),
}

impl DatabaseError for ChangeError {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NotFound(_) | Self::Conflict(_) | Self::KeyInUse { .. } | Self::LastAdmin(_) | Self::Name(..) => None,
        }
    }
}

impl From<rusqlite::Error> for ChangeError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

/// A connection that may write.
#[derive(Debug)]
pub struct Store {
    pub(super) connection: Connection,
    /// Whether a transaction of this connection may have written.
    pub(super) wrote: bool,
}

/// A change under way: questions see its own steps. Where it does not succeed, nothing of it stays.
#[derive(Debug)]
pub struct Change<'a> {
    view: View<'a>,
    /// One instant for the whole change: whole seconds UTC since 1970.
    pub now: i64,
    actor: &'a str,
}

impl<'a> Deref for Change<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl Store {
    /// Opens the database for questions and changes.
    ///
    /// # Errors
    /// [`Error`]; a database older than this program asks for `hubgate migrate`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let store = Self::open_any_version(path)?;
        store.view().check_current()?;
        Ok(store)
    }

    /// The database as it stands, for questions.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { connection: &self.connection }
    }

    /// Opens the database whatever its schema is, to migrate it.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open_any_version(path: &Path) -> Result<Self, Error> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = |error| Error::Open(path.to_owned(), error);
        let connection = Connection::open_with_flags(path, flags).map_err(open)?;
        connection.busy_timeout(WRITE_TIMEOUT).map_err(open)?;
        harden(&connection).map_err(open)?;
        // WAL: readers never wait for a writer. FULL: what was committed is there after a power cut.
        connection.pragma_update(None, "journal_mode", "wal").map_err(open)?;
        connection.pragma_update(None, "synchronous", "full").map_err(open)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(open)?;
        // A `-wal` that a long reader let grow is cut to this length by the first writer that can begin it again.
        connection.pragma_update(None, "journal_size_limit", WAL_KEPT).map_err(open)?;
        // SQLite would copy the `-wal` into the database under a lock that keeps every reader out: see `drop`.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(open)?;
        persist_wal(&connection);
        Ok(Self { connection, wrote: false })
    }

    /// Makes an empty database of this program's version, readable by its group. An existing one is left as it is.
    ///
    /// # Errors
    /// [`Error`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        // Made here and not by SQLite, so that the mode is never wider, whatever the umask. An existing file stays.
        let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(path);
        made.map_err(|error| Error::Create(path.to_owned(), error))?;
        let mut store = Self::open_any_version(path)?;
        store.migrate()?;
        Ok(store)
    }

    /// Brings the schema to this program's version, each step in one transaction. Returns the version that was found.
    ///
    /// # Errors
    /// [`Error`]; then the database is as it was.
    pub fn migrate(&mut self) -> Result<i64, Error> {
        self.wrote = true;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        lengthen_wal(&transaction);
        let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let found: i64 = match tables {
            0 => 0,
            _ => transaction.query_row("SELECT version FROM hubgate WHERE id = 1", [], |row| row.get(0))?,
        };
        for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
            transaction.execute_batch(step)?;
        }
        if found < VERSION {
            let set = "UPDATE hubgate SET version = ?1, min_reader = ?2 WHERE id = 1";
            transaction.execute(set, params![VERSION, MIN_READER])?;
        }
        transaction.commit()?;
        Ok(found)
    }

    /// Copies the whole database to a new file, as one consistent state.
    ///
    /// # Errors
    /// [`Error`], as where the file exists.
    pub fn copy_to(&self, file: &Path) -> Result<(), Error> {
        let name = file.to_str().ok_or_else(|| Error::Value("file name".to_owned()))?;
        self.connection.execute("VACUUM INTO ?1", params![name])?;
        Ok(())
    }

    /// Makes a change: all of it and its audit row, or nothing. `actor` is who asked for it.
    ///
    /// # Errors
    /// What `steps` said, or that the database failed.
    pub fn change<T, E: From<Error>>(
        &mut self,
        actor: &str,
        steps: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.wrote = true;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(Error::from)?;
        lengthen_wal(&transaction);
        let done = steps(&Change { view: View { connection: &transaction }, now: now(), actor })?;
        transaction.commit().map_err(Error::from)?;
        Ok(done)
    }
}

impl Store {
    /// Makes a change and takes it back: says what it would come to.
    ///
    /// # Errors
    /// What `steps` said, or that the database failed.
    pub fn rehearse<T>(
        &mut self,
        actor: &str,
        steps: impl FnOnce(&Change<'_>) -> Result<T, ChangeError>,
    ) -> Result<T, ChangeError> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = steps(&Change { view: View { connection: &transaction }, now: now(), actor })?;
        transaction.rollback()?;
        Ok(done)
    }
}

impl Drop for Store {
    /// Copies what was written from the `-wal` into the database, while readers and writers go on.
    ///
    /// A passive checkpoint waits for no lock. SQLite's own one at the close of the last connection keeps readers out
    /// until the disk has the database, so it is switched on only when nothing is left to copy: then it empties the
    /// `-wal` and syncs nothing. What a failure or another connection leaves in the `-wal`, a later change copies.
    fn drop(&mut self) {
        if !self.wrote {
            return;
        }
        let checkpoint = self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok(row.get::<_, i64>(0)? == 0 && row.get::<_, i64>(1)? == row.get::<_, i64>(2)?)
        });
        if checkpoint.unwrap_or(false) {
            let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
    }
}

impl Change<'_> {
    /// Writes the audit row of this change: an event as the Hub names them, what it happened to, and how.
    pub(super) fn audit(&self, event: &str, object: &str, detail: &Value) -> Result<(), ChangeError> {
        self.connection.execute(
            "INSERT INTO audit (at, actor, event, object, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![self.now, self.actor, event, object, detail.to_string()],
        )?;
        Ok(())
    }
}

/// Tells SQLite to leave `-wal` and `-shm` in place when the last connection closes: a reader that may not write in the
/// directory cannot make them (sqlite.org/wal.html, "Read-Only Databases"). Ours reads without them too, but not a
/// `sqlite3 -readonly` of the sysadmin's.
fn persist_wal(connection: &Connection) {
    let mut on: std::ffi::c_int = 1;
    #[expect(unsafe_code, reason = "SQLite's file control has no safe form in rusqlite")]
    // SAFETY: the handle is of a connection that outlives the call; FCNTL_PERSIST_WAL reads and writes one int.
    unsafe {
        rusqlite::ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            rusqlite::ffi::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut on).cast(),
        );
    }
}

/// Makes an empty `-wal` one byte longer than its header will be. Only who is writing may: nobody else does then.
///
/// A crash between the header and the first frame would leave the header alone, and a `-wal` of just that length keeps
/// readers who may only read waiting for ten seconds, in vain: to SQLite 3.53 it is too short to be read and long enough
/// to be compared with what was read (wal.c, `walIndexRecover` and `walBeginShmUnreliable`).
pub(super) fn lengthen_wal(transaction: &Transaction<'_>) {
    let lengthen = |database: &str| -> io::Result<()> {
        let wal = format!("{database}-wal");
        let wal = OpenOptions::new().write(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(wal)?;
        if wal.metadata()?.len() <= WAL_HEADER { wal.set_len(WAL_HEADER + 1) } else { Ok(()) }
    };
    // What goes wrong here goes wrong with the write as well, and is told of there.
    let _ = transaction.path().map(lengthen);
}

/// Whether a statement failed for a UNIQUE or CHECK of the schema.
fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}
