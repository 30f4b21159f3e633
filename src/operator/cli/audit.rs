//! `hubgate audit`.

use std::path::PathBuf;

use clap::Args;

use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};
use crate::report::when::parse_past;

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
    /// Show only the last entries, so many. Default: 1000 on a terminal, otherwise all.
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
    if text == "-" { Ok(PathBuf::from(text)) } else { std::path::absolute(text) }
}
