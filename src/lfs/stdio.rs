//! Standard input and output of a session, as sshd connects them: sockets or pipes.

use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::consts::{SIGALRM, SIGHUP, SIGINT, SIGTERM};

use super::forgotten::Group;
use super::packet::{Input, Waiting};
use super::{Ending, Session, Summary, serve};
use crate::request::Operation;

/// How often a waiting session checks its group and signals.
const TICK: Duration = Duration::from_millis(500);

/// How long a session waits for bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The wait for the client's version, which a client sends first.
    pub version: Duration,
    /// The wait for the next command; `None` means as long as the connection exists. A client may hash and transfer for
    /// hours in between.
    pub command: Option<Duration>,
    /// The wait for the next bytes of a request. A client may read them from a slow disk.
    pub rest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { version: Duration::from_secs(60), command: None, rest: Duration::from_secs(600) }
    }
}

/// Whether a signal asks the session to end. Without this, a signal ends the process at once, which is harmless if
/// partial files have no name.
#[derive(Debug, Clone, Default)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// Makes SIGHUP, SIGINT, SIGTERM and SIGALRM end the session in order.
    ///
    /// # Errors
    /// The signals cannot be caught.
    pub fn on_signals() -> io::Result<Self> {
        let interruption = Self::default();
        for signal in [SIGHUP, SIGINT, SIGTERM, SIGALRM] {
            signal_hook::flag::register(signal, Arc::clone(&interruption.0))?;
        }
        Ok(interruption)
    }

    fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Standard input, with a time limit.
#[derive(Debug)]
pub struct Stdin {
    file: File,
    patience: Patience,
    group: Option<Rc<Group>>,
    interruption: Interruption,
    told_to_go: bool,
}

impl Stdin {
    /// This process's standard input.
    ///
    /// # Errors
    /// It is closed.
    pub fn new(patience: Patience) -> io::Result<Self> {
        Ok(Self::of(io::stdin().as_fd().try_clone_to_owned()?, patience))
    }

    /// Another descriptor in place of standard input.
    #[must_use]
    pub fn of(descriptor: OwnedFd, patience: Patience) -> Self {
        let interruption = Interruption::default();
        Self { file: descriptor.into(), patience, group: None, interruption, told_to_go: false }
    }

    /// Ends the session, as if the client had gone, if it waits for a command and its client has forgotten it.
    #[must_use]
    pub fn with_group(self, group: Rc<Group>) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Ends the session after a signal.
    #[must_use]
    pub fn with_interruption(self, interruption: Interruption) -> Self {
        Self { interruption, ..self }
    }

    /// Whether the session ended because its client forgot it.
    #[must_use]
    pub fn was_told_to_go(&self) -> bool {
        self.told_to_go
    }

    /// Tells the other sessions of the group that this session has quit, if it has.
    pub fn note_end(&self, summary: &Summary) {
        if let (Some(group), Ending::Quit) = (&self.group, &summary.ending) {
            group.note_quit();
        }
    }

    /// Waits until there is something to read; `false` if the session must end.
    fn wait(&mut self, waiting: Waiting) -> io::Result<bool> {
        let patience = match waiting {
            Waiting::Version => Some(self.patience.version),
            Waiting::Rest => Some(self.patience.rest),
            Waiting::Command => self.patience.command,
        };
        let group = self.group.as_deref();
        let mut wait = group.filter(|_| waiting == Waiting::Command).map(Group::wait);
        let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
        loop {
            if self.interruption.came() {
                return Err(io::Error::other("a signal came"));
            }
            if wait_for(&self.file, PollFlags::POLLIN, TICK)? {
                match waiting {
                    Waiting::Version => {}
                    Waiting::Command => group.into_iter().for_each(Group::note_command),
                    Waiting::Rest => group.into_iter().for_each(Group::note_work),
                }
                return Ok(true);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                if waiting == Waiting::Command {
                    return Ok(false);
                }
                return Err(ErrorKind::TimedOut.into());
            }
            if let (Some(group), Some(wait)) = (group, &mut wait) {
                if group.has_forgotten(wait) {
                    self.told_to_go = true;
                    return Ok(false);
                }
            }
        }
    }
}

impl Input for Stdin {
    fn read(&mut self, buffer: &mut [u8], waiting: Waiting) -> io::Result<usize> {
        loop {
            if !self.wait(waiting)? {
                return Ok(0);
            }
            match self.file.read(buffer) {
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                result => return result,
            }
        }
    }
}

impl<T: Input + ?Sized> Input for &mut T {
    fn read(&mut self, buffer: &mut [u8], waiting: Waiting) -> io::Result<usize> {
        (**self).read(buffer, waiting)
    }
}

/// Input and output of a session, opened before it enters the sandbox.
#[derive(Debug)]
pub struct Streams<W> {
    input: Stdin,
    output: Noted<W>,
}

/// An output that notes for the group, on use, that this session is at work.
#[derive(Debug)]
struct Noted<W> {
    output: W,
    group: Option<Rc<Group>>,
}

impl<W: Write> Write for Noted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.note();
        self.output.write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.note();
        self.output.write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W> Noted<W> {
    fn note(&self) {
        self.group.iter().for_each(|group| group.note_work());
    }
}

impl<W: Write> Streams<W> {
    /// This process's standard input and an output, for a session of that operation in its group. If a signal ends an
    /// upload, the session removes its partial file.
    ///
    /// # Errors
    /// Standard input is closed, or signals cannot be caught.
    pub fn new(output: W, operation: Operation, group: Option<Group>, patience: Patience) -> io::Result<Self> {
        let mut input = Stdin::new(patience)?;
        if operation == Operation::Upload {
            input = input.with_interruption(Interruption::on_signals()?);
        }
        let group = group.map(Rc::new);
        if let Some(group) = &group {
            input = input.with_group(Rc::clone(group));
        }
        Ok(Self { input, output: Noted { output, group } })
    }

    /// Serves the client until it leaves. If the client quit, tells the other sessions of the group.
    pub fn serve(mut self, session: &mut Session<'_>) -> Summary {
        let summary = serve(&mut self.input, self.output, session);
        self.input.note_end(&summary);
        summary
    }
}

/// Standard output without a buffer; the standard library's own searches an object's bytes for newlines.
///
/// # Errors
/// It is closed.
pub fn stdout() -> io::Result<impl Write> {
    Ok(Stdout(io::stdout().as_fd().try_clone_to_owned()?.into()))
}

struct Stdout(File);

impl Stdout {
    /// Another process with the same socket may have made it non-blocking.
    fn blocking<T>(&mut self, mut write: impl FnMut(&mut File) -> io::Result<T>) -> io::Result<T> {
        loop {
            match write(&mut self.0) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait_for(&self.0, PollFlags::POLLOUT, TICK)?;
                }
                result => return result,
            }
        }
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.blocking(|file| file.write(bytes))
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.blocking(|file| file.write_vectored(pieces))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits for a descriptor, and returns whether it is ready. A descriptor whose other end is closed is ready.
fn wait_for(file: &File, events: PollFlags, time: Duration) -> io::Result<bool> {
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(file.as_fd(), events)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}
