//! Packets from the client: one at a time, or in blocks for an object's bytes.

use std::ops::Range;

use super::{Broken, Header, Input, LENGTH, Packet, Waiting};

/// How much is read at once.
const BUFFER: usize = 256 * 1024;
/// A block is full when it has less free space than this.
const ROOM: usize = 32 * 1024;
/// The most pieces in a block. Clients send pieces of 32 KiB; a hostile client may send single bytes.
const PIECES: usize = 1024;

/// Bytes of an object in the input's buffer: pieces between lengths.
#[derive(Debug)]
pub(in super::super) struct Block {
    bytes: Vec<u8>,
    pieces: Vec<Range<usize>>,
    last: bool,
}

impl Block {
    /// An empty block.
    pub(in super::super) fn new() -> Self {
        Self { bytes: vec![0; BUFFER], pieces: Vec::new(), last: false }
    }

    /// The pieces in their order; none is empty.
    pub(in super::super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().filter_map(|piece| self.bytes.get(piece.clone()))
    }

    /// The number of bytes of the object.
    pub(in super::super) fn len(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    /// Whether the request ends with it.
    pub(in super::super) fn is_last(&self) -> bool {
        self.last
    }
}

/// Splits an input into packets.
#[derive(Debug)]
pub(in super::super) struct PacketReader<I> {
    input: I,
    buffer: Vec<u8>,
    /// The part of the buffer that was read and not yet returned.
    start: usize,
    end: usize,
}

impl<I: Input> PacketReader<I> {
    pub(in super::super) fn new(input: I) -> Self {
        Self { input, buffer: vec![0; BUFFER], start: 0, end: 0 }
    }

    /// The next packet; `None` if the input ends before it. `waiting` applies to its first byte.
    pub(in super::super) fn packet(&mut self, waiting: Waiting) -> Result<Option<Packet<'_>>, Broken> {
        if !self.fill(LENGTH, waiting)? {
            return if self.start == self.end { Ok(None) } else { Err(Broken::Cut) };
        }
        match self.header(self.start)?.ok_or(Broken::Cut)? {
            Header::Flush => {
                self.start += LENGTH;
                Ok(Some(Packet::Flush))
            }
            Header::Delimiter => {
                self.start += LENGTH;
                Ok(Some(Packet::Delimiter))
            }
            Header::Data(length) => {
                if !self.fill(LENGTH + length, Waiting::Rest)? {
                    return Err(Broken::Cut);
                }
                let from = self.start + LENGTH;
                self.start = from + length;
                Ok(Some(Packet::Data(self.buffer.get(from..self.start).unwrap_or_default())))
            }
        }
    }

    /// The next bytes of an object: as many as the input has ready, up to a full block. The caller passes in a block to
    /// reuse. `left` is the number of bytes of the current packet that are still to come, at first 0.
    pub(in super::super) fn block(&mut self, mut spare: Block, left: &mut usize) -> Result<Block, Broken> {
        spare.pieces.clear();
        spare.last = false;
        let mut at = self.start;
        loop {
            at = self.cut(at, left, &mut spare)?;
            if spare.last || spare.pieces.len() >= PIECES || self.buffer.len() - self.end < ROOM {
                break;
            }
            if self.read(Waiting::Rest)? == 0 {
                return Err(Broken::Cut);
            }
        }
        // Bytes after the block move to the next buffer: part of a length, or the next request.
        let tail = self.buffer.get(at..self.end).unwrap_or_default();
        let rest = tail.len();
        if let Some(front) = spare.bytes.get_mut(..rest) {
            front.copy_from_slice(tail);
        }
        std::mem::swap(&mut self.buffer, &mut spare.bytes);
        (self.start, self.end) = (0, rest);
        Ok(spare)
    }

    /// Skips the rest of a request. Returns the number of its data's bytes.
    pub(in super::super) fn drain(&mut self) -> Result<u64, Broken> {
        let mut bytes = 0;
        loop {
            match self.packet(Waiting::Rest)? {
                Some(Packet::Flush) => return Ok(bytes),
                Some(Packet::Data(data)) => bytes += data.len() as u64,
                Some(Packet::Delimiter) => return Err(Broken::Delimiter),
                None => return Err(Broken::Cut),
            }
        }
    }

    /// Splits the bytes from `at` on into pieces. Returns the position after them.
    fn cut(&self, mut at: usize, left: &mut usize, block: &mut Block) -> Result<usize, Broken> {
        while at < self.end && block.pieces.len() < PIECES {
            if *left > 0 {
                let end = self.end.min(at + *left);
                block.pieces.push(at..end);
                *left -= end - at;
                at = end;
                continue;
            }
            match self.header(at)? {
                None => break,
                Some(Header::Data(length)) => *left = length,
                Some(Header::Flush) => block.last = true,
                Some(Header::Delimiter) => return Err(Broken::Delimiter),
            }
            at += LENGTH;
            if block.last {
                break;
            }
        }
        Ok(at)
    }

    /// The length at `at`, if all its digits have been read.
    fn header(&self, at: usize) -> Result<Option<Header>, Broken> {
        let digits = self.buffer.get(at..self.end).and_then(<[u8]>::first_chunk);
        digits.copied().map(Header::parse).transpose()
    }

