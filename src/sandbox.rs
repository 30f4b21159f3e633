//! The sandbox in which git, and every other program that touches a peer's bytes, serves one repository.
//!
//! The calling process, a repository's open directory and a [`Plan`] enter. The process stays confined, also after
//! `exec`, and a word for the log says by what. In the sandbox a fetch can read its own repository, and a push can
//! write beneath it. There is no other repository, no database, no network, and no signal to a process outside. Open
//! descriptors stay usable, so a log that the session writes must be connected before.
//!
//! Landlock and seccomp confine only the calling thread and what it starts. The limits, the umask and the descriptors
//! are those of the process.

mod filesystem;
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), path = "sandbox/no_filter.rs")]
mod filter;
mod plan;
mod process;
mod sys;

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

pub use crate::config::SandboxMode as Mode;
use plan::LANDLOCK_NEWEST;
pub use plan::{Error, NoLandlock, Plan, Writes};

/// What confines the process. Its text is one word for the session's log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InForce {
    /// Only limits, as the configuration says.
    Off,
    /// A sandbox.
    Box {
        /// The version of Landlock whose rights are in force.
        landlock: Result<u8, NoLandlock>,
        /// The system call filter.
        seccomp: Result<(), Errno>,
    },
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

/// Puts the calling process into the sandbox permanently, and returns what confines it.
///
/// In every mode: umask 027, no core dumps, and at most 1,024 descriptors. Only the first three descriptors and those
/// of the plan stay open after `exec`. Unless the mode is `off`, no program can gain privileges.
///
/// # Errors
/// [`Error`]; the process may then be confined in part. It should only report the error and exit. It can no
/// longer open a socket.
pub fn enter(mode: Mode, repository: BorrowedFd<'_>, plan: &Plan<'_>) -> Result<InForce, Error> {
    process::limit(plan)?;
    process::close_at_exec(plan.keep)?;
    if mode == Mode::Off {
        return Ok(InForce::Off);
    }
    nix::sys::prctl::set_no_new_privs().map_err(|errno| Error::Process("give up new privileges", errno))?;
    let landlock = filesystem::restrict(repository, plan);
    if let (Mode::Required, Err(why)) = (mode, landlock) {
        return Err(Error::Landlock(why));
    }
    // Last, because the filter would refuse the calls above.
    let seccomp = filter::restrict(plan.writes);
    if let (Mode::Required, Err(errno)) = (mode, seccomp) {
        return Err(Error::Seccomp(errno));
    }
    Ok(InForce::Box { landlock, seccomp })
}

/// What would confine a session on this kernel in mode `best-effort`. Confines nothing.
#[must_use]
pub fn expected(write: bool) -> InForce {
    InForce::Box { landlock: filesystem::usable(write, LANDLOCK_NEWEST), seccomp: filter::usable() }
}

#[cfg(test)]
mod tests;
