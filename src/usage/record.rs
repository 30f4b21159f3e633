//! The record of a repository in the file. No I/O.

/// The length of a record in the file.
pub(super) const LENGTH: usize = 64;

/// What the bytes of a repository are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// git objects.
    Git,
    /// LFS objects.
    Lfs,
}

/// The bytes that a repository stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// In git objects.
    pub git: u64,
    /// In LFS objects.
    pub lfs: u64,
}

impl Count {
    /// All bytes.
    #[must_use]
    pub fn sum(self) -> u64 {
        self.git.saturating_add(self.lfs)
    }
}

/// The bytes of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bytes {
    stored: u64,
    reserved: u64,
}

/// What is known about the bytes of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The directory and the boot for which it is valid. 0 if it was never written.
    pub(super) tag: u128,
    git: Bytes,
    lfs: Bytes,
    /// How often bytes changed uncounted.
    pub(super) uncounted: u64,
    /// What that number was when the repository was measured.
    measured_at: u64,
}

impl Record {
    /// A record of a repository that was measured after so many uncounted changes. There may be more of them now.
    pub(super) fn of(tag: u128, count: Count, measured_at: u64, uncounted: u64) -> Self {
        let [git, lfs] = [count.git, count.lfs].map(|stored| Bytes { stored, reserved: 0 });
        Self { tag, git, lfs, uncounted, measured_at }
    }

    pub(super) fn from_bytes(bytes: &[u8; LENGTH]) -> Self {
        let mut numbers = [0; 8];
        let words = bytes.chunks_exact(8).filter_map(<[u8]>::first_chunk).copied().map(u64::from_le_bytes);
        numbers.iter_mut().zip(words).for_each(|(number, word)| *number = word);
        let [low, high, git, git_reserved, lfs, lfs_reserved, uncounted, measured_at] = numbers;
        Self {
            tag: u128::from(high) << 64 | u128::from(low),
            git: Bytes { stored: git, reserved: git_reserved },
            lfs: Bytes { stored: lfs, reserved: lfs_reserved },
            uncounted,
            measured_at,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; LENGTH] {
        let Self { tag, git, lfs, uncounted, measured_at } = self;
        let numbers = [git.stored, git.reserved, lfs.stored, lfs.reserved, uncounted, measured_at];
        let mut bytes = [0; LENGTH];
        let fields = tag.to_le_bytes().into_iter().chain(numbers.into_iter().flat_map(u64::to_le_bytes));
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        bytes
    }

    fn is_stale(&self) -> bool {
        self.uncounted != self.measured_at
    }

    /// Whether it has the bytes of the directory: nothing is reserved, and nothing changed uncounted.
    pub(super) fn is_settled(&self) -> bool {
        !self.is_stale() && self.git.reserved == 0 && self.lfs.reserved == 0
    }

    /// The bytes that a part stores, if they are known.
    pub(super) fn settled(self, part: Part) -> Option<u64> {
        let Bytes { stored, reserved } = match part {
            Part::Git => self.git,
            Part::Lfs => self.lfs,
        };
        (!self.is_stale() && reserved == 0).then_some(stored)
    }

    pub(super) fn count(self) -> Count {
        Count { git: self.git.stored, lfs: self.lfs.stored }
    }

    /// The bytes that count against quotas: those that are stored, and those that are reserved.
    pub(super) fn in_use(self) -> Count {
        let [git, lfs] = [self.git, self.lfs].map(|part| part.stored.saturating_add(part.reserved));
        Count { git, lfs }
    }

    pub(super) fn reserve(&mut self, part: Part, bytes: u64) {
        let part = self.part(part);
        part.reserved = part.reserved.saturating_add(bytes);
    }

    pub(super) fn settle(&mut self, part: Part, reserved: u64, stored: u64, replaced: u64) {
        let part = self.part(part);
        part.reserved = part.reserved.saturating_sub(reserved);
        part.stored = part.stored.saturating_add(stored).saturating_sub(replaced);
    }

    fn part(&mut self, part: Part) -> &mut Bytes {
        match part {
            Part::Git => &mut self.git,
            Part::Lfs => &mut self.lfs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let mut record = Record::of(u128::MAX - 1, Count { git: 7, lfs: u64::MAX }, 3, u64::MAX);
        record.reserve(Part::Git, 5);
        record.reserve(Part::Lfs, 9);
        assert_eq!(Record::from_bytes(&record.to_bytes()), record);
        assert_eq!(Record::from_bytes(&[0; LENGTH]), Record::of(0, Count::default(), 0, 0));
    }
}
