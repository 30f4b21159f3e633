//! `hubgate import`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::name::{Owner, RepoPath, TeamName};

/// `hubgate import`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import the keys of an `authorized_keys` file that another git server wrote, or of a list of people.
    ///
    /// All lines are one change, which can be repeated: an entry that exists already stays as it is.
    ///
    /// The forced command of a line says which account gets the key, because only the old server writes it. gitolite
    /// and gitosis name the user; a missing account is created. GitLab, Gitea, Forgejo and Gogs name the number of the
    /// key, as in `key-42`: `--map` says which account it is. A line with another command is skipped. The comment of a
    /// key decides nothing, because the owner of the key writes it. Only with `--plain`, for a list that you made
    /// yourself, is it the name of the account, and a title may follow.
    ///
    /// Addresses and expiry times in UTC are imported. A line with any other option is skipped.
    AuthorizedKeys(ImportKeys),
    /// Import the users and groups of gitolite, and their grants on repositories that exist on this hub.
    ///
    /// The users are those with a key in keydir. If a rule lets a user read, the user becomes a collaborator with
    /// the role read, and if it lets the user push, with the role write. `R = @all` becomes the visibility internal.
    ///
    /// A group that rules name for a repository of an organization becomes a team of the organization (hubgate team).
    /// The team gets the role of the group, and rules name the team. A user that a rule also names alone gets a role
    /// too. Users of the group who are not members of the organization become members with the role `no_access`, with
    /// which they see its members and teams, and no repository. On repositories of users, and where a team would give a
    /// user more than gitolite does, the users of a group get their rights one by one. The report names these groups.
    ///
    /// What users may push becomes rules for refs (hubgate rule), unless all who may push may do everything. A refex
    /// becomes patterns: master is `refs/heads/master**`, and `master$` is `refs/heads/master`. Where no pattern says
    /// the same, a rule that allows matches fewer refs, and a rule that denies matches more. Rules for files (NAME)
    /// become the check `path` (hubgate check), which compares each ref before and after a push as gitolite does. Other
    /// rules with VREF take the right to push from the users that they can refuse. Rules for roles, such as CREATOR,
    /// allow nobody. Rules for a pattern of repositories apply to the repositories that other lines name.
    ///
    /// Descriptions come with their repositories. A description that was written on this hub stays.
    ///
    /// Lines that are not understood end the command before it changes anything, because they may deny something. The
    /// report begins with what users gain and lose, a line for each kind.
    ///
    /// No user gets a right that gitolite refuses, with three exceptions. The owner of a repository administers it. An
    /// internal repository is for every account, also for those that gitolite does not know. Refs and files may have
    /// names that gitolite does not accept, with letters of every script. Where some users may not rewind, no user can
    /// update a branch whose own name contains `refs/tags/`.
    ///
    /// Run the command again, with the same options, after more repositories were imported. What was removed or changed
    /// here since the first run stays as it is. A user who is new in a group joins no team that was here before the
    /// run, and gets the rights alone: see `hubgate team member add`. If a team has members here that are not in its
    /// group, it gets nothing new, and the rules of its repositories stay as they are. The report names these members:
    /// remove them from the team, and run the command again. A repository that was moved to another owner since the
    /// first run gets nothing new.
    Gitolite(ImportGitolite),
}

/// `hubgate import authorized-keys`
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Args)]
pub struct ImportKeys {
    /// The file, or - for standard input.
    pub file: PathBuf,
    /// Add every key to this account, whatever its line says.
    #[arg(long)]
    pub user: Option<Owner>,
    /// A file with the account of each key: lines such as `key-42 alice`. The first word is the one in the forced
    /// command of the key, or the fingerprint of a key without a command. Missing accounts are created.
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    pub map: Option<PathBuf>,
    /// Each line is a public key, the name of its account, and optionally a title: `ssh-ed25519 AAAA… alice Laptop`.
    /// Missing accounts are created.
    #[arg(long, conflicts_with = "user")]
    pub plain: bool,
    /// Also add keys to accounts that existed before and that no import created.
    #[arg(long)]
    pub merge: bool,
    /// The new accounts may not create repositories.
    #[arg(long)]
    pub no_create: bool,
    /// List each entry, instead of one line for each kind.
    #[arg(long)]
    pub verbose: bool,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `hubgate import gitolite`
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
#[derive(Debug, Args)]
pub struct ImportGitolite {
    /// A working copy of gitolite-admin, with conf and keydir.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The owner on this hub for repositories whose name in gitolite has no owner.
    #[arg(long)]
    pub owner: Option<Owner>,
    /// Another name here for a user, as OLD=NEW, for a group, as @OLD=NEW, or for a repository, as OLD=OWNER/NAME.
    /// `OLD/=OWNER/` gives all repositories below OLD to another owner, such as those that bear a user's name. Can be
    /// given again.
    #[arg(long, value_name = "OLD=NEW")]
    pub rename: Vec<Renaming>,
    /// gitolite's own configuration, `.gitolite.rc` in the home directory of its account: it says which features
    /// gitolite.conf uses.
    #[arg(long, value_name = "FILE")]
    pub rc: Option<PathBuf>,
    /// Import although some lines are not understood. What these lines deny is not denied here.
    #[arg(long)]
    pub partial: bool,
    /// Also add keys to accounts that existed before and that no import created.
    #[arg(long)]
    pub merge: bool,
    /// The new accounts may not create repositories, except users that a rule C of gitolite names.
    #[arg(long)]
    pub no_create: bool,
    /// List each entry, instead of one line for each kind.
    #[arg(long)]
    pub verbose: bool,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `OLD=NEW`: another name for a user, a group or a repository of gitolite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renaming {
    /// A user's name, and the name of the account.
    User(String, Owner),
    /// The name of a group, with its `@`, and the name of the team.
    Group(String, TeamName),
    /// A repository's name, and its path here.
    Repository(String, RepoPath),
    /// The beginning of the names of repositories, with a slash at its end, and their owner here.
    Directory(String, Owner),
}

impl FromStr for Renaming {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (old, new) = text.split_once('=').filter(|(old, _)| !old.is_empty()).ok_or("it is not OLD=NEW")?;
        if let (true, Some(owner)) = (old.ends_with('/'), new.strip_suffix('/')) {
            let owner = owner.parse().map_err(|error| format!("{new}: {error}"))?;
            Ok(Self::Directory(old.to_owned(), owner))
        } else if old.starts_with('@') {
            let name = new.parse().map_err(|error| format!("{new}: {error}"))?;
            Ok(Self::Group(old.to_owned(), name))
        } else if new.contains('/') {
            let path = new.parse().map_err(|error| format!("{new}: {error}"))?;
            Ok(Self::Repository(old.to_owned(), path))
        } else {
            let name = Owner::new_account(new).map_err(|error| format!("{new}: {error}"))?;
            Ok(Self::User(old.to_owned(), name))
        }
    }
}
