//! Rules for refs.

use arbitrary::Unstructured;
use hubgate::access::MustSign;
use hubgate::access::rule::{
    Action, AppliedRule, GranteeRow, KnownTeams, NamedGrantee, PathRule, PathRules, RefDecision, Rule, RuleSets, Rules,
    ShownAs, Subject, Verdict, applied, decide_ref,
};
use hubgate::access::{Access, Account, Gate, Grant, Identity, RepositoryFacts, Role, Scope, Visibility};
use hubgate::name::Grantee;

use crate::input::{bytes, is_sentence, one_of, text};

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

/// The name of a path, and rules for paths in one of their two forms, or the value of the check `signed`.
///
/// Rules read back in both forms. They match what a slow and simple comparison matches. A rule that denies allows
/// nothing, wherever it is added.
pub fn path_rules(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let path = bytes(&mut u);
    let text = String::from_utf8_lossy(u.take_rest()).into_owned();
    if let Ok(must_sign) = text.parse::<MustSign>() {
        sound_signers(&must_sign, path);
    }
    let rules = match text.parse::<PathRules<GranteeRow>>() {
        Ok(rules) => rules,
        Err(error) => {
            assert!(is_sentence(&error.to_string().replace("...", "")), "{error}");
            return false;
        }
    };
    assert!(!rules.word().contains([' ', '\n']));
    assert_eq!(rules.word().parse().as_ref(), Ok(&rules));
    assert_eq!(rules.to_string().parse().as_ref(), Ok(&rules));
    let is_denied = rules.denies(path).is_some();
    if path.len() <= 16 {
        let first = rules.rules.iter().find(|rule| concerns_slowly(rule, path));
        assert_eq!(is_denied, first.is_some_and(|rule| rule.verdict == Verdict::Deny), "{rules} {path:?}");
    }
    let deny: PathRules<GranteeRow> = "deny **/b* @everyone".parse().expect("a rule");
    for place in 0..=rules.rules.len() {
        let mut more = rules.clone();
        more.rules.splice(place..place, deny.rules.clone());
        assert!(!is_denied || more.denies(path).is_some());
    }
    true
}

/// Whether a rule concerns a path. One that denies also concerns it in another case, and in the place of a directory
/// above the files of the rule.
fn concerns_slowly(rule: &PathRule<GranteeRow>, path: &[u8]) -> bool {
    let pattern = format!("/{}", rule.pattern);
    match rule.verdict {
        Verdict::Allow => names_slowly(&pattern, path),
        Verdict::Deny => {
            let (pattern, path) = (pattern.to_ascii_lowercase(), path.to_ascii_lowercase());
            let literal = pattern.split(['*', '{']).next().unwrap_or_default().as_bytes();
            names_slowly(&pattern, &path) || literal.starts_with(&[b"/", &path[..], b"/"].concat())
        }
    }
}

fn sound_signers(must_sign: &MustSign, name: &[u8]) {
    assert_eq!(must_sign.to_string().parse().as_ref(), Ok(must_sign));
    assert!(!must_sign.word().contains([' ', '\n']) && must_sign.word().parse().as_ref() == Ok(must_sign));
    // What decides before the number of a proposal is known leaves none out.
    assert!(!name.starts_with(b"refs/pr/") || !must_sign.names(name) || must_sign.may_name_below("refs/pr/"));
}

/// Whether a pattern with a `/` before it matches a path, or a directory that contains it.
fn names_slowly(pattern: &str, path: &[u8]) -> bool {
    let path = [b"/", path].concat();
    let ends = (1..path.len()).filter(|end| path[*end] == b'/');
    ends.chain([path.len()]).any(|end| matches_slowly(pattern.as_bytes(), &path[..end]))
}

/// Whether a whole pattern matches a whole path. Without `{user}`, which stands for nothing here.
fn matches_slowly(pattern: &[u8], path: &[u8]) -> bool {
    let rest_of = |word: &[u8]| pattern.strip_prefix(word).map(<[u8]>::to_vec);
    if rest_of(b"{user}").is_some() {
        return false;
    }
    if rest_of(b"/**/").is_some() {
        // The last `/` of the pattern is the first of its rest.
        let rest = &pattern[4..];
        let begins = (0..path.len()).filter(|end| path[*end] == b'/').map(|end| end + 1);
        return path.starts_with(b"/") && begins.into_iter().any(|begin| matches_slowly(rest, &path[begin..]));
    }
    if let Some(rest) = rest_of(b"**") {
        return (0..=path.len()).any(|begin| matches_slowly(&rest, &path[begin..]));
    }
    if let Some(rest) = rest_of(b"*") {
        let level = path.iter().take_while(|byte| **byte != b'/').count();
        return (0..=level).any(|begin| matches_slowly(&rest, &path[begin..]));
    }
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((one, pattern)), Some((other, path))) => one == other && matches_slowly(pattern, path),
        (_, _) => false,
    }
}
