//! `hubgate backup`: the database as one file.
//!
//! Possibly only root can write DEST, but root does not touch the database. So the program that root started opens
//! DEST. A second process, which becomes the account that serves, writes the copy.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufWriter, ErrorKind as IoError, IsTerminal, Stderr, Write, copy};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use nix::fcntl::OFlag;
use serde_json::{Value, json};

use super::atomic_file::AtomicFile;
use super::cli::Backup;
use super::context::become_login;
use super::failure::Failure;
use super::printer::Printer;
use crate::bounded;
use crate::config::Config;
use crate::db::{Error, ErrorKind, Reader, RepositoryRow, Store};
use crate::report::Report;
use crate::report::listing::{Column, Form, Listing, Table};
use crate::report::spool::Spool;
use crate::report::writing::Out;

/// Means standard output or standard input instead of a file.
pub(super) const STREAM: &str = "-";

/// How much of the reason for a failure is shown, in bytes.
const SAID_MAX: u64 = 64 * 1024;

/// Where the copy is made if the file system of the database is full or read-only.
const ELSEWHERE: [&str; 3] = ["/var/tmp", "/tmp", "/dev/shm"];

/// Whether the copy goes to standard output; the report then goes to standard error.
pub(super) fn is_to_stdout(destination: &Path) -> bool {
    destination == Path::new(STREAM)
}

/// `hubgate backup`
pub(super) fn backup(
    command: &Backup,
    json: bool,
    config_path: &Path,
    printer: &mut Printer,
) -> Result<Report, Failure> {
    let destination = command.destination.as_path();
    if is_to_stdout(destination) {
        let config = Config::load(config_path)?;
        copy_out(&config, json)?;
        return Ok(Report::printed(if command.unnoted { None } else { note_time(&config) }));
    }
    let config = Config::load(config_path)?;
    check_destination(destination, &config.paths.database)?;
    let new = AtomicFile::beside(destination, 0o600)?;
    let failed = |error| Failure::File("the copy".to_owned(), error);
    let mut command = Command::new("/proc/self/exe");
    command.arg("--config").arg(config_path).args(json.then_some("--json")).args(["backup", STREAM, "--unnoted"]);
    let file = new.file().try_clone().map_err(failed)?;
    let mut child = command.stdin(Stdio::null()).stdout(file).stderr(Stdio::piped()).spawn().map_err(failed)?;
    // The list of the repositories, or why there is no copy. It is printed only if the copy is in its place.
    let mut said = Spool::default();
    said.overflow_to(config.state_dir());
    let read = child.stderr.take().map_or(Ok(0), |mut stderr| copy(&mut stderr, &mut said));
    let status = child.wait().map_err(failed)?;
    let mut said = read.and_then(|_| said.into_reader()).map_err(failed)?;
    if !status.success() {
        let lines = bounded::read_text(said, SAID_MAX).map_err(failed)?;
        let lines: Vec<&str> = lines.lines().map(|line| line.strip_prefix("hubgate: ").unwrap_or(line)).collect();
        let why = if lines.is_empty() { status.to_string() } else { lines.join("\n") };
        return Err(Failure::Refused(why));
    }
    new.put_in_place(destination)?;
    become_login(&config.paths.repositories)?;
    let note = note_time(&config);
    match print(destination, json, &mut said, printer) {
        Err(error) if error.kind() != IoError::BrokenPipe => Err(Failure::File("standard output".to_owned(), error)),
        Ok(()) | Err(_) => Ok(Report::printed(note)),
    }
}

/// Notes that a backup has been made now. A failure says so and fails no backup, which may be of a full disk.
fn note_time(config: &Config) -> Option<String> {
    let file = config.last_backup_file();
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o640);
    options.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    let noted = options.open(&file).and_then(|file| file.set_modified(SystemTime::now()));
    noted.err().map(|error| format!("hubgate stats does not know of this backup: {}: {error}", file.display()))
}

/// The second in which the last backup was made, if there was one.
pub(super) fn last_time(config: &Config) -> Option<i64> {
    let metadata = config.last_backup_file().symlink_metadata().ok()?;
    Some(metadata.mtime())
}

/// Prints where the copy is, and the list of its repositories.
fn print(destination: &Path, json: bool, list: &mut dyn BufRead, out: &mut dyn Write) -> std::io::Result<()> {
    if !json {
        copy(list, out)?;
        writeln!(out, "the database is in {}", destination.display())?;
        return out.flush();
    }
    // The list is an array of its own, so its lines get the indent of a field.
    write!(out, "{{\n  \"file\": {:#},\n  \"repositories\": ", json!(destination))?;
    for (number, line) in list.lines().enumerate() {
        write!(out, "{}{}", if number == 0 { "" } else { "\n  " }, line?)?;
    }
    out.write_all(b"\n}\n")?;
    out.flush()
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
fn copy_out(config: &Config, json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    if out.is_terminal() {
        return Err(Failure::Usage("cannot write a database to a terminal: name a file".to_owned()));
    }
    become_login(&config.paths.repositories)?;
    let new = make_copy(&config.paths.database)?;
    let copied = Store::open_copy(new.path())?;
    let failed = |error| Failure::File("the copy".to_owned(), error);
    let mut file = File::open(new.path()).map_err(failed)?;
    copy(&mut file, &mut out).and_then(|_| out.flush()).map_err(failed)?;
    let form = Form { json, ..Form::default() };
    let mut errors = Errors(BufWriter::new(std::io::stderr()));
    let mut listing = Listing::new(&form, &Copied, &mut errors);
    copied.view().repositories(None, &mut |row| listing.row(&row))?;
    listing.finish().map_err(|error| Failure::File("standard error".to_owned(), error))?;
    Ok(())
}

/// The repositories of a copy.
struct Copied;

impl Table<RepositoryRow> for Copied {
    fn columns(&self) -> Vec<Column> {
        ["REPOSITORY", "ID"].map(Column::new).to_vec()
    }

    fn cells(&self, row: &RepositoryRow) -> Vec<String> {
        vec![row.path.to_string(), row.directory.id().to_owned()]
    }

    fn json(&self, row: &RepositoryRow) -> Value {
        json!({ "path": row.path.to_string(), "id": row.directory.id() })
    }

    fn position(&self, row: &RepositoryRow) -> String {
        row.path.to_string()
    }
}

/// Standard error.
struct Errors(BufWriter<Stderr>);

impl Write for Errors {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Out for Errors {
    /// The list is read once.
    fn restart(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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
