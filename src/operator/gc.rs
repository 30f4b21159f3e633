//! `hubgate repo gc`: packs repositories, and removes leftovers of interrupted pushes.

mod leftovers;
pub(super) mod prune;
mod seen;

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::context::Context;
use super::directories::check_present;
use super::failure::Failure;
use super::progress::Bar;
use crate::commands::quota;
use crate::config::Config;
use crate::db::RepositoryRow;
use crate::git::stored::StoredRepository;
use crate::message::Status;
use crate::name::RepoPath;
use crate::report::Report;
use crate::word::counted;
use leftovers::{sweep_repository, sweep_root};
use seen::Seen;

/// Which repositories are collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Every repository that has changed since its last collection.
    Changed,
    /// The repositories that the operator named.
    Named,
}

/// The outcome for a repository.
enum Outcome {
    Packed,
    /// Nothing has changed since the last collection, so git did not run.
    Unchanged,
    Failed(String),
}

/// Collects garbage in one repository, or in each that has changed. Leaves files that are younger than `age`. A fault
/// in one repository does not stop the others.
pub(super) fn run(context: &Context, path: Option<&RepoPath>, age: Duration) -> Result<Report, Failure> {
    let config = &context.config;
    let extent = if path.is_some() { Extent::Named } else { Extent::Changed };
    let (mut text, mut json, mut status) = (String::new(), Vec::new(), Status::Done);
    let mut unfinished = Vec::new();
    if let Err(error) = sweep_root(&config.paths.repositories, age, &mut unfinished) {
        status = Status::Refused;
        let _ = writeln!(text, "{error}");
    }
    text.extend(unfinished.iter().map(|path| format!("removed {}\n", path.display())));
    let seen = Seen::open(config);
    let mut unchanged = 0_usize;
    let mut bar = Bar::new(context.count(path)?);
    context.each_repository(path, |row| {
        let mut removed = Vec::new();
        let outcome = collect(config, &row, extent, age, &seen, &mut removed);
        let leftovers = counted(removed.len(), "leftover", "leftovers");
        match &outcome {
            Outcome::Packed => drop(writeln!(text, "{}: packed, {leftovers} removed", row.path)),
            Outcome::Unchanged => unchanged += 1,
            Outcome::Failed(error) => {
                status = Status::Refused;
                let _ = writeln!(text, "{}: {error}", row.path);
            }
        }
        let error = if let Outcome::Failed(error) = &outcome { Some(error) } else { None };
        let is_unchanged = matches!(outcome, Outcome::Unchanged);
        json.push(json!({
            "path": row.path.to_string(), "removed": removed, "error": error, "unchanged": is_unchanged,
        }));
        bar.add(1);
        Ok(())
    })?;
    drop(bar);
    if unchanged > 0 {
        let _ = writeln!(
            text,
            "{} since the last gc",
            counted(unchanged, "unchanged repository", "unchanged repositories")
        );
    }
    let mut report = Report::new(text, Value::Array(json));
    report.status = status;
    Ok(report)
}

fn collect(
    config: &Config,
    row: &RepositoryRow,
    extent: Extent,
    age: Duration,
    seen: &Seen,
    removed: &mut Vec<PathBuf>,
) -> Outcome {
    let place = config.paths.repositories.join(row.directory.relative());
    let mut steps = || -> Result<Outcome, String> {
        check_present(row, &place)?;
        sweep_repository(&place, age, removed).map_err(|error| error.to_string())?;
        if extent == Extent::Changed && seen.is_unchanged(&row.directory, &place) {
            return Ok(Outcome::Unchanged);
        }
        let failed = |error| format!("git gc failed: {error}");
        let stored = StoredRepository::open(config, &place, row.object_format).map_err(failed)?;
        let before = stored.hash_of_refs().ok();
        let packed = stored.maintain();
        quota::forget(config, row).map_err(|error| error.to_string())?;
        packed.map_err(failed)?;
        seen.remember(&row.directory, &stored, before);
        Ok(Outcome::Packed)
    };
    steps().unwrap_or_else(Outcome::Failed)
}
