//! `org member …`: the members of organizations that one administers.

use serde_json::json;

use super::cli::{MemberCommand, OrgCommand};
use super::{Outcome, Session, Trouble};
use crate::access::{Identity, administers, is_member};
use crate::name::Owner;
use crate::report::{json_time, members_json, members_text};

pub(super) fn run(session: &Session<'_>, command: OrgCommand) -> Result<Outcome, Trouble> {
    let OrgCommand::Member(command) = command;
    match command {
        MemberCommand::List { organization } => {
            let account = session.account()?;
            let (_, facts) = session.ask(|view| view.owner_facts(&organization, account.id))?;
            // A certificate of another organization is good for what everybody may see.
            let counts_here = match &session.identity {
                Identity::Certificate { organization, .. } => *organization == facts.id,
                Identity::Account(_) | Identity::DeployKey { .. } | Identity::Anonymous => true,
            };
            if !counts_here || !is_member(&facts, session.now) {
                return Err(Trouble::Refused(format!("you are no member of {organization}")));
            }
            let members = session.ask(|view| view.organization_details(&organization))?.members;
            Ok(Outcome::new(members_text("MEMBER", &members), members_json("user", &members)))
        }
        MemberCommand::Set { organization, user, role, until } => {
            check_administers(session, &organization)?;
            let until = until.map(|until| until.0);
            session.store()?.change(&session.actor(), |change| change.set_member(&organization, &user, role, until))?;
            let json = json!({
                "organization": organization.as_str(), "user": user.as_str(), "role": role.as_str(),
                "until": json_time(until),
            });
            Ok(Outcome::new(format!("{user} has the role {role} in {organization}\n"), json))
        }
        MemberCommand::Remove { organization, user } => {
            check_administers(session, &organization)?;
            session.store()?.change(&session.actor(), |change| change.remove_member(&organization, &user))?;
            let json = json!({ "organization": organization.as_str(), "removed": user.as_str() });
            Ok(Outcome::new(format!("{user} is no longer a member of {organization}\n"), json))
        }
    }
}

fn check_administers(session: &Session<'_>, organization: &Owner) -> Result<(), Trouble> {
    let account = session.changing_account()?;
    let refused = || Trouble::Refused(format!("you do not administer {organization}"));
    let (_, facts) = session.ask(|view| view.owner_facts(organization, account.id)).map_err(|_| refused())?;
    if administers(account, &facts, session.now) { Ok(()) } else { Err(refused()) }
}
