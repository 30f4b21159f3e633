//! `hubgate repo`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ListOptions;
use crate::access::GateMode;
use crate::commands::arguments::{
    Confirmation, CreateRepository, DefaultBranch, Describe, Expiring, NewQuota, Protect, RemoveCollaborator,
    RenameRepository, SetCollaborator, SetProposals, SetVisibility, Unprotect, words,
};
use crate::git::import::{BadSource, Source};
use crate::name::{Owner, RepoPath, Title};
use crate::report::when::parse_duration;
use crate::repository::Directory;

/// `hubgate repo`
#[derive(Debug, Subcommand)]
pub enum RepoCommand {
    /// Create an empty repository.
    Create {
        /// The repository.
        #[command(flatten)]
        repository: CreateRepository,
        /// The user who counts as its creator. If this user is a contributor of the organization, they may push to it.
        #[arg(long, value_name = "USER")]
        created_by: Option<Owner>,
    },
    /// List the repositories of one owner, or all.
    List {
        /// The owner.
        owner: Option<Owner>,
        /// List the removed repositories, and how long each is kept.
        #[arg(long, conflicts_with = "owner")]
        removed: bool,
        /// List what this user may fetch as owner, member or collaborator, and with which access.
        #[arg(long, value_name = "USER", conflicts_with_all = ["owner", "removed"])]
        reachable: Option<Owner>,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Show one repository.
    Show {
        /// The repository.
        path: RepoPath,
    },
    /// Change the name or the owner of a repository.
    Rename(RenameRepository),
    /// Show a repository to everyone or to the accounts of this hub, or hide it.
    Visibility(SetVisibility),
    /// Say what a repository is about.
    Describe(Describe),
    /// Show the branch that a clone checks out, or choose it.
    DefaultBranch(DefaultBranch),
    /// Accept proposals from accounts that may fetch, or accept none.
    ///
    /// Such an account proposes a change by git push … HEAD:refs/for/BRANCH.
    Proposals(SetProposals),
    /// Protect branches: they cannot be rewritten or deleted.
    ///
    /// The rules of the protection come before the other rules of the repository. They replace those of an earlier
    /// protection of the same branches.
    Protect(Protect),
    /// End the protection of branches.
    ///
    /// Other rules stay.
    Unprotect(Unprotect),
    /// Put a gate before a repository, or remove it with `none`.
    Gate {
        /// The repository.
        path: RepoPath,
        /// How requests are answered.
        #[arg(value_parser = words(GateMode::ALL, GateMode::as_str))]
        mode: GateMode,
        /// Members with the role `read` must request access too.
        #[arg(long)]
        gate_members: bool,
    },
    /// Reject pushes to a repository.
    ///
    /// Clients see the reason.
    Freeze {
        /// The repository.
        path: RepoPath,
        /// The reason.
        #[arg(long)]
        reason: Title,
    },
    /// Accept pushes to a frozen repository again.
    Unfreeze {
        /// The repository.
        path: RepoPath,
    },
    /// Users and teams that were granted a role on one repository.
    #[command(subcommand)]
    Collaborator(CollaboratorCommand),
    /// Remove a repository from the hub.
    ///
    /// Its directory stays, and `restore` works for at least 30 days.
    Remove {
        /// The repository.
        path: RepoPath,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Restore a repository that was removed, with all grants on it.
    Restore(RestoreRepo),
    /// Import a repository from elsewhere: its branches, its tags and, from a directory, its large files.
    ///
    /// A branch or tag that a push could not create is named and not imported.
    ///
    /// git fetches the repository as the login account and checks every object. `GIT_SSH_COMMAND`, `SSH_AUTH_SOCK`,
    /// `GIT_SSL_CAINFO`, `https_proxy` and `no_proxy` are passed on to git.
    Import(ImportRepo),
    /// Adopt a directory that has no row in the database, as a private repository.
    ///
    /// It must be beneath the root of the repositories.
    Adopt(AdoptRepo),
    /// Print the directory of a repository.
    Path {
        /// The repository.
        path: RepoPath,
    },
    /// Check that every repository has its directory, and every directory its repository.
    Check,
    /// Show how much a repository stores in git and LFS objects, or set its quota.
    Quota {
        /// The repository.
        path: RepoPath,
        /// The quota in bytes, or as 500M, 20G, 1T; `unlimited` sets no limit, `default` uses the configured one.
        #[arg(value_name = "BYTES")]
        quota: Option<NewQuota>,
    },
    /// Pack repositories, and remove what interrupted pushes left behind.
    ///
    /// A fault in one repository does not stop the others; the exit status is then 1.
    Gc {
        /// The repository.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        path: Option<RepoPath>,
        /// Every repository. Without changes since its last gc, a repository is not packed again.
        #[arg(long)]
        all: bool,
        /// Delete unreachable objects at once instead of after two weeks, such as a secret that was pushed.
        ///
        /// First remove the secret from all branches and tags. The repository rejects pushes until the command ends,
        /// and the command waits up to two minutes for pushes in progress. Reflogs and packs that git was told to keep
        /// do not protect objects. LFS objects stay.
        #[arg(long, conflicts_with_all = ["all", "removed", "older_than"], requires = "path")]
        prune_now: bool,
        /// Also delete the directories of repositories that were removed more than 30 days ago.
        #[arg(long)]
        removed: bool,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
        /// How old a leftover must be. A younger leftover may belong to a push in progress.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
        older_than: i64,
    },
}

/// `hubgate repo collaborator`
#[derive(Debug, Subcommand)]
pub enum CollaboratorCommand {
    /// List the users and teams that were granted a role on one repository, or on any.
    List {
        /// The repository.
        path: Option<RepoPath>,
        /// When they end.
        #[command(flatten)]
        expiring: Expiring,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Grant a user or a team a role on a repository.
    ///
    /// It replaces the previous role.
    Set(SetCollaborator),
    /// Remove the role of a user or a team on a repository.
    Remove(RemoveCollaborator),
}

/// `hubgate repo restore`
#[derive(Debug, Args)]
pub struct RestoreRepo {
    /// The path that the repository had.
    pub path: RepoPath,
    /// The id of its directory, if several repositories with that path were removed.
    #[arg(long)]
    pub id: Option<Directory>,
    /// The new path, if the old one is in use.
    #[arg(long = "as", value_name = "PATH")]
    pub new_path: Option<RepoPath>,
}

/// `hubgate repo import`
#[derive(Debug, Args)]
pub struct ImportRepo {
    /// OWNER/NAME, datasets/OWNER/NAME or spaces/OWNER/NAME.
    pub path: RepoPath,
    /// A directory, or https://, ssh://, file:// or USER@HOST:PATH. A directory must hold its objects itself, without
    /// links and alternates.
    #[arg(value_parser = absolute_source)]
    pub source: String,
    /// Make the repository public. Default: private.
    #[arg(long)]
    pub public: bool,
    /// What the repository is about.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<Title>,
    /// Accept a fault of the objects, by its id in git-fsck(1), such as treeNotSorted. Can be repeated.
    #[arg(long, value_name = "ID", value_parser = fault_id)]
    pub allow_fsck: Vec<String>,
}

/// Accepts a word that can be an id of git-fsck(1). git knows which ids there are.
fn fault_id(text: &str) -> Result<String, &'static str> {
    let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_id { Ok(text.to_owned()) } else { Err("an id of git-fsck(1) has letters and digits") }
}

/// `hubgate repo adopt`
#[derive(Debug, Args)]
pub struct AdoptRepo {
    /// The directory, or its id.
    #[arg(value_name = "DIR", value_parser = directory_or_id)]
    pub directory: PathBuf,
    /// The path on the hub.
    #[arg(long = "as", value_name = "PATH")]
    pub path: RepoPath,
}

/// Makes a directory absolute, because the command changes to `/`.
fn absolute_source(text: &str) -> Result<String, String> {
    let source: Source = text.parse().map_err(|error: BadSource| error.to_string())?;
    match source.directory {
        Some(directory) if !text.contains("://") => {
            let directory = std::path::absolute(directory).map_err(|error| error.to_string())?;
            directory.into_os_string().into_string().map_err(|_| "the directory's name is not UTF-8".to_owned())
        }
        Some(_) | None => Ok(text.to_owned()),
    }
}

/// Makes a directory absolute, unless it is given by its id.
fn directory_or_id(text: &str) -> std::io::Result<PathBuf> {
    if text.parse::<Directory>().is_ok() { Ok(PathBuf::from(text)) } else { std::path::absolute(text) }
}
