//! Locks in memory: a table, as one client sees it.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Filter, Holder, Lock, LockId, LockPath, Locking, Locks};
use crate::lfs::Fault;

/// The most locks of a repository; 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Of all holders together.
    pub of_repository: u32,
    /// Of one holder.
    pub of_holder: u32,
}

/// A limit of locks is reached. Worded for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooManyLocks {
    /// The repository's.
    #[error(
        "this repository has {0} locks, and no more are accepted: ask its users to unlock files that they do not change"
    )]
    OfRepository(u32),
    /// The holder's.
    #[error("you hold {0} locks in this repository, and no more are accepted: unlock files that you do not change")]
    OfHolder(u32),
}

impl Limits {
    /// The limit that one more lock would exceed.
    fn exceeded(self, all: usize, of_holder: impl FnOnce() -> usize) -> Option<TooManyLocks> {
        let reached = |count: usize, most: u32| most > 0 && u32::try_from(count).unwrap_or(u32::MAX) >= most;
        if reached(all, self.of_repository) {
            return Some(TooManyLocks::OfRepository(self.of_repository));
        }
        (self.of_holder > 0 && reached(of_holder(), self.of_holder)).then_some(TooManyLocks::OfHolder(self.of_holder))
    }
}

/// The locks of a repository. The table does not know which client asks, so `ours` is not set here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The greatest number of a lock.
    pub(super) last: u64,
    /// In the order of their numbers.
    pub(super) locks: Vec<Lock>,
}

impl Table {
    pub(super) fn lock(
        &mut self,
        holder: &Holder,
        path: &LockPath,
        now: i64,
        limits: Limits,
    ) -> Result<Locking, Fault> {
        if let Some(held) = self.locks.iter().find(|lock| lock.path == *path) {
            return Ok(Locking::Held(seen(held, holder)));
        }
        if let Some(full) =
            limits.exceeded(self.locks.len(), || self.locks.iter().filter(|lock| holder.has(lock)).count())
        {
            return Ok(Locking::Full(full));
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
        self.table.try_borrow_mut()?.lock(&self.holder, path, now, Limits::default())
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
