//! SQLite's files, for programs that make, check and replace them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::db::engine::sqlite::beside;
use crate::db::error::Error;

/// How a database begins (sqlite.org/fileformat2.html).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The length of the part that describes a database.
const HEAD: u64 = 100;

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

/// Copies a database from a source that may be anything, of this size if that is known. Its first bytes come first.
///
/// They say how long it is, and no more than that is copied.
pub(in crate::db) fn receive(mut source: impl Read, size: Option<u64>, mut to: impl Write) -> io::Result<()> {
    let mut head = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "the rest is copied below")]
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    if !head.starts_with(MAGIC) || (head.len() as u64) < HEAD {
        return Err(invalid("it is not a database of SQLite".to_owned()));
    }
    let expected = length(&head).ok_or_else(|| invalid("its first page does not say how long it is".to_owned()))?;
    let check = |found: u64| {
        if expected == found {
            Ok(())
        } else {
            Err(invalid(format!("it is not whole: according to its first page, it has {expected} bytes")))
        }
    };
    size.map_or(Ok(()), check)?;
    to.write_all(&head)?;
    #[expect(clippy::disallowed_methods, reason = "one byte more shows that the source is too long")]
    let rest = io::copy(&mut source.take(expected.saturating_sub(HEAD).saturating_add(1)), &mut to)?;
    check(HEAD + rest)
}

/// The length of a database according to its first bytes. `None` if they do not say it, as after a write by a program
/// older than SQLite 3.7.0. Every copy that `backup` makes says it.
fn length(head: &[u8]) -> Option<u64> {
    let number =
        |at: usize, bytes: usize| head.iter().skip(at).take(bytes).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    let page = match number(16, 2) {
        1 => 65_536,
        size => size,
    };
    let (changes, pages, valid_for) = (number(24, 4), number(28, 4), number(92, 4));
    (pages > 0 && changes == valid_for).then_some(pages * page)
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
