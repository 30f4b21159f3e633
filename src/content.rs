//! Checks of the content of pushes: which ones a scope turns on, and with which values. No I/O.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::access::MustSign;
use crate::access::rule::{GranteeRow, PathRules, Subject};
use crate::name::Grantee;
use crate::quota::Quota;
use crate::word::words;

/// The longest list of patterns, in bytes.
const PATTERNS_MAX: usize = 1_000;

words! {
    /// A check of the content of pushes.
    pub enum ContentCheck {
        /// No new blob has more bytes. Large files belong in Git LFS.
        BlobSize = "blob-size",
        /// The object of each new LFS pointer is stored here.
        LfsMissing = "lfs-missing",
        /// New commits change no file that another account or deploy key has locked in Git LFS.
        LfsLocks = "lfs-locks",
        /// No new directory has more entries.
        DirectoryEntries = "directory-entries",
        /// No new directory has two names that macOS or Windows takes for one.
        CaseCollision = "case-collision",
        /// Every new blob is text.
        Binary = "binary",
        /// The e-mail addresses of author and committer of each new commit match a pattern.
        Author = "author",
        /// Each new commit of certain refs is signed by an SSH key of the hub.
        Signed = "signed",
        /// New commits change only paths that the account may change.
        Path = "path",
    }
}

/// The value of a check: off, or what it accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckValue {
    /// The check accepts everything.
    Off,
    /// The check is on. It has no number and no pattern.
    On,
    /// The check is on, with this limit.
    Limit(u64),
    /// The check is on, with these patterns.
    Patterns(Patterns),
    /// The check is on, for these refs and with the keys of these accounts.
    Signers(MustSign),
    /// The check is on, with these rules. Users and teams in them are rows of the database.
    Paths(PathRules<GranteeRow>),
}

/// The text is no value of this check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", expected(*.0))]
pub struct BadValue(pub ContentCheck);

/// What a check accepts as its value.
fn expected(check: ContentCheck) -> String {
    let values = match check {
        ContentCheck::BlobSize => "a number of bytes such as 500K or 10M, or off",
        ContentCheck::DirectoryEntries => "a number, or off",
        ContentCheck::LfsMissing | ContentCheck::LfsLocks | ContentCheck::CaseCollision | ContentCheck::Binary => {
            "on, or off"
        }
        ContentCheck::Author => "patterns of e-mail addresses, such as *@example.org,*@example.com, or off",
        ContentCheck::Signed => {
            "pusher or hub, with patterns of refs such as: pusher refs/heads/main refs/tags/**, or off"
        }
        ContentCheck::Path => "rules such as: allow .github bob; deny .github @everyone, or off",
    };
    format!("the value of {check} is {values}")
}

impl CheckValue {
    /// Reads the value of a check.
    ///
    /// # Errors
    /// [`BadValue`].
    pub fn parse(check: ContentCheck, text: &str) -> Result<Self, BadValue> {
        let value = match check {
            _ if text == "off" => Some(Self::Off),
            ContentCheck::LfsMissing | ContentCheck::LfsLocks | ContentCheck::CaseCollision | ContentCheck::Binary => {
                (text == "on").then_some(Self::On)
            }
            ContentCheck::BlobSize => text.parse::<Quota>().ok().and_then(Quota::bytes).map(Self::Limit),
            ContentCheck::DirectoryEntries => {
                text.parse().ok().filter(|number| *number > 0 && !text.starts_with('+')).map(Self::Limit)
            }
            ContentCheck::Author => text.parse().ok().map(Self::Patterns),
            ContentCheck::Signed => text.parse().ok().map(Self::Signers),
            ContentCheck::Path => text.parse().ok().filter(PathRules::fit).map(Self::Paths),
        };
        value.ok_or(BadValue(check))
    }

