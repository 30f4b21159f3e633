//! Why the database gave no answer. Callers decide by [`Error`] and its [`ErrorKind`], whatever the engine is.

use std::io;
use std::path::PathBuf;

use super::schema::VERSION;

/// Why a question has no answer. For the operator; clients see that the hub is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine cannot open the file.
    #[error("the database {0}: {2}")]
    Open(PathBuf, ErrorKind, String),
    /// A statement failed.
    #[error("the database: {1}")]
    Statement(ErrorKind, String),
    /// A newer hubgate wrote the database, and this program is too old to read it.
    #[error("the database has schema version {version} and needs {min_reader} or newer; this hubgate has {VERSION}")]
    TooNew {
        /// The version of the schema.
        version: i64,
        /// The version of the oldest program that may read it.
        min_reader: i64,
    },
    /// An older hubgate made the database, and the operator has not migrated it.
    #[error("the database has schema version {version}, and this hubgate needs {VERSION}: run hubgate migrate")]
    Old {
        /// The version of the schema.
        version: i64,
    },
    /// The file cannot be created.
    #[error("cannot create the database {0}: {1}")]
    Create(PathBuf, io::Error),
    /// A file beside the database cannot be changed.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// No row states the version.
    #[error("the database was not made by hubgate: run hubgate init")]
    NoVersion,
    /// A column has a value that hubgate does not write.
    #[error("the database holds a value in column {0} that hubgate does not write")]
    Value(String),
}

/// What the engine says about a failure, as far as a caller decides by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Another process held the lock for longer than this one waits.
    Locked,
    /// The engine cannot open the database or a file beside it.
    CannotOpen,
    /// A file beside the database is missing or unusable, and the process may not make one.
    NoIndex,
    /// The file is damaged or was never a database.
    Damaged,
    /// A constraint of the schema rejects the change.
    Constraint,
    /// Anything else.
    Other,
}

impl Error {
    /// What the engine says; [`ErrorKind::Other`] if hubgate itself rejected the database.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Open(_, kind, _) | Self::Statement(kind, _) => *kind,
            Self::TooNew { .. }
            | Self::Old { .. }
            | Self::Create(..)
            | Self::File(..)
            | Self::NoVersion
            | Self::Value(_) => ErrorKind::Other,
        }
    }
}

/// An error that may come from the database.
pub trait DatabaseError: From<Error> {
    /// The database's error, if this is one.
    fn database(&self) -> Option<&Error>;
}

impl DatabaseError for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}
