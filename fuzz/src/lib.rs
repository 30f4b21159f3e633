//! The fuzz targets: one function a parser that strangers feed, each asserting properties of what comes out.
//!
//! Bytes enter, panics leave. `fuzz_targets/fuzz.rs` hands them to libFuzzer (`run.sh`), `tests/corpus.rs` feeds them
//! each file of `corpus/` on any toolchain. A function returns whether its input was accepted, in the sense of its
//! target: a corpus that is never accepted tests nothing.

// The files of the crate that are included here have tests of their own, which run there.
#![cfg(not(test))]

mod input;
mod oracle;
mod targets;

// What the files of the crate that are included here know by these names.
use hubgate::{key, message, random, request};

pub use targets::*;

/// The operator's times as they are in the crate; with the feature `operator`, the crate would bring libgit2.
#[allow(dead_code)]
#[path = "../../src/report/when.rs"]
mod operators_times;

/// The reading of another server's configuration as it is in the crate; std alone.
#[allow(dead_code)]
#[path = "../../src/operator/import/conf.rs"]
mod gitolite;

/// The protocol of git-lfs as it is in the crate; with the feature `operator`, the crate would bring libgit2.
#[allow(dead_code, unused_imports, clippy::all, clippy::pedantic)]
#[path = "../../src/lfs/mod.rs"]
mod lfs;

/// The machine's accounts, which a standalone session of git-lfs reads.
#[allow(dead_code)]
#[path = "../../src/passwd.rs"]
mod passwd;

/// The clock that [`operators_times`] reads stands still here.
mod clock {
    pub(crate) fn now() -> i64 {
        1_800_000_000
    }
}
