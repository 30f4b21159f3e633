//! The arguments that the operator's and the accounts' command lines share: each option, its check and its help text.

mod rule;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Refused;
use crate::access::{CollaboratorRole, GateMode, Role, Scope, Visibility};
use crate::clock::now;
use crate::config::ObjectFormat;
use crate::content::ContentCheck;
use crate::db::Period;
use crate::key::Fingerprint;
use crate::name::{Grantee, HubScope, NameError, Owner, RepoPath, TeamName, TeamPath, Title};
use crate::push::{BranchName, ProposalNumber};
use crate::quota::{BadQuota, Quota};
use crate::report::when::Expiry;

pub(crate) use rule::{AddRule, MoveRule, OfScope, Protect, RefChange, Unprotect};

/// Accepts one of the words of an enumeration, and lists them in the help.
pub(crate) fn words<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = crate::word::UnknownWord> + Copy + Send + Sync,
{
    PossibleValuesParser::new(all.iter().map(|value| word(*value))).try_map(|text| text.parse::<T>())
}

/// Whether the requester confirmed a command that cannot be undone.
#[derive(Debug, Clone, Copy, Args)]
pub struct Confirmation {
    /// Do not ask for confirmation. Required without a terminal.
    #[arg(long)]
    pub yes: bool,
}

impl Confirmation {
    /// Refuses with a question, unless the requester has answered it.
    pub(super) fn require(self, question: impl FnOnce() -> String) -> Result<(), Refused> {
        if self.yes { Ok(()) } else { Err(Refused::Unconfirmed(question())) }
    }
}

/// Which rows of a list are shown.
#[derive(Debug, Clone, Default, Args)]
pub struct ListArguments {
    /// Show at most so many rows. Default: 1000 on a terminal, otherwise all.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Begin behind this row, as the end of a list that was cut says.
    #[arg(long, value_name = "ROW")]
    pub after: Option<String>,
    /// Show only rows with this text in a column, in upper or lower case.
    #[arg(long = "match", value_name = "TEXT")]
    pub matching: Option<String>,
}

/// Which keys or grants of a list are shown, by their end.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Expiring {
    /// Show only what expires within this time: a duration such as 14d, or until the end of a day as YYYY-MM-DD.
    #[arg(long, value_name = "TIME")]
    pub expiring: Option<Expiry>,
}

impl Expiring {
    /// The period from now on.
    pub(super) fn period(self) -> Option<Period> {
        self.expiring.map(|end| Period { after: now(), until: end.0 })
    }
}

/// When a grant ends.
#[derive(Debug, Clone, Copy, Args)]
pub struct Until {
    /// When the grant expires: a duration such as 90d, or the last day as YYYY-MM-DD.
    #[arg(long, value_name = "TIME")]
    pub until: Option<Expiry>,
}

impl Until {
    /// The first second at which the grant no longer holds, UTC since 1970.
    #[must_use]
    pub fn second(self) -> Option<i64> {
        self.until.map(|expiry| expiry.0)
    }
}

/// A title, which may consist of several words.
#[derive(Debug, Clone, Args)]
pub struct TitleWords {
    /// The new title, as one or more words.
    #[arg(required = true, value_name = "TITLE")]
    pub title: Vec<String>,
}

/// Reads a title whose words were given one by one.
///
/// # Errors
/// [`NameError`].
pub(crate) fn title(words: &[String]) -> Result<Title, NameError> {
    words.join(" ").parse()
}

/// What a new key may be used for, and until when.
#[derive(Debug, Clone, Copy, Args)]
pub struct KeyTerms {
    /// What the key may be used for. Default: `write`. Over SSH, at most the scope of the key in use.
    #[arg(long, value_parser = words(Scope::ALL, Scope::as_str))]
    pub scope: Option<Scope>,
    /// When the key expires: a duration such as 90d, or the last day as YYYY-MM-DD.
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Expiry>,
}

/// A key, by its fingerprint or its title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyReference {
    /// `SHA256:…`
    Fingerprint(Fingerprint),
    /// The title of one key.
    Title(Title),
}

impl std::str::FromStr for KeyReference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map_or_else(|_| text.parse().map(Self::Title), |key| Ok(Self::Fingerprint(key)))
    }
}

