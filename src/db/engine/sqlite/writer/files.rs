//! SQLite's files, for programs that make, check and replace them.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::db::engine::sqlite::beside;
use crate::db::error::Error;

/// How a database begins (sqlite.org/fileformat2.html).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The files of a database in WAL mode: the database, its `-wal` and its `-shm`.
pub(in crate::db) fn all(database: &Path) -> [PathBuf; 3] {
    ["", "-wal", "-shm"].map(|ending| beside(database, ending))
}

/// Creates an empty file, readable by its group. An existing file stays as it is.
///
/// SQLite would create the file with a mode that depends on the umask.
pub(in crate::db) fn create(database: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o640).open(database);
    made.map(drop).map_err(|error| Error::Create(database.to_owned(), error))
}

/// Whether a file begins as a database does.
pub(in crate::db) fn is_database(file: &File) -> bool {
    let mut head = [0; 16];
    file.read_exact_at(&mut head, 0).is_ok() && head == *MAGIC
}

/// Keeps the files of a damaged database under another name too, `-wal` included.
pub(in crate::db) fn link(database: &Path, kept: &Path) -> Result<(), Error> {
    for ending in ["", "-wal"] {
        let to = beside(kept, ending);
        existing(fs::hard_link(beside(database, ending), &to)).map_err(|error| Error::File(to, error))?;
    }
    Ok(())
}

/// Copies the files of a damaged database, `-wal` included.
pub(in crate::db) fn copy(database: &Path, kept: &Path) -> Result<(), Error> {
    for ending in ["", "-wal"] {
        let to = beside(kept, ending);
        existing(fs::copy(beside(database, ending), &to).map(drop)).map_err(|error| Error::File(to, error))?;
    }
    Ok(())
}

/// Removes a database and the files beside it.
pub(in crate::db) fn remove(database: &Path) -> Result<(), Error> {
    remove_beside(database)?;
    existing(fs::remove_file(database)).map_err(|error| Error::File(database.to_owned(), error))
}

/// Removes the files beside a database. SQLite would read them into a database that replaces this one.
pub(in crate::db) fn remove_beside(database: &Path) -> Result<(), Error> {
    for ending in ["-wal", "-shm", "-journal"] {
        let file = beside(database, ending);
        existing(fs::remove_file(&file)).map_err(|error| Error::File(file, error))?;
    }
    Ok(())
}

/// Accepts that a file does not exist.
fn existing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
