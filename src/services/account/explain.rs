//! `explain PATH fetch|push`: why the policy allows or denies.

use serde_json::json;

use crate::access::{Access, Decision, Visibility};
use crate::commands::{Peer, Refused};
use crate::message::{Refusal, Status};
use crate::name::RepoPath;
use crate::report::{Report, chain};
use crate::session::SessionContext;

pub(super) fn run(peer: &Peer<'_>, context: &SessionContext, path: &RepoPath, what: &str) -> Result<Report, Refused> {
    let needed = if what == "push" { Access::Write } else { Access::Fetch };
    peer.read(|rights, _| {
        let served = rights.find(path)?;
        let decision = rights.decide(served.as_ref(), needed);
        // A repository that is not public and that the session may not fetch looks missing, as in every command.
        let hidden = !matches!(rights.decide(served.as_ref(), Access::Fetch), Decision::Allow(_));
        let Some(served) = served.filter(|served| !hidden || served.facts.visibility != Visibility::Private) else {
            return Err(Refused::Refusal(Refusal::NoRepository));
        };
        let user = rights.forced_command().user();
        let chain = chain(user, context.key.as_ref(), &rights.identity, Some(&served), decision);
        let text = chain.iter().map(|line| format!("{line}\n")).collect::<String>();
        let is_allowed = matches!(decision, Decision::Allow(_));
        let verdict = if is_allowed { "allow" } else { "deny" };
        let reason = chain.last().cloned().unwrap_or_default();
        let mut report = Report::new(text, json!({ "decision": verdict, "reason": reason, "chain": chain }));
        report.status = if is_allowed { Status::Done } else { Status::Refused };
        Ok(report)
    })
}
