//! The part of program 3 that speaks with strangers' programs, as it is in the crate; with `admin`, the crate would
//! bring libgit2.

#[allow(dead_code, unused_imports, clippy::all, clippy::pedantic)]
#[path = "../../src/services/lfs/mod.rs"]
pub(crate) mod lfs;
