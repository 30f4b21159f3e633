//! Invitations: one-time codes that add a key to an account.

use serde_json::json;

use super::{Denied, Refused, Requester};
use crate::config::AnonymousMode;
use crate::db::Code;
use crate::message::FaultKind;
use crate::name::Owner;
use crate::report::when::minute;
use crate::report::{Report, json_time};

/// Creates a one-time code for an account, for the operator.
pub(crate) fn invite(requester: &mut Requester<'_>, user: &Owner, expires_at: i64) -> Result<Report, Refused> {
    let config = requester.config();
    let (ssh, input) = match config.access.anonymous {
        AnonymousMode::AnyKey => (config.address().ssh(), ""),
        AnonymousMode::Login => (config.anonymous_address().ssh(), ""),
        // In this mode, sshd does not verify unknown keys, so the client sends the key on standard input.
        AnonymousMode::Fallback => (config.address().ssh(), " < ~/.ssh/id_ed25519.pub"),
        AnonymousMode::Off => return Err(Denied::NoJoin.into()),
    };
    let code = Code::random().map_err(|error| Refused::Fault(FaultKind::Broken, error.to_string()))?;
    requester.change(|_, change| Ok(change.invite(user, &code, expires_at)?))?;
    let command = format!("{ssh} join {}{input}", code.as_str());
    let end = minute(Some(expires_at));
    let text =
        format!("{}\n{user} can run this command once until {end} and adds a key with it: {command}\n", code.as_str());
    let json = json!({ "code": code.as_str(), "command": command, "user": user.as_str(), "expires_at": json_time(Some(expires_at)) });
    Ok(Report::new(text, json))
}
