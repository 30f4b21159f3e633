//! The push hook's briefing: what the hook is told, and its way to the log, as descriptors that outlive the `exec`.
//!
//! The hook runs far from the database and from the log's socket. It gets a sealed file in memory, which neither git
//! nor a peer can change, and a connection to the log that is open already.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::log;
use crate::push::Brief;

/// Why a push cannot be briefed; it is not served then.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the push hook {0} is missing or cannot be run: install hubgate again")]
    Hook(PathBuf),
    #[error("cannot write the push hook's briefing: {0}")]
    Write(#[source] std::io::Error),
    #[error("cannot hand the push hook's descriptors on: {0}")]
    Descriptor(#[source] Errno),
}

/// The descriptors of a briefing; shown, they are the value of the variable that tells the hook.
#[derive(Debug)]
pub(super) struct Briefing {
    brief: File,
    log: Option<UnixDatagram>,
}

impl fmt::Display for Briefing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.brief.as_raw_fd())?;
        self.log.as_ref().map_or(Ok(()), |log| write!(f, ",{}", log.as_raw_fd()))
    }
}

/// Writes and seals a briefing, and connects to the log if there is one.
///
/// # Errors
/// [`Error`]. git would run without a hook that is missing, so a push is refused then.
pub(super) fn open(brief: &Brief, hooks: &Path, socket: &Path) -> Result<Briefing, Error> {
    for hook in ["pre-receive", "post-receive"] {
        let hook = hooks.join(hook);
        let runs = hook.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 == 0o111);
        if !runs {
            return Err(Error::Hook(hook));
        }
    }
    let memory = memfd_create("hubgate-push", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING);
    let mut file = File::from(memory.map_err(|errno| Error::Write(errno.into()))?);
    file.write_all(brief.to_string().as_bytes()).map_err(Error::Write)?;
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(Error::Descriptor)?;
    hand_on(&file)?;
    // A log that is down stops no push.
    let log = log::connect(socket).ok();
    log.as_ref().map_or(Ok(()), hand_on)?;
    Ok(Briefing { brief: file, log })
}

fn hand_on(descriptor: &impl AsFd) -> Result<(), Error> {
    fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty())).map(drop).map_err(Error::Descriptor)
}
