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
    the_comment_of_a_key_gives_it_to_nobody,
    every_key_of_a_file_is_imported_to_one_account,
    gitolite_is_imported,
    old_keys_are_imported_with_a_warning_and_dsa_keys_are_named,
    descriptions_come_with_the_repository_and_those_of_this_hub_stay,
    an_owner_who_gains_rights_is_named_and_a_repository_can_have_another_owner,
    what_was_changed_here_since_an_import_stays,
    names_that_would_become_one_are_not_imported_until_one_is_renamed,
    a_line_that_is_not_understood_ends_an_import_unless_it_may_be_partial,
    the_report_of_fourteen_thousand_lines_is_one_screen,
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
    let map = hub.path("map");
    fs::write(&map, format!("key-2 bob\n{} bob # by hand\n{} bob\n", fingerprint(4), fingerprint(5))).expect("a file");
    let import = ["import", "authorized-keys", place, "--map", shown(&map)];
    // bob was here before, so that an import gives no key to bob unless it is told so.
    let said = hub.did(&[import.as_slice(), &["--dry-run"]].concat());
    assert!(
        said.contains("keys for accounts that were here before the import: --merge (3): \"bob@desk\" for bob, "),
        "{said}"
    );
    assert!(
        said.contains("\n1 account, 1 key, 0 grants; 0 existed already, 10 left out (--verbose lists them)\n"),
        "{said}"
    );
    let outcome = hub.hubgate(&[import.as_slice(), &["--merge", "--verbose"]].concat());
    outcome.is(&says(format!(
        "added carol\n\
         added \"whatever\" ({}) to carol\n\
         added \"bob@desk\" ({}) to bob\n\
         added \"bob\" ({}) to bob\n\
         added \"bob@vpn\" ({}) to bob\n\
         left out: ssh-dss keys are not accepted: OpenSSH refuses them since 7.0; make a new one with ssh-keygen -t \
         ed25519 (1):\n\
         \x20 {place}:12: bob\n\
         left out: keys that no command gives to an account: --map FILE (3):\n\
         \x20 {place}:4: key-3 (nobody@here)\n\
         \x20 {place}:10: {} (alice@home)\n\
         \x20 {place}:11: {} (alice@laptop)\n\
         left out: lines that are not imported (1):\n\
         \x20 {place}:7: its command is not of a known git server: /usr/bin/backup \\u{{202e}}\n\
         left out: keys that have expired, or whose end has no time zone (2):\n\
         \x20 {place}:8: it expired: expiry-time=\"20010131Z\"\n\
         \x20 {place}:9: expiry-time=\"29990131\" is not a time in UTC, such as 20270131Z\n\
         1 account, 4 keys, 0 grants; 0 existed already, 7 left out\n",
        fingerprint(1),
        fingerprint(2),
        fingerprint(4),
        fingerprint(5),
        fingerprint(0),
        alice.key.fingerprint,
    )));
    let vpn = json_of(&hub, &["key", "show", fingerprint(5)]);
    assert_eq!((&vpn["from"], &vpn["expires_at"]), (&json!("192.0.2.0/24"), &json!("TIME")));
    Client::new(&hub, Some("carol"), keys[1].clone()).greet().is(&says(hi("carol")));
    let events = json_of(&hub, &["audit"]);
    let count = |name: &str| events.as_array().expect("a list").iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("user.create"), count("key.add")), (3, 5));
    // A second run has nothing to do.
    let again = json_of(&hub, &import);
    assert_eq!((&again["keys"], &again["accounts"], &again["already"]), (&json!([]), &json!([]), &json!(4)));
    assert_eq!(
        again["left_out"][4],
        json!({ "kind": "line", "place": format!("{place}:7"), "why": "its command is not of a known git server: /usr/bin/backup \u{202e}" })
    );
}

