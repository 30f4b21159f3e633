//! Members of organizations.

use serde_json::json;

use super::arguments::{RemoveMember, SetMember};
use super::{Denied, Peer, Refused, Requester};
use crate::access::{Identity, is_member};
use crate::name::Owner;
use crate::report::{Report, json_time, members_json, members_text};

/// Lists the members of an organization, for its members.
pub(crate) fn list(peer: &Peer<'_>, organization: &Owner) -> Result<Report, Refused> {
    peer.read(|rights, view| {
        let (_, facts) = view.owner_facts(organization, rights.account()?.id)?;
        // A certificate of another organization shows only what everyone may see.
        let counts_here = match &rights.identity {
            Identity::Certificate { organization, .. } => *organization == facts.id,
            Identity::Account(_) | Identity::DeployKey { .. } | Identity::Anonymous => true,
        };
        if !counts_here || !is_member(&facts, rights.now) {
            return Err(Denied::Member(organization.clone()).into());
        }
        let members = view.organization_details(organization)?.members;
        Ok(Report::new(members_text("MEMBER", &members), members_json("user", &members)))
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
        let json = json!({ "organization": organization.as_str(), "removed": user.as_str() });
        Ok(Report::new(format!("{user} is no longer a member of {organization}\n"), json))
    })
}
