//! What a session needs in its sandbox, and why the sandbox can fail.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::Path;

use nix::errno::Errno;

/// The newest Landlock version that is used. Each version up to it was tested with git.
pub(super) const LANDLOCK_NEWEST: u8 = 7;

/// The oldest Landlock version that allows renames across directories, as git does for every received object.
pub(super) const LANDLOCK_RENAMES: u8 = 2;

/// What a session writes beneath its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writes {
    /// Nothing.
    Nothing,
    /// Files and directories.
    Contents,
    /// The same, with locks of files and changes of their length.
    ContentsAndLocks,
    /// Nothing beneath the repository, and files and directories beneath [`Plan::scratch`].
    Scratch,
    /// Files and directories, and the times of any file of the account whose path it knows. Landlock does not control
    /// times.
    ContentsAndTimes,
}

/// What a session needs in its sandbox.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// What it writes beneath its repository.
    pub writes: Writes,
    /// A directory that it writes, outside or beneath its repository.
    pub scratch: Option<BorrowedFd<'a>>,
    /// Other trees that it reads.
    pub reads: &'a [BorrowedFd<'a>],
    /// The programs that it runs. They and their libraries are readable, wherever they are installed.
    pub programs: &'a [&'a Path],
    /// The descriptors that stay open after `exec`, besides the first three.
    pub keep: &'a [BorrowedFd<'a>],
    /// The largest file that it may write, in bytes. A signal ends a process that writes more.
    pub file_size_limit: Option<u64>,
    /// The most memory that each of its processes may allocate, in bytes. Files that are mapped for reading do not
    /// count.
    pub memory_limit: Option<u64>,
    /// The newest Landlock version that may be used, to test the behaviour of older kernels. `0` means none.
    pub landlock_at_most: u8,
}

impl<'a> Plan<'a> {
    /// Whether it writes beneath its repository.
    pub(super) fn writes_repository(&self) -> bool {
        !matches!(self.writes, Writes::Nothing | Writes::Scratch)
    }

    /// A fetch, which only reads the repository.
    #[must_use]
    pub fn fetch(programs: &'a [&'a Path]) -> Self {
        Self {
            writes: Writes::Nothing,
            scratch: None,
            reads: &[],
            programs,
            keep: &[],
            file_size_limit: None,
            memory_limit: None,
            landlock_at_most: LANDLOCK_NEWEST,
        }
    }

    /// A push, which writes the repository.
    #[must_use]
    pub fn push(programs: &'a [&'a Path]) -> Self {
        Self { writes: Writes::Contents, ..Self::fetch(programs) }
    }

    /// A push of large files, which shares files with other sessions of the repository.
    #[must_use]
    pub fn upload(programs: &'a [&'a Path]) -> Self {
        Self { writes: Writes::ContentsAndLocks, ..Self::fetch(programs) }
    }

    /// A check of a push, which reads the repository and writes a directory of its own.
    #[must_use]
    pub fn check(programs: &'a [&'a Path], scratch: BorrowedFd<'a>) -> Self {
        Self { writes: Writes::Scratch, scratch: Some(scratch), ..Self::fetch(programs) }
    }

    /// The maintenance of a repository.
    #[must_use]
    pub fn maintenance(programs: &'a [&'a Path]) -> Self {
        Self { writes: Writes::ContentsAndTimes, ..Self::fetch(programs) }
    }
}

/// Why Landlock is not available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLandlock {
    /// The kernel's error: `ENOSYS` or `EOPNOTSUPP` if the kernel has no Landlock or was started without it.
    Kernel(Errno),
    /// Its version is too old for a push.
    TooOld(u8),
}

/// Why a process is not in its sandbox. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not expected: lowering a limit or closing a descriptor needs no privilege.
    #[error("cannot {0}: {1}")]
    Process(&'static str, Errno),
    /// In mode `required`, Landlock is not available for this session.
    #[error("[sandbox] mode is \"required\", but Landlock is not available: {0}")]
    Landlock(NoLandlock),
    /// In mode `required`, the kernel cannot filter system calls.
    #[error("[sandbox] mode is \"required\", but system calls cannot be filtered: {0}")]
    Seccomp(Errno),
}

impl fmt::Display for NoLandlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Only the name, such as `ENOSYS`: one word.
            Self::Kernel(errno) => write!(f, "{errno:?}"),
            Self::TooOld(abi) => write!(f, "abi{abi}"),
        }
    }
}
