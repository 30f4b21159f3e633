//! Reads of a source that may be longer than it should be. A longer source is an error and never a shorter text.

use std::io::{self, ErrorKind, Read};

/// Reads a source to its end, if it has at most `most` bytes.
///
/// # Errors
/// [`ErrorKind::FileTooLarge`] if there are more bytes, or the source's error.
pub fn read(source: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "one byte more shows that the source is too long")]
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("longer than {most} bytes")));
    }
    Ok(bytes)
}

/// Reads a text to its end, if it has at most `most` bytes.
///
/// # Errors
/// Those of [`read`], and [`ErrorKind::InvalidData`] if the text is not UTF-8.
pub fn read_text(source: impl Read, most: u64) -> io::Result<String> {
    String::from_utf8(read(source, most)?).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_whole_or_not_at_all() {
        for (text, most, expected) in [
            (b"".as_slice(), 0, Ok(b"".to_vec())),
            (b"abc", 3, Ok(b"abc".to_vec())),
            (b"abc", u64::MAX, Ok(b"abc".to_vec())),
            (b"abcd", 3, Err(ErrorKind::FileTooLarge)),
            (b"a", 0, Err(ErrorKind::FileTooLarge)),
        ] {
            assert_eq!(read(text, most).map_err(|error| error.kind()), expected, "{text:?} {most}");
        }
        // A source without an end is not read for ever.
        assert_eq!(read(io::repeat(b'x'), 5).unwrap_err().to_string(), "longer than 5 bytes");
        assert_eq!(read_text(b"\xff".as_slice(), 5).unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
