//! Keys of accounts and of repositories.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{Report, json_time, page, with_fields};
use crate::access::Removal;
use crate::config::Config;
use crate::db::{Holder, KeyRow};
use crate::key::{Fingerprint, PublicKey};

/// A list of keys. The first column is the account or repository that the key is on.
pub(crate) struct Keys<'a> {
    pub(crate) holder: &'static str,
    pub(crate) config: &'a Config,
}

impl Table<KeyRow> for Keys<'_> {
    fn columns(&self) -> Vec<Column> {
        vec![
            Column::at_most(self.holder, 12),
            Column::at_most("TITLE", 14),
            Column::wide("TYPE"),
            Column::at_most("FINGERPRINT", 13),
            Column::wide("ADDED"),
            Column::days("LAST USED", 10),
            Column::days("STATE", 23),
        ]
    }

    fn cells(&self, key: &KeyRow) -> Vec<String> {
        vec![
            key.holder.to_string(),
            key.title.to_string(),
            key.key_type.as_str().to_owned(),
            key.fingerprint.to_string(),
            minute(Some(key.added_at)),
            minute(last_used(self.config, &key.fingerprint)),
            key_state(key),
        ]
    }

    fn json(&self, key: &KeyRow) -> Value {
        key_json(self.config, key)
    }

    fn position(&self, key: &KeyRow) -> String {
        key.fingerprint.to_string()
    }
}

/// A key that was just added.
pub(crate) fn key_added(config: &Config, row: &KeyRow, key: &PublicKey) -> Report {
    let text = format!("added \"{}\" ({}) to {}\n", row.title, row.fingerprint, row.holder);
    Report { note: key_warning(row, key), ..Report::new(text, key_json(config, row)) }
}

/// What the person who added a key should know about it.
pub(crate) fn key_warning(row: &KeyRow, key: &PublicKey) -> Option<String> {
    let exponent = key.small_exponent()?;
    Some(format!(
        "\"{}\" ({}) of {} is an RSA key with the exponent {exponent}, which only old programs make: \
         replace it with a key of ssh-keygen -t ed25519",
        row.title, row.fingerprint, row.holder
    ))
}

/// A key that was just removed.
pub(crate) fn key_removed(config: &Config, key: &KeyRow) -> Report {
    let text = format!("removed \"{}\" ({}) from {}\n", key.title, key.fingerprint, key.holder);
    Report::new(text, key_json(config, key))
}

/// A key as the operator sees it.
pub(crate) fn key_page(config: &Config, row: &KeyRow, key: &PublicKey) -> Report {
    let text = page(
        &row.fingerprint,
        &[
            ("account", &row.holder),
            ("title", &row.title),
            ("type", &row.key_type),
            ("scope", &row.scope),
            ("added", &minute(Some(row.added_at))),
            ("last used", &minute(last_used(config, &row.fingerprint))),
            ("state", &key_state(row)),
            ("key", key),
        ],
    );
    Report::new(text, with_fields(key_json(config, row), [("key", key.to_string().into())]))
}

pub(crate) fn key_json(config: &Config, key: &KeyRow) -> Value {
    let (user, repository) = match &key.holder {
        Holder::Account(user) => (Some(user.to_string()), None),
        Holder::Repository(path) => (None, Some(path.to_string())),
    };
    json!({
        "fingerprint": key.fingerprint.to_string(),
        "user": user,
        "repository": repository,
        "from": key.sources,
        "title": key.title.as_str(),
        "type": key.key_type.as_str(),
        "scope": key.scope.as_str(),
        "added_at": json_time(Some(key.added_at)),
        "expires_at": json_time(key.expires_at),
        "last_used_at": json_time(last_used(config, &key.fingerprint)),
        "removal": key.removal.map(Removal::as_str),
        "removed_at": json_time(key.removed_at),
    })
}

fn key_state(key: &KeyRow) -> String {
    match (key.removal, key.expires_at) {
        (Some(Removal::Ordinary), _) => format!("removed {}", minute(key.removed_at)),
        (Some(Removal::Compromised), _) => format!("compromised {}", minute(key.removed_at)),
        (None, Some(end)) if end <= crate::clock::now() => format!("expired {}", minute(Some(end))),
        (None, Some(end)) => format!("{}, until {}", key.scope, minute(Some(end))),
        (None, None) => key.scope.to_string(),
    }
}

/// When the gateway last admitted the key: the modification time of its small file.
fn last_used(config: &Config, fingerprint: &Fingerprint) -> Option<i64> {
    let modified = config.last_used_dir().join(fingerprint.to_hex()).metadata().ok()?.modified().ok()?;
    modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs().try_into().ok()
}
