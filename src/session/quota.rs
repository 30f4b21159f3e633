//! What a session stores, and the quotas that apply. Only processes outside the sandbox ask.

use crate::config::Config;
use crate::db::{Reader, ServedRepository};
use crate::quota::Quotas;
use crate::usage::{self, Counted, Demand, Usage};

/// Why a session may not store anything now, although a quota may have room. For the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Database(#[from] crate::db::Error),
    #[error(transparent)]
    Usage(#[from] usage::Error),
    #[error(
        "the database holds a quota that hubgate does not write: set it again with hubgate repo quota and owner quota"
    )]
    Quota,
}

/// The sentence for a client whose bytes cannot be counted.
pub(crate) fn uncounted(reference: &str) -> String {
    format!("a quota is set, and what is stored cannot be counted now: tell the operator (reference {reference})")
}

/// The quotas that apply to a repository.
pub(crate) fn quotas(config: &Config, served: &ServedRepository) -> Result<Quotas, Fault> {
    let set = served.quotas.ok_or(Fault::Quota)?;
    Ok(Quotas {
        repository: set.repository.unwrap_or(config.limits.repository_quota()),
        owner: set.owner.unwrap_or(config.limits.owner_quota()),
    })
}

/// The counts of all repositories.
pub(crate) fn usage(config: &Config) -> Result<Usage, usage::Error> {
    Usage::new(&config.usage_file(), &config.paths.repositories)
}

/// What a session demands that stores objects in this repository.
pub(crate) fn demand(config: &Config, reader: &Reader, served: &ServedRepository) -> Result<Demand, Fault> {
    let quotas = quotas(config, served)?;
    let owner = served.facts.owner;
    let siblings = match quotas.owner.bytes() {
        None => Vec::new(),
        Some(_) => reader.ask(|view| view.stored_repositories_of(owner))?,
    };
    let siblings = siblings.into_iter().map(|(id, directory)| Counted { id, directory }).collect();
    let repository = Counted { id: served.facts.id, directory: served.directory.clone() };
    Ok(Demand { repository, owner, siblings, quotas })
}
