//! Teams of organizations, for the operator, the administrators and the members of the organization.

use serde_json::json;

use super::arguments::{AddTeamMember, Confirmation, Expiring, OfTeam, RenameTeam};
use super::{By, Denied, Output, Refused, Requester};
use crate::access::{Identity, is_member};
use crate::db::{ChangeError, Error, GrantPosition, OwnerKind, ServedRepository, TeamGrant, View};
use crate::name::{Grantee, Owner, TeamName, TeamPath};
use crate::report::{Report, TeamMembers, Teams, json_time, team_json, team_page, with_fields};

/// Adds a team without members.
pub(crate) fn add(requester: &mut Requester<'_>, team: &TeamPath) -> Result<Report, Refused> {
    requester.change(|by, change| {
        by.check_administers(&team.organization)?;
        let row = change.add_team(team)?;
        let json = team_json(&row);
        Ok(Report::new(format!("added the team {}\n", row.path), json))
    })
}

/// Lists the teams of an organization, for its members.
pub(crate) fn list(
    requester: &Requester<'_>,
    organization: &Owner,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let after: Option<TeamName> = output.after()?;
    requester.list(output, &Teams, |by, view, each| {
        check_knows_teams(by, view, organization)?;
        let organization = view.owner_of(OwnerKind::Organization, organization)?.id;
        Ok(view.teams_of(organization, after.as_ref(), each)?)
    })
}

/// Shows a team: its members and its roles on repositories. A session sees the roles on repositories that it may fetch.
pub(crate) fn show(requester: &Requester<'_>, team: &TeamPath) -> Result<Report, Refused> {
    requester.read(|by, view| {
        check_knows_teams(by, view, &team.organization)?;
        let row = view.team(team)?;
        let members = crate::db::all(|each| view.team_members(row.id, None, None, each))?;
        let mut grants = Vec::new();
        for grant in view.team_grants(row.id)? {
            let is_seen = match by {
                By::Operator => true,
                By::Account(rights) => rights.may_fetch(&grant.path)?,
            };
            if is_seen {
                grants.push(grant);
            }
        }
        Ok(team_page(&row, &members, &grants))
    })
}

/// Gives a team another name.
pub(crate) fn rename(requester: &mut Requester<'_>, arguments: &RenameTeam) -> Result<Report, Refused> {
    let RenameTeam { team, name } = arguments;
    requester.change(|by, change| {
        by.check_administers(&team.organization)?;
        let row = change.rename_team(team, name)?;
        let json = with_fields(team_json(&row), [("before", team.to_string().into())]);
        Ok(Report::new(format!("renamed the team {team} to {}\n", row.path), json))
    })
}

/// Removes a team. Its members lose what it gave them.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    team: &TeamPath,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    requester.change(|by, change| {
        by.check_administers(&team.organization)?;
        let path = change.team(team)?.path;
        confirmation.require(|| format!("Remove the team {path} and its roles on repositories?"))?;
        change.remove_team(&path)?;
        Ok(Report::new(format!("removed the team {path}\n"), json!({ "removed": path.to_string() })))
    })
}

/// Lists the members of a team, for the members of its organization. The operator may list those of all teams.
pub(crate) fn list_members(
    requester: &Requester<'_>,
    team: Option<&TeamPath>,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let ending = expiring.period();
    let table = TeamMembers { of_all: team.is_none() };
    let Some(team) = team else {
        let after: Option<GrantPosition<TeamPath>> = output.after()?;
        return requester
            .list(output, &table, |_, view, each| Ok(view.members_of_all_teams(after.as_ref(), ending, each)?));
    };
    let after: Option<Owner> = output.after()?;
    requester.list(output, &table, |by, view, each| {
        check_knows_teams(by, view, &team.organization)?;
        Ok(view.team_members(view.team(team)?.id, after.as_ref(), ending, each)?)
    })
}

/// Adds a member of the organization to a team, or changes when the membership ends.
pub(crate) fn add_member(requester: &mut Requester<'_>, arguments: &AddTeamMember) -> Result<Report, Refused> {
    let AddTeamMember { of: OfTeam { team, user }, until } = arguments;
    let until = until.second();
    requester.change(|by, change| {
        by.check_administers(&team.organization)?;
        change.add_team_member(team, user, until)?;
        let json = json!({ "team": team.to_string(), "user": user.as_str(), "until": json_time(until) });
        Ok(Report::new(format!("{user} is a member of the team {team}\n"), json))
    })
}

/// Removes a user from a team.
pub(crate) fn remove_member(requester: &mut Requester<'_>, arguments: &OfTeam) -> Result<Report, Refused> {
    let OfTeam { team, user } = arguments;
    requester.change(|by, change| {
        by.check_administers(&team.organization)?;
        change.remove_team_member(team, user)?;
        let json = json!({ "team": team.to_string(), "removed": user.as_str() });
        Ok(Report::new(format!("{user} is no longer a member of the team {team}\n"), json))
    })
}

/// Refuses a requester that may not know which teams an organization has: only its members may.
fn check_knows_teams(by: By<'_>, view: &View<'_>, organization: &Owner) -> Result<(), Refused> {
    match by {
        By::Account(_) if !knows_teams(by, view, organization)? => Err(Denied::Member(organization.clone()).into()),
        By::Account(_) | By::Operator => Ok(()),
    }
}

/// Whether the requester may know which teams an organization has.
pub(super) fn knows_teams(by: By<'_>, view: &View<'_>, organization: &Owner) -> Result<bool, Refused> {
    let By::Account(rights) = by else { return Ok(true) };
    match view.owner_facts(organization, rights.account()?.id) {
        Ok((_, facts)) => Ok(rights.counts_at(&facts) && is_member(&facts, rights.now)),
        Err(ChangeError::NotFound(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Refuses to name a team that the requester may not know. It looks missing.
pub(super) fn check_may_name(by: By<'_>, view: &View<'_>, grantee: &Grantee) -> Result<(), Refused> {
    match grantee.team() {
        Some(team) if !knows_teams(by, view, &team.organization)? => {
            Err(ChangeError::NotFound(format!("team {team}")).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// What teams give an identity on a repository.
///
/// # Errors
/// The database did not answer.
pub(crate) fn by_teams(
    view: &View<'_>,
    identity: &Identity,
    served: Option<&ServedRepository>,
    now: i64,
) -> Result<Vec<TeamGrant>, Error> {
    let subject = served.and_then(|served| Some((served.facts.id, identity.account_at(served.facts.owner)?.id)));
    subject.map_or(Ok(Vec::new()), |(repository, account)| view.grants_by_teams(repository, account, now))
}
