//! Findings that are printed while the work is done: lines for people, or one JSON array for programs.

use std::io::{self, ErrorKind};
use std::ops::ControlFlow;

use serde_json::Value;

use super::listing::Out;

/// Findings in progress.
pub(crate) struct Lines<'a> {
    json: bool,
    out: &'a mut dyn Out,
    objects: u64,
    /// Whether a line was printed.
    has_text: bool,
    written: io::Result<()>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(json: bool, out: &'a mut dyn Out) -> Self {
        Self { json, out, objects: 0, has_text: false, written: Ok(()) }
    }

    /// Prints a finding: its line, which may be empty, or its object. Breaks if nothing can be printed any more.
    pub(crate) fn print(&mut self, line: &str, object: &Value) -> ControlFlow<()> {
        if self.json {
            let before = if self.objects == 0 { "[" } else { "," };
            let object = format!("{object:#}").replace('\n', "\n  ");
            self.write(&format!("{before}\n  {object}"));
        } else {
            self.write(line);
        }
        self.objects += 1;
        self.has_text |= !line.is_empty();
        if self.written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Prints the end; for people, `none` if no line was printed.
    ///
    /// # Errors
    /// What the operating system says. If the reader has gone away, that is no error.
    pub(crate) fn finish(mut self, none: &str) -> io::Result<()> {
        match (self.json, self.objects) {
            (true, 0) => self.write("[]\n"),
            (true, _) => self.write("\n]\n"),
            (false, _) if !self.has_text => self.write(none),
            (false, _) => {}
        }
        match self.written.and_then(|()| self.out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn write(&mut self, text: &str) {
        if self.written.is_ok() {
            self.written = self.out.write_all(text.as_bytes());
        }
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
