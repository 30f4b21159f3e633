//! The rows of `tests/data/hostile-inputs.jsonl`: hostile inputs and the expected verdict.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use base64ct::{Base64, Encoding};
use serde_json::Value;

/// One row.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) input: Vec<u8>,
    pub(crate) accepted: bool,
    /// The code of the refusal, as in DESIGN section 6.
    pub(crate) message: Option<String>,
    /// The parts of an accepted command.
    pub(crate) normalized: Value,
}

impl Row {
    /// The input as an argument of a command.
    pub(crate) fn command(&self) -> OsString {
        OsString::from_vec(self.input.clone())
    }
}

/// The rows of one kind, in the order of the file.
pub(crate) fn of_kind(kind: &str) -> Vec<Row> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/hostile-inputs.jsonl");
    let text = std::fs::read_to_string(file).expect("the rows");
    let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    rows.filter(|row| row["kind"] == kind).map(|row| parse(&row)).collect()
}

fn parse(row: &Value) -> Row {
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    let input = match (text("input"), text("input_b64")) {
        (Some(input), None) => input.into_bytes(),
        (None, Some(base64)) => Base64::decode_vec(&base64).expect("base64"),
        _ => panic!("{row}: one input"),
    };
    Row {
        id: text("id").expect("an id"),
        input,
        accepted: row["expect"] == "accept",
        message: text("message"),
        normalized: row["normalized"].clone(),
    }
}
