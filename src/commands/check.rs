//! Checks of the content of pushes, of the hub, of an owner or of a repository.

use super::arguments::SetCheck;
use super::rule::administered;
use super::{Output, Refused, Requester};
use crate::content::{AppliedCheck, CheckValue, ContentCheck};
use crate::name::HubScope;
use crate::report::{Checks, Report, check_json, with_fields};

/// Lists every check with the value that applies in a scope.
pub(crate) fn list(requester: &Requester<'_>, scope: &HubScope, output: &mut Output<'_>) -> Result<Report, Refused> {
    let after: Option<ContentCheck> = output.after()?;
    requester.list(output, &Checks, |by, view, each| {
        let scope = administered(by, view, scope)?;
        let values = view.checks_of(&scope)?;
        for check in ContentCheck::ALL.iter().filter(|check| after.is_none_or(|after| **check > after)) {
            if each(AppliedCheck::of(*check, values.each_ref())).is_break() {
                break;
            }
        }
        Ok(())
    })
}

/// Sets the value of a check.
pub(crate) fn set(requester: &mut Requester<'_>, arguments: &SetCheck) -> Result<Report, Refused> {
    let SetCheck { scope, check, value } = arguments;
    let value = match value.as_str() {
        "default" => None,
        text => Some(CheckValue::parse(*check, text).map_err(|error| Refused::Usage(error.to_string()))?),
    };
    requester.change(|by, change| {
        let scope = administered(by, change, scope)?;
        let scope = change.set_check(&scope, *check, value.clone())?;
        let row = AppliedCheck::of(*check, change.checks_of(&scope)?.each_ref());
        let from = if value.is_none() { format!(" (set by: {})", row.set_by) } else { String::new() };
        let line = format!("{check} of {scope}: {}{from}\n", row.value);
        Ok(Report::new(line, with_fields(check_json(&row), [("scope", scope.to_string().into())])))
    })
}
