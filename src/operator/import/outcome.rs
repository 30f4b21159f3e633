//! The result of an import: what it imported and what it left out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::authorized_keys::{Line, Names};
use super::kind::Kind;
use super::map::Map;
use crate::access::{CollaboratorRole, Removal, Role, Scope, Sources};
use crate::commands::key::default_title;
use crate::config::Config;
use crate::db::{Change, ChangeError, Direction, Holder, KeyRow, NewKey, OwnerKind};
use crate::key::{PublicKey, refuse_weak};
use crate::name::{Grantee, Owner, RepoPath, Shown, TeamPath, Title};
use crate::operator::context::{Context, actor};
use crate::operator::failure::Failure;
use crate::report::when::minute;
use crate::report::{Report, key_json};
use crate::word::counted;

/// The end of the actor's name in the audit rows of an import.
const BY_IMPORT: &str = ":import";
/// The most examples on the line of a kind.
const EXAMPLES: usize = 4;

/// An entry that was not imported as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) kind: Kind,
    /// A file and its line, or empty.
    pub(super) place: String,
    pub(super) what: String,
}

/// What the operator asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) dry_run: bool,
    pub(super) verbose: bool,
}

/// Who gets the keys of a file.
pub(super) struct KeyTerms<'a> {
    /// The account of every key.
    pub(super) user: Option<&'a Owner>,
    pub(super) map: &'a Map,
    /// Whether accounts get keys that no import created.
    pub(super) merge: bool,
    /// Whether new accounts may create repositories.
    pub(super) may_create: bool,
}

/// A team that is new or has new members.
#[derive(Debug, Default)]
pub(super) struct TeamChange {
    pub(super) is_new: bool,
    pub(super) users: Vec<Owner>,
}

/// What an import did and what it left out.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) accounts: Vec<Owner>,
    pub(super) keys: Vec<KeyRow>,
    pub(super) grants: Vec<(RepoPath, Grantee, CollaboratorRole)>,
    /// Users who became members of organizations, without access.
    pub(super) members: Vec<(Owner, Owner)>,
    /// By their names.
    teams: BTreeMap<String, TeamChange>,
    /// Rules that were written, by repository.
    pub(super) rules: Vec<(RepoPath, Vec<String>)>,
    /// Checks of paths that were set, by repository.
    pub(super) checks: Vec<(RepoPath, String)>,
    /// The number of repositories that got a description, and of those that keep another one.
    pub(super) descriptions: (usize, usize),
    /// The number of existing entries.
    pub(super) already: usize,
    pub(super) left: Vec<Left>,
    /// Notes about imported entries.
    pub(super) notes: Vec<String>,
    /// Accounts, and whether imports may add keys to them.
    known: BTreeMap<String, bool>,
}

/// A key to be added to an account.
pub(super) struct Candidate {
    /// Its file and line.
    pub(super) at: String,
    pub(super) key: PublicKey,
    pub(super) title: Title,
    pub(super) sources: Option<Sources>,
    pub(super) expires_at: Option<i64>,
}

