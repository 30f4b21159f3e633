//! What each column of the schema may hold. A database that comes from outside is held against it before it is used.

use std::str::FromStr;

use crate::access::rule::{GranteeRow, Rules};
use crate::access::{CollaboratorRole, GateMode, GateRequest, Removal, Role, Scope, Sources, Visibility};
use crate::config::ObjectFormat;
use crate::content::CheckValues;
use crate::db::Error;
use crate::db::emails::Emails;
use crate::db::engine::{Connection, Row, Value};
use crate::db::schema::VERSION;
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::{Email, Name, Owner, RepoKind, TeamName, Title, fold};
use crate::push::{BranchName, ProposalNumber};
use crate::quota::Quota;
use crate::repository::Directory;

use super::account::OwnerKind;

/// Whether a column may hold a value.
type Rule = fn(Value<'_>) -> bool;
/// Whether the values of a row belong together.
type RowRule = fn(&Row<'_>) -> Result<bool, Error>;

/// A value that hubgate does not write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// In one column.
    #[error("the value of {table}.{column} in row {row} is not one that hubgate writes")]
    Column {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The number of the row in the table, from 1.
        row: u64,
    },
    /// In several columns of one row.
    #[error("row {row} of {table} is not one that hubgate writes: {why}")]
    Row {
        /// The table.
        table: &'static str,
        /// The number of the row in the table, from 1.
        row: u64,
        /// What does not belong together.
        why: &'static str,
    },
    /// In several rows.
    #[error("it has rows that hubgate does not write: {0}")]
    Rows(&'static str),
    /// The database fails.
    #[error("it cannot be read: {0}")]
    Database(String),
}

/// The last second of the year 9999, which is the last that can be shown.
const LAST_SECOND: i64 = 253_402_300_799;
/// SQLite gives rows numbers without order once the last number is in use.
const LAST_ID: i64 = 1 << 48;
/// The longest text in the audit table, in bytes.
const AUDIT_MAX: usize = 1 << 20;

const RULES: &[(&str, &str, Rule)] = &[
    ("hubgate", "id", |value| value == Value::Integer(1)),
    ("hubgate", "version", |value| number(value, 1, VERSION)),
    ("hubgate", "min_reader", |value| number(value, 1, VERSION)),
    ("hubgate", "checks", |value| or_null(value, checks)),
    ("hubgate", "rules", |value| or_null(value, rules)),
    ("owner", "id", id),
    ("owner", "name", |value| text(value, |name| Owner::new_account(name).is_ok())),
    ("owner", "folded", |value| or_null(value, |value| folded::<Owner>(value) || folded_team(value))),
    ("owner", "kind", word::<OwnerKind>),
    ("owner", "may_create", boolean),
    ("owner", "disabled", |value| or_null(value, word::<Title>)),
    ("owner", "quota", |value| or_null(value, quota)),
    ("owner", "created_at", time),
    ("owner", "removed_at", |value| or_null(value, time)),
    ("owner", "team_of", |value| or_null(value, id)),
    ("owner", "checks", |value| or_null(value, checks)),
    ("owner", "rules", |value| or_null(value, rules)),
    ("owner", "emails", |value| or_null(value, |value| text(value, is_emails))),
    ("former_name", "folded", |value| folded::<Owner>(value) || folded::<Email>(value)),
    ("former_name", "owner_id", |value| or_null(value, id)),
    ("former_name", "since", time),
    ("key", "fingerprint", hash),
    ("key", "owner_id", |value| or_null(value, id)),
    ("key", "repository_id", |value| or_null(value, id)),
    ("key", "type", word::<KeyType>),
    ("key", "blob", bytes),
    ("key", "title", word::<Title>),
    ("key", "scope", word::<Scope>),
    ("key", "sources", |value| or_null(value, |value| text(value, is_sources))),
    ("key", "added_at", time),
    ("key", "expires_at", |value| or_null(value, time)),
    ("key", "removal", |value| or_null(value, word::<Removal>)),
    ("key", "removed_at", |value| or_null(value, time)),
    ("repository", "id", id),
    ("repository", "owner_id", id),
    ("repository", "kind", word::<RepoKind>),
    ("repository", "name", word::<Name>),
    ("repository", "folded", |value| or_null(value, folded::<Name>)),
    ("repository", "directory", word::<Directory>),
    ("repository", "visibility", word::<Visibility>),
    ("repository", "internal", boolean),
    ("repository", "gate", word::<GateMode>),
    ("repository", "gate_members", boolean),
    ("repository", "quota", |value| or_null(value, quota)),
    ("repository", "object_format", word::<ObjectFormat>),
    ("repository", "description", |value| value == Value::Text("") || word::<Title>(value)),
    ("repository", "frozen", |value| or_null(value, word::<Title>)),
    ("repository", "created_by", |value| or_null(value, id)),
    ("repository", "created_at", time),
    ("repository", "removed_at", |value| or_null(value, time)),
    ("repository", "proposals", |value| or_null(value, boolean)),
    ("repository", "checks", |value| or_null(value, checks)),
    ("repository", "rules", |value| or_null(value, |value| rules(value) && !has_final(value))),
    ("member", "organization_id", id),
    ("member", "user_id", id),
    ("member", "role", word::<Role>),
    ("member", "until", |value| or_null(value, time)),
    ("collaborator", "repository_id", id),
    ("collaborator", "user_id", id),
    ("collaborator", "role", word::<CollaboratorRole>),
    ("collaborator", "until", |value| or_null(value, time)),
    ("former_path", "owner_id", id),
    ("former_path", "kind", word::<RepoKind>),
    ("former_path", "folded", folded::<Name>),
    ("former_path", "repository_id", id),
    ("former_path", "since", time),
    ("gate_request", "repository_id", id),
    ("gate_request", "user_id", id),
    ("gate_request", "state", word::<GateRequest>),
    ("gate_request", "until", |value| or_null(value, time)),
    ("gate_request", "at", time),
    ("proposal", "repository_id", id),
    ("proposal", "number", |value| matches!(value, Value::Integer(number) if ProposalNumber::new(number).is_some())),
    ("proposal", "author_id", id),
    ("proposal", "branch", word::<BranchName>),
    ("proposal", "opened_at", time),
    ("proposal", "closed_at", |value| or_null(value, time)),
    ("invite", "code", hash),
    ("invite", "user_id", id),
    ("invite", "created_at", time),
    ("invite", "expires_at", time),
    ("invite", "used_at", |value| or_null(value, time)),
    ("authority", "fingerprint", hash),
    ("authority", "organization_id", id),
    ("authority", "type", word::<KeyType>),
    ("authority", "blob", bytes),
    ("authority", "max_ttl", time),
    ("authority", "added_at", time),
    ("authority", "removed_at", |value| or_null(value, time)),
    ("revocation", "authority", hash),
    ("revocation", "what", word::<Title>),
    ("revocation", "at", time),
    ("audit", "id", id),
    ("audit", "at", time),
    ("audit", "actor", |value| text(value, is_line)),
    ("audit", "event", |value| text(value, is_event)),
    ("audit", "object", |value| text(value, is_line)),
    ("audit", "detail", |value| text(value, is_object)),
    ("audit_about", "name", |value| value == Value::Text("") || text(value, is_line)),
    ("audit_about", "at", time),
    ("audit_about", "event", id),
];

const ROW_RULES: &[(&str, &str, RowRule)] = &[
    ("owner", "its name, and whether it was removed", is_owner),
    ("repository", "its name, and whether it was removed", is_folded),
    ("key", "its type, its fingerprint and its bytes", is_key),
    ("authority", "its type, its fingerprint and its bytes", is_key),
    ("key", "whether it was removed", |row| {
        Ok(row.optional_word::<Removal>("removal")?.is_some() == row.get::<Option<i64>>("removed_at")?.is_some())
    }),
];

/// What no rows together may be, and a question that finds such rows.
const ROWS_RULES: &[(&str, &str)] = &[
    ("two repositories have the same directory", "SELECT 1 FROM repository GROUP BY directory HAVING count(*) > 1"),
    (
        "an organization has a key, an address, a role, a grant, an invitation, a request or a proposal, or created a repository",
        "SELECT 1 FROM owner WHERE kind <> 'user' AND id IN (
             SELECT id FROM owner WHERE emails IS NOT NULL
             UNION ALL SELECT owner_id FROM key UNION ALL SELECT user_id FROM member
             UNION ALL SELECT c.user_id FROM collaborator c JOIN owner t ON t.id = c.user_id WHERE t.team_of IS NULL
             UNION ALL SELECT user_id FROM gate_request UNION ALL SELECT user_id FROM invite
             UNION ALL SELECT created_by FROM repository UNION ALL SELECT author_id FROM proposal)",
    ),
    (
        "a user has members or a certificate authority",
        "SELECT 1 FROM owner WHERE kind <> 'organization' AND id IN (
             SELECT organization_id FROM member UNION ALL SELECT organization_id FROM authority)",
    ),
    (
        "a team is not in an organization, or owns a repository, a name or a certificate authority",
        "SELECT 1 FROM owner t LEFT JOIN owner o ON o.id = t.team_of
         WHERE t.team_of IS NOT NULL AND (t.kind <> 'organization' OR o.kind <> 'organization'
             OR o.team_of IS NOT NULL OR t.folded IS NOT NULL AND o.folded IS NULL OR t.disabled IS NOT NULL
             OR t.may_create <> 0 OR t.quota IS NOT NULL OR t.rules IS NOT NULL OR t.checks IS NOT NULL
             OR t.id IN (SELECT owner_id FROM repository UNION ALL SELECT owner_id FROM former_path
                 UNION ALL SELECT organization_id FROM authority UNION ALL SELECT owner_id FROM former_name))",
    ),
    (
        "a member of a team has a role there",
        "SELECT 1 FROM member m JOIN owner t ON t.id = m.organization_id
         WHERE t.team_of IS NOT NULL AND m.role <> 'no_access'",
    ),
    (
        "a key opens an account or a repository, and signs certificates too",
        "SELECT 1 FROM key k JOIN authority a ON a.fingerprint = k.fingerprint
         WHERE a.removed_at IS NULL OR a.removed_at > k.added_at",
    ),
];

