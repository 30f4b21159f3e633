//! What users and organizations share, for the operator: their names.

use serde_json::json;

use super::arguments::Confirmation;
use super::{Refused, Requester};
use crate::db::OwnerKind;
use crate::name::Owner;
use crate::report::{Report, owner_json, with_fields};

/// Changes the name of a user or an organization. The old name stays reserved.
pub(crate) fn rename(
    requester: &mut Requester<'_>,
    kind: OwnerKind,
    old: &Owner,
    new: &Owner,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        change.rename_owner(kind, old, new)?;
        let json = owner_json(&change.owner(new)?);
        Ok(Report::new(format!("renamed {old} to {new}\n"), with_fields(json, [("before", old.as_str().into())])))
    })
}

/// Removes a user or an organization. Its keys become unknown keys, its repositories go to the heir, and its name stays
/// reserved. Without an heir, it must own no repository.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    kind: OwnerKind,
    name: &Owner,
    heir: Option<&Owner>,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    requester.change(|_, change| {
        confirmation.require(|| match kind {
            OwnerKind::User => format!("Remove the account {name} and its keys?"),
            OwnerKind::Organization => format!("Remove the organization {name}?"),
        })?;
        change.remove_owner(kind, name, heir)?;
        let text = format!("removed {name}; its name stays reserved until: hubgate user release {name}\n");
        Ok(Report::new(text, json!({ "removed": name.as_str() })))
    })
}

/// Frees the name of a user or an organization that was renamed or removed.
pub(crate) fn release(requester: &mut Requester<'_>, name: &Owner) -> Result<Report, Refused> {
    requester.change(|_, change| {
        change.release_name(name)?;
        Ok(Report::new(format!("the name {name} is free\n"), json!({ "released": name.as_str() })))
    })
}
