//! `hubgate user` and `hubgate org`: all texts, all statuses, all JSON.

use serde_json::{Value, json};

use crate::harness::{Hub, refused, run, says, trials};
use crate::programs::program;
use crate::rows::of_kind;

trials![
    users_are_added_shown_renamed_and_removed,
    a_used_name_stays_reserved,
    user_rows_are_accepted_or_rejected_as_they_say,
    a_user_with_repositories_is_only_removed_with_a_new_owner,
    organizations_are_added_shown_renamed_and_removed,
    an_organization_never_loses_its_last_admin,
    irreversible_commands_need_yes_or_a_terminal,
    wrong_usage_exits_with_2,
];

/// The output of a command with `--json`; times are replaced by `TIME`.
#[track_caller]
pub(crate) fn json_of(hub: &Hub, words: &[&str]) -> Value {
    let text = hub.did(&[&["--json"], words].concat());
    assert!(text.ends_with('\n'));
    let mut value = serde_json::from_str(&text).expect("JSON");
    without_times(&mut value);
    value
}

pub(crate) fn without_times(value: &mut Value) {
    match value {
        Value::String(text) if is_time(text) => "TIME".clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(without_times),
        Value::Object(fields) => fields.values_mut().for_each(without_times),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// RFC 3339, UTC, whole seconds.
pub(crate) fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00Z"
}

/// Wrong usage of the command line.
#[track_caller]
pub(crate) fn is_usage(outcome: &crate::harness::Outcome, reason: &str) {
    assert!(outcome.status == 2 && outcome.stdout.is_empty() && outcome.stderr().contains(reason), "{outcome}");
}

fn users_are_added_shown_renamed_and_removed() {
    let hub = Hub::new();
    hub.hubgate(&["user", "add", "Alice"]).is(&says("added Alice\n"));
    hub.hubgate(&["user", "add", "robot", "--no-create"]).is(&says("added robot\n"));
    hub.hubgate(&["user", "add", "aLICE"]).is(&refused("hubgate: the name Alice is in use by a user\n"));
    let alice = json!({ "name": "Alice", "created_at": "TIME", "may_create": true, "disabled": null });
    let robot = json!({ "name": "robot", "created_at": "TIME", "may_create": false, "disabled": null });
    assert_eq!(json_of(&hub, &["user", "list"]), json!([alice, robot]));
    let list = hub.did(&["user", "list"]);
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "CREATED", "STATE"]);
    assert_eq!((rows[1][0], rows[1][3]), ("Alice", "active"));
    assert_eq!((rows[2][0], rows[2][3..].join(" ").as_str()), ("robot", "active, may not create"));
    hub.hubgate(&["repo", "create", "robot/x"])
        .is(&refused("hubgate: the account robot may not create repositories\n"));
    hub.did(&["repo", "create", "alice/x"]);
    let shown = json!({
        "name": "Alice", "created_at": "TIME", "may_create": true, "disabled": null, "keys": 0, "repositories": 1,
        "organizations": [], "teams": [],
    });
    assert_eq!(json_of(&hub, &["user", "show", "alice"]), shown);
    assert!(hub.did(&["user", "show", "alice"]).starts_with("Alice\n  created       "));
    hub.hubgate(&["user", "show", "bob"]).is(&refused("hubgate: there is no user bob\n"));
    hub.hubgate(&["user", "disable", "alice", "--reason", "gone"]).is(&says("disabled alice\n"));
    assert!(hub.did(&["user", "list"]).contains("disabled: gone\n"));
    assert_eq!(json_of(&hub, &["user", "enable", "alice"]), alice);
    hub.hubgate(&["user", "rename", "alice", "Alicia"]).is(&says("renamed alice to Alicia\n"));
    let renamed = json_of(&hub, &["user", "rename", "alicia", "ALICIA"]);
    assert_eq!((&renamed["before"], &renamed["name"]), (&json!("alicia"), &json!("ALICIA")));
    hub.did(&["repo", "remove", "alicia/x", "--yes"]);
    hub.hubgate(&["user", "remove", "alicia", "--yes"])
        .is(&says("removed alicia; its name stays reserved until: hubgate user release alicia\n"));
    hub.hubgate(&["user", "show", "alicia"]).is(&refused("hubgate: there is no user alicia\n"));
    assert_eq!(json_of(&hub, &["user", "list"]), json!([robot]));
}

