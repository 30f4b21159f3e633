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

// The names by which the included files use other modules.
use hubgate::{key, message, random, request};

pub use targets::*;

/// The operator's times, included as a file: the feature `operator` would bring libgit2.
#[allow(dead_code)]
#[path = "../../src/report/when.rs"]
mod operators_times;

/// The parser of another server's configuration; it uses only std.
#[allow(dead_code)]
#[path = "../../src/operator/import/conf.rs"]
mod gitolite;

/// The git-lfs protocol, included as a file: the feature `operator` would bring libgit2.
#[allow(dead_code, unused_imports, clippy::all, clippy::pedantic)]
#[path = "../../src/lfs/mod.rs"]
mod lfs;

/// The machine's accounts, which a standalone git-lfs session reads.
#[allow(dead_code)]
#[path = "../../src/passwd.rs"]
mod passwd;

/// A fixed clock for [`operators_times`].
mod clock {
    pub(crate) fn now() -> i64 {
        1_800_000_000
    }
}
