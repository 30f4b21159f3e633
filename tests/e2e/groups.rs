//! `hubgate import gitolite`: groups of users become teams, and what is changed about these stays.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::accounts::json_of;
use crate::harness::{Client, Hub, Key, refused, silent, trials};
use crate::moving_in::gitolite_admin;
use crate::texts::not_found;

trials![
    groups_become_teams_and_a_leaver_is_one_row,
    what_was_removed_from_a_team_or_its_members_stays_removed,
    a_team_keeps_what_it_got_here_under_another_name,
    a_new_user_of_a_group_joins_no_team_that_was_here_and_gets_the_rights_alone,
    who_leaves_a_team_loses_no_denial,
    what_was_withdrawn_stays_so_under_another_name_or_owner,
    a_team_with_other_members_gets_nothing_new,
    a_group_without_a_team_gives_its_users_the_same_one_by_one,
    a_denied_member_gets_nothing_by_the_team,
    what_is_denied_to_a_group_is_denied_to_those_who_left_its_team,
    a_role_that_was_removed_does_not_come_back_by_a_team_or_from_it,
    who_was_removed_from_a_team_gets_nothing_back_by_a_rule_for_everyone,
    who_lost_a_right_in_gitolite_gains_nothing_when_rules_change,
    a_renamed_member_has_the_branches_of_its_old_name,
    a_partial_import_makes_teams_of_what_was_read_and_an_account_of_this_hub_joins,
];

/// A hub with the organization acme, and a working copy of gitolite-admin.
struct Scene {
    hub: Hub,
    keys: BTreeMap<&'static str, Key>,
}

impl Scene {
    fn new(users: &[&'static str], paths: &[&str]) -> Self {
        let hub = Hub::new();
        hub.did(&["user", "add", "boss"]);
        hub.did(&["org", "add", "acme", "--admin", "boss"]);
        for path in paths {
            hub.empty_repo(path, &["--private"]);
        }
        Self { hub, keys: users.iter().map(|user| (*user, Key::new(user))).collect() }
    }

    /// Writes the files, and returns their directory.
    fn write(&self, conf: &str) -> String {
        let keys: Vec<(String, &Key)> = self.keys.iter().map(|(user, key)| (format!("{user}.pub"), key)).collect();
        let keys: Vec<(&str, &Key)> = keys.iter().map(|(file, key)| (file.as_str(), *key)).collect();
        gitolite_admin(&self.hub, conf, &keys)
    }

    /// Imports a configuration. Returns the report.
    fn import(&self, conf: &str, words: &[&str]) -> Value {
        let directory = self.write(conf);
        json_of(&self.hub, &[&["import", "gitolite", &directory, "--owner", "acme"], words].concat())
    }

    /// Which of some lines of `policy test`, without their ends, are allowed.
    fn allowed<'a>(&self, lines: &[&'a str]) -> Vec<&'a str> {
        let text: String = lines.iter().map(|line| format!("{line} = deny\n")).collect();
        let file = self.hub.path("policy");
        fs::write(&file, text).expect("a file");
        let outcome = self.hub.hubgate(&["--json", "policy", "test", file.to_str().expect("UTF-8")]);
        let answer: Value = serde_json::from_str(&outcome.stdout()).expect("JSON");
        assert_eq!(answer["bad"], json!([]), "{outcome}");
        let failed = answer["failed"].as_array().expect("a list").iter();
        let number = |line: &Value| usize::try_from(line["line"].as_u64().expect("a number")).expect("a number");
        failed.map(|line| lines[number(line) - 1]).collect()
    }

    /// The hub as a text, without the time and without what an import writes about itself.
    fn exported(&self) -> String {
        let text = self.hub.did(&["export"]);
        text.lines().filter(|line| !line.contains("exported_at")).collect()
    }
}

/// The entries of a kind in a list of a report.
fn entries<'a>(report: &'a Value, list: &str, kind: &str) -> Vec<&'a str> {
    let entries = report[list].as_array().expect("a list").iter().filter(|entry| entry["kind"] == kind);
    entries.map(|entry| entry["why"].as_str().expect("a text")).collect()
}

