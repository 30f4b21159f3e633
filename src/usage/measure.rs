//! Measures what a directory of a repository stores. Opens no file and follows no link.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::Part;

/// What git calls the quarantine of a push (git's tmp-objdir.c). Its bytes are reserved, or its push has failed.
const QUARANTINE: &str = "tmp_objdir-";

/// The bytes of a part. A missing directory has none.
pub(super) fn stored(repository: &Path, part: Part) -> io::Result<u64> {
    let directory = match part {
        Part::Git => "objects",
        Part::Lfs => "lfs/objects",
    };
    let mut bytes = 0_u64;
    let mut directories = vec![repository.join(directory)];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(QUARANTINE.as_bytes()) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => directories.push(entry.path()),
                Ok(metadata) if metadata.is_file() => bytes = bytes.saturating_add(metadata.len()),
                // A link or a pipe stores nothing.
                Ok(_) => {}
                // git has removed it since.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(bytes)
}
