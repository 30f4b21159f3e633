//! `--json` of every command: one form of times, and the same keys for the same nouns, for peers and for operators.

use std::collections::BTreeSet;

use clap::CommandFactory;
use hubgate::operator::cli::Cli;
use serde_json::Value;

use crate::harness::{Hub, Key, trials};

trials![every_time_in_json_is_rfc_3339_and_shared_nouns_have_the_same_keys, an_invitation_in_json_has_the_line_to_send];

/// The commands of the operator that the test does not run: they change the machine, or speak another protocol.
const OTHERS: [&str; 5] = ["init", "demo", "lfs serve", "restore", "sshd-config"];

/// The operator's commands, in an order in which each one works. `FPR`, `FILE` and similar words are replaced.
const OPERATOR: [&str; 109] = [
    "migrate",
    "user add dora",
    "user list",
    "user show alice",
    "user email add alice alice@example.org",
    "user email list",
    "user email remove alice alice@example.org",
    "user rename dora doris",
    "user disable doris --reason away",
    "user enable doris",
    "user remove doris --yes",
    "user release doris",
    "org add initech --admin alice",
    "org list",
    "org show initech",
    "org rename initech initrode",
    "org member set initrode bob read --until 30d",
    "org member list",
    "org member list initrode",
    "team add initrode/devs",
    "team list initrode",
    "team rename initrode/devs builders",
    "team member add initrode/builders bob --until 30d",
    "team member list",
    "team member list initrode/builders",
    "team show initrode/builders",
    "team member remove initrode/builders bob",
    "team remove initrode/builders --yes",
    "org show initrode",
    "org member remove initrode bob",
    "org ca add initrode CA",
    "org ca list",
    "org ca list initrode",
    "org ca revoke initrode 7",
    "org ca remove initrode CAFPR --yes",
    "org remove initrode --yes",
    "key add alice FILE --expires 30d",
    "key list",
    "key list alice",
    "key show FPR",
    "key find FPR",
    "key rename FPR new title",
    "key remove FPR --yes",
    "repo create alice/x --gated manual",
    "repo list",
    "repo list alice",
    "repo show alice/x",
    "repo rename alice/x alice/y",
    "repo visibility alice/y public",
    "repo describe alice/y models",
    "repo default-branch alice/y",
    "repo default-branch alice/y main",
    "repo proposals alice/y on",
    "proposal list acme/gated",
    "proposal show acme/gated 1",
    "proposal close acme/gated 1",
    "proposal reopen acme/gated 1",
    "repo protect alice/y main --update bob",
    "check list alice/y",
    "check set alice/y blob-size 5M",
    "allowed-signers alice",
    "rule list alice/y",
    "rule add alice/y deny delete ** @everyone",
    "rule add hub deny force ** @deploy-keys --final",
    "rule move alice/y 4 1",
    "rule remove alice/y 1",
    "repo unprotect alice/y main",
    "repo gate alice/y manual",
    "repo freeze alice/y --reason moving",
    "repo unfreeze alice/y",
    "repo collaborator set alice/y bob read --until 30d",
    "repo collaborator list",
    "repo collaborator list alice/y",
    "repo show alice/y",
    "repo collaborator remove alice/y bob",
    "repo quota alice/y 1G",
    "repo path alice/y",
    "repo describe alice/y About",
    "repo check",
    "repo gc alice/y",
    "owner quota alice",
    "quota check",
    "kept list",
    "session list",
    "host-keys --sshd-config SSHD",
    "guide --sshd-config SSHD",
    "stats --sshd-config SSHD --log LOG",
    "deploy-key add alice/y FILE --expires 30d",
    "deploy-key list alice/y",
    "deploy-key remove FPR --yes",
    "access grant alice/y bob --until 30d",
    "access list alice/y",
    "access reject alice/y bob",
    "access revoke alice/y bob",
    "invite bob",
    "explain --user alice --command git-upload-pack~alice/y",
    "policy test POLICY",
    "apply HUBFILE",
    "plan HUBFILE",
    "lfs check",
    "lock list alice/y",
    "import authorized-keys PEOPLE --plain",
    "import gitolite GITOLITE",
    "export",
    "audit --since 2000-01-01",
    "backup BACKUP",
    "repo remove alice/y --yes",
    "repo list --removed",
    "repo restore alice/y",
];

