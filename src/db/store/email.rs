//! E-mail addresses of users. `former_name` leads from an address to its user, so that no two users have the same one.

use serde_json::json;

use super::list::Each;
use super::{Change, ChangeError};
use crate::db::emails::{AccountEmail, EmailState, Emails, stored_emails};
use crate::db::engine::values;
use crate::db::{Error, View};
use crate::name::{Email, Owner};

/// The most addresses of one account.
const MOST: usize = 32;

/// An address and its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEmail {
    /// The account.
    pub user: Owner,
    /// The address.
    pub email: AccountEmail,
}

/// A position in the list of all addresses: `USER/ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailPosition {
    /// The account.
    pub user: Owner,
    /// The address.
    pub address: Email,
}

impl std::fmt::Display for EmailPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.user, self.address)
    }
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected USER/ADDRESS")]
pub struct BadPosition;

impl std::str::FromStr for EmailPosition {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (user, address) = text.split_once('/').ok_or(BadPosition)?;
        Ok(Self { user: user.parse().map_err(|_| BadPosition)?, address: address.parse().map_err(|_| BadPosition)? })
    }
}

impl View<'_> {
    /// The addresses of an account, in their order. Begins behind the address `after`.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn emails_of(&self, user: &Owner, after: Option<&Email>, each: Each<'_, UserEmail>) -> Result<(), ChangeError> {
        let user = self.user(user)?;
        let Emails(emails) = self.stored_emails_of(user.id)?;
        let after = after.map(Email::folded).unwrap_or_default();
        for email in emails.into_iter().filter(|email| email.address.folded() > after) {
            if each(UserEmail { user: user.name.clone(), email }).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The addresses of all accounts, by account. Begins behind a position.
    ///
    /// # Errors
    /// [`Error`].
    pub fn emails(&self, after: Option<&EmailPosition>, each: Each<'_, UserEmail>) -> Result<(), Error> {
        let (user, address) = after.map(|after| (after.user.folded(), after.address.folded())).unwrap_or_default();
        let query = "SELECT name, folded, emails FROM owner WHERE folded >= ?1 AND emails IS NOT NULL ORDER BY folded";
        self.connection.each(query, values![&user], |row| {
            let (name, folded): (Owner, String) = (row.word("name")?, row.get("folded")?);
            let Emails(emails) = stored_emails(row, "emails")?;
            let is_behind = |email: &AccountEmail| folded > user || email.address.folded() > address;
            let mut flow = std::ops::ControlFlow::Continue(());
            for email in emails.into_iter().filter(is_behind) {
                flow = each(UserEmail { user: name.clone(), email });
                if flow.is_break() {
                    break;
                }
            }
            Ok(flow)
        })
    }

    fn stored_emails_of(&self, user: i64) -> Result<Emails, Error> {
        let query = "SELECT emails FROM owner WHERE id = ?1";
        Ok(self.connection.first(query, values![user], |row| stored_emails(row, "emails"))?.unwrap_or_default())
    }

    /// The row and the name of the account that has an address, confirmed or not.
    fn holder_of_email(&self, address: &Email) -> Result<Option<(i64, Owner)>, Error> {
        let query = "SELECT o.id, o.name FROM former_name f JOIN owner o ON o.id = f.owner_id
                     WHERE f.folded = ?1 AND o.folded IS NOT NULL";
        self.connection.first(query, values![&address.folded()], |row| Ok((row.get("id")?, row.word("name")?)))
    }
}

