//! Everything in the database that is not secret, as rows with the names of their columns.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Store;
use super::list::Each;
use crate::content::{CheckValue, ContentCheck};
use crate::db::emails::{AccountEmail, stored_emails};
use crate::db::engine::{self, Connection, Row};
use crate::db::rules::{stored_checks, stored_rules};
use crate::db::{Error, View};
use crate::key::{Fingerprint, PublicKey};

/// The exported tables and their queries. `invite` and all removed accounts and repositories are left out.
///
/// Each query reads its table in the order of an index, so that no row waits in memory for another one.
const TABLES: [(&str, &str); 16] = [
    (
        "users",
        "SELECT name, emails, may_create AS is_may_create, disabled, quota, created_at FROM owner
         WHERE kind = 'user' AND folded > '' ORDER BY folded",
    ),
    (
        "organizations",
        "SELECT name, quota, created_at FROM owner
         WHERE kind = 'organization' AND folded > '' AND team_of IS NULL ORDER BY folded",
    ),
    (
        "members",
        "SELECT o.name AS organization, u.name AS user, m.role, m.until FROM member m
         JOIN owner o ON o.id = m.organization_id JOIN owner u ON u.id = m.user_id
         WHERE o.team_of IS NULL ORDER BY m.organization_id, m.user_id",
    ),
    (
        "teams",
        "SELECT o.name || '/' || t.name AS team, t.created_at FROM owner t JOIN owner o ON o.id = t.team_of
         WHERE t.folded > '' ORDER BY t.folded",
    ),
    (
        "team_members",
        "SELECT o.name || '/' || t.name AS team, u.name AS user, m.until FROM member m
         JOIN owner t ON t.id = m.organization_id JOIN owner o ON o.id = t.team_of JOIN owner u ON u.id = m.user_id
         ORDER BY m.organization_id, m.user_id",
    ),
    (
        "keys",
        "SELECT k.fingerprint, u.name AS user, k.title, k.type, k.blob, k.scope, k.sources AS \"from\", k.added_at,
                k.expires_at, k.removal, k.removed_at
         FROM key k JOIN owner u ON u.id = k.owner_id WHERE u.folded IS NOT NULL ORDER BY k.fingerprint",
    ),
    (
        "repositories",
        concat!(
            "SELECT PATH AS path, r.directory, r.gate, r.gate_members AS is_gate_members, r.quota, ",
            visibility_column!(),
            " AS visibility, r.object_format, r.description, r.frozen, r.proposals AS is_proposals, c.name AS created_by, r.created_at
         FROM owner o JOIN repository r ON r.owner_id = o.id LEFT JOIN owner c ON c.id = r.created_by
         WHERE o.folded > '' AND r.folded IS NOT NULL ORDER BY o.folded, r.kind, r.folded"
        ),
    ),
    (
        "collaborators",
        "SELECT PATH AS path, CASE WHEN t.id IS NULL THEN u.name ELSE '@' || t.name || '/' || u.name END AS user,
                c.role, c.until FROM collaborator c
         JOIN repository r ON r.id = c.repository_id JOIN owner o ON o.id = r.owner_id JOIN owner u ON u.id = c.user_id
         LEFT JOIN owner t ON t.id = u.team_of WHERE r.folded IS NOT NULL ORDER BY c.repository_id, c.user_id",
    ),
    (
        "gate_requests",
        "SELECT PATH AS path, u.name AS user, g.state, g.at AS asked_at, g.until FROM gate_request g
         JOIN repository r ON r.id = g.repository_id JOIN owner o ON o.id = r.owner_id JOIN owner u ON u.id = g.user_id
         WHERE r.folded IS NOT NULL ORDER BY g.repository_id, g.user_id",
    ),
    (
        "proposals",
        "SELECT PATH AS path, p.number, a.name AS author, p.branch, p.opened_at, p.closed_at FROM proposal p
         JOIN repository r ON r.id = p.repository_id JOIN owner o ON o.id = r.owner_id
         JOIN owner a ON a.id = p.author_id
         WHERE r.folded IS NOT NULL ORDER BY p.repository_id, p.number",
    ),
    (
        "deploy_keys",
        "SELECT k.fingerprint, PATH AS repository, k.title, k.type, k.blob, k.scope, k.added_at, k.expires_at,
                k.removal, k.removed_at
         FROM key k JOIN repository r ON r.id = k.repository_id JOIN owner o ON o.id = r.owner_id
         WHERE r.folded IS NOT NULL ORDER BY k.fingerprint",
    ),
    (
        "authorities",
        "SELECT a.fingerprint, o.name AS organization, a.type, a.blob, a.max_ttl, a.added_at, a.removed_at
         FROM authority a JOIN owner o ON o.id = a.organization_id WHERE o.folded IS NOT NULL ORDER BY a.fingerprint",
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
                || w.name || '/' || f.folded AS former, PATH AS path, f.since AS moved_at
         FROM former_path f JOIN owner w ON w.id = f.owner_id
         JOIN repository r ON r.id = f.repository_id JOIN owner o ON o.id = r.owner_id
         WHERE w.folded IS NOT NULL AND r.folded IS NOT NULL ORDER BY f.owner_id, f.kind, f.folded",
    ),
    (
        "rules",
        "SELECT 'hub' AS scope, h.rules FROM hubgate h WHERE h.rules IS NOT NULL
         UNION ALL SELECT o.name || CASE o.folded WHEN 'hub' THEN '/' ELSE '' END, o.rules FROM owner o
         WHERE o.rules IS NOT NULL AND o.folded IS NOT NULL
         UNION ALL SELECT PATH, r.rules FROM repository r JOIN owner o ON o.id = r.owner_id
         WHERE r.rules IS NOT NULL AND r.folded IS NOT NULL",
    ),
    (
        "checks",
        "SELECT 'hub' AS scope, h.checks FROM hubgate h WHERE h.checks IS NOT NULL
         UNION ALL SELECT o.name || CASE o.folded WHEN 'hub' THEN '/' ELSE '' END, o.checks FROM owner o
         WHERE o.checks IS NOT NULL AND o.folded IS NOT NULL
         UNION ALL SELECT PATH, r.checks FROM repository r JOIN owner o ON o.id = r.owner_id
         WHERE r.checks IS NOT NULL AND r.folded IS NOT NULL",
    ),
];

