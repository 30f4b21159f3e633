//! Who a session speaks for: the words of the forced command, held against the key's row as it stands now.

use super::not_admitted::NotAdmitted;
use super::sources::Sources;
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath, Title};
use crate::request::ForcedCommand;
use crate::word::words;

words! {
    /// What a key may be used for.
    pub enum Scope {
        /// Fetch only.
        Read = "read",
        /// All that the account may.
        Write = "write",
    }
}

/// A person's account, as a session carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The row.
    pub id: i64,
    /// Its name.
    pub name: Owner,
    /// What the key that opened the session may be used for.
    pub scope: Scope,
}

/// Who a session speaks for.
///
/// Holding one tells you that sshd saw the key proven and that the key and the account were good at `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An account, by a key of its own.
    Account(Account),
    /// An account, by a certificate of an organization's authority: good for that organization's repositories.
    Certificate {
        /// Whose.
        account: Account,
        /// The row of the organization.
        organization: i64,
    },
    /// A key of one repository.
    DeployKey {
        /// The row of the repository.
        repository: i64,
        /// What it may be used for.
        scope: Scope,
    },
    /// A key on no account.
    Anonymous,
}

/// What the database says of the key that a session proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// What the key opens.
    pub holder: KeyHolder,
    /// The addresses that it may be used from; `None` is anywhere.
    pub sources: Option<Sources>,
    /// When the key stops to be good.
    pub expires_at: Option<i64>,
    /// Whether the key was taken off, and how.
    pub removed: Option<Removal>,
}

impl KeyFacts {
    /// The words that led to the key's holder, whether or not the key is still on it.
    #[must_use]
    pub fn form_of_holder(&self, fingerprint: Fingerprint) -> ForcedCommand {
        match &self.holder {
            KeyHolder::Account { account, .. } => ForcedCommand::Account(account.name.clone(), fingerprint),
            KeyHolder::Repository { .. } => ForcedCommand::DeployKey(fingerprint),
        }
    }

    /// The words that the helper would hand to the gateway.
    #[must_use]
    pub fn form(&self, fingerprint: Fingerprint) -> ForcedCommand {
        match self.removed {
            Some(Removal::Ordinary) => ForcedCommand::Anonymous(fingerprint),
            Some(Removal::Compromised) | None => self.form_of_holder(fingerprint),
        }
    }
}

/// A key that came onto an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedKey {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// What its owner calls it.
    pub title: Title,
    /// Seconds UTC since 1970.
    pub added_at: i64,
}

/// What a key opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyHolder {
    /// An account.
    Account {
        /// Whose.
        account: Account,
        /// Why the account is disabled, if so.
        disabled: Option<String>,
    },
    /// One repository: a deploy key.
    Repository {
        /// The row.
        id: i64,
        /// Where it is.
        path: RepoPath,
        /// What the key may be used for.
        scope: Scope,
    },
}

words! {
    /// How a key left its account.
    pub enum Removal {
        /// In the ordinary course: the key is an unknown key now.
        Ordinary = "ordinary",
        /// Because somebody else may hold it: it is refused for ever.
        Compromised = "compromised",
    }
}

/// Says who a session speaks for: the words of the forced command, against the key's row as it stands now.
///
/// `key` is `None` where no row has that fingerprint; `address` is the peer's.
///
/// # Errors
/// Why nobody is admitted.
pub fn identify(
    form: &ForcedCommand,
    key: Option<&KeyFacts>,
    address: &str,
    now: i64,
) -> Result<Identity, NotAdmitted> {
    if key.is_some_and(|key| key.removed == Some(Removal::Compromised)) {
        return Err(NotAdmitted::Compromised);
    }
    let live = key.filter(|key| key.removed.is_none());
    let (holder, key) = match (form, live) {
        // A connection that began as anonymous stays so, even if its key has joined an account meanwhile.
        (ForcedCommand::Anonymous(_) | ForcedCommand::AuthInfo, _) => return Ok(Identity::Anonymous),
        (ForcedCommand::Account(..) | ForcedCommand::DeployKey(_) | ForcedCommand::Certificate(..), None) => {
            return Err(NotAdmitted::NoLongerOn);
        }
        (ForcedCommand::Account(..) | ForcedCommand::DeployKey(_) | ForcedCommand::Certificate(..), Some(key)) => {
            (&key.holder, key)
        }
    };
    let identity = match (form, holder) {
        // Byte for byte: a rename takes effect with the next connection.
        (ForcedCommand::Account(user, _), KeyHolder::Account { account, disabled }) if *user == account.name => {
            if let Some(reason) = disabled {
                return Err(NotAdmitted::Disabled(reason.clone()));
            }
            Identity::Account(account.clone())
        }
        (ForcedCommand::DeployKey(_), KeyHolder::Repository { id, scope, .. }) => {
            Identity::DeployKey { repository: *id, scope: *scope }
        }
        (
            ForcedCommand::Account(..)
            | ForcedCommand::Anonymous(_)
            | ForcedCommand::AuthInfo
            | ForcedCommand::Certificate(..),
            _,
        )
        | (ForcedCommand::DeployKey(_), KeyHolder::Account { .. }) => {
            return Err(NotAdmitted::OtherAccount);
        }
    };
    match (key.expires_at, &key.sources) {
        (Some(end), _) if now >= end => Err(NotAdmitted::Expired(end)),
        (_, Some(sources)) if !sources.admit(address) => Err(NotAdmitted::Address(address.to_owned())),
        (_, _) => Ok(identity),
    }
}
