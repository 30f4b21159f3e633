//! `explain PATH fetch|push`: why one may, or may not.

use serde_json::json;

use super::{Outcome, Session, Trouble};
use crate::access::{Access, Decision, Visibility};
use crate::message::Refusal;
use crate::name::RepoPath;
use crate::report::chain;

pub(super) fn run(session: &Session<'_>, path: &RepoPath, what: &str) -> Result<Outcome, Trouble> {
    let needed = if what == "push" { Access::Write } else { Access::Fetch };
    session.read(|rights| {
        let served = rights.find(path)?;
        let decision = rights.decide(served.as_ref(), needed);
        // What the session may not fetch and is not public does not exist, in this command as in every other.
        let hidden = !matches!(rights.decide(served.as_ref(), Access::Fetch), Decision::Allow(_));
        let Some(served) = served.filter(|served| !hidden || served.facts.visibility != Visibility::Private) else {
            return Err(Trouble::Refusal(Refusal::NoRepository));
        };
        let chain = chain(session.form.user(), session.key, &rights.identity, Some(&served), decision);
        let text = chain.iter().map(|line| format!("{line}\n")).collect::<String>();
        let verdict = if matches!(decision, Decision::Allow(_)) { "allow" } else { "deny" };
        let reason = chain.last().cloned().unwrap_or_default();
        Ok(Outcome::new(text, json!({ "decision": verdict, "reason": reason, "chain": chain })))
    })
}
