//! The names that a pushed ref may have. No I/O here.

use std::fmt;
use std::str::FromStr;

use crate::name::is_plain;

/// The longest name of a ref, in bytes: the longest file name of common file systems.
const REF_NAME_MAX: usize = 255;
/// The most levels in a ref's name.
const REF_LEVELS_MAX: usize = 10;

/// Joins letters of Persian and of Indic scripts, or the parts of an emoji (Unicode, chapter 23.2).
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Keeps letters of Persian and of Indic scripts apart.
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
/// Asks for the coloured form of an emoji.
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// Why a push may not change a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRef {
    /// The ref is neither a branch nor a tag.
    #[error("only branches (refs/heads/) and tags (refs/tags/) can be pushed")]
    Place,
    /// The name is too long or has too many levels.
    #[error("a ref has at most {REF_NAME_MAX} bytes and {REF_LEVELS_MAX} levels")]
    Size,
    /// The name has a character that hides or reorders text, or a part of it looks like an option.
    #[error("a ref is UTF-8 text without invisible characters, and no part of it starts with '-'")]
    Character,
    /// The name is `HEAD`, or looks like an object id.
    #[error("git could confuse a ref named HEAD, or named like an object id, with HEAD or that object")]
    Ambiguous,
}

/// Checks whether a push may create or update a ref of this name. git also applies its own rules
/// (git-check-ref-format(1)).
///
/// Letters and marks of every script, emoji and punctuation are accepted, also the signs that a shell interprets: no
/// name reaches a shell here. Characters that hide or reorder text are not.
///
/// # Errors
/// [`BadRef`], worded for the client.
pub fn check_ref(name: &[u8]) -> Result<(), BadRef> {
    let name = std::str::from_utf8(name).map_err(|_| BadRef::Character)?;
    let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
    let short = short.ok_or(BadRef::Place)?;
    if name.len() > REF_NAME_MAX || name.split('/').count() > REF_LEVELS_MAX {
        return Err(BadRef::Size);
    }
    if !is_readable(short) || short.split('/').any(|part| part.starts_with('-')) {
        return Err(BadRef::Character);
    }
    let is_id = matches!(short.len(), 40 | 64) && short.bytes().all(|byte| byte.is_ascii_hexdigit());
    if short == "HEAD" || is_id { Err(BadRef::Ambiguous) } else { Ok(()) }
}

/// The name of a branch, without `refs/heads/`.
///
/// Holding one tells you that a push may create it. It does not tell you that git accepts the name, nor that the branch
/// exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchName(String);

impl BranchName {
    /// The whole name of the ref.
    #[must_use]
    pub fn ref_name(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BranchName {
    type Err = BadRef;

    /// Accepts `refs/heads/main` as `main`.
    fn from_str(text: &str) -> Result<Self, BadRef> {
        let name = Self(text.strip_prefix("refs/heads/").unwrap_or(text).to_owned());
        check_ref(name.ref_name().as_bytes()).map(|()| name)
    }
}

/// Whether every character of a text is seen, in its place.
///
/// A joiner is accepted between characters that it can join, where it changes what is seen, and a selector after one.
/// Between or after ASCII characters it would only make two equal-looking names.
fn is_readable(text: &str) -> bool {
    let is_seen = |c: char| is_plain(c) && !c.is_whitespace();
    let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && (is_seen(c) || c == EMOJI_SELECTOR));
    let mut before = None;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_fine = match c {
            ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => joins(before) && joins(characters.peek().copied()),
            EMOJI_SELECTOR => joins(before) && before != Some(EMOJI_SELECTOR),
            c => is_seen(c),
        };
        if !is_fine {
            return false;
        }
        before = Some(c);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_tags_of_ordinary_names_are_accepted() {
        for name in [
            "refs/heads/main",
            "refs/heads/feature/#123-x",
            "refs/tags/v1.0+rc.1",
            "refs/heads/user@host",
            "refs/heads/a=b,c%d",
            "refs/heads/R&D",
            "refs/heads/don't",
            "refs/heads/feat/fix(parser)",
            "refs/heads/wow!",
            "refs/heads/$(id);`id`|\"<>{}",
        ] {
            assert_eq!(check_ref(name.as_bytes()), Ok(()), "{name}");
        }
    }

    #[test]
    fn branches_in_living_languages_are_accepted() {
        for name in [
            "größe",
            "日本",
            "gro\u{308}ße",
            "हिन्दी",
            "क\u{94d}\u{200d}ष",
            "می\u{200c}خواهم",
            "ภาษาไทย",
            "한국어",
            "🎉",
            "❤\u{fe0f}",
            "👩🏽\u{200d}💻",
            "❤\u{fe0f}\u{200d}🔥",
        ] {
            assert_eq!(check_ref(format!("refs/heads/{name}").as_bytes()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_ref_name_that_could_trick_a_script_or_a_reader_is_rejected() {
        let long = format!("refs/heads/{}", "x".repeat(250));
        let deep = format!("refs/heads/{}x", "d/".repeat(20));
        let id = format!("refs/heads/{}", "a1".repeat(20));
        let id256 = format!("refs/tags/{}", "0f".repeat(32));
        for (name, why) in [
            ("refs/pull/1/head", BadRef::Place),
            ("refs/replace/0000", BadRef::Place),
            ("refs/notes/commits", BadRef::Place),
            ("refs/x", BadRef::Place),
            ("HEAD", BadRef::Place),
            ("refs/heads/-x", BadRef::Character),
            ("refs/heads/a/-x", BadRef::Character),
            ("refs/heads/a b", BadRef::Character),
            ("refs/heads/a\u{a0}b", BadRef::Character),
            ("refs/heads/a\u{1b}[31m", BadRef::Character),
            ("refs/heads/HEAD", BadRef::Ambiguous),
            (&id, BadRef::Ambiguous),
            (&id256, BadRef::Ambiguous),
            (&long, BadRef::Size),
            (&deep, BadRef::Size),
        ] {
            assert_eq!(check_ref(name.as_bytes()), Err(why), "{name}");
        }
        assert_eq!(check_ref(b"refs/heads/\xff"), Err(BadRef::Character));
    }

    #[test]
    fn a_character_that_hides_or_reorders_text_is_rejected_in_a_ref_name() {
        for name in [
            "a\u{202e}b",
            "ش\u{2067}ش",
            "a\u{e0061}b",
            "🏴\u{e0067}\u{e007f}",
            "ma\u{200d}in",
            "ma\u{200c}in",
            "\u{200d}ش",
            "ش\u{200d}",
            "ش\u{200c}\u{200c}ش",
            "main\u{fe0f}",
            "❤\u{fe0f}\u{fe0f}",
            "ش\u{200b}ش",
            "ش\u{feff}ش",
            "a\u{2060}b",
            "a\u{3164}",
            "\u{2800}",
        ] {
            assert_eq!(check_ref(format!("refs/heads/{name}").as_bytes()), Err(BadRef::Character), "{name:?}");
        }
    }
}
