//! `hubgate explain` and `hubgate policy test`: the decision and its reasons, compared with real sessions.

use std::fs;

use serde_json::json;

use crate::accounts::{is_usage, json_of};
use crate::harness::{Client, Hub, Key, Setup, refused, run_with, says, trials};

trials![
    explain_agrees_with_sessions,
    the_chain_leads_from_the_key_to_the_decision,
    explain_covers_commands_and_keys_that_are_not_accepted,
    a_policy_is_compared_with_the_decisions,
    an_invalid_policy_is_reported_with_its_lines,
];

/// A hub with repositories of each kind and accounts with different rights.
fn hub() -> (Hub, Vec<Client>) {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let clients = ["reader", "writer", "outsider"].map(|name| hub.user(name));
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    for (user, role) in [("reader", "read"), ("writer", "write")] {
        hub.did(&["org", "member", "set", "acme", user, role]);
    }
    hub.repo("acme/public", &[]);
    hub.repo("acme/private", &["--private"]);
    hub.repo("acme/gated", &["--gated", "manual"]);
    hub.repo("acme/frozen", &[]);
    hub.did(&["repo", "freeze", "acme/frozen", "--reason", "moving"]);
    let [reading, deploying, expired] = ["reading", "deploying", "expired"].map(Key::new);
    hub.add_key("writer", &reading, &["--scope", "read"]);
    hub.add_key("writer", &expired, &[]);
    hub.sql("UPDATE key SET expires_at = 1000000000 WHERE title = 'expired'");
    let file = deploying.public_file();
    hub.did(&["deploy-key", "add", "acme/private", file.to_str().expect("UTF-8"), "--write"]);
    let others = [reading, deploying, expired].map(|key| Client::new(&hub, None, key));
    let all = [alice].into_iter().chain(clients).chain(others).chain([hub.stranger()]).collect();
    (hub, all)
}

const REPOSITORIES: [&str; 5] = ["acme/public", "acme/private", "acme/gated", "acme/frozen", "acme/none"];
const SERVICES: [&str; 2] = ["git-upload-pack", "git-receive-pack"];

fn explain_agrees_with_sessions() {
    let (hub, clients) = hub();
    let mut allowed = 0;
    for client in &clients {
        let _connection = client.master();
        for (path, service) in REPOSITORIES.iter().flat_map(|path| SERVICES.map(|service| (path, service))) {
            let command = format!("{service} '{path}'");
            let session = client.ssh(&command);
            let is_served = !session.stdout.is_empty();
            let told = hub.hubgate(&["explain", "--key", &client.key.fingerprint, "--command", &command]);
            assert_eq!(told.status == 0, is_served, "{told}{session}");
            let last = told.stdout().lines().last().map(str::to_owned).unwrap_or_default();
            assert_eq!(last.starts_with("allow: "), is_served, "{told}");
            allowed += u32::from(is_served);
            if let Some(user) = &client.user {
                let told = hub.hubgate(&["explain", "--user", user, "--command", &command]);
                assert_eq!(told.status == 0, is_served, "{told}{session}");
            }
        }
    }
    assert_eq!(allowed, 30);
}

fn the_chain_leads_from_the_key_to_the_decision() {
    let (hub, clients) = hub();
    let explain = |words: &[&str], command: &str| {
        let words = [&["explain"], words, &["--command", command]].concat();
        let outcome = hub.hubgate(&words);
        (outcome.stdout(), outcome.status)
    };
    let [writer, reading] = [2, 4].map(|number: usize| clients[number].key.fingerprint.as_str());
    assert_eq!(
        explain(&["--key", writer], "git-receive-pack 'acme/private'"),
        (
            "the key \"writer@laptop\" is valid\nidentity: account writer, scope write\n\
             writer has the role write in acme\nacme/private is private\nallow: write\n"
                .to_owned(),
            0
        )
    );
    assert_eq!(
        explain(&["--key", reading], "git-receive-pack 'acme/public'"),
        (
            "the key \"reading\" is valid\nidentity: account writer, scope read\n\
             writer has the role write in acme\nthe key has scope read\nacme/public is public\ndeny: may fetch, may not push\n"
                .to_owned(),
            1
        )
    );
    let gated = "identity: account outsider, scope write\n\
                 outsider is neither a member of acme nor a collaborator\nacme/gated is public, gated\n";
    let upload = "git-upload-pack 'acme/gated'";
    assert_eq!(
        explain(&["--user", "outsider"], upload),
        (format!("{gated}deny: the gate is closed, and access was not requested\n"), 1)
    );
    hub.did(&["access", "grant", "acme/gated", "outsider", "--until", "2999-12-31"]);
    let request = "the request of outsider to pass the gate is accepted until 3000-01-01T00:00:00Z\n";
    assert_eq!(explain(&["--user", "outsider"], upload), (format!("{gated}{request}allow: fetch\n"), 0));
    assert_eq!(
        explain(&["--anonymous"], "git-lfs-authenticate 'acme/frozen' upload"),
        (
            "anonymous: a key that is on no account\nacme/frozen is public\nthe repository is frozen: moving\n\
             deny: may fetch, may not push\n"
                .to_owned(),
            1
        )
    );
    hub.did(&["repo", "rename", "acme/public", "acme/new"]);
    let moved = json_of(&hub, &["explain", "--anonymous", "--command", "git-upload-pack 'acme/public'"]);
    assert_eq!(
        moved,
        json!({ "decision": "allow", "reason": "allow: fetch", "chain": [
            "anonymous: a key that is on no account", "acme/new is public", "acme/public is an old path of acme/new", "allow: fetch",
        ] })
    );
    // The account command `explain` prints the same steps.
    let said = clients[2].ssh("explain acme/private push").stdout();
    assert_eq!(said, explain(&["--key", writer], "git-receive-pack 'acme/private'").0);
}

