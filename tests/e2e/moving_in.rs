//! `hubgate import`: users, keys and grants of another git server.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};

use crate::accounts::json_of;
use crate::harness::{Client, Hub, Key, Outcome, refused, run, says, trials};
use crate::texts::hi;

trials![
    an_authorized_keys_file_is_imported,
    every_key_of_a_file_is_imported_to_one_account,
    gitolite_is_imported,
    links_and_pipes_in_what_is_imported_are_neither_followed_nor_waited_for,
    a_dry_run_changes_nothing,
    five_thousand_people_are_added_in_one_change_that_can_be_repeated,
    an_import_changes_all_or_nothing,
];

fn shown(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

fn an_authorized_keys_file_is_imported() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    let keys: Vec<Key> =
        ["alice@home", "whatever", "bob@desk", "nobody@here", "bob", "bob@vpn", "x"].map(Key::new).into();
    let file = hub.path("roots_keys");
    let text = format!(
        "# made by several servers\n\
         command=\"/home/git/bin/gitolite-shell carol\",no-port-forwarding,no-pty {1}\n\
         command=\"/opt/gitlab-shell/bin/gitlab-shell key-2\",no-pty {2}\n\
         command=\"/usr/bin/gitea serv key-3\",restrict {3}\n\
         {4}\n\
         from=\"192.0.2.0/24\",expiry-time=\"29990131Z\" {5}\n\
         command=\"/usr/bin/backup \u{202e}\" {6}\n\
         expiry-time=\"20010131Z\" {4}\n\
         expiry-time=\"29990131\" {4}\n\
         {0}\n\
         {alice}\n\
         ssh-dss AAAAB3NzaC1kc3M= bob\n",
        keys[0].line,
        keys[1].line,
        keys[2].line,
        keys[3].line,
        keys[4].line,
        keys[5].line,
        keys[6].line,
        alice = alice.key.line,
    );
    fs::write(&file, text).expect("a file");
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
    let place = shown(&file);
    let fingerprint = |number: usize| keys[number].fingerprint.as_str();
    let outcome = hub.hubgate(&["import", "authorized-keys", place]);
    let dsa = outcome.stdout().lines().find(|line| line.contains(":12: ")).unwrap_or_default().to_owned();
    outcome.is(&says(format!(
        "added carol\n\
         added \"whatever\" ({}) to carol\n\
         added \"bob@desk\" ({}) to bob\n\
         added \"bob\" ({}) to bob\n\
         added \"bob@vpn\" ({}) to bob\n\
         added \"alice@home\" ({}) to alice\n\
         left out: {place}:4: neither its command nor its comment names an account of this hub (key-3, comment \"nobody@here\", {})\n\
         left out: {place}:7: its command is not of a known git server: /usr/bin/backup \\u{{202e}}\n\
         left out: {place}:8: it expired: expiry-time=\"20010131Z\"\n\
         left out: {place}:9: expiry-time=\"29990131\" is not a time in UTC, such as 20270131Z\n\
         {dsa}\n\
         1 account, 5 keys, 0 grants; 1 existed already, 5 left out\n",
        fingerprint(1),
        fingerprint(2),
        fingerprint(4),
        fingerprint(5),
        fingerprint(0),
        fingerprint(3),
    )));
    let vpn = json_of(&hub, &["key", "show", fingerprint(5)]);
    assert_eq!((&vpn["from"], &vpn["expires_at"]), (&json!("192.0.2.0/24"), &json!("TIME")));
    Client::new(&hub, Some("carol"), keys[1].clone()).greet().is(&says(hi("carol")));
    let events = json_of(&hub, &["audit"]);
    let count = |name: &str| events.as_array().expect("a list").iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("user.create"), count("key.add")), (3, 6));
    // A second run has nothing to do.
    let again = json_of(&hub, &["import", "authorized-keys", place]);
    assert_eq!((&again["keys"], &again["accounts"], &again["already"]), (&json!([]), &json!([]), &json!(6)));
    assert_eq!(
        again["left_out"][1],
        json!({ "place": format!("{place}:7"), "why": "its command is not of a known git server: /usr/bin/backup \u{202e}" })
    );
}

