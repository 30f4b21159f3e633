//! The names that a pushed ref may have. No I/O here.

use std::fmt;
use std::str::FromStr;

use crate::name::is_plain;

/// The longest name of a ref, in bytes: the longest file name of common file systems.
const REF_NAME_MAX: usize = 255;
/// The most levels in a ref's name.
const REF_LEVELS_MAX: usize = 10;

/// Where branches and tags are.
pub const BRANCHES_AND_TAGS: [&str; 2] = ["refs/heads/", "refs/tags/"];
/// Where proposals are. The hub gives their numbers, so no push creates one here.
pub const PROPOSALS: &str = "refs/pr/";

/// Joins letters of Persian and of Indic scripts, or the parts of an emoji (Unicode, chapter 23.2).
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// Keeps letters of Persian and of Indic scripts apart.
const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
/// Asks for the coloured form of an emoji.
const EMOJI_SELECTOR: char = '\u{fe0f}';

/// Why a push may not change a ref.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRef {
    /// The hub has no such refs. Holds where its refs are.
    #[error("this hub accepts only {0}")]
    Place(String),
    /// A proposal, which only the hub opens.
    #[error("only the hub opens proposals ({PROPOSALS})")]
    Proposal,
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

/// Checks whether a push may create or update a ref of this name, in one of these namespaces. git also applies its own
/// rules (git-check-ref-format(1)).
///
/// Letters and marks of every script, emoji and punctuation are accepted, also the signs that a shell interprets: no
/// name reaches a shell here. Characters that hide or reorder text are not.
///
/// # Errors
/// [`BadRef`], worded for the client.
pub fn check_ref(name: &[u8], namespaces: &[impl AsRef<str>]) -> Result<(), BadRef> {
    let name = std::str::from_utf8(name).map_err(|_| BadRef::Character)?;
    let short =
        namespaces.iter().filter_map(|namespace| name.strip_prefix(namespace.as_ref())).min_by_key(|it| it.len());
    let short = short.ok_or_else(|| BadRef::Place(listed(namespaces)))?;
    if name.starts_with(PROPOSALS) {
        return Err(BadRef::Proposal);
    }
    if name.len() > REF_NAME_MAX || name.split('/').count() > REF_LEVELS_MAX {
        return Err(BadRef::Size);
    }
    if !is_readable(short) || short.split('/').any(|part| part.starts_with('-')) {
        return Err(BadRef::Character);
    }
    let is_id = matches!(short.len(), 40 | 64) && short.bytes().all(|byte| byte.is_ascii_hexdigit());
    if short == "HEAD" || is_id { Err(BadRef::Ambiguous) } else { Ok(()) }
}

/// The namespaces that a push can use, as a person lists them.
fn listed(namespaces: &[impl AsRef<str>]) -> String {
    let shown = |namespace: &str| match namespace {
        "refs/heads/" => format!("branches ({namespace})"),
        "refs/tags/" => format!("tags ({namespace})"),
        "refs/notes/" => format!("notes ({namespace})"),
        other => other.to_owned(),
    };
    let namespaces = namespaces.iter().map(AsRef::as_ref).filter(|namespace| *namespace != PROPOSALS);
    let all: Vec<String> = namespaces.map(shown).collect();
    match all.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
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
    /// A name that begins like a ref has the ref, so that it reads back as itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.starts_with("refs/heads/") { f.write_str(&self.ref_name()) } else { f.write_str(&self.0) }
    }
}

impl FromStr for BranchName {
    type Err = BadRef;

    /// Accepts `refs/heads/main` as `main`.
    fn from_str(text: &str) -> Result<Self, BadRef> {
        let name = Self(text.strip_prefix("refs/heads/").unwrap_or(text).to_owned());
        check_ref(name.ref_name().as_bytes(), &BRANCHES_AND_TAGS).map(|()| name)
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

    fn check(name: &[u8]) -> Result<(), BadRef> {
        check_ref(name, &["refs/heads/", "refs/tags/", "refs/notes/", "refs/pr/"])
    }

    #[test]
    fn the_name_of_a_branch_reads_back_as_it_is_shown() {
        for (text, shown, name) in [
            ("main", "main", "refs/heads/main"),
            ("refs/heads/main", "main", "refs/heads/main"),
            ("refs/heads/refs/heads/x", "refs/heads/refs/heads/x", "refs/heads/refs/heads/x"),
        ] {
            let branch: BranchName = text.parse().unwrap();
            assert_eq!((branch.to_string().as_str(), branch.ref_name().as_str()), (shown, name));
            assert_eq!(shown.parse(), Ok(branch));
        }
    }

    #[test]
    fn branches_and_tags_of_ordinary_names_are_accepted() {
        for name in [
            "refs/heads/main",
            "refs/heads/feature/#123-x",
            "refs/tags/v1.0+rc.1",
            "refs/heads/user@host",
            "refs/notes/commits",
            "refs/heads/a=b,c%d",
            "refs/heads/R&D",
            "refs/heads/don't",
            "refs/heads/feat/fix(parser)",
            "refs/heads/wow!",
            "refs/heads/$(id);`id`|\"<>{}",
        ] {
            assert_eq!(check(name.as_bytes()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_ref_lies_where_the_operator_wants_refs() {
        let place = |namespaces: &[&str]| check_ref(b"refs/changes/1", namespaces).map_err(|error| error.to_string());
        assert_eq!(place(&["refs/heads/", "refs/changes/"]), Ok(()));
        let only = |text: &str| Err(format!("this hub accepts only {text}"));
        assert_eq!(place(&["refs/heads/"]), only("branches (refs/heads/)"));
        assert_eq!(place(&["refs/heads/", "refs/pr/", "refs/x/"]), only("branches (refs/heads/) and refs/x/"));
        // The name behind the longest beginning is the name that git could confuse.
        assert_eq!(check_ref(b"refs/x/y/HEAD", &["refs/x/", "refs/x/y/"]), Err(BadRef::Ambiguous));
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
            assert_eq!(check(format!("refs/heads/{name}").as_bytes()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_ref_name_that_could_trick_a_script_or_a_reader_is_rejected() {
        let long = format!("refs/heads/{}", "x".repeat(250));
        let deep = format!("refs/heads/{}x", "d/".repeat(20));
        let id = format!("refs/heads/{}", "a1".repeat(20));
        let id256 = format!("refs/tags/{}", "0f".repeat(32));
        let place = || {
            let all = "branches (refs/heads/), tags (refs/tags/) and notes (refs/notes/)";
            BadRef::Place(all.to_owned())
        };
        for (name, why) in [
            ("refs/pull/1/head", place()),
            ("refs/replace/0000", place()),
            ("refs/pr/1", BadRef::Proposal),
            ("refs/pr/1/head", BadRef::Proposal),
            ("refs/notes/HEAD", BadRef::Ambiguous),
            ("refs/x", place()),
            ("HEAD", place()),
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
            assert_eq!(check(name.as_bytes()), Err(why), "{name}");
        }
        assert_eq!(check(b"refs/heads/\xff"), Err(BadRef::Character));
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
            assert_eq!(check(format!("refs/heads/{name}").as_bytes()), Err(BadRef::Character), "{name:?}");
        }
    }
}
