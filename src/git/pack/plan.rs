//! Which objects of a pack are inflated, and in which order: an object that others are made from before these, so that
//! none is made twice.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::inflate::Inflater;
use super::{BadPack, Object, Pack, delta};

/// How many objects a thread takes at once.
const SHARE: usize = 64;
/// The most bytes of objects that a thread keeps because others are made from them. What is made from further ones is
/// made from the beginning.
const KEPT: u64 = 96 << 20;

/// The most pieces of memory that a thread keeps to use them again, and the most bytes of each.
const SPARE: usize = 64;
const SPARE_BYTES: usize = 256 << 10;

/// What is read.
pub(super) struct Plan<'a> {
    /// How many of the first bytes of each object are wanted.
    wanted: &'a [u64],
    /// The objects that are whole in the pack and that are needed.
    roots: Vec<u32>,
    /// The first object that is made from each and is needed, and the next one that is made from the same.
    first: Vec<Option<u32>>,
    next: Vec<Option<u32>>,
    /// How many of the roots the threads have taken.
    taken: AtomicUsize,
    until: Instant,
}

impl<'a> Plan<'a> {
    pub(super) fn of(pack: &Pack, wanted: &'a [u64], until: Instant) -> Self {
        let count = pack.entries.len();
        let mut is_needed = vec![false; count];
        for number in (0..count).filter(|number| wanted.get(*number).is_some_and(|bytes| *bytes > 0)) {
            let mut at = Some(number);
            while let Some(is_needed) = at.and_then(|at| is_needed.get_mut(at)).filter(|is_needed| !**is_needed) {
                *is_needed = true;
                at = at.and_then(|at| pack.entries.get(at)).and_then(|entry| entry.base).map(|base| base as usize);
            }
        }
        let (mut first, mut next, mut roots) = (vec![None; count], vec![None; count], Vec::new());
        // From behind, so that the first one is the first in the pack.
        for number in (0..count).rev().filter(|number| is_needed.get(*number) == Some(&true)) {
            // An index counts its objects with 32 bits.
            let Ok(named) = u32::try_from(number) else { continue };
            match pack.entries.get(number).and_then(|entry| entry.base) {
                Some(base) => {
                    let before = first.get_mut(base as usize).and_then(|first| first.replace(named));
                    if let Some(next) = next.get_mut(number) {
                        *next = before;
                    }
                }
                None => roots.push(named),
            }
        }
        roots.reverse();
        Self { wanted, roots, first, next, taken: AtomicUsize::new(0), until }
    }

    fn wanted(&self, number: u32) -> u64 {
        self.wanted.get(number as usize).copied().unwrap_or_default()
    }

    fn first(&self, number: u32) -> Option<u32> {
        self.first.get(number as usize).copied().flatten()
    }

    fn next(&self, number: u32) -> Option<u32> {
        self.next.get(number as usize).copied().flatten()
    }
}

impl Pack {
    /// Reads objects in several threads. `wanted` says of each object how many of its first bytes are wanted; 0 leaves
    /// it out. Calls `each` with the state of its thread, which `state` makes, with the object's number and with these
    /// bytes. Returns the states.
    ///
    /// # Errors
    /// [`BadPack`], or that of `state` or `each`.
    pub fn read<S: Send, E: From<BadPack> + Send>(
        &self,
        wanted: &[u64],
        until: Instant,
        state: impl Fn() -> Result<S, E> + Sync,
        each: impl Fn(&mut S, usize, Object, &[u8]) -> Result<(), E> + Sync,
    ) -> Result<Vec<S>, E> {
        let plan = Plan::of(self, wanted, until);
        let read = || {
            let mut state = state()?;
            Walk::new(self, &plan, KEPT).all(&mut |number, object, bytes| each(&mut state, number, object, bytes))?;
            Ok(state)
        };
        match Self::threads(plan.roots.len()) {
            _ if plan.roots.is_empty() => Ok(Vec::new()),
            1 => read().map(|state| vec![state]),
            threads => std::thread::scope(|scope| {
                let started: Vec<_> = (0..threads).map(|_| scope.spawn(read)).collect();
                let ended =
                    started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(BadPack::Format.into())));
                ended.collect()
            }),
        }
    }
}

/// One thread.
pub(super) struct Walk<'a> {
    pack: &'a Pack,
    plan: &'a Plan<'a>,
    /// The most bytes that it keeps because others are made from them.
    most: u64,
    inflater: Inflater<'a>,
    /// Memory to use again.
    spare: Vec<Vec<u8>>,
}

/// An object from which others are made.
struct Level {
    bytes: Vec<u8>,
    /// The next object that is made from it.
    next: Option<u32>,
}

/// What is done with the bytes of an object.
pub(super) type Each<'e, E> = dyn FnMut(usize, Object, &[u8]) -> Result<(), E> + 'e;

impl<'a> Walk<'a> {
    pub(super) fn new(pack: &'a Pack, plan: &'a Plan<'a>, most: u64) -> Self {
        Self { pack, plan, most, inflater: Inflater::of(&pack.file), spare: Vec::new() }
    }