/// Reads every value as its type.
pub(super) fn check_values(connection: Connection<'_>) -> Result<(), BadValue> {
    let failed = |error: Error| BadValue::Database(error.to_string());
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    for table in connection.query(tables, &[], |row| row.get::<String>("name")).map_err(failed)? {
        let (mut number, mut bad) = (0, None);
        let read = connection.query(&format!("SELECT * FROM \"{table}\""), &[], |row| {
            number += 1;
            match check_row(&table, number, row) {
                Ok(()) => Ok(()),
                Err(problem) => {
                    bad = Some(problem);
                    Err(Error::Value(table.clone()))
                }
            }
        });
        bad.map_or(Ok(()), Err)?;
        read.map_err(failed)?;
    }
    for (problem, query) in ROWS_RULES {
        if connection.first(query, &[], |_| Ok(())).map_err(failed)?.is_some() {
            return Err(BadValue::Rows(problem));
        }
    }
    Ok(())
}

fn check_row(table: &str, number: u64, row: &Row<'_>) -> Result<(), BadValue> {
    let bad = |column: &str| BadValue::Column { table: table.to_owned(), column: column.to_owned(), row: number };
    let columns = row.columns().map_err(|error| match error {
        Error::Value(column) => bad(&column),
        error => BadValue::Database(error.to_string()),
    })?;
    for (column, value) in columns {
        // A column without a rule may hold nothing.
        if !rule_of(table, column).is_some_and(|rule| rule(value)) {
            return Err(bad(column));
        }
    }
    for (of, why, rule) in ROW_RULES.iter().filter(|(of, ..)| *of == table) {
        if !rule(row).unwrap_or(false) {
            return Err(BadValue::Row { table: of, row: number, why });
        }
    }
    Ok(())
}

