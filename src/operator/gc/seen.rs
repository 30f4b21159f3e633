//! What `repo gc --all` remembers of a repository, to skip it while nothing changes.
//!
//! A push adds, replaces or removes entries of a few directories, and the kernel sets the change time of each such
//! directory. No program can set a change time, so a push cannot hide a change. The notes are outside the repositories,
//! where the git of a push cannot write.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::sys::stat::FileStat;
use sha2::{Digest, Sha256};

use crate::clock::now;
use crate::config::Config;
use crate::git::stored::StoredRepository;
use crate::repository::Directory;
use crate::tree::{Tree, is_directory};

/// The time in seconds after which `git gc` deletes unreachable objects (git-config(1), `gc.pruneExpire`).
const PRUNED_AFTER: i64 = 14 * 86_400;

/// The notes: one small file for each repository.
pub(super) struct Seen(PathBuf);

/// A hash of all refs and of what they name; `None` if git could not list them.
pub(super) type Refs = Option<[u8; 32]>;

/// A repository as its directories show it.
#[derive(Default)]
struct State {
    hasher: Sha256,
    /// Whether unreachable objects may be left, which git deletes later.
    has_garbage: bool,
    /// The packs into which git would pack their objects again.
    packs: usize,
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

    /// Remembers a repository that git has just packed. `before` are its refs before that.
    ///
    /// A push that ended after git looked at the refs must be seen next time. If it changed a ref, the refs differ. If
    /// it changed them back, its pack is one too many. Then nothing is remembered, and the next collection does more
    /// than it has to.
    pub(super) fn remember(&self, directory: &Directory, stored: &StoredRepository<'_>, before: Refs) {
        let note = self.0.join(directory.id());
        let _ = fs::remove_file(&note);
        // Read before the refs: a change in between shows in the next comparison.
        let Ok(state) = State::read(stored.place()) else { return };
        if state.packs > 1 || before.is_none() || stored.hash_of_refs().ok() != before {
            return;
        }
        let until = if state.has_garbage { (now() + PRUNED_AFTER).to_string() } else { "never".to_owned() };
        let _ = fs::create_dir_all(&self.0);
        let _ = fs::write(note, format!("{} {until}\n", state.hash()));
    }
}

impl State {
    fn read(place: &Path) -> io::Result<Self> {
        let (mut state, tree) = (Self::default(), Tree::open(place)?);
        for name in ["", "HEAD", "config", "packed-refs", "objects/info/alternates", "refs", "reftable"] {
            state.add(name, tree.stat(Path::new(name))?.as_ref());
        }
        for refs in ["refs", "reftable"] {
            state.add_tree(&tree, refs, usize::MAX)?;
        }
        // Loose objects are in directories with names of two hexadecimal digits.
        let objects = state.add_tree(&tree, "objects", 0)?;
        state.has_garbage = objects.iter().any(|name| name.len() == 2);
        let files = state.add_tree(&tree, "objects/pack", 0)?;
        // A cruft pack has a file of times (gitformat-pack(5)), and git leaves a kept pack alone (git-repack(1)).
        let packs = || files.iter().filter_map(|name| name.strip_suffix(".pack"));
        let has = |pack: &str, ending: &str| files.contains(&format!("{pack}.{ending}"));
        state.has_garbage |= packs().any(|pack| has(pack, "mtimes"));
        state.packs = packs().filter(|pack| !has(pack, "mtimes") && !has(pack, "keep")).count();
        Ok(state)
    }

    /// Adds what is beneath a directory, to this depth. Returns the paths.
    fn add_tree(&mut self, tree: &Tree, directory: &str, depth: usize) -> io::Result<BTreeSet<String>> {
        let mut found = BTreeMap::new();
        if let Some(tree) = tree.within(Path::new(directory))? {
            tree.walk(&mut |path, stat| {
                found.insert(path.to_string_lossy().into_owned(), *stat);
                Ok(is_directory(stat) && path.components().count() <= depth)
            })?;
        }
        for (path, stat) in &found {
            self.add(&format!("{directory}/{path}"), Some(stat));
        }
        Ok(found.into_keys().collect())
    }

    /// Adds a file or directory, which may be missing.
    fn add(&mut self, name: &str, stat: Option<&FileStat>) {
        self.hasher.update(match stat {
            Some(stat) => format!("{name} {} {} {}\n", stat.st_ino, stat.st_ctime, stat.st_ctime_nsec),
            None => format!("{name} -\n"),
        });
    }

    fn hash(&self) -> String {
        format!("{:x}", self.hasher.clone().finalize())
    }
}
