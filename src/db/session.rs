//! What the small programs ask: which account owns a key, and what applies to a session.

use super::engine::{Row, Value, values};
use super::{Error, VERSION, View};
use crate::access::{
    Account, AuthorityFacts, CertificateFacts, CollaboratorRole, Gate, Grant, KeyFacts, KeyHolder, OwnerFacts, Place,
    Removal, RepositoryFacts, Scope,
};
use crate::key::{Fingerprint, OfferedCertificate};
use crate::name::{Owner, RepoPath, Title};
use crate::quota::Quota;
use crate::repository::Directory;

/// Which account owns a key: one row for every fingerprint, known or not.
///
/// A key removed as compromised still names its account, so that the gateway can say so. Any other removed key is an
/// unknown key.
const KEY_HOLDER: &str = "
SELECT h.version, h.min_reader, u.name, k.repository_id
FROM hubgate h
LEFT JOIN key k ON k.fingerprint = ?1 AND (k.removal IS NULL OR k.removal = 'compromised')
LEFT JOIN owner u ON u.id = k.owner_id
WHERE h.id = 1";

/// Everything that decides about a session: one row for every key and path, whatever exists. `{proven}` joins the
/// account as `u`, and what is known about the key.
///
/// A path leads to its repository, or, if there is none, to the repository that had this path before, even if that is
/// removed. The old name of a renamed owner leads to the owner.
///
/// `{visibility}` is the repository's visibility, and `{team}` the best role of the account's teams there.
macro_rules! session_statement {
    ($columns:literal, $proven:literal, $visibility:expr, $team:expr) => {
        concat!(
            "
SELECT h.version, h.min_reader, u.id AS account, u.name AS account_name, u.disabled, ",
            $columns,
            ",
       r.id AS repository, r.folded AS live, r.owner_id, o.name AS owner_name, r.name AS repository_name, r.directory, ",
            $visibility,
            " AS visibility,
       r.gate, r.gate_members, r.frozen, r.created_by,
       m.role, m.until AS role_until, c.role AS collaborator, c.until AS collaborator_until, ",
            $team,
            " AS team,
       g.state AS gate_state, g.until AS gate_until,
       w.id AS named_owner, w.name AS named_name, w.may_create AS named_may_create, n.role AS named_role, n.until AS named_until
FROM hubgate h ",
            $proven,
            "
LEFT JOIN owner w ON w.id = coalesce(
    (SELECT id FROM owner WHERE folded = ?2), (SELECT owner_id FROM former_name WHERE folded = ?2))
LEFT JOIN member n ON n.organization_id = w.id AND n.user_id = u.id
LEFT JOIN repository r ON r.id = coalesce(
    (SELECT id FROM repository WHERE owner_id = w.id AND kind = ?3 AND folded = ?4),
    (SELECT repository_id FROM former_path WHERE owner_id = w.id AND kind = ?3 AND folded = ?4))
LEFT JOIN owner o ON o.id = r.owner_id
LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = u.id
LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = u.id
LEFT JOIN gate_request g ON g.repository_id = r.id AND g.user_id = u.id
WHERE h.id = 1"
        )
    };
}

/// The visibility of the repository `r`. Programs older than internal repositories read another column, which says
/// `private` for them.
macro_rules! visibility_column {
    () => {
        "CASE r.internal WHEN 1 THEN 'internal' ELSE r.visibility END"
    };
}

/// The best role that teams of its owner give an account on the repository `r`, as a number: see [`team_grant`]. NULL
/// without one. `{account}` is the row of the account, `{now}` the second of the decision.
///
/// The teams of the account lead to the roles, because an account is in few teams. A repository may have many roles.
/// SQLite prepares this form with fewer instructions than a join and an OR.
macro_rules! team_column {
    ($account:literal, $now:literal) => {
        concat!(
            "(SELECT max((SELECT CASE z.role WHEN 'admin' THEN 3 WHEN 'write' THEN 2 ELSE 1 END * 1000000000000
            + CASE WHEN y.until < coalesce(z.until, 999999999999) THEN y.until ELSE coalesce(z.until, 999999999999) END
        FROM collaborator z WHERE z.repository_id = r.id AND z.user_id = y.organization_id
            AND coalesce(z.until, 999999999999) > ",
            $now,
            " AND (SELECT team_of FROM owner WHERE id = z.user_id) = r.owner_id))
    FROM member y WHERE y.user_id = ",
            $account,
            " AND coalesce(y.until, 999999999999) > ",
            $now,
            ")"
        )
    };
}

