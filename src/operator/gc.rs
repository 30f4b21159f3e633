//! `hubgate repo gc`: packs repositories, and removes leftovers of interrupted pushes.

use std::fmt::Write;
use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::failure::Failure;
use crate::config::Config;
use crate::db::RepositoryRow;
use crate::git::stored::StoredRepository;
use crate::lfs::{self, LocalStore};
use crate::message::Status;
use crate::report::Report;

/// Collects garbage in each repository. Leaves files that are younger than `older_than` seconds.
pub(super) fn run(
    config: &Config,
    repositories: &[RepositoryRow],
    older_than: i64,
    deleted: &[PathBuf],
) -> Result<Report, Failure> {
    let root = &config.paths.repositories;
    let age = Duration::from_secs(older_than.unsigned_abs());
    let mut text: String = deleted.iter().map(|path| format!("deleted {}\n", path.display())).collect();
    let mut json: Vec<Value> = deleted.iter().map(|path| json!({ "deleted": path })).collect();
    let mut status = Status::Done;
    // Leftovers of interrupted `repo create` commands.
    let mut unfinished = Vec::new();
    for path in list(root)?.into_iter().filter(|path| name(path).starts_with(".new-")) {
        sweep(&path, age, &mut unfinished)?;
    }
    text.extend(unfinished.iter().map(|path| format!("removed {}\n", path.display())));
    for row in repositories {
        let place = root.join(row.directory.relative());
        let mut removed = Vec::new();
        sweep_repository(&place, age, &mut removed)?;
        let packed = StoredRepository::open(config, &place, row.object_format).and_then(|stored| stored.maintain());
        let outcome = match &packed {
            Ok(()) => format!("packed, {} leftovers removed", removed.len()),
            Err(error) => {
                status = Status::Refused;
                format!("git gc failed: {error}")
            }
        };
        let _ = writeln!(text, "{}: {outcome}", row.path);
        json.push(json!({ "path": row.path.to_string(), "removed": removed, "error": packed.err() }));
    }
    let mut report = Report::new(text, Value::Array(json));
    report.status = status;
    Ok(report)
}

/// Removes quarantines of interrupted pushes, stale locks, and incomplete LFS objects.
fn sweep_repository(place: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let objects = place.join("objects");
    for path in list(&objects)?.into_iter().filter(|path| name(path).starts_with("tmp_objdir-")) {
        sweep(&path, age, removed)?;
    }
    // Leftovers of an interrupted `git gc`. They may be as large as the repository, and git never removes them.
    for path in list(&objects.join("pack"))?.into_iter().filter(|path| is_temporary(path)) {
        sweep(&path, age, removed)?;
    }
    // While this file exists, git neither packs refs nor deletes packed refs.
    for path in list(place)?.into_iter().filter(|path| is_lock(path) || name(path) == "packed-refs.new") {
        sweep(&path, age, removed)?;
    }
    let partial = File::open(place)
        .and_then(|repository| LocalStore::open(repository.as_fd(), lfs::Options::default())?.sweep(age))
        .map_err(|error| Failure::File(place.join("lfs").display().to_string(), error))?;
    removed.extend(partial.iter().map(|name| place.join("lfs/incomplete").join(name)));
    sweep_locks(&place.join("refs"), age, removed)
}

/// The locks of single refs, which are beside the refs at any depth.
fn sweep_locks(directory: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for path in list(directory)? {
        let is_directory = path.symlink_metadata().is_ok_and(|entry| entry.is_dir());
        if is_directory {
            sweep_locks(&path, age, removed)?;
        } else if is_lock(&path) {
            sweep(&path, age, removed)?;
        }
    }
    Ok(())
}

/// Removes one leftover if it is old enough.
fn sweep(path: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::File(path.display().to_string(), error);
    let metadata = match path.symlink_metadata() {
        // Its push has ended since.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    if !is_old(&metadata, age) {
        return Ok(());
    }
    if metadata.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.map_err(failed)?;
    removed.push(path.to_owned());
    Ok(())
}

fn is_old(metadata: &Metadata, age: Duration) -> bool {
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    SystemTime::now().duration_since(modified).is_ok_and(|old| old >= age)
}

/// Whether git uses this name for a lock (git's lockfile.h).
fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

/// Whether git uses this name for a temporary file (git's packfile.c and repack.c).
fn is_temporary(pack: &Path) -> bool {
    ["tmp_", ".tmp-"].iter().any(|start| name(pack).starts_with(start))
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

fn list(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Failure::File(directory.display().to_string(), error))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}
