mod properties;

use super::{
    Action, Actions, AppliedRule, BadPattern, BadRule, GranteeRow, KnownTeams, NamedGrantee, Pattern, RefDecision,
    Rule, RuleSets, Rules, ShownAs, Subject, Verdict, Who, applied, decide_ref, is_protection, protection,
};
use crate::access::{Access, Account, Gate, Grant, Identity, RepositoryFacts, Role, Scope, Visibility};
use crate::name::{Grantee, Owner, RepoPath};

const OWNER: i64 = 9;
const ALICE: i64 = 7;
const BOB: i64 = 8;

fn identity(id: i64, name: &str) -> Identity {
    Identity::Account(Account { id, name: name.parse().unwrap(), scope: Scope::Write })
}

fn facts(role: Option<Role>) -> RepositoryFacts {
    RepositoryFacts {
        id: 70,
        owner: OWNER,
        visibility: Visibility::Private,
        gate: Gate::Open,
        frozen: None,
        accepts_proposals: false,
        created_by_account: false,
        role: role.map(|value| Grant { value, until: None }),
        collaborator: None,
        team: None,
        gate_request: None,
    }
}

/// The teams of acme that there are.
const DEVS: i64 = 20;
const OPS: i64 = 21;

/// Reads rules whose users are `alice` and `bob`. Of their teams, `@acme/devs` and `@acme/ops` are not gone.
fn rules(lines: &[&str]) -> Vec<Rule<NamedGrantee>> {
    let named = |name: &Grantee| -> Result<NamedGrantee, BadRule> {
        let (row, shown) = match name.to_string().as_str() {
            "alice" => (GranteeRow::User(ALICE), ShownAs::Name),
            "bob" => (GranteeRow::User(BOB), ShownAs::Name),
            "@acme/devs" => (GranteeRow::Team(DEVS), ShownAs::Name),
            "@acme/ops" => (GranteeRow::Team(OPS), ShownAs::Name),
            _ => (GranteeRow::Team(22), ShownAs::Gone),
        };
        Ok(NamedGrantee { row, name: name.clone(), shown })
    };
    lines.iter().map(|line| line.parse::<Rule<Grantee>>().unwrap().with_names(named).unwrap()).collect()
}

fn for_identity(sets: &RuleSets, identity: &Identity, access: Access, role: Option<Role>) -> Vec<AppliedRule> {
    for_member_of(&[], sets, identity, access, role)
}

/// The rules for an identity whose account is in these teams.
fn for_member_of(
    teams: &[i64],
    sets: &RuleSets,
    identity: &Identity,
    access: Access,
    role: Option<Role>,
) -> Vec<AppliedRule> {
    let path: RepoPath = "acme/x".parse().unwrap();
    let facts = facts(role);
    let known = KnownTeams([DEVS, OPS].map(|team| (team, teams.contains(&team))).into());
    let subject =
        Subject { identity, access, path: &path, facts: &facts, teams: &known, now: 1_000, is_for_operator: false };
    applied(sets, &subject)
}

#[test]
fn a_rule_reads_back_as_it_is_printed() {
    for line in [
        "allow all ** @everyone",
        "deny force,delete refs/heads/main @everyone",
        "final deny create refs/tags/** @read @write @admin @deploy-keys alice bob.x @acme/devs",
        "allow create,update,force refs/heads/users/{user}/** @write",
        "deny update refs/heads/größe-* alice",
    ] {
        assert_eq!(line.parse::<Rule<Grantee>>().unwrap().to_string(), line);
    }
    let same = |text: &str| text.parse::<Rule<Grantee>>().unwrap().to_string();
    assert_eq!(same("  deny  delete,force,force ** alice "), "deny force,delete ** alice");
    assert_eq!(same("deny delete,force,update,create ** alice"), "deny all ** alice");
}

#[test]
fn the_database_has_rules_with_the_rows_of_users() {
    let text = "final deny force refs/heads/** #7 @#7 @admin\nallow all ** @everyone";
    assert_eq!(text.parse::<Rules<GranteeRow>>().unwrap().to_string(), text);
    for bad in ["alice", "#0", "#-1", "#", "#7\n", "@acme/devs", "@#0", "@#", "#@7", "@#7/", "##7"] {
        assert!(format!("allow all ** {bad}").parse::<Rules<GranteeRow>>().is_err(), "{bad:?}");
    }
    assert!("".parse::<Rules<GranteeRow>>().is_err());
    // No account and no team can have such a name.
    for row in ["#7", "@#7"] {
        assert!(row.parse::<Grantee>().is_err());
    }
}

