//! hubgate: the front gate of a Git hub on stock OpenSSH.
//!
//! The library is the program; `bin/` holds mains of one call each. ARCHITECTURE.md draws the modules and their arrows.

pub mod access;
#[cfg(feature = "admin")]
pub mod admin;
pub mod authorized_keys;
pub mod clock;
pub mod config;
pub mod db;
pub mod gateway;
pub mod git;
pub mod key;
pub mod log;
pub mod message;
pub mod name;
pub mod push;
pub mod random;
pub mod repository;
pub mod request;
pub mod sandbox;
#[cfg(feature = "admin")]
pub mod services;
pub mod slots;
pub mod word;

#[cfg(test)]
mod tests;

/// Inner functions that strangers' bytes reach, for the fuzz targets in `fuzz/` alone.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    use crate::authorized_keys::KeyLine;
    use crate::config::Config;
    use crate::gateway::user_auth::Proven;
    use crate::key::{Fingerprint, OfferedKey};
    use crate::request::Form;

    /// The line of the helper.
    #[must_use]
    pub fn authorized_keys_line(gateway: &str, config_file: Option<&str>, form: &Form, key: &OfferedKey) -> String {
        let line = KeyLine { options: String::new(), form: form.to_string(), key: key.to_authorized_keys() };
        line.text(gateway, config_file)
    }

    /// The gateway's reading of `$SSH_USER_AUTH`.
    #[must_use]
    pub fn proven_key(text: &[u8]) -> Option<Fingerprint> {
        match crate::gateway::user_auth::proven(text)? {
            Proven::Key(key) => Some(key.fingerprint()),
            Proven::Certificate(_) => None,
        }
    }

    /// Whether each value of a configuration can be meant.
    ///
    /// # Errors
    /// The one that cannot.
    pub fn check_config(config: &Config) -> Result<(), &'static str> {
        config.check()
    }
}
