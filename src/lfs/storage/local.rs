//! Objects in the repository's own directory: `lfs/objects/aa/bb/OID`, as git-lfs itself lays them out.
//!
//! What enters is an open directory; nothing outside it is reached, whatever names and links lie in it. An object is
//! written to a file without a name, or, where the file system has none, to one in `lfs/incomplete`, and gets its own
//! name when all of it is right and on disk.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, SystemTime};

use nix::dir::Dir;
use nix::fcntl::{Flock, FlockArg, PosixFadviseAdvice, posix_fadvise};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::directory::Directory;
use super::layout::{Layout, Options};
use super::place::Place;
use super::staging::{LocalStaged, Naming};
use super::{Object, Staged, Store};
use crate::lfs::oid::Oid;

/// How old a partial file is before anybody takes it away whose writer is gone.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// From this size on the kernel is told that a file is read from end to end.
const LARGE: u64 = 1024 * 1024;

/// The objects in the directory of a repository.
#[derive(Debug)]
pub struct LocalStore {
    layout: Layout,
    /// How files get their names here, once that was tried.
    naming: Option<Naming>,
    /// Whether old partial files have been looked for.
    swept: bool,
}

impl LocalStore {
    /// The store of a repository, given by its open directory. Nothing is made before an object comes.
    ///
    /// # Errors
    /// Where there is an `lfs` that is no directory or cannot be opened.
    pub fn open(repository: BorrowedFd<'_>, options: Options) -> io::Result<Self> {
        Ok(Self { layout: Layout::open(repository, options)?, naming: None, swept: false })
    }

    /// Removes partial files that are at least this old and whose writers are gone; returns their names.
    ///
    /// # Errors
    /// Where the directory cannot be read. A file that cannot be removed is passed over.
    pub fn sweep(&self, age: Duration) -> io::Result<Vec<String>> {
        let mut removed = Vec::new();
        let lfs = self.layout.repository.open("lfs")?;
        let Some(incomplete) = lfs.map(|lfs| lfs.open("incomplete")).transpose()?.flatten() else {
            return Ok(removed);
        };
        for entry in Dir::from_fd(incomplete.as_fd().try_clone_to_owned()?)?.iter() {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().ok().filter(|name| !name.starts_with('.')) else { continue };
            if is_stale(&incomplete, name, age).unwrap_or(false)
                && unlinkat(incomplete.as_fd(), name, UnlinkatFlags::NoRemoveDir).is_ok()
            {
                removed.push(name.to_owned());
            }
        }
        Ok(removed)
    }

    /// The same store, where files get their names in this way, tried or not.
    pub(in crate::lfs) fn naming(mut self, naming: Naming) -> Self {
        self.naming = Some(naming);
        self
    }
}

impl Store for LocalStore {
    fn size(&mut self, oid: &Oid) -> io::Result<Option<u64>> {
        let place = Place::of(oid);
        Ok(self.layout.parent(&place)?.map(|parent| parent.size(place.name())).transpose()?.flatten())
    }

    fn open(&mut self, oid: &Oid) -> io::Result<Option<Object>> {
        let place = Place::of(oid);
        let Some(parent) = self.layout.parent(&place)? else { return Ok(None) };
        let Some((file, size)) = parent.read(place.name())? else { return Ok(None) };
        if size >= LARGE {
            // Advice: an object can be read without it.
            let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
        }
        Ok(Some(Object { size, bytes: Box::new(file) }))
    }

    fn stage(&mut self, oid: &Oid, _: u64) -> io::Result<Box<dyn Staged + '_>> {
        let incomplete = self.layout.incomplete()?;
        let naming = match self.naming {
            Some(naming) => naming,
            None => Naming::usable_in(&incomplete)?,
        };
        self.naming = Some(naming);
        if naming == Naming::Rename && !std::mem::replace(&mut self.swept, true) {
            // Others' partial files can lie here; that they cannot be taken away is not this object's fault.
            let _ = self.sweep(STALE);
        }
        Ok(Box::new(LocalStaged::new(&self.layout, incomplete, naming, oid)?))
    }

    fn free(&mut self) -> io::Result<Option<u64>> {
        let space = fstatvfs(self.layout.repository.as_fd())?;
        Ok(Some(space.blocks_available().saturating_mul(space.fragment_size())))
    }
}

/// Whether a partial file is old, and nobody holds its lock.
fn is_stale(incomplete: &Directory, name: &str, age: Duration) -> io::Result<bool> {
    let Some((file, _)) = incomplete.read(name)? else { return Ok(false) };
    let modified = file.metadata()?.modified()?;
    let is_old = SystemTime::now().duration_since(modified).is_ok_and(|since| since >= age);
    Ok(is_old && Flock::lock(OwnedFd::from(file), FlockArg::LockExclusiveNonblock).is_ok())
}
