//! `hubgate export`: the content of the database, for another program or hub. Without secrets and invitations.

use serde_json::{Map, Value, json};

use super::context::Context;
use super::failure::Failure;
use crate::clock::now;
use crate::report::when::rfc3339;
use crate::report::{Report, json_time};

pub(super) fn run(mut context: Context) -> Result<Report, Failure> {
    let mut export = Map::new();
    export.insert("hub".to_owned(), json!(context.config.hub.name));
    export.insert("exported_at".to_owned(), rfc3339(now()).into());
    for (table, mut rows) in context.store.export()? {
        rows.as_array_mut().into_iter().flatten().for_each(with_times);
        export.insert(table, rows);
    }
    let json = Value::Object(export);
    // Only JSON: `list` commands show the same for people.
    Ok(Report::new(format!("{json:#}\n"), json))
}

/// Replaces the seconds of a row by times.
fn with_times(row: &mut Value) {
    for (name, value) in row.as_object_mut().into_iter().flatten() {
        if let (true, Some(second)) = (name == "until" || name.ends_with("_at"), value.as_i64()) {
            *value = json_time(Some(second));
        }
    }
}