/// The grants of a report, as lines.
fn grants(report: &Value) -> Vec<String> {
    let line = |grant: &Value| {
        let text = |field: &str| grant[field].as_str().expect("a text").to_owned();
        format!("{} {} {}", text("path"), text("user"), text("role"))
    };
    report["grants"].as_array().expect("a list").iter().map(line).collect()
}

const CONF: &str = "@leads = alice\n@staff = @leads bob\n\
    repo x\n    RW+ = @staff\n    R = bob carol\n\
    repo y\n    - master = @leads\n    RW+ = @staff\n    RW = carol\n";

fn groups_become_teams_and_a_leaver_is_one_row() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x", "acme/y"]);
    let Scene { hub, keys } = &scene;
    let report = scene.import(CONF, &[]);
    let teams = json!([
        { "team": "acme/leads", "created": true, "users": ["alice"] },
        { "team": "acme/staff", "created": true, "users": ["alice", "bob"] },
    ]);
    assert_eq!(report["teams"], teams, "{report:#}");
    let member = |user: &str| json!({ "organization": "acme", "user": user, "role": "no_access", "until": null });
    assert_eq!(report["members"], json!([member("alice"), member("bob")]));
    // A user that a rule names keeps that right without the group.
    let expected = [
        "acme/x @acme/staff write",
        "acme/x bob read",
        "acme/x carol read",
        "acme/y @acme/staff write",
        "acme/y carol write",
    ];
    assert_eq!(grants(&report), expected);
    for list in ["lost", "gained", "warnings"] {
        assert_eq!(report[list], json!([]), "{report:#}");
    }
    let rules = hub.did(&["rule", "list", "acme/y"]);
    assert!(rules.contains("deny all refs/heads/master** @acme/leads alice\n"), "{rules}");
    assert!(rules.contains("allow all ** @acme/staff\n"), "{rules}");
    let client = |user: &'static str| Client::new(hub, Some(user), keys[user].clone());
    let (alice, bob) = (client("alice"), client("bob"));
    for client in [&alice, &bob] {
        client.git(&["clone", "--quiet", &Client::url("acme/y"), "y"]).succeeded();
        client.commit("y", "file", "1");
    }
    let push = |client: &Client, to: &str| client.git_in("y", &["push", "--quiet", "origin", to]);
    let outcome = push(&alice, "HEAD:master");
    assert!(outcome.status == 1 && outcome.stderr().contains("deny all refs/heads/master** @acme/leads"), "{outcome}");
    push(&alice, "HEAD:dev").is(&silent());
    push(&bob, "HEAD:master").is(&silent());
    // A second run has nothing to do.
    let before = scene.exported();
    let again = scene.import(CONF, &[]);
    for nothing in ["accounts", "keys", "members", "teams", "grants", "rules", "lost", "gained", "warnings"] {
        assert_eq!(again[nothing], json!([]), "{nothing}: {again:#}");
    }
    assert_eq!(scene.exported(), before);
    // A member who leaves loses everything with one row.
    hub.did(&["org", "member", "remove", "acme", "alice"]);
    for path in ["acme/x", "acme/y"] {
        alice.ssh(format!("git-upload-pack '{path}'")).is(&refused(not_found(&alice)));
    }
    hub.did(&["team", "member", "remove", "acme/staff", "bob"]);
    assert_eq!(scene.allowed(&["bob fetch acme/x", "bob fetch acme/y", "bob push acme/x"]), ["bob fetch acme/x"]);
}