/// A statement, and the statement for a database without internal repositories and teams. `{now}` is the second of the
/// decision.
macro_rules! with_older {
    ($columns:literal, $proven:literal, $now:literal) => {
        [
            session_statement!($columns, $proven, visibility_column!(), team_column!("u.id", $now)),
            // All values are bound to either statement, so this statement must name the second too.
            session_statement!($columns, $proven, "r.visibility", concat!("CASE WHEN ", $now, " < 0 THEN 0 END")),
        ]
    };
}

/// The version of the schema from which on there are internal repositories and teams.
pub(super) const TEAMS_SINCE: i64 = 4;

/// The statement for a key: `?1` is its fingerprint, and `?5` the second of the decision.
const SESSION_BY_KEY: [&str; 2] = with_older!(
    "k.title, k.scope, k.sources, k.expires_at, k.removal,
       d.id AS deployed, d.kind AS deployed_kind, d.name AS deployed_name, e.name AS deployed_owner",
    "
LEFT JOIN key k ON k.fingerprint = ?1
LEFT JOIN owner u ON u.id = k.owner_id
LEFT JOIN repository d ON d.id = k.repository_id AND d.folded IS NOT NULL
LEFT JOIN owner e ON e.id = d.owner_id",
    "?5"
);

/// The statement for a certificate: `?1` is its authority's fingerprint, `?5` its principal, `?6` its serial number,
/// `?7` its key id, `?8` the fingerprint of the certified key, and `?9` the second of the decision.
const SESSION_BY_CERTIFICATE: [&str; 2] = with_older!(
    "a.organization_id AS authority, a.max_ttl, a.removed_at AS authority_until, x.role AS principal_role, x.until AS principal_until,
       (SELECT count(*) FROM revocation WHERE authority = ?1 AND what IN (?6, ?7)) AS revocations,
       (SELECT removal FROM key WHERE fingerprint = ?8) AS key_removal",
    "
LEFT JOIN authority a ON a.fingerprint = ?1
LEFT JOIN owner u ON u.folded = ?5
LEFT JOIN member x ON x.organization_id = a.organization_id AND x.user_id = u.id",
    "?9"
);

/// The statement for an account without a key: `?1` is its name, and `?5` the second of the decision.
const SESSION_OF_ACCOUNT: [&str; 2] =
    with_older!("u.kind", "LEFT JOIN owner u ON u.folded = ?1 AND u.kind = 'user'", "?5");

/// Whether an organization has a CA at the second `?1`. `LIMIT 1` ends the search at the first; removed rows are few.
const HAS_AUTHORITIES: &str = "SELECT 1 AS one FROM authority WHERE removed_at IS NULL OR removed_at > ?1 LIMIT 1";

/// Whether `?1` is a name that the account `?2` has or had, in upper or lower case.
const WAS_NAME: &str = "SELECT 1 AS one FROM owner WHERE id = ?2 AND folded = ?1
UNION ALL SELECT 1 FROM former_name WHERE folded = ?1 AND owner_id = ?2";

/// An account, and the reason if it is disabled.
pub type AccountFacts = (Account, Option<String>);

/// What the database says about a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// The key, if it has a row.
    pub key: Option<(KeyFacts, Title)>,
    /// The repository, if the path leads to one.
    pub repository: Option<ServedRepository>,
    /// What applies to the path itself, if its owner exists.
    pub place: Option<Place>,
}

/// A repository that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedRepository {
    /// Its path as its owner writes it.
    pub path: RepoPath,
    /// Its directory.
    pub directory: Directory,
    /// The facts that decide about access.
    pub facts: RepositoryFacts,
}

/// The quotas that are set for a repository and for its owner. `None` means that the configured limit applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetQuotas {
    /// The repository's.
    pub repository: Option<Quota>,
    /// The owner's.
    pub owner: Option<Quota>,
}

/// What a key opens, as far as the helper must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    /// An account.
    Account(Owner),
    /// One repository.
    Repository,
}

