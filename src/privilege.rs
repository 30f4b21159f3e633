//! The privileges of this process, and the environment that it inherits.

use nix::unistd::{getegid, geteuid, getgid, getgroups, getuid};

/// Removes every environment variable except these, and sets `PATH` to directories in which only root can write.
///
/// Call this only while the process has one thread.
pub fn clear_environment(keep: &[&str]) {
    let foreign = std::env::vars_os().map(|(name, _)| name).filter(|name| !keep.iter().any(|kept| name == kept));
    for name in foreign.collect::<Vec<_>>() {
        #[expect(unsafe_code, reason = "the standard library has no safe way to remove a variable")]
        // SAFETY: this process has one thread, so nothing reads the environment at the same time.
        unsafe {
            std::env::remove_var(name);
        }
    }
    #[expect(unsafe_code, reason = "the standard library has no safe way to set a variable")]
    // SAFETY: as above.
    unsafe {
        std::env::set_var("PATH", "/usr/bin:/bin");
    }
}

/// Whether a uid, gid or supplementary group of this process is root's. If the groups cannot be read, the answer is
/// yes.
///
/// sshd before 8.8 started the helper with sshd's own groups (CVE-2021-41617).
#[must_use]
pub fn has_anything_of_roots() -> bool {
    let uids = [getuid(), geteuid()];
    let gids = [getgid(), getegid()];
    let Ok(groups) = getgroups() else { return true };
    uids.iter().any(|uid| uid.is_root()) || gids.iter().chain(&groups).any(|gid| gid.as_raw() == 0)
}