    /// The value where no scope sets one.
    #[must_use]
    pub fn default_of(check: ContentCheck) -> Self {
        match check {
            // As the Hugging Face Hub has it.
            ContentCheck::BlobSize => Self::Limit(10 << 20),
            ContentCheck::DirectoryEntries => Self::Limit(10_000),
            ContentCheck::LfsMissing => Self::On,
            ContentCheck::LfsLocks
            | ContentCheck::CaseCollision
            | ContentCheck::Binary
            | ContentCheck::Author
            | ContentCheck::Signed
            | ContentCheck::Path => Self::Off,
        }
    }
}

impl CheckValue {
    /// The value for people. It must have no rows of the database.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Signers(must_sign) => must_sign.to_string(),
            Self::Off | Self::On | Self::Limit(_) | Self::Patterns(_) | Self::Paths(_) => self.to_string(),
        }
    }
}

/// The value of a check as people write it, with the names of users and teams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TypedValue {
    /// A value without names.
    Plain(CheckValue),
    /// The rules of [`ContentCheck::Path`].
    Paths(PathRules<Grantee>),
}

impl TypedValue {
    /// Reads the value of a check.
    ///
    /// # Errors
    /// [`BadValue`].
    pub fn parse(check: ContentCheck, text: &str) -> Result<Self, BadValue> {
        match check {
            ContentCheck::Path if text != "off" => text.parse().map(Self::Paths).map_err(|_| BadValue(check)),
            _ => CheckValue::parse(check, text).map(Self::Plain),
        }
    }
}

impl fmt::Display for TypedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => f.write_str(&value.shown()),
            Self::Paths(rules) => rules.fmt(f),
        }
    }
}

impl fmt::Display for CheckValue {
    /// One word, as the database has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::On => f.write_str("on"),
            Self::Limit(limit) => limit.fmt(f),
            Self::Patterns(patterns) => patterns.fmt(f),
            Self::Signers(must_sign) => f.write_str(&must_sign.word()),
            Self::Paths(rules) => f.write_str(&rules.word()),
        }
    }
}

/// Patterns in which `*` stands for any characters. A text matches if one of them matches. The case of ASCII letters
/// does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns(Vec<String>);

impl Patterns {
    /// Whether one of the patterns matches the whole text.
    #[must_use]
    pub fn match_any(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.0.iter().any(|pattern| matches(&pattern.to_ascii_lowercase(), &text))
    }
}

/// Whether a pattern matches a whole text, in time that grows with the product of their lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        // The first place leaves the most for the parts behind it.
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

impl FromStr for Patterns {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let patterns: Vec<String> = text.split(',').map(str::to_owned).collect();
        let is_pattern = |pattern: &String| !pattern.is_empty() && pattern.bytes().all(|byte| byte.is_ascii_graphic());
        // `off` and `default` are words.
        let is_email = |pattern: &String| pattern.contains('@');
        let good = text.len() <= PATTERNS_MAX && patterns.iter().all(|one| is_pattern(one) && is_email(one));
        good.then_some(Self(patterns)).ok_or(())
    }
}

impl fmt::Display for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

words! {
    /// Which scope sets the value that applies.
    pub enum SetBy {
        /// The repository.
        Repository = "repository",
        /// The owner.
        Owner = "owner",
        /// The hub.
        Hub = "hub",
        /// No scope.
        Default = "default",
    }
}

/// A check, its value in a scope, and where the value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedCheck {
    /// The check.
    pub check: ContentCheck,
    /// The value that applies.
    pub value: CheckValue,
    /// Which scope sets it.
    pub set_by: SetBy,
}

impl AppliedCheck {
    /// The value of a check that applies: that of the narrowest scope that sets a value, or else the default. The
    /// values are those of the repository, its owner and the hub.
    #[must_use]
    pub fn of(check: ContentCheck, [repository, owner, hub]: [&CheckValues; 3]) -> Self {
        let scopes = [(SetBy::Repository, repository), (SetBy::Owner, owner), (SetBy::Hub, hub)];
        let set = scopes.into_iter().find_map(|(set_by, values)| Some((values.get(check)?.clone(), set_by)));
        let (value, set_by) = set.unwrap_or_else(|| (CheckValue::default_of(check), SetBy::Default));
        Self { check, value, set_by }
    }
}