/// Makes the change, or rolls it back for a dry run, and reports it.
pub(super) fn finish(
    context: &mut Context,
    terms: Terms,
    steps: impl FnOnce(&Change<'_>) -> Result<Outcome, ChangeError>,
) -> Result<Report, Failure> {
    let actor = actor() + BY_IMPORT;
    let outcome = if terms.dry_run { context.store.rehearse(&actor, steps) } else { context.change_as(&actor, steps) }?;
    Ok(outcome.report(&context.config, terms))
}

/// Whether an import made a change.
pub(super) fn is_by_import(actor: &str) -> bool {
    actor.ends_with(BY_IMPORT)
}

impl Outcome {
    /// Imports one line of an `authorized_keys` file.
    pub(super) fn take_line(
        &mut self,
        change: &Change<'_>,
        at: String,
        line: &Line,
        terms: &KeyTerms<'_>,
    ) -> Result<(), ChangeError> {
        let account = match (terms.user, terms.map.account(line), &line.names) {
            (Some(user), ..) => Ok(user.clone()),
            (None, Some(name), _) => self.account(change, name.as_str(), terms.may_create)?,
            (None, None, Names::User(name)) => self.account(change, name, terms.may_create)?,
            (None, None, Names::Row(_) | Names::Nobody) => Err((Kind::Unmapped, without_account(line))),
        };
        let account = account.map_err(|(kind, why)| match kind {
            Kind::BadName => (Kind::BadWord, why),
            Kind::SameName => (Kind::SameWord, why),
            kind => (kind, why),
        });
        let expires_at = line.expiry.as_deref().map(expiry).transpose().map_err(|why| (Kind::Expired, why));
        let candidate = |expires_at| {
            let title = line.comment.clone().map_or_else(|| default_title(&line.key), Ok);
            title.map_err(|error| (Kind::BadLine, error.to_string())).map(|title| Candidate {
                at: at.clone(),
                key: line.key.clone(),
                title,
                sources: line.sources.clone(),
                expires_at,
            })
        };
        match (account, expires_at.and_then(candidate)) {
            // The operator has named the account.
            (Ok(account), Ok(candidate)) => {
                self.add_key(change, &account, candidate, terms.merge || terms.user.is_some())
            }
            (Err((kind, why)), _) | (_, Err((kind, why))) => {
                self.leave(kind, at, why);
                Ok(())
            }
        }
    }

    /// Notes an entry that was not imported as it was.
    pub(super) fn leave(&mut self, kind: Kind, place: impl Into<String>, what: impl Into<String>) {
        self.left.push(Left { kind, place: place.into(), what: what.into() });
    }

    /// What is changed about a team.
    pub(super) fn team(&mut self, path: &TeamPath) -> &mut TeamChange {
        self.teams.entry(path.to_string()).or_default()
    }

    /// The account with that name, created if it does not exist. Returns why if that is not possible.
    pub(super) fn account(
        &mut self,
        change: &Change<'_>,
        name: &str,
        may_create: bool,
    ) -> Result<Result<Owner, (Kind, String)>, ChangeError> {
        let owner = match Owner::new_account(name) {
            Ok(owner) => owner,
            Err(error) => return Ok(Err((Kind::BadName, format!("{name}: {error}")))),
        };
        match change.user(&owner) {
            Ok(row) if row.name == owner => Ok(Ok(owner)),
            Ok(row) => Ok(Err((Kind::SameName, format!("{name} and {}, an account here", row.name)))),
            Err(ChangeError::NotFound(_)) => match change.add_owner(OwnerKind::User, &owner, may_create) {
                Ok(_) => {
                    self.known.insert(owner.folded(), true);
                    self.accounts.push(owner.clone());
                    Ok(Ok(owner))
                }
                Err(error @ ChangeError::Conflict(_)) => Ok(Err((Kind::BadName, error.to_string()))),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Whether an import created the account, so that a later one may add keys to it.
    fn is_imported(&mut self, change: &Change<'_>, user: &Owner) -> Result<bool, ChangeError> {
        if let Some(is_imported) = self.known.get(&user.folded()) {
            return Ok(*is_imported);
        }
        let mut is_imported = false;
        // A name that was released may have belonged to another account before.
        change.events(0, Some(user.as_str()), Direction::NewestFirst, &mut |event| {
            if event.event == "user.create" && event.object == user.as_str() {
                is_imported = is_by_import(&event.actor);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        self.known.insert(user.folded(), is_imported);
        Ok(is_imported)
    }

    /// Adds a key to an account, unless it is there already. A key that is used elsewhere stays there, and a key that
    /// was removed here stays removed.
    pub(super) fn add_key(
        &mut self,
        change: &Change<'_>,
        user: &Owner,
        candidate: Candidate,
        merge: bool,
    ) -> Result<(), ChangeError> {
        let Candidate { at, key, title, sources, expires_at } = candidate;
        if let Err(error) = refuse_weak(&key) {
            self.leave(Kind::BadKey, at, error.to_string());
            return Ok(());
        }
        match change.find_key(&key.fingerprint())? {
            Some(KeyRow { removal: None, holder: Holder::Account(holder), .. }) if holder.folded() == user.folded() => {
                self.already += 1;
                return Ok(());
            }
            Some(KeyRow { removal: None, holder, title, .. }) => {
                self.leave(Kind::KeyInUse, at, format!("\"{title}\" of {holder}"));
                return Ok(());
            }
            Some(KeyRow { removal: Some(removal), removed_at, title, .. }) => {
                let when = minute(removed_at);
                let why = match removal {
                    Removal::Compromised => "as compromised ",
                    Removal::Ordinary => "",
                };
                self.leave(Kind::KeyInUse, at, format!("\"{title}\" was removed {why}on {when}"));
                return Ok(());
            }
            None => {}
        }
        if !merge && !self.is_imported(change, user)? {
            self.leave(Kind::AccountBefore, at, format!("\"{title}\" for {user}"));
            return Ok(());
        }
        let new = NewKey { key: &key, title: &title, scope: Scope::Write, expires_at, sources: sources.as_ref() };
        self.keys.push(change.add_key(user, &new)?);
        if let Some(exponent) = key.small_exponent() {
            self.leave(Kind::SmallExponent, at, format!("{user} (exponent {exponent})"));
        }
        Ok(())
    }

    /// A line for each entry that was imported.
    fn entries(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.accounts.iter().map(|user| format!("added {user}")));
        let keys = self.keys.iter();
        lines.extend(keys.map(|key| format!("added \"{}\" ({}) to {}", key.title, key.fingerprint, key.holder)));
        lines.extend(self.members.iter().map(|(of, user)| format!("{user} has the role {} in {of}", Role::NoAccess)));
        for (path, TeamChange { is_new, users }) in &self.teams {
            lines.extend(is_new.then(|| format!("added the team {path}")));
            lines.extend(users.iter().map(|user| format!("{user} is a member of the team {path}")));
        }
        lines.extend(self.grants.iter().map(|(path, user, role)| format!("{user} has the role {role} on {path}")));
        for (path, rules) in &self.rules {
            lines.extend(rules.iter().zip(1..).map(|(rule, number)| format!("rule {number} of {path}: {rule}")));
        }
        lines.extend(self.checks.iter().map(|(path, value)| format!("paths of {path}: {value}")));
        lines
    }

    fn report(mut self, config: &Config, terms: Terms) -> Report {
        let Terms { dry_run, verbose, .. } = terms;
        self.left.sort_by_key(|left| left.kind);
        let mut lines: Vec<String> = Vec::new();
        if verbose {
            lines.extend(self.entries());
        }
        let mut left_out = 0;
        for of_kind in self.left.chunk_by(|one, other| one.kind == other.kind) {
            let Some(Left { kind, .. }) = of_kind.first() else { continue };
            left_out += if matches!(kind.means(), "gained" | "warning") { 0 } else { of_kind.len() };
            let heading = format!("{}: {} ({})", kind.means(), kind.words().0, of_kind.len());
            if verbose {
                lines.push(format!("{heading}:"));
                lines.extend(of_kind.iter().map(|left| format!("  {}", left.line())));
                continue;
            }
            let mut examples: Vec<&str> = Vec::new();
            for left in of_kind {
                if !examples.contains(&left.what.as_str()) && examples.len() < EXAMPLES {
                    examples.push(&left.what);
                }
            }
            let shown = examples.iter().scan(0, |length, example| {
                *length += example.chars().count() + 2;
                (*length <= 160 || *length == example.chars().count() + 2).then_some(*example)
            });
            let shown: Vec<&str> = shown.collect();
            let dots = if shown.len() < of_kind.len() { ", …" } else { "" };
            lines.push(format!("{heading}: {}{dots}", shown.join(", ")));
        }
        lines.extend(self.notes.iter().cloned());
        let rules: usize = self.rules.iter().map(|(_, rules)| rules.len()).sum();
        let rules = if rules == 0 { String::new() } else { format!(", {}", counted(rules, "rule", "rules")) };
        let teams = match self.teams.values().filter(|team| team.is_new).count() {
            0 => String::new(),
            number => format!(", {}", counted(number, "team", "teams")),
        };
        let checks = match self.checks.len() {
            0 => String::new(),
            number => format!(", {}", counted(number, "check of paths", "checks of paths")),
        };
        let descriptions = match self.descriptions.0 {
            0 => String::new(),
            number => format!(", {}", counted(number, "description", "descriptions")),
        };
        if self.descriptions.1 > 0 {
            let kept = counted(self.descriptions.1, "description", "descriptions");
            lines.push(format!("kept {kept} from this hub, where gitolite has another text"));
        }
        let hint = if verbose || left_out == 0 { "" } else { " (--verbose lists them)" };
        lines.push(format!(
            "{}, {}, {}{teams}{rules}{checks}{descriptions}; {} existed already, {left_out} left out{hint}",
            counted(self.accounts.len(), "account", "accounts"),
            counted(self.keys.len(), "key", "keys"),
            counted(self.grants.len(), "grant", "grants"),
            self.already,
        ));
        if dry_run {
            lines.push("nothing was changed: this was a dry run".to_owned());
        }
        let key = |key: &KeyRow| key_json(config, key);
        let grant = |(path, user, role): &(RepoPath, Grantee, CollaboratorRole)| {
            let (path, user, role) = (path.to_string(), user.to_string(), role.as_str());
            json!({ "path": path, "user": user, "role": role, "until": null })
        };
        let member = |(organization, user): &(Owner, Owner)| {
            let (organization, user, role) = (organization.as_str(), user.as_str(), Role::NoAccess.as_str());
            json!({ "organization": organization, "user": user, "role": role, "until": null })
        };
        let team = |(path, TeamChange { is_new, users }): (&String, &TeamChange)| {
            let users: Vec<&str> = users.iter().map(Owner::as_str).collect();
            json!({ "team": path, "created": is_new, "users": users })
        };
        let left = |means: &'static [&str]| -> Vec<Value> {
            let left = self.left.iter().filter(|left| means.contains(&left.kind.means()));
            left.map(|left| json!({ "kind": left.kind.words().1, "place": left.place, "why": left.what })).collect()
        };
        let json = json!({
            "accounts": self.accounts.iter().map(Owner::as_str).collect::<Vec<_>>(),
            "keys": self.keys.iter().map(key).collect::<Vec<Value>>(),
            "members": self.members.iter().map(member).collect::<Vec<Value>>(),
            "teams": self.teams.iter().map(team).collect::<Vec<Value>>(),
            "grants": self.grants.iter().map(grant).collect::<Vec<Value>>(),
            "rules": self.rules.iter().map(|(path, rules)| json!({ "path": path.to_string(), "rules": rules }))
                .collect::<Vec<Value>>(),
            "checks": self.checks.iter().map(|(path, value)| json!({ "path": path.to_string(), "value": value }))
                .collect::<Vec<Value>>(),
            "descriptions": self.descriptions.0,
            "already": self.already,
            "notes": self.notes,
            "gained": left(&["gained"]),
            "lost": left(&["lost"]),
            "warnings": left(&["warning"]),
            "left_out": left(&["left out"]),
            "dry_run": dry_run,
        });
        // The name of a file may have a line break.
        Report::new(lines.iter().map(|line| format!("{}\n", Shown(line))).collect(), json)
    }
}

impl Left {
    fn line(&self) -> String {
        if self.place.is_empty() { self.what.clone() } else { format!("{}: {}", self.place, self.what) }
    }
}

/// What the report says of a key that no command and no map gives to an account. Its owner wrote the comment, which
/// only the operator can judge.
fn without_account(line: &Line) -> String {
    let name = match &line.names {
        Names::Row(word) | Names::User(word) => word.clone(),
        Names::Nobody => line.key.fingerprint().to_string(),
    };
    line.comment.as_ref().map_or_else(|| name.clone(), |comment| format!("{name} ({comment})"))
}

/// Reads the end that sshd writes as `YYYYMMDD[HHMM[SS]]`, as the first second at which the key is no longer valid.
/// Without `Z`, the time is in the old server's time zone, which is unknown here, so such a text is rejected.
fn expiry(text: &str) -> Result<i64, String> {
    use time::macros::format_description;
    use time::{Date, PrimitiveDateTime, Time};
    let bad = || format!("expiry-time=\"{text}\" is not a time in UTC, such as 20270131Z");
    let utc = text.strip_suffix(['Z', 'z']).ok_or_else(bad)?;
    let padded = format!("{utc:0<14}");
    if !(matches!(utc.len(), 8 | 12 | 14) && utc.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(bad());
    }
    let (day, clock) = padded.split_at_checked(8).ok_or_else(bad)?;
    let day = Date::parse(day, format_description!("[year][month][day]")).map_err(|_| bad())?;
    let clock = Time::parse(clock, format_description!("[hour][minute][second]")).map_err(|_| bad())?;
    let end = PrimitiveDateTime::new(day, clock).assume_utc().unix_timestamp();
    if end > crate::clock::now() { Ok(end) } else { Err(format!("it expired: expiry-time=\"{text}\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_line_break_adds_no_line_to_a_report() {
        for verbose in [false, true] {
            let mut outcome = Outcome::default();
            outcome.leave(Kind::BadName, "keydir/a\nadded root.pub", "a\nadded root\u{1b}[31m");
            let text = outcome.report(&Config::default(), Terms { dry_run: false, verbose }).text;
            assert!(!text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("added")), "{text}");
        }
    }
}
