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

pub use targets::*;

/// The times that operators and clients write, with the clock below.
#[allow(dead_code)]
#[path = "../../src/report/when.rs"]
mod operators_times;

/// The reader of another server's configuration, which is private in the crate.
#[allow(dead_code)]
#[path = "../../src/operator/import/conf.rs"]
mod gitolite;

/// A clock that stands still, for [`operators_times`].
mod clock {
    pub(crate) fn now() -> i64 {
        1_800_000_000
    }
}
