//! The hash of incoming bytes. Large objects are hashed in a thread.
//!
//! The session hashes every object, even one that is stored already. So a client must have an object's bytes to add it.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use super::oid::Oid;
use super::packet::Block;
use super::storage::Staged;
use super::verified::{Mismatch, Verified};

/// Objects of this size or more are hashed in a thread, while the session reads and writes.
pub(super) const BESIDE: u64 = 4 * 1024 * 1024;
/// The number of blocks between the session and the thread. A session has no other bytes of an object in memory.
const BLOCKS: usize = 5;

/// A hash that is not finished yet.
pub(super) struct Hashing {
    worker: Worker,
    size: u64,
}

enum Worker {
    Here(Sha256),
    Beside { thread: JoinHandle<Sha256>, to: Sender<Arc<Block>>, from: Receiver<Arc<Block>>, blocks: usize },
}

impl Hashing {
    /// Starts a hash; `size` is the size that the client announced.
    pub(super) fn new(size: u64) -> Self {
        let worker = if size >= BESIDE { Worker::beside() } else { None };
        Self { worker: worker.unwrap_or_else(|| Worker::Here(Sha256::new())), size: 0 }
    }

    /// Hashes a block and writes it. Returns a block to fill.
    pub(super) fn take(&mut self, block: Block, staged: &mut dyn Staged) -> io::Result<Block> {
        self.size += block.len();
        match &mut self.worker {
            Worker::Here(hash) => {
                block.pieces().for_each(|piece| hash.update(piece));
                write(&block, staged)?;
                Ok(block)
            }
            Worker::Beside { to, from, blocks, .. } => {
                let block = Arc::new(block);
                to.send(Arc::clone(&block)).map_err(|_| io::Error::other("the hashing thread is gone"))?;
                write(&block, staged)?;
                drop(block);
                if *blocks < BLOCKS {
                    *blocks += 1;
                    return Ok(Block::new());
                }
                let done = from.recv().map_err(|_| io::Error::other("the hashing thread is gone"))?;
                // The session's reference was dropped above, before the block could come back.
                Ok(Arc::into_inner(done).unwrap_or_else(Block::new))
            }
        }
    }

    /// Compares the bytes with what the client announced.
    pub(super) fn finish(self, oid: Oid, announced: u64) -> io::Result<Result<Verified, Mismatch>> {
        let hash = match self.worker {
            Worker::Here(hash) => hash,
            Worker::Beside { thread, to, .. } => {
                drop(to);
                thread.join().map_err(|_| io::Error::other("the hashing thread panicked"))?
            }
        };
        Ok(Verified::check((oid, announced), (Oid::of_hash(hash), self.size)))
    }

    /// The number of bytes so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

impl Worker {
    /// Starts a thread that hashes blocks and returns them. `None` if the system refuses a thread, as at a limit of
    /// processes.
    fn beside() -> Option<Self> {
        let (to, blocks) = channel::<Arc<Block>>();
        let (done, from) = channel();
        let hash = move || {
            let mut hash = Sha256::new();
            for block in blocks {
                block.pieces().for_each(|piece| hash.update(piece));
                // The session may have stopped waiting for blocks.
                let _ = done.send(block);
            }
            hash
        };
        let thread = std::thread::Builder::new().name("hash".to_owned()).stack_size(64 * 1024).spawn(hash).ok()?;
        Some(Self::Beside { thread, to, from, blocks: 1 })
    }
}

fn write(block: &Block, staged: &mut dyn Staged) -> io::Result<()> {
    let mut pieces: Vec<IoSlice<'_>> = block.pieces().map(IoSlice::new).collect();
    staged.write(&mut pieces)
}
