//! Rules for refs in the database.

use super::{Hub, NOW, grantee, owner, path, team};
use crate::access::rule::{GranteeRow, KnownTeams, NamedGrantee, PathRules, Rule, RuleSets, ShownAs, Who};
use crate::access::{CollaboratorRole, Role};
use crate::content::{CheckValue, ContentCheck, TypedValue};
use crate::db::{ChangeError, Error, OwnerKind, PushSettings, Store, VERSION, all};
use crate::name::{Grantee, HubScope};

fn scope(text: &str) -> HubScope {
    text.parse().unwrap()
}

fn rule(text: &str) -> Rule<Grantee> {
    text.parse().unwrap()
}

fn lines(rules: &[Rule<NamedGrantee>]) -> Vec<String> {
    rules.iter().map(ToString::to_string).collect()
}

impl Hub {
    /// The rules of a scope, in their order.
    fn rules(&self, of: &str) -> Vec<String> {
        let rows = all(|each| self.store.view().rules_of(&scope(of), 0, each)).unwrap();
        let numbers: Vec<usize> = rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=rows.len()).collect::<Vec<_>>());
        rows.iter().map(|row| row.rule.to_string()).collect()
    }

    fn add_rule(&mut self, of: &str, text: &str, at: Option<usize>) -> Result<(), ChangeError> {
        self.change(|change| change.add_rule(&scope(of), &rule(text), at)).map(drop)
    }

    /// The rules that a session on acme/x is judged by.
    fn sets(&self) -> RuleSets {
        self.settings("acme/x", None, NOW).unwrap().rules
    }

    /// What a push of an account to a repository is judged by, as the small programs read it.
    fn settings(&self, to: &str, account: Option<i64>, now: i64) -> Result<PushSettings, Error> {
        self.reader().ask(|view| {
            let repository = view.session(None, Some(&path(to)), now)?.repository.unwrap();
            view.push_settings((repository.facts.id, repository.facts.owner), account, now)
        })
    }
}

