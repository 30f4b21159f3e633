//! The commands of an account over SSH, as `clap` reads them: the operator's nouns and verbs, within one's own rights.

use clap::{Parser, Subcommand};

use crate::access::{CollaboratorRole, GateMode, Role, Scope, Visibility};
use crate::arguments::words;
use crate::config::ObjectFormat;
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath};
use crate::report::when::When;
use crate::request::AccountCommand;

/// Commands of this hub for your own account.
#[derive(Debug, Parser)]
#[command(name = "ssh", disable_version_flag = true, no_binary_name = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print one JSON object or array, for programs.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Cli {
    /// Reads the words of a command.
    ///
    /// # Errors
    /// The help that the client asks for, or what is wrong with the words.
    pub(crate) fn read(command: &AccountCommand) -> Result<Self, clap::Error> {
        Self::try_parse_from(command.words())
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say who you are here, and by which key.
    Whoami,
    /// Your keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Repositories.
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Organizations that you administer.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Gated repositories: ask to pass, and answer who asks.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Say why you may, or may not, fetch from or push to a repository.
    Explain {
        path: RepoPath,
        #[arg(value_parser = ["fetch", "push"])]
        what: String,
    },
    /// Put the key that you are using on an account, by a code that you were given.
    Join { code: String },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Add the public key on standard input: ssh … key add TITLE < `id_ed25519.pub`
    Add {
        /// What to call it; unless given, the key's comment.
        title: Vec<String>,
        /// What it may be used for; no more than the key that you are using.
        #[arg(long, value_parser = words(Scope::ALL, Scope::as_str))]
        scope: Option<Scope>,
        /// When it stops to be good: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        expires: Option<When>,
    },
    /// List your keys.
    List,
    /// Give a key another title.
    Rename {
        fingerprint: Fingerprint,
        #[arg(required = true)]
        title: Vec<String>,
    },
    /// Take a key off your account.
    Remove {
        fingerprint: Fingerprint,
        /// Somebody else may hold it: refuse it for ever. Only for the key that you are using.
        #[arg(long)]
        compromised: bool,
        /// Do not ask, even if it is the last one.
        #[arg(long)]
        yes: bool,
    },
    /// Take the key that you are using off the account or repository that it is on.
    Release {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RepoCommand {
    /// Make an empty repository, of your own or of an organization where you may.
    Create {
        path: RepoPath,
        #[arg(long)]
        private: bool,
        /// Whoever wants to fetch must ask, and is answered at once (auto) or by hand (manual).
        #[arg(long, value_name = "MODE", value_parser = words(GateMode::ALL, GateMode::as_str))]
        gated: Option<GateMode>,
        /// Members with the role `read` must ask too.
        #[arg(long, requires = "gated")]
        gate_members: bool,
        #[arg(long, value_parser = words(ObjectFormat::ALL, ObjectFormat::as_str))]
        object_format: Option<ObjectFormat>,
        /// What it is about: the rest of the line.
        #[arg(long, num_args = 1.., value_name = "TEXT")]
        description: Vec<String>,
    },
    /// List the repositories of an owner, unless given your own, as far as you may fetch them.
    List { owner: Option<Owner> },
    /// Show one repository.
    Show { path: RepoPath },
    /// Give a repository another name, or another owner.
    Rename { old: RepoPath, new: RepoPath },
    /// Show a repository to everybody, or hide it.
    Visibility {
        path: RepoPath,
        #[arg(value_parser = words(Visibility::ALL, Visibility::as_str))]
        visibility: Visibility,
    },
    /// Take a repository out of the hub; for 30 days the operator can bring it back.
    Remove {
        path: RepoPath,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Who may use it beside its owner.
    #[command(subcommand)]
    Collaborator(CollaboratorCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum CollaboratorCommand {
    /// Grant a user a role, in place of the one before.
    Set {
        path: RepoPath,
        user: Owner,
        #[arg(value_parser = words(CollaboratorRole::ALL, CollaboratorRole::as_str))]
        role: CollaboratorRole,
        /// When it ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Take back what a user was granted.
    Remove { path: RepoPath, user: Owner },
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// Who belongs to it.
    #[command(subcommand)]
    Member(MemberCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// List the members.
    List { organization: Owner },
    /// Give a user a role, in place of the one before.
    Set {
        organization: Owner,
        user: Owner,
        #[arg(value_parser = words(Role::ALL, Role::as_str))]
        role: Role,
        /// When it ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Take a user out.
    Remove { organization: Owner, user: Owner },
}

#[derive(Debug, Subcommand)]
pub(super) enum AccessCommand {
    /// Ask to pass the gate of a repository.
    Request { path: RepoPath },
    /// List who asked.
    List { path: RepoPath },
    /// Let an account pass.
    Grant {
        path: RepoPath,
        user: Owner,
        /// When it ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Turn an account down.
    Reject { path: RepoPath, user: Owner },
    /// Take an answer back.
    Revoke { path: RepoPath, user: Owner },
}
