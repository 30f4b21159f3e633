//! A session's surroundings: its id, the environment that sshd gave, the process that it runs in, the clock.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

use nix::fcntl::OFlag;

use crate::clock::now;
use crate::key::Fingerprint;
use crate::privilege::has_anything_of_roots;
use crate::random;

/// How many digits the code of an invitation has.
const CODE_DIGITS: usize = 32;

/// Names a session in the log and to the peer: 64 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionId(u64);

impl SessionId {
    /// A new one. Where the kernel gives no randomness the process id and the clock must do: it is no secret.
    pub(super) fn random() -> Self {
        let fallback = || u64::from(std::process::id()) << 32 | now().unsigned_abs();
        Self(random::bytes().map_or_else(|_| fallback(), u64::from_le_bytes))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// What the gateway takes from its environment, read once; nothing else of it is looked at or handed on.
#[derive(Debug)]
pub(super) struct Environment {
    /// `SSH_ORIGINAL_COMMAND`: the client's command, any bytes. Not set where the client asked for a shell.
    pub(super) command: Option<Vec<u8>>,
    /// `SSH_CONNECTION`: client address and port, server address and port.
    pub(super) connection: Option<Vec<u8>>,
    /// `SSH_USER_AUTH`: the file in which sshd says what was proven (`ExposeAuthInfo` of `sshd_config(5)`).
    pub(super) user_auth: Option<OsString>,
    /// `GIT_PROTOCOL`, which the client chooses.
    pub(super) protocol: Option<OsString>,
}

impl Environment {
    pub(super) fn take() -> Self {
        let bytes = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
        Self {
            command: bytes("SSH_ORIGINAL_COMMAND"),
            connection: bytes("SSH_CONNECTION"),
            user_auth: std::env::var_os("SSH_USER_AUTH"),
            protocol: std::env::var_os("GIT_PROTOCOL"),
        }
    }

    /// The command as the log may show it: without codes of invitations, in whatever command somebody typed one.
    pub(super) fn command_for_log(&self) -> Vec<u8> {
        without_codes(self.command.as_deref().unwrap_or_default())
    }

    /// The peer's address as it stands in the log; `unknown` unless it looks like one.
    pub(super) fn peer(&self) -> &[u8] {
        let connection = self.connection.as_deref().unwrap_or_default();
        let address = connection.split(|byte| *byte == b' ').next().unwrap_or_default();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".:%".contains(byte);
        if !address.is_empty() && address.iter().all(plain) { address } else { b"unknown" }
    }
}

/// The text with `[code]` in the place of each run of hexadecimal digits that could be, or hold, an invitation's code.
///
/// A live code in the log would let each reader of the log onto the account.
fn without_codes(text: &[u8]) -> Vec<u8> {
    let mut masked = Vec::with_capacity(text.len());
    for run in text.chunk_by(|one, next| one.is_ascii_hexdigit() == next.is_ascii_hexdigit()) {
        let is_code = run.len() >= CODE_DIGITS && run.first().is_some_and(u8::is_ascii_hexdigit);
        masked.extend_from_slice(if is_code { b"[code]" } else { run });
    }
    masked
}

/// The process is not the login's own.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    #[error("cannot look at the directory of the repositories: {0}")]
    Repositories(std::io::Error),
    #[error("runs with uid or gid 0: the gateway serves as the login account alone")]
    Root,
    #[error("runs as {0}:{1}, but the directory of the repositories belongs to {2}:{3}")]
    NotTheLogin(u32, u32, u32, u32),
}

/// Refuses to serve as root, and as any account but the one that owns the repositories.
///
/// Who the login is comes from the directory and not from passwd: a lookup there costs more than the whole session.
pub(super) fn check_process(repositories: &Path) -> Result<(), ProcessError> {
    use nix::unistd::{getegid, geteuid, getgid, getuid};
    let (uids, gids) = ([getuid(), geteuid()], [getgid(), getegid()]);
    if has_anything_of_roots() {
        return Err(ProcessError::Root);
    }
    let login = repositories.metadata().map_err(ProcessError::Repositories)?;
    if uids.iter().any(|uid| uid.as_raw() != login.uid()) || gids.iter().any(|gid| gid.as_raw() != login.gid()) {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        return Err(ProcessError::NotTheLogin(uid, gid, login.uid(), login.gid()));
    }
    Ok(())
}

/// When something of a key was noted last by [`touch_time`], in seconds since 1970.
pub(super) fn last_time(directory: &Path, key: Fingerprint) -> Option<i64> {
    directory.join(key.to_hex()).symlink_metadata().ok().map(|file| file.mtime())
}

/// Notes the use of a key, or its greeting, as the modification time of a small file; what goes wrong there stops
/// nobody.
pub(super) fn touch_time(directory: &Path, key: Fingerprint) {
    let file = directory.join(key.to_hex());
    if touch(&file).is_err() {
        let _ = std::fs::DirBuilder::new().mode(0o750).create(directory);
        let _ = touch(&file);
    }
}

fn touch(file: &Path) -> std::io::Result<()> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = File::options().write(true).create(true).truncate(false).mode(0o640).custom_flags(flags).open(file)?;
    file.set_modified(SystemTime::now())
}

#[cfg(test)]
mod tests;
