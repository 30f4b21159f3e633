//! What a command prints: text for people, JSON for programs.

use comfy_table::{Table, presets};
use serde_json::Value;

use super::when::rfc3339;
use crate::message::Status;

/// The outcome of a command.
#[derive(Debug)]
pub(super) struct Report {
    /// For people, with its final newline; may be empty.
    pub(super) text: String,
    /// For programs.
    pub(super) json: Value,
    /// Almost always [`Status::Done`].
    pub(super) status: Status,
}

impl Report {
    pub(super) fn new(text: String, json: Value) -> Self {
        Self { text, json, status: Status::Done }
    }

    /// A table with a heading; nothing but the heading where there are no rows.
    pub(super) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>, json: Value) -> Self {
        Self::new(table(heading, rows), json)
    }

    pub(super) fn render(&self, json: bool) -> String {
        if json { format!("{:#}\n", self.json) } else { self.text.clone() }
    }
}

/// Rows under a heading, in columns, without lines and without blanks at the end.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(heading).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A time in JSON: RFC 3339, or null.
pub(super) fn json_time(second: Option<i64>) -> Value {
    second.map_or(Value::Null, |second| Value::String(rfc3339(second)))
}
