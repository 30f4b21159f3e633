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

/// What a session demands that stores objects in the repository of that row; `None` if no quota limits it.
pub(crate) fn demand(config: &Config, reader: &Reader, row: i64) -> Result<Option<Demand>, Fault> {
    let (directory, owner, set) = reader.ask(|view| view.storage(row))?.ok_or(Fault::Row)?;
    let quotas = Quotas {
        repository: set.repository.unwrap_or(config.limits.repository_quota()),
        owner: set.owner.unwrap_or(config.limits.owner_quota()),
    };
    let siblings = match quotas.owner {
        Quota::Unlimited if quotas.repository == Quota::Unlimited => return Ok(None),
        Quota::Unlimited => Vec::new(),
        Quota::Bytes(_) => reader.ask(|view| view.stored_repositories_of(owner))?,
    };
    let siblings = siblings.into_iter().map(|(id, directory)| Counted { id, directory }).collect();
    Ok(Some(Demand { repository: Counted { id: row, directory }, owner, siblings, quotas }))
}
