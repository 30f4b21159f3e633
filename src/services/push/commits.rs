//! What the checks of whole commits share: which commits are new, and why they cannot be read.

use std::io;

use super::readers;

/// Options with which git lists only new commits: no ref leads to them yet. Refs of proposals do not count, because an
/// account without write access may have made them.
pub(super) const NEW_COMMITS: [&str; 3] = ["--not", "--exclude=refs/pr/*", "--all"];

/// Why the commits of a push cannot be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot run git or read its output: {0}")]
    Git(io::Error),
    #[error(transparent)]
    Read(#[from] readers::Error),
    #[error("git cannot list the commits of the push")]
    Commits,
    #[error("cannot read the locks of the repository: {0}")]
    Locks(crate::lfs::Fault),
}
