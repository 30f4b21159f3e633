//! What `hubgate doctor` asks a database of which nobody knows whether it is well. Only reads.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::db::{Error, Reader, VERSION, View, word};
use crate::name::{Name, Owner, RepoKind, RepoPath};
use crate::repository::Directory;

impl Reader {
    /// Opens the database for a program that knows the present schema alone.
    ///
    /// # Errors
    /// [`Error::Old`] or [`Error::TooNew`] where the database has another schema.
    pub fn open_current(path: &Path) -> Result<Self, Error> {
        let reader = Self::open(path)?;
        reader.ask(|view| view.check_current())?;
        Ok(reader)
    }
}

impl View<'_> {
    /// Checks that the schema is the one that this program knows.
    pub(super) fn check_current(&self) -> Result<(), Error> {
        match self.versions()? {
            (VERSION, _) => Ok(()),
            (version, min_reader) if version > VERSION => Err(Error::TooNew { version, min_reader }),
            (version, _) => Err(Error::Old { version }),
        }
    }

    /// The schema's own number, and the oldest number of a program that may read it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn versions(&self) -> Result<(i64, i64), Error> {
        let mut statement = self.connection.prepare("SELECT version, min_reader FROM hubgate WHERE id = 1")?;
        let mut rows = statement.query([])?;
        let row = rows.next()?.ok_or(Error::NoVersion)?;
        Ok((row.get(0)?, row.get(1)?))
    }

    /// The first thing that is wrong with the file, looked for in all of it (sqlite.org/pragma.html, `quick_check`).
    ///
    /// # Errors
    /// [`Error`], as where it is so broken that it cannot be looked through.
    pub fn damage(&self) -> Result<Option<String>, Error> {
        let found: String = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(Some(found).filter(|found| found != "ok"))
    }

    /// Every repository that is served, and where it lies.
    ///
    /// # Errors
    /// [`Error`].
    pub fn places(&self) -> Result<Vec<(RepoPath, Directory)>, Error> {
        let query = "SELECT o.name AS owner, r.kind, r.name, r.directory FROM repository r
                     JOIN owner o ON o.id = r.owner_id WHERE r.folded IS NOT NULL ORDER BY o.folded, r.kind, r.folded";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_and_then([], |row| -> Result<_, Error> {
            let (kind, owner): (RepoKind, Owner) = (word(row, "kind")?, word(row, "owner")?);
            let name: Name = word(row, "name")?;
            Ok((RepoPath { kind, owner, name }, word(row, "directory")?))
        })?;
        rows.collect()
    }
}

impl Error {
    /// Whether somebody held the database to himself for longer than a reader waits.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        let (Self::Open(_, error) | Self::Sqlite(error)) = self else { return false };
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
    }
}
