//! Checks of the content of pushes, of the hub, of an owner or of a repository.

use super::arguments::SetCheck;
use super::rule::{administered, check_teams, may_read_teams};
use super::{By, Output, Refused, Requester};
use crate::content::{AppliedCheck, ContentCheck, TypedValue};
use crate::db::View;
use crate::name::HubScope;
use crate::report::{Checks, Report, ShownCheck, check_json, with_fields};

/// Lists every check with the value that applies in a scope.
pub(crate) fn list(requester: &Requester<'_>, scope: &HubScope, output: &mut Output<'_>) -> Result<Report, Refused> {
    let after: Option<ContentCheck> = output.after()?;
    requester.list(output, &Checks, |by, view, each| {
        let scope = administered(by, view, scope)?;
        let values = view.checks_of(&scope)?;
        let reader = reader(by, view, &scope)?;
        for check in ContentCheck::ALL.iter().filter(|check| after.is_none_or(|after| **check > after)) {
            if each(shown(view, AppliedCheck::of(*check, values.each_ref()), reader)?).is_break() {
                break;
            }
        }
        Ok(())
    })
}

/// Sets the value of a check.
pub(crate) fn set(requester: &mut Requester<'_>, arguments: &SetCheck) -> Result<Report, Refused> {
    let SetCheck { scope, check, value } = arguments;
    let value = match value.join(" ").as_str() {
        // A wider scope decides.
        "default" => None,
        text => Some(TypedValue::parse(*check, text).map_err(|error| Refused::Usage(error.to_string()))?),
    };
    requester.change(|by, change| {
        let scope = administered(by, change, scope)?;
        if let Some(TypedValue::Paths(rules)) = &value {
            rules.rules.iter().try_for_each(|rule| check_teams(by, change, &scope, &rule.who))?;
        }
        let value = value.as_ref().map(|value| change.check_value(&scope, value)).transpose()?;
        let scope = change.set_check(&scope, *check, value.clone())?;
        let row = AppliedCheck::of(*check, change.checks_of(&scope)?.each_ref());
        let row = shown(change, row, reader(by, change, &scope)?)?;
        let from = if value.is_none() { format!(" (set by: {})", row.set_by) } else { String::new() };
        let line = format!("{check} of {scope}: {}{from}\n", row.value);
        Ok(Report::new(line, with_fields(check_json(&row), [("scope", scope.to_string().into())])))
    })
}

/// What decides how a reader sees the teams in a value: the row of the owner whose teams count, and whether the reader
/// may know them.
fn reader(by: By<'_>, view: &View<'_>, scope: &HubScope) -> Result<(Option<i64>, bool), Refused> {
    Ok((view.owner_of_scope(scope)?, may_read_teams(by, view, scope)?))
}

fn shown(view: &View<'_>, row: AppliedCheck, reader: (Option<i64>, bool)) -> Result<ShownCheck, Refused> {
    let AppliedCheck { check, value, set_by } = row;
    let (owner, with_teams) = reader;
    Ok(ShownCheck { check, value: view.shown_value(&value, owner, with_teams)?, set_by })
}
