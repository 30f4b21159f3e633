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
mod plan;
mod process;
mod sys;

use std::fmt;
use std::os::fd::BorrowedFd;

use nix::errno::Errno;

pub use crate::config::SandboxMode as Mode;
use plan::LANDLOCK_NEWEST;
pub use plan::{Error, NoLandlock, Plan};

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
