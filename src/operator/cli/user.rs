//! `hubgate user`.

use clap::Subcommand;

use super::{ListOptions, new_account};
use crate::commands::arguments::Confirmation;
use crate::name::{Owner, Title};

/// `hubgate user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add an account.
    Add {
        /// The name.
        #[arg(value_parser = new_account)]
        name: Owner,
        /// The account may not create repositories.
        #[arg(long)]
        no_create: bool,
    },
    /// List the accounts.
    List {
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Show one account.
    Show {
        /// The name.
        name: Owner,
    },
    /// Change the name of an account.
    ///
    /// The old name stays reserved.
    Rename {
        /// The current name.
        old: Owner,
        /// The new name.
        #[arg(value_parser = new_account)]
        new: Owner,
    },
    /// Disable an account.
    ///
    /// Its owner sees the reason.
    Disable {
        /// The name.
        name: Owner,
        /// The reason.
        #[arg(long)]
        reason: Title,
    },
    /// Enable a disabled account.
    Enable {
        /// The name.
        name: Owner,
    },
    /// Remove an account.
    ///
    /// Its keys become unknown keys, and its name stays reserved.
    Remove {
        /// The name.
        name: Owner,
        /// The owner that receives its repositories.
        #[arg(long, value_name = "OWNER")]
        transfer_to: Option<Owner>,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Free the name of an account that was renamed or removed.
    Release {
        /// The name.
        name: Owner,
    },
}
