//! `org member …`: the members of the account's organizations.

use serde_json::json;

use super::cli::{MemberCommand, OrgCommand};
use super::{Outcome, Session, Trouble};
use crate::access::{Identity, is_member};
use crate::clock::now;
use crate::report::{json_time, members_json, members_text};

pub(super) fn run(session: &Session<'_>, command: OrgCommand) -> Result<Outcome, Trouble> {
    let OrgCommand::Member(command) = command;
    match command {
        MemberCommand::List { organization } => session.read(|rights| {
            let account = rights.account()?;
            let (_, facts) = rights.owner_facts(&organization, account.id)?;
            // A certificate of another organization gives what everybody may see.
            let counts_here = match &rights.identity {
                Identity::Certificate { organization, .. } => *organization == facts.id,
                Identity::Account(_) | Identity::DeployKey { .. } | Identity::Anonymous => true,
            };
            if !counts_here || !is_member(&facts, now()) {
                return Err(Trouble::Refused(format!("you are no member of {organization}")));
            }
            let members = rights.organization_details(&organization)?.members;
            Ok(Outcome::new(members_text("MEMBER", &members), members_json("user", &members)))
        }),
        MemberCommand::Set { organization, user, role, until } => session.change(|rights, change| {
            rights.check_administers(&organization)?;
            let until = until.map(|until| until.0);
            change.set_member(&organization, &user, role, until)?;
            let json = json!({
                "organization": organization.as_str(), "user": user.as_str(), "role": role.as_str(),
                "until": json_time(until),
            });
            Ok(Outcome::new(format!("{user} has the role {role} in {organization}\n"), json))
        }),
        MemberCommand::Remove { organization, user } => session.change(|rights, change| {
            rights.check_administers(&organization)?;
            change.remove_member(&organization, &user)?;
            let json = json!({ "organization": organization.as_str(), "removed": user.as_str() });
            Ok(Outcome::new(format!("{user} is no longer a member of {organization}\n"), json))
        }),
    }
}
