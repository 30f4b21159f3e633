//! Gated repositories: automatic and manual, with and without members, with an end date, and while private.

use crate::harness::{Client, Hub, refused, says, silent, trials};
use crate::texts::{not_found, you_are};

trials![
    an_automatic_gate_opens_on_request,
    members_pass_a_gate_unless_it_applies_to_members,
    a_grant_can_end_or_be_revoked_and_a_rejected_request_stays_rejected,
    a_gates_refusal_comes_before_lack_of_write_access_and_only_while_public,
    the_operator_answers_requests_like_an_owner,
];

#[track_caller]
fn is_gated(client: &Client, path: &str, what: &str) {
    let answer = refused(format!("hubgate: access to {path} is restricted: {what}\n{}", you_are(client)));
    for service in ["git-upload-pack", "git-receive-pack"] {
        client.ssh(format!("{service} '{path}'")).is(&answer);
    }
}

fn ask(client: &Client, path: &str) -> String {
    format!("ask for it with: ssh {} access request {path}", client.at)
}

#[track_caller]
fn fetches(client: &Client, path: &str) {
    client.git(&["ls-remote", &Client::url(path), "refs/heads/none"]).is(&silent());
}

fn an_automatic_gate_opens_on_request() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.did(&["user", "add", "bob"]);
    hub.repo("bob/auto", &["--gated", "auto"]);
    is_gated(&alice, "bob/auto", &ask(&alice, "bob/auto"));
    alice.ssh("access request bob/auto").is(&says("you may fetch bob/auto from now on\n"));
    fetches(&alice, "bob/auto");
    alice.ssh("access request bob/auto").is(&refused("hubgate: you may already fetch bob/auto\n"));
    // Requests belong to accounts, so other identities cannot make one.
    is_gated(&stranger, "bob/auto", &ask(&stranger, "bob/auto"));
    stranger
        .ssh("access request bob/auto")
        .is(&refused("hubgate: this needs an account: connect with a key that is on an account here\n"));
    let event = hub.sql("SELECT event || ' ' || object || ' ' || detail FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(event, "repo.request_access bob/auto {\"state\":\"accepted\",\"user\":\"alice\"}\n");
}

fn members_pass_a_gate_unless_it_applies_to_members() {
    let hub = Hub::new();
    let clients = ["reader", "contributor", "writer", "boss"].map(|name| hub.user(name));
    let [reader, contributor, writer, boss] = &clients;
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    for (user, role) in [("reader", "read"), ("contributor", "contributor"), ("writer", "write")] {
        hub.did(&["org", "member", "set", "acme", user, role]);
    }
    hub.repo("acme/x", &["--gated", "manual"]);
    for client in &clients {
        fetches(client, "acme/x");
    }
    hub.did(&["repo", "gate", "acme/x", "manual", "--gate-members"]);
    is_gated(reader, "acme/x", &ask(reader, "acme/x"));
    for client in [contributor, writer, boss] {
        fetches(client, "acme/x");
    }
    reader.ssh("access request acme/x").is(&says("your request for acme/x is pending\n"));
    is_gated(reader, "acme/x", "your request is pending");
    // The repository's administrators answer.
    writer.ssh("access grant acme/x reader").is(&refused("hubgate: you do not administer acme/x\n"));
    writer.ssh("access list acme/x").is(&refused("hubgate: you do not administer acme/x\n"));
    boss.ssh("access grant acme/x reader").is(&says("reader may fetch acme/x\n"));
    fetches(reader, "acme/x");
    hub.did(&["repo", "gate", "acme/x", "none"]);
    fetches(&hub.stranger(), "acme/x");
    // Without a gate, an answer would have no effect.
    let no_gate = "hubgate: acme/x has no gate, so this would have no effect: grant a role on it";
    let next = "repo collaborator set acme/x USER read";
    for verb in ["grant", "reject"] {
        hub.hubgate(&["access", verb, "acme/x", "reader"]).is(&refused(format!("{no_gate}: hubgate {next}\n")));
        let command = format!("access {verb} acme/x reader");
        boss.ssh(command).is(&refused(format!("{no_gate}: ssh {} {next}\n", boss.at)));
    }
    hub.did(&["access", "revoke", "acme/x", "reader"]);
}

