//! pkt-line (gitprotocol-common(5)): the framing of the protocol, in both directions.
//!
//! Strangers' bytes enter, packets leave. Broken framing ends the session, because the next packet cannot be found.
//! Bytes of objects are not copied: they leave in the buffer into which they were read, and are sent from the buffer
//! into which the store wrote them.

mod reader;
mod writer;

use std::io::{self, Read};

pub(super) use reader::{Block, PacketReader};
pub(super) use writer::{PacketWriter, write_all};

/// The longest packet, with its length.
const PACKET_MAX: usize = 65_520;
/// The number of digits in a length.
const LENGTH: usize = 4;
/// The most bytes that a packet carries.
const DATA_MAX: usize = PACKET_MAX - LENGTH;

/// What a session waits for. This decides how long it waits, and whether the input may end there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The client's version.
    Version,
    /// The next command. It may take hours to come.
    Command,
    /// The rest of a request.
    Rest,
}

/// The source of a session's bytes.
pub trait Input {
    /// Waits for bytes and writes them to `buffer`; 0 is the end of the input.
    ///
    /// # Errors
    /// Those of [`Read::read`], and `ErrorKind::TimedOut` if nothing came for too long.
    fn read(&mut self, buffer: &mut [u8], waiting: Waiting) -> io::Result<usize>;
}

/// An input without a time limit, such as bytes in memory.
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

/// Why a session cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The input or the output failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The input ended within a request.
    #[error("the input ended within a request")]
    Cut,
    /// The length of a packet is malformed.
    #[error("\"{}\" is not the length of a packet", .0.escape_ascii())]
    Length([u8; LENGTH]),
    /// `0001` in a place where no data can follow.
    #[error("a delimiter in the wrong place")]
    Delimiter,
}

/// The meaning of a packet's first four bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Header {
    Flush,
    Delimiter,
    Data(usize),
}

impl Header {
    fn parse(digits: [u8; LENGTH]) -> Result<Self, Broken> {
        let mut length = [0; 2];
        base16ct::mixed::decode(digits, &mut length).map_err(|_| Broken::Length(digits))?;
        match usize::from(u16::from_be_bytes(length)) {
            0 => Ok(Self::Flush),
            1 => Ok(Self::Delimiter),
            length @ LENGTH..=PACKET_MAX => Ok(Self::Data(length - LENGTH)),
            _ => Err(Broken::Length(digits)),
        }
    }
}
