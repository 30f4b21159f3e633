//! The base of the tests: the machine's accounts, hubs, clients, and the comparison of results.

mod agent;
mod client;
mod dev_log;
mod held;
mod hub;
mod key;
mod machine;
mod outcome;
mod process;
mod syslog;
mod test;

pub(crate) use agent::Agent;
pub(crate) use client::Client;
pub(crate) use held::Held;
pub(crate) use hub::{BACK_TO_2, BACK_TO_3, Hub, Setup};
pub(crate) use key::{Key, KeyKind};
pub(crate) use machine::{Account, Git, Machine, login_home, machine};
pub(crate) use outcome::{Expected, Outcome, refused, says, silent};
pub(crate) use process::{
    Background, background, run, run_with, run_within, wait_for, wait_for_next_second, wait_for_second, wait_until,
};
pub(crate) use syslog::Entry;
pub(crate) use test::{Skip, Test, report_sessions, trial, trials};
