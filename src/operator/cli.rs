//! The command line of `hubgate`, as `clap` reads it. The man page and the completions are made from it.

mod access;
mod audit;
mod backup;
mod import;
mod key;
mod lfs;
mod machine;
mod org;
mod owner;
mod policy;
mod repo;
mod user;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::DEFAULT_PATH;
use crate::name::Owner;
use crate::report::when::When;

pub use access::{AccessCommand, Explain};
pub use audit::Audit;
pub use backup::{Backup, Restore};
pub use import::{ImportCommand, ImportGitolite, ImportKeys};
pub use key::{DeployKeyCommand, KeyCommand};
pub use lfs::{LfsCommand, LockCommand};
pub use machine::{Demo, Doctor, SshdConfig};
pub use org::{AuthorityCommand, MemberCommand, OrgCommand};
pub use owner::{OwnerCommand, Quota};
pub use policy::PolicyCommand;
pub use repo::{AdoptRepo, CollaboratorCommand, ImportRepo, RepoCommand, RestoreRepo};
pub use user::UserCommand;

/// The front gate of a Git hub: accounts, keys and repositories behind this machine's OpenSSH server.
///
/// Run it as root or as the account that serves. Exit status: 0 done, 1 refused or not found, 2 wrong usage or a key
/// or name that is not taken.
#[derive(Debug, Parser)]
#[command(name = "hubgate", version, propagate_version = true)]
pub struct Cli {
    /// The configuration file.
    #[arg(long, global = true, value_name = "FILE", default_value = DEFAULT_PATH)]
    pub config: PathBuf,
    /// Print one JSON object or array for programs, instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the configuration file, the login accounts, the directories and the database, as far as they are missing.
    Init,
    /// Bring the database to this program's version, after a backup beside it.
    Migrate,
    /// Try it all on this machine: a hub and an sshd of its own on 127.0.0.1, gone when it ends.
    Demo(Demo),
    /// Look for what is wrong on this machine; each finding comes with the line that mends it.
    Doctor(Doctor),
    /// Print the block that this machine's sshd needs, made from `sshd_config.example`.
    SshdConfig(SshdConfig),
    /// People and machines that have an account.
    #[command(subcommand)]
    User(UserCommand),
    /// Organizations and their members.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Public keys on accounts.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Repositories.
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Users and organizations alike.
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// Keys of one repository, for machines.
    #[command(subcommand)]
    DeployKey(DeployKeyCommand),
    /// Who may pass the gate of a repository.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Print a code that puts the first key that brings it on an account: ssh git@host join CODE.
    Invite {
        /// The account.
        user: Owner,
        /// When the code stops to be good: a duration, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME", default_value = "24h")]
        expires: When,
    },
    /// Large files.
    #[command(subcommand)]
    Lfs(LfsCommand),
    /// Locks of large files.
    #[command(subcommand)]
    Lock(LockCommand),
    /// Say why a command would be allowed or denied: status 0 or 1.
    Explain(Explain),
    /// Hold what is expected of the hub against what it would decide.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Copy the database to a file, as one state of it, and list the repositories in it with their directories' ids.
    ///
    /// The hub goes on meanwhile, and the file is the old one or the new one at any time. It is for root alone to read.
    /// Repositories are not in it: copy their directory after it, by whatever copies files.
    Backup(Backup),
    /// Put a copy that `backup` wrote in the place of the database.
    ///
    /// The copy is checked first, and what was there before is kept beside the database. Sessions go on meanwhile.
    /// Repositories whose directories are missing are named, and directories that no row leads to.
    Restore(Restore),
    /// Print accounts, keys, organizations, repositories and grants as JSON: no secrets, no invitations.
    Export,
    /// Move in from another git server: accounts, keys, grants. Nothing is guessed; what stays behind is listed.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Show what was changed, by whom and when.
    Audit(Audit),
}

/// Whether a destructive command asks.
#[derive(Debug, Args)]
pub struct Sure {
    /// Do not ask. Without a terminal this is needed.
    #[arg(long)]
    pub yes: bool,
}

fn new_account(text: &str) -> Result<Owner, crate::name::NameError> {
    Owner::new_account(text)
}