/// Change the title of a key.
#[derive(Debug, Clone, Args)]
pub struct RenameKey {
    /// The key: its fingerprint as `SHA256:…`, or its title if no other key of the account has that title.
    pub key: KeyReference,
    /// The title.
    #[command(flatten)]
    pub title: TitleWords,
}

/// Remove a key from its account.
#[derive(Debug, Clone, Args)]
pub struct RemoveKey {
    /// The key: its fingerprint as `SHA256:…`, or its title if no other key of the account has that title.
    pub key: KeyReference,
    /// Reject the key for ever, because another person may have the private key.
    #[arg(long)]
    pub compromised: bool,
}

/// Create an empty repository.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Clone, Args)]
pub struct CreateRepository {
    /// OWNER/NAME, datasets/OWNER/NAME or spaces/OWNER/NAME.
    pub path: RepoPath,
    /// Hide the repository from everyone who was not granted access.
    #[arg(long)]
    pub private: bool,
    /// Show the repository to the accounts of this hub, and to nobody else.
    #[arg(long, conflicts_with = "private")]
    pub internal: bool,
    /// Put a gate before the repository. Requests to fetch are accepted at once (auto) or by an administrator (manual).
    #[arg(long, value_name = "MODE", value_parser = words(GateMode::ALL, GateMode::as_str))]
    pub gated: Option<GateMode>,
    /// Members with the role `read` must request access too.
    #[arg(long, requires = "gated")]
    pub gate_members: bool,
    /// Accept proposals from accounts that may fetch. Default: the setting `[access] proposals`.
    #[arg(long)]
    pub proposals: bool,
    /// What the repository is about.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<Title>,
    /// The hash that names objects. Default: the setting `[git] object_format`.
    #[arg(long, value_parser = words(ObjectFormat::ALL, ObjectFormat::as_str))]
    pub object_format: Option<ObjectFormat>,
}

/// Change the name or the owner of a repository.
#[derive(Debug, Clone, Args)]
pub struct RenameRepository {
    /// The current path.
    pub old: RepoPath,
    /// The new path.
    pub new: RepoPath,
}

/// Show a repository to everyone or to the accounts of this hub, or hide it.
#[derive(Debug, Clone, Args)]
pub struct SetVisibility {
    /// The repository.
    pub path: RepoPath,
    /// Who may see it.
    #[arg(value_parser = words(Visibility::ALL, Visibility::as_str))]
    pub visibility: Visibility,
}

/// Say what a repository is about.
#[derive(Debug, Clone, Args)]
pub struct Describe {
    /// The repository.
    pub path: RepoPath,
    /// The text, as one or more words. An empty word removes it.
    #[arg(required = true)]
    pub text: Vec<String>,
}

/// Show the branch that a clone checks out, or choose it.
#[derive(Debug, Clone, Args)]
pub struct DefaultBranch {
    /// The repository.
    pub path: RepoPath,
    /// The branch. Later pushes do not change it then.
    pub branch: Option<BranchName>,
}

crate::word::words! {
    /// Whether something is on or off.
    pub enum Switch {
        /// On.
        On = "on",
        /// Off.
        Off = "off",
    }
}

impl Switch {
    /// Whether it is on.
    pub(super) fn accepts(self) -> bool {
        self == Self::On
    }
}

/// Accept proposals in a repository, or accept none.
#[derive(Debug, Clone, Args)]
pub struct SetProposals {
    /// The repository.
    pub path: RepoPath,
    /// Whether accounts that may fetch may propose changes.
    #[arg(value_parser = words(Switch::ALL, Switch::as_str))]
    pub value: Switch,
}

/// A proposal, by its number in its repository.
#[derive(Debug, Clone, Args)]
pub struct OfProposal {
    /// The repository.
    pub path: RepoPath,
    /// The number of the proposal.
    pub number: ProposalNumber,
}

