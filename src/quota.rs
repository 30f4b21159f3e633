//! Quotas: how many bytes a repository or an owner may store, in git objects and LFS objects together. No I/O.

use crate::word::counted;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// The most bytes that can be stored here: numbers of the database and of TOML are signed.
const MOST: u64 = i64::MAX.unsigned_abs();
/// The word for a quota without a limit.
const UNLIMITED: &str = "unlimited";

/// A limit of stored bytes.
///
/// Holding one tells you that it is either no limit, or a limit of at least one byte. No number stands for "no limit".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// No limit.
    Unlimited,
    /// At most so many bytes.
    Bytes(NonZeroU64),
}

/// The text is not a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadQuota {
    /// Neither a number nor a word of quotas.
    #[error("a quota is a number of bytes, or 500M, 20G, 1T, {UNLIMITED}, default")]
    Word,
    /// 0 could mean no bytes or no limit.
    #[error("0 is not a quota: {UNLIMITED} sets no limit, and repo freeze rejects pushes")]
    Zero,
    /// No number of the database is as large.
    #[error("a quota has at most {MOST} bytes: {UNLIMITED} sets no limit")]
    TooLarge,
}

impl Quota {
    /// The quota of a setting or of a column, where 0 means no limit; `None` for a number that is neither.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        let bytes = u64::try_from(number).ok()?;
        Some(NonZeroU64::new(bytes).map_or(Self::Unlimited, Self::Bytes))
    }

    /// The number for [`Self::of_number`].
    #[must_use]
    pub fn number(self) -> i64 {
        self.bytes().map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX))
    }

    /// The limit; `None` if there is none.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Bytes(bytes) => Some(bytes.get()),
        }
    }
}

impl FromStr for Quota {
    type Err = BadQuota;

    fn from_str(text: &str) -> Result<Self, BadQuota> {
        if text == UNLIMITED {
            return Ok(Self::Unlimited);
        }
        let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
        let found = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
        let (number, shift) = found.unwrap_or((text, 0));
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadQuota::Word);
        }
        // Digits alone fail to parse only if the number is too large.
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        let bytes = bytes.filter(|bytes| *bytes <= MOST).ok_or(BadQuota::TooLarge)?;
        NonZeroU64::new(bytes).map(Self::Bytes).ok_or(BadQuota::Zero)
    }
}

/// Whom a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// One repository.
    Repository,
    /// An owner, with all repositories together.
    Owner,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Repository => "repository",
            Self::Owner => "owner",
        })
    }
}

/// The quotas that apply to a repository and to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// The repository's.
    pub repository: Quota,
    /// The owner's.
    pub owner: Quota,
}

/// The bytes that count against quotas: those that are stored, and those that sessions are about to store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InUse {
    /// In the repository.
    pub repository: u64,
    /// In all repositories of the owner. Not counted if the owner has no quota.
    pub owner: u64,
}

/// A quota has no room. Worded for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} in the quota of the {holder}: {used} of {quota} bytes are in use",
    counted(*more, "more byte does not fit", "more bytes do not fit")
)]
pub struct Full {
    /// Whose quota it is.
    pub holder: Holder,
    /// The bytes to be stored.
    pub more: u64,
    /// The bytes in use.
    pub used: u64,
    /// The quota.
    pub quota: u64,
}

impl Quotas {
    /// Checks that so many more bytes fit.
    ///
    /// # Errors
    /// [`Full`], with the quota that has no room.
    pub fn check(&self, in_use: InUse, more: u64) -> Result<(), Full> {
        if more == 0 {
            // A push that only removes refs, also if a quota was lowered.
            return Ok(());
        }
        let rows =
            [(Holder::Repository, self.repository, in_use.repository), (Holder::Owner, self.owner, in_use.owner)];
        for (holder, quota, used) in rows {
            let quota = quota.bytes().unwrap_or(u64::MAX);
            if used.saturating_add(more) > quota {
                return Err(Full { holder, more, used, quota });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(bytes: u64) -> Quota {
        Quota::Bytes(NonZeroU64::new(bytes).unwrap())
    }

    #[test]
    fn a_quota_is_a_positive_number_or_no_limit_and_nothing_else() {
        for (text, quota) in [
            ("1", bytes(1)),
            ("500M", bytes(500 << 20)),
            ("2T", bytes(2 << 40)),
            ("9223372036854775807", bytes(MOST)),
            ("unlimited", Quota::Unlimited),
        ] {
            assert_eq!(text.parse(), Ok(quota), "{text}");
            assert_eq!(Quota::of_number(quota.number()), Some(quota), "{text}");
        }
        for (text, error) in [
            ("0", BadQuota::Zero),
            ("0G", BadQuota::Zero),
            ("-1", BadQuota::Word),
            ("+1", BadQuota::Word),
            ("", BadQuota::Word),
            ("M", BadQuota::Word),
            ("1 M", BadQuota::Word),
            ("1m", BadQuota::Word),
            ("1.5G", BadQuota::Word),
            ("9223372036854775808", BadQuota::TooLarge),
            ("18446744073709551616", BadQuota::TooLarge),
            ("8388608T", BadQuota::TooLarge),
            ("99999999999999999999T", BadQuota::TooLarge),
        ] {
            assert_eq!(text.parse::<Quota>(), Err(error), "{text}");
        }
        assert_eq!(Quota::of_number(-1), None, "less than nothing is not \"no limit\"");
        assert_eq!(Quota::of_number(i64::MIN), None);
    }

    #[test]
    fn a_quota_has_room_up_to_its_last_byte_and_names_itself_when_it_is_full() {
        let quotas = Quotas { repository: bytes(10), owner: bytes(15) };
        let check = |repository, owner, more| quotas.check(InUse { repository, owner }, more);
        assert_eq!(check(4, 4, 6), Ok(()));
        assert_eq!(check(4, 4, 7), Err(Full { holder: Holder::Repository, more: 7, used: 4, quota: 10 }));
        assert_eq!(check(4, 10, 5), Ok(()));
        assert_eq!(check(4, 10, 6), Err(Full { holder: Holder::Owner, more: 6, used: 10, quota: 15 }));
        // More is in use than the quota, because it was lowered.
        let full = check(40, 0, 1).unwrap_err();
        let sentence = "1 more byte does not fit in the quota of the repository: 40 of 10 bytes are in use";
        assert_eq!(full.to_string(), sentence);
        assert!(check(1, 1, u64::MAX).is_err());
        let unlimited = Quotas { repository: Quota::Unlimited, owner: Quota::Unlimited };
        assert_eq!(unlimited.check(InUse { repository: u64::MAX, owner: u64::MAX }, u64::MAX), Ok(()));
    }
}
