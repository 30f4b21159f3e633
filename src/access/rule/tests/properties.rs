//! What holds for rules, patterns and names made at random.

use proptest::prelude::{Just, Strategy, any};
use proptest::sample::select;
use proptest::{collection, prop_assert, prop_assert_eq, prop_oneof};

use super::*;
use crate::tests::holds;

/// Patterns and names that often match: few words, and wildcards in between.
fn pattern() -> impl Strategy<Value = String> {
    let level = select(vec!["a", "b", "*", "a*", "*b", "{user}", "**", "a**"]);
    collection::vec(level, 1..4).prop_map(|levels| format!("refs/heads/{}", levels.join("/")))
}

fn line() -> impl Strategy<Value = String> {
    let actions = select(vec!["all", "create", "update", "force", "delete", "force,delete", "create,update"]);
    let who = select(vec![
        "alice",
        "bob",
        "@read",
        "@write",
        "@admin",
        "@deploy-keys",
        "@everyone",
        "bob @admin",
        "@acme/devs",
        "@acme/ops bob",
        "@acme/gone",
    ]);
    (select(vec!["allow", "deny"]), actions, pattern(), who)
        .prop_map(|(verdict, actions, pattern, who)| format!("{verdict} {actions} {pattern} {who}"))
}

fn name() -> impl Strategy<Value = String> {
    collection::vec(select(vec!["a", "b", "ab", "alice", "bob"]), 1..4)
        .prop_map(|levels| format!("refs/heads/{}", levels.join("/")))
}

/// Rules in three scopes, some of them final, and where another rule comes among them.
type Case = (Vec<(u8, bool, String)>, (u8, bool, String), usize, (Access, Action, String));

fn cases() -> impl Strategy<Value = Case> {
    let placed = || (0..3_u8, any::<bool>(), line());
    let access = select(vec![Access::Write, Access::Admin]);
    let action = select(Action::ALL.to_vec());
    (collection::vec(placed(), 0..8), placed(), any::<usize>(), (access, action, name()))
}

/// The rules of three scopes, without those that cannot be read.
fn sets(placed: &[(u8, bool, String)]) -> RuleSets {
    let mut sets = RuleSets::default();
    for (scope, is_final, line) in placed {
        if line.parse::<Rule<Grantee>>().is_err() {
            continue;
        }
        let mut read = rules(&[line]);
        let of = match scope {
            0 => &mut sets.hub,
            1 => &mut sets.owner,
            _ => &mut sets.repository,
        };
        for rule in &mut read {
            rule.is_final = *is_final && *scope < 2;
        }
        of.append(&mut read);
    }
    sets
}

fn is_allowed(sets: &RuleSets, access: Access, action: Action, name: &str) -> bool {
    let rules = for_identity(sets, &identity(ALICE, "alice"), access, None);
    matches!(decide_ref(&rules, action, name.as_bytes()), RefDecision::Allow(_))
}

#[test]
fn adding_a_deny_never_adds_a_right() {
    let lost = holds(3_000, &cases(), |(placed, (scope, is_final, line), at, (access, action, name))| {
        let before = is_allowed(&sets(&placed), access, action, &name);
        let mut more = placed.clone();
        let deny = line.replacen("allow", "deny", 1);
        more.insert(at % (placed.len() + 1), (scope, is_final, deny));
        let after = is_allowed(&sets(&more), access, action, &name);
        prop_assert!(before || !after);
        Ok(before && !after)
    });
    assert!(lost > 75, "{lost} rights were lost");
}

/// The rules with a team for one user, and for another team.
fn of_team(placed: &[(u8, bool, String)], team: &str) -> Vec<(u8, bool, String)> {
    let line = |line: &str| line.replace(" alice", " @acme/devs").replace("devs", team);
    placed.iter().map(|(scope, is_final, text)| (*scope, *is_final, line(text))).collect()
}

/// The rules without the words of a team.
fn without(sets: &RuleSets, team: i64) -> RuleSets {
    let of = |rules: &[Rule<NamedGrantee>]| {
        let rule = |rule: &Rule<NamedGrantee>| {
            let is_other =
                |who: &&Who<NamedGrantee>| !matches!(who, Who::Named(named) if named.row == GranteeRow::Team(team));
            Rule { who: rule.who.iter().filter(is_other).cloned().collect(), ..rule.clone() }
        };
        rules.iter().map(rule).collect()
    };
    RuleSets { hub: of(&sets.hub), owner: of(&sets.owner), repository: of(&sets.repository) }
}