#[test]
fn rules_are_kept_in_their_order_and_each_change_has_its_audit_row() {
    let mut hub = Hub::new();
    assert_eq!(hub.sets(), RuleSets::default());
    for text in ["deny all refs/heads/a @everyone", "allow force refs/heads/b bob alice"] {
        hub.add_rule("acme/x", text, None).unwrap();
    }
    let detail = r#"{"number":2,"rule":"allow force refs/heads/b bob alice","users":["bob","alice"]}"#;
    assert_eq!(hub.last_event(), format!("rule.add acme/x {detail}"));
    hub.add_rule("ACME/X", "deny create ** @read", Some(1)).unwrap();
    let all = ["deny create ** @read", "deny all refs/heads/a @everyone", "allow force refs/heads/b bob alice"];
    assert_eq!(hub.rules("acme/x"), all);
    hub.change(|change| change.move_rule(&scope("acme/x"), 3, 1)).unwrap();
    assert_eq!(hub.rules("acme/x"), [all[2], all[0], all[1]]);
    let moved = r#"{"before":3,"number":1,"rule":"allow force refs/heads/b bob alice","users":["bob","alice"]}"#;
    assert_eq!(hub.last_event(), format!("rule.move acme/x {moved}"));
    hub.change(|change| change.remove_rule(&scope("acme/x"), 2)).unwrap();
    assert_eq!(hub.rules("acme/x"), [all[2], all[1]]);
    assert_eq!(hub.last_event(), r#"rule.remove acme/x {"number":2,"rule":"deny create ** @read","users":[]}"#);
    let behind = super::all(|each| hub.store.view().rules_of(&scope("acme/x"), 1, each)).unwrap();
    assert_eq!(behind.iter().map(|row| row.number).collect::<Vec<_>>(), [2]);
    for number in [1, 1] {
        hub.change(|change| change.remove_rule(&scope("acme/x"), number)).unwrap();
    }
    assert_eq!(hub.count("repository WHERE rules IS NULL"), 1, "no rule is no text");
    assert_eq!(hub.sets(), RuleSets::default());
}

#[test]
fn a_change_of_rules_that_names_nothing_is_refused() {
    let mut hub = Hub::new();
    hub.add_rule("acme/x", "deny all ** @everyone", None).unwrap();
    let x = scope("acme/x");
    for (number, to, said) in [
        (2, 1, "there is no rule 2 of acme/x"),
        (0, 1, "there is no rule 0 of acme/x"),
        (1, 2, "there is no rule 2 of acme/x"),
        (1, 0, "there is no rule 0 of acme/x"),
    ] {
        assert_eq!(hub.refusal(|change| change.move_rule(&x, number, to)), said);
    }
    assert_eq!(hub.refusal(|change| change.remove_rule(&x, 2)), "there is no rule 2 of acme/x");
    for (of, text, at, said) in [
        ("acme/x", "deny all ** @everyone", Some(3), "there is no rule 3 of acme/x"),
        ("acme/x", "deny all ** mallory", None, "there is no user mallory"),
        ("acme/x", "deny all ** acme", None, "there is no user acme: acme is an organization"),
        ("acme/y", "deny all ** @everyone", None, "there is no repository acme/y"),
        ("mallory", "deny all ** @everyone", None, "there is no account mallory"),
        (
            "acme/x",
            "final deny all ** @everyone",
            None,
            "a rule of a repository cannot be final: give it to its owner or to the hub",
        ),
    ] {
        assert_eq!(hub.refusal(|change| change.add_rule(&scope(of), &rule(text), at)), said, "{of} {text}");
    }
    hub.change(|change| (0..999).try_for_each(|_| change.add_rule(&x, &rule("deny all ** @everyone"), None).map(drop)))
        .unwrap();
    let more = hub.refusal(|change| change.add_rule(&x, &rule("deny all ** @everyone"), None));
    assert_eq!(more, "acme/x would have more than 1000 rules");
}

#[test]
fn a_session_is_judged_by_the_rules_of_its_repository_of_the_owner_and_of_the_hub() {
    let mut hub = Hub::new();
    hub.add_rule("hub", "final deny delete ** @everyone", None).unwrap();
    hub.add_rule("acme", "deny force ** alice", None).unwrap();
    hub.add_rule("acme/x", "allow all ** bob", None).unwrap();
    hub.add_rule("alice", "deny all ** @everyone", None).unwrap();
    let sets = hub.sets();
    assert_eq!(lines(&sets.hub), ["final deny delete ** @everyone"]);
    assert_eq!(lines(&sets.owner), ["deny force ** alice"]);
    assert_eq!(lines(&sets.repository), ["allow all ** bob"]);
    // The rules of a repository move with it, and those of the owner are the new owner's.
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("alice/x"))).unwrap();
    let moved = hub.settings("alice/x", None, NOW).unwrap().rules;
    assert_eq!((lines(&moved.owner), moved.repository), (vec!["deny all ** @everyone".to_owned()], sets.repository));
}

#[test]
fn a_rule_stays_with_its_user_whatever_names_accounts_get() {
    let mut hub = Hub::new();
    hub.add_rule("acme/x", "deny all ** bob", None).unwrap();
    let bob = hub.store.view().owner(&owner("bob")).unwrap().id;
    hub.change(|change| {
        change.rename_owner(OwnerKind::User, &owner("bob"), &owner("robert"))?;
        change.release_name(&owner("bob"))?;
        change.add_owner(OwnerKind::User, &owner("bob"), true)
    })
    .unwrap();
    assert_eq!(hub.rules("acme/x"), ["deny all ** robert"]);
    let sets = hub.sets();
    let who = &sets.repository.first().unwrap().who;
    let robert = NamedGrantee { row: GranteeRow::User(bob), name: grantee("robert"), shown: ShownAs::Name };
    assert_eq!(who.as_slice(), [Who::Named(robert)]);
    hub.change(|change| change.remove_owner(OwnerKind::User, &owner("robert"), None)).unwrap();
    assert_eq!(hub.rules("acme/x"), ["deny all ** robert"]);
}

/// Adds the team acme/devs with bob, a member of acme. Returns the rows of team and bob.
fn devs(hub: &mut Hub) -> (i64, i64) {
    hub.change(|change| {
        change.set_member(&owner("acme"), &owner("bob"), Role::NoAccess, None)?;
        change.add_team(&team("acme/devs"))?;
        change.add_team_member(&team("acme/devs"), &owner("bob"), Some(NOW + 9))
    })
    .unwrap();
    (hub.store.view().team(&team("acme/devs")).unwrap().id, hub.store.view().owner(&owner("bob")).unwrap().id)
}

