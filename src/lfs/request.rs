//! Requests: packets become a command and its arguments. This module only reads packets.
//!
//! A request is read to its delimiter or its end before it is checked, so that the next request is found after a
//! refusal. Memory is bounded for every length of a request.

use super::locks::{BadLockId, LockId};
use super::oid::{Oid, number};
use super::packet::{Broken, Input, Packet, PacketReader, Waiting};
use super::reply::Refusal;

/// The most arguments of a request.
const ARGUMENTS: usize = 64;
/// The longest command or argument, in bytes.
const ARGUMENT_MAX: usize = 8 * 1024;

/// A command that parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Version,
    Batch,
    Put(Oid),
    Verify(Oid),
    Get(Oid),
    Lock,
    Unlock(LockId),
    ListLocks,
    Quit,
}

/// The part of a request before its delimiter or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// The command and its arguments, or the refusal.
    pub(super) command: Result<(Command, Arguments), Refusal>,
    /// Whether data follow up to a flush packet.
    pub(super) open: bool,
}

impl Head {
    /// Reads the next request; `None` at the end of the input.
    pub(super) fn read<I: Input>(reader: &mut PacketReader<I>, waiting: Waiting) -> Result<Option<Self>, Broken> {
        let command = loop {
            match reader.packet(waiting)? {
                None => return Ok(None),
                Some(Packet::Delimiter) => return Err(Broken::Delimiter),
                Some(Packet::Flush) => {
                    let command = Err(Refusal::bad_request("a request begins with a command"));
                    return Ok(Some(Self { command, open: false }));
                }
                // An empty packet means nothing, here and below.
                Some(Packet::Data(b"")) => {}
                Some(Packet::Data(line)) => break text(line).and_then(Command::parse),
            }
        };
        let mut arguments = Ok(Arguments(Vec::new()));
        let open = loop {
            match reader.packet(Waiting::Rest)? {
                None => return Err(Broken::Cut),
                Some(Packet::Flush) => break false,
                Some(Packet::Delimiter) => break true,
                Some(Packet::Data(b"")) => {}
                Some(Packet::Data(line)) => {
                    arguments = arguments.and_then(|arguments| arguments.with(text(line)?));
                }
            }
        };
        let command = command.and_then(|command| Ok((command, arguments?)));
        Ok(Some(Self { command, open }))
    }
}

/// A packet as a line of text, without the newline at its end. Other control characters are refused.
fn text(line: &[u8]) -> Result<&[u8], Refusal> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    if line.len() > ARGUMENT_MAX {
        return Err(Refusal::bad_request(format!("a line has at most {ARGUMENT_MAX} bytes")));
    }
    if line.iter().any(u8::is_ascii_control) {
        return Err(Refusal::bad_request("a line has no control characters"));
    }
    Ok(line)
}

impl Command {
    fn parse(line: &[u8]) -> Result<Self, Refusal> {
        let mut words = line.split(|byte| *byte == b' ');
        let (name, argument, rest) = (words.next().unwrap_or_default(), words.next(), words.next());
        let (oid, lock) = (|| Oid::parse(argument.unwrap_or_default()), || lock_id(argument.unwrap_or_default()));
        let (command, takes_argument) = match name {
            b"version" if argument == Some(b"1") => (Self::Version, true),
            b"version" => return Err(Refusal::bad_request("this server speaks version 1 only")),
            b"batch" => (Self::Batch, false),
            b"put-object" => (Self::Put(oid()?), true),
            b"verify-object" => (Self::Verify(oid()?), true),
            b"get-object" => (Self::Get(oid()?), true),
            b"lock" => (Self::Lock, false),
            b"unlock" => (Self::Unlock(lock()?), true),
            // Clients up to 3.3 send the second.
            b"list-lock" | b"list-locks" => (Self::ListLocks, false),
            b"quit" => (Self::Quit, false),
            _ => return Err(Refusal::bad_request("unknown command")),
        };
        if argument.is_some() != takes_argument || rest.is_some() {
            return Err(Refusal::bad_request("a command has too few or too many words"));
        }
        Ok(command)
    }
}

/// Reads the id of a lock.
pub(super) fn lock_id(word: &[u8]) -> Result<LockId, BadLockId> {
    std::str::from_utf8(word).map_err(|_| BadLockId)?.parse()
}

/// The arguments of a request, each `KEY=VALUE`; the value may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arguments(Vec<(Vec<u8>, Vec<u8>)>);

impl Arguments {
    fn with(mut self, line: &[u8]) -> Result<Self, Refusal> {
        if self.0.len() == ARGUMENTS {
            return Err(Refusal::bad_request(format!("a request has at most {ARGUMENTS} arguments")));
        }
        let equals = line.iter().position(|byte| *byte == b'=').filter(|at| *at > 0);
        let (key, value) = equals
            .and_then(|at| line.split_at_checked(at))
            .ok_or_else(|| Refusal::bad_request("an argument is KEY=VALUE"))?;
        self.0.push((key.to_owned(), value.strip_prefix(b"=").unwrap_or_default().to_owned()));
        Ok(self)
    }

    /// The value of a key, if the request has it. Unknown keys are ignored.
    pub(super) fn get(&self, key: &str) -> Result<Option<&[u8]>, Refusal> {
        let mut values = self.0.iter().filter(|(name, _)| name == key.as_bytes()).map(|(_, value)| value.as_slice());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => Err(Refusal::bad_request(format!("the argument {key} is given twice"))),
        }
    }

    /// Like [`Arguments::get`], but without empty values.
    pub(super) fn get_some(&self, key: &str) -> Result<Option<&[u8]>, Refusal> {
        Ok(self.get(key)?.filter(|value| !value.is_empty()))
    }

    /// The size of an object, if the request has it.
    pub(super) fn size(&self) -> Result<Option<u64>, Refusal> {
        self.get("size")?.map(size).transpose()
    }
}

/// Reads a size.
fn size(text: &[u8]) -> Result<u64, Refusal> {
    number(text).ok_or_else(|| Refusal::bad_request("a size is a number of bytes"))
}

/// Reads a line of a batch, `OID SIZE`. Further words are ignored.
pub(super) fn batch_line(line: &[u8]) -> Result<(Oid, u64), Refusal> {
    let line = text(line)?;
    let mut words = line.split(|byte| *byte == b' ');
    let oid = Oid::parse(words.next().unwrap_or_default())?;
    let size = words.next().ok_or_else(|| Refusal::bad_request(format!("the object {oid} is listed without a size")));
    Ok((oid, self::size(size?)?))
}