fn a_used_name_stays_reserved() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["user", "rename", "alice", "bob"]);
    let answer = "hubgate: the name alice belonged to an account before: to free it run hubgate user release alice\n";
    hub.hubgate(&["user", "add", "alice"]).is(&refused(answer));
    hub.hubgate(&["org", "add", "Alice", "--admin", "bob"]).is(&refused(answer.replace("alice", "Alice")));
    hub.hubgate(&["user", "release", "alice"]).is(&says("the name alice is free\n"));
    hub.hubgate(&["user", "release", "alice"]).is(&refused("hubgate: there is no reserved name alice\n"));
    hub.did(&["user", "add", "alice"]);
    hub.did(&["user", "remove", "alice", "--yes"]);
    hub.hubgate(&["user", "add", "alice"]).is(&refused(answer));
    assert_eq!(json_of(&hub, &["user", "release", "alice"]), json!({ "released": "alice" }));
}

fn user_rows_are_accepted_or_rejected_as_they_say() {
    let hub = Hub::new();
    let rows = of_kind("user");
    assert_eq!(rows.len(), 17);
    for row in rows {
        let outcome = run(hub.hubgate_command().args(["user", "add"]).arg(row.command()));
        if row.accepted {
            let name = row.normalized["user"].as_str().expect("a name");
            outcome.is(&says(format!("added {name}\n")));
        } else {
            assert_eq!(row.message.as_deref(), Some("E_NAME"));
            assert!(
                outcome.status == 2 && outcome.stdout.is_empty() && !outcome.stderr.is_empty(),
                "{}: {outcome}",
                row.id
            );
        }
    }
    assert_eq!(hub.sql("SELECT count(*) FROM owner"), "2\n");
}

fn a_user_with_repositories_is_only_removed_with_a_new_owner() {
    let hub = Hub::new();
    for user in ["alice", "bob"] {
        hub.did(&["user", "add", user]);
    }
    hub.did(&["repo", "create", "alice/x"]);
    hub.did(&["repo", "create", "datasets/alice/y"]);
    hub.hubgate(&["user", "remove", "alice", "--yes"]).is(&refused(
        "hubgate: alice owns 2 repositories: remove them first, or name the new owner with --transfer-to OWNER\n",
    ));
    hub.did(&["repo", "create", "bob/x"]);
    hub.hubgate(&["user", "remove", "alice", "--transfer-to", "bob", "--yes"])
        .is(&refused("hubgate: there is already a model bob/x\n"));
    hub.did(&["repo", "rename", "bob/x", "bob/z"]);
    hub.did(&["user", "remove", "alice", "--transfer-to", "bob", "--yes"]);
    let list = json_of(&hub, &["repo", "list", "bob"]);
    let paths: Vec<&str> = list.as_array().expect("a list").iter().filter_map(|repo| repo["path"].as_str()).collect();
    assert_eq!(paths, ["datasets/bob/y", "bob/x", "bob/z"]);
}

fn organizations_are_added_shown_renamed_and_removed() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["user", "add", "bob"]);
    hub.hubgate(&["org", "add", "acme", "--admin", "nobody"]).is(&refused("hubgate: there is no user nobody\n"));
    hub.hubgate(&["org", "add", "acme", "--admin", "alice"]).is(&says("added acme, administered by alice\n"));
    hub.hubgate(&["org", "add", "bob", "--admin", "alice"]).is(&refused("hubgate: the name bob is in use by a user\n"));
    hub.hubgate(&["org", "member", "set", "acme", "bob", "write", "--until", "2999-12-31"])
        .is(&says("bob has the role write in acme\n"));
    let member = json!({ "organization": "acme", "user": "bob", "role": "read", "until": null });
    assert_eq!(json_of(&hub, &["org", "member", "set", "acme", "bob", "read"]), member);
    is_usage(&hub.hubgate(&["org", "member", "set", "acme", "bob", "owner"]), "invalid value 'owner'");
    is_usage(
        &hub.hubgate(&["org", "member", "set", "acme", "bob", "read", "--until", "2001-01-01"]),
        "this time is in the past",
    );
    hub.hubgate(&["org", "member", "set", "alice", "bob", "read"])
        .is(&refused("hubgate: there is no organization alice: alice is a user\n"));
    assert_eq!(json_of(&hub, &["org", "list"]), json!([{ "name": "acme", "created_at": "TIME" }]));
    let shown = json!({
        "name": "acme", "created_at": "TIME", "repositories": 0, "teams": [],
        "members": [
            { "user": "alice", "role": "admin", "until": null }, { "user": "bob", "role": "read", "until": null },
        ],
    });
    assert_eq!(json_of(&hub, &["org", "show", "acme"]), shown);
    assert!(hub.did(&["org", "show", "acme"]).contains("\nMEMBER  ROLE   UNTIL\nalice   admin  -\nbob     read   -\n"));
    let organizations = &json_of(&hub, &["user", "show", "bob"])["organizations"];
    assert_eq!(*organizations, json!([{ "organization": "acme", "role": "read", "until": null }]));
    hub.hubgate(&["org", "member", "remove", "acme", "bob"]).is(&says("bob is no longer a member of acme\n"));
    hub.hubgate(&["org", "member", "remove", "acme", "bob"]).is(&refused("hubgate: there is no member bob of acme\n"));
    hub.hubgate(&["org", "rename", "acme", "Emca"]).is(&says("renamed acme to Emca\n"));
    hub.hubgate(&["org", "remove", "emca", "--yes"])
        .is(&says("removed emca; its name stays reserved until: hubgate user release emca\n"));
    assert_eq!(json_of(&hub, &["org", "list"]), json!([]));
}

