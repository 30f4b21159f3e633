//! Repositories: their names, owners and settings.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::json;

use super::arguments::{self, Confirmation, CreateRepository, Describe, RenameRepository, SetVisibility};
use super::rights::or_denied;
use super::{By, Denied, Output, Refused, Requester, Rights};
use crate::access::{
    Access, Decision, GateMode, Identity, RepositoryFacts, Visibility, administers, decide, may_create, sees_all,
};
use crate::config::{Config, ObjectFormat};
use crate::db::{Change, ChangeError, NewRepository, OwnerKind, RepositoryRow, SeenBy, View};
use crate::git::stored::StoredRepository;
use crate::message::FaultKind;
use crate::name::{Owner, RepoPath, Title};
use crate::report::{
    Report, Repositories, repo_json, repository_created, repository_page, repository_removed, repository_summary,
    with_fields,
};
use crate::repository::create_repository;

/// Creates a repository. git creates its directory before the transaction, because that takes long. If the transaction
/// fails, the directory is deleted.
pub(crate) fn create(
    requester: &mut Requester<'_>,
    arguments: &CreateRepository,
    created_by: Option<&Owner>,
) -> Result<Report, Refused> {
    let CreateRepository { path, private, internal, gated, gate_members, proposals, description, object_format } =
        arguments;
    // A refused request creates no directory.
    requester.read(|by, view| check_may_create(by, view, path).map(drop))?;
    let object_format = object_format.unwrap_or(requester.config().git.object_format);
    let directory = create_repository(requester.config(), object_format)
        .map_err(|error| Refused::Fault(FaultKind::Broken, error.to_string()))?;
    let place = requester.config().paths.repositories.join(directory.relative());
    let created = requester.change(|by, change| {
        let creator = check_may_create(by, change, path)?;
        let row = change.add_repository(&NewRepository {
            path: path.clone(),
            directory,
            visibility: match (private, internal) {
                (true, _) => Visibility::Private,
                (false, true) => Visibility::Internal,
                (false, false) => Visibility::Public,
            },
            object_format,
            description: description.as_ref().map(ToString::to_string).unwrap_or_default(),
            created_by: creator.or(created_by).cloned(),
        })?;
        gated.map_or(Ok(()), |mode| change.set_gate(&row.path, mode, *gate_members))?;
        if *proposals {
            change.set_proposals(&row.path, Some(true))?;
        }
        Ok(change.repository(&row.path)?)
    });
    let row = created.inspect_err(|_| {
        let _ = std::fs::remove_dir_all(&place);
    })?;
    Ok(repository_created(requester.config(), &row))
}

/// Refuses a path that is in use, and an account that may not create a repository there. Returns the account.
fn check_may_create<'a>(by: By<'a>, view: &View<'_>, path: &RepoPath) -> Result<Option<&'a Owner>, Refused> {
    match by {
        By::Operator => check_free(view, path).map(|()| None),
        By::Account(rights) => {
            let account = rights.check_may_create(&path.owner)?;
            rights.check_free(path)?;
            Ok(Some(&account.name))
        }
    }
}

