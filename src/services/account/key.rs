//! `key …`: one's own keys.

use std::io::Read;

use serde_json::{Value, json};

use super::cli::KeyCommand;
use super::{Outcome, Session, Trouble, sure};
use crate::access::{KeyHolder, Removal, Scope};
use crate::db::NewKey;
use crate::key::{Fingerprint, PublicKey, refuse_weak};
use crate::name::Title;
use crate::report::{key_json, key_table};
use crate::request::ForcedCommand;

/// The most that is read of standard input, in bytes.
const KEY_MAX: u64 = 16 * 1024;

pub(super) fn run(session: &Session<'_>, command: KeyCommand) -> Result<Outcome, Trouble> {
    match command {
        KeyCommand::Add { title, scope, expires } => add(session, &title, scope, expires.map(|end| end.0)),
        KeyCommand::List => {
            let keys = session.read(|rights| Ok(rights.keys(Some(rights.account()?.id))?))?;
            let report = key_table("USER", session.config, &keys);
            Ok(Outcome::new(report.text, report.json))
        }
        KeyCommand::Rename { fingerprint, title } => {
            let title = parse_title(&title)?;
            let key = session.change(|rights, change| {
                rights.changing_account()?;
                rights.own_key(&fingerprint)?;
                change.rename_key(&fingerprint, &title)?;
                Ok(change.key(&fingerprint)?)
            })?;
            let text = format!("renamed {fingerprint} to \"{title}\"\n");
            Ok(Outcome::new(text, key_json(session.config, &key)))
        }
        KeyCommand::Remove { fingerprint, compromised, yes } => remove(session, &fingerprint, compromised, yes),
        KeyCommand::Release { yes } => release(session, yes),
    }
}

/// Adds the key on standard input: with no more rights than the one that brings it.
fn add(
    session: &Session<'_>,
    title: &[String],
    scope: Option<Scope>,
    expires_at: Option<i64>,
) -> Result<Outcome, Trouble> {
    // Before standard input is read: nobody types a key in vain.
    session.read(|rights| rights.changing_account().map(drop))?;
    let mut text = Vec::new();
    let read = std::io::stdin().take(KEY_MAX + 1).read_to_end(&mut text);
    read.map_err(|error| Trouble::Usage(format!("standard input: {error}")))?;
    if text.len() as u64 > KEY_MAX {
        return Err(Trouble::Usage("standard input is too long to be a key".to_owned()));
    }
    let (key, comment) = PublicKey::parse_line(&text).map_err(|error| Trouble::Usage(error.to_string()))?;
    refuse_weak(&key).map_err(|error| Trouble::Usage(error.to_string()))?;
    let title = match (title, comment) {
        ([], Some(comment)) => comment,
        ([], None) => parse_title(&[format!("{} {}", key.key_type(), key.fingerprint())])?,
        (words, _) => parse_title(words)?,
    };
    let row = session.change(|rights, change| {
        let account = rights.changing_account()?;
        let own = rights.key.as_ref();
        let expires_at = match (expires_at, own.and_then(|own| own.expires_at)) {
            (Some(asked), Some(own)) => Some(asked.min(own)),
            (asked, own) => asked.or(own),
        };
        let sources = own.and_then(|own| own.sources.as_ref());
        let scope = scope.unwrap_or(Scope::Write).min(account.scope);
        let new = NewKey { key: &key, title: &title, scope, expires_at, sources };
        Ok(change.add_key(&account.name, &new)?)
    })?;
    let text = format!("added \"{}\" ({}) to {}\n", row.title, row.fingerprint, row.holder);
    Ok(Outcome::new(text, key_json(session.config, &row)))
}

fn remove(session: &Session<'_>, fingerprint: &Fingerprint, compromised: bool, yes: bool) -> Result<Outcome, Trouble> {
    let removal = if compromised { Removal::Compromised } else { Removal::Ordinary };
    let key = session.change(|rights, change| {
        let account = rights.changing_account()?;
        if compromised && Some(*fingerprint) != session.form.fingerprint() {
            return Err(Trouble::Refused(
                "only the key that you are using can be marked as compromised by you: ask the operator for another one"
                    .to_owned(),
            ));
        }
        rights.own_key(fingerprint)?;
        let live = change.keys(Some(account.id))?.iter().filter(|key| key.removal.is_none()).count();
        if live <= 1 {
            sure(yes, &format!("{fingerprint} is your last key: without it you cannot log in."))?;
        }
        change.remove_key(fingerprint, removal)?;
        Ok(change.key(fingerprint)?)
    })?;
    let text = format!("removed \"{}\" ({fingerprint}) from {}\n", key.title, key.holder);
    Ok(Outcome::new(text, key_json(session.config, &key)))
}

/// Takes the proven key off whatever it is on: whoever proves a key may, in every state of key and account.
fn release(session: &Session<'_>, yes: bool) -> Result<Outcome, Trouble> {
    let Some(fingerprint) = session.form.fingerprint() else {
        return Err(Trouble::Refused("you came without a key".to_owned()));
    };
    let holder = session.change(|rights, change| {
        let holder = match (session.form, &rights.key) {
            (ForcedCommand::Account(..) | ForcedCommand::DeployKey(_), Some(facts)) => match &facts.holder {
                KeyHolder::Account { account, .. } => account.name.to_string(),
                KeyHolder::Repository { path, .. } => path.to_string(),
            },
            _ => return Err(Trouble::Refused(format!("the key {fingerprint} is on nothing here"))),
        };
        sure(yes, &format!("{fingerprint} will no longer open {holder}."))?;
        change.remove_key(&fingerprint, Removal::Ordinary)?;
        Ok(holder)
    })?;
    let json: Value = json!({ "released": fingerprint.to_string(), "from": holder });
    Ok(Outcome::new(format!("the key {fingerprint} is no longer on {holder}\n"), json))
}

/// Reads free text: the rest of the line, split at single blanks.
pub(super) fn parse_title(words: &[String]) -> Result<Title, Trouble> {
    words.join(" ").parse().map_err(|error: crate::name::NameError| Trouble::Usage(error.to_string()))
}
