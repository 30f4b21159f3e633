//! Who may do what: the table of the house, as pure functions.
//!
//! Facts that the database gave enter, a [`Decision`] leaves. No I/O and no clock of its own: `now` is whole seconds
//! UTC since 1970, one value a session, and a grant holds while `now` is before its end.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};
use crate::request::{Form, Operation, Service};
use crate::word::words;

/// What one may do with a repository; each level contains the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Nothing, not even to learn that it exists.
    None,
    /// Fetch, clone, download.
    Fetch,
    /// Push, upload.
    Write,
    /// Rename, change visibility, invite, remove.
    Admin,
}

impl Service {
    /// The access that a service needs.
    #[must_use]
    pub fn needs(self) -> Access {
        match self {
            Self::UploadPack | Self::UploadArchive => Access::Fetch,
            Self::ReceivePack => Access::Write,
        }
    }
}

impl Operation {
    /// The access that a transfer needs.
    #[must_use]
    pub fn needs(self) -> Access {
        match self {
            Self::Download => Access::Fetch,
            Self::Upload => Access::Write,
        }
    }
}

words! {
    /// A member's role in an organization.
    pub enum Role {
        /// A member by name only.
        NoAccess = "no_access",
        /// May fetch.
        Read = "read",
        /// May fetch, create, and write what they created.
        Contributor = "contributor",
        /// May write everything.
        Write = "write",
        /// May administer everything.
        Admin = "admin",
    }
}

words! {
    /// A collaborator's role on one repository.
    pub enum CollaboratorRole {
        /// May fetch.
        Read = "read",
        /// May write.
        Write = "write",
        /// May administer.
        Admin = "admin",
    }
}

impl CollaboratorRole {
    fn access(self) -> Access {
        match self {
            Self::Read => Access::Fetch,
            Self::Write => Access::Write,
            Self::Admin => Access::Admin,
        }
    }
}

words! {
    /// Who may see a repository.
    pub enum Visibility {
        /// Everybody.
        Public = "public",
        /// Who was granted access.
        Private = "private",
    }
}

words! {
    /// Where an account's request to pass a gate stands.
    pub enum GateRequest {
        /// Never asked.
        None = "none",
        /// Waits for an answer.
        Pending = "pending",
        /// May fetch.
        Accepted = "accepted",
        /// Was turned down.
        Rejected = "rejected",
    }
}

/// Whether a public repository's content must be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// It need not.
    Open,
    /// It must, except by members of the owning organization.
    Closed,
    /// It must, by members with the role `read` too.
    ClosedToMembers,
}

/// Something granted, until an instant or for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<T> {
    /// What was granted.
    pub value: T,
    /// The first second at which it no longer holds.
    pub until: Option<i64>,
}

impl<T: Copy> Grant<T> {
    fn at(grant: Option<Self>, now: i64) -> Option<T> {
        grant.filter(|grant| is_live(grant.until, now)).map(|grant| grant.value)
    }
}

/// Whether something with this end still holds.
fn is_live(until: Option<i64>, now: i64) -> bool {
    until.is_none_or(|end| now < end)
}

words! {
    /// What a key may be used for.
    pub enum Scope {
        /// Fetch only.
        Read = "read",
        /// All that the account may.
        Write = "write",
    }
}

/// The addresses that a key may be used from: networks such as `192.0.2.0/24` and `2001:db8::/32`, with commas between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources(Vec<IpNet>);

impl Sources {
    /// Whether a peer at that address may use the key. An address that is none may not.
    #[must_use]
    pub fn admit(&self, address: &str) -> bool {
        // sshd writes an IPv4 peer of an IPv6 socket as IPv4, and a link-local address with its zone.
        let address = address.split('%').next().unwrap_or_default();
        address.parse::<IpAddr>().is_ok_and(|address| self.0.iter().any(|network| network.contains(&address)))
    }
}

impl FromStr for Sources {
    type Err = BadSources;

