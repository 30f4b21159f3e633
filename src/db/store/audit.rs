//! The audit table: who changed what, and when.

use rusqlite::params;

use crate::db::{Error, View};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The row; later ones are larger.
    pub id: i64,
    /// Seconds UTC since 1970.
    pub at: i64,
    /// Who asked for it.
    pub actor: String,
    /// What it was, as the Hub names events: `repo.create`.
    pub event: String,
    /// What it happened to.
    pub object: String,
    /// How, as a JSON object.
    pub detail: String,
}

impl View<'_> {
    /// The changes since an instant, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events(&self, since: i64) -> Result<Vec<Event>, Error> {
        self.events_by("SELECT id, at, actor, event, object, detail FROM audit WHERE at >= ?1 ORDER BY id", since)
    }

    /// The changes behind a row, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events_behind(&self, row: i64) -> Result<Vec<Event>, Error> {
        self.events_by("SELECT id, at, actor, event, object, detail FROM audit WHERE id > ?1 ORDER BY id", row)
    }

    /// The last row; 0 where there is none.
    ///
    /// # Errors
    /// [`Error`].
    pub fn last_event(&self) -> Result<i64, Error> {
        Ok(self.connection.query_row("SELECT coalesce(max(id), 0) FROM audit", [], |row| row.get(0))?)
    }

    fn events_by(&self, query: &str, parameter: i64) -> Result<Vec<Event>, Error> {
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map(params![parameter], |row| {
            Ok(Event {
                id: row.get("id")?,
                at: row.get("at")?,
                actor: row.get("actor")?,
                event: row.get("event")?,
                object: row.get("object")?,
                detail: row.get("detail")?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
