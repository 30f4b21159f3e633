//! Keys with agents, passphrases and live connections, and after their removal.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::harness::{Agent, Client, Hub, Key, Setup, refused, run, says, silent, trials, wait_for_second};
use crate::texts::{GIT_GIVES_UP, denied, hi, read_only, unknown_key};

trials![
    an_unknown_key_offered_first_hides_a_registered_key_in_mode_any_key,
    identities_only_selects_the_registered_key,
    an_unknown_key_offered_first_is_skipped_if_anonymous_is_off,
    twelve_unknown_keys_offered_first_are_skipped,
    two_accounts_on_one_machine_are_distinguished_by_their_keys,
    a_key_with_a_passphrase_works_through_an_agent,
    a_key_with_a_passphrase_works_with_askpass,
    a_removed_key_opens_nothing_on_a_live_connection,
    a_removed_key_is_an_unknown_key_from_the_next_connection_on,
    a_removed_key_can_be_added_again_to_another_account,
    a_key_on_a_removed_account_is_an_unknown_key,
    a_disabled_account_is_refused_at_once_with_the_reason,
    a_compromised_key_is_refused_everywhere_and_for_ever,
    an_expired_key_is_refused_everywhere_with_the_day,
    a_key_expires_while_its_connection_lives,
    a_key_of_scope_read_never_writes,
    a_renamed_account_is_greeted_by_its_new_name,
    a_frozen_repository_allows_fetches_and_refuses_pushes,
    the_last_use_of_a_key_is_recorded,
    the_last_use_of_a_deploy_key_is_recorded,
    a_key_whose_private_half_is_public_is_added_nowhere,
    a_key_with_an_exponent_of_an_old_program_works_and_is_added_with_a_warning,
    an_open_anonymous_connection_opens_nothing_once_anonymous_is_off,
];

/// A client whose agent has these keys in this order; the hub knows it as `user` with `key`.
fn agent_client(hub: &Hub, user: Option<&str>, key: &Key, keys: &[&Key]) -> (Client, Agent) {
    let agent = Agent::with(keys.iter().copied());
    (Client::with_agent(hub, user, key.clone(), &agent), agent)
}

fn an_unknown_key_offered_first_hides_a_registered_key_in_mode_any_key() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let unknown = Key::new("unknown");
    // sshd accepts the first key that the client offers, so the session has that key.
    let (client, _agent) = agent_client(&hub, None, &unknown, &[&unknown, &alice.key]);
    client.greet().is(&says(hi("anonymous")).warning(unknown_key(&client)));
    let answer = refused(crate::texts::not_found(&client) + GIT_GIVES_UP).status(128);
    client.git(&["ls-remote", &Client::url("alice/x")]).is(&answer);
    let (client, _agent) = agent_client(&hub, Some("alice"), &alice.key, &[&alice.key, &unknown]);
    client.greet().is(&says(hi("alice")));
}

fn identities_only_selects_the_registered_key() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let unknown = Key::new("unknown");
    let (client, _agent) = agent_client(&hub, None, &unknown, &[&unknown, &alice.key]);
    // As the hint says, with the file of the registered key.
    let file = alice.key.file.to_str().expect("UTF-8");
    let outcome = client.ssh_with(&["-o", "IdentitiesOnly=yes", "-i", file], "", b"");
    outcome.is(&says(hi("alice")));
    // The public half is enough if the agent has the private one.
    let public = alice.key.public_file();
    let public = public.to_str().expect("UTF-8");
    client.ssh_with(&["-o", "IdentitiesOnly=yes", "-i", public], "", b"").is(&says(hi("alice")));
}

