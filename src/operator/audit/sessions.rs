//! Sessions and pushes from the system log: the journal or a file.
//!
//! Other programs log strangers' text there, for example login names. So a line counts only if the program's name is at
//! its place. In the journal, the kernel must also confirm that the login wrote it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::entry::Entry;
use crate::bounded::next_line;
use crate::log;
use crate::operator::backup::STREAM;
use crate::operator::failure::Failure;
use crate::report::json_time;
use crate::report::spool::Spool;
use crate::report::when::minute;

/// The longest line that is looked at, in bytes. hubgate writes no line of this length.
pub(in crate::operator) const LINE_MAX: u64 = 64 * 1024;

/// The sessions and pushes of a log, in the order of its lines, read one by one.
pub(super) struct Sessions {
    lines: Option<Box<dyn BufRead>>,
    read: fn(&str) -> Option<Entry>,
    /// What errors name.
    shown: String,
    /// An entry that was read and is not yet due.
    next: Option<Entry>,
    undated: Undated,
}

/// Where the lines without a year are read once more, so that they do not wait in memory.
enum Undated {
    /// There are none.
    Nowhere,
    /// In the file, behind the byte `begin`, if it has any.
    InFile { file: File, begin: u64, has_some: bool },
    /// In a copy, because a pipe can be read only once.
    Copied(Spool),
}

impl Sessions {
    /// hubgate's lines in a log file, in a pipe, or on standard input. Lines of a pipe without a year may be kept in a
    /// file without a name in `state`.
    pub(super) fn of_file(path: &Path, state: &Path) -> Result<Self, Failure> {
        let shown = if path == Path::new(STREAM) { "standard input".to_owned() } else { path.display().to_string() };
        let failed = |error| Failure::File(shown.clone(), error);
        let open = || -> io::Result<(File, Undated)> {
            let mut file = if path == Path::new(STREAM) {
                File::from(io::stdin().as_fd().try_clone_to_owned()?)
            } else {
                File::open(path)?
            };
            let undated = if file.metadata()?.is_file() {
                let begin = file.stream_position()?;
                Undated::InFile { file: file.try_clone()?, begin, has_some: false }
            } else {
                let mut copied = Spool::default();
                copied.overflow_to(state);
                Undated::Copied(copied)
            };
            Ok((file, undated))
        };
        let (file, undated) = open().map_err(failed)?;
        let lines: Box<dyn BufRead> = Box::new(BufReader::new(file));
        Ok(Self { lines: Some(lines), read: of_line, shown, next: None, undated })
    }

    /// The lines of the systemd journal that the login wrote, if there is a journal.
    pub(super) fn of_journal(since: i64, repositories: &Path) -> Self {
        let child = journalctl(since, repositories)
            .and_then(|mut command| command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn());
        let output = child.ok().and_then(|child| child.stdout);
        let lines = output.map(|output| -> Box<dyn BufRead> { Box::new(BufReader::new(output)) });
        Self { lines, read: of_record, shown: "journalctl".to_owned(), next: None, undated: Undated::Nowhere }
    }

