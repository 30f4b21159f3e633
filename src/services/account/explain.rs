//! `explain PATH fetch|push`: why one may, or may not.

use serde_json::json;

use super::{Outcome, Session, Trouble};
use crate::access::{Access, Decision, Visibility, decide};
use crate::message::Refusal;
use crate::name::RepoPath;
use crate::report::chain;

pub(super) fn run(session: &Session<'_>, path: &RepoPath, what: &str) -> Result<Outcome, Trouble> {
    let needed = if what == "push" { Access::Write } else { Access::Fetch };
    let served = session.find(path)?;
    let facts = served.as_ref().map(|served| &served.facts);
    let decision = decide(&session.identity, facts, needed, session.now);
    // What one may not fetch and is not public does not exist, in this command as in every other.
    let hidden = !matches!(decide(&session.identity, facts, Access::Fetch, session.now), Decision::Allow(_));
    let (Some(served), false) = (&served, hidden && facts.is_none_or(|facts| facts.visibility == Visibility::Private))
    else {
        return Err(Trouble::Refusal(Refusal::NoRepository));
    };
    let who = session.form.user();
    let chain = chain(who, session.key, &session.identity, Some(served), decision);
    let text = chain.iter().map(|line| format!("{line}\n")).collect::<String>();
    let verdict = if matches!(decision, Decision::Allow(_)) { "allow" } else { "deny" };
    let reason = chain.last().cloned().unwrap_or_default();
    Ok(Outcome::new(text, json!({ "decision": verdict, "reason": reason, "chain": chain })))
}
