//! The hub's policy for a session: the authorizer decides about rights and quotas.

use std::cell::RefCell;
use std::rc::Rc;

use super::authorizer::Authorizer;
use crate::lfs::{Ask, Fault, Policy, Refusal, Stored};

/// The hub's policy. It asks the authorizer at each step.
pub(super) struct HubPolicy {
    authorizer: Rc<RefCell<Authorizer>>,
    /// Whether a quota is set, so that what the session stores is counted.
    is_counted: bool,
}

impl HubPolicy {
    pub(super) fn new(authorizer: Rc<RefCell<Authorizer>>) -> Self {
        Self { authorizer, is_counted: false }
    }
}

impl Policy for HubPolicy {
    fn permit(&mut self, _: Ask) -> Result<Result<(), Refusal>, Fault> {
        let permitted = self.authorizer.try_borrow_mut()?.permit()?;
        Ok(permitted.map(|is_counted| self.is_counted = is_counted))
    }

    fn admit(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        if self.is_counted { self.authorizer.try_borrow_mut()?.admit(bytes) } else { Ok(Ok(())) }
    }

    fn reserve(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        if self.is_counted { self.authorizer.try_borrow_mut()?.reserve(bytes) } else { Ok(Ok(())) }
    }

    fn settle(&mut self, stored: Stored) -> Result<(), Fault> {
        // The authorizer also notes bytes that no quota counts.
        self.authorizer.try_borrow_mut()?.settle(stored)
    }

    fn may_break_locks(&mut self) -> bool {
        self.authorizer.try_borrow_mut().is_ok_and(|mut authorizer| authorizer.may_administer())
    }
}
