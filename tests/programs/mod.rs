//! The build of the programs that a test suite runs.

use std::path::PathBuf;

/// The directory of the four programs: `HUBGATE_PROGRAMS` if set, for example the output of `packaging/build.sh`,
/// otherwise the directory of cargo's test build.
pub(crate) fn directory() -> PathBuf {
    let named = std::env::var_os("HUBGATE_PROGRAMS").map(PathBuf::from);
    named.unwrap_or_else(|| {
        let built = PathBuf::from(env!("CARGO_BIN_EXE_gateway"));
        built.parent().map(PathBuf::from).unwrap_or_default()
    })
}

/// One of the programs.
pub(crate) fn program(name: &str) -> PathBuf {
    directory().join(name)
}
