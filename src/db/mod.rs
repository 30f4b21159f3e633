//! The database: a small set of named questions and changes, in SQL that another engine would take too.
//!
//! Types enter and types leave; a row that does not read back as a type is a fault. The only user of `rusqlite`. The two
//! small programs only read ([`Reader`]); changes are the operator's ([`Store`]).

#[cfg(feature = "admin")]
mod account;
#[cfg(feature = "admin")]
mod audit;
#[cfg(feature = "admin")]
mod key;
#[cfg(feature = "admin")]
mod repository;
mod schema;
mod session;
#[cfg(feature = "admin")]
mod store;

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Row};

#[cfg(feature = "admin")]
pub use account::{Member, Organization, OwnerKind, OwnerRow, User};
#[cfg(feature = "admin")]
pub use audit::Event;
#[cfg(feature = "admin")]
pub use key::KeyRow;
#[cfg(feature = "admin")]
pub use repository::{Collaborator, NewRepository, RepositoryRow};
pub use schema::{MIN_READER, VERSION};
pub use session::{ServedRepository, SessionFacts};
#[cfg(feature = "admin")]
pub use store::{Change, ChangeError, Store, now};

/// How long a reader waits for a writer that holds the database to itself. Less than the helper's own deadline.
const READ_TIMEOUT: Duration = Duration::from_secs(1);

/// Why a question has no answer. For the operator; a peer hears that the hub is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is missing, locked, broken, or not what it should be.
    #[error("the database {0}: {1}")]
    Open(PathBuf, #[source] rusqlite::Error),
    /// A statement failed.
    #[error("the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// Written by a newer hubgate that this one must not read.
    #[error("the database is of version {version}, read by hubgate of {min_reader} and newer; this one is {VERSION}")]
    TooNew {
        /// The schema's own number.
        version: i64,
        /// The oldest number of a program that may read it.
        min_reader: i64,
    },
    /// Made by an older hubgate, and not migrated since.
    #[error("the database is of version {version}, this hubgate writes {VERSION}: run hubgate migrate")]
    Old {
        /// The schema's own number.
        version: i64,
    },
    /// The file cannot be made.
    #[error("cannot make the database {0}: {1}")]
    Create(PathBuf, #[source] std::io::Error),
    /// No row says which version it is.
    #[error("the database was not made by hubgate: run hubgate init")]
    NoVersion,
    /// A column holds what no program of ours writes.
    #[error("the database holds a value in column {0} that hubgate does not write")]
    Value(String),
}

/// A connection that can only read.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the database read-only.
    ///
    /// # Errors
    /// [`Error::Open`]. What is wrong inside the file shows with the first question.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let open = |error| Error::Open(path.to_owned(), error);
        let connection = Connection::open_with_flags(path, flags).map_err(open)?;
        harden(&connection).and_then(|()| connection.busy_timeout(READ_TIMEOUT)).map_err(open)?;
        Ok(Self { connection })
    }
}

/// Refuses what only a hostile database file could ask for (sqlite.org/security.html).
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

/// Reads a column as one of our types, by the word that stands there.
fn word<T: FromStr>(row: &Row<'_>, column: &str) -> Result<T, Error> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| Error::Value(column.to_owned()))
}

/// The same where the column may be NULL.
fn optional_word<T: FromStr>(row: &Row<'_>, column: &str) -> Result<Option<T>, Error> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|_| Error::Value(column.to_owned()))).transpose()
}

/// Whether a statement failed for a UNIQUE or CHECK of the schema.
#[cfg(feature = "admin")]
fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}
