//! Whole databases: a copy is made, checked, and put in place of another database.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::backup::{Backup, StepResult};

use super::{Transaction, WRITE_TIMEOUT, Writer};
use crate::db::engine::sqlite::{Connection, failed};
use crate::db::engine::values;
use crate::db::error::{Error, ErrorKind};

/// How much of a database is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Check {
    /// Its pages (sqlite.org/pragma.html, `quick_check`).
    Pages,
    /// Its pages, indexes and references.
    Everything,
}

impl Connection<'_> {
    /// Checks the database, and returns the first damage in SQLite's words.
    pub(in crate::db) fn check(self, check: Check) -> Result<Option<String>, Error> {
        let said = match check {
            Check::Pages => self.texts("PRAGMA quick_check(1)", "quick_check")?,
            Check::Everything => self.texts("PRAGMA integrity_check(3)", "integrity_check")?,
        };
        if said != ["ok"] {
            return Ok(Some(said.join("; ")));
        }
        if check == Check::Pages {
            return Ok(None);
        }
        let orphans = self.texts("SELECT \"table\" FROM pragma_foreign_key_check LIMIT 1", "table")?;
        Ok(orphans.first().map(|table| format!("a row of the table {table} refers to a missing row")))
    }

    /// Whether the tables and indexes are exactly those that these statements define.
    pub(in crate::db) fn has_schema_of(self, statements: &[&str]) -> Result<bool, Error> {
        let fresh = rusqlite::Connection::open_in_memory().map_err(failed)?;
        let fresh = Connection(&fresh);
        statements.iter().try_for_each(|statements| fresh.define(statements))?;
        let schema = "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') AS definition
                      FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name";
        Ok(fresh.texts(schema, "definition")? == self.texts(schema, "definition")?)
    }

    /// How the pages differ from those of a new database. The backup interface copies pages as they are.
    pub(in crate::db) fn layout_difference(self) -> Result<Option<String>, Error> {
        let fresh = rusqlite::Connection::open_in_memory().map_err(failed)?;
        let setting = |connection: Connection<'_>, name: &str| {
            let query = format!("SELECT CAST({name} AS TEXT) AS setting FROM pragma_{name}");
            Ok::<_, Error>(connection.texts(&query, "setting")?.concat())
        };
        for name in ["page_size", "encoding", "auto_vacuum"] {
            let (found, expected) = (setting(self, name)?, setting(Connection(&fresh), name)?);
            if found != expected {
                return Ok(Some(format!("{name} is {found} and not {expected}")));
            }
        }
        Ok(None)
    }

    /// Reads one column of every row.
    fn texts(self, statement: &str, column: &str) -> Result<Vec<String>, Error> {
        self.query(statement, &[], |row| row.get(column))
    }

    /// Copies the whole database to a new file, as one consistent state.
    pub(in crate::db) fn copy_to(self, file: &Path) -> Result<(), Error> {
        let name = file.to_str().ok_or_else(|| Error::Value("file name".to_owned()))?;
        self.execute("VACUUM INTO ?1", values![name]).map(drop)
    }
}

impl Writer {
    /// Opens a copy that no other process uses: one file, without a `-wal`. Nothing in it is trusted yet.
    pub(in crate::db) fn open_copy(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, |connection| {
            connection.pragma_update(None, "locking_mode", "exclusive")?;
            connection.pragma_update(None, "journal_mode", "delete")?;
            connection.pragma_update(None, "synchronous", "full")
        })
    }

    /// Begins to replace the whole content with that of a copy. From now on, no other process can change the database.
    pub(in crate::db) fn begin_replacing<'a>(&'a mut self, copy: &'a Self) -> Result<Replacing<'a>, Error> {
        self.wrote = true;
        self.transaction(Transaction::Write, |_| Ok::<_, Error>(()))?;
        let backup = Backup::new(&copy.connection, &mut self.connection).map_err(failed)?;
        let replacing = Replacing(backup);
        // The first page takes the lock of writers, which stays until the end.
        replacing.step(1)?;
        Ok(replacing)
    }
}

/// A database that is being replaced by a copy, in one transaction. Without [`Replacing::finish`], nothing changes.
pub(in crate::db) struct Replacing<'a>(Backup<'a, 'a>);

impl std::fmt::Debug for Replacing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Replacing").finish_non_exhaustive()
    }
}

impl Replacing<'_> {
    /// Replaces the content. Readers see the old or the new content, also after a crash.
    pub(in crate::db) fn finish(self) -> Result<(), Error> {
        self.step(-1)
    }

    /// Copies pages; all of them if the number is negative.
    fn step(&self, pages: i32) -> Result<(), Error> {
        let start = Instant::now();
        loop {
            match self.0.step(pages).map_err(failed)? {
                StepResult::Busy | StepResult::Locked if start.elapsed() > WRITE_TIMEOUT => {
                    return Err(Error::Statement(ErrorKind::Locked, "database is locked".to_owned()));
                }
                StepResult::Busy | StepResult::Locked => std::thread::sleep(Duration::from_millis(10)),
                _ => return Ok(()),
            }
        }
    }
}
