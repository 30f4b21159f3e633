//! What a session needs of its sandbox, and why it may not get it.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::Path;

use nix::errno::Errno;

/// The newest Landlock whose rights are asked for: each of them was tried with git.
pub(super) const LANDLOCK_NEWEST: u8 = 7;

/// The oldest Landlock that lets a file be renamed into another directory, as git does with every object it takes in.
pub(super) const LANDLOCK_RENAMES: u8 = 2;

/// What a session needs of its box.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Whether it writes beneath its repository.
    pub write: bool,
    /// The programs that it runs. They and their libraries are readable wherever they are installed.
    pub programs: &'a [&'a Path],
    /// The descriptors that outlive `exec` beside the first three.
    pub keep: &'a [BorrowedFd<'a>],
    /// The largest file that it may write, in bytes; one that grows larger ends its writer by a signal.
    pub file_size_limit: Option<u64>,
    /// The newest Landlock that may be used, for trying what an older kernel does. `0` stands for none.
    pub landlock_at_most: u8,
}

impl<'a> Plan<'a> {
    /// A fetch: the repository is only read.
    #[must_use]
    pub fn fetch(programs: &'a [&'a Path]) -> Self {
        Self { write: false, programs, keep: &[], file_size_limit: None, landlock_at_most: LANDLOCK_NEWEST }
    }

    /// A push: the repository is written.
    #[must_use]
    pub fn push(programs: &'a [&'a Path]) -> Self {
        Self { write: true, ..Self::fetch(programs) }
    }
}

/// Why there is no Landlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLandlock {
    /// The kernel's answer: `ENOSYS` and `EOPNOTSUPP` where it has none or was started without it.
    Kernel(Errno),
    /// Its version cannot hold a push.
    TooOld(u8),
}

/// Why a process is not in its box. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Never seen: to lower a limit or close a descriptor needs no privilege.
    #[error("cannot {0}: {1}")]
    Process(&'static str, Errno),
    /// Mode `required`, and no Landlock for this session.
    #[error("[sandbox] mode is \"required\", but there is no Landlock for it: {0}")]
    Landlock(NoLandlock),
    /// Mode `required`, and no filter of system calls.
    #[error("[sandbox] mode is \"required\", but system calls cannot be filtered: {0}")]
    Seccomp(Errno),
}

impl fmt::Display for NoLandlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The name alone, `ENOSYS`: one word.
            Self::Kernel(errno) => write!(f, "{errno:?}"),
            Self::TooOld(abi) => write!(f, "abi{abi}"),
        }
    }
}
