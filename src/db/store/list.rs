//! How lists are read: row by row.

use std::fmt;
use std::ops::ControlFlow;
use std::str::FromStr;

use crate::name::{NameError, Owner};

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

/// A position in a list of grants on several objects: `OBJECT/USER`, or `OBJECT/@ORG/TEAM` if `U` may be a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantPosition<T, U = Owner> {
    /// The organization, repository or team.
    pub object: T,
    /// Who has the grant.
    pub user: U,
}

impl<T: FromStr<Err = NameError>, U: FromStr<Err = NameError>> FromStr for GrantPosition<T, U> {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // No name has the mark of a team.
        let end = text.find("/@").or_else(|| text.rfind('/')).ok_or(NameError::Character)?;
        let (object, user) = text.split_at(end);
        Ok(Self { object: object.parse()?, user: user.strip_prefix('/').unwrap_or(user).parse()? })
    }
}

impl<T: fmt::Display, U: fmt::Display> fmt::Display for GrantPosition<T, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.object, self.user)
    }
}
