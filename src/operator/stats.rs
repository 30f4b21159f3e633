//! `hubgate stats`: the numbers of a hub, for people, for programs and for Prometheus.
//!
//! Sessions keep no counters, so that no session waits for one. Each writes a line to the system log, and `log` counts
//! the lines since the last run. Started as root, the program asks doctor and opens the log, and then becomes the login
//! account before it opens the database.

mod log;
mod metrics;
mod numbers;
mod prometheus;
mod state;
mod tally;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use super::backup;
use super::cli::Stats;
use super::context::become_login;
use super::doctor;
use super::failure::Failure;
use super::host_keys::sshd_config;
use crate::clock::now;
use crate::commands::ending::running;
use crate::config::Config;
use crate::db::{self, Counts, Reader};
use crate::message::Status;
use crate::report::Report;
use crate::usage::{Counted, Usage};

use log::Log;
use metrics::metrics;
use numbers::{Logged, Numbers, Stored};
use state::{Known, Mark, State};
use tally::Tally;

/// The name of the journal in the file of [`State`]. A log file has its path.
const JOURNAL: &str = "journal";
/// How many directories are read from the database at a time.
const PAGE: usize = 1_000;
pub(super) fn run(command: &Stats, json: bool, config_path: &Path) -> Result<Report, Failure> {
    if json && command.prometheus {
        return Err(Failure::Usage("--json and --prometheus are two forms: choose one".to_owned()));
    }
    let config = Config::load(config_path)?;
    let repositories = &config.paths.repositories;
    let is_root = nix::unistd::geteuid().is_root();
    let quick = || doctor::quick(&config, config_path, sshd_config(&command.server));
    let doctor = is_root.then(quick).transpose()?;
    // The log belongs to root.
    let opened = OpenedLog::open(command, &config)?;
    become_login(repositories)?;
    let mut notes = Vec::new();
    let log = opened.count(&mut notes);
    let hub = hub(&config, command.measure).map_err(|error| error.to_string());
    let mut running_now = BTreeMap::new();
    for record in running(&config) {
        *running_now.entry(record.activity.as_str()).or_default() += 1;
    }
    let last_backup_at = backup::last_time(&config);
    let numbers = Numbers { at: now(), hub, running: running_now, log, last_backup_at, doctor };
    let mut report = if command.prometheus {
        Report::new(metrics(&numbers), Value::Null)
    } else {
        Report::new(numbers.text(&config.hub.name), numbers.json())
    };
    if let Err(error) = &numbers.hub {
        notes.push(error.clone());
        report.status = if command.prometheus { Status::Done } else { Status::Refused };
    }
    report.note = (!notes.is_empty()).then(|| notes.join("; "));
    Ok(report)
}

/// The log, opened with the rights of the caller, and what is known of it.
struct OpenedLog {
    state: State,
    name: String,
    known: Option<Known>,
    log: Result<Log, String>,
}

impl OpenedLog {
    fn open(command: &Stats, config: &Config) -> Result<Self, Failure> {
        let repositories = &config.paths.repositories;
        let failed = |error| Failure::File(repositories.display().to_string(), error);
        let login = repositories.metadata().map_err(failed)?.uid();
        let state = State::open(&config.stats_file(), login)?;
        let name = command.log.as_ref().map_or_else(|| JOURNAL.to_owned(), |file| file.display().to_string());
        let known = state.known(&name);
        let log = if let Some(file) = &command.log {
            Ok(Log::file(file)?)
        } else {
            let mark = known.as_ref().map_or_else(|| Mark::Since(now()), |known| known.mark.clone());
            Log::journal(mark, repositories)
        };
        Ok(Self { state, name, known, log })
    }

    /// Counts the sessions since the last run. `None` if nothing was ever counted. Notes say what failed.
    fn count(self, notes: &mut Vec<String>) -> Option<Logged> {
        let Self { state, name, known, log } = self;
        let mark = known.as_ref().map(|known| &known.mark);
        let mut counted = Tally::default();
        // The first run of a journal begins now, so it finds no record.
        let read = log.and_then(|log| log.count(mark, &mut counted));
        match read {
            Ok(mark) => {
                let now = now();
                let mut total = known.as_ref().map(|known| known.tally.clone()).unwrap_or_default();
                total.add_all(&counted);
                let begun_at = known.as_ref().map_or(now, |known| known.begun_at);
                let next = Known { begun_at, last_at: now, mark, tally: total.clone() };
                let path = state.path().display().to_string();
                if let Err(error) = state.save(&name, &next) {
                    notes.push(format!("the next run counts these sessions again: {path}: {error}"));
                }
                let since = known.map(|known| known.last_at);
                Some(Logged { since, counted, begun_at, total, is_read: true })
            }
            Err(why) => {
                notes.push(format!("sessions are not counted: {why}"));
                let Known { begun_at, last_at, tally, .. } = known?;
                Some(Logged { since: Some(last_at), counted: Tally::default(), begun_at, total: tally, is_read: false })
            }
        }
    }
}

/// Counts rows, and adds what repositories store. Measures directories only if it is told to.
fn hub(config: &Config, measure: bool) -> Result<(Counts, Stored), Failure> {
    let reader = Reader::open(&config.paths.database)?;
    let counts = reader.ask(|view| view.counts())?;
    let failed = |error: crate::usage::Error| Failure::Refused(error.to_string());
    let usage = Usage::new(&config.usage_file(), &config.paths.repositories).map_err(failed)?;
    let mut stored = Stored::default();
    if !measure && !config.usage_file().exists() {
        stored.missing = counts.stored();
        return Ok((counts, stored));
    }
    let mut last = i64::MIN;
    loop {
        let rows = reader.ask(|view| -> Result<_, db::Error> { view.stored_directories(last, PAGE) })?;
        let repositories: Vec<Counted> = rows.into_iter().map(|(id, directory)| Counted { id, directory }).collect();
        let Some(end) = repositories.last() else { return Ok((counts, stored)) };
        last = end.id;
        let known = usage.last_counts(&repositories).map_err(failed)?;
        for (counted, known) in repositories.iter().zip(known) {
            let known = match known {
                Some((_, true)) => known,
                _ if measure => Some((usage.count(counted).map_err(failed)?, true)),
                _ => known,
            };
            stored.add(known);
        }
    }
}
