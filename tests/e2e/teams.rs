//! Teams: what their members may do, who manages them, and who sees them.

use serde_json::Value;

use crate::harness::{Client, Hub, Outcome, refused, says, silent, trials};
use crate::texts::{not_found, read_only};

trials![
    a_team_gives_its_members_a_role_until_they_leave,
    administrators_manage_teams_over_ssh,
    a_team_is_hidden_from_everyone_outside_its_organization,
    every_page_that_shows_rights_shows_teams,
    a_role_of_a_team_stays_with_its_organization,
    a_rule_for_a_team_concerns_its_members_until_they_leave,
    rules_for_teams_are_set_and_read_by_those_who_may_know_the_team,
    a_team_that_rules_name_is_not_removed_and_a_denial_stays_with_a_repository,
];

/// acme/x, private, with a commit: rooty is an admin of acme, and alice a member without access.
struct Scene {
    hub: Hub,
    root: Client,
    alice: Client,
}

impl Scene {
    fn new() -> Self {
        let hub = Hub::new();
        let (root, alice) = (hub.user("rooty"), hub.user("alice"));
        hub.did(&["org", "add", "acme", "--admin", "rooty"]);
        hub.did(&["org", "member", "set", "acme", "alice", "no_access"]);
        hub.repo("acme/x", &["--private"]);
        Self { hub, root, alice }
    }

    /// The team acme/devs with alice, and its role on acme/x.
    fn with_team(role: &str) -> Self {
        let scene = Self::new();
        scene.hub.did(&["team", "add", "acme/devs"]);
        scene.hub.did(&["team", "member", "add", "acme/devs", "alice"]);
        scene.hub.did(&["repo", "collaborator", "set", "acme/x", "@acme/devs", role]);
        scene
    }
}

