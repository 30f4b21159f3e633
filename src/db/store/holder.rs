//! What a key is on.

use std::fmt;

use crate::name::{Owner, RepoPath};

/// What a key is on: one account, or one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A user's.
    Account(Owner),
    /// A deploy key.
    Repository(RepoPath),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(user) => user.fmt(f),
            Self::Repository(path) => path.fmt(f),
        }
    }
}