#[test]
fn a_rule_stays_with_its_team_until_that_is_gone() {
    let mut hub = Hub::new();
    let (devs, bob) = devs(&mut hub);
    hub.add_rule("acme/x", "deny all ** @ACME/Devs bob", None).unwrap();
    let detail = r#"{"number":1,"rule":"deny all ** @acme/devs bob","users":["@acme/devs","bob"]}"#;
    assert_eq!(hub.last_event(), format!("rule.add acme/x {detail}"));
    let stored = format!("repository WHERE rules = 'deny all ** @#{devs} #{bob}'");
    assert_eq!(hub.count(&stored), 1);
    hub.change(|change| {
        change.rename_team(&team("acme/devs"), &"ops".parse().unwrap())?;
        change.add_team(&team("acme/devs"))?;
        change.rename_owner(OwnerKind::Organization, &owner("acme"), &owner("initech"))
    })
    .unwrap();
    assert_eq!(hub.rules("initech/x"), ["deny all ** @initech/ops bob"]);
    hub.change(|change| {
        change.release_name(&owner("acme"))?;
        change.rename_owner(OwnerKind::Organization, &owner("initech"), &owner("acme"))
    })
    .unwrap();
    let teams = |hub: &Hub, to: &str, account, now| hub.settings(to, account, now).unwrap().teams;
    let known = |is_in| KnownTeams([(devs, is_in)].into());
    assert_eq!(teams(&hub, "acme/x", Some(bob), NOW), known(true));
    assert_eq!(teams(&hub, "acme/x", Some(bob), NOW + 9), known(false), "the end of the membership");
    assert_eq!(teams(&hub, "acme/x", Some(bob + 1), NOW), known(false));
    assert_eq!(teams(&hub, "acme/x", None, NOW), known(false));
    // A repository of another owner has no teams of the organization.
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("alice/x"))).unwrap();
    assert_eq!(teams(&hub, "alice/x", Some(bob), NOW), KnownTeams::default());
    assert_eq!(hub.rules("alice/x"), ["deny all ** @acme/...(gone) bob"]);
    hub.change(|change| change.rename_repository(&path("alice/x"), &path("acme/x"))).unwrap();
    assert_eq!(teams(&hub, "acme/x", Some(bob), NOW), known(true));
    let row = hub.store.view().team(&team("acme/ops")).unwrap();
    let naming = |hub: &Hub| -> Vec<String> {
        hub.store.view().scopes_naming(&row).unwrap().iter().map(ToString::to_string).collect()
    };
    assert_eq!(naming(&hub), ["acme/x"]);
    hub.add_rule("acme", "allow all ** @acme/ops", None).unwrap();
    assert_eq!(naming(&hub), ["acme", "acme/x"]);
    let said = "rules of acme, acme/x name the team acme/ops: first remove them, as rule list and check list show them";
    assert_eq!(hub.refusal(|change| change.remove_team(&team("acme/ops"))), said);
    // A team that goes with its organization is gone, and so is one whose rules are in a repository elsewhere.
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("alice/x"))).unwrap();
    hub.change(|change| {
        change.remove_rule(&scope("acme"), 1)?;
        change.remove_team(&team("acme/ops"))?;
        change.add_team(&team("acme/ops"))?;
        change.add_team_member(&team("acme/ops"), &owner("bob"), None)?;
        change.rename_repository(&path("alice/x"), &path("acme/x")).map(drop)
    })
    .unwrap();
    assert_eq!(teams(&hub, "acme/x", Some(bob), NOW), KnownTeams::default(), "another team has the name now");
    assert_eq!(hub.rules("acme/x"), ["deny all ** @acme/ops(gone) bob"]);
    // A copy of the hub denies what this one denies.
    let described = hub.store.view().described_repository(&path("acme/x")).unwrap().unwrap();
    let lines: Vec<String> = described.settings.rules.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(lines, ["deny all ** @everyone bob"]);
}

