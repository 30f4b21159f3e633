//! Reads from the audit table what was changed here since an import.

pub(super) mod teams;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use serde_json::Value;

use super::outcome::is_by_import;
use crate::content::ContentCheck;
use crate::db::{Change, Direction, Error, Event};
use crate::name::{Owner, RepoPath, fold};
use crate::report::when::minute;

/// Events that change the rules of a repository.
const OF_RULES: [&str; 6] = ["rule.add", "rule.remove", "rule.move", "rule.import", "repo.protect", "repo.unprotect"];

/// A change of one person's role, or of the rules.
#[derive(Debug, Clone)]
struct Last {
    id: i64,
    by_import: bool,
    /// Whether it removed something.
    removes: bool,
    /// What was done, when, and who did it.
    phrase: String,
}

impl Last {
    fn of(event: &Event) -> Self {
        Self {
            id: event.id,
            by_import: is_by_import(&event.actor),
            removes: event.event.contains("remove"),
            phrase: format!("{} on {} by {}", event.event, minute(Some(event.at)), event.actor),
        }
    }
}

/// The last changes of one repository.
#[derive(Debug, Default)]
pub(super) struct History {
    rules: Option<Last>,
    visibility: Option<Last>,
    description: Option<Last>,
    /// Of the check of paths.
    paths: Option<Last>,
    /// By the name that a user or a team had then.
    roles: BTreeMap<String, Last>,
    /// The first change by an import.
    imported: Option<i64>,
    /// The last move to another owner.
    moved: Option<Last>,
}