/// Teams, the role in the owning organization, and whether an identity has the right of a rule.
#[test]
fn a_team_in_a_rule_means_its_members_and_a_team_that_is_gone_gives_nothing() {
    let account = identity(ALICE, "alice");
    let Identity::Account(alice) = account.clone() else { panic!() };
    let of = |organization| Identity::Certificate { account: alice.clone(), organization };
    let deploy_key = Identity::DeployKey { repository: 70, scope: Scope::Write };
    let is_allowed = |line: &str, teams: &[i64], identity: &Identity, role: Option<Role>| {
        let rest = if line.starts_with("allow") { "deny all ** @everyone" } else { "allow all ** @everyone" };
        let sets = RuleSets { repository: rules(&[line, rest]), ..RuleSets::default() };
        let rules = for_member_of(teams, &sets, identity, Access::Write, role);
        matches!(decide_ref(&rules, Action::Update, b"refs/heads/a"), RefDecision::Allow(_))
    };
    let no_access = Some(Role::NoAccess);
    for (teams, identity, role, is_in) in [
        (&[DEVS][..], &account, no_access, true),
        (&[DEVS], &account, Some(Role::Write), true),
        (&[DEVS, OPS], &account, no_access, true),
        (&[DEVS], &of(OWNER), no_access, true),
        (&[OPS], &account, Some(Role::Write), false),
        (&[], &account, Some(Role::Write), false),
        // Only members of the organization are in its teams.
        (&[DEVS], &account, None, false),
        (&[DEVS], &of(OWNER + 1), no_access, false),
        (&[DEVS], &deploy_key, None, false),
        (&[DEVS], &Identity::Anonymous, None, false),
    ] {
        let said = format!("{teams:?} {identity:?} {role:?}");
        assert_eq!(is_allowed("allow update ** @acme/devs", teams, identity, role), is_in, "{said}");
        assert_eq!(is_allowed("deny update ** @acme/devs", teams, identity, role), !is_in, "{said}");
        assert!(!is_allowed("allow update ** @acme/gone", teams, identity, role), "{said}");
        assert!(!is_allowed("deny update ** @acme/gone", teams, identity, role), "{said}");
        assert!(is_allowed("deny force ** @acme/gone", teams, identity, role), "{said}");
    }
}

#[test]
fn a_membership_that_has_ended_is_no_membership_of_a_team() {
    let (path, account) = ("acme/x".parse().unwrap(), identity(ALICE, "alice"));
    let teams = KnownTeams([(DEVS, true)].into());
    let facts = RepositoryFacts { role: Some(Grant { value: Role::Read, until: Some(1_000) }), ..facts(None) };
    let sets = RuleSets { repository: rules(&["allow all ** @acme/devs"]), ..RuleSets::default() };
    let rules = |now| {
        let (identity, access) = (&account, Access::Write);
        let (path, facts, teams) = (&path, &facts, &teams);
        applied(&sets, &Subject { identity, access, path, facts, teams, now, is_for_operator: false })
    };
    assert_eq!((rules(999).len(), rules(1_000).len()), (1, 0));
}

#[test]
fn only_members_of_the_organization_read_which_team_a_rule_names() {
    let sets = RuleSets {
        repository: rules(&["deny all ** @acme/devs @acme/gone bob @everyone"]),
        owner: rules(&["deny all ** @acme/ops @everyone"]),
        ..RuleSets::default()
    };
    let labels = |identity: &Identity, role| -> Vec<String> {
        for_identity(&sets, identity, Access::Write, role).into_iter().map(|rule| rule.label).collect()
    };
    let alice = identity(ALICE, "alice");
    let member = "rule 1 of acme/x: deny all ** @acme/devs @acme/gone(gone) bob @everyone";
    assert_eq!(labels(&alice, Some(Role::Read)), [member, "rule 1 of acme: deny all ** @acme/ops @everyone"]);
    assert_eq!(labels(&alice, Some(Role::NoAccess)), [member, "a rule of acme"]);
    let guest = ["rule 1 of acme/x: deny all ** @acme/... @acme/... bob @everyone", "a rule of acme"];
    assert_eq!(labels(&alice, None), guest);
    assert_eq!(labels(&Identity::DeployKey { repository: 70, scope: Scope::Write }, None), guest);
}