#[test]
fn rules_and_rules_for_paths_name_only_teams_of_their_own_organization() {
    let mut hub = Hub::new();
    let (devs, bob) = devs(&mut hub);
    hub.change(|change| {
        change.add_owner(OwnerKind::Organization, &owner("initech"), true)?;
        change.add_team(&team("initech/devs")).map(drop)
    })
    .unwrap();
    for (of, name, said) in [
        ("hub", "@acme/devs", "a rule of the hub names no team: give it to acme or to a repository"),
        ("initech", "@acme/devs", "rules of initech name only teams of initech"),
        ("acme/x", "@initech/devs", "rules of acme/x name only teams of acme"),
        ("acme/x", "@none/devs", "rules of acme/x name only teams of acme"),
        ("acme", "@acme/none", "there is no team acme/none"),
        ("alice", "@alice/devs", "there is no team alice/devs"),
    ] {
        let line = format!("deny all ** {name}");
        assert_eq!(hub.refusal(|change| change.add_rule(&scope(of), &rule(&line), None)), said, "{of} {name}");
        let paths = TypedValue::Paths(format!("deny docs {name}").parse().unwrap());
        assert_eq!(hub.refusal(|change| change.check_value(&scope(of), &paths)), said, "{of} {name}");
    }
    let update = ["@initech/devs".parse().unwrap()];
    let said = hub.refusal(|change| change.protect(&path("acme/x"), &"refs/heads/main".parse().unwrap(), &update));
    assert_eq!(said, "rules of acme/x name only teams of acme");
    hub.change(|change| {
        let paths = TypedValue::Paths("allow docs @acme/devs; deny ** @everyone".parse().unwrap());
        let value = change.check_value(&scope("acme"), &paths)?;
        change.set_check(&scope("acme"), ContentCheck::Path, Some(value)).map(drop)
    })
    .unwrap();
    assert_eq!(hub.count(&format!("owner WHERE checks = 'path=allow|docs|@#{devs};deny|**|@everyone'")), 1);
    assert!(hub.last_event().contains("allow docs @acme/devs; deny ** @everyone"));
    let settings = hub.settings("acme/x", Some(bob), NOW).unwrap();
    assert_eq!(settings.teams, KnownTeams([(devs, true)].into()));
    let row = hub.store.view().team(&team("acme/devs")).unwrap();
    assert_eq!(hub.store.view().scopes_naming(&row).unwrap(), [scope("acme")]);
}

#[test]
fn a_database_without_teams_has_rules_all_the_same() {
    let mut hub = Hub::new();
    hub.add_rule("acme/x", "deny all ** bob", None).unwrap();
    hub.go_back_to(3);
    assert_eq!(lines(&hub.sets().repository), ["deny all ** bob"]);
}

#[test]
fn protection_comes_first_replaces_itself_and_ends_without_other_rules() {
    let mut hub = Hub::new();
    hub.add_rule("acme/x", "allow all refs/heads/main bob", None).unwrap();
    let main = "refs/heads/main".parse().unwrap();
    let x = path("acme/x");
    hub.change(|change| change.protect(&x, &main, &["@admin".parse().unwrap(), "bob".parse().unwrap()])).unwrap();
    let rules = [
        "deny force,delete refs/heads/main @everyone",
        "allow create,update refs/heads/main @admin bob",
        "deny create,update refs/heads/main @everyone",
        "allow all refs/heads/main bob",
    ];
    assert_eq!(hub.rules("acme/x"), rules);
    assert!(hub.last_event().starts_with("repo.protect acme/x {\"branches\":\"refs/heads/main\",\"rules\":["));
    hub.change(|change| change.protect(&x, &main, &[])).unwrap();
    assert_eq!(hub.rules("acme/x"), [rules[0], rules[3]]);
    let dev = "refs/heads/dev".parse().unwrap();
    let none = hub.refusal(|change| change.unprotect(&x, &dev));
    assert_eq!(none, "there is no protection of refs/heads/dev in acme/x");
    assert_eq!(hub.change(|change| change.unprotect(&x, &main)).unwrap(), 1);
    assert_eq!(hub.rules("acme/x"), [rules[3]]);
}

#[test]
fn a_database_of_version_2_has_no_rules_and_a_migration_lets_it_have_some() {
    let mut hub = Hub::new();
    hub.change(|change| {
        change.set_collaborator(&path("acme/x"), &grantee("bob"), CollaboratorRole::Write, None)?;
        change.set_member(&owner("acme"), &owner("bob"), Role::Read, None)
    })
    .unwrap();
    let full = hub.dump();
    hub.go_back_to(2);
    // The small programs serve it, and see no rules.
    assert_eq!(hub.sets(), RuleSets::default());
    assert!(matches!(Store::open(&hub.path()), Err(Error::Old { version: 2 })));
    let mut store = Store::open_any_version(&hub.path()).unwrap();
    assert_eq!(store.migrate().unwrap(), 2);
    assert_eq!(store.view().versions().unwrap(), (VERSION, 1));
    assert_eq!(hub.dump(), full);
    hub.add_rule("hub", "deny all ** @everyone", None).unwrap();
    assert_eq!(lines(&hub.sets().hub), ["deny all ** @everyone"]);
}