fn every_key_of_a_file_is_imported_to_one_account() {
    let hub = Hub::new();
    let bob = hub.user("bob");
    hub.did(&["user", "add", "alice"]);
    let file = hub.path("keys_file");
    let (one, two) = (Key::new("one"), Key::new("two"));
    let line = format!("command=\"/opt/gitlab-shell key-9\",no-pty {}", two.line);
    fs::write(&file, format!("{}\n{line}\n{}\n", one.line, bob.key.line)).expect("a file");
    let place = shown(&file);
    hub.hubgate(&["import", "authorized-keys", place, "--user", "carol"])
        .is(&refused("hubgate: there is no user carol\n"));
    hub.hubgate(&["import", "authorized-keys", place, "--user", "alice"]).is(&says(format!(
        "added \"one\" ({}) to alice\nadded \"two\" ({}) to alice\n\
         left out: {place}:3: the key is in use here: it is \"bob@laptop\" of bob\n\
         0 accounts, 2 keys, 0 grants; 0 existed already, 1 left out\n",
        one.fingerprint, two.fingerprint
    )));
    // The same from a pipe, by each name of it. A pipe in a directory is not waited for.
    let text = fs::read(&file).expect("a file");
    for name in ["-", "/dev/stdin", "/dev/fd/0"] {
        let said = hub.hubgate_with(&["import", "authorized-keys", name, "--user", "alice"], &text);
        let place = if name == "-" { "standard input" } else { name };
        said.is(&says(format!(
            "left out: {place}:3: the key is in use here: it is \"bob@laptop\" of bob\n\
             0 accounts, 0 keys, 0 grants; 2 existed already, 1 left out\n"
        )));
    }
    let pipe = hub.path("pipe");
    run(Command::new("mkfifo").arg(&pipe)).succeeded();
    let outcome = hub.hubgate(&["import", "authorized-keys", shown(&pipe)]);
    outcome.is(&refused(format!("hubgate: {}: it is a link, or not a regular file\n", pipe.display())));
    let outcome = hub.hubgate(&["import", "authorized-keys", "/nowhere/keys"]);
    outcome.is(&refused("hubgate: /nowhere/keys: No such file or directory (os error 2)\n"));
}

/// A working copy of gitolite-admin.
fn gitolite_admin(hub: &Hub, conf: &str, keys: &[(&str, &Key)]) -> String {
    let directory = hub.path("gitolite-admin");
    for name in ["conf", "keydir/office/old"] {
        fs::create_dir_all(directory.join(name)).expect("a directory");
    }
    fs::write(directory.join("conf/gitolite.conf"), conf).expect("a file");
    for (name, key) in keys {
        fs::write(directory.join("keydir").join(name), &key.line).expect("a file");
    }
    shown(&directory).to_owned()
}

const CONF: &str = "@staff = alice bob\n\
     repo x\n    RW+ = alice\n    RW = @staff\n    R = carol @all\n\
     repo acme/secret\n    - master = bob\n    RW = @staff\n\
     repo missing\n    R = alice\n\
     repo gitolite-admin\n    RW+ = alice\n";

