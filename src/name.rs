//! Names: owners, repositories, kinds, titles.
//!
//! Strangers' text enters as bytes and leaves as types; this module does no I/O. It rejects a text that breaks a rule
//! and never repairs it. The rules are those of the Hugging Face Hub's repository ids.

mod email;
mod team;

use std::fmt::{self, Write};
use std::str::FromStr;

use crate::word::words;

pub use email::{BadEmail, Email};
pub use team::{Grantee, TeamName, TeamPath};

/// The longest component of a path on the hub, in bytes.
const COMPONENT_MAX: usize = 96;
/// The longest name of a new owner, in bytes.
const NEW_OWNER_MAX: usize = 40;
/// The longest title, in bytes.
const TITLE_MAX: usize = 255;
/// Names that no owner may have: words of the URL grammar, and words that would mislead in a greeting or a log.
const RESERVED_OWNERS: [&str; 10] =
    ["anonymous", "models", "datasets", "spaces", "kernels", "buckets", "root", "git", "hubgate", "admin"];

/// Why a text is not a valid name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// More bytes than allowed.
    #[error("a name has at most {0} characters")]
    TooLong(usize),
    /// A byte that no name may contain.
    #[error("a name has only letters, digits, '.', '_' and '-'")]
    Character,
    /// Starts or ends with `.` or `-`.
    #[error("a name starts and ends with a letter, a digit or '_'")]
    Edge,
    /// Contains `..` or `--`.
    #[error("a name must not contain '..' or '--'")]
    Doubled,
    /// A repository's name ends in `.git`.
    #[error("a repository's name must not end in '.git'")]
    GitSuffix,
    /// A reserved word.
    #[error("this name is reserved")]
    Reserved,
    /// Not `OWNER/NAME`, `datasets/OWNER/NAME` or `spaces/OWNER/NAME`.
    #[error("a repository is OWNER/NAME, datasets/OWNER/NAME or spaces/OWNER/NAME")]
    Shape,
    /// Not a team, or a team where it needs its mark.
    #[error("a team is ORG/TEAM, and @ORG/TEAM where users are named too")]
    Team,
    /// A title with a character that does not print.
    #[error("a title is printable text in UTF-8, without control or invisible characters")]
    TitleCharacter,
    /// A title that is empty or longer than 255 bytes.
    #[error("a title has 1 to {TITLE_MAX} bytes")]
    TitleLength,
}

/// Checks one component of a path: `[A-Za-z0-9_]([A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?` without `..` and `--`.
fn component(text: &str) -> Result<&str, NameError> {
    let edge = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Err(NameError::Empty);
    };
    if text.len() > COMPONENT_MAX {
        return Err(NameError::TooLong(COMPONENT_MAX));
    }
    if !bytes.iter().all(|byte| edge(byte) || matches!(byte, b'.' | b'-')) {
        return Err(NameError::Character);
    }
    if !edge(first) || !edge(last) {
        return Err(NameError::Edge);
    }
    if text.contains("..") || text.contains("--") {
        return Err(NameError::Doubled);
    }
    Ok(text)
}

/// The text by which names are compared: ASCII lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// A user or an organization.
///
/// Holding one tells you that its text is safe in an `authorized_keys` line, in a log line and on a terminal. It does
/// not tell you that the account exists, nor that a new account may have the name ([`Owner::new_account`]).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(String);

impl Owner {
    /// Reads the name of a new account: at most 40 bytes, and not a reserved word in upper or lower case.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn new_account(text: &str) -> Result<Self, NameError> {
        let owner: Self = text.parse()?;
        if owner.0.len() > NEW_OWNER_MAX {
            return Err(NameError::TooLong(NEW_OWNER_MAX));
        }
        if RESERVED_OWNERS.contains(&owner.folded().as_str()) {
            return Err(NameError::Reserved);
        }
        Ok(owner)
    }

    /// The name in its original case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for comparison.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl FromStr for Owner {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        component(text).map(|name| Self(name.to_owned()))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's name, the last component of its path.
///
/// Holding one tells you that it does not end in `.git`; it does not tell you that the repository exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The name in its original case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for comparison.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = component(text)?;
        // Upper and lower case are equal here: a client writes `x` for a repository `x.git`, so `x.GIT` and `x` must
        // not be two names.
        let end = name.get(name.len().saturating_sub(4)..);
        if end.is_some_and(|end| end.eq_ignore_ascii_case(".git")) {
            Err(NameError::GitSuffix)
        } else {
            Ok(Self(name.to_owned()))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

words! {
    /// The kind of content in a repository.
    pub enum RepoKind {
        /// `OWNER/NAME`.
        Model = "model",
        /// `datasets/OWNER/NAME`.
        Dataset = "dataset",
        /// `spaces/OWNER/NAME`.
        Space = "space",
    }
}

impl RepoKind {
    /// The text before the owner in a path: nothing, `datasets/` or `spaces/`.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
            Self::Space => "spaces/",
        }
    }
}

