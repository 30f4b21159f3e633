//! Files that replace another file at once. A reader, or a power failure, finds the old file or the new one.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::unistd::geteuid;

use super::failure::Failure;

/// A new file beside the one that it will replace. If it is dropped before that, it is deleted.
///
/// It is locked while it is open, here or in a process that inherited it. An unlocked file was left by a killed
/// process.
#[derive(Debug)]
pub(super) struct AtomicFile {
    path: PathBuf,
    file: Flock<File>,
}

impl AtomicFile {
    /// Creates an empty file beside `target`, and deletes files that killed processes left there.
    pub(super) fn beside(target: &Path, mode: u32) -> Result<Self, Failure> {
        let failed = |error| Failure::File(target.display().to_string(), error);
        let directory = parent(target);
        let mut prefix = target.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?.to_owned();
        prefix.push(".new-");
        sweep(directory, &prefix);
        let random = u128::from_le_bytes(crate::random::bytes().map_err(failed)?);
        let mut name = prefix;
        name.push(format!("{random:032x}"));
        let path = directory.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(mode).custom_flags(OFlag::O_NOFOLLOW.bits());
        let shown = path.display().to_string();
        let file = options.open(&path).map_err(|error| Failure::File(shown.clone(), error))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock);
        let file = lock.map_err(|(_, errno)| Failure::File(shown, errno.into()))?;
        Ok(Self { path, file })
    }

    /// Replaces `target` by a file with this mode and text.
    pub(super) fn write(target: &Path, mode: u32, text: &str) -> Result<(), Failure> {
        let new = Self::beside(target, mode)?;
        // The umask does not apply.
        let set = || new.file().set_permissions(Permissions::from_mode(mode));
        let written = set().and_then(|()| new.file().write_all(text.as_bytes()));
        written.map_err(|error| Failure::File(new.path.display().to_string(), error))?;
        new.put_in_place(target)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Replaces `target` by the file, and waits until the disk has it.
    pub(super) fn put_in_place(self, target: &Path) -> Result<(), Failure> {
        let put = || -> io::Result<()> {
            self.file.sync_all()?;
            std::fs::rename(&self.path, target)?;
            File::open(parent(target))?.sync_all()
        };
        put().map_err(|error| Failure::File(target.display().to_string(), error))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Deletes unlocked files of this account whose names have the prefix. A file that cannot be deleted stays.
fn sweep(directory: &Path, prefix: &OsString) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let names = entries.filter_map(Result::ok).map(|entry| entry.file_name());
    let names = names.filter(|name| name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()));
    // SQLite's journal of a file goes with that file, whose name is shorter and comes first.
    let mut names: Vec<OsString> = names.collect();
    names.sort();
    for name in names {
        let text = name.to_string_lossy();
        let belongs_to = text.strip_suffix("-journal").map(|file| directory.join(file));
        if belongs_to.is_some_and(|file| file.exists()) {
            continue;
        }
        let path = directory.join(&name);
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let Ok(file) = OpenOptions::new().read(true).custom_flags(flags.bits()).open(&path) else { continue };
        let ours = file.metadata().is_ok_and(|file| file.is_file() && file.uid() == geteuid().as_raw());
        if ours && Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok() {
            let _ = std::fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_there_when_it_is_put_in_place_and_not_before() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x");
        let atomic = AtomicFile::beside(&target, 0o600).unwrap();
        atomic.file().write_all(b"new").unwrap();
        assert!(!target.exists());
        atomic.put_in_place(&target).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        drop(AtomicFile::beside(&target, 0o600).unwrap());
        assert_eq!(names(directory.path()), ["x"]);
    }

    #[test]
    fn unlocked_files_are_swept_and_locked_ones_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x");
        for name in ["x.new-left", "x.new-left-journal"] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }
        std::fs::write(directory.path().join("y.new-other"), "").unwrap();
        let held = AtomicFile::beside(&target, 0o600).unwrap();
        std::fs::write(format!("{}-journal", held.path().display()), "").unwrap();
        let other = AtomicFile::beside(&target, 0o600).unwrap();
        assert!(held.path().exists() && other.path().exists());
        assert_eq!(names(directory.path()).len(), 4);
    }
}
