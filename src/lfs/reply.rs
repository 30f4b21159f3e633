//! What a peer is told when it does not get what it asked for: a status of the protocol and a sentence.

use super::locks::{BadLockId, BadLockPath};
use super::oid::BadOid;

/// The statuses of the protocol, which are those of HTTP.
pub(super) mod status {
    pub(crate) const OK: u16 = 200;
    pub(crate) const CREATED: u16 = 201;
    pub(crate) const BAD_REQUEST: u16 = 400;
    pub(crate) const FORBIDDEN: u16 = 403;
    pub(crate) const NOT_FOUND: u16 = 404;
    pub(crate) const CONFLICT: u16 = 409;
    pub(crate) const TOO_LARGE: u16 = 413;
    pub(crate) const UNPROCESSABLE: u16 = 422;
    pub(crate) const FAULT: u16 = 500;
    pub(crate) const FULL: u16 = 507;
}

/// A refusal inside the protocol.
///
/// Holding one tells you that git-lfs takes it for a refusal: its status says so, and there is a sentence, without which
/// clients crash (3.3.0 to 3.8.1, on a lock).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    sentence: String,
}

impl Refusal {
    /// A refusal with a status from 400 to 599; another one becomes 500. Each line of the sentence is a line for the
    /// peer, who is shown the first.
    #[must_use]
    pub fn new(status: u16, sentence: impl Into<String>) -> Self {
        let status = if (400..600).contains(&status) { status } else { status::FAULT };
        Self { status, sentence: sentence.into() }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Not what a client sends.
    pub(super) fn bad_request(sentence: impl Into<String>) -> Self {
        Self::new(status::BAD_REQUEST, sentence)
    }

    pub(super) fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(status::FORBIDDEN, sentence)
    }

    pub(super) fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(status::NOT_FOUND, sentence)
    }

    pub(super) fn conflict(sentence: impl Into<String>) -> Self {
        Self::new(status::CONFLICT, sentence)
    }

    /// As the answer to `put-object`: a client takes 403 there for a server that is out of sorts, sends the object eight
    /// times more and never shows the sentence (git-lfs 3.3.0 to 3.8.1). 422 it shows at once.
    pub(super) fn for_put(mut self) -> Self {
        if self.status == status::FORBIDDEN {
            self.status = status::UNPROCESSABLE;
        }
        self
    }

    /// The lines of the sentence: at least one.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        let fallback = self.sentence.trim().is_empty().then_some("refused");
        fallback.into_iter().chain(self.sentence.lines().filter(|line| !line.trim().is_empty()))
    }
}

impl From<BadOid> for Refusal {
    fn from(error: BadOid) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<BadLockPath> for Refusal {
    fn from(error: BadLockPath) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl From<BadLockId> for Refusal {
    fn from(error: BadLockId) -> Self {
        Self::bad_request(error.to_string())
    }
}
