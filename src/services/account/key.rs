//! `key …`: one's own keys.

use std::io::Read;

use serde_json::{Value, json};

use super::cli::KeyCommand;
use super::{Outcome, Session, Trouble, sure};
use crate::access::{KeyHolder, Removal, Scope};
use crate::db::{Holder, KeyRow, NewKey, Store};
use crate::key::{Fingerprint, PublicKey};
use crate::name::Title;
use crate::operator::key::refuse_weak;
use crate::report::{key_json, key_table};
use crate::request::Form;

/// The most that is read of standard input, in bytes.
const KEY_MAX: u64 = 16 * 1024;

pub(super) fn run(session: &Session<'_>, command: KeyCommand) -> Result<Outcome, Trouble> {
    match command {
        KeyCommand::Add { title, scope, expires } => add(session, &title, scope, expires.map(|end| end.0)),
        KeyCommand::List => {
            let account = session.account()?;
            let keys = session.ask(|view| Ok(view.keys(Some(account.id))?))?;
            let report = key_table("USER", session.config, &keys);
            Ok(Outcome::new(report.text, report.json))
        }
        KeyCommand::Rename { fingerprint, title } => {
            session.changing_account()?;
            let mut store = session.store()?;
            own_key(session, &store, &fingerprint)?;
            let title = parse_title(&title)?;
            store.change(&session.actor(), |change| change.rename_key(&fingerprint, &title))?;
            let text = format!("renamed {fingerprint} to \"{title}\"\n");
            Ok(Outcome::new(text, key_json(session.config, &store.view().key(&fingerprint)?)))
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
    let account = session.changing_account()?;
    let mut text = Vec::new();
    let read = std::io::stdin().take(KEY_MAX + 1).read_to_end(&mut text);
    read.map_err(|error| Trouble::Usage(format!("standard input: {error}")))?;
    if text.len() as u64 > KEY_MAX {
        return Err(Trouble::Usage("standard input is too long to be a key".to_owned()));
    }
    let key = PublicKey::parse_line(&text).map_err(|error| Trouble::Usage(error.to_string()));
    let (key, comment) = key?;
    refuse_weak(&key).map_err(|error| Trouble::Usage(error.to_string()))?;
    let title = match (title, comment) {
        ([], Some(comment)) => comment,
        ([], None) => parse_title(&[format!("{} {}", key.key_type(), key.fingerprint())])?,
        (words, _) => parse_title(words)?,
    };
    let own = session.key.map(|(facts, _)| facts);
    let own_end = own.and_then(|own| own.expires_at);
    let expires_at = match (expires_at, own_end) {
        (Some(asked), Some(own)) => Some(asked.min(own)),
        (asked, own) => asked.or(own),
    };
    let sources = own.and_then(|own| own.sources.clone());
    let scope = scope.unwrap_or(Scope::Write).min(account.scope);
    let new = NewKey { key: &key, title: &title, scope, expires_at, sources: sources.as_ref() };
    let mut store = session.store()?;
    let row = store.change(&session.actor(), |change| change.add_key(&account.name, &new))?;
    let text = format!("added \"{}\" ({}) to {}\n", row.title, row.fingerprint, row.holder);
    Ok(Outcome::new(text, key_json(session.config, &row)))
}

fn remove(session: &Session<'_>, fingerprint: &Fingerprint, compromised: bool, yes: bool) -> Result<Outcome, Trouble> {
    let account = session.changing_account()?;
    if compromised && Some(*fingerprint) != session.form.fingerprint() {
        return Err(Trouble::Refused(
            "only the key that you are using can be marked as compromised by you: ask the operator for another one"
                .to_owned(),
        ));
    }
    let mut store = session.store()?;
    let key = own_key(session, &store, fingerprint)?;
    let live = store.view().keys(Some(account.id))?.iter().filter(|key| key.removal.is_none()).count();
    if live <= 1 {
        sure(yes, &format!("{fingerprint} is your last key: without it you cannot log in."))?;
    }
    let removal = if compromised { Removal::Compromised } else { Removal::Ordinary };
    store.change(&session.actor(), |change| change.remove_key(fingerprint, removal))?;
    let text = format!("removed \"{}\" ({fingerprint}) from {}\n", key.title, account.name);
    Ok(Outcome::new(text, key_json(session.config, &store.view().key(fingerprint)?)))
}

/// Takes the proven key off whatever it is on: whoever proves a key may, in every state of key and account.
fn release(session: &Session<'_>, yes: bool) -> Result<Outcome, Trouble> {
    let Some(fingerprint) = session.form.fingerprint() else {
        return Err(Trouble::Refused("you came without a key".to_owned()));
    };
    let holder = match (session.form, session.key) {
        (Form::Account(..) | Form::DeployKey(_), Some((facts, _))) => match &facts.holder {
            KeyHolder::Account { account, .. } => account.name.to_string(),
            KeyHolder::Repository { path, .. } => path.to_string(),
        },
        _ => return Err(Trouble::Refused(format!("the key {fingerprint} is on nothing here"))),
    };
    sure(yes, &format!("{fingerprint} will no longer open {holder}."))?;
    let mut store = session.store()?;
    store.change(&session.actor(), |change| change.remove_key(&fingerprint, Removal::Ordinary))?;
    let json: Value = json!({ "released": fingerprint.to_string(), "from": holder });
    Ok(Outcome::new(format!("the key {fingerprint} is no longer on {holder}\n"), json))
}

/// A live key of one's own; another's does not exist.
fn own_key(session: &Session<'_>, store: &Store, fingerprint: &Fingerprint) -> Result<KeyRow, Trouble> {
    let account = session.account()?;
    let none = || Trouble::Refused(format!("there is no key {fingerprint} on your account"));
    let key = store.view().key(fingerprint).map_err(|_| none())?;
    match &key.holder {
        Holder::Account(user) if *user == account.name && key.removal.is_none() => Ok(key),
        Holder::Account(_) | Holder::Repository(_) => Err(none()),
    }
}

/// Reads free text: the rest of the line, split at single blanks.
pub(super) fn parse_title(words: &[String]) -> Result<Title, Trouble> {
    words.join(" ").parse().map_err(|error: crate::name::NameError| Trouble::Usage(error.to_string()))
}
