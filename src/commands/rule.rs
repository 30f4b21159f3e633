//! Rules for refs, of the hub, of an owner or of a repository.

use serde_json::json;

use super::arguments::{AddRule, MoveRule, OfScope, Protect, Unprotect};
use super::proposal::AsProposal;
use super::team::{check_may_name, knows_teams};
use super::{By, Denied, Output, Refused, Requester};
use crate::access::rule::{Action, AppliedRule, RefDecision, Who, decide_ref};
use crate::config::Config;
use crate::db::{NumberedRule, View, check_team_in};
use crate::name::{Grantee, HubScope};
use crate::push::check_ref;
use crate::report::{Report, Rules, rule_json, with_fields};
use crate::word::counted;

/// Lists the rules of a scope, in the order in which they are asked.
pub(crate) fn list(requester: &Requester<'_>, scope: &HubScope, output: &mut Output<'_>) -> Result<Report, Refused> {
    let after: Option<usize> = output.after()?;
    requester.list(output, &Rules, |by, view, each| {
        let scope = administered(by, view, scope)?;
        let with_teams = may_read_teams(by, view, &scope)?;
        Ok(view.rules_of(&scope, after.unwrap_or_default(), &mut |row| each(shown(row, with_teams)))?)
    })
}

/// Adds a rule.
pub(crate) fn add(requester: &mut Requester<'_>, arguments: &AddRule) -> Result<Report, Refused> {
    let rule = arguments.rule()?;
    requester.change(|by, change| {
        let scope = administered(by, change, &arguments.scope)?;
        check_teams(by, change, &scope, &rule.who)?;
        let added = change.add_rule(&scope, &rule, arguments.at.map(usize::from))?;
        let added = shown(added, may_read_teams(by, change, &scope)?);
        Ok(report(&scope, &added, &format!("rule {} of {}: {}", added.number, scope.phrase(), added.rule)))
    })
}

/// Removes a rule.
pub(crate) fn remove(requester: &mut Requester<'_>, arguments: &OfScope) -> Result<Report, Refused> {
    requester.change(|by, change| {
        let scope = administered(by, change, &arguments.scope)?;
        let removed = change.remove_rule(&scope, arguments.number.into())?;
        let removed = shown(removed, may_read_teams(by, change, &scope)?);
        Ok(report(
            &scope,
            &removed,
            &format!("removed rule {} of {}: {}", removed.number, scope.phrase(), removed.rule),
        ))
    })
}

/// Gives a rule another number.
pub(crate) fn set_number(requester: &mut Requester<'_>, arguments: &MoveRule) -> Result<Report, Refused> {
    let MoveRule { rule: OfScope { scope, number }, to } = arguments;
    requester.change(|by, change| {
        let scope = administered(by, change, scope)?;
        let moved = change.move_rule(&scope, (*number).into(), (*to).into())?;
        let moved = shown(moved, may_read_teams(by, change, &scope)?);
        let report =
            report(&scope, &moved, &format!("rule {number} of {} is rule {to} now: {}", scope.phrase(), moved.rule));
        Ok(Report { json: with_fields(report.json, [("before", (*number).into())]), ..report })
    })
}

/// Protects branches of a repository.
pub(crate) fn protect(requester: &mut Requester<'_>, arguments: &Protect) -> Result<Report, Refused> {
    let Protect { path, branch, update } = arguments;
    requester.change(|by, change| {
        let path = by.administered(change, path)?.path;
        check_teams(by, change, &HubScope::Repository(path.clone()), update)?;
        let rules = change.protect(&path, &branch.0, update)?;
        let lines: String =
            rules.iter().map(|rule| format!("rule {} of {path}: {}\n", rule.number, rule.rule)).collect();
        let json = json!({
            "path": path.to_string(), "branches": branch.0.as_str(),
            "rules": rules.iter().map(rule_json).collect::<Vec<_>>(),
        });
        Ok(Report::new(lines, json))
    })
}

