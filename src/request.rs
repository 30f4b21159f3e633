//! What a session asks for: `SSH_ORIGINAL_COMMAND` and the words of the forced command.
//!
//! Strangers' bytes enter, [`Request`] and [`ForcedCommand`] leave. This module does no I/O and knows no policy. It
//! rejects whatever does not match the grammar exactly, and repairs nothing.

mod account_command;
mod bad_request;
mod forced_command;
mod original_command;
mod verb;
mod words;

pub use account_command::{AccountCommand, Noun};
pub use bad_request::BadRequest;
pub use forced_command::{ANONYMOUS, AUTH_INFO, Arguments, ForcedCommand, UNAVAILABLE, is_plain_path};
pub use original_command::Request;
pub use verb::{Activity, LfsProgram, Operation, Service};
pub use words::unquote;

#[cfg(test)]
mod tests;
