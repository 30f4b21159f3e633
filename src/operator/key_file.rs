//! Files that the operator names: keys and fingerprints. They are read before root's rights are dropped.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::backup::STREAM;
use super::failure::Failure;
use crate::bounded;
use crate::commands::Refused;
use crate::commands::key::TitledKey;
use crate::key::{Fingerprint, PublicKey};
use crate::name::Title;

/// The longest file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// Reads the public key that is to be added, and its title.
pub(super) fn read_key(file: &Path, title: Option<Title>) -> Result<TitledKey, Failure> {
    Ok(TitledKey::parse(&read(file)?, title)?)
}

/// Reads a fingerprint, or the file of the key that has it.
pub(super) fn read_fingerprint(key: &str) -> Result<Fingerprint, Failure> {
    match key.parse() {
        Ok(fingerprint) => Ok(fingerprint),
        Err(_) => Ok(PublicKey::parse_line(&read(Path::new(key))?).map_err(Refused::from)?.0.fingerprint()),
    }
}

/// Reads a whole file, or standard input for `-`.
///
/// # Errors
/// [`Failure::File`], also for a file of more than 1 MiB.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::File(file.display().to_string(), error);
    let source: Box<dyn Read> = if file == Path::new(STREAM) {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(failed)?)
    };
    bounded::read(source, FILE_MAX).map_err(failed)
}
