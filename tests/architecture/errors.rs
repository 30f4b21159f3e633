//! No error prints its cause twice.
//!
//! An error either forwards to its cause (`transparent`), or has a message. A message that contains the cause's text
//! must not give the cause as its source too: whatever prints an error with its sources would print the text twice.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The variants and structs of a source whose message contains their source.
fn repeated(source: TokenStream) -> Vec<String> {
    let tokens: Vec<TokenTree> = source.into_iter().collect();
    let mut found = Vec::new();
    // The message of the item that comes next, and the last word before its fields.
    let mut message: Option<String> = None;
    let mut name = String::new();
    let mut after_pub = false;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) if is_attribute(&tokens, index) => {
                let text = group.stream().to_string();
                if let Some(text) = text.strip_prefix("error") {
                    message = Some(text.to_owned());
                }
            }
            TokenTree::Group(group) if !after_pub => {
                if let Some(message) = message.take() {
                    found.extend(sources(group).iter().any(|field| mentions(&message, field)).then(|| name.clone()));
                }
                found.extend(repeated(group.stream()));
            }
            TokenTree::Ident(ident) => name = ident.to_string(),
            TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';') => message = None,
            TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_pub = matches!(token, TokenTree::Ident(ident) if *ident == "pub");
    }
    found
}

/// Whether the group at this place follows `#` or `#!`.
fn is_attribute(tokens: &[TokenTree], index: usize) -> bool {
    let is = |back: usize, sign| {
        let token = index.checked_sub(back).and_then(|index| tokens.get(index));
        matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
    };
    is(1, '#') || is(1, '!') && is(2, '#')
}

/// The fields that `thiserror` takes as a source, by number or name.
fn sources(fields: &Group) -> Vec<String> {
    let tokens: Vec<TokenTree> = fields.stream().into_iter().collect();
    let mut found = Vec::new();
    // A comma between `<` and `>` does not end a field.
    let mut depth = 0;
    let ends = |token: &TokenTree| {
        let TokenTree::Punct(punct) = token else { return false };
        depth += i32::from(punct.as_char() == '<') - i32::from(punct.as_char() == '>');
        depth == 0 && punct.as_char() == ','
    };
    for (number, field) in tokens.split(ends).enumerate() {
        let text = field.iter().map(ToString::to_string).collect::<String>();
        let has_name = fields.delimiter() == Delimiter::Brace;
        let name = has_name.then(|| {
            let colon = field.iter().position(|token| token.to_string() == ":");
            colon.and_then(|colon| field.get(colon.checked_sub(1)?)).map(ToString::to_string).unwrap_or_default()
        });
        let is_source = text.contains("#[from]") || text.contains("#[source]") || name.as_deref() == Some("source");
        found.extend(is_source.then(|| name.unwrap_or_else(|| number.to_string())));
    }
    found
}

/// Whether a message has the text of a field: `{0}`, `{0:?}`, or `.0` as an argument.
fn mentions(message: &str, field: &str) -> bool {
    let placed = format!("{{{field}");
    let ends = |c: char| c == '}' || c == ':';
    let in_braces = message.split(&placed).skip(1).any(|rest| rest.starts_with(ends));
    let argument = format!(".{field}");
    let is_whole = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    in_braces || message.replace(' ', "").split(&argument).skip(1).any(is_whole)
}

/// Every such error beneath a directory, as `FILE: NAME`.
fn repeated_in(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory of the source") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(repeated_in(&path));
        } else {
            let text = fs::read_to_string(&path).expect("a file of the source");
            let names = repeated(TokenStream::from_str(&text).expect("tokens of Rust"));
            found.extend(names.iter().map(|name| format!("{}: {name}", path.display())));
        }
    }
    found.sort();
    found
}

#[test]
fn no_error_prints_its_cause_twice() {
    assert_eq!(repeated_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")), [""; 0]);
}

#[test]
fn a_message_that_contains_its_source_is_seen_however_it_is_written() {
    let names = |text: &str| repeated(TokenStream::from_str(text).expect("tokens of Rust"));
    for text in [
        "enum E { #[error(\"{0}\")] Bad(#[from] io::Error) }",
        "enum E { #[error(\"no\")] Good, #[error(\"{1}: {0:?}\")] Bad(#[source] io::Error, String) }",
        "enum E { #[error(\"{0}: {1}\")] Bad(Map<u8, u8>, #[source] io::Error), #[error(\"{0}\")] Good(u8) }",
        "enum E { /// Text.\n #[error(\"cannot read: {cause}\")] Bad { path: PathBuf, #[source] cause: io::Error } }",
        "enum E { #[error(\"cannot read: {source}\")] Bad { source: io::Error } }",
        "enum E { #[error(\"cannot read: {}\", .0.kind())] Bad(#[from] io::Error) }",
        "#[derive(Debug, thiserror::Error)] #[error(\"{0}\")] pub(crate) struct Bad(#[from] io::Error);",
        "mod inner { enum E { #[error(\"{0}\")] Bad(#[from] io::Error) } }",
    ] {
        assert_eq!(names(text), ["Bad"], "{text}");
    }
    for text in [
        "enum E { #[error(transparent)] Good(#[from] io::Error) }",
        "enum E { #[error(\"cannot read {0}\")] Good(PathBuf, #[source] io::Error) }",
        "enum E { #[error(\"cannot read {0}: {1}\")] Good(PathBuf, io::Error) }",
        "enum E { #[error(\"{10}\")] Good(A, #[source] B, C, D, E, F, G, H, I, J, K) }",
    ] {
        assert_eq!(names(text), [""; 0], "{text}");
    }
}
