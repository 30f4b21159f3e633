//! `repo …`: the repositories that the session may see, and those that it may change.

use serde_json::{Value, json};

use super::cli::{CollaboratorCommand, RepoCommand};
use super::key::parse_title;
use super::rights::or_refused;
use super::{Outcome, Session, Trouble, sure};
use crate::access::{Access, Decision, Visibility, administers, decide, may_create};
use crate::clock::now;
use crate::db::{NewRepository, OwnerKind};
use crate::message::FaultKind;
use crate::name::{Owner, RepoPath};
use crate::report::{json_time, repo_json, state, table};
use crate::repository::create_repository;

pub(super) fn run(session: &Session<'_>, command: RepoCommand) -> Result<Outcome, Trouble> {
    match command {
        RepoCommand::Create { .. } => create(session, command),
        RepoCommand::List { owner } => list(session, owner.as_ref()),
        RepoCommand::Show { path } => show(session, &path),
        RepoCommand::Rename { old, new } => rename(session, &old, &new),
        RepoCommand::Visibility { path, visibility } => session.change(|rights, change| {
            let served = rights.administered(&path)?;
            change.set_visibility(&served.path, visibility)?;
            let json = json!({ "path": served.path.to_string(), "visibility": visibility.as_str() });
            Ok(Outcome::new(format!("{} is {visibility}\n", served.path), json))
        }),
        RepoCommand::Remove { path, yes } => session.change(|rights, change| {
            let served = rights.managed(&path)?;
            sure(yes, &format!("{} will be taken out of the hub.", served.path))?;
            change.remove_repository(&served.path)?;
            let text = format!("removed {}; the operator can bring it back for 30 days\n", served.path);
            Ok(Outcome::new(text, json!({ "removed": served.path.to_string() })))
        }),
        RepoCommand::Collaborator(CollaboratorCommand::Set { path, user, role, until }) => {
            session.change(|rights, change| {
                let served = rights.administered(&path)?;
                let until = until.map(|until| until.0);
                change.set_collaborator(&served.path, &user, role, until)?;
                let json = json!({
                    "path": served.path.to_string(), "user": user.as_str(), "role": role.as_str(),
                    "until": json_time(until),
                });
                Ok(Outcome::new(format!("{user} has the role {role} on {}\n", served.path), json))
            })
        }
        RepoCommand::Collaborator(CollaboratorCommand::Remove { path, user }) => session.change(|rights, change| {
            let served = rights.administered(&path)?;
            change.remove_collaborator(&served.path, &user)?;
            let json = json!({ "path": served.path.to_string(), "removed": user.as_str() });
            Ok(Outcome::new(format!("{user} is no longer a collaborator on {}\n", served.path), json))
        }),
    }
}

fn show(session: &Session<'_>, path: &RepoPath) -> Result<Outcome, Trouble> {
    session.read(|rights| {
        let served = rights.repository(path)?;
        let row = rights.repository_row(&served)?;
        let access = rights.access(&served);
        let mut json = repo_json(&row);
        if let Value::Object(fields) = &mut json {
            fields.insert("access".to_owned(), access.into());
        }
        let text = format!(
            "{}\n  state          {}\n  description    {}\n  object format  {}\n  your access    {access}\n",
            row.path,
            state(&row),
            row.description,
            row.object_format
        );
        Ok(Outcome::new(text, json))
    })
}

/// Makes a repository. Its directory is made before the transaction, since git takes its time, and goes again where the
/// transaction refuses.
fn create(session: &Session<'_>, command: RepoCommand) -> Result<Outcome, Trouble> {
    let RepoCommand::Create { path, private, gated, gate_members, object_format, description } = command else {
        return Err(Trouble::Usage("repo create".to_owned()));
    };
    let description = match description.as_slice() {
        [] => String::new(),
        words => parse_title(words)?.to_string(),
    };
    // Nobody makes directories by asking for what is refused anyway.
    session.read(|rights| {
        rights.check_may_create(&path.owner)?;
        rights.check_free(&path)
    })?;
    let object_format = object_format.unwrap_or(session.config.git.object_format);
    let directory = create_repository(session.config, object_format)
        .map_err(|error| Trouble::Fault(FaultKind::Broken, error.to_string()))?;
    let place = session.config.paths.repositories.join(directory.relative());
    let row = session.change(|rights, change| {
        let account = rights.check_may_create(&path.owner)?;
        rights.check_free(&path)?;
        let new = NewRepository {
            path,
            directory,
            visibility: if private { Visibility::Private } else { Visibility::Public },
            object_format,
            description,
            created_by: Some(account.name.clone()),
        };
        let row = change.add_repository(&new)?;
        gated.map_or(Ok(()), |mode| change.set_gate(&row.path, mode, gate_members))?;
        Ok(change.repository(&row.path)?)
    });
    let row = row.inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&place);
    })?;
    let url = format!("{}@{}:{}", session.config.ssh.login, session.config.hub.host, row.path);
    let text = format!("created the {} {} ({}): git clone {url}\n", row.path.kind, row.path, row.visibility);
    Ok(Outcome::new(text, repo_json(&row)))
}

fn list(session: &Session<'_>, owner: Option<&Owner>) -> Result<Outcome, Trouble> {
    let rows = session.read(|rights| {
        let owner = match owner {
            Some(owner) => owner,
            None => &rights.account()?.name,
        };
        let account = rights.account().ok().map(|account| account.id);
        let now = now();
        let all = rights.repositories_with_facts(rights.owner(owner)?.id, account)?;
        let visible = all.into_iter().filter(|(_, facts)| {
            matches!(decide(&rights.identity, Some(facts), Access::Fetch, now), Decision::Allow(_))
        });
        Ok(visible.map(|(row, _)| row).collect::<Vec<_>>())
    })?;
    let lines = rows.iter().map(|row| [row.path.to_string(), state(row), row.description.clone()]).collect();
    let text = table(["REPOSITORY", "STATE", "DESCRIPTION"], lines);
    Ok(Outcome::new(text, rows.iter().map(repo_json).collect()))
}

/// Renames within an owner, or hands over: from the account to an organization where it may create; from an
/// organization that it administers to itself, or to another organization where it may create. Never from person to
/// person.
fn rename(session: &Session<'_>, old: &RepoPath, new: &RepoPath) -> Result<Outcome, Trouble> {
    session.change(|rights, change| {
        let account = rights.changing_account()?;
        let served = rights.managed(old)?;
        if served.path.owner.folded() != new.owner.folded() {
            let refused = || Trouble::Refused(format!("you may not hand {} over to {}", served.path, new.owner));
            let (from, from_facts) = change.owner_facts(&served.path.owner, account.id)?;
            let (to, to_facts) = or_refused(change.owner_facts(&new.owner, account.id), refused)?;
            let may_give = administers(account, &from_facts, change.now);
            let may_take = may_create(account, &to_facts, change.now);
            let between_people = from.kind == OwnerKind::User && to.kind == OwnerKind::User;
            if between_people || !may_give || !may_take {
                return Err(refused());
            }
        }
        // Last: what exists where the account may not create is not for it to know.
        if served.path.folded() != new.folded() {
            rights.check_free(new)?;
        }
        change.rename_repository(&served.path, new)?;
        let json = json!({ "before": served.path.to_string(), "path": new.to_string() });
        Ok(Outcome::new(format!("renamed {} to {new}\n", served.path), json))
    })
}