/// Commands over SSH, in an order in which each one works.
const OVER_SSH: [&str; 50] = [
    "whoami",
    "key add third",
    "key list",
    "key rename FPR other",
    "key remove FPR",
    "user email add alice@example.org",
    "user email list",
    "user email remove alice@example.org",
    "repo create alice/z",
    "repo list",
    "repo show alice/z",
    "repo rename alice/z alice/w",
    "repo visibility alice/w public",
    "repo describe alice/w model",
    "repo default-branch alice/w",
    "repo default-branch alice/w main",
    "repo proposals alice/w off",
    "proposal list acme/gated",
    "proposal show acme/gated 1",
    "proposal close acme/gated 1",
    "proposal reopen acme/gated 1",
    "repo protect alice/w dev",
    "repo unprotect alice/w dev",
    "check list alice/w",
    "check set alice/w binary on",
    "allowed-signers alice/w",
    "rule add alice/w deny all ** bob",
    "rule add alice/w allow all ** alice --at 1",
    "rule list alice/w",
    "rule remove alice/w 2",
    "repo collaborator set alice/w bob write --until 30d",
    "repo collaborator list alice/w",
    "repo collaborator remove alice/w bob",
    "repo remove alice/w --yes",
    "org member set acme bob read --until 30d",
    "org member list acme",
    "team add acme/devs",
    "team list acme",
    "team rename acme/devs builders",
    "team member add acme/builders bob --until 30d",
    "team member list acme/builders",
    "team show acme/builders",
    "team member remove acme/builders bob",
    "team remove acme/builders --yes",
    "org member remove acme bob",
    "access request bob/gated",
    "access grant acme/gated bob --until 30d",
    "access list acme/gated",
    "access reject acme/gated bob",
    "explain acme/gated fetch",
];

/// Keys that every object of a noun has, and the keys by which the noun is recognized.
const NOUNS: [(&str, &[&str], &[&str]); 10] = [
    (
        "key",
        &["fingerprint", "scope", "title"],
        &[
            "fingerprint",
            "user",
            "repository",
            "from",
            "title",
            "type",
            "scope",
            "added_at",
            "expires_at",
            "last_used_at",
            "removal",
            "removed_at",
        ],
    ),
    (
        "repository",
        &["path", "visibility", "kind"],
        &[
            "path",
            "kind",
            "visibility",
            "gate",
            "gate_members",
            "object_format",
            "description",
            "frozen",
            "proposals",
            "created_at",
        ],
    ),
    (
        "proposal",
        &["branch", "number", "state"],
        &["number", "ref", "state", "branch", "author", "commit", "opened_at", "closed_at"],
    ),
    ("member", &["organization", "role", "user"], &["organization", "user", "role", "until"]),
    ("team member", &["team", "user"], &["team", "user", "until"]),
    ("collaborator", &["path", "role", "user"], &["path", "user", "role", "until"]),
    ("request", &["path", "state", "user"], &["path", "user", "state", "asked_at", "until"]),
    ("check", &["set_by"], &["check", "value", "set_by"]),
    ("rule", &["number", "pattern"], &["number", "rule", "final", "decision", "actions", "pattern", "who"]),
    ("user", &["may_create", "name"], &["name", "created_at", "may_create", "disabled"]),
];

/// What is wrong with the times of a value, and which nouns it has.
fn check(value: &Value, name: &str, problems: &mut Vec<String>, nouns: &mut BTreeSet<&'static str>) {
    let is_time = |text: &str| crate::accounts::is_time(text);
    let is_named_time = ["at", "since", "until"].contains(&name) || name == "kept_until" || name.ends_with("_at");
    match value {
        Value::Array(values) => values.iter().for_each(|value| check(value, name, problems, nouns)),
        Value::Object(fields) => {
            for (noun, by, keys) in NOUNS {
                if by.iter().all(|key| fields.contains_key(*key)) {
                    nouns.insert(noun);
                    let missing: Vec<_> = keys.iter().filter(|key| !fields.contains_key(**key)).collect();
                    if !missing.is_empty() {
                        problems.push(format!("a {noun} without {missing:?}: {value}"));
                    }
                }
            }
            fields.iter().for_each(|(name, value)| check(value, name, problems, nouns));
        }
        Value::String(text) if is_named_time != is_time(text) => problems.push(format!("{name}: {text}")),
        Value::Number(number) if is_named_time => problems.push(format!("{name}: {number}")),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {}
    }
}

/// Checks each JSON value that a command printed.
fn check_output(command: &str, text: &str, nouns: &mut BTreeSet<&'static str>) {
    let mut values = 0;
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let mut problems = Vec::new();
        let value = value.unwrap_or_else(|error| panic!("{command}: {error}: {text}"));
        // Rows of an export have the columns of their tables.
        let mut ignored = BTreeSet::new();
        check(&value, "", &mut problems, if command == "export" { &mut ignored } else { nouns });
        problems.retain(|problem| command != "export" || !problem.contains(" without "));
        assert!(problems.is_empty(), "{command}: {problems:#?}");
        values += 1;
    }
    assert!(values == 1 || command == "export", "{command}: {values} values");
}

