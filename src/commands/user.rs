//! Accounts of people and machines, for the operator.

use super::{Output, Refused, Requester};
use crate::db::OwnerKind;
use crate::name::{Owner, Title};
use crate::report::{Report, Users, user_json, user_page};

/// Adds an account.
pub(crate) fn add(requester: &mut Requester<'_>, name: &Owner, may_create: bool) -> Result<Report, Refused> {
    requester.change(|_, change| {
        let user = change.add_owner(OwnerKind::User, name, may_create)?;
        Ok(Report::new(format!("added {name}\n"), user_json(&user)))
    })
}

/// Lists the accounts.
pub(crate) fn list(requester: &Requester<'_>, output: &mut Output<'_>) -> Result<Report, Refused> {
    let after: Option<Owner> = output.after()?;
    requester.list(output, &Users, |_, view, each| Ok(view.owners(OwnerKind::User, after.as_ref(), each)?))
}

/// Shows an account.
pub(crate) fn show(requester: &Requester<'_>, name: &Owner) -> Result<Report, Refused> {
    requester.read(|_, view| {
        let user = view.user_details(name)?;
        Ok(user_page(&user, &view.teams_of_user(user.owner.id)?))
    })
}

/// Disables an account, with a reason that its owner sees, or enables it again.
pub(crate) fn set_disabled(
    requester: &mut Requester<'_>,
    name: &Owner,
    reason: Option<&Title>,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        change.set_disabled(name, reason.map(Title::as_str))?;
        let verb = if reason.is_some() { "disabled" } else { "enabled" };
        Ok(Report::new(format!("{verb} {name}\n"), user_json(&change.user(name)?)))
    })
}
