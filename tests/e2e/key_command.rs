//! `hubgate key`: which keys are accepted, and the messages for those that are not.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::accounts::{is_usage, json_of};
use crate::harness::{Hub, Key, KeyKind, refused, run, run_with, says, trials};
use crate::rows::of_kind;

trials![
    a_key_is_added_from_a_file_and_from_standard_input,
    keys_are_listed_shown_found_renamed_and_removed,
    an_unacceptable_key_is_rejected_with_helpful_advice,
    a_private_key_is_rejected_in_every_format,
    key_rows_are_accepted_or_rejected_as_they_say,
    comment_rows_are_titles_or_rejected_as_they_say,
    a_key_can_expire_and_be_restricted,
    a_key_is_on_one_account_only,
];

fn a_key_is_added_from_a_file_and_from_standard_input() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("alice@laptop");
    let file = key.public_file();
    let file = file.to_str().expect("UTF-8");
    let fingerprint = &key.fingerprint;
    hub.hubgate(&["key", "add", "alice", file]).is(&says(format!("added \"alice@laptop\" ({fingerprint}) to alice\n")));
    hub.did(&["key", "remove", fingerprint, "--yes"]);
    let line = format!("{}\n", key.line);
    let add = ["key", "add", "alice", "-", "--title", "Personal computer"];
    hub.hubgate_with(&add, line.as_bytes())
        .is(&says(format!("added \"Personal computer\" ({fingerprint}) to alice\n")));
    // Without a comment, type and fingerprint are the title.
    hub.did(&["key", "remove", fingerprint, "--yes"]);
    let (key_type, blob) = key.type_and_blob();
    let bare = format!("{key_type} {blob}\r\n");
    hub.hubgate_with(&["key", "add", "alice", "-"], bare.as_bytes())
        .is(&says(format!("added \"ssh-ed25519 {fingerprint}\" ({fingerprint}) to alice\n")));
    hub.hubgate(&["key", "add", "bob", file]).is(&refused("hubgate: there is no user bob\n"));
    hub.hubgate(&["key", "add", "alice", "/nonexistent/key.pub"])
        .is(&refused("hubgate: /nonexistent/key.pub: No such file or directory (os error 2)\n"));
}

fn keys_are_listed_shown_found_renamed_and_removed() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    let key = &alice.key.fingerprint;
    let row = |title: &str, removal: Option<&str>| {
        json!({
            "fingerprint": key, "user": "alice", "repository": null, "from": null, "title": title,
            "type": "ssh-ed25519", "scope": "write", "added_at": "TIME", "expires_at": null, "last_used_at": null,
            "removal": removal, "removed_at": removal.map(|_| "TIME"),
        })
    };
    assert_eq!(json_of(&hub, &["key", "list"]), json!([row("alice@laptop", None)]));
    assert_eq!(json_of(&hub, &["key", "list", "alice"]), json!([row("alice@laptop", None)]));
    assert_eq!(json_of(&hub, &["key", "list", "bob"]), json!([]));
    hub.hubgate(&["key", "list", "bob"]).is(&says("USER  TITLE  TYPE  FINGERPRINT  ADDED  LAST USED  STATE\n"));
    hub.hubgate(&["key", "list", "carol"]).is(&refused("hubgate: there is no user carol\n"));
    let mut shown = row("alice@laptop", None);
    let (key_type, blob) = alice.key.type_and_blob();
    shown["key"] = format!("{key_type} {blob}").into();
    assert_eq!(json_of(&hub, &["key", "show", key]), shown);
    let file = alice.key.public_file();
    let file = file.to_str().expect("UTF-8");
    for words in [["key", "find", key], ["key", "find", file]] {
        assert_eq!(json_of(&hub, &words), shown);
    }
    let found = hub.hubgate_with(&["key", "find", "-"], alice.key.line.as_bytes()).succeeded().stdout();
    assert!(found.starts_with(&format!("{key}\n  account    alice\n  title      alice@laptop\n")), "{found}");
    let unknown = Key::new("unknown");
    let file = unknown.public_file();
    hub.hubgate(&["key", "find", file.to_str().expect("UTF-8")])
        .is(&refused(format!("hubgate: there is no key {} here\n", unknown.fingerprint)));
    hub.hubgate(&["key", "rename", key, "new \"title\" é"])
        .is(&says(format!("renamed {key} to \"new \"title\" é\"\n")));
    assert_eq!(json_of(&hub, &["key", "list"]), json!([row("new \"title\" é", None)]));
    hub.hubgate(&["key", "remove", key])
        .is(&refused("hubgate: Remove the key \"new \"title\" é\" of alice? Confirm with --yes\n").status(2));
    assert_eq!(json_of(&hub, &["key", "remove", key, "--yes"]), row("new \"title\" é", Some("ordinary")));
    hub.hubgate(&["key", "remove", key, "--yes"])
        .is(&refused(format!("hubgate: the key {key} was removed before (ordinary)\n")));
    // Facts that are known later.
    assert_eq!(json_of(&hub, &["key", "remove", key, "--compromised", "--yes"])["removal"], "compromised");
    assert!(hub.did(&["key", "list", "alice"]).contains("compromised "));
}

