//! What this process is allowed to be, and what it takes over from the process that started it.

use nix::unistd::{getegid, geteuid, getgid, getgroups, getuid};

/// Removes every variable of the environment but these, and sets `PATH` to directories that only root writes in.
///
/// Only a program with one thread may call this.
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
