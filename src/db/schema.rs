//! The schema, its versions, and the steps between them.
//!
//! `version` says what the tables are, `min_reader` the oldest program that may read them. A step only adds, so that
//! the programs of the previous release keep working. Anything unused is dropped one minor release later. SQLite reads
//! the whole schema in every process, so there are few tables and indexes.

/// The schema that this program writes.
pub const VERSION: i64 = 4;

/// The oldest program that may read the schema that this one writes.
pub const MIN_READER: i64 = 1;
