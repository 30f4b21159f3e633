//! Leftovers of interrupted pushes, and of an interrupted `git gc`.
//!
//! The git of a push can plant links in its repository, so every path starts at an open directory.

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::now;
use crate::lfs::{self, LocalStore};
use crate::operator::failure::Failure;
use crate::tree::{Tree, is_directory};

/// Removes quarantines of interrupted pushes, stale locks, and incomplete LFS objects.
pub(super) fn sweep_repository(place: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::File(place.display().to_string(), error);
    let mut leftovers = Leftovers { tree: Tree::open(place).map_err(failed)?, place, age, removed };
    leftovers.sweep("objects", 0, &|path| name(path).starts_with("tmp_objdir-"))?;
    // Leftovers of an interrupted `git gc`. They may be as large as the repository, and git never removes them.
    leftovers.sweep("objects/pack", 0, &is_temporary)?;
    // While this file exists, git neither packs refs nor deletes packed refs.
    leftovers.sweep("", 0, &|path| is_lock(path) || name(path) == "packed-refs.new")?;
    // The locks of single refs are beside the refs at any depth.
    leftovers.sweep("refs", usize::MAX, &is_lock)?;
    let partial = LocalStore::open(leftovers.tree.as_fd(), lfs::Options::default()).and_then(|store| store.sweep(age));
    let partial = partial.map_err(|error| Failure::File(place.join("lfs").display().to_string(), error))?;
    removed.extend(partial.iter().map(|name| place.join("lfs/incomplete").join(name)));
    Ok(())
}

/// Removes the directories of interrupted `repo create` commands.
pub(super) fn sweep_root(root: &Path, age: Duration, removed: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::File(root.display().to_string(), error);
    let mut leftovers = Leftovers { tree: Tree::open(root).map_err(failed)?, place: root, age, removed };
    leftovers.sweep("", 0, &|path| name(path).starts_with(".new-"))
}

/// A tree, and what was removed from it.
struct Leftovers<'a> {
    tree: Tree,
    place: &'a Path,
    age: Duration,
    removed: &'a mut Vec<PathBuf>,
}

impl Leftovers<'_> {
    /// Removes what is old enough and meant, to this depth beneath a directory of the tree. Whole directories are meant
    /// at depth 0 only. One that cannot be removed stops no other.
    fn sweep(&mut self, directory: &str, depth: usize, is_meant: &dyn Fn(&Path) -> bool) -> Result<(), Failure> {
        let shown = |path: &Path| self.place.join(directory).join(path);
        let failed = |path: &Path, error| Failure::File(shown(path).display().to_string(), error);
        let at = |error| failed(Path::new(""), error);
        let Some(tree) = self.tree.within(Path::new(directory)).map_err(at)? else { return Ok(()) };
        let mut leftovers = Vec::new();
        let walked = tree.walk(&mut |path, stat| {
            let is_leftover = is_meant(path) && (depth == 0 || !is_directory(stat));
            if is_leftover && is_old(stat.st_mtime, self.age) {
                leftovers.push(path.to_owned());
            }
            Ok(is_directory(stat) && path.components().count() <= depth)
        });
        walked.map_err(at)?;
        let mut outcome = Ok(());
        for path in leftovers {
            match tree.remove(&path) {
                Ok(()) => self.removed.push(shown(&path)),
                // Its push has ended since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => outcome = Err(failed(&path, error)),
            }
        }
        outcome
    }
}

/// Whether a file that changed in that second is of this age.
fn is_old(changed: i64, age: Duration) -> bool {
    u64::try_from(now() - changed).is_ok_and(|old| old >= age.as_secs())
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
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}
