//! Trees of directories that strangers can write: a repository, a clone of another server's configuration.
//!
//! A path beneath such a tree may be a link to any file that the reader can read, or a pipe at which it would wait for
//! ever. So every file of a tree is opened here: level by level, without following a link, and only if it is a regular
//! file. Another program may change the tree at the same time, and the result is the same.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};

/// A directory that is not followed through a link.
const DIRECTORY: OFlag = OFlag::O_DIRECTORY.union(OFlag::O_NOFOLLOW).union(OFlag::O_RDONLY).union(OFlag::O_CLOEXEC);
/// A file that the open call neither follows through a link nor waits for.
const FILE: OFlag =
    OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_NOCTTY).union(OFlag::O_RDONLY).union(OFlag::O_CLOEXEC);

/// An open tree.
///
/// Holding one tells you nothing about its content. Every file that it gives you is a regular file of the tree.
#[derive(Debug)]
pub(crate) struct Tree(OwnedFd);

impl Tree {
    /// Opens a tree that the operator or the database names. The name itself may be a link.
    ///
    /// # Errors
    /// There is no such directory.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Opens a file that the operator names in a directory that strangers may write, such as a home directory.
    ///
    /// # Errors
    /// Those of [`Self::file`].
    pub(crate) fn file_at(path: &Path) -> io::Result<File> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::open(parent)?.file(Path::new(name))
    }

    /// A tree in it; `None` if there is no directory at that path.
    ///
    /// # Errors
    /// A directory cannot be opened.
    pub(crate) fn within(&self, path: &Path) -> io::Result<Option<Self>> {
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
    pub(crate) fn file(&self, path: &Path) -> io::Result<File> {
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

    /// The paths of everything beneath it that is not a directory, sorted, to this depth of directories.
    ///
    /// # Errors
    /// A directory cannot be read.
    pub(crate) fn entries(&self, depth: usize) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        self.collect(Path::new(""), depth, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn collect(&self, at: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
        // Its own open directory, because reading one moves its position.
        let mut directory = Dir::openat(&self.0, ".", DIRECTORY, Mode::empty())?;
        for entry in directory.iter() {
            let entry = entry?;
            let name = Path::new(OsStr::from_bytes(entry.file_name().to_bytes()));
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            let path = at.join(name);
            let inner = match entry.file_type() {
                Some(Type::Directory) | None => self.within(name)?,
                Some(_) => None,
            };
            match inner {
                Some(inner) if depth > 0 => inner.collect(&path, depth - 1, found)?,
                Some(_) => {}
                None => found.push(path),
            }
        }
        Ok(())
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
    }
}
