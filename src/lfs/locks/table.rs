//! Locks in memory: a table, as one client sees it.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Filter, Holder, Lock, LockId, LockPath, Locking, Locks};
use crate::lfs::Fault;

/// The locks of a repository. The table does not know which client asks, so `ours` is not set here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The greatest number of a lock.
    pub(super) last: u64,
    /// In the order of their numbers.
    pub(super) locks: Vec<Lock>,
}

impl Table {
    pub(super) fn lock(&mut self, holder: &Holder, path: &LockPath, now: i64) -> Result<Locking, Fault> {
        if let Some(held) = self.locks.iter().find(|lock| lock.path == *path) {
            return Ok(Locking::Held(seen(held, holder)));
        }
        self.last += 1;
        let (id, path, place) = (LockId::random()?, path.clone(), self.last);
        let Holder { id: holder, name: owner } = holder.clone();
        let lock = Lock { id, path, locked_at: now, owner, holder, ours: true, place };
        self.locks.push(lock.clone());
        Ok(Locking::Locked(lock))
    }

    pub(super) fn find(&self, holder: &Holder, id: &LockId) -> Option<Lock> {
        self.locks.iter().find(|lock| lock.id == *id).map(|lock| seen(lock, holder))
    }

    pub(super) fn unlock(&mut self, holder: &Holder, id: &LockId) -> Option<Lock> {
        let found = self.locks.iter().position(|lock| lock.id == *id)?;
        Some(seen(&self.locks.remove(found), holder))
    }

    pub(super) fn list(&self, holder: &Holder, filter: &Filter, after: u64, limit: usize) -> Vec<Lock> {
        let is_meant = |lock: &&Lock| {
            lock.place > after
                && filter.path.as_ref().is_none_or(|path| lock.path == *path)
                && filter.id.as_ref().is_none_or(|id| lock.id == *id)
        };
        self.locks.iter().filter(is_meant).take(limit).map(|lock| seen(lock, holder)).collect()
    }
}

fn seen(lock: &Lock, by: &Holder) -> Lock {
    Lock { ours: by.has(lock), ..lock.clone() }
}

/// Locks in memory, whose holders are known by name alone. Clones for other clients share the locks.
#[derive(Debug, Clone)]
pub struct MemoryLocks {
    holder: Holder,
    table: Rc<RefCell<Table>>,
}

impl MemoryLocks {
    /// An empty table, as the client `owner` sees it.
    #[must_use]
    pub fn new(owner: &str) -> Self {
        Self { holder: Holder::named(owner), table: Rc::default() }
    }

    /// The same locks, as another client sees them.
    #[must_use]
    pub fn seen_by(&self, owner: &str) -> Self {
        Self { holder: Holder::named(owner), table: Rc::clone(&self.table) }
    }

    /// A copy of these locks.
    #[cfg(test)]
    pub(in super::super) fn apart(&self) -> Self {
        Self { holder: self.holder.clone(), table: Rc::new(RefCell::new(self.table.borrow().clone())) }
    }
}

impl Locks for MemoryLocks {
    fn lock(&mut self, path: &LockPath, _: Option<&str>, now: i64) -> Result<Locking, Fault> {
        self.table.try_borrow_mut()?.lock(&self.holder, path, now)
    }

    fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        Ok(self.table.try_borrow()?.find(&self.holder, id))
    }

    fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
        Ok(self.table.try_borrow_mut()?.unlock(&self.holder, id))
    }

    fn list(&mut self, filter: &Filter, after: u64, limit: usize) -> Result<Vec<Lock>, Fault> {
        Ok(self.table.try_borrow()?.list(&self.holder, filter, after, limit))
    }
}
