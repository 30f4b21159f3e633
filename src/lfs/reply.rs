//! Refusals of the protocol: a status and a sentence for the client.

use super::locks::{BadLockId, BadLockPath};
use super::oid::BadOid;

/// The protocol's statuses, which are those of HTTP.
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

/// A refusal of the protocol.
///
/// Holding one tells you that git-lfs recognises it by its status, and that it has a sentence. git-lfs 3.3.0 to 3.8.1
/// crashes on a refused lock without a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    sentence: String,
}

impl Refusal {
    /// A refusal with a status from 400 to 599; any other status becomes 500. git-lfs shows the first line of the
    /// sentence.
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

    /// A request that no client sends.
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

    /// The refusal as an answer to `put-object`. After 403, git-lfs 3.3.0 to 3.8.1 sends the object eight more times
    /// and never shows the sentence. It shows the sentence of 422 at once.
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
