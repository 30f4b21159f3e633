//! Measures what a directory of a repository stores. Opens no file and follows no link.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::Part;
use crate::tree::Tree;

/// What git calls the quarantine of a push (git's tmp-objdir.c). Its bytes are reserved, or its push has failed.
const QUARANTINE: &str = "tmp_objdir-";

/// The bytes of a part. A missing directory has none.
pub(super) fn stored(repository: &Path, part: Part) -> io::Result<u64> {
    let directories: &[&str] = match part {
        Part::Git => &["objects"],
        Part::Lfs => &["lfs", "objects"],
    };
    let mut tree = match Tree::open(repository) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        tree => tree?,
    };
    for name in directories.iter().map(Path::new) {
        tree = match (tree.within(name)?, tree.stat(name)?) {
            (Some(directory), _) => directory,
            (None, None) => return Ok(0),
            // What a link names would not count, so nothing may be stored.
            (None, Some(_)) => return Err(ErrorKind::NotADirectory.into()),
        };
    }
    tree.bytes(|path| path.as_os_str().as_encoded_bytes().starts_with(QUARANTINE.as_bytes()))
}
