//! Rules for refs.

use arbitrary::Unstructured;
use hubgate::access::rule::{
    AccountRow, Action, AppliedRule, NamedUser, RefDecision, Rule, RuleSets, Rules, Subject, Verdict, applied,
    decide_ref,
};
use hubgate::access::{Access, Account, Gate, Identity, RepositoryFacts, Scope, Visibility};
use hubgate::name::Owner;

use crate::input::{is_sentence, one_of, text};

/// A few bytes that choose the identity and the action, the name of a ref, and lines of rules.
///
/// A rule reads back as it is printed, in each of its forms. A rule that denies gives no right, wherever it is added.
pub fn ref_rules(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let (is_deploy, access) = (u.arbitrary().unwrap_or(false), one_of(&mut u, &[Access::Write, Access::Admin]));
    let action = one_of(&mut u, Action::ALL);
    let name = text(&mut u).to_owned();
    let lines = String::from_utf8_lossy(u.take_rest()).into_owned();
    let mut rules = Vec::new();
    for line in lines.split('\n') {
        match line.parse::<Rule<Owner>>() {
            Ok(rule) => rules.push(sound(&rule)),
            Err(error) => assert!(is_sentence(&error.to_string()), "{error}"),
        }
    }
    let identity = if is_deploy {
        Identity::DeployKey { repository: 70, scope: Scope::Write }
    } else {
        Identity::Account(Account { id: 7, name: "alice".parse().expect("a name"), scope: Scope::Write })
    };
    let facts = RepositoryFacts {
        id: 70,
        owner: 9,
        visibility: Visibility::Private,
        gate: Gate::Open,
        frozen: None,
        accepts_proposals: false,
        created_by_account: false,
        role: None,
        collaborator: None,
        team: None,
        gate_request: None,
    };
    let path = "acme/x".parse().expect("a path");
    let subject =
        Subject { identity: &identity, access, path: &path, facts: &facts, now: 0, is_for_operator: true };
    let judged = |sets: &RuleSets| -> Vec<AppliedRule> {
        let rules = applied(sets, &subject);
        for rule in &rules {
            assert!(!rule.to_string().contains('\n'));
            assert_eq!(rule.to_string().parse().as_ref(), Ok(rule));
        }
        rules
    };
    let is_allowed = |rules: &[AppliedRule]| {
        let decision = decide_ref(rules, action, name.as_bytes());
        matches!(decision, RefDecision::Allow(_))
    };
    let sets = RuleSets { hub: rules.clone(), owner: rules.clone(), repository: rules.clone() };
    let before = is_allowed(&judged(&sets));
    for (index, rule) in rules.iter().enumerate() {
        let denying = Rule { verdict: Verdict::Deny, ..rule.clone() };
        for scope in 0..3 {
            let mut more = sets.clone();
            [&mut more.hub, &mut more.owner, &mut more.repository][scope].insert(index, denying.clone());
            assert!(before || !is_allowed(&judged(&more)), "{denying}");
        }
        if rules.len() > 8 {
            break;
        }
    }
    !rules.is_empty()
}

/// Checks the forms of a rule. Returns it with rows of users: 7 for alice, 8 for any other.
fn sound(rule: &Rule<Owner>) -> Rule<NamedUser> {
    let line = rule.to_string();
    assert_eq!(line.parse().as_ref(), Ok(rule), "{line}");
    assert!(!line.contains(char::is_control));
    let row = |user: &Owner| if user.as_str() == "alice" { 7 } else { 8 };
    let stored = rule.with_users(|user| Ok::<_, ()>(AccountRow(row(user)))).expect("a rule");
    let text = Rules(vec![stored.clone(), stored]).to_string();
    assert_eq!(text.parse::<Rules<AccountRow>>().map(|rules| rules.to_string()), Ok(text));
    let named = |user: &Owner| Ok::<_, ()>(NamedUser { id: row(user), name: user.clone() });
    rule.with_users(named).expect("a rule")
}