fn what_was_removed_from_a_team_or_its_members_stays_removed() {
    let scene = Scene::new(
        &["alice", "bob", "carol", "dave", "erin"],
        &["acme/x", "acme/y", "acme/z", "acme/new", "acme/hidden"],
    );
    let Scene { hub, .. } = &scene;
    let conf = |new: &str| {
        format!(
            "@staff = alice bob dave erin\n@guests = carol\n\
             repo x y z\n    - master = @guests\n    RW+ = @staff\n    R = @guests\n{new}"
        )
    };
    scene.import(&conf(""), &[]);
    hub.did(&["team", "member", "remove", "acme/staff", "bob"]);
    hub.did(&["org", "member", "remove", "acme", "dave"]);
    // A member who comes back to the organization does not come back to its teams.
    hub.did(&["org", "member", "remove", "acme", "erin"]);
    hub.did(&["org", "member", "set", "acme", "erin", "no_access"]);
    hub.did(&["repo", "collaborator", "remove", "acme/x", "@acme/staff"]);
    hub.did(&["repo", "collaborator", "set", "acme/y", "@acme/staff", "read"]);
    for path in ["acme/x", "acme/y", "acme/z"] {
        let listed = json_of(hub, &["rule", "list", path]);
        let named: Vec<String> = listed
            .as_array()
            .expect("a list")
            .iter()
            .filter(|rule| rule["rule"].as_str().expect("a rule").contains("@acme/guests"))
            .map(|rule| rule["number"].to_string())
            .collect();
        for number in named.iter().rev() {
            hub.did(&["rule", "remove", path, number]);
        }
    }
    hub.did(&["team", "remove", "acme/guests", "--yes"]);
    let before = scene.exported();
    let report = scene.import(&conf(""), &[]);
    for nothing in ["accounts", "keys", "members", "teams", "grants", "rules", "gained"] {
        assert_eq!(report[nothing], json!([]), "{nothing}: {report:#}");
    }
    assert_eq!(scene.exported(), before);
    let lost = entries(&report, "lost", "changed-here");
    let has = |why: &str| assert_eq!(lost.iter().filter(|entry| entry.starts_with(why)).count(), 1, "{why}: {lost:#?}");
    has("bob in the team acme/staff: team.remove_user on 2");
    has("dave in the team acme/staff: org.remove_user on 2");
    has("erin in the team acme/staff: org.remove_user on 2");
    has("@acme/staff on acme/x: repo.remove_collaborator on 2");
    has("@acme/staff on acme/y: repo.set_collaborator on 2");
    for path in ["x", "y", "z"] {
        has(&format!("@guests on acme/{path}: team.delete on 2"));
    }
    assert_eq!(lost.len(), 8, "{lost:#?}");
    assert_eq!(entries(&report, "lost", "nothing"), ["bob", "carol", "dave", "erin"]);
    // On a repository that is new, they get nothing by the group either, also if a rule names only another group.
    let new = "repo new\n    RW = @staff @guests\nrepo hidden\n    - = @guests\n    RW = @staff carol\n";
    let report = scene.import(&conf(new), &[]);
    let expected = ["acme/hidden @acme/staff write", "acme/hidden carol read", "acme/new @acme/staff write"];
    assert_eq!(grants(&report), expected, "{report:#}");
    let rules = hub.did(&["rule", "list", "acme/hidden"]);
    assert!(rules.contains("deny all ** carol\n"), "{rules}");
    let asked = [
        "alice update acme/new refs/heads/x",
        "bob fetch acme/new",
        "carol fetch acme/new",
        "dave fetch acme/new",
        "erin fetch acme/new",
        "carol update acme/hidden refs/heads/x",
    ];
    assert_eq!(scene.allowed(&asked), ["alice update acme/new refs/heads/x"]);
}

fn a_team_keeps_what_it_got_here_under_another_name() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x", "acme/new"]);
    let Scene { hub, .. } = &scene;
    let conf = "@staff = alice bob\nrepo x\n    RW = @staff\n    R = carol\n";
    scene.import(conf, &["--rename", "@staff=crew"]);
    hub.did(&["repo", "collaborator", "set", "acme/x", "@acme/crew", "read"]);
    hub.did(&["team", "member", "remove", "acme/crew", "bob"]);
    hub.did(&["team", "rename", "acme/crew", "people"]);
    hub.did(&["org", "rename", "acme", "initech"]);
    // Without the option, too: the team of the group is known.
    for words in [&["--owner", "initech", "--rename", "@staff=crew"][..], &["--owner", "initech"]] {
        let directory = scene.write(conf);
        let report = json_of(hub, &[&["import", "gitolite", &directory], words].concat());
        for nothing in ["members", "teams", "grants", "rules", "gained"] {
            assert_eq!(report[nothing], json!([]), "{nothing}: {report:#}");
        }
        let lost = entries(&report, "lost", "changed-here");
        assert_eq!(lost.len(), 2, "{lost:#?}");
        assert!(lost[0].starts_with("bob in the team initech/people: team.remove_user on 2"), "{lost:#?}");
        assert!(lost[1].starts_with("@initech/people on initech/x: repo.set_collaborator on 2"), "{lost:#?}");
    }
    let directory = scene.write(&format!("{conf}repo new\n    RW = @staff\n"));
    let report = json_of(hub, &["import", "gitolite", &directory, "--owner", "initech"]);
    assert_eq!(grants(&report), ["initech/new @initech/people write"], "{report:#}");
}

