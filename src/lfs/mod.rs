//! Git LFS inside SSH: the protocol of `git-lfs-transfer`, spoken with every client since git-lfs 3.0.
//!
//! The client's stream enters, and a [`Session`] with the policy, the store and the locks. The answers leave, and a
//! [`Summary`] for the log. The caller passes in the streams and the clock too, so a test can run a whole exchange as a
//! string of bytes. This module does not know the hub's database, configuration or sandbox.
//!
//! Four things may not happen here: a path that is not made from a checked [`Oid`], an object stored without a hash of
//! its bytes, an upload command in a download session, and an answer before the end of its request.

mod batch;
mod forgotten;
mod hash;
mod locking;
mod locks;
mod oid;
mod packet;
mod pointer;
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
    BadHolderId, BadLockId, BadLockPath, Filter, Holder, HolderId, Lock, LockId, LockLimits, LockPath, Locking, Locks,
    MemoryLocks, TooManyLocks,
};
pub use oid::{BadOid, Oid};
pub use packet::{Broken, Input, Plain, Waiting};
pub use pointer::Pointer;
pub use protocol::serve;
pub use reply::Refusal;
pub use standalone::serve_directory;
pub use stdio::{Interruption, Patience, Stdin, Streams, stdout};
pub use storage::{LocalStore, Object, Options, Staged, Store};
pub use verified::Verified;

/// A fault of the server, for the operator.
pub type Fault = Box<dyn Error + Send + Sync>;

/// The steps at which a session asks the policy again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// A list of objects to upload or to download, by the session's operation.
    Batch,
    /// To store an object.
    Put,
    /// To lock a path.
    Lock,
    /// To remove a lock.
    Unlock,
}

/// How an object ended that a client sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is stored, and replaced a file of so many bytes.
    Yes {
        /// The size of the object.
        bytes: u64,
        /// The size of the file that had its name before.
        replaced: u64,
    },
    /// It is not stored.
    No,
    /// A fault ended its last step, so it may be stored.
    Perhaps,
}

/// Decides what the client may do, at each step.
pub trait Policy {
    /// Whether the client may still do this. A session asks at each batch, put, lock and unlock, so a withdrawn right
    /// has effect from the next step on. The client reads the refusal.
    ///
    /// # Errors
    /// The policy could not decide.
    fn permit(&mut self, ask: Ask) -> Result<Result<(), Refusal>, Fault>;

    /// Whether the quotas have room for this many bytes. A session asks at a batch, for all missing objects together.
    /// The client reads the refusal, usually with status 507.
    ///
    /// # Errors
    /// The policy could not decide.
    fn admit(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault>;

    /// The same, before the client sends an object of this size. If there is room, it is the session's until
    /// [`Policy::settle`].
    ///
    /// # Errors
    /// The policy could not decide.
    fn reserve(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        self.admit(bytes)
    }

    /// Receives how the object ended for which room was reserved, however it ended.
    ///
    /// # Errors
    /// What failed. The object is stored all the same.
    fn settle(&mut self, _: Stored) -> Result<(), Fault> {
        Ok(())
    }

    /// Whether the client may remove locks of other holders.
    fn may_break_locks(&mut self) -> bool;
}

/// The limits for every client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest object, in bytes.
    pub object_size: Option<u64>,
    /// The most objects in a batch. Clients list 100.
    pub batch_objects: usize,
    /// The bytes that must stay free on the disk.
    pub reserve: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { object_size: None, batch_objects: 10_000, reserve: 16 * 1024 * 1024 }
    }
}

/// The parts of a session.
pub struct Session<'a> {
    /// The direction that the client asked for. Commands of the other direction are refused.
    pub operation: Operation,
    /// The answer to every command of a refused session. git-lfs shows it and does not try again.
    pub refusal: Option<Refusal>,
    /// Decides again at each step.
    pub policy: &'a mut dyn Policy,
    /// The objects.
    pub store: &'a mut dyn Store,
    /// The locks.
    pub locks: &'a mut dyn Locks,
    /// The limits.
    pub limits: Limits,
    /// Seconds since 1970.
    pub clock: &'a dyn Fn() -> i64,
    /// The text of a fault for the client: one fixed sentence with a reference.
    pub fault_sentence: &'a str,
    /// Receives each fault, for the log.
    pub on_fault: &'a mut dyn FnMut(&(dyn Error + 'static)),
}

/// How a session ended.
#[derive(Debug)]
pub enum Ending {
    /// The client said `quit`.
    Quit,
    /// The input ended between two requests: the client has gone, or a signal ended the session.
    End,
    /// The stream is malformed, or reading or writing failed.
    Broken(Broken),
}

impl Ending {
    /// The exit status of the process that served the session.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Quit | Self::End => Status::Done,
            Self::Broken(_) => Status::Refused,
        }
    }
}

/// The result of a session, for the log.
#[derive(Debug)]
pub struct Summary {
    /// How it ended.
    pub ending: Ending,
    /// The number of stored objects, and of their bytes.
    pub stored: (u64, u64),
    /// The number of sent objects, and of their bytes.
    pub sent: (u64, u64),
    /// The number of refused requests.
    pub refused: u64,
    /// The last refusal.
    pub refusal: Option<Refusal>,
    /// The number of requests that ended in a fault.
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
