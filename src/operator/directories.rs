//! Compares the rows of repositories with their directories.

use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::progress::Bar;
use crate::config::Config;
use crate::db::{RepositoryRow, Store};
use crate::repository::{Directory, head};

/// Rows without a directory, and directories without a row.
#[derive(Debug, Default)]
pub(super) struct Mismatches {
    /// Repositories whose directory is missing or broken, and how: a line for each.
    pub(super) lost: Vec<String>,
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
                mismatches.lost.push(format!("{} ({}): {problem}", row.path, row.directory));
            }
            bar.add(1);
            Ok(())
        })?;
        drop(bar);
        // 16 bytes for each, because a hub may have millions.
        let mut known: Vec<u128> = Vec::new();
        store.view().directories(&mut |directory| {
            known.push(number(&directory));
            ControlFlow::Continue(())
        })?;
        known.sort_unstable();
        let is_known =
            |place: &Path| directory_of(place).is_some_and(|found| known.binary_search(&number(&found)).is_ok());
        for shard in list(root)? {
            if !shard.is_dir() || shard.file_name().is_none_or(|name| name.len() != 2) {
                mismatches.foreign.push(shard);
                continue;
            }
            match list(&shard) {
                Ok(places) => mismatches.strays.extend(places.into_iter().filter(|place| !is_known(place))),
                Err(failure) => mismatches.unread.push(failure.to_string()),
            }
        }
        mismatches.strays.sort();
        mismatches.foreign.sort();
        Ok(mismatches)
    }

    /// Describes each in one line.
    pub(super) fn lines(&self) -> Vec<String> {
        let strays = self.strays.iter().map(|place| {
            let next = if directory_of(place).is_some() { ": adopt it with hubgate repo adopt" } else { "" };
            format!("{}: not a repository of this hub{next}", place.display())
        });
        let foreign = self.foreign.iter().map(|place| {
            format!("{}: not a directory of this hub: left by a create that was cut off?", place.display())
        });
        let mut lines: Vec<String> =
            strays.chain(foreign).chain(self.lost.iter().chain(&self.unread).cloned()).collect();
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

/// The id of a directory, as a number.
fn number(directory: &Directory) -> u128 {
    u128::from_str_radix(directory.id(), 16).unwrap_or_default()
}

fn list(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|error| Failure::File(path.display().to_string(), error))?;
    Ok(entries.into_iter().map(|entry| entry.path()).collect())
}
