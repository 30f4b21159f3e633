//! `hubgate session`: running sessions.

use clap::{Args, Subcommand};

use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};

/// `hubgate session`
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List the running sessions of git and git-lfs, and the running account commands.
    List,
    /// End running sessions.
    ///
    /// A client may connect again at once, unless its key or account is removed or disabled.
    End(Which),
}

/// Which sessions end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The session with this id, as `session list` and the log show it.
    #[arg(value_name = "SESSION")]
    pub id: Option<String>,
    /// All sessions of this account.
    #[arg(long)]
    pub user: Option<Owner>,
    /// All sessions on this repository.
    #[arg(long, value_name = "PATH")]
    pub repo: Option<RepoPath>,
    /// All sessions with this key. For certificates, the key of their authority.
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Option<Fingerprint>,
    /// All sessions.
    #[arg(long)]
    pub all: bool,
}
