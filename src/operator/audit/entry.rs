//! One line of an audit list.

use serde_json::{Value, json};

use crate::db::Event;
use crate::report::json_time;
use crate::report::when::minute;

#[derive(Debug)]
pub(super) struct Entry {
    /// Unix time; unknown if the log's time has no year.
    pub(super) second: Option<i64>,
    /// The time for people.
    pub(super) at: String,
    pub(super) what: String,
    pub(super) detail: String,
    pub(super) json: Value,
}

/// A change in the database.
pub(super) fn change(event: &Event) -> Entry {
    let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    // For a peer, the column has account, key and session; for an operator, the login.
    let mut words = event.actor.split(' ');
    let actor = words.next();
    let (key, session) = (words.next(), words.next().and_then(|word| word.strip_prefix("sid=")));
    Entry {
        second: Some(event.at),
        at: minute(Some(event.at)),
        what: event.event.clone(),
        detail: format!("{} by {}: {}", event.object, event.actor, event.detail),
        json: json!({
            "at": json_time(Some(event.at)), "event": event.event, "object": event.object, "actor": actor, "key": key,
            "session": session, "detail": detail,
        }),
    }
}
