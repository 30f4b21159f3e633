//! `hubgate access`: who may pass a gate.

use super::cli::AccessCommand;
use super::context::{Context, actor};
use super::failure::Failure;
use crate::access::GateRequest;
use crate::name::{Owner, RepoPath};
use crate::report::{Report, answer_report, requests_report};

pub(super) fn run(command: AccessCommand, mut context: Context) -> Result<Report, Failure> {
    match command {
        AccessCommand::List { path } => {
            let repository = context.store.view().repository(&path)?;
            let requests = context.store.view().gate_requests(&repository)?;
            Ok(requests_report(&requests))
        }
        AccessCommand::Grant { path, user, until } => {
            answer(&mut context, &path, &user, GateRequest::Accepted, until.map(|until| until.0))
        }
        AccessCommand::Reject { path, user } => answer(&mut context, &path, &user, GateRequest::Rejected, None),
        AccessCommand::Revoke { path, user } => answer(&mut context, &path, &user, GateRequest::None, None),
    }
}

fn answer(
    context: &mut Context,
    path: &RepoPath,
    user: &Owner,
    state: GateRequest,
    until: Option<i64>,
) -> Result<Report, Failure> {
    context.store.change(&actor(), |change| change.answer_access(path, user, state, until))?;
    Ok(answer_report(path, user, state, until))
}