fn the_comment_of_a_key_gives_it_to_nobody() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/secret", &["--private"]);
    let (gogs, gitea, plain, tool) = (Key::new("alice"), Key::new("alice@x"), Key::new("alice"), Key::new("alice"));
    let file = hub.path("keys_file");
    let text = format!(
        "command=\"/app/gogs/gogs serv key-2 --config='/data/app.ini'\",no-pty {}\n\
         command=\"/usr/bin/gitea --config=/etc/app.ini serv key-3\",no-pty {}\n\
         {}\n\
         command=\"/usr/bin/backup key-2\",no-pty {}\n",
        gogs.line, gitea.line, plain.line, tool.line
    );
    fs::write(&file, text).expect("a file");
    let (place, map) = (shown(&file).to_owned(), hub.path("map"));
    hub.hubgate(&["import", "authorized-keys", &place, "--merge"]).is(&says(format!(
        "left out: keys that no command gives to an account: --map FILE (3): key-2 (alice), key-3 (alice@x), {} (alice)\n\
         left out: lines that are not imported (1): its command is not of a known git server: /usr/bin/backup key-2\n\
         0 accounts, 0 keys, 0 grants; 0 existed already, 4 left out (--verbose lists them)\n",
        plain.fingerprint
    )));
    assert_eq!(hub.did(&["key", "list", "alice"]).lines().count(), 2);
    // The map says which account it is. A missing one is created.
    let import = ["import", "authorized-keys", &place, "--merge", "--map", shown(&map)];
    for (text, why) in [
        ("key-2 mallory\nkey-2 alice\n", "line 2 names key-2 again"),
        ("key-2\n", "line 1 is not WORD NAME, such as: key-42 alice"),
    ] {
        fs::write(&map, text).expect("a file");
        hub.hubgate(&import).is(&refused(format!("hubgate: {}: {why}\n", map.display())));
    }
    fs::write(&map, format!("key-2 mallory\n{} alice\n", plain.fingerprint)).expect("a file");
    hub.hubgate(&import).is(&says(
        "left out: keys that no command gives to an account: --map FILE (1): key-3 (alice@x)\n\
         left out: lines that are not imported (1): its command is not of a known git server: /usr/bin/backup key-2\n\
         1 account, 2 keys, 0 grants; 0 existed already, 2 left out (--verbose lists them)\n",
    ));
    let mallory = Client::new(&hub, Some("mallory"), gogs);
    mallory.greet().is(&says(hi("mallory")));
    assert_eq!(mallory.git(&["ls-remote", &Client::url("alice/secret")]).status, 128);
    // A greeting may also tell of a new key.
    assert_eq!(Client::new(&hub, Some("alice"), plain).greet().stdout(), hi("alice"));
    assert_eq!(alice.greet().stdout(), hi("alice"));
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
    let in_use = "left out: keys that are in use here, or were removed here (1): \"bob@laptop\" of bob\n";
    hub.hubgate(&["import", "authorized-keys", place, "--user", "alice"]).is(&says(format!(
        "{in_use}0 accounts, 2 keys, 0 grants; 0 existed already, 1 left out (--verbose lists them)\n",
    )));
    let alices = hub.did(&["key", "list", "alice"]);
    assert!([&one, &two].iter().all(|key| alices.contains(&key.fingerprint)), "{alices}");
    // The same from a pipe, by each name of it. A pipe in a directory is not waited for.
    let text = fs::read(&file).expect("a file");
    for name in ["-", "/dev/stdin", "/dev/fd/0"] {
        let said = hub.hubgate_with(&["import", "authorized-keys", name, "--user", "alice"], &text);
        said.is(&says(format!(
            "{in_use}0 accounts, 0 keys, 0 grants; 2 existed already, 1 left out (--verbose lists them)\n"
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
pub(crate) fn gitolite_admin(hub: &Hub, conf: &str, keys: &[(&str, &Key)]) -> String {
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

/// The rules of `acme/x` for [`CONF`].
const RULES: [&str; 6] = [
    "allow update refs/tags/** alice",
    "deny update refs/tags/** @everyone",
    "deny update refs/**refs/tags/** @everyone",
    "allow all ** alice",
    "allow create,update ** @acme/staff",
    "deny all ** @everyone",
];

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
    let import = ["import", "gitolite", &directory, "--owner", "acme"];
    hub.hubgate(&[import.as_slice(), &["--dry-run"]].concat()).is(&says(
        "gained: repositories that every account may read now (R = @all) (1): acme/x\n\
         lost: users without any right here (1): carol\n\
         lost: rights of users without a key in keydir or an account here (1): carol on x\n\
         lost: rights on repositories that are not here: hubgate repo import (1): alice on missing: acme/missing\n\
         left out: keys that are not accepted (1): eve: the key is malformed: copy the whole line of the .pub \
         file again\n\
         left out: names that are not accepted: --rename OLD=NEW (1): dan@example.com: a name has only letters, digits, \
         '.', '_' and '-'\n\
         left out: files of keydir that are not NAME.pub or NAME@HOST.pub (1): keydir/README\n\
         left out: the rights on gitolite's own repository (1): alice on gitolite-admin\n\
         2 accounts, 3 keys, 3 grants, 1 team, 11 rules; 0 existed already, 7 left out (--verbose lists them)\n\
         nothing was changed: this was a dry run\n",
    ));
    let said = hub.did(&[import.as_slice(), &["--verbose"]].concat());
    let rules: String =
        RULES.iter().zip(1..).map(|(rule, number)| format!("rule {number} of acme/x: {rule}\n")).collect();
    assert!(
        said.starts_with(&format!(
            "added alice\nadded bob\n\
             added \"laptop\" ({}) to alice\nadded \"desk\" ({}) to alice\nadded \"bob\" ({}) to bob\n\
             alice has the role no_access in acme\n\
             bob has the role no_access in acme\n\
             added the team acme/staff\n\
             alice is a member of the team acme/staff\n\
             bob is a member of the team acme/staff\n\
             @acme/staff has the role write on acme/secret\n\
             @acme/staff has the role write on acme/x\n\
             alice has the role write on acme/x\n\
             rule 1 of acme/secret: deny update refs/tags/** @everyone\n",
            laptop.fingerprint, desk.fingerprint, bob.fingerprint
        )) && said.contains(&rules)
            && said.contains("\n  conf/gitolite.conf:5: carol on x\n"),
        "{said}"
    );
    // What gitolite refused is refused.
    let (alice, bob) = (Client::new(&hub, Some("alice"), desk), Client::new(&hub, Some("bob"), bob));
    for (client, path) in [(&alice, "acme/x"), (&bob, "acme/x"), (&bob, "acme/secret")] {
        client.git(&["clone", "--quiet", &Client::url(path), &path.replace('/', "-")]).succeeded();
    }
    let push = |client: &Client, tree: &str, to: &str| client.git_in(tree, &["push", "--quiet", "origin", to]);
    push(&bob, "acme-secret", "HEAD:dev").succeeded();
    let refused = push(&bob, "acme-secret", "HEAD:master");
    let said =
        "hubgate: refs/heads/master: bob may not create it (rule 3 of acme/secret: deny all refs/heads/master** bob)";
    assert!(refused.status == 1 && refused.stderr().contains(said), "{refused}");
    alice.commit("acme-x", "a", "a");
    push(&alice, "acme-x", "HEAD:new").succeeded();
    assert_eq!(push(&bob, "acme-x", "+HEAD:new").status, 1);
    push(&alice, "acme-x", ":new").succeeded();
    assert_eq!(json_of(&hub, &["repo", "show", "acme/x"])["visibility"], "internal");
    // A second run has nothing to do, and imports for new repositories.
    hub.did(&["repo", "create", "acme/missing", "--private"]);
    let again = json_of(&hub, &import);
    let grant = json!({ "path": "acme/missing", "user": "alice", "role": "read", "until": null });
    assert_eq!((&again["grants"], &again["rules"], &again["gained"]), (&json!([grant]), &json!([]), &json!([])));
    assert_eq!((&again["accounts"], &again["keys"], &again["already"]), (&json!([]), &json!([]), &json!(17)));
    // A grant of an import that has ended gives nothing, so it is imported again.
    hub.sql("UPDATE collaborator SET until = unixepoch() WHERE user_id = (SELECT id FROM owner WHERE name = 'staff')");
    let again = json_of(&hub, &import);
    assert_eq!(again["grants"].as_array().map(Vec::len), Some(2));
}

fn old_keys_are_imported_with_a_warning_and_dsa_keys_are_named() {
    let hub = Hub::new();
    let (alice, bob, carol) = (Key::with_exponent("35"), Key::with_exponent("37"), Key::new("carol"));
    let directory = gitolite_admin(&hub, "", &[("alice.pub", &alice), ("bob@desk.pub", &bob), ("carol.pub", &carol)]);
    for name in ["dave.pub", "office/erin.pub"] {
        fs::write(format!("{directory}/keydir/{name}"), "ssh-dss AAAAB3NzaC1kc3M= old\n").expect("a file");
    }
    let warning = "warning: RSA keys with an exponent that only old programs use, to be replaced soon";
    let dsa = "left out: ssh-dss keys are not accepted: OpenSSH refuses them since 7.0; \
               make a new one with ssh-keygen -t ed25519";
    hub.hubgate(&["import", "gitolite", &directory, "--dry-run"]).is(&says(format!(
        "{warning} (2): alice (exponent 35), bob (exponent 37)\n\
         {dsa} (2): dave, erin\n\
         3 accounts, 3 keys, 0 grants; 0 existed already, 2 left out (--verbose lists them)\n\
         nothing was changed: this was a dry run\n"
    )));
    let report = json_of(&hub, &["import", "gitolite", &directory]);
    let warnings = json!([
        { "kind": "small-exponent", "place": "keydir/alice.pub", "why": "alice (exponent 35)" },
        { "kind": "small-exponent", "place": "keydir/bob@desk.pub", "why": "bob (exponent 37)" },
    ]);
    assert_eq!(report["warnings"], warnings, "{report:#}");
    Client::new(&hub, Some("alice"), alice).greet().is(&says(hi("alice")));
    // Lines of a file, one of them with the comment of another account.
    let (frank, grace) = (Key::with_exponent("35"), Key::with_exponent("37"));
    let file = hub.path("roots_keys");
    let text = format!(
        "command=\"/home/git/bin/gitolite-shell frank\",no-pty {}\n\
         command=\"/home/git/bin/gitolite-shell erin\",no-pty ssh-dss AAAAB3NzaC1kc3M= alice\n\
         ssh-dss AAAAB3NzaC1kc3M= bob@old\n",
        frank.line
    );
    fs::write(&file, text).expect("a file");
    hub.hubgate(&["import", "authorized-keys", shown(&file)]).is(&says(format!(
        "{warning} (1): frank (exponent 35)\n{dsa} (2): erin, bob@old\n\
         1 account, 1 key, 0 grants; 0 existed already, 2 left out (--verbose lists them)\n"
    )));
    fs::write(&file, format!("{}\nssh-dss AAAAB3NzaC1kc3M= x\n", grace.line)).expect("a file");
    hub.hubgate(&["import", "authorized-keys", shown(&file), "--user", "frank"]).is(&says(format!(
        "{warning} (1): frank (exponent 37)\n{dsa} (1): frank\n\
         0 accounts, 1 key, 0 grants; 0 existed already, 1 left out (--verbose lists them)\n"
    )));
    Client::new(&hub, Some("frank"), grace).greet().is(&says(hi("frank")));
}

fn descriptions_come_with_the_repository_and_those_of_this_hub_stay() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    for path in ["acme/x", "acme/y", "acme/z", "acme/bad"] {
        hub.empty_repo(path, &["--private"]);
    }
    hub.empty_repo("acme/own", &["--private", "--description", "made here"]);
    let alice = Key::new("alice");
    let conf = |second: &str| {
        format!(
            "repo x y z own bad\n    R = alice\n    config hooks.emailprefix = x\nrepo x\n    desc = \"All of it\"\n\
             repo y\n    config gitweb.description = {second}\nz \"Owner\" = \"The third\"\n\
             repo own\n    desc = \"of gitolite\"\nrepo bad\n    desc = \"a\u{202e}b\"\n"
        )
    };
    let directory = gitolite_admin(&hub, &conf("Second one"), &[("alice.pub", &alice)]);
    let import = ["import", "gitolite", &directory, "--owner", "acme"];
    let said = hub.did(&import);
    let ends = "\nkept 1 description from this hub, where gitolite has another text\n\
                1 account, 1 key, 5 grants, 3 descriptions; 0 existed already, 2 left out (--verbose lists them)\n";
    assert!(said.ends_with(ends) && !said.contains("All of it"), "{said}");
    assert!(said.contains("left out: descriptions that are not accepted (1): acme/bad: "), "{said}");
    assert!(said.contains("left out: settings of git and of web pages (1): 1 lines\n"), "{said}");
    let about = |path: &str| json_of(&hub, &["repo", "show", path])["description"].clone();
    assert_eq!(["acme/x", "acme/y", "acme/z"].map(about), ["All of it", "Second one", "The third"]);
    assert_eq!(["acme/own", "acme/bad"].map(about), ["made here", ""]);
    // What was described here since then stays, and what gitolite has changed is imported.
    hub.did(&["repo", "describe", "acme/x", "Only some of it"]);
    hub.did(&["repo", "describe", "acme/z", ""]);
    fs::write(format!("{directory}/conf/gitolite.conf"), conf("Another one")).expect("a file");
    assert_eq!(json_of(&hub, &import)["descriptions"], 1);
    assert_eq!(["acme/x", "acme/y", "acme/z"].map(about), ["Only some of it", "Another one", ""]);
}

fn an_owner_who_gains_rights_is_named_and_a_repository_can_have_another_owner() {
    let hub = Hub::new();
    for user in ["boss", "alice", "bob", "carol", "dave"] {
        hub.did(&["user", "add", user]);
    }
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    for path in ["alice/w", "bob/x", "carol/y", "dave/z", "acme/x", "acme/y"] {
        hub.empty_repo(path, &["--private"]);
    }
    let keys: Vec<Key> = ["alice", "bob", "carol", "dave"].map(Key::new).into();
    let conf = "repo alice/w\n    RW+ = alice\nrepo bob/x\n    R = bob\n    RW+ = alice\n\
                repo carol/y\n    RW+ = alice\nrepo dave/z\n    RW = dave\n";
    let files = [("alice.pub", &keys[0]), ("bob.pub", &keys[1]), ("carol.pub", &keys[2]), ("dave.pub", &keys[3])];
    let directory = gitolite_admin(&hub, conf, &files);
    let import = ["import", "gitolite", &directory, "--merge"];
    let said = hub.did(&[import.as_slice(), &["--dry-run", "--verbose"]].concat());
    let gained = "gained: owners administer their repositories, whatever gitolite permits: --rename OWNER/=OTHER/ to \
                  prevent it (4):\n\
                  \x20 alice on alice/w: write in gitolite\n\
                  \x20 bob on bob/x: read in gitolite\n\
                  \x20 carol on carol/y: nothing in gitolite\n\
                  \x20 dave on dave/z: write by rules in gitolite\n";
    assert!(said.contains(gained), "{said}");
    // Below another owner, both have what gitolite gave.
    let moved = [import.as_slice(), &["--rename", "bob/=acme/", "--rename", "carol/=acme/"]].concat();
    let report = json_of(&hub, &moved);
    let gained: Vec<&Value> = report["gained"].as_array().expect("a list").iter().map(|entry| &entry["why"]).collect();
    assert_eq!(gained, ["alice on alice/w: write in gitolite", "dave on dave/z: write by rules in gitolite"]);
    let may = |user: &str, command: &str| {
        let status = hub.hubgate(&["explain", "--user", user, "--command", command]).status;
        assert!(status < 2, "{status}");
        status == 0
    };
    assert!(may("bob", "git-upload-pack 'acme/x'") && !may("bob", "git-receive-pack 'acme/x'"));
    assert!(!may("carol", "git-upload-pack 'acme/y'") && may("alice", "git-receive-pack 'acme/y'"));
    let unknown = [import.as_slice(), &["--rename", "erin/=acme/"]].concat();
    let outcome = hub.hubgate(&unknown);
    assert!(outcome.status == 1 && outcome.stderr().contains("gitolite has no erin/: "), "{outcome}");
}

fn what_was_changed_here_since_an_import_stays() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    for path in ["acme/x", "acme/secret", "acme/missing"] {
        hub.empty_repo(path, &["--private"]);
    }
    let (laptop, desk, bob) = (Key::new("laptop"), Key::new("desk"), Key::new("bob"));
    let keys = [("alice@laptop.pub", &laptop), ("office/alice.pub", &desk), ("bob.pub", &bob)];
    let conf = CONF.replace("@staff = alice bob\n", "").replace("@staff", "alice bob");
    let directory = gitolite_admin(&hub, &conf, &keys);
    let import = ["import", "gitolite", &directory, "--owner", "acme"];
    hub.did(&import);
    hub.did(&["key", "remove", &laptop.fingerprint, "--yes"]);
    hub.did(&["repo", "collaborator", "remove", "acme/x", "alice"]);
    hub.did(&["repo", "collaborator", "set", "acme/secret", "bob", "read"]);
    hub.did(&["repo", "visibility", "acme/x", "private"]);
    hub.did(&["rule", "remove", "acme/secret", "1"]);
    hub.did(&["repo", "collaborator", "remove", "acme/secret", "alice"]);
    hub.did(&["repo", "rename", "acme/missing", "acme/found"]);
    hub.did(&["repo", "collaborator", "remove", "acme/found", "alice"]);
    // Both names are new, and lead to what was removed.
    hub.did(&["user", "rename", "alice", "alicia"]);
    let before = hub.did(&["export"]);
    let again = [import.as_slice(), &["--rename", "alice=alicia", "--rename", "missing=acme/found"]].concat();
    let report = json_of(&hub, &again);
    for nothing in ["accounts", "keys", "grants", "rules", "gained"] {
        assert_eq!(report[nothing], json!([]), "{report:#}");
    }
    let lost = report["lost"].as_array().expect("a list");
    let has = |kind: &str, why: &str| {
        let is = |entry: &&Value| entry["kind"] == kind && entry["why"].as_str().expect("a text").starts_with(why);
        assert_eq!(lost.iter().filter(is).count(), 1, "{kind} {why}: {report:#}");
    };
    has("changed-here", "alicia on acme/x: repo.remove_collaborator on 2");
    has("changed-here", "bob on acme/secret: repo.set_collaborator on 2");
    has("changed-here", "alicia on acme/secret: repo.remove_collaborator on 2");
    has("changed-here", "alicia on acme/found: repo.remove_collaborator on 2");
    has("changed-here", "every user on acme/x: repo.update_settings on 2");
    has("rules-changed-here", "acme/secret: rule.remove on 2");
    let left = &report["left_out"];
    assert_eq!((&left[0]["kind"], &left[0]["place"]), (&json!("key-here"), &json!("keydir/alice@laptop.pub")));
    let without_time = |text: &str| text.lines().filter(|line| !line.contains("exported_at")).collect::<String>();
    assert_eq!(without_time(&hub.did(&["export"])), without_time(&before));
    // A new user gets no right to push where the rules are not gitolite's.
    let carol = Key::new("carol");
    fs::write(format!("{directory}/keydir/carol.pub"), &carol.line).expect("a file");
    fs::write(format!("{directory}/conf/gitolite.conf"), conf.replace("alice bob", "alice bob carol")).expect("a file");
    let report = json_of(&hub, &again);
    let role = |path: &str, role: &str| json!({ "path": path, "user": "carol", "role": role, "until": null });
    assert_eq!(report["grants"], json!([role("acme/secret", "read"), role("acme/x", "write")]), "{report:#}");
    // The rules that the first import wrote are replaced by those with the new user.
    assert_eq!(report["rules"][0]["path"], "acme/x");
    assert!(hub.did(&["rule", "list", "acme/x"]).contains("allow create,update ** alicia bob carol"));
    // What a person gave stays, and is named.
    hub.did(&["repo", "collaborator", "set", "acme/x", "carol", "admin"]);
    let said = hub.did(&again);
    let more = "gained: users have more here than gitolite gives them now (1): carol on acme/x: admin, not write\n";
    assert!(said.contains(more), "{said}");
}

fn names_that_would_become_one_are_not_imported_until_one_is_renamed() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    hub.did(&["user", "add", "Frank"]);
    hub.did(&["org", "add", "corp", "--admin", "boss"]);
    for path in ["corp/secret", "corp/foo", "corp/other"] {
        hub.empty_repo(path, &["--private"]);
    }
    let keys: Vec<Key> = ["alice", "Alice", "admin", "frank", "shared", "boss", "zoe"].map(Key::new).into();
    let conf = "repo Secret\n    R = alice Alice admin\nrepo secret\n    RW+ = zoe\n\
                repo foo\n    R = zoe\nrepo corp/foo\n    RW+ = zoe\n\
                repo other\n    R = alice Alice admin frank zoe\n    RW u/USER/ = admin\nrepo x/.*\n    C = zoe\n";
    let files = [
        ("alice.pub", &keys[0]),
        ("Alice.pub", &keys[1]),
        ("admin.pub", &keys[2]),
        ("frank.pub", &keys[3]),
        ("a.pub", &keys[4]),
        ("zoe@b.pub", &keys[4]),
        ("boss.pub", &keys[5]),
        ("zoe@a.pub", &keys[6]),
    ];
    let directory = gitolite_admin(&hub, conf, &files);
    let import = ["import", "gitolite", &directory, "--owner", "corp", "--no-create"];
    let report = json_of(&hub, &import);
    let entries: Vec<&Value> =
        ["lost", "left_out"].iter().flat_map(|list| report[list].as_array().expect("a list")).collect();
    let has = |kind: &str, why: &str| {
        let is = |entry: &&&Value| entry["kind"] == kind && entry["why"] == why;
        assert!(entries.iter().any(|entry| is(&entry)), "{kind} {why}: {report:#}");
    };
    has("same-name", "Alice and alice");
    has("same-name", "Alice on other: Alice and alice");
    has("same-name", "frank and Frank, an account here");
    has("same-name", "alice on Secret: Secret and secret");
    has("same-name", "zoe on secret: Secret and secret");
    has("same-name", "zoe on foo: corp/foo and foo");
    has("same-name", "zoe on corp/foo: corp/foo and foo");
    has("name", "admin: this name is reserved");
    has("same-key", "keydir/zoe@b.pub: keydir/a.pub of a comes first");
    has("account-before", "\"boss\" for boss");
    assert_eq!((&report["accounts"], report["keys"].as_array().map(Vec::len)), (&json!(["a", "zoe"]), Some(2)));
    assert_eq!(report["grants"], json!([{ "path": "corp/other", "user": "zoe", "role": "read", "until": null }]));
    let may_create = |user: &str| json_of(&hub, &["user", "show", user])["may_create"].clone();
    assert_eq!((may_create("a"), may_create("zoe")), (json!(false), json!(true)));
    let renames = ["Alice=alice2", "admin=root2", "frank=Frank", "Secret=corp/other2", "corp/foo=corp/foo2"];
    let renames = renames.iter().flat_map(|rename| ["--rename", rename]);
    let words: Vec<&str> = import.into_iter().chain(renames).chain(["--merge"]).collect();
    for path in ["corp/other2", "corp/foo2"] {
        hub.empty_repo(path, &["--private"]);
    }
    let report = json_of(&hub, &words);
    assert_eq!(report["accounts"], json!(["alice2", "root2", "alice"]), "{report:#}");
    assert_eq!(report["keys"].as_array().map(Vec::len), Some(5), "{report:#}");
    assert!(hub.did(&["repo", "show", "corp/foo2"]).contains("zoe"));
    // A renamed user keeps the branches with the old name, and does not get those of the new one.
    let rules = hub.did(&["rule", "list", "corp/other"]);
    assert!(rules.contains("refs/heads/u/admin/** root2") && !rules.contains("{user}"), "{rules}");
    for (rename, old) in [("nobody=x", "nobody"), ("foo=x", "foo"), ("fo/=x/", "fo/")] {
        hub.hubgate(&["import", "gitolite", &directory, "--rename", rename]).is(&refused(format!(
            "hubgate: gitolite has no {old}: --rename takes OLD=NEW for a user, @OLD=NEW for a group, OLD=OWNER/NAME \
             for a repository, and OLD/=OWNER/ for all repositories below OLD\n"
        )));
    }
    for rename in ["x", "=x", "x=", "x=admin", "x=a/b/c"] {
        assert_eq!(hub.hubgate(&["import", "gitolite", &directory, "--rename", rename]).status, 2, "{rename}");
    }
}

fn a_line_that_is_not_understood_ends_an_import_unless_it_may_be_partial() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    hub.empty_repo("acme/x", &["--private"]);
    let alice = Key::new("alice");
    for (line, why) in [
        ("include \"deny.conf\"", "conf/gitolite.conf:3: there is no file conf/deny.conf"),
        ("include \"/etc/deny.conf\"", "conf/gitolite.conf:3: \"/etc/deny.conf\" is not below conf"),
        ("deny = alice", "conf/gitolite.conf:3: gitolite ignores the line: deny = alice"),
        ("@g = @h", "conf/gitolite.conf:3: there is no group @h yet"),
        ("repo x(", "conf/gitolite.conf:3: gitolite ignores the line: repo"),
    ] {
        let conf = format!("repo x\n    RW = alice\n{line}\n    - = alice\n");
        let directory = gitolite_admin(&hub, &conf, &[("alice.pub", &alice)]);
        let outcome = hub.hubgate(&["import", "gitolite", &directory, "--owner", "acme"]);
        if line == "repo x(" {
            assert!(outcome.status == 1 && outcome.stderr().contains("the pattern x( is not understood"), "{outcome}");
            continue;
        }
        outcome.is(&refused(format!(
            "hubgate: these lines are not understood, and may deny something:\nhubgate:   {why}\n\
             hubgate: to import without them, add --partial\n"
        )));
        assert_eq!(json_of(&hub, &["user", "list"]).as_array().map(Vec::len), Some(1));
        let report = json_of(&hub, &["import", "gitolite", &directory, "--owner", "acme", "--partial", "--dry-run"]);
        assert_eq!(report["left_out"][0]["kind"], "unread", "{report:#}");
    }
    // gitolite's own configuration says what its files mean.
    let rc = hub.path("rc");
    let directory = gitolite_admin(&hub, "repo x\n    RW = alice\n    what = is this\n", &[("alice.pub", &alice)]);
    let import = ["import", "gitolite", &directory, "--owner", "acme", "--rc", shown(&rc)];
    fs::write(&rc, "%RC = ( GROUPLIST_PGM => '/bin/groups', ENABLE => [ 'help' ] );\n").expect("a file");
    let outcome = hub.hubgate(&import);
    assert!(
        outcome.status == 1 && outcome.stderr().contains("another program says who belongs to a group"),
        "{outcome}"
    );
    fs::write(&rc, "%RC = ( # GROUPLIST_PGM\n ENABLE => [ 'help' ] );\n").expect("a file");
    let said = hub.did(&import);
    assert!(
        said.contains("left out: lines that gitolite ignores too (1): gitolite ignores the line: what = is this\n"),
        "{said}"
    );
    assert!(said.contains("\n1 account, 1 key, 1 grant, 4 rules; "), "{said}");
}

