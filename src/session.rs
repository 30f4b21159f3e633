//! Who a session is and what it may do: shared by the gateway, which decides first, and `services`, which asks again.
//!
//! What sshd says was proven and the words of the forced command enter; what leaves is a `SessionContext`, and the
//! policy's verdict as a refusal in the peer's words.

mod context;
pub(crate) mod user_auth;

use crate::access::{Access, Decision, Denial, Identity, decide};
use crate::db::ServedRepository;
use crate::message::Refusal;
use crate::word::words;

pub(crate) use context::SessionContext;

/// The environment variable by which `services` learns the session's id in the log.
pub const SID: &str = "HUBGATE_SID";

words! {
    /// What the gateway asks `services` for, by its first word.
    pub enum Work {
        /// A command of an account.
        Account = "account",
        /// `git-lfs-authenticate`.
        Authenticate = "lfs-authenticate",
        /// `git-lfs-transfer`.
        Transfer = "lfs-transfer",
    }
}

/// The repository, or the refusal that the policy's denial comes to.
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
