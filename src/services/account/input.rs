//! The input of account commands: a public key on standard input, and a title as the rest of the line.

use std::io::Read;

use crate::commands::Refused;
use crate::commands::arguments::title;
use crate::name::Title;

/// The longest standard input, in bytes.
const KEY_MAX: u64 = 16 * 1024;

/// Reads a title that may be missing.
pub(super) fn optional_title(words: &[String]) -> Result<Option<Title>, Refused> {
    if words.is_empty() { Ok(None) } else { Ok(Some(title(words)?)) }
}

/// Reads the public key that the client sends.
pub(super) fn standard_input() -> Result<Vec<u8>, Refused> {
    let mut text = Vec::new();
    let read = std::io::stdin().take(KEY_MAX + 1).read_to_end(&mut text);
    read.map_err(|error| Refused::Usage(format!("standard input: {error}")))?;
    if text.len() as u64 > KEY_MAX {
        return Err(Refused::Usage("standard input is too long to be a key".to_owned()));
    }
    Ok(text)
}
