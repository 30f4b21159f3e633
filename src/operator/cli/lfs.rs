//! `hubgate lfs`, `hubgate lock`: large files.

use std::path::PathBuf;

use clap::Subcommand;

use crate::arguments::words;
use crate::lfs::LockId;
use crate::name::RepoPath;
use crate::request::Operation;

/// `hubgate lfs`
#[derive(Debug, Subcommand)]
pub enum LfsCommand {
    /// Speak git-lfs-transfer on standard input and output for a bare repository, with the caller's rights: no hub,
    /// no configuration.
    Serve {
        /// The repository.
        directory: PathBuf,
        /// What for.
        #[arg(value_parser = words(Operation::ALL, Operation::as_str))]
        operation: Operation,
    },
    /// Hash the stored objects, and look for those that history names and the store lacks.
    Check {
        /// The repository; unless given, all of them.
        path: Option<RepoPath>,
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
    /// Remove a lock, whoever has it.
    Remove {
        /// The repository.
        path: RepoPath,
        /// The lock's id, as `lock list` prints it.
        id: LockId,
    },
}
