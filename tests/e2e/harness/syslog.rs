//! The system log of a hub: a datagram socket that a thread reads, and the lines for tests to compare.

use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A test sends this to learn that everything before it was read.
const MARK: &str = "mark";

/// One line as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `info`, `notice`, `error` or `critical`.
    pub(crate) level: &'static str,
    pub(crate) program: String,
    /// The session id, which differs in each run.
    pub(crate) sid: Option<String>,
    /// The parts of the sandbox, which depend on the kernel.
    pub(crate) sandbox: Option<String>,
    /// The fields without session id and sandbox.
    pub(crate) fields: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.level, self.program, self.fields)
    }
}

/// Collects the lines. When it is dropped, a last mark on the socket ends the thread.
pub(super) struct Syslog {
    lines: Receiver<String>,
    to: UnixDatagram,
    /// All lines, for a failed test.
    seen: Vec<String>,
}

impl Syslog {
    pub(super) fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket");
        std::fs::set_permissions(path, Permissions::from_mode(0o666)).expect("a mode");
        let to = UnixDatagram::unbound().expect("a socket");
        to.connect(path).expect("a connection");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length) = socket.recv(&mut buffer) {
                let line = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
                // The hub is gone.
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { lines, to, seen: Vec::new() }
    }

    /// The lines since the last call. They include all lines of programs that have ended, because a datagram is in the
    /// socket before its sender continues.
    pub(super) fn take(&mut self) -> Vec<Entry> {
        self.to.send(MARK.as_bytes()).expect("a datagram");
        let mut entries = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(10)).expect("the mark");
            if line == MARK {
                return entries;
            }
            entries.push(parse(&line));
            self.seen.push(line);
        }
    }

    pub(super) fn seen(&mut self) -> &[String] {
        self.take();
        &self.seen
    }
}

impl Drop for Syslog {
    fn drop(&mut self) {
        // Wakes the thread, which then finds that the hub is gone.
        let (_, nobody) = channel();
        self.lines = nobody;
        let _ = self.to.send(MARK.as_bytes());
    }
}

/// Removes one field from a line; its name includes the blank before and the sign after it.
fn take_field(fields: &str, name: &str) -> (Option<String>, String) {
    let Some((before, after)) = fields.split_once(name) else { return (None, fields.to_owned()) };
    let (value, after) = after.split_at(after.find(' ').unwrap_or(after.len()));
    (Some(value.to_owned()), before.to_owned() + after)
}

/// Reads `<PRIORITY>PROGRAM[PID]: FIELDS`.
fn parse(line: &str) -> Entry {
    let parsed = || -> Option<Entry> {
        let (priority, rest) = line.strip_prefix('<')?.split_once('>')?;
        let priority: u8 = priority.parse().ok()?;
        let (program, fields) = rest.split_once(": ")?;
        // Facility auth is 4 (RFC 3164).
        let level = match priority.checked_sub(4 << 3)? {
            2 => "critical",
            3 => "error",
            5 => "notice",
            6 => "info",
            _ => return None,
        };
        let (sid, fields) = match fields.strip_prefix("sid=") {
            Some(rest) => rest.split_once(' ').map(|(sid, fields)| (Some(sid.to_owned()), fields))?,
            None => (None, fields),
        };
        let program = program.split_once('[')?.0.to_owned();
        let (sandbox, fields) = take_field(fields, " sandbox=");
        Some(Entry { level, program, sid, sandbox, fields })
    };
    parsed().unwrap_or_else(|| panic!("not a line of our log: {line:?}"))
}
