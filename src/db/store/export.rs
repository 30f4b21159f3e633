//! Everything in the database that is not secret, as rows with the names of their columns.

use serde_json::{Map, Value};

use super::Store;
use crate::db::Error;
use crate::db::engine::{self, Row, Transaction};
use crate::key::{Fingerprint, PublicKey};

/// The exported tables and their queries. `invite` and all removed accounts and repositories are left out.
const TABLES: [(&str, &str); 11] = [
    (
        "users",
        "SELECT name, may_create AS is_may_create, disabled, quota, created_at FROM owner
         WHERE kind = 'user' AND folded IS NOT NULL ORDER BY folded",
    ),
    (
        "organizations",
        "SELECT name, quota, created_at FROM owner
         WHERE kind = 'organization' AND folded IS NOT NULL ORDER BY folded",
    ),
    (
        "members",
        "SELECT o.name AS organization, u.name AS user, m.role, m.until FROM member m
         JOIN owner o ON o.id = m.organization_id JOIN owner u ON u.id = m.user_id ORDER BY o.folded, u.folded",
    ),
    (
        "keys",
        "SELECT k.fingerprint, u.name AS user, k.title, k.type, k.blob, k.scope, k.sources AS \"from\", k.added_at,
                k.expires_at, k.removal, k.removed_at
         FROM key k JOIN owner u ON u.id = k.owner_id WHERE u.folded IS NOT NULL ORDER BY u.folded, k.fingerprint",
    ),
    (
        "repositories",
        "SELECT p.path, r.directory, r.visibility, r.gate, r.gate_members AS is_gate_members, r.quota,
                r.object_format, r.description, r.frozen, c.name AS created_by, r.created_at
         FROM repository r JOIN path p ON p.id = r.id LEFT JOIN owner c ON c.id = r.created_by ORDER BY p.path",
    ),
    (
        "collaborators",
        "SELECT p.path, u.name AS user, c.role, c.until FROM collaborator c
         JOIN path p ON p.id = c.repository_id JOIN owner u ON u.id = c.user_id ORDER BY p.path, u.folded",
    ),
    (
        "gate_requests",
        "SELECT p.path, u.name AS user, g.state, g.at AS asked_at, g.until FROM gate_request g
         JOIN path p ON p.id = g.repository_id JOIN owner u ON u.id = g.user_id ORDER BY p.path, u.folded",
    ),
    (
        "deploy_keys",
        "SELECT k.fingerprint, p.path AS repository, k.title, k.type, k.blob, k.scope, k.added_at, k.expires_at,
                k.removal, k.removed_at
         FROM key k JOIN path p ON p.id = k.repository_id ORDER BY p.path, k.fingerprint",
    ),
    (
        "authorities",
        "SELECT a.fingerprint, o.name AS organization, a.type, a.blob, a.max_ttl, a.added_at, a.removed_at
         FROM authority a JOIN owner o ON o.id = a.organization_id
         WHERE o.folded IS NOT NULL ORDER BY o.folded, a.fingerprint",
    ),
    (
        "revocations",
        "SELECT r.authority AS fingerprint, r.what, r.at AS revoked_at FROM revocation r
         JOIN authority a ON a.fingerprint = r.authority JOIN owner o ON o.id = a.organization_id
         WHERE o.folded IS NOT NULL ORDER BY r.authority, r.what",
    ),
    (
        "former_paths",
        "SELECT CASE f.kind WHEN 'dataset' THEN 'datasets/' WHEN 'space' THEN 'spaces/' ELSE '' END
                || o.name || '/' || f.folded AS former, p.path, f.since AS moved_at
         FROM former_path f JOIN owner o ON o.id = f.owner_id JOIN path p ON p.id = f.repository_id
         WHERE o.folded IS NOT NULL ORDER BY former",
    ),
];

/// The path of each repository by its row, for the queries above.
const PATHS: &str = "WITH path (id, path) AS (
    SELECT r.id, CASE r.kind WHEN 'dataset' THEN 'datasets/' WHEN 'space' THEN 'spaces/' ELSE '' END
        || o.name || '/' || r.name
    FROM repository r JOIN owner o ON o.id = r.owner_id WHERE r.folded IS NOT NULL) ";

impl Store {
    /// Every table that is not secret, as one consistent state. Times are seconds UTC since 1970.
    ///
    /// # Errors
    /// [`Error`].
    pub fn export(&mut self) -> Result<Map<String, Value>, Error> {
        self.engine.transaction(Transaction::Read, |connection| {
            let rows = |query| connection.query(&format!("{PATHS}{query}"), &[], object).map(Value::Array);
            TABLES.iter().map(|(name, query)| Ok(((*name).to_owned(), rows(query)?))).collect()
        })
    }
}

/// A row as an object. `blob` becomes the public key, a fingerprint its text, and `is_x` the boolean `x`.
fn object(row: &Row<'_>) -> Result<Value, Error> {
    let field = |(column, value): (&str, engine::Value<'_>)| {
        let strange = || Error::Value(column.to_owned());
        let (name, value) = match (column, value) {
            ("fingerprint", engine::Value::Bytes(bytes)) => {
                let bytes = bytes.try_into().map_err(|_| strange())?;
                (column, Fingerprint::from_bytes(bytes).to_string().into())
            }
            ("blob", engine::Value::Bytes(bytes)) => {
                let key = PublicKey::from_blob(row.word("type")?, bytes.to_vec()).map_err(|_| strange())?;
                ("key", key.to_string().into())
            }
            (_, engine::Value::Null) => (column, Value::Null),
            (_, engine::Value::Integer(number)) => match column.strip_prefix("is_") {
                Some(name) => (name, Value::Bool(number != 0)),
                None => (column, number.into()),
            },
            (_, engine::Value::Text(text)) => (column, text.into()),
            (_, engine::Value::Bytes(_)) => return Err(strange()),
        };
        Ok((name.to_owned(), value))
    };
    row.columns()?.into_iter().map(field).collect::<Result<Map<_, _>, _>>().map(Value::Object)
}
