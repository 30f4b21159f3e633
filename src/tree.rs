//! Trees of directories that strangers can write: a repository, a clone of another server's configuration.
//!
//! A path beneath such a tree may be a link to any file that the reader can read, or a pipe at which it would wait for
//! ever. So every file of a tree is opened, moved and removed here: level by level, without following a link. A file
//! that is opened is a regular file. Another program may change the tree at the same time, and the result is the same.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

/// A directory that is not followed through a link.
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_RDONLY).union(OFlag::O_CLOEXEC);
/// A file that the open call neither follows through a link nor waits for.
const FILE: OFlag =
    OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_RDONLY).union(OFlag::O_CLOEXEC);

/// The deepest nesting of directories that is read, because each level needs open descriptors.
const DEPTH_MAX: usize = 100;

/// An open tree.
///
/// Holding one tells you nothing about its content. Every file that it gives you is a regular file of the tree.
#[derive(Debug)]
pub struct Tree(OwnedFd);

impl Tree {
    /// Opens a tree that the operator or the database names. The name itself may be a link.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Where it is now.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn path(&self) -> io::Result<PathBuf> {
        std::fs::read_link(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    /// Opens a file that the operator names in a directory that strangers may write, such as a home directory.
    ///
    /// # Errors
    /// Those of [`Self::file`].
    pub fn file_at(path: &Path) -> io::Result<File> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::open(parent)?.file(Path::new(name))
    }

    /// A tree in it; `None` if there is no directory at that path.
    ///
    /// # Errors
    /// A directory cannot be opened.
    pub fn within(&self, path: &Path) -> io::Result<Option<Self>> {
        let mut directory = self.0.try_clone()?;
        for name in names(path)? {
            directory = match openat(&directory, name, DIRECTORY, Mode::empty()) {
                Ok(directory) => directory,
                // ENOTDIR is also the error for a link.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            };
        }
        Ok(Some(Self(directory)))
    }

    /// Opens a file of the tree.
    ///
    /// # Errors
    /// It does not exist, is not a regular file, or is behind a link.
    pub fn file(&self, path: &Path) -> io::Result<File> {
        let not_regular = || io::Error::other("it is a link, or not a regular file");
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = self.within(path.parent().unwrap_or(Path::new("")))?.ok_or(io::ErrorKind::NotFound)?;
        match openat(&parent.0, name, FILE, Mode::empty()) {
            Ok(file) if is(&fstat(&file)?, SFlag::S_IFREG) => Ok(file.into()),
            // ENXIO is the error for a socket, and for a device that is gone.
            Ok(_) | Err(Errno::ELOOP | Errno::ENXIO) => Err(not_regular()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// A directory in it, created if it does not exist.
    ///
    /// # Errors
    /// It is not a directory, or cannot be created.
    pub fn made(&self, name: &OsStr) -> io::Result<Self> {
        match mkdirat(&self.0, name, Mode::from_bits_truncate(0o750)) {
            Ok(()) | Err(Errno::EEXIST) => Ok(Self(openat(&self.0, name, DIRECTORY, Mode::empty())?)),
            Err(errno) => Err(errno.into()),
        }
    }

    /// What a path of the tree is; `None` if nothing is there, or if it is behind a link.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn stat(&self, path: &Path) -> io::Result<Option<FileStat>> {
        let Some(name) = path.file_name() else { return Ok(Some(fstat(&self.0)?)) };
        let parent = self.within(path.parent().unwrap_or(Path::new("")))?;
        parent.map_or(Ok(None), |parent| stat_at(&parent.0, name))
    }

    /// Calls `each` for everything beneath the tree, with its path and what it is. Enters each directory for which
    /// `each` returns `true`.
    ///
    /// # Errors
    /// A directory cannot be read or is too deep, or an error of `each`.
    pub fn walk(&self, each: &mut dyn FnMut(&Path, &FileStat) -> io::Result<bool>) -> io::Result<()> {
        // Its own open directory, because reading one moves its position.
        walk(Dir::openat(&self.0, ".", DIRECTORY, Mode::empty())?, Path::new(""), 0, each)
    }

    /// The paths of everything beneath it that is not a directory, sorted, to this depth of directories.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub fn entries(&self, depth: usize) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        self.walk(&mut |path, stat| {
            let is_directory = is_directory(stat);
            if !is_directory {
                found.push(path.to_owned());
            }
            Ok(is_directory && path.components().count() <= depth)
        })?;
        found.sort();
        Ok(found)
    }

