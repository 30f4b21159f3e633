//! The engine: the few operations on which every question and change is built.
//!
//! [`Connection`] has `query`, `first`, `execute`, `define`, `check` and `copy_to`; [`Reader`] and `Writer` open
//! databases and run transactions. Statements enter with [`Value`]s, and [`Row`]s leave. Another engine would be
//! another file with these operations, which would also translate the placeholders `?1`, `?2`.

mod sqlite;
mod value;

#[cfg(test)]
pub(crate) use sqlite::questions_of;
#[cfg(feature = "operator")]
pub(super) use sqlite::writer::{Transaction, Writer, copy::Check, copy::Replacing, files};
pub(super) use sqlite::{Connection, Reader, Row};
pub(super) use value::{Value, values};