impl View<'_> {
    /// Whether an account has or had this name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn was_name(&self, name: &Owner, account: i64) -> Result<bool, Error> {
        Ok(self.connection.first(WAS_NAME, values![&name.folded(), account], |_| Ok::<_, Error>(()))?.is_some())
    }

    /// Whether an organization has a CA at a second, so that clients may have certificates.
    ///
    /// # Errors
    /// [`Error`].
    pub fn has_authorities(&self, now: i64) -> Result<bool, Error> {
        Ok(self.connection.first(HAS_AUTHORITIES, values![now], |_| Ok::<_, Error>(()))?.is_some())
    }

    /// Says what a key opens; `None` for an unknown key.
    ///
    /// # Errors
    /// [`Error`] if there is no answer. `None` is an answer: the key is unknown.
    pub fn key_holder(&self, fingerprint: &Fingerprint) -> Result<Option<Opens>, Error> {
        self.only_row(KEY_HOLDER, values![fingerprint.as_bytes()], |row| {
            let repository: Option<i64> = row.get("repository_id")?;
            Ok(row.optional_word("name")?.map(Opens::Account).or(repository.map(|_| Opens::Repository)))
        })
    }

    /// Reads, in one statement, everything that decides about a session with this key.
    ///
    /// Without a key, no account is known. The statement does not depend on whether there is a path, or whether the
    /// path leads anywhere.
    ///
    /// # Errors
    /// [`Error`].
    pub fn session(&self, key: Option<&Fingerprint>, path: Option<&RepoPath>, now: i64) -> Result<SessionFacts, Error> {
        let (owner, kind, name) = columns(path);
        let values = values![key.map(Fingerprint::as_bytes), owner.as_ref(), kind, name.as_ref(), now];
        self.session_row(SESSION_BY_KEY, values, |row| {
            let (key, repository) = (key_facts(row)?, served_repository(row, path)?);
            Ok(SessionFacts { key, repository, place: place(row, path)? })
        })
    }

    /// Reads everything that decides about a session with a certificate.
    ///
    /// # Errors
    /// [`Error`].
    pub fn session_by_certificate(
        &self,
        certificate: &OfferedCertificate,
        path: Option<&RepoPath>,
        now: i64,
    ) -> Result<(CertificateFacts, Option<ServedRepository>), Error> {
        let (owner, kind, name) = columns(path);
        let (authority, principal) = (certificate.authority(), certificate.principal().folded());
        let (serial, key) = (certificate.serial().to_string(), certificate.key());
        let values = values![
            authority.as_bytes(),
            owner.as_ref(),
            kind,
            name.as_ref(),
            &principal,
            &serial,
            certificate.key_id(),
            key.as_bytes(),
            now
        ];
        self.session_row(SESSION_BY_CERTIFICATE, values, |row| {
            Ok((certificate_facts(row, certificate)?, served_repository(row, path)?))
        })
    }

    /// Reads everything that decides about a session of this account, as if it used a key with the scope `write`.
    ///
    /// # Errors
    /// [`Error`].
    pub fn session_of_account(
        &self,
        user: &Owner,
        path: Option<&RepoPath>,
        now: i64,
    ) -> Result<(Option<AccountFacts>, Option<ServedRepository>), Error> {
        let (owner, kind, name) = columns(path);
        let user = user.folded();
        let values = values![&user, owner.as_ref(), kind, name.as_ref(), now];
        self.session_row(SESSION_OF_ACCOUNT, values, |row| Ok((account(row)?, served_repository(row, path)?)))
    }

    /// The repositories of an owner whose bytes count against the owner's quota: row and directory. A removed
    /// repository counts until it is purged.
    ///
    /// # Errors
    /// [`Error`].
    pub fn stored_repositories_of(&self, owner: i64) -> Result<Vec<(i64, Directory)>, Error> {
        let query = "SELECT id, directory FROM repository WHERE owner_id = ?1";
        self.connection.query(query, values![owner], |row| Ok((row.get("id")?, row.word("directory")?)))
    }

    /// What counts the bytes of a repository, given by its row: its directory, its owner's row and the quotas.
    ///
    /// # Errors
    /// [`Error`].
    pub fn storage(&self, repository: i64) -> Result<Option<(Directory, i64, SetQuotas)>, Error> {
        let query = "SELECT r.directory, r.owner_id, r.quota, o.quota AS owner_quota
                     FROM repository r JOIN owner o ON o.id = r.owner_id WHERE r.id = ?1";
        self.connection.first(query, values![repository], |row| {
            let quotas = SetQuotas { repository: quota(row, "quota")?, owner: quota(row, "owner_quota")? };
            Ok((row.word("directory")?, row.get("owner_id")?, quotas))
        })
    }

    /// Reads the only row that the statement of a session returns. An older database gets the older statement.
    fn session_row<T>(
        &self,
        [statement, older]: [&str; 2],
        values: &[Value<'_>],
        read: impl Fn(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let answer = self.only_row(statement, values, &read);
        self.unless_older(TEAMS_SINCE, answer)?.map_or_else(|| self.only_row(older, values, &read), Ok)
    }

    /// Reads the only row that a statement returns, if this program may read the version of the database.
    fn only_row<T>(
        &self,
        statement: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let answer = self.connection.first(statement, values, |row| {
            check_version(row)?;
            read(row)
        });
        answer?.ok_or(Error::NoVersion)
    }

    /// The number of rows that the statement of a session returns.
    #[cfg(test)]
    pub(super) fn rows_of_session(&self, key: &Fingerprint, path: &RepoPath, now: i64) -> Result<usize, Error> {
        let (owner, kind, name) = columns(Some(path));
        let values = values![key.as_bytes(), owner.as_ref(), kind, name.as_ref(), now];
        Ok(self.connection.query(SESSION_BY_KEY[0], values, |_| Ok(()))?.len())
    }

    /// How SQLite would run the statements of a session, one line a step.
    #[cfg(test)]
    pub(super) fn plan_of_sessions(&self) -> Result<Vec<String>, Error> {
        let plans =
            [KEY_HOLDER, SESSION_BY_KEY[0], SESSION_BY_CERTIFICATE[0]].map(|question| self.connection.plan(question));
        Ok(plans.into_iter().collect::<Result<Vec<_>, _>>()?.concat())
    }
}

fn check_version(row: &Row<'_>) -> Result<(), Error> {
    let (version, min_reader) = (row.get("version")?, row.get("min_reader")?);
    if VERSION < min_reader { Err(Error::TooNew { version, min_reader }) } else { Ok(()) }
}

/// A path as the statements ask for it: owner, kind and name.
fn columns(path: Option<&RepoPath>) -> (Option<String>, Option<&'static str>, Option<String>) {
    let owner = path.map(|path| path.owner.folded());
    (owner, path.map(|path| path.kind.as_str()), path.map(|path| path.name.folded()))
}

/// The account of a session without a key, and the reason if it is disabled.
fn account(row: &Row<'_>) -> Result<Option<AccountFacts>, Error> {
    let Some(id) = row.get("account")? else { return Ok(None) };
    let account = Account { id, name: row.word("account_name")?, scope: Scope::Write };
    Ok(Some((account, row.get("disabled")?)))
}

/// The key and what it opens. A deploy key of a removed repository opens nothing.
fn key_facts(row: &Row<'_>) -> Result<Option<(KeyFacts, Title)>, Error> {
    let holder = match (row.get::<Option<i64>>("account")?, row.get::<Option<i64>>("deployed")?) {
        (Some(id), _) => KeyHolder::Account {
            account: Account { id, name: row.word("account_name")?, scope: row.word("scope")? },
            disabled: row.get("disabled")?,
        },
        (None, Some(id)) => KeyHolder::Repository {
            id,
            path: RepoPath {
                kind: row.word("deployed_kind")?,
                owner: row.word("deployed_owner")?,
                name: row.word("deployed_name")?,
            },
            scope: row.word("scope")?,
        },
        (None, None) => return Ok(None),
    };
    let facts = KeyFacts {
        holder,
        sources: row.optional_word("sources")?,
        expires_at: row.get("expires_at")?,
        removed: row.optional_word("removal")?,
    };
    Ok(Some((facts, row.word("title")?)))
}

fn certificate_facts(row: &Row<'_>, certificate: &OfferedCertificate) -> Result<CertificateFacts, Error> {
    let authority = match row.get("authority")? {
        Some(organization) => {
            Some(AuthorityFacts { organization, max_ttl: row.get("max_ttl")?, until: row.get("authority_until")? })
        }
        None => None,
    };
    Ok(CertificateFacts {
        authority,
        // Byte for byte, as sshd compares principals.
        account: account(row)?.filter(|(account, _)| account.name == *certificate.principal()),
        member: grant(row, "principal_role", "principal_until")?,
        revoked: row.get::<i64>("revocations")? > 0,
        compromised: row.optional_word("key_removal")? == Some(Removal::Compromised),
        validity: certificate.validity(),
    })
}

fn place(row: &Row<'_>, path: Option<&RepoPath>) -> Result<Option<Place>, Error> {
    let (Some(path), Some(id)) = (path, row.get("named_owner")?) else { return Ok(None) };
    let may_create = row.get("named_may_create")?;
    let owner = OwnerFacts { id, may_create, role: grant(row, "named_role", "named_until")? };
    let path = RepoPath { kind: path.kind, owner: row.word("named_name")?, name: path.name.clone() };
    let moved = match row.get::<Option<i64>>("repository")? {
        Some(repository) => {
            let is_there =
                row.get::<i64>("owner_id")? == id && row.get::<Option<String>>("live")? == Some(path.name.folded());
            if is_there { None } else { Some(repository_facts(row, repository, row.get("account")?)?) }
        }
        None => None,
    };
    Ok(Some(Place { path, owner, moved }))
}

fn served_repository(row: &Row<'_>, path: Option<&RepoPath>) -> Result<Option<ServedRepository>, Error> {
    let is_live = row.get::<Option<String>>("live")?.is_some();
    match (row.get::<Option<i64>>("repository")?.filter(|_| is_live), path) {
        (None, _) | (_, None) => Ok(None),
        (Some(id), Some(path)) => Ok(Some(ServedRepository {
            path: RepoPath { kind: path.kind, owner: row.word("owner_name")?, name: row.word("repository_name")? },
            directory: row.word("directory")?,
            facts: repository_facts(row, id, row.get("account")?)?,
        })),
    }
}

pub(super) fn grant<T: std::str::FromStr>(row: &Row<'_>, value: &str, until: &str) -> Result<Option<Grant<T>>, Error> {
    let until = row.get(until)?;
    Ok(row.optional_word(value)?.map(|value| Grant { value, until }))
}

/// The best role of an account's teams, from a column of [`team_column`]. The second at which a role ends is smaller
/// than the number that stands for no end.
fn team_grant(row: &Row<'_>) -> Result<Option<Grant<CollaboratorRole>>, Error> {
    const ROLE: i64 = 1_000_000_000_000;
    let Some(number) = row.get::<Option<i64>>("team")? else { return Ok(None) };
    let value = match number / ROLE {
        1 => CollaboratorRole::Read,
        2 => CollaboratorRole::Write,
        3 => CollaboratorRole::Admin,
        _ => return Err(Error::Value("team".to_owned())),
    };
    let until = number % ROLE;
    Ok(Some(Grant { value, until: (until != ROLE - 1).then_some(until) }))
}

/// The quota in a column.
pub(super) fn quota(row: &Row<'_>, column: &str) -> Result<Option<Quota>, Error> {
    let Some(number) = row.get(column)? else { return Ok(None) };
    Quota::of_number(number).map(Some).ok_or_else(|| Error::Value(column.to_owned()))
}

/// The facts that decide about access to a repository, from a row with these columns. `account` is the row of the
/// account.
pub(super) fn repository_facts(row: &Row<'_>, id: i64, account: Option<i64>) -> Result<RepositoryFacts, Error> {
    let created_by_account = account.is_some() && row.get::<Option<i64>>("created_by")? == account;
    let gate: String = row.get("gate")?;
    let gate = match (gate.as_str(), row.get("gate_members")?) {
        ("none", _) => Gate::Open,
        ("auto" | "manual", false) => Gate::Closed,
        ("auto" | "manual", true) => Gate::ClosedToMembers,
        _ => return Err(Error::Value("gate".to_owned())),
    };
    Ok(RepositoryFacts {
        id,
        owner: row.get("owner_id")?,
        visibility: row.word("visibility")?,
        gate,
        frozen: row.get("frozen")?,
        accepts_proposals: false,
        created_by_account,
        role: grant(row, "role", "role_until")?,
        collaborator: grant(row, "collaborator", "collaborator_until")?,
        team: team_grant(row)?,
        gate_request: grant(row, "gate_state", "gate_until")?,
    })
}