fn gitolite_is_imported() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    hub.repo("acme/x", &["--private"]);
    hub.repo("acme/secret", &["--private"]);
    let (laptop, desk, bob, mail) = (Key::new("laptop"), Key::new("desk"), Key::new("bob"), Key::new("mail"));
    let directory = gitolite_admin(
        &hub,
        CONF,
        &[
            ("alice@laptop.pub", &laptop),
            ("office/alice.pub", &desk),
            ("office/old/bob@desk.pub", &bob),
            ("dan@example.com.pub", &mail),
        ],
    );
    fs::write(format!("{directory}/keydir/eve.pub"), "ssh-rsa nonsense\n").expect("a file");
    fs::write(format!("{directory}/keydir/README"), "keys\n").expect("a file");
    let outcome = hub.hubgate(&["import", "gitolite", &directory, "--owner", "acme"]);
    let eve = outcome.stdout().lines().find(|line| line.contains("keydir/eve.pub: ")).unwrap_or_default().to_owned();
    outcome.is(&says(format!(
        "added alice\nadded bob\n\
         added \"laptop\" ({}) to alice\nadded \"desk\" ({}) to alice\nadded \"bob\" ({}) to bob\n\
         alice has the role write on acme/secret\n\
         alice has the role write on acme/x\n\
         bob has the role write on acme/x\n\
         2 grants of RW became write, which may also rewind branches\n\
         left out: keydir/README: its name is not NAME.pub or NAME@HOST.pub\n\
         left out: keydir/dan@example.com.pub: \"dan@example.com\" is not a valid account name: a name has only letters, digits, '.', '_' and '-'\n\
         {eve}\n\
         left out: conf/gitolite.conf:5: @all is not a user: open a repository to all with hubgate repo visibility\n\
         left out: conf/gitolite.conf:7: a rule that denies: its users get no grants on these repositories\n\
         left out: conf/gitolite.conf:8: bob on acme/secret: another rule denies something, which a grant cannot express\n\
         left out: conf/gitolite.conf:12: gitolite-admin is gitolite's own repository\n\
         left out: conf/gitolite.conf:10: alice on missing: there is no repository acme/missing: import it with hubgate repo import\n\
         left out: conf/gitolite.conf:5: carol on x: carol has no key in keydir and no account here\n\
         2 accounts, 3 keys, 3 grants; 0 existed already, 9 left out\n",
        laptop.fingerprint, desk.fingerprint, bob.fingerprint
    )));
    assert!(eve.starts_with("left out: keydir/eve.pub: "), "{eve}");
    let alice = Client::new(&hub, Some("alice"), desk);
    alice.git(&["clone", "--quiet", &Client::url("acme/x")]).succeeded();
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:new"]).succeeded();
    let bob = Client::new(&hub, Some("bob"), bob);
    assert_eq!(bob.ssh("git-upload-pack 'acme/secret'").status, 1);
    // An import does not revoke newer grants.
    hub.did(&["repo", "collaborator", "set", "acme/x", "bob", "admin"]);
    hub.did(&["repo", "create", "acme/missing", "--private"]);
    let again = json_of(&hub, &["import", "gitolite", &directory, "--owner", "acme"]);
    let grant = json!({ "path": "acme/missing", "user": "alice", "role": "read", "until": null });
    assert_eq!(again["grants"], json!([grant]));
    assert_eq!((&again["accounts"], &again["keys"], &again["already"]), (&json!([]), &json!([]), &json!(6)));
    assert!(hub.did(&["repo", "show", "acme/x"]).contains("bob           admin"));
    // A grant that has ended gives nothing, so it is imported again.
    hub.sql("UPDATE collaborator SET until = unixepoch() WHERE user_id = (SELECT id FROM owner WHERE name = 'bob')");
    let again = json_of(&hub, &["import", "gitolite", &directory, "--owner", "acme"]);
    let grant = json!({ "path": "acme/x", "user": "bob", "role": "write", "until": null });
    assert_eq!(again["grants"], json!([grant]));
}

/// root reads these trees, so a link would show the files of others, and a pipe would never end.
fn links_and_pipes_in_what_is_imported_are_neither_followed_nor_waited_for() {
    let hub = Hub::new();
    let (alice, secret) = (Key::new("alice"), Key::new("secret"));
    let directory = gitolite_admin(&hub, CONF, &[("alice.pub", &alice)]);
    let keydir = Path::new(&directory).join("keydir");
    let elsewhere = hub.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    fs::write(elsewhere.join("mallory.pub"), &secret.line).expect("a file");
    for name in ["bob.pub", "conf"] {
        run(Command::new("mkfifo").arg(elsewhere.join(name))).succeeded();
    }
    let link = |from: &str, to: &Path| std::os::unix::fs::symlink(elsewhere.join(from), to).expect("a link");
    link("mallory.pub", &keydir.join("carol.pub"));
    link("", &keydir.join("linked"));
    run(Command::new("mkfifo").arg(keydir.join("dave.pub"))).succeeded();
    let imported = hub.hubgate(&["import", "gitolite", &directory]);
    let text = imported.stdout();
    for name in ["keydir/carol.pub", "keydir/dave.pub"] {
        assert!(text.contains(&format!("{name}: it is a link, or not a regular file")), "{name}: {imported}");
    }
    assert_eq!(hub.sql("SELECT name FROM owner WHERE kind = 'user'"), "alice\n", "{imported}");
    let is_refused = |outcome: Outcome| {
        let said = outcome.stderr();
        assert!(outcome.status == 1 && said.contains("it is a link, or not a regular file"), "{outcome}");
    };
    let conf = Path::new(&directory).join("conf/gitolite.conf");
    for plant in ["mallory.pub", "conf"] {
        fs::remove_file(&conf).expect("a file");
        link(plant, &conf);
        is_refused(hub.hubgate(&["import", "gitolite", &directory]));
    }
    // A file in a person's home directory.
    for file in [keydir.join("carol.pub"), elsewhere.join("conf")] {
        is_refused(hub.hubgate(&["import", "authorized-keys", "--user", "alice", shown(&file)]));
    }
}

