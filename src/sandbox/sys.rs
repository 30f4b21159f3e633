//! System calls for which no crate has a safe function.

use std::os::fd::RawFd;
use std::ptr;

use nix::errno::Errno;
use nix::libc::{self, c_long, c_uint};

/// `LANDLOCK_CREATE_RULESET_VERSION` of `linux/landlock.h`.
const LANDLOCK_VERSION: c_uint = 1;

/// Sets `FD_CLOEXEC` on each descriptor above 2.
#[expect(unsafe_code, reason = "no crate has close_range, and glibc has it only from 2.34 on")]
pub(super) fn close_at_exec_from_3() -> nix::Result<()> {
    let (first, last, flags): (c_uint, c_uint, c_uint) = (3, c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC);
    // SAFETY: three numbers go in, no pointer; a descriptor that its owner still uses stays open until exec.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, first, last, flags) }).map(drop)
}

/// Sets `FD_CLOEXEC` on one descriptor, which may be closed already.
#[expect(unsafe_code, reason = "nix requires a descriptor that is known to be open")]
pub(super) fn close_at_exec(descriptor: RawFd) -> nix::Result<()> {
    // SAFETY: two numbers go in, no pointer; a descriptor that its owner still uses stays open until exec.
    match Errno::result(unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) }) {
        Ok(_) | Err(Errno::EBADF) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// The kernel's Landlock version, 1 or higher.
#[expect(unsafe_code, reason = "the crate landlock reports the version only after it has restricted the process")]
pub(super) fn landlock_abi() -> nix::Result<c_long> {
    // SAFETY: with this flag the pointer must be null and the size 0; the kernel reads and writes no memory.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0_usize, LANDLOCK_VERSION)
    })
}

/// Whether the kernel supports system call filters.
#[expect(unsafe_code, reason = "no crate checks this without installing a filter")]
pub(super) fn can_filter() -> nix::Result<()> {
    let action = libc::SECCOMP_RET_KILL_PROCESS;
    // SAFETY: the kernel reads one unsigned int behind the pointer, which outlives the call.
    Errno::result(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0 as c_uint, ptr::from_ref(&action))
    })
    .map(drop)
}
