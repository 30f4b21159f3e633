//! Members of organizations.

use std::fmt::Write as _;

use serde_json::json;

use super::arguments::{Expiring, RemoveMember, SetMember};
use super::{By, Denied, Output, Refused, Requester};
use crate::access::is_member;
use crate::db::{GrantPosition, OwnerKind};
use crate::name::Owner;
use crate::report::{Members, Report, json_time};
use crate::word::counted;

/// Lists the members of an organization, for its members. The operator may list those of all organizations.
pub(crate) fn list(
    requester: &Requester<'_>,
    organization: Option<&Owner>,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let ending = expiring.period();
    let table = Members { of_all: organization.is_none() };
    let Some(organization) = organization else {
        let after: Option<GrantPosition<Owner>> = output.after()?;
        return requester.list(output, &table, |_, view, each| Ok(view.memberships(after.as_ref(), ending, each)?));
    };
    let after: Option<Owner> = output.after()?;
    requester.list(output, &table, |by, view, each| {
        let organization = match by {
            By::Operator => view.owner_of(OwnerKind::Organization, organization)?.id,
            By::Account(rights) => {
                let (_, facts) = view.owner_facts(organization, rights.account()?.id)?;
                if !rights.counts_at(&facts) || !is_member(&facts, rights.now) {
                    return Err(Denied::Member(organization.clone()).into());
                }
                facts.id
            }
        };
        Ok(view.memberships_of(organization, after.as_ref(), ending, each)?)
    })
}

/// Gives a user a role in an organization.
pub(crate) fn set(requester: &mut Requester<'_>, arguments: &SetMember) -> Result<Report, Refused> {
    let SetMember { organization, user, role, until } = arguments;
    let until = until.second();
    requester.change(|by, change| {
        by.check_administers(organization)?;
        change.set_member(organization, user, *role, until)?;
        let json = json!({
            "organization": organization.as_str(), "user": user.as_str(), "role": role.as_str(),
            "until": json_time(until),
        });
        Ok(Report::new(format!("{user} has the role {role} in {organization}\n"), json))
    })
}

/// Removes a user from an organization.
pub(crate) fn remove(requester: &mut Requester<'_>, arguments: &RemoveMember) -> Result<Report, Refused> {
    let RemoveMember { organization, user } = arguments;
    requester.change(|by, change| {
        by.check_administers(organization)?;
        change.remove_member(organization, user)?;
        let kept = change.own_roles(organization, user)?;
        let mut text = format!("{user} is no longer a member of {organization}\n");
        if kept > 0 {
            let repositories = counted(kept, "repository", "repositories");
            let _ =
                writeln!(text, "{user} keeps a role of their own on {repositories} there: repo collaborator remove");
        }
        let json = json!({ "organization": organization.as_str(), "removed": user.as_str(), "own_roles": kept });
        Ok(Report::new(text, json))
    })
}
