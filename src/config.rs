//! The configuration file: `/etc/hubgate/config.toml` becomes a [`Config`], or an error that names line and column.
//!
//! Every program reads the same file by the same code. A file is used only if nobody but root can have written it,
//! as sshd demands of its own files (sshd's misc.c, `safe_path`).

mod file;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::word::words;

pub use file::ConfigError;

/// Where the configuration is unless `--config` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/hubgate/config.toml";

/// Everything that an operator may set. Each key has its default here and stands, commented, in `packaging/config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the hub is called and where it is.
    pub hub: Hub,
    /// The login that sshd knows.
    pub ssh: Ssh,
    /// Who is let in.
    pub access: AccessPolicy,
    /// Where things are.
    pub paths: Paths,
    /// How git serves.
    pub git: Git,
    /// The box that git is served in.
    pub sandbox: Sandbox,
    /// How large files are served.
    pub lfs: Lfs,
    /// How much at once.
    pub limits: Limits,
    /// Where the log goes.
    pub log: Log,
}

/// `[hub]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    /// What the greeting calls the hub.
    pub name: String,
    /// The host name that clients use.
    pub host: String,
    /// Where a person adds a key; shown to keys on no account. Empty: not shown.
    pub keys_help: String,
}

/// `[ssh]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ssh {
    /// The login account that everybody connects as.
    pub login: String,
    /// In mode `login`, the account of those who want to be nobody: a second name of the same uid.
    pub anonymous_login: String,
}

/// `[access]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessPolicy {
    /// What becomes of a key on no account.
    pub anonymous: AnonymousMode,
}

/// What becomes of a key on no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnonymousMode {
    /// It is admitted, as nobody.
    AnyKey,
    /// It is refused; whoever wants to be nobody connects as [`Ssh::anonymous_login`].
    Login,
    /// sshd passes it over, and lets a client none of whose keys is known in without one, as nobody.
    Fallback,
    /// It is refused.
    Off,
}

/// `[paths]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// The database.
    pub database: PathBuf,
    /// The directory that holds every repository; its owner is the login that serves.
    pub repositories: PathBuf,
    /// The git that serves.
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
    /// How objects of a new repository are named.
    pub object_format: ObjectFormat,
}

words! {
    /// The hash that names a repository's objects.
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum ObjectFormat {
        /// git's own default.
        Sha1 = "sha1",
        /// git 2.29 and newer.
        Sha256 = "sha256",
    }
}

/// `[sandbox]`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// What to do where the kernel cannot hold all of the box.
    pub mode: SandboxMode,
}

words! {
    /// What to do where the kernel cannot hold all of the box.
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum SandboxMode {
        /// Serve in what there is, and say in the log what there was.
        BestEffort = "best-effort",
        /// Do not serve.
        Required = "required",
        /// No box: limits and closed descriptors alone.
        Off = "off",
    }
}

/// `[lfs]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lfs {
    /// Where clients find large files.
    pub mode: LfsMode,
    /// Whether an object is on disk before the peer hears that it is stored.
    pub fsync: bool,
    /// In mode `http`: the address of a repository on the LFS server, with `{path}` for `OWNER/NAME` or its kin.
    pub url: String,
    /// In mode `http`: a program that prints the answer, given `download` or `upload`, the path and the user. Empty: none.
    pub token_command: PathBuf,
    /// In mode `http`: the file of the key that tokens are signed with. Empty: no tokens.
    pub jwt_key_file: PathBuf,
}

/// Where clients find large files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LfsMode {
    /// Here, inside SSH.
    Ssh,
    /// On an HTTP server, for which they get a token here.
    Http,
    /// Nowhere.
    Off,
}

