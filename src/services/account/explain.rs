//! `explain PATH fetch|push [--ref REF --action ACTION]`: why policy and rules allow or deny.

use serde_json::json;

use crate::access::rule::Action;
use crate::access::{Access, Decision, Visibility};
use crate::commands::team::by_teams;
use crate::commands::{Peer, Refused, proposal, rule};
use crate::message::{Refusal, Status};
use crate::name::RepoPath;
use crate::report::{Report, chain};
use crate::request::Service;
use crate::session::SessionContext;
use crate::session::rules::{self, Reading};

pub(super) fn run(
    peer: &Peer<'_>,
    context: &SessionContext,
    path: &RepoPath,
    what: &str,
    change: Option<(&str, Action)>,
) -> Result<Report, Refused> {
    let needed = if what == "push" { Service::ReceivePack.needs() } else { Access::Fetch };
    if change.is_some() && needed == Access::Fetch {
        return Err(Refused::Usage("--ref and --action explain a push".to_owned()));
    }
    peer.read(|rights, view| {
        let served = rights.find(path)?;
        let decision = rights.decide(served.as_ref(), needed);
        // A repository that is not public and that the session may not fetch looks missing, as in every command.
        let hidden = !matches!(rights.decide(served.as_ref(), Access::Fetch), Decision::Allow(_));
        let Some(served) = served.filter(|served| !hidden || served.facts.visibility == Visibility::Public) else {
            return Err(Refused::Refusal(Refusal::NoRepository));
        };
        let user = rights.forced_command().user();
        let by_teams = by_teams(view, &rights.identity, Some(&served), rights.now)?;
        let mut chain = chain(user, context.key.as_ref(), &rights.identity, Some(&served), &by_teams, decision);
        let mut is_allowed = matches!(decision, Decision::Allow(_));
        if let (true, Some(change)) = (is_allowed, change) {
            let applied = rules::rules_and_checks(view, &rights.identity, &served, rights.now, Reading::Session)?.0;
            let place = (&rights.identity, &served);
            let as_proposal = proposal::explain(view, peer.config, place, change, rights.now)?;
            let who = rules::who(&rights.identity);
            let (may, step) = rule::judge(peer.config, &applied, (&who, &as_proposal), change);
            is_allowed = may;
            chain.push(step);
        }
        let text = chain.iter().map(|line| format!("{line}\n")).collect::<String>();
        let verdict = if is_allowed { "allow" } else { "deny" };
        let reason = chain.last().cloned().unwrap_or_default();
        let mut report = Report::new(text, json!({ "decision": verdict, "reason": reason, "chain": chain }));
        report.status = if is_allowed { Status::Done } else { Status::Refused };
        Ok(report)
    })
}
