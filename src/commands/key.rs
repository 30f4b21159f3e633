//! Keys of accounts.

use super::arguments::{Confirmation, Expiring, KeyReference, KeyTerms, RemoveKey, RenameKey, title};
use super::{By, Denied, Output, Peer, Refused, Requester};
use crate::access::{KeyHolder, Removal, Scope, Sources};
use crate::db::{ChangeError, Holder, HolderId, KeyRange, NewKey, View};
use crate::key::{Fingerprint, PublicKey, refuse_weak};
use crate::name::{NameError, Owner, Title};
use crate::report::{Keys, Report, key_added, key_json, key_page, key_removed};
use crate::request::ForcedCommand;

/// A key that is to be added, and its title. Holding one tells you that the key is not weak.
#[derive(Debug, Clone)]
pub(crate) struct TitledKey {
    pub(crate) key: PublicKey,
    pub(crate) title: Title,
}

impl TitledKey {
    /// Reads a line of a public key file. Without a title, the key gets its comment, or else its type and fingerprint.
    ///
    /// # Errors
    /// [`Refused::Key`], [`Refused::Text`].
    pub(crate) fn parse(line: &[u8], title: Option<Title>) -> Result<Self, Refused> {
        let (key, comment) = PublicKey::parse_line(line)?;
        refuse_weak(&key)?;
        let title = title.or(comment).map_or_else(|| default_title(&key), Ok)?;
        Ok(Self { key, title })
    }
}

/// The title of a key without a comment.
pub(crate) fn default_title(key: &PublicKey) -> Result<Title, NameError> {
    format!("{} {}", key.key_type(), key.fingerprint()).parse()
}

/// Refuses a session that may not add a key.
pub(crate) fn check_may_add(peer: &Peer<'_>) -> Result<(), Refused> {
    peer.read(|rights, _| Ok(rights.changing_account().map(drop)?))
}

/// Adds a key to the account of the session. The operator names an account and may restrict the addresses.
///
/// Over SSH, the new key gets no more rights than the key in use: no wider scope, no later expiry, no other addresses.
pub(crate) fn add(
    requester: &mut Requester<'_>,
    user: Option<&Owner>,
    new: &TitledKey,
    terms: KeyTerms,
    sources: Option<&Sources>,
) -> Result<Report, Refused> {
    let TitledKey { key, title } = new;
    let expires_at = terms.expires.map(|end| end.0);
    let scope = terms.scope.unwrap_or(Scope::Write);
    let row = requester.change(|by, change| match (by, user) {
        (By::Operator, Some(user)) => Ok(change.add_key(user, &NewKey { key, title, scope, expires_at, sources })?),
        (By::Account(rights), _) => {
            let account = rights.changing_account()?;
            let own = rights.key.as_ref();
            let expires_at = match (expires_at, own.and_then(|own| own.expires_at)) {
                (Some(asked), Some(own)) => Some(asked.min(own)),
                (asked, own) => asked.or(own),
            };
            let sources = own.and_then(|own| own.sources.as_ref());
            let new = NewKey { key, title, scope: scope.min(account.scope), expires_at, sources };
            Ok(change.add_key(&account.name, &new)?)
        }
        (By::Operator, None) => Err(Denied::NoAccount.into()),
    })?;
    Ok(key_added(requester.config(), &row, key))
}

/// Lists the keys of the session's account. The operator names an account, or lists all keys.
pub(crate) fn list(
    requester: &Requester<'_>,
    user: Option<&Owner>,
    expiring: Expiring,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let range = KeyRange { after: output.after()?, ending: expiring.period() };
    let table = Keys { holder: "USER", config: requester.config() };
    requester.list(output, &table, |by, view, each| {
        let account = match (by, user) {
            (By::Account(rights), _) => rights.own_account()?.id,
            (By::Operator, Some(user)) => view.user(user)?.id,
            (By::Operator, None) => return Ok(view.keys(&range, each)?),
        };
        Ok(view.keys_of(HolderId::Account(account), &range, each)?)
    })
}

/// Shows a key to the operator.
pub(crate) fn show(requester: &Requester<'_>, fingerprint: &Fingerprint) -> Result<Report, Refused> {
    let (row, key) = requester.read(|_, view| Ok((view.key(fingerprint)?, view.public_key(fingerprint)?)))?;
    Ok(key_page(requester.config(), &row, &key))
}

