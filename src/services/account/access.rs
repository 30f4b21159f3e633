//! `access …`: asking to pass a gate, and answering who asks.

use serde_json::json;

use super::cli::AccessCommand;
use super::{Outcome, Session, Trouble};
use crate::access::{Access, Decision, Denial, GateRequest};
use crate::message::Refusal;
use crate::name::{Owner, RepoPath};
use crate::report::{answer_report, requests_report};

pub(super) fn run(session: &Session<'_>, command: AccessCommand) -> Result<Outcome, Trouble> {
    match command {
        AccessCommand::Request { path } => request(session, &path),
        AccessCommand::List { path } => {
            let requests = session.read(|rights| {
                let served = rights.administered(&path)?;
                Ok(rights.gate_requests(&rights.repository_row(&served)?)?)
            })?;
            let report = requests_report(&requests);
            Ok(Outcome::new(report.text, report.json))
        }
        AccessCommand::Grant { path, user, until } => {
            answer(session, &path, &user, GateRequest::Accepted, until.map(|until| until.0))
        }
        AccessCommand::Reject { path, user } => answer(session, &path, &user, GateRequest::Rejected, None),
        AccessCommand::Revoke { path, user } => answer(session, &path, &user, GateRequest::None, None),
    }
}

/// Asks to pass. A repository that is hidden from everybody does not exist here either.
fn request(session: &Session<'_>, path: &RepoPath) -> Result<Outcome, Trouble> {
    session.change(|rights, change| {
        let account = rights.changing_account()?;
        let served = rights.find(path)?;
        let served = match (rights.decide(served.as_ref(), Access::Fetch), served) {
            (Decision::Deny(Denial::Gated(_)), Some(served)) => served,
            (Decision::Allow(_), Some(served)) => {
                return Err(Trouble::Refused(format!("you may fetch {} already", served.path)));
            }
            (Decision::Allow(_) | Decision::Deny(_), _) => return Err(Trouble::Refusal(Refusal::NoRepository)),
        };
        let state = change.request_access(&served.path, &account.name)?;
        let text = match state {
            GateRequest::Accepted => format!("you may fetch {} from now on\n", served.path),
            GateRequest::Pending | GateRequest::None => {
                format!("your request for {} waits for an answer\n", served.path)
            }
            GateRequest::Rejected => return Err(Trouble::Refusal(Refusal::Gated(served.path, GateRequest::Rejected))),
        };
        Ok(Outcome::new(text, json!({ "path": served.path.to_string(), "state": state.as_str() })))
    })
}

fn answer(
    session: &Session<'_>,
    path: &RepoPath,
    user: &Owner,
    state: GateRequest,
    until: Option<i64>,
) -> Result<Outcome, Trouble> {
    session.change(|rights, change| {
        let served = rights.administered(path)?;
        change.answer_access(&served.path, user, state, until)?;
        let report = answer_report(&served.path, user, state, until);
        Ok(Outcome::new(report.text, report.json))
    })
}
