//! Checks of the content of pushes: the values that the hub, an owner and a repository set.

use serde_json::json;

use super::list::Each;
use super::rule::Place;
use super::{Change, ChangeError};
use crate::content::{CheckValue, CheckValues, ContentCheck};
use crate::db::engine::{Connection, values};
use crate::db::rules::stored_checks;
use crate::db::{Error, View};
use crate::name::HubScope;
use crate::word::words;

words! {
    /// Which scope sets the value that applies.
    pub enum SetBy {
        /// The repository.
        Repository = "repository",
        /// The owner.
        Owner = "owner",
        /// The hub.
        Hub = "hub",
        /// No scope.
        Default = "default",
    }
}

/// A check, its value in a scope, and where the value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedCheck {
    /// The check.
    pub check: ContentCheck,
    /// The value that applies.
    pub value: CheckValue,
    /// Which scope sets it.
    pub set_by: SetBy,
}

impl Place {
    fn checks(&self, connection: Connection<'_>) -> Result<CheckValues, Error> {
        let query = match self.scope {
            HubScope::Hub => "SELECT checks FROM hubgate WHERE id = ?1",
            HubScope::Owner(_) => "SELECT checks FROM owner WHERE id = ?1",
            HubScope::Repository(_) => "SELECT checks FROM repository WHERE id = ?1",
        };
        let checks = connection.first(query, values![self.id], |row| stored_checks(row, "checks"))?;
        checks.ok_or_else(|| Error::Value("checks".to_owned()))
    }

    fn write_checks(&self, connection: Connection<'_>, checks: &CheckValues) -> Result<(), Error> {
        let query = match self.scope {
            HubScope::Hub => "UPDATE hubgate SET checks = ?2 WHERE id = ?1",
            HubScope::Owner(_) => "UPDATE owner SET checks = ?2 WHERE id = ?1",
            HubScope::Repository(_) => "UPDATE repository SET checks = ?2 WHERE id = ?1",
        };
        let text = (!checks.is_empty()).then(|| checks.to_string());
        connection.execute(query, values![self.id, text.as_ref()])?;
        Ok(())
    }
}

impl View<'_> {
    /// Every check with the value that applies in a scope. Begins behind the check `after`.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn checks_of(
        &self,
        scope: &HubScope,
        after: Option<ContentCheck>,
        each: Each<'_, AppliedCheck>,
    ) -> Result<(), ChangeError> {
        let place = self.place(scope)?;
        let of = |scope: &HubScope| Ok::<_, ChangeError>(self.place(scope)?.checks(self.connection)?);
        let owner = match &place.scope {
            HubScope::Hub => None,
            HubScope::Owner(owner) => Some(owner.clone()),
            HubScope::Repository(path) => Some(path.owner.clone()),
        };
        let repository = match place.scope {
            HubScope::Repository(_) => place.checks(self.connection)?,
            HubScope::Hub | HubScope::Owner(_) => CheckValues::default(),
        };
        let owner = owner.map(|owner| of(&HubScope::Owner(owner))).transpose()?.unwrap_or_default();
        let scopes = [(SetBy::Repository, repository), (SetBy::Owner, owner), (SetBy::Hub, of(&HubScope::Hub)?)];
        let row = |check: ContentCheck| {
            let set = scopes.iter().find_map(|(set_by, values)| Some((*set_by, values.get(check)?.clone())));
            let (set_by, value) = set.unwrap_or_else(|| (SetBy::Default, CheckValue::default_of(check)));
            AppliedCheck { check, value, set_by }
        };
        for check in ContentCheck::ALL.iter().filter(|check| after.is_none_or(|after| **check > after)) {
            if each(row(*check)).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Sets the value of a check in a scope, or removes it, so that a wider scope decides. Returns the scope with its
    /// present names.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn set_check(
        &self,
        scope: &HubScope,
        check: ContentCheck,
        value: Option<CheckValue>,
    ) -> Result<HubScope, ChangeError> {
        let place = self.place(scope)?;
        let mut checks = place.checks(self.connection)?;
        let before = checks.get(check).map(ToString::to_string);
        let after = value.as_ref().map(ToString::to_string);
        checks.set(check, value);
        place.write_checks(self.connection, &checks)?;
        let detail = json!({ "check": check.as_str(), "value": after, "before": before });
        self.audit("check.set", &place.scope.to_string(), &detail)?;
        Ok(place.scope)
    }
}