#[test]
fn rules_that_cannot_be_read_are_a_fault_and_not_none() {
    let mut hub = Hub::new();
    hub.add_rule("acme/x", "deny all ** bob", None).unwrap();
    for statement in [
        "UPDATE repository SET rules = 'deny all ** everyone'",
        "UPDATE repository SET rules = 'deny all ** #99'",
        "UPDATE repository SET rules = 'deny all ** @#99'",
        "UPDATE repository SET rules = 'deny all ** @#1'",
        "UPDATE repository SET rules = ''",
        "ALTER TABLE repository DROP COLUMN rules",
    ] {
        hub.tamper(statement);
        assert!(hub.settings("acme/x", None, NOW).is_err(), "{statement}");
    }
}

#[test]
fn a_push_is_judged_by_the_checks_of_the_narrowest_scope_that_sets_them() {
    let mut hub = Hub::new();
    let applied = |hub: &Hub| hub.settings("acme/x", None, NOW).unwrap().checks.to_string();
    let defaults = "blob-size=10485760 lfs-missing=on lfs-locks=off directory-entries=10000 case-collision=off \
                    binary=off author=off \
                    signed=off path=off";
    assert_eq!(applied(&hub), defaults);
    for (of, check, value) in [
        ("hub", ContentCheck::BlobSize, "1M"),
        ("hub", ContentCheck::Binary, "on"),
        ("acme", ContentCheck::BlobSize, "off"),
        ("acme/x", ContentCheck::Author, "*@example.org"),
        ("alice", ContentCheck::CaseCollision, "on"),
    ] {
        let value = CheckValue::parse(check, value).unwrap();
        hub.change(|change| change.set_check(&scope(of), check, Some(value))).unwrap();
    }
    let changed = "blob-size=off lfs-missing=on lfs-locks=off directory-entries=10000 case-collision=off binary=on author=*@example.org \
         signed=off path=off";
    assert_eq!(applied(&hub), changed);
    let of = |name: &str| {
        let values = hub.store.view().checks_of(&scope(name)).unwrap();
        values.map(|values| values.to_string())
    };
    assert_eq!(of("acme/x"), ["author=*@example.org", "blob-size=off", "blob-size=1048576 binary=on"]);
    assert_eq!(of("acme"), ["", "blob-size=off", "blob-size=1048576 binary=on"]);
    assert_eq!(of("hub"), ["", "", "blob-size=1048576 binary=on"]);
    hub.change(|change| change.set_check(&scope("acme"), ContentCheck::BlobSize, None)).unwrap();
    assert!(applied(&hub).starts_with("blob-size=1048576 "));
    assert_eq!(hub.last_event(), "check.set acme {\"before\":\"off\",\"check\":\"blob-size\",\"value\":null}");
    hub.tamper("UPDATE repository SET checks = 'author'");
    assert!(hub.settings("acme/x", None, NOW).is_err());
}

#[test]
fn the_question_for_rules_finds_each_row_by_its_number() {
    let plan = Hub::new().reader().ask(|view| view.plan_of_rules()).unwrap();
    assert_eq!(plan.len(), 3, "{plan:#?}");
    assert!(plan.iter().all(|line| line.contains("USING INTEGER PRIMARY KEY")), "{plan:#?}");
}

#[test]
fn rules_for_paths_that_the_database_could_not_give_back_are_refused() {
    let mut hub = Hub::new();
    let typed: PathRules<GranteeRow> = vec!["deny a #1"; 300].join(";").parse().unwrap();
    // The row of another user has more digits than the text that was typed.
    let stored = typed.with_names(|_| Ok::<_, Error>(GranteeRow::User(1_000_000))).unwrap();
    assert!(typed.fit() && !stored.fit() && CheckValue::parse(ContentCheck::Path, &stored.word()).is_err());
    let value = Some(CheckValue::Paths(stored));
    let said = hub.refusal(|change| change.set_check(&scope("acme/x"), ContentCheck::Path, value.clone()).map(drop));
    assert_eq!(said, "the rules for paths of acme/x would be too long");
}
