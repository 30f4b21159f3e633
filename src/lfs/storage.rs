//! The store of objects: one trait, for a disk and for any other service.

mod directory;
mod layout;
mod local;
mod place;
mod staging;

use std::io::{self, IoSlice, Read};

use super::oid::Oid;
use super::verified::Verified;

pub(super) use directory::Directory;
pub use layout::Options;
pub use local::LocalStore;
pub(super) use staging::Naming;

/// A stored object, open for reading.
pub struct Object {
    /// The number of its bytes.
    pub size: u64,
    /// The bytes. A reader with its own `read_vectored` saves the session a copy.
    pub bytes: Box<dyn Read>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The objects of one repository.
///
/// The client reads about the errors `StorageFull`, `QuotaExceeded` and `FileTooLarge`. Every other error is a fault.
pub trait Store {
    /// The number of an object's bytes; `None` if it is not stored.
    ///
    /// # Errors
    /// The store cannot be read.
    fn size(&mut self, oid: &Oid) -> io::Result<Option<u64>>;

    /// Opens an object; `None` if it is not stored.
    ///
    /// # Errors
    /// The object is stored and cannot be read.
    fn open(&mut self, oid: &Oid) -> io::Result<Option<Object>>;

    /// Makes ready for these objects, so that storing each of them costs less. The store may do nothing.
    ///
    /// # Errors
    /// The store cannot be written.
    fn prepare(&mut self, _: &[Oid]) -> io::Result<()> {
        Ok(())
    }

    /// Begins to store an object. No session sees it before [`Staged::commit`].
    ///
    /// # Errors
    /// The store cannot be written.
    fn stage(&mut self, oid: &Oid, size: u64) -> io::Result<Box<dyn Staged + '_>>;

    /// The number of bytes that can still be stored; `None` if the store does not know.
    ///
    /// # Errors
    /// The store cannot be read.
    fn free(&mut self) -> io::Result<Option<u64>>;
}

/// An object that is being stored. Dropping it removes its bytes.
pub trait Staged {
    /// Adds bytes.
    ///
    /// # Errors
    /// They cannot be written. The caller may not add more bytes after that.
    fn write(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()>;

    /// Makes it an object of the repository, durably. It replaces what is stored under its name, because those bytes
    /// may have changed since they were verified. Returns the size of what it replaced.
    ///
    /// # Errors
    /// The object is not stored, or not durably.
    fn commit(self: Box<Self>, verified: Verified) -> io::Result<Option<u64>>;
}
