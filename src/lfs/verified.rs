//! The comparison of an object's bytes with its name.

use super::oid::Oid;

/// An object whose bytes were counted and hashed.
///
/// Holding one tells you that the written bytes have exactly this name and size. Only a comparison with the finished
/// hash makes one.
#[derive(Debug)]
pub struct Verified {
    oid: Oid,
    size: u64,
}

impl Verified {
    /// Compares the received bytes with the announced name and size.
    pub(super) fn check(announced: (Oid, u64), came: (Oid, u64)) -> Result<Self, Mismatch> {
        let ((oid, size), (hash, came)) = (announced, came);
        match (came == size, hash == oid) {
            (false, _) => Err(Mismatch::Size { oid, announced: size, came }),
            (true, false) => Err(Mismatch::Hash { oid, hash }),
            (true, true) => Ok(Self { oid, size }),
        }
    }

    /// The object.
    #[must_use]
    pub fn oid(&self) -> &Oid {
        &self.oid
    }

    /// The number of its bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// Why the bytes are not the announced object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Mismatch {
    #[error("the object {oid} was announced with {announced} bytes, but {came} came")]
    Size { oid: Oid, announced: u64, came: u64 },
    #[error("the bytes that came are not those of the object {oid}: their hash is {hash}")]
    Hash { oid: Oid, hash: Oid },
}
