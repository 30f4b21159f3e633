//! `hubgate kept`: the files that `restore` and `migrate` keep beside the database.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::cli::KeptCommand;
use super::context::{become_login, confirm};
use super::failure::Failure;
use crate::clock::now;
use crate::config::Config;
use crate::db::Store;
use crate::report::when::{minute, rfc3339};
use crate::report::{Report, json_time};
use crate::word::counted;

/// Why a file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A copy of the database that a restore replaced.
    Replaced,
    /// The damaged database that a restore replaced.
    Damaged,
    /// A copy of the database before a migration.
    Migrated,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Replaced, Self::Damaged, Self::Migrated];

    /// The word in the name of the file.
    fn word(self) -> &'static str {
        match self {
            Self::Replaced => "before-restore",
            Self::Damaged => "damaged",
            Self::Migrated => "before-migrate",
        }
    }
}

/// A kept file.
pub(super) struct Kept {
    path: PathBuf,
    kind: Kind,
    bytes: u64,
    at: i64,
}

/// A free name beside the database: `hubgate.db.KIND.TIME`.
pub(super) fn name(database: &Path, kind: Kind) -> PathBuf {
    let name = beside(database, &format!(".{}.{}", kind.word(), rfc3339(now()).replace(':', "")));
    // A second file of the same second gets a number.
    let numbered = (2..).map(|number| beside(&name, &format!("-{number}")));
    std::iter::once(name.clone()).chain(numbered).find(|name| !name.exists()).unwrap_or(name)
}

/// The kept files, oldest first.
pub(super) fn list(database: &Path) -> Result<Vec<Kept>, Failure> {
    let directory = database.parent().unwrap_or(Path::new("/"));
    let failed = |error| Failure::File(directory.display().to_string(), error);
    let mut kept = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(kind) = Kind::ALL.into_iter().find(|kind| is_kept(database, *kind, &path)) else { continue };
        let files = Store::files(&path);
        let sizes = files.iter().filter_map(|file| file.symlink_metadata().ok()).map(|file| file.len());
        if let Ok(file) = path.symlink_metadata() {
            kept.push(Kept { bytes: sizes.sum(), at: seconds(&file), kind, path });
        }
    }
    kept.sort_by(|one, other| (one.at, &one.path).cmp(&(other.at, &other.path)));
    Ok(kept)
}

/// `hubgate kept`
pub(super) fn run(command: &KeptCommand, config: &Path) -> Result<Report, Failure> {
    let current = std::env::current_dir().unwrap_or_default();
    let config = Config::load(config)?;
    become_login(&config.paths.repositories)?;
    let kept = list(&config.paths.database)?;
    match command {
        KeptCommand::List => {
            let row = |kept: &Kept| {
                [
                    kept.path.display().to_string(),
                    kept.kind.word().to_owned(),
                    kept.bytes.to_string(),
                    minute(Some(kept.at)),
                ]
            };
            let object = |kept: &Kept| {
                json!({
                    "file": kept.path, "kind": kept.kind.word(), "bytes": kept.bytes, "kept_at": json_time(Some(kept.at)),
                })
            };
            let rows = kept.iter().map(row).collect();
            Ok(Report::table(["FILE", "KIND", "BYTES", "KEPT"], rows, kept.iter().map(object).collect()))
        }
        KeptCommand::Remove { files, older_than, all, confirmation } => {
            let is_named = |kept: &Kept, file: &Path| kept.path == current.join(file) || kept.path.ends_with(file);
            if let Some(other) = files.iter().find(|file| !kept.iter().any(|kept| is_named(kept, file))) {
                return Err(Failure::Refused(format!("{} is not a kept file: hubgate kept list", other.display())));
            }
            let is_old = |kept: &Kept| *all || older_than.is_some_and(|age| kept.at <= now() - age);
            // Each file once, however often it was named.
            let is_chosen = |kept: &&Kept| is_old(kept) || files.iter().any(|file| is_named(kept, file));
            let chosen: Vec<&Kept> = kept.iter().filter(is_chosen).collect();
            let bytes: u64 = chosen.iter().map(|kept| kept.bytes).sum();
            let count = counted(chosen.len(), "file", "files");
            let size = counted(bytes, "byte", "bytes");
            if !chosen.is_empty() {
                confirm(*confirmation, &format!("Delete {count} with {size} for good?"))?;
            }
            for kept in &chosen {
                Store::remove_files(&kept.path)?;
            }
            let json = json!({ "removed": chosen.iter().map(|kept| &kept.path).collect::<Vec<_>>(), "bytes": bytes });
            Ok(Report::new(format!("removed {count} with {size}\n"), json))
        }
    }
}

/// Whether a file has a name that [`name`] makes.
fn is_kept(database: &Path, kind: Kind, path: &Path) -> bool {
    let start = beside(database, &format!(".{}.", kind.word()));
    let rest = path.to_str().zip(start.to_str()).and_then(|(path, start)| path.strip_prefix(start));
    // A time, and not the name of a `-wal` or of an unfinished file.
    rest.is_some_and(|time| time.bytes().all(|byte| byte.is_ascii_digit() || b"TZ-".contains(&byte)))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn seconds(file: &Metadata) -> i64 {
    let since = file.modified().unwrap_or(SystemTime::now()).duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs().try_into().unwrap_or(i64::MAX)
}
