//! Pointers: the small blobs that stand for LFS objects in git. Strangers' bytes become types. No I/O.

use std::ops::Range;

use super::oid::{Oid, number};

/// What a pointer in git says about its object (git-lfs's docs/spec.md).
///
/// Holding one tells you that the blob is a pointer. It does not tell you that the object exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The object.
    pub oid: Oid,
    /// The number of its bytes.
    pub size: u64,
}

impl Pointer {
    /// The sizes of blobs that can be pointers. git-lfs rejects longer ones, and no shorter text is complete.
    pub const SIZES: Range<u64> = 120..1_024;

    /// Reads a blob; `None` if it is not a pointer.
    #[must_use]
    pub fn parse(blob: &[u8]) -> Option<Self> {
        // Most blobs are none, and end here.
        let text = blob.strip_prefix(b"version https://git-lfs.github.com/spec/v1\n")?;
        let text = std::str::from_utf8(text).ok()?;
        let value = |key| text.lines().find_map(|line| line.strip_prefix(key));
        let oid = Oid::parse(value("oid sha256:")?.as_bytes()).ok()?;
        Some(Self { oid, size: number(value("size ")?.as_bytes())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_names_its_object_and_size() {
        let oid = Oid::of(b"abc");
        let pointer = Some(Pointer { oid, size: 3 });
        let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 3\n");
        assert!(Pointer::SIZES.contains(&(text.len() as u64)));
        assert_eq!(Pointer::parse(text.as_bytes()), pointer);
        let extended = text.replace("\noid", "\next-0-case sha256:00\noid");
        assert_eq!(Pointer::parse(extended.as_bytes()), pointer);
        for (from, to) in [("version", "Version"), ("spec/v1", "spec/v9"), ("sha256:", "sha512:"), ("size 3", "size x")]
        {
            assert_eq!(Pointer::parse(text.replace(from, to).as_bytes()), None, "{to}");
        }
        assert_eq!(Pointer::parse(b"version https://git-lfs.github.com/spec/v1\n\xff"), None);
    }
}
