//! The push context: what the push hook must know of the session, as a sealed message.
//!
//! The hook can reach neither the database nor the log. It inherits the message, which neither git nor the client can
//! change, and a connection to the session's guard.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::push::{HOOKS, PushContext};
use crate::sealed::{Sealed, SendError};

/// Why a push is not served.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the push hook {0} is missing or cannot be run: install hubgate again")]
    Hook(PathBuf),
    #[error(transparent)]
    Send(#[from] SendError),
}

/// Writes and seals a push context.
///
/// # Errors
/// [`Error`]. git would run without a missing hook, so the gateway refuses the push then.
pub(super) fn seal(context: &PushContext, hooks: &Path) -> Result<Sealed, Error> {
    for hook in HOOKS {
        let hook = hooks.join(hook);
        let runs = hook.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 == 0o111);
        if !runs {
            return Err(Error::Hook(hook));
        }
    }
    Ok(Sealed::write(&context.to_string())?)
}
