//! E-mail addresses of accounts, and files of signers.

use std::fs;

use serde_json::Value;

use crate::harness::{Client, Hub, Key, KeyKind, Outcome, refused, says, silent, trials, wait_for_next_second};

use super::texts::not_found;

trials![
    an_account_claims_an_address_and_the_operator_confirms_it,
    git_accepts_what_a_live_key_has_signed_and_nothing_signed_after_its_end,
    a_file_of_signers_names_who_may_write_and_shows_no_address_to_a_reader,
];

fn an_account_claims_an_address_and_the_operator_confirms_it() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    let claimed = "added alice@example.org to bob (claimed: the operator can confirm it)\n";
    bob.ssh("user email add alice@example.org").is(&says(claimed));
    let taken = "hubgate: the address alice@example.org is already in use: ask the operator\n";
    alice.ssh("user email add alice@example.org").is(&refused(taken));
    let day = hub.sql("SELECT date('now')").trim_end().to_owned();
    let list = bob.ssh("user email list").succeeded().stdout();
    assert!(list.starts_with("ADDRESS            STATE    ADDED\nalice@example.org  claimed  "), "{list}");
    assert!(list.contains(&day), "{list}");
    assert_eq!(hub.did(&["user", "email", "add", "alice", "alice@example.org"]), "added alice@example.org to alice\n");
    assert_eq!(bob.ssh("user email list").succeeded().stdout(), "ADDRESS  STATE  ADDED\n");
    bob.ssh("user email remove alice@example.org")
        .is(&refused("hubgate: there is no address alice@example.org of bob\n"));
    let all: Value = serde_json::from_str(&hub.did(&["--json", "user", "email", "list"])).expect("JSON");
    assert!(all[0]["added_at"].is_string(), "{all}");
    let mut expected = serde_json::json!([{ "user": "alice", "email": "alice@example.org", "state": "confirmed" }]);
    expected[0]["added_at"] = all[0]["added_at"].clone();
    assert_eq!(all, expected);
    let usage = alice.ssh("user email add '*@example.org'");
    assert!(usage.status == 2 && usage.stderr().contains("an e-mail address is NAME@DOMAIN"), "{usage}");
    alice.ssh("user email remove alice@example.org").is(&says("removed alice@example.org from alice\n"));
    // A removed account leaves its addresses.
    bob.ssh("user email add bob@example.org").succeeded();
    hub.did(&["user", "remove", "bob", "--yes"]);
    alice.ssh("user email add bob@example.org").succeeded();
}

/// Makes a commit that a key signs. Returns its id.
fn signed(client: &Client, key: &Key, file: &str) -> String {
    for (name, value) in [("gpg.format", "ssh"), ("user.signingKey", key.file.to_str().expect("UTF-8"))] {
        client.git_in("x", &["config", name, value]).succeeded();
    }
    client.git_in("x", &["config", "commit.gpgSign", "true"]).succeeded();
    client.commit("x", file, "content")
}

fn git_accepts_what_a_live_key_has_signed_and_nothing_signed_after_its_end() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).is(&silent());
    hub.did(&["user", "email", "add", "alice", "alice@example.org"]);
    alice.ssh("user email add claimed@example.org").succeeded();
    let verify = |commit: &str| -> Outcome {
        let file = alice.ssh("allowed-signers alice/x").succeeded().stdout();
        fs::write(alice.home.join("signers"), file).expect("a file");
        let signers = format!("gpg.ssh.allowedSignersFile={}", alice.home.join("signers").display());
        alice.git_in("x", &["-c", &signers, "verify-commit", commit])
    };
    let stranger = signed(&alice, &bob.key, "by bob");
    for kind in KeyKind::ALL {
        let key = Key::of_kind(kind);
        hub.add_key("alice", &key, &[]);
        wait_for_next_second();
        let before = signed(&alice, &key, &format!("before {} {}", kind.name, kind.bits));
        let verified = verify(&before);
        let good = format!("key {}", key.fingerprint);
        assert!(
            verified.status == 0 && verified.stderr().contains("Good \"git\" signature for alice with "),
            "{verified}"
        );
        assert!(verified.stderr().contains(&good), "{verified}");
        wait_for_next_second();
        hub.did(&["key", "remove", &key.fingerprint, "--yes"]);
        wait_for_next_second();
        let after = signed(&alice, &key, &format!("after {} {}", kind.name, kind.bits));
        let verified = verify(&before);
        assert!(
            verified.status == 0,
            "{kind:?}: signed before the key was removed: {verified}\n{}",
            alice.read("signers")
        );
        let refused = verify(&after);
        assert!(refused.status != 0 && !refused.stderr().contains("Good \"git\" signature for"), "{refused}");
    }
    assert_ne!(verify(&stranger).status, 0, "bob may not write there");
    let file = alice.read("signers");
    let lines = |start: &str| file.lines().filter(|line| line.starts_with(start)).count();
    // The key in use, and those that were removed: a line by name, and a line by address.
    assert_eq!((lines("alice namespaces=\"git\",valid-after=\""), lines("alice@example.org namespaces=")), (8, 8));
    assert_eq!(file.lines().count(), 16, "no line has the claimed address: {file}");
    // Nobody knows who used a compromised key.
    let key = Key::new("stolen");
    hub.add_key("alice", &key, &[]);
    let before = signed(&alice, &key, "stolen");
    assert_eq!(verify(&before).status, 0);
    hub.did(&["key", "remove", &key.fingerprint, "--compromised", "--yes"]);
    assert_ne!(verify(&before).status, 0);
}

fn a_file_of_signers_names_who_may_write_and_shows_no_address_to_a_reader() {
    let hub = Hub::new();
    let (alice, bob, carol, stranger) = (hub.user("alice"), hub.user("bob"), hub.user("carol"), hub.stranger());
    hub.empty_repo("alice/x", &[]);
    hub.empty_repo("alice/secret", &["--private"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    hub.did(&["user", "email", "add", "bob", "bob@example.org"]);
    let principals = |text: String| -> Vec<String> {
        text.lines().filter_map(|line| line.split_once(' ')).map(|(principal, _)| principal.to_owned()).collect()
    };
    let over_ssh = |client: &Client| principals(client.ssh("allowed-signers alice/x").succeeded().stdout());
    assert_eq!(over_ssh(&alice), ["alice", "bob", "bob@example.org"]);
    assert_eq!(over_ssh(&bob), ["alice", "bob", "bob@example.org"]);
    assert_eq!(over_ssh(&carol), ["alice", "bob"]);
    assert_eq!(principals(hub.did(&["allowed-signers", "alice"])), ["alice", "bob", "bob@example.org"]);
    assert_eq!(principals(hub.did(&["allowed-signers"])), ["alice", "bob", "bob@example.org", "carol"]);
    let needs = "hubgate: this needs an account: connect with a key that is on an account here\n";
    stranger.ssh("allowed-signers alice/x").is(&refused(needs));
    for path in ["alice/secret", "alice/nothing"] {
        carol.ssh(format!("allowed-signers {path}")).is(&refused(not_found(&carol)));
        stranger.ssh(format!("allowed-signers {path}")).is(&refused(needs));
    }
    let json: Value =
        serde_json::from_str(&carol.ssh("allowed-signers alice/x --json").succeeded().stdout()).expect("JSON");
    let (kind, blob) = bob.key.type_and_blob();
    let mut expected = serde_json::json!({
        "user": "bob", "emails": [], "fingerprint": bob.key.fingerprint, "public_key": format!("{kind} {blob}"),
        "until": null,
    });
    expected["added_at"] = json[1]["added_at"].clone();
    assert_eq!(json[1], expected);
}
