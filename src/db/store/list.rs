//! How lists are read: row by row.

use std::ops::ControlFlow;

/// Receives the rows of a list, one after the other, until it breaks.
pub type Each<'a, T> = &'a mut dyn FnMut(T) -> ControlFlow<()>;

/// Reads all rows of a list. For a list that is short.
///
/// # Errors
/// The errors of the list.
pub fn all<T, E>(list: impl FnOnce(Each<'_, T>) -> Result<(), E>) -> Result<Vec<T>, E> {
    let mut rows = Vec::new();
    list(&mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// A period in which keys and grants end, in seconds UTC since 1970.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The last second before the period.
    pub after: i64,
    /// The last second of the period.
    pub until: i64,
}
