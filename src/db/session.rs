//! What the two small programs ask: whose key is this, and what holds for this session.

use rusqlite::{OptionalExtension, Row, params};

use super::{Error, Reader, VERSION, optional_word, word};
use crate::access::{Account, Gate, GateRequest, Grant, KeyFacts, RepositoryFacts};
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath, Title};
use crate::repository::Directory;

/// Whose key: one row for every fingerprint, known or not.
///
/// A key removed as compromised still names its account, so that the gateway can say so; one removed in the ordinary
/// course is an unknown key.
const KEY_OWNER: &str = "
SELECT h.version, h.min_reader, u.name
FROM hubgate h
LEFT JOIN key k ON k.fingerprint = ?1 AND (k.removal IS NULL OR k.removal = 'compromised')
LEFT JOIN owner u ON u.id = k.owner_id
WHERE h.id = 1";

/// All that a session is decided by: one row for every key and path, whatever exists.
const SESSION: &str = "
SELECT h.version, h.min_reader,
       u.id AS account, u.name AS account_name, u.disabled,
       k.title, k.scope, k.expires_at, k.removal,
       r.id AS repository, r.owner_id, o.name AS owner_name, r.name AS repository_name,
       r.directory, r.visibility, r.frozen, r.created_by = u.id AS created_by_account,
       m.role, m.until AS role_until, c.role AS collaborator, c.until AS collaborator_until
FROM hubgate h
LEFT JOIN key k ON k.fingerprint = ?1
LEFT JOIN owner u ON u.id = k.owner_id
LEFT JOIN owner o ON o.folded = ?2
LEFT JOIN repository r ON r.owner_id = o.id AND r.kind = ?3 AND r.folded = ?4
LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = u.id
LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = u.id
WHERE h.id = 1";

/// What the database says about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// The key, where a row has it.
    pub key: Option<(KeyFacts, Title)>,
    /// The repository, where the path leads to one.
    pub repository: Option<ServedRepository>,
}

/// A repository that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedRepository {
    /// Its path as its owner writes it.
    pub path: RepoPath,
    /// Where it lies.
    pub directory: Directory,
    /// What access is decided by.
    pub facts: RepositoryFacts,
}

impl Reader {
    /// Says which account a key is on; `None` for a key on no account.
    ///
    /// # Errors
    /// [`Error`]: no answer, which is not the same as `None`.
    pub fn key_owner(&self, fingerprint: &Fingerprint) -> Result<Option<Owner>, Error> {
        self.ask(|connection| {
            let mut statement = connection.prepare(KEY_OWNER)?;
            let mut rows = statement.query(params![fingerprint.as_bytes()])?;
            let row = rows.next()?.ok_or(Error::NoVersion)?;
            check_version(row)?;
            optional_word(row, "name")
        })
    }

    /// Fetches, in one statement, all that a session is decided by.
    ///
    /// The statement is the same whether a path is asked for or not, and whether it leads anywhere.
    ///
    /// # Errors
    /// [`Error`].
    pub fn session(&self, fingerprint: &Fingerprint, path: Option<&RepoPath>) -> Result<SessionFacts, Error> {
        let (owner, name) = (path.map(|path| path.owner.folded()), path.map(|path| path.name.folded()));
        let kind = path.map(|path| path.kind.as_str());
        self.ask(|connection| {
            let mut statement = connection.prepare(SESSION)?;
            let parameters = params![fingerprint.as_bytes(), owner, kind, name];
            let row = statement.query_row(parameters, |row| Ok(session_facts(row, path)));
            row.optional()?.ok_or(Error::NoVersion)?
        })
    }

    /// How SQLite would run the statement of each question, one line a step.
    #[cfg(test)]
    pub(crate) fn query_plans(&self) -> Result<Vec<String>, Error> {
        self.ask(|connection| {
            let mut lines = Vec::new();
            for question in [KEY_OWNER, SESSION] {
                let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {question}"))?;
                let nothing = vec![rusqlite::types::Null; statement.parameter_count()];
                let rows = statement.query_map(rusqlite::params_from_iter(nothing), |row| row.get("detail"))?;
                for line in rows {
                    lines.push(line?);
                }
            }
            Ok(lines)
        })
    }
}

fn check_version(row: &Row<'_>) -> Result<(), Error> {
    let (version, min_reader) = (row.get("version")?, row.get("min_reader")?);
    if VERSION < min_reader { Err(Error::TooNew { version, min_reader }) } else { Ok(()) }
}

fn session_facts(row: &Row<'_>, path: Option<&RepoPath>) -> Result<SessionFacts, Error> {
    check_version(row)?;
    let key = match row.get::<_, Option<i64>>("account")? {
        None => None,
        Some(id) => {
            let account = Account { id, name: word(row, "account_name")?, scope: word(row, "scope")? };
            let facts = KeyFacts {
                account,
                expires_at: row.get("expires_at")?,
                removed: optional_word(row, "removal")?,
                disabled: row.get("disabled")?,
            };
            Some((facts, word(row, "title")?))
        }
    };
    let repository = match (row.get::<_, Option<i64>>("repository")?, path) {
        (None, _) | (_, None) => None,
        (Some(id), Some(path)) => Some(ServedRepository {
            path: RepoPath { kind: path.kind, owner: word(row, "owner_name")?, name: word(row, "repository_name")? },
            directory: word(row, "directory")?,
            facts: RepositoryFacts {
                id,
                owner: row.get("owner_id")?,
                visibility: word(row, "visibility")?,
                gate: Gate::Open,
                frozen: row.get("frozen")?,
                created_by_account: row.get::<_, Option<bool>>("created_by_account")?.unwrap_or(false),
                role: grant(row, "role", "role_until")?,
                collaborator: grant(row, "collaborator", "collaborator_until")?,
                gate_request: GateRequest::None,
            },
        }),
    };
    Ok(SessionFacts { key, repository })
}

fn grant<T: std::str::FromStr>(row: &Row<'_>, value: &str, until: &str) -> Result<Option<Grant<T>>, Error> {
    let until = row.get(until)?;
    Ok(optional_word(row, value)?.map(|value| Grant { value, until }))
}