fn an_unknown_key_offered_first_is_skipped_if_anonymous_is_off() {
    let hub = Hub::with(&Setup { anonymous: "off", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let unknown = Key::new("unknown");
    let (client, _agent) = agent_client(&hub, Some("alice"), &alice.key, &[&unknown, &alice.key]);
    client.greet().is(&says(hi("alice")));
    client.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let (client, _agent) = agent_client(&hub, None, &unknown, &[&unknown]);
    client.greet().is(&refused(denied(&client)).status(255));
}

fn twelve_unknown_keys_offered_first_are_skipped() {
    let hub = Hub::with(&Setup { anonymous: "off", ..Setup::default() });
    let alice = hub.user("alice");
    let unknown: Vec<Key> = (0..12).map(|number| Key::new(&format!("unknown{number}"))).collect();
    let keys: Vec<&Key> = unknown.iter().chain([&alice.key]).collect();
    let (client, _agent) = agent_client(&hub, Some("alice"), &alice.key, &keys);
    client.greet().is(&says(hi("alice")));
    let refused = hub.sshd_log().lines().filter(|line| line.starts_with("Failed publickey")).count();
    assert_eq!(refused, 12, "sshd notes the fingerprint of each");
}

fn two_accounts_on_one_machine_are_distinguished_by_their_keys() {
    let hub = Hub::new();
    let (work, home) = (hub.user("work"), hub.user("home"));
    let (client, _agent) = agent_client(&hub, Some("work"), &work.key, &[&work.key, &home.key]);
    client.greet().is(&says(hi("work")));
    let file = home.key.file.to_str().expect("UTF-8");
    client.ssh_with(&["-oIdentitiesOnly=yes", "-i", file], "", b"").is(&says(hi("home")));
}

/// A program that prints a passphrase, as ssh's askpass does.
fn askpass(client: &Client, passphrase: &str) -> PathBuf {
    let file = client.home.join("askpass");
    fs::write(&file, format!("#!/bin/sh\necho {passphrase}\n")).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    file
}

fn encrypted_alice(hub: &Hub) -> Key {
    let key = Key::with_passphrase("alice@laptop", "open-sesame");
    hub.did(&["user", "add", "alice"]);
    hub.add_key("alice", &key, &[]);
    key
}

fn a_key_with_a_passphrase_works_through_an_agent() {
    let hub = Hub::new();
    let key = encrypted_alice(&hub);
    let agent = Agent::with([]);
    let client = Client::with_agent(&hub, Some("alice"), key, &agent);
    let mut add = agent.ssh_add();
    add.env("SSH_ASKPASS", askpass(&client, "open-sesame")).env("SSH_ASKPASS_REQUIRE", "force");
    run(add.arg(&client.key.file)).succeeded();
    client.greet().is(&says(hi("alice")));
}

fn a_key_with_a_passphrase_works_with_askpass() {
    let hub = Hub::new();
    let client = Client::new(&hub, Some("alice"), encrypted_alice(&hub));
    let greet = |passphrase| {
        let mut ssh = client.ssh_command(&[]);
        run(ssh.env("SSH_ASKPASS", askpass(&client, passphrase)).env("SSH_ASKPASS_REQUIRE", "force"))
    };
    greet("open-sesame").is(&says(hi("alice")));
    greet("wrong").is(&refused(denied(&client)).status(255));
}

fn a_removed_key_opens_nothing_on_a_live_connection() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let _master = alice.master();
    alice.greet().is(&says(hi("alice")));
    let key = &alice.key.fingerprint;
    hub.did(&["key", "remove", key, "--yes"]);
    hub.log();
    let answer = format!("hubgate: the key {key} is no longer on the account alice\n");
    alice.greet().is(&refused(&answer));
    alice.git(&["ls-remote", &Client::url("alice/x")]).is(&refused(answer.clone() + GIT_GIVES_UP).status(128));
    alice.ssh("id").is(&refused(&answer));
    let line = format!("notice hubgate: user=alice key={key} from=127.0.0.1 decision=deny reason=key-removed");
    hub.logged(&[&line, &line, &line]);
}

fn a_removed_key_is_an_unknown_key_from_the_next_connection_on() {
    let hub = Hub::new();
    let mut alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.repo("alice/secret", &["--private"]);
    alice.git(&["clone", "--quiet", &Client::url("alice/secret")]).is(&silent());
    hub.did(&["key", "remove", &alice.key.fingerprint, "--yes"]);
    alice.user = None;
    alice.greet().is(&says(hi("anonymous")).warning(unknown_key(&alice)));
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let hidden = crate::texts::not_found(&alice) + GIT_GIVES_UP;
    alice.git_in("secret", &["fetch"]).is(&refused(hidden).status(128));
    let refusal = read_only(&alice, "alice/x") + GIT_GIVES_UP;
    alice.git_in("x", &["push", "origin", "HEAD:y"]).is(&refused(refusal).status(128));
    hub.configure(&Setup { anonymous: "off", ..Setup::default() });
    alice.greet().is(&refused(denied(&alice)).status(255));
}

fn a_removed_key_can_be_added_again_to_another_account() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    let file = alice.key.public_file();
    let add = ["key", "add", "bob", file.to_str().expect("UTF-8")];
    let key = &alice.key.fingerprint;
    hub.hubgate(&add)
        .is(&refused(format!("hubgate: the key {key} is already in use: it is \"alice@laptop\" of alice\n")));
    hub.did(&["key", "remove", key, "--yes"]);
    hub.did(&add);
    alice.greet().is(&says(hi("bob")));
    hub.did(&["key", "remove", key, "--yes"]);
    hub.add_key("alice", &alice.key, &[]);
    alice.greet().is(&says(hi("alice")));
}