/// A command that is refused because its words are wrong.
#[track_caller]
fn is_usage(outcome: &Outcome) {
    assert_eq!(outcome.status, 2, "{outcome}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn a_team_gives_its_members_a_role_until_they_leave() {
    let scene = Scene::new();
    let Scene { hub, root, alice } = &scene;
    let fetch = "git-upload-pack 'acme/x'";
    let missing = || refused(not_found(alice));
    alice.ssh(fetch).is(&missing());
    root.ssh("team add acme/devs").is(&says("added the team acme/devs\n"));
    root.ssh("team member add acme/devs alice --until 30d").is(&says("alice is a member of the team acme/devs\n"));
    alice.ssh(fetch).is(&missing());
    let set = "repo collaborator set acme/x @acme/devs";
    root.ssh(format!("{set} read")).is(&says("@acme/devs has the role read on acme/x\n"));
    alice.git(&["clone", "--quiet", &Client::url("acme/x"), "x"]).is(&silent());
    alice.commit("x", "file", "1");
    let push = ["push", "--quiet", "origin", "HEAD"];
    alice.ssh("git-receive-pack 'acme/x'").is(&refused(read_only(alice, "acme/x")));
    root.ssh(format!("{set} write --until 30d")).succeeded();
    alice.git_in("x", &push).succeeded();
    // The best of the roles counts.
    root.ssh("team add acme/readers").succeeded();
    root.ssh("team member add acme/readers alice").succeeded();
    root.ssh("repo collaborator set acme/x @acme/readers read").succeeded();
    alice.commit("x", "file", "2");
    alice.git_in("x", &push).succeeded();
    root.ssh("team member remove acme/devs alice").is(&says("alice is no longer a member of the team acme/devs\n"));
    alice.ssh("git-receive-pack 'acme/x'").is(&refused(read_only(alice, "acme/x")));
    // A leaver is one row: the membership of the organization, or the account.
    root.ssh("repo collaborator set acme/x alice read").succeeded();
    let keeps = "alice is no longer a member of acme\n\
                 alice keeps a role of their own on 1 repository there: repo collaborator remove\n";
    root.ssh("org member remove acme alice").is(&says(keeps));
    root.ssh("repo collaborator remove acme/x alice").succeeded();
    alice.ssh(fetch).is(&missing());
    root.ssh("org member set acme alice no_access").succeeded();
    alice.ssh(fetch).is(&missing());
    root.ssh("team member add acme/devs alice").succeeded();
    alice.git_in("x", &["fetch", "--quiet"]).succeeded();
    // A membership that ends at a second, as `--until` may have it.
    let now = "CAST(strftime('%s', 'now') AS INTEGER)";
    hub.sql(&format!(
        "UPDATE member SET until = {now} WHERE role = 'no_access' AND organization_id =
                      (SELECT id FROM owner WHERE folded = 'acme')"
    ));
    alice.ssh(fetch).is(&missing());
    hub.did(&["org", "member", "set", "acme", "alice", "no_access"]);
    alice.ssh(fetch).is(&missing());
    root.ssh("team member add acme/devs alice").succeeded();
    hub.did(&["user", "disable", "alice", "--reason", "left"]);
    assert!(alice.ssh(fetch).stderr().contains("the account alice is disabled: left"));
    hub.did(&["user", "remove", "alice", "--yes"]);
    let left = hub.sql("SELECT count(*) FROM member");
    assert_eq!(left, "1\n", "only the admin of acme is left");
}

fn administrators_manage_teams_over_ssh() {
    let scene = Scene::with_team("write");
    let Scene { hub, root, alice } = &scene;
    let bob = hub.user("bob");
    // Members see the teams of their organization, and change nothing.
    for client in [root, alice] {
        let list = client.ssh("team list acme").succeeded().stdout();
        assert_eq!(list.lines().skip(1).filter(|line| line.starts_with("acme/devs ")).count(), 1);
        let page = client.ssh("team show ACME/Devs --json").succeeded().stdout();
        let page = json(&page);
        assert_eq!((&page["team"], &page["members"][0]["user"]), (&"acme/devs".into(), &"alice".into()));
        assert_eq!(page["repositories"][0]["path"], "acme/x");
        let members = json(&client.ssh("team member list acme/devs --json").succeeded().stdout());
        assert_eq!(members, serde_json::json!([{ "team": "acme/devs", "user": "alice", "until": null }]));
    }
    let denied = "hubgate: you do not administer acme\n";
    for command in [
        "team add acme/more",
        "team rename acme/devs more",
        "team remove acme/devs --yes",
        "team member add acme/devs rooty",
        "team member remove acme/devs alice",
    ] {
        for client in [alice, &bob] {
            client.ssh(command).is(&refused(denied));
        }
    }
    let said = "hubgate: bob is not a member of acme: first give a role with: org member set acme bob no_access\n";
    root.ssh("team member add acme/devs bob").is(&refused(said));
    root.ssh("team add acme/devs").is(&refused("hubgate: there is already a team acme/devs\n"));
    is_usage(&root.ssh("team add acme/admin"));
    is_usage(&root.ssh("team add acme/a/b"));
    root.ssh("team rename acme/devs builders").is(&says("renamed the team acme/devs to acme/builders\n"));
    alice.git(&["clone", "--quiet", &Client::url("acme/x"), "x"]).is(&silent());
    is_usage(&root.ssh("team remove acme/builders"));
    root.ssh("team remove acme/builders --yes").is(&says("removed the team acme/builders\n"));
    alice.ssh("git-upload-pack 'acme/x'").is(&refused(not_found(alice)));
    // What was done, and by which key.
    let events =
        hub.sql("SELECT group_concat(event, ' ') FROM audit WHERE event LIKE 'team.%' AND actor LIKE 'rooty %'");
    assert_eq!(events, "team.rename team.delete\n");
    let audit = hub.did(&["audit", "--user", "acme"]);
    assert!(audit.contains("team.delete") && audit.contains("@acme/builders"), "{audit}");
}

fn a_team_is_hidden_from_everyone_outside_its_organization() {
    let scene = Scene::with_team("write");
    let Scene { hub, alice, .. } = &scene;
    // Bob administers a repository of acme, and is no member.
    let bob = hub.user("bob");
    hub.did(&["repo", "collaborator", "set", "acme/x", "bob", "admin"]);
    for team in ["acme/devs", "acme/none", "none/devs"] {
        let organization = team.split('/').next().expect("an organization");
        let no_member = refused(format!("hubgate: you are not a member of {organization}\n"));
        for command in
            [format!("team list {organization}"), format!("team show {team}"), format!("team member list {team}")]
        {
            bob.ssh(command).is(&no_member);
        }
        let said = if organization == "acme" {
            format!("hubgate: there is no team {team}\n")
        } else {
            "hubgate: only teams of the organization that owns acme/x can have a role there\n".to_owned()
        };
        bob.ssh(format!("repo collaborator set acme/x @{team} admin")).is(&refused(said.as_str()));
        bob.ssh(format!("repo collaborator remove acme/x @{team}")).is(&refused(said.as_str()));
    }
    let listed = json(&bob.ssh("repo collaborator list acme/x --json").succeeded().stdout());
    let users: Vec<&str> = listed.as_array().expect("rows").iter().filter_map(|row| row["user"].as_str()).collect();
    assert_eq!(users, ["bob"]);
    let after = bob.ssh("repo collaborator list acme/x --after @acme/devs");
    after.is(&refused("hubgate: there is no team acme/devs\n"));
    let after = bob.ssh("repo collaborator list acme/x --after @acme/none");
    after.is(&refused("hubgate: there is no team acme/none\n"));
    // A member sees of a team only the repositories that it may fetch.
    hub.did(&["org", "member", "set", "acme", "bob", "no_access"]);
    hub.did(&["repo", "collaborator", "remove", "acme/x", "bob"]);
    let page = json(&bob.ssh("team show acme/devs --json").succeeded().stdout());
    assert_eq!((&page["repositories"], &page["members"][0]["user"]), (&serde_json::json!([]), &"alice".into()));
    let page = json(&alice.ssh("team show acme/devs --json").succeeded().stdout());
    assert_eq!(page["repositories"][0]["role"], "write");
    let needs = "hubgate: this needs an account: connect with a key that is on an account here\n";
    hub.stranger().ssh("team list acme").is(&refused(needs));
}

fn every_page_that_shows_rights_shows_teams() {
    let scene = Scene::with_team("write");
    let Scene { hub, root, alice } = &scene;
    let shows = |command: &[&str], expected: &str| {
        let text = hub.did(command);
        assert!(text.contains(expected), "{command:?}: {text}");
    };
    shows(&["user", "show", "alice"], "TEAM       UNTIL\nacme/devs  -\n");
    shows(&["org", "show", "acme"], "TEAM       CREATED\nacme/devs  ");
    shows(&["repo", "show", "acme/x"], "COLLABORATOR  ROLE   UNTIL\n@acme/devs    write  -\n");
    shows(&["repo", "collaborator", "list"], "@acme/devs");
    shows(&["export"], r#""table":"team_members","team":"acme/devs","until":null,"user":"alice""#);
    shows(&["export"], r#""role":"write","table":"collaborators","until":null,"user":"@acme/devs""#);
    let line = "alice has the role write by the team acme/devs\n";
    shows(&["explain", "--user", "alice", "--command", "git-receive-pack 'acme/x'"], line);
    assert!(alice.ssh("explain acme/x push").succeeded().stdout().contains(line));
    let policy = hub.path("policy");
    std::fs::write(&policy, "alice push acme/x = allow\nrooty push acme/x = allow\n").expect("a file");
    hub.did(&["policy", "test", policy.to_str().expect("UTF-8")]);
    // What ends soon.
    root.ssh("team member add acme/devs alice --until 3d").succeeded();
    root.ssh("repo collaborator set acme/x @acme/devs write --until 3d").succeeded();
    for command in [
        &["team", "member", "list"][..],
        &["team", "member", "list", "acme/devs"],
        &["repo", "collaborator", "list"],
        &["repo", "collaborator", "list", "acme/x"],
    ] {
        for (time, number) in [("2d", 0), ("4d", 1)] {
            let words: Vec<&str> = command.iter().copied().chain(["--json", "--expiring", time]).collect();
            let rows = json(&hub.did(&words));
            assert_eq!(rows.as_array().expect("rows").len(), number, "{words:?}");
        }
    }
    let listed = json(&root.ssh("repo collaborator list acme/x --json").succeeded().stdout());
    assert_eq!(listed[0]["user"], "@acme/devs");
}

fn a_role_of_a_team_stays_with_its_organization() {
    let scene = Scene::with_team("write");
    let Scene { hub, root, alice } = &scene;
    let moved = "renamed acme/x to rooty/x\nthese teams have no role there any more: @acme/devs\n";
    root.ssh("repo rename acme/x rooty/x").is(&says(moved));
    alice.ssh("git-upload-pack 'rooty/x'").is(&refused(not_found(alice)));
    let said = "hubgate: only teams of the organization that owns rooty/x can have a role there\n";
    root.ssh("repo collaborator set rooty/x @acme/devs write").is(&refused(said));
    root.ssh("repo rename rooty/x acme/x").succeeded();
    alice.ssh("git-upload-pack 'acme/x'").is(&refused(not_found(alice)));
    // A copy of the database has the teams.
    hub.did(&["repo", "collaborator", "set", "acme/x", "@acme/devs", "read"]);
    let copy = hub.path("copy.db");
    let copy = copy.to_str().expect("UTF-8");
    hub.did(&["backup", copy]);
    hub.did(&["team", "remove", "acme/devs", "--yes"]);
    alice.ssh("git-upload-pack 'acme/x'").is(&refused(not_found(alice)));
    hub.did(&["restore", copy, "--yes"]);
    alice.git(&["clone", "--quiet", &Client::url("acme/x"), "x"]).is(&silent());
    hub.did(&["org", "rename", "acme", "initech"]);
    alice.git(&["clone", "--quiet", &Client::url("initech/x"), "y"]).is(&silent());
    assert!(alice.ssh("team show initech/devs").succeeded().stdout().contains("initech/x"));
}

/// The last sentence of the hub in an outcome that is a refusal.
#[track_caller]
fn sentence(outcome: &Outcome) -> String {
    assert_eq!(outcome.status, 1, "{outcome}");
    let text = outcome.stderr();
    let line = text.lines().find_map(|line| line.strip_prefix("remote: hubgate: "));
    line.unwrap_or_else(|| panic!("no sentence: {text}")).trim_end().to_owned()
}

fn a_rule_for_a_team_concerns_its_members_until_they_leave() {
    let scene = Scene::with_team("write");
    let Scene { hub, root, alice } = &scene;
    let bob = hub.user("bob");
    hub.did(&["org", "member", "set", "acme", "bob", "write"]);
    hub.did(&["team", "add", "acme/ops"]);
    hub.did(&["team", "member", "add", "acme/ops", "bob"]);
    let said = root.ssh("repo protect acme/x main --update @acme/devs").succeeded().stdout();
    assert_eq!(
        said,
        "rule 1 of acme/x: deny force,delete refs/heads/main @everyone\n\
         rule 2 of acme/x: allow create,update refs/heads/main @acme/devs\n\
         rule 3 of acme/x: deny create,update refs/heads/main @everyone\n"
    );
    for client in [alice, &bob, root] {
        client.git(&["clone", "--quiet", &Client::url("acme/x"), "x"]).is(&silent());
    }
    let push = |client: &Client, number: &str| {
        client.git_in("x", &["pull", "--quiet", "--rebase"]).succeeded();
        client.commit("x", "file", number);
        client.git_in("x", &["push", "--quiet", "origin", "HEAD:main"])
    };
    push(alice, "1").is(&silent());
    let refused = |name: &str| {
        format!(
            "refs/heads/main: {name} may not update it (rule 3 of acme/x: deny create,update refs/heads/main @everyone)"
        )
    };
    // A member of another team and an administrator are not of the team.
    assert_eq!(sentence(&push(&bob, "2")), refused("bob"));
    assert_eq!(sentence(&push(root, "3")), refused("rooty"));
    let explain = "explain acme/x push --ref refs/heads/main --action update";
    let allowed = "allow: refs/heads/main: alice may update it (rule 2 of acme/x: allow create,update refs/heads/main @acme/devs)\n";
    assert!(alice.ssh(explain).succeeded().stdout().ends_with(allowed));
    let words = ["explain", "--user", "alice", "--command", "git-receive-pack 'acme/x'"];
    let operator = hub.did(&[&words[..], &["--ref", "refs/heads/main", "--action", "update"]].concat());
    assert!(operator.ends_with(allowed), "{operator}");
    let policy = hub.path("policy");
    let lines = "alice update acme/x refs/heads/main = allow\nbob update acme/x refs/heads/main = deny\n";
    std::fs::write(&policy, lines).expect("a file");
    hub.did(&["policy", "test", policy.to_str().expect("UTF-8")]);
    // One moment after leaving the team, and with it back.
    root.ssh("org member set acme alice write").succeeded();
    root.ssh("team member remove acme/devs alice").succeeded();
    assert_eq!(sentence(&push(alice, "4")), refused("alice"));
    root.ssh("team member add acme/devs alice").succeeded();
    push(alice, "5").is(&silent());
    let now = "CAST(strftime('%s', 'now') AS INTEGER)";
    hub.sql(&format!(
        "UPDATE member SET until = {now} WHERE organization_id = (SELECT id FROM owner WHERE name = 'devs')"
    ));
    assert_eq!(sentence(&push(alice, "6")), refused("alice"));
    // Rules for paths, too.
    hub.did(&["repo", "unprotect", "acme/x", "main"]);
    root.ssh("check set acme/x path 'allow docs @acme/ops; deny docs @everyone'").succeeded();
    bob.git_in("x", &["reset", "--quiet", "--hard", "origin/main"]).succeeded();
    bob.git_in("x", &["pull", "--quiet"]).succeeded();
    bob.commit("x", "docs", "1");
    bob.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    root.ssh("team member remove acme/ops bob").succeeded();
    bob.commit("x", "docs", "2");
    let outcome = bob.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]);
    assert!(outcome.stderr().contains("docs"), "{outcome}");
    assert_eq!(outcome.status, 1);
}

fn rules_for_teams_are_set_and_read_by_those_who_may_know_the_team() {
    let scene = Scene::with_team("write");
    let Scene { hub, root, .. } = &scene;
    // Bob administers a repository of acme, and is no member.
    let bob = hub.user("bob");
    hub.did(&["repo", "collaborator", "set", "acme/x", "bob", "admin"]);
    for (team, said) in [
        ("acme/devs", "there is no team acme/devs"),
        ("acme/none", "there is no team acme/none"),
        ("none/devs", "rules of acme/x name only teams of acme"),
    ] {
        let said = refused(format!("hubgate: {said}\n"));
        bob.ssh(format!("rule add acme/x deny all '**' @{team}")).is(&said);
        bob.ssh(format!("repo protect acme/x main --update @{team}")).is(&said);
        bob.ssh(format!("check set acme/x path 'deny docs @{team}'")).is(&said);
    }
    let hub_rule = hub.hubgate(&["rule", "add", "hub", "deny all ** @acme/devs"]);
    hub_rule.is(&refused("hubgate: a rule of the hub names no team: give it to acme or to a repository\n"));
    root.ssh("rule add acme/x deny force '**' @acme/devs").is(&says("rule 1 of acme/x: deny force ** @acme/devs\n"));
    root.ssh("rule add acme allow force '**' @ACME/Devs bob")
        .is(&says("rule 1 of acme: allow force ** @acme/devs bob\n"));
    root.ssh("check set acme/x path 'deny docs @acme/devs'").is(&says("path of acme/x: deny docs @acme/devs\n"));
    let who = |client: &Client| {
        let listed = json(&client.ssh("rule list acme/x --json").succeeded().stdout());
        (listed[0]["rule"].clone(), listed[0]["who"][0].clone())
    };
    assert_eq!(who(root), ("deny force ** @acme/devs".into(), "@acme/devs".into()));
    assert_eq!(who(&bob), ("deny force ** @acme/...".into(), "@acme/...".into()));
    let checks = bob.ssh("check list acme/x").succeeded().stdout();
    assert!(checks.contains("deny docs @acme/...") && !checks.contains("devs"), "{checks}");
    bob.ssh("rule remove acme/x 1").is(&says("removed rule 1 of acme/x: deny force ** @acme/...\n"));
    // A rule is stored by the row of the team, and follows a change of its name.
    root.ssh("team rename acme/devs builders").succeeded();
    let listed = hub.did(&["rule", "list", "acme"]);
    assert_eq!(listed, "NUMBER  RULE\n1       allow force ** @acme/builders bob\n");
    let events = hub.did(&["audit", "--user", "acme", "--json"]);
    assert!(events.contains("allow force ** @acme/devs bob"), "{events}");
}

fn a_team_that_rules_name_is_not_removed_and_a_denial_stays_with_a_repository() {
    let scene = Scene::with_team("read");
    let Scene { hub, root, .. } = &scene;
    hub.did(&["rule", "add", "acme/x", "deny create refs/tags/** @acme/devs"]);
    hub.did(&["rule", "add", "acme/x", "allow create refs/heads/wip @acme/devs"]);
    hub.did(&["rule", "add", "acme/x", "deny create refs/heads/wip @everyone"]);
    root.ssh("team remove acme/devs --yes").is(&refused(
        "hubgate: rules of acme/x name the team acme/devs: first remove them, as rule list and check list show them\n",
    ));
    root.git(&["clone", "--quiet", &Client::url("acme/x"), "x"]).is(&silent());
    let push = |name: &str| root.git_in("x", &["push", "--quiet", "origin", &format!("HEAD:{name}")]);
    push("refs/tags/v1").is(&silent());
    // Where the repository has no teams, the denial holds for everyone, and nobody has what the team was allowed.
    root.ssh("repo rename acme/x rooty/x").succeeded();
    root.ssh("team remove acme/devs --yes").is(&says("removed the team acme/devs\n"));
    let denied = |name: &str, of: &str| {
        format!("refs/tags/{name}: rooty may not create it (rule 1 of {of}: deny create refs/tags/** {})", "@acme/...")
    };
    assert_eq!(sentence(&push("refs/tags/v2")), denied("v2", "rooty/x"));
    let listed = hub.did(&["rule", "list", "rooty/x"]);
    assert!(listed.contains("1       deny create refs/tags/** @acme/...(gone)\n"), "{listed}");
    // A new team of the same name is another team.
    root.ssh("repo rename rooty/x acme/x").succeeded();
    root.ssh("team add acme/devs").succeeded();
    root.ssh("team member add acme/devs rooty").succeeded();
    assert!(sentence(&push("refs/tags/v2")).ends_with("deny create refs/tags/** @acme/devs(gone))"));
    assert!(sentence(&push("refs/heads/wip")).ends_with("(rule 3 of acme/x: deny create refs/heads/wip @everyone)"));
    root.ssh("rule remove acme/x 1").succeeded();
    push("refs/tags/v2").is(&silent());
}
