//! What a session stores, and the quotas that apply. Only processes outside the sandbox ask.

use crate::config::Config;
use crate::db::{self, Reader};
use crate::quota::{Quota, Quotas};
use crate::usage::{self, Counted, Demand, Usage};

/// Why a session may not store anything now, although a quota may have room. For the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error(transparent)]
    Usage(#[from] usage::Error),
    #[error("the repository of the session has no row")]
    Row,
}

/// The sentence for a client whose bytes cannot be counted.
pub(crate) fn uncounted(reference: &str) -> String {
    format!("a quota is set, and what is stored cannot be counted now: tell the operator (reference {reference})")
}

/// The counts of all repositories.
pub(crate) fn usage(config: &Config) -> Result<Usage, usage::Error> {
    Usage::new(&config.usage_file(), &config.paths.repositories)
}

/// Whether a quota limits what a session stores in the repository of that row.
pub(crate) fn is_set(config: &Config, reader: &Reader, row: i64) -> Result<bool, Fault> {
    storage(config, reader, row).map(|(.., quotas)| quotas.limit_anything())
}

/// What a session demands that stores objects in the repository of that row.
pub(crate) fn demand(config: &Config, reader: &Reader, row: i64) -> Result<Demand, Fault> {
    let (repository, owner, quotas) = storage(config, reader, row)?;
    let siblings = match quotas.owner {
        Quota::Unlimited => Vec::new(),
        Quota::Bytes(_) => reader.ask(|view| view.stored_repositories_of(owner))?,
    };
    let siblings = siblings.into_iter().map(|(id, directory)| Counted { id, directory }).collect();
    Ok(Demand { repository, owner, siblings, quotas })
}

/// A repository, the row of its owner, and the quotas that apply.
fn storage(config: &Config, reader: &Reader, row: i64) -> Result<(Counted, i64, Quotas), Fault> {
    let (directory, owner, set) = reader.ask(|view| view.storage(row))?.ok_or(Fault::Row)?;
    let quotas = Quotas {
        repository: set.repository.unwrap_or(config.limits.repository_quota()),
        owner: set.owner.unwrap_or(config.limits.owner_quota()),
    };
    Ok((Counted { id: row, directory }, owner, quotas))
}
