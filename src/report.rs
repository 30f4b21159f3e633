//! What a command prints: text for people, JSON for programs. The operator's and the peers' commands share it.

mod accounts;
mod chain;
mod checks;
mod emails;
mod gate;
mod keys;
pub(crate) mod lines;
pub(crate) mod listing;
mod members;
mod proposals;
mod repository;
mod rules;
mod signers;
pub(crate) mod spool;
mod teams;
pub(crate) mod when;
pub(crate) mod writing;

use std::fmt::Display;
use std::iter;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::message::Status;
use crate::name::Shown;
use crate::word::counted;

pub(crate) use accounts::{
    Authorities, Organizations, Users, authority_json, organization_json, organization_page, owner_json, user_json,
    user_page,
};
pub(crate) use chain::chain;
pub(crate) use checks::{Checks, ShownCheck, check_json};
pub(crate) use emails::{Emails, email_json};
pub(crate) use gate::{Requests, answer_report, request_json};
pub(crate) use keys::{Keys, key_added, key_json, key_page, key_removed, key_warning};
pub(crate) use members::{Collaborators, Members, members_json, members_text};
pub(crate) use proposals::{Proposal, Proposals, proposal_page};
pub(crate) use repository::{
    Reachable, RemovedRepositories, Repositories, repo_json, repository_created, repository_page, repository_removed,
    repository_summary, state,
};
pub(crate) use rules::{Rules, rule_json};
pub(crate) use signers::Signers;
pub(crate) use teams::{TeamMembers, Teams, team_json, team_page, teams_of_organization, teams_of_user};
use when::rfc3339;

/// The outcome of a command.
#[derive(Debug)]
pub(crate) struct Report {
    /// For people, with its final newline; may be empty.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: Value,
    /// A line for standard error.
    pub(crate) note: Option<String>,
    /// Almost always [`Status::Done`].
    pub(crate) status: Status,
}

impl Report {
    pub(crate) fn new(text: String, json: Value) -> Self {
        Self { text, json, note: None, status: Status::Done }
    }

    /// The report of a command that has printed its answer already.
    pub(crate) fn printed(note: Option<String>) -> Self {
        Self { note, ..Self::new(String::new(), Value::Null) }
    }

    /// A table with a heading. Without rows, it is only the heading.
    pub(crate) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>, json: Value) -> Self {
        Self::new(table(heading, rows), json)
    }

    /// The same with the number of running sessions that the command has ended, if it has ended any.
    #[must_use]
    pub(crate) fn with_ended(mut self, ended: usize) -> Self {
        if ended > 0 {
            let sessions = counted(u64::try_from(ended).unwrap_or(u64::MAX), "running session", "running sessions");
            self.text = format!("{}ended {sessions}\n", self.text);
            self.json = with_fields(self.json, [("ended_sessions", ended.into())]);
        }
        self
    }

    pub(crate) fn render(&self, json: bool) -> String {
        match (json, &self.json) {
            // The command has printed its JSON already.
            (true, Value::Null) => String::new(),
            (true, json) => format!("{json:#}\n"),
            (false, _) => self.text.split_inclusive('\n').fold(String::new(), |text, line| text + &shown_line(line)),
        }
    }
}

/// A line with its end, as people read it. Texts of a report have tabs of their own.
fn shown_line(line: &str) -> String {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    let words: Vec<String> = line.trim_end_matches('\n').split('\t').map(|word| Shown(word).to_string()).collect();
    words.join("\t") + end
}

/// Rows under a heading, in columns, without lines and without blanks at the end.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut widths = heading.map(UnicodeWidthStr::width);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let line = |cells: [String; N]| {
        let padded: String =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell}{:1$}  ", "", width - cell.width())).collect();
        padded.trim_end().to_owned() + "\n"
    };
    iter::once(heading.map(str::to_owned)).chain(rows).map(line).collect()
}

/// One object: its name, then each field on a line of its own, values in one column.
pub(crate) fn page(name: &impl Display, fields: &[(&str, &dyn Display)]) -> String {
    let width = fields.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    let lines = fields.iter().map(|(label, value)| format!("  {label:width$}  {value}").trim_end().to_owned() + "\n");
    iter::once(format!("{name}\n")).chain(lines).collect()
}

/// A JSON object with more fields.
pub(crate) fn with_fields<const N: usize>(mut json: Value, fields: [(&str, Value); N]) -> Value {
    if let Value::Object(object) = &mut json {
        object.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    }
    json
}

/// An error in JSON: what a person reads, and the exit status.
pub(crate) fn error_json(message: &str, status: Status) -> Value {
    json!({ "error": message, "status": status.code() })
}

/// A time in JSON: RFC 3339, or null.
pub(crate) fn json_time(second: Option<i64>) -> Value {
    second.map_or(Value::Null, |second| Value::String(rfc3339(second)))
}

/// Replaces the seconds in every field that is a time, as in rows of the database: `until`, and names in `_at`.
pub(crate) fn with_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_i64() {
                    Some(second) if name == "until" || name.ends_with("_at") => *value = json_time(Some(second)),
                    Some(_) | None => with_times(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(with_times),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Report, table};

    #[test]
    fn a_strangers_text_in_a_report_hides_nothing_and_programs_get_it_as_it_is() {
        let text = "a\tb\u{202e}c\n\u{1b}[2J\nd";
        let report = Report::new(text.to_owned(), json!({ "text": text }));
        assert_eq!(report.render(false), "a\tb\\u{202e}c\n\\u{1b}[2J\nd");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&report.render(true)).unwrap()["text"], text);
    }

    #[test]
    fn columns_line_up_on_a_terminal_and_no_line_ends_in_a_blank() {
        let rows = [["日本", "x", ""], ["a", "", "é"]].map(|row| row.map(str::to_owned)).to_vec();
        assert_eq!(table(["NAME", "K", "TITLE"], rows), "NAME  K  TITLE\n日本  x\na        é\n");
    }
}
