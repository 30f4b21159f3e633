//! Leftovers of interrupted pushes, and of an interrupted `git gc`.

use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::lfs::{self, LocalStore};
use crate::operator::failure::Failure;

/// Removes quarantines of interrupted pushes, stale locks, and incomplete LFS objects.
pub(super) fn sweep_repository(place: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
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
pub(super) fn sweep(path: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
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

pub(super) fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Failure::File(directory.display().to_string(), error))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}
