//! The hub as a file: what `plan` says, what `apply` does, and what real clients may do afterwards.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Hub, Key, Outcome, refused, run, run_with, says, trials};
use crate::lists::by_a_shell;
use crate::revocation::{PROMISED, Running};

trials![
    a_reviewed_change_gives_and_takes_access_and_ends_the_sessions_of_the_losers,
    an_exported_hub_applied_to_an_empty_hub_is_exported_the_same,
    a_refused_file_changes_nothing_and_leaves_no_directory,
    repositories_are_removed_only_with_prune_and_a_confirmation,
    a_plan_in_json_says_changes_and_rights,
    a_file_is_read_as_a_file_and_nothing_else,
    the_file_of_a_hub_with_many_repositories_is_written_in_little_memory,
];

/// The status of a plan that would change something.
const PENDING: i32 = 3;

fn write(hub: &Hub, text: &str) -> String {
    let file = hub.path("hub.toml");
    fs::write(&file, text).expect("a file");
    file.display().to_string()
}

fn export(hub: &Hub) -> String {
    hub.did(&["export", "--toml"])
}

/// The number of rows of the audit table.
fn changes(hub: &Hub) -> String {
    hub.sql("SELECT count(*) FROM audit")
}

/// The directories of repositories, and those that are not finished.
fn directories(hub: &Hub) -> usize {
    let root = hub.path("repositories");
    let shards = fs::read_dir(&root).expect("the root").map(|entry| entry.expect("an entry").path());
    shards.map(|shard| fs::read_dir(&shard).map_or(1, |entries| entries.count())).sum()
}

fn a_reviewed_change_gives_and_takes_access_and_ends_the_sessions_of_the_losers() {
    let hub = Hub::new();
    let (_, bob, carol) = (hub.user("alice"), hub.user("bob"), hub.user("carol"));
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "member", "set", "acme", "bob", "write"]);
    hub.repo("acme/x", &["--private"]);
    let robot = Client::new(&hub, None, Key::new("robot"));
    let before = export(&hub);
    let after = before.replace("bob = \"write\"", "carol = \"read\"");
    let after = after.replace(
        "[repositories.\"acme/x\"]\n",
        &format!(
            "[repositories.\"acme/x\"]\ndeploy_keys = [{{ key = \"{}\", write = true }}]\n",
            robot.key.line.trim()
        ),
    ) + "\n[repositories.\"datasets/acme/new\"]\nvisibility = \"internal\"\n";
    let file = write(&hub, &after);
    let key = &robot.key.fingerprint;
    let expected = format!(
        "+ acme: member carol: read\n- acme: member bob: write\n+ repository datasets/acme/new: internal\n\
         + acme/x: deploy key {key}: \"robot\", write\nalice gains: none -> admin on datasets/acme/new\n\
         bob loses: write -> none on acme/x\n\
         carol gains: none -> fetch on acme/x\ndeploy key {key} gains: none -> write on acme/x\n\
         every account gains: none -> fetch on datasets/acme/new\n"
    );
    let fetches = |client: &Client, path: &str| client.git(&["ls-remote", &Client::url(path)]).status == 0;
    let (plan, rows) = (["plan", "--prune", &file], changes(&hub));
    hub.hubgate(&plan).is(&says(format!("{expected}4 changes to make\n")).status(PENDING));
    // A plan has changed nothing.
    assert_eq!((export(&hub), changes(&hub)), (before, rows));
    assert!(fetches(&bob, "acme/x") && !fetches(&carol, "acme/x") && !fetches(&robot, "acme/x"));

    let session = Running::open(&bob, "git-receive-pack 'acme/x'");
    let begin = Instant::now();
    let apply = ["apply", "--prune", &file];
    hub.hubgate(&apply).is(&says(format!("{expected}made 4 changes\nended 1 running session\n")));
    session.ended(PROMISED.saturating_sub(begin.elapsed()).max(Duration::from_secs(1)), "apply");
    assert!(!fetches(&bob, "acme/x") && fetches(&carol, "acme/x"));
    for client in [&bob, &carol] {
        assert!(fetches(client, "datasets/acme/new"));
    }
    assert!(!fetches(&hub.stranger(), "datasets/acme/new"));
    robot.git(&["clone", "--quiet", &Client::url("acme/x"), "x"]).succeeded();
    robot.commit("x", "file", "1");
    robot.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/heads/robot"]).succeeded();
    // Each change has its row, and the second time there is none.
    let rows = changes(&hub);
    for event in ["org.add_user", "org.remove_user", "repo.create", "deploy_key.add"] {
        assert_ne!(hub.sql(&format!("SELECT count(*) FROM audit WHERE event = '{event}'")).trim(), "0", "{event}");
    }
    hub.hubgate(&apply).is(&says("nothing to change\n"));
    hub.hubgate(&plan).is(&says("nothing to change\n"));
    assert_eq!(changes(&hub), rows);
}

