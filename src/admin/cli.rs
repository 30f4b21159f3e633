//! The command line of `hubgate`, as `clap` reads it. The man page and the completions are made from it.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Parser, Subcommand};

use super::when::When;
use crate::access::{CollaboratorRole, Role, Scope, Sources, Visibility};
use crate::config::{DEFAULT_PATH, ObjectFormat};
use crate::db::GateMode;
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath, Title};
use crate::request::Operation;
use crate::services::lfs::LockId;

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
    /// Show what was changed, by whom and when.
    Audit {
        /// How far back: a duration such as 7d, or a date.
        #[arg(long, value_name = "TIME", default_value = "7d", value_parser = super::when::parse_past)]
        since: i64,
        /// Only what this account did, or what was done to it.
        #[arg(long)]
        user: Option<Owner>,
        /// Only what concerns this repository.
        #[arg(long, value_name = "PATH")]
        repo: Option<RepoPath>,
        /// Only what concerns this key.
        #[arg(long, value_name = "FINGERPRINT")]
        key: Option<Fingerprint>,
        /// Also the sessions and pushes in this file of the system log; unless given: in the journal, where there is one.
        #[arg(long, value_name = "FILE")]
        log: Option<PathBuf>,
    },
}

/// `hubgate demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The directory that holds everything. Unless given: a new one, /var/lib/hubgate-demo-XXXX.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 2222)]
    pub port: u16,
    /// End after the round trip instead of waiting for Ctrl-C; status 0 only if all of it worked.
    #[arg(long)]
    pub once: bool,
    /// Leave the directory.
    #[arg(long)]
    pub keep: bool,
    /// The login account; made, and removed at the end, where there is none of that name.
    #[arg(long, value_name = "NAME", default_value = "git")]
    pub login: String,
}

/// `hubgate doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Also log in over loopback, with an account and a key made for it and removed behind it.
    #[arg(long)]
    pub login: bool,
    /// The configuration file of the sshd that is meant.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}

/// `hubgate lfs`
#[derive(Debug, Subcommand)]
pub enum LfsCommand {
    /// Speak git-lfs-transfer on standard input and output for a bare repository, with the caller's rights: no hub,
    /// no configuration.
    Serve {
        /// The repository.
        directory: PathBuf,
        /// What for.
        #[arg(value_parser = words(Operation::ALL, Operation::as_str))]
        operation: Operation,
    },
    /// Hash the stored objects, and look for those that history names and the store lacks.
    Check {
        /// The repository; unless given, all of them.
        path: Option<RepoPath>,
    },
}

/// `hubgate lock`
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// List the locks of a repository.
    List {
        /// The repository.
        path: RepoPath,
    },
    /// Remove a lock, whoever has it.
    Remove {
        /// The repository.
        path: RepoPath,
        /// The lock's id, as `lock list` prints it.
        id: LockId,
    },
}

/// `hubgate explain`
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("who").required(true).args(["user", "key", "anonymous"]))]
pub struct Explain {
    /// For this account.
    #[arg(long)]
    pub user: Option<Owner>,
    /// For this key: a public key file, `-` for standard input, or a fingerprint as `SHA256:…`.
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// For a key on no account.
    #[arg(long)]
    pub anonymous: bool,
    /// The address that it would come from, where the key has a list of them.
    #[arg(long, value_name = "ADDRESS", requires = "key")]
    pub from: Option<String>,
    /// The command, as in "git-upload-pack 'acme/x'".
    #[arg(long)]
    pub command: String,
}

