//! The command line of `hubgate`. The man pages and completions are generated from it.

mod access;
mod audit;
mod backup;
mod check;
mod hub_file;
mod import;
mod key;
mod lfs;
mod machine;
mod org;
mod owner;
mod policy;
mod proposal;
mod repo;
mod rule;
mod session;
mod team;
mod user;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::arguments::ListArguments;
use crate::config::DEFAULT_PATH;
use crate::name::{HubScope, Owner};
use crate::report::when::Expiry;

pub use access::{AccessCommand, Explain};
pub use audit::{Audit, Position};
pub use backup::{Backup, Export, KeptCommand, Restore};
pub use check::CheckCommand;
pub use hub_file::{Apply, HubFileArguments};
pub use import::{ImportCommand, ImportGitolite, ImportKeys, Renaming};
pub use key::{DeployKeyCommand, KeyCommand};
pub use lfs::{LfsCommand, LockCommand};
pub use machine::{Demo, Doctor, Guide, HostKeys, Init, ServingSshd, SshdConfig, Stats};
pub use org::{AuthorityCommand, MemberCommand, OrgCommand};
pub use owner::{OwnerCommand, QuotaCommand};
pub use policy::PolicyCommand;
pub use proposal::ProposalCommand;
pub use repo::{AdoptRepo, CollaboratorCommand, ImportRepo, RepoCommand, RestoreRepo};
pub use rule::RuleCommand;
pub use session::{SessionCommand, Which};
pub use team::{TeamCommand, TeamMemberCommand};
pub use user::{EmailCommand, UserCommand};

