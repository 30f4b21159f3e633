//! The output of `git cat-file`: which objects are small blobs, and the bytes of blobs. Its caller runs git.

use std::io::{self, BufRead, Read};
use std::ops::Range;

/// No line of ids, types and sizes is as long, in bytes.
const LINE_MAX: u64 = 4_096;

/// The id in a line of `--batch-check=%(objectname) %(objecttype) %(objectsize)`, if the object is a blob of such a
/// size.
#[must_use]
pub fn small_blob<'a>(line: &'a str, sizes: &Range<u64>) -> Option<&'a str> {
    let (id, rest) = line.split_once(' ')?;
    let size = rest.strip_prefix("blob ")?.parse().ok()?;
    sizes.contains(&size).then_some(id)
}

/// Calls `each` for every line of ids and sizes.
///
/// # Errors
/// That of reading or of `each`, or [`io::ErrorKind::InvalidData`] for a line that is too long for ids and sizes.
pub fn short_lines(output: &mut dyn BufRead, mut each: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let mut line = String::new();
    loop {
        line.clear();
        #[expect(clippy::disallowed_methods, reason = "a longer line is an error")]
        let length = (&mut *output).take(LINE_MAX).read_line(&mut line)? as u64;
        if length == LINE_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "git printed a line that is too long"));
        }
        match length {
            0 => return Ok(()),
            _ => each(line.trim_end())?,
        }
    }
}

/// The next blob of `--batch`, of fewer than `limit` bytes, with its id; `None` at the end. It is `ID blob SIZE`,
/// newline, the bytes, newline.
///
/// # Errors
/// That of reading, or [`io::ErrorKind::InvalidData`].
pub fn next_blob(output: &mut dyn BufRead, limit: u64) -> io::Result<Option<(String, Vec<u8>)>> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "git cat-file printed something else than a blob");
    let mut head = String::new();
    #[expect(clippy::disallowed_methods, reason = "a longer line names no blob")]
    if (&mut *output).take(LINE_MAX).read_line(&mut head)? == 0 {
        return Ok(None);
    }
    let (id, size) = head.trim_end().rsplit_once(" blob ").ok_or_else(invalid)?;
    let size = size.parse().ok().filter(|size: &u64| *size < limit).ok_or_else(invalid)?;
    let mut text = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "the size is exact, and fewer bytes are an error")]
    output.take(size.checked_add(1).ok_or_else(invalid)?).read_to_end(&mut text)?;
    match text.pop() {
        Some(b'\n') if text.len() as u64 == size => Ok(Some((id.to_owned(), text))),
        Some(_) | None => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_a_small_blob_or_none() {
        for (line, expected) in [
            ("ab blob 5", Some("ab")),
            ("ab blob 4", None),
            ("ab blob 9", None),
            ("ab tree 5", None),
            ("ab missing", None),
            ("ab blob x", None),
            ("", None),
        ] {
            assert_eq!(small_blob(line, &(5..9)), expected, "{line}");
        }
    }

    #[test]
    fn blobs_are_read_one_by_one_and_anything_else_is_an_error() {
        let mut output = b"ab blob 3\na\nb\ncd blob 0\n\n".as_slice();
        assert_eq!(next_blob(&mut output, 100).unwrap(), Some(("ab".to_owned(), b"a\nb".to_vec())));
        assert_eq!(next_blob(&mut output, 100).unwrap(), Some(("cd".to_owned(), Vec::new())));
        assert_eq!(next_blob(&mut output, 100).unwrap(), None);
        for bad in
            ["ab missing\n", "ab blob x\n", "ab blob 3\nab\n", "ab blob 3\nabcd\n", "ab blob 18446744073709551615\n"]
        {
            assert!(next_blob(&mut bad.as_bytes(), 100).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_git_prints_without_an_end_is_an_error_and_takes_no_memory() {
        let endless = || io::BufReader::new(io::repeat(b'x'));
        assert_eq!(short_lines(&mut endless(), |_| Ok(())).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(next_blob(&mut endless(), 100).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut long = io::BufReader::new(b"ab blob 9223372036854775807\n".chain(io::repeat(b'x')));
        assert_eq!(next_blob(&mut long, 100).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut lines = Vec::new();
        let read = short_lines(&mut b"ab\ncd blob 3\nef".as_slice(), |line| {
            lines.push(line.to_owned());
            Ok(())
        });
        assert_eq!((read.is_ok(), lines), (true, ["ab", "cd blob 3", "ef"].map(str::to_owned).to_vec()));
    }
}
