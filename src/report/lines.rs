//! Findings that are printed while the work is done: lines for people, or one JSON array for programs.

use std::io;
use std::ops::ControlFlow;

use serde_json::Value;

use super::writing::{Out, Writing};

/// Findings in progress.
pub(crate) struct Lines<'a> {
    json: bool,
    writing: Writing<'a>,
    /// Whether a line was printed.
    has_text: bool,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(json: bool, out: &'a mut dyn Out) -> Self {
        Self { json, writing: Writing::new(out), has_text: false }
    }

    /// Prints a finding: its line, which may be empty, or its object. Breaks if nothing can be printed any more.
    pub(crate) fn print(&mut self, line: &str, object: &Value) -> ControlFlow<()> {
        if self.json {
            self.writing.object(object);
        } else {
            self.writing.text(line);
        }
        self.has_text |= !line.is_empty();
        self.writing.state()
    }

    /// Prints the end; for people, `none` if no line was printed.
    ///
    /// # Errors
    /// What the operating system says. If the reader has gone away, that is no error.
    pub(crate) fn finish(mut self, none: &str) -> io::Result<()> {
        if self.json {
            self.writing.end_of_array();
        } else if !self.has_text {
            self.writing.text(none);
        }
        self.writing.finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::report::spool::Spool;

    #[test]
    fn findings_are_lines_or_one_array_that_is_printed_as_a_whole_one_is() {
        let rows = [("", json!({ "path": "a" })), ("b\n", json!({ "path": "b", "list": [1] }))];
        for (count, text) in [(0, "none\n"), (1, "none\n"), (2, "b\n")] {
            for is_json in [false, true] {
                let mut spool = Spool::default();
                let mut lines = Lines::new(is_json, &mut spool);
                assert!(rows.iter().take(count).all(|(line, object)| lines.print(line, object).is_continue()));
                lines.finish("none\n").unwrap();
                let mut out = Vec::new();
                spool.copy_to(&mut out).unwrap();
                let whole: Value = rows.iter().take(count).map(|(_, object)| object.clone()).collect();
                let expected = if is_json { format!("{whole:#}\n") } else { text.to_owned() };
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{count}");
            }
        }
    }
}
