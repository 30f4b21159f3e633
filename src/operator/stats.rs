//! `hubgate stats`: the numbers of a hub, for people, for programs and for Prometheus.
//!
//! Sessions keep no counters, so that no session waits for one. Each writes a line to the system log, and `log` counts
//! the lines since the last run. Started as root, the program asks doctor and opens the log, and then becomes the login
//! account before it opens the database.

mod log;
mod prometheus;
mod state;
mod tally;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::{Value, json};

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
use crate::report::when::minute;
use crate::report::{Report, json_time, page};
use crate::request::Activity;
use crate::usage::{Count, Counted, Usage};
use crate::word::counted;

use log::Log;
use prometheus::{Kind, Metrics};
use state::{Known, Mark, State};
use tally::{Table, Tally, sum};

/// The name of the journal in the file of [`State`]. A log file has its path.
const JOURNAL: &str = "journal";
/// How many directories are read from the database at a time.
const PAGE: usize = 1_000;
/// What a session may do, so that each has a number from the start.
const VERBS: [&str; 4] = ["greeting", "upload-pack", "receive-pack", "account"];
/// The most common reasons, for the same purpose.
const REASONS: [&str; 3] = ["no-repository", "read-only", "too-many-sessions"];

/// All numbers.
struct Numbers {
    at: i64,
    /// What the database and the directories have, or why they could not be asked.
    hub: Result<(Counts, Stored), String>,
    running: BTreeMap<&'static str, u64>,
    log: Option<Logged>,
    last_backup_at: Option<i64>,
    /// The findings of each check that are ok, warnings and problems.
    doctor: Option<BTreeMap<&'static str, [u64; 3]>>,
}

/// The bytes that repositories store, as far as they are known.
#[derive(Debug, Default)]
struct Stored {
    count: Count,
    /// Repositories whose count is up to date.
    current: u64,
    /// Repositories that have changed since they were counted.
    outdated: u64,
    /// Repositories that were not counted since the machine was started.
    missing: u64,
}

/// The sessions of a log.
struct Logged {
    /// The end of the last run, before this one.
    since: Option<i64>,
    /// Since then.
    counted: Tally,
    begun_at: i64,
    total: Tally,
    /// Whether this run has read the log.
    is_read: bool,
}

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
        Report::new(numbers.metrics(), Value::Null)
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

impl Stored {
    fn add(&mut self, known: Option<(Count, bool)>) {
        let number = match known {
            Some((_, true)) => &mut self.current,
            Some((_, false)) => &mut self.outdated,
            None => &mut self.missing,
        };
        *number += 1;
        let Count { git, lfs } = known.map(|(count, _)| count).unwrap_or_default();
        self.count.git = self.count.git.saturating_add(git);
        self.count.lfs = self.count.lfs.saturating_add(lfs);
    }
}

impl Numbers {
    /// The findings of all checks that are ok, warnings and problems.
    fn findings(&self) -> Option<[u64; 3]> {
        let checks = self.doctor.as_ref()?.values();
        Some(checks.fold([0; 3], |[ok, warnings, bad], [more_ok, more_warnings, more_bad]| {
            [ok + more_ok, warnings + more_warnings, bad + more_bad]
        }))
    }

