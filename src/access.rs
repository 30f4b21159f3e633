//! Who may do what: the table of the house, as pure functions.
//!
//! Facts that the database gave enter, a [`Decision`] leaves. No I/O and no clock of its own: `now` is whole seconds
//! UTC since 1970, one value a session, and a grant holds while `now` is before its end.

mod certificate;
mod identity;
mod not_admitted;
mod sources;

use crate::request::{Operation, Service};
use crate::word::words;

pub use certificate::{CertificateFacts, identify_certificate};
pub use identity::{Account, AddedKey, Identity, KeyFacts, KeyHolder, Removal, Scope, identify};
pub use not_admitted::{BadCertificate, NotAdmitted};
pub use sources::{BadSources, Sources};

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
    /// How requests to pass a gate are answered.
    pub enum GateMode {
        /// There is no gate.
        None = "none",
        /// At once, by yes.
        Auto = "auto",
        /// By whoever administers the repository.
        Manual = "manual",
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
    pub(crate) fn access(self) -> Access {
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

/// Whether an account belongs to an organization, in whatever role.
#[must_use]
pub fn is_member(organization: &OwnerFacts, now: i64) -> bool {
    Grant::at(organization.role, now).is_some()
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
