//! Names and sizes of objects. Strangers' bytes become types. No I/O.

use std::fmt;

use base16ct::HexDisplay;
use sha2::{Digest, Sha256};

/// The greatest size that a client can send: git-lfs counts in signed 64-bit numbers.
const SIZE_MAX: u64 = i64::MAX.unsigned_abs();

/// The name of an object: the SHA-256 of its bytes, written as 64 lower-case hexadecimal digits.
///
/// Holding one tells you that its text is safe in a path and in a log line, and that no other text names the same
/// object. It does not tell you that the object exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid([u8; 32]);

/// The text is not the name of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an object is named by 64 lower-case hexadecimal digits")]
pub struct BadOid;

impl Oid {
    /// Reads the name of an object.
    ///
    /// # Errors
    /// [`BadOid`] for every other text, such as one with upper-case digits.
    pub fn parse(text: &[u8]) -> Result<Self, BadOid> {
        let mut bytes = [0; 32];
        let read = base16ct::lower::decode(text, &mut bytes).map_err(|_| BadOid)?.len();
        if read == bytes.len() { Ok(Self(bytes)) } else { Err(BadOid) }
    }

    /// The name of the object with these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The name from a finished hash.
    pub(super) fn of_hash(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&HexDisplay(&self.0), f)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads a size or a count. `None` if it has anything but decimal digits, or is greater than any client's number.
pub(super) fn number(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text).ok().filter(|_| text.iter().all(u8::is_ascii_digit))?;
    digits.parse().ok().filter(|number| *number <= SIZE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_one_name() {
        let name = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Oid::parse(name.as_bytes()), Ok(Oid::of(b"")));
        assert_eq!(Oid::of(b"").to_string(), name);
        let upper = name.to_uppercase();
        let slash = name.replacen("e3/", "../", 1).replacen("e3b", "../", 1);
        for text in ["", &name[1..], &format!("{name}0"), &upper, &slash, &name.replace('e', "g"), &" ".repeat(64)] {
            assert_eq!(Oid::parse(text.as_bytes()), Err(BadOid), "{text}");
        }
        assert_eq!(Oid::parse(&[0xff; 64]), Err(BadOid));
    }

    #[test]
    fn a_number_is_digits() {
        for (text, expected) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("012", Some(12)),
            ("9223372036854775807", Some(i64::MAX.unsigned_abs())),
            ("9223372036854775808", None),
            ("18446744073709551616", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            (" 1", None),
            ("1e3", None),
            ("0x10", None),
            ("١", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }
}
