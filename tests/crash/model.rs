//! The writer's changes, and so the possible answers at any time.

use std::cell::Cell;

use hubgate::key::{KeyType, PublicKey};
use hubgate::name::Owner;

/// The number of accounts, `u0` and so on.
pub(crate) const USERS: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Adds a key to its account.
    Add(u64),
    /// Removes the key.
    Remove(u64),
}

/// The change that the writer makes after `done` others: every fourth one removes the key of two changes before.
pub(crate) fn step(done: u64) -> Step {
    if done % 4 == 3 { Step::Remove(done - 2) } else { Step::Add(done) }
}

/// The account of a key.
pub(crate) fn owner(key: u64) -> Owner {
    format!("u{}", key % USERS).parse().expect("a name")
}

/// The account that has a key after `done` changes.
pub(crate) fn answer(key: u64, done: u64) -> Option<Owner> {
    let added = key % 4 != 3 && key < done;
    let removed = key % 4 == 1 && key + 2 < done;
    (added && !removed).then(|| owner(key))
}

/// Whether a reader may get this answer after `done` changes or a few more.
pub(crate) fn is_possible(heard: Option<&Owner>, key: u64, done: u64) -> bool {
    // A key has at most three states; it enters them at these numbers of changes.
    [done, done.max(key + 1), done.max(key + 3)].iter().any(|done| answer(key, *done).as_ref() == heard)
}

/// The key with this number: an arbitrary but sound point.
pub(crate) fn key(number: u64) -> PublicKey {
    let random = Random::new(number ^ 0x6875_6267_6174_6500);
    let mut blob = Vec::from(*b"\0\0\0\x0bssh-ed25519\0\0\0\x20");
    blob.extend((0..4).flat_map(|_| random.next().to_be_bytes()));
    PublicKey::from_blob(KeyType::Ed25519, blob).expect("a sound key")
}

/// Random numbers, equal for equal seeds (splitmix64).
#[derive(Debug)]
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(seed))
    }

    /// Seeded by `SEED`, otherwise by the clock. Prints the seed, so that a failure can be repeated.
    pub(crate) fn seeded(who: &str) -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| u64::from(hubgate_clock()));
        eprintln!("{who}: SEED={seed}");
        Self::new(seed)
    }

    pub(crate) fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// A key to look up after about `done` changes: old, recent, being added, or never added.
    pub(crate) fn key(&self, done: u64) -> u64 {
        match self.below(4) {
            0 => self.below(done + 4),
            1 => self.below(done + 4) / 4 * 4 + 3,
            _ => done.saturating_sub(8) + self.below(12),
        }
    }
}

/// A number that differs in almost every run.
fn hubgate_clock() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    since.subsec_nanos() ^ std::process::id()
}
