//! Which build of the programs a suite runs.

use std::path::PathBuf;

/// The directory of the four programs: the one that `HUBGATE_PROGRAMS` names, such as what `packaging/build.sh` prints;
/// else the one of the build that cargo made for the tests.
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
