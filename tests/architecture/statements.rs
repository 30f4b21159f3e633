//! No statement of the questions and changes has a form that SQLite accepts and PostgreSQL rejects.

use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

/// What PostgreSQL would reject in a statement, or in a part of one.
fn rejected(statement: &str) -> Vec<&'static str> {
    let tokens = tokens(statement);
    let at = |index: usize| tokens.get(index).copied().unwrap_or_default();
    let from = |index: usize| tokens.get(index..).unwrap_or_default();
    let mut found = Vec::new();
    for (index, token) in tokens.iter().copied().enumerate() {
        let before = index.checked_sub(1).map_or("", at);
        let after = at(index + 1);
        if matches!((before, token, after), (_, "INSERT" | "UPDATE", "OR") | ("", "REPLACE", "INTO")) {
            found.push("INSERT OR …");
        }
        if token.starts_with('?') && after == "IS" {
            found.push("IS on a value without a type");
        }
        if matches!(token, "max" | "min") && after == "(" && has_comma(from(index + 2)) {
            found.push("max or min of two arguments");
        }
        if token == "UPDATE" && before == "DO" && has_ambiguous_column(from(index + 2)) {
            found.push("ambiguous column in DO UPDATE");
        }
        if matches!(token, "TRUE" | "FALSE" | "true" | "false") {
            found.push("boolean");
        }
        // A comparison that is a column of the answer.
        let follows = at(index + operand(from(index + 1)) + 1);
        if is_comparison(token) && follows == "AS" || token == "NULL" && after == "AS" && matches!(before, "IS" | "NOT")
        {
            found.push("boolean as a column");
        }
        // A column that is a condition.
        let ends = matches!(follows, "" | ")" | "AND" | "OR" | "THEN" | "ORDER" | "GROUP" | "LIMIT" | "LEFT" | "JOIN");
        if matches!(token, "WHERE" | "AND" | "OR" | "NOT" | "ON" | "WHEN") && is_name(after) && ends {
            found.push("integer as a condition");
        }
    }
    found
}

fn is_comparison(token: &str) -> bool {
    matches!(token, "=" | "<" | ">" | "<>" | "<=" | ">=")
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
}

/// The number of tokens of the operand at the start: a column, a value, a number or a text.
fn operand(tokens: &[&str]) -> usize {
    match tokens {
        [_, ".", _, ..] => 3,
        [name, "(", ..] if is_name(name) => 0,
        [token, ..] if is_name(token) || token.starts_with(|c: char| c == '?' || c == '\'' || c.is_ascii_digit()) => 1,
        _ => 0,
    }
}

