//! `hubgate access`, `hubgate explain`: who may do what.

use clap::{ArgGroup, Args, Subcommand};

use crate::name::{Owner, RepoPath};
use crate::report::when::When;

/// `hubgate access`
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List who asked, and where each request stands.
    List {
        /// The repository.
        path: RepoPath,
    },
    /// Let an account pass, whether it asked or not.
    Grant {
        /// The repository.
        path: RepoPath,
        /// The account.
        user: Owner,
        /// When the grant ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Turn an account down; it cannot ask again.
    Reject {
        /// The repository.
        path: RepoPath,
        /// The account.
        user: Owner,
    },
    /// Take a grant or a rejection back; the account may ask again.
    Revoke {
        /// The repository.
        path: RepoPath,
        /// The account.
        user: Owner,
    },
}

/// `hubgate explain`
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("who").required(true).args(["user", "key", "anonymous"]))]
pub struct Explain {
    /// For this account.
    #[arg(long)]
    pub user: Option<Owner>,
    /// For this key: a public key file, `-` for standard input, or a fingerprint as `SHA256:…`.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// For a key on no account.
    #[arg(long)]
    pub anonymous: bool,
    /// The address that it would come from, where the key has a list of them.
    #[arg(long, value_name = "ADDRESS", requires = "key")]
    pub from: Option<String>,
    /// The command, as in "git-upload-pack 'acme/x'".
    #[arg(long)]
    pub command: String,
}
