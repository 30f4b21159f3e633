//! The system log: one escaped line per event, sent by the crate `syslog`.
//!
//! Strangers' text enters as the value of a field and cannot leave it: newlines, quotes, backslashes and bytes outside
//! printable ASCII are escaped. A missing or blocked log never stops a session. This module is the only user of
//! `syslog`.

use std::fmt::{self, Write as _};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use syslog::{Facility, LogFormat, Logger, LoggerBackend, Severity};

/// The name of the programs in the log. The helper, which runs before authentication, has a name of its own.
pub const PROGRAM: &str = "hubgate";

/// The longest wait for a log daemon that does not read.
const SEND_TIMEOUT: Duration = Duration::from_millis(200);
/// The longest value of a field, in bytes before escaping.
const VALUE_MAX: usize = 256;

/// The severity of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// A session was served.
    Info,
    /// A session was refused.
    Notice,
    /// A fault of the server; it affects one session.
    Error,
    /// A forced command that sshd cannot have written: the operator should look today.
    Critical,
}

/// One line of `key=value` fields, in the order in which they were added.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// Adds a field. The value may be a stranger's text.
    pub fn add(&mut self, key: &'static str, value: impl fmt::Display) {
        self.add_bytes(key, value.to_string().as_bytes());
    }

    /// Adds a field whose value may not be UTF-8.
    pub fn add_bytes(&mut self, key: &'static str, value: &[u8]) {
        let blank = if self.0.is_empty() { "" } else { " " };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{blank}{key}={}", Escaped(value));
    }

    /// The line with one more field.
    #[must_use]
    pub fn field(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.add(key, value);
        self
    }

    /// The line with one more field, whose value may not be UTF-8.
    #[must_use]
    pub fn bytes(mut self, key: &'static str, value: &[u8]) -> Self {
        self.add_bytes(key, value);
        self
    }

    /// The text of the line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A value in the log: printable ASCII, in quotes if it contains blanks; `"`, `\` and all other bytes become `\xNN`.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (shown, rest) = self.0.split_at_checked(VALUE_MAX).unwrap_or((self.0, b""));
        let quote = if shown.is_empty() || shown.contains(&b' ') { "\"" } else { "" };
        f.write_str(quote)?;
        for byte in shown {
            match byte {
                b'"' | b'\\' => write!(f, "\\x{byte:02x}")?,
                0x20..=0x7e => f.write_char(char::from(*byte))?,
                _ => write!(f, "\\x{byte:02x}")?,
            }
        }
        f.write_str(quote)?;
        if rest.is_empty() { Ok(()) } else { write!(f, "...+{}", rest.len()) }
    }
}

/// Reads a line back into its fields. Returns `None` if [`Line`] cannot have written it.
#[must_use]
pub fn parse(line: &str) -> Option<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            // An escaped value contains no quote.
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_at(after.find(' ').unwrap_or(after.len())),
        };
        // A truncated value is followed by `...+N`.
        let (cut, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
        fields.push((key.to_owned(), value.to_owned() + cut));
        rest = after.strip_prefix(' ').unwrap_or(after);
    }
    Some(fields)
}

/// Sends one line to the system log at `socket`, as `program`, facility `auth`.
///
/// Ignores errors: a session must not fail because of its log.
pub fn send(socket: &Path, program: &str, level: Level, line: &Line) {
    let _ = try_send(socket, program, level, line);
}

fn try_send(socket: &Path, program: &str, level: Level, line: &Line) -> Result<(), syslog::Error> {
    write(connect(socket)?, program, level, line)
}

/// Opens a connection to the system log, for a process that cannot open the socket later.
///
/// # Errors
/// Nothing listens at `socket`.
pub fn connect(socket: &Path) -> std::io::Result<UnixDatagram> {
    let datagram = UnixDatagram::unbound()?;
    datagram.connect(socket)?;
    datagram.set_write_timeout(Some(SEND_TIMEOUT))?;
    Ok(datagram)
}

/// Logs the place of a panic, calls `end`, which may tell the client, and exits with its status. No panic of hubgate
/// speaks to a client in Rust's words.
pub fn on_panic(sink: Sink, program: &'static str, line: Line, end: impl Fn() -> u8 + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |panic| {
        let cause = panic.location().map_or_else(|| "panic".to_owned(), |place| format!("panic at {place}"));
        let line = line.clone().field("decision", "fault").field("cause", &cause);
        match &sink {
            Sink::Socket(socket) => send(socket, program, Level::Critical, &line),
            Sink::Process(tell) => tell(&cause),
        }
        let status = end();
        #[expect(clippy::exit, reason = "a hook cannot return a status")]
        std::process::exit(status.into());
    }));
}

/// Where the line of a panic goes.
pub enum Sink {
    /// The log's socket.
    Socket(PathBuf),
    /// In the sandbox: another process, which writes the line.
    Process(Tell),
}

/// Tells another process of the place of a panic.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// Whether a line could be sent now: a daemon listens at `socket` and reads. Sends nothing.
///
/// # Errors
/// The line would be lost.
pub fn probe(socket: &Path) -> std::io::Result<()> {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let connection = connect(socket)?;
    let timeout = PollTimeout::try_from(SEND_TIMEOUT).unwrap_or(PollTimeout::MAX);
    // The socket is not writable while the daemon's queue is full (unix(7)).
    match poll(&mut [PollFd::new(connection.as_fd(), PollFlags::POLLOUT)], timeout)? {
        0 => Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "its queue is full")),
        _ => Ok(()),
    }
}

/// Sends one line on an open connection. Returns whether the log took it. No session fails because of its log.
pub fn send_on(connection: &UnixDatagram, program: &str, level: Level, line: &Line) -> bool {
    connection.try_clone().map_err(syslog::Error::from).and_then(|copy| write(copy, program, level, line)).is_ok()
}

fn write(datagram: UnixDatagram, program: &str, level: Level, line: &Line) -> Result<(), syslog::Error> {
    let mut logger = Logger { formatter: Bsd { program }, backend: LoggerBackend::Unix(datagram) };
    match level {
        Level::Info => logger.info(line),
        Level::Notice => logger.notice(line),
        Level::Error => logger.err(line),
        Level::Critical => logger.crit(line),
    }
}

/// The format of RFC 3164 without the time, as local daemons accept it. The daemon adds the time in its own time zone;
/// the crate's own formatter writes UTC, which rsyslog would show as local time.
struct Bsd<'a> {
    program: &'a str,
}

impl LogFormat<&Line> for Bsd<'_> {
    fn format<W: Write>(&self, writer: &mut W, severity: Severity, line: &Line) -> Result<(), syslog::Error> {
        let priority = Facility::LOG_AUTH as u8 | severity as u8;
        write!(writer, "<{priority}>{}[{}]: {}", self.program, std::process::id(), line.as_str())
            .map_err(syslog::Error::Write)
    }
}

#[cfg(test)]
mod tests;
