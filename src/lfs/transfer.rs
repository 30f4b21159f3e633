//! `put-object`, `verify-object` and `get-object`.

use std::io::{self, ErrorKind, Write};

use super::Stored;
use super::batch::no_space;
use super::hash::Hashing;
use super::oid::Oid;
use super::packet::{Block, Input, PacketReader};
use super::protocol::{Stop, Talk, broken};
use super::reply::{Refusal, status};
use super::request::Arguments;
use super::storage::Staged;
use super::verified::{Mismatch, Verified};

/// The result of reading all bytes of an object.
type Received = Result<Result<Verified, Mismatch>, io::Error>;

impl<I: Input, W: Write> Talk<'_, '_, I, W> {
    pub(super) fn put(&mut self, oid: Oid, arguments: &Arguments) -> Result<(), Stop> {
        let size = arguments.size()?.ok_or_else(|| Refusal::bad_request("put-object needs the argument size"))?;
        self.check_size(&oid, size)?;
        let is_new = self.session.store.size(&oid).map_err(|error| Stop::Fault(error.into()))? != Some(size);
        if is_new {
            self.check_disk(size)?;
            let reserved = self.session.policy.reserve(size).map_err(Stop::Fault)?;
            reserved.map_err(Refusal::for_put)?;
        }
        let (stored, received) = match self.receive_object(oid, size) {
            Ok(replaced) => (Stored::Yes { bytes: size, replaced: replaced.unwrap_or(0) }, Ok(())),
            Err((stored, stop)) => (stored, Err(stop)),
        };
        if is_new {
            // The object is stored or not, whether this succeeds or not.
            self.session.policy.settle(stored).unwrap_or_else(|fault| {
                self.summary.faults += 1;
                (self.session.on_fault)(fault.as_ref());
            });
        }
        received?;
        self.summary.stored.0 += 1;
        self.summary.stored.1 += size;
        self.begin(status::OK, &[]).map_err(broken)?;
        self.writer.finish().map_err(broken)
    }

    /// Reads an object's bytes and stores them. Returns the size of the file that they replaced.
    fn receive_object(&mut self, oid: Oid, size: u64) -> Result<Option<u64>, (Stored, Stop)> {
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Stop::Refused(no_space(size)),
            ErrorKind::FileTooLarge => Stop::Refused(Refusal::new(
                status::TOO_LARGE,
                format!("the object {oid} is larger than this server can store"),
            )),
            _ => Stop::Fault(error.into()),
        };
        let unstored = |stop| (Stored::No, stop);
        let mut staged = self.session.store.stage(&oid, size).map_err(failed).map_err(unstored)?;
        let received = if self.open {
            let block = self.spare.take().unwrap_or_else(Block::new);
            let received = receive(&mut self.reader, block, staged.as_mut(), oid, size);
            let (received, spare) = received.map_err(broken).map_err(unstored)?;
            self.open = false;
            self.spare = spare;
            received
        } else {
            // No data packet: this is the empty object, or a mistake.
            Hashing::new(0).finish(oid, size)
        };
        let verified = received.map_err(failed).and_then(|verified| verified.map_err(mismatch)).map_err(unstored)?;
        staged.commit(verified).map_err(|error| (Stored::Perhaps, failed(error)))
    }

    pub(super) fn verify(&mut self, oid: &Oid, arguments: &Arguments) -> Result<(), Stop> {
        let size = arguments.size()?.ok_or_else(|| Refusal::bad_request("verify-object needs the argument size"))?;
        match self.session.store.size(oid).map_err(|error| Stop::Fault(error.into()))? {
            None => Err(not_stored(oid).into()),
            Some(stored) if stored != size => {
                Err(Refusal::conflict(format!("the object {oid} is stored with {stored} bytes, not {size}")).into())
            }
            Some(_) => {
                self.begin(status::OK, &[]).map_err(broken)?;
                self.writer.finish().map_err(broken)
            }
        }
    }

    pub(super) fn get(&mut self, oid: &Oid, arguments: &Arguments) -> Result<(), Stop> {
        let size = arguments.size()?;
        let object = self.session.store.open(oid).map_err(|error| Stop::Fault(error.into()))?;
        // As in a batch, an object of another size counts as missing.
        let object = object.filter(|object| size.is_none_or(|size| size == object.size));
        let mut object = object.ok_or_else(|| not_stored(oid))?;
        self.begin(status::OK, &[("size", &object.size)]).map_err(broken)?;
        self.writer.delimiter();
        let sent = self.writer.finish_with(object.bytes.as_mut(), object.size);
        let (bytes, error) = sent.map_err(broken)?;
        self.summary.sent.0 += 1;
        self.summary.sent.1 += bytes;
        if bytes < object.size {
            // The client expects more bytes, and detects the difference by the hash.
            self.summary.faults += 1;
            let error = error.unwrap_or_else(|| io::Error::new(ErrorKind::UnexpectedEof, "an object was cut short"));
            (self.session.on_fault)(&error);
        }
        Ok(())
    }
}

/// Reads an object's bytes to their end. They are stored as long as they can be the announced object.
fn receive<I: Input>(
    reader: &mut PacketReader<I>,
    mut block: Block,
    staged: &mut dyn Staged,
    oid: Oid,
    size: u64,
) -> Result<(Received, Option<Block>), super::Broken> {
    let mut hashing = Hashing::new(size);
    let mut left = 0;
    loop {
        block = reader.block(block, &mut left)?;
        let (came, last) = (hashing.size() + block.len(), block.is_last());
        if came > size {
            // The rest is not stored.
            let more = if last { 0 } else { rest(reader, left)? };
            return Ok((Ok(Err(Mismatch::Size { oid, announced: size, came: came + more })), Some(block)));
        }
        match hashing.take(block, staged) {
            Err(error) => {
                if !last {
                    rest(reader, left)?;
                }
                return Ok((Err(error), None));
            }
            Ok(spare) if last => return Ok((hashing.finish(oid, size), Some(spare))),
            Ok(spare) => block = spare,
        }
    }
}

/// Skips the rest of an object; `left` bytes of its current packet are still to come.
fn rest<I: Input>(reader: &mut PacketReader<I>, mut left: usize) -> Result<u64, super::Broken> {
    let mut block = Block::new();
    let mut bytes = 0;
    while !block.is_last() {
        block = reader.block(block, &mut left)?;
        bytes += block.len();
    }
    Ok(bytes)
}

fn mismatch(mismatch: Mismatch) -> Stop {
    Stop::Refused(Refusal::bad_request(mismatch.to_string()))
}

fn not_stored(oid: &Oid) -> Refusal {
    Refusal::not_found(format!("the object {oid} is not stored here"))
}
