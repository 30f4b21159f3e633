//! `hubgate policy`.

use std::path::PathBuf;

use clap::Subcommand;

/// `hubgate policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Hold a file of expectations against what the hub would decide: status 0 if all of them hold, 1 if one does not,
    /// 2 if a line is not understood.
    ///
    /// A line is WHO fetch|push PATH = allow|deny, where WHO is an account, anonymous, or a key as SHA256:…, which may
    /// be followed by the words from ADDRESS. Behind # stands what is for people.
    Test {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
}
