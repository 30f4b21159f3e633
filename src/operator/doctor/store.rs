//! The repositories: their common directory, the directory of each, and the free space on their disks.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statvfs::{FsFlags, statvfs};

use super::Findings;
use super::files::{check_mode, check_parents};
use crate::db::Reader;
use crate::passwd::Login;
use crate::word::counted;

/// A file system with less free space than this, in bytes, counts as full.
const ROOM: u64 = 16 << 20;
/// The number of broken repositories that are named; the rest are counted.
const NAMED: usize = 3;

pub(super) fn check_root(findings: &mut Findings, root: &Path, login: &Login) {
    check_parents(findings, "repositories", root);
    check_mode(findings, "repositories", root, login, login, 0o750);
}

/// Whether each repository's directory exists and the login can read and write it.
pub(super) fn check_directories(findings: &mut Findings, root: &Path, login: &Login, reader: &Reader) {
    let places = match reader.ask(|view| view.places()) {
        Ok(places) => places,
        Err(error) => return findings.bad("repositories", error.to_string(), "hubgate repo check"),
    };
    let is_usable =
        |directory: &Metadata| directory.is_dir() && directory.uid() == login.uid && directory.mode() & 0o700 == 0o700;
    let mut broken = Vec::new();
    for (path, directory) in &places {
        let place = root.join(directory.relative());
        match place.symlink_metadata() {
            Ok(file) if is_usable(&file) => {}
            Ok(_) => {
                let fix = format!("chown -R {0}:{0} {1} && chmod 750 {1}", login.name, place.display());
                broken.push((format!("{path}: {} is not usable for {}", place.display(), login.name), fix));
            }
            Err(error) => {
                let fix = format!("restore it from a backup, or: hubgate repo remove {path}");
                broken.push((format!("{path}: {}: {error}", place.display()), fix));
            }
        }
    }
    let count = places.len();
    if broken.is_empty() {
        findings.ok("repositories", counted(count, "directory is usable", "directories are usable"));
    }
    let more = broken.len().saturating_sub(NAMED);
    for (text, fix) in broken.into_iter().take(NAMED) {
        findings.bad("repositories", text, fix);
    }
    if more > 0 {
        findings.bad("repositories", format!("and {more} more"), "hubgate repo check");
    }
}

/// Whether the login can write. With a full or read-only disk, fetches work and everything else fails.
pub(super) fn check_room(findings: &mut Findings, directory: &Path) {
    let shown = directory.display();
    // The check of its owner reports a missing directory.
    let Ok(space) = statvfs(directory) else { return };
    let free = space.blocks_available().saturating_mul(space.fragment_size());
    if space.flags().contains(FsFlags::ST_RDONLY) {
        let text = format!("{shown} is on a read-only file system: fetches work, pushes fail");
        findings.bad("disk", text, format!("mount -o remount,rw \"$(findmnt -no TARGET -T {shown})\""));
    } else if free < ROOM {
        let text = format!("{shown} has {free} bytes left: fetches work, pushes fail");
        findings.bad("disk", text, "free space with hubgate repo gc --all, or enlarge the file system");
    } else if space.files() > 0 && space.files_available() == 0 {
        let text = format!("{shown} has no inodes left: fetches work, pushes fail");
        findings.bad("disk", text, "free space with hubgate repo gc --all, or enlarge the file system");
    } else {
        findings.ok("disk", format!("{shown}: {free} bytes free"));
    }
}
