//! The identity of a session and its access to a repository. The gateway decides first, and `services` decides again.
//!
//! The forced command and sshd's account of the proven key enter. A `SessionContext` leaves, and the policy's denial as
//! a refusal for the client.

mod context;
mod handover;
pub(crate) mod quota;
mod record;
pub(crate) mod rules;
pub(crate) mod user_auth;
mod watch;

use crate::access::{Access, Decision, Denial, Identity, RepositoryFacts, decide, depends_on_proposals};
use crate::config::Config;
use crate::db::{Error, ServedRepository, View};
use crate::message::Refusal;

pub(crate) use context::SessionContext;
pub(crate) use handover::{Handover, Opened, Work};
pub(crate) use record::{End, Record};
pub(crate) use watch::Watch;

/// Completes the facts that decide about a push: whether the repository accepts proposals, if that matters for this
/// identity. For an identity that may not fetch, nothing is asked.
pub(crate) fn ask_about_proposals(
    view: &View<'_>,
    config: &Config,
    identity: &Identity,
    facts: &mut RepositoryFacts,
    now: i64,
) -> Result<(), Error> {
    if depends_on_proposals(identity, facts, now) {
        facts.accepts_proposals = accepts_proposals(view, config, facts.id)?;
    }
    Ok(())
}

/// Whether a repository, given by its row, accepts proposals.
pub(crate) fn accepts_proposals(view: &View<'_>, config: &Config, repository: i64) -> Result<bool, Error> {
    Ok(view.accepts_proposals(repository)?.unwrap_or(config.access.proposals))
}

/// The repository, or the policy's denial as a refusal.
pub(crate) fn admit<'a>(
    identity: &Identity,
    repository: Option<&'a ServedRepository>,
    needed: Access,
    now: i64,
) -> Result<&'a ServedRepository, Refusal> {
    let decision = decide(identity, repository.map(|repository| &repository.facts), needed, now);
    match (decision, repository) {
        (Decision::Allow(_), Some(repository)) => Ok(repository),
        (Decision::Allow(_) | Decision::Deny(_), None) | (Decision::Deny(Denial::NoRepository), Some(_)) => {
            Err(Refusal::NoRepository)
        }
        (Decision::Deny(Denial::ReadOnly), Some(repository)) => Err(Refusal::ReadOnly(repository.path.clone())),
        (Decision::Deny(Denial::Gated(request)), Some(repository)) => {
            Err(Refusal::Gated(repository.path.clone(), request))
        }
        (Decision::Deny(Denial::Frozen), Some(repository)) => {
            let reason = repository.facts.frozen.clone().unwrap_or_default();
            Err(Refusal::Frozen(repository.path.clone(), reason))
        }
    }
}
