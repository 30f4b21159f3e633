//! `hubgate repo gc --prune-now`: deletes the unreachable objects of one repository at once.
//!
//! git must not delete an object that a push in progress is about to refer to. The repository is therefore frozen
//! first, and pushes that were allowed before must end. A gateway that may have read the repository's row before is a
//! process that existed when it was frozen. When each such process has started git or has ended, the pushes that remain
//! are the `git receive-pack` in this directory. Their guards refuse them when they are about to move refs.

use std::collections::BTreeSet;
use std::fs::{DirEntry, read, read_dir, read_link, remove_file};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use serde_json::json;

use super::leftovers::{list, sweep_repository};
use super::seen::Seen;
use crate::commands::quota;
use crate::git::stored::StoredRepository;
use crate::name::RepoPath;
use crate::operator::context::{Context, actor};
use crate::operator::directories::check_present;
use crate::operator::failure::Failure;
use crate::process::becomes_git;
use crate::report::Report;
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
    // A reason of the operator stays.
    let is_ours = row.frozen.as_deref().is_none_or(|reason| reason == REASON);
    if is_ours {
        context.store.change(&actor(), |change| change.set_frozen(&row.path, Some(REASON)))?;
    }
    let pruned = wait_for_pushes(&place).map_err(failed).and_then(|()| {
        let mut removed = Vec::new();
        sweep_repository(&place, Duration::ZERO, &mut removed)?;
        remove_marks(&place)?;
        let stored = StoredRepository::open(&context.config, &place, row.object_format).map_err(failed)?;
        let others = stored.prune_now().and_then(|()| stored.other_refs()).map_err(failed)?;
        Ok((removed, others))
    });
    if is_ours {
        context.store.change(&actor(), |change| change.set_frozen(&row.path, None))?;
    }
    quota::forget(&context.config, &row)?;
    let (removed, others) = pruned?;
    Seen::open(&context.config).remember(&row.directory, &place);
    context.store.change(&actor(), |change| change.note_prune(&row.path))?;
    let leftovers = counted(removed.len(), "leftover", "leftovers");
    let mut text = format!("{}: packed, unreachable objects deleted, {leftovers} removed\n", row.path);
    text.extend(others.iter().map(|name| format!("the ref {name} still keeps its objects\n")));
    Ok(Report::new(text, json!([{ "path": row.path.to_string(), "removed": removed, "refs": others }])))
}

/// Waits until no push that was allowed before can change the repository.
fn wait_for_pushes(place: &Path) -> Result<(), String> {
    let start = Instant::now();
    let before = gateways();
    loop {
        let deciding =
            gateways().iter().filter(|gateway| before.contains(*gateway) || is_starting_git(gateway)).count();
        let pushes = pushes(place);
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

/// The processes that have not decided yet. A gateway that guards git has another name.
fn gateways() -> BTreeSet<String> {
    processes().filter(|process| read(format!("/proc/{process}/comm")).is_ok_and(|name| name == b"gateway\n")).collect()
}

/// The number of `git receive-pack` that run in a repository. Each runs until its push has ended, hooks included.
fn pushes(place: &Path) -> usize {
    let is_push = |process: &String| {
        let words = read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let is_receiving = words.split(|byte| *byte == 0).any(|word| word == b"receive-pack");
        is_receiving && read_link(format!("/proc/{process}/cwd")).is_ok_and(|directory| directory == place)
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
    for file in list(&place.join("objects/pack"))? {
        if file.extension().is_some_and(|extension| extension == "keep" || extension == "promisor") {
            remove_file(&file).map_err(|error| Failure::File(file.display().to_string(), error))?;
        }
    }
    Ok(())
}
