//! The configuration file: whether it can be trusted, and its text.
//!
//! A file is accepted only if no user except root can have written it, as sshd requires for its own files (sshd's
//! misc.c, `safe_path`).

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::Config;
use crate::bounded::read_text;
use crate::request::is_plain_path;

/// The largest accepted file, in bytes.
pub(super) const FILE_MAX: u64 = 64 * 1024;

/// Why a configuration is rejected. For the operator; no peer reads it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The path is relative, or has characters that are not safe in a forced command.
    #[error("the configuration file {0} needs an absolute path of letters, digits, '.', '_', '-' and '/'")]
    Path(PathBuf),
    /// Missing or unreadable.
    #[error("cannot read the configuration file {0}: {1}")]
    Read(PathBuf, std::io::Error),
    /// A user other than root could have written it.
    #[error(
        "{0} must be owned by root and not writable by group or others, or {1} is not used: chown root {0} && chmod go-w {0}"
    )]
    Untrusted(PathBuf, PathBuf),
    /// A user other than root could have written a check of pushes.
    #[error("{0} must be owned by root and not writable by group or others: until then every push is refused")]
    UntrustedCheck(PathBuf),
    /// Not TOML, an unknown key, or a value of another type; the text has line and column.
    #[error("{0}: {1}")]
    Syntax(PathBuf, String),
    /// An invalid value.
    #[error("{0}: {1}")]
    Value(PathBuf, &'static str),
}

/// The first of these files and directories that a user other than root could have changed.
pub(super) fn first_untrusted<'a>(mut paths: impl Iterator<Item = &'a Path>) -> io::Result<Option<&'a Path>> {
    paths
        .find_map(|path| match path.symlink_metadata() {
            Ok(metadata) => is_untrusted(&metadata).then_some(Ok(path)),
            Err(error) => Some(Err(error)),
        })
        .transpose()
}

fn is_untrusted(metadata: &Metadata) -> bool {
    metadata.uid() != 0 || metadata.mode() & 0o022 != 0
}

impl Config {
    /// Reads the configuration at `path`, after checking that only root can write to it and to each directory above it.
    ///
    /// # Errors
    /// [`ConfigError`], for the operator.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        if !is_plain_path(path.as_os_str().as_encoded_bytes()) {
            return Err(ConfigError::Path(path.to_owned()));
        }
        let read = |error| ConfigError::Read(path.to_owned(), error);
        let mut file = File::options()
            .read(true)
            .custom_flags((nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK).bits())
            .open(path)
            .map_err(read)?;
        let metadata = file.metadata().map_err(read)?;
        if !metadata.is_file() || is_untrusted(&metadata) {
            return Err(ConfigError::Untrusted(path.to_owned(), path.to_owned()));
        }
        if let Some(parent) = first_untrusted(path.ancestors().skip(1)).map_err(read)? {
            return Err(ConfigError::Untrusted(parent.to_owned(), path.to_owned()));
        }
        let text = read_text(&mut file, FILE_MAX).map_err(|error| match error.kind() {
            ErrorKind::FileTooLarge => ConfigError::Value(path.to_owned(), "a configuration file has at most 64 KiB"),
            _ => read(error),
        })?;
        let config = Self::parse(&text).map_err(|error| ConfigError::Syntax(path.to_owned(), error))?;
        config.check().map_err(|error| ConfigError::Value(path.to_owned(), error))?;
        Ok(config)
    }
}
