//! `hubgate owner`: users and organizations as owners of repositories.

use clap::Subcommand;

use crate::commands::arguments::NewQuota;
use crate::name::Owner;

/// `hubgate owner`
#[derive(Debug, Subcommand)]
pub enum OwnerCommand {
    /// Show how much an owner stores in git and LFS objects, or set its quota.
    Quota {
        /// The owner.
        owner: Owner,
        /// The quota in bytes, or as 500M, 20G, 1T; `unlimited` sets no limit, `default` uses the configured one.
        #[arg(value_name = "BYTES")]
        quota: Option<NewQuota>,
    },
}

/// `hubgate quota`
#[derive(Debug, Subcommand)]
pub enum QuotaCommand {
    /// Measure again what repositories store, and correct what is counted against quotas.
    ///
    /// Where a quota is set, sessions count what they store. Run this command after files of a repository were changed
    /// by hand.
    Check {
        /// The repositories of this owner only.
        owner: Option<Owner>,
    },
}
