//! `hubgate audit`.

use std::path::PathBuf;

use clap::Args;

use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};
use crate::report::when::parse_past;

/// `hubgate audit`
#[derive(Debug, Args)]
pub struct Audit {
    /// How far back: a duration such as 7d, or a date.
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_past)]
    pub since: i64,
    /// Only what this account did, or what was done to it.
    #[arg(long)]
    pub user: Option<Owner>,
    /// Only what concerns this repository.
    #[arg(long, value_name = "PATH")]
    pub repo: Option<RepoPath>,
    /// Only what concerns this key.
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Option<Fingerprint>,
    /// Go on with what comes, until Ctrl-C. With --json each is an object on a line of its own.
    #[arg(long, short)]
    pub follow: bool,
    /// Also the sessions and pushes in this file of the system log; unless given: in the journal, where there is one. Lines without a year are always shown.
    #[arg(long, value_name = "FILE", value_parser = |text: &str| std::path::absolute(text))]
    pub log: Option<PathBuf>,
}
