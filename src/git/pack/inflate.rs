//! Pieces of a pack, and what they inflate to.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use zlib_rs::{Inflate, InflateFlush, Status};

use super::error::BadPack;

/// How much is read at once, in bytes. The next object is then mostly there already.
const AHEAD: usize = 16 << 10;
/// The most compressed bytes that are read at once.
const PIECE: u64 = 256 << 10;

/// A piece of a file, and where it begins.
pub(super) struct Window<'a> {
    file: &'a File,
    bytes: Vec<u8>,
    begin: u64,
}

impl Window<'_> {
    /// So many bytes of the file, or those up to its end.
    pub(super) fn bytes(&mut self, begin: u64, length: u64) -> Result<&[u8], BadPack> {
        let length = usize::try_from(length).map_err(|_| BadPack::Format)?;
        let place = begin.checked_sub(self.begin).and_then(|place| usize::try_from(place).ok());
        let there = place.filter(|place| place.saturating_add(length) <= self.bytes.len());
        if there.is_none() {
            self.fill(begin, length.max(AHEAD))?;
        }
        let place = there.unwrap_or_default();
        let bytes = self.bytes.get(place..).unwrap_or_default();
        Ok(bytes.get(..length).unwrap_or(bytes))
    }

    fn fill(&mut self, begin: u64, length: usize) -> io::Result<()> {
        self.begin = begin;
        self.bytes.resize(length, 0);
        let mut read = 0;
        while let Some(rest) = self.bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, begin + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes.truncate(read);
        Ok(())
    }
}

/// The largest window of zlib's format (RFC 1950).
const WINDOW_BITS: u8 = 15;

/// Reads a pack, and inflates what is in it.
pub(super) struct Inflater<'a> {
    pub(super) window: Window<'a>,
    state: Inflate,
}

impl<'a> Inflater<'a> {
    pub(super) fn of(file: &'a File) -> Self {
        Self { window: Window { file, bytes: Vec::new(), begin: 0 }, state: Inflate::new(true, WINDOW_BITS) }
    }

    /// Inflates what is between two places of the file: all of its `size` bytes, or the first of them.
    pub(super) fn inflate(
        &mut self,
        (begin, end): (u64, u64),
        size: u64,
        wanted: u64,
        inflated: &mut Vec<u8>,
    ) -> Result<(), BadPack> {
        let wanted = wanted.min(size);
        inflated.clear();
        inflated.resize(usize::try_from(wanted).map_err(|_| BadPack::Format)?, 0);
        if wanted == 0 {
            return Ok(());
        }
        self.state.reset(true);
        let (mut at, mut written) = (begin, 0);
        loop {
            let left = end.checked_sub(at).ok_or(BadPack::Format)?;
            let length = left.min(PIECE).min(wanted + AHEAD as u64);
            // At once, nothing has to be kept for the next piece.
            let flush = if length == left { InflateFlush::Finish } else { InflateFlush::NoFlush };
            let (piece, rest) = (self.window.bytes(at, length)?, inflated.get_mut(written..).unwrap_or_default());
            let (is_full, before) = (rest.is_empty(), (self.state.total_in(), self.state.total_out()));
            let status = self.state.decompress(piece, rest, flush).map_err(|_| BadPack::Format)?;
            let used = self.state.total_in() - before.0;
            at += used;
            written += usize::try_from(self.state.total_out() - before.1).map_err(|_| BadPack::Format)?;
            if status == Status::StreamEnd || wanted < size && written == inflated.len() {
                break;
            }
            // Neither may a stream end early, nor have more bytes than the pack says.
            if used == 0 && (is_full || length == left) {
                return Err(BadPack::Format);
            }
        }
        if written == inflated.len() { Ok(()) } else { Err(BadPack::Format) }
    }
}
