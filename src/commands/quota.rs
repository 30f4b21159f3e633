//! Quotas of large files, for the operator.

use serde_json::{Value, json};

use super::arguments::Quota;
use super::{Refused, Requester};
use crate::db::RepositoryRow;
use crate::name::{Owner, RepoPath};
use crate::report::Report;
use crate::repository::large_files::stored_bytes;

/// Shows how much a repository stores. A new quota is set first.
pub(crate) fn of_repository(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    quota: Option<Quota>,
) -> Result<Report, Refused> {
    if let Some(Quota(quota)) = quota {
        requester.change(|_, change| Ok(change.set_repository_quota(path, quota)?))?;
    }
    let (row, own) = requester.read(|_, view| {
        let row = view.repository(path)?;
        let own = view.repository_quota(&row)?;
        Ok((row, own))
    })?;
    let quota = own.unwrap_or(requester.config().limits.lfs_repository_bytes);
    Ok(report("path", &row.path.to_string(), stored(requester, std::slice::from_ref(&row)), quota))
}

/// Shows how much an owner stores. A new quota is set first.
pub(crate) fn of_owner(requester: &mut Requester<'_>, owner: &Owner, quota: Option<Quota>) -> Result<Report, Refused> {
    if let Some(Quota(quota)) = quota {
        requester.change(|_, change| Ok(change.set_owner_quota(owner, quota)?))?;
    }
    let (row, repositories, own) = requester.read(|_, view| {
        let row = view.owner(owner)?;
        let repositories = view.repositories(Some(&row))?;
        let own = view.owner_quota(&row)?;
        Ok((row, repositories, own))
    })?;
    let quota = own.unwrap_or(requester.config().limits.lfs_owner_bytes);
    Ok(report("owner", row.name.as_str(), stored(requester, &repositories), quota))
}

fn stored(requester: &Requester<'_>, repositories: &[RepositoryRow]) -> u64 {
    let root = &requester.config().paths.repositories;
    repositories.iter().map(|row| stored_bytes(root, &row.directory)).sum()
}

fn report(key: &str, name: &str, used: u64, quota: u64) -> Report {
    let (text, quota) = match quota {
        0 => (format!("{name} stores {used} bytes in large files; there is no quota\n"), Value::Null),
        quota => (format!("{name} stores {used} bytes in large files, of {quota}\n"), quota.into()),
    };
    Report::new(text, json!({ key: name, "used": used, "quota": quota }))
}
