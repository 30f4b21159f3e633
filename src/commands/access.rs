//! Gates of repositories: requests to fetch, and the answers to them.

use super::arguments::GrantAccess;
use super::{Denied, Output, Peer, Refused, Requester};
use crate::access::{Access, Decision, Denial, GateMode, GateRequest, Visibility};
use crate::message::Refusal;
use crate::name::{Owner, RepoPath};
use crate::report::{Report, Requests, answer_report, request_json};

/// Requests access to a gated repository, for the session's account. A hidden repository looks missing here too.
pub(crate) fn request(peer: &Peer<'_>, path: &RepoPath) -> Result<Report, Refused> {
    peer.change(|rights, change| {
        let account = rights.changing_account()?;
        let served = rights.find(path)?;
        let served = match (rights.decide(served.as_ref(), Access::Fetch), served) {
            (Decision::Deny(Denial::Gated(_)), Some(served)) => served,
            (Decision::Allow(_), Some(served)) => return Err(Denied::Fetches(served.path).into()),
            (Decision::Allow(_) | Decision::Deny(_), _) => return Err(Refused::Refusal(Refusal::NoRepository)),
        };
        let state = change.request_access(&served.path, &account.name)?;
        let text = match state {
            GateRequest::Accepted => format!("you may fetch {} from now on\n", served.path),
            GateRequest::Pending | GateRequest::None => format!("your request for {} is pending\n", served.path),
            GateRequest::Rejected => {
                return Err(Refused::Refusal(Refusal::Gated(served.path, GateRequest::Rejected)));
            }
        };
        let request = change.gate_request(served.facts.id, &account.name)?;
        Ok(Report::new(text, request_json(&served.path, &account.name, request.as_ref())))
    })
}

/// Lists the requests on a repository.
pub(crate) fn list(requester: &Requester<'_>, path: &RepoPath, output: &mut Output<'_>) -> Result<Report, Refused> {
    let after: Option<Owner> = output.after()?;
    requester.list(output, &Requests { path }, |by, view, each| {
        Ok(view.gate_requests(by.administered(view, path)?.id, after.as_ref(), each)?)
    })
}

/// Lets a user pass the gate, with or without a request.
pub(crate) fn grant(requester: &mut Requester<'_>, arguments: &GrantAccess) -> Result<Report, Refused> {
    let GrantAccess { path, user, until } = arguments;
    answer(requester, path, user, GateRequest::Accepted, until.second())
}

/// Answers a request, or withdraws the answer with [`GateRequest::None`].
pub(crate) fn answer(
    requester: &mut Requester<'_>,
    path: &RepoPath,
    user: &Owner,
    state: GateRequest,
    until: Option<i64>,
) -> Result<Report, Refused> {
    requester.change(|by, change| {
        let row = by.administered(change, path)?;
        let is_gated = row.gate != GateMode::None && row.visibility == Visibility::Public;
        // A request from before the gate was removed can still be deleted.
        if !is_gated && state != GateRequest::None {
            return Err(Denied::NoGate(row.path).into());
        }
        change.answer_access(&row.path, user, state, until)?;
        Ok(answer_report(&row.path, user, change.gate_request(row.id, user)?.as_ref()))
    })
}
