//! `hubgate audit`: changes from the database, sessions and pushes from the system log, in one list.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use super::Failure;
use super::cli::Audit;
use super::context::Context;
use super::report::{Report, json_time};
use super::when::minute;
use crate::db::Event;
use crate::log;
use crate::name::{Owner, fold};

/// One line of the list: when, in words that sort, and what.
#[derive(Debug)]
struct Entry {
    at: String,
    what: String,
    detail: String,
    json: Value,
}

pub(super) fn run(command: &Audit, config: &Path) -> Result<Report, Failure> {
    // The log belongs to root: it is read before root's rights are dropped.
    let log = match &command.log {
        Some(file) => {
            std::fs::read_to_string(file).map_err(|error| Failure::File(file.display().to_string(), error))?
        }
        None => journal(command.since),
    };
    let context = Context::open(config)?;
    let mut entries: Vec<Entry> = context.store.events(command.since)?.iter().map(change).collect();
    entries.extend(log.lines().filter_map(session));
    entries.retain(|entry| command.wants(&entry.json));
    let rows = entries.iter().map(|entry| [entry.at.clone(), entry.what.clone(), entry.detail.clone()]).collect();
    let json = entries.into_iter().map(|entry| entry.json).collect();
    Ok(Report::table(["AT", "EVENT", "DETAIL"], rows, json))
}

impl Audit {
    /// Whether an entry concerns what is asked for: one of its values, at any depth, is the name.
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

fn change(event: &Event) -> Entry {
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    Entry {
        at: minute(Some(event.at)),
        what: event.event.clone(),
        detail: format!("{} by {}: {}", event.object, event.actor, event.detail),
        json: json!({
            "at": json_time(Some(event.at)), "event": event.event, "object": event.object, "actor": event.actor,
            "detail": detail,
        }),
    }
}

/// One line of a log file, `TIME HOST hubgate[PID]: sid=… user=…`.
fn session(line: &str) -> Option<Entry> {
    let (head, message) = line.split_once("]: sid=")?;
    let (before, _) = head.rsplit_once(" hubgate[").or_else(|| head.rsplit_once("hubgate["))?;
    let message = format!("sid={message}");
    let fields = log::parse(&message)?;
    let at = before.rsplit_once(' ').map_or(before, |(at, _host)| at).trim().to_owned();
    let object: Map<String, Value> = fields.into_iter().map(|(key, value)| (key, Value::String(value))).collect();
    let what = if object.contains_key("ref") { "push" } else { "session" };
    let json = json!({ "at": at, "event": what, "session": object });
    Some(Entry { at, what: what.to_owned(), detail: message, json })
}

/// The lines of the systemd journal, where there is one; they come in the form of a log file.
fn journal(since: i64) -> String {
    let output = Command::new("journalctl")
        .args(["--quiet", "--no-pager", "--output=short-iso", "--identifier=hubgate", &format!("--since=@{since}")])
        .output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_log_file_is_a_session() {
        let line = "Nov 24 09:00:00 hub hubgate[12]: sid=00 user=alice from=::1 verb=upload-pack repo=a/x decision=allow reason=\"\"";
        let entry = session(line).unwrap();
        assert_eq!((entry.at.as_str(), entry.what.as_str()), ("Nov 24 09:00:00", "session"));
        assert_eq!(entry.json["session"]["repo"], "a/x");
        assert_eq!(entry.json["session"]["reason"], "");
        assert!(session("Nov 24 09:00:00 hub sshd[12]: Accepted publickey for git").is_none());
    }

    #[test]
    fn a_filter_looks_at_every_value() {
        let filter = Audit { since: 0, user: Some("Alice".parse().unwrap()), repo: None, key: None, log: None };
        assert!(filter.wants(&json!({ "object": "x", "detail": { "user": "alice" } })));
        assert!(!filter.wants(&json!({ "object": "bob" })));
    }
}