fn the_report_of_fourteen_thousand_lines_is_one_screen() {
    let hub = Hub::new();
    hub.did(&["user", "add", "boss"]);
    hub.did(&["org", "add", "corp", "--admin", "boss"]);
    hub.rows_of_repositories("corp", 200, "private");
    let mut conf = "@staff = alice bob carol\n".to_owned();
    for number in 1..=2_816 {
        let _ = writeln!(
            conf,
            "repo x{number:05}\n    - master = @all\n    RW+ [^x] = dave{number}\n    RW = @staff\n    R = @all",
        );
    }
    assert_eq!(conf.lines().count(), 14_081);
    let names = ["alice", "bob", "carol"].map(Key::new);
    let directory = gitolite_admin(&hub, &conf, &[("alice.pub", &names[0]), ("bob.pub", &names[1])]);
    let start = Instant::now();
    let said = hub.did(&["import", "gitolite", &directory, "--owner", "corp"]);
    println!("{} lines in {:?}: {said}", conf.lines().count(), start.elapsed());
    assert!(said.lines().count() <= 24 && said.lines().all(|line| line.chars().count() <= 300), "{said}");
    let report = json_of(&hub, &["import", "gitolite", &directory, "--owner", "corp", "--dry-run"]);
    let lost = report["lost"].as_array().expect("a list");
    let count = |kind: &str| lost.iter().filter(|entry| entry["kind"] == kind).count();
    assert_eq!((count("no-repository"), count("refs"), count("push")), (2_616 * 4, 2_816, 2_816));
    assert_eq!((report["grants"].clone(), report["already"].clone()), (json!([]), json!(200 * 5 + 200 + 2)));
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
    let imported = hub.hubgate(&["import", "gitolite", &directory, "--verbose"]);
    let text = imported.stdout();
    for name in ["carol", "dave"] {
        let said = format!("keydir/{name}.pub: {name}: it is a link, or not a regular file");
        assert!(text.contains(&said), "{name}: {imported}");
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
    let said = hub.did(&["import", "gitolite", &directory, "--dry-run", "--verbose"]);
    assert!(
        said.starts_with("added alice\nadded \"laptop\" (")
            && said.ends_with("nothing was changed: this was a dry run\n"),
        "{said}"
    );
    assert!(said.contains("alice on x: x: it has no owner"), "{said}");
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