fn a_key_on_a_removed_account_is_an_unknown_key() {
    let hub = Hub::new();
    let mut alice = hub.user("alice");
    let master = alice.master();
    hub.did(&["user", "remove", "alice", "--yes"]);
    let answer = format!("hubgate: the key {} is no longer on the account alice\n", alice.key.fingerprint);
    alice.greet().is(&refused(answer));
    drop(master);
    alice.user = None;
    alice.greet().is(&says(hi("anonymous")).warning(unknown_key(&alice)));
}

fn a_disabled_account_is_refused_at_once_with_the_reason() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let master = alice.master();
    alice.greet().is(&says(hi("alice")));
    hub.did(&["user", "disable", "alice", "--reason", "left the company; ask \"hr\""]);
    hub.log();
    let answer = "hubgate: the account alice is disabled: left the company; ask \"hr\"\n";
    alice.greet().is(&refused(answer));
    drop(master);
    alice.greet().is(&refused(answer));
    let clone = alice.git(&["ls-remote", &Client::url("alice/x")]);
    clone.is(&refused(answer.to_owned() + GIT_GIVES_UP).status(128));
    let key = &alice.key.fingerprint;
    let line = format!("notice hubgate: user=alice key={key} from=127.0.0.1 decision=deny reason=account-disabled");
    hub.logged(&[&line, &line, &line]);
    hub.did(&["user", "enable", "alice"]);
    alice.greet().is(&says(hi("alice")));
}

fn a_compromised_key_is_refused_everywhere_and_for_ever() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let master = alice.master();
    let key = &alice.key.fingerprint;
    hub.did(&["key", "remove", key, "--compromised", "--yes"]);
    let answer = format!("hubgate: the key {key} was removed as compromised\n");
    alice.greet().is(&refused(&answer));
    drop(master);
    hub.log();
    // A compromised key may not even do what every identity may do.
    alice.greet().is(&refused(&answer));
    alice.ssh("help").is(&refused(&answer));
    alice.git(&["ls-remote", &Client::url("alice/x")]).is(&refused(answer.clone() + GIT_GIVES_UP).status(128));
    let line = format!("notice hubgate: user=alice key={key} from=127.0.0.1 decision=deny reason=key-compromised");
    hub.logged(&[&line, &line, &line]);
    let file = alice.key.public_file();
    let add = hub.hubgate(&["key", "add", "alice", file.to_str().expect("UTF-8")]);
    add.is(&refused(format!(
        "hubgate: the key {key} was removed as compromised and cannot come back: make a new one\n"
    )));
    hub.configure(&Setup { anonymous: "off", ..Setup::default() });
    alice.greet().is(&refused(&answer));
    // The key stays compromised after its account was removed.
    hub.did(&["user", "add", "bob"]);
    hub.did(&["user", "remove", "alice", "--transfer-to", "bob", "--yes"]);
    alice.greet().is(&refused(&answer));
}

