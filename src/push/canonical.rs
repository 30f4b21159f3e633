//! Names that look the same although their bytes differ. No I/O here.

use unicode_normalization::UnicodeNormalization;

/// The name in the form that canonically equal names share (Unicode normalization form C, UAX #15). Two such names look
/// the same and are one file on macOS.
#[must_use]
pub fn canonical(name: &str) -> String {
    name.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_are_canonically_equal() {
        assert_eq!(canonical("refs/heads/cafe\u{301}"), canonical("refs/heads/caf\u{e9}"));
        assert_ne!(canonical("refs/heads/cafe"), canonical("refs/heads/caf\u{e9}"));
    }
}
