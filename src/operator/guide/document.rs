//! A document without markup: what the page says, and which parts are commands.

/// The words of commands that a reader replaces.
pub(super) const PLACEHOLDERS: [&str; 8] = ["CODE", "TITLE", "FILE", "OWNER", "NAME", "MODEL", "DATASET", "SPACE"];

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) title: String,
    /// What stands before the first section.
    pub(super) introduction: Vec<Block>,
    pub(super) sections: Vec<Section>,
    pub(super) end: Line,
}

/// A part of the document with a heading.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name in links.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) blocks: Vec<Block>,
}

/// A paragraph, or what stands between paragraphs.
#[derive(Debug)]
pub(super) enum Block {
    Paragraph(Line),
    Heading(&'static str),
    List(Vec<Line>),
    /// A table without a heading row. The first cell of each row is its heading.
    Table(Vec<[Line; 2]>),
    /// Commands that a reader types in a shell, one per line and in this order. A test types them too.
    Commands(Vec<String>),
    /// Lines that a reader compares, or copies into a file.
    Lines(Vec<String>),
}

/// The text of a paragraph.
pub(super) type Line = Vec<Span>;

/// A piece of a paragraph.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Span {
    Text(String),
    Code(String),
    /// A link whose text is its address.
    Link(String),
}

/// Makes a line from a text in which backticks surround code. Each `{}` is replaced by the next value.
///
/// Only the text has this syntax. A value is text or code as it is, whatever it contains.
pub(super) fn line(text: &'static str, values: &[&str]) -> Line {
    let mut values = values.iter();
    let mut fill = |part: &str| {
        let mut pieces = part.split("{}");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |filled, piece| filled + values.next().copied().unwrap_or_default() + piece)
    };
    let spans = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    spans.map(|(number, part)| if number % 2 == 0 { Span::Text(fill(part)) } else { Span::Code(fill(part)) }).collect()
}

/// A paragraph, as [`line()`] makes it.
pub(super) fn paragraph(text: &'static str, values: &[&str]) -> Block {
    Block::Paragraph(line(text, values))
}

/// A command that a reader types.
pub(super) fn command(text: impl Into<String>) -> Block {
    Block::Commands(vec![text.into()])
}

/// Splits code into the words of [`PLACEHOLDERS`] and what stands between them. The flag is set for a word.
pub(super) fn placeholders(code: &str) -> Vec<(bool, &str)> {
    let mut parts = Vec::new();
    let mut rest = code;
    let is_word = |c: char| c.is_ascii_alphanumeric();
    while !rest.is_empty() {
        let begins_word = rest.starts_with(is_word);
        let end = rest.find(|c: char| is_word(c) != begins_word).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push((PLACEHOLDERS.contains(&part), part));
        rest = after;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_no_syntax() {
        let text = |text: &str| Span::Text(text.to_owned());
        let code = |code: &str| Span::Code(code.to_owned());
        assert_eq!(line("Run `{} -x` at {}.", &["a`b {}", "`c`"]), [text("Run "), code("a`b {} -x"), text(" at `c`.")]);
        assert_eq!(line("`x`", &[]), [code("x")]);
    }

    #[test]
    fn a_placeholder_is_a_whole_word() {
        assert_eq!(
            placeholders("x/OWNER/MODEL CODES"),
            [
                (false, "x"),
                (false, "/"),
                (true, "OWNER"),
                (false, "/"),
                (true, "MODEL"),
                (false, " "),
                (false, "CODES")
            ]
        );
    }
}
