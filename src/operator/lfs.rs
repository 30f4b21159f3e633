//! `hubgate lfs check`, `hubgate lock`, and quotas: large files as the operator sees them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::cli::{LockCommand, Quota};
use super::context::{Context, actor};
use super::failure::Failure;
use crate::clock::now;
use crate::config::LfsMode;
use crate::db::{Reader, RepositoryRow};
use crate::lfs::{FileLocks, Filter, Holder, Locks, Oid};
use crate::message::Status;
use crate::name::{Owner, RepoPath};
use crate::report::when::minute;
use crate::report::{Report, json_time};
use crate::repository::{Directory, open_repository, stored_bytes};
use crate::session::account_name;

/// How many locks are shown at most.
const LOCKS_MAX: usize = 10_000;
/// A pointer is shorter than that (git-lfs's docs/spec.md); a longer blob is none.
const POINTER_MAX: u64 = 1_024;

/// Hashes what is stored, and looks for what history names and the store lacks.
pub(super) fn check(path: Option<&RepoPath>, context: &Context) -> Result<Report, Failure> {
    let repositories = match path {
        Some(path) => vec![context.store.view().repository(path)?],
        None => context.store.view().repositories(None)?,
    };
    let mut problems = Vec::new();
    let (mut objects, mut bytes) = (0_u64, 0_u64);
    let mut bar = Bar::new(repositories.iter().map(|row| used(context, &row.directory)).sum());
    for row in &repositories {
        let place = context.config.paths.repositories.join(row.directory.relative());
        let failed = |error| Failure::File(place.display().to_string(), error);
        let stored = stored_objects(&place.join("lfs/objects")).map_err(failed)?;
        for (oid, file) in &stored {
            objects += 1;
            match hash(file, &mut bar) {
                Ok((found, size)) if found == *oid => bytes += size,
                Ok((found, _)) => problems.push(format!("{}: {oid} is broken: its bytes are {found}", row.path)),
                Err(error) => problems.push(format!("{}: {oid}: {error}", row.path)),
            }
        }
        // In the other modes objects are elsewhere, or nowhere.
        let is_here = context.config.lfs.mode == LfsMode::Ssh;
        let named = if is_here { pointers(context, row, &place)? } else { Vec::new() };
        let missing = named.into_iter().filter(|(oid, _)| !stored.contains_key(oid));
        problems.extend(missing.map(|(oid, blob)| format!("{}: {oid} is missing, named by the blob {blob}", row.path)));
    }
    drop(bar);
    let json = json!({ "objects": objects, "bytes": bytes, "problems": problems });
    let mut report = if problems.is_empty() {
        Report::new(format!("{objects} objects, {bytes} bytes: all is well\n"), json)
    } else {
        Report::new(problems.iter().map(|line| format!("{line}\n")).collect(), json)
    };
    report.status = if problems.is_empty() { Status::Done } else { Status::Refused };
    Ok(report)
}

/// Every object's file, by its name.
pub(super) fn stored_objects(directory: &Path) -> std::io::Result<BTreeMap<String, PathBuf>> {
    let mut objects = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else if Oid::parse(name.as_bytes()).is_ok() {
                objects.insert(name, entry.path());
            }
        }
    }
    Ok(objects)
}

fn hash(file: &Path, bar: &mut Bar) -> std::io::Result<(String, u64)> {
    let mut file = File::open(file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        size += bytes.len() as u64;
        bar.add(bytes.len() as u64);
    }
    Ok((hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), size))
}

/// The objects that pointers in reachable history name, each with a blob that does.
fn pointers(context: &Context, row: &RepositoryRow, place: &Path) -> Result<Vec<(String, String)>, Failure> {
    let git = &context.config.paths.git;
    let failed = |reason: String| Failure::Refused(format!("{}: {reason}", row.path));
    let blobs = crate::git::small_blobs(git, place, POINTER_MAX).map_err(failed)?;
    Ok(blobs.into_iter().filter_map(|(id, text)| Some((pointed(&text)?, id))).collect())
}

