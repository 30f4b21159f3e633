//! Compares the rows of repositories with their directories.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::progress::Bar;
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
    /// Directories that cannot be read, and why.
    pub(super) unread: Vec<String>,
}

impl Mismatches {
    pub(super) fn find(config: &Config, store: &Store) -> Result<Self, Failure> {
        let root = &config.paths.repositories;
        let mut mismatches = Self::default();
        let mut bar = Bar::new(store.view().number_of_repositories()?);
        store.each_repository(|row| -> Result<(), Failure> {
            let place = root.join(row.directory.relative());
            let checked = check_present(&row, &place).and_then(|()| head(config, &place, row.object_format).map(drop));
            if let Err(problem) = checked {
                mismatches.lost.push((row, problem));
            }
            bar.add(1);
            Ok(())
        })?;
        drop(bar);
        let known: HashSet<PathBuf> =
            store.view().directories()?.iter().map(|directory| root.join(directory.relative())).collect();
        for shard in list(root)? {
            if !shard.is_dir() || shard.file_name().is_none_or(|name| name.len() != 2) {
                mismatches.foreign.push(shard);
                continue;
            }
            match list(&shard) {
                Ok(places) => mismatches.strays.extend(places.into_iter().filter(|place| !known.contains(place))),
                Err(failure) => mismatches.unread.push(failure.to_string()),
            }
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
        let mut lines: Vec<String> = lost.chain(strays).chain(foreign).chain(self.unread.iter().cloned()).collect();
        lines.sort();
        lines
    }
}

/// Says how a repository is lost whose directory is not there, and what to do.
pub(super) fn check_present(row: &RepositoryRow, place: &Path) -> Result<(), String> {
    match place.symlink_metadata() {
        Ok(file) if file.is_dir() => Ok(()),
        Ok(_) => Err(format!("{} is not a directory", place.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(format!(
            "its directory is missing: {}: restore it from a backup, or: hubgate repo remove {}",
            place.display(),
            row.path
        )),
        Err(error) => Err(format!("{}: {error}", place.display())),
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
