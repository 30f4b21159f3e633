//! What `repo gc --all` remembers of a repository, to skip it while nothing changes.
//!
//! A push adds, replaces or removes entries of a few directories, and the kernel sets the change time of each such
//! directory. No program can set a change time, so a push cannot hide a change. The notes are outside the repositories,
//! where the git of a push cannot write.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::clock::now;
use crate::config::Config;
use crate::repository::Directory;

/// The time in seconds after which `git gc` deletes unreachable objects (git-config(1), `gc.pruneExpire`).
const PRUNED_AFTER: i64 = 14 * 86_400;

/// The notes: one small file for each repository.
pub(super) struct Seen(PathBuf);

/// A repository as its directories show it.
#[derive(Default)]
struct State {
    hasher: Sha256,
    /// Whether unreachable objects may be left, which git deletes later.
    has_garbage: bool,
    /// Whether a ref was changed since git packed all refs.
    has_loose_ref: bool,
}

impl Seen {
    pub(super) fn open(config: &Config) -> Self {
        Self(config.gc_dir())
    }

    /// Whether nothing has changed since [`Seen::remember`], and git has nothing to delete yet.
    pub(super) fn is_unchanged(&self, directory: &Directory, place: &Path) -> bool {
        let Ok(note) = fs::read_to_string(self.0.join(directory.id())) else { return false };
        let Some((hash, until)) = note.trim_end().split_once(' ') else { return false };
        let is_due = until.parse().is_ok_and(|until: i64| until <= now());
        !is_due && State::read(place).is_ok_and(|state| state.hash() == hash)
    }

    /// Remembers a repository that git has just packed.
    ///
    /// A push that ended after git looked at the refs must be seen next time. Such a push leaves a ref outside the
    /// packed refs, and then nothing is remembered. Without a note, the next collection does more than it has to.
    pub(super) fn remember(&self, directory: &Directory, place: &Path) {
        let note = self.0.join(directory.id());
        let _ = fs::remove_file(&note);
        let Ok(state) = State::read(place) else { return };
        if state.has_loose_ref {
            return;
        }
        let until = if state.has_garbage { (now() + PRUNED_AFTER).to_string() } else { "never".to_owned() };
        let _ = fs::create_dir_all(&self.0);
        let _ = fs::write(note, format!("{} {until}\n", state.hash()));
    }
}

impl State {
    fn read(place: &Path) -> io::Result<Self> {
        let mut state = Self::default();
        for name in ["", "HEAD", "config", "packed-refs", "objects/info/alternates"] {
            state.add(name, place.join(name).symlink_metadata())?;
        }
        state.add_tree(&place.join("refs"))?;
        if place.join("reftable").is_dir() {
            state.add_tree(&place.join("reftable"))?;
        }
        // Loose objects are in directories with names of two hexadecimal digits.
        for entry in sorted(&place.join("objects"))? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            state.has_garbage = state.has_garbage || name.len() == 2;
            state.add(&name, entry.symlink_metadata())?;
        }
        // A cruft pack has a file of times (gitformat-pack(5)).
        let packs = sorted(&place.join("objects/pack"))?;
        let is_cruft = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "mtimes");
        state.has_garbage = state.has_garbage || packs.iter().any(is_cruft);
        Ok(state)
    }

    fn add_tree(&mut self, directory: &Path) -> io::Result<()> {
        self.add(&directory.to_string_lossy(), directory.symlink_metadata())?;
        for entry in sorted(directory)? {
            let metadata = entry.symlink_metadata()?;
            if metadata.is_dir() {
                self.add_tree(&entry)?;
            } else {
                self.has_loose_ref = self.has_loose_ref || !directory.ends_with("reftable");
                self.add(&entry.to_string_lossy(), Ok(metadata))?;
            }
        }
        Ok(())
    }

    /// Adds a file or directory, which may be missing.
    fn add(&mut self, name: &str, metadata: io::Result<Metadata>) -> io::Result<()> {
        let line = match metadata {
            Ok(file) => format!("{name} {} {} {}\n", file.ino(), file.ctime(), file.ctime_nsec()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => format!("{name} -\n"),
            Err(error) => return Err(error),
        };
        self.hasher.update(line);
        Ok(())
    }

    fn hash(&self) -> String {
        format!("{:x}", self.hasher.clone().finalize())
    }
}

fn sorted(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}