fn a_new_user_of_a_group_joins_no_team_that_was_here_and_gets_the_rights_alone() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x", "acme/y", "acme/z"]);
    let Scene { hub, .. } = &scene;
    let conf = |staff: &str| {
        format!("@staff = {staff}\nrepo x\n    RW = @staff\nrepo y\n    - master = bob\n    RW+ = @staff\n")
    };
    scene.import(&conf("alice"), &[]);
    // A repository of this hub, which gitolite does not know.
    hub.did(&["repo", "collaborator", "set", "acme/z", "@acme/staff", "read"]);
    for grants_of_bob in [&["acme/x bob write", "acme/y bob write"][..], &[]] {
        let report = scene.import(&conf("alice bob"), &[]);
        assert_eq!(report["teams"], json!([]), "{report:#}");
        assert_eq!(entries(&report, "warnings", "not-joined"), ["bob to acme/staff"]);
        assert_eq!(grants(&report), grants_of_bob);
        let of_bob = ["bob fetch acme/z", "bob update acme/x refs/heads/a", "bob update acme/y refs/heads/master"];
        assert_eq!(scene.allowed(&of_bob), ["bob update acme/x refs/heads/a"]);
    }
    hub.did(&["rule", "remove", "acme/y", "1"]);
    let report = scene.import(&conf("alice bob carol"), &[]);
    assert_eq!(grants(&report), ["acme/x carol write", "acme/y carol read"]);
}

fn who_leaves_a_team_loses_no_denial() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/d", "acme/e"]);
    let Scene { hub, .. } = &scene;
    scene.import(
        "@juniors = carol bob\n@devs = @juniors alice\nrepo d\n    - master = @juniors\n    RW+ = carol alice\n\
         repo e\n    - master = @juniors\n    RW = @devs\n    - NAME/doc/ = @juniors\n",
        &[],
    );
    let asked = ["carol update acme/d refs/heads/master", "carol update acme/e refs/heads/master"];
    assert_eq!(scene.allowed(&asked), Vec::<&str>::new());
    hub.did(&["team", "member", "remove", "acme/juniors", "carol"]);
    assert_eq!(scene.allowed(&asked), Vec::<&str>::new());
    let checks = hub.did(&["check", "list", "acme/e"]);
    assert!(checks.contains("deny doc/* @acme/juniors"), "{checks}");
    hub.did(&["org", "member", "remove", "acme", "carol"]);
    assert_eq!(scene.allowed(&asked), Vec::<&str>::new());
}

fn what_was_withdrawn_stays_so_under_another_name_or_owner() {
    let scene = Scene::new(&["alice", "bob"], &["acme/m", "acme/n", "acme/o"]);
    let Scene { hub, .. } = &scene;
    let conf = |staff: &str| {
        format!(
            "@{staff} = alice bob\n@crew = alice bob\nrepo m\n    RW = @{staff}\nrepo n\n    RW = @{staff}\n\
             repo o\n    RW = @crew\n"
        )
    };
    scene.import(&conf("staff"), &[]);
    hub.did(&["team", "member", "remove", "acme/staff", "bob"]);
    hub.did(&["repo", "collaborator", "remove", "acme/n", "@acme/staff"]);
    let asked = ["alice push acme/m", "bob fetch acme/m", "alice fetch acme/n", "bob fetch acme/n"];
    // gitolite has another name for the group.
    scene.import(&conf("people"), &[]);
    assert_eq!(scene.allowed(&asked), asked[..1]);
    // Another organization had a former name, and is gone.
    hub.did(&["org", "rename", "acme", "initech"]);
    hub.did(&["user", "release", "acme"]);
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    hub.did(&["org", "remove", "acme", "--yes"]);
    let directory = scene.write(&conf("staff"));
    json_of(hub, &["import", "gitolite", &directory, "--owner", "initech"]);
    let asked = ["alice push initech/m", "bob fetch initech/m", "alice fetch initech/n", "bob fetch initech/n"];
    assert_eq!(scene.allowed(&asked), asked[..1]);
    // The repositories have another owner.
    hub.did(&["org", "add", "corp", "--admin", "boss"]);
    for name in ["m", "n", "o"] {
        hub.did(&["repo", "rename", &format!("initech/{name}"), &format!("corp/{name}")]);
    }
    let report = json_of(hub, &["import", "gitolite", &directory, "--owner", "corp"]);
    assert_eq!((grants(&report), report["teams"].clone()), (Vec::new(), json!([])), "{report:#}");
    let lost = entries(&report, "lost", "changed-here");
    assert!(lost.iter().any(|entry| entry.starts_with("bob on corp/m: repo.move on 2")), "{lost:#?}");
}

