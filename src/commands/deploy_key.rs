//! Deploy keys: keys of one repository, for machines.

use super::arguments::Confirmation;
use super::key::TitledKey;
use super::{Refused, Requester};
use crate::access::{Removal, Scope};
use crate::db::NewKey;
use crate::key::Fingerprint;
use crate::name::RepoPath;
use crate::report::{Report, key_added, key_removed, key_table};

/// Adds a key to a repository.
pub(crate) fn add(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    new: &TitledKey,
    scope: Scope,
    expires_at: Option<i64>,
) -> Result<Report, Refused> {
    let row = requester.change(|by, change| {
        let repository = by.administered(change, path)?;
        let new = NewKey { key: &new.key, title: &new.title, scope, expires_at, sources: None };
        Ok(change.add_deploy_key(&repository.path, &new)?)
    })?;
    Ok(key_added(requester.config(), &row))
}

/// Lists the deploy keys of a repository.
pub(crate) fn list(requester: &Requester<'_>, path: &RepoPath) -> Result<Report, Refused> {
    let keys = requester.read(|by, view| Ok(view.deploy_keys(by.administered(view, path)?.id)?))?;
    Ok(key_table("REPOSITORY", requester.config(), &keys))
}

/// Removes a deploy key, for the operator.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    fingerprint: &Fingerprint,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    let row = requester.change(|_, change| {
        let key = change.key(fingerprint)?;
        confirmation.require(|| format!("Remove the key \"{}\" of {}?", key.title, key.holder))?;
        change.remove_key(fingerprint, Removal::Ordinary)?;
        Ok(change.key(fingerprint)?)
    })?;
    Ok(key_removed(requester.config(), &row))
}
