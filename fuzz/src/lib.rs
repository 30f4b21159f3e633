//! The fuzz targets: one function for each parser of strangers' bytes. Each checks properties of the result.
//!
//! Bytes enter, panics leave. `fuzz_targets/fuzz.rs` runs the targets with libFuzzer (`run.sh`), and `tests/corpus.rs`
//! runs them on each file of `corpus/` with any toolchain. A target returns whether it accepted its input, because a
//! corpus without accepted inputs tests nothing.

// The included files of the main crate have their own tests, which run there.
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
#[allow(dead_code, unused_imports)]
#[path = "../../src/operator/import/conf/mod.rs"]
mod gitolite;

/// What [`gitolite`] uses of the crate.
mod access {
    pub(crate) use hubgate::access::rule;
}

/// A clock that stands still, for [`operators_times`].
mod clock {
    pub(crate) fn now() -> i64 {
        1_800_000_000
    }
}
