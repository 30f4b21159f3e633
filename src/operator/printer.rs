//! Standard output of the lists: a terminal gets a page in narrow columns, a program gets everything.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use super::cli::ListOptions;
use crate::commands::Output;
use crate::report::listing::Form;
use crate::report::writing::Out;

/// The most rows on a terminal.
const PAGE: u64 = 1_000;

/// The width of a terminal.
const WIDTH: usize = 80;

/// Standard output.
#[derive(Debug)]
pub(super) struct Printer {
    json: bool,
    out: BufWriter<Stdout>,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { json, out: BufWriter::with_capacity(1 << 16, io::stdout()) }
    }

    /// Where a list goes, and which of its rows.
    pub(super) fn output<'a>(&'a mut self, list: &'a ListOptions) -> Output<'a> {
        let mut form = self.form(list.wide);
        form.limit = list.rows.limit.or(form.limit);
        form.matching.clone_from(&list.rows.matching);
        Output { form, after: list.rows.after.as_deref(), out: self }
    }

    /// How a list is printed.
    pub(super) fn form(&self, wide: bool) -> Form {
        let is_terminal = io::stdout().is_terminal();
        let width = (is_terminal && !wide).then_some(WIDTH);
        Form { json: self.json, width, limit: is_terminal.then_some(PAGE), matching: None }
    }
}

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Out for Printer {
    /// The operator's lists are read once.
    fn restart(&mut self) -> io::Result<()> {
        Ok(())
    }
}
