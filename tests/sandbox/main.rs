//! The sandbox of `hubgate::sandbox`: work that it must permit and attacks that it must stop.
//!
//! The tests start this program again like a session of sshd: an unprivileged process that enters the sandbox and then
//! becomes git or attacks. As root, sessions use the uid of nobody, otherwise the caller's.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot continue fails")]

mod attacks;
mod inside;
mod kernels;
mod planted;
mod store;
mod work;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use nix::sys::stat::{Mode, umask};

fn main() -> ExitCode {
    if let Some(status) = inside::main() {
        return status;
    }
    // File modes must not depend on the shell that started the run.
    umask(Mode::from_bits_truncate(0o022));
    let trials = [work::TRIALS, attacks::TRIALS, planted::TRIALS, kernels::TRIALS].concat();
    let trial = |(name, run): (&str, fn())| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), trials.into_iter().map(trial).collect()).exit_code()
}