/// The front gate of a Git hub: accounts, keys and repositories behind this machine's OpenSSH server.
///
/// Run it as root or as the login account. Commands that set up or check the machine need root. Exit status: 0 done; 1
/// refused, not found, or a problem was found; 2 wrong usage, or a name or key that hubgate does not accept; 3 `plan`
/// found something to change; 128 hubgate itself failed.
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
    /// Create the configuration file, the login accounts, the directories and the database, if they are missing.
    ///
    /// In a configuration that a package installed, init sets the host name and the login. If the login account exists
    /// but no hub does, init asks before it uses the account. It does not ask about an account that a package created.
    Init(Init),
    /// Update the database to this version of hubgate, and keep a copy of the old one beside it.
    Migrate,
    /// Try hubgate on this machine, with a temporary hub and sshd on 127.0.0.1.
    Demo(Demo),
    /// Check this machine.
    ///
    /// Each problem comes with a command or setting that fixes it.
    Doctor(Doctor),
    /// Print the configuration block that this machine's sshd needs.
    SshdConfig(SshdConfig),
    /// Print the host keys of the sshd that serves the hub, by which clients recognize it.
    ///
    /// Without an option, the command prints the fingerprints, which ssh shows at the first connection. Run it as root,
    /// because sshd reads its private host keys.
    ///
    /// With --json, it prints one object: `host`, `port`, and the array `keys` of objects with `type`, `fingerprint`,
    /// `public_key`, `known_hosts` and `sshfp`. `sshfp` is null if the host is an IP address.
    HostKeys(HostKeys),
    /// Print a page for the people who use the hub: how to make a key, add it, test it and use git with it.
    ///
    /// The page says what the configuration and the host keys say, so write it again after you change them. Run the
    /// command as root, as `host-keys`. The page needs no other file and loads nothing. With --json, it is one object:
    /// `format` is html or markdown, and `text` is the page.
    Guide(Guide),
    /// Print the numbers of the hub: accounts, keys, repositories, bytes, sessions, refusals, last backup, findings.
    ///
    /// Sessions and refusals are counted from the system log, since the last run and since the first one. The first run
    /// counts none. Run the command as root, which may read the journal, and for the findings of `doctor`. Its checks
    /// whose time grows with the hub are left out: run `hubgate doctor` for these.
    ///
    /// Bytes of git and LFS objects are known for repositories that sessions or `quota check` have counted since the
    /// machine was started. `--measure` counts the others.
    ///
    /// With --json, it prints one object, in which null stands for what is not known. Its keys are `version`, `at`,
    /// `accounts` (`users`, `disabled`, `organizations`), `keys` (`account`, `deploy`), `repositories` (`models`,
    /// `datasets`, `spaces`, `removed`), `stored`, `running`, `log`, `last_backup_at` and `doctor`. `stored` has the
    /// bytes `git` and `lfs`, and the numbers of repositories whose count is `current`, `outdated` or `missing`.
    /// `running` has the number of running sessions for each verb. `log` has `since` and `counted` for the time since
    /// the last run, and `begun_at` and `total` for the time since the first one. `counted` and `total` have
    /// `sessions` by verb, `refusals` and `ended` by reason, and `faults`. `doctor` has the numbers of findings that
    /// are `ok`, `warning` and `bad`.
    Stats(Stats),
    /// Accounts of people and machines.
    #[command(subcommand)]
    User(UserCommand),
    /// Organizations and their members.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Teams: groups of members of an organization, which can have roles on its repositories.
    #[command(subcommand)]
    Team(TeamCommand),
    /// Public keys on accounts.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Repositories.
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Checks of the content of pushes: large files, LFS pointers, directories, authors.
    #[command(subcommand)]
    Check(CheckCommand),
    /// Rules for refs: who may create, update, rewrite and delete which branches and tags.
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Print the keys of the accounts that may write, as a file for git's gpg.ssh.allowedSignersFile.
    ///
    /// A signature counts from the second in which its key was added to the second in which the key expired or was
    /// removed. Keys that were removed as compromised, keys of scope read, and keys of disabled accounts are not in the
    /// file. An account is named by its name and by the e-mail addresses that the operator has confirmed.
    ///
    /// With --json, it prints one array of objects with `user`, `emails`, `fingerprint`, `public_key`, `added_at` and
    /// `until`.
    AllowedSigners {
        /// OWNER for all repositories of an owner, or OWNER/NAME for one. Default: the whole hub.
        #[arg(default_value = "hub")]
        scope: HubScope,
    },
    /// Proposals: commits for a branch, from accounts that may fetch.
    #[command(subcommand)]
    Proposal(ProposalCommand),
    /// Quotas of users and organizations.
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// What is counted against quotas.
    #[command(subcommand)]
    Quota(QuotaCommand),
    /// Keys that open one repository, for machines.
    #[command(subcommand)]
    DeployKey(DeployKeyCommand),
    /// Requests to pass the gate of a repository.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Running sessions of clients.
    #[command(subcommand)]
    Session(SessionCommand),
    /// Print a one-time code.
    ///
    /// It also prints the command that the person runs. That command adds the key of its caller to the account.
    Invite {
        /// The account.
        user: Owner,
        /// When the code expires: a duration such as 24h, or the last day as YYYY-MM-DD.
        #[arg(long, value_name = "TIME", default_value = "24h")]
        expires: Expiry,
    },
    /// Large files.
    #[command(subcommand)]
    Lfs(LfsCommand),
    /// Locks of large files.
    #[command(subcommand)]
    Lock(LockCommand),
    /// Explain why a command would be allowed (status 0) or denied (status 1).
    Explain(Explain),
    /// Compare expectations with what the hub would decide.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Copy the database to a file as one consistent state, and list its repositories with the ids of their
    /// directories.
    ///
    /// The hub keeps running. At any time, the file is either the previous copy or the new one. Only its owner can read
    /// it. It does not contain repositories: copy their directory afterwards with a tool of your choice.
    Backup(Backup),
    /// Replace the database with a copy that `backup` wrote.
    ///
    /// The copy is checked first. The previous database is kept beside the new one. Sessions keep running if the new
    /// database gives them their rights. During the replacement, changes by other processes wait. The command lists
    /// repositories without a directory, and directories without a repository. If a repository has no directory, the
    /// exit status is 1.
    Restore(Restore),
    /// Copies of the database that `restore` and `migrate` kept beside it.
    #[command(subcommand)]
    Kept(KeptCommand),
    /// Print accounts, keys, organizations, repositories and grants as JSON, without secrets and invitations.
    Export(Export),
    /// Print what `apply` would change, and who would gain or lose what.
    ///
    /// The status is 0 if nothing would change, and 3 if something would. A file that `apply` would refuse is refused
    /// here too, with status 1, or 2 if it is not understood. The command makes the changes and rolls them back, so it
    /// says what `apply` does.
    ///
    /// FILE is in TOML, as `hubgate export --toml` prints it. What it does not mention stays as it is. Each table and
    /// key may be left out; an unknown one is an error.
    ///
    /// The tables `[hub]`, `[users.NAME]` and `[organizations.NAME]` have `rules` and `checks` for all repositories
    /// there, and `[repositories."PATH"]` has those of one repository. `rules` is the array of all rules of the scope
    /// in their order, each a line as `hubgate rule add` reads it. `checks` is a table of checks and values, such as
    /// `{ blob-size = "10M" }`.
    ///
    /// `[users.NAME]` has `may_create`, whether the user may create repositories. `[organizations.NAME]` has `members`,
    /// a table of users and roles. A role is a word, or a table such as `{ role = "read", until = 2027-01-31 }`.
    /// `until` is the last day in UTC, or a date and time with an offset. A grant that has ended counts as none, and
    /// ends the grant that is here.
    /// `teams.NAME` is the array of the members of a team: users, or tables such as `{ user = "bob", until =
    /// 2027-01-31 }`. They must be members of the organization.
    ///
    /// `[repositories."PATH"]` has `visibility` (public, internal, private), `gate` (none, auto, manual),
    /// `gate_members`, `proposals` (without it, the configuration says whether proposals are accepted), `description`,
    /// `collaborators` (as `members`; a team is `"@ORG/TEAM"`), and `deploy_keys`, an array of tables with `key`,
    /// `title`, `write` and `expires`. A repository that does not exist is created; it needs a `visibility`.
    /// `object_format` and `created_by` say how it is created, and cannot change later.
    ///
    /// Names that differ in upper and lower case are equal. The file renames nothing: another name is another
    /// repository. The file says nothing about keys and e-mail addresses of users, certificate authorities, quotas,
    /// requests, and frozen and disabled states. They stay as they are.
    ///
    /// With --json, the command prints one object. `changes` is an array of objects with `object`, `kind`, `name`,
    /// `before` and `after`. `rights` is an array of objects with `who`, `before` and `after` (none, fetch, propose,
    /// write, admin), `count`, and `repositories`, of which at most 100 are listed. Rights are those of accounts, of
    /// `everyone`, and of `every account`; what rules allow on refs is not in them. `applied` says whether the changes
    /// were made.
    Plan(HubFileArguments),
    /// Change the hub so that it is as a file says.
    ///
    /// hubgate-plan(8) describes the file and the output. All changes are one transaction: either all are made, each
    /// with its row in the audit table, or none is. Running sessions that lose their rights end. If the hub is as the
    /// file says, the command changes nothing.
    ///
    /// Without --prune, what the file does not mention stays. With --prune, the command asks before it removes
    /// repositories, organizations or teams. To take back a change of the file, revert it there and use --prune.
    Apply(Apply),
    /// Import accounts, keys and grants from another git server.
    ///
    /// The command lists what it did not import.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Show changes, with their time and author, and the sessions and pushes of the system log.
    Audit(Audit),
}

/// Which rows of a list are shown, and how.
#[derive(Debug, Clone, Args)]
pub struct ListOptions {
    /// Which rows.
    #[command(flatten)]
    pub rows: ListArguments,
    /// Show every column whole, also on a terminal. Without this option, a terminal gets columns of at most 80
    /// characters in all.
    #[arg(long)]
    pub wide: bool,
}

fn new_account(text: &str) -> Result<Owner, crate::name::NameError> {
    Owner::new_account(text)
}
