//! The keys of an account: what a key can add, how it ends, and what stays visible.

use crate::harness::{Client, Hub, Key, refused, says, silent, trials};
use crate::texts::{GIT_GIVES_UP, hi};

trials![
    a_key_adds_only_keys_without_additional_rights,
    every_session_warns_of_a_key_in_its_last_week,
    a_key_works_only_from_its_addresses_but_can_be_released_from_everywhere,
    a_deploy_key_is_on_exactly_one_repository,
    keys_are_listed_and_renamed_and_removed_keys_stay_visible,
    a_title_names_a_key_if_no_other_key_of_the_account_has_it,
    the_last_key_is_only_removed_with_yes,
    a_peer_may_only_report_the_key_in_use_as_compromised,
    a_proven_key_can_be_released_in_every_state,
    free_text_over_ssh_is_stored_as_it_was_typed,
    invisible_characters_are_rejected_in_titles_and_descriptions,
];

const BATCH: [&str; 1] = ["-oBatchMode=yes"];

/// The output of the operator's `key show --json`.
#[track_caller]
fn shown(hub: &Hub, key: &Key) -> serde_json::Value {
    serde_json::from_str(&hub.did(&["--json", "key", "show", &key.fingerprint])).expect("JSON")
}

#[track_caller]
fn add_by(client: &Client, options: &str) -> Key {
    let key = Key::new("brought");
    let line = format!("{}\n", key.line);
    client.ssh_with(&BATCH, format!("key add {options}"), line.as_bytes()).succeeded();
    key
}

fn a_key_adds_only_keys_without_additional_rights() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("bound");
    hub.add_key("alice", &key, &["--expires", "90d", "--from", "127.0.0.0/8,::1/128"]);
    let alice = Client::new(&hub, Some("alice"), key.clone());
    let own = shown(&hub, &key);
    for options in ["", "--expires 180d", "--scope write"] {
        let brought = shown(&hub, &add_by(&alice, options));
        assert_eq!((&brought["expires_at"], &brought["from"]), (&own["expires_at"], &own["from"]), "{options}");
        assert_eq!(brought["scope"], "write", "{options}");
    }
    let shorter = shown(&hub, &add_by(&alice, "--expires 30d --scope read"));
    assert!(shorter["expires_at"].as_str() < own["expires_at"].as_str(), "{shorter}");
    assert_eq!(shorter["scope"], "read");
    // A key without restrictions adds keys without restrictions.
    let free = hub.user("bob");
    let brought = shown(&hub, &add_by(&free, ""));
    assert!(brought["expires_at"].is_null() && brought["from"].is_null(), "{brought}");
}

fn every_session_warns_of_a_key_in_its_last_week() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let ends_in = |days: u32| {
        let end =
            hub.sql(&format!("UPDATE key SET expires_at = unixepoch() + {days} * 86400 - 60 RETURNING expires_at"));
        let day = hub.sql(&format!("SELECT date({} - 1, 'unixepoch')", end.trim_end()));
        let key = &alice.key.fingerprint;
        format!("hubgate: the key \"alice@laptop\" ({key}) expires on {}\n", day.trim_end())
    };
    for days in [1, 7] {
        let warning = ends_in(days);
        alice.greet().is(&says(hi("alice")).warning(&warning));
        let fetched = alice.git(&["ls-remote", &Client::url("alice/x"), "refs/heads/main"]);
        assert!(fetched.status == 0 && fetched.stderr() == warning, "{fetched}");
    }
    ends_in(8);
    alice.greet().is(&says(hi("alice")));
    let fetched = alice.git(&["ls-remote", &Client::url("alice/x")]);
    assert!(fetched.status == 0 && fetched.stderr.is_empty(), "{fetched}");
}

fn a_key_works_only_from_its_addresses_but_can_be_released_from_everywhere() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    let key = Key::new("office");
    hub.add_key("alice", &key, &["--from", "192.0.2.0/24"]);
    let alice = Client::new(&hub, Some("alice"), key);
    let fingerprint = &alice.key.fingerprint;
    let answer = format!("hubgate: the key \"office\" ({fingerprint}) may not be used from 127.0.0.1\n");
    hub.log();
    for command in
        ["", "help", "whoami", "key list", "git-upload-pack 'alice/x'", "git-lfs-authenticate alice/x download"]
    {
        alice.ssh(command).is(&refused(&answer));
    }
    let line = format!("notice hubgate: user=alice key={fingerprint} from=127.0.0.1 decision=deny reason=key-address");
    hub.logged(&[&line; 6]);
    alice.git(&["ls-remote", &Client::url("alice/x")]).is(&refused(answer + GIT_GIVES_UP).status(128));
    // sshd does not know the addresses, because it would refuse this command too.
    alice.ssh("key release --yes").is(&says(format!("the key {fingerprint} is no longer on alice\n")));
    assert!(alice.greet().succeeded().stdout().starts_with("Hi anonymous"));
}

