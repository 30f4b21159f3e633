//! `hubgate backup`, `restore`, `kept`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::commands::arguments::Confirmation;
use crate::report::when::parse_duration;

/// `hubgate backup`
#[derive(Debug, Args)]
pub struct Backup {
    /// The file; an older copy is replaced. `-` writes the database to standard output and the list to standard error.
    #[arg(value_name = "DEST")]
    pub destination: PathBuf,
    /// Used by this command, in a second process: the first one notes the time of the backup.
    #[arg(long, hide = true)]
    pub unnoted: bool,
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

/// `hubgate kept`
#[derive(Debug, Subcommand)]
pub enum KeptCommand {
    /// List the files, oldest first.
    List,
    /// Delete files for good.
    Remove {
        /// The files, as `kept list` prints them.
        #[arg(value_name = "FILE", required_unless_present_any = ["older_than", "all"])]
        files: Vec<PathBuf>,
        /// Every file that was kept before this time.
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        older_than: Option<i64>,
        /// Every file.
        #[arg(long, conflicts_with_all = ["files", "older_than"])]
        all: bool,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// `hubgate export`
#[derive(Debug, Args)]
pub struct Export {
    /// Print the public repositories without a gate in the format of cgitrc(5), which can include the output. cgit must
    /// run as a user who may read their directories.
    #[arg(long)]
    pub cgit: bool,
    /// Print the hub as the file that `hubgate plan` and `hubgate apply` read. hubgate-plan(8) describes it.
    #[arg(long, conflicts_with = "cgit")]
    pub toml: bool,
}
