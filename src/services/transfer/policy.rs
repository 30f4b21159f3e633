//! The hub's policy for a session: the authorizer decides about rights, and quotas count what was stored at its start.

use std::cell::RefCell;
use std::rc::Rc;

use super::authorizer::Authorizer;
use crate::config::Config;
use crate::db::{Reader, ServedRepository};
use crate::lfs::{Ask, Fault, Policy, Refusal};
use crate::repository::Directory;
use crate::repository::large_files::stored_bytes;

/// The protocol's status for a full store.
const FULL: u16 = 507;

/// A limit of stored bytes, and the bytes in use.
#[derive(Debug)]
pub(super) struct Quota {
    whose: &'static str,
    bytes: u64,
    used: u64,
}

/// The quotas that are set, with the bytes in use. Measuring every repository of an owner is slow, so this function does
/// it only if the owner has a quota.
pub(super) fn quotas(
    config: &Config,
    reader: &Reader,
    served: &ServedRepository,
) -> Result<Vec<Quota>, crate::db::Error> {
    let limits = &config.limits;
    let used = |directory: &Directory| stored_bytes(&config.paths.repositories, directory);
    let set = reader.ask(|view| view.quotas(served.facts.id, served.facts.owner))?;
    let mut quotas = Vec::new();
    let repository = set.repository.unwrap_or(limits.lfs_repository_bytes);
    if repository > 0 {
        quotas.push(Quota { whose: "repository", bytes: repository, used: used(&served.directory) });
    }
    let owner = set.owner.unwrap_or(limits.lfs_owner_bytes);
    if owner > 0 {
        let used = reader.ask(|view| view.directories_of(served.facts.owner))?.iter().map(used).sum();
        quotas.push(Quota { whose: "owner", bytes: owner, used });
    }
    Ok(quotas)
}

/// The hub's policy. It asks the authorizer at each step.
pub(super) struct HubPolicy {
    authorizer: Rc<RefCell<Authorizer>>,
    quotas: Vec<Quota>,
    /// Whether the next question about bytes is about an object that the client sends now.
    storing: bool,
}

impl HubPolicy {
    pub(super) fn new(authorizer: Rc<RefCell<Authorizer>>, quotas: Vec<Quota>) -> Self {
        Self { authorizer, quotas, storing: false }
    }
}

impl Policy for HubPolicy {
    fn permit(&mut self, ask: Ask) -> Result<Result<(), Refusal>, Fault> {
        self.storing = ask == Ask::Put;
        self.authorizer.try_borrow_mut()?.permit()
    }

    fn admit(&mut self, bytes: u64) -> Result<(), Refusal> {
        for Quota { whose, bytes: quota, used } in &self.quotas {
            if used.saturating_add(bytes) > *quota {
                let left = quota.saturating_sub(*used);
                let sentence =
                    format!("the quota of the {whose} is full: {left} of {quota} bytes are left, {bytes} are needed");
                return Err(Refusal::new(FULL, sentence));
            }
        }
        if self.storing {
            for quota in &mut self.quotas {
                quota.used = quota.used.saturating_add(bytes);
            }
        }
        Ok(())
    }

    fn may_break_locks(&mut self) -> bool {
        self.authorizer.try_borrow_mut().is_ok_and(|mut authorizer| authorizer.may_administer())
    }
}