#[test]
fn a_text_that_is_not_a_rule_is_rejected_with_its_reason() {
    let many = format!("allow all **{}", " alice".repeat(65));
    let long = format!("allow all refs/heads/{} alice", "x".repeat(250));
    for (line, why) in [
        ("", BadRule::Shape),
        ("allow", BadRule::Shape),
        ("allow all **", BadRule::Shape),
        ("permit all ** alice", BadRule::Shape),
        ("final final deny all ** alice", BadRule::Shape),
        ("allow push ** alice", BadRule::Actions),
        ("allow create, ** alice", BadRule::Actions),
        ("allow create,all ** alice", BadRule::Actions),
        ("allow all main alice", BadRule::Pattern(BadPattern::Place)),
        ("allow all * alice", BadRule::Pattern(BadPattern::Place)),
        ("allow all refs/heads/v[0-9] alice", BadRule::Pattern(BadPattern::Character)),
        ("allow all refs/heads/v? alice", BadRule::Pattern(BadPattern::Character)),
        ("allow all refs/heads/a\u{202e}b alice", BadRule::Pattern(BadPattern::Character)),
        ("allow all refs/heads/ alice", BadRule::Pattern(BadPattern::Level)),
        ("allow all refs//main alice", BadRule::Pattern(BadPattern::Level)),
        ("allow all refs/heads/*** alice", BadRule::Pattern(BadPattern::Wildcards)),
        ("allow all refs/**/**/x alice", BadRule::Pattern(BadPattern::Wildcards)),
        ("allow all refs/a*a*a*a*a*a*a*a*a* alice", BadRule::Pattern(BadPattern::Wildcards)),
        ("allow all refs/heads/{name}/* alice", BadRule::Pattern(BadPattern::User)),
        ("allow all refs/heads/{user}* alice", BadRule::Pattern(BadPattern::User)),
        ("allow all refs/heads/*{user} alice", BadRule::Pattern(BadPattern::User)),
        ("allow all refs/heads/{user}{user} alice", BadRule::Pattern(BadPattern::User)),
        ("allow all refs/heads/{user}/{user} alice", BadRule::Pattern(BadPattern::User)),
        ("allow all ** @all", BadRule::Who),
        ("allow all ** @", BadRule::Who),
        ("allow all ** -x", BadRule::Who),
        (&many, BadRule::Names),
        (&long, BadRule::Long),
    ] {
        assert_eq!(line.parse::<Rule<Grantee>>(), Err(why), "{line}");
    }
}

#[test]
fn a_star_matches_within_a_level_and_two_stars_match_at_any_depth() {
    for (pattern, matched, others) in [
        ("**", &["refs/heads/main", "HEAD", "refs/x/y/z"][..], &[][..]),
        ("refs/heads/main", &["refs/heads/main"], &["refs/heads/main2", "refs/heads/mai", "refs/heads/main/x", "x"]),
        ("refs/heads/*", &["refs/heads/main", "refs/heads/-"], &["refs/heads/a/b", "refs/heads", "refs/tags/a"]),
        ("refs/heads/v*.x", &["refs/heads/v.x", "refs/heads/v1.2.x"], &["refs/heads/v/.x", "refs/heads/v1.xy"]),
        ("refs/heads/*/x", &["refs/heads/a/x"], &["refs/heads/x", "refs/heads/a/b/x", "refs/heads/a/x/x"]),
        ("refs/heads/**", &["refs/heads/a", "refs/heads/a/b/c"], &["refs/tags/a", "refs/heads"]),
        ("refs/heads/main**", &["refs/heads/main", "refs/heads/main2", "refs/heads/main/x"], &["refs/heads/mai"]),
        ("refs/heads/**/x", &["refs/heads/x", "refs/heads/a/x", "refs/heads/a/b/x"], &["refs/heads/ax", "refs/heads"]),
        ("refs/**/a/*", &["refs/a/b", "refs/x/a/b", "refs/a/a/b"], &["refs/a", "refs/xa/b", "refs/a/b/c"]),
        ("refs/heads/a*b*c", &["refs/heads/abc", "refs/heads/abbcc"], &["refs/heads/acb", "refs/heads/ab/c"]),
        ("refs/heads/**z", &["refs/heads/z", "refs/heads/a/bz"], &["refs/heads/a/b"]),
        // A name that was not given in place of `{user}` matches nothing.
        ("refs/heads/{user}", &[], &["refs/heads/{user}", "refs/heads/"]),
    ] {
        let pattern: Pattern = pattern.parse().unwrap();
        for name in matched {
            assert!(pattern.matches(name.as_bytes()), "{pattern} {name}");
        }
        for name in others {
            assert!(!pattern.matches(name.as_bytes()), "{pattern} {name}");
        }
    }
    assert!("refs/heads/*".parse::<Pattern>().unwrap().matches(b"refs/heads/\xff"));
}

