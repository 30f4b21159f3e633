//! Why a pack cannot be read.

use std::io;

/// Why a pack cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadPack {
    /// The file system.
    #[error("cannot read the pack of the push: {0}")]
    Read(io::Error),
    /// It is not as git writes it.
    #[error("the pack of the push is malformed")]
    Format,
    /// There are several, or objects outside packs.
    #[error("the push is not in one pack")]
    Several,
    /// The objects were not read in time.
    #[error("the objects of the push were not read in time")]
    Late,
}

impl From<io::Error> for BadPack {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}
