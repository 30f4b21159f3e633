//! Organizations, for the operator.

use serde_json::json;

use super::arguments::Confirmation;
use super::{Refused, Requester};
use crate::access::Role;
use crate::db::OwnerKind;
use crate::name::Owner;
use crate::report::{Report, organization_json, organization_page, organization_table};

/// Adds an organization with its first administrator.
pub(crate) fn add(requester: &mut Requester<'_>, name: &Owner, admin: &Owner) -> Result<Report, Refused> {
    requester.change(|_, change| {
        let organization = change.add_owner(OwnerKind::Organization, name, true)?;
        change.set_member(name, admin, Role::Admin, None)?;
        Ok(Report::new(format!("added {name}, administered by {admin}\n"), organization_json(&organization)))
    })
}

/// Lists the organizations.
pub(crate) fn list(requester: &Requester<'_>) -> Result<Report, Refused> {
    requester.read(|_, view| Ok(organization_table(&view.owners(OwnerKind::Organization)?)))
}

/// Shows an organization and its members.
pub(crate) fn show(requester: &Requester<'_>, name: &Owner) -> Result<Report, Refused> {
    requester.read(|_, view| Ok(organization_page(&view.organization_details(name)?)))
}

/// Changes the name of an organization. The old name stays reserved.
pub(crate) fn rename(requester: &mut Requester<'_>, old: &Owner, new: &Owner) -> Result<Report, Refused> {
    requester.change(|_, change| {
        change.rename_owner(OwnerKind::Organization, old, new)?;
        let json = json!({ "before": old.as_str(), "name": new.as_str() });
        Ok(Report::new(format!("renamed {old} to {new}\n"), json))
    })
}

/// Removes an organization that owns no repositories. Its name stays reserved.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    name: &Owner,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        confirmation.require(|| format!("Remove the organization {name}?"))?;
        change.remove_owner(OwnerKind::Organization, name, None)?;
        let text = format!("removed {name}; its name stays reserved until: hubgate user release {name}\n");
        Ok(Report::new(text, json!({ "removed": name.as_str() })))
    })
}
