//! Reads of a source that may be longer than it should be. A longer source is an error and never a shorter text,
//! and a longer line is no line.

use std::io::{self, BufRead, ErrorKind, Read};

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

/// Reads the next line that has at most `most` bytes, with a newline. Longer lines are skipped and not kept.
/// Returns whether there is such a line.
///
/// # Errors
/// The source's error.
pub fn next_line(source: &mut (impl BufRead + ?Sized), most: u64, line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        line.clear();
        #[expect(clippy::disallowed_methods, reason = "a longer line is skipped to its end")]
        (&mut *source).take(most).read_until(b'\n', line)?;
        if line.ends_with(b"\n") || (line.len() as u64) < most {
            return Ok(!line.is_empty());
        }
        source.skip_until(b'\n')?;
    }
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

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_not_kept() {
        for (text, expected) in [
            ("", &[][..]),
            ("\n", &["\n"]),
            ("ab\ncde\n", &["ab\n", "cde\n"]),
            ("cdef\nab\n", &["ab\n"]),
            ("cdefghijklmnop\ncdef\nab", &["ab"]),
            ("cdefg", &[]),
            ("ab\ncdefg\n", &["ab\n"]),
        ] {
            for capacity in [1, 3, 100] {
                let mut source = io::BufReader::with_capacity(capacity, text.as_bytes());
                let (mut line, mut lines) = (Vec::new(), Vec::new());
                while next_line(&mut source, 4, &mut line).unwrap() {
                    lines.push(String::from_utf8(line.clone()).unwrap());
                }
                assert_eq!(lines, expected, "{text:?} {capacity}");
            }
        }
        let mut line = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "this source is made of parts")]
        let mut long = io::BufReader::new(io::repeat(0).take(1 << 24).chain(b"\nab\n".as_slice()));
        assert!(next_line(&mut long, 4, &mut line).unwrap());
        assert!(line == b"ab\n" && line.capacity() < 1 << 10, "{}", line.capacity());
    }
}
