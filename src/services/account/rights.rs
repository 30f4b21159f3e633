//! What a session may do, as one view of the database has it.
//!
//! A reading command asks a view of the last committed state. A changing command asks inside its own transaction.

use super::{Session, Trouble};
use crate::access::{
    Access, Account, Decision, Denial, Identity, KeyFacts, NotAdmitted, Scope, administers, decide, may_create,
    may_manage,
};
use crate::clock::now;
use crate::db::{Change, Holder, KeyRow, Reader, RepositoryRow, ServedRepository, Store, View};
use crate::key::Fingerprint;
use crate::message::{FaultKind, Refusal};
use crate::name::{Owner, RepoPath};

/// Who a session speaks for in one view of the database.
///
/// Holding one tells you that the view admits the session, or that the session may at most release its key.
pub(super) struct Rights<'a> {
    session: &'a Session<'a>,
    view: &'a View<'a>,
    /// Seconds UTC since 1970, one value for all decisions by this view.
    now: i64,
    pub(super) identity: Identity,
    /// The key as its row has it.
    pub(super) key: Option<KeyFacts>,
}

impl<'a> Rights<'a> {
    /// Asks who the session speaks for.
    pub(super) fn ask(session: &'a Session<'a>, view: &'a View<'a>) -> Result<Self, Trouble> {
        let standing = session.caller.session_context(view, None)?;
        let identity = match standing.identity {
            Ok(identity) => identity,
            Err(NotAdmitted::OtherAccount) => {
                return Err(Trouble::Fault(FaultKind::Broken, "the key is on another account".to_owned()));
            }
            Err(reason) if session.barred.is_some() && reason.leaves_release() => Identity::Anonymous,
            Err(reason) => return Err(Trouble::Refusal(Refusal::NotAdmitted(reason))),
        };
        Ok(Self { session, view, now: now(), identity, key: standing.key.map(|(facts, _)| facts) })
    }

    /// The account, whatever it was proven by.
    pub(super) fn account(&self) -> Result<&Account, Trouble> {
        match &self.identity {
            Identity::Account(account) | Identity::Certificate { account, .. } => Ok(account),
            Identity::DeployKey { .. } | Identity::Anonymous => {
                Err(Trouble::Refused("this needs an account: your key is on none here".to_owned()))
            }
        }
    }

    /// The account, where it may change something: by a key of its own, of scope `write`.
    pub(super) fn changing_account(&self) -> Result<&Account, Trouble> {
        match &self.identity {
            Identity::Account(account) if account.scope == Scope::Write => Ok(account),
            Identity::Account(_) => {
                Err(Trouble::Refused("this needs a key of scope write: the one that you use is for reading".to_owned()))
            }
            Identity::Certificate { .. } => {
                Err(Trouble::Refused("this needs a key of your own: a certificate changes nothing here".to_owned()))
            }
            Identity::DeployKey { .. } | Identity::Anonymous => self.account(),
        }
    }

    /// What the path leads to, whoever asks.
    pub(super) fn find(&self, path: &RepoPath) -> Result<Option<ServedRepository>, Trouble> {
        Ok(self.session.caller.session_context(self.view, Some(path))?.repository)
    }

    /// The row of a repository that was found in this view.
    pub(super) fn repository_row(&self, served: &ServedRepository) -> Result<RepositoryRow, Trouble> {
        Ok(self.view.repository(&served.path)?)
    }

    /// What the policy says of something on a repository.
    pub(super) fn decide(&self, repository: Option<&ServedRepository>, needed: Access) -> Decision {
        decide(&self.identity, repository.map(|repository| &repository.facts), needed, self.now)
    }

    /// A repository that the session may at least fetch; the gateway's own refusal otherwise, byte for byte.
    pub(super) fn repository(&self, path: &RepoPath) -> Result<ServedRepository, Trouble> {
        let repository = self.find(path)?;
        match (self.decide(repository.as_ref(), Access::Fetch), repository) {
            (Decision::Allow(_), Some(repository)) => Ok(repository),
            (Decision::Deny(Denial::Gated(request)), Some(repository)) => {
                Err(Trouble::Refusal(Refusal::Gated(repository.path, request)))
            }
            (Decision::Allow(_) | Decision::Deny(_), _) => Err(Trouble::Refusal(Refusal::NoRepository)),
        }
    }

    /// A repository that the account administers.
    pub(super) fn administered(&self, path: &RepoPath) -> Result<ServedRepository, Trouble> {
        self.changing_account()?;
        let served = self.repository(path)?;
        match self.decide(Some(&served), Access::Admin) {
            Decision::Allow(_) => Ok(served),
            Decision::Deny(Denial::Frozen) => Err(frozen(served)),
            Decision::Deny(_) => Err(Trouble::Refused(format!("you do not administer {}", served.path))),
        }
    }

