//! E-mail addresses of accounts.
//!
//! hubgate sends no mail. An address that an account adds itself is a claim, and names the account nowhere. Only an
//! address that the operator has confirmed names the account, in signatures and in files of signers.

use super::{By, Denied, Output, Refused, Requester};
use crate::db::{EmailPosition, EmailState};
use crate::name::{Email, Owner};
use crate::report::{Emails, Report, email_json};

/// Gives an account an address. The operator names the account and confirms the address. A session claims it.
pub(crate) fn add(requester: &mut Requester<'_>, user: Option<&Owner>, address: &Email) -> Result<Report, Refused> {
    requester.change(|by, change| {
        let user = changed(by, user)?;
        let row = match by {
            By::Operator => change.confirm_email(user, address)?,
            By::Account(_) => change.claim_email(user, address)?,
        };
        let hint = match row.email.state {
            EmailState::Confirmed => "",
            EmailState::Claimed => " (claimed: the operator can confirm it)",
        };
        Ok(Report::new(format!("added {} to {}{hint}\n", row.email.address, row.user), email_json(&row)))
    })
}

/// Removes an address from an account.
pub(crate) fn remove(requester: &mut Requester<'_>, user: Option<&Owner>, address: &Email) -> Result<Report, Refused> {
    requester.change(|by, change| {
        let row = change.remove_email(changed(by, user)?, address)?;
        Ok(Report::new(format!("removed {} from {}\n", row.email.address, row.user), email_json(&row)))
    })
}

/// Lists the addresses of the session's account. The operator names an account, or lists all addresses.
pub(crate) fn list(
    requester: &Requester<'_>,
    user: Option<&Owner>,
    output: &mut Output<'_>,
) -> Result<Report, Refused> {
    let of_all = matches!((requester, user), (Requester::Operator { .. }, None));
    if of_all {
        let after: Option<EmailPosition> = output.after()?;
        return requester.list(output, &Emails { of_all }, |_, view, each| Ok(view.emails(after.as_ref(), each)?));
    }
    let after: Option<Email> = output.after()?;
    requester.list(output, &Emails { of_all }, |by, view, each| {
        let user = match (by, user) {
            (By::Account(rights), _) => &rights.own_account()?.name,
            (By::Operator, Some(user)) => user,
            (By::Operator, None) => return Err(Denied::NoAccount.into()),
        };
        Ok(view.emails_of(user, after.as_ref(), each)?)
    })
}

/// The account whose addresses change.
fn changed<'a>(by: By<'a>, user: Option<&'a Owner>) -> Result<&'a Owner, Refused> {
    match (by, user) {
        (By::Account(rights), _) => Ok(&rights.changing_account()?.name),
        (By::Operator, Some(user)) => Ok(user),
        (By::Operator, None) => Err(Denied::NoAccount.into()),
    }
}
