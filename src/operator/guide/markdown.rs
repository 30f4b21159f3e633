//! A document as Markdown (`CommonMark`, with the tables of GitHub).

use super::document::{Block, Document, Span};

/// Characters that can be markup within a line.
const MARKUP: &str = "\\`*_{}[]<>#|~&!";

/// Writes the page.
pub(super) fn write(document: &Document) -> String {
    let title = format!("# {}\n\n", escape(&document.title));
    let introduction: String = document.introduction.iter().map(block).collect();
    let sections = document.sections.iter().map(|section| {
        let inner: String = section.blocks.iter().map(block).collect();
        format!("## {}\n\n{inner}", escape(section.title))
    });
    title + &introduction + &sections.collect::<String>() + &spans(&document.end) + "\n"
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(line) => format!("{}\n\n", spans(line)),
        Block::Heading(title) => format!("### {}\n\n", escape(title)),
        Block::List(lines) => lines.iter().map(|line| format!("- {}\n", spans(line))).collect::<String>() + "\n",
        Block::Table(rows) => {
            let row = |[name, value]: &[Vec<Span>; 2]| format!("| {} | {} |\n", spans(name), spans(value));
            // A table needs a row of headings, which may be empty.
            format!("| | |\n|---|---|\n{}\n", rows.iter().map(row).collect::<String>())
        }
        Block::Commands(lines) => fenced("sh", lines),
        Block::Lines(lines) => fenced("text", lines),
    }
}

/// A code block. Its fence is longer than every run of backticks in the lines.
fn fenced(kind: &str, lines: &[String]) -> String {
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{fence}{kind}\n{lines}{fence}\n\n")
}

fn spans(spans: &[Span]) -> String {
    let span = |span: &Span| match span {
        Span::Text(text) => escape(text),
        Span::Code(code) => {
            let fence = "`".repeat(longest_run(code) + 1);
            // A blank keeps a backtick of the code apart from those around it.
            let blank = if code.contains('`') { " " } else { "" };
            // In a table, a bar would end the cell.
            format!("{fence}{blank}{}{blank}{fence}", code.replace('|', "\\|"))
        }
        // A blank, `<` or `>` would end the address.
        Span::Link(address) => {
            let address = address.replace('<', "%3C").replace('>', "%3E").replace('\\', "%5C");
            format!("<{address}>")
        }
    };
    spans.iter().map(span).collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if MARKUP.contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
