//! The repositories on disk: directories with random names, opened by descriptor beneath the root.
//!
//! A [`Directory`] comes from the database only; a peer's text never becomes a path.

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

/// A repository's directory beneath the root: `<2 hex>/<30 hex>.git`, from a random 128-bit id that is never used
/// twice.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Directory(String);

impl Directory {
    /// The directory of an id.
    #[must_use]
    pub fn of_id(id: u128) -> Self {
        Self(format!("{id:032x}"))
    }

    /// The id as 32 hexadecimal digits, as in the row.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }

    /// The first level: one of 256 directories.
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

/// The text is not 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a directory")]
pub struct BadDirectory;

/// Why a repository cannot be opened. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The root.
    #[error("cannot open the repositories directory: {0}")]
    Root(Errno),
    /// The directory: it is missing, not a directory, or reached through a link.
    #[error("cannot open {1} in the repositories directory: {0}")]
    Repository(Errno, Directory),
    /// It contains a `.git`, which git would serve instead.
    #[error("{0} contains a .git, which git would serve instead")]
    InnerGit(Directory),
}

/// Opens a repository's directory beneath `root` without following links.
///
/// git starts in the returned descriptor, so git serves exactly the directory that was checked.
///
/// # Errors
/// [`OpenError`].
pub fn open_repository(root: &Path, directory: &Directory) -> Result<OwnedFd, OpenError> {
    let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let root = open(root, flags, Mode::empty()).map_err(OpenError::Root)?;
    let opened = open_beneath(&root, directory, flags);
    let repository = opened.map_err(|errno| OpenError::Repository(errno, directory.clone()))?;
    // git's enter_repo() prefers `x.git/.git` to `x.git` (setup.c), with any argument.
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
        // Linux before 5.6, or a system call filter that does not know openat2(2).
        Err(Errno::ENOSYS | Errno::EPERM) => open_level_by_level(root, directory, flags),
        opened => opened,
    }
}

/// Opens without openat2(2): each level is a directory and not a link, but may be on another file system.
fn open_level_by_level(root: &OwnedFd, directory: &Directory, flags: OFlag) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlag::O_NOFOLLOW;
    let relative = directory.relative();
    let (shard, name) = relative.split_once('/').ok_or(Errno::EINVAL)?;
    let shard = openat(root.as_fd(), shard, flags, Mode::empty())?;
    openat(shard.as_fd(), name, flags, Mode::empty())
}

/// Why a repository cannot be created. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// A file operation failed.
    #[error("{0}: {1}")]
    File(std::path::PathBuf, std::io::Error),
    /// git failed.
    #[error("{0}: {1}")]
    Git(std::path::PathBuf, String),
}

/// Creates an empty bare repository with a random name beneath the root of `config`: under a temporary name first, then
/// renamed. The database has no row for it yet.
///
/// # Errors
/// [`CreateError`]; no files remain then.
pub fn create_repository(
    config: &crate::config::Config,
    format: crate::config::ObjectFormat,
) -> Result<Directory, CreateError> {
    create_repository_with(config, format, |_| Ok(()))
}

/// Creates a repository like [`create_repository`], and lets `fill` write to it before it is renamed.
///
/// # Errors
/// [`CreateError`]; no files remain then.
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
    let unfinished = root.join(format!(".new-{}", directory.id()));
    let made = crate::git::init(config, format, &unfinished)
        .map_err(|reason| CreateError::Git(config.paths.git.clone(), reason))
        .and_then(|()| fill(&unfinished))
        .and_then(|()| put_in_place(root, &unfinished, &directory).map_err(failed(root)));
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&unfinished);
    }
    made.map(|()| directory)
}

/// Renames a complete directory into its place. Both are synced to disk before the database gets the row.
fn put_in_place(root_path: &Path, unfinished: &Path, directory: &Directory) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let shard = root_path.join(directory.shard());
    match std::fs::DirBuilder::new().mode(0o750).create(&shard) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let root = std::fs::File::open(root_path)?;
    nix::unistd::syncfs(&root)?;
    std::fs::rename(unfinished, root_path.join(directory.relative()))?;
    std::fs::File::open(&shard)?.sync_all()?;
    root.sync_all()
}

#[cfg(test)]
mod tests;
