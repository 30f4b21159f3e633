//! What an account may do with an owner or a repository, for the commands that list and change.

use super::ChangeError;
use super::account::OwnerRow;
use super::list::Each;
use super::repository::{RepositoryRow, position, repository_row};
use crate::access::{OwnerFacts, RepositoryFacts};
use crate::db::engine::values;
use crate::db::session::{grant, repository_facts};
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};

/// The session for which the repositories of an owner are listed.
#[derive(Debug, Clone, Copy)]
pub struct SeenBy {
    /// The owner of the repositories.
    pub owner: i64,
    /// The account of the session.
    pub account: Option<i64>,
    /// The repository that the session's deploy key opens.
    pub deployed: Option<i64>,
    /// Whether the session may see all repositories of the owner.
    pub is_insider: bool,
    /// Whether it may see the internal ones.
    pub sees_internal: bool,
    /// The second of the decision.
    pub now: i64,
}

const BY_NAME: &str = "ORDER BY kind, folded";

/// Repositories with the facts for the account `?2` at the second `?5`. `join` is another table.
fn with_facts(join: &str) -> String {
    format!(
        "SELECT r.id, o.name AS owner, r.kind AS kind, r.name, r.directory, r.gate, r.gate_members,
                {visibility} AS visibility,
                r.object_format, r.description, r.frozen, r.proposals, r.created_at, r.owner_id, r.created_by,
                r.folded AS folded,
                m.role, m.until AS role_until, c.role AS collaborator, c.until AS collaborator_until,
                g.state AS gate_state, g.until AS gate_until, {team} AS team
         FROM repository r {join} JOIN owner o ON o.id = r.owner_id
         LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = ?2
         LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = ?2
         LEFT JOIN gate_request g ON g.repository_id = r.id AND g.user_id = ?2",
        visibility = visibility_column!(),
        team = team_column!("?2", "?5"),
    )
}

/// The repositories of the owner `?1` with the facts for the account `?2`, behind the kind `?3` and the name `?4`.
/// `owner` is the column of the owner.
fn visible(owner: &str) -> String {
    let repositories = with_facts("");
    format!("{repositories} WHERE {owner} = ?1 AND r.folded IS NOT NULL AND (r.kind, r.folded) > (?3, ?4)")
}

fn statement_of_outsiders() -> String {
    format!(
        "{by_owner} AND r.internal = 0 AND r.visibility = 'public'
         UNION ALL {by_owner} AND r.internal = 1 AND ?7
         UNION ALL {any} AND r.id IN (
             SELECT x.repository_id FROM collaborator x WHERE x.user_id = ?2
             UNION ALL SELECT x.repository_id FROM member y JOIN collaborator x ON x.user_id = y.organization_id
                 WHERE y.user_id = ?2) AND r.visibility <> 'public' AND NOT (r.internal AND ?7)
         UNION ALL {any} AND r.id = ?6 AND r.visibility <> 'public' {BY_NAME}",
        by_owner = visible("r.owner_id"),
        // A sum has no index: the rows of the account lead to the repositories, not the repositories of the owner.
        any = visible("r.owner_id + 0"),
    )
}

/// The repositories on which the account `?2` has a right of its own, behind the owner `?1`, the kind `?3` and the name
/// `?4`: its own, those of its organizations, and those on which it is a collaborator. Its teams are of its
/// organizations.
fn statement_of_reachable() -> String {
    let ids = "JOIN (
             SELECT id FROM repository WHERE owner_id = ?2
             UNION SELECT t.id FROM member b JOIN repository t ON t.owner_id = b.organization_id WHERE b.user_id = ?2
             UNION SELECT repository_id FROM collaborator WHERE user_id = ?2
         ) i ON i.id = r.id";
    let repositories = with_facts(ids);
    format!(
        "{repositories} WHERE r.folded IS NOT NULL AND (o.folded, r.kind, r.folded) > (?1, ?3, ?4)
         ORDER BY o.folded, r.kind, r.folded"
    )
}

impl View<'_> {
    /// The name of an owner, given by its row. A removed owner keeps its last name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn owner_name(&self, id: i64) -> Result<Option<Owner>, Error> {
        self.connection.first("SELECT name FROM owner WHERE id = ?1", values![id], |row| row.word("name"))
    }

    /// An owner, and the role that an account, given by its row, has there.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner_facts(&self, name: &Owner, account: i64) -> Result<(OwnerRow, OwnerFacts), ChangeError> {
        let owner = self.owner(name)?;
        let query = "SELECT role, until FROM member WHERE organization_id = ?1 AND user_id = ?2";
        let role = self.connection.first(query, values![owner.id, account], |row| grant(row, "role", "until"))?;
        let facts = OwnerFacts { id: owner.id, may_create: owner.may_create, role: role.flatten() };
        Ok((owner, facts))
    }

    /// The repositories of an owner that a session may see, by kind and name, each with the facts that decide about
    /// access. Begins behind the path `after`. Owner, account and deployed repository are given by their rows.
    ///
    /// An insider of the owner sees all of them. Every other session sees the public repositories, those on which the
    /// account or one of its teams has a grant, the deployed repository, and perhaps the internal ones. No other row is
    /// read, so that the time of the answer does not depend on what is hidden.
    ///
    /// # Errors
    /// [`Error`].
    pub fn visible_repositories(
        &self,
        seen_by: &SeenBy,
        after: Option<&RepoPath>,
        each: Each<'_, (RepositoryRow, RepositoryFacts)>,
    ) -> Result<(), Error> {
        let SeenBy { owner, account, deployed, is_insider, sees_internal, now } = *seen_by;
        let (kind, name) = position(after);
        let values = values![owner, account, kind, &name, now, deployed, sees_internal];
        let (query, values) = if is_insider {
            (format!("{} {BY_NAME}", visible("r.owner_id")), values.get(..5).unwrap_or_default())
        } else {
            (statement_of_outsiders(), values.as_slice())
        };
        self.connection.each(&query, values, |row| {
            let repository = repository_row(row)?;
            let facts = repository_facts(row, repository.id, account)?;
            Ok(each((repository, facts)))
        })
    }

    /// The repositories on which an account, given by its row, has or had a right of its own, by path, each with the
    /// facts that decide about access. Begins behind the path `after`. No row of another repository is read.
    ///
    /// # Errors
    /// [`Error`].
    pub fn reachable_repositories(
        &self,
        account: i64,
        now: i64,
        after: Option<&RepoPath>,
        each: Each<'_, (RepositoryRow, RepositoryFacts)>,
    ) -> Result<(), Error> {
        let owner = after.map(|path| path.owner.folded()).unwrap_or_default();
        let (kind, name) = position(after);
        self.connection.each(&statement_of_reachable(), values![&owner, account, kind, &name, now], |row| {
            let repository = repository_row(row)?;
            let facts = repository_facts(row, repository.id, Some(account))?;
            Ok(each((repository, facts)))
        })
    }

    /// How SQLite would run the statement of the list of what an account reaches.
    #[cfg(test)]
    pub(in crate::db) fn plan_of_reachable(&self) -> Result<Vec<String>, Error> {
        self.connection.plan(&statement_of_reachable())
    }

    /// How SQLite would run the statement of a list for a session that is no insider.
    #[cfg(test)]
    pub(in crate::db) fn plan_of_visible(&self) -> Result<Vec<String>, Error> {
        self.connection.plan(&statement_of_outsiders())
    }
}