    fn from_str(text: &str) -> Result<Self, BadSources> {
        let network = |word: &str| {
            let address = || word.parse::<IpAddr>().map(IpNet::from);
            word.parse::<IpNet>().or_else(|_| address()).map_err(|_| BadSources)
        };
        text.split(',').map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// Not a list of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("addresses are networks such as 192.0.2.0/24 or 2001:db8::/32, with commas between")]
pub struct BadSources;

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
    /// The words that the helper would hand to the gateway.
    #[must_use]
    pub fn form(&self, fingerprint: Fingerprint) -> Form {
        match (&self.holder, self.removed) {
            (_, Some(Removal::Ordinary)) => Form::Anonymous(fingerprint),
            (KeyHolder::Account { account, .. }, _) => Form::Account(account.name.clone(), fingerprint),
            (KeyHolder::Repository { .. }, _) => Form::DeployKey(fingerprint),
        }
    }
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

/// What a refused session hears about its key or account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The key was taken off the account or the repository after the connection was opened.
    NoLongerOn,
    /// The key's time is over since that second.
    Expired(i64),
    /// The operator disabled the account, for that reason.
    Disabled(String),
    /// The key may not be used from the peer's address.
    Address(String),
    /// A certificate, and what is wrong with it.
    Certificate(BadCertificate),
    /// The key was reported as compromised.
    Compromised,
    /// The forced command names an account that the key was never on. Not the peer's doing.
    OtherAccount,
}

impl NotAdmitted {
    /// Whether whoever proves the key may still take it off what it is on.
    #[must_use]
    pub fn leaves_release(&self) -> bool {
        match self {
            Self::Expired(_) | Self::Disabled(_) | Self::Address(_) => true,
            Self::NoLongerOn | Self::Certificate(_) | Self::Compromised | Self::OtherAccount => false,
        }
    }
}

/// What is wrong with a certificate that sshd took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadCertificate {
    /// No organization has that authority any more.
    #[error("its authority is none of an organization here")]
    Authority,
    /// It was taken back.
    #[error("it was revoked")]
    Revoked,
    /// It is good for longer than the organization allows.
    #[error("it is good for longer than its authority may sign for")]
    Lifetime,
    /// The key that it certifies was reported as compromised.
    #[error("its key was removed as compromised")]
    Compromised,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// Its time has not come.
    #[error("its time has not come yet")]
    NotYet,
    /// Its principal is no member of the organization.
    #[error("its principal is no member of the organization")]
    Member,
}

/// What the database says of a certificate's authority and principal, and the certificate of its own lifetime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The organization whose authority signed it, and the longest lifetime that it may give, in seconds.
    pub authority: Option<(i64, i64)>,
    /// The principal's account, and why it is disabled, if so.
    pub account: Option<(Account, Option<String>)>,
    /// The principal's membership.
    pub member: Option<Grant<Role>>,
    /// Whether its serial number or key id was taken back.
    pub revoked: bool,
    /// Whether the key that it certifies was reported as compromised.
    pub compromised: bool,
    /// From when and until when it is good, seconds UTC since 1970.
    pub validity: (i64, i64),
}

/// Says who a session by a certificate speaks for. sshd has checked the signature and the principal.
///
/// # Errors
/// Why nobody is admitted.
pub fn identify_certificate(certificate: &CertificateFacts, now: i64) -> Result<Identity, NotAdmitted> {
    let bad = |why| Err(NotAdmitted::Certificate(why));
    let Some((organization, max_ttl)) = certificate.authority else {
        return bad(BadCertificate::Authority);
    };
    let (Some((account, disabled)), Some(_)) = (&certificate.account, Grant::at(certificate.member, now)) else {
        return bad(BadCertificate::Member);
    };
    if let Some(reason) = disabled {
        return Err(NotAdmitted::Disabled(reason.clone()));
    }
    let (start, end) = certificate.validity;
    match certificate {
        CertificateFacts { compromised: true, .. } => bad(BadCertificate::Compromised),
        CertificateFacts { revoked: true, .. } => bad(BadCertificate::Revoked),
        _ if end.saturating_sub(start) > max_ttl => bad(BadCertificate::Lifetime),
        _ if now < start => bad(BadCertificate::NotYet),
        _ if now >= end => bad(BadCertificate::Expired),
        _ => Ok(Identity::Certificate { account: account.clone(), organization }),
    }
}