    pub(super) fn all<E: From<BadPack>>(&mut self, each: &mut Each<'_, E>) -> Result<(), E> {
        loop {
            let begin = self.plan.taken.fetch_add(SHARE, Ordering::Relaxed);
            let Some(rest) = self.plan.roots.get(begin..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            for root in rest.iter().take(SHARE) {
                self.root(*root, each)?;
            }
        }
    }

    /// Reads an object that is whole in the pack, and all that are made from it.
    fn root<E: From<BadPack>>(&mut self, root: u32, each: &mut Each<'_, E>) -> Result<(), E> {
        self.check_time()?;
        let first = self.plan.first(root);
        let object = self.object(root)?;
        let mut bytes = self.spare.pop().unwrap_or_default();
        let wanted = if first.is_some() { object.size } else { self.plan.wanted(root) };
        self.inflate(root, object.size, wanted, &mut bytes)?;
        self.give(root, object, &bytes, each)?;
        let mut kept = bytes.len() as u64;
        let mut levels = vec![Level { bytes, next: first }];
        while let Some(level) = levels.last_mut() {
            let Some(number) = level.next else {
                kept -= level.bytes.len() as u64;
                if let Some(level) = levels.pop() {
                    self.keep(level.bytes);
                }
                continue;
            };
            level.next = self.plan.next(number);
            self.check_time()?;
            let mut made = self.spare.pop().unwrap_or_default();
            self.make(number, &level.bytes, &mut made)?;
            let object = self.object(number)?;
            self.give(number, object, &made, each)?;
            let next = self.plan.first(number);
            if next.is_none() {
                self.keep(made);
            } else if kept + made.len() as u64 <= self.most {
                kept += made.len() as u64;
                levels.push(Level { bytes: made, next });
            } else {
                drop(made);
                self.again(number, each)?;
            }
        }
        Ok(())
    }

    /// Reads what is made from an object that is too large to keep: each by itself, from the object that is whole.
    fn again<E: From<BadPack>>(&mut self, above: u32, each: &mut Each<'_, E>) -> Result<(), E> {
        let mut left: Vec<u32> = self.plan.first(above).into_iter().collect();
        while let Some(number) = left.pop() {
            left.extend(self.plan.next(number));
            left.extend(self.plan.first(number));
            if self.plan.wanted(number) == 0 {
                continue;
            }
            let base = |number: u32| self.pack.entries.get(number as usize).and_then(|entry| entry.base);
            let mut chain: Vec<u32> = std::iter::successors(Some(number), |number| base(*number)).collect();
            let root = chain.pop().ok_or(BadPack::Format)?;
            let (mut bytes, mut made) = (Vec::new(), Vec::new());
            let size = self.object(root)?.size;
            self.inflate(root, size, size, &mut bytes)?;
            for number in chain.into_iter().rev() {
                self.check_time()?;
                self.make(number, &bytes, &mut made)?;
                std::mem::swap(&mut bytes, &mut made);
            }
            self.give(number, self.object(number)?, &bytes, each)?;
        }
        Ok(())
    }

    /// Keeps memory to use it again, if it is not much.
    fn keep(&mut self, bytes: Vec<u8>) {
        if self.spare.len() < SPARE && bytes.capacity() <= SPARE_BYTES {
            self.spare.push(bytes);
        }
    }

    fn check_time(&self) -> Result<(), BadPack> {
        if Instant::now() < self.plan.until { Ok(()) } else { Err(BadPack::Late) }
    }

    fn object(&self, number: u32) -> Result<Object, BadPack> {
        self.pack.entries.get(number as usize).map(|entry| entry.object).ok_or(BadPack::Format)
    }

    fn give<E>(&self, number: u32, object: Object, bytes: &[u8], each: &mut Each<'_, E>) -> Result<(), E> {
        let wanted = usize::try_from(self.plan.wanted(number)).unwrap_or(usize::MAX);
        if wanted == 0 {
            return Ok(());
        }
        each(number as usize, object, bytes.get(..wanted).unwrap_or(bytes))
    }

    /// Inflates what is compressed in an entry.
    fn inflate(&mut self, number: u32, size: u64, wanted: u64, bytes: &mut Vec<u8>) -> Result<(), BadPack> {
        let data = self.pack.data(number as usize).ok_or(BadPack::Format)?;
        self.inflater.inflate(data, size, wanted, bytes)
    }

    /// Makes an object from its base.
    fn make(&mut self, number: u32, base: &[u8], made: &mut Vec<u8>) -> Result<(), BadPack> {
        let entry = *self.pack.entries.get(number as usize).ok_or(BadPack::Format)?;
        let mut change = self.spare.pop().unwrap_or_default();
        self.inflate(number, entry.inflated, entry.inflated, &mut change)?;
        let outcome = delta::apply(base, &change, entry.object.size, made);
        self.keep(change);
        outcome.ok_or(BadPack::Format)
    }
}
