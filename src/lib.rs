//! hubgate: the front gate of a Git hub on stock OpenSSH.
//!
//! The library is the program; `bin/` contains mains of one call each. ARCHITECTURE.md describes the modules.

// For fuzzing, the modules that no target calls are private: nothing of them is compiled then, which halves that build.
#![cfg_attr(feature = "fuzzing", allow(dead_code, unreachable_pub, unused_imports))]

pub mod access;
pub mod authorized_keys;
pub mod bounded;
pub mod child;
pub mod clock;
#[cfg(feature = "operator")]
mod commands;
pub mod config;
pub mod content;
#[cfg(not(feature = "fuzzing"))]
pub mod db;
#[cfg(feature = "fuzzing")]
mod db;
#[cfg(not(feature = "fuzzing"))]
pub mod gateway;
#[cfg(feature = "fuzzing")]
mod gateway;
pub mod git;
pub mod key;
#[cfg(feature = "operator")]
pub mod lfs;
pub mod log;
pub mod message;
pub mod name;
#[cfg(all(feature = "operator", not(feature = "fuzzing")))]
pub mod operator;
#[cfg(feature = "fuzzing")]
mod operator;
#[cfg(feature = "operator")]
mod passwd;
pub mod privilege;
pub mod process;
pub mod push;
pub mod quota;
pub mod random;
#[cfg(feature = "operator")]
pub mod report;
pub mod repository;
pub mod request;
pub mod sandbox;
pub mod sealed;
#[cfg(all(feature = "operator", not(feature = "fuzzing")))]
pub mod services;
#[cfg(feature = "fuzzing")]
mod services;
pub mod session;
pub mod session_limits;
pub mod tree;
pub mod usage;
pub mod word;

#[cfg(test)]
mod tests;

/// Internal functions that read strangers' bytes, only for the fuzz targets in `fuzz/`.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    use crate::authorized_keys::KeyLine;
    use crate::config::Config;
    use crate::key::{Fingerprint, OfferedCertificate, OfferedKey};
    use crate::request::AccountCommand;
    use crate::services::account::cli::Cli;
    use crate::services::push::signed::commit::SignedCommit;
    use crate::session::user_auth::{self, Proven};

    /// The line that the helper prints for a key. It ends with `forced_command`.
    #[must_use]
    pub fn key_line(gateway: &str, config_file: Option<&str>, forced_command: String, key: &OfferedKey) -> String {
        KeyLine::of_key(forced_command, key).text(gateway, config_file)
    }

    /// The line that the helper prints for a certificate.
    #[must_use]
    pub fn certificate_line(gateway: &str, config_file: Option<&str>, certificate: &OfferedCertificate) -> String {
        KeyLine::of_certificate(certificate).text(gateway, config_file)
    }

    /// The signature of a commit, the bytes that it signs, and the address of the committer. The commit has an id with
    /// so many digits.
    #[must_use]
    pub fn signed_commit(commit: &[u8], id_digits: usize) -> Option<(Vec<u8>, Vec<u8>, Option<String>)> {
        let SignedCommit { signature, signed, email } = SignedCommit::parse(commit, id_digits)?;
        Some((signature, signed, email.map(|email| email.as_str().to_owned())))
    }

    /// The key or certificate that the gateway reads from `$SSH_USER_AUTH`.
    #[must_use]
    pub fn proven(text: &[u8]) -> Option<Result<Fingerprint, OfferedCertificate>> {
        user_auth::proven(text).and_then(|proven| match proven {
            Proven::Key(key) => Some(Ok(key.fingerprint())),
            Proven::Certificate(certificate) => Some(Err(certificate)),
            Proven::NoKey => None,
        })
    }

    /// What `services` makes of an account command: its arguments as `Debug` shows them.
    ///
    /// # Errors
    /// The text for the client.
    pub fn account_arguments(command: &AccountCommand) -> Result<String, String> {
        Cli::read(command, "ssh").map(|cli| format!("{cli:?}")).map_err(|error| error.to_string())
    }

    /// An account command as `services` receives it from the gateway.
    #[must_use]
    pub fn handed_over(command: &AccountCommand) -> Option<AccountCommand> {
        AccountCommand::from_words(&command.words().collect::<Vec<_>>())
    }

    /// Checks each value of a configuration.
    ///
    /// # Errors
    /// The invalid value.
    pub fn check_config(config: &Config) -> Result<(), &'static str> {
        config.check()
    }
}
