//! Packets to the client. An answer is written at once, and an object in pieces of a quarter of a megabyte.

use std::fmt::{self, Write as _};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use super::{DATA_MAX, LENGTH, PACKET_MAX};

/// The number of full packets that are read and written at once.
const PACKETS: usize = 4;

/// Writes packets to an output.
#[derive(Debug)]
pub(in super::super) struct PacketWriter<W> {
    output: W,
    pending: Vec<u8>,
    /// Full packets, with their lengths between the bytes. Allocated on first use.
    packets: Vec<u8>,
}

impl<W: Write> PacketWriter<W> {
    pub(in super::super) fn new(output: W) -> Self {
        Self { output, pending: Vec::new(), packets: Vec::new() }
    }

    /// Adds a line of text. Control characters, which would break the frame or reach a terminal, become `?`.
    pub(in super::super) fn line(&mut self, text: impl fmt::Display) {
        let mut line = Line { text: String::new() };
        // Writing fails if the line is full; the line is then truncated.
        let _ = write!(line, "{text}");
        self.pending.extend_from_slice(&length(line.text.len() + 1));
        self.pending.extend_from_slice(line.text.as_bytes());
        self.pending.push(b'\n');
    }

    /// Adds the packet between arguments and data.
    pub(in super::super) fn delimiter(&mut self) {
        self.pending.extend_from_slice(b"0001");
    }

    /// Adds the packet that ends an answer, and writes all of it.
    pub(in super::super) fn finish(&mut self) -> io::Result<()> {
        self.pending.extend_from_slice(b"0000");
        self.output.write_all(&self.pending)?;
        self.pending.clear();
        self.output.flush()
    }

    /// Sends the bytes of an object, which end the answer. Returns their number. If the source fails or ends early, the
    /// number is less than `size`, and the result has the error. The answer is complete in every case.
    pub(in super::super) fn finish_with(
        &mut self,
        source: &mut dyn Read,
        size: u64,
    ) -> io::Result<(u64, Option<io::Error>)> {
        if self.packets.is_empty() {
            self.packets = vec![0; PACKETS * PACKET_MAX];
        }
        let mut sent = 0;
        loop {
            let want = usize::try_from(size - sent).unwrap_or(usize::MAX).min(PACKETS * DATA_MAX);
            let (read, error) = fill(source, &mut self.packets, want);
            let framed = frame(&mut self.packets, read);
            sent += read as u64;
            let is_last = sent == size || read < want;
            let end: &[u8] = if is_last { b"0000" } else { b"" };
            let packets = self.packets.get(..framed).unwrap_or_default();
            write_all(&mut self.output, &mut [&self.pending, packets, end].map(IoSlice::new))?;
            self.pending.clear();
            if is_last {
                self.output.flush()?;
                return Ok((sent, error));
            }
        }
    }
}

/// A line that accepts no control characters and no more bytes than a packet has.
struct Line {
    text: String,
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let character = if character.is_control() { '?' } else { character };
            if self.text.len() + character.len_utf8() >= DATA_MAX {
                return Err(fmt::Error);
            }
            self.text.push(character);
        }
        Ok(())
    }
}

/// The four digits before this many bytes.
fn length(data: usize) -> [u8; LENGTH] {
    let digit = |shift: usize| b"0123456789abcdef".get((data + LENGTH) >> shift & 0xf).copied().unwrap_or(b'0');
    [digit(12), digit(8), digit(4), digit(0)]
}

