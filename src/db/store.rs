//! Changes: one transaction each, with its row in the audit table.

mod about;
mod account;
mod audit;
mod authority;
mod check;
mod collaborator;
mod copy;
mod counts;
mod described;
mod email;
mod export;
mod facts;
mod gate;
mod health;
mod holder;
mod invite;
mod key;
mod list;
mod member;
mod proposal;
mod quota;
mod removed;
mod repository;
mod rule;
mod signer;
mod steps;
mod team;
mod temporary;
mod values;

use std::ops::Deref;
use std::path::Path;

use super::engine::{Transaction, Writer, files, values};
use super::schema::{MIN_READER, VERSION};
use super::{DatabaseError, Error, View};
use crate::clock::now;
use crate::key::Fingerprint;
use crate::name::{NameError, Owner, Title};

pub use account::{Member, Organization, OwnerKind, OwnerRow, User};
pub use audit::{Direction, Event};
pub use authority::{AuthorityRange, AuthorityRow};
pub use collaborator::{Collaboration, Collaborator, check_team_of};
pub use copy::{BadCopy, Contents, Replacing};
pub use counts::Counts;
pub use described::{DescribedOwner, DescribedRepository, ScopeSettings};
pub use email::{EmailPosition, UserEmail};
pub use facts::SeenBy;
pub use gate::GateRequestRow;
pub use holder::Holder;
pub use invite::Code;
pub use key::{HolderId, KeyRange, KeyRow, NewKey};
pub use list::{Each, GrantPosition, Period, all};
pub use member::Membership;
pub use proposal::ProposalRow;
pub use removed::Removed;
pub use repository::{NewRepository, RepositoryRow};
pub use rule::{MOST as MOST_RULES, NumberedRule, check_team_in};
pub use signer::{Signer, WritesTo};
use steps::STEPS;
pub use team::{TeamGrant, TeamMembership, TeamRow, not_a_member};
pub use values::BadValue;

/// Why a change was not made. Worded for the person who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The object does not exist.
    #[error("there is no {0}")]
    NotFound(String),
    /// The present state does not allow the change. The text says what to do about it.
    #[error("{0}")]
    Conflict(String),
    /// The key is in use. Only operators may read which account it belongs to.
    #[error("the key {fingerprint} is already in use: it is \"{title}\" of {holder}")]
    KeyInUse {
        /// The key.
        fingerprint: Fingerprint,
        /// What the key opens.
        holder: Holder,
        /// The title of the key.
        title: Title,
    },
    /// The last administrator of an organization.
    #[error("{0} would have no admin: first give the role to another member")]
    LastAdmin(Owner),
    /// A name that the rules do not allow.
    #[error("{0}: {1}")]
    Name(String, NameError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
}

impl DatabaseError for ChangeError {
    fn database(&self) -> Option<&Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::NotFound(_) | Self::Conflict(_) | Self::KeyInUse { .. } | Self::LastAdmin(_) | Self::Name(..) => None,
        }
    }
}

/// The database, opened for questions and changes.
#[derive(Debug)]
pub struct Store {
    engine: Writer,
}

/// A change in progress. Questions see its steps. If it fails, nothing of it stays.
#[derive(Debug)]
pub struct Change<'a> {
    view: View<'a>,
    /// One instant for the whole change: whole seconds UTC since 1970.
    pub now: i64,
    actor: &'a str,
}

impl<'a> Deref for Change<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &Self::Target {
        &self.view
    }
}

impl Store {
    /// Opens the database for questions and changes.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Old`] if the operator must run `hubgate migrate` first.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let store = Self::open_any_version(path)?;
        store.view().check_current()?;
        Ok(store)
    }

    /// The present state, for questions.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View { connection: self.engine.connection() }
    }

    /// Opens the database whatever its version is, to migrate it.
    ///
    /// # Errors
    /// [`Error::Open`].
    pub fn open_any_version(path: &Path) -> Result<Self, Error> {
        Ok(Self { engine: Writer::open(path)? })
    }

    /// Creates an empty database of this program's version, readable by its group. An existing database stays as it is.
    ///
    /// # Errors
    /// [`Error`].
    pub fn create(path: &Path) -> Result<Self, Error> {
        files::create(path)?;
        let mut store = Self::open_any_version(path)?;
        store.migrate()?;
        Ok(store)
    }

    /// Brings the schema to this program's version, in one transaction. Returns the version before.
    ///
    /// # Errors
    /// [`Error`]; then nothing changes.
    pub fn migrate(&mut self) -> Result<i64, Error> {
        self.engine.transaction(Transaction::Migrate, |connection| {
            let found = if connection.is_empty()? { 0 } else { View { connection }.versions()?.0 };
            for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
                connection.define(step)?;
            }
            // Also after the last step: programs of the previous version may have written since.
            if found <= VERSION {
                about::enter_missing_names(connection)?;
            }
            if found < VERSION {
                let set = "UPDATE hubgate SET version = ?1, min_reader = ?2 WHERE id = 1";
                connection.execute(set, values![VERSION, MIN_READER])?;
            }
            Ok(found)
        })
    }

    /// Makes a change and its audit row, or neither. `actor` asked for the change.
    ///
    /// # Errors
    /// The errors of `steps`, or of the database.
    pub fn change<T, E: From<Error>>(
        &mut self,
        actor: &str,
        steps: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(Transaction::Write, actor, steps)
    }

    /// Makes a change and rolls it back, to learn what it would do.
    ///
    /// # Errors
    /// The errors of `steps`, or of the database.
    pub fn rehearse<T, E: From<Error>>(
        &mut self,
        actor: &str,
        steps: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.run(Transaction::Rehearse, actor, steps)
    }

    /// Answers questions from one state of the database. Changes continue, and the answers do not show them.
    ///
    /// # Errors
    /// The errors of `questions`, or of the database.
    pub fn read<T, E: From<Error>>(&self, questions: impl FnOnce(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        self.engine.read(|connection| questions(&View { connection }))
    }

    fn run<T, E: From<Error>>(
        &mut self,
        purpose: Transaction,
        actor: &str,
        steps: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.engine.transaction(purpose, |connection| steps(&Change { view: View { connection }, now: now(), actor }))
    }
}

/// The statements of the lists of everything, and of the keys with a title, each with the beginning of its plan.
#[cfg(test)]
pub(in crate::db) fn statements_of_lists() -> [(String, &'static str); 5] {
    let keys = key::statement(key::OF_ALL_USERS, "", "u.folded, ");
    let by_user = "SEARCH u USING INDEX sqlite_autoindex_owner_1 (folded>?)";
    let by_name = "SEARCH o USING INDEX sqlite_autoindex_owner_1 (folded>?)";
    let with_title = (key::with_title(), "SEARCH k USING INDEX key_owner (owner_id=?)");
    let [repositories, owners] = described::statements();
    [(repository::all_repositories(), by_name), (keys, by_user), with_title, repositories, owners]
}
