//! The names that audit rows mention. `audit_about` leads from a name to the rows.
//!
//! The names come from the audit rows alone, so they can be entered later too.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::Value;

use crate::db::Error;
use crate::db::engine::{Connection, values};
use crate::key::Fingerprint;
use crate::name::{Grantee, RepoPath, fold};

/// Fields of details whose text is never a name of an account, a repository or a key.
const NOT_NAMES: [&str; 13] = [
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
    "group",
];

/// The name of all changes in `audit_about`.
pub(super) const ALL: &str = "";

/// Enters the names of each audit row that another version of hubgate wrote.
pub(super) fn enter_missing_names(connection: Connection<'_>) -> Result<(), Error> {
    let query = "SELECT id, at, actor, object, detail FROM audit a WHERE NOT EXISTS
                 (SELECT 1 FROM audit_about n WHERE n.name = ?1 AND n.at = a.at AND n.event = a.id)";
    connection.each(query, values![ALL], |row| {
        let [actor, object, detail] = [row.get::<String>("actor")?, row.get("object")?, row.get("detail")?];
        let detail = serde_json::from_str(&detail).unwrap_or_default();
        enter(connection, row.get("id")?, row.get("at")?, &names(&actor, &object, &detail))?;
        Ok(ControlFlow::Continue(()))
    })
}

pub(super) fn enter(connection: Connection<'_>, event: i64, at: i64, names: &BTreeSet<String>) -> Result<(), Error> {
    for name in names {
        let query = "INSERT INTO audit_about (name, at, event) VALUES (?1, ?2, ?3)";
        connection.execute(query, values![name, at, event])?;
    }
    Ok(())
}

/// What an audit row mentions: the object, account and key of the actor, and names in the details. The empty name is
/// always among them.
pub(super) fn names(actor: &str, object: &str, detail: &Value) -> BTreeSet<String> {
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
    text.parse::<Grantee>().is_ok() || text.parse::<RepoPath>().is_ok() || text.parse::<Fingerprint>().is_ok()
}
