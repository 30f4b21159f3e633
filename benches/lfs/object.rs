//! The object that goes to and fro, the sessions of a client that sends and fetches it, and the peer to compare with.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Outcome;
use super::samples::Random;

/// Where tools are kept that are built once.
pub(crate) const TOOLS: &str = "/var/cache/hubgate-tools";
/// In memory, so that no disk is measured.
const MEMORY: &str = "/dev/shm";
/// Unless `BYTES` says otherwise.
const BYTES: u64 = 1 << 30;
/// As clients cut it.
const PACKET: usize = 32 * 1024;

/// scutiger's `git-lfs-transfer`, if it is there.
pub(crate) fn peer() -> Option<PathBuf> {
    Some(Path::new(TOOLS).join("bin/git-lfs-transfer")).filter(|program| program.exists())
}

/// One object in files. Gone when dropped.
pub(crate) struct Object {
    pub(crate) directory: PathBuf,
    pub(crate) bytes: u64,
    pub(crate) oid: String,
}

impl Object {
    pub(crate) fn make() -> Outcome<Self> {
        let bytes = std::env::var("BYTES").map_or(Ok(BYTES), |text| text.parse())?;
        let directory = Path::new(MEMORY).join(format!("hubgate-bench-{}", std::process::id()));
        std::fs::create_dir(&directory)?;
        let mut object = Self { directory, bytes, oid: String::new() };
        let mut file = BufWriter::with_capacity(1 << 20, File::create(object.path("object"))?);
        let (mut random, mut hash, mut left) = (Random(7), Sha256::new(), bytes);
        let mut block = vec![0; 1 << 16];
        while left > 0 {
            block.chunks_exact_mut(8).for_each(|word| word.copy_from_slice(&random.next().to_le_bytes()));
            let part = block.get(..usize::try_from(left.min(1 << 16))?).unwrap_or_default();
            hash.update(part);
            file.write_all(part)?;
            left -= part.len() as u64;
        }
        file.flush()?;
        object.oid = format!("{:x}", hash.finalize());
        object.write_sessions()?;
        Ok(object)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// `put`, `get` and `hello`: all that a client sends.
    fn write_sessions(&self) -> Outcome {
        let line = |text: &str| format!("{:04x}{text}\n", text.len() + 5);
        let (version, quit) = (line("version 1") + "0000", line("quit") + "0000");
        let size = line(&format!("size={}", self.bytes));
        std::fs::write(self.path("hello"), format!("{version}{quit}"))?;
        let get = line(&format!("get-object {}", self.oid)) + &size + "0000";
        std::fs::write(self.path("get"), format!("{version}{get}{quit}"))?;
        let mut put = BufWriter::with_capacity(1 << 20, File::create(self.path("put"))?);
        put.write_all((version + &line(&format!("put-object {}", self.oid)) + &size + "0001").as_bytes())?;
        let mut content = BufReader::with_capacity(1 << 20, File::open(self.path("object"))?);
        let mut block = vec![0; PACKET];
        loop {
            let read = content.read(&mut block)?;
            let Some(part) = block.get(..read).filter(|part| !part.is_empty()) else { break };
            put.write_all(format!("{:04x}", part.len() + 4).as_bytes())?;
            put.write_all(part)?;
        }
        put.write_all(format!("0000{quit}").as_bytes())?;
        Ok(put.flush()?)
    }

    /// Forgets the object in a repository.
    pub(crate) fn forget(repository: &Path) -> Outcome {
        match std::fs::remove_dir_all(repository.join("lfs/objects")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Whether a repository has the object, whole.
    pub(crate) fn is_in(&self, repository: &Path) -> bool {
        let (first, second) = (self.oid.get(..2).unwrap_or_default(), self.oid.get(2..4).unwrap_or_default());
        let file = repository.join("lfs/objects").join(first).join(second).join(&self.oid);
        file.metadata().is_ok_and(|file| file.len() == self.bytes)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.directory) {
            println!("{} stays: {error}", self.directory.display());
        }
    }
}
