//! One line of an audit list.

use serde_json::{Value, json};

use crate::db::Event;
use crate::name::fold;
use crate::operator::cli::Position;
use crate::report::listing::{Column, Table};
use crate::report::when::minute;
use crate::report::{json_time, with_times};

#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    /// Unix time; unknown if the log's time has no year.
    pub(super) second: Option<i64>,
    /// The time for people.
    pub(super) at: String,
    pub(super) what: String,
    pub(super) detail: String,
    pub(super) json: Value,
    /// Its place in the list, once it is known.
    pub(super) position: Option<Position>,
}

impl Entry {
    /// Whether a column contains a text, in upper or lower case.
    pub(super) fn contains(&self, text: &str) -> bool {
        let text = fold(text);
        [&self.at, &self.what, &self.detail].into_iter().any(|cell| fold(cell).contains(&text))
    }
}

/// The list.
pub(super) struct Entries;

impl Table<Entry> for Entries {
    fn columns(&self) -> Vec<Column> {
        vec![Column::new("AT"), Column::at_most("EVENT", 20), Column::at_most("DETAIL", 40)]
    }

    fn cells(&self, entry: &Entry) -> Vec<String> {
        vec![entry.at.clone(), entry.what.clone(), entry.detail.clone()]
    }

    fn json(&self, entry: &Entry) -> Value {
        entry.json.clone()
    }

    fn position(&self, entry: &Entry) -> String {
        entry.position.map(|position| position.to_string()).unwrap_or_default()
    }
}

/// A change in the database.
pub(super) fn change(event: &Event) -> Entry {
    let mut detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
    with_times(&mut detail);
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
        position: None,
    }
}
