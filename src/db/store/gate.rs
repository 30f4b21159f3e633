//! Gates of repositories, and requests for access.

use serde_json::json;

use super::list::Each;
use super::repository::RepositoryRow;
use super::{Change, ChangeError};
use crate::access::{GateMode, GateRequest};
use crate::db::engine::{Row, values};
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};

/// The request of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateRequestRow {
    /// The account.
    pub user: Owner,
    /// The state of the request.
    pub state: GateRequest,
    /// Seconds UTC since 1970.
    pub at: i64,
    /// The first second in which an acceptance no longer applies.
    pub until: Option<i64>,
}

const COLUMNS: &str = "SELECT o.name, g.state, g.at, g.until FROM gate_request g JOIN owner o ON o.id = g.user_id";

fn request_row(row: &Row<'_>) -> Result<GateRequestRow, Error> {
    Ok(GateRequestRow {
        user: row.word("name")?,
        state: row.optional_word("state")?.unwrap_or(GateRequest::None),
        at: row.get("at")?,
        until: row.get("until")?,
    })
}

impl View<'_> {
    /// The requests on a repository, given by its row, by user. Begins behind the user `after`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn gate_requests(
        &self,
        repository: i64,
        after: Option<&Owner>,
        each: Each<'_, GateRequestRow>,
    ) -> Result<(), Error> {
        let query = format!("{COLUMNS} WHERE g.repository_id = ?1 AND o.folded > ?2 ORDER BY o.folded");
        let after = after.map(Owner::folded).unwrap_or_default();
        self.connection.each(&query, values![repository, &after], |row| Ok(each(request_row(row)?)))
    }

    /// The request of a user on a repository, given by its row.
    ///
    /// # Errors
    /// [`Error`].
    pub fn gate_request(&self, repository: i64, user: &Owner) -> Result<Option<GateRequestRow>, Error> {
        let query = format!("{COLUMNS} WHERE g.repository_id = ?1 AND o.folded = ?2");
        self.connection.first(&query, values![repository, &user.folded()], request_row)
    }
}

impl Change<'_> {
    /// Sets or removes the gate of a repository. With `members`, members with the role `read` must also ask.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_gate(&self, path: &RepoPath, mode: GateMode, members: bool) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let before = json!({ "gate": repository.gate.as_str(), "gate_members": repository.gate_members });
        let query = "UPDATE repository SET gate = ?2, gate_members = ?3 WHERE id = ?1";
        self.connection.execute(query, values![repository.id, mode.as_str(), members])?;
        let detail = json!({ "gate": mode.as_str(), "gate_members": members, "before": before });
        self.audit("repo.update_settings", &repository.path.to_string(), &detail)
    }

    /// Asks for access, and returns the state of the request. A second request changes nothing, unless the first one
    /// has ended. A rejected request stays rejected.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the repository has no gate.
    pub fn request_access(&self, path: &RepoPath, user: &Owner) -> Result<GateRequest, ChangeError> {
        let repository = self.repository(path)?;
        let user = self.user(user)?;
        let over = "DELETE FROM gate_request WHERE repository_id = ?1 AND user_id = ?2 AND until <= ?3";
        self.connection.execute(over, values![repository.id, user.id, self.now])?;
        let query = "SELECT state FROM gate_request WHERE repository_id = ?1 AND user_id = ?2";
        let before = self.connection.first(query, values![repository.id, user.id], |row| row.word("state"))?;
        if let Some(before) = before {
            return Ok(before);
        }
        let state = match repository.gate {
            GateMode::None => {
                return Err(ChangeError::Conflict(format!("{} has no gate: access needs no request", repository.path)));
            }
            GateMode::Auto => GateRequest::Accepted,
            GateMode::Manual => GateRequest::Pending,
        };
        self.write_request(&repository, user.id, state, None)?;
        let detail = json!({ "user": user.name.as_str(), "state": state.as_str() });
        self.audit("repo.request_access", &repository.path.to_string(), &detail)?;
        Ok(state)
    }

    /// Answers a request, or grants or rejects access without a request.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn answer_access(
        &self,
        path: &RepoPath,
        user: &Owner,
        state: GateRequest,
        until: Option<i64>,
    ) -> Result<(), ChangeError> {
        let repository = self.repository(path)?;
        let user = self.user(user)?;
        let query = "SELECT state, until FROM gate_request WHERE repository_id = ?1 AND user_id = ?2";
        let before = self.connection.first(query, values![repository.id, user.id], |row| {
            let (state, until): (String, Option<i64>) = (row.get("state")?, row.get("until")?);
            Ok(json!({ "state": state, "until": until }))
        });
        let before = before?.unwrap_or_default();
        match state {
            // Withdrawn: the account may ask again.
            GateRequest::None => {
                let query = "DELETE FROM gate_request WHERE repository_id = ?1 AND user_id = ?2";
                if self.connection.execute(query, values![repository.id, user.id])? == 0 {
                    let what = format!("request of {} on {}", user.name, repository.path);
                    return Err(ChangeError::NotFound(what));
                }
            }
            GateRequest::Pending | GateRequest::Accepted | GateRequest::Rejected => {
                self.write_request(&repository, user.id, state, until)?;
            }
        }
        let detail = json!({ "user": user.name.as_str(), "state": state.as_str(), "until": until, "before": before });
        self.audit("repo.answer_access", &repository.path.to_string(), &detail)
    }

    fn write_request(
        &self,
        repository: &RepositoryRow,
        user: i64,
        state: GateRequest,
        until: Option<i64>,
    ) -> Result<(), ChangeError> {
        self.connection.execute(
            "INSERT INTO gate_request (repository_id, user_id, state, until, at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (repository_id, user_id) DO UPDATE SET state = excluded.state, until = excluded.until",
            values![repository.id, user, state.as_str(), until, self.now],
        )?;
        Ok(())
    }
}