fn a_team_with_other_members_gets_nothing_new() {
    let scene = Scene::new(&["alice", "bob", "carol", "dave"], &["acme/x", "acme/y"]);
    let Scene { hub, .. } = &scene;
    let conf =
        |new: &str| format!("@staff = alice bob\nrepo x\n    RW = @staff\n    R = carol\n    RW dev/ = dave\n{new}");
    scene.import(&conf(""), &[]);
    hub.did(&["org", "member", "set", "acme", "carol", "no_access"]);
    hub.did(&["team", "member", "add", "acme/staff", "carol"]);
    hub.did(&["team", "member", "remove", "acme/staff", "bob"]);
    let before = scene.exported();
    let report = scene.import(&conf(""), &[]);
    assert_eq!(scene.exported(), before);
    assert_eq!(entries(&report, "gained", "more"), ["carol in the team acme/staff, not in @staff"]);
    let report = scene.import(&conf("repo y\n    - master = @staff\n    RW = @staff\n    R = carol\n"), &[]);
    assert_eq!(grants(&report), ["acme/y alice write", "acme/y carol read"], "{report:#}");
    let why = "@staff on acme/y: acme/staff has other members: carol";
    assert_eq!(entries(&report, "warnings", "no-team"), [why]);
    let asked = ["alice update acme/y refs/heads/x", "bob fetch acme/y", "carol push acme/y", "carol push acme/x"];
    assert_eq!(scene.allowed(&asked), ["alice update acme/y refs/heads/x", "carol push acme/x"]);
}