    /// Reads until the buffer has `length` bytes; `false` if the input ends before.
    fn fill(&mut self, length: usize, mut waiting: Waiting) -> Result<bool, Broken> {
        while self.end - self.start < length {
            if self.start == self.end {
                (self.start, self.end) = (0, 0);
            } else if self.buffer.len() - self.start < length {
                self.buffer.copy_within(self.start..self.end, 0);
                (self.start, self.end) = (0, self.end - self.start);
            }
            // After the first byte of a packet, the rest must come soon.
            if self.start != self.end {
                waiting = Waiting::Rest;
            }
            if self.read(waiting)? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads once, after the bytes in the buffer.
    fn read(&mut self, waiting: Waiting) -> Result<usize, Broken> {
        let free = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = self.input.read(free, waiting)?.min(free.len());
        self.end += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::{DATA_MAX, Plain};
    use super::*;

    fn packets(input: &[u8]) -> Result<Vec<String>, String> {
        let mut reader = PacketReader::new(Plain(input));
        let mut found = Vec::new();
        loop {
            match reader.packet(Waiting::Command).map_err(|error| error.to_string())? {
                None => return Ok(found),
                Some(Packet::Flush) => found.push("0000".to_owned()),
                Some(Packet::Delimiter) => found.push("0001".to_owned()),
                Some(Packet::Data(data)) => found.push(data.escape_ascii().to_string()),
            }
        }
    }

    #[test]
    fn packets_are_split_by_their_lengths() {
        for (input, expected) in [
            ("", Ok(vec![])),
            ("0000", Ok(vec!["0000"])),
            ("00010000", Ok(vec!["0001", "0000"])),
            ("0004", Ok(vec![""])),
            ("0006a\n0000", Ok(vec!["a\\n", "0000"])),
            ("0006a\n0006b\n", Ok(vec!["a\\n", "b\\n"])),
            ("000Aabcdef", Ok(vec!["abcdef"])),
            ("0", Err("the input ended within a request")),
            ("000", Err("the input ended within a request")),
            ("0006a", Err("the input ended within a request")),
            ("0002", Err("\"0002\" is not the length of a packet")),
            ("0003", Err("\"0003\" is not the length of a packet")),
            ("fff1", Err("\"fff1\" is not the length of a packet")),
            ("ffff", Err("\"ffff\" is not the length of a packet")),
            ("zzzz", Err("\"zzzz\" is not the length of a packet")),
            ("+00a", Err("\"+00a\" is not the length of a packet")),
            (" 00a", Err("\" 00a\" is not the length of a packet")),
            ("\r\n\x1b[", Err("\"\\r\\n\\x1b[\" is not the length of a packet")),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect()).map_err(str::to_owned);
            assert_eq!(packets(input.as_bytes()), expected, "{input:?}");
        }
    }

    #[test]
    fn many_packets_of_the_greatest_length_65520_are_read() {
        let data = vec![7; DATA_MAX];
        let longest = [b"fff0".as_slice(), &data].concat();
        let many = longest.repeat(9);
        let mut reader = PacketReader::new(Plain(many.as_slice()));
        for _ in 0..9 {
            assert_eq!(reader.packet(Waiting::Command).unwrap(), Some(Packet::Data(&data)));
        }
        assert_eq!(reader.packet(Waiting::Command).unwrap(), None);
    }

    /// Returns few bytes at a time.
    struct Dripping<'a>(&'a [u8], usize);

    impl Read for Dripping<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn object(input: &[u8], at_once: usize) -> Result<(Vec<u8>, usize, String), String> {
        let mut reader = PacketReader::new(Plain(Dripping(input, at_once)));
        let (mut bytes, mut blocks, mut left, mut spare) = (Vec::new(), 0, 0, Block::new());
        while !spare.is_last() {
            spare = reader.block(spare, &mut left).map_err(|error| error.to_string())?;
            blocks += 1;
            let before = bytes.len();
            spare.pieces().for_each(|piece| bytes.extend_from_slice(piece));
            assert_eq!((bytes.len() - before) as u64, spare.len());
        }
        let next = match reader.packet(Waiting::Command) {
            Ok(Some(Packet::Data(data))) => data.escape_ascii().to_string(),
            Ok(packet) => format!("{packet:?}"),
            Err(error) => error.to_string(),
        };
        Ok((bytes, blocks, next))
    }

    #[test]
    fn blocks_contain_the_bytes_of_an_object_for_every_split() {
        let bytes: Vec<u8> = (0..700_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        for size in [1_000, 32_764, DATA_MAX] {
            let mut input = Vec::new();
            for chunk in bytes.chunks(size) {
                input.extend(format!("{:04x}", chunk.len() + 4).into_bytes());
                input.extend(chunk);
                input.extend(b"0004");
            }
            input.extend(b"0000000ahello\n");
            for at_once in [997, 65_536, usize::MAX] {
                let (read, blocks, next) = object(&input, at_once).unwrap();
                assert!(read == bytes, "{size} {at_once}");
                assert_eq!(next, "hello\\n");
                assert!(blocks < 8, "{blocks} blocks");
            }
        }
    }

    #[test]
    fn blocks_of_single_bytes_stay_small() {
        let input = [b"0005x".repeat(100_000), b"0000".to_vec()].concat();
        let (read, blocks, _) = object(&input, usize::MAX).unwrap();
        assert_eq!(read.len(), 100_000);
        assert!(blocks >= 100_000 / PIECES, "{blocks}");
    }

    #[test]
    fn truncated_data_and_data_with_a_delimiter_are_errors() {
        let cut = "the input ended within a request";
        for (input, expected) in [
            ("", cut),
            ("0005", cut),
            ("0005x", cut),
            ("0005x00", cut),
            ("0005x0001", "a delimiter in the wrong place"),
            ("0005x0003", "\"0003\" is not the length of a packet"),
        ] {
            assert_eq!(object(input.as_bytes(), usize::MAX), Err(expected.to_owned()), "{input}");
        }
    }
}