fn rule_of(table: &str, column: &str) -> Option<Rule> {
    RULES.iter().find(|(of, name, _)| (*of, *name) == (table, column)).map(|(.., rule)| *rule)
}

fn or_null(value: Value<'_>, rule: Rule) -> bool {
    value == Value::Null || rule(value)
}

fn text(value: Value<'_>, rule: fn(&str) -> bool) -> bool {
    matches!(value, Value::Text(text) if rule(text))
}

fn word<T: FromStr>(value: Value<'_>) -> bool {
    text(value, |word| word.parse::<T>().is_ok())
}

/// A name in the form in which names are compared.
fn folded<T: FromStr>(value: Value<'_>) -> bool {
    text(value, |name| name.parse::<T>().is_ok() && fold(name) == name)
}

/// The number of an organization and the name of a team.
fn folded_team(value: Value<'_>) -> bool {
    text(value, |text| {
        let parts = text.split_once('/').map(|(id, name)| (id.parse::<i64>(), name.parse::<TeamName>()));
        matches!(parts, Some((Ok(_), Ok(name))) if text.ends_with(&name.folded()))
    })
}

fn number(value: Value<'_>, least: i64, most: i64) -> bool {
    matches!(value, Value::Integer(number) if (least..=most).contains(&number))
}

fn id(value: Value<'_>) -> bool {
    number(value, 1, LAST_ID)
}