fn a_group_without_a_team_gives_its_users_the_same_one_by_one() {
    let users = ["alice", "bob", "carol", "erin"];
    let scene = Scene::new(&users, &["acme/x", "boss/y"]);
    let Scene { hub, .. } = &scene;
    hub.did(&["team", "add", "acme/devs"]);
    hub.did(&["user", "add", "erin"]);
    hub.did(&["org", "member", "set", "acme", "erin", "no_access"]);
    hub.did(&["team", "member", "add", "acme/devs", "erin"]);
    let conf = "@admin = alice\n@devs = bob\n@Web = carol\n@web = alice\n@a@b = bob\n@gone = zoe\n@ok = carol\n\
                repo x\n    RW+ = @admin @devs\n    R = @Web @web @a@b @gone\n    - master = @gone\n    RW = @ok\n\
                repo boss/y\n    RW = @ok\n";
    let dry = scene.import(conf, &["--dry-run"]);
    let report = scene.import(conf, &[]);
    assert_eq!((&dry["grants"], &dry["teams"]), (&report["grants"], &report["teams"]));
    let expected = [
        "@a@b: a name has only letters, digits, '.', '_' and '-' (--rename @a@b=NEW)",
        "@admin: this name is reserved (--rename @admin=NEW)",
        "@devs: the team acme/devs was here before (--rename @devs=NEW)",
        "@Web: @Web and @web (--rename @Web=NEW)",
        "@web: @Web and @web (--rename @web=NEW)",
        "@ok on boss/y: boss is a user, and only organizations have teams",
    ];
    let mut warnings = entries(&report, "warnings", "no-team");
    warnings.sort_unstable();
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(warnings, sorted);
    let expected =
        ["boss/y carol write", "acme/x @acme/ok write", "acme/x alice write", "acme/x bob write", "acme/x carol read"];
    assert_eq!(grants(&report), expected);
    assert_eq!(report["teams"], json!([{ "team": "acme/ok", "created": true, "users": ["carol"] }]));
    assert_eq!(json_of(hub, &["team", "show", "acme/devs"])["repositories"], json!([]));
    let asked = [
        "alice force acme/x refs/heads/x",
        "bob force acme/x refs/heads/x",
        "carol force acme/x refs/heads/x",
        "erin fetch acme/x",
    ];
    assert_eq!(scene.allowed(&asked), asked[..2]);
    // With other names, they are teams.
    let renames = ["@admin=admins", "@devs=builders", "@Web=web2", "@a@b=a-b"];
    let renames: Vec<&str> = renames.iter().flat_map(|rename| ["--rename", rename]).collect();
    let report = scene.import(conf, &renames);
    let teams: Vec<&str> =
        report["teams"].as_array().expect("teams").iter().filter_map(|team| team["team"].as_str()).collect();
    assert_eq!(teams, ["acme/a-b", "acme/admins", "acme/builders", "acme/web", "acme/web2"], "{report:#}");
    assert_eq!(scene.allowed(&asked), asked[..2]);
    let outcome = hub.hubgate(&["import", "gitolite", &scene.write(conf), "--rename", "@none=x"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("gitolite has no @none: "), "{outcome}");
    // An organization has at most so many teams.
    let number = json_of(hub, &["team", "list", "acme", "--limit", "1000"]).as_array().map_or(0, Vec::len);
    hub.sql(&format!(
        "WITH RECURSIVE n (i) AS (VALUES ({number}) UNION ALL SELECT i + 1 FROM n WHERE i < 998)
         INSERT INTO owner (name, folded, kind, may_create, created_at, team_of)
         SELECT 't' || i, id || '/t' || i, 'organization', 0, 0, id FROM owner, n WHERE folded = 'acme'"
    ));
    let more = format!("@one = alice bob\n@two = alice bob\n{conf}repo z\n    RW = @one\n    R = @two\n");
    hub.empty_repo("acme/z", &["--private"]);
    let report = scene.import(&more, &renames);
    assert_eq!(grants(&report), ["acme/z @acme/one write", "acme/z alice read", "acme/z bob read"], "{report:#}");
    let why = entries(&report, "warnings", "no-team");
    assert!(why.contains(&"@two: acme has as many teams as it can have"), "{why:#?}");
}

fn a_denied_member_gets_nothing_by_the_team() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/w", "acme/x", "acme/y", "acme/z"]);
    let conf = "@staff = alice bob carol\n\
                repo x\n    option deny-rules = 1\n    - = bob\n    RW+ = @staff\n\
                repo y\n    - = bob\n    RW+ = @staff\n\
                repo z\n    R = @staff\n    - VREF/COUNT/9 = carol\n    RW+ = @staff\n\
                repo w\n    RW+ NAME/ = bob\n    - NAME/doc/ = @staff\n    RW+ = @staff\n";
    let report = scene.import(conf, &[]);
    let expected = [
        "acme/w @acme/staff write",
        "acme/w bob write",
        "acme/x alice write",
        "acme/x carol write",
        "acme/y @acme/staff read",
        "acme/y alice write",
        "acme/y carol write",
        "acme/z @acme/staff read",
        "acme/z alice write",
        "acme/z bob write",
    ];
    assert_eq!(grants(&report), expected, "{report:#}");
    let expected = [
        "@staff on acme/x: a rule denies bob some of it",
        "@staff on acme/y: a rule denies bob some of it",
        "@staff on acme/z: a rule denies carol some of it",
    ];
    assert_eq!(entries(&report, "warnings", "no-team"), expected);
    // A rule for files that an earlier rule gave to one of them.
    let checks = scene.hub.did(&["check", "list", "acme/w"]);
    assert!(checks.contains("by-ref; allow ** bob; deny doc/* alice carol"), "{checks}");
    let asked = ["bob fetch acme/x", "bob fetch acme/y", "bob push acme/y", "carol push acme/z", "bob push acme/z"];
    assert_eq!(scene.allowed(&asked), ["bob fetch acme/y", "bob push acme/z"]);
}

