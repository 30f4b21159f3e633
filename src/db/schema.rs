//! The schema, its versions, and the steps between them.
//!
//! `version` says what the tables are, `min_reader` the oldest program that may read them. A step only adds, so that a
//! program of the release before goes on serving; what is dropped is dropped a minor release later. SQLite reads the
//! whole schema in every process, so each table and index must earn its place.

/// The schema that this program writes.
pub const VERSION: i64 = 1;

/// The oldest program that may read the schema that this one writes.
pub const MIN_READER: i64 = 1;