/// `hubgate sshd-config`
#[derive(Debug, Args)]
pub struct SshdConfig {
    /// Ask sshd whether it reads the block as it is meant: sshd -t, and sshd -T for the login account.
    #[arg(long, conflicts_with_all = ["install", "remove"])]
    pub check: bool,
    /// Write the block to sshd_config.d/50-hubgate.conf, and take it back where sshd would not start with it.
    #[arg(long, conflicts_with = "remove")]
    pub install: bool,
    /// Remove what `--install` wrote.
    #[arg(long)]
    pub remove: bool,
    /// The configuration file of the sshd that is meant.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}

/// `hubgate user`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Make an account.
    Add {
        /// Its name.
        #[arg(value_parser = new_account)]
        name: Owner,
        /// It may not create repositories.
        #[arg(long)]
        no_create: bool,
    },
    /// List the accounts.
    List,
    /// Show one account.
    Show {
        /// Its name.
        name: Owner,
    },
    /// Give an account another name; the old one is kept back.
    Rename {
        /// The name that it has.
        old: Owner,
        /// The name that it is to have.
        #[arg(value_parser = new_account)]
        new: Owner,
    },
    /// Refuse an account everything, for a reason that its owner reads.
    Disable {
        /// Its name.
        name: Owner,
        /// Why.
        #[arg(long)]
        reason: Title,
    },
    /// Undo `disable`.
    Enable {
        /// Its name.
        name: Owner,
    },
    /// Remove an account: its keys become unknown keys, its name is kept back.
    Remove {
        /// Its name.
        name: Owner,
        /// Who gets its repositories.
        #[arg(long, value_name = "OWNER")]
        transfer_to: Option<Owner>,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Free the name of an account that was renamed or removed.
    Release {
        /// The name.
        name: Owner,
    },
}

/// `hubgate org`
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Make an organization.
    Add {
        /// Its name.
        #[arg(value_parser = new_account)]
        name: Owner,
        /// Its first administrator.
        #[arg(long, value_name = "USER")]
        admin: Owner,
    },
    /// List the organizations.
    List,
    /// Show one organization and its members.
    Show {
        /// Its name.
        name: Owner,
    },
    /// Give an organization another name; the old one is kept back.
    Rename {
        /// The name that it has.
        old: Owner,
        /// The name that it is to have.
        #[arg(value_parser = new_account)]
        new: Owner,
    },
    /// Remove an organization that owns no repositories any more.
    Remove {
        /// Its name.
        name: Owner,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Who belongs to it.
    #[command(subcommand)]
    Member(MemberCommand),
    /// Certificate authorities, whose certificates are good for the organization's repositories.
    #[command(subcommand)]
    Ca(AuthorityCommand),
}

/// `hubgate org member`
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Give a user a role, in place of the one before.
    Set {
        /// The organization.
        organization: Owner,
        /// The user.
        user: Owner,
        /// The role.
        #[arg(value_parser = words(Role::ALL, Role::as_str))]
        role: Role,
        /// When the role ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Take a user out.
    Remove {
        /// The organization.
        organization: Owner,
        /// The user.
        user: Owner,
    },
}

/// `hubgate key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Put a public key on an account.
    Add {
        /// The account.
        user: Owner,
        /// The public key, as in `id_ed25519.pub`; `-` is standard input.
        file: PathBuf,
        /// What to call it. Unless given: the key's comment, else its type and fingerprint.
        #[arg(long)]
        title: Option<Title>,
        /// When it stops to be good: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        expires: Option<When>,
        /// What it may be used for.
        #[arg(long, default_value = "write", value_parser = words(Scope::ALL, Scope::as_str))]
        scope: Scope,
        /// The addresses that it may be used from: networks such as 192.0.2.0/24, with commas between.
        #[arg(long, value_name = "CIDR")]
        from: Option<Sources>,
    },
    /// List the keys of one account, or of all.
    List {
        /// The account.
        user: Option<Owner>,
    },
    /// Show one key.
    Show {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
    },
    /// Give a key another title.
    Rename {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// The title.
        title: Title,
    },
    /// Take a key off its account.
    Remove {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Somebody else may hold it: refuse it for ever.
        #[arg(long)]
        compromised: bool,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Say which account a key is on.
    Find {
        /// A public key file, `-` for standard input, or a fingerprint as `SHA256:…`.
        key: String,
    },
}

/// `hubgate owner`
#[derive(Debug, Subcommand)]
pub enum OwnerCommand {
    /// Show how much an owner stores in large files, or say how much it may.
    Quota {
        /// The owner.
        owner: Owner,
        /// The most, in bytes, or as 500M, 20G, 1T; `none` is what the configuration says.
        #[arg(value_name = "BYTES")]
        quota: Option<Quota>,
    },
}

/// How much may be stored; `None` is what the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota(pub Option<u64>);

impl std::str::FromStr for Quota {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
        let found = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, *shift)));
        let (number, shift) = found.unwrap_or((text, 0));
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
        bytes
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .map(|bytes| Self(Some(bytes)))
            .ok_or("a number of bytes, or 500M, 20G, 1T, none")
    }
}

/// `hubgate deploy-key`
#[derive(Debug, Subcommand)]
pub enum DeployKeyCommand {
    /// Let a key into one repository, and into that alone.
    Add {
        /// The repository.
        path: RepoPath,
        /// The public key; `-` is standard input.
        file: PathBuf,
        /// It may push too.
        #[arg(long)]
        write: bool,
        /// What to call it. Unless given: the key's comment, else its type and fingerprint.
        #[arg(long)]
        title: Option<Title>,
        /// When it stops to be good: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        expires: Option<When>,
    },
    /// List the deploy keys of a repository.
    List {
        /// The repository.
        path: RepoPath,
    },
    /// Take a deploy key off its repository.
    Remove {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
}

/// `hubgate access`
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// List who asked, and where each request stands.
    List {
        /// The repository.
        path: RepoPath,
    },
    /// Let an account pass, whether it asked or not.
    Grant {
        /// The repository.
        path: RepoPath,
        /// The account.
        user: Owner,
        /// When the grant ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Turn an account down; it cannot ask again.
    Reject {
        /// The repository.
        path: RepoPath,
        /// The account.
        user: Owner,
    },
    /// Take a grant or a rejection back; the account may ask again.
    Revoke {
        /// The repository.
        path: RepoPath,
        /// The account.
        user: Owner,
    },
}

/// `hubgate org ca`
#[derive(Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Let an organization sign certificates for its members.
    Add {
        /// The organization.
        organization: Owner,
        /// The public key of the authority; `-` is standard input.
        file: PathBuf,
        /// How long a certificate may be good.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = super::when::parse_duration)]
        max_ttl: i64,
    },
    /// List the authorities of an organization.
    List {
        /// The organization.
        organization: Owner,
    },
    /// Take back certificates, by serial number or key id.
    Revoke {
        /// The organization.
        organization: Owner,
        /// The serial number, in decimal, or the key id.
        certificate: Title,
    },
    /// End an authority: nothing that it signed counts any more.
    Remove {
        /// The organization.
        organization: Owner,
        /// The authority, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
}

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
    /// Take a repository out of the hub. Its directory stays.
    Remove {
        /// Its path.
        path: RepoPath,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
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
        /// How old a leftover must be; younger ones may belong to a push that is under way.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = super::when::parse_duration)]
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

/// Takes one of the words of an enumeration, and lists them in the help.
pub(crate) fn words<T>(all: &'static [T], word: fn(T) -> &'static str) -> impl TypedValueParser<Value = T>
where
    T: std::str::FromStr<Err = crate::word::UnknownWord> + Copy + Send + Sync,
{
    PossibleValuesParser::new(all.iter().map(|value| word(*value))).try_map(|text| text.parse::<T>())
}
