//! The result of an import: what it imported and what it left out.

use serde_json::{Value, json};

use super::authorized_keys::{Line, Names};
use crate::access::{CollaboratorRole, Removal, Scope, Sources};
use crate::commands::key::default_title;
use crate::config::Config;
use crate::db::{Change, ChangeError, Holder, KeyRow, NewKey, OwnerKind};
use crate::key::{PublicKey, refuse_weak};
use crate::name::{Owner, RepoPath, Title};
use crate::operator::context::{Context, actor};
use crate::operator::failure::Failure;
use crate::report::{Report, key_json};
use crate::word::counted;

/// What an import did and what it left out.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) accounts: Vec<Owner>,
    pub(super) keys: Vec<KeyRow>,
    pub(super) grants: Vec<(RepoPath, Owner, CollaboratorRole)>,
    /// The number of existing entries.
    pub(super) already: usize,
    /// The place of each entry that was left out, and why.
    pub(super) left: Vec<(String, String)>,
    /// Notes about imported entries.
    pub(super) notes: Vec<String>,
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
    dry_run: bool,
    steps: impl FnOnce(&Change<'_>) -> Result<Outcome, ChangeError>,
) -> Result<Report, Failure> {
    let outcome = if dry_run { context.store.rehearse(&actor(), steps) } else { context.change(steps) }?;
    Ok(outcome.report(&context.config, dry_run))
}

impl Outcome {
    /// Imports one line of an `authorized_keys` file.
    pub(super) fn take_line(
        &mut self,
        change: &Change<'_>,
        at: String,
        line: &Line,
        user: Option<&Owner>,
    ) -> Result<(), ChangeError> {
        let account = match (user, &line.names) {
            (Some(user), _) => Ok(user.clone()),
            (None, Names::User(name)) => self.account(change, name)?,
            (None, Names::Row(_) | Names::Nobody) => account_of_comment(change, line)?,
        };
        let expires_at = line.expiry.as_deref().map(expiry).transpose();
        let candidate = |expires_at| {
            let title = line.comment.clone().map_or_else(|| default_title(&line.key), Ok);
            title.map_err(|error| error.to_string()).map(|title| Candidate {
                at: at.clone(),
                key: line.key.clone(),
                title,
                sources: line.sources.clone(),
                expires_at,
            })
        };
        match (account, expires_at.and_then(candidate)) {
            (Ok(account), Ok(candidate)) => self.add_key(change, &account, candidate),
            (Err(why), _) | (_, Err(why)) => {
                self.left.push((at, why));
                Ok(())
            }
        }
    }

    /// The account with that name, created if it does not exist. Returns why if that is not possible.
    pub(super) fn account(&mut self, change: &Change<'_>, name: &str) -> Result<Result<Owner, String>, ChangeError> {
        let owner = match Owner::new_account(name) {
            Ok(owner) => owner,
            Err(error) => return Ok(Err(format!("{name:?} is not a valid account name: {error}"))),
        };
        match change.user(&owner) {
            Ok(_) => Ok(Ok(owner)),
            Err(ChangeError::NotFound(_)) => match change.add_owner(OwnerKind::User, &owner, true) {
                Ok(_) => {
                    self.accounts.push(owner.clone());
                    Ok(Ok(owner))
                }
                Err(error @ ChangeError::Conflict(_)) => Ok(Err(error.to_string())),
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Adds a key to an account, unless it is there already. A key that is used elsewhere stays there.
    pub(super) fn add_key(
        &mut self,
        change: &Change<'_>,
        user: &Owner,
        candidate: Candidate,
    ) -> Result<(), ChangeError> {
        let Candidate { at, key, title, sources, expires_at } = candidate;
        if let Err(error) = refuse_weak(&key) {
            self.left.push((at, error.to_string()));
            return Ok(());
        }
        match change.find_key(&key.fingerprint())? {
            Some(KeyRow { removal: None, holder: Holder::Account(holder), .. }) if holder.folded() == user.folded() => {
                self.already += 1;
                return Ok(());
            }
            Some(KeyRow { removal: None, holder, title, .. }) => {
                self.left.push((at, format!("the key is in use here: it is \"{title}\" of {holder}")));
                return Ok(());
            }
            Some(KeyRow { removal: Some(Removal::Compromised), .. }) => {
                self.left.push((at, "the key was removed here as compromised".to_owned()));
                return Ok(());
            }
            Some(KeyRow { removal: Some(Removal::Ordinary), .. }) | None => {}
        }
        let new = NewKey { key: &key, title: &title, scope: Scope::Write, expires_at, sources: sources.as_ref() };
        self.keys.push(change.add_key(user, &new)?);
        Ok(())
    }

    fn report(self, config: &Config, dry_run: bool) -> Report {
        let mut lines: Vec<String> = self.accounts.iter().map(|user| format!("added {user}")).collect();
        lines.extend(
            self.keys.iter().map(|key| format!("added \"{}\" ({}) to {}", key.title, key.fingerprint, key.holder)),
        );
        lines.extend(self.grants.iter().map(|(path, user, role)| format!("{user} has the role {role} on {path}")));
        lines.extend(self.notes.iter().cloned());
        lines.extend(self.left.iter().map(|(at, why)| format!("left out: {at}: {why}")));
        lines.push(format!(
            "{}, {}, {}; {} existed already, {} left out",
            counted(self.accounts.len(), "account", "accounts"),
            counted(self.keys.len(), "key", "keys"),
            counted(self.grants.len(), "grant", "grants"),
            self.already,
            self.left.len()
        ));
        if dry_run {
            lines.push("nothing was changed: this was a dry run".to_owned());
        }
        let key = |key: &KeyRow| key_json(config, key);
        let grant = |(path, user, role): &(RepoPath, Owner, CollaboratorRole)| {
            let (path, user, role) = (path.to_string(), user.as_str(), role.as_str());
            json!({ "path": path, "user": user, "role": role, "until": null })
        };
        let json = json!({
            "accounts": self.accounts.iter().map(Owner::as_str).collect::<Vec<_>>(),
            "keys": self.keys.iter().map(key).collect::<Vec<Value>>(),
            "grants": self.grants.iter().map(grant).collect::<Vec<Value>>(),
            "already": self.already,
            "notes": self.notes,
            "left_out": self.left.iter().map(|(at, why)| json!({ "place": at, "why": why })).collect::<Vec<Value>>(),
            "dry_run": dry_run,
        });
        Report::new(lines.iter().map(|line| format!("{line}\n")).collect(), json)
    }
}

/// The account that a comment names, as `alice` or `alice@laptop`.
fn account_of_comment(change: &Change<'_>, line: &Line) -> Result<Result<Owner, String>, ChangeError> {
    let comment = line.comment.as_ref().map(Title::as_str).unwrap_or_default();
    let name = comment.split_once('@').map_or(comment, |(name, _)| name);
    if let Ok(owner) = name.parse::<Owner>() {
        match change.user(&owner) {
            Ok(user) => return Ok(Ok(user.name)),
            Err(ChangeError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let row = match &line.names {
        Names::Row(row) => format!("{row}, "),
        Names::User(_) | Names::Nobody => String::new(),
    };
    Ok(Err(format!(
        "neither its command nor its comment names an account of this hub ({row}comment {comment:?}, {})",
        line.key.fingerprint()
    )))
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