/// Grant a user or a team a role on a repository. It replaces the previous role.
#[derive(Debug, Clone, Args)]
pub struct SetCollaborator {
    /// The repository.
    pub path: RepoPath,
    /// The user, or a team of the organization that owns the repository, as @ORG/TEAM.
    pub user: Grantee,
    /// The role.
    #[arg(value_parser = words(CollaboratorRole::ALL, CollaboratorRole::as_str))]
    pub role: CollaboratorRole,
    /// When the role ends.
    #[command(flatten)]
    pub until: Until,
}

/// A repository, and a user or a team.
#[derive(Debug, Clone, Args)]
pub struct RemoveCollaborator {
    /// The repository.
    pub path: RepoPath,
    /// The user, or a team as @ORG/TEAM.
    pub user: Grantee,
}

/// A team and a user.
#[derive(Debug, Clone, Args)]
pub struct OfTeam {
    /// ORG/TEAM.
    pub team: TeamPath,
    /// The user.
    pub user: Owner,
}

/// Add a member of the organization to a team, or change when the membership ends.
#[derive(Debug, Clone, Args)]
pub struct AddTeamMember {
    /// The team and the user.
    #[command(flatten)]
    pub of: OfTeam,
    /// When the user leaves the team.
    #[command(flatten)]
    pub until: Until,
}

/// Change the name of a team. It keeps its members and its roles.
#[derive(Debug, Clone, Args)]
pub struct RenameTeam {
    /// ORG/TEAM.
    pub team: TeamPath,
    /// The new name, without the organization.
    pub name: TeamName,
}

/// A repository and a user.
#[derive(Debug, Clone, Args)]
pub struct OfRepository {
    /// The repository.
    pub path: RepoPath,
    /// The user.
    pub user: Owner,
}

/// Give a user a role in an organization. It replaces the previous role.
#[derive(Debug, Clone, Args)]
pub struct SetMember {
    /// The organization.
    pub organization: Owner,
    /// The user.
    pub user: Owner,
    /// The role.
    #[arg(value_parser = words(Role::ALL, Role::as_str))]
    pub role: Role,
    /// When the role ends.
    #[command(flatten)]
    pub until: Until,
}

/// Remove a user from an organization.
#[derive(Debug, Clone, Args)]
pub struct RemoveMember {
    /// The organization.
    pub organization: Owner,
    /// The user.
    pub user: Owner,
}

/// Let a user pass the gate of a repository, with or without a request.
#[derive(Debug, Clone, Args)]
pub struct GrantAccess {
    /// The repository.
    pub path: RepoPath,
    /// The user.
    pub user: Owner,
    /// When the grant ends.
    #[command(flatten)]
    pub until: Until,
}

/// Set the value of a check of the content of pushes.
#[derive(Debug, Clone, Args)]
pub struct SetCheck {
    /// OWNER/NAME, OWNER or hub.
    pub scope: HubScope,
    /// The check.
    #[arg(value_parser = words(ContentCheck::ALL, ContentCheck::as_str))]
    pub check: ContentCheck,
    /// `off`; `on`, for lfs-missing, lfs-locks, case-collision and binary; a number of bytes such as 10M, for
    /// blob-size; a number of entries, for directory-entries; patterns such as *@example.org,*@example.com, for author;
    /// `pusher` or `hub`, with patterns of refs as in rules or without, for signed; rules for paths, for path; or
    /// `default`, so that a wider scope decides.
    ///
    /// Rules for paths are `allow` or `deny`, a pattern, and names as in rules for refs, separated by `;`. The first
    /// rule that names the account and the path decides: `allow .github bob; deny .github @everyone`. In a pattern, *
    /// stands for any characters of one level, ** for any levels, and {user} for the name of the account that pushes. A
    /// pattern names a path and everything below it. If `by-ref;` stands before the rules, they apply to the files that
    /// differ in a ref before and after the push: all files of a new or removed ref, and none that one commit changes
    /// and the next one changes back.
    #[arg(required = true)]
    pub value: Vec<String>,
}

/// A new quota. `None` means that the configured limit applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewQuota(pub Option<Quota>);

impl std::str::FromStr for NewQuota {
    type Err = BadQuota;

    fn from_str(text: &str) -> Result<Self, BadQuota> {
        if text == "default" { Ok(Self(None)) } else { text.parse().map(|quota| Self(Some(quota))) }
    }
}
