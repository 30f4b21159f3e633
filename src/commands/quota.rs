//! Quotas, for the operator.

use serde_json::{Value, json};

use super::arguments::NewQuota;
use super::{Refused, Requester};
use crate::config::Config;
use crate::db::{RepositoryRow, all};
use crate::message::{FaultKind, Status};
use crate::name::{Owner, RepoPath};
use crate::quota::Quota;
use crate::report::Report;
use crate::usage::{self, Count, Counted, Error, Usage};
use crate::word::counted;

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

/// Measures repositories again. Reports each whose count was wrong, and each that sessions are writing to.
pub(crate) fn check(requester: &Requester<'_>, owner: Option<&Owner>) -> Result<Report, Refused> {
    let rows = requester.read(|_, view| {
        let only = owner.map(|owner| view.owner(owner)).transpose()?;
        let removed = all(|each| view.removed_repositories(None, each))?.into_iter().map(|removed| removed.row);
        let removed = removed.filter(|row| only.as_ref().is_none_or(|only| only.name == row.path.owner));
        let rows = all(|each| match &only {
            Some(owner) => view.repositories_of(owner.id, None, each),
            None => view.repositories(None, each),
        });
        Ok(rows?.into_iter().chain(removed).collect::<Vec<_>>())
    })?;
    let usage = usage(requester.config())?;
    let (mut text, mut json) = (String::new(), Vec::new());
    let mut is_busy = false;
    for row in &rows {
        let counted = Counted { id: row.id, directory: row.directory.clone() };
        let line = match usage.recount(&counted).map_err(|error| fault(&error))? {
            None => {
                is_busy = true;
                json.push(json!({ "path": row.path.to_string(), "busy": true }));
                format!("{}: sessions are storing objects there: run this command again later\n", row.path)
            }
            Some((before, after)) => {
                let count = |count: Count| json!({ "git": count.git, "lfs": count.lfs });
                json.push(json!({
                    "path": row.path.to_string(), "busy": false, "before": before.map(count), "stored": count(after),
                }));
                match before {
                    Some(before) if before == after => continue,
                    Some(before) => format!("{}: {}, but {} counted\n", row.path, stores(after), bytes(before)),
                    None => format!("{}: {}, which was not counted yet\n", row.path, stores(after)),
                }
            }
        };
        text += &line;
    }
    if text.is_empty() {
        "every count is right\n".clone_into(&mut text);
    }
    let mut report = Report::new(text, Value::Array(json));
    report.status = if is_busy { Status::Refused } else { Status::Done };
    Ok(report)
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