/// Says who a session speaks for: the words of the forced command, against the key's row as it stands now.
///
/// `key` is `None` where no row has that fingerprint; `address` is the peer's.
///
/// # Errors
/// Why nobody is admitted.
pub fn identify(form: &Form, key: Option<&KeyFacts>, address: &str, now: i64) -> Result<Identity, NotAdmitted> {
    if key.is_some_and(|key| key.removed == Some(Removal::Compromised)) {
        return Err(NotAdmitted::Compromised);
    }
    let live = key.filter(|key| key.removed.is_none());
    let (holder, key) = match (form, live) {
        // A connection that began as anonymous stays so, even if its key has joined an account meanwhile.
        (Form::Anonymous(_), _) => return Ok(Identity::Anonymous),
        (Form::Account(..) | Form::DeployKey(_) | Form::Certificate(..), None) => return Err(NotAdmitted::NoLongerOn),
        (Form::Account(..) | Form::DeployKey(_) | Form::Certificate(..), Some(key)) => (&key.holder, key),
    };
    let identity = match (form, holder) {
        // Byte for byte: a rename takes effect with the next connection.
        (Form::Account(user, _), KeyHolder::Account { account, disabled }) if *user == account.name => {
            if let Some(reason) = disabled {
                return Err(NotAdmitted::Disabled(reason.clone()));
            }
            Identity::Account(account.clone())
        }
        (Form::DeployKey(_), KeyHolder::Repository { id, scope, .. }) => {
            Identity::DeployKey { repository: *id, scope: *scope }
        }
        (Form::Account(..) | Form::Anonymous(_) | Form::Certificate(..), _)
        | (Form::DeployKey(_), KeyHolder::Account { .. }) => {
            return Err(NotAdmitted::OtherAccount);
        }
    };
    match (key.expires_at, &key.sources) {
        (Some(end), _) if now >= end => Err(NotAdmitted::Expired(end)),
        (_, Some(sources)) if !sources.admit(address) => Err(NotAdmitted::Address(address.to_owned())),
        (_, _) => Ok(identity),
    }
}

/// What the database says of the repository that is asked for, and of the account's standing there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// The row.
    pub id: i64,
    /// The row of the owner.
    pub owner: i64,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether its content must be asked for.
    pub gate: Gate,
    /// Why it takes no pushes, if so.
    pub frozen: Option<String>,
    /// Whether the session's account created it.
    pub created_by_account: bool,
    /// The account's role in the owning organization.
    pub role: Option<Grant<Role>>,
    /// What the account was granted on this repository.
    pub collaborator: Option<Grant<CollaboratorRole>>,
    /// The account's request to pass the gate, where it made one.
    pub gate_request: Option<Grant<GateRequest>>,
}

impl RepositoryFacts {
    /// Where the account's request to pass the gate stands: one whose time is over was never made.
    #[must_use]
    pub fn gate_request_at(&self, now: i64) -> GateRequest {
        Grant::at(self.gate_request, now).unwrap_or(GateRequest::None)
    }
}

/// Why the policy says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// Missing, or hidden from this identity: one value, so that the two cannot drift apart.
    NoRepository,
    /// May fetch, may not write.
    ReadOnly,
    /// The gate is closed.
    Gated(GateRequest),
    /// May write, but nobody can at present.
    Frozen,
}

/// The verdict.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Go on, with this access.
    Allow(Access),
    /// Say no.
    Deny(Denial),
}

/// Decides whether `identity` has what is `needed` on a repository; `None` where the hub has none of that path.
pub fn decide(identity: &Identity, repository: Option<&RepositoryFacts>, needed: Access, now: i64) -> Decision {
    let Some(repository) = repository else {
        return Decision::Deny(Denial::NoRepository);
    };
    let access = access(identity, repository, now);
    match (access, repository.visibility) {
        (Access::None, Visibility::Private) => Decision::Deny(Denial::NoRepository),
        // Public and yet nothing: only a gate does that.
        (Access::None, Visibility::Public) => Decision::Deny(Denial::Gated(gate_request(identity, repository, now))),
        (access, _) if access < needed => Decision::Deny(Denial::ReadOnly),
        (_, _) if needed >= Access::Write && repository.frozen.is_some() => Decision::Deny(Denial::Frozen),
        (access, _) => Decision::Allow(access),
    }
}