    /// The bytes of all regular files beneath it, without those beneath paths that `skip` names.
    ///
    /// # Errors
    /// A directory cannot be read or is too deep.
    pub fn bytes(&self, skip: impl Fn(&Path) -> bool) -> io::Result<u64> {
        let mut bytes = 0_u64;
        self.walk(&mut |path, stat| {
            if skip(path) {
                return Ok(false);
            }
            // A link or a pipe stores nothing.
            if is(stat, SFlag::S_IFREG) {
                bytes = bytes.saturating_add(u64::try_from(stat.st_size).unwrap_or_default());
            }
            Ok(is_directory(stat))
        })?;
        Ok(bytes)
    }

    /// Removes a file or a whole directory of the tree. A link is removed, and never what it names.
    ///
    /// # Errors
    /// It does not exist or cannot be removed.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = self.within(path.parent().unwrap_or(Path::new("")))?.ok_or(io::ErrorKind::NotFound)?;
        remove_at(&parent.0, name, 0)
    }

    /// Moves a file of the tree into a directory of the same tree.
    ///
    /// # Errors
    /// It does not exist or cannot be moved.
    pub fn rename(&self, path: &Path, to: &Self, new: &OsStr) -> io::Result<()> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = self.within(path.parent().unwrap_or(Path::new("")))?.ok_or(io::ErrorKind::NotFound)?;
        Ok(renameat(&parent.0, name, &to.0, new)?)
    }
}