/// A second since 1970, or a number of seconds.
fn time(value: Value<'_>) -> bool {
    number(value, 0, LAST_SECOND)
}

fn boolean(value: Value<'_>) -> bool {
    number(value, 0, 1)
}

fn quota(value: Value<'_>) -> bool {
    matches!(value, Value::Integer(number) if Quota::of_number(number).is_some())
}

fn hash(value: Value<'_>) -> bool {
    matches!(value, Value::Bytes(bytes) if bytes.len() == 32)
}

fn bytes(value: Value<'_>) -> bool {
    matches!(value, Value::Bytes(_))
}

/// The values of checks in the form in which they are written.
fn checks(value: Value<'_>) -> bool {
    let is_written =
        |text: &str| text.parse::<CheckValues>().is_ok_and(|checks| !checks.is_empty() && checks.to_string() == text);
    text(value, is_written)
}

/// The rules of a scope in the form in which they are written.
fn rules(value: Value<'_>) -> bool {
    text(value, |text| text.parse::<Rules<GranteeRow>>().is_ok_and(|rules| rules.to_string() == text))
}

fn has_final(value: Value<'_>) -> bool {
    text(value, |text| text.parse::<Rules<GranteeRow>>().is_ok_and(|rules| rules.0.iter().any(|rule| rule.is_final)))
}

fn is_emails(text: &str) -> bool {
    text.parse::<Emails>().is_ok_and(|emails| emails.to_string() == text)
}

fn is_sources(text: &str) -> bool {
    text.parse::<Sources>().is_ok_and(|sources| sources.to_string() == text)
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= AUDIT_MAX && !text.chars().any(char::is_control)
}

/// Whether a text can be the name of an event in the audit table.
pub(super) fn is_event(text: &str) -> bool {
    is_line(text) && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte))
}

fn is_object(text: &str) -> bool {
    text.len() <= AUDIT_MAX && serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).is_ok()
}

/// Whether an account or a team has the form of its name for comparison, or none if its row was removed.
fn is_owner(row: &Row<'_>) -> Result<bool, Error> {
    let Some(organization) = row.get::<Option<i64>>("team_of")? else {
        return is_folded(row);
    };
    let name: TeamName = row.word("name")?;
    let expected = row.get::<Option<i64>>("removed_at")?.is_none().then(|| format!("{organization}/{}", name.folded()));
    Ok(row.get::<Option<String>>("folded")? == expected)
}

/// Whether a name has its form for comparison, or none if its row was removed.
fn is_folded(row: &Row<'_>) -> Result<bool, Error> {
    let name: String = row.get("name")?;
    let expected = row.get::<Option<i64>>("removed_at")?.is_none().then(|| fold(&name));
    Ok(row.get::<Option<String>>("folded")? == expected)
}

fn is_key(row: &Row<'_>) -> Result<bool, Error> {
    let key = PublicKey::from_blob(row.word("type")?, row.get("blob")?);
    let fingerprint = Fingerprint::from_bytes(row.get("fingerprint")?);
    Ok(key.is_ok_and(|key| key.fingerprint() == fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_audit_table_is_one_line_of_a_bounded_length() {
        for (text, expected) in
            [("", false), ("a b", true), ("a\nb", false), ("\u{1b}[31m", false), (&"x".repeat(AUDIT_MAX), true)]
        {
            assert_eq!(is_line(text), expected, "{text:.20}");
        }
        assert!(!is_line(&"x".repeat(AUDIT_MAX + 1)));
    }
}
