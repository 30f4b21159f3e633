//! The input of account commands: a public key on standard input, and a title as the rest of the line.

use std::io::ErrorKind;

use crate::bounded;
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
    bounded::read(std::io::stdin(), KEY_MAX).map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => Refused::Usage("standard input is too long to be a key".to_owned()),
        _ => Refused::Usage(format!("standard input: {error}")),
    })
}