fn an_organization_never_loses_its_last_admin() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["user", "add", "bob"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    // An admin with an end date does not count.
    hub.did(&["org", "member", "set", "acme", "bob", "admin", "--until", "90d"]);
    let answer = refused(
        "hubgate: acme would have no admin: first give the role to another member: \
         hubgate org member set acme USER admin\n",
    );
    hub.hubgate(&["org", "member", "remove", "acme", "alice"]).is(&answer);
    hub.hubgate(&["org", "member", "set", "acme", "alice", "write"]).is(&answer);
    hub.hubgate(&["org", "member", "set", "acme", "alice", "admin", "--until", "90d"]).is(&answer);
    hub.hubgate(&["user", "remove", "alice", "--yes"]).is(&answer);
    hub.did(&["org", "member", "set", "acme", "bob", "admin"]);
    hub.did(&["user", "remove", "alice", "--yes"]);
}

fn irreversible_commands_need_yes_or_a_terminal() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/x"]);
    hub.hubgate(&["user", "remove", "alice"])
        .is(&refused("hubgate: Remove the account alice and its keys? Confirm with --yes\n").status(2));
    hub.hubgate(&["repo", "remove", "alice/x"])
        .is(&refused("hubgate: Remove alice/x from the hub? Confirm with --yes\n").status(2));
    // script(1) gives the program a terminal and types its input.
    let typed = |answer: &str| {
        let command =
            format!("'{}' --config {} repo remove alice/x", program("hubgate").display(), hub.config().display());
        let mut script = std::process::Command::new("script");
        crate::harness::run_with(script.args(["-qec", &command, "/dev/null"]), answer.as_bytes())
    };
    let refusal = typed("n\n");
    assert!(refusal.status == 1 && refusal.stdout().contains("Remove alice/x from the hub? [y/N] "), "{refusal}");
    assert!(refusal.stdout().ends_with("hubgate: nothing was changed\r\n"), "{refusal}");
    let done = typed("y\n");
    assert!(done.status == 0 && done.stdout().contains("removed alice/x; its directory stays: "), "{done}");
    assert_eq!(json_of(&hub, &["repo", "list"]), json!([]));
}

fn wrong_usage_exits_with_2() {
    let hub = Hub::new();
    for words in [
        &[][..],
        &["frobnicate"],
        &["user"],
        &["user", "add"],
        &["user", "add", "alice", "bob"],
        &["user", "disable", "alice"],
        &["user", "disable", "alice", "--reason", ""],
        &["user", "disable", "alice", "--reason", "two\nlines"],
        &["org", "add", "acme"],
        &["repo", "create", "x"],
        &["repo", "create", "alice/x.git"],
        &["repo", "create", "alice/x", "--object-format", "md5"],
        &["repo", "visibility", "alice/x", "secret"],
        &["key", "show", "SHA256:short"],
        &["--frobnicate"],
    ] {
        let outcome = hub.hubgate(words);
        assert!(outcome.status == 2 && outcome.stdout.is_empty() && !outcome.stderr.is_empty(), "{outcome}");
    }
    for words in [&["--help"][..], &["--version"], &["user", "add", "--help"]] {
        let outcome = hub.hubgate(words);
        assert!(outcome.status == 0 && outcome.stderr.is_empty() && !outcome.stdout.is_empty(), "{outcome}");
    }
    // A reader that goes away is not a fault.
    let head = format!("'{}' --help | head -c 1", program("hubgate").display());
    run(std::process::Command::new("sh").args(["-c", &head])).is(&says("T"));
}
