//! No filter of system calls: their numbers are not known here for this architecture.

use nix::errno::Errno;

pub(super) fn usable() -> nix::Result<()> {
    Err(Errno::ENOSYS)
}

pub(super) fn restrict(_write: bool) -> nix::Result<()> {
    Err(Errno::ENOSYS)
}
