//! What the benches share: a place of their own, accounts, a hub, sshd, and the tables.

#![allow(dead_code, reason = "no bench uses all of it")]

pub(crate) mod accounts;
pub(crate) mod cpu;
pub(crate) mod hub;
pub(crate) mod interrupt;
pub(crate) mod keys;
pub(crate) mod machine;
pub(crate) mod parts;
pub(crate) mod place;
pub(crate) mod runs;
pub(crate) mod samples;
pub(crate) mod sshd;

use std::error::Error;

/// What a step gives, or why the bench ends.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;