fn an_expired_key_is_refused_everywhere_with_the_day() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    // The first second of 2020-01-02: the key was valid until the end of the day before.
    hub.sql("UPDATE key SET expires_at = 1577923200");
    hub.log();
    let key = &alice.key.fingerprint;
    let answer = format!("hubgate: the key \"alice@laptop\" ({key}) expired on 2020-01-01\n");
    alice.greet().is(&refused(&answer));
    alice.git(&["ls-remote", &Client::url("alice/x")]).is(&refused(answer.clone() + GIT_GIVES_UP).status(128));
    let line = format!("notice hubgate: user=alice key={key} from=127.0.0.1 decision=deny reason=key-expired");
    hub.logged(&[&line, &line]);
    let list = hub.did(&["key", "list", "alice"]);
    assert!(list.contains("expired 2020-01-02 00:00"), "{list}");
}

fn a_key_expires_while_its_connection_lives() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("alice@laptop");
    hub.add_key("alice", &key, &["--expires", "90d"]);
    let alice = Client::new(&hub, Some("alice"), key);
    let _master = alice.master();
    alice.greet().is(&says(hi("alice")));
    let end = hub.sql("UPDATE key SET expires_at = unixepoch() + 1 RETURNING expires_at");
    wait_for_second(end.trim_end().parse().expect("a second"));
    let day = hub.sql(&format!("SELECT date({} - 1, 'unixepoch')", end.trim_end()));
    alice
        .greet()
        .is(&refused(format!("hubgate: the key \"alice@laptop\" ({}) expired on {day}", alice.key.fingerprint)));
}

fn a_key_of_scope_read_never_writes() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("alice@robot");
    hub.add_key("alice", &key, &["--scope", "read"]);
    let robot = Client::new(&hub, Some("alice"), key);
    hub.repo("alice/x", &["--private"]);
    robot.greet().is(&says(hi("alice")));
    robot.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let refusal = read_only(&robot, "alice/x") + GIT_GIVES_UP;
    robot.git_in("x", &["push", "origin", "HEAD:y"]).is(&refused(refusal).status(128));
}

fn a_renamed_account_is_greeted_by_its_new_name() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let master = alice.master();
    hub.did(&["user", "rename", "alice", "Alicia"]);
    // The live connection has the old name.
    assert!(alice.greet().stderr().starts_with("hubgate: the account alice is now Alicia: "));
    drop(master);
    alice.greet().is(&says(hi("Alicia")));
    alice.git(&["clone", "--quiet", &Client::url("alicia/x")]).is(&silent());
}

fn a_frozen_repository_allows_fetches_and_refuses_pushes() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    hub.did(&["repo", "freeze", "alice/x", "--reason", "moves to another disk"]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    hub.log();
    let answer = refused(format!("hubgate: alice/x is read-only: moves to another disk\n{GIT_GIVES_UP}")).status(128);
    alice.git_in("x", &["push", "origin", "HEAD:y"]).is(&answer);
    hub.logged(&[format!(
        "notice hubgate: user=alice key={} from=127.0.0.1 verb=receive-pack repo=alice/x decision=deny reason=frozen",
        alice.key.fingerprint
    )]);
    hub.did(&["repo", "unfreeze", "alice/x"]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:y"]).is(&silent());
}

fn the_last_use_of_a_key_is_recorded() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let list: serde_json::Value = serde_json::from_str(&hub.did(&["--json", "key", "list"])).expect("JSON");
    assert!(list[0]["last_used_at"].is_null(), "{list}");
    let before = hub.sql("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')");
    alice.greet().is(&says(hi("alice")));
    let list: serde_json::Value = serde_json::from_str(&hub.did(&["--json", "key", "list"])).expect("JSON");
    let used = list[0]["last_used_at"].as_str().expect("a time");
    assert!(used >= before.trim_end(), "{used} is before {before}");
    // Fetching wrote nothing to the database.
    assert_eq!(hub.sql("SELECT count(*) FROM audit"), "2\n");
}