fn a_grant_can_end_or_be_revoked_and_a_rejected_request_stays_rejected() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("bob/x", &["--gated", "manual"]);
    bob.ssh("access grant bob/x alice --until 30d").is(&says("alice may fetch bob/x\n"));
    fetches(&alice, "bob/x");
    let list: serde_json::Value =
        serde_json::from_str(&bob.ssh("access list bob/x --json").succeeded().stdout()).expect("JSON");
    assert!(list[0]["user"] == "alice" && list[0]["state"] == "accepted" && list[0]["until"].is_string(), "{list}");
    hub.sql("UPDATE gate_request SET until = unixepoch()");
    is_gated(&alice, "bob/x", &ask(&alice, "bob/x"));
    alice.ssh("access request bob/x").is(&says("your request for bob/x is pending\n"));
    alice.ssh("access request bob/x").is(&says("your request for bob/x is pending\n"));
    bob.ssh("access reject bob/x alice").is(&says("alice was refused access to bob/x\n"));
    is_gated(&alice, "bob/x", "your request was rejected");
    let rejected = format!("hubgate: access to bob/x is restricted: your request was rejected\n{}", you_are(&alice));
    alice.ssh("access request bob/x").is(&refused(rejected));
    bob.ssh("access revoke bob/x alice").is(&says("alice may request access to bob/x again\n"));
    is_gated(&alice, "bob/x", &ask(&alice, "bob/x"));
    let events = hub.sql("SELECT group_concat(event, ' ') FROM audit WHERE event LIKE 'repo.%access'");
    assert_eq!(
        events, "repo.answer_access repo.request_access repo.answer_access repo.answer_access\n",
        "asking twice is one request"
    );
}

fn a_gates_refusal_comes_before_lack_of_write_access_and_only_while_public() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("bob/x", &["--gated", "manual"]);
    bob.ssh("access grant bob/x alice").succeeded();
    let read_only = format!("hubgate: you have no write access to bob/x\n{}", you_are(&alice));
    alice.ssh("git-receive-pack 'bob/x'").is(&refused(read_only));
    // An accepted request does not open a private repository.
    bob.ssh("repo visibility bob/x private").succeeded();
    for path in ["bob/x", "bob/nothing"] {
        alice.ssh(format!("git-upload-pack '{path}'")).is(&refused(not_found(&alice)));
        alice.ssh(format!("access request {path}")).is(&refused(not_found(&alice)));
    }
    bob.ssh("repo visibility bob/x public").succeeded();
    fetches(&alice, "bob/x");
}

fn the_operator_answers_requests_like_an_owner() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.repo("bob/x", &["--gated", "manual"]);
    alice.ssh("access request bob/x").succeeded();
    assert!(hub.did(&["access", "list", "bob/x"]).contains("alice  pending"));
    hub.hubgate(&["access", "grant", "bob/x", "alice"]).is(&says("alice may fetch bob/x\n"));
    fetches(&alice, "bob/x");
    hub.hubgate(&["access", "reject", "bob/x", "alice"]).is(&says("alice was refused access to bob/x\n"));
    is_gated(&alice, "bob/x", "your request was rejected");
    hub.hubgate(&["access", "revoke", "bob/x", "alice"]).is(&says("alice may request access to bob/x again\n"));
    hub.hubgate(&["access", "revoke", "bob/x", "alice"])
        .is(&refused("hubgate: there is no request of alice on bob/x\n"));
    hub.hubgate(&["access", "grant", "bob/x", "nobody"]).is(&refused("hubgate: there is no user nobody\n"));
}
