//! The holder of a lock. A holder's name may change, and another account may get the old name. The holder's id does not
//! change.

use super::Lock;
use crate::access::HolderId;

/// The holder of a session's locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The id; `None` if only the name is known.
    pub id: Option<HolderId>,
    /// The name that clients read: one word.
    pub name: String,
}

impl Holder {
    /// A holder that is known by name alone.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { id: None, name: name.to_owned() }
    }

    /// Whether this holder has a lock. The name decides if the lock was written without an id.
    pub(super) fn has(&self, lock: &Lock) -> bool {
        match lock.holder {
            Some(holder) => self.id == Some(holder),
            None => self.name == lock.owner,
        }
    }
}
