//! The database: a small set of named questions and changes, one file a noun, in SQL that PostgreSQL would also accept.
//!
//! Types enter and types leave. A row that does not read back as a type is an error. The questions and changes use
//! `db/engine/`. The small programs only read ([`Reader`]); the operator's programs also make changes ([`Store`]).

mod engine;
mod error;
mod reader;
mod schema;
mod session;
#[cfg(feature = "operator")]
mod store;
#[cfg(test)]
mod tests;

#[cfg(feature = "operator")]
use std::ops::ControlFlow;

use engine::Connection;

pub use error::{DatabaseError, Error, ErrorKind};
pub use reader::Reader;
pub use schema::{MIN_READER, VERSION};
pub use session::{AccountFacts, Opens, ServedRepository, SessionFacts, SetQuotas};
#[cfg(feature = "operator")]
pub use store::{
    AuthorityRow, BadCopy, BadValue, Change, ChangeError, Code, Collaboration, Collaborator, Contents, Direction, Event, GateRequestRow, Holder, HolderId, KeyRange, KeyRow, Member, Membership, NewKey, NewRepository, Organization, OwnerKind, OwnerRow, Removed, Replacing, RepositoryRow, SeenBy, Store, User,
};

/// The database as one connection sees it: each question is a method.
///
/// A [`Reader`] sees the last committed state. A [`Change`] also sees its own steps.
#[derive(Debug)]
pub struct View<'a> {
    connection: Connection<'a>,
}

/// Receives the rows of a list, one after the other, until it breaks.
#[cfg(feature = "operator")]
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// Reads all rows of a list. For a list that is short.
///
/// # Errors
/// The errors of the list.
#[cfg(feature = "operator")]
pub fn all<T, E>(list: impl FnOnce(Each<'_, T>) -> Result<(), E>) -> Result<Vec<T>, E> {
    let mut rows = Vec::new();
    list(&mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// A period in which keys and grants end, in seconds UTC since 1970.
#[cfg(feature = "operator")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The last second before the period.
    pub after: i64,
    /// The last second of the period.
    pub until: i64,
}