fn a_dry_run_changes_nothing() {
    let hub = Hub::new();
    let key = Key::new("laptop");
    let directory = gitolite_admin(&hub, CONF, &[("alice@laptop.pub", &key)]);
    let before = hub.did(&["export"]);
    let said = hub.did(&["import", "gitolite", &directory, "--dry-run"]);
    assert!(
        said.starts_with("added alice\nadded \"laptop\" (")
            && said.ends_with("nothing was changed: this was a dry run\n"),
        "{said}"
    );
    assert!(said.contains("alice on x: give its owner here with --owner"), "{said}");
    let without_time = |text: &str| text.lines().filter(|line| !line.contains("exported_at")).collect::<String>();
    assert_eq!(without_time(&hub.did(&["export"])), without_time(&before));
    assert_eq!(json_of(&hub, &["audit"]), json!([]));
    assert_eq!(json_of(&hub, &["import", "gitolite", &directory, "--dry-run"])["dry_run"], json!(true));
}

fn five_thousand_people_are_added_in_one_change_that_can_be_repeated() {
    let hub = Hub::new();
    let people: usize = std::env::var("PEOPLE").ok().and_then(|people| people.parse().ok()).unwrap_or(5_000);
    let file = hub.path("people");
    let mut lines = format!("# the people of the hub\n{} user-0 The first key\n", ed25519(0));
    for number in 1..people {
        let _ = writeln!(lines, "{} user-{number}@desk", ed25519(number));
    }
    let expected = people;
    fs::write(&file, lines).expect("a file");
    let import = ["--json", "import", "authorized-keys", "--plain", shown(&file)];
    let start = Instant::now();
    let done: Value = serde_json::from_str(&hub.did(&import)).expect("JSON");
    let time = start.elapsed();
    let count = |done: &Value, key: &str| done[key].as_array().map(Vec::len).expect("a list");
    assert_eq!((count(&done, "accounts"), count(&done, "keys"), count(&done, "left_out")), (expected, expected, 0));
    assert_eq!(hub.did(&["key", "list", "user-0"]).lines().filter(|line| line.contains("The first key")).count(), 1);
    println!("{people} people in {time:?}");
    let again: Value = serde_json::from_str(&hub.did(&import)).expect("JSON");
    assert_eq!((count(&again, "accounts"), count(&again, "keys")), (0, 0));
    assert_eq!(again["already"], json!(expected));
}

/// The line of an Ed25519 key without a comment. Keys of different numbers differ.
fn ed25519(number: usize) -> String {
    let mut point = [7; 32];
    point[..8].copy_from_slice(&(number as u64).to_le_bytes());
    let blob = [&[0, 0, 0, 11], b"ssh-ed25519".as_slice(), &[0, 0, 0, 32], &point].concat();
    format!("ssh-ed25519 {}", Base64::encode_string(&blob))
}

fn an_import_changes_all_or_nothing() {
    let hub = Hub::new();
    let keys: Vec<Key> = (0..3).map(|number| Key::new(&format!("k{number}"))).collect();
    let file = hub.path("keys_file");
    let line = |key: &Key| {
        format!("command=\"gitolite-shell {}\" {}\n", key.line.rsplit(' ').next().expect("a comment"), key.line)
    };
    fs::write(&file, keys.iter().map(line).collect::<String>()).expect("a file");
    // The last change fails, so no change is kept.
    hub.sql("CREATE TRIGGER full AFTER INSERT ON audit WHEN NEW.id >= 6 BEGIN SELECT RAISE(ABORT, 'disk full'); END");
    let outcome = hub.hubgate(&["import", "authorized-keys", shown(&file)]);
    assert!(outcome.status == 1 && outcome.stdout.is_empty() && outcome.stderr().contains("disk full"), "{outcome}");
    assert_eq!((json_of(&hub, &["user", "list"]), json_of(&hub, &["key", "list"])), (json!([]), json!([])));
    hub.sql("DROP TRIGGER full");
    hub.did(&["import", "authorized-keys", shown(&file)]);
    assert_eq!(json_of(&hub, &["user", "list"]).as_array().expect("a list").len(), 3);
}
