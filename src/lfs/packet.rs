//! pkt-line (gitprotocol-common(5)): the framing of the protocol, in both directions.
//!
//! Bytes of strangers enter, packets leave; what breaks the framing ends the session, since nothing after it can be
//! told apart. Bytes of objects are never copied here: they leave in the buffer into which they were read, and go out
//! from the one into which the store put them.

mod reader;
mod writer;

use std::io::{self, Read};

pub(super) use reader::{Block, PacketReader};
pub(super) use writer::{PacketWriter, write_all};

/// The longest packet, with its length in front.
const PACKET_MAX: usize = 65_520;
/// The digits of a length.
const LENGTH: usize = 4;
/// The most bytes that a packet carries.
const DATA_MAX: usize = PACKET_MAX - LENGTH;

/// For what a session waits: how long it may take, and whether an end of the input is one that a client means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// For the client to say which version it speaks.
    Version,
    /// For the next command. A client may take hours over it.
    Command,
    /// For the rest of a request that has begun.
    Rest,
}

/// Where a session's bytes come from.
pub trait Input {
    /// Waits for bytes and puts them into `buffer`; 0 is the end of the input.
    ///
    /// # Errors
    /// As in [`Read::read`]; `ErrorKind::TimedOut` where nothing came for too long.
    fn read(&mut self, buffer: &mut [u8], waiting: Waiting) -> io::Result<usize>;
}

/// An input that waits for as long as it takes, such as bytes in memory.
#[derive(Debug)]
pub struct Plain<R>(pub R);

impl<R: Read> Input for Plain<R> {
    fn read(&mut self, buffer: &mut [u8], _: Waiting) -> io::Result<usize> {
        loop {
            match self.0.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// `0000`: the end of a request.
    Flush,
    /// `0001`: between the arguments of a request and its data.
    Delimiter,
    /// Bytes, possibly none.
    Data(&'a [u8]),
}

/// Why there is no next packet, nor ever will be.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The input or the output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The input ended within a request.
    #[error("the input ended within a request")]
    Cut,
    /// What should be the length of a packet is none.
    #[error("\"{}\" is no length of a packet", .0.escape_ascii())]
    Length([u8; LENGTH]),
    /// `0001` where no data can follow.
    #[error("a delimiter where none belongs")]
    Delimiter,
}

/// What a packet's first four bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Flush,
    Delimiter,
    Data(usize),
}

impl Header {
    fn parse(digits: [u8; LENGTH]) -> Result<Self, Broken> {
        let mut length = 0;
        for digit in digits {
            let digit = char::from(digit).to_digit(16).and_then(|digit| usize::try_from(digit).ok());
            length = length << 4 | digit.ok_or(Broken::Length(digits))?;
        }
        match length {
            0 => Ok(Self::Flush),
            1 => Ok(Self::Delimiter),
            LENGTH..=PACKET_MAX => Ok(Self::Data(length - LENGTH)),
            _ => Err(Broken::Length(digits)),
        }
    }
}
