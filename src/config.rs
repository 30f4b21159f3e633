//! The configuration file: `/etc/hubgate/config.toml` becomes a [`Config`], or an error with line and column.
//!
//! Every program reads the file with this code. A file is accepted only if no user except root can have written it, as
//! sshd requires for its own files (sshd's misc.c, `safe_path`).

mod address;
mod checks;
mod file;
mod valid;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::quota::Quota;
use crate::word::words;

pub use address::{Address, is_host};
pub use file::ConfigError;
pub use valid::is_login;

/// The host name of a hub whose operator has set none.
pub const EXAMPLE_HOST: &str = "hub.example";

/// The configuration file that is used without `--config`.
pub const DEFAULT_PATH: &str = "/etc/hubgate/config.toml";

/// All settings. Each has its default here and a commented line in `packaging/config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The hub's name and address.
    pub hub: Hub,
    /// The login accounts that sshd knows.
    pub ssh: Ssh,
    /// Anonymous access.
    pub access: AccessPolicy,
    /// Paths.
    pub paths: Paths,
    /// Settings of git.
    pub git: Git,
    /// The operator's own checks of pushes.
    pub checks: Checks,
    /// The sandbox in which git runs.
    pub sandbox: Sandbox,
    /// How LFS objects are served.
    pub lfs: Lfs,
    /// Limits.
    pub limits: Limits,
    /// The system log.
    pub log: Log,
}

/// `[hub]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    /// The hub's name in the greeting.
    pub name: String,
    /// The host name or IP address that clients use.
    pub host: String,
    /// The address where a person adds a key, shown to keys on no account. Empty: not shown.
    pub keys_help: String,
}

/// `[ssh]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ssh {
    /// The login account of all sessions.
    pub login: String,
    /// In mode `login`: the login account of anonymous sessions, a second name of the same uid.
    pub anonymous_login: String,
    /// The port at which clients connect.
    pub port: u16,
}

/// `[access]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessPolicy {
    /// How a key on no account is treated.
    pub anonymous: AnonymousMode,
    /// Whether an account that may fetch from a repository may propose changes, unless the repository says otherwise.
    pub proposals: bool,
}

/// How a key on no account is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnonymousMode {
    /// Admitted as anonymous.
    AnyKey,
    /// Rejected; anonymous sessions connect as [`Ssh::anonymous_login`].
    Login,
    /// Skipped by sshd; a client without a registered key is admitted as anonymous, without a key.
    Fallback,
    /// Rejected.
    Off,
}

/// `[paths]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// The database.
    pub database: PathBuf,
    /// The directory of all repositories; it belongs to the login account.
    pub repositories: PathBuf,
    /// The git program.
    pub git: PathBuf,
    /// The directory of the small files that sessions write. Empty: the directory of the database.
    pub state: PathBuf,
}

/// `[git]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Git {
    /// Whether `git archive --remote` is served.
    pub archive: bool,
    /// The branch that HEAD of a new repository names.
    pub default_branch: String,
    /// The object format of a new repository.
    pub object_format: ObjectFormat,
    /// Where the refs are that a push may create or update.
    pub refs: Vec<String>,
}

words! {
    /// The hash function of a repository's objects.
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum ObjectFormat {
        /// SHA-1, git's default.
        Sha1 = "sha1",
        /// SHA-256, from git 2.29 on.
        Sha256 = "sha256",
    }
}

/// `[checks]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checks {
    /// The directory of the programs that check each push.
    pub directory: PathBuf,
    /// Seconds that one check may take.
    pub seconds: u32,
    /// Bytes of memory for each process of a check; 0 means no limit.
    pub memory: u64,
}

/// `[sandbox]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// What to do if the kernel does not support the whole sandbox.
    pub mode: SandboxMode,
}

words! {
    /// What to do if the kernel does not support the whole sandbox.
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum SandboxMode {
        /// Serve with what the kernel supports, and log what that is.
        BestEffort = "best-effort",
        /// Refuse to serve.
        Required = "required",
        /// No sandbox, only limits and closed descriptors.
        Off = "off",
    }
}

