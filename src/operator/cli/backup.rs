//! `hubgate backup`, `restore`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::arguments::Confirmation;

/// `hubgate backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The file; an older copy is replaced. `-` writes the database to standard output and the list to standard error.
    #[arg(value_name = "DEST")]
    pub destination: PathBuf,
}

/// `hubgate restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// A file that `hubgate backup` wrote; `-` is standard input.
    #[arg(value_name = "SRC")]
    pub source: PathBuf,
    /// Whether to ask.
    #[command(flatten)]
    pub confirmation: Confirmation,
}
