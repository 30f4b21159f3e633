//! `hubgate restore`: a copy replaces the database.
//!
//! From the moment at which the previous database is kept until the copy has replaced it, no other process can change
//! the database. A change is therefore either in the kept file, or it waits and changes the new database.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::atomic_file::AtomicFile;
use super::backup::STREAM;
use super::cli::Restore;
use super::context::{actor, become_login, confirm};
use super::directories::Mismatches;
use super::failure::Failure;
use super::kept::{self, Kind};
use crate::commands::Refused;
use crate::commands::ending::end_withdrawn;
use crate::config::Config;
use crate::db::{self, BadCopy, ErrorKind, Reader, Store, VERSION};
use crate::message::Status;
use crate::report::Report;
use crate::report::when::minute;
use crate::word::counted;

/// `hubgate restore`
pub(super) fn restore(command: &Restore, config: &Path) -> Result<Report, Failure> {
    let shown = command.source.display().to_string();
    let failed = |error| Failure::File(shown.clone(), error);
    // Opened before root privileges are dropped.
    let (source, size): (Box<dyn Read>, _) = if command.source == Path::new(STREAM) {
        (Box::new(std::io::stdin()), None)
    } else {
        let file = File::open(&command.source).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        (Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    let config = Config::load(config)?;
    become_login(&config.paths.repositories)?;
    let database = &config.paths.database;
    let new = AtomicFile::beside(database, 0o640)?;
    Store::receive(source, size, new.file()).map_err(failed)?;
    let bad = |error: BadCopy| Failure::Refused(format!("{shown}: {error}"));
    let copy = Store::open_copy(new.path()).map_err(|error| bad(error.into()))?;
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
    let older = kept::list(database)?.len();
    let before = replace(database, copy, new, &shown)?;
    end_withdrawn(&config);
    let mut text = format!("restored {summary}\n");
    if let Some(before) = &before {
        let _ = writeln!(text, "the previous database is in {}", before.display());
    }
    if older > 0 {
        let _ = writeln!(text, "{}: hubgate kept list", counted(older, "older file is kept", "older files are kept"));
    }
    let mut json = json!({
        "accounts": contents.accounts, "keys": contents.keys, "repositories": contents.repositories,
        "version": version, "before": before, "problems": [],
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
    let mut report = Report::new(text, json);
    // The database is restored, but it names repositories that the hub cannot serve.
    if !mismatches.lost.is_empty() {
        report.status = Status::Refused;
    }
    Ok(report)
}

/// Keeps the database under another name and replaces it by the copy. Returns the kept file; `None` if there was no
/// database.
fn replace(database: &Path, mut copy: Store, new: AtomicFile, source: &str) -> Result<Option<PathBuf>, Failure> {
    let is_damage = |kind| matches!(kind, ErrorKind::CannotOpen | ErrorKind::Damaged);
    // The audit row is in the copy before the copy becomes the database, so the name is chosen first.
    let damage = database.exists().then(|| Reader::open(database).and_then(|reader| reader.ask(|view| view.damage())));
    let kind = match damage {
        None => None,
        Some(Ok(None)) => Some(Kind::Replaced),
        Some(Ok(Some(_))) => Some(Kind::Damaged),
        Some(Err(error)) if is_damage(error.kind()) => Some(Kind::Damaged),
        Some(Err(error)) => return Err(error.into()),
    };
    let before = kind.map(|kind| kept::name(database, kind));
    let before_shown = before.as_ref().map(|before| before.display().to_string());
    copy.note_restore(&actor(), source, before_shown.as_deref())?;
    if let (Some(kind), Some(before)) = (kind, &before) {
        match replace_content(database, &copy, kind, before) {
            Ok(()) => return Ok(Some(before.clone())),
            Err(Failure::Command(Refused::Database(error))) if is_damage(error.kind()) => {}
            Err(failure) => return Err(failure),
        }
        // SQLite cannot write to the file. A process that has it open changes the kept file.
        Store::remove_files(before)?;
        Store::keep_damaged(database, before)?;
    }
    drop(copy);
    Store::remove_beside(database)?;
    new.put_in_place(database)?;
    Ok(before)
}

/// Keeps the content and replaces it, while no other process can change it.
fn replace_content(database: &Path, copy: &Store, kind: Kind, before: &Path) -> Result<(), Failure> {
    let mut old = Store::open_any_version(database)?;
    let locked = old.begin_replacing(copy)?;
    match kind {
        Kind::Damaged => Store::copy_damaged(database, before)?,
        Kind::Replaced | Kind::Migrated => {
            let kept = AtomicFile::beside(database, 0o640)?;
            Reader::open(database)?.ask(|view| {
                // A second try begins with an empty file again.
                kept.file().set_len(0).map_err(|error| db::Error::File(kept.path().to_owned(), error))?;
                view.copy_to(kept.path())
            })?;
            kept.put_in_place(before)?;
        }
    }
    Ok(locked.finish()?)
}