fn an_exported_hub_applied_to_an_empty_hub_is_exported_the_same() {
    let (first, second) = (Hub::new(), Hub::new());
    first.user("alice");
    first.did(&["user", "add", "bob", "--no-create"]);
    first.did(&["user", "add", "Carol"]);
    first.did(&["org", "add", "acme", "--admin", "alice"]);
    first.did(&["org", "member", "set", "acme", "bob", "contributor", "--until", "2999-01-31"]);
    first.empty_repo("acme/x", &["--gated", "manual", "--gate-members", "--description", "a \"b\" \\ c"]);
    first.empty_repo("datasets/Carol/d", &["--internal", "--object-format", "sha256", "--created-by", "alice"]);
    first.did(&["repo", "collaborator", "set", "acme/x", "Carol", "write"]);
    first.did(&["rule", "add", "hub", "--final", "deny create refs/heads/x @deploy-keys"]);
    first.did(&["rule", "add", "acme", "allow all ** bob Carol"]);
    first.did(&["team", "add", "acme/devs"]);
    first.did(&["team", "member", "add", "acme/devs", "bob", "--until", "2999-01-30"]);
    first.did(&["repo", "collaborator", "set", "acme/x", "@acme/devs", "read"]);
    first.did(&["rule", "add", "acme/x", "deny delete ** @acme/devs"]);
    first.did(&["repo", "protect", "acme/x", "main"]);
    first.did(&["check", "set", "alice", "blob-size", "5M"]);
    let key = Key::new("ci");
    let file = key.public_file();
    first.did(&["deploy-key", "add", "acme/x", file.to_str().expect("UTF-8"), "--expires", "2999-01-31"]);
    let text = export(&first);
    let file = write(&second, &text);
    let refusal = "hubgate: [users.alice]: there is no user alice\n";
    second.hubgate(&["apply", &file]).is(&refused(refusal));
    let said = second.did(&["apply", "--create-users", &file]);
    assert!(said.contains("+ user Carol\n") && said.contains("made "), "{said}");
    assert_eq!(export(&second), text);
    second.did(&["apply", "--prune", &file]);
    assert_eq!(export(&second), text);
    assert_eq!(second.did(&["repo", "check"]), "every repository has its directory\n");
    assert_eq!(second.did(&["key", "list"]).lines().count(), 1, "no key of a person is in the file");
    // A removed repository does not come back by the file: the plan says that the new one is empty.
    second.did(&["repo", "remove", "datasets/Carol/d", "--yes"]);
    let plan = second.hubgate(&["plan", &file]).stdout();
    let line = "+ repository datasets/Carol/d: internal, empty: repo restore has a removed one\n";
    assert!(plan.contains(line), "{plan}");
    second.did(&["repo", "restore", "datasets/Carol/d"]);
    // The directories serve.
    let alice = Key::new("alice@two");
    second.add_key("alice", &alice, &[]);
    let alice = Client::new(&second, Some("alice"), alice);
    alice.git(&["clone", "--quiet", &Client::url("acme/x")]).succeeded();
    // From one hub to the other without a file between.
    let output = run_with(second.hubgate_command().args(["plan", "-"]), text.as_bytes());
    output.is(&says("nothing to change\n"));
}

