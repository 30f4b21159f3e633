//! Quotas, for the operator.

use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::arguments::NewQuota;
use super::{Refused, Requester};
use crate::config::Config;
use crate::db::RepositoryRow;
use crate::message::{FaultKind, Status};
use crate::name::{Owner, RepoPath};
use crate::quota::Quota;
use crate::report::Report;
use crate::report::lines::Lines;
use crate::report::writing::Out;
use crate::usage::{self, Count, Counted, Error, Usage};
use crate::word::counted;

/// How many repositories are read at a time.
const PAGE: usize = 1_000;

/// Shows how much a repository stores. A new quota is set first.
pub(crate) fn of_repository(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    quota: Option<NewQuota>,
) -> Result<Report, Refused> {
    if let Some(NewQuota(quota)) = quota {
        requester.change(|_, change| Ok(change.set_repository_quota(path, quota)?))?;
    }
    let (row, own) = requester.read(|_, view| {
        let row = view.repository(path)?;
        let own = view.repository_quota(&row)?;
        Ok((row, own))
    })?;
    let config = requester.config();
    let stored = stored(config, [Counted { id: row.id, directory: row.directory }])?;
    Ok(report("path", &row.path.to_string(), stored, own.unwrap_or(config.limits.repository_quota())))
}

/// Shows how much an owner stores. A new quota is set first.
pub(crate) fn of_owner(
    requester: &mut Requester<'_>,
    owner: &Owner,
    quota: Option<NewQuota>,
) -> Result<Report, Refused> {
    if let Some(NewQuota(quota)) = quota {
        requester.change(|_, change| Ok(change.set_owner_quota(owner, quota)?))?;
    }
    let (row, repositories, own) = requester.read(|_, view| {
        let row = view.owner(owner)?;
        let repositories = view.stored_repositories_of(row.id)?;
        let own = view.owner_quota(&row)?;
        Ok((row, repositories, own))
    })?;
    let config = requester.config();
    let stored = stored(config, repositories.into_iter().map(|(id, directory)| Counted { id, directory }))?;
    Ok(report("owner", row.name.as_str(), stored, own.unwrap_or(config.limits.owner_quota())))
}

/// Measures repositories again, removed ones too. Prints each whose count was wrong, and each that sessions are writing
/// to.
pub(crate) fn check(
    requester: &Requester<'_>,
    owner: Option<&Owner>,
    json: bool,
    out: &mut dyn Out,
) -> Result<Report, Refused> {
    let only = owner.map(|owner| requester.read(|_, view| Ok(view.owner(owner)?.id))).transpose()?;
    let usage = usage(requester.config())?;
    let mut lines = Lines::new(json, out);
    let mut is_busy = false;
    let (mut last, mut flow) = (i64::MIN, ControlFlow::Continue(()));
    while flow.is_continue() {
        // Measuring may take long, so the rows are read in pages.
        let page = requester.read(|_, view| Ok(view.stored_repositories(only, last, PAGE)?))?;
        let Some(end) = page.last() else { break };
        last = end.id;
        for row in page {
            let counted = Counted { id: row.id, directory: row.directory };
            let measured = usage.recount(&counted).map_err(|error| fault(&error))?;
            is_busy |= measured.is_none();
            let (line, object) = finding(&row.path, measured);
            flow = lines.print(&line, &object);
            if flow.is_break() {
                break;
            }
        }
    }
    let printed = lines.finish("every count is right\n");
    printed.map_err(|error| Refused::Fault(FaultKind::Broken, format!("standard output: {error}")))?;
    let mut report = Report::printed(None);
    report.status = if is_busy { Status::Refused } else { Status::Done };
    Ok(report)
}

/// What a recount found: a line, which is empty if the count was right, and an object.
fn finding(path: &RepoPath, measured: Option<(Option<Count>, Count)>) -> (String, Value) {
    let Some((before, after)) = measured else {
        let line = format!("{path}: sessions are storing objects there: run this command again later\n");
        return (line, json!({ "path": path.to_string(), "busy": true }));
    };
    let count = |count: Count| json!({ "git": count.git, "lfs": count.lfs });
    let object = json!({
        "path": path.to_string(), "busy": false, "before": before.map(count), "stored": count(after),
    });
    let line = match before {
        Some(before) if before == after => String::new(),
        Some(before) => format!("{path}: {}, but {} counted\n", stores(after), bytes(before)),
        None => format!("{path}: {}, which was not counted yet\n", stores(after)),
    };
    (line, object)
}

/// Notes that a command has changed what a repository stores, so that the next session with a quota measures it.
pub(crate) fn forget(config: &Config, row: &RepositoryRow) -> Result<(), Refused> {
    usage::forget(&config.usage_file(), row.id).map_err(|error| fault(&error))
}

fn usage(config: &Config) -> Result<Usage, Refused> {
    Usage::new(&config.usage_file(), &config.paths.repositories).map_err(|error| fault(&error))
}

fn fault(error: &Error) -> Refused {
    Refused::Fault(FaultKind::Broken, error.to_string())
}

fn stored(config: &Config, repositories: impl IntoIterator<Item = Counted>) -> Result<Count, Refused> {
    let usage = usage(config)?;
    let mut sum = Count::default();
    for counted in repositories {
        let Count { git, lfs } = usage.count(&counted).map_err(|error| fault(&error))?;
        sum = Count { git: sum.git.saturating_add(git), lfs: sum.lfs.saturating_add(lfs) };
    }
    Ok(sum)
}

/// `12 bytes in git objects and 0 in LFS objects`
fn bytes(Count { git, lfs }: Count) -> String {
    format!("{} in git objects and {lfs} in LFS objects", counted(git, "byte", "bytes"))
}

fn stores(count: Count) -> String {
    format!("it stores {}", bytes(count))
}

fn report(key: &str, name: &str, stored: Count, quota: Quota) -> Report {
    let limit = match quota.bytes() {
        None => "there is no quota".to_owned(),
        Some(quota) => format!("the quota is {quota}"),
    };
    let text = format!("{name} stores {}; {limit}\n", bytes(stored));
    let json = json!({
        key: name, "used": stored.sum(), "git": stored.git, "lfs": stored.lfs, "quota": quota.bytes(),
    });
    Report::new(text, json)
}
