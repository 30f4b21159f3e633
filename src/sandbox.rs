//! The box in which git, and whatever else touches a peer's bytes, serves one repository.
//!
//! What enters is the calling process, a repository's open directory and a [`Plan`]; what leaves is the same process,
//! held for good, it and whatever it becomes by `exec`, and a word for the log that says by what. In the box a fetch
//! sees its own repository, read-only, and a push writes beneath it; there is no other repository, no database, no
//! network and no signal to a process outside. What is open stays usable: a log that is to be written from within
//! has to be connected before.
//!
//! Landlock and seccomp hold the calling thread alone: enter before there is a second one.

mod filesystem;
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "sandbox/no_filter.rs")]
mod filter;
mod process;
mod sys;

use std::fmt;
use std::os::fd::BorrowedFd;
use std::path::Path;

use nix::errno::Errno;

pub use crate::config::SandboxMode as Mode;

/// The newest Landlock whose rights are asked for: each of them was tried with git.
const LANDLOCK_NEWEST: u8 = 7;
/// The oldest Landlock that lets a file be renamed into another directory, as git does with every object it takes in.
const LANDLOCK_RENAMES: u8 = 2;

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

/// What holds the process. Its text is one word for the session's line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// Limits alone, as the configuration says.
    Off,
    /// A box.
    Box {
        /// The version of Landlock whose rights are in force.
        landlock: Result<u8, NoLandlock>,
        /// The filter of system calls.
        seccomp: Result<(), Errno>,
    },
}

/// Why a process is not in its box. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Never seen: to lower a limit or close a descriptor needs no privilege.
    #[error("cannot {0}: {1}")]
    Process(&'static str, #[source] Errno),
    /// Mode `required`, and no Landlock for this session.
    #[error("[sandbox] mode is \"required\", but there is no Landlock for it: {0}")]
    Landlock(NoLandlock),
    /// Mode `required`, and no filter of system calls.
    #[error("[sandbox] mode is \"required\", but system calls cannot be filtered: {0}")]
    Seccomp(#[source] Errno),
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

impl fmt::Display for InForce {
    /// `landlock7+seccomp`, `no-landlock(ENOSYS)+seccomp`, `no-landlock(abi1)+seccomp`, `off`, …
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Box { landlock, seccomp } => {
                match landlock {
                    Ok(abi) => write!(f, "landlock{abi}")?,
                    Err(why) => write!(f, "no-landlock({why})")?,
                }
                match seccomp {
                    Ok(()) => f.write_str("+seccomp"),
                    Err(errno) => write!(f, "+no-seccomp({errno:?})"),
                }
            }
        }
    }
}

/// Puts the calling process into the box, for good, and says what holds it.
///
/// In every mode: umask 027, no core dumps, at most 1,024 descriptors, and none but the first three and those of
/// the plan outlives `exec`. Where the mode is not `off`, no program gains a privilege.
///
/// # Errors
/// [`Error`]; the process may then be half in the box, and should only say so and end. No socket can be opened in it.
pub fn enter(mode: Mode, repository: BorrowedFd<'_>, plan: &Plan<'_>) -> Result<InForce, Error> {
    process::limit(plan.file_size_limit)?;
    process::close_at_exec(plan.keep)?;
    if mode == Mode::Off {
        return Ok(InForce::Off);
    }
    nix::sys::prctl::set_no_new_privs().map_err(|errno| Error::Process("give up new privileges", errno))?;
    let landlock = filesystem::restrict(repository, plan);
    if let (Mode::Required, Err(why)) = (mode, landlock) {
        return Err(Error::Landlock(why));
    }
    // Last: it would refuse what stands above.
    let seccomp = filter::restrict(plan.write);
    if let (Mode::Required, Err(errno)) = (mode, seccomp) {
        return Err(Error::Seccomp(errno));
    }
    Ok(InForce::Box { landlock, seccomp })
}

/// What would hold a session on this kernel, in mode `best-effort`; nothing is entered.
#[must_use]
pub fn expected(write: bool) -> InForce {
    InForce::Box { landlock: filesystem::usable(write, LANDLOCK_NEWEST), seccomp: filter::usable() }
}

#[cfg(test)]
mod tests;
