//! The audit table: who changed what, and when.
//!
//! `audit_about` leads from a name to the changes that mention it. The names come from the audit rows alone, so they can
//! be entered later too: [`Change::enter_names`] does it for the rows that another version of hubgate wrote.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::Value;

use super::{Change, ChangeError};
use crate::db::engine::{Connection, Row, values};
use crate::db::{Each, Error, View};
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath, fold};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The row; later rows have larger numbers.
    pub id: i64,
    /// Seconds UTC since 1970.
    pub at: i64,
    /// Who made the change.
    pub actor: String,
    /// The name of the event, as the Hub names events: `repo.create`.
    pub event: String,
    /// The object that changed.
    pub object: String,
    /// The details, as a JSON object.
    pub detail: String,
}

/// Fields of details whose text is never a name of an account, a repository or a key.
const NOT_NAMES: [&str; 12] = [
    "title",
    "scope",
    "role",
    "visibility",
    "object_format",
    "directory",
    "gate",
    "state",
    "reason",
    "removal",
    "sources",
    "what",
];

/// The name of all changes in `audit_about`.
const ALL: &str = "";

/// Whether the rows are wanted from the oldest or from the newest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The oldest first.
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

impl View<'_> {
    /// The changes since a second that mention a name, or all changes since then. A name is an account, a path or a
    /// fingerprint, in upper or lower case.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events(
        &self,
        since: i64,
        about: Option<&str>,
        direction: Direction,
        each: Each<'_, Event>,
    ) -> Result<(), Error> {
        let order = match direction {
            Direction::OldestFirst => "n.at, n.event",
            Direction::NewestFirst => "n.at DESC, n.event DESC",
        };
        let query = format!(
            "SELECT a.id, a.at, a.actor, a.event, a.object, a.detail FROM audit_about n JOIN audit a ON a.id = n.event
             WHERE n.name = ?1 AND n.at >= ?2 ORDER BY {order}"
        );
        self.connection.each(&query, values![&fold(about.unwrap_or(ALL)), since], |row| Ok(each(event(row)?)))
    }

    /// The changes after a row, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events_behind(&self, row: i64) -> Result<Vec<Event>, Error> {
        let query = "SELECT id, at, actor, event, object, detail FROM audit WHERE id > ?1 ORDER BY id";
        self.connection.query(query, values![row], event)
    }

    /// The last row; 0 in an empty table.
    ///
    /// # Errors
    /// [`Error`].
    pub fn last_event(&self) -> Result<i64, Error> {
        self.connection.number("SELECT coalesce(max(id), 0) AS number FROM audit", &[])
    }
}

impl Change<'_> {
    /// Writes the audit row of this change: the event as the Hub names it, the object, and details.
    pub(super) fn audit(&self, event: &str, object: &str, detail: &Value) -> Result<(), ChangeError> {
        let query = "INSERT INTO audit (at, actor, event, object, detail) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
        let text = detail.to_string();
        let id =
            self.connection.first(query, values![self.now, self.actor, event, object, &text], |row| row.get("id"))?;
        let id = id.ok_or_else(|| Error::Value("id".to_owned()))?;
        Ok(enter(self.connection, id, self.now, &names(self.actor, object, detail))?)
    }
}

/// Enters the names of each audit row that another version of hubgate wrote.
pub(super) fn enter_missing_names(connection: Connection<'_>) -> Result<(), Error> {
    let query = "SELECT id, at, actor, event, object, detail FROM audit a WHERE NOT EXISTS
                 (SELECT 1 FROM audit_about n WHERE n.name = ?1 AND n.at = a.at AND n.event = a.id)";
    connection.each(query, values![ALL], |row| {
        let event = event(row)?;
        let detail = serde_json::from_str(&event.detail).unwrap_or_default();
        enter(connection, event.id, event.at, &names(&event.actor, &event.object, &detail))?;
        Ok(ControlFlow::Continue(()))
    })
}

fn enter(connection: Connection<'_>, event: i64, at: i64, names: &BTreeSet<String>) -> Result<(), Error> {
    for name in names {
        let query = "INSERT INTO audit_about (name, at, event) VALUES (?1, ?2, ?3)";
        connection.execute(query, values![name, at, event])?;
    }
    Ok(())
}

/// What an audit row mentions: the object, account and key of the actor, and names in the details. The empty name is
/// always among them.
fn names(actor: &str, object: &str, detail: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::from([ALL.to_owned(), fold(object)]);
    names.extend(actor.split(' ').filter(|word| is_name(word)).map(fold));
    gather(detail, &mut names);
    names
}

fn gather(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_name(text) => drop(names.insert(fold(text))),
        Value::Array(values) => values.iter().for_each(|value| gather(value, names)),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !NOT_NAMES.contains(&name.as_str()));
            fields.for_each(|(_, value)| gather(value, names));
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_name(text: &str) -> bool {
    text.parse::<Owner>().is_ok() || text.parse::<RepoPath>().is_ok() || text.parse::<Fingerprint>().is_ok()
}

fn event(row: &Row<'_>) -> Result<Event, Error> {
    Ok(Event {
        id: row.get("id")?,
        at: row.get("at")?,
        actor: row.get("actor")?,
        event: row.get("event")?,
        object: row.get("object")?,
        detail: row.get("detail")?,
    })
}
