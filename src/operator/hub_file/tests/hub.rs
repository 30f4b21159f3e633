//! A hub in a database of its own.

use std::collections::BTreeMap;

use tempfile::TempDir;

use crate::access::{Access, Account, Decision, Identity, Role, Scope, Visibility, decide};
use crate::clock::now;
use crate::commands::Refused;
use crate::config::ObjectFormat;
use crate::content::{ContentCheck, TypedValue};
use crate::db::{Change, ChangeError, Direction, NewRepository, OwnerKind, Store, all};
use crate::key::{KeyType, PublicKey};
use crate::name::{HubScope, Owner, RepoPath};
use crate::operator::hub_file::difference::Reading;
use crate::operator::hub_file::file::HubFile;
use crate::operator::hub_file::step::Directories;
use crate::operator::hub_file::{Outcome, run, write};
use crate::repository::Directory;

pub(super) const LATER: i64 = 4_102_444_800;

pub(super) struct Hub {
    _directory: TempDir,
    pub(super) store: Store,
}

pub(super) fn owner(name: &str) -> Owner {
    name.parse().unwrap()
}

pub(super) fn path(text: &str) -> RepoPath {
    text.parse().unwrap()
}

pub(super) fn scope(text: &str) -> HubScope {
    text.parse().unwrap()
}

pub(super) fn key(number: u8) -> PublicKey {
    let blob = [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &[number; 32]].concat();
    PublicKey::from_blob(KeyType::Ed25519, blob).unwrap()
}

pub(super) const READING: Reading = Reading { prune: false, create_users: false, object_format: ObjectFormat::Sha1 };
pub(super) const CREATING: Reading = Reading { create_users: true, ..READING };
pub(super) const PRUNING: Reading = Reading { prune: true, ..CREATING };

impl Hub {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::create(&directory.path().join("hubgate.db")).unwrap();
        Self { _directory: directory, store }
    }

    /// The users alice, Bob and carol, and the organization acme with its admin alice and the repository acme/x.
    pub(super) fn small() -> Self {
        let mut hub = Self::new();
        hub.change(|change| {
            for name in ["alice", "Bob", "carol"] {
                change.add_owner(OwnerKind::User, &owner(name), true)?;
            }
            change.add_owner(OwnerKind::Organization, &owner("acme"), true)?;
            change.set_member(&owner("acme"), &owner("alice"), Role::Admin, None)?;
            add_repository(change, "acme/x", Visibility::Private, None)
        })
        .unwrap();
        hub
    }

    pub(super) fn change(
        &mut self,
        steps: impl FnOnce(&Change<'_>) -> Result<(), ChangeError>,
    ) -> Result<(), ChangeError> {
        self.store.change("operator:test", steps)
    }

    pub(super) fn export(&self) -> String {
        let mut text = Vec::new();
        self.store.read(|view| write::write(view, &mut text, now())).unwrap();
        String::from_utf8(text).unwrap()
    }

    pub(super) fn plan(&mut self, text: &str, reading: Reading) -> Result<Outcome, Refused> {
        let file = HubFile::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        self.store.rehearse("operator:test", |change| run(change, &file, reading, &Directories::Rehearsal))
    }

    pub(super) fn apply(&mut self, text: &str, reading: Reading) -> Result<Outcome, Refused> {
        let file = HubFile::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        self.store.change("operator:test", |change| run(change, &file, reading, &Directories::Rehearsal))
    }

    /// The sentence with which a file is refused. It must change nothing.
    pub(super) fn refusal(&mut self, text: &str, reading: Reading) -> String {
        let before = (self.export(), self.events());
        let planned = self.plan(text, reading).unwrap_err().to_string();
        assert_eq!(self.apply(text, reading).unwrap_err().to_string(), planned, "apply says what plan says");
        assert_eq!((self.export(), self.events()), before, "{text}");
        planned
    }

    /// The lines of a plan, which apply must print too.
    pub(super) fn applied(&mut self, text: &str, reading: Reading) -> Vec<String> {
        let planned = self.plan(text, reading).unwrap();
        let applied = self.apply(text, reading).unwrap();
        assert_eq!(planned.report(true).text, applied.report(true).text, "{text}");
        assert_eq!(planned.report(true).json, applied.report(true).json, "{text}");
        let events = self.events();
        let again = self.apply(text, reading).unwrap();
        assert!(!again.changes(), "a second apply changes something: {}", again.report(true).text);
        assert_eq!(self.events(), events);
        applied.report(true).text.lines().map(str::to_owned).collect()
    }

    pub(super) fn events(&self) -> usize {
        all(|each| self.store.view().events(0, None, Direction::OldestFirst, each)).unwrap().len()
    }

    /// What every account may do with every repository.
    pub(super) fn accesses(&self) -> BTreeMap<(String, String), Access> {
        let view = self.store.view();
        let mut accounts: Vec<(i64, String)> = vec![(-1, "everyone".to_owned()), (-2, "every account".to_owned())];
        let users = all(|each| view.owners(OwnerKind::User, None, each)).unwrap();
        accounts.extend(users.into_iter().map(|user| (user.id, user.name.to_string())));
        let mut accesses = BTreeMap::new();
        for repository in all(|each| view.repositories(None, each)).unwrap() {
            for (id, name) in &accounts {
                let facts = view.facts_of(repository.id, *id, now()).unwrap();
                let identity = match id {
                    -1 => Identity::Anonymous,
                    id => Identity::Account(Account { id: *id, name: owner("_"), scope: Scope::Write }),
                };
                let access = match decide(&identity, facts.as_ref(), Access::Fetch, now()) {
                    Decision::Allow(access) => access,
                    Decision::Deny(_) => Access::None,
                };
                accesses.insert((name.clone(), repository.path.to_string()), access);
            }
        }
        accesses
    }
}

pub(super) fn set_check(change: &Change<'_>, at: &str, check: ContentCheck, value: &str) -> Result<(), ChangeError> {
    let value = change.check_value(&scope(at), &TypedValue::parse(check, value).unwrap())?;
    change.set_check(&scope(at), check, Some(value)).map(drop)
}

pub(super) fn add_repository(
    change: &Change<'_>,
    text: &str,
    visibility: Visibility,
    created_by: Option<&str>,
) -> Result<(), ChangeError> {
    let id = u128::from_le_bytes(crate::random::bytes().unwrap());
    let new = NewRepository {
        path: path(text),
        directory: Directory::of_id(id),
        visibility,
        object_format: ObjectFormat::Sha1,
        description: String::new(),
        created_by: created_by.map(owner),
    };
    change.add_repository(&new).map(drop)
}
