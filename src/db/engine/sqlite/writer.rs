//! Connections that write.

pub(in crate::db) mod copy;
pub(in crate::db) mod files;

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::OFlag;
use rusqlite::config::DbConfig;
use rusqlite::{OpenFlags, TransactionBehavior, ffi, params_from_iter};

use super::{Connection, Row, WAL_HEADER, beside, failed, harden, kind, value};
use crate::db::engine::value::Value;
use crate::db::error::Error;

/// How long a change waits for another one.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of the `-wal` SQLite keeps when it begins the file again, in bytes.
const WAL_KEPT: i64 = 1 << 20;

/// A connection that may write.
#[derive(Debug)]
pub(in crate::db) struct Writer {
    connection: rusqlite::Connection,
    /// Whether a transaction of this connection may have written.
    wrote: bool,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Transaction {
    /// A change.
    Write,
    /// A change that is rolled back, to learn what it would do.
    Rehearse,
    /// A change of the schema, with no other reader or writer.
    Migrate,
}

impl Connection<'_> {
    /// Runs a statement that changes rows, and returns their number.
    pub(in crate::db) fn execute(self, statement: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        self.0.execute(statement, params_from_iter(values)).map_err(failed)
    }

    /// Reads the column `number` of the only row.
    pub(in crate::db) fn number(self, statement: &str, values: &[Value<'_>]) -> Result<i64, Error> {
        let number = self.first(statement, values, |row| row.get("number"))?;
        number.ok_or_else(|| Error::Value("number".to_owned()))
    }

    /// Runs statements that define tables.
    pub(in crate::db) fn define(self, statements: &str) -> Result<(), Error> {
        self.0.execute_batch(statements).map_err(failed)
    }

    /// Whether there is no table at all.
    pub(in crate::db) fn is_empty(self) -> Result<bool, Error> {
        Ok(self.first("SELECT 1 FROM sqlite_schema", &[], |_| Ok(()))?.is_none())
    }
}

impl Row<'_> {
    /// Every column with its name.
    pub(in crate::db) fn columns(&self) -> Result<Vec<(&str, Value<'_>)>, Error> {
        let names = self.0.as_ref().column_names().into_iter().enumerate();
        let column = |(index, name): (usize, _)| {
            let value =
                value(self.0.get_ref(index).map_err(failed)?).ok_or_else(|| Error::Value(String::from(name)))?;
            Ok((name, value))
        };
        names.map(column).collect()
    }
}

impl Writer {
    /// Opens an existing database.
    pub(in crate::db) fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, |connection| {
            connection.busy_timeout(WRITE_TIMEOUT)?;
            // WAL: readers never wait for a writer. FULL: a committed change survives a power cut.
            connection.pragma_update(None, "journal_mode", "wal")?;
            connection.pragma_update(None, "synchronous", "full")?;
            // A long reader lets the `-wal` grow. The first writer that can begin the file again cuts it to this size.
            connection.pragma_update(None, "journal_size_limit", WAL_KEPT)?;
            // SQLite would copy the `-wal` into the database under a lock that excludes every reader: see `drop`.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            persist_wal(connection);
            Ok(())
        })
    }

    fn open_with(
        path: &Path,
        set_up: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<()>,
    ) -> Result<Self, Error> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = || {
            let connection = rusqlite::Connection::open_with_flags(path, flags)?;
            harden(&connection)?;
            set_up(&connection)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(Self { connection, wrote: false })
        };
        open().map_err(|error: rusqlite::Error| Error::Open(path.to_owned(), kind(&error), error.to_string()))
    }

    /// The connection, for statements outside a transaction.
    pub(in crate::db) fn connection(&self) -> Connection<'_> {
        Connection(&self.connection)
    }

    /// Runs questions about one state.
    pub(in crate::db) fn read<T, E: From<Error>>(
        &self,
        questions: impl FnOnce(Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.connection.unchecked_transaction().map_err(failed)?;
        let answer = questions(Connection(&transaction))?;
        transaction.rollback().map_err(failed)?;
        Ok(answer)
    }

    /// Runs steps in one transaction. If a step fails, nothing changes.
    pub(in crate::db) fn transaction<T, E: From<Error>>(
        &mut self,
        purpose: Transaction,
        steps: impl FnOnce(Connection<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let writes = matches!(purpose, Transaction::Write | Transaction::Migrate);
        self.wrote |= writes;
        let behavior = match purpose {
            Transaction::Write | Transaction::Rehearse => TransactionBehavior::Immediate,
            Transaction::Migrate => TransactionBehavior::Exclusive,
        };
        let transaction = self.connection.transaction_with_behavior(behavior).map_err(failed)?;
        if writes {
            lengthen_wal(&transaction);
        }
        let done = steps(Connection(&transaction))?;
        if writes { transaction.commit() } else { transaction.rollback() }.map_err(failed)?;
        Ok(done)
    }
}

impl Drop for Writer {
    /// Copies what was written from the `-wal` into the database, while readers and writers continue.
    ///
    /// A passive checkpoint waits for no lock. SQLite's own checkpoint at the last close locks readers out until the
    /// disk has the database. It is therefore switched on only if nothing is left to copy: then it empties the `-wal`
    /// and syncs nothing. If a failure or another connection leaves changes in the `-wal`, a later writer copies them.
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

/// Tells SQLite to leave `-wal` and `-shm` in place when the last connection closes.
///
/// A reader without write access to the directory cannot create them (sqlite.org/wal.html, "Read-Only Databases").
/// hubgate's reader does not need them, but the operator's `sqlite3 -readonly` does.
fn persist_wal(connection: &rusqlite::Connection) {
    let mut on: std::ffi::c_int = 1;
    #[expect(unsafe_code, reason = "SQLite's file control has no safe form in rusqlite")]
    // SAFETY: the handle is of a connection that outlives the call; FCNTL_PERSIST_WAL reads and writes one int.
    unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut on).cast(),
        );
    }
}

/// Makes an empty `-wal` one byte longer than its header will be. Only the process that holds the write lock may do so.
///
/// A crash between the header and the first frame would leave only the header. A `-wal` of exactly that length makes
/// readers without write access wait for ten seconds, in vain. SQLite 3.53 treats it as too short to read, yet long
/// enough to compare with what was read (wal.c, `walIndexRecover` and `walBeginShmUnreliable`).
fn lengthen_wal(transaction: &rusqlite::Connection) {
    let lengthen = |database: &str| -> io::Result<()> {
        let wal = beside(Path::new(database), "-wal");
        let wal = OpenOptions::new().write(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(wal)?;
        if wal.metadata()?.len() <= WAL_HEADER { wal.set_len(WAL_HEADER + 1) } else { Ok(()) }
    };
    // Whatever fails here also fails in the write, which reports it.
    let _ = transaction.path().map(lengthen);
}
