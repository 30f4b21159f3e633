//! The loop of a session: one answer for each request.

use std::io::Write;

use super::packet::{Block, Broken, Input, PacketReader, PacketWriter, Waiting};
use super::reply::{Refusal, status};
use super::request::{Arguments, Command, Head};
use super::{Ask, Ending, Fault, Session, Summary};
use crate::request::Operation;

/// Serves one client until it leaves, in packets of `gitprotocol-common(5)`: capabilities, version, then commands.
///
/// The output should be unbuffered: an answer is written at once, and an object in pieces of a quarter of a megabyte.
pub fn serve(input: impl Input, output: impl Write, session: &mut Session<'_>) -> Summary {
    let summary = Summary { ending: Ending::End, stored: (0, 0), sent: (0, 0), refused: 0, refusal: None, faults: 0 };
    let (reader, writer) = (PacketReader::new(input), PacketWriter::new(output));
    let mut talk = Talk { reader, writer, session, summary, open: false, spare: None };
    talk.summary.ending = talk.run().unwrap_or_else(Ending::Broken);
    talk.summary
}

/// A running session.
pub(super) struct Talk<'s, 'a, I, W> {
    pub(super) reader: PacketReader<I>,
    pub(super) writer: PacketWriter<W>,
    pub(super) session: &'s mut Session<'a>,
    pub(super) summary: Summary,
    /// Whether data of the request are left to read.
    pub(super) open: bool,
    /// A buffer that is not in use.
    pub(super) spare: Option<Block>,
}

/// Why a request fails.
pub(super) enum Stop {
    /// The client reads why.
    Refused(Refusal),
    /// The client reads the sentence of a fault, and the log has the cause.
    Fault(Fault),
    /// The client cannot be reached.
    Broken(Broken),
}

impl<E: Into<Refusal>> From<E> for Stop {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}

/// An error of the stream, which ends the session.
pub(super) fn broken(error: impl Into<Broken>) -> Stop {
    Stop::Broken(error.into())
}

impl<I: Input, W: Write> Talk<'_, '_, I, W> {
    fn run(&mut self) -> Result<Ending, Broken> {
        self.writer.line("version=1");
        self.writer.line("locking");
        self.writer.finish()?;
        let mut waiting = Waiting::Version;
        while let Some(head) = Head::read(&mut self.reader, waiting)? {
            self.open = head.open;
            let answered = match head.command {
                Ok((Command::Quit, _)) => {
                    self.close()?;
                    // Without delimiter and arguments, which clients would report as an error.
                    self.writer.line("status 200");
                    self.writer.finish()?;
                    return Ok(Ending::Quit);
                }
                Ok((Command::Version, _)) => {
                    waiting = Waiting::Command;
                    self.answer_version()
                }
                Ok(_) if waiting == Waiting::Version => {
                    Err(Refusal::bad_request("a session begins with version 1").into())
                }
                Ok((command, arguments)) => self.answer(&command, &arguments),
                Err(refusal) => Err(refusal.into()),
            };
            match answered {
                Ok(()) => {}
                Err(Stop::Refused(refusal)) => {
                    self.summary.count_refusal(&refusal);
                    self.refuse(&refusal)?;
                }
                Err(Stop::Fault(fault)) => {
                    self.summary.faults += 1;
                    (self.session.on_fault)(fault.as_ref());
                    self.refuse(&Refusal::new(status::FAULT, self.session.fault_sentence))?;
                }
                Err(Stop::Broken(error)) => return Err(error),
            }
        }
        Ok(Ending::End)
    }

    fn answer(&mut self, command: &Command, arguments: &Arguments) -> Result<(), Stop> {
        self.gate(command)?;
        if !matches!(command, Command::Batch | Command::Put(_)) && self.close().map_err(broken)? > 0 {
            return Err(Refusal::bad_request("this command takes no data").into());
        }
        match command {
            Command::Batch => self.batch(arguments),
            Command::Put(oid) => self.put(*oid, arguments),
            Command::Verify(oid) => self.verify(oid, arguments),
            Command::Get(oid) => self.get(oid, arguments),
            Command::Lock => self.lock(arguments),
            Command::Unlock(id) => self.unlock(id),
            Command::ListLocks => self.list_locks(arguments),
            // The loop answers both of them.
            Command::Version | Command::Quit => Ok(()),
        }
    }

    /// Checks a command against the session's operation, and asks the policy about commands that need it.
    fn gate(&mut self, command: &Command) -> Result<(), Stop> {
        let (only, ask) = match command {
            Command::Batch => (None, Some(Ask::Batch)),
            Command::Put(_) => (Some(Operation::Upload), Some(Ask::Put)),
            Command::Verify(_) => (Some(Operation::Upload), None),
            Command::Get(_) => (Some(Operation::Download), None),
            Command::Lock => (Some(Operation::Upload), Some(Ask::Lock)),
            Command::Unlock(_) => (Some(Operation::Upload), Some(Ask::Unlock)),
            Command::ListLocks | Command::Version | Command::Quit => (None, None),
        };
        let ours = self.session.operation;
        if only.is_some_and(|only| only != ours) {
            return Err(Refusal::forbidden(format!("this session is for {ours} only")).into());
        }
        let permitted = match (&self.session.refusal, ask) {
            (Some(refusal), _) => Err(refusal.clone()),
            (None, Some(ask)) => self.session.policy.permit(ask).map_err(Stop::Fault)?,
            (None, None) => Ok(()),
        };
        let is_put = matches!(command, Command::Put(_));
        Ok(permitted.map_err(|refusal| if is_put { refusal.for_put() } else { refusal })?)
    }

    fn answer_version(&mut self) -> Result<(), Stop> {
        self.close().map_err(broken)?;
        self.writer.line("status 200");
        self.writer.finish().map_err(broken)
    }

    /// Answers with a refusal, after the end of the request.
    fn refuse(&mut self, refusal: &Refusal) -> Result<(), Broken> {
        self.begin(refusal.status(), &[])?;
        self.explain(refusal)
    }

    /// Begins an answer with its status and arguments, after the end of the request.
    pub(super) fn begin(&mut self, status: u16, arguments: &[(&str, &dyn std::fmt::Display)]) -> Result<(), Broken> {
        self.close()?;
        self.writer.line(format_args!("status {status:03}"));
        for (key, value) in arguments {
            self.writer.line(format_args!("{key}={value}"));
        }
        Ok(())
    }

    /// Ends an answer with a sentence. Clients need the delimiter after `get-object`, so every answer has it.
    pub(super) fn explain(&mut self, refusal: &Refusal) -> Result<(), Broken> {
        self.writer.delimiter();
        refusal.lines().for_each(|line| self.writer.line(line));
        Ok(self.writer.finish()?)
    }

    /// Skips the rest of the request. Returns the number of its bytes.
    pub(super) fn close(&mut self) -> Result<u64, Broken> {
        if std::mem::take(&mut self.open) { self.reader.drain() } else { Ok(0) }
    }
}
