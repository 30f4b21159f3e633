//! Whole databases: a copy is made, checked, and put in place of the database.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::ChangeError;
use super::Store;
use super::steps::STEPS;
use super::values::{BadValue, check_values};
use crate::db::engine::{self, Check, Writer, files};
use crate::db::schema::VERSION;
use crate::db::{Error, View};

/// The numbers of the objects in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// Users and organizations.
    pub accounts: i64,
    /// Keys of accounts and repositories.
    pub keys: i64,
    /// Repositories.
    pub repositories: i64,
    /// The time of the last change.
    pub changed_at: Option<i64>,
}

/// Why a file is not a copy of a hub's database.
#[derive(Debug, thiserror::Error)]
pub enum BadCopy {
    /// It cannot be read.
    #[error(transparent)]
    Database(#[from] Error),
    /// SQLite finds damage.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// The tables are not those of the version.
    #[error("its tables are not those of a hub's database of version {0}")]
    Tables(i64),
    /// SQLite cannot copy its pages into a hub's database.
    #[error("its pages are not those of a hub's database: {0}")]
    Layout(String),
    /// It holds a value that hubgate does not write.
    #[error(transparent)]
    Value(#[from] BadValue),
}

/// A database that is being replaced by a copy. No other process can change it. If it is dropped before
/// [`Replacing::finish`], nothing changes.
#[derive(Debug)]
pub struct Replacing<'a>(engine::Replacing<'a>);

impl Replacing<'_> {
    /// Replaces the content, in one transaction. Readers see the old or the new content, also after a crash.
    ///
    /// # Errors
    /// [`Error`]; then nothing changes.
    pub fn finish(self) -> Result<(), Error> {
        self.0.finish()
    }
}

impl View<'_> {
    /// Copies the whole database to a new or empty file, as one consistent state.
    ///
    /// # Errors
    /// [`Error`], also if the file has content.
    pub fn copy_to(&self, file: &Path) -> Result<(), Error> {
        self.connection.copy_to(file)
    }
}

impl Store {
    /// Opens a copy that no other process uses: one file, without a `-wal`. Nothing in it is trusted yet.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open_copy(path: &Path) -> Result<Self, Error> {
        Ok(Self { engine: Writer::open_copy(path)? })
    }

    /// Checks that this is an intact database of a hub that this program can read, with only values that hubgate
    /// writes. Returns its version.
    ///
    /// # Errors
    /// [`BadCopy`]; a newer database is [`Error::TooNew`].
    pub fn check(&self) -> Result<i64, BadCopy> {
        let (version, min_reader) = self.view().versions()?;
        if version > VERSION {
            return Err(Error::TooNew { version, min_reader }.into());
        }
        let steps = STEPS.get(..usize::try_from(version).unwrap_or_default()).unwrap_or_default();
        let connection = self.engine.connection();
        if steps.is_empty() || !connection.has_schema_of(steps)? {
            return Err(BadCopy::Tables(version));
        }
        if let Some(difference) = connection.layout_difference()? {
            return Err(BadCopy::Layout(difference));
        }
        if let Some(damage) = connection.check(Check::Everything)? {
            return Err(BadCopy::Damaged(damage));
        }
        check_values(connection)?;
        Ok(version)
    }

    /// The numbers of objects.
    ///
    /// # Errors
    /// [`Error`].
    pub fn contents(&self) -> Result<Contents, Error> {
        let query = "SELECT (SELECT count(*) FROM owner WHERE folded NOT LIKE '%/%') AS accounts,
                            (SELECT count(*) FROM key WHERE removal IS NULL) AS keys,
                            (SELECT count(*) FROM repository WHERE folded IS NOT NULL) AS repositories,
                            (SELECT max(at) FROM audit) AS changed_at";
        let contents = self.engine.connection().first(query, &[], |row| {
            Ok(Contents {
                accounts: row.get("accounts")?,
                keys: row.get("keys")?,
                repositories: row.get("repositories")?,
                changed_at: row.get("changed_at")?,
            })
        });
        contents?.ok_or(Error::NoVersion)
    }

    /// Writes the audit row of the restore into the copy.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn note_restore(&mut self, actor: &str, source: &str, before: Option<&str>) -> Result<(), ChangeError> {
        let detail = serde_json::json!({ "source": source, "before": before });
        // The name of a file may have any character.
        let escaped: String = source.chars().flat_map(char::escape_default).collect();
        let object = if source.chars().any(char::is_control) { &escaped } else { source };
        self.change(actor, |change| change.audit("hub.restore", object, &detail))
    }

    /// Begins to replace the whole content with that of a copy. From now on, no other process can change the database.
    ///
    /// # Errors
    /// [`Error`]; then nothing changes.
    pub fn begin_replacing<'a>(&'a mut self, copy: &'a Self) -> Result<Replacing<'a>, Error> {
        self.engine.begin_replacing(&copy.engine).map(Replacing)
    }

    /// The files of a database: the database itself and what the engine keeps beside it.
    #[must_use]
    pub fn files(database: &Path) -> [PathBuf; 3] {
        files::all(database)
    }

    /// Whether a file begins as a database does.
    #[must_use]
    pub fn is_database(file: &File) -> bool {
        files::is_database(file)
    }

    /// Copies a database from a source of this size, if that is known. Anything else is not copied.
    ///
    /// # Errors
    /// That of reading or writing, or [`io::ErrorKind::InvalidData`].
    pub fn receive(source: impl Read, size: Option<u64>, to: impl Write) -> io::Result<()> {
        files::receive(source, size, to)
    }

    /// Keeps the files of a damaged database under another name too.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn keep_damaged(database: &Path, kept: &Path) -> Result<(), Error> {
        files::link(database, kept)
    }

    /// Copies the files of a damaged database. No other process may change the database while they are copied.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn copy_damaged(database: &Path, kept: &Path) -> Result<(), Error> {
        files::copy(database, kept)
    }

    /// Removes a database that no process uses, and the files beside it.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn remove_files(database: &Path) -> Result<(), Error> {
        files::remove(database)
    }

    /// Removes the files beside a database, before another file takes its place.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn remove_beside(database: &Path) -> Result<(), Error> {
        files::remove_beside(database)
    }
}
