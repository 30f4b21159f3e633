//! What a process may consume and inherit: limits, umask, descriptors.

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

use super::plan::{Error, Plan};
use super::sys;

/// More than the number of packs that git keeps open.
const DESCRIPTORS: u64 = 1024;

/// Lowers the limits permanently: raising them needs privileges.
///
/// Memory is limited as data and not as address space, because git maps packs. There is no limit on processes, because
/// the kernel counts them per account, so one peer could block all others.
pub(super) fn limit(plan: &Plan<'_>) -> Result<(), Error> {
    umask(Mode::from_bits_truncate(0o027));
    lower(Resource::RLIMIT_CORE, 0).map_err(|errno| Error::Process("turn core dumps off", errno))?;
    lower(Resource::RLIMIT_NOFILE, DESCRIPTORS).map_err(|errno| Error::Process("limit descriptors", errno))?;
    if let Some(bytes) = plan.file_size_limit {
        lower(Resource::RLIMIT_FSIZE, bytes).map_err(|errno| Error::Process("limit the size of files", errno))?;
    }
    if let Some(bytes) = plan.memory_limit {
        lower(Resource::RLIMIT_DATA, bytes).map_err(|errno| Error::Process("limit memory", errno))?;
    }
    Ok(())
}

fn lower(resource: Resource, limit: u64) -> nix::Result<()> {
    let (_, most) = getrlimit(resource)?;
    let limit = limit.min(most);
    setrlimit(resource, limit, limit)
}

/// Makes all descriptors except the first three and `keep` close at the next `exec`.
pub(super) fn close_at_exec(keep: &[BorrowedFd<'_>]) -> Result<(), Error> {
    sys::close_at_exec_from_3()
        // Linux before 5.11, or a system call filter that does not know close_range(2).
        .or_else(|_| close_listed_at_exec())
        .and_then(|()| keep.iter().try_for_each(|kept| fcntl(kept, FcntlArg::F_SETFD(FdFlag::empty())).map(drop)))
        .map_err(|errno| Error::Process("close inherited descriptors", errno))
}

fn close_listed_at_exec() -> nix::Result<()> {
    let from = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
    for entry in std::fs::read_dir("/proc/self/fd").map_err(from)? {
        let name = entry.map_err(from)?.file_name();
        match name.to_str().and_then(|name| name.parse().ok()) {
            Some(descriptor) if descriptor > 2 => sys::close_at_exec(descriptor)?,
            Some(_) | None => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn an_inherited_descriptor_closes_at_exec_unless_it_is_kept() {
        for close in [close_listed_at_exec, || close_at_exec(&[]).map_err(|_| Errno::EIO)] {
            let [inherited, kept] = [(); 2].map(|()| nix::unistd::dup(std::io::stderr()).expect("a descriptor"));
            let flags = |of: &std::os::fd::OwnedFd| fcntl(of, FcntlArg::F_GETFD).map(FdFlag::from_bits_truncate);
            assert_eq!(flags(&inherited), Ok(FdFlag::empty()));
            close().expect("close");
            assert_eq!(flags(&inherited), Ok(FdFlag::FD_CLOEXEC));
            close_at_exec(&[kept.as_fd()]).expect("close");
            assert_eq!(flags(&kept), Ok(FdFlag::empty()));
            // git's three streams.
            let flags = |of: std::os::fd::BorrowedFd<'_>| fcntl(of, FcntlArg::F_GETFD);
            let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
            assert_eq!([stdin.as_fd(), stdout.as_fd(), stderr.as_fd()].map(flags), [Ok(0); 3]);
        }
    }
}
