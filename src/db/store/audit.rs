//! The audit table: who changed what, and when.

use crate::db::engine::values;
use crate::db::{Error, View};

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

impl View<'_> {
    /// The changes since a second, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events(&self, since: i64) -> Result<Vec<Event>, Error> {
        self.events_by("SELECT id, at, actor, event, object, detail FROM audit WHERE at >= ?1 ORDER BY id", since)
    }

    /// The changes after a row, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events_behind(&self, row: i64) -> Result<Vec<Event>, Error> {
        self.events_by("SELECT id, at, actor, event, object, detail FROM audit WHERE id > ?1 ORDER BY id", row)
    }

    /// The last row; 0 in an empty table.
    ///
    /// # Errors
    /// [`Error`].
    pub fn last_event(&self) -> Result<i64, Error> {
        self.connection.number("SELECT coalesce(max(id), 0) AS number FROM audit", &[])
    }

    fn events_by(&self, query: &str, parameter: i64) -> Result<Vec<Event>, Error> {
        self.connection.query(query, values![parameter], |row| {
            Ok(Event {
                id: row.get("id")?,
                at: row.get("at")?,
                actor: row.get("actor")?,
                event: row.get("event")?,
                object: row.get("object")?,
                detail: row.get("detail")?,
            })
        })
    }
}
