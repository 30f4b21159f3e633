//! The box of `hubgate::sandbox`, tried by the work that it must allow and by attacks that it must stop.
//!
//! The tests start this program anew as what sshd would start: an unprivileged process that enters the box and then
//! becomes git, or attacks. As root they run as the uid of nobody; else as whoever runs them.
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

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
    // Modes are those of the suite and not of the shell that started it.
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