/// The path of the repository `r` of the owner `o`, for `PATH` in the queries above.
const PATH: &str =
    "CASE r.kind WHEN 'dataset' THEN 'datasets/' WHEN 'space' THEN 'spaces/' ELSE '' END || o.name || '/' || r.name";

impl Store {
    /// The rows of every table that is not secret, each with the name of its table, from one state of the database.
    /// Times are seconds UTC since 1970.
    ///
    /// # Errors
    /// [`Error`].
    pub fn export(&self, each: Each<'_, (&'static str, Map<String, Value>)>) -> Result<(), Error> {
        let mut is_wanted = true;
        self.engine.read(|connection| {
            for (name, query) in &TABLES {
                if is_wanted {
                    connection.each(&query.replace("PATH", PATH), &[], |row| {
                        let flow = each((*name, object(connection, row)?));
                        is_wanted = flow.is_continue();
                        Ok(flow)
                    })?;
                }
            }
            Ok(())
        })
    }
}

/// A row as an object. `blob` becomes the public key, a fingerprint its text, and `is_x` the boolean `x`. `rules`
/// becomes an array of lines with the names of users and teams, `checks` an object with a field per check, and `emails`
/// an array of objects.
fn object(connection: Connection<'_>, row: &Row<'_>) -> Result<Map<String, Value>, Error> {
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
            ("rules", engine::Value::Text(_)) => {
                let rules = View { connection }.named(&stored_rules(row, column)?, None, &mut BTreeMap::new())?;
                (column, rules.iter().map(|rule| Value::from(rule.to_string())).collect())
            }
            ("emails", engine::Value::Text(_)) => {
                (column, stored_emails(row, column)?.0.iter().map(email_object).collect())
            }
            ("emails", engine::Value::Null) => (column, json!([])),
            ("checks", engine::Value::Text(_)) => {
                let checks = stored_checks(row, column)?;
                let view = View { connection };
                let value = |(check, value): (ContentCheck, &CheckValue)| {
                    Ok::<_, Error>((check.to_string(), view.shown_value(value, None, true)?.into()))
                };
                (column, Value::Object(checks.iter().map(value).collect::<Result<_, _>>()?))
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
    row.columns()?.into_iter().map(field).collect()
}

fn email_object(email: &AccountEmail) -> Value {
    let AccountEmail { address, state, added_at } = email;
    json!({ "email": address.as_str(), "state": state.as_str(), "added_at": added_at })
}