/// The commands of the operator's program that have no commands of their own.
fn leaves(command: &clap::Command, before: &str, found: &mut BTreeSet<String>) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let words = format!("{before} {}", command.get_name()).trim_start().to_owned();
        if command.has_subcommands() {
            leaves(command, &words, found);
        } else {
            found.insert(words);
        }
    }
}

fn files(hub: &Hub, key: &Key, authority: &Key) -> Vec<(&'static str, String)> {
    let write = |name: &str, text: &str| {
        std::fs::write(hub.path(name), text).expect("a file");
        hub.path(name).display().to_string()
    };
    std::fs::create_dir_all(hub.path("gitolite/conf")).expect("a directory");
    std::fs::create_dir_all(hub.path("gitolite/keydir")).expect("a directory");
    let person = Key::new("carol");
    vec![
        ("FILE", write("key.pub", &key.line)),
        ("CAFPR", authority.fingerprint.clone()),
        ("CA", write("ca.pub", &authority.line)),
        ("FPR", key.fingerprint.clone()),
        ("POLICY", write("policy", "alice fetch alice/y = allow\n")),
        ("HUBFILE", write("hub.toml", "[repositories.\"alice/y\"]\ndescription = \"About y\"\n")),
        ("PEOPLE", write("people", &format!("{}\n", person.line))),
        ("GITOLITE", {
            write("gitolite/conf/gitolite.conf", "repo y\n    RW+ = carol\n");
            hub.path("gitolite").display().to_string()
        }),
        ("BACKUP", hub.path("copy.db").display().to_string()),
        ("SSHD", hub.path("sshd_config").display().to_string()),
        ("LOG", write("auth.log", "")),
    ]
}

fn every_time_in_json_is_rfc_3339_and_shared_nouns_have_the_same_keys() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.user("bob");
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    for path in ["acme/gated", "bob/gated"] {
        hub.empty_repo(path, &["--gated", "manual"]);
    }
    crate::walk::propose(&hub, "acme", "gated", "bob");
    let (key, authority) = (Key::new("second"), Key::new("ca"));
    let words = files(&hub, &key, &authority);
    let replace = |command: &str| -> Vec<String> {
        let replaced = command.split(' ').map(|word| {
            let found = words.iter().find(|(name, _)| *name == word);
            found.map_or_else(|| word.replace('~', " "), |(_, value)| value.clone())
        });
        replaced.collect()
    };
    let mut by_operator = BTreeSet::new();
    for command in OPERATOR {
        let words = replace(command);
        let words: Vec<&str> = std::iter::once("--json").chain(words.iter().map(String::as_str)).collect();
        check_output(command, &hub.did(&words), &mut by_operator);
    }
    let mut known = BTreeSet::new();
    leaves(&Cli::command(), "", &mut known);
    let is_run =
        |leaf: &String| OPERATOR.iter().any(|command| *command == leaf || command.starts_with(&format!("{leaf} ")));
    let left: Vec<&String> = known.iter().filter(|leaf| !is_run(leaf) && !OTHERS.contains(&leaf.as_str())).collect();
    // They need a repository elsewhere, a lock, or root's own files; their JSON has no times.
    assert_eq!(left, ["doctor", "kept remove", "lock remove", "repo adopt", "repo import", "session end"]);
    let mut by_peer = BTreeSet::new();
    for command in OVER_SSH {
        // Behind a title, the option would be a part of the title.
        let (verb, rest) = command.split_once(' ').map_or((command, ""), |(noun, rest)| (noun, rest));
        let text = format!("{verb} --json {}", replace(rest).join(" "));
        let outcome = alice.ssh_with(&["-oBatchMode=yes"], text.trim_end(), format!("{}\n", key.line).as_bytes());
        check_output(command, &outcome.stdout(), &mut by_peer);
    }
    let nouns: BTreeSet<&str> = NOUNS.iter().map(|(noun, ..)| *noun).collect();
    assert_eq!(by_operator, nouns);
    assert_eq!(by_peer, nouns.into_iter().filter(|noun| *noun != "user").collect());
}

fn an_invitation_in_json_has_the_line_to_send() {
    let hub = Hub::new();
    hub.user("alice");
    let invitation: Value = serde_json::from_str(&hub.did(&["--json", "invite", "alice"])).expect("JSON");
    let [code, command] = ["code", "command"].map(|key| invitation[key].as_str().expect("a text").to_owned());
    assert!(command.starts_with("ssh ") && command.ends_with(&format!(" join {code}")), "{invitation}");
    // A stranger runs the rest of the line as it is.
    let stranger = hub.stranger();
    let words = command.split_once(" join ").map(|(_, code)| format!("join {code}")).expect("a command");
    let joined = stranger.ssh(&words);
    assert!(joined.status == 0 && joined.stdout().contains("alice"), "{joined}");
}
