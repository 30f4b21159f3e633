//! Account commands over SSH: their output, and which identities may run them.

use std::fs;

use crate::harness::{Client, Hub, Key, refused, says, trials, wait_for_next_second};
use crate::texts::{hi, not_found, read_only};

trials![
    whoami_names_the_account_and_the_key,
    a_key_added_over_ssh_opens_the_account_at_once,
    the_next_greeting_of_each_other_key_names_an_added_key_once,
    the_next_greeting_tells_of_a_new_membership_once,
    a_read_only_key_neither_adds_keys_nor_pushes,
    a_repository_is_created_shown_and_renamed_and_its_old_path_works,
    a_hidden_repository_does_not_exist_in_any_command,
    a_deploy_key_opens_its_repository_and_no_other,
];

fn whoami_names_the_account_and_the_key() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let key = &alice.key.fingerprint;
    alice.ssh("whoami").is(&says(format!("alice by the key \"alice@laptop\" ({key})\n")));
    let json: serde_json::Value = serde_json::from_str(&alice.ssh("whoami --json").succeeded().stdout()).expect("JSON");
    assert_eq!((&json["user"], &json["anonymous"]), (&"alice".into(), &false.into()));
    let stranger = hub.stranger();
    let key = &stranger.key.fingerprint;
    stranger.ssh("whoami").is(&says(format!("anonymous by the key {key}, which is on no account here\n")));
}

fn a_key_added_over_ssh_opens_the_account_at_once() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let new = Key::new("other");
    let added = format!("added \"my new one\" ({}) to alice\n", new.fingerprint);
    let line = format!("{}\n", new.line);
    alice.ssh_with(&["-oBatchMode=yes"], "key add my new one", line.as_bytes()).is(&says(added));
    let in_use = format!("hubgate: the key {} is already in use\n", new.fingerprint);
    let bob = hub.user("bob");
    bob.ssh_with(&["-oBatchMode=yes"], "key add", line.as_bytes()).is(&refused(in_use));
    Client::new(&hub, Some("alice"), new).greet().is(&says(hi("alice")));
}

fn the_next_greeting_of_each_other_key_names_an_added_key_once() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let other = Key::new("other");
    hub.add_key("alice", &other, &[]);
    let other = Client::new(&hub, Some("alice"), other);
    hub.sql("UPDATE key SET added_at = 86400");
    // The greeting of a key does not name keys that were added in the same second.
    alice.greet().is(&says(hi("alice")));
    other.greet().is(&says(hi("alice")));
    let new = Key::new("evil");
    let added = format!("added \"new\" ({}) to alice\n", new.fingerprint);
    let line = format!("{}\n", new.line);
    // Waits for the second after a greeting. In the second of a greeting, the notice would appear twice.
    wait_for_next_second();
    alice.ssh_with(&["-oBatchMode=yes"], "key add new", line.as_bytes()).is(&says(added));
    let day = hub.sql("SELECT date('now')");
    let key = new.fingerprint.clone();
    let told = format!(
        "hubgate: the key \"new\" ({key}) was added on {}: if you do not know it: ssh {} key remove {key}\n",
        day.trim_end(),
        alice.at
    );
    // Other uses of a key do not count as greeting.
    hub.repo("alice/x", &[]);
    other.git(&["ls-remote", &Client::url("alice/x")]).succeeded();
    let new = Client::new(&hub, Some("alice"), new);
    wait_for_next_second();
    for client in [&alice, &other] {
        client.greet().is(&says(hi("alice")).warning(&told));
        client.greet().is(&says(hi("alice")));
    }
    new.greet().is(&says(hi("alice")));
    // The gateway does not write to the database for this.
    let writes = hub.sql("SELECT group_concat(event, ' ') FROM audit WHERE event LIKE 'key.%'");
    assert_eq!(writes, "key.add key.add key.add\n");
    // The command in the notice works.
    other.ssh(format!("key remove {key}")).succeeded();
    assert!(new.greet().succeeded().stdout().starts_with("Hi anonymous"));
    // If the time cannot be recorded, the greeting is still shown.
    fs::remove_dir_all(hub.path("db/last-greeted")).expect("a directory");
    fs::write(hub.path("db/last-greeted"), "").expect("a file");
    other.greet().is(&says(hi("alice")));
}

fn the_next_greeting_tells_of_a_new_membership_once() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.sql("UPDATE key SET added_at = 86400");
    bob.greet().is(&says(hi("bob")));
    wait_for_next_second();
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "add", "gone", "--admin", "alice"]);
    alice.ssh("org member set acme bob write").succeeded();
    alice.ssh("org member set acme bob read").succeeded();
    alice.ssh("org member set gone bob read").succeeded();
    alice.ssh("org member remove gone bob").succeeded();
    hub.did(&["org", "rename", "acme", "acme2"]);
    let day = hub.sql("SELECT date('now')");
    let told = format!("hubgate: you have been a member of acme2 since {}, with the role read\n", day.trim_end());
    wait_for_next_second();
    bob.greet().is(&says(hi("bob")).warning(&told));
    bob.greet().is(&says(hi("bob")));
    // A change of the role is no new membership.
    wait_for_next_second();
    alice.ssh("org member set acme2 bob write").succeeded();
    wait_for_next_second();
    bob.greet().is(&says(hi("bob")));
}