impl Change<'_> {
    /// Gives an account an address that it claims itself. No other account may have it, confirmed or not.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`], which does not say which account has the address.
    pub fn claim_email(&self, user: &Owner, address: &Email) -> Result<UserEmail, ChangeError> {
        let row = self.user(user)?;
        match self.holder_of_email(address)? {
            Some((id, _)) if id == row.id => {
                Err(ChangeError::Conflict(format!("{} has the address {address} already", row.name)))
            }
            Some(_) => Err(ChangeError::Conflict(format!("the address {address} is already in use: ask the operator"))),
            None => self.add_email(row.id, &row.name, address, EmailState::Claimed),
        }
    }

    /// Gives an account an address for which the operator vouches. The claim of another account ends.
    ///
    /// # Errors
    /// [`ChangeError::Conflict`] if the operator has confirmed it before.
    pub fn confirm_email(&self, user: &Owner, address: &Email) -> Result<UserEmail, ChangeError> {
        let row = self.user(user)?;
        if let Some((id, holder)) = self.holder_of_email(address)? {
            if self.user_with_email(address)? == Some(id) {
                let release = format!("hubgate user email remove {holder} {address}");
                return Err(ChangeError::Conflict(if id == row.id {
                    format!("{holder} has the address {address} already")
                } else {
                    format!("the address {address} is already in use by {holder}: to free it run {release}")
                }));
            }
            if id != row.id {
                self.remove_email(&holder, address)?;
            }
        }
        self.add_email(row.id, &row.name, address, EmailState::Confirmed)
    }

    fn add_email(&self, id: i64, user: &Owner, address: &Email, state: EmailState) -> Result<UserEmail, ChangeError> {
        let Emails(mut emails) = self.stored_emails_of(id)?;
        emails.retain(|email| email.address.folded() != address.folded());
        if emails.len() >= MOST {
            return Err(ChangeError::Conflict(format!("{user} would have more than {MOST} addresses")));
        }
        let email = AccountEmail { address: address.clone(), state, added_at: self.now };
        emails.push(email.clone());
        emails.sort_by_key(|email| email.address.folded());
        self.store_emails(id, &Emails(emails))?;
        // The table may have a row of an account that was removed.
        let query = "INSERT INTO former_name (folded, owner_id, since) VALUES (?1, ?2, ?3)
                     ON CONFLICT (folded) DO UPDATE SET owner_id = excluded.owner_id, since = excluded.since";
        self.connection.execute(query, values![&address.folded(), id, self.now])?;
        let detail = json!({ "email": address.as_str(), "state": state.as_str() });
        self.audit("user.add_email", user.as_str(), &detail)?;
        Ok(UserEmail { user: user.clone(), email })
    }

    /// Removes an address from an account.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if the account does not have it.
    pub fn remove_email(&self, user: &Owner, address: &Email) -> Result<UserEmail, ChangeError> {
        let user = self.user(user)?;
        let Emails(mut emails) = self.stored_emails_of(user.id)?;
        let index = emails.iter().position(|email| email.address.folded() == address.folded());
        let index = index.ok_or_else(|| ChangeError::NotFound(format!("address {address} of {}", user.name)))?;
        let email = emails.remove(index);
        self.store_emails(user.id, &Emails(emails))?;
        self.free_email(user.id, &email)?;
        let detail = json!({ "email": email.address.as_str(), "state": email.state.as_str() });
        self.audit("user.remove_email", user.name.as_str(), &detail)?;
        Ok(UserEmail { user: user.name, email })
    }

    /// Removes all addresses of an account that is removed itself.
    pub(super) fn free_emails(&self, owner: i64) -> Result<(), ChangeError> {
        let Emails(emails) = self.stored_emails_of(owner)?;
        emails.iter().try_for_each(|email| self.free_email(owner, email))?;
        self.store_emails(owner, &Emails::default())
    }

    fn free_email(&self, owner: i64, email: &AccountEmail) -> Result<(), ChangeError> {
        let query = "DELETE FROM former_name WHERE folded = ?1 AND owner_id = ?2";
        self.connection.execute(query, values![&email.address.folded(), owner])?;
        Ok(())
    }

    fn store_emails(&self, owner: i64, emails: &Emails) -> Result<(), ChangeError> {
        let text = (!emails.0.is_empty()).then(|| emails.to_string());
        self.connection.execute("UPDATE owner SET emails = ?2 WHERE id = ?1", values![owner, text.as_ref()])?;
        Ok(())
    }
}