impl History {
    pub(super) fn of(change: &Change<'_>, path: &RepoPath) -> Result<Self, Error> {
        let mut paths = BTreeSet::new();
        let mut open = vec![path.clone()];
        while let Some(path) = open.pop() {
            for owner in former(change, path.owner.as_str(), &["user.rename", "org.rename"], "name")? {
                // A path of the owner's former name.
                let Ok(owner) = owner.parse::<Owner>() else { continue };
                let before = RepoPath { owner, ..path.clone() };
                let folded = before.folded();
                if paths.insert(folded.clone()) {
                    let mut moved = former(change, &folded, &["repo.move"], "path")?;
                    moved.remove(&folded);
                    open.extend(moved.iter().filter_map(|path| path.parse().ok()));
                }
            }
        }
        let mut history = Self::default();
        for path in &paths {
            change.events(0, Some(path), Direction::OldestFirst, &mut |event| {
                if fold(&event.object) == *path {
                    history.take(&event);
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(history)
    }

    fn take(&mut self, event: &Event) {
        let last = Last::of(event);
        if last.by_import {
            self.imported = Some(self.imported.map_or(last.id, |first| first.min(last.id)));
        }
        let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
        let later = |place: &mut Option<Last>| *place = Some(last.clone()).max_by_id(place.take());
        match event.event.as_str() {
            "repo.move" => {
                let owner = |field: &str| {
                    let path = detail.get(field).and_then(Value::as_str)?.parse::<RepoPath>().ok()?;
                    Some(path.owner.folded())
                };
                if owner("before") != owner("path") {
                    later(&mut self.moved);
                }
            }
            "check.set" if detail.get("check").and_then(Value::as_str) == Some(ContentCheck::Path.as_str()) => {
                later(&mut self.paths);
            }
            "repo.update_settings" => {
                for (field, place) in [("visibility", &mut self.visibility), ("description", &mut self.description)] {
                    if detail.get(field).is_some() {
                        later(place);
                    }
                }
            }
            "repo.set_collaborator" | "repo.remove_collaborator" => {
                let user = fold(detail.get("user").and_then(Value::as_str).unwrap_or_default());
                let before = self.roles.remove(&user);
                self.roles.extend(Some(last).max_by_id(before).map(|last| (user, last)));
            }
            event if OF_RULES.contains(&event) => later(&mut self.rules),
            _ => {}
        }
    }

    /// What a person changed about the role of a user, if no import has changed it since.
    pub(super) fn changed_role(&self, change: &Change<'_>, user: &Owner) -> Result<Option<String>, Error> {
        // Most repositories have no history, and an account may have a long one.
        if self.roles.is_empty() {
            return Ok(None);
        }
        let mut last = None;
        for name in former(change, user.as_str(), &["user.rename"], "name")? {
            last = self.roles.get(&name).cloned().max_by_id(last);
        }
        Ok(last.filter(|last| !last.by_import).map(|last| last.phrase))
    }

    /// Whether a role was given or changed here.
    pub(super) fn has_roles(&self) -> bool {
        !self.roles.is_empty()
    }

    /// Whether an import gave the present role to a user of this name.
    pub(super) fn is_role_by_import(&self, user: &Owner) -> bool {
        self.roles.get(&user.folded()).is_some_and(|last| last.by_import)
    }

    /// What a person changed about the role of a team, given by its names, if no import has changed it since.
    pub(super) fn changed_team_role(&self, names: &BTreeSet<String>) -> Option<String> {
        let last = names.iter().fold(None, |last, name| self.roles.get(name).cloned().max_by_id(last));
        last.filter(|last| !last.by_import).map(|last| last.phrase)
    }

    /// The move to another owner after an import. What was withdrawn from teams of the former owner is not known here.
    pub(super) fn moved(&self) -> Option<&str> {
        let imported = self.imported?;
        self.moved.as_ref().filter(|moved| moved.id > imported).map(|moved| moved.phrase.as_str())
    }

    /// How a person removed the role of a team.
    pub(super) fn removed_team(&self) -> Option<String> {
        let of_team = self.roles.iter().filter(|(who, _)| who.starts_with('@')).map(|(_, last)| last);
        of_team
            .filter(|last| last.removes && !last.by_import)
            .max_by_key(|last| last.id)
            .map(|last| last.phrase.clone())
    }

    /// What a person changed about the rules, if no import has changed them since.
    pub(super) fn changed_rules(&self) -> Option<&str> {
        by_person(self.rules.as_ref())
    }

    /// What a person changed about the visibility, if no import has changed it since.
    pub(super) fn changed_visibility(&self) -> Option<&str> {
        by_person(self.visibility.as_ref())
    }

    /// Whether only imports have described the repository. `is_described` says whether it has a description.
    pub(super) fn may_describe(&self, is_described: bool) -> bool {
        self.description.as_ref().map_or(!is_described, |last| last.by_import)
    }

    /// What a person changed about the check of paths, if no import has changed it since.
    pub(super) fn changed_paths(&self) -> Option<&str> {
        by_person(self.paths.as_ref())
    }

    pub(super) fn has_paths(&self) -> bool {
        self.paths.is_some()
    }

    pub(super) fn has_rules(&self) -> bool {
        self.rules.is_some()
    }
}

/// What a person did, if that was the last change.
fn by_person(last: Option<&Last>) -> Option<&str> {
    last.filter(|last| !last.by_import).map(|last| last.phrase.as_str())
}

trait Later {
    /// The later one of two changes.
    fn max_by_id(self, other: Self) -> Self;
}

impl Later for Option<Last> {
    fn max_by_id(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(other)) => Some(if other.id > one.id { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

/// A name and its former names, as they are compared.
fn former(change: &Change<'_>, name: &str, events: &[&str], field: &str) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    let mut open = vec![fold(name)];
    while let Some(name) = open.pop() {
        if !names.insert(name.clone()) {
            continue;
        }
        change.events(0, Some(&name), Direction::OldestFirst, &mut |event| {
            if events.contains(&event.event.as_str()) {
                let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
                let text = |field: &str| fold(detail.get(field).and_then(Value::as_str).unwrap_or_default());
                if text(field) == name {
                    open.push(text("before"));
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(names)
}