fn walk(
    mut directory: Dir,
    at: &Path,
    depth: usize,
    each: &mut dyn FnMut(&Path, &FileStat) -> io::Result<bool>,
) -> io::Result<()> {
    let this = directory.as_fd().try_clone_to_owned()?;
    for entry in directory.iter() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        // A file that is gone was removed since.
        let Some(stat) = (if is_dots(name) { None } else { stat_at(&this, name)? }) else { continue };
        let path = at.join(name);
        if each(&path, &stat)? && is_directory(&stat) {
            match Dir::openat(&this, name, DIRECTORY, Mode::empty()) {
                Ok(_) if depth == DEPTH_MAX => return Err(too_deep()),
                Ok(inner) => walk(inner, &path, depth + 1, each)?,
                // It was replaced since.
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
    Ok(())
}

fn remove_at(parent: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
    match unlinkat(parent, name, UnlinkatFlags::NoRemoveDir) {
        // EPERM is POSIX's error for a directory, EISDIR is that of Linux.
        Err(Errno::EISDIR | Errno::EPERM) => {}
        done => return Ok(done?),
    }
    if depth == DEPTH_MAX {
        return Err(too_deep());
    }
    let mut directory = Dir::openat(parent, name, DIRECTORY, Mode::empty())?;
    let this = directory.as_fd().try_clone_to_owned()?;
    for entry in directory.iter() {
        let entry = entry?;
        let inner = OsStr::from_bytes(entry.file_name().to_bytes());
        if !is_dots(inner) {
            remove_at(&this, inner, depth + 1)?;
        }
    }
    Ok(unlinkat(parent, name, UnlinkatFlags::RemoveDir)?)
}

fn too_deep() -> io::Error {
    io::Error::other(format!("its directories are nested more than {DEPTH_MAX} deep"))
}

fn is_dots(name: &OsStr) -> bool {
    matches!(name.as_bytes(), b"." | b"..")
}

fn stat_at(directory: &OwnedFd, name: &OsStr) -> io::Result<Option<FileStat>> {
    match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

impl AsFd for Tree {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// The names in a relative path that stays beneath its start.
fn names(path: &Path) -> io::Result<Vec<&OsStr>> {
    let name = |component| match component {
        Component::Normal(name) => Ok(name),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    };
    path.components().map(name).collect()
}

/// Whether it is a directory, and no link to one.
#[must_use]
pub fn is_directory(stat: &FileStat) -> bool {
    is(stat, SFlag::S_IFDIR)
}

/// Whether it is a link.
#[must_use]
pub fn is_link(stat: &FileStat) -> bool {
    is(stat, SFlag::S_IFLNK)
}

fn is(stat: &FileStat, kind: SFlag) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == kind
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_regular_files_of_the_tree_are_opened_and_no_link_is_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("a/b/file"), "text").unwrap();
        symlink(outside.path().join("secret"), at("link")).unwrap();
        symlink(outside.path(), at("a/linked")).unwrap();
        symlink("b", at("a/inner")).unwrap();
        nix::unistd::mkfifo(&at("pipe"), Mode::S_IRWXU).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let tree = Tree::open(place.path()).unwrap();
        let mut text = String::new();
        tree.file(Path::new("a/b/file")).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        for path in [
            "link",
            "pipe",
            "socket",
            "a",
            "a/linked/secret",
            "a/inner/file",
            "missing",
            "",
            "..",
            "/etc/passwd",
            "a/../link",
        ] {
            assert!(tree.file(Path::new(path)).is_err(), "{path}");
        }
        assert!(tree.within(Path::new("a/b")).unwrap().is_some());
        for path in ["a/linked", "a/inner", "link", "pipe", "missing", "a/b/file"] {
            assert!(tree.within(Path::new(path)).unwrap().is_none(), "{path}");
        }
        let entries = ["a/b/file", "a/inner", "a/linked", "link", "pipe", "socket"].map(PathBuf::from);
        assert_eq!(tree.entries(9).unwrap(), entries);
        assert_eq!(tree.entries(0).unwrap(), ["link", "pipe", "socket"].map(PathBuf::from));
        assert_eq!(tree.entries(9).unwrap(), entries, "a tree can be listed again");
        assert_eq!(tree.bytes(|_| false).unwrap(), 4);
        assert_eq!(tree.bytes(|path| path == Path::new("a/b")).unwrap(), 0);
        for (path, is_there) in
            [("a/b/file", true), ("link", true), ("", true), ("a/linked/secret", false), ("x", false)]
        {
            assert_eq!(tree.stat(Path::new(path)).unwrap().is_some(), is_there, "{path}");
        }
    }

    #[test]
    fn only_files_of_the_tree_are_moved_and_removed_and_no_link_is_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("a/b/c")).unwrap();
        fs::write(at("a/b/file"), "text").unwrap();
        symlink(outside.path(), at("a/b/c/linked")).unwrap();
        symlink(outside.path(), at("linked")).unwrap();
        let tree = Tree::open(place.path()).unwrap();
        for path in ["linked/secret", "missing", "", "..", "a/../linked"] {
            assert!(tree.remove(Path::new(path)).is_err(), "{path}");
        }
        assert!(tree.made(OsStr::new("linked")).is_err());
        let moved = tree.made(OsStr::new("moved")).unwrap();
        assert!(tree.rename(Path::new("linked/secret"), &moved, OsStr::new("x")).is_err());
        tree.rename(Path::new("a/b/file"), &moved, OsStr::new("x")).unwrap();
        assert_eq!(fs::read_to_string(at("moved/x")).unwrap(), "text");
        for path in ["a", "linked", "moved/x"] {
            tree.remove(Path::new(path)).unwrap();
            assert!(at(path).symlink_metadata().is_err(), "{path}");
        }
        assert_eq!(fs::read_to_string(outside.path().join("secret")).unwrap(), "secret");
    }

    #[test]
    fn a_tree_without_an_end_is_an_error() {
        let place = tempfile::tempdir().unwrap();
        let tree = || Tree::open(place.path()).unwrap();
        let mut deep = tree();
        for _ in 0..DEPTH_MAX {
            deep = deep.made(OsStr::new("d")).unwrap();
        }
        assert!(tree().bytes(|_| false).is_ok());
        deep.made(OsStr::new("d")).unwrap();
        let said = format!("its directories are nested more than {DEPTH_MAX} deep");
        assert_eq!(tree().bytes(|_| false).unwrap_err().to_string(), said);
        assert_eq!(tree().remove(Path::new("d")).unwrap_err().to_string(), said);
        assert!(tree().entries(4).is_ok());
    }
}