/// Ends the protection of branches.
pub(crate) fn unprotect(requester: &mut Requester<'_>, arguments: &Unprotect) -> Result<Report, Refused> {
    let Unprotect { path, branch } = arguments;
    requester.change(|by, change| {
        let path = by.administered(change, path)?.path;
        let removed = change.unprotect(&path, &branch.0)?;
        let rules = counted(u64::try_from(removed).unwrap_or(u64::MAX), "rule", "rules");
        let json = json!({ "path": path.to_string(), "branches": branch.0.as_str(), "removed_rules": removed });
        Ok(Report::new(format!("removed {rules} of {path}: {} is no longer protected\n", branch.0), json))
    })
}

/// What names, rules and rights on proposals say about a change of a ref: the decision as the last step of an
/// explanation. `proposal` is what proposals have to do with it.
pub(crate) fn judge(
    config: &Config,
    rules: &[AppliedRule],
    (who, proposal): (&str, &AsProposal),
    (name, action): (&str, Action),
) -> (bool, String) {
    match (proposal, check_ref(name.as_bytes(), &config.git.refs)) {
        (AsProposal::Refused(reason), _) => return (false, format!("deny: {name} is not accepted: {reason}")),
        // A ref may be removed whatever its name is.
        (AsProposal::NotOne, Err(reason)) if action != Action::Delete => {
            return (false, format!("deny: {name} is not accepted: {reason}"));
        }
        (AsProposal::NotOne | AsProposal::Accepted, Ok(()) | Err(_)) => {}
    }
    let phrase = action.phrase();
    match decide_ref(rules, action, name.as_bytes()) {
        RefDecision::Deny(rule) => (false, format!("deny: {name}: {who} may not {phrase} ({})", rule.label)),
        RefDecision::Allow(Some(rule)) => (true, format!("allow: {name}: {who} may {phrase} ({})", rule.label)),
        RefDecision::Allow(None) => (true, format!("allow: {name}: {who} may {phrase} (no rule names it)")),
    }
}

/// The scope with its present names, if the requester administers it. The hub is the operator's alone.
pub(super) fn administered(by: By<'_>, view: &View<'_>, scope: &HubScope) -> Result<HubScope, Refused> {
    match (scope, by) {
        (HubScope::Repository(path), by) => Ok(HubScope::Repository(by.administered(view, path)?.path)),
        (HubScope::Hub, By::Account(rights)) => {
            rights.changing_account()?;
            Err(Denied::Hub.into())
        }
        (HubScope::Hub, By::Operator) => Ok(HubScope::Hub),
        (HubScope::Owner(owner), by) => {
            by.check_administers(owner)?;
            Ok(view.present_scope(scope)?)
        }
    }
}

/// Refuses teams that rules of a scope cannot name, whether they exist or not, and teams that the requester may not
/// know.
pub(super) fn check_teams(by: By<'_>, view: &View<'_>, scope: &HubScope, who: &[Who<Grantee>]) -> Result<(), Refused> {
    for who in who {
        if let Who::Named(name @ Grantee::Team(team)) = who {
            check_team_in(scope, team)?;
            check_may_name(by, view, name)?;
        }
    }
    Ok(())
}

/// Whether the requester may know the teams that rules and checks of a scope name.
pub(super) fn may_read_teams(by: By<'_>, view: &View<'_>, scope: &HubScope) -> Result<bool, Refused> {
    match scope {
        HubScope::Hub => Ok(true),
        HubScope::Owner(owner) => knows_teams(by, view, owner),
        HubScope::Repository(path) => knows_teams(by, view, &path.owner),
    }
}

/// The rule as a reader sees it who may know of teams, or may not.
fn shown(row: NumberedRule, with_teams: bool) -> NumberedRule {
    if with_teams { row } else { NumberedRule { rule: row.rule.without_teams(), ..row } }
}

/// One rule as a line and as an object.
fn report(scope: &HubScope, rule: &NumberedRule, line: &str) -> Report {
    Report::new(format!("{line}\n"), with_fields(rule_json(rule), [("scope", scope.to_string().into())]))
}
