//! Program 3, `services`: the longer work, started by the gateway, or by git as its push hook.

pub(crate) mod account;
mod authenticate;
mod caller;
mod propose;
pub(crate) mod push;
mod transfer;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use nix::unistd::alarm;

use crate::log::{Line, Sink};
use crate::message::Status;
use crate::report::spool::Spool;
use crate::sealed::{self, ReceiveError};
use crate::session::Work;

use caller::{Caller, answer_panics, no_message};
use push::Hook;

/// Runs the program: as the hook by whose name git started it, or for the session in the gateway's message.
#[must_use]
pub fn main() -> ExitCode {
    let default = crate::config::Log::default().socket;
    answer_panics(Line::default().field("sid", "none"), "none", Sink::Socket(default));
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    let mut list = Spool::default();
    let answer = match (Path::new(&name).file_name().and_then(|name| name.to_str()), words.as_slice()) {
        (Some("pre-receive"), []) => push::run(Hook::Push),
        (Some("proc-receive"), []) => push::run(Hook::Refs),
        (Some("post-receive"), []) => push::run(Hook::Pushed),
        (_, [word, name]) if word == push::CHECK => push::become_check(&name.to_string_lossy()),
        (_, [word, row @ ..]) => {
            match sealed::receive().map_err(|error| no_message(&error)).and_then(|(message, _)| Caller::read(message)) {
                Ok((caller, message, work)) => {
                    answer_panics(caller.line(), &caller.sid, Sink::Socket(caller.config.log.socket.clone()));
                    match work {
                        // The authorizer has the message of the session that started it, and the repository's row.
                        Work::Transfer(operation, path) if word == transfer::AUTHORIZER => {
                            let row = row.first().and_then(|row| row.to_str()?.parse().ok());
                            let authorize = |row| transfer::authorize(&caller, operation, &path, row);
                            return row.map_or(Status::Fault, authorize).into();
                        }
                        Work::Transfer(operation, path) => {
                            return transfer::run(&caller, message, operation, &path).into();
                        }
                        Work::Account(command) => {
                            let answer = account::run(&caller, &command, &mut list);
                            // The decision is in the log. The signal ends a session whose client does not read.
                            alarm::set(caller.config.limits.session_age);
                            answer
                        }
                        Work::Propose(opened) => propose::run(&caller, &opened),
                        Work::Authenticate(operation, path) => authenticate::run(&caller, operation, &path),
                    }
                }
                Err(answer) => answer,
            }
        }
        (_, _) => no_message(&ReceiveError::Descriptors),
    };
    let _ = std::io::stderr().write_all(answer.stderr().as_bytes());
    // If the client has gone away, there is nothing left to do.
    let _ = std::io::stdout().write_all(answer.out.as_bytes()).and_then(|()| list.copy_to(&mut std::io::stdout()));
    answer.status.into()
}