/// `[lfs]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lfs {
    /// Where LFS objects are served.
    pub mode: LfsMode,
    /// Whether an object is synced to disk before the client reads that it is stored.
    pub fsync: bool,
    /// In mode `http`: the address of a repository on the LFS server, with `{path}` for the repository's path.
    pub url: String,
    /// In mode `http`: a program that prints the answer. Its arguments are `download` or `upload`, path and user.
    /// Empty: none.
    pub token_command: PathBuf,
    /// In mode `http`: the file with the key that signs tokens. Empty: no tokens.
    pub jwt_key_file: PathBuf,
    /// The audience of a token, in which `{path}` is the repository; empty for none.
    pub jwt_audience: String,
}

/// Where LFS objects are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LfsMode {
    /// By hubgate, over SSH.
    Ssh,
    /// By an HTTP server, for which hubgate issues tokens.
    Http,
    /// LFS is off.
    Off,
}

/// `[limits]`; 0 means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Concurrent sessions of one account; of LFS, eight times as many.
    pub sessions_per_account: u32,
    /// Concurrent sessions with keys on no account, from one address; of LFS, eight times as many.
    pub sessions_per_address: u32,
    /// Seconds after which a session of git ends that moves no byte.
    pub session_idle: u32,
    /// Seconds after which a session ends.
    pub session_age: u32,
    /// Seconds that a session of LFS waits for the client's next command.
    pub lfs_idle: u32,
    /// Bytes in one push.
    pub push_bytes: u64,
    /// Bytes of memory for each process of one push.
    pub push_memory: u64,
    /// Refs that one push may update.
    pub push_refs: u64,
    /// New commits in one push.
    pub push_commits: u64,
    /// Bytes in one LFS object.
    pub lfs_object_bytes: u64,
    /// LFS locks of one repository.
    pub lfs_locks: u32,
    /// LFS locks of one account in one repository.
    pub lfs_locks_per_account: u32,
    /// Bytes in all git and LFS objects of a repository without a quota of its own.
    #[serde(alias = "lfs_repository_bytes")]
    pub repository_bytes: u64,
    /// Bytes in all git and LFS objects of an owner without a quota of its own.
    #[serde(alias = "lfs_owner_bytes")]
    pub owner_bytes: u64,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// The socket of the system log.
    pub socket: PathBuf,
}

impl Default for Hub {
    fn default() -> Self {
        Self { name: "Example Hub".to_owned(), host: EXAMPLE_HOST.to_owned(), keys_help: String::new() }
    }
}

impl Default for Ssh {
    fn default() -> Self {
        Self { login: "git".to_owned(), anonymous_login: "anonymous".to_owned(), port: address::PORT }
    }
}

impl Default for AccessPolicy {
    fn default() -> Self {
        Self { anonymous: AnonymousMode::AnyKey, proposals: false }
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self {
            database: "/var/lib/hubgate/db/hubgate.db".into(),
            repositories: "/var/lib/hubgate/repositories".into(),
            git: "/usr/bin/git".into(),
            state: PathBuf::new(),
        }
    }
}

impl Default for Git {
    fn default() -> Self {
        Self {
            archive: false,
            default_branch: "main".to_owned(),
            object_format: ObjectFormat::Sha1,
            refs: ["refs/heads/", "refs/tags/", "refs/notes/", "refs/pr/"].map(str::to_owned).into(),
        }
    }
}

impl Default for Checks {
    fn default() -> Self {
        Self { directory: "/etc/hubgate/checks.d".into(), seconds: 30, memory: 1 << 30 }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self { mode: SandboxMode::BestEffort }
    }
}

impl Default for Lfs {
    fn default() -> Self {
        Self {
            mode: LfsMode::Ssh,
            fsync: true,
            url: String::new(),
            token_command: PathBuf::new(),
            jwt_key_file: PathBuf::new(),
            jwt_audience: String::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_per_account: 64,
            sessions_per_address: 16,
            session_idle: 21_600,
            session_age: 86_400,
            lfs_idle: 21_600,
            push_bytes: 10 << 30,
            push_memory: 4 << 30,
            push_refs: 10_000,
            push_commits: 0,
            lfs_object_bytes: 0,
            lfs_locks: 5_000,
            lfs_locks_per_account: 1_000,
            repository_bytes: 0,
            owner_bytes: 0,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { socket: "/dev/log".into() }
    }
}

impl Config {
    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// The first error, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        // TOML's integers are signed (toml.io/en/v1.0.0, "Integer"), but the crate also reads larger ones.
        let Limits { push_bytes, push_memory, push_refs, push_commits, lfs_object_bytes, .. } = config.limits;
        let Limits { repository_bytes, owner_bytes, .. } = config.limits;
        let numbers =
            [push_bytes, push_memory, push_refs, push_commits, lfs_object_bytes, repository_bytes, owner_bytes];
        if numbers.iter().any(|number| i64::try_from(*number).is_err()) {
            return Err("a number in [limits] is at most 9223372036854775807".to_owned());
        }
        Ok(config)
    }

