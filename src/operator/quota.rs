//! `hubgate repo quota`, `hubgate owner quota`: how much of large files may be stored.

use serde_json::{Value, json};

use super::cli::Quota;
use super::context::{Context, actor};
use super::failure::Failure;
use crate::name::{Owner, RepoPath};
use crate::report::Report;
use crate::repository::Directory;
use crate::repository::large_files::stored_bytes;

/// `hubgate repo quota`
pub(super) fn repository_quota(path: &RepoPath, quota: Option<Quota>, mut context: Context) -> Result<Report, Failure> {
    if let Some(Quota(quota)) = quota {
        context.store.change(&actor(), |change| change.set_repository_quota(path, quota))?;
    }
    let row = context.store.view().repository(path)?;
    let own = context.store.view().repository_quota(&row)?;
    let limit = context.config.limits.lfs_repository_bytes;
    Ok(quota_report("path", &row.path.to_string(), used(&context, &row.directory), own.unwrap_or(limit)))
}

/// `hubgate owner quota`
pub(super) fn owner_quota(owner: &Owner, quota: Option<Quota>, mut context: Context) -> Result<Report, Failure> {
    if let Some(Quota(quota)) = quota {
        context.store.change(&actor(), |change| change.set_owner_quota(owner, quota))?;
    }
    let row = context.store.view().owner(owner)?;
    let stored = context.store.view().repositories(Some(&row))?.iter().map(|row| used(&context, &row.directory)).sum();
    let own = context.store.view().owner_quota(&row)?;
    let limit = context.config.limits.lfs_owner_bytes;
    Ok(quota_report("owner", row.name.as_str(), stored, own.unwrap_or(limit)))
}

fn quota_report(key: &str, name: &str, used: u64, quota: u64) -> Report {
    let (text, quota) = match quota {
        0 => (format!("{name} stores {used} bytes in large files; there is no quota\n"), Value::Null),
        quota => (format!("{name} stores {used} bytes in large files, of {quota}\n"), quota.into()),
    };
    Report::new(text, json!({ key: name, "used": used, "quota": quota }))
}

fn used(context: &Context, directory: &Directory) -> u64 {
    stored_bytes(&context.config.paths.repositories, directory)
}
