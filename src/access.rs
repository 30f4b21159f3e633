//! Who may do what: the access table, as pure functions.
//!
//! Facts from the database enter, a [`Decision`] leaves. This module does no I/O and reads no clock: `now` is Unix time
//! in seconds, one value per session. A grant is valid while `now` is before its end.

mod certificate;
mod holder;
mod identity;
mod not_admitted;
pub mod proposal;
pub mod rule;
mod signer;
mod sources;

use crate::name::RepoPath;
use crate::request::{Operation, Service};
use crate::word::words;

pub use certificate::{AuthorityFacts, CertificateFacts, identify_certificate};
pub use holder::{BadHolderId, HolderId};
pub use identity::{Account, AddedKey, AddedMembership, Identity, KeyFacts, KeyHolder, Removal, Scope, identify};
pub use not_admitted::{BadCertificate, NotAdmitted};
pub use signer::{MustSign, SignedBy, SignerFacts, SignerVerdict, decide_signer};
pub use sources::{BadSources, Sources, network};

words! {
    /// What an identity may do with a repository; each level contains the level before it.
    pub enum Access {
        /// Nothing; the repository looks missing.
        None = "none",
        /// Fetch, clone, download.
        Fetch = "fetch",
        /// Open proposals, and push to the proposals that it opened.
        Propose = "propose",
        /// Push, upload.
        Write = "write",
        /// Rename, change visibility, invite, remove.
        Admin = "admin",
    }
}

impl Service {
    /// The least access that the service needs. A push to branches and tags needs more than a proposal.
    #[must_use]
    pub fn needs(self) -> Access {
        match self {
            Self::UploadPack | Self::UploadArchive => Access::Fetch,
            Self::ReceivePack => Access::Propose,
        }
    }
}

impl Operation {
    /// The access that the transfer needs.
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
        /// Accepted at once.
        Auto = "auto",
        /// Answered by an administrator of the repository.
        Manual = "manual",
    }
}

words! {
    /// A member's role in an organization.
    pub enum Role {
        /// A member without access.
        NoAccess = "no_access",
        /// May fetch.
        Read = "read",
        /// May fetch, create repositories, and write the repositories that the member created.
        Contributor = "contributor",
        /// May write every repository.
        Write = "write",
        /// May administer every repository.
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
        /// Everyone.
        Public = "public",
        /// Every account of the hub.
        Internal = "internal",
        /// Identities with a grant.
        Private = "private",
    }
}

words! {
    /// The state of an account's request to pass a gate.
    pub enum GateRequest {
        /// No request.
        None = "none",
        /// Not answered yet.
        Pending = "pending",
        /// May fetch.
        Accepted = "accepted",
        /// Rejected.
        Rejected = "rejected",
    }
}

/// Whether fetching from a public repository needs an accepted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// No request needed.
    Open,
    /// Needed, except by members of the owning organization.
    Closed,
    /// Needed, also by members with the role `read`.
    ClosedToMembers,
}

/// A grant, with or without an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<T> {
    /// The granted right.
    pub value: T,
    /// The first second at which the grant is no longer valid.
    pub until: Option<i64>,
}

impl<T: Copy> Grant<T> {
    fn at(grant: Option<Self>, now: i64) -> Option<T> {
        grant.filter(|grant| is_live(grant.until, now)).map(|grant| grant.value)
    }
}

/// Whether a grant or key with this end is still valid.
fn is_live(until: Option<i64>, now: i64) -> bool {
    until.is_none_or(|end| now < end)
}

/// What the database says about the repository and the account's rights there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryFacts {
    /// The id of the row.
    pub id: i64,
    /// The id of the owner's row.
    pub owner: i64,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether fetching from it needs an accepted request.
    pub gate: Gate,
    /// Why the repository is frozen, if it is.
    pub frozen: Option<String>,
    /// Whether accounts that may fetch may propose changes. It is read only where the answer matters
    /// ([`depends_on_proposals`]), and is `false` elsewhere.
    pub accepts_proposals: bool,
    /// Whether the session's account created it.
    pub created_by_account: bool,
    /// The account's role in the owning organization.
    pub role: Option<Grant<Role>>,
    /// The account's role on this repository.
    pub collaborator: Option<Grant<CollaboratorRole>>,
    /// The best role on this repository of the account's teams in the owning organization. It counts only while the
    /// account is a member of the organization.
    pub team: Option<Grant<CollaboratorRole>>,
    /// The account's request to pass the gate, if it made one.
    pub gate_request: Option<Grant<GateRequest>>,
}

