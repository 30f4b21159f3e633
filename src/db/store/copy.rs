//! Whole databases: a copy that was made, held against what it should be, and put in the place of everything.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::ChangeError;
use super::Store;
use super::steps::STEPS;
use super::{WRITE_TIMEOUT, lengthen_wal};
use crate::db::schema::VERSION;
use crate::db::{Error, harden};

/// What a database holds, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Users and organizations.
    pub accounts: i64,
    /// Keys that are on something.
    pub keys: i64,
    /// Repositories.
    pub repositories: i64,
    /// When something was changed last.
    pub changed_at: Option<i64>,
}

/// Why a file is no copy of a hub's database.
#[derive(Debug, thiserror::Error)]
pub enum BadCopy {
    /// It cannot be read.
    #[error("{0}")]
    Database(#[from] Error),
    /// Not what SQLite wrote.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Other tables than those of its version.
    #[error("its tables are not those of a hub's database of version {0}")]
    Tables(i64),
}

impl From<rusqlite::Error> for BadCopy {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Store {
    /// Opens a copy that no other process uses: one file, without a `-wal`. Nothing about it is believed yet.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open_copy(path: &Path) -> Result<Self, Error> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            harden(&connection)?;
            connection.pragma_update(None, "locking_mode", "exclusive")?;
            connection.pragma_update(None, "journal_mode", "delete")?;
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            Ok(connection)
        };
        open().map(|connection| Self { connection, wrote: false }).map_err(|error| Error::Open(path.to_owned(), error))
    }

    /// Checks that this is a whole database of a hub that this program can take; returns its version.
    ///
    /// # Errors
    /// [`BadCopy`]; a newer one is [`Error::TooNew`].
    pub fn check(&self) -> Result<i64, BadCopy> {
        let (version, min_reader) = self.view().versions()?;
        if version > VERSION {
            return Err(Error::TooNew { version, min_reader }.into());
        }
        let steps = usize::try_from(version).unwrap_or_default();
        let fresh = Connection::open_in_memory()?;
        for step in STEPS.iter().take(steps) {
            fresh.execute_batch(step)?;
        }
        if steps == 0 || schema(&fresh)? != schema(&self.connection)? {
            return Err(BadCopy::Tables(version));
        }
        let said: Vec<String> = texts(&self.connection, "PRAGMA integrity_check(3)")?;
        if said != ["ok"] {
            return Err(BadCopy::Damaged(said.join("; ")));
        }
        match texts(&self.connection, "SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1")?.first() {
            Some(table) => Err(BadCopy::Damaged(format!("a row of the table {table} leads nowhere"))),
            None => Ok(version),
        }
    }

    /// How much there is.
    ///
    /// # Errors
    /// [`Error`].
    pub fn contents(&self) -> Result<Contents, Error> {
        let query = "SELECT (SELECT count(*) FROM owner WHERE folded IS NOT NULL),
                            (SELECT count(*) FROM key WHERE removal IS NULL),
                            (SELECT count(*) FROM repository WHERE folded IS NOT NULL),
                            (SELECT max(at) FROM audit)";
        Ok(self.connection.query_row(query, [], |row| {
            Ok(Contents {
                accounts: row.get(0)?,
                keys: row.get(1)?,
                repositories: row.get(2)?,
                changed_at: row.get(3)?,
            })
        })?)
    }

    /// Notes in a copy that it comes into use.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_restore(&mut self, actor: &str, source: &str, before: Option<&str>) -> Result<(), ChangeError> {
        let detail = serde_json::json!({ "source": source, "before": before });
        self.change(actor, |change| change.audit("hub.restore", source, &detail))
    }

    /// Puts everything that a copy holds in the place of everything that is here, in one transaction: readers go on
    /// with the old or begin with the new, and a crash leaves one of both.
    ///
    /// # Errors
    /// [`Error`]; then everything is as it was.
    pub fn replace_by(&mut self, copy: &Self) -> Result<(), Error> {
        self.wrote = true;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        lengthen_wal(&transaction);
        transaction.rollback()?;
        let backup = Backup::new(&copy.connection, &mut self.connection)?;
        let start = Instant::now();
        loop {
            match backup.step(-1)? {
                StepResult::Done => return Ok(()),
                StepResult::Busy | StepResult::Locked if start.elapsed() > WRITE_TIMEOUT => {
                    return Err(Error::Sqlite(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                        None,
                    )));
                }
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Error {
    /// Whether what lies there is no database any more, or none yet.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase};
        match self {
            Self::Open(_, error) | Self::Sqlite(error) => {
                matches!(error.sqlite_error_code(), Some(CannotOpen | DatabaseCorrupt | NotADatabase))
            }
            Self::TooNew { .. } | Self::Old { .. } | Self::Create(..) | Self::NoVersion | Self::Value(_) => false,
        }
    }
}

/// Every table and index as it was declared.
fn schema(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let query = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') FROM sqlite_schema
                 WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name";
    texts(connection, query)
}

fn texts(connection: &Connection, query: &str) -> Result<Vec<String>, rusqlite::Error> {
    connection.prepare(query)?.query_map([], |row| row.get(0))?.collect()
}
