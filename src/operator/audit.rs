//! `hubgate audit`: changes from the database, and sessions and pushes from the system log, in one list sorted by time.

mod entry;
mod follow;
mod sessions;

use std::path::Path;

use serde_json::Value;

use super::cli::Audit;
use super::context::Context;
use super::failure::Failure;
use crate::config::Config;
use crate::name::{Owner, fold};
use crate::report::Report;

use entry::{Entry, change};

pub(super) fn run(command: &Audit, json: bool, config: &Path) -> Result<Report, Failure> {
    if command.follow {
        return follow::run(command, json, config);
    }
    // The log belongs to root, so it is read before root privileges are dropped.
    let sessions = match &command.log {
        Some(file) => sessions::of_file(file)?,
        None => sessions::of_journal(command.since, &Config::load(config)?.paths.repositories),
    };
    let context = Context::open(config)?;
    let mut entries: Vec<Entry> = context.store.view().events(command.since)?.iter().map(change).collect();
    entries.extend(sessions);
    entries.retain(|entry| entry.second.is_none_or(|second| second >= command.since) && command.wants(&entry.json));
    // A stable sort: entries of one second keep their order, and entries without a year come last.
    entries.sort_by_key(|entry| entry.second.unwrap_or(i64::MAX));
    let rows = entries.iter().map(|entry| [entry.at.clone(), entry.what.clone(), entry.detail.clone()]).collect();
    let json = entries.into_iter().map(|entry| entry.json).collect();
    Ok(Report::table(["AT", "EVENT", "DETAIL"], rows, json))
}

impl Audit {
    /// Whether an entry matches: one of its values, at any depth, is the name.
    fn wants(&self, entry: &Value) -> bool {
        let user = self.user.as_ref().map(Owner::folded);
        let repo = self.repo.as_ref().map(|repo| fold(&repo.to_string()));
        let key = self.key.map(|key| fold(&key.to_string()));
        [user, repo, key].into_iter().flatten().all(|wanted| holds(entry, &wanted))
    }
}

fn holds(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => fold(text) == wanted,
        Value::Array(values) => values.iter().any(|value| holds(value, wanted)),
        Value::Object(fields) => fields.values().any(|value| holds(value, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_compares_every_value() {
        let filter =
            Audit { since: 0, user: Some("Alice".parse().unwrap()), repo: None, key: None, log: None, follow: false };
        assert!(filter.wants(&json!({ "object": "x", "detail": { "user": "alice" } })));
        assert!(!filter.wants(&json!({ "object": "bob" })));
    }
}
