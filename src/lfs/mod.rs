//! Git LFS inside SSH: the protocol of `git-lfs-transfer`, spoken with every client since git-lfs 3.0.
//!
//! What enters is a peer's stream, and a [`Session`] that says what the peer may do and where things are kept; what
//! leaves is the answers and a [`Summary`] for the log. Streams, clock, store, locks and policy are handed in, so that a
//! whole exchange is a string of bytes in a test. Nothing here knows the hub's database, configuration or sandbox.
//!
//! May not happen here: a path made of anything but a checked [`Oid`]; an object taken in without its bytes having been
//! hashed; a command of uploads in a session for downloads; an answer before its request has been read to the end.

mod batch;
mod forgotten;
mod hash;
mod locking;
mod locks;
mod oid;
mod packet;
mod protocol;
mod reply;
mod request;
mod standalone;
mod stdio;
mod storage;
mod transfer;
mod verified;

use std::error::Error;

use crate::message::Status;
use crate::request::Operation;

pub use forgotten::{Group, GroupId};
pub(crate) use locks::FileLocks;
pub use locks::{
    BadHolderId, BadLockId, BadLockPath, Filter, Holder, HolderId, Lock, LockId, LockPath, Locking, Locks, MemoryLocks,
};
pub use oid::{BadOid, Oid};
pub use packet::{Broken, Input, Plain, Waiting};
pub use protocol::serve;
pub use reply::Refusal;
pub use standalone::serve_directory;
pub use stdio::{Interruption, Patience, Stdin, Streams, stdout};
pub use storage::{LocalStore, Object, Options, Staged, Store};
pub use verified::Verified;

/// Something of ours that failed, for the operator.
pub type Fault = Box<dyn Error + Send + Sync>;

/// For what a session asks again whether it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// To learn what is stored, and to send or fetch what is listed: the session's operation says which.
    Batch,
    /// To store an object.
    Put,
    /// To lock a path.
    Lock,
    /// To remove a lock.
    Unlock,
}

/// Decides what a peer may do, at the moment when it is about to.
pub trait Policy {
    /// Whether the peer may still do this. A session asks at each batch, put, lock and unlock, so that a right that is
    /// withdrawn ends with the next of them. A refusal is what the peer is told.
    ///
    /// # Errors
    /// What failed, so that nobody knows.
    fn permit(&mut self, ask: Ask) -> Result<Result<(), Refusal>, Fault>;

    /// Whether so many more bytes may be stored: quotas. Asked at a batch for all objects that are missing, and again
    /// for each as it comes.
    ///
    /// # Errors
    /// What the peer is told, 507 by custom.
    fn admit(&mut self, bytes: u64) -> Result<(), Refusal>;

    /// Whether the peer may remove the locks of others.
    fn may_break_locks(&mut self) -> bool;
}

/// What no peer may exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest object, in bytes.
    pub object_size: Option<u64>,
    /// How many objects a batch may list. Clients list 100.
    pub batch_objects: usize,
    /// How many bytes stay free on the disk.
    pub reserve: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { object_size: None, batch_objects: 10_000, reserve: 16 * 1024 * 1024 }
    }
}

/// What one session may do, and with what.
pub struct Session<'a> {
    /// For what sshd started it. Commands of the other direction are refused.
    pub operation: Operation,
    /// Where the session is refused: every command is answered with this, so that the peer reads it after one session.
    pub refusal: Option<Refusal>,
    /// Decides again at each step.
    pub policy: &'a mut dyn Policy,
    /// The objects.
    pub store: &'a mut dyn Store,
    /// The locks.
    pub locks: &'a mut dyn Locks,
    /// Bounds.
    pub limits: Limits,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> i64,
    /// What the peer reads where something of ours failed: one fixed sentence with a reference.
    pub fault_sentence: &'a str,
    /// Hears what failed: for the log.
    pub on_fault: &'a mut dyn FnMut(&(dyn Error + 'static)),
}

/// How a session ended.
#[derive(Debug)]
pub enum Ending {
    /// The client said `quit`.
    Quit,
    /// The input ended between two requests: the client is gone, or the session was told to go.
    End,
    /// The stream cannot be told apart any more, or failed.
    Broken(Broken),
}

impl Ending {
    /// How the process ends that served the session.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Quit | Self::End => Status::Done,
            Self::Broken(_) => Status::Refused,
        }
    }
}

/// What a session came to, for the log.
#[derive(Debug)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// How many objects were stored, and their bytes.
    pub stored: (u64, u64),
    /// How many objects were sent, and their bytes.
    pub sent: (u64, u64),
    /// How many requests were refused.
    pub refused: u64,
    /// The last of them.
    pub refusal: Option<Refusal>,
    /// How many requests met a fault of ours.
    pub faults: u64,
}

impl Summary {
    fn count_refusal(&mut self, refusal: &Refusal) {
        self.refused += 1;
        self.refusal = Some(refusal.clone());
    }
}

#[cfg(test)]
mod tests;
