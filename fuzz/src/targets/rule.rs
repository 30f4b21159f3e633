//! Rules for refs.

use arbitrary::Unstructured;
use hubgate::access::rule::{
    Action, AppliedRule, GranteeRow, KnownTeams, NamedGrantee, RefDecision, Rule, RuleSets, Rules, ShownAs, Subject,
    Verdict, applied, decide_ref,
};
use hubgate::access::{Access, Account, Gate, Grant, Identity, RepositoryFacts, Role, Scope, Visibility};
use hubgate::name::Grantee;

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
        match line.parse::<Rule<Grantee>>() {
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
        role: Some(Grant { value: Role::NoAccess, until: None }),
        collaborator: None,
        team: None,
        gate_request: None,
    };
    let path = "acme/x".parse().expect("a path");
    let teams = KnownTeams([(20, true), (21, false)].into());
    let subject = Subject {
        identity: &identity,
        access,
        path: &path,
        facts: &facts,
        teams: &teams,
        now: 0,
        is_for_operator: true,
    };
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

/// Checks the forms of a rule. Returns it with rows: of users, 7 for alice and 8 for any other; of teams, 20 for
/// acme/devs, to which the account belongs, 21 for acme/ops, and 22 for any other, which is gone.
fn sound(rule: &Rule<Grantee>) -> Rule<NamedGrantee> {
    let line = rule.to_string();
    assert_eq!(line.parse().as_ref(), Ok(rule), "{line}");
    assert!(!line.contains(char::is_control));
    let row = |name: &Grantee| match (name, name.to_string().as_str()) {
        (Grantee::User(_), "alice") => GranteeRow::User(7),
        (Grantee::User(_), _) => GranteeRow::User(8),
        (Grantee::Team(_), "@acme/devs") => GranteeRow::Team(20),
        (Grantee::Team(_), "@acme/ops") => GranteeRow::Team(21),
        (Grantee::Team(_), _) => GranteeRow::Team(22),
    };
    let stored = rule.with_names(|name| Ok::<_, ()>(row(name))).expect("a rule");
    let text = Rules(vec![stored.clone(), stored]).to_string();
    assert_eq!(text.parse::<Rules<GranteeRow>>().map(|rules| rules.to_string()), Ok(text));
    let named = |name: &Grantee| {
        let row = row(name);
        let shown = if row == GranteeRow::Team(22) { ShownAs::Gone } else { ShownAs::Name };
        Ok::<_, ()>(NamedGrantee { row, name: name.clone(), shown })
    };
    rule.with_names(named).expect("a rule")
}
