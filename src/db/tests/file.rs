use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::{Hub, NOW, fingerprint, owner};
use crate::db::engine::{Transaction, Writer};
use crate::db::{ChangeError, Error, ErrorKind, Opens, OwnerKind, Reader, Store, VERSION};

#[test]
fn a_writer_syncs_each_change_and_checks_foreign_keys() {
    let hub = Hub::new();
    let connection = hub.store.view().connection;
    let mode = connection.first("PRAGMA journal_mode", &[], |row| row.get::<String>("journal_mode")).unwrap();
    let number = |name| connection.first(&format!("PRAGMA {name}"), &[], |row| row.get::<i64>(name)).unwrap();
    assert_eq!((mode.as_deref(), number("synchronous"), number("foreign_keys")), (Some("wal"), Some(2), Some(1)));
    let orphan = "INSERT INTO member (organization_id, user_id, role) VALUES (99, 98, 'read')";
    assert_eq!(connection.execute(orphan, &[]).unwrap_err().kind(), ErrorKind::Constraint);
}

#[test]
fn no_statement_changes_the_schema_behind_sqlites_back_and_no_view_calls_a_dangerous_function() {
    let hub = Hub::new();
    let connection = hub.store.view().connection;
    let trusted = connection.number("SELECT trusted_schema AS number FROM pragma_trusted_schema", &[]);
    assert_eq!(trusted.unwrap(), 0);
    connection.define("PRAGMA writable_schema = on").unwrap();
    assert!(connection.execute("DELETE FROM sqlite_schema", &[]).is_err());
}

#[test]
fn the_files_stay_when_they_are_closed_and_only_the_group_may_read_them() {
    crate::tests::set_umask();
    let hub = Hub::new();
    let path = hub.path();
    let Hub { directory, store } = hub;
    drop(store);
    for suffix in ["", "-wal", "-shm"] {
        let file = directory.path().join(format!("hubgate.db{suffix}"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o640, "{file:?}");
    }
    assert!(Reader::open(&path).unwrap().ask(|view| view.key_holder(&fingerprint(1))).unwrap().is_some());
}

#[test]
fn a_second_creation_or_migration_changes_nothing() {
    let hub = Hub::new();
    let before = hub.dump();
    let mut store = Store::create(&hub.path()).unwrap();
    assert_eq!(store.migrate().unwrap(), VERSION);
    assert_eq!((store.view().versions().unwrap().0, hub.dump()), (VERSION, before));
}

#[test]
fn a_reader_does_not_wait_for_a_change_under_way_and_does_not_see_it() {
    let hub = Hub::new();
    let mut writer = Writer::open(&hub.path()).unwrap();
    for purpose in [Transaction::Write, Transaction::Migrate] {
        // The change ends after this answer, so a reader that waited for it would fail.
        let answer = writer.transaction(purpose, |connection| {
            connection.execute("UPDATE owner SET name = 'mallory' WHERE folded = 'alice'", &[])?;
            hub.reader().ask(|view| view.key_holder(&fingerprint(1)))
        });
        assert_eq!(answer.unwrap(), Some(Opens::Account(owner("alice"))));
        hub.tamper("UPDATE owner SET name = 'alice' WHERE folded = 'alice'");
    }
}

#[test]
fn a_database_that_only_newer_programs_may_read_is_not_read() {
    let hub = Hub::new();
    hub.tamper("UPDATE hubgate SET version = 99, min_reader = 99");
    let reader = hub.reader();
    let too_new = |error| matches!(error, Error::TooNew { version: 99, min_reader: 99 });
    assert!(too_new(reader.ask(|view| view.key_holder(&fingerprint(1))).unwrap_err()));
    assert!(too_new(reader.ask(|view| view.session(Some(&fingerprint(1)), None, NOW)).unwrap_err()));
    assert!(too_new(Store::open(&hub.path()).unwrap_err()));
}

#[test]
fn a_newer_database_that_this_program_may_read_is_not_written() {
    let hub = Hub::new();
    hub.tamper(&format!("UPDATE hubgate SET version = 99, min_reader = {VERSION}"));
    assert!(hub.reader().ask(|view| view.key_holder(&fingerprint(1))).unwrap().is_some());
    assert!(matches!(Store::open(&hub.path()), Err(Error::TooNew { version: 99, .. })));
}

#[test]
fn an_older_database_is_read_and_must_be_migrated_before_a_change() {
    let hub = Hub::new();
    hub.tamper("UPDATE hubgate SET version = 0, min_reader = 0");
    assert!(hub.reader().ask(|view| view.key_holder(&fingerprint(1))).unwrap().is_some());
    assert!(matches!(Store::open(&hub.path()), Err(Error::Old { version: 0 })));
}

#[test]
fn a_database_without_a_version_answers_nothing() {
    let hub = Hub::new();
    hub.tamper("DELETE FROM hubgate");
    assert!(matches!(hub.reader().ask(|view| view.key_holder(&fingerprint(1))), Err(Error::NoVersion)));
    assert!(matches!(hub.reader().ask(|view| view.session(Some(&fingerprint(1)), None, NOW)), Err(Error::NoVersion)));
    assert!(matches!(Store::open(&hub.path()), Err(Error::NoVersion)));
}

#[test]
fn a_file_that_is_not_a_hubgate_database_is_an_error_and_not_an_unknown_key() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("text"), "not a database, but long enough to look like one\n".repeat(99)).unwrap();
    fs::write(at("empty"), "").unwrap();
    fs::create_dir(at("directory")).unwrap();
    fs::write(at("other"), "").unwrap();
    Writer::open(&at("other")).unwrap().connection().define("CREATE TABLE hubgate (id INTEGER, version TEXT)").unwrap();
    let hub = Hub::new();
    symlink(hub.path(), at("link")).unwrap();
    for name in ["missing", "text", "empty", "directory", "other", "link"] {
        let answer = Reader::open(&at(name)).and_then(|reader| reader.ask(|view| view.key_holder(&fingerprint(1))));
        assert!(answer.is_err(), "{name}: {answer:?}");
        assert!(Store::open(&at(name)).is_err(), "{name}");
    }
    assert!(!at("missing").exists());
}

