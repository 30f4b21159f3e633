mod changes;
mod conflicts;
mod emails;
mod entry;
mod file;
mod lists;
mod proposals;
mod questions;
mod rules;
mod teams;
mod values;
mod waits;

use std::path::PathBuf;

use tempfile::TempDir;

use super::engine::Writer;
use super::{
    Change, ChangeError, Code, Direction, Event, HolderId, KeyRange, KeyRow, NewKey, NewRepository, OwnerKind, Reader,
    RepositoryRow, Store, all,
};
use crate::access::{Role, Scope, Visibility};
use crate::config::ObjectFormat;
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::name::{Grantee, Owner, RepoPath, TeamPath};
use crate::repository::Directory;

/// The statements that take a step of the schema back, and the version to which they lead.
const BACK: [(i64, &str); 3] = [
    (
        3,
        "DROP TABLE proposal; ALTER TABLE repository DROP COLUMN proposals;
         DROP INDEX repository_shown; ALTER TABLE repository DROP COLUMN internal; ALTER TABLE owner DROP COLUMN emails;
         ALTER TABLE owner DROP COLUMN team_of;
         CREATE INDEX repository_public ON repository (owner_id, kind, folded) WHERE visibility = 'public'",
    ),
    (
        2,
        "ALTER TABLE hubgate DROP COLUMN rules; ALTER TABLE owner DROP COLUMN rules;
         ALTER TABLE repository DROP COLUMN rules; ALTER TABLE hubgate DROP COLUMN checks;
         ALTER TABLE owner DROP COLUMN checks; ALTER TABLE repository DROP COLUMN checks",
    ),
    (1, "DROP TABLE audit_about; DROP INDEX repository_public; DROP INDEX collaborator_user"),
];

/// A new database with the users alice and bob, and the organization acme with alice as admin. Alice has a key and made
/// the private repository acme/x.
struct Hub {
    directory: TempDir,
    store: Store,
}

impl Hub {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(&directory.path().join("hubgate.db")).unwrap();
        let mut hub = Self { directory, store };
        hub.change(|change| {
            change.add_owner(OwnerKind::User, &owner("alice"), true)?;
            change.add_owner(OwnerKind::User, &owner("bob"), true)?;
            change.add_owner(OwnerKind::Organization, &owner("acme"), true)?;
            change.set_member(&owner("acme"), &owner("alice"), Role::Admin, None)?;
            add_key(change, "alice", 1)?;
            add_repository(change, "acme/x", 1)
        })
        .unwrap();
        hub
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("hubgate.db")
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path()).unwrap()
    }

    fn change<T>(&mut self, steps: impl FnOnce(&Change<'_>) -> Result<T, ChangeError>) -> Result<T, ChangeError> {
        self.store.change("operator:test", steps)
    }

    /// The text of the error of a change, which must change nothing.
    fn refusal<T>(&mut self, steps: impl FnOnce(&Change<'_>) -> Result<T, ChangeError>) -> String {
        let before = self.dump();
        let refusal = self.change(steps).map(drop).unwrap_err();
        assert!(!matches!(refusal, ChangeError::Database(_)), "{refusal}");
        assert_eq!(self.dump(), before);
        refusal.to_string()
    }

    /// Changes the database without its checks, as another program might.
    fn tamper(&self, statements: &str) {
        let unchecked = "PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on";
        Writer::open(&self.path()).unwrap().connection().define(&format!("{unchecked}; {statements}")).unwrap();
    }

    /// Takes the steps of the schema back, as far as to this version.
    fn go_back_to(&self, version: i64) {
        for (to, statements) in BACK.iter().filter(|(to, _)| *to >= version) {
            self.tamper(&format!("{statements}; UPDATE hubgate SET version = {to}"));
        }
    }

    /// Every row of every table, except the names that the audit rows mention.
    fn dump(&self) -> Vec<String> {
        let connection = self.store.view().connection;
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'audit_about'
                      ORDER BY name";
        let mut all = Vec::new();
        for table in connection.query(tables, &[], |row| row.get::<String>("name")).unwrap() {
            let rows = connection.query(&format!("SELECT * FROM {table}"), &[], |row| {
                let values = row.columns()?.into_iter().map(|(_, value)| format!("{value:?}"));
                Ok(format!("{table}: {}", values.collect::<Vec<_>>().join(" ")))
            });
            all.extend(rows.unwrap());
        }
        all
    }

    /// The number of rows of a table, or of those that a WHERE after its name selects.
    fn count(&self, rows: &str) -> i64 {
        self.store.view().connection.number(&format!("SELECT count(*) AS number FROM {rows}"), &[]).unwrap()
    }

    /// The changes since a second, oldest first.
    fn events(&self, since: i64) -> Vec<Event> {
        all(|each| self.store.view().events(since, None, Direction::OldestFirst, each)).unwrap()
    }

    /// The keys of a user, given by its row, or of all users.
    fn keys(&self, user: Option<i64>) -> Vec<KeyRow> {
        let range = KeyRange::default();
        all(|each| match user {
            Some(user) => self.store.view().keys_of(HolderId::Account(user), &range, each),
            None => self.store.view().keys(&range, each),
        })
        .unwrap()
    }

    /// The paths of all repositories.
    fn paths(&self) -> Vec<String> {
        let rows = all(|each| self.store.view().repositories(None, each)).unwrap();
        rows.iter().map(|row| row.path.to_string()).collect()
    }

    /// The last audit row, as `EVENT OBJECT DETAIL`.
    fn last_event(&self) -> String {
        let event = self.events(0).pop().unwrap();
        format!("{} {} {}", event.event, event.object, event.detail)
    }
}

/// The time of every session in these tests.
const NOW: i64 = 1_000_000;

fn grantee(name: &str) -> Grantee {
    name.parse().unwrap()
}

fn team(text: &str) -> TeamPath {
    text.parse().unwrap()
}

fn owner(name: &str) -> Owner {
    name.parse().unwrap()
}

fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

/// The key of this number. Keys of different numbers differ.
fn key(number: u8) -> PublicKey {
    let blob = [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &[number; 32]].concat();
    PublicKey::from_blob(KeyType::Ed25519, blob).unwrap()
}

fn fingerprint(number: u8) -> Fingerprint {
    key(number).fingerprint()
}

fn code(number: u8) -> Code {
    Code::parse(&format!("c0de{number:028x}")).unwrap()
}

fn add_key(change: &Change<'_>, user: &str, number: u8) -> Result<KeyRow, ChangeError> {
    let (key, title) = (key(number), "laptop".parse().unwrap());
    let new = NewKey { key: &key, title: &title, scope: Scope::Write, expires_at: None, sources: None };
    change.add_key(&owner(user), &new)
}

fn add_deploy_key(change: &Change<'_>, repository: &str, number: u8) -> Result<KeyRow, ChangeError> {
    let (key, title) = (key(number), "ci".parse().unwrap());
    let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at: None, sources: None };
    change.add_deploy_key(&path(repository), &new)
}

fn new_repository(text: &str, id: u128) -> NewRepository {
    NewRepository {
        path: path(text),
        directory: Directory::of_id(id),
        visibility: Visibility::Private,
        object_format: ObjectFormat::Sha1,
        description: String::new(),
        created_by: Some(owner("alice")),
    }
}

fn add_repository(change: &Change<'_>, text: &str, id: u128) -> Result<RepositoryRow, ChangeError> {
    change.add_repository(&new_repository(text, id))
}
