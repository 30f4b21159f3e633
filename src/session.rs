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

use crate::access::{Access, Decision, Denial, Identity, decide};
use crate::db::ServedRepository;
use crate::message::Refusal;

pub(crate) use context::SessionContext;
pub(crate) use handover::{Handover, Work};
pub(crate) use record::{End, Record};
pub(crate) use watch::Watch;

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
