//! Directories by descriptor: each name is opened alone, and no link is followed.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};

/// The umask decides about modes, as in git.
const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o777);

/// An open directory.
#[derive(Debug)]
pub(in crate::lfs) struct Directory(OwnedFd);

impl Directory {
    /// A second descriptor of it.
    pub(in crate::lfs) fn of(descriptor: BorrowedFd<'_>) -> io::Result<Self> {
        descriptor.try_clone_to_owned().map(Self)
    }

    /// Opens a directory in it; `None` if there is none with that name.
    pub(in crate::lfs) fn open(&self, name: &str) -> io::Result<Option<Self>> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        match openat(&self.0, name, flags, Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self(descriptor))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a directory in it, or creates it. The second result is whether it was created.
    pub(in crate::lfs) fn open_or_make(&self, name: &str) -> io::Result<(Self, bool)> {
        if let Some(directory) = self.open(name)? {
            return Ok((directory, false));
        }
        let made = match mkdirat(&self.0, name, DIRECTORY_MODE) {
            Ok(()) => true,
            // Another session created it at the same time.
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(errno.into()),
        };
        let directory = self.open(name)?.ok_or(Errno::ENOENT)?;
        Ok((directory, made))
    }

    /// Opens a regular file in it for reading.
    pub(in crate::lfs) fn read(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        // The open call must not wait for a planted pipe or device.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        let file = match openat(&self.0, name, flags, Mode::empty()) {
            Ok(descriptor) => File::from(descriptor),
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        Ok(regular_size(&fstat(&file)?).map(|size| (file, size)))
    }

    /// The length of the regular file with that name; `None` if there is none.
    pub(super) fn size(&self, name: &str) -> io::Result<Option<u64>> {
        match fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(regular_size(&stat)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until its entries are on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        nix::unistd::fsync(&self.0).map_err(io::Error::from)
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn regular_size(stat: &FileStat) -> Option<u64> {
    let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFREG { u64::try_from(stat.st_size).ok() } else { None }
}
