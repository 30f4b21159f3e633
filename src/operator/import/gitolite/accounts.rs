//! The accounts of gitolite's users.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::kind::Kind;
use super::names::{Names, Problem};
use crate::db::{Change, ChangeError, OwnerRow};

/// Accounts that were asked for, by gitolite's names.
pub(super) struct Accounts<'a> {
    pub(super) change: &'a Change<'a>,
    pub(super) names: &'a Names,
    found: BTreeMap<Rc<str>, Result<OwnerRow, Problem>>,
}

impl<'a> Accounts<'a> {
    pub(super) fn new(change: &'a Change<'a>, names: &'a Names) -> Self {
        Self { change, names, found: BTreeMap::new() }
    }

    /// The account of a user, or why there is none.
    pub(super) fn of(&mut self, user: &Rc<str>) -> Result<Result<OwnerRow, Problem>, ChangeError> {
        if let Some(account) = self.found.get(user) {
            return Ok(account.clone());
        }
        let account = match self.names.user(user) {
            Err(problem) => Err(problem),
            Ok(name) => match self.change.user(&name) {
                Ok(row) if row.name == name => Ok(row),
                Ok(row) => Err((Kind::SameName, format!("{user} and {}, an account here", row.name))),
                Err(ChangeError::NotFound(_)) => Err((Kind::NoAccount, user.to_string())),
                Err(error) => return Err(error),
            },
        };
        self.found.insert(Rc::clone(user), account.clone());
        Ok(account)
    }

    /// Whether the account of a user has another name.
    pub(super) fn is_renamed(&mut self, user: &Rc<str>) -> Result<bool, ChangeError> {
        Ok(self.of(user)?.is_ok_and(|account| *account.name.as_str() != **user))
    }
}
