//! End to end: real clients, a stock sshd on 127.0.0.1 with the shipped `sshd_config.example`, and the programs as
//! built.
//!
//! One process sets up and cleans up: its own login accounts, one directory under `/var/lib`, and one sshd per hub.
//! Test names are sentences; each test has its own [`harness::Hub`]. Run as root: `cargo test --test e2e`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a test that cannot continue fails, and the harness prints for the caller"
)]

mod access;
mod accounts;
mod adopt;
mod anonymous;
mod audit;
mod backup;
mod broken;
mod certificates;
mod checks;
mod clients;
mod commands;
mod concurrency;
mod contents;
mod demo;
mod doctor;
mod explain;
mod fail2ban;
mod faults;
mod gates;
mod gc;
mod git;
mod gitolite;
mod greeting;
mod groups;
mod guide;
mod harness;
mod heads;
mod helper;
mod hidden;
mod histories;
mod host_keys;
mod hostile;
mod hub_file;
mod identity;
mod invitations;
mod json;
mod key_command;
mod keys;
mod killed;
mod lfs;
mod limits;
mod lists;
mod load;
mod login_shell;
mod moves;
mod moving_in;
mod operator;
mod own_keys;
mod pages;
mod paths;
mod planted;
#[path = "../programs/mod.rs"]
mod programs;
mod proposals;
mod readme;
mod repo_command;
mod revocation;
mod rows;
mod rules;
mod setup;
mod signed;
mod signers;
mod state;
mod stats;
mod taken_over;
mod teams;
mod texts;
mod walk;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use harness::{Machine, Test, trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(4);
    let tests: Vec<Test> = [
        greeting::TRIALS,
        json::TRIALS,
        keys::TRIALS,
        access::TRIALS,
        git::TRIALS,
        heads::TRIALS,
        histories::TRIALS,
        broken::TRIALS,
        guide::TRIALS,
        host_keys::TRIALS,
        hub_file::TRIALS,
        hostile::TRIALS,
        hidden::TRIALS,
        identity::TRIALS,
        helper::TRIALS,
        login_shell::TRIALS,
        faults::TRIALS,
        fail2ban::TRIALS,
        accounts::TRIALS,
        anonymous::TRIALS,
        backup::TRIALS,
        key_command::TRIALS,
        repo_command::TRIALS,
        adopt::TRIALS,
        moving_in::TRIALS,
        gitolite::TRIALS,
        gitolite::random::TRIALS,
        groups::TRIALS,
        operator::TRIALS,
        explain::TRIALS,
        demo::TRIALS,
        doctor::TRIALS,
        doctor::machine::TRIALS,
        doctor::server::TRIALS,
        audit::TRIALS,
        clients::TRIALS,
        certificates::TRIALS,
        checks::TRIALS,
        commands::TRIALS,
        own_keys::TRIALS,
        invitations::TRIALS,
        setup::TRIALS,
        state::TRIALS,
        stats::TRIALS,
        gates::TRIALS,
        gc::TRIALS,
        moves::TRIALS,
        lfs::TRIALS,
        lfs::durable::TRIALS,
        lfs::flows::TRIALS,
        lfs::kills::TRIALS,
        lfs::large::TRIALS,
        lfs::limits::TRIALS,
        lfs::locks::TRIALS,
        lfs::operator::TRIALS,
        lfs::pointers::TRIALS,
        lfs::quotas::TRIALS,
        lfs::http::TRIALS,
        concurrency::TRIALS,
        contents::TRIALS,
        killed::TRIALS,
        load::TRIALS,
        limits::TRIALS,
        revocation::TRIALS,
        proposals::TRIALS,
        rules::TRIALS,
        paths::TRIALS,
        signed::TRIALS,
        signers::TRIALS,
        taken_over::TRIALS,
        teams::TRIALS,
        lists::TRIALS,
        planted::TRIALS,
        pages::TRIALS,
        readme::TRIALS,
        walk::TRIALS,
    ]
    .concat();
    let trials: Vec<Trial> = tests.into_iter().map(trial).collect();
    if arguments.list {
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    if let Err(problem) = Machine::set_up() {
        Machine::tear_down();
        eprintln!("e2e: {problem}");
        return ExitCode::FAILURE;
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    Machine::tear_down();
    harness::report_sessions();
    conclusion.exit_code()
}
