//! `hubgate repo`

use serde_json::{Value, json};

use super::cli::{CollaboratorCommand, RepoCommand};
use super::context::{Context, actor, confirm};
use super::directories::Misfits;
use super::failure::Failure;
use super::gc;
use super::quota;
use super::take_in;
use crate::access::Visibility;
use crate::clock::now;
use crate::config::Config;
use crate::db::{Change, Collaborator, NewRepository, RepositoryRow};
use crate::message::Status;
use crate::name::RepoPath;
use crate::report::when::minute;
use crate::report::{Report, json_time, repo_json, state, table};
use crate::repository::{create_repository, head};

pub(super) fn run(command: RepoCommand, mut context: Context) -> Result<Report, Failure> {
    let actor = actor();
    let root = context.config.paths.repositories.clone();
    match command {
        RepoCommand::Create { path, private, gated, gate_members, description, object_format, created_by } => {
            take_in::check_free(&context, &path)?;
            let object_format = object_format.unwrap_or(context.config.git.object_format);
            let directory = create_repository(&context.config, object_format)
                .map_err(|error| Failure::Refused(error.to_string()))?;
            let new = NewRepository {
                path,
                directory,
                visibility: if private { Visibility::Private } else { Visibility::Public },
                object_format,
                description: description.map(|text| text.to_string()).unwrap_or_default(),
                created_by,
            };
            let create = |change: &Change<'_>| {
                let row = change.add_repository(&new)?;
                gated.map_or(Ok(()), |mode| change.set_gate(&row.path, mode, gate_members))?;
                change.repository(&row.path)
            };
            let row = context.store.change(&actor, create).inspect_err(|_| {
                let _ = std::fs::remove_dir_all(root.join(new.directory.relative()));
            })?;
            let ssh = &context.config;
            let url = format!("{}@{}:{}", ssh.ssh.login, ssh.hub.host, row.path);
            let text = format!("created the {} {} ({}): git clone {url}\n", row.path.kind, row.path, row.visibility);
            Ok(Report::new(text, repo_json(&row)))
        }
        RepoCommand::List { removed: true, .. } => {
            Ok(take_in::removed_report(&context.store.view().removed_repositories()?))
        }
        RepoCommand::List { owner, removed: false } => {
            let owner = owner.map(|owner| context.store.view().owner(&owner)).transpose()?;
            let repositories = context.store.view().repositories(owner.as_ref())?;
            let rows = repositories.iter().map(|row| [row.path.to_string(), state(row), row.description.clone()]);
            let json = repositories.iter().map(repo_json).collect();
            Ok(Report::table(["REPOSITORY", "STATE", "DESCRIPTION"], rows.collect(), json))
        }
        RepoCommand::Show { path } => {
            let row = context.store.view().repository(&path)?;
            let collaborators = context.store.view().collaborators(&row)?;
            Ok(show(&context.config, &row, &collaborators))
        }
        RepoCommand::Rename { old, new } => {
            context.store.change(&actor, |change| change.rename_repository(&old, &new))?;
            let json = json!({ "before": old.to_string(), "path": new.to_string() });
            Ok(Report::new(format!("renamed {old} to {new}\n"), json))
        }
        RepoCommand::Visibility { path, visibility } => {
            context.store.change(&actor, |change| change.set_visibility(&path, visibility))?;
            Ok(Report::new(format!("{path} is {visibility}\n"), repo_json(&context.store.view().repository(&path)?)))
        }
        RepoCommand::Gate { path, mode, gate_members } => {
            context.store.change(&actor, |change| change.set_gate(&path, mode, gate_members))?;
            Ok(Report::new(
                format!("the gate of {path}: {mode}\n"),
                repo_json(&context.store.view().repository(&path)?),
            ))
        }
        RepoCommand::Freeze { path, reason } => {
            context.store.change(&actor, |change| change.set_frozen(&path, Some(reason.as_str())))?;
            Ok(Report::new(format!("{path} takes no pushes\n"), repo_json(&context.store.view().repository(&path)?)))
        }
        RepoCommand::Unfreeze { path } => {
            context.store.change(&actor, |change| change.set_frozen(&path, None))?;
            Ok(Report::new(format!("{path} takes pushes\n"), repo_json(&context.store.view().repository(&path)?)))
        }
        RepoCommand::Collaborator(command) => collaborator(command, context),
        RepoCommand::Remove { path, sure } => {
            let row = context.store.view().repository(&path)?;
            confirm(&sure, &format!("Take {} out of the hub?", row.path))?;
            context.store.change(&actor, |change| change.remove_repository(&path))?;
            let place = root.join(row.directory.relative());
            let text = format!(
                "removed {0}; its directory stays: {1}\nto bring it back: hubgate repo restore {0}\n",
                row.path,
                place.display()
            );
            Ok(Report::new(text, json!({ "removed": row.path.to_string(), "directory": place })))
        }
        RepoCommand::Restore(command) => take_in::restore(command, context),
        RepoCommand::Import(command) => take_in::import(command, context),
        RepoCommand::Adopt(command) => take_in::adopt(command, context),
        RepoCommand::Path { path } => {
            let place = root.join(context.store.view().repository(&path)?.directory.relative());
            Ok(Report::new(format!("{}\n", place.display()), json!({ "directory": place })))
        }
        RepoCommand::Check => check(&context),
        RepoCommand::Quota { path, quota } => quota::repository_quota(&path, quota, context),
        RepoCommand::Gc { path, all: _, removed, sure, older_than } => {
            if removed {
                confirm(&sure, "Delete for good what was removed more than 30 days ago?")?;
            }
            collect_garbage(context, path.as_ref(), removed, older_than)
        }
    }
}