/// `[limits]`; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Sessions of one account at a time.
    pub sessions_per_account: u32,
    /// Sessions of keys on no account at a time, from one address.
    pub sessions_per_address: u32,
    /// Bytes that one push may send.
    pub push_bytes: u64,
    /// Refs that one push may update.
    pub push_refs: u64,
    /// Commits that one push may bring.
    pub push_commits: u64,
    /// Bytes of one LFS object.
    pub lfs_object_bytes: u64,
    /// Bytes of all LFS objects of one repository, unless it has a quota of its own.
    pub lfs_repository_bytes: u64,
    /// Bytes of all LFS objects of one owner, unless it has a quota of its own.
    pub lfs_owner_bytes: u64,
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
        Self { name: "Example Hub".to_owned(), host: "hub.example".to_owned(), keys_help: String::new() }
    }
}

impl Default for Ssh {
    fn default() -> Self {
        Self { login: "git".to_owned(), anonymous_login: "anonymous".to_owned() }
    }
}

impl Default for AccessPolicy {
    fn default() -> Self {
        Self { anonymous: AnonymousMode::AnyKey }
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
        Self { archive: false, default_branch: "main".to_owned(), object_format: ObjectFormat::Sha1 }
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
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions_per_account: 64,
            sessions_per_address: 16,
            push_bytes: 10 << 30,
            push_refs: 10_000,
            push_commits: 0,
            lfs_object_bytes: 0,
            lfs_repository_bytes: 0,
            lfs_owner_bytes: 0,
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
    /// What is wrong, with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Whether each value can be meant.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let Self { hub, ssh, access: _, paths, git, sandbox: _, lfs, limits: _, log } = self;
        let printable = |text: &str| !text.chars().any(char::is_control);
        if !printable(&hub.name) || hub.name.is_empty() || !printable(&hub.host) || !printable(&hub.keys_help) {
            return Err("[hub] name, host and keys_help are one line of printable text each");
        }
        if !is_login(&ssh.login) {
            return Err("[ssh] login is the name of a login account, and not root");
        }
        if !is_login(&ssh.anonymous_login) || ssh.anonymous_login == ssh.login {
            return Err("[ssh] anonymous_login is the name of a login account, and neither root nor login");
        }
        let path = |path: &Path| path.is_absolute() && path.to_str().is_some_and(printable);
        let places = [&paths.database, &paths.repositories, &paths.git, &log.socket];
        if !places.into_iter().all(|file| path(file)) || !paths.state.as_os_str().is_empty() && !path(&paths.state) {
            return Err("[paths] and [log] socket are absolute paths of printable text");
        }
        let branch = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        if git.default_branch.is_empty()
            || !git.default_branch.chars().all(branch)
            || git.default_branch.starts_with('-')
        {
            return Err("[git] default_branch is the name of a branch");
        }
        if lfs.mode == LfsMode::Http && lfs.token_command.as_os_str().is_empty() {
            if !lfs.url.starts_with("https://") && !lfs.url.starts_with("http://") || !lfs.url.contains("{path}") {
                return Err("[lfs] url is the address of a repository on the LFS server, with {path} in it");
            }
            if !lfs.jwt_key_file.is_absolute() {
                return Err("[lfs] mode \"http\" needs jwt_key_file or token_command, an absolute path");
            }
        }
        Ok(())
    }

    /// The directory of the files that sessions write and that are not in the database.
    #[must_use]
    pub fn state_dir(&self) -> &Path {
        let Paths { database, state, .. } = &self.paths;
        if state.as_os_str().is_empty() { database.parent().unwrap_or(Path::new("/")) } else { state }
    }

    /// The file with the locks that count the sessions of each account and address.
    #[must_use]
    pub fn sessions_file(&self) -> PathBuf {
        self.state_dir().join("sessions")
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

    /// The directory with the times of wrong invitation codes, in a file per key and per address.
    #[must_use]
    pub fn attempts_dir(&self) -> PathBuf {
        self.state_dir().join("attempts")
    }
}

/// Whether a text can be the name of a login account: what shadow's `useradd` takes without being forced.
#[must_use]
pub fn is_login(name: &str) -> bool {
    let tail = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    name.len() <= 32
        && name != "root"
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(tail)
}

#[cfg(test)]
mod tests;
