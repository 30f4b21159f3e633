//! How a target splits its input: length, bytes, length, bytes, so that seeds can be written by hand.

use arbitrary::Unstructured;

/// Takes a length in one byte and that many bytes, or as many as are left.
pub(crate) fn bytes<'a>(u: &mut Unstructured<'a>) -> &'a [u8] {
    let length = usize::from(u.arbitrary::<u8>().unwrap_or(0)).min(u.len());
    u.bytes(length).unwrap_or_default()
}

/// The same as text; empty if it is not UTF-8.
pub(crate) fn text<'a>(u: &mut Unstructured<'a>) -> &'a str {
    std::str::from_utf8(bytes(u)).unwrap_or_default()
}

/// Chooses one of these values.
pub(crate) fn one_of<T: Copy>(u: &mut Unstructured<'_>, values: &[T]) -> T {
    values[usize::from(u.arbitrary::<u8>().unwrap_or(0)) % values.len()]
}

/// Fields as in a key blob: each after its length in four bytes (RFC 4251, section 5).
pub(crate) fn blob(fields: &[&[u8]]) -> Vec<u8> {
    let length = |field: &[u8]| u32::try_from(field.len()).unwrap().to_be_bytes();
    fields.iter().flat_map(|field| [&length(field), *field].concat()).collect()
}

/// The fields of a blob, read one by one. A missing field panics.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// A field after its length.
    pub(crate) fn string(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.number::<4>()).unwrap();
        let (field, rest) = self.0.split_at(length);
        self.0 = rest;
        field
    }

    /// A number with this many bytes.
    pub(crate) fn number<const BYTES: usize>(&mut self) -> u64 {
        let (number, rest) = self.0.split_first_chunk::<BYTES>().unwrap();
        self.0 = rest;
        number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

/// Whether a text is printable ASCII on one line.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether an error's text is a clause for people: no control characters, no full stop.
pub(crate) fn is_sentence(text: &str) -> bool {
    is_plain(text) && !text.is_empty() && !text.ends_with('.')
}
