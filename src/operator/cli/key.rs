//! `hubgate key`, `hubgate deploy-key`.

use std::path::PathBuf;

use clap::Subcommand;

use super::ListOptions;
use crate::access::Sources;
use crate::commands::arguments::{Confirmation, Expiring, KeyTerms, RemoveKey, RenameKey};
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath, Title};
use crate::report::when::Expiry;

/// `hubgate key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Add a public key to an account.
    Add {
        /// The account.
        user: Owner,
        /// The public key, as in `id_ed25519.pub`; `-` is standard input.
        file: PathBuf,
        /// The title. Default: the key's comment, or else its type and fingerprint.
        #[arg(long)]
        title: Option<Title>,
        /// What it may be used for, and until when.
        #[command(flatten)]
        terms: KeyTerms,
        /// The addresses from which the key may be used: networks such as 192.0.2.0/24, separated by commas.
        #[arg(long, value_name = "CIDR")]
        from: Option<Sources>,
    },
    /// List the keys of one account, or of all.
    List {
        /// The account.
        user: Option<Owner>,
        /// When they end.
        #[command(flatten)]
        expiring: Expiring,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Show one key.
    Show {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
    },
    /// Change the title of a key.
    Rename {
        /// The account of the key. Required if the key is named by its title.
        #[arg(long)]
        user: Option<Owner>,
        /// Which key, and its new title.
        #[command(flatten)]
        key: RenameKey,
    },
    /// Remove a key from its account.
    Remove {
        /// The account of the key. Required if the key is named by its title.
        #[arg(long)]
        user: Option<Owner>,
        /// Which key, and why.
        #[command(flatten)]
        key: RemoveKey,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Show the account or repository that a key is on.
    Find {
        /// A public key file, `-` for standard input, or a fingerprint as `SHA256:…`.
        key: String,
    },
}

/// `hubgate deploy-key`
#[derive(Debug, Subcommand)]
pub enum DeployKeyCommand {
    /// Add a key that opens one repository, and apart from it only what everyone may fetch.
    Add {
        /// The repository.
        path: RepoPath,
        /// The public key; `-` is standard input.
        file: PathBuf,
        /// The key may push too.
        #[arg(long)]
        write: bool,
        /// The title. Default: the key's comment, or else its type and fingerprint.
        #[arg(long)]
        title: Option<Title>,
        /// When the key expires: a duration such as 90d, or the last day as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        expires: Option<Expiry>,
    },
    /// List the deploy keys of a repository.
    List {
        /// The repository.
        path: RepoPath,
        /// When they end.
        #[command(flatten)]
        expiring: Expiring,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Remove a deploy key from its repository.
    Remove {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
}