fn a_refused_file_changes_nothing_and_leaves_no_directory() {
    let hub = Hub::new();
    hub.user("alice");
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    let new = "[repositories.\"acme/new\"]\nvisibility = \"private\"\n";
    let before = (export(&hub), changes(&hub), directories(&hub));
    for (text, status, sentence) in [
        (
            "[organizations.acme]\nmembers = { alice = \"read\" }",
            1,
            "[organizations.acme]: acme would have no admin: first give the role to another member",
        ),
        (
            "[repositories.\"acme/z\"]\nvisibility = \"private\"\ncollaborators = { zoe = \"read\" }",
            1,
            "[repositories.\"acme/z\"]: there is no user zoe",
        ),
        (
            "[repositories.\"acme/z\"]\nvisibility = \"private\"\nrules = [\"final deny all ** @everyone\"]",
            1,
            "[repositories.\"acme/z\"]: a rule of a repository cannot be final: give it to its owner or to the hub",
        ),
        (
            "[repositories.\"acme/z\"]",
            2,
            "[repositories.\"acme/z\"]: a new repository needs a visibility: public, internal or private",
        ),
    ] {
        let file = write(&hub, &format!("{new}{text}\n"));
        for verb in ["plan", "apply"] {
            hub.hubgate(&[verb, &file]).is(&refused(format!("hubgate: {sentence}\n")).status(status));
        }
        assert_eq!((export(&hub), changes(&hub), directories(&hub)), before, "{text}");
    }
    let file = write(&hub, &format!("{new}colour = \"red\"\n"));
    for verb in ["plan", "apply"] {
        let outcome = hub.hubgate(&[verb, &file]);
        assert_eq!((outcome.status, outcome.stdout().as_str()), (2, ""), "{outcome}");
        let said = outcome.stderr();
        assert!(said.contains("line 3, column 1") && said.contains("unknown field `colour`"), "{said}");
        assert_eq!((export(&hub), changes(&hub), directories(&hub)), before);
    }
}

fn repositories_are_removed_only_with_prune_and_a_confirmation() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "add", "old", "--admin", "alice"]);
    hub.repo("acme/x", &["--private"]);
    hub.repo("old/y", &[]);
    let text = "[organizations.acme]\nmembers = { alice = \"admin\" }\n[repositories.\"acme/x\"]\n";
    let file = write(&hub, text);
    hub.hubgate(&["apply", &file]).is(&says("nothing to change\n"));
    let expected = "- repository old/y: public\n- organization old\nalice loses: admin -> none on old/y\n\
                    everyone loses: fetch -> none on old/y\n";
    hub.hubgate(&["plan", "--prune", &file]).is(&says(format!("{expected}2 changes to make\n")).status(PENDING));
    let before = export(&hub);
    let question = "hubgate: Remove old/y, old from the hub? Confirm with --yes\n";
    hub.hubgate(&["apply", "--prune", &file]).is(&refused(question).status(2));
    assert_eq!(export(&hub), before);
    hub.hubgate(&["apply", "--prune", "--yes", &file]).is(&says(format!("{expected}made 2 changes\n")));
    assert_ne!(alice.git(&["ls-remote", &Client::url("old/y")]).status, 0);
    alice.git(&["ls-remote", &Client::url("acme/x")]).succeeded();
    // As after a single command, the operator may restore it.
    hub.did(&["repo", "restore", "old/y", "--as", "acme/y"]);
    alice.git(&["ls-remote", &Client::url("acme/y")]).succeeded();
}

