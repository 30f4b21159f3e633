//! A copy whose values are not those that hubgate writes is not restored.

use std::fs;

use super::*;
use crate::access::{CollaboratorRole, GateMode, GateRequest, Sources};

/// A copy of a database that has a row in every table.
fn full() -> (Hub, PathBuf) {
    let mut hub = Hub::new();
    hub.change(|change| {
        let sources: Sources = "192.0.2.0/24,2001:db8::1".parse().unwrap();
        let (more, title) = (key(2), "a \"title\"".parse().unwrap());
        let new =
            NewKey { key: &more, title: &title, scope: Scope::Read, expires_at: Some(9), sources: Some(&sources) };
        change.add_key(&owner("bob"), &new)?;
        add_deploy_key(change, "acme/x", 3)?;
        change.set_collaborator(&path("acme/x"), &grantee("bob"), CollaboratorRole::Read, Some(9))?;
        for name in ["acme/Devs", "acme/ops", "acme/gone"] {
            change.add_team(&team(name))?;
            change.add_team_member(&team(name), &owner("alice"), Some(9))?;
            change.set_collaborator(
                &path("acme/x"),
                &format!("@{name}").parse().unwrap(),
                CollaboratorRole::Admin,
                None,
            )?;
        }
        change.remove_team(&team("acme/gone"))?;
        change.set_gate(&path("acme/x"), GateMode::Manual, true)?;
        change.answer_access(&path("acme/x"), &owner("bob"), GateRequest::Accepted, None)?;
        change.set_frozen(&path("acme/x"), Some("moves"))?;
        change.confirm_email(&owner("alice"), &"alice@example.org".parse().unwrap())?;
        change.claim_email(&owner("alice"), &"a@example.com".parse().unwrap())?;
        change.set_disabled(&owner("bob"), Some("left"))?;
        change.invite(&owner("bob"), &code(1), 9)?;
        change.add_authority(&owner("acme"), &key(4), 60, None)?;
        change.revoke_certificate(&owner("acme"), "serial 7")?;
        for scope in ["hub", "acme", "acme/x"] {
            let rule = "deny force refs/heads/** bob @everyone".parse().unwrap();
            change.add_rule(&scope.parse().unwrap(), &rule, None)?;
            let value = crate::content::CheckValue::Limit(5);
            change.set_check(&scope.parse().unwrap(), crate::content::ContentCheck::BlobSize, Some(value))?;
        }
        let bob = change.owner(&owner("bob"))?.id;
        let number = change.open_proposal(&path("acme/x"), bob, &"main".parse().unwrap(), 0)?;
        change.set_proposal_closed(&path("acme/x"), number, true)?;
        change.set_proposals(&path("acme/x"), Some(true))?;
        change.rename_repository(&path("acme/x"), &path("acme/y"))?;
        add_repository(change, "acme/gone", 2)?;
        change.remove_repository(&path("acme/gone"))?;
        change.remove_key(&fingerprint(1), crate::access::Removal::Ordinary)?;
        change.add_owner(OwnerKind::User, &owner("carol"), true)?;
        change.rename_owner(OwnerKind::User, &owner("carol"), &owner("Carla"))?;
        change.add_owner(OwnerKind::User, &owner("dave"), true)?;
        change.remove_owner(OwnerKind::User, &owner("dave"), None)
    })
    .unwrap();
    hub.tamper("UPDATE owner SET quota = 0 WHERE team_of IS NULL; UPDATE repository SET quota = 9223372036854775807");
    let copy = hub.directory.path().join("copy.db");
    hub.store.view().copy_to(&copy).unwrap();
    (hub, copy)
}

/// What the check says of a copy in which statements have run without SQLite's own checks.
fn said_of(hub: &Hub, copy: &std::path::Path, statements: &str) -> String {
    let bad = hub.directory.path().join("bad.db");
    fs::copy(copy, &bad).unwrap();
    let unchecked = "PRAGMA synchronous = off; PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on";
    Writer::open(&bad).unwrap().connection().define(&format!("{unchecked}; {statements}")).unwrap();
    Store::open_copy(&bad).unwrap().check().map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
}

