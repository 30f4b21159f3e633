//! `hubgate lfs check`, `hubgate lock`: LFS objects and locks for the operator.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::cli::LockCommand;
use super::context::{Context, actor};
use super::directories::check_present;
use super::failure::Failure;
use super::progress::Bar;
use crate::commands::quota;
use crate::config::LfsMode;
use crate::db::{Change, Reader, RepositoryRow};
use crate::lfs::{FileLocks, Filter, Holder, Locks};
use crate::message::Status;
use crate::name::RepoPath;
use crate::report::when::minute;
use crate::report::{Report, json_time};
use crate::repository::large_files::{OBJECTS, StoredObjects, each_missing, hash, stored_bytes};
use crate::repository::open_repository;
use crate::tree::Tree;
use crate::word::counted;

/// The most locks that are shown.
const LOCKS_MAX: usize = 10_000;

/// The most problems that are shown. A repository may lack any number of objects.
const PROBLEMS_MAX: usize = 10_000;

/// What `lfs check` has found so far.
#[derive(Default)]
struct Findings {
    objects: u64,
    bytes: u64,
    problems: Vec<String>,
    /// The number of other problems.
    more: u64,
    /// Whether a corrupt object is still in its place.
    is_corrupt: bool,
    /// Whether clients can supply an object.
    is_incomplete: bool,
}

/// Hashes the stored objects, and finds objects that history names but that are not stored. With `quarantine`, moves
/// corrupt objects aside. A fault in one repository does not stop the others.
pub(super) fn check(path: Option<&RepoPath>, quarantine: bool, context: &Context) -> Result<Report, Failure> {
    let mut found = Findings::default();
    let mut all = 0;
    context.each_repository(path, |row| {
        all += stored_bytes(&context.config.paths.repositories, &row.directory);
        Ok(())
    })?;
    let mut bar = Bar::new(all);
    context.each_repository(path, |row| {
        if let Err(error) = found.take(&row, quarantine, context, &mut bar) {
            found.note(format!("{}: {error}", row.path));
        }
        Ok(())
    })?;
    drop(bar);
    let Findings { objects, bytes, mut problems, more, is_corrupt, is_incomplete } = found;
    if more > 0 {
        problems.push(format!("{} not shown", counted(more, "more problem is", "more problems are")));
    }
    let json = json!({ "objects": objects, "bytes": bytes, "problems": problems });
    if problems.is_empty() {
        let objects = counted(objects, "object", "objects");
        let bytes = counted(bytes, "byte", "bytes");
        return Ok(Report::new(format!("{objects}, {bytes}: no problems found\n"), json));
    }
    if is_corrupt {
        problems.push("to move corrupt objects aside: hubgate lfs check --quarantine".to_owned());
    }
    if is_incomplete {
        problems.push("clients that have the files can upload them: git lfs push --all origin".to_owned());
    }
    let mut report = Report::new(problems.iter().map(|line| format!("{line}\n")).collect(), json);
    report.status = Status::Refused;
    Ok(report)
}

impl Findings {
    fn take(&mut self, row: &RepositoryRow, quarantine: bool, context: &Context, bar: &mut Bar) -> Result<(), String> {
        let place = context.config.paths.repositories.join(row.directory.relative());
        check_present(row, &place)?;
        let stored = StoredObjects::find(&place).map_err(|error| error.to_string())?;
        for (oid, path) in stored.iter() {
            let file = &place.join(OBJECTS).join(&path);
            let oid = oid.to_string();
            self.objects += 1;
            match stored.open(&path).and_then(|file| hash(file, |bytes| bar.add(bytes))) {
                Ok((found, size)) if found == oid => self.bytes += size,
                Ok((found, _)) => {
                    let is = match quarantine.then(|| move_aside(&place, &oid, &path)) {
                        // A client has just replaced it.
                        Some(Ok(None)) => continue,
                        Some(Ok(Some(aside))) => {
                            quota::forget(&context.config, row).map_err(|error| error.to_string())?;
                            format!("moved to {}", aside.display())
                        }
                        Some(Err(error)) => format!("it cannot be moved aside: {error}"),
                        None => {
                            self.is_corrupt = true;
                            format!("the file is {}", file.display())
                        }
                    };
                    self.is_incomplete = true;
                    self.note(format!("{}: {oid} is corrupt: its hash is {found}; {is}", row.path));
                }
                Err(error) => self.note(format!("{}: {oid}: {error}", row.path)),
            }
        }
        // In the other modes, this hub does not store objects.
        if context.config.lfs.mode != LfsMode::Ssh {
            return Ok(());
        }
        let note = |oid, blob| {
            self.is_incomplete = true;
            self.note(format!("{}: {oid} is missing; a pointer is in the blob {blob}", row.path));
        };
        each_missing(&context.config, &place, row.object_format, &stored, note).map_err(|error| error.to_string())
    }

    /// Notes a problem. Beyond the most that are shown, only their number is kept.
    fn note(&mut self, problem: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        } else {
            self.more += 1;
        }
    }
}

/// Moves an object to the quarantine of its repository. Returns the new path, or `None` if a client has just replaced
/// the object.
fn move_aside(repository: &Path, oid: &str, path: &Path) -> io::Result<Option<PathBuf>> {
    let tree = Tree::open(repository)?;
    let object = &Path::new(OBJECTS).join(path);
    let quarantine = tree.within(Path::new("lfs"))?.ok_or(io::ErrorKind::NotFound)?.made(OsStr::new("quarantine"))?;
    tree.rename(object, &quarantine, OsStr::new(oid))?;
    if hash(quarantine.file(Path::new(oid))?, |_| ())?.0 == *oid {
        let name = object.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = object.parent().map(|parent| tree.within(parent)).transpose()?.flatten();
        quarantine.rename(Path::new(oid), &parent.ok_or(io::ErrorKind::NotFound)?, name)?;
        return Ok(None);
    }
    Ok(Some(repository.join("lfs/quarantine").join(oid)))
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
