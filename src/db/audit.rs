//! The audit table: who changed what, and when.

use rusqlite::params;

use super::{Error, Store};

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
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

impl Store {
    /// The changes since an instant, oldest first.
    ///
    /// # Errors
    /// [`Error`].
    pub fn events(&self, since: i64) -> Result<Vec<Event>, Error> {
        let query = "SELECT at, actor, event, object, detail FROM audit WHERE at >= ?1 ORDER BY id";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map(params![since], |row| {
            Ok(Event {
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
