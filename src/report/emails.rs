//! E-mail addresses of accounts.

use serde_json::{Value, json};

use super::json_time;
use super::listing::{Column, Table};
use super::when::minute;
use crate::db::{EmailPosition, UserEmail};

/// A list of the addresses of one account, or of all.
pub(crate) struct Emails {
    pub(crate) of_all: bool,
}

impl Table<UserEmail> for Emails {
    fn columns(&self) -> Vec<Column> {
        let user = self.of_all.then_some(Column::new("USER"));
        user.into_iter().chain([Column::new("ADDRESS"), Column::new("STATE"), Column::days("ADDED", 10)]).collect()
    }

    fn cells(&self, row: &UserEmail) -> Vec<String> {
        let UserEmail { user, email } = row;
        let cells =
            [user.to_string(), email.address.to_string(), email.state.to_string(), minute(Some(email.added_at))];
        cells.into_iter().skip(usize::from(!self.of_all)).collect()
    }

    fn json(&self, row: &UserEmail) -> Value {
        email_json(row)
    }

    fn position(&self, row: &UserEmail) -> String {
        let UserEmail { user, email } = row.clone();
        if self.of_all { EmailPosition { user, address: email.address }.to_string() } else { email.address.to_string() }
    }
}

/// An address in JSON.
pub(crate) fn email_json(row: &UserEmail) -> Value {
    json!({
        "user": row.user.as_str(), "email": row.email.address.as_str(), "state": row.email.state.as_str(),
        "added_at": json_time(Some(row.email.added_at)),
    })
}
