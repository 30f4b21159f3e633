//! A document as one HTML file, without script and without anything from elsewhere.
//!
//! The page works in light and dark and on paper, its headings are in order, and it has no color that carries meaning.

use super::document::{Block, Document, Section, Span, placeholders};

/// The style sheet of the page.
const STYLE: &str = include_str!("style.css");
/// The browser loads nothing and runs nothing, should text of the page ever be read as markup.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Writes the page.
pub(super) fn write(document: &Document) -> String {
    let title = escape(&document.title);
    let contents: String = document.sections.iter().map(entry).collect();
    let introduction = blocks(&document.introduction);
    let sections: String = document.sections.iter().map(section).collect();
    let end = spans(&document.end);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<header>\n<h1>{title}</h1>\n</header>\n<nav aria-label=\"Contents\">\n<ol>\n{contents}</ol>\n</nav>\n\
         <main>\n{introduction}{sections}</main>\n<footer>\n<p>{end}</p>\n</footer>\n</body>\n</html>\n"
    )
}

/// The entry of a section in the table of contents.
fn entry(section: &Section) -> String {
    format!("<li><a href=\"#{}\">{}</a></li>\n", section.id, escape(section.title))
}

fn section(section: &Section) -> String {
    let Section { id, title, blocks: inner } = section;
    let title = escape(title);
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{}</section>\n",
        blocks(inner)
    )
}

fn blocks(blocks: &[Block]) -> String {
    blocks.iter().map(block).collect()
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(line) => format!("<p>{}</p>\n", spans(line)),
        Block::Heading(title) => format!("<h3>{}</h3>\n", escape(title)),
        Block::List(lines) => {
            let items: String = lines.iter().map(|line| format!("<li>{}</li>\n", spans(line))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Table(rows) => {
            let row = |[name, value]: &[Vec<Span>; 2]| {
                format!("<tr><th scope=\"row\">{}</th>\n<td>{}</td></tr>\n", spans(name), spans(value))
            };
            format!("<table>\n{}</table>\n", rows.iter().map(row).collect::<String>())
        }
        Block::Commands(lines) => {
            let line = |line: &String| format!("<kbd>{}\n</kbd>", code(line));
            format!("<pre class=\"commands\">{}</pre>\n", lines.iter().map(line).collect::<String>())
        }
        Block::Lines(lines) => {
            let line = |line: &String| format!("{}\n", code(line));
            format!("<pre class=\"lines\">{}</pre>\n", lines.iter().map(line).collect::<String>())
        }
    }
}

fn spans(spans: &[Span]) -> String {
    let span = |span: &Span| match span {
        Span::Text(text) => escape(text),
        Span::Code(text) => format!("<code>{}</code>", code(text)),
        Span::Link(address) => format!("<a href=\"{0}\" rel=\"noreferrer\">{0}</a>", escape(address)),
    };
    spans.iter().map(span).collect()
}

/// Code, in which the words to replace are marked.
fn code(text: &str) -> String {
    let part = |(is_placeholder, part)| if is_placeholder { format!("<var>{part}</var>") } else { escape(part) };
    placeholders(text).into_iter().map(part).collect()
}

/// A text for an element or for a value in double quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
