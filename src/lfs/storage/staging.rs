//! An object that is being stored in a local store.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg, OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::Staged;
use super::directory::Directory;
use super::layout::Layout;
use super::place::Place;
use crate::lfs::oid::Oid;
use crate::lfs::packet::write_all;
use crate::lfs::verified::Verified;

/// Objects never change.
const OBJECT_MODE: Mode = Mode::from_bits_truncate(0o444);

/// How a finished file gets its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lfs) enum Naming {
    /// By its descriptor. Since Linux 6.10, a process may do this for a file that it opened; before, it needs a
    /// capability.
    Descriptor,
    /// By its descriptor's link in `/proc`, which a process can follow without read access there.
    Proc,
    /// It has a name in `lfs/incomplete` from the start, and is renamed.
    Rename,
}

impl Naming {
    /// The best way that works in this directory. Kernel, file system and sandbox decide which ways work, so each is
    /// tried.
    pub(in crate::lfs) fn usable_in(incomplete: &Directory) -> io::Result<Self> {
        let Some(file) = nameless(incomplete)? else { return Ok(Self::Rename) };
        let name = random_name("probe")?;
        for naming in [Self::Descriptor, Self::Proc] {
            if naming.link(&file, incomplete, &name).is_ok() {
                unlinkat(incomplete.as_fd(), name.as_str(), UnlinkatFlags::NoRemoveDir)?;
                return Ok(naming);
            }
        }
        Ok(Self::Rename)
    }

    /// Names a file that has no name.
    fn link(self, file: &File, directory: &Directory, name: &str) -> Result<(), Errno> {
        match self {
            Self::Descriptor => linkat(file, "", directory, name, AtFlags::AT_EMPTY_PATH),
            Self::Proc => {
                let link = format!("/proc/self/fd/{}", file.as_raw_fd());
                linkat(AT_FDCWD, link.as_str(), directory, name, AtFlags::AT_SYMLINK_FOLLOW)
            }
            Self::Rename => Err(Errno::EINVAL),
        }
    }
}

/// A file without a name, which disappears with this process; `None` if the file system has no such files.
fn nameless(directory: &Directory) -> io::Result<Option<File>> {
    match openat(directory, ".", OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, OBJECT_MODE) {
        Ok(descriptor) => Ok(Some(descriptor.into())),
        // The error for this differs by file system. An error with another cause comes again below.
        Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL | Errno::ENOENT | Errno::EPERM | Errno::ENOSYS) => {
            Ok(None)
        }
        Err(errno) => Err(errno.into()),
    }
}

fn random_name(of: impl std::fmt::Display) -> io::Result<String> {
    Ok(format!("{of}.{:016x}", u64::from_ne_bytes(crate::random::bytes()?)))
}

/// A name in `lfs/incomplete`. Dropping the value removes it.
#[derive(Debug)]
struct Partial {
    directory: Directory,
    name: String,
    /// Shows that the writer is alive when old partial files are removed. Not every file system has locks.
    lock: Option<Flock<File>>,
}

impl Drop for Partial {
    fn drop(&mut self) {
        drop(self.lock.take());
        // After a rename, there is nothing to remove.
        let _ = unlinkat(self.directory.as_fd(), self.name.as_str(), UnlinkatFlags::NoRemoveDir);
    }
}

/// An object that is being stored.
pub(super) struct LocalStaged<'a> {
    layout: &'a Layout,
    oid: Oid,
    incomplete: Directory,
    naming: Naming,
    file: File,
    partial: Option<Partial>,
}

impl<'a> LocalStaged<'a> {
    pub(super) fn new(layout: &'a Layout, incomplete: Directory, naming: Naming, oid: &Oid) -> io::Result<Self> {
        let (file, partial) = match naming {
            Naming::Descriptor | Naming::Proc => (nameless(&incomplete)?.ok_or(io::ErrorKind::Unsupported)?, None),
            Naming::Rename => {
                let name = random_name(oid)?;
                let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                let file = File::from(openat(&incomplete, name.as_str(), flags, OBJECT_MODE)?);
                let mut partial = Partial { directory: Directory::of(incomplete.as_fd())?, name, lock: None };
                partial.lock = Flock::lock(file.try_clone()?, FlockArg::LockExclusiveNonblock).ok();
                (file, Some(partial))
            }
        };
        Ok(Self { layout, oid: *oid, incomplete, naming, file, partial })
    }

    /// Names the file. It replaces what has the name already, such as a truncated or corrupt object.
    fn put(&mut self, parent: &Directory, place: &Place) -> io::Result<Option<u64>> {
        let partial = if let Some(partial) = self.partial.take() {
            partial
        } else {
            match self.naming.link(&self.file, parent, place.name()) {
                Err(Errno::EEXIST) => {}
                linked => return linked.map(|()| None).map_err(io::Error::from),
            }
            // Only a rename replaces a file.
            let name = random_name(self.oid)?;
            let directory = Directory::of(self.incomplete.as_fd())?;
            self.naming.link(&self.file, &directory, &name)?;
            Partial { directory, name, lock: None }
        };
        let replaced = parent.size(place.name())?;
        renameat(&partial.directory, partial.name.as_str(), parent, place.name())?;
        Ok(replaced)
    }
}

impl Staged for LocalStaged<'_> {
    fn write(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        write_all(&mut self.file, pieces)
    }

    fn commit(mut self: Box<Self>, verified: Verified) -> io::Result<Option<u64>> {
        if *verified.oid() != self.oid {
            return Err(io::Error::other("bytes of another object were verified"));
        }
        let fsync = self.layout.options.fsync;
        if fsync {
            self.file.sync_data()?;
        }
        let place = Place::of(&self.oid);
        let (parent, above) = self.layout.make_parent(&place)?;
        let replaced = self.put(&parent, &place)?;
        if fsync {
            parent.sync()?;
            above.iter().try_for_each(Directory::sync)?;
        }
        Ok(replaced)
    }
}
