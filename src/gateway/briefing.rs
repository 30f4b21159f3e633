//! The push hook's briefing: what the hook is told, as a descriptor that outlives the `exec`.
//!
//! The hook runs far from the database and from the log's socket. It gets a sealed file in memory, which neither git
//! nor a peer can change, and a connection to the log that is open already.

use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::push::Brief;

/// Why a push cannot be briefed; it is not served then.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the push hook {0} is missing or cannot be run: install hubgate again")]
    Hook(PathBuf),
    #[error("cannot write the push hook's briefing: {0}")]
    Write(std::io::Error),
    #[error("cannot seal the push hook's briefing: {0}")]
    Seal(Errno),
}

/// Writes and seals a briefing.
///
/// # Errors
/// [`Error`]. git would run without a hook that is missing, so a push is refused then.
pub(super) fn open(brief: &Brief, hooks: &Path) -> Result<File, Error> {
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
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(Error::Seal)?;
    Ok(file)
}

/// The value of the variable that tells the hook where its briefing is, and its way to the log if there is one.
pub(super) fn descriptors(brief: BorrowedFd<'_>, log: Option<BorrowedFd<'_>>) -> String {
    let log = log.map_or_else(String::new, |log| format!(",{}", log.as_raw_fd()));
    format!("{}{log}", brief.as_raw_fd())
}
