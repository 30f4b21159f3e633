//! Patterns of repositories, and which repositories they concern. No I/O.

use super::regex;

/// Whether rules for a pattern concern a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Yes,
    /// For some creator of the repository, which gitolite-admin does not know.
    Perhaps,
    No,
}

/// A pattern of repositories.
pub(super) struct Repositories(Option<regex::Node>, bool);

impl Repositories {
    pub(super) fn read(pattern: &str) -> Self {
        const CREATOR: &str = "CREATOR";
        let by_creator = pattern.contains(CREATOR);
        Self(regex::parse(&pattern.replace(CREATOR, "[0-9A-Za-z._@+-]+")), by_creator)
    }

    pub(super) fn is_understood(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn concern(&self, name: &str) -> Match {
        match (&self.0, self.1) {
            (Some(pattern), _) if !regex::matches(pattern, name) => Match::No,
            (None, _) | (Some(_), true) => Match::Perhaps,
            (Some(_), false) => Match::Yes,
        }
    }
}
