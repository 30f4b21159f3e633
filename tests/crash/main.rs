//! The database under stress: writers killed at random moments, lost power, foreign tools, damaged files.
//!
//! All tests use real processes with the uids of a real hub, so they need root. This program starts itself again as
//! writer and reader (`child`). `ROUNDS=1000 cargo test --test crash` is the long run; `SEED=N` repeats a run; `KEEP=1`
//! keeps the files.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot continue fails with the reason"
)]

mod child;
mod faults;
mod hub;
mod killed;
mod model;
mod power;
#[path = "../programs/mod.rs"]
mod programs;
mod run;
mod space;

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use nix::sys::stat::{Mode, umask};

/// A test: its name and its function.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [child::WORD, role, words @ ..] = words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        return child::main(role, words);
    }
    if !nix::unistd::geteuid().is_root() {
        eprintln!("crash: run this as root: it runs programs as other uids");
        return ExitCode::FAILURE;
    }
    // File modes must not depend on the shell that started the run.
    umask(Mode::from_bits_truncate(0o022));
    enter_own_mounts();
    let arguments = Arguments::from_args();
    let trial = |(name, test): Test| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let tests = killed::TESTS.iter().chain(&power::TESTS).chain(&faults::TESTS).copied().map(trial);
    let spaces = space::TESTS.iter().copied().map(|test| trial(test).with_ignored_flag(!hub::can_mount()));
    let conclusion = libtest_mimic::run(&arguments, tests.chain(spaces).collect());
    hub::remove_all();
    conclusion.exit_code()
}

/// Starts this program again in its own mount namespace, if possible, so that its mounts disappear with it.
fn enter_own_mounts() {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "--"]);
        command
    };
    if std::env::var_os(hub::OWN_MOUNTS).is_none() && unshare().arg("true").status().is_ok_and(|ended| ended.success())
    {
        let own = std::env::current_exe().expect("this program");
        let error = unshare().arg(own).args(std::env::args_os().skip(1)).env(hub::OWN_MOUNTS, "1").exec();
        panic!("unshare: {error}");
    }
}
