//! `hubgate audit`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};
use crate::operator::backup::STREAM;
use crate::report::when::{parse_past, rfc3339};

/// `hubgate audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// The start: a duration before now such as 7d, or a date.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_past)]
    pub since: i64,
    /// Only events by or about this account.
    #[arg(long)]
    pub user: Option<Owner>,
    /// Only events about this repository.
    #[arg(long, value_name = "PATH")]
    pub repo: Option<RepoPath>,
    /// Only pushes of this ref, such as refs/heads/main.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Only events about this key.
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Option<Fingerprint>,
    /// Keep printing new events until Ctrl-C. With --json, each event is one line.
    #[arg(long, short)]
    pub follow: bool,
    /// Also show sessions and pushes from this log file, or `-` for standard input. Default: the journal, if there is
    /// one. Lines without a year are always shown.
    #[arg(long, value_name = "FILE", value_parser = log_file)]
    pub log: Option<PathBuf>,
    /// Begin behind this entry, as the end of such a list says, or with the first one of a second, as
    /// YYYY-MM-DDThh:mm:ssZ. Replaces --since.
    #[arg(long, value_name = "POSITION", conflicts_with = "follow")]
    pub after: Option<Position>,
    /// Show only the last entries, so many; with --after, the first ones. Default: 1000 on a terminal, otherwise all.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Show only entries with this text in a column, in upper or lower case.
    #[arg(long = "match", value_name = "TEXT")]
    pub matching: Option<String>,
    /// Show every column whole, also on a terminal.
    #[arg(long)]
    pub wide: bool,
}

/// Makes a file absolute, because the command changes to `/`.
fn log_file(text: &str) -> std::io::Result<PathBuf> {
    if text == STREAM { Ok(PathBuf::from(text)) } else { std::path::absolute(text) }
}

/// A position in the list of changes and sessions: the second of an entry, and its number among those of that second.
///
/// The entries without a year come last, so they have no second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Unix time.
    pub second: Option<i64>,
    /// Counted from 1. 0 is before the first.
    pub number: u64,
}

/// How a position begins whose second is unknown.
const UNDATED: &str = "undated";

/// A text is not a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is a time as YYYY-MM-DDThh:mm:ssZ, or what the end of a list says")]
pub struct BadPosition;

impl Position {
    /// What positions are compared by.
    #[must_use]
    pub fn order(self) -> (i64, u64) {
        (self.second.unwrap_or(i64::MAX), self.number)
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (time, number) = text.split_once('/').unwrap_or((text, "0"));
        let number = number.parse().map_err(|_| BadPosition)?;
        if time == UNDATED {
            return Ok(Self { second: None, number });
        }
        let instant = OffsetDateTime::parse(time, &Rfc3339).map_err(|_| BadPosition)?;
        Ok(Self { second: Some(instant.unix_timestamp()), number })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.second {
            Some(second) => write!(f, "{}/{}", rfc3339(second), self.number),
            None => write!(f, "{UNDATED}/{}", self.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_was_written() {
        for text in ["2026-01-31T12:00:00Z/1", "undated/18446744073709551615"] {
            assert_eq!(text.parse::<Position>().map(|position| position.to_string()), Ok(text.to_owned()));
        }
        let first = Position { second: Some(1_769_860_800), number: 0 };
        assert_eq!("2026-01-31T12:00:00Z".parse(), Ok(first));
        assert!(first.order() < Position { second: None, number: 0 }.order());
        for text in ["", "/1", "2026-01-31", "2026-01-31T12:00:00Z/", "2026-01-31T12:00:00Z/-1", "undated/1/1"] {
            assert_eq!(text.parse::<Position>(), Err(BadPosition), "{text}");
        }
    }
}
