//! `hubgate repo gc --prune-now`: deletes the unreachable objects of one repository at once.
//!
//! git must not delete an object that a push in progress is about to refer to. The repository is therefore frozen
//! first, and pushes that were allowed before must end. A gateway that may have read the repository's row before is a
//! process that existed when it was frozen. When each such process has started git or has ended, the pushes that remain
//! are the `git receive-pack` in this directory. Their guards refuse them when they are about to move refs.

use std::collections::BTreeSet;
use std::fs::{DirEntry, Metadata, metadata, read, read_dir};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde_json::json;

use super::leftovers::sweep_repository;
use super::seen::Seen;
use crate::commands::quota;
use crate::config::Config;
use crate::db::{Change, ChangeError, RepositoryRow};
use crate::git::stored::StoredRepository;
use crate::name::RepoPath;
use crate::operator::context::{Context, actor};
use crate::operator::directories::check_present;
use crate::operator::failure::Failure;
use crate::process::becomes_git;
use crate::report::Report;
use crate::tree::Tree;
use crate::word::counted;

/// What the client of a push reads until the objects are deleted. A repository with this reason was frozen here.
const REASON: &str = "unreachable objects are being deleted";
/// How long pushes in progress may take.
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// Deletes the unreachable objects of a repository. What reflogs and kept packs hold is unreachable too.
pub(in crate::operator) fn run(context: &mut Context, path: &RepoPath) -> Result<Report, Failure> {
    let row = context.store.view().repository(path)?;
    let place = context.config.paths.repositories.join(row.directory.relative());
    let failed = |reason: String| Failure::Refused(format!("{}: {reason}", row.path));
    check_present(&row, &place).map_err(failed)?;
    context.store.change(&actor(), |change| set_frozen(change, row.id, Some(REASON)))?;
    let pruned = prune(&context.config, &row, &place);
    // The count is forgotten before pushes are admitted again. A fault there must not leave them rejected.
    let forgotten = quota::forget(&context.config, &row);
    context.store.change(&actor(), |change| set_frozen(change, row.id, None))?;
    forgotten?;
    let (removed, others) = pruned?;
    context.store.change(&actor(), |change| change.note_prune(&row.path))?;
    let leftovers = counted(removed.len(), "leftover", "leftovers");
    let mut text = format!("{}: packed, unreachable objects deleted, {leftovers} removed\n", row.path);
    text.extend(others.iter().map(|name| format!("the ref {name} still keeps its objects\n")));
    Ok(Report::new(text, json!([{ "path": row.path.to_string(), "removed": removed, "refs": others }])))
}

/// Freezes a repository for this command, or ends that. A freeze of the operator stays, whenever it came. The row may
/// have another path by now, or may have been removed.
fn set_frozen(change: &Change<'_>, row: i64, reason: Option<&str>) -> Result<(), ChangeError> {
    match change.repository_of_row(row)? {
        Some(row) if row.frozen.as_deref().is_none_or(|frozen| frozen == REASON) => {
            change.set_frozen(&row.path, reason)
        }
        Some(_) | None => Ok(()),
    }
}

/// Deletes the objects of a frozen repository. Returns the leftovers that were removed, and the refs that clients
/// cannot push.
fn prune(config: &Config, row: &RepositoryRow, place: &Path) -> Result<(Vec<PathBuf>, Vec<String>), Failure> {
    let failed = |reason: String| Failure::Refused(format!("{}: {reason}", row.path));
    wait_for_pushes(place).map_err(failed)?;
    let mut removed = Vec::new();
    sweep_repository(place, Duration::ZERO, &mut removed)?;
    remove_marks(place)?;
    let stored = StoredRepository::open(config, place, row.object_format).map_err(failed)?;
    let before = stored.hash_of_refs().ok();
    let others = stored.prune_now().and_then(|()| stored.other_refs()).map_err(failed)?;
    Seen::open(config).remember(&row.directory, &stored, before);
    Ok((removed, others))
}

/// Waits until no push that was allowed before can change the repository.
fn wait_for_pushes(place: &Path) -> Result<(), String> {
    let start = Instant::now();
    let before = gateways();
    let directory = metadata(place).map_err(|error| error.to_string())?;
    loop {
        let deciding =
            gateways().iter().filter(|gateway| before.contains(*gateway) || is_starting_git(gateway)).count();
        let pushes = pushes(&directory);
        if deciding + pushes == 0 {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            let count =
                counted(deciding + pushes, "session that may push still runs", "sessions that may push still run");
            return Err(format!("{count}: nothing was deleted; try again later"));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether a gateway has decided, and is about to become git.
fn is_starting_git(process: &str) -> bool {
    process.parse().is_ok_and(|process| becomes_git(Pid::from_raw(process)))
}

/// The processes that have not decided yet. A gateway that guards git has another name. One that has ended, and whose
/// parent has not looked, has no command line any more (proc(5)).
fn gateways() -> BTreeSet<String> {
    let file = |process: &str, name| read(format!("/proc/{process}/{name}")).unwrap_or_default();
    let is_gateway = |process: &String| file(process, "comm") == b"gateway\n" && !file(process, "cmdline").is_empty();
    processes().filter(is_gateway).collect()
}

/// The number of `git receive-pack` that run in a directory. Each runs until its push has ended, hooks included.
fn pushes(directory: &Metadata) -> usize {
    let is_push = |process: &String| {
        let words = read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let is_receiving = words.split(|byte| *byte == 0).any(|word| word == b"receive-pack");
        // Not by its text, because a link may be in the path of the root.
        let is_it = |current: Metadata| (current.dev(), current.ino()) == (directory.dev(), directory.ino());
        is_receiving && metadata(format!("/proc/{process}/cwd")).is_ok_and(is_it)
    };
    processes().filter(is_push).count()
}

/// The processes of the login account.
fn processes() -> impl Iterator<Item = String> {
    let login = nix::unistd::geteuid().as_raw();
    let own = move |entry: &DirEntry| entry.metadata().is_ok_and(|process| process.uid() == login);
    let names = read_dir("/proc").into_iter().flatten().filter_map(Result::ok).filter(own);
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Removes the files that make git keep every object of a pack: `.keep` and `.promisor` (git-repack(1)).
fn remove_marks(place: &Path) -> Result<(), Failure> {
    let is_mark = |path: &PathBuf| path.extension().is_some_and(|end| end == "keep" || end == "promisor");
    let remove = || {
        let Some(packs) = Tree::open(place)?.within(Path::new("objects/pack"))? else { return Ok(()) };
        packs.entries(0)?.into_iter().filter(is_mark).try_for_each(|mark| packs.remove(&mark))
    };
    remove().map_err(|error| Failure::File(place.join("objects/pack").display().to_string(), error))
}
