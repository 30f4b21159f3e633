//! Collaborators: users and teams with a role on one repository.

use serde_json::json;

use super::arguments::{Expiring, RemoveCollaborator, SetCollaborator};
use super::team::{check_may_name, knows_teams};
use super::{By, Output, Refused, Requester};
use crate::db::{GrantPosition, View, check_team_of};
use crate::name::{Grantee, RepoPath};
use crate::report::{Collaborators, Report, json_time};

/// Lists the collaborators of a repository. The operator may list those of all repositories. Only members of the
/// organization see its teams.
pub(crate) fn list(
    requester: &Requester<'_>,
    path: Option<&RepoPath>,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let ending = expiring.period();
    let table = Collaborators { of_all: path.is_none() };
    let Some(path) = path else {
        let after: Option<GrantPosition<RepoPath, Grantee>> = output.after()?;
        return requester
            .list(output, &table, |_, view, each| Ok(view.collaborations(after.as_ref(), ending, each)?));
    };
    let after: Option<Grantee> = output.after()?;
    requester.list(output, &table, |by, view, each| {
        let repository = by.administered(view, path)?;
        if let Some(after) = &after {
            check_may_name(by, view, after)?;
        }
        let with_teams = knows_teams(by, view, &repository.path.owner)?;
        Ok(view.collaborations_of(repository.id, with_teams, after.as_ref(), ending, each)?)
    })
}

/// Grants a user or a team a role on a repository.
pub(crate) fn set(requester: &mut Requester<'_>, arguments: &SetCollaborator) -> Result<Report, Refused> {
    let SetCollaborator { path, user, role, until } = arguments;
    let until = until.second();
    requester.change(|by, change| {
        let path = by.administered(change, path)?.path;
        check_team(by, change, &path, user)?;
        change.set_collaborator(&path, user, *role, until)?;
        let json = json!({
            "path": path.to_string(), "user": user.to_string(), "role": role.as_str(), "until": json_time(until),
        });
        Ok(Report::new(format!("{user} has the role {role} on {path}\n"), json))
    })
}

/// Removes the role of a user or a team on a repository.
pub(crate) fn remove(requester: &mut Requester<'_>, arguments: &RemoveCollaborator) -> Result<Report, Refused> {
    let RemoveCollaborator { path, user } = arguments;
    requester.change(|by, change| {
        let path = by.administered(change, path)?.path;
        check_team(by, change, &path, user)?;
        change.remove_collaborator(&path, user)?;
        let json = json!({ "path": path.to_string(), "removed": user.to_string() });
        Ok(Report::new(format!("{user} is no longer a collaborator on {path}\n"), json))
    })
}

/// Refuses a team of another organization than the one that owns the repository, whether the team exists or not, and a
/// team that the requester may not know.
fn check_team(by: By<'_>, view: &View<'_>, path: &RepoPath, user: &Grantee) -> Result<(), Refused> {
    check_team_of(path, user)?;
    check_may_name(by, view, user)
}
