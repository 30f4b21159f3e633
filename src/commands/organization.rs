//! Organizations, for the operator.

use super::{Output, Refused, Requester};
use crate::access::Role;
use crate::db::{OwnerKind, all};
use crate::name::Owner;
use crate::report::{Organizations, Report, organization_json, organization_page};

/// Adds an organization with its first administrator.
pub(crate) fn add(requester: &mut Requester<'_>, name: &Owner, admin: &Owner) -> Result<Report, Refused> {
    requester.change(|_, change| {
        let organization = change.add_owner(OwnerKind::Organization, name, true)?;
        change.set_member(name, admin, Role::Admin, None)?;
        Ok(Report::new(format!("added {name}, administered by {admin}\n"), organization_json(&organization)))
    })
}

/// Lists the organizations.
pub(crate) fn list(requester: &Requester<'_>, output: &mut Output<'_>) -> Result<Report, Refused> {
    let after: Option<Owner> = output.after()?;
    let kind = OwnerKind::Organization;
    requester.list(output, &Organizations, |_, view, each| Ok(view.owners(kind, after.as_ref(), each)?))
}

/// Shows an organization, its members and its teams.
pub(crate) fn show(requester: &Requester<'_>, name: &Owner) -> Result<Report, Refused> {
    requester.read(|_, view| {
        let organization = view.organization_details(name)?;
        let teams = all(|each| view.teams_of(organization.owner.id, None, each))?;
        Ok(organization_page(&organization, &teams))
    })
}