    fn text(&self, name: &str) -> String {
        let unknown = || "not known".to_owned();
        let hub = self.hub.as_ref().ok();
        let accounts = hub.map_or_else(unknown, |(counts, _)| {
            let Counts { users, disabled, organizations, .. } = *counts;
            let disabled = if disabled > 0 { format!(" ({disabled} disabled)") } else { String::new() };
            format!(
                "{}{disabled}, {}",
                counted(users, "user", "users"),
                counted(organizations, "organization", "organizations")
            )
        });
        let keys = hub.map_or_else(unknown, |(counts, _)| {
            let deploy = counted(counts.deploy_keys, "deploy key", "deploy keys");
            format!("{} on accounts, {deploy}", counts.account_keys)
        });
        let repositories = hub.map_or_else(unknown, |(counts, _)| {
            let Counts { models, datasets, spaces, removed, .. } = *counts;
            let removed = if removed > 0 { format!("; {removed} removed") } else { String::new() };
            format!(
                "{}, {}, {}{removed}",
                counted(models, "model", "models"),
                counted(datasets, "dataset", "datasets"),
                counted(spaces, "space", "spaces")
            )
        });
        let stored = hub.map_or_else(unknown, |(_, stored)| {
            let Stored { count: Count { git, lfs }, current, outdated, missing } = *stored;
            let all = current + outdated + missing;
            let text = format!("{} in git objects, {lfs} in LFS objects", counted(git, "byte", "bytes"));
            if outdated + missing == 0 {
                return text;
            }
            let outdated =
                if outdated > 0 { format!(", {outdated} of these before their last change") } else { String::new() };
            let known = all - missing;
            format!("{text}: counted in {known} of {all} repositories{outdated} (--measure counts the others)")
        });
        let running = if self.running.is_empty() { "nothing".to_owned() } else { listed(&self.running) };
        let backup = self.last_backup_at.map_or_else(|| "never".to_owned(), |at| minute(Some(at)));
        let doctor = self.findings().map_or_else(
            || "not asked: run hubgate stats as root".to_owned(),
            |[_, warnings, bad]| {
                let found =
                    format!("{}, {}", counted(bad, "problem", "problems"), counted(warnings, "warning", "warnings"));
                if bad + warnings > 0 { format!("{found}: see hubgate doctor") } else { found }
            },
        );
        let mut fields: Vec<(String, String)> = [
            ("accounts", accounts),
            ("keys", keys),
            ("repositories", repositories),
            ("stored", stored),
            ("running", running),
            ("last backup", backup),
            ("doctor", doctor),
        ]
        .map(|(label, value)| (label.to_owned(), value))
        .into();
        match &self.log {
            None => fields.push(("sessions".to_owned(), unknown())),
            Some(Logged { since, counted: last, begun_at, total, .. }) => {
                let parts = since.map(|since| (since, last)).into_iter().chain([(*begun_at, total)]);
                for (since, tally) in parts {
                    fields.push(("since".to_owned(), minute(Some(since))));
                    for (label, table) in
                        [("  sessions", &tally.sessions), ("  refusals", &tally.refusals), ("  ended", &tally.ended)]
                    {
                        fields.push((label.to_owned(), with_sum(table)));
                    }
                    fields.push(("  faults".to_owned(), tally.faults.to_string()));
                }
            }
        }
        let shown: Vec<(&str, &dyn std::fmt::Display)> =
            fields.iter().map(|(label, value)| (label.as_str(), value as &dyn std::fmt::Display)).collect();
        page(&name, &shown)
    }

    fn json(&self) -> Value {
        let hub = self.hub.as_ref().ok();
        let log = self.log.as_ref().map(|log| {
            json!({
                "since": json_time(log.since),
                "counted": log.counted.to_json(),
                "begun_at": json_time(Some(log.begun_at)),
                "total": log.total.to_json(),
            })
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "at": json_time(Some(self.at)),
            "accounts": hub.map(|(counts, _)| json!({
                "users": counts.users, "disabled": counts.disabled, "organizations": counts.organizations,
            })),
            "keys": hub.map(|(counts, _)| json!({ "account": counts.account_keys, "deploy": counts.deploy_keys })),
            "repositories": hub.map(|(counts, _)| json!({
                "models": counts.models, "datasets": counts.datasets, "spaces": counts.spaces,
                "removed": counts.removed,
            })),
            "stored": hub.map(|(_, stored)| json!({
                "git": stored.count.git, "lfs": stored.count.lfs, "current": stored.current,
                "outdated": stored.outdated, "missing": stored.missing,
            })),
            "running": self.running,
            "log": log,
            "last_backup_at": json_time(self.last_backup_at),
            "doctor": self.findings().map(|[ok, warnings, bad]| json!({ "ok": ok, "warning": warnings, "bad": bad })),
        })
    }

