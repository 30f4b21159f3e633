//! What a session over SSH may do, according to one view of the database.

use super::ending::end_withdrawn;
use super::{Denied, Refused};
use crate::access::{
    Access, Account, Decision, Denial, Identity, KeyFacts, NotAdmitted, OwnerFacts, Place, Scope, administers, decide,
    may_create, may_manage, may_use,
};
use crate::clock::now;
use crate::config::Config;
use crate::db::{Change, ChangeError, Error, Holder, KeyRow, Reader, ServedRepository, Store, View};
use crate::key::Fingerprint;
use crate::message::{FaultKind, Refusal};
use crate::name::{Owner, RepoPath};
use crate::request::ForcedCommand;
use crate::session::SessionContext;
use crate::session::user_auth::Proven;

/// A session over SSH: what sshd and the gateway say about it.
///
/// Holding one tells you nothing about rights. The database is asked for them in each command.
#[derive(Debug)]
pub(crate) struct Peer<'a> {
    pub(crate) config: &'a Config,
    pub(crate) forced_command: &'a ForcedCommand,
    /// What the client proved to sshd.
    pub(crate) proven: Option<&'a Proven>,
    /// The client's address.
    pub(crate) address: &'a str,
    /// The account, its key and the session, as the audit table names them.
    pub(crate) actor: String,
    /// Whether the session is not admitted, and may only release its key.
    pub(crate) is_barred: bool,
}

impl Peer<'_> {
    /// Answers a question from the last committed state. It does not wait for a writer.
    ///
    /// # Errors
    /// What the question returns, or a fault of the database.
    pub(crate) fn read<T>(
        &self,
        mut question: impl FnMut(&Rights<'_>, &View<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let reader = Reader::open_current(&self.config.paths.database)?;
        reader.ask(|view| question(&Rights::ask(self, view)?, view))
    }

    /// Makes a change. The rights are read in its transaction. Then ends the running sessions whose rights the change
    /// has withdrawn.
    ///
    /// # Errors
    /// What the steps return, or a fault of the database; then nothing is changed.
    pub(crate) fn change<T>(
        &self,
        steps: impl FnOnce(&Rights<'_>, &Change<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        let mut store = Store::open(&self.config.paths.database)?;
        let changed = store.change(&self.actor, |change| steps(&Rights::ask(self, change)?, change))?;
        end_withdrawn(self.config);
        Ok(changed)
    }

    /// Reads the session's identity from the database, and the repository of the path.
    fn context(&self, view: &View<'_>, path: Option<&RepoPath>, now: i64) -> Result<SessionContext, Error> {
        let Self { config, forced_command, proven, address, .. } = *self;
        let mut context = SessionContext::ask(view, config, forced_command, proven, path, address, now)?;
        context.ask_about_proposals(view, config, now)?;
        Ok(context)
    }
}

/// The rights of a session in one view of the database.
///
/// Holding one tells you that the view admits the session, or that the session may at most release its key.
#[derive(Debug)]
pub(crate) struct Rights<'a> {
    peer: &'a Peer<'a>,
    view: &'a View<'a>,
    /// Seconds UTC since 1970, one value for all decisions by this view.
    pub(crate) now: i64,
    pub(crate) identity: Identity,
    /// The facts in the key's row.
    pub(super) key: Option<KeyFacts>,
}

impl<'a> Rights<'a> {
    /// Reads the session's identity from the view.
    pub(super) fn ask(peer: &'a Peer<'a>, view: &'a View<'a>) -> Result<Self, Refused> {
        let now = now();
        let context = peer.context(view, None, now)?;
        let identity = match context.identity {
            Ok(identity) => identity,
            Err(NotAdmitted::OtherAccount) => {
                return Err(Refused::Fault(FaultKind::Broken, "the key is on another account".to_owned()));
            }
            Err(reason) if peer.is_barred && reason.leaves_release() => Identity::Anonymous,
            Err(reason) => return Err(Refused::Refusal(Refusal::NotAdmitted(reason))),
        };
        Ok(Self { peer, view, now, identity, key: context.key.map(|(facts, _)| facts) })
    }

