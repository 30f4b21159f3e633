//! Lists: rows that are printed while they are read, as a table or as one JSON array. No list waits in memory.

use std::io;
use std::ops::ControlFlow;

use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::writing::{Out, Writing};
use crate::name::{Shown, fold};

/// How many rows decide about the widths of the columns.
const PAGE: usize = 1_000;

/// What ends a cell that is cut.
const CUT: char = '…';

/// What a list shows of each row.
pub(crate) trait Table<T> {
    /// The columns.
    fn columns(&self) -> Vec<Column>;
    /// The text of each column.
    fn cells(&self, row: &T) -> Vec<String>;
    /// The row for programs.
    fn json(&self, row: &T) -> Value;
    /// The value of `--after` with which a list continues behind the row.
    fn position(&self, row: &T) -> String;
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    narrow: Narrow,
}

/// How a column changes if the table is wider than the terminal.
#[derive(Debug, Clone, Copy)]
enum Narrow {
    /// It stays as it is.
    Whole,
    /// It is cut to this width.
    AtMost(usize),
    /// Its times become days, and it is cut to this width.
    Days(usize),
    /// It is left out.
    Hidden,
}

impl Column {
    /// A column that is never cut.
    pub(crate) fn new(heading: &'static str) -> Self {
        Self { heading, narrow: Narrow::Whole }
    }

    /// A column that may be cut to a width.
    pub(crate) fn at_most(heading: &'static str, width: usize) -> Self {
        Self { heading, narrow: Narrow::AtMost(width) }
    }

    /// A column whose times may become days.
    pub(crate) fn days(heading: &'static str, width: usize) -> Self {
        Self { heading, narrow: Narrow::Days(width) }
    }

    /// A column that a narrow table does not have.
    pub(crate) fn wide(heading: &'static str) -> Self {
        Self { heading, narrow: Narrow::Hidden }
    }
}

/// How a list is printed, and which of its rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    /// One JSON array instead of a table.
    pub(crate) json: bool,
    /// The width of the terminal; `None` prints every column whole.
    pub(crate) width: Option<usize>,
    /// The most rows.
    pub(crate) limit: Option<u64>,
    /// Only rows with this text in a column, in upper or lower case.
    pub(crate) matching: Option<String>,
}

/// A list in progress.
pub(crate) struct Listing<'a, T> {
    form: &'a Form,
    table: &'a dyn Table<T>,
    writing: Writing<'a>,
    columns: Vec<Column>,
    /// The rows of the first page, until their widths are known.
    page: Vec<Vec<String>>,
    /// The width of each column; `None` leaves the column out.
    widths: Option<Vec<Option<usize>>>,
    rows: u64,
    /// The position of the last row that the limit admits.
    last: String,
    /// Whether there are more rows than the limit admits.
    is_cut: bool,
}

impl<'a, T> Listing<'a, T> {
    pub(crate) fn new(form: &'a Form, table: &'a dyn Table<T>, out: &'a mut dyn Out) -> Self {
        Self {
            form,
            table,
            columns: table.columns(),
            page: Vec::new(),
            widths: None,
            rows: 0,
            last: String::new(),
            is_cut: false,
            writing: Writing::from_start(out),
        }
    }

    /// Prints a row. Breaks if no more rows are wanted.
    pub(crate) fn row(&mut self, row: &T) -> ControlFlow<()> {
        let cells = match (&self.form.matching, self.form.json) {
            (None, true) => Vec::new(),
            (Some(_), _) | (None, false) => self.table.cells(row),
        };
        if let Some(text) = &self.form.matching {
            let text = fold(text);
            if !cells.iter().any(|cell| fold(cell).contains(&text)) {
                return ControlFlow::Continue(());
            }
        }
        if self.form.limit.is_some_and(|limit| self.rows >= limit) {
            self.is_cut = true;
            return ControlFlow::Break(());
        }
        self.rows += 1;
        if self.form.limit == Some(self.rows) {
            self.last = self.table.position(row);
        }
        if self.form.json {
            self.writing.object(&self.table.json(row));
            return self.writing.state();
        }
        let cells: Vec<String> = cells.iter().map(|cell| Shown(cell).to_string()).collect();
        if self.widths.is_some() {
            self.line(&cells);
        } else {
            self.page.push(cells);
            if self.page.len() == PAGE {
                self.print_page();
            }
        }
        self.writing.state()
    }

    /// Prints the end of the list. Returns how to get more rows, if the limit cut the list.
    ///
    /// # Errors
    /// What the operating system says. If the reader has gone away, that is no error.
    pub(crate) fn finish(mut self) -> io::Result<Option<String>> {
        if self.form.json {
            self.writing.end_of_array();
        } else if self.widths.is_none() {
            self.print_page();
        }
        self.writing.finish()?;
        let more = || format!("there are more rows: to continue, add --after {}", self.last);
        Ok(self.is_cut.then(more))
    }

