//! How a target takes its input apart: length, bytes, length, bytes, so that a seed can be written by hand.

use arbitrary::Unstructured;

/// Takes as many bytes as the next one says, or as there are.
pub(crate) fn bytes<'a>(u: &mut Unstructured<'a>) -> &'a [u8] {
    let length = usize::from(u.arbitrary::<u8>().unwrap_or(0)).min(u.len());
    u.bytes(length).unwrap_or_default()
}

/// The same as text; empty where it is not UTF-8.
pub(crate) fn text<'a>(u: &mut Unstructured<'a>) -> &'a str {
    std::str::from_utf8(bytes(u)).unwrap_or_default()
}

/// Takes one of these.
pub(crate) fn one_of<T: Copy>(u: &mut Unstructured<'_>, values: &[T]) -> T {
    values[usize::from(u.arbitrary::<u8>().unwrap_or(0)) % values.len()]
}

/// Fields as a key blob has them: each behind its length in four bytes (RFC 4251, section 5).
pub(crate) fn blob(fields: &[&[u8]]) -> Vec<u8> {
    let length = |field: &[u8]| u32::try_from(field.len()).unwrap().to_be_bytes();
    fields.iter().flat_map(|field| [&length(field), *field].concat()).collect()
}

/// The fields of a blob, to be read one by one; one that is not there is a panic.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// A field behind its length.
    pub(crate) fn string(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.number::<4>()).unwrap();
        let (field, rest) = self.0.split_at(length);
        self.0 = rest;
        field
    }

    /// A number of so many bytes.
    pub(crate) fn number<const BYTES: usize>(&mut self) -> u64 {
        let (number, rest) = self.0.split_first_chunk::<BYTES>().unwrap();
        self.0 = rest;
        number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// Whether a text is printable ASCII, which is one line.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a sentence for people, from an error, is one: a clause without control characters and without a stop.
pub(crate) fn is_sentence(text: &str) -> bool {
    is_plain(text) && !text.is_empty() && !text.ends_with('.')
}
