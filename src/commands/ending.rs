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
    let directory = config.running_dir();
    let records = records(&directory).filter_map(|text| text.parse::<Record>().ok());
    records.filter(|record| record.process.is_running() && Some(record.process) != own).collect()
}

/// Ends the sessions whose rights do not stand by the present state of the database.
///
/// Every change calls this, so no change has to know which rights it takes away. If the database does not answer, the
/// sessions find out by themselves.
pub(crate) fn end_withdrawn(config: &Config) {
    let running = running(config);
    if running.is_empty() {
        return;
    }
    let withdrawn = Reader::open_current(&config.paths.database).and_then(|reader| {
        reader.ask(|view| {
            let mut withdrawn = Vec::new();
            for record in &running {
                if let Err(end) = record.check(view, config, record.needed(), now())? {
                    withdrawn.push((record.clone(), end.reason));
                }
            }
            Ok(withdrawn)
        })
    });
    end(config, &withdrawn.unwrap_or_default());
}

/// Ends sessions, each for a reason that the log shows, and waits for their end.
pub(crate) fn end(config: &Config, sessions: &[(Record, &'static str)]) {
    let begin = Instant::now();
    // Every session gets the signal before the first line is logged, because the log may be slow.
    let ended: Vec<_> = sessions.iter().filter(|(record, _)| record.process.signal(Signal::SIGTERM)).collect();
    for (record, _) in &ended {
        // A stopped process gets the signal when it continues.
        let _ = record.process.signal(Signal::SIGCONT);
    }
    ENDED.fetch_add(ended.len(), Ordering::Relaxed);
    let log = log::connect(&config.log.socket).ok();
    // A log that does not read delays one line, and the others are dropped.
    let _ = ended.iter().all(|(record, reason)| {
        let line = record.line().field("decision", "end").field("reason", reason);
        log.as_ref().is_some_and(|log| log::send_on(log, log::PROGRAM, Level::Notice, &line))
    });
    let mut pause = Duration::from_millis(1);
    while ended.iter().any(|(record, _)| record.process.is_running()) && begin.elapsed() < PATIENCE {
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
    for (record, _) in ended {
        let _ = record.process.signal(Signal::SIGKILL);
    }
}