    /// The address at which people with a registered key connect.
    #[must_use]
    pub fn address(&self) -> Address<'_> {
        Address { login: &self.ssh.login, host: &self.hub.host, port: self.ssh.port }
    }

    /// In mode `login`: the address of anonymous sessions.
    #[must_use]
    pub fn anonymous_address(&self) -> Address<'_> {
        Address { login: &self.ssh.anonymous_login, ..self.address() }
    }

    /// The directory of the files that sessions write and that are not in the database.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        let Paths { database, state, .. } = &self.paths;
        if state.as_os_str().is_empty() { database.parent().unwrap_or(Path::new("/")) } else { state }
    }

    /// The directory with a lock for each running session, which counts it and has its record.
    #[must_use]
    pub fn running_dir(&self) -> PathBuf {
        self.state_dir().join("running")
    }

    /// The file with the bytes that each repository stores.
    #[must_use]
    pub fn usage_file(&self) -> PathBuf {
        self.state_dir().join("usage")
    }

    /// The file with the locks by which the LFS sessions of one push or pull know each other.
    #[must_use]
    pub fn lfs_sessions_file(&self) -> PathBuf {
        self.state_dir().join("lfs-sessions")
    }

    /// The directory with a small file per key. Its modification time is the key's last use.
    #[must_use]
    pub fn last_used_dir(&self) -> PathBuf {
        self.state_dir().join("last-used")
    }

    /// The directory with a small file per key. Its modification time is the last greeting of the key.
    #[must_use]
    pub fn last_greeted_dir(&self) -> PathBuf {
        self.state_dir().join("last-greeted")
    }

    /// The directory with a small file per repository: what `repo gc` remembers of it.
    #[must_use]
    pub fn gc_dir(&self) -> PathBuf {
        self.state_dir().join("gc")
    }

    /// The file whose modification time is the end of the last backup.
    #[must_use]
    pub fn last_backup_file(&self) -> PathBuf {
        self.state_dir().join("last-backup")
    }

    /// The file with the numbers of sessions that `hubgate stats` has counted.
    #[must_use]
    pub fn stats_file(&self) -> PathBuf {
        self.state_dir().join("stats")
    }

    /// The file with the times of wrong invitation codes.
    #[must_use]
    pub fn wrong_codes_file(&self) -> PathBuf {
        self.state_dir().join("wrong-codes")
    }
}

impl Limits {
    /// The longest age of a session, if it is limited.
    #[must_use]
    pub fn longest_age(&self) -> Option<Duration> {
        seconds(self.session_age)
    }

    /// How long a session of git may move no byte, if that is limited.
    #[must_use]
    pub fn longest_idle(&self) -> Option<Duration> {
        seconds(self.session_idle)
    }

    /// How long a session of LFS may wait for the client's next command, if that is limited.
    #[must_use]
    pub fn longest_lfs_idle(&self) -> Option<Duration> {
        seconds(self.lfs_idle)
    }

    /// The quota of a repository without one of its own.
    #[must_use]
    pub fn repository_quota(&self) -> Quota {
        quota(self.repository_bytes)
    }

    /// The quota of an owner without one of its own.
    #[must_use]
    pub fn owner_quota(&self) -> Quota {
        quota(self.owner_bytes)
    }
}

/// A limit in seconds; 0 means no limit.
fn seconds(limit: u32) -> Option<Duration> {
    (limit > 0).then(|| Duration::from_secs(limit.into()))
}

/// The quota of a number that [`Config::parse`] has accepted.
fn quota(bytes: u64) -> Quota {
    i64::try_from(bytes).ok().and_then(Quota::of_number).unwrap_or(Quota::Unlimited)
}

#[cfg(test)]
mod tests;
