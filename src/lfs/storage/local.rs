//! Objects in the repository's directory: `lfs/objects/aa/bb/OID`, the layout of git-lfs itself.
//!
//! An open directory enters. No name and no link in it leads outside. An object is written to a file without a name, or
//! to a file in `lfs/incomplete` if the file system has no unnamed files. It gets its name after all its bytes are
//! checked and on disk.

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

/// The age from which a partial file is removed if its writer has gone.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// For files of this size or more, the kernel learns that they are read from start to end.
const LARGE: u64 = 1024 * 1024;

/// The objects in the directory of a repository.
#[derive(Debug)]
pub struct LocalStore {
    layout: Layout,
    /// How files get their names in this directory, after the first try.
    naming: Option<Naming>,
    /// Whether old partial files were removed already.
    swept: bool,
}

impl LocalStore {
    /// The store of a repository, given by its open directory. It creates nothing before an object comes.
    ///
    /// # Errors
    /// `lfs` is not a directory or cannot be opened.
    pub fn open(repository: BorrowedFd<'_>, options: Options) -> io::Result<Self> {
        Ok(Self { layout: Layout::open(repository, options)?, naming: None, swept: false })
    }

    /// Removes partial files of at least this age whose writers have gone. Returns their names.
    ///
    /// # Errors
    /// The directory cannot be read. Files that cannot be removed are skipped.
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

    /// The same store, with this way to name files, without trying it.
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
            // The advice is optional.
            let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
        }
        Ok(Some(Object { size, bytes: Box::new(file) }))
    }

    fn prepare(&mut self, oids: &[Oid]) -> io::Result<()> {
        self.layout.prepare(oids.iter().map(Place::of))
    }

    fn stage(&mut self, oid: &Oid, _: u64) -> io::Result<Box<dyn Staged + '_>> {
        let incomplete = self.layout.incomplete()?;
        let naming = match self.naming {
            Some(naming) => naming,
            None => Naming::usable_in(&incomplete)?,
        };
        self.naming = Some(naming);
        if naming == Naming::Rename && !std::mem::replace(&mut self.swept, true) {
            // Other sessions' partial files may fail to be removed. That must not fail this object.
            let _ = self.sweep(STALE);
        }
        Ok(Box::new(LocalStaged::new(&self.layout, incomplete, naming, oid)?))
    }

    fn free(&mut self) -> io::Result<Option<u64>> {
        let space = fstatvfs(self.layout.repository.as_fd())?;
        Ok(Some(space.blocks_available().saturating_mul(space.fragment_size())))
    }
}

/// Whether a partial file is old and no process has its lock.
fn is_stale(incomplete: &Directory, name: &str, age: Duration) -> io::Result<bool> {
    let Some((file, _)) = incomplete.read(name)? else { return Ok(false) };
    let modified = file.metadata()?.modified()?;
    let is_old = SystemTime::now().duration_since(modified).is_ok_and(|since| since >= age);
    Ok(is_old && Flock::lock(OwnedFd::from(file), FlockArg::LockExclusiveNonblock).is_ok())
}
