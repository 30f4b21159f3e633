//! Reads the line of a `.pub` file, and recognizes what people paste instead of it.

use std::str::FromStr;

use super::error::KeyError;
use super::key_type::{KeyType, decode_base64, inner_type};

/// The longest accepted text, in bytes. The longest accepted key, RSA of 16,384 bits, has about 2,800.
const TEXT_MAX: usize = 64 * 1024;

/// The words of a line. Only their syntax is checked.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The first word.
    pub(super) key_type: KeyType,
    /// The second word, decoded.
    pub(super) blob: Vec<u8>,
    /// The rest, without the blanks around it.
    pub(super) comment: &'a [u8],
}

/// Splits a pasted text into the words of a key's line.
pub(super) fn split(text: &[u8]) -> Result<Line<'_>, KeyError> {
    if text.len() > TEXT_MAX {
        return Err(KeyError::TooLong);
    }
    // Checked first: a person who pasted a private key must see that message, whatever else is wrong with the text.
    if text.split(|byte| matches!(byte, b'\n' | b'\r')).any(starts_private_key) {
        return Err(KeyError::Private);
    }
    let text = text.trim_ascii();
    if let Some(error) = other_form(text) {
        return Err(error);
    }
    let (first, rest) = split_word(text);
    let (second, comment) = split_word(rest);
    let key_type = key_type(first, second, rest)?;
    let blob = decode_base64(second).filter(|blob| !blob.is_empty()).ok_or(KeyError::Base64)?;
    Ok(Line { key_type, blob, comment })
}

/// Splits off the first word and the blanks after it.
fn split_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_ascii_start())
}

/// Whether a line begins a private key: PEM of any kind, `PuTTY`, ssh 1, or OpenSSH's format without its PEM header.
fn starts_private_key(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line).trim_ascii_start();
    let armored = line.starts_with(b"-----BEGIN ") || line.starts_with(b"---- BEGIN ");
    armored && line.windows(11).any(|words| words == b"PRIVATE KEY")
        || line.starts_with(b"PuTTY-User-Key-File-")
        || line.starts_with(b"SSH PRIVATE KEY FILE FORMAT")
        // The base64 of "openssh-key-v1".
        || line.starts_with(b"b3BlbnNzaC1rZXktdj")
}

/// The error for a text whose first bytes or line breaks show that it is not the line of a key.
fn other_form(text: &[u8]) -> Option<KeyError> {
    let starts: [(&[u8], KeyError); 7] = [
        (b"\xEF\xBB\xBF", KeyError::ByteOrderMark),
        (b"\xFF\xFE", KeyError::ByteOrderMark),
        (b"\xFE\xFF", KeyError::ByteOrderMark),
        (b"#", KeyError::CommentLine),
        (b"---- BEGIN SSH2 PUBLIC KEY", KeyError::Ssh2),
        (b"-----BEGIN PUBLIC KEY", KeyError::Pkcs8),
        (b"-----BEGIN RSA PUBLIC KEY", KeyError::Pkcs1),
    ];
    if text.is_empty() {
        return Some(KeyError::Empty);
    }
    let known = starts.into_iter().find(|(start, _)| text.starts_with(start)).map(|(_, error)| error);
    // As part of a comment, a line break would add a line to `authorized_keys` or to a listing.
    known.or_else(|| text.iter().any(|byte| matches!(byte, b'\n' | b'\r')).then_some(KeyError::Lines))
}

/// The type that the first word names, or the likeliest reason why it is not a type.
fn key_type(first: &[u8], second: &[u8], rest: &[u8]) -> Result<KeyType, KeyError> {
    let named = std::str::from_utf8(first).map_or(Err(KeyError::NotAKey), KeyType::from_str);
    if named != Err(KeyError::OtherType) {
        return named;
    }
    // A key of an unknown type also names its type twice.
    if decode_base64(second).is_some_and(|blob| inner_type(&blob) == Some(first)) {
        return Err(KeyError::OtherType);
    }
    let mut words = rest.split(|byte| matches!(byte, b' ' | b'\t'));
    let key_follows = words
        .any(|word| std::str::from_utf8(word).is_ok_and(|word| word.parse::<KeyType>() != Err(KeyError::OtherType)));
    Err(if key_follows { KeyError::Options } else { KeyError::NotAKey })
}
