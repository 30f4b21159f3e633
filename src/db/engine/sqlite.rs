//! SQLite. The only user of rusqlite, and the only place that knows the names and the format of SQLite's files.
//!
//! A database in WAL mode is three files: the database, its `-wal`, which receives changes first, and `-shm`, an index
//! of the `-wal`. The small programs only read ([`Reader`]). The operator's programs write (`writer`).

mod reader;
#[cfg(feature = "operator")]
pub(super) mod writer;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, ToSql, ffi, params_from_iter};

use super::value::{Column, Value};
use crate::db::error::{Error, ErrorKind};

pub(in crate::db) use reader::Reader;

/// Older versions can corrupt a WAL if two processes reset it at once (sqlite.org/wal.html, "The WAL-Reset Bug").
const _: () = assert!(ffi::SQLITE_VERSION_NUMBER >= 3_051_003, "hubgate needs SQLite 3.51.3 or newer");

/// The length of the header of a `-wal` (sqlite.org/fileformat2.html#walformat).
const WAL_HEADER: u64 = 32;

#[cfg(test)]
thread_local! {
    static ASKED: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// The questions that this thread asks, whatever the database.
#[cfg(test)]
pub(crate) fn questions_of(ask: impl FnOnce()) -> Vec<String> {
    ASKED.take();
    ask();
    ASKED.take()
}

/// A connection on which statements run.
#[derive(Debug, Clone, Copy)]
pub(in crate::db) struct Connection<'a>(&'a rusqlite::Connection);

impl<'a> Connection<'a> {
    fn prepare(self, statement: &str) -> Result<rusqlite::Statement<'a>, Error> {
        #[cfg(test)]
        ASKED.with_borrow_mut(|asked| asked.push(statement.to_owned()));
        self.0.prepare(statement).map_err(failed)
    }

    /// Reads every row of the answer.
    pub(in crate::db) fn query<T>(
        self,
        statement: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        self.each(statement, values, |row| {
            all.push(read(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    /// Reads the rows of the answer one after the other, until `read` breaks. The engine keeps no row in memory, and no
    /// row is computed in advance unless the statement needs to be sorted.
    pub(in crate::db) fn each(
        self,
        statement: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut statement = self.prepare(statement)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            if read(&Row(row))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the first row of the answer, if there is one.
    pub(in crate::db) fn first<T>(
        self,
        statement: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut statement = self.prepare(statement)?;
        let mut rows = statement.query(params_from_iter(values)).map_err(failed)?;
        rows.next().map_err(failed)?.map(|row| read(&Row(row))).transpose()
    }

    /// How SQLite would run a statement, one line a step.
    #[cfg(test)]
    pub(in crate::db) fn plan(self, statement: &str) -> Result<Vec<String>, Error> {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let parameters = self.0.prepare(&explain).map_err(failed)?.parameter_count();
        self.query(&explain, &vec![Value::Null; parameters], |row| row.get("detail"))
    }
}

/// A row of an answer. Columns are read by their names.
#[derive(Debug)]
pub(in crate::db) struct Row<'a>(&'a rusqlite::Row<'a>);

impl Row<'_> {
    /// Reads a column.
    pub(in crate::db) fn get<T: Column>(&self, column: &str) -> Result<T, Error> {
        T::read(self.value(column)?).ok_or_else(|| Error::Value(column.to_owned()))
    }

    /// Reads a column, and parses its text as a type.
    pub(in crate::db) fn word<T: FromStr>(&self, column: &str) -> Result<T, Error> {
        self.optional_word(column)?.ok_or_else(|| Error::Value(column.to_owned()))
    }

    /// Reads a column that may be NULL, and parses its text as a type.
    pub(in crate::db) fn optional_word<T: FromStr>(&self, column: &str) -> Result<Option<T>, Error> {
        let parsed = match self.value(column)? {
            Value::Null => return Ok(None),
            Value::Text(text) => text.parse().ok(),
            Value::Integer(_) | Value::Bytes(_) => None,
        };
        parsed.map(Some).ok_or_else(|| Error::Value(column.to_owned()))
    }

    fn value(&self, column: &str) -> Result<Value<'_>, Error> {
        value(self.0.get_ref(column).map_err(failed)?).ok_or_else(|| Error::Value(column.to_owned()))
    }
}

/// Converts a value of SQLite. Returns `None` for a type that no column of the schema has.
fn value(value: ValueRef<'_>) -> Option<Value<'_>> {
    match value {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(number) => Some(Value::Integer(number)),
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(Value::Text),
        ValueRef::Blob(bytes) => Some(Value::Bytes(bytes)),
        ValueRef::Real(_) => None,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Rejects what only a malicious database file could ask for (sqlite.org/security.html).
fn harden(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(())
}

/// The error of a statement.
#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
fn failed(error: rusqlite::Error) -> Error {
    Error::Statement(kind(&error), error.to_string())
}

fn kind(error: &rusqlite::Error) -> ErrorKind {
    match (error.sqlite_error_code(), error.sqlite_extended_error_code()) {
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => ErrorKind::Locked,
        (Some(ErrorCode::CannotOpen), Some(ffi::SQLITE_CANTOPEN)) => ErrorKind::CannotOpen,
        (Some(ErrorCode::CannotOpen | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase), _) => ErrorKind::Damaged,
        (Some(ErrorCode::ConstraintViolation), _) => ErrorKind::Constraint,
        (
            _,
            Some(
                ffi::SQLITE_READONLY_RECOVERY
                | ffi::SQLITE_READONLY_CANTLOCK
                | ffi::SQLITE_READONLY_CANTINIT
                | ffi::SQLITE_READONLY_DIRECTORY,
            ),
        ) => ErrorKind::NoIndex,
        _ => ErrorKind::Other,
    }
}

/// The file that SQLite keeps beside a database under this ending.
fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_sqlite_has_the_kind_that_the_programs_act_on() {
        for (code, expected) in [
            (ffi::SQLITE_BUSY, ErrorKind::Locked),
            (ffi::SQLITE_LOCKED, ErrorKind::Locked),
            (ffi::SQLITE_CANTOPEN, ErrorKind::CannotOpen),
            // A link in the place of the file.
            (ffi::SQLITE_CANTOPEN_SYMLINK, ErrorKind::Damaged),
            (ffi::SQLITE_CORRUPT, ErrorKind::Damaged),
            (ffi::SQLITE_NOTADB, ErrorKind::Damaged),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, ErrorKind::Constraint),
            (ffi::SQLITE_READONLY_RECOVERY, ErrorKind::NoIndex),
            (ffi::SQLITE_READONLY_CANTLOCK, ErrorKind::NoIndex),
            (ffi::SQLITE_READONLY_CANTINIT, ErrorKind::NoIndex),
            (ffi::SQLITE_READONLY_DIRECTORY, ErrorKind::NoIndex),
            (ffi::SQLITE_READONLY, ErrorKind::Other),
            (ffi::SQLITE_FULL, ErrorKind::Other),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!(kind(&error), expected, "{code}");
        }
    }
}
