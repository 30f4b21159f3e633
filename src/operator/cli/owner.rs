//! `hubgate owner`: what users and organizations share. Also the argument of a quota.

use clap::Subcommand;

use crate::name::Owner;

/// `hubgate owner`
#[derive(Debug, Subcommand)]
pub enum OwnerCommand {
    /// Show how much an owner stores in large files, or set its quota.
    Quota {
        /// The owner.
        owner: Owner,
        /// The quota in bytes, or as 500M, 20G, 1T; `none` uses the configured default.
        #[arg(value_name = "BYTES")]
        quota: Option<Quota>,
    },
}

/// How much may be stored. `None` is the configured default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota(pub Option<u64>);

impl std::str::FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
        let found = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
        let (number, shift) = found.unwrap_or((text, 0));
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .map(|bytes| Self(Some(bytes)))
            .ok_or("a number of bytes, or 500M, 20G, 1T, none")
    }
}
