//! What this process is allowed to be.

use nix::unistd::{getegid, geteuid, getgid, getgroups, getuid};

/// Whether a uid or a gid of this process, or a group that it is in, is root's. Where that cannot be told, it is.
///
/// sshd before 8.8 left the helper in its own groups (CVE-2021-41617).
#[must_use]
pub fn has_anything_of_roots() -> bool {
    let uids = [getuid(), geteuid()];
    let gids = [getgid(), getegid()];
    let Ok(groups) = getgroups() else { return true };
    uids.iter().any(|uid| uid.is_root()) || gids.iter().chain(&groups).any(|gid| gid.as_raw() == 0)
}
