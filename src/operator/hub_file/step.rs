//! One step from the hub to the file: what it changes, in words, and the change itself.

use std::cell::RefCell;

use serde_json::{Value, json};

use crate::access::rule::Rule;
use crate::access::{CollaboratorRole, GateMode, Removal, Role, Scope, Visibility};
use crate::commands::Refused;
use crate::commands::key::TitledKey;
use crate::commands::repository::check_free;
use crate::config::ObjectFormat;
use crate::content::{ContentCheck, TypedValue};
use crate::db::{Change, ChangeError, NewKey, NewRepository, OwnerKind};
use crate::key::Fingerprint;
use crate::message::FaultKind;
use crate::name::{Grantee, HubScope, Owner, RepoPath, TeamPath};
use crate::random::bytes;
use crate::repository::Directory;

/// One step. The object, the kind of the setting, and its name say what changes; `before` and `after` say how.
#[derive(Debug)]
pub(super) struct Step {
    /// The table that describes the object in the file, whether the file has this table or not.
    pub(super) table: String,
    /// The owner, repository or team, or the hub.
    pub(super) object: String,
    /// What changes there.
    pub(super) kind: &'static str,
    /// The name of the member, rule, key or check, if the object can have several.
    pub(super) name: Option<String>,
    /// The present value.
    pub(super) before: Option<String>,
    /// The new value.
    pub(super) after: Option<String>,
    /// The change.
    pub(super) action: Action,
}

/// A change of the hub, by the functions of the single commands.
#[derive(Debug)]
pub(super) enum Action {
    AddUser(Owner),
    SetMayCreate(Owner, bool),
    AddOrganization(Owner),
    SetMember(Owner, Owner, Role, Option<i64>),
    RemoveMember(Owner, Owner),
    AddTeam(TeamPath),
    AddTeamMember(TeamPath, Owner, Option<i64>),
    RemoveTeamMember(TeamPath, Owner),
    RemoveTeam(TeamPath),
    /// The organization must have an admin whose role does not end.
    CheckAdmin(Owner),
    RemoveOrganization(Owner),
    AddRepository(Box<Wanted>),
    RemoveRepository(RepoPath),
    SetVisibility(RepoPath, Visibility),
    SetGate(RepoPath, GateMode, bool),
    SetProposals(RepoPath, Option<bool>),
    SetDescription(RepoPath, String),
    SetCollaborator(RepoPath, Grantee, CollaboratorRole, Option<i64>),
    RemoveCollaborator(RepoPath, Grantee),
    AddDeployKey(RepoPath, TitledKey, Scope, Option<i64>),
    RenameDeployKey(TitledKey),
    RemoveDeployKey(Fingerprint, Scope),
    AddRule(HubScope, Rule<Grantee>, Option<usize>),
    RemoveRule(HubScope, usize),
    SetCheck(HubScope, ContentCheck, Option<TypedValue>),
}

/// A repository that the file has and the hub does not.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) path: RepoPath,
    pub(super) visibility: Visibility,
    pub(super) gate: GateMode,
    pub(super) gate_members: bool,
    pub(super) description: String,
    pub(super) object_format: ObjectFormat,
    pub(super) created_by: Option<Owner>,
}

/// The directories of new repositories. git makes them before the transaction, because that takes long.
#[derive(Debug)]
pub(super) enum Directories {
    /// A rehearsal needs none.
    Rehearsal,
    /// One for each repository that the rehearsal has added.
    Made(RefCell<Vec<(ObjectFormat, Directory)>>),
}

impl Directories {
    fn take(&self, format: ObjectFormat) -> Result<Directory, Refused> {
        let made = match self {
            Self::Rehearsal => {
                let id = bytes().map_err(|error| Refused::Fault(FaultKind::Broken, error.to_string()))?;
                return Ok(Directory::of_id(u128::from_le_bytes(id)));
            }
            Self::Made(made) => made,
        };
        let mut made = made.borrow_mut();
        match made.iter().position(|(of, _)| *of == format) {
            Some(index) => Ok(made.swap_remove(index).1),
            None => Err(changed_since()),
        }
    }
}

/// The refusal if another command has changed the hub between the rehearsal and the transaction.
pub(super) fn changed_since() -> Refused {
    let why = "another command has changed the hub: run this command again".to_owned();
    ChangeError::Conflict(why).into()
}

impl Step {
    /// Makes the change. A refusal names the table.
    pub(super) fn run(&self, change: &Change<'_>, directories: &Directories) -> Result<(), Refused> {
        self.action.run(change, directories).map_err(|refused| in_table(&self.table, refused))
    }

    /// Whether a repository, an organization or a team is removed.
    pub(super) fn removes(&self) -> bool {
        matches!(self.action, Action::RemoveRepository(_) | Action::RemoveOrganization(_) | Action::RemoveTeam(_))
    }

    /// Whether the step changes anything. [`Action::CheckAdmin`] only checks.
    pub(super) fn changes(&self) -> bool {
        !matches!(self.action, Action::CheckAdmin(_))
    }

