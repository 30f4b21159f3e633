//! The audit table: who changed what, and when.

use serde_json::Value;

use super::about::{ALL, enter, names};
use super::list::Each;
use super::values::is_event;
use super::{Change, ChangeError};
use crate::db::engine::{Row, values};
use crate::db::{Error, View};
use crate::name::fold;

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
    ///
    /// # Errors
    /// The database's, or [`Error::Value`] for the name of an event that `restore` would not accept.
    pub(super) fn audit(&self, event: &str, object: &str, detail: &Value) -> Result<(), ChangeError> {
        if !is_event(event) {
            return Err(Error::Value("audit.event".to_owned()).into());
        }
        let query = "INSERT INTO audit (at, actor, event, object, detail) VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id";
        let text = detail.to_string();
        let id =
            self.connection.first(query, values![self.now, self.actor, event, object, &text], |row| row.get("id"))?;
        let id = id.ok_or_else(|| Error::Value("id".to_owned()))?;
        Ok(enter(self.connection, id, self.now, &names(self.actor, object, detail))?)
    }
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
