//! Commands of an account over SSH: what `ssh git@hub whoami`, `key …`, `repo …` and their kin do.
//!
//! The gateway hands over its own words and environment; everything is asked anew here. What one may not fetch is
//! answered in the very words that git's peers read, and every change asks for an account by a key of scope `write`.

mod access;
pub(crate) mod cli;
mod dispatch;
mod explain;
mod join;
mod key;
mod org;
mod repo;
mod rights;

use serde_json::Value;

use super::caller::Caller;
use crate::access::{Identity, KeyFacts, NotAdmitted};
use crate::config::Config;
use crate::db::{self, ChangeError, DatabaseError};
use crate::message::{FaultKind, Refusal};
use crate::name::Title;
use crate::request::ForcedCommand;

pub(super) use dispatch::run;

/// Why a command came to nothing.
#[derive(Debug)]
enum Trouble {
    /// In the words of the gateway.
    Refusal(Refusal),
    /// In words of its own; status 1.
    Refused(String),
    /// Used wrongly; status 2.
    Usage(String),
    /// Ours; the cause is for the log.
    Fault(FaultKind, String),
    /// The database failed.
    Database(db::Error),
}

impl From<ChangeError> for Trouble {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Database(error) => error.into(),
            // Whose key it is, is for operators to read.
            ChangeError::KeyInUse { fingerprint, .. } => {
                Self::Refused(format!("the key {fingerprint} is already in use"))
            }
            ChangeError::NotFound(_) | ChangeError::Conflict(_) => Self::Refused(error.to_string()),
            ChangeError::Name(..) => Self::Usage(error.to_string()),
        }
    }
}

impl From<db::Error> for Trouble {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

/// What a command says: text for people, JSON for programs.
struct Outcome {
    text: String,
    json: Value,
}

impl Outcome {
    fn new(text: impl Into<String>, json: Value) -> Self {
        Self { text: text.into(), json }
    }
}

/// One command's session.
struct Session<'a> {
    caller: &'a Caller,
    config: &'a Config,
    form: &'a ForcedCommand,
    identity: Identity,
    /// Why the key opens nothing but its own release.
    barred: Option<NotAdmitted>,
    /// The key as its row has it.
    key: Option<&'a (KeyFacts, Title)>,
    now: i64,
}

impl Session<'_> {
    /// Who asked, for the audit: the account and its key.
    fn actor(&self) -> String {
        format!("{} {} sid={}", self.form.user(), self.form.key(), self.caller.sid)
    }
}

impl DatabaseError for Trouble {
    fn database(&self) -> Option<&db::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Refusal(_) | Self::Refused(_) | Self::Usage(_) | Self::Fault(..) => None,
        }
    }
}

/// Without a terminal nothing can be asked: what cannot be undone needs `--yes`.
fn sure(yes: bool, question: &str) -> Result<(), Trouble> {
    if yes { Ok(()) } else { Err(Trouble::Usage(format!("{question} Say so with --yes"))) }
}

#[cfg(test)]
mod tests;
