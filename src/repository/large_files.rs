//! The LFS objects in a repository's directory: found, counted, hashed and copied.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Directory;
use crate::config::{Config, ObjectFormat};
use crate::git::stored::StoredRepository;
use crate::lfs::{Oid, Pointer};
use crate::tree::{Tree, is_directory};

/// The size of a repository's LFS objects in bytes; unreadable ones count as 0.
#[must_use]
pub(crate) fn stored_bytes(root: &Path, directory: &Directory) -> u64 {
    let objects = Tree::open(&root.join(directory.relative())).and_then(|tree| tree.within(Path::new(OBJECTS)));
    objects.ok().flatten().and_then(|objects| objects.bytes(|_| false).ok()).unwrap_or_default()
}

/// The objects of a bare repository.
pub(crate) const OBJECTS: &str = "lfs/objects";

/// The deepest place of an object beneath `lfs/objects`.
const DEPTH: usize = 4;

/// The stored objects of a repository that strangers can write.
#[derive(Debug)]
pub(crate) struct StoredObjects {
    tree: Option<Tree>,
    /// Those in their own places, sorted. There may be very many.
    placed: Vec<Oid>,
    /// The paths beneath the tree of those in other places.
    elsewhere: BTreeMap<Oid, PathBuf>,
}

impl StoredObjects {
    /// Finds the objects of a bare repository.
    pub(crate) fn find(repository: &Path) -> io::Result<Self> {
        Self::find_in(&Tree::open(repository)?, OBJECTS)
    }

    /// Finds the objects in a directory of a tree.
    pub(crate) fn find_in(tree: &Tree, objects: &str) -> io::Result<Self> {
        let tree = tree.within(Path::new(objects))?;
        let mut found = Self { tree: None, placed: Vec::new(), elsewhere: BTreeMap::new() };
        if let Some(tree) = &tree {
            tree.walk(&mut |path, stat| {
                let is_directory = is_directory(stat);
                let name = path.file_name().map(OsStr::as_bytes).unwrap_or_default();
                match Oid::parse(name).ok().filter(|_| !is_directory) {
                    Some(oid) if path == place(oid) => found.placed.push(oid),
                    Some(oid) => drop(found.elsewhere.insert(oid, path.to_owned())),
                    None => {}
                }
                Ok(is_directory && path.components().count() <= DEPTH)
            })?;
        }
        found.placed.sort_unstable();
        found.elsewhere.retain(|oid, _| found.placed.binary_search(oid).is_err());
        Ok(Self { tree, ..found })
    }

    /// The id of each object, and its path beneath `lfs/objects`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Oid, PathBuf)> {
        let placed = self.placed.iter().map(|oid| (*oid, place(*oid)));
        placed.chain(self.elsewhere.iter().map(|(oid, path)| (*oid, path.clone())))
    }

    pub(crate) fn contains(&self, oid: Oid) -> bool {
        self.placed.binary_search(&oid).is_ok() || self.elsewhere.contains_key(&oid)
    }

    pub(crate) fn len(&self) -> usize {
        self.placed.len() + self.elsewhere.len()
    }

    /// Opens an object. Anything but a regular file is an error.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        self.tree.as_ref().ok_or(io::ErrorKind::NotFound)?.file(path)
    }
}

/// The place of an object beneath `lfs/objects`.
pub(crate) fn place(oid: Oid) -> PathBuf {
    let name = oid.to_string();
    let part = |range| name.get(range).unwrap_or_default();
    Path::new(part(0..2)).join(part(2..4)).join(&name)
}

/// Copies a file to a new file. Returns the hash of the copied bytes.
pub(crate) fn copy_hashed(mut file: File, copy: &Path) -> io::Result<String> {
    let mut copy = File::create_new(copy)?;
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
pub(crate) fn hash(mut file: File, mut seen: impl FnMut(u64)) -> io::Result<(String, u64)> {
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

/// Calls `each` for each pointer in reachable history whose object is not stored, with the object and the pointer's
/// blob. Several blobs may name one object.
pub(crate) fn each_missing(
    config: &Config,
    place: &Path,
    format: ObjectFormat,
    stored: &StoredObjects,
    mut each: impl FnMut(Oid, String) + Send,
) -> io::Result<()> {
    let repository = StoredRepository::open(config, place, format);
    let look = |blob, text: Vec<u8>| match Pointer::parse(&text) {
        Some(pointer) if !stored.contains(pointer.oid) => each(pointer.oid, blob),
        Some(_) | None => {}
    };
    repository.and_then(|repository| repository.small_blobs(Pointer::SIZES.end, look)).map_err(io::Error::other)
}

/// The number of LFS objects that history names but that are not stored.
pub(crate) fn missing(config: &Config, place: &Path, format: ObjectFormat) -> io::Result<usize> {
    let mut missing = BTreeSet::new();
    let note = |oid, _| {
        missing.insert(oid);
    };
    each_missing(config, place, format, &StoredObjects::find(place)?, note)?;
    Ok(missing.len())
}
