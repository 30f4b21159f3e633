//! The fuzz targets: one function a parser that strangers feed, each asserting properties of what comes out.
//!
//! Bytes enter, panics leave. `fuzz_targets/` hands the functions to libFuzzer (`run.sh`), `tests/corpus.rs` feeds them
//! each file of `corpus/` on any toolchain. A function returns whether its input was accepted, in the sense of its
//! target: a corpus that is never accepted tests nothing.

/// The modules, and the targets in each.
macro_rules! targets {
    ($($module:ident: $($target:ident),+;)+) => {
        $(mod $module; pub use $module::{$($target),+};)+

        /// Every target with its name, which is that of its binary and of its directory in `corpus/` too.
        pub const TARGETS: &[(&str, fn(&[u8]) -> bool)] = &[$($((stringify!($target), $target)),+),+];
    };
}

targets! {
    access: session_matrix, sources;
    authorized_keys: authorized_keys_line, ssh_user_auth;
    certificate: certificate;
    config: config_file;
    key: fingerprint, key_blob, key_line;
    log: log_escaping;
    message: answers;
    name: names, repository_directory;
    push: push_brief, ref_policy;
    request: form, git_environment, git_quoting, ssh_original_command;
    time: when;
}

mod input;
mod oracle;

/// The operator's times as they are in the crate; with `admin`, the crate would bring libgit2.
#[allow(dead_code)]
#[path = "../../src/admin/when.rs"]
mod operators_times;

/// The clock that [`operators_times`] reads stands still here.
mod clock {
    pub(crate) fn now() -> i64 {
        1_800_000_000
    }
}