/// The highest of the grants that apply.
fn access(identity: &Identity, repository: &RepositoryFacts, now: i64) -> Access {
    let everybody = everybody(repository);
    match identity {
        Identity::DeployKey { repository: its_own, scope } if *its_own == repository.id => match scope {
            Scope::Read => Access::Fetch,
            Scope::Write => Access::Write,
        },
        Identity::Anonymous | Identity::DeployKey { .. } => everybody,
        Identity::Certificate { organization, .. } if *organization != repository.owner => everybody,
        Identity::Account(account) | Identity::Certificate { account, .. } => {
            let granted = everybody.max(personal(account, repository, now));
            match account.scope {
                Scope::Read => granted.min(Access::Fetch),
                Scope::Write => granted,
            }
        }
    }
}

/// What everybody may do.
fn everybody(repository: &RepositoryFacts) -> Access {
    match (repository.visibility, repository.gate) {
        (Visibility::Public, Gate::Open) => Access::Fetch,
        (Visibility::Public, Gate::Closed | Gate::ClosedToMembers) | (Visibility::Private, _) => Access::None,
    }
}

/// What an account was given: by owning, by a role, by a grant on the repository, by an accepted gate request.
fn personal(account: &Account, repository: &RepositoryFacts, now: i64) -> Access {
    let owned = if account.id == repository.owner { Access::Admin } else { Access::None };
    let role = match Grant::at(repository.role, now) {
        None | Some(Role::NoAccess) => Access::None,
        Some(Role::Read) => match (repository.visibility, repository.gate) {
            (Visibility::Public, Gate::ClosedToMembers) => Access::None,
            (Visibility::Public, Gate::Open | Gate::Closed) | (Visibility::Private, _) => Access::Fetch,
        },
        Some(Role::Contributor) if repository.created_by_account => Access::Write,
        Some(Role::Contributor) => Access::Fetch,
        Some(Role::Write) => Access::Write,
        Some(Role::Admin) => Access::Admin,
    };
    let collaborator = Grant::at(repository.collaborator, now).map_or(Access::None, CollaboratorRole::access);
    // A gate counts while the repository is public: what it let in before does not open a private one.
    let gate = match (repository.visibility, repository.gate_request_at(now)) {
        (Visibility::Public, GateRequest::Accepted) => Access::Fetch,
        (Visibility::Public, GateRequest::None | GateRequest::Pending | GateRequest::Rejected)
        | (Visibility::Private, _) => Access::None,
    };
    owned.max(role).max(collaborator).max(gate)
}

/// What the database says of an owner, and of an account's standing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerFacts {
    /// The row.
    pub id: i64,
    /// Whether a user may create repositories under the own name.
    pub may_create: bool,
    /// The account's role, where the owner is an organization.
    pub role: Option<Grant<Role>>,
}

/// Whether an account may create repositories of that owner: its own, where it may, and from contributor on an
/// organization's.
#[must_use]
pub fn may_create(account: &Account, owner: &OwnerFacts, now: i64) -> bool {
    if account.id == owner.id {
        return owner.may_create;
    }
    match Grant::at(owner.role, now) {
        Some(Role::Contributor | Role::Write | Role::Admin) => true,
        None | Some(Role::NoAccess | Role::Read) => false,
    }
}

/// Whether an account administers an owner: itself, or an organization whose admin it is.
#[must_use]
pub fn administers(account: &Account, owner: &OwnerFacts, now: i64) -> bool {
    account.id == owner.id || Grant::at(owner.role, now) == Some(Role::Admin)
}

/// Whether an account may rename and remove a repository: who administers it, and the members who write it by their
/// role (the Hub's rule: "write" creates, deletes and renames).
#[must_use]
pub fn may_manage(account: &Account, repository: &RepositoryFacts, now: i64) -> bool {
    if account.scope == Scope::Read {
        return false;
    }
    match Grant::at(repository.role, now) {
        Some(Role::Write | Role::Admin) => true,
        Some(Role::Contributor) if repository.created_by_account => true,
        None | Some(_) => personal(account, repository, now) == Access::Admin,
    }
}

/// Where the identity's own request stands; who has no account cannot have asked, and what an account was told does not
/// count for a certificate away from its organization.
fn gate_request(identity: &Identity, repository: &RepositoryFacts, now: i64) -> GateRequest {
    match identity {
        Identity::Certificate { organization, .. } if *organization != repository.owner => GateRequest::None,
        Identity::Account(_) | Identity::Certificate { .. } => repository.gate_request_at(now),
        Identity::DeployKey { .. } | Identity::Anonymous => GateRequest::None,
    }
}

#[cfg(test)]
mod tests;