    /// Hands on the entries before a second. Entries without a year come later.
    pub(super) fn until(
        &mut self,
        second: i64,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Failure> {
        while let Some(entry) = self.take()? {
            match entry.second {
                Some(at) if at >= second => {
                    self.next = Some(entry);
                    break;
                }
                Some(_) if each(entry).is_break() => return Ok(ControlFlow::Break(())),
                // Those without a year come later.
                Some(_) | None => {}
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Hands on the entries without a year.
    pub(super) fn without_a_year(
        &mut self,
        each: &mut dyn FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Failure> {
        let lines: io::Result<Box<dyn BufRead>> = match std::mem::replace(&mut self.undated, Undated::Nowhere) {
            Undated::Nowhere | Undated::InFile { has_some: false, .. } => return Ok(ControlFlow::Continue(())),
            Undated::InFile { mut file, begin, has_some: true } => match file.seek(SeekFrom::Start(begin)) {
                Ok(_) => Ok(Box::new(BufReader::new(file))),
                Err(error) => Err(error),
            },
            Undated::Copied(copied) => copied.into_reader(),
        };
        self.lines = Some(lines.map_err(|error| self.failed(error))?);
        while let Some(entry) = self.take()? {
            if entry.second.is_none() && each(entry).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The next entry.
    fn take(&mut self) -> Result<Option<Entry>, Failure> {
        if let Some(entry) = self.next.take() {
            return Ok(Some(entry));
        }
        self.read_entry().map_err(|error| self.failed(error))
    }

    fn read_entry(&mut self) -> io::Result<Option<Entry>> {
        let Some(lines) = &mut self.lines else { return Ok(None) };
        let mut line = Vec::new();
        loop {
            if !next_line(lines, LINE_MAX, &mut line)? {
                return Ok(None);
            }
            // Other programs may write bytes that are not UTF-8.
            let Some(entry) = (self.read)(&String::from_utf8_lossy(&line)) else { continue };
            match (&mut self.undated, entry.second) {
                (Undated::Copied(copied), None) => copied.write_all(&line)?,
                (Undated::InFile { has_some, .. }, None) => *has_some = true,
                (Undated::Nowhere | Undated::InFile { .. } | Undated::Copied(_), _) => {}
            }
            return Ok(Some(entry));
        }
    }

    fn failed(&self, error: io::Error) -> Failure {
        Failure::File(self.shown.clone(), error)
    }
}

/// One line of a file, `TIME HOST hubgate[PID]: sid=…`. TIME is in RFC 3339, or like `Nov 24 09:00:00`.
pub(super) fn of_line(line: &str) -> Option<Entry> {
    // The first colon before a blank ends the program's name; a stranger's text comes after it.
    let (head, message) = line.trim_end().split_once(": ")?;
    let (before, program) = head.rsplit_once(' ')?;
    let pid = program.strip_prefix("hubgate[")?.strip_suffix(']')?;
    let (at, _host) = before.rsplit_once(' ')?;
    let second = second(at);
    let is_time = second.is_some() || at.split_whitespace().count() == 3;
    let is_ours = is_time && !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit());
    if is_ours { of_message(second, at.trim(), message) } else { None }
}

/// A time with its zone; `None` if the line has no year or no zone.
fn second(at: &str) -> Option<i64> {
    let basic =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second][offset_hour sign:mandatory][offset_minute]");
    let instant = OffsetDateTime::parse(at, &Rfc3339).or_else(|_| OffsetDateTime::parse(at, basic));
    instant.ok().map(OffsetDateTime::unix_timestamp)
}

fn of_message(second: Option<i64>, at: &str, message: &str) -> Option<Entry> {
    if !message.starts_with("sid=") {
        return None;
    }
    let fields = log::parse(message)?;
    let object: Map<String, Value> = fields.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    let what = if object.get("verb").is_some_and(|verb| verb == "push") { "push" } else { "session" };
    Some(Entry {
        second,
        at: if second.is_some() { minute(second) } else { at.to_owned() },
        what: what.to_owned(),
        detail: message.to_owned(),
        json: json!({ "at": json_time(second), "event": what, "session": object }),
        position: None,
    })
}

/// journalctl(1) for the lines that the login wrote since a second, one record per line.
pub(super) fn journalctl(since: i64, repositories: &Path) -> std::io::Result<Command> {
    let mut command = journal(repositories)?;
    command.arg(format!("--since=@{since}"));
    Ok(command)
}

/// The same without a beginning.
pub(in crate::operator) fn journal(repositories: &Path) -> std::io::Result<Command> {
    let login = repositories.metadata()?.uid();
    let mut command = Command::new("journalctl");
    command.args(["--quiet", "--no-pager", "--output=json", "--identifier=hubgate", &format!("_UID={login}")]);
    Ok(command)
}

/// One record of `journalctl --output=json`.
pub(super) fn of_record(line: &str) -> Option<Entry> {
    let record: Value = serde_json::from_str(line).ok()?;
    let microseconds: i64 = record.get("__REALTIME_TIMESTAMP")?.as_str()?.parse().ok()?;
    of_message(Some(microseconds / 1_000_000), "", record.get("MESSAGE")?.as_str()?)
}

/// The fields of hubgate's line in a log file.
pub(in crate::operator) fn fields_of_line(line: &str) -> Option<Value> {
    of_line(line)?.json.get_mut("session").map(Value::take)
}

/// The fields of hubgate's line in a record of the journal.
pub(in crate::operator) fn fields_of_record(record: &str) -> Option<Value> {
    of_record(record)?.json.get_mut("session").map(Value::take)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "sid=00 user=alice from=::1 verb=upload-pack repo=a/x decision=allow reason=\"\"";

    #[test]
    fn a_line_of_a_log_file_is_a_session() {
        for (at, second, shown) in [
            ("Nov 24 09:00:00", None, "Nov 24 09:00:00"),
            ("Nov  4 09:00:00", None, "Nov  4 09:00:00"),
            ("2026-11-24T09:00:00.123456+00:00", Some(1_795_510_800), "2026-11-24 09:00"),
            ("2026-11-24T10:00:00+0100", Some(1_795_510_800), "2026-11-24 09:00"),
        ] {
            let entry = of_line(&format!("{at} hub hubgate[12]: {MESSAGE}")).unwrap();
            assert_eq!((entry.second, entry.at.as_str(), entry.what.as_str()), (second, shown, "session"), "{at}");
            assert_eq!(entry.json["session"]["repo"], "a/x");
            assert_eq!(entry.json["session"]["reason"], "");
        }
        let push = MESSAGE.replace("upload-pack", "push");
        assert_eq!(of_line(&format!("Nov 24 09:00:00 hub hubgate[1]: {push}")).unwrap().what, "push");
    }

    #[test]
    fn a_line_of_another_program_is_ignored_whatever_it_quotes() {
        for line in [
            format!("Nov 24 09:00:00 hub sshd[9]: Invalid user x hubgate[1]: {MESSAGE} from ::1 port 9"),
            format!("Nov 24 09:00:00 hub sshd[9]: hubgate[1]: {MESSAGE}"),
            format!("Nov 24 09:00:00 hub hubgate-keys[1]: {MESSAGE}"),
            format!("Nov 24 09:00:00 hub hubgate[x]: {MESSAGE}"),
            format!("Nov 24 09:00:00 hub hubgate[]: {MESSAGE}"),
            format!("Nov 24 09:00:00 hub sshd Invalid user hubgate[1]: {MESSAGE}"),
            format!("hubgate[1]: {MESSAGE}"),
            "Nov 24 09:00:00 hub hubgate[1]: decision=fault cause=x".to_owned(),
            "Nov 24 09:00:00 hub sshd[12]: Accepted publickey for git".to_owned(),
        ] {
            assert!(of_line(&line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_record_of_the_journal_is_a_session() {
        let record = json!({ "MESSAGE": MESSAGE, "__REALTIME_TIMESTAMP": "1795510800999999" }).to_string();
        let entry = of_record(&record).unwrap();
        assert_eq!((entry.second, entry.json["at"].as_str()), (Some(1_795_510_800), Some("2026-11-24T09:00:00Z")));
        // Messages that are not text are lists of bytes.
        assert!(of_record(&json!({ "MESSAGE": [1, 2], "__REALTIME_TIMESTAMP": "1" }).to_string()).is_none());
    }
}
