//! The running sessions, and the end of those whose rights a change has withdrawn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::clock::now;
use crate::config::Config;
use crate::db::Reader;
use crate::log::{self, Level};
use crate::process::Process;
use crate::session::Record;
use crate::session_limits::records;

/// How long a session may take to end. git's guard needs up to two seconds.
const PATIENCE: Duration = Duration::from_secs(4);

/// How many sessions this process has ended. A process runs one command.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// How many sessions this process has ended.
pub(crate) fn ended() -> usize {
    ENDED.load(Ordering::Relaxed)
}

/// The running sessions of git and LFS and the account commands, except the caller's own.
pub(crate) fn running(config: &Config) -> Vec<Record> {
    let own = Process::own();
    let records = records(&config.running_dir()).into_iter().filter_map(|text| text.parse::<Record>().ok());
    records.filter(|record| record.process.is_running() && Some(record.process) != own).collect()
}

/// Ends the sessions whose rights do not stand by the present state of the database.
///
/// Every change calls this, so no change has to know which rights it takes away. If the database does not answer, the
/// sessions find out by themselves.
pub(super) fn end_withdrawn(config: &Config) {
    let running = running(config);
    if running.is_empty() {
        return;
    }
    let withdrawn = Reader::open_current(&config.paths.database).and_then(|reader| {
        reader.ask(|view| {
            let mut withdrawn = Vec::new();
            for record in &running {
                if let Err(why) = record.check(view, config, now())? {
                    withdrawn.push((record.clone(), why.reason));
                }
            }
            Ok(withdrawn)
        })
    });
    end(config, &withdrawn.unwrap_or_default());
}

/// Ends sessions, each for a reason that the log shows, and waits for their end.
pub(crate) fn end(config: &Config, sessions: &[(Record, &'static str)]) {
    let mut running = Vec::new();
    for (record, reason) in sessions.iter().filter(|(record, _)| record.process.signal(Signal::SIGTERM)) {
        let line = record.line().field("decision", "end").field("reason", reason);
        log::send(&config.log.socket, log::PROGRAM, Level::Notice, &line);
        running.push(record.process);
    }
    ENDED.fetch_add(running.len(), Ordering::Relaxed);
    let begin = Instant::now();
    let mut pause = Duration::from_millis(1);
    while running.iter().any(|process| process.is_running()) && begin.elapsed() < PATIENCE {
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    for process in running {
        let _ = process.signal(Signal::SIGKILL);
    }
}