fn what_is_denied_to_a_group_is_denied_to_those_who_left_its_team() {
    let scene = Scene::new(&["alice", "bob"], &["acme/x", "acme/y"]);
    let Scene { hub, .. } = &scene;
    let conf = |new: &str| format!("@guests = alice bob\nrepo x\n    R = @guests\n{new}");
    scene.import(&conf(""), &[]);
    hub.did(&["team", "member", "remove", "acme/guests", "bob"]);
    let new = "repo y\n    - master = @guests\n    RW = bob @guests\n    - NAME/doc/ = @guests\n    RW = alice\n";
    let report = scene.import(&conf(new), &[]);
    let listed = hub.did(&["rule", "list", "acme/y"]);
    assert!(listed.contains("deny all refs/heads/master** @acme/guests alice bob\n"), "{listed}");
    let checks = hub.did(&["check", "list", "acme/y"]);
    assert!(checks.contains("deny doc/* @acme/guests alice bob"), "{checks}");
    assert_eq!(grants(&report), ["acme/y @acme/guests write", "acme/y alice write", "acme/y bob write"], "{report:#}");
    let asked = [
        "alice update acme/y refs/heads/master",
        "bob update acme/y refs/heads/master",
        "bob update acme/y refs/heads/x",
    ];
    assert_eq!(scene.allowed(&asked), ["bob update acme/y refs/heads/x"]);
}

fn a_role_that_was_removed_does_not_come_back_by_a_team_or_from_it() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x", "acme/y"]);
    let Scene { hub, .. } = &scene;
    let conf = "@admin = alice bob\n@staff = alice bob\nrepo x\n    RW = @admin\n    R = carol\n\
                repo y\n    RW = @staff\n    R = carol\n";
    // Without a team, and then with one.
    scene.import(conf, &[]);
    hub.did(&["repo", "collaborator", "remove", "acme/x", "bob"]);
    hub.did(&["repo", "collaborator", "remove", "acme/y", "@acme/staff"]);
    hub.did(&["org", "member", "set", "acme", "carol", "no_access"]);
    hub.did(&["team", "member", "add", "acme/staff", "carol"]);
    let report = scene.import(conf, &["--rename", "@admin=admins"]);
    assert_eq!(grants(&report), Vec::<String>::new(), "{report:#}");
    let why = entries(&report, "warnings", "no-team");
    assert!(why.contains(&"@admin on acme/x: the role of bob was changed here"), "{why:#?}");
    let lost = entries(&report, "lost", "changed-here");
    let has = |why: &str| assert!(lost.iter().any(|entry| entry.starts_with(why)), "{why}: {lost:#?}");
    has("bob on acme/x: repo.remove_collaborator on 2");
    has("@acme/staff on acme/y: repo.remove_collaborator on 2");
    let asked = ["bob fetch acme/x", "bob fetch acme/y", "alice fetch acme/y", "alice push acme/x"];
    assert_eq!(scene.allowed(&asked), ["alice push acme/x"]);
}

fn who_was_removed_from_a_team_gets_nothing_back_by_a_rule_for_everyone() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x"]);
    let Scene { hub, .. } = &scene;
    let conf = "@staff = alice bob\n@guests = carol\nrepo x\n    RW = @all\n    RW = @staff @guests\n";
    scene.import(conf, &[]);
    hub.did(&["team", "member", "remove", "acme/staff", "bob"]);
    hub.did(&["repo", "visibility", "acme/x", "private"]);
    hub.did(&["org", "member", "remove", "acme", "carol"]);
    let report = scene.import(conf, &[]);
    assert_eq!(grants(&report), Vec::<String>::new(), "{report:#}");
    let asked = ["alice push acme/x", "bob fetch acme/x", "carol fetch acme/x"];
    assert_eq!(scene.allowed(&asked), asked[..1]);
}

