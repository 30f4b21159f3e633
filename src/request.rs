//! What a session asks for: `SSH_ORIGINAL_COMMAND` and the words of the forced command become types.
//!
//! Bytes of strangers enter, [`Request`] and [`ForcedCommand`] leave. Nothing here does I/O or knows a policy, and no text is
//! repaired: what is not exactly what a client sends is refused.

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
pub use verb::{LfsProgram, Operation, Service};
pub use words::unquote;

#[cfg(test)]
mod tests;
