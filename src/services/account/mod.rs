//! Commands of an account over SSH: what `ssh git@hub whoami`, `key …`, `repo …` and similar commands do.
//!
//! The gateway passes on what sshd and the client said. `services` asks the database again, because rights may have
//! changed since. A repository that the session may not fetch looks missing in every command.

pub(crate) mod cli;
mod dispatch;
mod explain;
mod input;
mod join;
mod whoami;

pub(super) use dispatch::run;

#[cfg(test)]
mod tests;
