//! The file of signers, by which git verifies commits.

use super::{By, Denied, Refused, Requester};
use crate::access::{Access, Decision, Denial, Identity};
use crate::clock::now;
use crate::db::WritesTo;
use crate::message::FaultKind;
use crate::name::{HubScope, RepoPath};
use crate::report::writing::Out;
use crate::report::{Report, Signers};

/// Prints the keys of the accounts that may write to a scope. Only the operator may name another scope than a
/// repository. A session must be allowed to fetch from the repository, and reads addresses only if it may write there.
pub(crate) fn list(
    requester: &Requester<'_>,
    scope: &HubScope,
    json: bool,
    out: &mut dyn Out,
) -> Result<Report, Refused> {
    let printed = requester.read(|by, view| {
        let (row, shows_emails) = match scope {
            HubScope::Hub | HubScope::Owner(_) => {
                operator(by)?;
                (None, true)
            }
            HubScope::Repository(path) => {
                let (path, shows_emails) = readable(by, path)?;
                (Some(view.repository(&path)?), shows_emails)
            }
        };
        let place = match (scope, &row) {
            (_, Some(row)) => WritesTo::Repository(row),
            (HubScope::Owner(owner), None) => WritesTo::Owner(owner),
            (HubScope::Hub | HubScope::Repository(_), None) => WritesTo::Hub,
        };
        let mut signers = Signers::new(json, shows_emails, out);
        view.signers(place, now(), &mut |signer| signers.signer(&signer))?;
        signers.finish().map_err(|error| Refused::Fault(FaultKind::Broken, format!("standard output: {error}")))
    });
    match printed {
        Ok(()) => Ok(Report::printed(None)),
        Err(refused) => {
            // Discards the lines that are not sent yet: a refused request gets no part of the file.
            let _ = out.restart();
            Err(refused)
        }
    }
}

fn operator(by: By<'_>) -> Result<(), Refused> {
    match by {
        By::Operator => Ok(()),
        By::Account(_) => Err(Denied::Hub.into()),
    }
}

/// The present path of a repository that the requester may fetch from, and whether it may write there.
fn readable(by: By<'_>, path: &RepoPath) -> Result<(RepoPath, bool), Refused> {
    let rights = match by {
        By::Operator => return Ok((path.clone(), true)),
        By::Account(rights) => rights,
    };
    if matches!(rights.identity, Identity::Anonymous) {
        return Err(Denied::NoAccount.into());
    }
    let served = rights.repository(path)?;
    let writes =
        matches!(rights.decide(Some(&served), Access::Write), Decision::Allow(_) | Decision::Deny(Denial::Frozen));
    Ok((served.path, writes))
}