/// Values of checks: those that one scope sets, or those that apply to a push.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckValues(BTreeMap<ContentCheck, CheckValue>);

/// The text is no list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a list of checks and values")]
pub struct BadValues;

impl CheckValues {
    /// The values that apply to a repository. `scopes` has the values of the repository, its owner and the hub.
    #[must_use]
    pub fn effective(scopes: [&Self; 3]) -> Self {
        Self(ContentCheck::ALL.iter().map(|check| (*check, AppliedCheck::of(*check, scopes).value)).collect())
    }

    /// Sets a value, or removes it.
    pub fn set(&mut self, check: ContentCheck, value: Option<CheckValue>) {
        match value {
            Some(value) => self.0.insert(check, value),
            None => self.0.remove(&check),
        };
    }

    /// The value that is set.
    #[must_use]
    pub fn get(&self, check: ContentCheck) -> Option<&CheckValue> {
        self.0.get(&check)
    }

    /// The checks with a value, and their values.
    pub fn iter(&self) -> impl Iterator<Item = (ContentCheck, &CheckValue)> {
        self.0.iter().map(|(check, value)| (*check, value))
    }

    /// Whether no value is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a check is on.
    #[must_use]
    pub fn is_on(&self, check: ContentCheck) -> bool {
        self.get(check).is_some_and(|value| *value != CheckValue::Off)
    }

    /// The limit of a check that is on.
    #[must_use]
    pub fn limit(&self, check: ContentCheck) -> Option<u64> {
        match self.get(check) {
            Some(CheckValue::Limit(limit)) => Some(*limit),
            Some(_) | None => None,
        }
    }

    /// Which commits must be signed, if [`ContentCheck::Signed`] is on.
    #[must_use]
    pub fn signers(&self) -> Option<&MustSign> {
        match self.get(ContentCheck::Signed) {
            Some(CheckValue::Signers(must_sign)) => Some(must_sign),
            Some(_) | None => None,
        }
    }

    /// The rules of [`ContentCheck::Path`], if it is on.
    #[must_use]
    pub fn paths(&self) -> Option<&PathRules<GranteeRow>> {
        match self.get(ContentCheck::Path) {
            Some(CheckValue::Paths(rules)) => Some(rules),
            Some(_) | None => None,
        }
    }

    /// The values for one identity, with only those rules for paths that concern it.
    #[must_use]
    pub fn applied(mut self, subject: &Subject<'_>) -> Self {
        if let Some(CheckValue::Paths(rules)) = self.0.get_mut(&ContentCheck::Path) {
            let applied = rules.applied(subject);
            let value = if applied.rules.is_empty() { CheckValue::Off } else { CheckValue::Paths(applied) };
            self.0.insert(ContentCheck::Path, value);
        }
        self
    }

