//! `hubgate backup` and `hubgate restore`: the database as one file.
//!
//! Possibly only root can write DEST and read SRC, but root does not touch the database. So the program that root
//! started opens DEST. A second process, which becomes the account that serves, writes the copy.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{IsTerminal, Read, Write, copy};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::atomic_file::AtomicFile;
use super::cli::Restore;
use super::context::{Context, actor, become_login, confirm};
use super::directories::Mismatches;
use super::failure::Failure;
use crate::clock::now;
use crate::config::Config;
use crate::db::{BadCopy, ErrorKind, Store, VERSION};
use crate::report::when::{minute, rfc3339};
use crate::report::{Report, table};
use crate::word::counted;

/// Means standard output or standard input instead of a file.
const STREAM: &str = "-";

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
    let context = Context::open(config)?;
    let new = AtomicFile::beside(&context.config.paths.database, 0o600)?;
    context.store.copy_to(new.path())?;
    let repositories = Store::open_copy(new.path())?.view().repositories(None)?;
    let failed = |error| Failure::File("the copy".to_owned(), error);
    let mut file = File::open(new.path()).map_err(failed)?;
    copy(&mut file, &mut out).and_then(|_| out.flush()).map_err(failed)?;
    let rows = repositories.iter().map(|row| [row.path.to_string(), row.directory.id().to_owned()]).collect();
    let json = repositories.iter().map(|row| json!({ "path": row.path.to_string(), "id": row.directory.id() }));
    Ok(Report::new(table(["REPOSITORY", "ID"], rows), json.collect()))
}

/// `hubgate restore`
pub(super) fn restore(command: &Restore, config: &Path) -> Result<Report, Failure> {
    let shown = command.source.display().to_string();
    let failed = |error| Failure::File(shown.clone(), error);
    // Opened before root privileges are dropped.
    let mut source: Box<dyn Read> = if command.source == Path::new(STREAM) {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(&command.source).map_err(failed)?)
    };
    let config = Config::load(config)?;
    become_login(&config.paths.repositories)?;
    let database = &config.paths.database;
    let new = AtomicFile::beside(database, 0o640)?;
    copy(&mut source, &mut new.file()).map_err(failed)?;
    let bad = |error: BadCopy| Failure::Refused(format!("{shown}: {error}"));
    let mut copy = Store::open_copy(new.path()).map_err(|error| bad(error.into()))?;
    let version = copy.check().map_err(bad)?;
    let contents = copy.contents()?;
    let summary = format!(
        "{}, {} and {}",
        counted(contents.accounts, "account", "accounts"),
        counted(contents.keys, "key", "keys"),
        counted(contents.repositories, "repository", "repositories")
    );
    let question = format!(
        "Replace the database of this hub with one of {summary}, last changed {}?",
        minute(contents.changed_at)
    );
    confirm(command.confirmation, &question)?;
    let before = keep(database)?;
    let before_shown = before.as_ref().map(|before| before.path().display().to_string());
    copy.note_restore(&actor(), &shown, before_shown.as_deref())?;
    match &before {
        Some(Kept::Copy(_)) => Store::open_any_version(database)?.replace_by(&copy)?,
        Some(Kept::Damaged(_)) | None => {
            drop(copy);
            Store::remove_beside(database)?;
            new.put_in_place(database)?;
        }
    }
    let mut text = format!("restored {summary}\n");
    if let Some(before) = &before_shown {
        let _ = writeln!(text, "the previous database is in {before}");
    }
    let mut json = json!({
        "accounts": contents.accounts, "keys": contents.keys, "repositories": contents.repositories,
        "version": version, "before": before_shown, "problems": [],
    });
    if version < VERSION {
        text.push_str("next: hubgate migrate, and then hubgate repo check\n");
        return Ok(Report::new(text, json));
    }
    let mismatches = Mismatches::find(&config, &Store::open(database)?)?;
    let problems = mismatches.lines();
    text.extend(problems.iter().map(|line| format!("{line}\n")));
    if let Value::Object(fields) = &mut json {
        fields.insert("problems".to_owned(), json!(problems));
    }
    Ok(Report::new(text, json))
}

/// What was kept of the replaced database.
enum Kept {
    /// An intact copy.
    Copy(PathBuf),
    /// The damaged file, unchanged.
    Damaged(PathBuf),
}

impl Kept {
    fn path(&self) -> &Path {
        match self {
            Self::Copy(path) | Self::Damaged(path) => path,
        }
    }
}

/// Keeps a copy of the existing database; does nothing if there is no file.
fn keep(database: &Path) -> Result<Option<Kept>, Failure> {
    let at = rfc3339(now()).replace(':', "");
    let named = |what: &str| {
        let name = database.with_extension(format!("db.{what}.{at}"));
        // A second copy in the same second gets a number.
        let numbered = (2..).map(|number| with_suffix(&name, &format!("-{number}")));
        std::iter::once(name.clone()).chain(numbered).find(|name| !name.exists()).unwrap_or(name)
    };
    if !database.exists() {
        return Ok(None);
    }
    let before = named("before-restore");
    let new = AtomicFile::beside(database, 0o640)?;
    match Store::open_any_version(database).and_then(|store| store.copy_to(new.path())) {
        Ok(()) => {
            new.put_in_place(&before)?;
            Ok(Some(Kept::Copy(before)))
        }
        Err(error) if matches!(error.kind(), ErrorKind::CannotOpen | ErrorKind::Damaged) => {
            let damaged = named("damaged");
            Store::keep_damaged(database, &damaged)?;
            Ok(Some(Kept::Damaged(damaged)))
        }
        Err(error) => Err(error.into()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