    /// The forced command of the session.
    pub(crate) fn forced_command(&self) -> &'a ForcedCommand {
        self.peer.forced_command
    }

    /// The account, however it was proven.
    pub(crate) fn account(&self) -> Result<&Account, Denied> {
        match &self.identity {
            Identity::Account(account) | Identity::Certificate { account, .. } => Ok(account),
            Identity::DeployKey { .. } | Identity::Anonymous => Err(Denied::NoAccount),
        }
    }

    /// The account, if the session may see what belongs to it: its keys. A certificate is for one organization, which
    /// can sign certificates for members that it added itself.
    pub(super) fn own_account(&self) -> Result<&Account, Denied> {
        match &self.identity {
            Identity::Account(account) => Ok(account),
            Identity::Certificate { .. } => Err(Denied::CertificateShows),
            Identity::DeployKey { .. } | Identity::Anonymous => Err(Denied::NoAccount),
        }
    }

    /// The account, if it may change something: its own key of scope `write` is in use.
    pub(crate) fn changing_account(&self) -> Result<&Account, Denied> {
        match &self.identity {
            Identity::Account(account) if account.scope == Scope::Write => Ok(account),
            Identity::Account(_) => Err(Denied::ReadingKey),
            Identity::Certificate { .. } => Err(Denied::Certificate),
            Identity::DeployKey { .. } | Identity::Anonymous => Err(Denied::NoAccount),
        }
    }

    /// The repository at a path, whether the session may see it or not.
    pub(crate) fn find(&self, path: &RepoPath) -> Result<Option<ServedRepository>, Error> {
        Ok(self.peer.context(self.view, Some(path), self.now)?.repository)
    }

    /// What the policy decides about a repository.
    pub(crate) fn decide(&self, repository: Option<&ServedRepository>, needed: Access) -> Decision {
        decide(&self.identity, repository.map(|repository| &repository.facts), needed, self.now)
    }

    /// A repository that the session may at least fetch. Otherwise returns the gateway's refusal, byte for byte.
    pub(crate) fn repository(&self, path: &RepoPath) -> Result<ServedRepository, Refused> {
        let repository = self.find(path)?;
        match (self.decide(repository.as_ref(), Access::Fetch), repository) {
            (Decision::Allow(_), Some(repository)) => Ok(repository),
            (Decision::Deny(Denial::Gated(request)), Some(repository)) => {
                Err(Refused::Refusal(Refusal::Gated(repository.path, request)))
            }
            (Decision::Allow(_) | Decision::Deny(_), _) => Err(Refused::Refusal(Refusal::NoRepository)),
        }
    }

    /// Whether the session may fetch a repository.
    pub(super) fn may_fetch(&self, path: &RepoPath) -> Result<bool, Error> {
        let repository = self.find(path)?;
        Ok(matches!(self.decide(repository.as_ref(), Access::Fetch), Decision::Allow(_)))
    }

    /// A repository that the account administers.
    pub(super) fn administered(&self, path: &RepoPath) -> Result<ServedRepository, Refused> {
        self.changing_account()?;
        let served = self.repository(path)?;
        match self.decide(Some(&served), Access::Admin) {
            Decision::Allow(_) => Ok(served),
            Decision::Deny(Denial::Frozen) => Err(frozen(served)),
            Decision::Deny(_) => Err(Denied::Repository(served.path).into()),
        }
    }

    /// A repository that the account may rename and remove.
    pub(super) fn managed(&self, path: &RepoPath) -> Result<ServedRepository, Refused> {
        let account = self.changing_account()?;
        let served = self.repository(path)?;
        if !may_manage(account, &served.facts, self.now) {
            return Err(Denied::Manage(served.path).into());
        }
        if served.facts.frozen.is_some() { Err(frozen(served)) } else { Ok(served) }
    }

    /// What the session may do with a repository that it may fetch.
    pub(super) fn access(&self, served: &ServedRepository) -> Access {
        match self.decide(Some(served), Access::Fetch) {
            Decision::Allow(access) if served.facts.frozen.is_none() => access,
            Decision::Allow(_) => Access::Fetch,
            Decision::Deny(_) => Access::None,
        }
    }

    /// Refuses an account that may not create repositories of that owner. The refusal does not tell what exists.
    pub(super) fn check_may_create(&self, owner: &Owner) -> Result<&Account, Refused> {
        let account = self.changing_account()?;
        let denied = || Denied::Create(owner.clone());
        let (_, facts) = or_denied(self.view.owner_facts(owner, account.id), denied)?;
        if may_create(account, &facts, self.now) { Ok(account) } else { Err(denied().into()) }
    }

    /// Refuses a path that has a repository, hidden or not, and an old path that the account may not use again.
    pub(super) fn check_free(&self, path: &RepoPath) -> Result<(), Refused> {
        let account = self.changing_account()?;
        let context = self.peer.context(self.view, Some(path), self.now)?;
        match context.place {
            Some(place) if !may_use(account, &place, self.now) => Err(Denied::Reserved(path.clone()).into()),
            Some(Place { moved: None, .. }) if context.repository.is_some() => {
                Err(Denied::Exists { path: path.clone() }.into())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses an account that does not administer the organization.
    pub(super) fn check_administers(&self, organization: &Owner) -> Result<(), Refused> {
        let account = self.changing_account()?;
        let denied = || Denied::Organization(organization.clone());
        let (_, facts) = or_denied(self.view.owner_facts(organization, account.id), denied)?;
        if administers(account, &facts, self.now) { Ok(()) } else { Err(denied().into()) }
    }

    /// Whether the session's rights at an owner count. A certificate shows only what everyone may see, except at the
    /// organization of its authority.
    pub(super) fn counts_at(&self, facts: &OwnerFacts) -> bool {
        match &self.identity {
            Identity::Certificate { organization, .. } => *organization == facts.id,
            Identity::Account(_) | Identity::DeployKey { .. } | Identity::Anonymous => true,
        }
    }

    /// A key of the account that was not removed. Keys of other accounts look missing.
    pub(super) fn own_key(&self, fingerprint: &Fingerprint) -> Result<KeyRow, Refused> {
        let account = self.own_account()?;
        let denied = || Denied::Key(*fingerprint);
        let key = or_denied(self.view.key(fingerprint), denied)?;
        match &key.holder {
            Holder::Account(user) if *user == account.name && key.removal.is_none() => Ok(key),
            Holder::Account(_) | Holder::Repository(_) => Err(denied().into()),
        }
    }
}

pub(super) fn frozen(served: ServedRepository) -> Refused {
    let reason = served.facts.frozen.unwrap_or_default();
    Refused::Refusal(Refusal::Frozen(served.path, reason))
}

/// Turns "not found" into a denial. A fault of the database stays a fault.
pub(super) fn or_denied<T>(found: Result<T, ChangeError>, denied: impl FnOnce() -> Denied) -> Result<T, Refused> {
    found.map_err(|error| match error {
        ChangeError::NotFound(_) => denied().into(),
        other => other.into(),
    })
}
