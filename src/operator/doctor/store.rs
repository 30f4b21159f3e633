//! The repositories: the directory of all of them, each one's own, and the room on their disks.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statvfs::{FsFlags, statvfs};

use super::Findings;
use super::files::{check_mode, check_parents};
use crate::db::Reader;
use crate::passwd::Login;

/// With less room than that, in bytes, a file system counts as full.
const ROOM: u64 = 16 << 20;
/// So many repositories are named; the others are counted.
const NAMED: usize = 3;

pub(super) fn check_root(findings: &mut Findings, root: &Path, login: &Login) {
    check_parents(findings, "repositories", root);
    check_mode(findings, "repositories", root, login, login, 0o750);
}

/// Whether each repository's directory is there, and the login's to read and write.
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
                let mend = format!("chown -R {0}:{0} {1} && chmod 750 {1}", login.name, place.display());
                broken.push((format!("{path}: {} is not {}'s to use", place.display(), login.name), mend));
            }
            Err(error) => {
                let mend = format!("put its backup there, or: hubgate repo remove {path}");
                broken.push((format!("{path}: {}: {error}", place.display()), mend));
            }
        }
    }
    let count = places.len();
    if broken.is_empty() {
        findings.good("repositories", format!("{count} of {count} have their directory"));
    }
    let more = broken.len().saturating_sub(NAMED);
    for (text, mend) in broken.into_iter().take(NAMED) {
        findings.bad("repositories", text, mend);
    }
    if more > 0 {
        findings.bad("repositories", format!("and {more} more"), "hubgate repo check");
    }
}

/// Whether what must be written can be: a disk that is full or read-only lets fetches go on and stops everything else.
pub(super) fn check_room(findings: &mut Findings, directory: &Path) {
    let shown = directory.display();
    // That it is missing is said where its owner is looked at.
    let Ok(space) = statvfs(directory) else { return };
    let free = space.blocks_available().saturating_mul(space.fragment_size());
    if space.flags().contains(FsFlags::ST_RDONLY) {
        let text = format!("{shown} is on a read-only file system: who fetches is served, who pushes is not");
        findings.bad("disk", text, format!("mount -o remount,rw \"$(findmnt -no TARGET -T {shown})\""));
    } else if free < ROOM {
        let text = format!("{shown} has {free} bytes left: who fetches is served, who pushes is not");
        findings.bad("disk", text, "make room: hubgate repo gc --all, or a larger file system");
    } else if space.files() > 0 && space.files_available() == 0 {
        let text = format!("{shown} has no inode left: who fetches is served, who pushes is not");
        findings.bad("disk", text, "make room: hubgate repo gc --all, or a larger file system");
    } else {
        findings.good("disk", format!("{shown}: {free} bytes free"));
    }
}
