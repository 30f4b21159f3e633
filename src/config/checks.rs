//! The operator's own checks of pushes: which programs of `[checks] directory` run.
//!
//! A program runs only if no user except root can have written it, as with the configuration file.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;

use super::file::first_untrusted;
use super::{Config, ConfigError};

impl Config {
    /// The names of the programs that check a push, in the order in which they run.
    ///
    /// A file that nobody may execute is turned off. Directories, and files whose names have other characters than
    /// `A-Z a-z 0-9 . _ -` or begin with `.`, are no checks, so an editor's copy never runs.
    ///
    /// # Errors
    /// [`ConfigError`] if the directory cannot be read, or if a user other than root could have written it or a check.
    pub fn checks(&self) -> Result<Vec<String>, ConfigError> {
        Ok(self.files_of_checks()?.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect())
    }

    /// The names of the files that would be checks, but that nobody may execute.
    ///
    /// # Errors
    /// As [`Config::checks`].
    pub fn checks_turned_off(&self) -> Result<Vec<String>, ConfigError> {
        Ok(self.files_of_checks()?.into_iter().filter(|(_, is_on)| !is_on).map(|(name, _)| name).collect())
    }

    fn files_of_checks(&self) -> Result<Vec<(String, bool)>, ConfigError> {
        let directory = &self.checks.directory;
        let read = |error| ConfigError::Read(directory.clone(), error);
        let entries = match std::fs::read_dir(directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(read)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let path = entry.map_err(read)?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| is_check(name)) else {
                continue;
            };
            // A check may be a link to a program.
            let program = path.canonicalize().map_err(|error| ConfigError::Read(path.clone(), error))?;
            let metadata = program.metadata().map_err(|error| ConfigError::Read(path.clone(), error))?;
            if !metadata.is_file() {
                continue;
            }
            let untrusted = first_untrusted(path.ancestors().skip(1).chain(program.ancestors()));
            if let Some(other) = untrusted.map_err(|error| ConfigError::Read(path.clone(), error))? {
                return Err(ConfigError::UntrustedCheck(other.to_owned()));
            }
            names.push((name.to_owned(), metadata.mode() & 0o111 != 0));
        }
        names.sort_unstable();
        Ok(names)
    }
}

fn is_check(name: &str) -> bool {
    !name.starts_with('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}
