//! The database: a small set of named questions and changes, one file a noun, in SQL that PostgreSQL would also accept.
//!
//! Types enter and types leave. A row that does not read back as a type is an error. The questions and changes use
//! `db/engine/`. The small programs only read ([`Reader`]); the operator's programs also make changes ([`Store`]).

mod emails;
mod engine;
mod error;
mod greeting;
mod proposals;
mod reader;
mod rules;
mod schema;
#[macro_use]
mod session;
mod signers;
#[cfg(feature = "operator")]
mod store;
#[cfg(test)]
mod tests;

use engine::Connection;

#[cfg(test)]
pub(crate) use engine::questions_of;

pub use emails::{AccountEmail, EmailState};
pub use error::{DatabaseError, Error, ErrorKind};
pub use reader::Reader;
pub use rules::PushSettings;
pub use schema::{MIN_READER, VERSION};
pub use session::{AccountFacts, Opens, ServedRepository, SessionFacts, SetQuotas};
#[cfg(feature = "operator")]
pub use store::{
    AuthorityRange, AuthorityRow, BadCopy, BadValue, Change, ChangeError, Code, Collaboration, Collaborator, Contents,
    Counts, DescribedOwner, DescribedRepository, Direction, Each, EmailPosition, Event, GateRequestRow, GrantPosition,
    Holder, HolderId, KeyRange, KeyRow, MOST_RULES, Member, Membership, NewKey, NewRepository, NumberedRule,
    Organization, OwnerKind, OwnerRow, Period, ProposalRow, Removed, Replacing, RepositoryRow, ScopeSettings, SeenBy,
    Signer, Store, TeamGrant, TeamMembership, TeamRow, User, UserEmail, WritesTo, all, check_team_in, check_team_of,
    not_a_member,
};

/// The database as one connection sees it: each question is a method.
///
/// A [`Reader`] sees the last committed state. A [`Change`] also sees its own steps.
#[derive(Debug)]
pub struct View<'a> {
    connection: Connection<'a>,
}
