//! What `hubgate doctor` asks a database that may be damaged. Only reads.

use std::path::Path;

use crate::db::engine::Check;
use crate::db::{Error, Reader, VERSION, View};
use crate::name::{Name, Owner, RepoKind, RepoPath};
use crate::repository::Directory;

impl Reader {
    /// Opens the database for a program that reads only the present schema.
    ///
    /// # Errors
    /// [`Error::Old`] or [`Error::TooNew`] if the database has another schema.
    pub fn open_current(path: &Path) -> Result<Self, Error> {
        let reader = Self::open(path)?;
        reader.ask(|view| view.check_current())?;
        Ok(reader)
    }
}

impl View<'_> {
    /// Checks that the schema has this program's version.
    pub(super) fn check_current(&self) -> Result<(), Error> {
        match self.versions()? {
            (VERSION, _) => Ok(()),
            (version, min_reader) if version > VERSION => Err(Error::TooNew { version, min_reader }),
            (version, _) => Err(Error::Old { version }),
        }
    }

    /// The version of the schema, and of the oldest program that may read it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn versions(&self) -> Result<(i64, i64), Error> {
        let query = "SELECT version, min_reader FROM hubgate WHERE id = 1";
        let versions = self.connection.first(query, &[], |row| Ok((row.get("version")?, row.get("min_reader")?)))?;
        versions.ok_or(Error::NoVersion)
    }

    /// The first damage in the pages of the whole file.
    ///
    /// # Errors
    /// [`Error`], also if the file is too damaged to check.
    pub fn damage(&self) -> Result<Option<String>, Error> {
        self.connection.check(Check::Pages)
    }

    /// Every repository that is served, and its directory.
    ///
    /// # Errors
    /// [`Error`].
    pub fn places(&self) -> Result<Vec<(RepoPath, Directory)>, Error> {
        let query = "SELECT o.name AS owner, r.kind, r.name, r.directory FROM repository r
                     JOIN owner o ON o.id = r.owner_id WHERE r.folded IS NOT NULL ORDER BY o.folded, r.kind, r.folded";
        self.connection.query(query, &[], |row| -> Result<_, Error> {
            let (kind, owner): (RepoKind, Owner) = (row.word("kind")?, row.word("owner")?);
            let name: Name = row.word("name")?;
            Ok((RepoPath { kind, owner, name }, row.word("directory")?))
        })
    }
}