fn a_deploy_key_is_on_exactly_one_repository() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &["--private"]);
    hub.repo("alice/y", &["--private"]);
    let key = Key::new("ci");
    let file = key.public_file();
    let file = file.to_str().expect("UTF-8");
    hub.did(&["deploy-key", "add", "alice/x", file]);
    let fingerprint = &key.fingerprint;
    let in_use = refused(format!("hubgate: the key {fingerprint} is already in use: it is \"ci\" of alice/x\n"));
    hub.hubgate(&["deploy-key", "add", "alice/y", file]).is(&in_use);
    hub.hubgate(&["key", "add", "alice", file]).is(&in_use);
    let machine = Client::new(&hub, None, key.clone());
    machine.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    // A deploy key stays with its repository when the repository is renamed, and ends with it.
    hub.did(&["repo", "rename", "alice/x", "alice/z"]);
    machine.greet().is(&says(hi("deploy key of alice/z")));
    machine
        .ssh("key release")
        .is(&refused(format!("hubgate: {fingerprint} will no longer open alice/z. Confirm with --yes\n")).status(2));
    machine.ssh("key release --yes").is(&says(format!("the key {fingerprint} is no longer on alice/z\n")));
    hub.did(&["deploy-key", "add", "alice/y", file, "--write"]);
    machine.greet().is(&says(hi("deploy key of alice/y")));
    hub.did(&["repo", "remove", "alice/y", "--yes"]);
    machine
        .ssh("git-upload-pack 'alice/y'")
        .is(&refused(format!("hubgate: the key {fingerprint} is no longer on the repository\n")));
}

fn keys_are_listed_and_renamed_and_removed_keys_stay_visible() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let bob = hub.user("bob");
    let old = add_by(&alice, "old machine");
    let lost = add_by(&alice, "lost machine");
    let rename = format!("key rename {} 'the one at work'", alice.key.fingerprint);
    alice.ssh(&rename).is(&says(format!("renamed {} to \"the one at work\"\n", alice.key.fingerprint)));
    alice.ssh("whoami").is(&says(format!("alice by the key \"the one at work\" ({})\n", alice.key.fingerprint)));
    // Another account's key looks missing.
    for command in ["rename KEY mine", "remove KEY --yes"] {
        let command = format!("key {}", command.replace("KEY", &bob.key.fingerprint));
        let none = format!("hubgate: there is no key {} on your account\n", bob.key.fingerprint);
        alice.ssh(command).is(&refused(none));
    }
    alice.ssh(format!("key remove {}", old.fingerprint)).succeeded();
    hub.did(&["key", "remove", &lost.fingerprint, "--compromised", "--yes"]);
    let day = hub.sql("SELECT date('now')");
    for list in [alice.ssh("key list").succeeded().stdout(), hub.did(&["key", "list", "alice"])] {
        let line = |title: &str| list.lines().find(|line| line.contains(title)).unwrap_or_default().to_owned();
        assert!(line("old machine").contains(&format!("removed {}", day.trim_end())), "{list}");
        assert!(line("lost machine").contains(&format!("compromised {}", day.trim_end())), "{list}");
        assert!(
            line("the one at work").contains(day.trim_end()) && line("the one at work").ends_with("write"),
            "{list}"
        );
    }
    let list: serde_json::Value =
        serde_json::from_str(&alice.ssh("key list --json").succeeded().stdout()).expect("JSON");
    let of = |title: &str| list.as_array().expect("a list").iter().find(|key| key["title"] == title).expect("a key");
    assert!(of("old machine")["removed_at"].is_string() && of("old machine")["removal"] == "ordinary", "{list}");
    assert_eq!(of("lost machine")["removal"], "compromised");
    assert!(of("the one at work")["last_used_at"].is_string() && of("the one at work")["removed_at"].is_null());
}

fn a_title_names_a_key_if_no_other_key_of_the_account_has_it() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    add_by(&bob, "desk");
    alice.ssh("key remove desk").is(&refused("hubgate: there is no key with the title \"desk\"\n"));
    let (first, second) = (add_by(&alice, "desk"), add_by(&alice, "desk"));
    let two = "hubgate: 2 keys have the title \"desk\": name one of them by its fingerprint\n";
    alice.ssh("key rename desk chair").is(&refused(two));
    alice.ssh(format!("key rename {} my chair", first.fingerprint)).succeeded();
    let removed = format!("removed \"desk\" ({}) from alice\n", second.fingerprint);
    alice.ssh("key remove desk").is(&says(removed));
    alice.ssh("key rename 'my chair' stool").is(&says(format!("renamed {} to \"stool\"\n", first.fingerprint)));
    // The operator names the account, also if no other has the title. Bob's key was not touched.
    let usage = "hubgate: name the account of the key \"desk\" with --user USER, or use its fingerprint\n";
    hub.hubgate(&["key", "remove", "desk", "--yes"]).is(&refused(usage).status(2));
    let other = format!("hubgate: there is no key {} of bob\n", first.fingerprint);
    hub.hubgate(&["key", "rename", "--user", "bob", &first.fingerprint, "x"]).is(&refused(other));
    hub.did(&["key", "rename", "--user", "Bob", "desk", "table"]);
    assert!(hub.did(&["key", "remove", "--user", "bob", "table", "--yes"]).ends_with(" from bob\n"));
}