#[test]
fn a_copy_is_one_consistent_state_and_overwrites_nothing() {
    let mut hub = Hub::new();
    let copy = hub.directory.path().join("copy.db");
    hub.store.view().copy_to(&copy).unwrap();
    hub.change(|change| change.add_owner(OwnerKind::User, &owner("carol"), true)).unwrap();
    let copied = Store::open(&copy).unwrap();
    assert!(copied.view().user(&owner("alice")).is_ok());
    assert!(matches!(copied.view().user(&owner("carol")), Err(ChangeError::NotFound(_))));
    assert!(hub.store.view().copy_to(&copy).is_err());
}

#[test]
fn a_copy_is_accepted_only_with_its_tables_and_references_intact() {
    let hub = Hub::new();
    assert_eq!(hub.reader().ask(|view| view.damage()).unwrap(), None);
    let copy = hub.directory.path().join("copy.db");
    hub.store.view().copy_to(&copy).unwrap();
    assert_eq!(Store::open_copy(&copy).unwrap().check().unwrap(), VERSION);
    let damage = |statement: &str| {
        let unchecked = format!("PRAGMA foreign_keys = off; {statement}");
        Writer::open(&copy).unwrap().connection().define(&unchecked).unwrap();
        Store::open_copy(&copy).unwrap().check().unwrap_err().to_string()
    };
    let orphan = damage("UPDATE key SET owner_id = 99");
    assert_eq!(orphan, "it is damaged: a row of the table key refers to a missing row");
    let tables = format!("its tables are not those of a hub's database of version {VERSION}");
    assert_eq!(damage("CREATE TABLE song (title TEXT)"), tables);
}