fn the_last_use_of_a_deploy_key_is_recorded() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &["--private"]);
    let key = Key::new("ci");
    hub.did(&["deploy-key", "add", "alice/x", key.public_file().to_str().expect("UTF-8")]);
    let used = || -> serde_json::Value {
        let list: serde_json::Value =
            serde_json::from_str(&hub.did(&["--json", "deploy-key", "list", "alice/x"])).expect("JSON");
        list[0]["last_used_at"].clone()
    };
    assert!(used().is_null());
    let before = hub.sql("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', 'now')");
    Client::new(&hub, None, key).git(&["ls-remote", &Client::url("alice/x")]).succeeded();
    let used = used();
    assert!(used.as_str().is_some_and(|used| used >= before.trim_end()), "{used} is before {before}");
}

/// The private half of this key is in the sources of a Docker image.
const KNOWN: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDVmzBG5v7cO9IScGLIzlhGlHNFhXzy87VfaPzru7qnIIdQ1e9FEKvtqEws8hVixnCUdviwX5lvcMk4Ef4Tbrmj3dyF0zFtYbjiTSyl/XQlF68DQlc2sTAdHy96wJHvh7ky511tKJzzyWwSqeef4WjeVK28TqcGnq1up0S7saFO0dJh6OfDAg2cDmhyweR3VgT0vZJyrDV7hte95MBCdK+Gp7fdCyEZcWm3S1DBFaeBqHzzt/Y/njAVKbYL9TIVPum8iMg0rMiLi9ShfP+dT5Xud5Oa3dcN2OWhiDfJw5pfhFJWd44cJ/uGRwQpvNs/PNKsYABhgLlTMUH4iawhu1Xb known";

fn a_key_whose_private_half_is_public_is_added_nowhere() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    for words in [["key", "add", "alice", "-"], ["deploy-key", "add", "alice/x", "-"]] {
        let outcome = hub.hubgate_with(&words, KNOWN.as_bytes());
        assert!(outcome.status == 2 && outcome.stderr().contains("is known to the public"), "{outcome}");
    }
    let outcome = alice.ssh_with(&[], "key add", KNOWN.as_bytes());
    assert!(outcome.status == 2 && outcome.stderr().contains("is known to the public"), "{outcome}");
    let file = hub.path("authorized_keys");
    fs::write(&file, KNOWN).expect("a file");
    let outcome = hub.hubgate(&["import", "authorized-keys", "--user", "alice", file.to_str().expect("UTF-8")]);
    assert!(outcome.stdout().contains("is known to the public"), "{outcome}");
    assert_eq!(hub.sql("SELECT count(*) FROM key"), "1\n");
}

fn an_open_anonymous_connection_opens_nothing_once_anonymous_is_off() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    let stranger = hub.stranger();
    let _master = stranger.master();
    stranger.git(&["ls-remote", &Client::url("alice/x")]).succeeded();
    hub.configure(&Setup { anonymous: "off", ..Setup::default() });
    for command in ["", "git-upload-pack 'alice/x'", "git-lfs-authenticate alice/x download", "help"] {
        let outcome = stranger.ssh(command);
        assert!(outcome.status == 1 && outcome.stdout.is_empty(), "{command}: {outcome}");
    }
    let batch = b"000eversion 1\n0000000abatch\n00010000";
    let outcome = stranger.ssh_with(&[], "git-lfs-transfer alice/x download", batch);
    assert!(outcome.stdout().contains("status 403"), "{outcome}");
}

