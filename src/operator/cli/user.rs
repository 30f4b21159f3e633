//! `hubgate user`.

use clap::Subcommand;

use super::{ListOptions, new_account};
use crate::commands::arguments::Confirmation;
use crate::name::{Email, Owner, Title};

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
    /// E-mail addresses of accounts, by which signed commits name them.
    #[command(subcommand)]
    Email(EmailCommand),
}

/// `hubgate user email`
#[derive(Debug, Subcommand)]
pub enum EmailCommand {
    /// Give an account an e-mail address, or confirm one that the account claims.
    ///
    /// hubgate sends no mail: you vouch that the address belongs to the person. Another account's claim of the address
    /// ends. An address that an account adds over SSH is only a claim. It names the account neither in the check
    /// `signed` nor in the file of `allowed-signers`.
    Add {
        /// The account.
        user: Owner,
        /// The address.
        address: Email,
    },
    /// Remove an e-mail address from an account.
    Remove {
        /// The account.
        user: Owner,
        /// The address.
        address: Email,
    },
    /// List the e-mail addresses of one account, or of all.
    List {
        /// The account.
        user: Option<Owner>,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
}