/// Refuses a path that has a repository, and a path whose owner does not exist.
///
/// # Errors
/// [`ChangeError::NotFound`] for the owner, [`Denied::Exists`].
pub(crate) fn check_free(view: &View<'_>, path: &RepoPath) -> Result<(), Refused> {
    view.owner(&path.owner)?;
    match view.repository(path) {
        Ok(row) => Err(Denied::Exists { path: row.path }.into()),
        Err(ChangeError::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Lists the repositories of an owner that the requester may fetch. Without an owner, lists those of the session's
/// account. The operator then gets all repositories.
pub(crate) fn list(
    requester: &Requester<'_>,
    owner: Option<&Owner>,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let after: Option<RepoPath> = output.after()?;
    requester.list(output, &Repositories, |by, view, each| match by {
        By::Operator => {
            match owner {
                Some(owner) => view.repositories_of(view.owner(owner)?.id, after.as_ref(), each)?,
                None => view.repositories(after.as_ref(), each)?,
            }
            Ok(())
        }
        By::Account(rights) => {
            let owner = match owner {
                Some(owner) => owner,
                None => &rights.account()?.name,
            };
            let seen_by = seen_by(rights, view, owner)?;
            let may_fetch = |facts: &RepositoryFacts| {
                matches!(decide(&rights.identity, Some(facts), Access::Fetch, rights.now), Decision::Allow(_))
            };
            Ok(view.visible_repositories(&seen_by, after.as_ref(), &mut |(row, facts)| {
                if may_fetch(&facts) { each(row) } else { ControlFlow::Continue(()) }
            })?)
        }
    })
}

/// The session for which the repositories of an owner are listed.
fn seen_by(rights: &Rights<'_>, view: &View<'_>, owner: &Owner) -> Result<SeenBy, Refused> {
    let deployed = match &rights.identity {
        Identity::DeployKey { repository, .. } => Some(*repository),
        Identity::Account(_) | Identity::Certificate { .. } | Identity::Anonymous => None,
    };
    let Ok(account) = rights.account() else {
        return Ok(SeenBy {
            owner: view.owner(owner)?.id,
            account: None,
            deployed,
            is_insider: false,
            sees_internal: false,
            now: rights.now,
        });
    };
    let (row, facts) = view.owner_facts(owner, account.id)?;
    let is_insider = rights.counts_at(&facts) && sees_all(account, &facts, rights.now);
    let sees_internal = rights.counts_at(&facts);
    Ok(SeenBy { owner: row.id, account: Some(account.id), deployed, is_insider, sees_internal, now: rights.now })
}

/// The type of [`crate::repository::head`].
pub(crate) type ReadHead = fn(config: &Config, place: &Path, format: ObjectFormat) -> Result<String, String>;

/// Shows a repository. The operator also sees its directory, HEAD and collaborators. A session sees its own access.
///
/// The operator's program passes the function that reads HEAD, so that `services` does not link libgit2.
pub(crate) fn show(requester: &Requester<'_>, path: &RepoPath, head: Option<ReadHead>) -> Result<Report, Refused> {
    let config = requester.config();
    requester.read(|by, view| match by {
        By::Operator => {
            let row = view.repository(path)?;
            let place = config.paths.repositories.join(row.directory.relative());
            let head = head.map(|head| head(config, &place, row.object_format).unwrap_or_else(|problem| problem));
            let head = head.unwrap_or_default();
            Ok(repository_page(&row, &place, &head, &view.collaborators(&row)?))
        }
        By::Account(rights) => {
            let served = rights.repository(path)?;
            Ok(repository_summary(&view.repository(&served.path)?, rights.access(&served)))
        }
    })
}

/// Changes the path of a repository. An account may rename a repository that it manages. It may also transfer a
/// repository from itself or from an organization that it administers. The new owner is the account itself or an
/// organization where it may create repositories, never another user.
pub(crate) fn rename(requester: &mut Requester<'_>, arguments: &RenameRepository) -> Result<Report, Refused> {
    let RenameRepository { old, new } = arguments;
    requester.change(|by, change| {
        let row = by.managed(change, old)?;
        if let By::Account(rights) = by {
            check_transfer(rights, change, &row.path, new)?;
        }
        let teams = change.rename_repository(&row.path, new)?;
        let json = repo_json(&change.repository(new)?);
        let mut text = format!("renamed {} to {new}\n", row.path);
        if !teams.is_empty() {
            let _ = writeln!(text, "these teams have no role there any more: {}", teams.join(", "));
        }
        let json = with_fields(json, [("before", row.path.to_string().into()), ("left_teams", teams.into())]);
        Ok(Report::new(text, json))
    })
}

fn check_transfer(rights: &Rights<'_>, change: &Change<'_>, old: &RepoPath, new: &RepoPath) -> Result<(), Refused> {
    if old.owner.folded() != new.owner.folded() {
        let account = rights.changing_account()?;
        let denied = || Denied::Transfer(old.clone(), new.owner.clone());
        let (from, from_facts) = change.owner_facts(&old.owner, account.id)?;
        let (to, to_facts) = or_denied(change.owner_facts(&new.owner, account.id), denied)?;
        let may_give = administers(account, &from_facts, change.now);
        let may_receive = may_create(account, &to_facts, change.now);
        let between_people = from.kind == OwnerKind::User && to.kind == OwnerKind::User;
        if between_people || !may_give || !may_receive {
            return Err(denied().into());
        }
    }
    // Checked last, because the account must not learn which paths exist where it may not create repositories.
    if old.folded() == new.folded() { Ok(()) } else { rights.check_free(new) }
}

/// Shows a repository to everyone, or hides it.
pub(crate) fn set_visibility(requester: &mut Requester<'_>, arguments: &SetVisibility) -> Result<Report, Refused> {
    let visibility = arguments.visibility;
    requester.change(|by, change| {
        let row = by.administered(change, &arguments.path)?;
        change.set_visibility(&row.path, visibility)?;
        Ok(Report::new(format!("{} is {visibility}\n", row.path), repo_json(&change.repository(&row.path)?)))
    })
}

/// Says what a repository is about.
pub(crate) fn describe(requester: &mut Requester<'_>, arguments: &Describe) -> Result<Report, Refused> {
    let text = arguments.text.join(" ");
    let description = if text.is_empty() { String::new() } else { text.parse::<Title>()?.to_string() };
    requester.change(|by, change| {
        let row = by.administered(change, &arguments.path)?;
        change.set_description(&row.path, &description)?;
        let shown = if description.is_empty() { "nothing".to_owned() } else { format!("\"{description}\"") };
        Ok(Report::new(format!("{} is about {shown}\n", row.path), repo_json(&change.repository(&row.path)?)))
    })
}

/// Shows or chooses the branch that a clone checks out. A repository without branches accepts any branch.
pub(crate) fn default_branch(
    requester: &mut Requester<'_>,
    arguments: &arguments::DefaultBranch,
) -> Result<Report, Refused> {
    let config = requester.config().clone();
    let failed = |reason| Refused::Fault(FaultKind::Broken, reason);
    let place = |row: &RepositoryRow| config.paths.repositories.join(row.directory.relative());
    let Some(branch) = &arguments.branch else {
        let row = requester.read(|by, view| match by {
            By::Operator => Ok(view.repository(&arguments.path)?),
            By::Account(rights) => Ok(view.repository(&rights.repository(&arguments.path)?.path)?),
        })?;
        let head = StoredRepository::open(&config, &place(&row), row.object_format)
            .and_then(|stored| stored.default_branch())
            .map_err(failed)?;
        return Ok(default_branch_report(&row.path, head.as_ref().map(|(name, exists)| (name.as_str(), *exists))));
    };
    // git runs outside the transaction: it may take minutes in a large repository, and all other changes would wait.
    let row = requester.read(|by, view| by.administered(view, &arguments.path))?;
    let place = place(&row);
    let stored = StoredRepository::open(&config, &place, row.object_format).map_err(failed)?;
    let name = branch.ref_name();
    let exists = stored.has_ref(&name).map_err(failed)?;
    if !exists && !stored.is_empty().map_err(failed)? {
        return Err(Denied::NoBranch(row.path, branch.clone()).into());
    }
    let before = stored.default_branch().map_err(failed)?.map(|(name, _)| name);
    requester.change(|by, change| match by.administered(change, &arguments.path)? {
        now if now.id == row.id => Ok(change.note_default_branch(&now.path, before.as_deref(), &branch.to_string())?),
        // Another repository has the path since.
        _ => Err(ChangeError::NotFound(format!("repository {}", arguments.path)).into()),
    })?;
    stored.choose_head(&name).map_err(failed)?;
    Ok(default_branch_report(&row.path, Some((&branch.to_string(), exists))))
}

fn default_branch_report(path: &RepoPath, head: Option<(&str, bool)>) -> Report {
    let text = match head {
        Some((name, true)) => format!("the default branch of {path} is {name}\n"),
        Some((name, false)) => format!("the default branch of {path} is {name}, which does not exist yet\n"),
        None => format!("{path} has no default branch\n"),
    };
    let (name, exists) = head.unzip();
    let json = json!({ "path": path.to_string(), "default_branch": name, "exists": exists.unwrap_or_default() });
    Report::new(text, json)
}

/// Puts a gate before a repository, or removes the gate.
pub(crate) fn set_gate(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    mode: GateMode,
    members: bool,
) -> Result<Report, Refused> {
    requester.change(|by, change| {
        let row = by.administered(change, path)?;
        change.set_gate(&row.path, mode, members)?;
        Ok(Report::new(format!("the gate of {}: {mode}\n", row.path), repo_json(&change.repository(&row.path)?)))
    })
}

/// Rejects pushes with a reason that clients see, or accepts pushes again. For the operator.
pub(crate) fn set_frozen(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    reason: Option<&Title>,
) -> Result<Report, Refused> {
    requester.change(|by, change| {
        let row = by.administered(change, path)?;
        change.set_frozen(&row.path, reason.map(Title::as_str))?;
        let verb = if reason.is_some() { "rejects" } else { "accepts" };
        Ok(Report::new(format!("{} {verb} pushes\n", row.path), repo_json(&change.repository(&row.path)?)))
    })
}

/// Removes a repository from the hub. Its directory stays, so that it can be restored.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    let root = requester.config().paths.repositories.clone();
    requester.change(|by, change| {
        let row = by.managed(change, path)?;
        confirmation.require(|| format!("Remove {} from the hub?", row.path))?;
        change.remove_repository(&row.path)?;
        let place = root.join(row.directory.relative());
        Ok(match by {
            By::Operator => repository_removed(&row, &place),
            By::Account(_) => Report::new(
                format!("removed {}; the operator can restore it for 30 days\n", row.path),
                json!({ "removed": row.path.to_string() }),
            ),
        })
    })
}