fn a_key_with_an_exponent_of_an_old_program_works_and_is_added_with_a_warning() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &["--private"]);
    let warning = |key: &Key, holder: &str, exponent: &str| {
        let is = format!("\"old\" ({}) of {holder} is an RSA key with the exponent {exponent}", key.fingerprint);
        format!("hubgate: {is}, which only old programs make: replace it with a key of ssh-keygen -t ed25519\n")
    };
    let added = |key: &Key, holder: &str| says(format!("added \"old\" ({}) to {holder}\n", key.fingerprint));
    let old = Key::with_exponent("35");
    hub.hubgate(&["key", "add", "alice", old.public_file().to_str().expect("UTF-8")])
        .is(&added(&old, "alice").warning(warning(&old, "alice", "35")));
    let alice = Client::new(&hub, Some("alice"), old.clone());
    alice.greet().is(&says(hi("alice")));
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).is(&silent());
    alice.commit("x", "a", "a");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:a"]).is(&silent());
    // Over SSH, for a repository, and with an invitation.
    let (second, deploy, joined) = (Key::with_exponent("37"), Key::with_exponent("3"), Key::with_exponent("65535"));
    alice
        .ssh_with(&[], "key add", second.line.as_bytes())
        .is(&added(&second, "alice").warning(warning(&second, "alice", "37")));
    Client::new(&hub, Some("alice"), second).greet().is(&says(hi("alice")));
    hub.hubgate(&["deploy-key", "add", "alice/x", deploy.public_file().to_str().expect("UTF-8")])
        .is(&added(&deploy, "alice/x").warning(warning(&deploy, "alice/x", "3")));
    Client::new(&hub, None, deploy).greet().is(&says(hi("deploy key of alice/x")));
    let code = hub.did(&["--json", "invite", "alice"]);
    let code: serde_json::Value = serde_json::from_str(&code).expect("JSON");
    let outcome = Client::new(&hub, None, joined).ssh(format!("join {} old", code["code"].as_str().expect("a code")));
    assert!(outcome.stderr().contains("\"old\" (") && outcome.stderr().contains("exponent 65535"), "{outcome}");
    // An exponent that is not sound, and the type that OpenSSH refuses.
    let (_, blob) = old.type_and_blob();
    let even = blob.replacen("AAAAB3NzaC1yc2EAAAABIw", "AAAAB3NzaC1yc2EAAAABJA", 1);
    assert_ne!(even, blob);
    for (line, said) in [
        (
            format!("ssh-rsa {even}"),
            "the exponent of this RSA key is not safe: make a new key with ssh-keygen -t ed25519",
        ),
        (
            "ssh-dss AAAAB3NzaC1kc3M= old".to_owned(),
            "ssh-dss keys are not accepted: OpenSSH refuses them since 7.0; make a new one with ssh-keygen -t ed25519",
        ),
    ] {
        let answer = refused(format!("hubgate: {said}\n")).status(2);
        hub.hubgate_with(&["key", "add", "alice", "-"], line.as_bytes()).is(&answer);
        alice.ssh_with(&[], "key add", line.as_bytes()).is(&answer);
    }
    // A CA with such a key, for such a key.
    let authority = Key::with_exponent("35");
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "ca", "add", "acme", authority.public_file().to_str().expect("UTF-8")]);
    let certified = Client::new(&hub, Some("alice"), Key::with_exponent("35"));
    let mut sign = std::process::Command::new("ssh-keygen");
    sign.arg("-q").arg("-s").arg(&authority.file).args(["-I", "old", "-n", "alice", "-V", "-1m:+1h"]);
    run(sign.arg(certified.key.public_file())).succeeded();
    let certificate = format!("CertificateFile={}-cert.pub", certified.key.file.display());
    certified.ssh_with(&["-o", &certificate], "", b"").is(&says(hi("alice")));
}
