//! The output of `git cat-file`: objects with their types, sizes and bytes. Its caller runs git.

use std::io::{self, BufRead, Read};
use std::ops::Range;

use crate::word::words;

/// No line of ids, types and sizes is as long, in bytes.
const LINE_MAX: u64 = 4_096;

words! {
    /// The type of an object.
    pub enum Kind {
        /// The bytes of a file.
        Blob = "blob",
        /// A directory.
        Tree = "tree",
        /// A commit.
        Commit = "commit",
        /// An annotated tag.
        Tag = "tag",
    }
}

/// An object as `--batch-check=%(objectname) %(objecttype) %(objectsize)` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its type.
    pub kind: Kind,
    /// Its bytes.
    pub size: u64,
}

impl<'a> Listed<'a> {
    /// Reads a line; `None` if it names no object, such as `ID missing`.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split(' ');
        let (id, kind, size) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { id, kind, size })
    }
}

/// The id in such a line, if the object is a blob of such a size.
#[must_use]
pub fn small_blob<'a>(line: &'a str, sizes: &Range<u64>) -> Option<&'a str> {
    Listed::parse(line).filter(|object| object.kind == Kind::Blob && sizes.contains(&object.size)).map(|blob| blob.id)
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

/// The objects of `--batch`, which are read one by one into the same memory.
pub struct Objects<'a> {
    output: &'a mut dyn BufRead,
    head: String,
    bytes: Vec<u8>,
}

impl<'a> Objects<'a> {
    /// Those of this output.
    pub fn of(output: &'a mut dyn BufRead) -> Self {
        Self { output, head: String::new(), bytes: Vec::new() }
    }

    /// Reads the next object: a line like that of `--batch-check`, the bytes, and a newline. Returns the object and its
    /// first bytes, of which `most` says how many are wanted; `None` for an object that must not come.
    ///
    /// # Errors
    /// That of reading, or [`io::ErrorKind::InvalidData`].
    pub fn next(&mut self, most: impl FnOnce(Listed<'_>) -> Option<u64>) -> io::Result<Option<(Listed<'_>, &[u8])>> {
        let invalid =
            || io::Error::new(io::ErrorKind::InvalidData, "git cat-file printed something else than an object");
        self.head.clear();
        #[expect(clippy::disallowed_methods, reason = "a longer line names no object")]
        if (&mut *self.output).take(LINE_MAX).read_line(&mut self.head)? == 0 {
            return Ok(None);
        }
        let object = Listed::parse(self.head.trim_end()).ok_or_else(invalid)?;
        let wanted = most(object).ok_or_else(invalid)?.min(object.size);
        self.bytes.clear();
        pass(self.output, wanted, |piece| self.bytes.extend_from_slice(piece))?;
        pass(self.output, object.size - wanted, |_| ())?;
        let mut end = [0];
        self.output.read_exact(&mut end)?;
        if end != *b"\n" {
            return Err(invalid());
        }
        Ok(Some((object, &self.bytes)))
    }
}

/// Calls `each` with the next bytes, piece by piece. Fewer bytes are an error.
fn pass(output: &mut dyn BufRead, length: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let buffer = match output.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let piece = buffer.get(..most).unwrap_or(buffer);
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        each(piece);
        let length = piece.len();
        output.consume(length);
        left -= length as u64;
    }
    Ok(())
}

/// The next blob of `--batch`, of fewer than `limit` bytes, with its id; `None` at the end.
///
/// # Errors
/// That of reading, or [`io::ErrorKind::InvalidData`].
pub fn next_blob(output: &mut dyn BufRead, limit: u64) -> io::Result<Option<(String, Vec<u8>)>> {
    let is_small = |object: Listed<'_>| object.kind == Kind::Blob && object.size < limit;
    let most = |object: Listed<'_>| is_small(object).then_some(object.size);
    Ok(Objects::of(output).next(most)?.map(|(object, bytes)| (object.id.to_owned(), bytes.to_vec())))
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
        for (limit, is_small) in [(3, false), (4, true)] {
            assert_eq!(next_blob(&mut b"ab blob 3\na\nb\n".as_slice(), limit).is_ok(), is_small, "{limit}");
        }
    }

    #[test]
    fn an_object_of_which_only_the_beginning_is_wanted_ends_at_its_last_byte() {
        let read = |output: &str, wanted| {
            let mut output = output.as_bytes();
            let got = Objects::of(&mut output).next(|_| Some(wanted)).map(|object| object.map(|(_, got)| got.to_vec()));
            (got.ok().flatten(), output.len())
        };
        assert_eq!(read("ab tree 4\nabcd\nrest", 2), (Some(b"ab".to_vec()), 4));
        assert_eq!(read("ab tree 4\nabcd\nrest", 9), (Some(b"abcd".to_vec()), 4));
        for cut in ["ab tree 4\nabcd", "ab tree 4\nabc", "ab tree 4\na", "ab tree 4\nabcde\n"] {
            for wanted in [0, 2, 9] {
                assert_eq!(read(cut, wanted).0, None, "{cut:?}, {wanted}");
            }
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
