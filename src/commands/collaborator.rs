//! Collaborators: users with a role on one repository.

use serde_json::json;

use super::arguments::{OfRepository, SetCollaborator};
use super::{Refused, Requester};
use crate::report::{Report, json_time};

/// Grants a user a role on a repository.
pub(crate) fn set(requester: &mut Requester<'_>, arguments: &SetCollaborator) -> Result<Report, Refused> {
    let SetCollaborator { path, user, role, until } = arguments;
    let until = until.second();
    requester.change(|by, change| {
        let path = by.administered(change, path)?.path;
        change.set_collaborator(&path, user, *role, until)?;
        let json = json!({
            "path": path.to_string(), "user": user.as_str(), "role": role.as_str(), "until": json_time(until),
        });
        Ok(Report::new(format!("{user} has the role {role} on {path}\n"), json))
    })
}

/// Removes a user's role on a repository.
pub(crate) fn remove(requester: &mut Requester<'_>, arguments: &OfRepository) -> Result<Report, Refused> {
    let OfRepository { path, user } = arguments;
    requester.change(|by, change| {
        let path = by.administered(change, path)?.path;
        change.remove_collaborator(&path, user)?;
        let json = json!({ "path": path.to_string(), "removed": user.as_str() });
        Ok(Report::new(format!("{user} is no longer a collaborator on {path}\n"), json))
    })
}
