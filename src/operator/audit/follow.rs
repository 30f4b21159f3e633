//! `hubgate audit --follow`: prints changes and sessions as they happen.

use std::io::{BufReader, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::Value;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::entry::{Entry, change};
use super::sessions::{LINE_MAX, journalctl, of_line, of_record};
use crate::bounded::next_line;
use crate::config::Config;
use crate::db::Direction;
use crate::operator::cli::Audit;
use crate::operator::context::Context;
use crate::operator::failure::Failure;
use crate::report::Report;

/// How often the database is polled.
const PERIOD: Duration = Duration::from_millis(300);

/// An event of the loop.
enum Message {
    /// A session or a push, from the system log.
    Entry(Entry),
    /// A signal that ends the program.
    End,
}

/// Prints existing and new entries until a signal arrives or the reader of standard output goes away.
pub(super) fn run(command: &Audit, json: bool, config: &Path) -> Result<Report, Failure> {
    // Started before root privileges are dropped, because the log belongs to root.
    let log = follow_log(command, &Config::load(config)?.paths.repositories)?;
    let context = Context::open(config)?;
    let (sender, receiver) = channel();
    read_log(command, log, sender.clone());
    watch_signals(sender)?;
    let mut last = context.store.view().last_event()?;
    let mut out = Output { command, json };
    let mut is_read = true;
    context.store.view().events(command.since, command.about().as_deref(), Direction::OldestFirst, &mut |event| {
        is_read = event.id > last || out.print(&change(&event));
        if is_read { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    while is_read && !has_no_reader() {
        match receiver.recv_timeout(PERIOD).ok() {
            Some(Message::End) => break,
            Some(Message::Entry(entry)) => is_read = out.print(&entry),
            None => {}
        }
        for event in context.store.view().events_behind(last)? {
            last = event.id;
            is_read = is_read && out.print(&change(&event));
        }
    }
    Ok(Report::new(String::new(), Value::Null))
}

struct Output<'a> {
    command: &'a Audit,
    json: bool,
}

impl Output<'_> {
    /// Prints a matching entry. Returns whether a reader still exists.
    fn print(&mut self, entry: &Entry) -> bool {
        let is_matching = self.command.matching.as_ref().is_none_or(|text| entry.contains(text));
        if !is_matching || !self.command.wants(entry) {
            return true;
        }
        let line = if self.json {
            format!("{}\n", entry.json)
        } else {
            format!("{}  {:<24}  {}\n", entry.at, entry.what, entry.detail)
        };
        let mut out = std::io::stdout();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_ok()
    }
}

/// Whether the reader of standard output is gone, which otherwise only a write would show.
fn has_no_reader() -> bool {
    let out = std::io::stdout();
    let mut polled = [PollFd::new(out.as_fd(), PollFlags::empty())];
    let closed = PollFlags::POLLERR | PollFlags::POLLHUP;
    matches!(poll(&mut polled, PollTimeout::ZERO), Ok(1..))
        && polled.iter().any(|fd| fd.revents().is_some_and(|events| events.intersects(closed)))
}

/// Starts tail(1) or journalctl(1) to get the lines of the log, from its beginning or from `--since` on, also after
/// rotations. The program ends when its standard output is closed, at the latest with this process.
fn follow_log(command: &Audit, repositories: &Path) -> Result<Option<ChildStdout>, Failure> {
    let mut program = if let Some(file) = &command.log {
        std::fs::File::open(file).map_err(|error| Failure::File(file.display().to_string(), error))?;
        let mut tail = Command::new("tail");
        tail.args(["--quiet", "--lines=+1", "-F", "--"]).arg(file);
        tail
    } else {
        let failed = |error| Failure::File(repositories.display().to_string(), error);
        let mut journal = journalctl(command.since, repositories).map_err(failed)?;
        journal.args(["--follow", "--no-tail"]);
        journal
    };
    let child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0).spawn();
    match (child, &command.log) {
        (Ok(child), _) => Ok(child.stdout),
        // Without a journal, changes are still shown.
        (Err(_), None) => Ok(None),
        (Err(error), Some(_)) => Err(Failure::File("tail".to_owned(), error)),
    }
}

/// Reads the program's output on a separate thread.
fn read_log(command: &Audit, log: Option<ChildStdout>, sender: Sender<Message>) {
    let read = if command.log.is_some() { of_line } else { of_record };
    if let Some(output) = log {
        std::thread::spawn(move || {
            let (mut output, mut line) = (BufReader::new(output), Vec::new());
            while next_line(&mut output, LINE_MAX, &mut line).unwrap_or_default() {
                let entry = read(&String::from_utf8_lossy(&line));
                if entry.is_some_and(|entry| sender.send(Message::Entry(entry)).is_err()) {
                    return;
                }
            }
        });
    }
}

fn watch_signals(sender: Sender<Message>) -> Result<(), Failure> {
    let signals = Signals::new([SIGINT, SIGTERM]);
    let mut signals = signals.map_err(|error| Failure::File("signals".to_owned(), error))?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if sender.send(Message::End).is_err() {
                return;
            }
        }
    });
    Ok(())
}