#[test]
fn every_column_of_every_table_refuses_what_hubgate_does_not_write() {
    let (hub, copy) = full();
    assert_eq!(said_of(&hub, &copy, "SELECT 1"), "accepted");
    let connection = hub.store.view().connection;
    let columns = "SELECT t.name AS \"table\", c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c
                   WHERE t.type = 'table' ORDER BY 1, 2";
    let columns: Vec<[String; 3]> =
        connection.query(columns, &[], |row| Ok([row.get("table")?, row.get("name")?, row.get("type")?])).unwrap();
    assert!(columns.len() > 70, "{columns:?}");
    for [table, column, kind] in columns {
        let rows = connection.number(&format!("SELECT count(*) AS number FROM {table}"), &[]).unwrap();
        assert!(rows > 0, "the table {table} has no row here: add one above");
        let hostile: &[&str] = match (kind.as_str(), column.as_str()) {
            ("TEXT", _) => &["char(27) || '[31m'", "'a' || char(10) || 'b'", "char(155)", "CAST(x'80' AS TEXT)"],
            ("INTEGER", "quota") => &["-1"],
            ("INTEGER", _) => &["-1", "9223372036854775807"],
            ("BLOB", "code") => &["x''", "zeroblob(33)"],
            ("BLOB", _) => &["x''", "zeroblob(32)"],
            _ => panic!("{table}.{column} has a type without hostile values: {kind}"),
        };
        for value in hostile {
            let said = said_of(&hub, &copy, &format!("UPDATE OR IGNORE {table} SET {column} = {value}"));
            assert_ne!(said, "accepted", "{table}.{column} = {value}");
            let is_named =
                [table.as_str(), "refers to a missing row", "version"].iter().any(|word| said.contains(word));
            assert!(is_named, "{table}.{column} = {value}: {said}");
        }
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_its_column() {
    let (hub, copy) = full();
    let other_key = "(SELECT blob FROM key WHERE type = 'ssh-ed25519' ORDER BY fingerprint LIMIT 1)";
    for (statement, expected) in [
        ("UPDATE owner SET name = 'anonymous', folded = 'anonymous' WHERE name = 'alice'", "owner.name"),
        ("UPDATE owner SET name = 'hubgate', folded = 'hubgate' WHERE name = 'alice'", "owner.name"),
        ("UPDATE owner SET name = 'a/b', folded = 'a/b' WHERE name = 'alice'", "owner.name"),
        ("UPDATE owner SET name = '--auth-info', folded = '--auth-info' WHERE name = 'alice'", "owner.name"),
        ("UPDATE owner SET folded = 'ALICE' WHERE name = 'alice'", "owner.folded"),
        ("UPDATE owner SET folded = 'other' WHERE name = 'alice'", "its name, and whether it was removed"),
        ("UPDATE owner SET folded = NULL WHERE name = 'alice'", "its name, and whether it was removed"),
        ("UPDATE owner SET removed_at = 1 WHERE name = 'alice'", "its name, and whether it was removed"),
        ("UPDATE owner SET may_create = 2", "owner.may_create"),
        ("UPDATE owner SET kind = 'organization' WHERE name = 'alice'", "an organization has"),
        ("UPDATE owner SET kind = 'user' WHERE name = 'acme'", "a user has members"),
        ("UPDATE owner SET team_of = NULL WHERE name = 'Devs'", "its name, and whether it was removed"),
        ("UPDATE owner SET team_of = team_of + 1 WHERE name = 'Devs'", "its name, and whether it was removed"),
        ("UPDATE owner SET folded = 'devs' WHERE name = 'Devs'", "its name, and whether it was removed"),
        ("UPDATE owner SET folded = team_of || '/Devs' WHERE name = 'Devs'", "owner.folded"),
        ("UPDATE owner SET kind = 'user' WHERE name = 'Devs'", "a user has members"),
        ("UPDATE owner SET rules = 'deny all ** @everyone' WHERE name = 'Devs'", "a team is not in an organization"),
        (
            "UPDATE repository SET owner_id = (SELECT id FROM owner WHERE name = 'Devs')",
            "a team is not in an organization",
        ),
        (
            "UPDATE member SET role = 'admin' WHERE organization_id = (SELECT id FROM owner WHERE name = 'Devs')",
            "a member of a team has a role there",
        ),
        ("UPDATE owner SET disabled = ''", "owner.disabled"),
        ("UPDATE former_name SET folded = 'Carol' WHERE folded = 'carol'", "former_name.folded"),
        (
            "UPDATE former_name SET folded = 'Alice@example.org' WHERE folded = 'alice@example.org'",
            "former_name.folded",
        ),
        ("UPDATE former_name SET folded = 'a,b@example.org' WHERE folded = 'alice@example.org'", "former_name.folded"),
        ("UPDATE owner SET emails = 'a@x claimed' WHERE name = 'alice'", "owner.emails"),
        ("UPDATE owner SET emails = '*@x confirmed 1' WHERE name = 'alice'", "owner.emails"),
        ("UPDATE owner SET emails = 'a@x confirmed 1' WHERE name = 'acme'", "an organization has"),
        ("UPDATE repository SET directory = '../../../../etc/ssh/0123456789ab'", "repository.directory"),
        ("UPDATE repository SET directory = upper(directory) || 'F'", "repository.directory"),
        ("UPDATE repository SET directory = (SELECT min(directory) FROM repository)", "have the same directory"),
        ("UPDATE repository SET name = 'x.git', folded = 'x.git' WHERE name = 'y'", "repository.name"),
        ("UPDATE repository SET name = '..', folded = '..' WHERE name = 'y'", "repository.name"),
        ("UPDATE repository SET folded = 'z' WHERE name = 'y'", "its name, and whether it was removed"),
        ("UPDATE repository SET description = char(27) || ']0;x'", "repository.description"),
        ("UPDATE repository SET frozen = ''", "repository.frozen"),
        ("UPDATE repository SET created_by = (SELECT id FROM owner WHERE name = 'acme')", "an organization has a key"),
        ("UPDATE former_path SET folded = 'X'", "former_path.folded"),
        ("UPDATE repository SET proposals = 2", "repository.proposals"),
        ("UPDATE proposal SET number = 0", "proposal.number"),
        ("UPDATE proposal SET number = 1000000000", "proposal.number"),
        ("UPDATE proposal SET branch = '-x'", "proposal.branch"),
        ("UPDATE proposal SET author_id = (SELECT id FROM owner WHERE name = 'acme')", "an organization has a key"),
        ("UPDATE key SET sources = 'everywhere'", "key.sources"),
        ("UPDATE key SET sources = '192.0.2.0/24, 192.0.3.0/24'", "key.sources"),
        ("UPDATE key SET type = 'ssh-dss'", "key.type"),
        ("UPDATE key SET type = 'ssh-rsa'", "its type, its fingerprint and its bytes"),
        ("UPDATE key SET title = char(8238) || 'x'", "key.title"),
        ("UPDATE key SET removed_at = NULL", "whether it was removed"),
        ("UPDATE key SET removal = 'ordinary' WHERE removed_at IS NULL", "whether it was removed"),
        ("UPDATE invite SET used_at = -1", "invite.used_at"),
        ("UPDATE invite SET used_at = unixepoch('9999-12-31T23:59:59')", "accepted"),
        ("UPDATE invite SET used_at = unixepoch('9999-12-31T23:59:59') + 1", "invite.used_at"),
        ("UPDATE revocation SET what = ''", "revocation.what"),
        ("UPDATE audit SET detail = '[]'", "audit.detail"),
        ("UPDATE audit SET detail = 'x'", "audit.detail"),
        ("UPDATE audit SET event = 'repo create'", "audit.event"),
        ("UPDATE hubgate SET min_reader = 0", "hubgate.min_reader"),
        ("DELETE FROM hubgate", "was not made by hubgate"),
    ] {
        let said = said_of(&hub, &copy, statement);
        assert!(said.contains(expected), "{statement}: {said}");
    }
    for (table, column) in [("key", "blob"), ("authority", "blob")] {
        let said =
            said_of(&hub, &copy, &format!("UPDATE {table} SET {column} = {other_key} WHERE {column} <> {other_key}"));
        assert!(said.contains("its type, its fingerprint and its bytes"), "{table}: {said}");
    }
    // Also if the authority has an end that is ahead.
    for end in ["NULL", "added_at + 1"] {
        let both = format!(
            "DELETE FROM revocation; DELETE FROM authority; INSERT INTO authority
             SELECT fingerprint, (SELECT id FROM owner WHERE name = 'acme'), type, blob, 9, 9, {end} FROM key LIMIT 1"
        );
        assert!(said_of(&hub, &copy, &both).contains("signs certificates too"), "{end}");
    }
}

#[test]
fn a_copy_with_other_pages_is_not_restored() {
    let (hub, copy) = full();
    for (statements, expected) in [
        ("PRAGMA journal_mode = delete; PRAGMA page_size = 8192; VACUUM", "page_size is 8192 and not 4096"),
        ("PRAGMA auto_vacuum = full; VACUUM", "auto_vacuum is 1 and not 0"),
    ] {
        let said = said_of(&hub, &copy, statements);
        assert_eq!(said, format!("its pages are not those of a hub's database: {expected}"));
    }
}

#[test]
fn the_audit_row_of_a_restore_can_be_restored_whatever_the_name_of_the_file() {
    let (hub, copy) = full();
    for source in ["/root/hub.db", "-", "/tmp/\u{1b}[31m\nx", "/tmp/\u{202e}x"] {
        let noted = hub.directory.path().join("noted.db");
        fs::copy(&copy, &noted).unwrap();
        Store::open_copy(&noted).unwrap().note_restore("operator:root", source, Some(source)).unwrap();
        assert_eq!(said_of(&hub, &noted, "SELECT 1"), "accepted", "{source:?}");
    }
}

#[test]
fn a_copy_with_a_final_rule_of_a_repository_or_a_rule_of_another_form_is_not_accepted() {
    let (hub, copy) = full();
    for (statement, expected) in [
        ("UPDATE owner SET rules = 'final deny all ** @everyone' WHERE folded = 'acme'", "accepted"),
        (
            "UPDATE repository SET rules = 'final deny all ** @everyone'",
            "the value of repository.rules in row 1 is not one that hubgate writes",
        ),
        (
            "UPDATE hubgate SET rules = 'deny  all ** @everyone'",
            "the value of hubgate.rules in row 1 is not one that hubgate writes",
        ),
        (
            "UPDATE owner SET checks = 'blob-size=5K' WHERE folded = 'acme'",
            "the value of owner.checks in row 3 is not one that hubgate writes",
        ),
        (
            "UPDATE hubgate SET rules = 'deny all ** bob'",
            "the value of hubgate.rules in row 1 is not one that hubgate writes",
        ),
    ] {
        assert_eq!(said_of(&hub, &copy, statement), expected, "{statement}");
    }
}
