//! Proposals: commits that an account offers for a branch under `refs/pr/N`. This module decides who may do what with
//! them. No I/O here.

use super::{Access, Account, Identity, Scope};
use crate::word::words;

/// What the database says about a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProposalFacts {
    /// The row of the account that opened it.
    pub author: i64,
    /// Whether it was closed.
    pub is_closed: bool,
}

words! {
    /// Whether an identity may open proposals.
    pub enum Opening {
        /// It may.
        Allowed = "allowed",
        /// The repository does not accept proposals.
        Off = "off",
        /// The identity cannot be an author: only an account can, by a key on the account with the scope `write`.
        NoAuthor = "no-author",
    }
}

impl Opening {
    /// Why the identity may not open proposals, as the client reads it. `None` if it may.
    #[must_use]
    pub fn problem(self) -> Option<&'static str> {
        match self {
            Self::Allowed => None,
            Self::Off => Some("this repository does not accept proposals"),
            Self::NoAuthor => Some("only an account opens proposals, by a key of its own with the scope write"),
        }
    }
}

words! {
    /// Whether an identity may push to a proposal.
    pub enum Advance {
        /// It may.
        Allowed = "allowed",
        /// The proposal is another account's, and the identity may not write to the repository.
        Foreign = "foreign",
        /// The proposal is closed.
        Closed = "closed",
        /// The hub has opened no proposal with this number.
        Unknown = "unknown",
    }
}

/// The account that a session acts for, if the session may be the author of a proposal.
#[must_use]
pub fn author(identity: &Identity) -> Option<&Account> {
    match identity {
        Identity::Account(account) if account.scope == Scope::Write => Some(account),
        Identity::Account(_) | Identity::Certificate { .. } | Identity::DeployKey { .. } | Identity::Anonymous => None,
    }
}

/// Whether an identity with this access may open proposals in a repository that accepts them or not.
#[must_use]
pub fn may_open(identity: &Identity, access: Access, accepts_proposals: bool) -> Opening {
    match (author(identity), access, accepts_proposals) {
        (None, ..) | (_, Access::None | Access::Fetch, true) => Opening::NoAuthor,
        (Some(_), _, false) => Opening::Off,
        (Some(_), Access::Propose | Access::Write | Access::Admin, true) => Opening::Allowed,
    }
}

/// Whether an identity with this access may push to a proposal: its author, and everyone who may write to the
/// repository.
#[must_use]
pub fn may_advance(identity: &Identity, access: Access, proposal: Option<ProposalFacts>) -> Advance {
    let Some(ProposalFacts { author: author_row, is_closed }) = proposal else { return Advance::Unknown };
    let is_own = author(identity).is_some_and(|account| account.id == author_row);
    match (access, is_own, is_closed) {
        (Access::None | Access::Fetch, ..) | (Access::Propose, false, _) => Advance::Foreign,
        (Access::Propose, true, true) | (Access::Write | Access::Admin, _, true) => Advance::Closed,
        (Access::Propose, true, false) | (Access::Write | Access::Admin, _, false) => Advance::Allowed,
    }
}

/// Whether an account may close a proposal: its author, and everyone who may write to the repository. Only those who
/// may write open it again.
#[must_use]
pub fn may_close(account: &Account, access: Access, author: i64) -> bool {
    access >= Access::Write || (access == Access::Propose && account.id == author)
}
