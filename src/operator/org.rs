//! `hubgate org`

use std::path::Path;

use serde_json::{Value, json};

use super::authority;
use super::cli::{MemberCommand, OrgCommand};
use super::context::{Context, actor, confirm};
use super::failure::Failure;
use crate::access::Role;
use crate::db::{ChangeError, OwnerKind, OwnerRow};
use crate::report::when::minute;
use crate::report::{Report, json_time, members_json, members_text};

pub(super) fn run(command: OrgCommand, config: &Path) -> Result<Report, Failure> {
    if let OrgCommand::Ca(command) = command {
        // The file of a key is opened before root's rights are dropped.
        return authority::run(command, config);
    }
    let mut context = Context::open(config)?;
    let actor = actor();
    match command {
        OrgCommand::Ca(command) => authority::run(command, config),
        OrgCommand::Add { name, admin } => {
            let organization = context.store.change(&actor, |change| {
                let organization = change.add_owner(OwnerKind::Organization, &name, true)?;
                change.set_member(&name, &admin, Role::Admin, None)?;
                Ok::<_, ChangeError>(organization)
            })?;
            Ok(Report::new(format!("added {name}, administered by {admin}\n"), org_json(&organization)))
        }
        OrgCommand::List => {
            let organizations = context.store.view().owners(OwnerKind::Organization)?;
            let rows = organizations.iter().map(|org| [org.name.to_string(), minute(Some(org.created_at))]).collect();
            Ok(Report::table(["NAME", "CREATED"], rows, organizations.iter().map(org_json).collect()))
        }
        OrgCommand::Show { name } => {
            let organization = context.store.view().organization_details(&name)?;
            let text = format!(
                "{}\n  created       {}\n  repositories  {}\n{}",
                organization.owner.name,
                minute(Some(organization.owner.created_at)),
                organization.repositories,
                members_text("MEMBER", &organization.members)
            );
            let mut json = org_json(&organization.owner);
            if let Value::Object(fields) = &mut json {
                fields.insert("repositories".to_owned(), organization.repositories.into());
                fields.insert("members".to_owned(), members_json("user", &organization.members));
            }
            Ok(Report::new(text, json))
        }
        OrgCommand::Rename { old, new } => {
            context.store.change(&actor, |change| change.rename_owner(OwnerKind::Organization, &old, &new))?;
            Ok(Report::new(
                format!("renamed {old} to {new}\n"),
                json!({ "before": old.as_str(), "name": new.as_str() }),
            ))
        }
        OrgCommand::Remove { name, sure } => {
            confirm(&sure, &format!("Remove the organization {name}?"))?;
            context.store.change(&actor, |change| change.remove_owner(OwnerKind::Organization, &name, None))?;
            let text = format!("removed {name}; its name is kept back until: hubgate user release {name}\n");
            Ok(Report::new(text, json!({ "removed": name.as_str() })))
        }
        OrgCommand::Member(MemberCommand::Set { organization, user, role, until }) => {
            let until = until.map(|until| until.0);
            context.store.change(&actor, |change| change.set_member(&organization, &user, role, until))?;
            let json = json!({
                "organization": organization.as_str(), "user": user.as_str(), "role": role.as_str(),
                "until": json_time(until),
            });
            Ok(Report::new(format!("{user} has the role {role} in {organization}\n"), json))
        }
        OrgCommand::Member(MemberCommand::Remove { organization, user }) => {
            context.store.change(&actor, |change| change.remove_member(&organization, &user))?;
            let json = json!({ "organization": organization.as_str(), "removed": user.as_str() });
            Ok(Report::new(format!("{user} is no longer a member of {organization}\n"), json))
        }
    }
}

fn org_json(organization: &OwnerRow) -> Value {
    json!({ "name": organization.name.as_str(), "created_at": json_time(Some(organization.created_at)) })
}
