//! The identity of a session: the forced command, checked against the current row of the key.

use super::Role;
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
        /// Everything that the account may do.
        Write = "write",
    }
}

/// A person's account, in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The id of the row.
    pub id: i64,
    /// Its name.
    pub name: Owner,
    /// What the key that opened the session may be used for.
    pub scope: Scope,
}

/// The identity that a session acts for.
///
/// Holding one tells you that sshd verified the key and that key and account were valid at `now`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// An account, by one of its keys.
    Account(Account),
    /// An account, by a certificate of an organization's CA; it applies to that organization's repositories.
    Certificate {
        /// The account.
        account: Account,
        /// The id of the organization's row.
        organization: i64,
    },
    /// A deploy key of one repository.
    DeployKey {
        /// The id of the repository's row.
        repository: i64,
        /// What the key may be used for.
        scope: Scope,
    },
    /// A key on no account.
    Anonymous,
}

impl Identity {
    /// The account whose grants count for the repositories of this owner. Those of a certificate's account count only
    /// in the certificate's organization.
    #[must_use]
    pub fn account_at(&self, owner: i64) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Certificate { account, organization } => (*organization == owner).then_some(account),
            Self::DeployKey { .. } | Self::Anonymous => None,
        }
    }
}

/// What the database says about the key that a session proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFacts {
    /// What the key is registered for.
    pub holder: KeyHolder,
    /// The addresses from which the key may be used; `None` means any address.
    pub sources: Option<Sources>,
    /// When the key expires.
    pub expires_at: Option<i64>,
    /// Whether and how the key was removed.
    pub removed: Option<Removal>,
}

impl KeyFacts {
    /// The forced command for the key's holder, even if the key was removed.
    #[must_use]
    pub fn forced_command_of_holder(&self, fingerprint: Fingerprint) -> ForcedCommand {
        match &self.holder {
            KeyHolder::Account { account, .. } => ForcedCommand::Account(account.name.clone(), fingerprint),
            KeyHolder::Repository { .. } => ForcedCommand::DeployKey(fingerprint),
        }
    }

    /// The forced command that the helper would print for this key.
    #[must_use]
    pub fn forced_command(&self, fingerprint: Fingerprint) -> ForcedCommand {
        match self.removed {
            Some(Removal::Ordinary) => ForcedCommand::Anonymous(fingerprint),
            Some(Removal::Compromised) | None => self.forced_command_of_holder(fingerprint),
        }
    }
}

/// A key that was added to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its title.
    pub title: Title,
    /// When it was added, in Unix time.
    pub added_at: i64,
}

/// An organization that an account was put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedMembership {
    /// The organization.
    pub organization: Owner,
    /// The role now.
    pub role: Role,
    /// When the account was put into it, in Unix time.
    pub added_at: i64,
}

/// What a key is registered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyHolder {
    /// An account.
    Account {
        /// The account.
        account: Account,
        /// Why the account is disabled, if it is.
        disabled: Option<String>,
    },
    /// One repository: a deploy key.
    Repository {
        /// The id of the row.
        id: i64,
        /// The repository's path.
        path: RepoPath,
        /// What the key may be used for.
        scope: Scope,
    },
}

words! {
    /// How a key was removed.
    pub enum Removal {
        /// Ordinary: the key is now an unknown key.
        Ordinary = "ordinary",
        /// Compromised: the key is refused for ever.
        Compromised = "compromised",
    }
}

/// Returns the identity of a session from the forced command and the current row of the key.
///
/// `key` is `None` if no row has that fingerprint; `address` is the peer's.
///
/// # Errors
/// Why the session is not admitted.
pub fn identify(
    forced_command: &ForcedCommand,
    key: Option<&KeyFacts>,
    address: &str,
    now: i64,
) -> Result<Identity, NotAdmitted> {
    if key.is_some_and(|key| key.removed == Some(Removal::Compromised)) {
        return Err(NotAdmitted::Compromised);
    }
    let live = key.filter(|key| key.removed.is_none());
    let (holder, key) = match (forced_command, live) {
        // An anonymous connection stays anonymous, even after its key has joined an account.
        (ForcedCommand::Anonymous(_) | ForcedCommand::AuthInfo, _) => return Ok(Identity::Anonymous),
        (ForcedCommand::Account(..) | ForcedCommand::DeployKey(_) | ForcedCommand::Certificate(..), None) => {
            return Err(NotAdmitted::NoLongerOn);
        }
        (ForcedCommand::Account(..) | ForcedCommand::DeployKey(_) | ForcedCommand::Certificate(..), Some(key)) => {
            (&key.holder, key)
        }
    };
    let identity = match (forced_command, holder) {
        // Compared byte for byte: after a rename, only new connections are admitted.
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