impl RepositoryFacts {
    /// The state of the account's request to pass the gate. A request that has ended counts as none.
    #[must_use]
    pub fn gate_request_at(&self, now: i64) -> GateRequest {
        Grant::at(self.gate_request, now).unwrap_or(GateRequest::None)
    }
}

/// Why the policy denies access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Denial {
    /// Missing, or hidden from this identity. Both cases are one value, so that they always look the same.
    NoRepository,
    /// May fetch but not do what is needed.
    ReadOnly,
    /// The gate is closed to this identity.
    Gated(GateRequest),
    /// May write, but the repository is frozen.
    Frozen,
}

/// The decision of the policy.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Allowed, with this access.
    Allow(Access),
    /// Denied.
    Deny(Denial),
}

/// Decides whether `identity` has the `needed` access; `repository` is `None` if the hub has no repository at the path.
pub fn decide(identity: &Identity, repository: Option<&RepositoryFacts>, needed: Access, now: i64) -> Decision {
    let Some(repository) = repository else {
        return Decision::Deny(Denial::NoRepository);
    };
    let access = access(identity, repository, now);
    match (access, repository.visibility) {
        (Access::None, Visibility::Internal | Visibility::Private) => Decision::Deny(Denial::NoRepository),
        // An identity without access to a public repository is stopped by its gate.
        (Access::None, Visibility::Public) => Decision::Deny(Denial::Gated(gate_request(identity, repository, now))),
        (access, _) if access < needed => Decision::Deny(Denial::ReadOnly),
        (_, _) if needed >= Access::Propose && repository.frozen.is_some() => Decision::Deny(Denial::Frozen),
        (access, _) => Decision::Allow(access),
    }
}

/// Whether the decision about a push by this identity depends on whether the repository accepts proposals.
#[must_use]
pub fn depends_on_proposals(identity: &Identity, repository: &RepositoryFacts, now: i64) -> bool {
    let decided = |accepts_proposals| {
        let repository = RepositoryFacts { accepts_proposals, ..repository.clone() };
        decide(identity, Some(&repository), Access::Propose, now)
    };
    decided(true) != decided(false)
}

/// The highest of the grants that apply.
fn access(identity: &Identity, repository: &RepositoryFacts, now: i64) -> Access {
    let everybody = everybody(repository);
    if let Some(account) = identity.account_at(repository.owner) {
        let granted = everybody.max(every_account(repository)).max(personal(account, repository, now));
        return match (account.scope, identity, granted) {
            (Scope::Read, ..) => granted.min(Access::Fetch),
            (Scope::Write, Identity::Account(_), Access::Fetch) if repository.accepts_proposals => Access::Propose,
            (Scope::Write, ..) => granted,
        };
    }
    match identity {
        Identity::DeployKey { repository: its_own, scope } if *its_own == repository.id => match scope {
            Scope::Read => Access::Fetch,
            Scope::Write => Access::Write,
        },
        Identity::Account(_) | Identity::Certificate { .. } | Identity::DeployKey { .. } | Identity::Anonymous => {
            everybody
        }
    }
}

/// What every identity may do.
fn everybody(repository: &RepositoryFacts) -> Access {
    match (repository.visibility, repository.gate) {
        (Visibility::Public, Gate::Open) => Access::Fetch,
        (Visibility::Public, Gate::Closed | Gate::ClosedToMembers)
        | (Visibility::Internal | Visibility::Private, _) => Access::None,
    }
}

/// What every account may do, beyond what everyone may do.
fn every_account(repository: &RepositoryFacts) -> Access {
    match repository.visibility {
        Visibility::Internal => Access::Fetch,
        Visibility::Public | Visibility::Private => Access::None,
    }
}