    fn print_page(&mut self) {
        let page = std::mem::take(&mut self.page);
        let headings: Vec<String> = self.columns.iter().map(|column| column.heading.to_owned()).collect();
        self.widths = Some(widths(&self.columns, &headings, &page, self.form.width));
        self.line(&headings);
        for cells in &page {
            self.line(cells);
        }
    }

    fn line(&mut self, cells: &[String]) {
        let mut line = String::new();
        for ((cell, column), width) in cells.iter().zip(&self.columns).zip(self.widths.iter().flatten()) {
            if let Some(width) = *width {
                let cell = if self.form.width.is_some() { cut(cell, *column, width) } else { cell.clone() };
                line.push_str(&cell);
                line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
            }
        }
        line.truncate(line.trim_end().len());
        line.push('\n');
        self.writing.text(&line);
    }
}

/// The width of each column. If the table is too wide, some columns are cut or left out.
fn widths(columns: &[Column], headings: &[String], page: &[Vec<String>], most: Option<usize>) -> Vec<Option<usize>> {
    let widest = |index: usize, shorten: &dyn Fn(&str) -> usize| {
        let cells = page.iter().filter_map(|cells| cells.get(index)).chain(headings.get(index));
        cells.map(|cell| shorten(cell)).max().unwrap_or_default()
    };
    let total = |widths: &[Option<usize>]| widths.iter().flatten().map(|width| width + 2).sum::<usize>();
    let whole: Vec<Option<usize>> = (0..columns.len()).map(|index| Some(widest(index, &|cell| cell.width()))).collect();
    let Some(most) = most.filter(|most| total(&whole) > most + 2) else { return whole };
    let natural: Vec<Option<usize>> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| match column.narrow {
            Narrow::Hidden => None,
            Narrow::Days(_) => Some(widest(index, &|cell| day(cell).width())),
            Narrow::Whole | Narrow::AtMost(_) => Some(widest(index, &|cell| cell.width())),
        })
        .collect();
    let capped = |column: &Column, natural: &Option<usize>| match column.narrow {
        Narrow::AtMost(width) | Narrow::Days(width) => natural.map(|natural| natural.min(width)),
        Narrow::Whole | Narrow::Hidden => *natural,
    };
    let mut widths: Vec<Option<usize>> =
        columns.iter().zip(&natural).map(|(column, width)| capped(column, width)).collect();
    // What is left of the line goes to the columns that were cut, from the first on.
    let mut left = (most + 2).saturating_sub(total(&widths));
    for (width, natural) in widths.iter_mut().zip(&natural) {
        if let (Some(width), Some(natural)) = (width, natural) {
            let more = (*natural - *width).min(left);
            *width += more;
            left -= more;
        }
    }
    widths
}

/// A cell of a narrow table. A later row may have a longer text than the first page.
fn cut(cell: &str, column: Column, width: usize) -> String {
    if matches!(column.narrow, Narrow::Whole) {
        return cell.to_owned();
    }
    let cell = if matches!(column.narrow, Narrow::Days(_)) && cell.width() > width { day(cell) } else { cell };
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut kept = String::new();
    for c in cell.chars() {
        if kept.width() + c.width().unwrap_or_default() + 1 > width {
            break;
        }
        kept.push(c);
    }
    kept.push(CUT);
    kept
}

