//! `hubgate repo`: the commands on the hub's data, and what touches directories of repositories on this machine.

use std::time::Duration;

use serde_json::{Value, json};

use super::cli::RepoCommand;
use super::context::{Context, confirm};
use super::directories::Mismatches;
use super::dispatch::{collaborator, confirmed};
use super::failure::Failure;
use super::printer::Printer;
use super::{adopt, gc};
use crate::clock::now;
use crate::commands::{proposal, quota, reachable, repository, rule};
use crate::message::Status;
use crate::name::RepoPath;
use crate::report::{RemovedRepositories, Report};
use crate::repository::{Directory, head};

pub(super) fn run(command: RepoCommand, mut context: Context, printer: &mut Printer) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        RepoCommand::Create { repository, created_by } => {
            Ok(repository::create(&mut requester, &repository, created_by.as_ref())?)
        }
        RepoCommand::List { removed: true, list, .. } => {
            let output = &mut printer.output(&list);
            let after: Option<Directory> = output.after()?;
            let table = RemovedRepositories { kept: adopt::KEPT };
            Ok(requester.list(output, &table, |_, view, each| Ok(view.removed_repositories(after.as_ref(), each)?))?)
        }
        RepoCommand::List { reachable: Some(user), list, .. } => {
            Ok(reachable::list(&requester, Some(&user), &mut printer.output(&list))?)
        }
        RepoCommand::List { owner, list, .. } => {
            Ok(repository::list(&requester, owner.as_ref(), &mut printer.output(&list))?)
        }
        RepoCommand::Show { path } => Ok(repository::show(&requester, &path, Some(head))?),
        RepoCommand::Rename(arguments) => Ok(repository::rename(&mut requester, &arguments)?),
        RepoCommand::Visibility(arguments) => Ok(repository::set_visibility(&mut requester, &arguments)?),
        RepoCommand::Describe(arguments) => Ok(repository::describe(&mut requester, &arguments)?),
        RepoCommand::DefaultBranch(arguments) => Ok(repository::default_branch(&mut requester, &arguments)?),
        RepoCommand::Proposals(arguments) => Ok(proposal::accept(&mut requester, &arguments)?),
        RepoCommand::Protect(arguments) => Ok(rule::protect(&mut requester, &arguments)?),
        RepoCommand::Unprotect(arguments) => Ok(rule::unprotect(&mut requester, &arguments)?),
        RepoCommand::Gate { path, mode, gate_members } => {
            Ok(repository::set_gate(&mut requester, &path, mode, gate_members)?)
        }
        RepoCommand::Freeze { path, reason } => Ok(repository::set_frozen(&mut requester, &path, Some(&reason))?),
        RepoCommand::Unfreeze { path } => Ok(repository::set_frozen(&mut requester, &path, None)?),
        RepoCommand::Collaborator(command) => collaborator(&command, &mut context, printer),
        RepoCommand::Remove { path, confirmation } => {
            confirmed(confirmation, |yes| repository::remove(&mut requester, &path, yes))
        }
        RepoCommand::Quota { path, quota } => Ok(quota::of_repository(&mut requester, &path, quota)?),
        RepoCommand::Restore(command) => adopt::restore(command, context),
        RepoCommand::Import(command) => adopt::import(command, context),
        RepoCommand::Adopt(command) => adopt::adopt(command, context),
        RepoCommand::Path { path } => {
            let row = context.store.view().repository(&path)?;
            let place = context.config.paths.repositories.join(row.directory.relative());
            Ok(Report::new(format!("{}\n", place.display()), json!({ "directory": place })))
        }
        RepoCommand::Check => check(&context),
        RepoCommand::Gc { path: Some(path), prune_now: true, .. } => gc::prune::run(&mut context, &path),
        RepoCommand::Gc { path, all: _, prune_now: _, removed, confirmation, older_than } => {
            if removed {
                confirm(confirmation, "Delete for good what was removed more than 30 days ago?")?;
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
    let deleted = if removed { adopt::purge(&mut context, now())? } else { Vec::new() };
    let age = Duration::from_secs(older_than.unsigned_abs());
    let mut report = gc::run(&context, path, age)?;
    for (place, error) in deleted.iter().rev() {
        let shown = place.display();
        let line = match error {
            None => format!("deleted {shown}\n"),
            Some(error) => {
                report.status = Status::Refused;
                format!("{shown} is not deleted: {error}\n")
            }
        };
        report.text.insert_str(0, &line);
        if let Value::Array(rows) = &mut report.json {
            rows.insert(0, json!({ "deleted": place, "error": error }));
        }
    }
    Ok(report)
}

/// Compares the rows of repositories with their directories.
fn check(context: &Context) -> Result<Report, Failure> {
    let problems = Mismatches::find(&context.config, &context.store)?.lines();
    let mut report = if problems.is_empty() {
        Report::new("every repository has its directory\n".to_owned(), json!({ "problems": [] }))
    } else {
        Report::new(problems.iter().map(|line| format!("{line}\n")).collect(), json!({ "problems": problems }))
    };
    report.status = if problems.is_empty() { Status::Done } else { Status::Refused };
    Ok(report)
}
