//! `hubgate key`

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use super::cli::KeyCommand;
use super::context::{Context, actor, confirm};
use super::failure::Failure;
use crate::access::Removal;
use crate::db::NewKey;
use crate::key::{Fingerprint, PublicKey, refuse_weak};
use crate::name::Title;
use crate::report::when::minute;
use crate::report::{Report, key_json, key_state, key_table, last_used};

/// The most that is read of a key file, in bytes; a longer one is no key.
const FILE_MAX: u64 = 1 << 20;

pub(super) fn run(command: KeyCommand, config: &Path) -> Result<Report, Failure> {
    match command {
        KeyCommand::Add { user, file, title, expires, scope, from } => {
            let (key, title) = read_key(&file, title)?;
            let mut context = Context::open(config)?;
            let actor = actor();
            let expires = expires.map(|end| end.0);
            let new = NewKey { key: &key, title: &title, scope, expires_at: expires, sources: from.as_ref() };
            let row = context.store.change(&actor, |change| change.add_key(&user, &new))?;
            let text = format!("added \"{}\" ({}) to {}\n", row.title, row.fingerprint, row.holder);
            Ok(Report::new(text, key_json(&context.config, &row)))
        }
        KeyCommand::List { user } => {
            let context = Context::open(config)?;
            let owner =
                user.map(|user| context.store.view().user_details(&user)).transpose()?.map(|user| user.owner.id);
            let keys = context.store.view().keys(owner)?;
            Ok(key_table("USER", &context.config, &keys))
        }
        KeyCommand::Show { fingerprint } => show(&Context::open(config)?, &fingerprint),
        KeyCommand::Find { key } => {
            let fingerprint = read_fingerprint(&key)?;
            show(&Context::open(config)?, &fingerprint)
        }
        KeyCommand::Rename { fingerprint, title } => {
            let mut context = Context::open(config)?;
            let actor = actor();
            context.store.change(&actor, |change| change.rename_key(&fingerprint, &title))?;
            let key = context.store.view().key(&fingerprint)?;
            Ok(Report::new(format!("renamed {fingerprint} to \"{title}\"\n"), key_json(&context.config, &key)))
        }
        KeyCommand::Remove { fingerprint, compromised, sure } => {
            let mut context = Context::open(config)?;
            let key = context.store.view().key(&fingerprint)?;
            confirm(&sure, &format!("Remove the key \"{}\" of {}?", key.title, key.holder))?;
            let actor = actor();
            let removal = if compromised { Removal::Compromised } else { Removal::Ordinary };
            context.store.change(&actor, |change| change.remove_key(&fingerprint, removal))?;
            removed_report(&context, &fingerprint)
        }
    }
}

/// Reads the public key that is to be added, and what it is to be called.
///
/// The file is opened as whoever ran the command, so this comes before root's rights are dropped.
pub(super) fn read_key(file: &Path, title: Option<Title>) -> Result<(PublicKey, Title), Failure> {
    let (key, comment) = PublicKey::parse_line(&read(file)?)?;
    refuse_weak(&key)?;
    let title = title.or(comment).map_or_else(|| default_title(&key), Ok)?;
    Ok((key, title))
}

/// Reads a fingerprint, or the file of the key that has it.
pub(super) fn read_fingerprint(key: &str) -> Result<Fingerprint, Failure> {
    match key.parse() {
        Ok(fingerprint) => Ok(fingerprint),
        Err(_) => Ok(PublicKey::parse_line(&read(Path::new(key))?)?.0.fingerprint()),
    }
}

/// What is said of a key that was removed just now.
pub(super) fn removed_report(context: &Context, fingerprint: &Fingerprint) -> Result<Report, Failure> {
    let key = context.store.view().key(fingerprint)?;
    let text = format!("removed \"{}\" ({fingerprint}) from {}\n", key.title, key.holder);
    Ok(Report::new(text, key_json(&context.config, &key)))
}

fn show(context: &Context, fingerprint: &Fingerprint) -> Result<Report, Failure> {
    let key = context.store.view().key(fingerprint)?;
    let public = context.store.view().public_key(fingerprint)?;
    let text = format!(
        "{}\n  account    {}\n  title      {}\n  type       {}\n  scope      {}\n  added      {}\n  last used  {}\n  state      {}\n  key        {public}\n",
        key.fingerprint,
        key.holder,
        key.title,
        key.key_type.as_str(),
        key.scope,
        minute(Some(key.added_at)),
        minute(last_used(&context.config, fingerprint)),
        key_state(&key),
    );
    let mut json = key_json(&context.config, &key);
    if let Value::Object(fields) = &mut json {
        fields.insert("key".to_owned(), public.to_string().into());
    }
    Ok(Report::new(text, json))
}

/// Reads a key file, or standard input for `-`.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| Failure::File(file.display().to_string(), error))?)
    };
    source.take(FILE_MAX).read_to_end(&mut bytes).map_err(|error| Failure::File(file.display().to_string(), error))?;
    Ok(bytes)
}

/// What a key without a comment is called.
pub(super) fn default_title(key: &PublicKey) -> Result<Title, Failure> {
    let text = format!("{} {}", key.key_type().as_str(), key.fingerprint());
    text.parse().map_err(|error| Failure::Usage(format!("{text}: {error}")))
}