/// A text without the time of day at its end.
fn day(cell: &str) -> &str {
    match cell.rsplit_once(' ') {
        Some((day, time)) if time.len() == 5 && time.as_bytes().get(2) == Some(&b':') => day,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use serde_json::{Value, json};

    use super::{Column, Form, Listing, Out, PAGE, Table};

    /// Words in three columns. The second one may be cut, and the third one left out.
    struct Words;

    impl Table<[&'static str; 3]> for Words {
        fn columns(&self) -> Vec<Column> {
            vec![Column::new("NAME"), Column::at_most("TITLE", 6), Column::wide("TYPE"), Column::days("AT", 10)]
        }

        fn cells(&self, [name, title, at]: &[&'static str; 3]) -> Vec<String> {
            [name, title, "a type", at].map(|cell| (*cell).to_owned()).to_vec()
        }

        fn json(&self, [name, title, _]: &[&'static str; 3]) -> Value {
            json!({ "name": name, "title": title })
        }

        fn position(&self, [name, ..]: &[&'static str; 3]) -> String {
            (*name).to_owned()
        }
    }

    /// Takes so many bytes, and fails then.
    struct Full(Vec<u8>, usize, io::ErrorKind);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.len() >= self.1 {
                return Err(self.2.into());
            }
            self.0.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Out for Full {
        fn restart(&mut self) -> io::Result<()> {
            self.0.clear();
            Ok(())
        }
    }

    fn list(form: &Form, rows: &[[&'static str; 3]]) -> (String, Option<String>) {
        let mut out = Full(Vec::new(), usize::MAX, io::ErrorKind::Other);
        let mut listing = Listing::new(form, &Words, &mut out);
        assert!(rows.iter().all(|row| listing.row(row).is_continue()) || form.limit.is_some());
        let more = listing.finish().unwrap();
        (String::from_utf8(out.0).unwrap(), more)
    }

    const ROWS: [[&str; 3]; 2] = [["日本", "x", "2026-01-31 12:00"], ["a", "a long title", "-"]];

    #[test]
    fn columns_line_up_on_a_terminal_and_no_line_ends_in_a_blank() {
        let rows = [["日本", "x", ""], ["a", "é", "-"]];
        assert_eq!(
            list(&Form::default(), &rows).0,
            "NAME  TITLE  TYPE    AT\n日本  x      a type\na     é      a type  -\n"
        );
        assert_eq!(list(&Form::default(), &[]).0, "NAME  TITLE  TYPE  AT\n");
    }

    #[test]
    fn a_narrow_table_fits_the_terminal_and_a_wide_terminal_gets_it_whole() {
        let narrow = |width| list(&Form { width: Some(width), ..Form::default() }, &ROWS).0;
        let whole = list(&Form::default(), &ROWS).0;
        assert_eq!(narrow(80), whole);
        assert_eq!(narrow(24), "NAME  TITLE   AT\n日本  x       2026-01-31\na     a lon…  -\n");
        // The rest of the line belongs to the columns that are cut.
        assert_eq!(narrow(26), "NAME  TITLE     AT\n日本  x         2026-01-31\na     a long …  -\n");
    }

    #[test]
    fn a_column_that_is_never_cut_is_whole_behind_the_first_page_too() {
        const NAME: &str = "a-name-that-is-longer-than-all-before-it";
        const TITLE: &str = "a title that is longer than all before it";
        let mut rows = vec![["a", "b", "2026-01-31 12:00"]; PAGE];
        rows.push([NAME, TITLE, "2026-01-31 12:00"]);
        let last = |width| list(&Form { width, ..Form::default() }, &rows).0.lines().last().unwrap().to_owned();
        assert_eq!(last(Some(24)), format!("{NAME}  a ti…  2026-01-31"));
        let piped = last(None);
        assert!(piped.starts_with(&format!("{NAME}  {TITLE}  a type")) && piped.ends_with(" 12:00"), "{piped}");
    }

    #[test]
    fn a_list_in_json_is_written_as_one_value() {
        let json = |rows| list(&Form { json: true, ..Form::default() }, rows).0;
        let object = |[name, title, _]: [&str; 3]| json!({ "name": name, "title": title });
        for rows in [&ROWS[..], &ROWS[..1], &[]] {
            let whole: Value = rows.iter().copied().map(object).collect();
            assert_eq!(json(rows), format!("{whole:#}\n"));
        }
    }

    #[test]
    fn a_limit_says_how_to_continue_only_if_there_are_more_rows() {
        let more = |limit| list(&Form { limit: Some(limit), ..Form::default() }, &ROWS).1;
        assert_eq!(more(1).unwrap(), "there are more rows: to continue, add --after 日本");
        assert_eq!(more(2), None);
    }

    #[test]
    fn a_match_is_a_part_of_a_column_in_upper_or_lower_case() {
        for (text, count) in [("LONG", 1), ("2026", 1), ("type", 2), ("nothing", 0)] {
            let form = Form { matching: Some(text.to_owned()), ..Form::default() };
            assert_eq!(list(&form, &ROWS).0.lines().count(), count + 1, "{text}");
        }
    }

    #[test]
    fn a_reader_that_goes_away_ends_a_list_quietly_and_a_full_disk_does_not() {
        for (kind, is_quiet) in [(io::ErrorKind::BrokenPipe, true), (io::ErrorKind::StorageFull, false)] {
            let mut out = Full(Vec::new(), 10, kind);
            let form = Form { json: true, ..Form::default() };
            let mut listing = Listing::new(&form, &Words, &mut out);
            assert!((0..3).any(|_| listing.row(&ROWS[0]).is_break()));
            assert_eq!(listing.finish().is_ok(), is_quiet, "{kind}");
        }
    }
}
