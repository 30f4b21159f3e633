//! `hubgate plan` and `hubgate apply`.

use std::path::PathBuf;

use clap::Args;

use crate::commands::arguments::Confirmation;

/// A file of the hub, and how it is read.
#[derive(Debug, Args)]
pub struct HubFileArguments {
    /// The file; `-` is standard input.
    pub file: PathBuf,
    /// Also remove what the file does not mention.
    ///
    /// These are repositories, organizations, members, teams, collaborators, deploy keys, rules, checks, gates,
    /// descriptions, whether a repository accepts proposals, and `may_create = false`. Users and visibilities stay.
    #[arg(long)]
    pub prune: bool,
    /// Create users that the file mentions and the hub does not have. They have no keys.
    #[arg(long)]
    pub create_users: bool,
}

/// `hubgate apply`
#[derive(Debug, Args)]
pub struct Apply {
    /// The file.
    #[command(flatten)]
    pub file: HubFileArguments,
    /// Whether to ask before repositories, organizations or teams are removed.
    #[command(flatten)]
    pub confirmation: Confirmation,
}