/// What an account may do as owner, by a role, by a grant on the repository to it or to a team, or by an accepted
/// request.
fn personal(account: &Account, repository: &RepositoryFacts, now: i64) -> Access {
    let owned = if account.id == repository.owner { Access::Admin } else { Access::None };
    let role = match Grant::at(repository.role, now) {
        None | Some(Role::NoAccess) => Access::None,
        Some(Role::Read) => match (repository.visibility, repository.gate) {
            (Visibility::Public, Gate::ClosedToMembers) => Access::None,
            (Visibility::Public, Gate::Open | Gate::Closed) | (Visibility::Internal | Visibility::Private, _) => {
                Access::Fetch
            }
        },
        Some(Role::Contributor) if repository.created_by_account => Access::Write,
        Some(Role::Contributor) => Access::Fetch,
        Some(Role::Write) => Access::Write,
        Some(Role::Admin) => Access::Admin,
    };
    let collaborator = Grant::at(repository.collaborator, now).map_or(Access::None, CollaboratorRole::access);
    let team = team_role(repository, now).map_or(Access::None, CollaboratorRole::access);
    // A gate applies only while the repository is public. An accepted request does not open a private repository.
    let gate = match (repository.visibility, repository.gate_request_at(now)) {
        (Visibility::Public, GateRequest::Accepted) => Access::Fetch,
        (Visibility::Public, GateRequest::None | GateRequest::Pending | GateRequest::Rejected)
        | (Visibility::Internal | Visibility::Private, _) => Access::None,
    };
    owned.max(role).max(collaborator).max(team).max(gate)
}

/// The role that a team gives the account, whatever the account's own role in the organization is. An account without
/// a role there is not a member, and its teams do not count.
fn team_role(repository: &RepositoryFacts, now: i64) -> Option<CollaboratorRole> {
    Grant::at(repository.role, now).and_then(|_: Role| Grant::at(repository.team, now))
}

/// What the database says about an owner and an account's role there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerFacts {
    /// The id of the row.
    pub id: i64,
    /// Whether a user may create repositories under the user's own name.
    pub may_create: bool,
    /// The account's role, if the owner is an organization.
    pub role: Option<Grant<Role>>,
}

/// Whether an account may create repositories of that owner. It may create its own if the operator permits, and an
/// organization's from the role contributor up.
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

/// A path where there is an owner, whether a repository is there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path, with the owner's present name.
    pub path: RepoPath,
    /// Its owner.
    pub owner: OwnerFacts,
    /// If this is an old path: the repository that was moved away from it, served or removed.
    pub moved: Option<RepositoryFacts>,
}

/// Whether a path is not reserved for a repository that was moved away from it.
///
/// Old URLs lead to the repository that was moved, so only its administrators may turn them to another repository. The
/// rule is the same for a target that is served, hidden or removed, and does not tell them apart.
#[must_use]
pub fn may_use(account: &Account, place: &Place, now: i64) -> bool {
    let identity = Identity::Account(account.clone());
    let may_move = |moved| matches!(decide(&identity, Some(moved), Access::Admin, now), Decision::Allow(_));
    place.moved.as_ref().is_none_or(may_move)
}

/// Whether an account is a member of an organization, in any role.
#[must_use]
pub fn is_member(organization: &OwnerFacts, now: i64) -> bool {
    Grant::at(organization.role, now).is_some()
}

/// Whether an account may see every repository of an owner, hidden or not: its own, or an organization's from the role
/// read up.
#[must_use]
pub fn sees_all(account: &Account, owner: &OwnerFacts, now: i64) -> bool {
    match Grant::at(owner.role, now) {
        Some(Role::Read | Role::Contributor | Role::Write | Role::Admin) => true,
        None | Some(Role::NoAccess) => account.id == owner.id,
    }
}

/// Whether an account administers an owner: the account itself, or an organization in which it is an admin.
#[must_use]
pub fn administers(account: &Account, owner: &OwnerFacts, now: i64) -> bool {
    account.id == owner.id || Grant::at(owner.role, now) == Some(Role::Admin)
}

/// Whether an account may rename and remove a repository. Its administrators may, and so may members whose role lets
/// them write it (the Hub's rule: "write" creates, deletes and renames).
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

/// The state of the identity's own request. Identities without an account there have none.
fn gate_request(identity: &Identity, repository: &RepositoryFacts, now: i64) -> GateRequest {
    identity.account_at(repository.owner).map_or(GateRequest::None, |_| repository.gate_request_at(now))
}

#[cfg(test)]
mod tests;
