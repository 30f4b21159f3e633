//! Deploy keys: keys of one repository, for machines.

use super::arguments::{Confirmation, Expiring};
use super::key::TitledKey;
use super::{Output, Refused, Requester};
use crate::access::{Removal, Scope};
use crate::db::{HolderId, KeyRange, NewKey};
use crate::key::Fingerprint;
use crate::name::RepoPath;
use crate::report::{Keys, Report, key_added, key_removed};

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
    Ok(key_added(requester.config(), &row, &new.key))
}

/// Lists the deploy keys of a repository.
pub(crate) fn list(
    requester: &Requester<'_>,
    path: &RepoPath,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let range = KeyRange { after: output.after()?, ending: expiring.period() };
    let table = Keys { holder: "REPOSITORY", config: requester.config() };
    requester.list(output, &table, |by, view, each| {
        Ok(view.keys_of(HolderId::Repository(by.administered(view, path)?.id), &range, each)?)
    })
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