#[test]
fn a_comparison_with_many_wildcards_ends_at_once() {
    let pattern: Pattern = "refs/**a*a*a*a*a*a*b".parse().unwrap();
    assert!(!pattern.matches(format!("refs/{}", "a".repeat(10_000)).as_bytes()));
}

/// Rules of hub, owner and repository; an identity, an action and a ref; the decision and the label of its rule.
///
/// `writer` is a member of the owner with the role write, `guest` writes as a collaborator, `admin` has the role admin,
/// and `key` is a deploy key.
#[test]
fn the_first_rule_that_names_identity_action_and_ref_decides() {
    let sets = RuleSets {
        hub: rules(&["final deny delete refs/tags/v* @everyone", "deny all refs/notes/** @everyone"]),
        owner: rules(&[
            "final deny create refs/heads/wip/** @everyone",
            "final allow delete refs/tags/v1 @everyone",
            "deny force refs/heads/** @everyone",
        ]),
        repository: rules(&[
            "allow all refs/heads/users/{user}/** @write",
            "deny all refs/heads/users/** @everyone",
            "allow update refs/heads/main bob @admin",
            "deny all refs/heads/main @everyone",
            "allow all refs/heads/wip/** @everyone",
            "deny all refs/heads/ci/** @deploy-keys",
            "allow force refs/heads/fix-* @admin",
        ]),
    };
    let repository = |number: usize| format!("rule {number} of acme/x: {}", sets.repository.get(number - 1).unwrap());
    for (who, action, name, is_allowed, label) in [
        // No rule names it.
        ("writer", Action::Create, "refs/heads/a", true, None),
        ("writer", Action::Delete, "refs/tags/a", true, None),
        ("key", Action::Update, "refs/heads/a", true, None),
        // The repository's rules.
        ("writer", Action::Force, "refs/heads/users/alice/a", true, Some(repository(1))),
        ("writer", Action::Create, "refs/heads/users/bob/a", false, Some(repository(2))),
        ("writer", Action::Create, "refs/heads/users/alice", false, Some(repository(2))),
        ("key", Action::Create, "refs/heads/users/alice/a", false, Some(repository(2))),
        ("writer", Action::Update, "refs/heads/main", false, Some(repository(4))),
        ("admin", Action::Update, "refs/heads/main", true, Some(repository(3))),
        ("bob", Action::Update, "refs/heads/main", true, Some(repository(3))),
        ("bob", Action::Force, "refs/heads/main", false, Some(repository(4))),
        ("admin", Action::Delete, "refs/heads/main", false, Some(repository(4))),
        ("key", Action::Create, "refs/heads/ci/a", false, Some(repository(6))),
        ("writer", Action::Create, "refs/heads/ci/a", true, None),
        ("admin", Action::Force, "refs/heads/fix-1", true, Some(repository(7))),
        // The owner's rules: members of the owner may read them.
        (
            "writer",
            Action::Force,
            "refs/heads/fix-1",
            false,
            Some("rule 3 of acme: deny force refs/heads/** @everyone".to_owned()),
        ),
        ("guest", Action::Force, "refs/heads/a", false, Some("a rule of acme".to_owned())),
        ("key", Action::Force, "refs/heads/a", false, Some("a rule of acme".to_owned())),
        (
            "admin",
            Action::Create,
            "refs/heads/wip/a",
            false,
            Some("rule 1 of acme: final deny create refs/heads/wip/** @everyone".to_owned()),
        ),
        ("admin", Action::Update, "refs/heads/wip/a", true, Some(repository(5))),
        // The hub's rules: only the operator may read them, and no owner softens a final one.
        ("admin", Action::Delete, "refs/tags/v1", false, Some("a rule of the hub".to_owned())),
        ("admin", Action::Create, "refs/notes/commits", false, Some("a rule of the hub".to_owned())),
    ] {
        let (identity, access, role) = match who {
            "writer" => (identity(ALICE, "alice"), Access::Write, Some(Role::Write)),
            "admin" => (identity(ALICE, "alice"), Access::Admin, Some(Role::Admin)),
            "guest" => (identity(ALICE, "alice"), Access::Write, None),
            "bob" => (identity(BOB, "bob"), Access::Write, Some(Role::Write)),
            _ => (Identity::DeployKey { repository: 70, scope: Scope::Write }, Access::Write, None),
        };
        let rules = for_identity(&sets, &identity, access, role);
        let decision = decide_ref(&rules, action, name.as_bytes());
        let found = match decision {
            RefDecision::Allow(rule) => (true, rule.map(|rule| rule.label.clone())),
            RefDecision::Deny(rule) => (false, Some(rule.label.clone())),
        };
        assert_eq!(found, (is_allowed, label), "{who} {action} {name}");
        for rule in &rules {
            assert_eq!(rule.to_string().parse(), Ok(rule.clone()));
        }
    }
}