    /// A repository that the account may rename and remove.
    pub(super) fn managed(&self, path: &RepoPath) -> Result<ServedRepository, Trouble> {
        let account = self.changing_account()?;
        let served = self.repository(path)?;
        if !may_manage(account, &served.facts, self.now) {
            return Err(Trouble::Refused(format!("you may neither rename nor remove {}", served.path)));
        }
        if served.facts.frozen.is_some() { Err(frozen(served)) } else { Ok(served) }
    }

    /// What the session may do with a repository that it may fetch.
    pub(super) fn access(&self, served: &ServedRepository) -> &'static str {
        let may = |needed| matches!(self.decide(Some(served), needed), Decision::Allow(_));
        match (may(Access::Admin), may(Access::Write)) {
            (true, _) => "admin",
            (false, true) => "write",
            (false, false) => "fetch",
        }
    }

    /// Refuses where the account may make no repository of that owner. The refusal says nothing of what exists.
    pub(super) fn check_may_create(&self, owner: &Owner) -> Result<&Account, Trouble> {
        let account = self.changing_account()?;
        let refused = || Trouble::Refused(format!("you may not create repositories of {owner}"));
        let (_, facts) = or_refused(self.view.owner_facts(owner, account.id), refused)?;
        if may_create(account, &facts, self.now) { Ok(account) } else { Err(refused()) }
    }

    /// Refuses a path that has a repository, hidden or not, and the old path of a repository unless the account
    /// administers it.
    pub(super) fn check_free(&self, path: &RepoPath) -> Result<(), Trouble> {
        let Some(served) = self.find(path)? else { return Ok(()) };
        let administers = matches!(self.decide(Some(&served), Access::Admin), Decision::Allow(_));
        if served.path.folded() != path.folded() && administers {
            return Ok(());
        }
        Err(Trouble::Refused(format!("there is already a {} {path}", path.kind)))
    }

    /// Refuses where the account does not administer an organization.
    pub(super) fn check_administers(&self, organization: &Owner) -> Result<(), Trouble> {
        let account = self.changing_account()?;
        let refused = || Trouble::Refused(format!("you do not administer {organization}"));
        let (_, facts) = or_refused(self.view.owner_facts(organization, account.id), refused)?;
        if administers(account, &facts, self.now) { Ok(()) } else { Err(refused()) }
    }

    /// A live key of the account's own; another's does not exist.
    pub(super) fn own_key(&self, fingerprint: &Fingerprint) -> Result<KeyRow, Trouble> {
        let account = self.account()?;
        let none = || Trouble::Refused(format!("there is no key {fingerprint} on your account"));
        let key = or_refused(self.view.key(fingerprint), none)?;
        match &key.holder {
            Holder::Account(user) if *user == account.name && key.removal.is_none() => Ok(key),
            Holder::Account(_) | Holder::Repository(_) => Err(none()),
        }
    }
}

impl Session<'_> {
    /// Answers from what the database has, without waiting for who changes it.
    pub(super) fn read<T>(&self, question: impl Fn(&Rights<'_>) -> Result<T, Trouble>) -> Result<T, Trouble> {
        let reader = Reader::open_current(&self.config.paths.database)?;
        reader.ask(|view| question(&Rights::ask(self, view)?))
    }

    /// Changes the hub: decides and acts in one transaction, so that no right is used that was withdrawn meanwhile, and
    /// no path that has come to mean another repository.
    pub(super) fn change<T>(
        &self,
        steps: impl FnOnce(&Rights<'_>, &Change<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut store = Store::open(&self.config.paths.database)?;
        store.change(&self.actor(), |change| steps(&Rights::ask(self, change)?, change))
    }
}

impl<'a> std::ops::Deref for Rights<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &Self::Target {
        self.view
    }
}

fn frozen(served: ServedRepository) -> Trouble {
    let reason = served.facts.frozen.unwrap_or_default();
    Trouble::Refusal(Refusal::Frozen(served.path, reason))
}

/// Words what is missing as a refusal. A database that fails stays a fault.
pub(super) fn or_refused<T>(
    found: Result<T, crate::db::ChangeError>,
    refused: impl FnOnce() -> Trouble,
) -> Result<T, Trouble> {
    found.map_err(|error| match error {
        crate::db::ChangeError::NotFound(_) => refused(),
        other => other.into(),
    })
}