    fn metrics(&self) -> String {
        let mut metrics = Metrics::default();
        let version = [(vec![("version", env!("CARGO_PKG_VERSION"))], 1)];
        metrics.add("hubgate_info", Kind::Gauge, "The version of hubgate.", version);
        let is_up = u64::from(self.hub.is_ok());
        metrics.one("hubgate_database_up", Kind::Gauge, "Whether the database could be read.", is_up);
        if let Ok((counts, stored)) = &self.hub {
            hub_metrics(&mut metrics, counts, stored);
        }
        let of = |verb: Activity| self.running.get(verb.as_str()).copied().unwrap_or_default();
        let activities = Activity::ALL.iter().map(|verb| (vec![("verb", verb.as_str())], of(*verb)));
        metrics.add("hubgate_running_sessions", Kind::Gauge, "Running sessions.", activities);
        let is_read = u64::from(self.log.as_ref().is_some_and(|log| log.is_read));
        metrics.one("hubgate_log_up", Kind::Gauge, "Whether the sessions in the log could be counted.", is_read);
        if let Some(Logged { total, .. }) = &self.log {
            for (name, label, help, table, from_the_start) in [
                ("hubgate_sessions_total", "verb", "Sessions that were served.", &total.sessions, &VERBS[..]),
                (
                    "hubgate_refusals_total",
                    "reason",
                    "Refused sessions, pushes and transfers.",
                    &total.refusals,
                    &REASONS[..],
                ),
                ("hubgate_ended_sessions_total", "reason", "Sessions that hubgate ended.", &total.ended, &[]),
            ] {
                let zeros = from_the_start.iter().filter(|name| !table.contains_key(**name)).map(|name| (*name, 0));
                let samples = table.iter().map(|(name, number)| (name.as_str(), *number)).chain(zeros);
                metrics.add(name, Kind::Counter, help, samples.map(|(name, number)| (vec![(label, name)], number)));
            }
            metrics.one("hubgate_faults_total", Kind::Counter, "Faults of the server.", total.faults);
        }
        metrics.one(
            "hubgate_last_backup_timestamp_seconds",
            Kind::Gauge,
            "When the last backup was made, or 0 if there was none.",
            self.last_backup_at.unwrap_or_default(),
        );
        if let (Some(checks), Some([ok, warnings, bad])) = (&self.doctor, self.findings()) {
            let samples = [("ok", ok), ("warning", warnings), ("bad", bad)];
            let samples = samples.map(|(state, number)| (vec![("state", state)], number));
            metrics.add("hubgate_doctor_findings", Kind::Gauge, "Findings of hubgate doctor.", samples);
            let states = checks.iter().map(|(check, [_, warnings, bad])| {
                (vec![("check", *check)], if *bad > 0 { 2 } else { u64::from(*warnings > 0) })
            });
            let help = "The worst finding of a check: 0 ok, 1 warning, 2 bad.";
            metrics.add("hubgate_doctor_check", Kind::Gauge, help, states);
        }
        metrics.into_text()
    }
}

fn hub_metrics(metrics: &mut Metrics, counts: &Counts, stored: &Stored) {
    let users = [
        (vec![("kind", "user"), ("state", "enabled")], counts.users.saturating_sub(counts.disabled)),
        (vec![("kind", "user"), ("state", "disabled")], counts.disabled),
        (vec![("kind", "organization"), ("state", "enabled")], counts.organizations),
    ];
    metrics.add("hubgate_accounts", Kind::Gauge, "Users and organizations.", users);
    let keys = [("account", counts.account_keys), ("deploy", counts.deploy_keys)]
        .map(|(of, number)| (vec![("of", of)], number));
    metrics.add("hubgate_keys", Kind::Gauge, "Keys on accounts, and deploy keys.", keys);
    let kinds = [("model", counts.models), ("dataset", counts.datasets), ("space", counts.spaces)];
    let kinds = kinds.map(|(kind, number)| (vec![("kind", kind)], number));
    metrics.add("hubgate_repositories", Kind::Gauge, "Repositories that are served.", kinds);
    metrics.one(
        "hubgate_removed_repositories",
        Kind::Gauge,
        "Removed repositories whose directories are kept.",
        counts.removed,
    );
    let parts = [("git", stored.count.git), ("lfs", stored.count.lfs)];
    let parts = parts.map(|(part, bytes)| (vec![("objects", part)], bytes));
    metrics.add("hubgate_stored_bytes", Kind::Gauge, "Bytes of objects in the repositories with a count.", parts);
    let states = [("current", stored.current), ("outdated", stored.outdated), ("missing", stored.missing)];
    let states = states.map(|(state, number)| (vec![("count", state)], number));
    let help = "Repositories by what is known of their bytes.";
    metrics.add("hubgate_counted_repositories", Kind::Gauge, help, states);
}

/// `7: upload-pack 5, account 2`
fn with_sum(table: &Table) -> String {
    let all = sum(table);
    if all == 0 { all.to_string() } else { format!("{all}: {}", listed(table)) }
}

/// `upload-pack 5, account 2`, the largest number first.
fn listed<N: AsRef<str>>(table: &BTreeMap<N, u64>) -> String {
    let mut names: Vec<(&str, u64)> = table.iter().map(|(name, number)| (name.as_ref(), *number)).collect();
    names.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    names.iter().map(|(name, number)| format!("{name} {number}")).collect::<Vec<_>>().join(", ")
}