    /// One line: `+` for what is new, `-` for what is removed, `~` for what changes.
    pub(super) fn line(&self) -> String {
        let what = match &self.name {
            _ if self.kind == self.object_kind() => format!("{} {}", self.kind, self.object),
            Some(name) => format!("{}: {} {name}", self.object, self.kind),
            None => format!("{}: {}", self.object, self.kind),
        };
        match (self.before.as_deref(), self.after.as_deref()) {
            (None, Some("")) => format!("+ {what}"),
            (None, Some(after)) => format!("+ {what}: {after}"),
            (Some(""), None) => format!("- {what}"),
            (Some(before), None) => format!("- {what}: {before}"),
            (Some(before), Some(after)) => format!("~ {what}: {} -> {}", or_nothing(before), or_nothing(after)),
            (None, None) => format!("  {what}"),
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "object": self.object, "kind": self.kind, "name": self.name, "before": self.before, "after": self.after,
        })
    }

    /// The kind of a step that concerns the whole object.
    fn object_kind(&self) -> &'static str {
        match self.action {
            Action::AddUser(_) => "user",
            Action::AddOrganization(_) | Action::RemoveOrganization(_) => "organization",
            Action::AddTeam(_) | Action::RemoveTeam(_) => "team",
            Action::AddRepository(_) | Action::RemoveRepository(_) => "repository",
            _ => "",
        }
    }
}

fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}

/// A refusal with the table of the file that it concerns. A fault of the hub stays as it is.
pub(super) fn in_table(table: &str, refused: Refused) -> Refused {
    match refused {
        Refused::Change(error) => ChangeError::Conflict(format!("{table}: {error}")).into(),
        Refused::Usage(error) => Refused::Usage(format!("{table}: {error}")),
        Refused::Denied(denied) => ChangeError::Conflict(format!("{table}: {denied}")).into(),
        other => other,
    }
}

impl Action {
    fn run(&self, change: &Change<'_>, directories: &Directories) -> Result<(), Refused> {
        match self {
            Self::AddUser(user) => {
                change.add_owner(OwnerKind::User, &new_account(user)?, true)?;
            }
            Self::SetMayCreate(user, may) => change.set_may_create(user, *may)?,
            Self::AddOrganization(name) => {
                change.add_owner(OwnerKind::Organization, &new_account(name)?, true)?;
            }
            Self::SetMember(organization, user, role, until) => change.set_member(organization, user, *role, *until)?,
            Self::RemoveMember(organization, user) => change.remove_member(organization, user)?,
            Self::AddTeam(team) => {
                change.add_team(team)?;
            }
            Self::AddTeamMember(team, user, until) => change.add_team_member(team, user, *until)?,
            Self::RemoveTeamMember(team, user) => change.remove_team_member(team, user)?,
            Self::RemoveTeam(team) => {
                change.remove_team(team)?;
            }
            Self::CheckAdmin(organization) => {
                let members = change.organization_details(organization)?.members;
                if !members.iter().any(|member| member.role == Role::Admin && member.until.is_none()) {
                    return Err(ChangeError::LastAdmin(organization.clone()).into());
                }
            }
            Self::RemoveOrganization(name) => change.remove_owner(OwnerKind::Organization, name, None)?,
            Self::AddRepository(wanted) => add_repository(change, wanted, directories)?,
            Self::RemoveRepository(path) => change.remove_repository(path)?,
            Self::SetVisibility(path, visibility) => change.set_visibility(path, *visibility)?,
            Self::SetGate(path, mode, members) => change.set_gate(path, *mode, *members)?,
            Self::SetProposals(path, accepts) => change.set_proposals(path, *accepts)?,
            Self::SetDescription(path, description) => change.set_description(path, description)?,
            Self::SetCollaborator(path, user, role, until) => change.set_collaborator(path, user, *role, *until)?,
            Self::RemoveCollaborator(path, user) => change.remove_collaborator(path, user)?,
            Self::AddDeployKey(path, TitledKey { key, title }, scope, expires_at) => {
                let (scope, expires_at) = (*scope, *expires_at);
                change.add_deploy_key(path, &NewKey { key, title, scope, expires_at, sources: None })?;
            }
            Self::RenameDeployKey(TitledKey { key, title }) => change.rename_key(&key.fingerprint(), title)?,
            Self::RemoveDeployKey(fingerprint, _) => {
                change.remove_key(fingerprint, Removal::Ordinary)?;
            }
            Self::AddRule(scope, rule, at) => {
                change.add_rule(scope, rule, *at)?;
            }
            Self::RemoveRule(scope, number) => {
                change.remove_rule(scope, *number)?;
            }
            Self::SetCheck(scope, check, value) => {
                let value = value.as_ref().map(|value| change.check_value(scope, value)).transpose()?;
                change.set_check(scope, *check, value)?;
            }
        }
        Ok(())
    }
}

/// A name that a new account may have.
fn new_account(name: &Owner) -> Result<Owner, ChangeError> {
    Owner::new_account(name.as_str()).map_err(|error| ChangeError::Name(name.to_string(), error))
}

fn add_repository(change: &Change<'_>, wanted: &Wanted, directories: &Directories) -> Result<(), Refused> {
    let Wanted { path, visibility, gate, gate_members, description, object_format, created_by } = wanted;
    check_free(change, path)?;
    let row = change.add_repository(&NewRepository {
        path: path.clone(),
        directory: directories.take(*object_format)?,
        visibility: *visibility,
        object_format: *object_format,
        description: description.clone(),
        created_by: created_by.clone(),
    })?;
    if *gate != GateMode::None || *gate_members {
        change.set_gate(&row.path, *gate, *gate_members)?;
    }
    Ok(())
}
