//! `hubgate policy`.

use std::path::PathBuf;

use clap::Subcommand;

/// `hubgate policy`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Compare a file of expectations with what the hub would decide.
    ///
    /// The status is 0 if all lines hold, 1 if a line does not hold, 2 if a line is not understood.
    ///
    /// A line is WHO fetch|push PATH = allow|deny. WHO is an account, anonymous, or a key as SHA256:…, optionally
    /// followed by: from ADDRESS. About one ref of a push, a line is WHO create|update|force|delete PATH REF =
    /// allow|deny. A word that begins with # begins a comment.
    Test {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
}
