//! Compares the rows of repositories with their directories.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use crate::config::Config;
use crate::db::{RepositoryRow, Store};
use crate::repository::{Directory, head};

/// Rows without a directory, and directories without a row.
#[derive(Debug, Default)]
pub(super) struct Mismatches {
    /// Repositories whose directory is missing or broken, and how.
    pub(super) lost: Vec<(RepositoryRow, String)>,
    /// Directories of repositories without a row.
    pub(super) strays: Vec<PathBuf>,
    /// Files and directories that are not a repository.
    pub(super) foreign: Vec<PathBuf>,
}

impl Mismatches {
    pub(super) fn find(config: &Config, store: &Store) -> Result<Self, Failure> {
        let root = &config.paths.repositories;
        let mut mismatches = Self::default();
        for row in store.view().repositories(None)? {
            if let Err(problem) = head(config, &root.join(row.directory.relative()), row.object_format) {
                mismatches.lost.push((row, problem));
            }
        }
        let known: HashSet<PathBuf> =
            store.view().directories()?.iter().map(|directory| root.join(directory.relative())).collect();
        for shard in list(root)? {
            if !shard.is_dir() || shard.file_name().is_none_or(|name| name.len() != 2) {
                mismatches.foreign.push(shard);
                continue;
            }
            mismatches.strays.extend(list(&shard)?.into_iter().filter(|place| !known.contains(place)));
        }
        mismatches.strays.sort();
        mismatches.foreign.sort();
        Ok(mismatches)
    }

    /// Describes each in one line.
    pub(super) fn lines(&self) -> Vec<String> {
        let lost = self.lost.iter().map(|(row, problem)| format!("{} ({}): {problem}", row.path, row.directory));
        let strays = self.strays.iter().map(|place| {
            let next = if directory_of(place).is_some() { ": adopt it with hubgate repo adopt" } else { "" };
            format!("{}: not a repository of this hub{next}", place.display())
        });
        let foreign = self.foreign.iter().map(|place| {
            format!("{}: not a directory of this hub: left by a create that was cut off?", place.display())
        });
        let mut lines: Vec<String> = lost.chain(strays).chain(foreign).collect();
        lines.sort();
        lines
    }
}

/// The directory that a path ends with, `<2 hex>/<30 hex>.git`.
pub(super) fn directory_of(place: &Path) -> Option<Directory> {
    let name = place.file_name()?.to_str()?.strip_suffix(".git")?;
    let shard = place.parent()?.file_name()?.to_str()?;
    let directory: Directory = format!("{shard}{name}").parse().ok()?;
    (shard.len() == 2).then_some(directory)
}

fn list(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Failure::File(path.display().to_string(), error))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}
