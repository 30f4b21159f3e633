//! `hubgate access`, `hubgate explain`: who may do what.

use clap::{ArgGroup, Args, Subcommand};

use super::ListOptions;
use crate::commands::arguments::{GrantAccess, OfRepository, RefChange};
use crate::name::{Owner, RepoPath};

/// `hubgate access`
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List the requests to pass the gate of a repository, and the answers.
    List {
        /// The repository.
        path: RepoPath,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Let a user pass the gate, with or without a request.
    Grant(GrantAccess),
    /// Reject a user.
    ///
    /// The user cannot request access again.
    Reject(OfRepository),
    /// Withdraw a grant or a rejection.
    ///
    /// The user may request access again.
    Revoke(OfRepository),
}

/// `hubgate explain`
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("who").required(true).args(["user", "key", "anonymous"]))]
pub struct Explain {
    /// As this account.
    #[arg(long)]
    pub user: Option<Owner>,
    /// With this key: a public key file, `-` for standard input, or a fingerprint as `SHA256:…`.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// With a key that is on no account.
    #[arg(long)]
    pub anonymous: bool,
    /// The client's address, for a key that is restricted to some addresses.
    #[arg(long, value_name = "ADDRESS", requires = "key")]
    pub from: Option<String>,
    /// The command, as in "git-upload-pack 'acme/x'".
    #[arg(long)]
    pub command: String,
    /// What the push does to a ref.
    #[command(flatten)]
    pub change: RefChange,
}
