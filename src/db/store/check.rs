//! Checks of the content of pushes: the values that the hub, an owner and a repository set.

use std::collections::BTreeMap;

use serde_json::json;

use super::rule::Place;
use super::{Change, ChangeError};
use crate::access::rule::{NamedGrantee, ShownAs};
use crate::content::{CheckValue, CheckValues, ContentCheck, TypedValue};
use crate::db::engine::{Connection, values};
use crate::db::rules::stored_checks;
use crate::db::{Error, View};
use crate::name::HubScope;

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
    /// The values that a repository, its owner and the hub set, as far as they apply in a scope.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn checks_of(&self, scope: &HubScope) -> Result<[CheckValues; 3], ChangeError> {
        let place = self.place(scope)?;
        let of = |scope: &HubScope| Ok::<_, ChangeError>(self.place(scope)?.checks(self.connection)?);
        let none = CheckValues::default();
        let [repository, owner] = match &place.scope {
            HubScope::Hub => [none.clone(), none],
            HubScope::Owner(_) => [none, place.checks(self.connection)?],
            HubScope::Repository(path) => [place.checks(self.connection)?, of(&HubScope::Owner(path.owner.clone()))?],
        };
        Ok([repository, owner, of(&HubScope::Hub)?])
    }
}

impl View<'_> {
    /// The value of a check as people read it: with the present names of users and teams. `owner` is the row of the
    /// owner whose teams count; without one, those of all do. `with_teams` says whether the reader may know of teams.
    ///
    /// # Errors
    /// [`Error`].
    pub fn shown_value(&self, value: &CheckValue, owner: Option<i64>, with_teams: bool) -> Result<String, Error> {
        let CheckValue::Paths(rules) = value else { return Ok(value.shown()) };
        let mut names = BTreeMap::new();
        let named = |row: &_| {
            let named = self.named_grantee(*row, owner, &mut names)?;
            Ok::<_, Error>(if with_teams { named } else { NamedGrantee { shown: ShownAs::Hidden, ..named } })
        };
        Ok(rules.with_names(named)?.to_string())
    }
}

impl Change<'_> {
    /// The value of a check of a scope, with the rows of its users and teams.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn check_value(&self, scope: &HubScope, value: &TypedValue) -> Result<CheckValue, ChangeError> {
        match value {
            TypedValue::Plain(value) => Ok(value.clone()),
            TypedValue::Paths(rules) => rules.with_names(|name| self.row_in(scope, name)).map(CheckValue::Paths),
        }
    }

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
        // A row can be longer than the name that was typed.
        if matches!(&value, Some(CheckValue::Paths(rules)) if !rules.fit()) {
            return Err(ChangeError::Conflict(format!("the rules for paths of {} would be too long", place.scope)));
        }
        let mut checks = place.checks(self.connection)?;
        let before = checks.get(check).map(|value| self.shown_value(value, place.owner, true)).transpose()?;
        let after = value.as_ref().map(|value| self.shown_value(value, place.owner, true)).transpose()?;
        checks.set(check, value);
        place.write_checks(self.connection, &checks)?;
        let detail = json!({ "check": check.as_str(), "value": after, "before": before });
        self.audit("check.set", &place.scope.to_string(), &detail)?;
        Ok(place.scope)
    }
}