#[test]
fn a_certificate_of_another_organization_is_no_account_in_a_rule() {
    let sets = RuleSets { repository: rules(&["allow all refs/heads/{user}/** alice"]), ..RuleSets::default() };
    let Identity::Account(account) = identity(ALICE, "alice") else { panic!() };
    let of = |organization| Identity::Certificate { account: account.clone(), organization };
    assert_eq!(for_identity(&sets, &of(OWNER), Access::Write, None).len(), 1);
    assert_eq!(for_identity(&sets, &of(OWNER + 1), Access::Write, None).len(), 0);
}

#[test]
fn the_operator_reads_every_rule_whole() {
    let sets = RuleSets { hub: rules(&["deny all ** bob"]), ..RuleSets::default() };
    let path: RepoPath = "acme/x".parse().unwrap();
    let (identity, facts) = (identity(BOB, "bob"), facts(None));
    let subject = Subject {
        identity: &identity,
        access: Access::Write,
        path: &path,
        facts: &facts,
        teams: &KnownTeams::default(),
        now: 0,
        is_for_operator: true,
    };
    let labels: Vec<String> = applied(&sets, &subject).into_iter().map(|rule| rule.label).collect();
    assert_eq!(labels, ["rule 1 of the hub: deny all ** bob"]);
}

#[test]
fn protection_is_found_again_and_rules_of_a_person_stay() {
    let branches: Pattern = "refs/heads/main".parse().unwrap();
    let lines = |who: &str| -> Vec<String> {
        let update: Vec<_> = who.split(' ').filter(|who| !who.is_empty()).map(|who| who.parse().unwrap()).collect();
        let rules = protection(&branches, &update);
        assert!(rules.iter().all(|rule| is_protection(rule, &branches)));
        rules.iter().map(ToString::to_string).collect()
    };
    assert_eq!(lines(""), ["deny force,delete refs/heads/main @everyone"]);
    assert_eq!(
        lines("@admin bob"),
        [
            "deny force,delete refs/heads/main @everyone",
            "allow create,update refs/heads/main @admin bob",
            "deny create,update refs/heads/main @everyone",
        ]
    );
    for line in [
        "deny all refs/heads/main @everyone",
        "deny force,delete refs/heads/main bob",
        "deny force,delete refs/heads/dev @everyone",
        "allow update refs/heads/main bob",
        "final deny force,delete refs/heads/main @everyone",
    ] {
        assert!(!is_protection(&line.parse::<Rule<Grantee>>().unwrap(), &branches), "{line}");
    }
}

#[test]
fn the_actions_of_a_set_are_those_that_it_names() {
    assert!(Action::ALL.iter().all(|action| Actions::ALL.contains(*action)));
    let some: Actions = "force,delete".parse().unwrap();
    let found: Vec<Action> = Action::ALL.iter().copied().filter(|action| some.contains(*action)).collect();
    assert_eq!(found, [Action::Force, Action::Delete]);
    assert_eq!(Actions::of(&[]), Err(BadRule::Actions));
    assert_eq!(Actions::of(&found), Ok(some));
    assert!(rules(&["allow all ** @everyone"]).iter().all(|rule| rule.verdict == Verdict::Allow));
}