#[test]
fn a_member_of_another_team_never_matches() {
    let strategy = (cases(), any::<bool>(), select(vec![None, Some(Role::NoAccess), Some(Role::Write)]));
    let named = holds(6_000, &strategy, |((placed, _, _, (access, action, name)), is_in_ops, role)| {
        let teams: &[i64] = if is_in_ops { &[OPS] } else { &[] };
        let sets = sets(&of_team(&placed, "devs"));
        let decided = |teams: &[i64], sets: &RuleSets| {
            let rules = for_member_of(teams, sets, &identity(ALICE, "alice"), access, role);
            let deciding = |rule: &AppliedRule| (rule.verdict, rule.actions, rule.pattern.clone());
            match decide_ref(&rules, action, name.as_bytes()) {
                RefDecision::Allow(rule) => (true, rule.map(deciding)),
                RefDecision::Deny(rule) => (false, Some(deciding(rule))),
            }
        };
        let without = without(&sets, DEVS);
        prop_assert_eq!(decided(teams, &sets), decided(teams, &without));
        let changes = decided(&[DEVS], &sets) != decided(&[DEVS], &without);
        prop_assert!(!changes || role.is_some());
        Ok(changes)
    });
    assert!(named > 75, "{named} rules decided about a member of the team");
}

#[test]
fn the_removal_of_a_team_never_adds_a_right() {
    let strategy = (cases(), any::<bool>());
    let lost = holds(3_000, &strategy, |((placed, _, _, (access, action, name)), is_in)| {
        let (placed, gone) = (of_team(&placed, "devs"), of_team(&placed, "gone"));
        let teams: &[i64] = if is_in { &[DEVS] } else { &[] };
        let is_allowed = |placed: &[(u8, bool, String)]| {
            let rules = for_member_of(teams, &sets(placed), &identity(ALICE, "alice"), access, Some(Role::Write));
            matches!(decide_ref(&rules, action, name.as_bytes()), RefDecision::Allow(_))
        };
        let (before, after) = (is_allowed(&placed), is_allowed(&gone));
        prop_assert!(before || !after);
        Ok(before && !after)
    });
    assert!(lost > 20, "{lost} rights were lost");
}

#[test]
fn moving_rules_that_do_not_name_the_ref_changes_nothing() {
    let moved = holds(3_000, &cases(), |(mut placed, unrelated, at, (access, action, name))| {
        let (scope, is_final, line) = unrelated;
        let line = line.replace("refs/heads/", "refs/tags/");
        if line.parse::<Rule<Grantee>>().is_err() {
            return Ok(false);
        }
        let decided = |placed: &[(u8, bool, String)]| {
            let rules = for_identity(&sets(placed), &identity(ALICE, "alice"), access, None);
            let deciding = |rule: &AppliedRule| (rule.verdict, rule.actions, rule.pattern.clone());
            match decide_ref(&rules, action, name.as_bytes()) {
                RefDecision::Allow(rule) => (true, rule.map(deciding)),
                RefDecision::Deny(rule) => (false, Some(deciding(rule))),
            }
        };
        let before = decided(&placed);
        let place = at % (placed.len() + 1);
        placed.insert(place, (scope, is_final, line));
        prop_assert_eq!(&decided(&placed), &before);
        let moved = placed.remove(place);
        placed.push(moved);
        prop_assert_eq!(&decided(&placed), &before);
        Ok(before.1.is_some())
    });
    assert!(moved > 300, "{moved} were decided by a rule");
}

#[test]
fn a_name_is_matched_with_its_directories_where_the_pattern_matches_one_of_them() {
    let matched = holds(3_000, &(pattern(), name()), |(pattern, name)| {
        let Ok(pattern) = pattern.parse::<Pattern>() else { return Ok(false) };
        let ends = name.match_indices('/').map(|(end, _)| end).chain([name.len()]);
        let expected = ends.map(|end| &name[..end]).any(|above| pattern.matches(above.as_bytes()));
        prop_assert_eq!(pattern.matches_above(name.as_bytes()), expected, "{} {}", pattern, name);
        Ok(expected)
    });
    assert!(matched > 500, "{matched}");
}

#[test]
fn the_user_of_a_pattern_never_matches_another_name() {
    let characters = select("aAbB09_.-".chars().collect::<Vec<_>>());
    let name = collection::vec(characters, 1..6).prop_map(|chars| chars.into_iter().collect::<String>());
    let part = prop_oneof![Just(""), Just("a"), Just("-"), Just(".x"), Just("u.")];
    let before = select(vec!["refs/heads/", "refs/heads/*/", "refs/**/", "refs/heads/a*/"]);
    let behind = select(vec!["", "/x", "/*", "/**"]);
    let strategy = (before, part.clone(), part, behind, name.clone(), name);
    let matched = holds(3_000, &strategy, |(before, prefix, suffix, behind, own, other)| {
        let (Ok(user), Ok(other)) = (own.parse::<Owner>(), other.parse::<Owner>()) else { return Ok(false) };
        let pattern: Pattern = format!("{before}{prefix}{{user}}{suffix}{behind}").parse().unwrap();
        let pattern = pattern.for_user(Some(&user)).unwrap();
        // Read again as the hook reads it.
        prop_assert_eq!(pattern.to_string().parse(), Ok(pattern.clone()));
        let name = |user: &Owner| {
            let before = before.replace("**", "heads").replace('*', "z");
            format!("{before}{prefix}{user}{suffix}{}", behind.replace("**", "p/q").replace('*', "p"))
        };
        prop_assert!(pattern.matches(name(&user).as_bytes()));
        prop_assert_eq!(pattern.matches(name(&other).as_bytes()), user == other);
        Ok(user != other)
    });
    assert!(matched > 750, "{matched} pairs of names");
}