fn collect_garbage(
    mut context: Context,
    path: Option<&RepoPath>,
    removed: bool,
    older_than: i64,
) -> Result<Report, Failure> {
    let deleted = if removed { take_in::purge(&mut context, now())? } else { Vec::new() };
    let repositories = match path {
        Some(path) => vec![context.store.view().repository(path)?],
        None => context.store.view().repositories(None)?,
    };
    gc::run(&context.config, &repositories, older_than, &deleted)
}

fn collaborator(command: CollaboratorCommand, mut context: Context) -> Result<Report, Failure> {
    match command {
        CollaboratorCommand::Set { path, user, role, until } => {
            let until = until.map(|until| until.0);
            context.store.change(&actor(), |change| change.set_collaborator(&path, &user, role, until))?;
            let json = json!({
                "path": path.to_string(), "user": user.as_str(), "role": role.as_str(), "until": json_time(until),
            });
            Ok(Report::new(format!("{user} has the role {role} on {path}\n"), json))
        }
        CollaboratorCommand::Remove { path, user } => {
            context.store.change(&actor(), |change| change.remove_collaborator(&path, &user))?;
            let json = json!({ "path": path.to_string(), "removed": user.as_str() });
            Ok(Report::new(format!("{user} is no longer a collaborator on {path}\n"), json))
        }
    }
}

fn show(config: &Config, row: &RepositoryRow, collaborators: &[Collaborator]) -> Report {
    let place = config.paths.repositories.join(row.directory.relative());
    let head = head(&config.paths.git, &place, row.object_format).unwrap_or_else(|problem| problem);
    let mut text = format!(
        "{}\n  state          {}\n  description    {}\n  created        {}\n  object format  {}\n  head           {head}\n  directory      {}\n",
        row.path,
        state(row),
        row.description,
        minute(Some(row.created_at)),
        row.object_format,
        place.display()
    );
    if !collaborators.is_empty() {
        let line = |grant: &Collaborator| [grant.user.to_string(), grant.role.to_string(), minute(grant.until)];
        text.push_str(&table(["COLLABORATOR", "ROLE", "UNTIL"], collaborators.iter().map(line).collect()));
    }
    let mut json = repo_json(row);
    if let Value::Object(fields) = &mut json {
        let object = |grant: &Collaborator| json!({ "user": grant.user.as_str(), "role": grant.role.as_str(), "until": json_time(grant.until) });
        fields.insert("directory".to_owned(), json!(place));
        fields.insert("head".to_owned(), head.into());
        fields.insert("collaborators".to_owned(), collaborators.iter().map(object).collect());
    }
    Report::new(text, json)
}

/// Holds rows and directories against each other.
fn check(context: &Context) -> Result<Report, Failure> {
    let problems = Misfits::find(&context.config, &context.store)?.lines();
    let mut report = if problems.is_empty() {
        Report::new("every repository has its directory\n".to_owned(), json!({ "problems": [] }))
    } else {
        Report::new(problems.iter().map(|line| format!("{line}\n")).collect(), json!({ "problems": problems }))
    };
    report.status = if problems.is_empty() { Status::Done } else { Status::Refused };
    Ok(report)
}
