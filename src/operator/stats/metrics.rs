//! The numbers of a hub, as Prometheus reads them.

use super::numbers::{Logged, Numbers, Stored};
use super::prometheus::{Kind, Metrics};
use crate::db::Counts;
use crate::request::Activity;

/// What a session may do, so that each has a number from the start.
const VERBS: [&str; 4] = ["greeting", "upload-pack", "receive-pack", "account"];
/// The most common reasons, for the same purpose.
const REASONS: [&str; 3] = ["no-repository", "read-only", "too-many-sessions"];

/// All metrics.
pub(super) fn metrics(numbers: &Numbers) -> String {
    let mut metrics = Metrics::default();
    let version = [(vec![("version", env!("CARGO_PKG_VERSION"))], 1)];
    metrics.add("hubgate_info", Kind::Gauge, "The version of hubgate.", version);
    let is_up = u64::from(numbers.hub.is_ok());
    metrics.one("hubgate_database_up", Kind::Gauge, "Whether the database could be read.", is_up);
    if let Ok((counts, stored)) = &numbers.hub {
        hub_metrics(&mut metrics, counts, stored);
    }
    let of = |verb: Activity| numbers.running.get(verb.as_str()).copied().unwrap_or_default();
    let activities = Activity::ALL.iter().map(|verb| (vec![("verb", verb.as_str())], of(*verb)));
    metrics.add("hubgate_running_sessions", Kind::Gauge, "Running sessions.", activities);
    let is_read = u64::from(numbers.log.as_ref().is_some_and(|log| log.is_read));
    metrics.one("hubgate_log_up", Kind::Gauge, "Whether the sessions in the log could be counted.", is_read);
    if let Some(Logged { total, .. }) = &numbers.log {
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
        numbers.last_backup_at.unwrap_or_default(),
    );
    if let (Some(checks), Some([ok, warnings, bad])) = (&numbers.doctor, numbers.findings()) {
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
