//! Patterns of refs: full names with `*`, `**` and `{user}`. No I/O here.

use std::fmt;
use std::str::FromStr;

use crate::name::{Owner, is_plain};

/// The pattern of every ref.
const EVERY: &str = "**";
/// Stands for the name of the account that pushes.
const USER: &str = "{user}";
/// Where every other pattern begins.
const ROOT: &str = "refs/";
/// The most wildcards of a pattern, so that a comparison is cheap.
const WILDCARDS_MAX: usize = 8;

/// Why a text is not a pattern of refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It is not the full name of refs.
    #[error("a pattern is ** or the full name of a ref, such as refs/heads/main or refs/heads/release-*")]
    Place,
    /// No ref has such a name, as in a regular expression.
    #[error("a pattern has no blank, no invisible character and none of ?[\\^~: because no ref has them")]
    Character,
    /// A level is empty.
    #[error("a pattern has no empty level")]
    Level,
    /// Too many wildcards, or more than two in a row.
    #[error("a pattern has at most {WILDCARDS_MAX} wildcards, and they are * and **, not side by side")]
    Wildcards,
    /// `{user}` where it could match a part of a name.
    #[error("{USER} stands at most once in a pattern, without a wildcard in its level; no other name has braces")]
    User,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// These bytes.
    Text(String),
    /// `*`: any bytes of one level, or none.
    Level,
    /// `**`: any bytes, or none.
    Any,
    /// `/**/`: one `/`, or any levels between two of them.
    Between,
    /// `{user}`.
    User,
}

/// A pattern of refs.
///
/// Holding one tells you that it is one word. It does not tell you that a ref has such a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

impl Pattern {
    /// The text of the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern with the account's name in the place of `{user}`; `None` if there is no account, so that no ref
    /// matches. No character of a name is special in a pattern.
    #[must_use]
    pub fn for_user(&self, user: Option<&Owner>) -> Option<Self> {
        match (self.names_user(), user) {
            (false, _) => Some(self.clone()),
            (true, Some(user)) => {
                let text = self.text.replace(USER, user.as_str());
                let tokens = tokens(&text);
                Some(Self { text, tokens })
            }
            (true, None) => None,
        }
    }

    /// Whether `{user}` is in the pattern.
    pub(in crate::access) fn names_user(&self) -> bool {
        self.tokens.contains(&Token::User)
    }

    /// Whether a name that begins like this can match. It can also be `true` where none does.
    pub(in crate::access) fn may_match_below(&self, beginning: &str) -> bool {
        match self.tokens.first() {
            Some(Token::Text(text)) => text.starts_with(beginning) || beginning.starts_with(text.as_str()),
            Some(_) | None => true,
        }
    }

    /// Whether the whole name of a ref matches. `{user}` matches nothing: see [`Pattern::for_user`].
    #[must_use]
    pub fn matches(&self, name: &[u8]) -> bool {
        self.matched(name).last() == Some(&name.len())
    }

    /// Whether the name or a directory above it matches: some levels from the beginning.
    pub(super) fn matches_above(&self, name: &[u8]) -> bool {
        self.matched(name).iter().any(|end| matches!(name.get(*end), None | Some(b'/')))
    }

    /// The text before the first wildcard.
    pub(super) fn literal(&self) -> &str {
        self.text.split(['*', '{']).next().unwrap_or_default()
    }

    /// The lengths, in their order, of the beginnings of a name that match.
    fn matched(&self, name: &[u8]) -> Vec<usize> {
        // Most patterns begin with a long text, and most names differ there.
        if matches!(self.tokens.first(), Some(Token::Text(text)) if !name.starts_with(text.as_bytes())) {
            return Vec::new();
        }
        let mut reached = vec![0];
        for token in &self.tokens {
            reached = next(token, name, &reached);
            if reached.is_empty() {
                break;
            }
        }
        reached
    }
}

/// The lengths, in their order, that one more token reaches from these lengths.
fn next(token: &Token, name: &[u8], reached: &[usize]) -> Vec<usize> {
    let behind = |length: usize| name.get(length..).unwrap_or_default();
    match token {
        Token::Text(text) => {
            let text = text.as_bytes();
            reached.iter().filter(|length| behind(**length).starts_with(text)).map(|at| at + text.len()).collect()
        }
        Token::Any => reached.first().map_or_else(Vec::new, |first| (*first..=name.len()).collect()),
        Token::Level => {
            let mut lengths = Vec::new();
            for begin in reached {
                // What this one reaches, one before it in the same level has reached.
                if lengths.last() >= Some(begin) {
                    continue;
                }
                let level = behind(*begin).iter().take_while(|byte| **byte != b'/').count();
                lengths.extend(*begin..=begin + level);
            }
            lengths
        }
        Token::Between => {
            let begin = reached.iter().find(|length| behind(**length).starts_with(b"/"));
            let Some(begin) = begin else { return Vec::new() };
            let is_end = |at: &usize| at.checked_sub(1).and_then(|before| name.get(before)) == Some(&b'/');
            (begin + 1..=name.len()).filter(is_end).collect()
        }
        Token::User => Vec::new(),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        if text != EVERY && !text.starts_with(ROOT) {
            return Err(BadPattern::Place);
        }
        if !text.chars().all(|c| is_plain(c) && !c.is_whitespace() && !"?[\\^~:".contains(c)) {
            return Err(BadPattern::Character);
        }
        if text.split('/').any(str::is_empty) {
            return Err(BadPattern::Level);
        }
        if text.contains("***") || text.contains("**/**") || text.matches('*').count() > WILDCARDS_MAX {
            return Err(BadPattern::Wildcards);
        }
        let levels = text.split('/').filter(|level| level.contains(['{', '}']));
        let users = levels.map(|level| {
            let (before, behind) = level.split_once(USER).ok_or(BadPattern::User)?;
            let is_plain = ![before, behind].concat().contains(['{', '}', '*']);
            if is_plain { Ok(()) } else { Err(BadPattern::User) }
        });
        if users.collect::<Result<Vec<()>, _>>()?.len() > 1 {
            return Err(BadPattern::User);
        }
        Ok(Self { text: text.to_owned(), tokens: tokens(text) })
    }
}

/// The parts of a pattern whose form was checked.
fn tokens(text: &str) -> Vec<Token> {
    // `/**/` leaves its last `/` to the text behind it, where two of them would overlap.
    const SPECIAL: [(&str, Token); 4] =
        [("/**/", Token::Between), (EVERY, Token::Any), ("*", Token::Level), (USER, Token::User)];
    let mut tokens = Vec::new();
    let mut rest = text;
    'rest: while let Some(c) = rest.chars().next() {
        for (word, token) in &SPECIAL {
            if let Some(behind) = rest.strip_prefix(word) {
                tokens.push(token.clone());
                rest = behind;
                continue 'rest;
            }
        }
        match tokens.last_mut() {
            Some(Token::Text(text)) => text.push(c),
            _ => tokens.push(Token::Text(c.to_string())),
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    tokens
}
