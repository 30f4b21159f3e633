//! What a command prints: text for people, JSON for programs.

use comfy_table::{Table, presets};
use serde_json::Value;

use super::when::rfc3339;
use crate::message::Status;

/// The outcome of a command.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people, with its final newline; may be empty.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
    /// Almost always [`Status::Done`].
    pub(crate) status: Status,
}

impl Report {
    pub(crate) fn new(text: String, json: Value) -> Self {
        Self { text, json, status: Status::Done }
    }

    /// A table with a heading; nothing but the heading where there are no rows.
    pub(crate) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>, json: Value) -> Self {
        Self::new(table(heading, rows), json)
    }

    pub(crate) fn render(&self, json: bool) -> String {
        match (json, &self.json) {
            // All of it was said while it came.
            (true, Value::Null) => String::new(),
            (true, json) => format!("{json:#}\n"),
            (false, _) => self.text.clone(),
        }
    }
}

/// Rows under a heading, in columns, without lines and without blanks at the end.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(heading).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A time in JSON: RFC 3339, or null.
pub(crate) fn json_time(second: Option<i64>) -> Value {
    second.map_or(Value::Null, |second| Value::String(rfc3339(second)))
}
