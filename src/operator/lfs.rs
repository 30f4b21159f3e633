//! `hubgate lfs check`, `hubgate lock`: LFS objects and locks for the operator.

use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::cli::LockCommand;
use super::context::{Context, actor};
use super::failure::Failure;
use crate::clock::now;
use crate::config::LfsMode;
use crate::db::{Change, Reader};
use crate::lfs::{FileLocks, Filter, Holder, Locks};
use crate::message::Status;
use crate::name::RepoPath;
use crate::report::when::minute;
use crate::report::{Report, json_time};
use crate::repository::large_files::{hash, pointers, stored_bytes, stored_objects};
use crate::repository::open_repository;
use crate::word::counted;

/// The most locks that are shown.
const LOCKS_MAX: usize = 10_000;

/// Hashes the stored objects, and finds objects that history names but that are not stored. With `quarantine`, moves
/// corrupt objects aside.
pub(super) fn check(path: Option<&RepoPath>, quarantine: bool, context: &Context) -> Result<Report, Failure> {
    let repositories = match path {
        Some(path) => vec![context.store.view().repository(path)?],
        None => context.store.view().repositories(None)?,
    };
    let mut problems = Vec::new();
    let (mut objects, mut bytes) = (0_u64, 0_u64);
    let mut is_corrupt = false;
    let mut bar =
        Bar::new(repositories.iter().map(|row| stored_bytes(&context.config.paths.repositories, &row.directory)).sum());
    for row in &repositories {
        let place = context.config.paths.repositories.join(row.directory.relative());
        let failed = |error| Failure::File(place.display().to_string(), error);
        let stored = stored_objects(&place.join("lfs/objects")).map_err(failed)?;
        for (oid, file) in &stored {
            objects += 1;
            match hash(file, |bytes| bar.add(bytes)) {
                Ok((found, size)) if found == *oid => bytes += size,
                Ok((found, _)) if quarantine => {
                    if let Some(aside) = move_aside(&place, oid, file).map_err(failed)? {
                        let aside = aside.display();
                        problems.push(format!("{}: {oid} is corrupt: its hash is {found}; moved to {aside}", row.path));
                    }
                }
                Ok((found, _)) => {
                    is_corrupt = true;
                    let file = file.display();
                    problems.push(format!("{}: {oid} is corrupt: its hash is {found}; the file is {file}", row.path));
                }
                Err(error) => problems.push(format!("{}: {oid}: {error}", row.path)),
            }
        }
        // In the other modes, this hub does not store objects.
        let is_here = context.config.lfs.mode == LfsMode::Ssh;
        let unread = |error| Failure::Refused(format!("{}: {error}", row.path));
        let named = if is_here { pointers(&context.config.paths.git, &place).map_err(unread)? } else { Vec::new() };
        let missing = named.into_iter().filter(|(oid, _)| !stored.contains_key(oid));
        problems.extend(
            missing.map(|(oid, blob)| format!("{}: {oid} is missing; a pointer is in the blob {blob}", row.path)),
        );
    }
    drop(bar);
    let json = json!({ "objects": objects, "bytes": bytes, "problems": problems });
    let mut report = if problems.is_empty() {
        Report::new(format!("{}, {bytes} bytes: no problems found\n", counted(objects, "object", "objects")), json)
    } else {
        if is_corrupt {
            problems.push("to move corrupt objects aside: hubgate lfs check --quarantine".to_owned());
        }
        problems.push("clients that have the files can upload them: git lfs push --all origin".to_owned());
        Report::new(problems.iter().map(|line| format!("{line}\n")).collect(), json)
    };
    report.status = if problems.is_empty() { Status::Done } else { Status::Refused };
    Ok(report)
}

/// Moves an object to the quarantine of its repository. Returns the new path, or `None` if a client has just replaced
/// the object.
fn move_aside(repository: &Path, oid: &str, file: &Path) -> io::Result<Option<PathBuf>> {
    let directory = repository.join("lfs/quarantine");
    std::fs::create_dir_all(&directory)?;
    let aside = directory.join(oid);
    std::fs::rename(file, &aside)?;
    if hash(&aside, |_| ())?.0 == *oid {
        std::fs::rename(&aside, file)?;
        return Ok(None);
    }
    Ok(Some(aside))
}

/// `hubgate lock`
pub(super) fn lock(command: &LockCommand, context: &mut Context) -> Result<Report, Failure> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| Failure::Refused(error.to_string());
    let (LockCommand::List { path } | LockCommand::Remove { path, .. }) = command;
    let row = context.store.view().repository(path)?;
    let directory = open_repository(&context.config.paths.repositories, &row.directory)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let reader = Reader::open(&context.config.paths.database)?;
    let holder = Holder::named(&actor());
    let locks = FileLocks::new(directory.as_fd(), holder).map_err(|error| failed(error.into()))?;
    let mut locks = locks.with_names(|id| reader.account_name(id.account()?));
    match command {
        LockCommand::List { .. } => {
            let all = locks.list(&Filter::default(), 0, LOCKS_MAX).map_err(failed)?;
            let rows = all.iter().map(|lock| {
                [lock.id.to_string(), lock.path.to_string(), lock.owner.clone(), minute(Some(lock.locked_at))]
            });
            let object = |lock: &crate::lfs::Lock| {
                json!({
                    "id": lock.id.to_string(), "path": lock.path.to_string(), "owner": lock.owner,
                    "locked_at": json_time(Some(lock.locked_at)),
                })
            };
            Ok(Report::table(["ID", "PATH", "OWNER", "SINCE"], rows.collect(), all.iter().map(object).collect()))
        }
        LockCommand::Remove { id, .. } => match locks.unlock(id).map_err(failed)? {
            Some(lock) => {
                let note =
                    |change: &Change<'_>| change.note_lock_removal(&row.path, &lock.path.to_string(), &lock.owner);
                context.store.change(&actor(), note)?;
                let text = format!("removed the lock of {} on {}\n", lock.owner, lock.path);
                Ok(Report::new(text, json!({ "removed": id.to_string(), "path": lock.path.to_string() })))
            }
            None => Err(Failure::Refused(format!("there is no lock {id} on {}", row.path))),
        },
    }
}

/// A progress bar on a terminal.
struct Bar {
    all: u64,
    done: u64,
    shown: i64,
}

impl Bar {
    fn new(all: u64) -> Self {
        Self { all, done: 0, shown: 0 }
    }

    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if now() > self.shown && std::io::stderr().is_terminal() {
            self.shown = now();
            let percent = self.done * 100 / self.all.max(1);
            let filled = usize::try_from(percent.min(100) / 2).unwrap_or_default();
            let _ = write!(std::io::stderr(), "\r[{:50}] {percent} %", "#".repeat(filled));
        }
    }
}

impl Drop for Bar {
    /// Removes the bar from the terminal.
    fn drop(&mut self) {
        if std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
