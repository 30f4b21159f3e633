//! Program 3, `services`: the longer work, started by the gateway, or by git as its push hook.

mod account;
mod authenticate;
mod caller;
mod push;
mod transfer;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::message::{Answer, FaultKind};
use crate::session::Work;

use caller::Caller;
use push::Hook;

/// Runs the program: as the hook that git called it by, or as the gateway's words say.
#[must_use]
pub fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let words: Vec<OsString> = words.collect();
    let nobody = || Answer::fault(FaultKind::Broken, "none: services is started by the gateway alone");
    let answer = match (Path::new(&name).file_name().and_then(|name| name.to_str()), words.as_slice()) {
        (Some("pre-receive"), []) => push::run(Hook::PreReceive),
        (Some("post-receive"), []) => push::run(Hook::PostReceive),
        (_, [work, words @ ..]) => {
            // Not the gateway's: of the session that it started.
            let is_adviser = work == transfer::ADVISER;
            let work = work.to_str().and_then(|work| work.parse().ok());
            match (work, Caller::read(words)) {
                (None, Some(caller)) if is_adviser => return transfer::advise(&caller).into(),
                (Some(Work::Account), Some(caller)) => account::run(&caller),
                (Some(Work::Authenticate), Some(caller)) => authenticate::run(&caller),
                (Some(Work::Transfer), Some(caller)) => return transfer::run(&caller).into(),
                (None, _) | (_, None) => nobody(),
            }
        }
        (_, []) => nobody(),
    };
    let _ = std::io::stderr().write_all(answer.stderr().as_bytes());
    let _ = std::io::stdout().write_all(answer.out.as_bytes());
    answer.status.into()
}
