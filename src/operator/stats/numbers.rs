//! The numbers of a hub, as people and programs read them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tally::{Table, Tally, sum};
use crate::db::Counts;
use crate::report::when::minute;
use crate::report::{json_time, page};
use crate::usage::Count;
use crate::word::counted;

/// All numbers.
pub(super) struct Numbers {
    pub(super) at: i64,
    /// What the database and the directories have, or why they could not be asked.
    pub(super) hub: Result<(Counts, Stored), String>,
    pub(super) running: BTreeMap<&'static str, u64>,
    pub(super) log: Option<Logged>,
    pub(super) last_backup_at: Option<i64>,
    /// The findings of each check that are ok, warnings and problems.
    pub(super) doctor: Option<BTreeMap<&'static str, [u64; 3]>>,
}

/// The bytes that repositories store, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) count: Count,
    /// Repositories whose count is up to date.
    pub(super) current: u64,
    /// Repositories that have changed since they were counted.
    pub(super) outdated: u64,
    /// Repositories that were not counted since the machine was started.
    pub(super) missing: u64,
}

/// The sessions of a log.
pub(super) struct Logged {
    /// The end of the last run, before this one.
    pub(super) since: Option<i64>,
    /// Since then.
    pub(super) counted: Tally,
    pub(super) begun_at: i64,
    pub(super) total: Tally,
    /// Whether this run has read the log.
    pub(super) is_read: bool,
}

impl Stored {
    /// Adds a repository: its count, and whether that is up to date.
    pub(super) fn add(&mut self, known: Option<(Count, bool)>) {
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
    pub(super) fn findings(&self) -> Option<[u64; 3]> {
        let checks = self.doctor.as_ref()?.values();
        Some(checks.fold([0; 3], |[ok, warnings, bad], [more_ok, more_warnings, more_bad]| {
            [ok + more_ok, warnings + more_warnings, bad + more_bad]
        }))
    }

    /// For people.
    pub(super) fn text(&self, name: &str) -> String {
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
                let parts = since.map(|since| ("last run", since, last));
                for (run, at, tally) in parts.into_iter().chain([("first run", *begun_at, total)]) {
                    fields.push((run.to_owned(), format!("{}, and since then:", minute(Some(at)))));
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

    /// For programs.
    pub(super) fn json(&self) -> Value {
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