fn explain_covers_commands_and_keys_that_are_not_accepted() {
    let (hub, clients) = hub();
    let explain = |words: &[&str], command: &str| hub.hubgate(&[&["explain"], words, &["--command", command]].concat());
    let upload = "git-upload-pack 'acme/public'";
    let fingerprint = clients[6].key.fingerprint.as_str();
    explain(&["--key", fingerprint], upload)
        .is(&says(format!("deny: the key \"expired\" ({fingerprint}) expired on 2001-09-09\n")).status(1));
    hub.did(&["user", "disable", "outsider", "--reason", "left"]);
    explain(&["--user", "outsider"], upload).is(&says("deny: the account outsider is disabled: left\n").status(1));
    explain(&["--user", "nobody"], upload).is(&refused("hubgate: there is no user nobody\n").status(2));
    explain(&["--anonymous"], "git-upload-archive 'acme/public'")
        .is(&says("deny: git-upload-archive is not served: [git] archive is off\n").status(1));
    for command in ["help", "git-upload-pack acme", "rm -rf /"] {
        assert_eq!(explain(&["--anonymous"], command).status, 2);
    }
    let office = Key::new("office");
    hub.add_key("alice", &office, &["--from", "192.0.2.0/24"]);
    let key = ["--key", office.fingerprint.as_str()];
    explain(&key, upload)
        .is(&says("deny: the key may be used only from some addresses: give one with --from\n").status(1));
    assert_eq!(explain(&[&key[..], &["--from", "192.0.2.9"]].concat(), upload).status, 0);
    let outcome = explain(&[&key[..], &["--from", "198.51.100.1"]].concat(), upload);
    assert!(outcome.status == 1 && outcome.stdout().ends_with("may not be used from 198.51.100.1\n"), "{outcome}");
    hub.configure(&Setup { anonymous: "off", ..Setup::default() });
    for who in [&["--anonymous"][..], &["--key", hub.stranger().key.fingerprint.as_str()]] {
        explain(who, upload)
            .is(&says("deny: a key on no account is not admitted: [access] anonymous is off\n").status(1));
    }
}

fn a_policy_is_compared_with_the_decisions() {
    let (hub, clients) = hub();
    let file = hub.path("policy");
    let deploying = &clients[5].key.fingerprint;
    let text = format!(
        "# who may do what\n\nalice push acme/private = allow\nreader push acme/private = deny  # reads only\n\
         outsider fetch acme/private = deny\nanonymous fetch acme/public = allow\n\
         {deploying} push acme/private = allow\n{deploying} from 192.0.2.1 fetch acme/gated = deny\n"
    );
    fs::write(&file, &text).expect("a file");
    let place = file.to_str().expect("UTF-8");
    hub.hubgate(&["policy", "test", place]).is(&says("6 passed, 0 failed\n"));
    hub.did(&["org", "member", "set", "acme", "reader", "write"]);
    hub.hubgate(&["policy", "test", place]).is(&says(format!(
        "{place}:4: reader push acme/private = deny  # reads only, but: identity: account reader, scope write; \
         reader has the role write in acme; acme/private is private; allow: write\n5 passed, 1 failed\n"
    ))
    .status(1));
    let outcome = hub.hubgate(&["--json", "policy", "test", place]);
    let json: serde_json::Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
    assert_eq!((&json["held"], &json["failed"][0]["line"], &json["bad"]), (&json!(5), &json!(4), &json!([])));
    let outcome = run_with(hub.hubgate_command().args(["policy", "test", "-"]), b"alice push acme/none = deny\n");
    outcome.is(&says("1 passed, 0 failed\n"));
}

fn an_invalid_policy_is_reported_with_its_lines() {
    let (hub, _) = hub();
    let text = b"alice push acme/public = allow\nalice pull acme/x = allow\nnobody fetch acme/public = allow\n\
                 alice push acme/public = deny\n";
    let outcome = run_with(hub.hubgate_command().args(["policy", "test", "-"]), text);
    outcome.is(&says(
        "-:2: a line is WHO [from ADDRESS] fetch|push PATH = allow|deny, or WHO [from ADDRESS] \
         create|update|force|delete PATH REF = allow|deny\n-:3: there is no user nobody\n\
         -:4: alice push acme/public = deny, but: identity: account alice, scope write; alice has the role admin in acme; \
         acme/public is public; allow: admin\n1 passed, 1 failed, 2 invalid\n",
    )
    .status(2));
    is_usage(&hub.hubgate(&["policy", "test"]), "FILE");
    hub.hubgate(&["policy", "test", "/nowhere"])
        .is(&refused("hubgate: /nowhere: No such file or directory (os error 2)\n"));
}
