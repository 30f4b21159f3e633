//! Invitations: one-time codes that add a key to an account.

use serde_json::json;

use super::{Refused, Requester};
use crate::db::Code;
use crate::message::FaultKind;
use crate::name::Owner;
use crate::report::when::minute;
use crate::report::{Report, json_time};

/// Creates a one-time code for an account, for the operator.
pub(crate) fn invite(requester: &mut Requester<'_>, user: &Owner, expires_at: i64) -> Result<Report, Refused> {
    let code = Code::random().map_err(|error| Refused::Fault(FaultKind::Broken, error.to_string()))?;
    requester.change(|_, change| Ok(change.invite(user, &code, expires_at)?))?;
    let config = requester.config();
    let command = format!("ssh {}@{} join {}", config.ssh.login, config.hub.host, code.as_str());
    let end = minute(Some(expires_at));
    let text = format!(
        "{}\n{user} adds a key to the account with this command, once, until {end}: {command}\n",
        code.as_str()
    );
    let json = json!({ "code": code.as_str(), "user": user.as_str(), "expires_at": json_time(Some(expires_at)) });
    Ok(Report::new(text, json))
}