fn an_unacceptable_key_is_rejected_with_helpful_advice() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("a");
    let rsa = Key::of_kind(KeyKind { name: "rsa", bits: "1024" });
    let convert =
        |format: &str| run(Command::new("ssh-keygen").args(["-e", "-m", format, "-f"]).arg(rsa.public_file()));
    let ca = Key::new("ca");
    run(Command::new("ssh-keygen").args(["-q", "-I", "id", "-n", "alice", "-s"]).arg(&ca.file).arg(key.public_file()))
        .succeeded();
    let certificate = fs::read(key.file.with_extension("").display().to_string() + "-cert.pub").expect("a certificate");
    let (key_type, blob) = key.type_and_blob();
    for (text, sentence) in [
        (b"".to_vec(), "there is no key here: give the one line of a .pub file"),
        (
            b"hello".to_vec(),
            "this is not an SSH public key: give the one line of a .pub file, such as ssh-ed25519 AAAAC3... laptop",
        ),
        (
            rsa.line.clone().into_bytes(),
            "an RSA key has 2048 to 16384 bits, this one has 1024: make a new key with ssh-keygen -t ed25519",
        ),
        (
            format!("ssh-dss {DSS} a").into_bytes(),
            "ssh-dss keys are not accepted: OpenSSH refuses them since 7.0; make a new one with ssh-keygen -t ed25519",
        ),
        (certificate, "this is a certificate: give the plain key, from the .pub file without -cert in its name"),
        (
            format!("{0}\n{0}\n", key.line).into_bytes(),
            "this is more than one line: give one key at a time, on one line",
        ),
        (
            format!("command=\"id\" {}", key.line).into_bytes(),
            "there are options or a host name before the key: give the key alone, from its type on",
        ),
        (
            format!("{key_type} {}", &blob[..40]).into_bytes(),
            "the key is malformed: copy the whole line of the .pub file again",
        ),
        (convert("RFC4716").stdout, "this is a public key in SSH2 format: convert it with ssh-keygen -i -f FILE"),
        (convert("PKCS8").stdout, "this is a public key in PEM format: convert it with ssh-keygen -i -m PKCS8 -f FILE"),
    ] {
        // From standard input and from a file.
        hub.hubgate_with(&["key", "add", "alice", "-"], &text).is(&refused(format!("hubgate: {sentence}\n")).status(2));
        let file = hub.path("pasted");
        fs::write(&file, &text).expect("a file");
        hub.hubgate(&["key", "add", "alice", file.to_str().expect("UTF-8")])
            .is(&refused(format!("hubgate: {sentence}\n")).status(2));
    }
    assert_eq!(json_of(&hub, &["key", "list"]), json!([]));
}

/// p, q, g and y are 1.
const DSS: &str = "AAAAB3NzaC1kc3MAAAABAQAAAAEBAAAAAQEAAAABAQ==";

fn a_private_key_is_rejected_in_every_format() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let answer = refused("hubgate: this is a private key: keep it secret, and give the .pub file\n").status(2);
    let key = Key::new("a");
    let rsa = Key::of_kind(KeyKind { name: "rsa", bits: "2048" });
    let pem = hub.path("pem");
    fs::copy(&rsa.file, &pem).expect("a copy");
    let encrypted = Key::with_passphrase("a", "open-sesame");
    run(Command::new("ssh-keygen").args(["-q", "-p", "-N", "", "-m", "PEM", "-f"]).arg(&pem)).succeeded();
    for file in [&key.file, &rsa.file, &pem, &encrypted.file] {
        hub.hubgate(&["key", "add", "alice", file.to_str().expect("UTF-8")]).is(&answer);
        // Together with its public half, in both orders.
        let both = format!("{}\n{}", key.line, fs::read_to_string(file).expect("a key"));
        hub.hubgate_with(&["key", "add", "alice", "-"], both.as_bytes()).is(&answer);
    }
}

