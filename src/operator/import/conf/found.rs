//! What is found in `gitolite.conf`: people and rules of repositories, and what is lost.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::text::Place;
use super::who::Who;
use crate::access::rule::{Actions, Verdict};

/// Why something of gitolite is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Every user of gitolite had a right.
    Everybody,
    /// A user may not push any more.
    Push,
    /// A rule allows refs that no pattern matches.
    Refex,
    /// A rule denies more refs here.
    Wider,
    /// A rule concerns files or other contents.
    Check,
    /// A rule concerns merges.
    Merge,
    /// A rule names a role or an unknown group.
    Group,
    /// A rule names a directory of `keydir`.
    Directory,
    /// A rule is for repositories by pattern.
    Pattern,
    /// A rule is for gitweb or git-daemon.
    Service,
}

/// A right that is lost, or lost in part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lost {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    pub(crate) what: String,
}

/// A user with rights on a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: Rc<str>,
    /// Whether the user may push to some refs, and not only read.
    pub(crate) writes: bool,
    /// The rule that lets the user read.
    pub(crate) place: Place,
}

/// A name in the rules that allow something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// `@all`
    All,
    Group(Rc<str>),
    User(Rc<str>),
}

/// What the rules with one name allow, whatever other rules deny.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    /// Whether to push, and not only to read.
    pub(crate) writes: bool,
    /// The first of these rules.
    pub(crate) place: Place,
}

/// A rule for refs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleText {
    pub(crate) verdict: Verdict,
    pub(crate) actions: Actions,
    pub(crate) pattern: String,
    pub(crate) who: Who,
}

/// A rule for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathText {
    pub(crate) verdict: Verdict,
    pub(crate) pattern: String,
    pub(crate) who: Who,
}

/// One repository that gitolite names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) people: Vec<Person>,
    /// By what names the people have their rights.
    pub(crate) named: BTreeMap<Name, Right>,
    /// None if all who may push may do everything.
    pub(crate) rules: Vec<RuleText>,
    /// The same for a hub where others may push too: never none.
    pub(crate) closed_rules: Vec<RuleText>,
    /// What users may change, by ref. The first one that concerns a user and a file decides.
    pub(crate) paths: Vec<PathText>,
    /// The rule by which every user may read.
    pub(crate) everyone_reads: Option<Place>,
    /// What it is about.
    pub(crate) description: Option<Rc<str>>,
}
