//! Collaborators: users with a role on one repository.

use serde_json::json;

use super::arguments::{Expiring, OfRepository, SetCollaborator};
use super::{Output, Refused, Requester};
use crate::db::GrantPosition;
use crate::name::{Owner, RepoPath};
use crate::report::{Collaborators, Report, json_time};

/// Lists the collaborators of a repository. The operator may list those of all repositories.
pub(crate) fn list(
    requester: &Requester<'_>,
    path: Option<&RepoPath>,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let ending = expiring.period();
    let table = Collaborators { of_all: path.is_none() };
    let Some(path) = path else {
        let after: Option<GrantPosition<RepoPath>> = output.after()?;
        return requester
            .list(output, &table, |_, view, each| Ok(view.collaborations(after.as_ref(), ending, each)?));
    };
    let after: Option<Owner> = output.after()?;
    requester.list(output, &table, |by, view, each| {
        Ok(view.collaborations_of(by.administered(view, path)?.id, after.as_ref(), ending, each)?)
    })
}

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
