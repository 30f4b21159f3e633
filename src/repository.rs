//! Where repositories lie: directories named at random, opened by descriptor beneath the root.
//!
//! A [`Directory`] comes from the database and from nowhere else; no peer's text becomes a path.

#[cfg(feature = "operator")]
mod head;
#[cfg(feature = "operator")]
pub(crate) mod large_files;

use std::fmt;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::str::FromStr;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::Mode;

#[cfg(feature = "operator")]
pub use head::head;

/// The place of a repository beneath the root: `<2 hex>/<30 hex>.git`, from a random 128-bit id, never used twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Directory(String);

impl Directory {
    /// The place that an id stands for.
    #[must_use]
    pub fn of_id(id: u128) -> Self {
        Self(format!("{id:032x}"))
    }

    /// The id, 32 hexadecimal digits, as it stands in the row.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }

    /// The first level, of 256 directories.
    #[must_use]
    pub fn shard(&self) -> &str {
        self.0.split_at_checked(2).map_or("", |(shard, _)| shard)
    }

    /// The path beneath the root.
    #[must_use]
    pub fn relative(&self) -> String {
        let (shard, rest) = self.0.split_at_checked(2).unwrap_or(("", &self.0));
        format!("{shard}/{rest}.git")
    }
}

impl FromStr for Directory {
    type Err = BadDirectory;

    fn from_str(text: &str) -> Result<Self, BadDirectory> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(hex) { Ok(Self(text.to_owned())) } else { Err(BadDirectory) }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.relative())
    }
}

/// Not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a directory")]
pub struct BadDirectory;

/// Why a repository cannot be opened. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The root itself.
    #[error("cannot open the directory of the repositories: {0}")]
    Root(Errno),
    /// The directory beneath it: missing, not a directory, reached through a link.
    #[error("cannot open {1} beneath the directory of the repositories: {0}")]
    Repository(Errno, Directory),
    /// It has a `.git` of its own, which git would serve instead.
    #[error("{0} has an inner .git, which git would serve in its place")]
    InnerGit(Directory),
}

/// Opens a repository's directory beneath `root`, following no link on the way.
///
/// The descriptor is what git is started in, so what was checked is what is served.
///
/// # Errors
/// [`OpenError`].
pub fn open_repository(root: &Path, directory: &Directory) -> Result<OwnedFd, OpenError> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let root = open(root, flags, Mode::empty()).map_err(OpenError::Root)?;
    let opened = open_beneath(&root, directory, flags);
    let repository = opened.map_err(|errno| OpenError::Repository(errno, directory.clone()))?;
    // git's enter_repo() prefers `x.git/.git` to `x.git` (setup.c), whatever the argument says.
    match openat(repository.as_fd(), ".git", OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty()) {
        Err(Errno::ENOENT) => Ok(repository),
        Ok(_) | Err(_) => Err(OpenError::InnerGit(directory.clone())),
    }
}

fn open_beneath(root: &OwnedFd, directory: &Directory, flags: OFlag) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_BENEATH
        | ResolveFlag::RESOLVE_NO_SYMLINKS
        | ResolveFlag::RESOLVE_NO_MAGICLINKS
        | ResolveFlag::RESOLVE_NO_XDEV;
    let how = OpenHow::new().flags(flags).resolve(resolve);
    match openat2(root.as_fd(), directory.relative().as_str(), how) {
        // Before Linux 5.6, and where a filter of system calls is older than that.
        Err(Errno::ENOSYS | Errno::EPERM) => open_level_by_level(root, directory, flags),
        opened => opened,
    }
}

/// The same without openat2(2): each level is a directory and no link, but it may be where another file system begins.
fn open_level_by_level(root: &OwnedFd, directory: &Directory, flags: OFlag) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_NOFOLLOW;
    let relative = directory.relative();
    let (shard, name) = relative.split_once('/').ok_or(Errno::EINVAL)?;
    let shard = openat(root.as_fd(), shard, flags, Mode::empty())?;
    openat(shard.as_fd(), name, flags, Mode::empty())
}

/// Why a repository cannot be made. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A file or directory.
    #[error("{0}: {1}")]
    File(std::path::PathBuf, std::io::Error),
    /// git said no.
    #[error("{0}: {1}")]
    Git(std::path::PathBuf, String),
}

/// Makes an empty bare repository beneath the root of `config`, under a random name that no other has: aside first,
/// then renamed into its place. No row leads to it yet.
///
/// # Errors
/// [`CreateError`]; then nothing is left behind.
pub fn create_repository(
    config: &crate::config::Config,
    format: crate::config::ObjectFormat,
) -> Result<Directory, CreateError> {
    create_repository_with(config, format, |_| Ok(()))
}

/// The same, where `fill` puts something into it while it lies aside.
///
/// # Errors
/// [`CreateError`]; then nothing is left behind.
pub fn create_repository_with(
    config: &crate::config::Config,
    format: crate::config::ObjectFormat,
    fill: impl FnOnce(&Path) -> Result<(), CreateError>,
) -> Result<Directory, CreateError> {
    let root = &config.paths.repositories;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| CreateError::File(path, error)
    };
    let directory = Directory::of_id(u128::from_le_bytes(crate::random::bytes().map_err(failed(root))?));
    let aside = root.join(format!(".new-{}", directory.id()));
    let made = crate::git::init(config, format, &aside)
        .map_err(|reason| CreateError::Git(config.paths.git.clone(), reason))
        .and_then(|()| fill(&aside))
        .and_then(|()| put_in_place(root, &aside, &directory).map_err(failed(root)));
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&aside);
    }
    made.map(|()| directory)
}

/// Renames a finished directory into its place; both are on disk before the row says so.
fn put_in_place(root_path: &Path, aside: &Path, directory: &Directory) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let shard = root_path.join(directory.shard());
    match std::fs::DirBuilder::new().mode(0o750).create(&shard) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let root = std::fs::File::open(root_path)?;
    nix::unistd::syncfs(&root)?;
    std::fs::rename(aside, root_path.join(directory.relative()))?;
    std::fs::File::open(&shard)?.sync_all()?;
    root.sync_all()
}

#[cfg(test)]
mod tests;
