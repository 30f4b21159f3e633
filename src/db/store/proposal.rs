//! Proposals: their numbers, authors and branches. Their commits are in the repositories.

use serde_json::json;

use super::list::Each;
use super::{Change, ChangeError};
use crate::db::engine::{Row, values};
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};
use crate::push::{BranchName, ProposalNumber};

/// How far a number may be from the last one. An import brings refs with numbers of their own, and code that has taken
/// over a git can write any ref of its repository.
const MOST_SKIPPED: i64 = 1_000_000;

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRow {
    /// Its number in its repository.
    pub number: ProposalNumber,
    /// The row of the account that opened it.
    pub author: i64,
    /// The present name of that account. A removed account keeps its last name.
    pub author_name: Owner,
    /// The branch that it is for.
    pub branch: BranchName,
    /// Seconds UTC since 1970.
    pub opened_at: i64,
    /// When it was closed, if it is.
    pub closed_at: Option<i64>,
}

const COLUMNS: &str = "SELECT p.number, p.author_id, a.name AS author, p.branch, p.opened_at, p.closed_at
    FROM proposal p JOIN owner a ON a.id = p.author_id WHERE p.repository_id = ?1";

fn proposal_row(row: &Row<'_>) -> Result<ProposalRow, Error> {
    let number: i64 = row.get("number")?;
    Ok(ProposalRow {
        number: ProposalNumber::new(number).ok_or_else(|| Error::Value("number".to_owned()))?,
        author: row.get("author_id")?,
        author_name: row.word("author")?,
        branch: row.word("branch")?,
        opened_at: row.get("opened_at")?,
        closed_at: row.get("closed_at")?,
    })
}

impl View<'_> {
    /// The proposals of a repository, given by its row, by number. Begins after the number `after`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn proposals(&self, repository: i64, after: i64, each: Each<'_, ProposalRow>) -> Result<(), Error> {
        let query = format!("{COLUMNS} AND p.number > ?2 ORDER BY p.number");
        self.connection.each(&query, values![repository, after], |row| Ok(each(proposal_row(row)?)))
    }

    /// One proposal of a repository, given by its row and its path.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn proposal(
        &self,
        (repository, path): (i64, &RepoPath),
        number: ProposalNumber,
    ) -> Result<ProposalRow, ChangeError> {
        let query = format!("{COLUMNS} AND p.number = ?2");
        let found = self.connection.first(&query, values![repository, number.get()], proposal_row)?;
        found.ok_or_else(|| ChangeError::NotFound(format!("proposal {number} of {path}")))
    }
}

impl Change<'_> {
    /// Accepts proposals in a repository or not; `None` leaves it to the configuration.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_proposals(&self, path: &RepoPath, accepts: Option<bool>) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let before = self.accepts_proposals(repository.id)?;
        let query = "UPDATE repository SET proposals = ?2 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, accepts.map(i64::from)])?;
        let detail = json!({ "before": before, "proposals": accepts });
        self.audit("repo.set_proposals", &repository.path.to_string(), &detail)
    }

    /// Opens a proposal for a branch. Its number is greater than those of all proposals of the repository, and greater
    /// than `after`, the last number that a ref of the repository has.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if there is no number left, or `after` is too far away.
    pub fn open_proposal(
        &self,
        path: &RepoPath,
        author: i64,
        branch: &BranchName,
        after: i64,
    ) -> Result<ProposalNumber, ChangeError> {
        let repository = self.repository(path)?;
        let query = "SELECT coalesce(max(number), 0) AS number FROM proposal WHERE repository_id = ?1";
        let last = self.connection.number(query, values![repository.id])?;
        if after.saturating_sub(last) > MOST_SKIPPED {
            let problem = format!(
                "{path} has refs/pr/{after}, and its last proposal is {last}: ask the operator to remove the ref"
            );
            return Err(ChangeError::Conflict(problem));
        }
        let number = last.max(after).checked_add(1).and_then(ProposalNumber::new);
        let number =
            number.ok_or_else(|| ChangeError::Conflict(format!("{path} has no number for a proposal left")))?;
        self.connection.execute(
            "INSERT INTO proposal (repository_id, number, author_id, branch, opened_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            values![repository.id, number.get(), author, &branch.to_string(), self.now],
        )?;
        let detail = json!({ "number": number.get(), "branch": branch.to_string() });
        self.audit("proposal.open", &repository.path.to_string(), &detail)?;
        Ok(number)
    }

    /// Closes a proposal, or opens it again. Returns whether that changed anything.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn set_proposal_closed(
        &self,
        path: &RepoPath,
        number: ProposalNumber,
        is_closed: bool,
    ) -> Result<bool, ChangeError> {
        let repository = self.repository(path)?;
        let before = self.proposal((repository.id, &repository.path), number)?;
        if before.closed_at.is_some() == is_closed {
            return Ok(false);
        }
        let query = "UPDATE proposal SET closed_at = ?3 WHERE repository_id = ?1 AND number = ?2";
        let closed_at = is_closed.then_some(self.now);
        self.connection.execute(query, values![repository.id, number.get(), closed_at])?;
        let event = if is_closed { "proposal.close" } else { "proposal.reopen" };
        self.audit(event, &repository.path.to_string(), &json!({ "number": number.get() }))?;
        Ok(true)
    }
}
