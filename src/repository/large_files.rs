//! The LFS objects in a repository's directory: found, counted, hashed and copied.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Directory;
use crate::config::{Config, ObjectFormat};
use crate::git::stored::StoredRepository;
use crate::lfs::{Oid, Pointer};

/// The size of a repository's LFS objects in bytes; unreadable ones count as 0.
#[must_use]
pub(crate) fn stored_bytes(root: &Path, directory: &Directory) -> u64 {
    fn walk(path: &Path) -> u64 {
        let Ok(entries) = std::fs::read_dir(path) else { return 0 };
        let size = |entry: std::fs::DirEntry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => walk(&entry.path()),
            Ok(metadata) if metadata.is_file() => metadata.len(),
            Ok(_) | Err(_) => 0,
        };
        entries.filter_map(Result::ok).map(size).sum()
    }
    walk(&root.join(directory.relative()).join("lfs/objects"))
}

/// The file of each object, by object id.
pub(crate) fn stored_objects(directory: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut objects = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else if Oid::parse(name.as_bytes()).is_ok() {
                objects.insert(name, entry.path());
            }
        }
    }
    Ok(objects)
}

/// Copies a file to a new file. Returns the hash of the copied bytes.
pub(crate) fn copy_hashed(file: &Path, copy: &Path) -> io::Result<String> {
    let (mut file, mut copy) = (File::open(file)?, File::create_new(copy)?);
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        copy.write_all(bytes)?;
    }
    Ok(format!("{:x}", hasher.finalize()))
}

/// Hashes a file. Returns the hash and the size, and reports the size of each piece to `seen`.
pub(crate) fn hash(file: &Path, mut seen: impl FnMut(u64)) -> io::Result<(String, u64)> {
    let mut file = File::open(file)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        size += bytes.len() as u64;
        seen(bytes.len() as u64);
    }
    Ok((format!("{:x}", hasher.finalize()), size))
}

/// The objects that pointers in reachable history name, each with one blob that names it.
pub(crate) fn pointers(config: &Config, place: &Path, format: ObjectFormat) -> io::Result<Vec<(String, String)>> {
    let stored = StoredRepository::open(config, place, format);
    let mut named = Vec::new();
    let note = |id, text: Vec<u8>| named.extend(Pointer::parse(&text).map(|pointer| (pointer.oid.to_string(), id)));
    stored.and_then(|stored| stored.small_blobs(Pointer::SIZES.end, note)).map_err(io::Error::other)?;
    Ok(named)
}

/// The number of LFS objects that history names but that are not stored.
pub(crate) fn missing(config: &Config, place: &Path, format: ObjectFormat) -> io::Result<usize> {
    let stored = stored_objects(&place.join("lfs/objects"))?;
    let named: BTreeMap<String, String> = pointers(config, place, format)?.into_iter().collect();
    Ok(named.keys().filter(|oid| !stored.contains_key(*oid)).count())
}
