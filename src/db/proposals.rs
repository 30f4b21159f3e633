//! Proposals, as a push asks for them.

use super::engine::{Row, values};
use super::{Error, View};
use crate::access::proposal::ProposalFacts;

/// The version of the schema from which on there are proposals.
const SINCE: i64 = 4;

/// Whether the repository with the row `?1` accepts proposals.
const ACCEPTS: &str = "SELECT proposals FROM repository WHERE id = ?1";
/// The proposal with the number `?2` of the repository with the row `?1`.
const PROPOSAL: &str = "SELECT author_id, closed_at FROM proposal WHERE repository_id = ?1 AND number = ?2";

impl View<'_> {
    /// Whether a repository, given by its row, accepts proposals. `None` if it has not decided. A database of an older
    /// version has nowhere to keep proposals, so none of its repositories accepts them.
    ///
    /// # Errors
    /// [`Error`].
    pub fn accepts_proposals(&self, repository: i64) -> Result<Option<bool>, Error> {
        let asked = self.connection.first(ACCEPTS, values![repository], |row| row.get("proposals"));
        Ok(self.unless_older(SINCE, asked)?.map_or(Some(false), Option::flatten))
    }

    /// A proposal of a repository, given by its row.
    ///
    /// # Errors
    /// [`Error`].
    pub fn proposal_facts(&self, repository: i64, number: i64) -> Result<Option<ProposalFacts>, Error> {
        let asked = self.connection.first(PROPOSAL, values![repository, number], proposal_facts);
        Ok(self.unless_older(SINCE, asked)?.flatten())
    }

    /// How SQLite would run the statements, one line a step.
    #[cfg(test)]
    pub(super) fn plans_of_proposals(&self) -> Result<[Vec<String>; 2], Error> {
        Ok([self.connection.plan(ACCEPTS)?, self.connection.plan(PROPOSAL)?])
    }
}

fn proposal_facts(row: &Row<'_>) -> Result<ProposalFacts, Error> {
    let is_closed = row.get::<Option<i64>>("closed_at")?.is_some();
    Ok(ProposalFacts { author: row.get("author_id")?, is_closed })
}