/// How many large files history names that are not stored.
pub(super) fn missing(context: &Context, row: &RepositoryRow, place: &Path) -> Result<usize, Failure> {
    let stored = stored_objects(&place.join("lfs/objects"));
    let stored = stored.map_err(|error| Failure::File(place.display().to_string(), error))?;
    let named: BTreeMap<String, String> = pointers(context, row, place)?.into_iter().collect();
    Ok(named.keys().filter(|oid| !stored.contains_key(*oid)).count())
}

/// Copies a file to a new one; returns the hash of the bytes that were copied.
pub(super) fn copy_hashed(file: &Path, copy: &Path) -> std::io::Result<String> {
    let (mut file, mut copy) = (File::open(file)?, File::create_new(copy)?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        copy.write_all(bytes)?;
    }
    Ok(format!("{:x}", hasher.finalize()))
}

/// The object that a pointer names (git-lfs's docs/spec.md).
fn pointed(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    text.starts_with("version https://git-lfs.github.com/spec/v1\n").then_some(())?;
    let oid = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?;
    Oid::parse(oid.as_bytes()).ok().map(|_| oid.to_owned())
}

/// `hubgate lock`
pub(super) fn lock(command: &LockCommand, context: &Context) -> Result<Report, Failure> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| Failure::Refused(error.to_string());
    let (LockCommand::List { path } | LockCommand::Remove { path, .. }) = command;
    let row = context.store.view().repository(path)?;
    let directory = open_repository(&context.config.paths.repositories, &row.directory)
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let reader = Reader::open(&context.config.paths.database)?;
    let holder = Holder::named(&actor());
    let locks = FileLocks::new(directory.as_fd(), holder).map_err(|error| failed(error.into()))?;
    let mut locks = locks.with_names(|id| account_name(&reader, id.account()?));
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
                let text = format!("removed the lock of {} on {}\n", lock.owner, lock.path);
                Ok(Report::new(text, json!({ "removed": id.to_string(), "path": lock.path.to_string() })))
            }
            None => Err(Failure::Refused(format!("there is no lock {id} on {}", row.path))),
        },
    }
}

/// `hubgate repo quota`
pub(super) fn repository_quota(path: &RepoPath, quota: Option<Quota>, mut context: Context) -> Result<Report, Failure> {
    if let Some(Quota(quota)) = quota {
        context.store.change(&actor(), |change| change.set_repository_quota(path, quota))?;
    }
    let row = context.store.view().repository(path)?;
    let own = context.store.view().repository_quota(&row)?;
    let limit = context.config.limits.lfs_repository_bytes;
    Ok(quota_report("path", &row.path.to_string(), used(&context, &row.directory), own.unwrap_or(limit)))
}

/// `hubgate owner quota`
pub(super) fn owner_quota(owner: &Owner, quota: Option<Quota>, mut context: Context) -> Result<Report, Failure> {
    if let Some(Quota(quota)) = quota {
        context.store.change(&actor(), |change| change.set_owner_quota(owner, quota))?;
    }
    let row = context.store.view().owner(owner)?;
    let stored = context.store.view().repositories(Some(&row))?.iter().map(|row| used(&context, &row.directory)).sum();
    let own = context.store.view().owner_quota(&row)?;
    let limit = context.config.limits.lfs_owner_bytes;
    Ok(quota_report("owner", row.name.as_str(), stored, own.unwrap_or(limit)))
}

fn used(context: &Context, directory: &Directory) -> u64 {
    stored_bytes(&context.config.paths.repositories, directory)
}

fn quota_report(key: &str, name: &str, used: u64, quota: u64) -> Report {
    let (text, quota) = match quota {
        0 => (format!("{name} stores {used} bytes in large files; there is no quota\n"), Value::Null),
        quota => (format!("{name} stores {used} bytes in large files, of {quota}\n"), quota.into()),
    };
    Report::new(text, json!({ key: name, "used": used, "quota": quota }))
}

/// How far a long look has come, on a terminal.
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
    /// Takes the bar off the terminal.
    fn drop(&mut self) {
        if std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