fn who_lost_a_right_in_gitolite_gains_nothing_when_rules_change() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x", "acme/y"]);
    let Scene { hub, .. } = &scene;
    let asked = [
        "bob update acme/x refs/heads/dev/a",
        "bob update acme/x refs/heads/main",
        "carol update acme/x refs/heads/main",
        "carol force acme/y refs/heads/main",
        "alice force acme/x refs/heads/main",
    ];
    scene.import("@staff = bob carol\nrepo x\n    RW dev/ = bob @staff\nrepo y\n    RW = @staff\n", &[]);
    assert_eq!(scene.allowed(&asked), asked[..1]);
    // Both keep a role to push, and no rule would keep them from all refs.
    let report = scene.import("@staff = bob\nrepo x\n    RW+ = alice\nrepo y\n    RW+ = @staff alice\n", &[]);
    let more = entries(&report, "gained", "more");
    assert!(more.contains(&"bob on acme/x: write, not nothing"), "{report:#}");
    assert_eq!(scene.allowed(&asked), asked[4..], "{report:#}");
    let rules = hub.did(&["rule", "list", "acme/x"]);
    assert_eq!(rules, "NUMBER  RULE\n1       allow all ** alice\n2       deny all ** @everyone\n");
    // carol is not in the group any more, so the rules of the team stay.
    assert!(more.contains(&"carol in the team acme/staff, not in @staff"), "{more:#?}");
    let why = ["acme/y: acme/staff has other members: carol", "alice on acme/y"];
    assert_eq!(entries(&report, "lost", "rules-changed-here"), why);
    hub.did(&["team", "member", "remove", "acme/staff", "carol"]);
    let report = scene.import("@staff = bob\nrepo x\n    RW+ = alice\nrepo y\n    RW+ = @staff alice\n", &[]);
    assert_eq!(grants(&report), ["acme/y alice write"]);
    let rules = hub.did(&["rule", "list", "acme/y"]);
    assert_eq!(rules, "NUMBER  RULE\n1       allow all ** @acme/staff alice\n2       deny all ** @everyone\n");
}

fn a_renamed_member_has_the_branches_of_its_old_name() {
    let scene = Scene::new(&["alice", "bob", "carol"], &["acme/x"]);
    let conf = "@staff = alice bob\n@guests = carol\n\
                repo x\n    RW+ u/USER/ = @staff @guests\n    RW dev/ = @staff\n    R = carol\n";
    scene.import(conf, &["--rename", "alice=alicia"]);
    let rules = scene.hub.did(&["rule", "list", "acme/x"]);
    for rule in [
        "allow all refs/heads/u/{user}/** @acme/guests bob\n",
        "allow all refs/heads/u/alice/** alicia\n",
        "allow create,update refs/heads/dev/** @acme/staff\n",
    ] {
        assert!(rules.contains(rule), "{rule} {rules}");
    }
    let asked = [
        "alicia update acme/x refs/heads/u/alice/x",
        "alicia update acme/x refs/heads/u/alicia/x",
        "bob update acme/x refs/heads/u/bob/x",
        "bob update acme/x refs/heads/u/alice/x",
        "alicia update acme/x refs/heads/dev/x",
    ];
    assert_eq!(scene.allowed(&asked), [asked[0], asked[2], asked[4]]);
}

fn a_partial_import_makes_teams_of_what_was_read_and_an_account_of_this_hub_joins() {
    let scene = Scene::new(&["alice", "bob"], &["acme/x"]);
    let Scene { hub, .. } = &scene;
    hub.did(&["user", "add", "bob"]);
    let conf = "@staff = alice bob @unknown\nrepo x\n    RW+ = @staff\n";
    let outcome = hub.hubgate(&["import", "gitolite", &scene.write(conf), "--owner", "acme"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("there is no group @unknown yet"), "{outcome}");
    assert_eq!(json_of(hub, &["team", "list", "acme"]), json!([]));
    for words in [&["--partial"][..], &["--partial", "--merge"]] {
        let report = scene.import(conf, words);
        let is_first = words.len() == 1;
        assert_eq!(grants(&report).len(), usize::from(is_first), "{report:#}");
        assert_eq!(report["keys"].as_array().map(Vec::len), Some(1), "{report:#}");
        let members = json_of(hub, &["team", "member", "list", "acme/staff"]);
        let users: Vec<&str> =
            members.as_array().expect("a list").iter().filter_map(|member| member["user"].as_str()).collect();
        assert_eq!(users, ["alice", "bob"]);
    }
}
