//! `hubgate user`

use serde_json::{Value, json};

use super::cli::UserCommand;
use super::context::{Context, actor, confirm};
use super::failure::Failure;
use crate::db::{Code, OwnerKind, OwnerRow};
use crate::name::Owner;
use crate::report::when::minute;
use crate::report::{Report, json_time, members_json, members_text};

pub(super) fn run(command: UserCommand, mut context: Context) -> Result<Report, Failure> {
    let actor = actor();
    match command {
        UserCommand::Add { name, no_create } => {
            let user = context.store.change(&actor, |change| change.add_owner(OwnerKind::User, &name, !no_create))?;
            Ok(Report::new(format!("added {name}\n"), user_json(&user)))
        }
        UserCommand::List => {
            let users = context.store.view().owners(OwnerKind::User)?;
            let rows = users.iter().map(|user| [user.name.to_string(), minute(Some(user.created_at)), state(user)]);
            let json = users.iter().map(user_json).collect();
            Ok(Report::table(["NAME", "CREATED", "STATE"], rows.collect(), json))
        }
        UserCommand::Show { name } => {
            let user = context.store.view().user_details(&name)?;
            let mut text = format!(
                "{}\n  created       {}\n  state         {}\n  keys          {}\n  repositories  {}\n",
                user.owner.name,
                minute(Some(user.owner.created_at)),
                state(&user.owner),
                user.keys,
                user.repositories
            );
            if !user.memberships.is_empty() {
                text.push_str(&members_text("ORGANIZATION", &user.memberships));
            }
            let mut json = user_json(&user.owner);
            if let Value::Object(fields) = &mut json {
                fields.insert("keys".to_owned(), user.keys.into());
                fields.insert("repositories".to_owned(), user.repositories.into());
                fields.insert("organizations".to_owned(), members_json("organization", &user.memberships));
            }
            Ok(Report::new(text, json))
        }
        UserCommand::Rename { old, new } => {
            context.store.change(&actor, |change| change.rename_owner(OwnerKind::User, &old, &new))?;
            Ok(Report::new(
                format!("renamed {old} to {new}\n"),
                json!({ "before": old.as_str(), "name": new.as_str() }),
            ))
        }
        UserCommand::Disable { name, reason } => {
            context.store.change(&actor, |change| change.set_disabled(&name, Some(reason.as_str())))?;
            Ok(Report::new(format!("disabled {name}\n"), json!({ "name": name.as_str(), "disabled": reason.as_str() })))
        }
        UserCommand::Enable { name } => {
            context.store.change(&actor, |change| change.set_disabled(&name, None))?;
            Ok(Report::new(format!("enabled {name}\n"), json!({ "name": name.as_str(), "disabled": null })))
        }
        UserCommand::Remove { name, transfer_to, sure } => {
            confirm(&sure, &format!("Remove the account {name} and take its keys off?"))?;
            context.store.change(&actor, |change| change.remove_owner(OwnerKind::User, &name, transfer_to.as_ref()))?;
            let text = format!("removed {name}; its name is kept back until: hubgate user release {name}\n");
            Ok(Report::new(text, json!({ "removed": name.as_str() })))
        }
        UserCommand::Release { name } => {
            context.store.change(&actor, |change| change.release_name(&name))?;
            Ok(Report::new(format!("the name {name} is free\n"), json!({ "released": name.as_str() })))
        }
    }
}

/// `hubgate invite`
pub(super) fn invite(user: &Owner, expires_at: i64, mut context: Context) -> Result<Report, Failure> {
    let code = Code::random().map_err(|error| Failure::File("/dev/urandom".to_owned(), error))?;
    context.store.change(&actor(), |change| change.invite(user, &code, expires_at))?;
    let at = format!("{}@{}", context.config.ssh.login, context.config.hub.host);
    let text = format!(
        "{}\n{user} puts a key on the account with it, once, until {}: ssh {at} join {}\n",
        code.as_str(),
        minute(Some(expires_at)),
        code.as_str()
    );
    let json = json!({ "code": code.as_str(), "user": user.as_str(), "expires_at": json_time(Some(expires_at)) });
    Ok(Report::new(text, json))
}

fn user_json(user: &OwnerRow) -> Value {
    json!({
        "name": user.name.as_str(),
        "created_at": json_time(Some(user.created_at)),
        "may_create": user.may_create,
        "disabled": user.disabled,
    })
}

fn state(user: &OwnerRow) -> String {
    match (&user.disabled, user.may_create) {
        (Some(reason), _) => format!("disabled: {reason}"),
        (None, true) => "active".to_owned(),
        (None, false) => "active, may not create".to_owned(),
    }
}