fn key_rows_are_accepted_or_rejected_as_they_say() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let mut tried = 0;
    for row in of_kind("key").into_iter().filter(|row| !row.input.starts_with(b"@generated")) {
        let outcome = hub.hubgate_with(&["key", "add", "alice", "-", "--title", "t"], &row.input);
        // RSA of 16,384 bits, and with the exponent 3: sshd and hubgate accept them, the table does not.
        if row.accepted || ["key-041", "key-049"].contains(&row.id.as_str()) {
            outcome.succeeded();
            // Several rows have the same key.
            hub.sql("DELETE FROM key");
        } else {
            assert!(outcome.status == 2 && outcome.stdout.is_empty(), "{}: {outcome}", row.id);
            assert!(
                outcome.stderr().starts_with("hubgate: ") && outcome.stderr().lines().count() == 1,
                "{}: {outcome}",
                row.id
            );
        }
        tried += 1;
    }
    assert_eq!((tried, hub.sql("SELECT count(*) FROM key").as_str()), (40, "0\n"));
}

fn comment_rows_are_titles_or_rejected_as_they_say() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("");
    let file = key.public_file();
    for row in of_kind("comment") {
        // As the comment of a key and as a title.
        let line = [key.line.trim_end().as_bytes(), b" ", &row.input].concat();
        let by_comment = hub.hubgate_with(&["key", "add", "alice", "-"], &line);
        hub.sql("DELETE FROM key");
        let status = if row.accepted { 0 } else { 2 };
        assert_eq!(by_comment.status, status, "{}: {by_comment}", row.id);
        // A command line cannot contain NUL. An empty title is invalid; an empty comment only means no title.
        if row.input.contains(&0) || row.input.is_empty() {
            continue;
        }
        let mut add = hub.hubgate_command();
        add.args(["key", "add", "alice"]).arg(&file).arg("--title").arg(row.command());
        let by_title = run(&mut add);
        hub.sql("DELETE FROM key");
        assert_eq!(by_title.status, status, "{}: {by_title}", row.id);
        if row.accepted {
            let title = String::from_utf8_lossy(&row.input);
            by_title.is(&says(format!("added \"{title}\" ({}) to alice\n", key.fingerprint)));
        }
    }
}

fn a_key_can_expire_and_be_restricted() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("a");
    let file = key.public_file();
    let add = ["key", "add", "alice", file.to_str().expect("UTF-8")];
    for (expires, reason) in [
        ("2001-01-01", "this time is in the past"),
        ("tomorrow", "a time is a duration such as"),
        ("0s", "this time is in the past"),
    ] {
        is_usage(&hub.hubgate(&[add.as_slice(), &["--expires", expires]].concat()), reason);
    }
    is_usage(&hub.hubgate(&[add.as_slice(), &["--scope", "admin"]].concat()), "[possible values: read, write]");
    let row = json_of(&hub, &[add.as_slice(), &["--expires", "2999-12-31", "--scope", "read"]].concat());
    assert_eq!((&row["expires_at"], &row["scope"]), (&json!("TIME"), &json!("read")));
    // The last day counts until its end.
    assert_eq!(hub.sql("SELECT datetime(expires_at, 'unixepoch') FROM key"), "3000-01-01 00:00:00\n");
    assert!(hub.did(&["key", "list"]).contains("read, until 3000-01-01 00:00\n"));
}

fn a_key_is_on_one_account_only() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    let file = alice.key.public_file();
    for user in ["alice", "bob"] {
        hub.hubgate(&["key", "add", user, file.to_str().expect("UTF-8")]).is(&refused(format!(
            "hubgate: the key {} is already in use: it is \"alice@laptop\" of alice\n",
            alice.key.fingerprint
        )));
    }
    // The same key in another text is the same key.
    let (key_type, blob) = alice.key.type_and_blob();
    let other = format!("  {key_type} \t{blob}  other comment\r\n");
    let outcome = run_with(hub.hubgate_command().args(["key", "add", "bob", "-"]), other.as_bytes());
    assert_eq!(outcome.status, 1, "{outcome}");
}
