//! `hubgate backup`: the database as one file.
//!
//! Possibly only root can write DEST, but root does not touch the database. So the program that root started opens
//! DEST. A second process, which becomes the account that serves, writes the copy.

use std::fs::File;
use std::io::{IsTerminal, Write, copy};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::atomic_file::AtomicFile;
use super::context::become_login;
use super::failure::Failure;
use crate::config::Config;
use crate::db::{Error, ErrorKind, Reader, Store, all};
use crate::report::{Report, table};

/// Means standard output or standard input instead of a file.
pub(super) const STREAM: &str = "-";

/// Where the copy is made if the file system of the database is full or read-only.
const ELSEWHERE: [&str; 3] = ["/var/tmp", "/tmp", "/dev/shm"];

/// Whether the copy goes to standard output; the report then goes to standard error.
pub(super) fn is_to_stdout(destination: &Path) -> bool {
    destination == Path::new(STREAM)
}

/// `hubgate backup`
pub(super) fn backup(destination: &Path, json: bool, config_path: &Path) -> Result<Report, Failure> {
    if is_to_stdout(destination) {
        return copy_out(config_path);
    }
    let config = Config::load(config_path)?;
    check_destination(destination, &config.paths.database)?;
    let new = AtomicFile::beside(destination, 0o600)?;
    let failed = |error| Failure::File("the copy".to_owned(), error);
    let mut command = Command::new("/proc/self/exe");
    command.arg("--config").arg(config_path).args(json.then_some("--json")).args(["backup", STREAM]);
    let file = new.file().try_clone().map_err(failed)?;
    let output = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::piped()).spawn();
    let output = output.and_then(std::process::Child::wait_with_output).map_err(failed)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        let lines: Vec<&str> = said.lines().map(|line| line.strip_prefix("hubgate: ").unwrap_or(line)).collect();
        let why = if lines.is_empty() { output.status.to_string() } else { lines.join("\n") };
        return Err(Failure::Refused(why));
    }
    new.put_in_place(destination)?;
    let repositories: Value = serde_json::from_str(&said).unwrap_or_default();
    let text = format!("{said}the database is in {}\n", destination.display());
    Ok(Report::new(text, json!({ "file": destination, "repositories": repositories })))
}

/// Only a SQLite file that is not this hub's database may be replaced.
fn check_destination(destination: &Path, database: &Path) -> Result<(), Failure> {
    let shown = destination.display();
    let existing = match destination.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|error| Failure::File(shown.to_string(), error))?,
    };
    if database.metadata().is_ok_and(|database| (database.dev(), database.ino()) == (existing.dev(), existing.ino())) {
        return Err(Failure::Usage(format!("{shown} is the database itself: name another file")));
    }
    let is_copy = existing.is_file() && File::open(destination).is_ok_and(|file| Store::is_database(&file));
    let problem = format!("{shown} exists and is not a copy of a database: name another file");
    if is_copy { Ok(()) } else { Err(Failure::Usage(problem)) }
}

/// Writes a consistent copy of the database to standard output, and reports its repositories.
fn copy_out(config: &Path) -> Result<Report, Failure> {
    let mut out = std::io::stdout();
    if out.is_terminal() {
        return Err(Failure::Usage("cannot write a database to a terminal: name a file".to_owned()));
    }
    let config = Config::load(config)?;
    become_login(&config.paths.repositories)?;
    let new = make_copy(&config.paths.database)?;
    let copied = Store::open_copy(new.path())?;
    let repositories = all(|each| copied.view().repositories(None, each))?;
    let failed = |error| Failure::File("the copy".to_owned(), error);
    let mut file = File::open(new.path()).map_err(failed)?;
    copy(&mut file, &mut out).and_then(|_| out.flush()).map_err(failed)?;
    let rows = repositories.iter().map(|row| [row.path.to_string(), row.directory.id().to_owned()]).collect();
    let json = repositories.iter().map(|row| json!({ "path": row.path.to_string(), "id": row.directory.id() }));
    Ok(Report::new(table(["REPOSITORY", "ID"], rows), json.collect()))
}

/// Makes a copy beside the database or, if there is no room, in another file system of this machine.
fn make_copy(database: &Path) -> Result<AtomicFile, Failure> {
    let reader = Reader::open_current(database)?;
    let name = database.file_name().ok_or_else(|| Failure::Refused("the database has no name".to_owned()))?;
    let elsewhere = ELSEWHERE.map(|directory| Path::new(directory).join(name));
    let mut why = Vec::new();
    for place in std::iter::once(database.to_owned()).chain(elsewhere) {
        let new = match AtomicFile::beside(&place, 0o600) {
            Ok(new) => new,
            Err(failure) => {
                why.push(failure.to_string());
                continue;
            }
        };
        // A second try of the reader begins with an empty file again.
        let made = reader.ask(|view| {
            new.file().set_len(0).map_err(|error| Error::File(new.path().to_owned(), error))?;
            view.copy_to(new.path())
        });
        match made {
            Ok(()) => return Ok(new),
            // SQLite reports a full disk so.
            Err(error) if error.kind() == ErrorKind::Other => why.push(format!("{}: {error}", new.path().display())),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Refused(format!("there is no room for the copy\n{}", why.join("\n"))))
}