/// Reads `want` bytes into full packets, behind their lengths.
fn fill(source: &mut dyn Read, packets: &mut [u8], want: usize) -> (usize, Option<io::Error>) {
    let mut left = want;
    let mut places = Vec::with_capacity(PACKETS);
    for packet in packets.chunks_mut(PACKET_MAX) {
        let (_, place) = packet.split_at_mut_checked(LENGTH).unwrap_or_default();
        let (place, _) = place.split_at_mut_checked(left.min(DATA_MAX)).unwrap_or_default();
        if place.is_empty() {
            break;
        }
        left -= place.len();
        places.push(IoSliceMut::new(place));
    }
    let mut places = places.as_mut_slice();
    let mut filled = 0;
    while !places.is_empty() {
        match source.read_vectored(places) {
            Ok(0) => break,
            Ok(read) => {
                filled += read;
                IoSliceMut::advance_slices(&mut places, read);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(error)),
        }
    }
    (filled, None)
}

/// Writes the lengths of the packets with `filled` bytes. Returns the length of all packets.
fn frame(packets: &mut [u8], filled: usize) -> usize {
    let mut left = filled;
    let mut framed = 0;
    for packet in packets.chunks_mut(PACKET_MAX) {
        if left == 0 {
            break;
        }
        let data = left.min(DATA_MAX);
        if let Some(digits) = packet.first_chunk_mut() {
            *digits = length(data);
        }
        left -= data;
        framed += LENGTH + data;
    }
    framed
}

/// Writes several pieces in as few calls as possible.
pub(in super::super) fn write_all(output: &mut dyn Write, mut pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
    // Without this, empty pieces at the front would look like an output that accepts nothing.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match output.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut PacketWriter<&mut Vec<u8>>)) -> String {
        let mut output = Vec::new();
        write(&mut PacketWriter::new(&mut output));
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn an_answer_is_lines_between_lengths() {
        let answer = written(|writer| {
            writer.line("status 200");
            writer.delimiter();
            writer.line("");
            writer.line("größe");
            writer.finish().unwrap();
        });
        assert_eq!(answer, "000fstatus 200\n00010005\n000cgröße\n0000");
    }

    #[test]
    fn a_line_has_no_control_characters_and_fits_a_packet() {
        let answer = written(|writer| {
            writer.line("a\nb\r\0\x1b[2J\u{9b}\u{7f}");
            writer.finish().unwrap();
        });
        assert_eq!(answer, "0010a?b???[2J??\n0000");
        let answer = written(|writer| {
            writer.line("x".repeat(70_000));
            writer.finish().unwrap();
        });
        assert_eq!((answer.len(), &answer[..5]), (PACKET_MAX + 4, "fff0x"));
    }

    /// An output and a source of few bytes at a time.
    struct Meagre<T>(T, usize);

    impl Write for Meagre<&mut Vec<u8>> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(&bytes[..bytes.len().min(self.1)])
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for Meagre<&[u8]> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    #[test]
    fn an_objects_bytes_are_sent_in_full_packets_for_every_split() {
        let bytes: Vec<u8> = (0..600_000_u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        for size in [0, 1, 65_515, 65_516, 65_517, 262_064, 262_065, 600_000] {
            let mut expected = b"000fstatus 200\n".to_vec();
            for chunk in bytes[..size].chunks(DATA_MAX) {
                expected.extend(format!("{:04x}", chunk.len() + 4).into_bytes());
                expected.extend(chunk);
            }
            expected.extend(b"0000");
            for at_once in [usize::MAX, 40_961] {
                let mut output = Vec::new();
                let mut writer = PacketWriter::new(Meagre(&mut output, at_once));
                writer.line("status 200");
                let (sent, error) = writer.finish_with(&mut Meagre(&bytes[..], at_once), size as u64).unwrap();
                assert_eq!(sent, size as u64);
                assert!(error.is_none());
                assert!(output == expected, "{size} {at_once}");
            }
        }
    }

    #[test]
    fn an_object_that_is_shorter_than_announced_still_ends_the_answer() {
        let answer = written(|writer| {
            let (sent, error) = writer.finish_with(&mut &b"abc"[..], 10).unwrap();
            assert_eq!((sent, error.is_none()), (3, true));
        });
        assert_eq!(answer, "0007abc0000");
    }
}