fn a_plan_in_json_says_changes_and_rights() {
    let hub = Hub::new();
    hub.user("alice");
    hub.user("bob");
    hub.empty_repo("alice/x", &[]);
    let file =
        write(&hub, "[repositories.\"alice/x\"]\nvisibility = \"private\"\ncollaborators = { bob = \"write\" }\n");
    let read = |outcome: &Outcome| serde_json::from_str::<Value>(&outcome.stdout()).expect("JSON");
    let planned = hub.hubgate(&["--json", "plan", &file]);
    let object = |kind: &str, name: Value, before: Value, after: &str| {
        let object = "alice/x";
        json!({ "object": object, "kind": kind, "name": name, "before": before, "after": after })
    };
    let right = |who: &str, before: &str, after: &str| {
        let repositories = ["alice/x"];
        json!({ "who": who, "before": before, "after": after, "count": 1, "repositories": repositories })
    };
    let mut expected = json!({
        "changes": [
            object("collaborator", "bob".into(), Value::Null, "write"),
            object("visibility", Value::Null, "public".into(), "private"),
        ],
        "rights": [right("bob", "fetch", "write"), right("everyone", "fetch", "none")],
        "applied": false,
    });
    assert_eq!((planned.status, read(&planned)), (PENDING, expected.clone()));
    let applied = hub.hubgate(&["--json", "apply", &file]);
    expected["applied"] = true.into();
    assert_eq!((applied.status, read(&applied)), (0, expected));
    let again = hub.hubgate(&["--json", "plan", &file]);
    assert_eq!((again.status, read(&again)), (0, json!({ "changes": [], "rights": [], "applied": false })));
    let bad = write(&hub, "[organizations.x]\n");
    let refused = hub.hubgate(&["--json", "plan", &bad]);
    let error = "[organizations.x]: x would have no admin: first give the role to another member";
    assert_eq!((refused.status, read(&refused)), (1, json!({ "error": error, "status": 1 })));
}

fn a_file_is_read_as_a_file_and_nothing_else() {
    let hub = Hub::new();
    hub.user("alice");
    let before = export(&hub);
    let secret = hub.path("secret");
    fs::write(&secret, "a = \"secret\"\n").expect("a file");
    let link = hub.path("link.toml");
    symlink(&secret, &link).expect("a link");
    let directory = hub.path("directory.toml");
    fs::create_dir(&directory).expect("a directory");
    let fifo = hub.path("fifo.toml");
    run(std::process::Command::new("mkfifo").arg(&fifo)).succeeded();
    for file in [&link, &directory, &fifo, &hub.path("missing.toml")] {
        let outcome = hub.hubgate(&["apply", &file.display().to_string()]);
        assert_eq!((outcome.status, outcome.stdout().as_str()), (1, ""), "{outcome}");
        assert!(!outcome.stderr().contains("secret"), "{outcome}");
    }
    // Names that would lead elsewhere are no names.
    for text in [
        "[repositories.\"../../etc/x\"]\nvisibility = \"public\"\n",
        "[repositories.\"alice/$(id)\"]\nvisibility = \"public\"\n",
        "[repositories.\"alice/x\"]\nvisibility = \"public\"\ndescription = \"\\u001b[2J\"\n",
        "include = \"/etc/passwd\"\n",
        "\u{feff}[hub]\nrules = 1\n",
    ] {
        let file = write(&hub, text);
        let outcome = hub.hubgate(&["apply", "--create-users", &file]);
        assert_eq!((outcome.status, outcome.stdout().as_str()), (2, ""), "{text}: {outcome}");
    }
    let outcome = run_with(hub.hubgate_command().args(["apply", "-"]), b"\xff\xfe");
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(export(&hub), before);
}

fn the_file_of_a_hub_with_many_repositories_is_written_in_little_memory() {
    let hub = Hub::new();
    hub.user("alice");
    hub.rows_of_repositories("alice", 30_000, "private");
    let outcome = by_a_shell(&hub, "ulimit -d 12288; hubgate export --toml");
    let text = outcome.succeeded().stdout();
    assert_eq!(text.matches("[repositories.").count(), 30_000);
}