fn the_last_key_is_only_removed_with_yes() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let key = &alice.key.fingerprint;
    let last = format!("hubgate: {key} is your last key: without it you cannot log in. Confirm with --yes\n");
    alice.ssh(format!("key remove {key}")).is(&refused(last).status(2));
    let second = add_by(&alice, "");
    // One of two keys needs no confirmation.
    alice.ssh(format!("key remove {}", second.fingerprint)).succeeded();
    alice.ssh(format!("key remove {key} --yes")).succeeded();
    assert!(alice.greet().succeeded().stdout().starts_with("Hi anonymous"));
}

fn a_peer_may_only_report_the_key_in_use_as_compromised() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let other = add_by(&alice, "");
    alice.ssh(format!("key remove {} --compromised --yes", other.fingerprint)).is(&refused(
        "hubgate: you can mark only the key that you are using as compromised: ask the operator about another key\n",
    ));
    let key = &alice.key.fingerprint;
    alice.ssh(format!("key remove {key} --compromised --yes")).succeeded();
    alice.greet().is(&refused(format!("hubgate: the key {key} was removed as compromised\n")));
    // A release does not lift the compromised mark.
    alice.ssh("key release --yes").is(&refused(format!("hubgate: the key {key} was removed as compromised\n")));
}

fn a_proven_key_can_be_released_in_every_state() {
    let hub = Hub::new();
    for (user, options, change) in [
        ("reading", &["--scope", "read"][..], ""),
        ("elsewhere", &["--from", "192.0.2.1"], ""),
        ("expired", &[], "UPDATE key SET expires_at = 86400 WHERE title = 'expired'"),
        ("disabled", &[], "UPDATE owner SET disabled = 'away' WHERE name = 'disabled'"),
    ] {
        hub.did(&["user", "add", user]);
        let key = Key::new(user);
        hub.add_key(user, &key, options);
        hub.sql(change);
        let client = Client::new(&hub, Some(user), key);
        let fingerprint = &client.key.fingerprint;
        // Only exactly this command is accepted.
        assert_ne!(client.ssh("key releases --yes").status, 0);
        let question = format!("hubgate: {fingerprint} will no longer open {user}. Confirm with --yes\n");
        client.ssh("key release").is(&refused(question).status(2));
        client.ssh("key release --yes").is(&says(format!("the key {fingerprint} is no longer on {user}\n")));
        assert!(client.greet().succeeded().stdout().starts_with("Hi anonymous"), "{user}");
        let event = hub.sql("SELECT actor || ' ' || event FROM audit ORDER BY id DESC LIMIT 1");
        assert!(
            event.starts_with(&format!("{user} {fingerprint} sid=")) && event.ends_with(" key.remove\n"),
            "{event}"
        );
    }
}

fn free_text_over_ssh_is_stored_as_it_was_typed() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let description = |path: &str| -> serde_json::Value {
        let shown: serde_json::Value = serde_json::from_str(&hub.did(&["--json", "repo", "show", path])).expect("JSON");
        shown["description"].clone()
    };
    for (number, (typed, stored)) in [
        ("My #1 key", "My #1 key"),
        ("Alice's Mac", "Alice's Mac"),
        ("see issue #5", "see issue #5"),
        (r#"the "blue"  one \ two"#, r#"the "blue"  one \ two"#),
        (r"'Bob'\''s --old key'", "Bob's --old key"),
    ]
    .into_iter()
    .enumerate()
    {
        let added = add_by(&alice, typed);
        assert_eq!(shown(&hub, &added)["title"], stored);
        alice.ssh(format!("key rename {} {typed}", alice.key.fingerprint)).succeeded();
        assert_eq!(shown(&hub, &alice.key)["title"], stored);
        alice.ssh(format!("repo create alice/x{number} --description {typed}")).succeeded();
        assert_eq!(description(&format!("alice/x{number}")), stored);
    }
    // An option after free text is still an option, so the order of words cannot make a repository public.
    alice.ssh("repo create alice/hidden --description my model --private").succeeded();
    assert_eq!(description("alice/hidden"), "my model");
    assert!(hub.did(&["repo", "show", "alice/hidden"]).contains("private"));
}

fn invisible_characters_are_rejected_in_titles_and_descriptions() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for text in ["a\u{202e}b", "a\u{200b}b", &"x".repeat(256), ""] {
        for command in [
            format!("key rename {} {text}", alice.key.fingerprint),
            format!("repo create alice/x --description {text}"),
        ] {
            let outcome = alice.ssh(&command);
            assert!(outcome.status == 2 && outcome.stdout.is_empty(), "{outcome}");
        }
    }
    assert_eq!(hub.did(&["repo", "list", "--json"]).trim(), "[]");
}
