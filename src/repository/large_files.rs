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
use crate::tree::Tree;

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
    /// The path of each object beneath the tree, by object id.
    paths: BTreeMap<String, PathBuf>,
}

impl StoredObjects {
    /// Finds the objects of a bare repository.
    pub(crate) fn find(repository: &Path) -> io::Result<Self> {
        Self::find_in(repository, OBJECTS)
    }

    /// Finds the objects in a directory beneath another one.
    pub(crate) fn find_in(directory: &Path, objects: &str) -> io::Result<Self> {
        let tree = Tree::open(directory)?.within(Path::new(objects))?;
        let entries = tree.as_ref().map_or(Ok(Vec::new()), |tree| tree.entries(DEPTH))?;
        let paths = entries.into_iter().filter_map(|path| {
            let name = path.file_name()?.to_str()?.to_owned();
            Oid::parse(name.as_bytes()).ok().map(|_| (name, path))
        });
        Ok(Self { paths: paths.collect(), tree })
    }

    /// The id of each object, and its path beneath `lfs/objects`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &PathBuf)> {
        self.paths.iter()
    }

    pub(crate) fn contains(&self, oid: &str) -> bool {
        self.paths.contains_key(oid)
    }

    pub(crate) fn len(&self) -> usize {
        self.paths.len()
    }

    /// Opens an object. Anything but a regular file is an error.
    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        self.tree.as_ref().ok_or(io::ErrorKind::NotFound)?.file(path)
    }
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
    let stored = StoredObjects::find(place)?;
    let named: BTreeMap<String, String> = pointers(config, place, format)?.into_iter().collect();
    Ok(named.keys().filter(|oid| !stored.contains(oid)).count())
}
