//! `hubgate owner`: users and organizations as owners of repositories.

use clap::Subcommand;

use crate::commands::arguments::Quota;
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
