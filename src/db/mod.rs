//! The database: a small set of named questions and changes, in SQL that another engine would take too.
//!
//! Types enter and types leave; a row that does not read back as a type is a fault. The only user of `rusqlite`. The two
//! small programs only read ([`Reader`]); changes are the operator's ([`Store`]).

mod reader;
mod schema;
mod session;
#[cfg(feature = "operator")]
mod store;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::str::FromStr;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Row};

pub use reader::{DatabaseError, Reader};
pub use schema::{MIN_READER, VERSION};
pub use session::{AccountFacts, Opens, ServedRepository, SessionFacts};
#[cfg(feature = "operator")]
pub use store::{
    AuthorityRow, BadCopy, Change, ChangeError, Code, Collaborator, Contents, Event, GateRequestRow, Holder, KeyRow,
    Member, NewKey, NewRepository, Organization, OwnerKind, OwnerRow, Removed, RepositoryRow, Store, User,
};

/// Older ones can corrupt a WAL when two processes reset it at once (sqlite.org/wal.html, "The WAL-Reset Bug").
const _: () = assert!(rusqlite::ffi::SQLITE_VERSION_NUMBER >= 3_051_003, "hubgate needs SQLite 3.51.3 or newer");

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

/// The database as one connection sees it: each question is a method.
///
/// A [`Reader`] asks by a view of the last committed state, a [`Change`] by a view that has its own steps too.
#[derive(Debug)]
pub struct View<'a> {
    connection: &'a Connection,
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
