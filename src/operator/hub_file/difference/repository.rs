//! The steps for one repository.

use std::collections::HashMap;

use super::{Difference, grant_text, of_repository};
use crate::access::{CollaboratorRole, GateMode, Scope};
use crate::commands::Refused;
use crate::commands::key::TitledKey;
use crate::db::{ChangeError, Collaborator, DescribedRepository, HolderId, KeyRange, ScopeSettings, all};
use crate::key::Fingerprint;
use crate::name::{Grantee, HubScope, Owner, RepoPath, Title};
use crate::operator::hub_file::file::{DeployKey, Entries, Granted, Key, RepositoryTable, Word};
use crate::operator::hub_file::step::{Action, Step, Wanted, in_table};

impl Difference<'_> {
    pub(super) fn repository(&mut self, path: &RepoPath, wanted: &RepositoryTable) -> Result<(), Refused> {
        let table = of_repository(path);
        let present = self.view.described_repository(path)?;
        let path = present.as_ref().map_or(path, |present| &present.row.path);
        match &present {
            Some(present) => self.present_repository(&table, present, wanted)?,
            None => self.new_repository(&table, path, wanted)?,
        }
        self.collaborators(&table, path, present.as_ref(), &wanted.collaborators)?;
        self.deploy_keys(&table, path, present.as_ref(), &wanted.deploy_keys)?;
        let none = ScopeSettings::default();
        let settings = present.as_ref().map_or(&none, |present| &present.settings);
        let scope = HubScope::Repository(path.clone());
        self.settings(&table, &scope, settings, wanted.rules.as_deref(), &wanted.checks);
        Ok(())
    }

    fn new_repository(&mut self, table: &str, path: &RepoPath, wanted: &RepositoryTable) -> Result<(), Refused> {
        let Some(Word(visibility)) = wanted.visibility else {
            let problem = "a new repository needs a visibility: public, internal or private".to_owned();
            return Err(in_table(table, Refused::Usage(problem)));
        };
        let gate = wanted.gate.as_ref().map_or(GateMode::None, |gate| gate.0);
        let gated = if gate == GateMode::None { String::new() } else { format!(", gate {gate}") };
        // It is empty, and a repository that was removed from this path can be restored only while the path is free.
        let removed =
            if self.view.removed_from(path)?.is_empty() { "" } else { ", empty: repo restore has a removed one" };
        self.steps.repositories.push(Step {
            table: table.to_owned(),
            object: path.to_string(),
            kind: "repository",
            name: None,
            before: None,
            after: Some(format!("{visibility}{gated}{removed}")),
            action: Action::AddRepository(Box::new(Wanted {
                path: path.clone(),
                visibility,
                gate,
                gate_members: wanted.gate_members.unwrap_or_default(),
                description: wanted.description.as_ref().map(|text| text.0.clone()).unwrap_or_default(),
                object_format: wanted.object_format.as_ref().map_or(self.reading.object_format, |format| format.0),
                created_by: wanted.created_by.as_ref().map(|user| user.0.clone()),
            })),
        });
        if let Some(accepts) = wanted.proposals {
            self.steps.settings.push(Step {
                table: table.to_owned(),
                object: path.to_string(),
                kind: "proposals",
                name: None,
                before: None,
                after: Some(accepts.to_string()),
                action: Action::SetProposals(path.clone(), Some(accepts)),
            });
        }
        Ok(())
    }

    fn present_repository(
        &mut self,
        table: &str,
        present: &DescribedRepository,
        wanted: &RepositoryTable,
    ) -> Result<(), Refused> {
        let row = &present.row;
        let fixed = |what: &str, is: &str| {
            Err(in_table(table, ChangeError::Conflict(format!("{} {what} {is}, which cannot change", row.path)).into()))
        };
        if wanted.object_format.as_ref().is_some_and(|format| format.0 != row.object_format) {
            return fixed("has the object format", row.object_format.as_str());
        }
        if let Some(Word(user)) = &wanted.created_by {
            let creator = present.created_by.as_ref();
            if creator.map(Owner::folded) != Some(user.folded()) {
                return fixed("was created by", creator.map_or("the operator", Owner::as_str));
            }
        }
        let prune = self.reading.prune;
        let mut set = |kind, before: String, after: String, action| {
            self.steps.settings.push(Step {
                table: table.to_owned(),
                object: row.path.to_string(),
                kind,
                name: None,
                before: Some(before),
                after: Some(after),
                action,
            });
        };
        if let Some(Word(visibility)) = wanted.visibility.as_ref().filter(|wanted| wanted.0 != row.visibility) {
            let action = Action::SetVisibility(row.path.clone(), *visibility);
            set("visibility", row.visibility.to_string(), visibility.to_string(), action);
        }
        let gate = wanted.gate.as_ref().map_or(if prune { GateMode::None } else { row.gate }, |gate| gate.0);
        let members = wanted.gate_members.unwrap_or(row.gate_members && !prune);
        if (gate, members) != (row.gate, row.gate_members) {
            let text = |gate: GateMode, members| format!("{gate}{}", if members { ", members too" } else { "" });
            let action = Action::SetGate(row.path.clone(), gate, members);
            set("gate", text(row.gate, row.gate_members), text(gate, members), action);
        }
        let accepts = wanted.proposals.or(if prune { None } else { row.proposals });
        if accepts != row.proposals {
            let text = |accepts: Option<bool>| accepts.map_or_else(|| "default".to_owned(), |on| on.to_string());
            let action = Action::SetProposals(row.path.clone(), accepts);
            set("proposals", text(row.proposals), text(accepts), action);
        }
        let text = wanted.description.as_ref().map(|text| text.0.as_str());
        let text = text.unwrap_or(if prune { "" } else { &row.description });
        if text != row.description {
            let action = Action::SetDescription(row.path.clone(), text.to_owned());
            set("description", row.description.clone(), text.to_owned(), action);
        }
        Ok(())
    }

    fn collaborators(
        &mut self,
        table: &str,
        path: &RepoPath,
        present: Option<&DescribedRepository>,
        wanted: &Entries<Grantee, Granted<CollaboratorRole>>,
    ) -> Result<(), Refused> {
        let present = match present.filter(|present| present.has_collaborators) {
            Some(present) => self.view.collaborators(&present.row)?,
            None => Vec::new(),
        };
        let removed = wanted.0.iter().find(|(grantee, _)| self.removed_teams.contains(&grantee.folded()));
        if let Some(team) = removed.and_then(|(grantee, _)| grantee.team()) {
            return Err(in_table(table, ChangeError::NotFound(format!("team {team}")).into()));
        }
        let grant = |Collaborator { user, role, until }: Collaborator| (user, Granted { role, until });
        let present: Vec<_> = present.into_iter().map(grant).collect();
        for change in self.grants(&present, &wanted.0) {
            let (user, after) = (change.name.clone(), change.after_text());
            let (steps, action) = match change.after {
                Some(Granted { role, until }) => {
                    (&mut self.steps.grants, Action::SetCollaborator(path.clone(), user, role, until))
                }
                None => (&mut self.steps.removals, Action::RemoveCollaborator(path.clone(), user)),
            };
            steps.push(Step {
                table: table.to_owned(),
                object: path.to_string(),
                kind: "collaborator",
                name: Some(change.name.to_string()),
                before: change.before,
                after,
                action,
            });
        }
        Ok(())
    }

    fn deploy_keys(
        &mut self,
        table: &str,
        path: &RepoPath,
        present: Option<&DescribedRepository>,
        wanted: &[DeployKey],
    ) -> Result<(), Refused> {
        let mut present: HashMap<Fingerprint, _> = match present.filter(|present| present.has_deploy_keys) {
            Some(present) => {
                let holder = HolderId::Repository(present.row.id);
                let keys = all(|each| self.view.keys_of(holder, &KeyRange::default(), each))?;
                keys.into_iter().filter(|key| key.removal.is_none()).map(|key| (key.fingerprint, key)).collect()
            }
            None => HashMap::new(),
        };
        let text = |title: &Title, scope: Scope, until| {
            grant_text(format_args!("\"{title}\", {}", if scope == Scope::Write { "write" } else { "fetch" }), until)
        };
        let step = |fingerprint: &Fingerprint, before, after, action| Step {
            table: table.to_owned(),
            object: path.to_string(),
            kind: "deploy key",
            name: Some(fingerprint.to_string()),
            before,
            after,
            action,
        };
        for DeployKey { key, title, write, expires } in wanted {
            let title = title.as_ref().map_or_else(|| key.0.title.clone(), |title| title.0.clone());
            let key = TitledKey { key: key.0.key.clone(), title };
            let (fingerprint, expires_at) = (key.key.fingerprint(), expires.map(|end| end.0));
            let scope = if *write { Scope::Write } else { Scope::Read };
            let after = text(&key.title, scope, expires_at);
            let Some(row) = present.remove(&fingerprint) else {
                if !self.now.is_over(expires_at) {
                    let action = Action::AddDeployKey(path.clone(), key, scope, expires_at);
                    self.steps.grants.push(step(&fingerprint, None, Some(after), action));
                }
                continue;
            };
            let before = text(&row.title, row.scope, row.expires_at);
            if self.now.is_over(row.expires_at) && self.now.is_over(expires_at) {
                continue;
            }
            if (row.scope, row.expires_at) != (scope, expires_at) {
                // No command changes what a key may do, so the steps remove the key and add it again.
                let action = Action::RemoveDeployKey(fingerprint, row.scope);
                self.steps.removals.push(step(&fingerprint, Some(before), None, action));
                if !self.now.is_over(expires_at) {
                    let action = Action::AddDeployKey(path.clone(), key, scope, expires_at);
                    self.steps.grants.push(step(&fingerprint, None, Some(after), action));
                }
            } else if row.title != key.title {
                let action = Action::RenameDeployKey(key);
                self.steps.grants.push(step(&fingerprint, Some(before), Some(after), action));
            }
        }
        if self.reading.prune {
            let mut others: Vec<_> = present.into_values().filter(|row| !self.now.is_over(row.expires_at)).collect();
            others.sort_by_key(|row| row.added_at);
            for row in others {
                let before = text(&row.title, row.scope, row.expires_at);
                let action = Action::RemoveDeployKey(row.fingerprint, row.scope);
                self.steps.removals.push(step(&row.fingerprint, Some(before), None, action));
            }
        }
        Ok(())
    }
}
