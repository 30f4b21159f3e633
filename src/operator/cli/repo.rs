//! `hubgate repo`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Quota, Sure};
use crate::access::{CollaboratorRole, GateMode, Visibility};
use crate::arguments::words;
use crate::config::ObjectFormat;
use crate::git::import::{BadSource, Source};
use crate::name::{Owner, RepoPath, Title};
use crate::report::when::{When, parse_duration};
use crate::repository::Directory;

/// `hubgate repo`
#[derive(Debug, Subcommand)]
pub enum RepoCommand {
    /// Make an empty repository.
    Create {
        /// OWNER/NAME, datasets/OWNER/NAME or spaces/OWNER/NAME.
        path: RepoPath,
        /// Hide it from everybody who was not granted access.
        #[arg(long)]
        private: bool,
        /// Put a gate before it: whoever wants to fetch must ask, and is answered at once (auto) or by hand (manual).
        #[arg(long, value_name = "MODE", value_parser = words(GateMode::ALL, GateMode::as_str))]
        gated: Option<GateMode>,
        /// Members with the role `read` must ask too.
        #[arg(long, requires = "gated")]
        gate_members: bool,
        /// What it is about.
        #[arg(long, value_name = "TEXT")]
        description: Option<Title>,
        /// How its objects are named. Unless given: as the configuration says.
        #[arg(long, value_parser = words(ObjectFormat::ALL, ObjectFormat::as_str))]
        object_format: Option<ObjectFormat>,
        /// Whom it counts as created by: a contributor of the organization may write it.
        #[arg(long, value_name = "USER")]
        created_by: Option<Owner>,
    },
    /// List the repositories of one owner, or all.
    List {
        /// The owner.
        owner: Option<Owner>,
        /// List those that were removed, and until when they are kept.
        #[arg(long, conflicts_with = "owner")]
        removed: bool,
    },
    /// Show one repository.
    Show {
        /// Its path.
        path: RepoPath,
    },
    /// Give a repository another name, another owner, or both.
    Rename {
        /// The path that it has.
        old: RepoPath,
        /// The path that it is to have.
        new: RepoPath,
    },
    /// Show a repository to everybody, or hide it.
    Visibility {
        /// Its path.
        path: RepoPath,
        /// Who may see it.
        #[arg(value_parser = words(Visibility::ALL, Visibility::as_str))]
        visibility: Visibility,
    },
    /// Put a gate before a repository, or take it away with `none`.
    Gate {
        /// Its path.
        path: RepoPath,
        /// How requests are answered.
        #[arg(value_parser = words(GateMode::ALL, GateMode::as_str))]
        mode: GateMode,
        /// Members with the role `read` must ask too.
        #[arg(long)]
        gate_members: bool,
    },
    /// Stop pushes, for a reason that peers read.
    Freeze {
        /// Its path.
        path: RepoPath,
        /// Why.
        #[arg(long)]
        reason: Title,
    },
    /// Undo `freeze`.
    Unfreeze {
        /// Its path.
        path: RepoPath,
    },
    /// Who may use it beside its owner.
    #[command(subcommand)]
    Collaborator(CollaboratorCommand),
    /// Take a repository out of the hub. Its directory stays, and for 30 days at least `restore` brings it back.
    Remove {
        /// Its path.
        path: RepoPath,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Bring back a repository that was removed, with everybody's grants on it.
    Restore(RestoreRepo),
    /// Take in a repository that lies elsewhere: its branches, its tags, and, from a directory, its large files.
    ///
    /// git fetches it as the account that serves, and checks every object. On the way to another machine it finds
    /// `GIT_SSH_COMMAND`, `SSH_AUTH_SOCK`, `GIT_SSL_CAINFO`, `https_proxy` and `no_proxy` as they are where this is run.
    Import(ImportRepo),
    /// Take in a directory beneath the root of the repositories whose row is lost, as a private repository.
    Adopt(AdoptRepo),
    /// Print the directory of a repository.
    Path {
        /// Its path on the hub.
        path: RepoPath,
    },
    /// Check that every repository has its directory, and every directory its repository.
    Check,
    /// Show how much a repository stores in large files, or say how much it may.
    Quota {
        /// The repository.
        path: RepoPath,
        /// The most, in bytes, or as 500M, 20G, 1T; `none` is what the configuration says.
        #[arg(value_name = "BYTES")]
        quota: Option<Quota>,
    },
    /// Pack repositories, and remove what a push that was cut off left behind.
    Gc {
        /// The repository.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        path: Option<RepoPath>,
        /// Every repository.
        #[arg(long)]
        all: bool,
        /// Delete for good what was removed more than 30 days ago, too.
        #[arg(long)]
        removed: bool,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
        /// How old a leftover must be; younger ones may belong to a push that is under way.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
        older_than: i64,
    },
}

/// `hubgate repo collaborator`
#[derive(Debug, Subcommand)]
pub enum CollaboratorCommand {
    /// Grant a user a role on a repository, in place of the one before.
    Set {
        /// The repository.
        path: RepoPath,
        /// The user.
        user: Owner,
        /// The role.
        #[arg(value_parser = words(CollaboratorRole::ALL, CollaboratorRole::as_str))]
        role: CollaboratorRole,
        /// When the role ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Take back what a user was granted.
    Remove {
        /// The repository.
        path: RepoPath,
        /// The user.
        user: Owner,
    },
}

/// `hubgate repo restore`
#[derive(Debug, Args)]
pub struct RestoreRepo {
    /// The path that it had.
    pub path: RepoPath,
    /// The id of its directory, where several of that path were removed.
    #[arg(long)]
    pub id: Option<Directory>,
    /// The path that it is to have, where the old one is taken.
    #[arg(long = "as", value_name = "PATH")]
    pub new_path: Option<RepoPath>,
}

/// `hubgate repo import`
#[derive(Debug, Args)]
pub struct ImportRepo {
    /// OWNER/NAME, datasets/OWNER/NAME or spaces/OWNER/NAME.
    pub path: RepoPath,
    /// A directory, or https://, ssh://, file:// or USER@HOST:PATH.
    #[arg(value_parser = absolute_source)]
    pub source: String,
    /// Show it to everybody; unless given, it is private.
    #[arg(long)]
    pub public: bool,
    /// What it is about.
    #[arg(long, value_name = "TEXT")]
    pub description: Option<Title>,
}

/// `hubgate repo adopt`
#[derive(Debug, Args)]
pub struct AdoptRepo {
    /// The directory, or its id.
    #[arg(value_name = "DIR", value_parser = directory_or_id)]
    pub directory: PathBuf,
    /// The path that it is to have.
    #[arg(long = "as", value_name = "PATH")]
    pub path: RepoPath,
}

/// The command does its work in `/`: a directory is meant from where it was typed.
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

/// The same for a directory that may also be named by its id.
fn directory_or_id(text: &str) -> std::io::Result<PathBuf> {
    if text.parse::<Directory>().is_ok() { Ok(PathBuf::from(text)) } else { std::path::absolute(text) }
}