fn a_read_only_key_neither_adds_keys_nor_pushes() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("reader");
    hub.add_key("alice", &key, &["--scope", "read"]);
    hub.repo("alice/x", &["--private"]);
    let alice = Client::new(&hub, Some("alice"), key);
    let line = format!("{}\n", Key::new("more").line);
    let needs = "hubgate: this needs a key of scope write, and the key that you are using has scope read\n";
    alice.ssh_with(&["-oBatchMode=yes"], "key add", line.as_bytes()).is(&refused(needs));
    alice.ssh("repo visibility alice/x public").is(&refused(needs));
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    alice.ssh("git-receive-pack 'alice/x'").is(&refused(read_only(&alice, "alice/x")));
}

fn a_repository_is_created_shown_and_renamed_and_its_old_path_works() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    alice.git(&["init", "--quiet", "x"]).succeeded();
    alice.commit("x", "a", "a\n");
    let push = |path: &str| alice.git_in("x", &["push", "--quiet", &Client::url(path), "HEAD:main"]);
    let refusal = push("alice/x").stderr();
    assert!(refusal.contains(&format!("hubgate: create it with: ssh {} repo create alice/x\n", alice.at)), "{refusal}");
    alice.ssh("repo create alice/x --private --description a first model").succeeded();
    push("alice/x").is(&says(""));
    assert!(alice.ssh("repo list").succeeded().stdout().contains("a first model"));
    alice.ssh("repo rename alice/x alice/y").is(&says("renamed alice/x to alice/y\n"));
    let moved = format!("hubgate: this repository is now alice/y: use {}:alice/y\n", alice.at);
    push("alice/x").is(&says("").warning(moved));
    assert_eq!(alice.ssh("repo remove alice/y").status, 2);
    alice.ssh("repo remove alice/y --yes").succeeded();
    alice.ssh("git-upload-pack 'alice/x'").is(&refused(not_found(&alice)));
}

fn a_hidden_repository_does_not_exist_in_any_command() {
    let hub = Hub::new();
    let (alice, _bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("bob/secret", &["--private"]);
    for command in [
        "repo show PATH",
        "repo rename PATH alice/y",
        "repo remove PATH --yes",
        "repo visibility PATH public",
        "repo default-branch PATH main",
        "repo protect PATH main",
        "repo unprotect PATH main",
        "check list PATH",
        "check set PATH blob-size 5M",
        "allowed-signers PATH",
        "rule list PATH",
        "rule add PATH deny all ** @everyone",
        "rule move PATH 1 2",
        "rule remove PATH 1",
        "access request PATH",
        "access list PATH",
        "explain PATH fetch",
        "explain PATH push",
    ] {
        for path in ["bob/secret", "bob/nothing"] {
            alice.ssh(command.replace("PATH", path)).is(&refused(not_found(&alice)));
        }
    }
    hub.repo("alice/x", &[]);
    hub.did(&["org", "add", "acme", "--admin", "bob"]);
    hub.did(&["org", "member", "set", "acme", "alice", "no_access"]);
    hub.repo("acme/secret", &["--private"]);
    for (owner, path) in
        [("bob", "bob/secret"), ("bob", "bob/nothing"), ("acme", "acme/secret"), ("acme", "acme/nothing")]
    {
        alice
            .ssh(format!("repo create {path}"))
            .is(&refused(format!("hubgate: you may not create repositories of {owner}\n")));
        alice
            .ssh(format!("repo rename alice/x {path}"))
            .is(&refused(format!("hubgate: you may not transfer alice/x to {owner}\n")));
    }
}

fn a_deploy_key_opens_its_repository_and_no_other() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &["--private"]);
    hub.repo("alice/y", &["--private"]);
    let (reader, writer) = (Key::new("reader"), Key::new("writer"));
    for (key, option) in [(&reader, None), (&writer, Some("--write"))] {
        let file = key.public_file();
        let words = ["deploy-key", "add", "alice/x", file.to_str().expect("UTF-8")];
        hub.did(&words.iter().copied().chain(option).collect::<Vec<_>>());
    }
    for (key, may_push) in [(reader, false), (writer, true)] {
        let client = Client::new(&hub, None, key);
        client.greet().is(&says(hi("deploy key of alice/x")));
        client.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
        client.commit("x", "a", "a\n");
        assert_eq!(client.git_in("x", &["push", "--quiet", "origin", "HEAD:b"]).status == 0, may_push);
        let hidden = client.ssh("git-upload-pack 'alice/y'");
        assert!(hidden.status == 1 && hidden.stderr().contains("repository not found"), "{hidden}");
        assert_eq!(client.ssh("repo create alice/z").status, 1);
    }
}