    /// The patterns of [`ContentCheck::Author`], if it is on.
    #[must_use]
    pub fn authors(&self) -> Option<&Patterns> {
        match self.get(ContentCheck::Author) {
            Some(CheckValue::Patterns(patterns)) => Some(patterns),
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for CheckValues {
    /// One line: `blob-size=10485760 binary=on`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.0.iter().map(|(check, value)| format!("{check}={value}")).collect();
        f.write_str(&values.join(" "))
    }
}

impl FromStr for CheckValues {
    type Err = BadValues;

    fn from_str(line: &str) -> Result<Self, BadValues> {
        let mut values = BTreeMap::new();
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let (check, value) = word.split_once('=').ok_or(BadValues)?;
            let check = check.parse().map_err(|_| BadValues)?;
            values.insert(check, CheckValue::parse(check, value).map_err(|_| BadValues)?);
        }
        Ok(Self(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reads_back_as_it_is_written_and_other_texts_are_refused() {
        use ContentCheck::{
            Author, Binary, BlobSize, CaseCollision, DirectoryEntries, LfsLocks, LfsMissing, Path, Signed,
        };
        for (check, text, shown) in [
            (BlobSize, "10M", "10485760"),
            (BlobSize, "1", "1"),
            (BlobSize, "off", "off"),
            (DirectoryEntries, "500", "500"),
            (LfsMissing, "on", "on"),
            (LfsLocks, "on", "on"),
            (CaseCollision, "off", "off"),
            (Author, "*@example.org,bot@x", "*@example.org,bot@x"),
            (Signed, "hub", "hub"),
            (Signed, "pusher", "pusher"),
            (Signed, "hub refs/heads/main refs/tags/**", "hub|refs/heads/main|refs/tags/**"),
            (Path, "deny .github/** @write; allow a #7", "deny|.github|@write;allow|a|#7"),
        ] {
            let value = CheckValue::parse(check, text).unwrap();
            assert_eq!(value.to_string(), shown);
            assert_eq!(CheckValue::parse(check, shown), Ok(value));
        }
        for (check, text) in [
            (BlobSize, "0"),
            (BlobSize, "on"),
            (BlobSize, "unlimited"),
            (BlobSize, "-1"),
            (DirectoryEntries, "0"),
            (DirectoryEntries, "+5"),
            (DirectoryEntries, "10M"),
            (Binary, "yes"),
            (Binary, "1"),
            (Signed, "on"),
            (Path, "on"),
            (Path, "deny a bob"),
            (Signed, "hub,pusher"),
            (Signed, "hub main"),
            (Author, "on"),
            (Author, "default"),
            (Author, "*@a b"),
            (Author, "*@a,"),
            (Author, "*@\u{fc}"),
        ] {
            let error = CheckValue::parse(check, text).unwrap_err();
            assert!(error.to_string().starts_with(&format!("the value of {check} is ")), "{check} {text}");
        }
    }

    #[test]
    fn the_narrowest_scope_that_sets_a_value_decides() {
        let values = |text: &str| text.parse::<CheckValues>().unwrap();
        let (repository, owner) = (values("blob-size=5"), values("blob-size=off binary=on"));
        let hub = values("binary=off author=*@example.org lfs-missing=off");
        let effective = CheckValues::effective([&repository, &owner, &hub]);
        let expected = "blob-size=5 lfs-missing=off lfs-locks=off directory-entries=10000 case-collision=off binary=on author=*@example.org \
             signed=off path=off";
        assert_eq!(effective.to_string(), expected);
        assert_eq!(expected.parse(), Ok(effective));
        let set_by = |check| AppliedCheck::of(check, [&repository, &owner, &hub]).set_by;
        assert_eq!(set_by(ContentCheck::BlobSize), SetBy::Repository);
        assert_eq!(set_by(ContentCheck::Binary), SetBy::Owner);
        assert_eq!(set_by(ContentCheck::Author), SetBy::Hub);
        assert_eq!(set_by(ContentCheck::CaseCollision), SetBy::Default);
        let none = CheckValues::default();
        assert_eq!(CheckValues::effective([&none, &none, &none]).limit(ContentCheck::BlobSize), Some(10 << 20));
        for bad in ["binary", "binary=maybe", "size=1", "binary=on,author=off"] {
            assert_eq!(bad.parse::<CheckValues>(), Err(BadValues), "{bad}");
        }
    }

    #[test]
    fn a_pattern_matches_a_whole_address() {
        let patterns: Patterns = "*@example.org,a*b*@x.y,exact@z".parse().unwrap();
        for text in ["me@example.org", "@Example.ORG", "ab@x.y", "axxbxx@x.y", "exact@z", "EXACT@Z"] {
            assert!(patterns.match_any(text), "{text}");
        }
        for text in ["me@example.org.evil", "me@example.com", "ba@x.y", "xexact@z", "exact@zz", "", "ab@x.yz"] {
            assert!(!patterns.match_any(text), "{text}");
        }
        // A part that would have to overlap itself.
        assert!(!matches("aa*aa", "aaa") && matches("aa*aa", "aaaa") && matches("*", "") && !matches("", "a"));
        let long = "a".repeat(1_000);
        assert!(matches(&"a*".repeat(400), &long) && !matches(&"a*".repeat(1_001), &long));
    }
}