/// Finds the key that the requester names. Exactly one key of the account that was not removed must have the title. The
/// operator names the account, because titles are unique only within one.
fn find(by: By<'_>, view: &View<'_>, user: Option<&Owner>, key: &KeyReference) -> Result<Fingerprint, Refused> {
    let title = match (key, user) {
        (KeyReference::Fingerprint(fingerprint), None) => return Ok(*fingerprint),
        (KeyReference::Fingerprint(fingerprint), Some(user)) => {
            let (key, user) = (view.key(fingerprint)?, view.user(user)?.name);
            return match &key.holder {
                Holder::Account(holder) if *holder == user => Ok(*fingerprint),
                Holder::Account(_) | Holder::Repository(_) => {
                    Err(ChangeError::NotFound(format!("key {fingerprint} of {user}")).into())
                }
            };
        }
        (KeyReference::Title(title), _) => title,
    };
    let account = match (by, user) {
        (By::Account(rights), _) => rights.own_account()?.id,
        (By::Operator, Some(user)) => view.user(user)?.id,
        (By::Operator, None) => {
            let problem = format!("name the account of the key \"{title}\" with --user USER, or use its fingerprint");
            return Err(Refused::Usage(problem));
        }
    };
    match view.keys_with_title(account, title)?.as_slice() {
        [] => Err(Denied::NoTitle(title.clone()).into()),
        [key] => Ok(key.fingerprint),
        keys => Err(Denied::SameTitle(title.clone(), keys.len()).into()),
    }
}

/// Changes the title of a key. The operator names the account if the key is named by its title.
pub(crate) fn rename(
    requester: &mut Requester<'_>,
    user: Option<&Owner>,
    arguments: &RenameKey,
) -> Result<Report, Refused> {
    let title = title(&arguments.title.title)?;
    let row = requester.change(|by, change| {
        if let By::Account(rights) = by {
            rights.changing_account()?;
        }
        let fingerprint = find(by, change, user, &arguments.key)?;
        if let By::Account(rights) = by {
            rights.own_key(&fingerprint)?;
        }
        change.rename_key(&fingerprint, &title)?;
        Ok(change.key(&fingerprint)?)
    })?;
    let text = format!("renamed {} to \"{title}\"\n", row.fingerprint);
    Ok(Report::new(text, key_json(requester.config(), &row)))
}

/// Removes a key from its account, named as in [`rename`]. The operator confirms each removal. An account confirms only
/// the removal of its last key.
pub(crate) fn remove(
    requester: &mut Requester<'_>,
    user: Option<&Owner>,
    arguments: &RemoveKey,
    confirmation: Confirmation,
) -> Result<Report, Refused> {
    let removal = if arguments.compromised { Removal::Compromised } else { Removal::Ordinary };
    let row = requester.change(|by, change| {
        let fingerprint = match by {
            By::Operator => {
                let key = change.key(&find(by, change, user, &arguments.key)?)?;
                confirmation.require(|| format!("Remove the key \"{}\" of {}?", key.title, key.holder))?;
                key.fingerprint
            }
            By::Account(rights) => {
                let account = rights.changing_account()?;
                let fingerprint = find(by, change, user, &arguments.key)?;
                if arguments.compromised && Some(fingerprint) != rights.forced_command().fingerprint() {
                    return Err(Denied::Compromised.into());
                }
                rights.own_key(&fingerprint)?;
                if change.key_count(account.id)? <= 1 {
                    confirmation
                        .require(|| format!("{fingerprint} is your last key: without it you cannot log in."))?;
                }
                fingerprint
            }
        };
        change.remove_key(&fingerprint, removal)?;
        Ok(change.key(&fingerprint)?)
    })?;
    Ok(key_removed(requester.config(), &row))
}

/// Removes the key in use from its account or repository. A client that proves the key may do so even if the key is
/// expired or the account is disabled.
pub(crate) fn release(peer: &Peer<'_>, confirmation: Confirmation) -> Result<Report, Refused> {
    let (key, holder) = peer.change(|rights, change| {
        let command = rights.forced_command();
        let fingerprint = command.fingerprint().ok_or(Denied::NoKey)?;
        let holder = match (command, &rights.key) {
            (ForcedCommand::Account(..) | ForcedCommand::DeployKey(_), Some(facts)) => match &facts.holder {
                KeyHolder::Account { account, .. } => account.name.to_string(),
                KeyHolder::Repository { path, .. } => path.to_string(),
            },
            _ => return Err(Denied::Unknown(fingerprint).into()),
        };
        confirmation.require(|| format!("{fingerprint} will no longer open {holder}."))?;
        change.remove_key(&fingerprint, Removal::Ordinary)?;
        Ok((change.key(&fingerprint)?, holder))
    })?;
    let text = format!("the key {} is no longer on {holder}\n", key.fingerprint);
    Ok(Report::new(text, key_json(peer.config, &key)))
}