/// A path on the hub, such as `alice/x` or `datasets/alice/squad`.
///
/// Holding one tells you that it is well formed. It is a key for the database and never becomes a path on disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath {
    /// The kind of content.
    pub kind: RepoKind,
    /// The owner.
    pub owner: Owner,
    /// The repository's name.
    pub name: Name,
}

impl RepoPath {
    /// The path for comparison.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.to_string())
    }

    /// Reads a path as git clients write it. Strips at most one leading `/`, one trailing `/` and one `.git`.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn from_wire(text: &str) -> Result<Self, NameError> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let text = text.strip_suffix('/').unwrap_or(text);
        text.strip_suffix(".git").unwrap_or(text).parse()
    }
}

impl FromStr for RepoPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut words = text.split('/');
        let (kind, owner, name) = match (words.next(), words.next(), words.next(), words.next()) {
            (Some(owner), Some(name), None, None) => (RepoKind::Model, owner, name),
            (Some("datasets"), Some(owner), Some(name), None) => (RepoKind::Dataset, owner, name),
            (Some("spaces"), Some(owner), Some(name), None) => (RepoKind::Space, owner, name),
            _ => return Err(NameError::Shape),
        };
        // `datasets/x` is a path without a name, not a model of an owner "datasets".
        if RepoKind::ALL.iter().any(|other| other.prefix().strip_suffix('/') == Some(owner)) {
            return Err(NameError::Shape);
        }
        Ok(Self { kind, owner: owner.parse()?, name: name.parse()? })
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}/{}", self.kind.prefix(), self.owner, self.name)
    }
}

/// The part of the hub to which a setting applies: the hub, the repositories of one owner, or one repository.
///
/// Holding one tells you that it is well formed. It does not tell you that the owner or the repository exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HubScope {
    /// Every repository.
    Hub,
    /// Every repository of an owner.
    Owner(Owner),
    /// One repository.
    Repository(RepoPath),
}

impl HubScope {
    /// The scope in a sentence.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::Hub => format!("the {WHOLE_HUB}"),
            Self::Owner(owner) => owner.to_string(),
            Self::Repository(path) => path.to_string(),
        }
    }
}

/// The word for the whole hub, in upper or lower case.
const WHOLE_HUB: &str = "hub";

impl FromStr for HubScope {
    type Err = NameError;

    /// An owner may be written with a `/` behind the name, so that an owner named `hub` can be written too.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_suffix('/') {
            Some(owner) => owner.parse().map(Self::Owner),
            None if text.contains('/') => text.parse().map(Self::Repository),
            None if text.eq_ignore_ascii_case(WHOLE_HUB) => Ok(Self::Hub),
            None => text.parse().map(Self::Owner),
        }
    }
}

impl fmt::Display for HubScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub => f.write_str(WHOLE_HUB),
            Self::Owner(owner) if owner.folded() == WHOLE_HUB => write!(f, "{owner}/"),
            Self::Owner(owner) => owner.fmt(f),
            Self::Repository(path) => path.fmt(f),
        }
    }
}

/// The title of a key, or another line of free text.
///
/// Holding one tells you that it is one line of 1 to 255 bytes without control, format or private-use characters. It
/// may contain quotes and blanks, so quote it where these characters have a meaning.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Title(String);

impl Title {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Title {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() || text.len() > TITLE_MAX {
            return Err(NameError::TitleLength);
        }
        if !text.chars().all(is_plain) {
            return Err(NameError::TitleCharacter);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stranger's text as people read it: characters that act on a terminal or hide are escaped, as `\u{202e}`.
///
/// A program that reads the text needs it as it is.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| if is_plain(c) { f.write_char(c) } else { write!(f, "{}", c.escape_unicode()) })
    }
}

/// Whether a character prints as itself.
pub(crate) fn is_plain(c: char) -> bool {
    !c.is_control() && !is_invisible(c)
}

/// Characters that print nothing or change how others print: Unicode's format characters (Cf), line and paragraph
/// separators, variation selectors, blank fillers and the blank Braille pattern, private use and non-characters
/// (Unicode 16, UCD).
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x890..=0x891 | 0x8E2 | 0x115F..=0x1160
        | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x2800 | 0x3164
        | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x110BD | 0x110CD
        | 0x13430..=0x1343F | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF | 0xF0000..)
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests;
