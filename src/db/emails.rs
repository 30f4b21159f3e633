//! E-mail addresses of users, as the column `owner.emails` has them, and the user that an address names.

use std::fmt;
use std::str::FromStr;

use super::engine::{Row, values};
use super::{Error, View};
use crate::name::Email;
use crate::word::words;

words! {
    /// Who vouches that an address belongs to an account.
    pub enum EmailState {
        /// Only the account, so the address does not name the account yet.
        Claimed = "claimed",
        /// The operator.
        Confirmed = "confirmed",
    }
}

/// An e-mail address of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEmail {
    /// The address.
    pub address: Email,
    /// Who vouches for it.
    pub state: EmailState,
    /// When it got this state, in seconds UTC since 1970.
    pub added_at: i64,
}

/// The addresses of an account in the order of their folded text, a line each: `ADDRESS STATE SECOND`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Emails(pub(super) Vec<AccountEmail>);

impl fmt::Display for Emails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut end = "";
        self.0.iter().try_for_each(|AccountEmail { address, state, added_at }| {
            write!(f, "{}{address} {state} {added_at}", std::mem::replace(&mut end, "\n"))
        })
    }
}

/// The text is no list of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadEmails;

impl FromStr for Emails {
    type Err = BadEmails;

    fn from_str(text: &str) -> Result<Self, BadEmails> {
        let email = |line: &str| {
            let mut words = line.split(' ');
            let [Some(address), Some(state), Some(second), None] = std::array::from_fn(|_| words.next()) else {
                return None;
            };
            Some(AccountEmail {
                address: address.parse().ok()?,
                state: state.parse().ok()?,
                added_at: second.parse().ok()?,
            })
        };
        text.split('\n').map(email).collect::<Option<_>>().map(Self).ok_or(BadEmails)
    }
}

/// The addresses in a column; none if it is NULL.
pub(super) fn stored_emails(row: &Row<'_>, column: &str) -> Result<Emails, Error> {
    Ok(row.optional_word(column)?.unwrap_or_default())
}

impl View<'_> {
    /// The row of the user that an address names, because the operator has confirmed it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn user_with_email(&self, address: &Email) -> Result<Option<i64>, Error> {
        let query = "SELECT o.id, o.emails FROM former_name f JOIN owner o ON o.id = f.owner_id
                     WHERE f.folded = ?1 AND o.folded IS NOT NULL";
        let folded = address.folded();
        let found = self.connection.first(query, values![&folded], |row| {
            let Emails(emails) = stored_emails(row, "emails")?;
            let is_confirmed =
                |email: &AccountEmail| email.state == EmailState::Confirmed && email.address.folded() == folded;
            Ok(if emails.iter().any(is_confirmed) { Some(row.get("id")?) } else { None })
        });
        Ok(found?.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_they_are_written_and_other_texts_are_refused() {
        let text = "a@x confirmed 1\nb@x claimed 1700000000";
        assert_eq!(text.parse::<Emails>().unwrap().to_string(), text);
        for bad in ["", "a@x", "a@x confirmed", "a@x yes 1", "a@x confirmed 1 ", "a@x confirmed 1\n", "*@x claimed 1"] {
            assert_eq!(bad.parse::<Emails>(), Err(BadEmails), "{bad}");
        }
    }
}
