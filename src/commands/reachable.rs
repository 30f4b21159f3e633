//! The repositories that an account may fetch as owner, member or collaborator.

use std::ops::ControlFlow;

use super::{By, Output, Refused, Requester};
use crate::access::{Access, Account, Decision, Identity, Scope, decide};
use crate::clock::now;
use crate::name::{Owner, RepoPath};
use crate::report::{Reachable, Report};

/// Lists the repositories that the session's account may fetch, with its access, because it owns them, is a member of
/// their organization, or is a collaborator. Other public and internal repositories are not listed.
///
/// The operator names the account. A disabled account reaches nothing.
pub(crate) fn list(
    requester: &Requester<'_>,
    user: Option<&Owner>,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let after: Option<RepoPath> = output.after()?;
    requester.list(output, &Reachable, |by, view, each| {
        let (identity, now) = match (by, user) {
            (By::Account(rights), _) => {
                rights.account()?;
                (rights.identity.clone(), rights.now)
            }
            (By::Operator, Some(user)) => {
                let row = view.user(user)?;
                if row.disabled.is_some() {
                    return Ok(());
                }
                (Identity::Account(Account { id: row.id, name: row.name, scope: Scope::Write }), now())
            }
            (By::Operator, None) => return Err(Refused::Usage("name the user".to_owned())),
        };
        let (Identity::Account(account) | Identity::Certificate { account, .. }) = &identity else { return Ok(()) };
        Ok(view.reachable_repositories(account.id, now, after.as_ref(), &mut |(row, facts)| {
            // A certificate counts only on repositories of the organization that owns its authority.
            let counts = identity.account_at(facts.owner).is_some();
            match decide(&identity, Some(&facts), Access::Fetch, now) {
                Decision::Allow(access) if counts => {
                    let access = if row.frozen.is_some() { access.min(Access::Fetch) } else { access };
                    each((row, access))
                }
                Decision::Allow(_) | Decision::Deny(_) => ControlFlow::Continue(()),
            }
        })?)
    })
}