/// Whether arguments, up to the parenthesis that closes them, are more than one.
fn has_comma(arguments: &[&str]) -> bool {
    let mut depth = 0;
    for token in arguments {
        match *token {
            "(" => depth += 1,
            ")" if depth == 0 => return false,
            ")" => depth -= 1,
            "," if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// Whether a name behind `DO UPDATE SET` could be a column of the table or of `excluded`.
fn has_ambiguous_column(tokens: &[&str]) -> bool {
    let at = |index: usize| tokens.get(index).copied().unwrap_or_default();
    let condition = tokens.iter().position(|token| *token == "WHERE").unwrap_or(tokens.len());
    tokens.iter().enumerate().any(|(index, token)| {
        let before = index.checked_sub(1).map_or("SET", at);
        let is_target = index < condition && matches!(before, "SET" | ",") && at(index + 1) == "=";
        is_name(token) && !is_target && before != "." && !matches!(at(index + 1), "." | "(")
    })
}

/// Cuts a statement into words, values, texts and signs.
fn tokens(statement: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = statement.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = match first {
            '\'' => rest.match_indices('\'').nth(1).map(|(end, _)| end + 1),
            '?' => rest.find(|c| c != '?' && !is_word(c)),
            first if is_word(first) => rest.find(|c| !is_word(c)),
            '<' | '>' => rest.find(|c| !matches!(c, '<' | '=' | '>')),
            first => Some(first.len_utf8()),
        };
        let (token, after) = rest.split_at(end.unwrap_or(rest.len()));
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The texts in the source that are statements or parts of statements, with their files.
fn statements(directory: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).expect("a directory of the source") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        // The engine speaks its own dialect, and defines the tables.
        if path.is_dir() && !matches!(name.as_str(), "tests" | "engine") {
            statements(&path, found);
        } else if path.is_file() && !matches!(name.as_str(), "tests" | "steps") {
            let source: TokenStream = fs::read_to_string(&path).expect("a file").parse().expect("tokens of Rust");
            texts(source, &mut |text| {
                let starts = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "WHERE ", "FROM ", " JOIN ", " = ?"];
                if starts.iter().any(|start| text.contains(start)) {
                    found.push((path.display().to_string(), text));
                }
            });
        }
    }
}

fn texts(source: TokenStream, found: &mut impl FnMut(String)) {
    let mut is_attribute = false;
    for token in source {
        match token {
            TokenTree::Group(group) if !is_attribute => texts(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.starts_with('"') {
                    found(text.trim_matches('"').replace("\\\"", "\""));
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                is_attribute = true;
                continue;
            }
            TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Ident(_) => {}
        }
        is_attribute = false;
    }
}

#[test]
fn each_form_that_postgresql_rejects_is_found_by_its_name() {
    for (statement, name) in [
        ("INSERT OR IGNORE INTO t (a) VALUES (?1)", "INSERT OR …"),
        ("INSERT OR REPLACE INTO t (a) VALUES (?1)", "INSERT OR …"),
        ("REPLACE INTO t (a) VALUES (?1)", "INSERT OR …"),
        ("SELECT a FROM t WHERE ?1 IS NULL OR a = ?1", "IS on a value without a type"),
        ("SELECT a FROM t WHERE a >= max(coalesce(?3, 0), (SELECT b FROM t))", "max or min of two arguments"),
        ("INSERT INTO t (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET n = n + 1", "ambiguous column in DO UPDATE"),
        (
            "INSERT INTO t (a) VALUES (?1) ON CONFLICT (a) DO UPDATE SET n = excluded.n WHERE gone IS NOT NULL",
            "ambiguous column in DO UPDATE",
        ),
        ("UPDATE t SET a = TRUE", "boolean"),
        ("SELECT r.created_by = u.id AS mine FROM t", "boolean as a column"),
        ("SELECT gone IS NULL AS here FROM t", "boolean as a column"),
        ("SELECT a FROM t WHERE may_create AND a = 1", "integer as a condition"),
        ("SELECT a FROM t WHERE NOT t.may_create", "integer as a condition"),
    ] {
        assert_eq!(rejected(statement), [name], "{statement}");
    }
    for statement in [
        "SELECT CASE WHEN a = ?1 THEN 1 ELSE 0 END AS mine, max(b) AS last FROM t WHERE (a IS NULL OR a > ?2)",
        "INSERT INTO t (a, b) SELECT ?1, ?2 FROM u WHERE NOT EXISTS (SELECT 1 FROM v WHERE a = ?1)
         ON CONFLICT (a) DO UPDATE SET b = excluded.b, c = NULL, d = coalesce(t.d, excluded.d) WHERE t.c IS NOT NULL",
    ] {
        assert_eq!(rejected(statement), [""; 0], "{statement}");
    }
}

#[test]
fn no_statement_has_a_form_that_postgresql_rejects() {
    let mut all = Vec::new();
    statements(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db"), &mut all);
    assert!(all.len() > 80, "only {} statements", all.len());
    let rejected: Vec<_> = all.iter().map(|(file, text)| (file, text, rejected(text))).collect();
    let rejected: Vec<_> = rejected.into_iter().filter(|(.., why)| !why.is_empty()).collect();
    assert!(rejected.is_empty(), "{rejected:#?}");
}
