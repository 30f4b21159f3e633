//! `hubgate backup`, `restore`.

use std::path::PathBuf;

use clap::Args;

use super::Sure;

/// `hubgate backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The file; an older copy is replaced. With `-` the database goes to standard output, the list to standard error.
    #[arg(value_name = "DEST")]
    pub destination: PathBuf,
}

/// `hubgate restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// What `hubgate backup` wrote; `-` is standard input.
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// Whether to ask.
    #[command(flatten)]
    pub sure: Sure,
}
