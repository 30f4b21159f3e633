//! Where objects are kept: one trait, so that a session does not know whether that is a disk or a service.

mod directory;
mod layout;
mod local;
mod place;
mod staging;

use std::io::{self, IoSlice, Read};

use super::oid::Oid;
use super::verified::Verified;

#[cfg(test)]
pub(super) use directory::Directory;
pub use layout::Options;
pub use local::LocalStore;
pub(super) use staging::Naming;

/// An object that is kept, opened to be sent.
pub struct Object {
    /// How many bytes it has.
    pub size: u64,
    /// They. Readers that fill several places at once (`read_vectored`) save the session a copy.
    pub bytes: Box<dyn Read>,
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("size", &self.size).finish_non_exhaustive()
    }
}

/// The objects of one repository.
///
/// A failure is told by an [`io::Error`]. `StorageFull`, `QuotaExceeded` and `FileTooLarge` are told to the peer;
/// every other one is a fault of ours.
pub trait Store {
    /// How many bytes an object has; `None` where it is not kept.
    ///
    /// # Errors
    /// Where that cannot be found out.
    fn size(&mut self, oid: &Oid) -> io::Result<Option<u64>>;

    /// Opens an object.
    ///
    /// # Errors
    /// Where it is kept and cannot be read.
    fn open(&mut self, oid: &Oid) -> io::Result<Option<Object>>;

    /// Begins to take an object in. It is not there for anybody until [`Staged::commit`].
    ///
    /// # Errors
    /// Where nothing can be written.
    fn stage(&mut self, oid: &Oid, size: u64) -> io::Result<Box<dyn Staged + '_>>;

    /// How many bytes can still be stored; `None` where nobody knows.
    ///
    /// # Errors
    /// Where that cannot be found out.
    fn free(&mut self) -> io::Result<Option<u64>>;
}

/// An object on its way in. Dropped, it leaves nothing behind.
pub trait Staged {
    /// Adds bytes.
    ///
    /// # Errors
    /// Where they cannot be written. Nothing may be added afterwards.
    fn write(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()>;

    /// Makes it an object of the repository, durably. An object of that name and size may have come meanwhile, which is
    /// as good; one of another size is replaced.
    ///
    /// # Errors
    /// Where it is not stored.
    fn commit(self: Box<Self>, verified: Verified) -> io::Result<()>;
}
