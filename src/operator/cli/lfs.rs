//! `hubgate lfs`, `hubgate lock`: large files.

use std::path::PathBuf;

use clap::Subcommand;

use crate::commands::arguments::words;
use crate::lfs::LockId;
use crate::name::RepoPath;
use crate::request::Operation;

/// `hubgate lfs`
#[derive(Debug, Subcommand)]
pub enum LfsCommand {
    /// Speak git-lfs-transfer on standard input and output for a bare repository, with the rights of the caller. This
    /// uses no hub and no configuration.
    Serve {
        /// The repository.
        directory: PathBuf,
        /// What the client wants to do.
        #[arg(value_parser = words(Operation::ALL, Operation::as_str))]
        operation: Operation,
    },
    /// Hash the stored LFS objects, and report objects that history names but the store lacks.
    Check {
        /// The repository. Default: all repositories.
        path: Option<RepoPath>,
        /// Move corrupt objects to lfs/quarantine in the repository's directory, so that clients can upload them again.
        /// git-lfs uploads no object that the store has with the right size.
        #[arg(long)]
        quarantine: bool,
    },
}

/// `hubgate lock`
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// List the locks of a repository.
    List {
        /// The repository.
        path: RepoPath,
    },
    /// Remove a lock of any account.
    Remove {
        /// The repository.
        path: RepoPath,
        /// The lock's id, as `lock list` prints it.
        id: LockId,
    },
}
