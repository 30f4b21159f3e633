//! `hubgate user`.

use clap::Subcommand;

use super::{Sure, new_account};
use crate::name::{Owner, Title};

/// `hubgate user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account.
    Add {
        /// Its name.
        #[arg(value_parser = new_account)]
        name: Owner,
        /// It may not create repositories.
        #[arg(long)]
        no_create: bool,
    },
    /// List the accounts.
    List,
    /// Show one account.
    Show {
        /// Its name.
        name: Owner,
    },
    /// Give an account another name; the old one is kept back.
    Rename {
        /// The name that it has.
        old: Owner,
        /// The name that it is to have.
        #[arg(value_parser = new_account)]
        new: Owner,
    },
    /// Refuse an account everything, for a reason that its owner reads.
    Disable {
        /// Its name.
        name: Owner,
        /// Why.
        #[arg(long)]
        reason: Title,
    },
    /// Undo `disable`.
    Enable {
        /// Its name.
        name: Owner,
    },
    /// Remove an account: its keys become unknown keys, its name is kept back.
    Remove {
        /// Its name.
        name: Owner,
        /// Who gets its repositories.
        #[arg(long, value_name = "OWNER")]
        transfer_to: Option<Owner>,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Free the name of an account that was renamed or removed.
    Release {
        /// The name.
        name: Owner,
    },
}
