//! Lists on a large hub: on a terminal, through a pipe, over SSH; what they cost and how they end.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Hub, Outcome, refused, run, trials};
use crate::programs::program;

trials![
    a_terminal_gets_a_page_and_a_pipe_gets_everything,
    lists_of_keys_and_changes_fit_80_columns_on_a_terminal,
    a_list_continues_behind_the_row_that_it_names,
    a_list_takes_the_same_memory_however_long_it_is,
    a_reader_that_goes_away_ends_a_list_quietly,
    a_full_disk_is_an_error_and_not_the_end_of_a_list,
    a_long_list_over_ssh_waits_in_a_file_and_arrives_whole,
    a_long_list_over_ssh_without_a_file_is_a_fault_and_fills_no_memory,
    a_list_of_keys_does_not_tell_which_keys_others_have,
    what_expires_soon_is_listed,
];

/// How many rows a terminal gets.
const PAGE: usize = 1_000;

/// Adds so many users with one key each, in one statement.
fn populate(hub: &Hub, users: usize) {
    hub.sql(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {users})
         INSERT INTO owner (id, name, folded, kind, may_create, created_at)
         SELECT 1000 + i, printf('user-%06d', i), printf('user-%06d', i), 'user', 1, 1600000000 FROM n"
    ));
    hub.sql(
        "INSERT INTO key (fingerprint, owner_id, type, blob, title, scope, added_at)
         SELECT CAST(printf('%032d', id) AS BLOB), id, 'ssh-ed25519',
                CAST(x'0000000b7373682d6564323535313900000020' || CAST(printf('%032d', id) AS BLOB) AS BLOB),
                'A key of the person with number ' || id,
                'write', 1600000000 FROM owner WHERE id > 1000",
    );
}

/// Runs a command on a terminal, as script(1) makes it.
fn on_a_terminal(hub: &Hub, words: &str) -> Outcome {
    let command = format!("'{}' --config {} {words}", program("hubgate").display(), hub.config().display());
    run(Command::new("script").args(["-qec", &command, "/dev/null"]))
}

/// Runs a command by a shell, with `hubgate` as its first word.
pub(crate) fn by_a_shell(hub: &Hub, script: &str) -> Outcome {
    let hubgate = format!("'{}' --config {} ", program("hubgate").display(), hub.config().display());
    run(Command::new("bash").arg("-c").arg(script.replace("hubgate ", &hubgate)))
}

fn a_terminal_gets_a_page_and_a_pipe_gets_everything() {
    let hub = Hub::new();
    populate(&hub, 1_500);
    let shown = on_a_terminal(&hub, "user list").succeeded().stdout();
    assert_eq!(shown.lines().count(), 1 + PAGE + 1, "heading, rows and a note");
    let note = "hubgate: there are more rows: to continue, add --after user-001000";
    assert_eq!(shown.lines().last().map(str::trim_end), Some(note));
    let rest = on_a_terminal(&hub, "user list --after user-001000").succeeded().stdout();
    assert_eq!(rest.lines().count(), 1 + 500, "{rest}");
    assert_eq!(hub.did(&["user", "list"]).lines().count(), 1 + 1_500);
    let limited = hub.hubgate(&["user", "list", "--limit", "2"]);
    assert_eq!(limited.succeeded().stdout().lines().count(), 3);
    assert!(limited.stderr().ends_with("add --after user-000002\n"), "{limited}");
    let matching = hub.did(&["user", "list", "--match", "USER-0010"]);
    assert_eq!(matching.lines().count(), 1 + 100, "{matching}");
}

fn lists_of_keys_and_changes_fit_80_columns_on_a_terminal() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["key", "rename", &alice.key.fingerprint, "The old computer under the desk in the second office"]);
    for words in ["key list", "audit"] {
        let widest = |text: &str| text.lines().map(|line| line.trim_end().chars().count()).max().expect("lines");
        let narrow = on_a_terminal(&hub, words).succeeded().stdout();
        assert!(widest(&narrow) <= 80, "{narrow}");
        assert!(narrow.contains('…') && narrow.lines().count() >= 2, "{narrow}");
        let wide = on_a_terminal(&hub, &format!("{words} --wide")).succeeded().stdout();
        assert!(widest(&wide) > 80 && !wide.contains('…'), "{wide}");
        let piped = hub.did(&words.split(' ').collect::<Vec<_>>());
        assert_eq!(piped.replace('\n', "\r\n"), wide);
    }
}

fn a_list_continues_behind_the_row_that_it_names() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.user("bob");
    for path in ["alice/a", "datasets/alice/b", "bob/c"] {
        hub.empty_repo(path, &[]);
    }
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "member", "set", "acme", "bob", "read"]);
    hub.did(&["repo", "collaborator", "set", "alice/a", "bob", "read"]);
    hub.did(&["repo", "remove", "bob/c", "--yes"]);
    for organization in ["acme", "initech"] {
        if organization != "acme" {
            hub.did(&["org", "add", organization, "--admin", "alice"]);
        }
        let ca = crate::harness::Key::new(organization).public_file();
        hub.did(&["org", "ca", "add", organization, ca.to_str().expect("UTF-8")]);
    }
    // Each list with a limit of one row, continued as its note says, has the rows of the whole list.
    for words in [
        "user list",
        "org list",
        "org member list",
        "org member list acme",
        "org ca list",
        "org ca list acme",
        "key list",
        "key list alice",
        "repo list",
        "repo list alice",
        "repo list --removed",
        "repo collaborator list",
        "repo collaborator list alice/a",
    ] {
        let whole = hub.did(&words.split(' ').collect::<Vec<_>>());
        let (mut rows, mut after) = (Vec::new(), None);
        loop {
            let more = after.as_ref().map_or_else(String::new, |after| format!(" --after {after}"));
            let part = hub.hubgate(&format!("{words} --limit 1{more}").split(' ').collect::<Vec<_>>());
            let words_of = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
            rows.extend(part.succeeded().stdout().lines().skip(1).map(words_of));
            match part.stderr().split_once("--after ") {
                Some((_, row)) => after = Some(row.trim_end().to_owned()),
                None => break,
            }
        }
        let expected: Vec<String> =
            whole.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(rows, expected, "{words}");
    }
    let over_ssh = alice.ssh("repo list --limit 1");
    assert!(over_ssh.status == 0 && over_ssh.stderr().contains("--after datasets/alice/b"), "{over_ssh}");
    let bad = hub.hubgate(&["user", "list", "--after", "a b"]);
    assert!(bad.status == 2 && bad.stderr().contains("--after a b: a name has only letters"), "{bad}");
}

fn a_list_takes_the_same_memory_however_long_it_is() {
    let hub = Hub::new();
    populate(&hub, 30_000);
    // 12 MiB of data do not hold 30,000 rows in any form. A list of one row needs the same.
    for words in ["user list", "key list", "key list --json", "user list --json", "export"] {
        for (tail, rows) in [("", 30_000), (" --limit 1", 1)] {
            if words == "export" && rows == 1 {
                continue;
            }
            let outcome = by_a_shell(&hub, &format!("ulimit -d 12288; hubgate {words}{tail}"));
            let count = outcome.succeeded().stdout().matches("user-").count();
            assert!(count >= rows, "{words}: {count}");
        }
    }
    // So do the commands that name each repository.
    hub.rows_of_repositories("user-000001", 30_000, "public");
    let copy = hub.path("copy.db").display().to_string();
    for words in ["quota check", "quota check --json", &format!("backup {copy}"), &format!("backup {copy} --json")] {
        let outcome = by_a_shell(&hub, &format!("ulimit -d 12288; hubgate {words}"));
        let stdout = outcome.succeeded().stdout();
        assert_eq!(stdout.matches("user-000001/x").count(), 30_000, "{words}");
        if words.ends_with("--json") {
            serde_json::from_str::<Value>(&stdout).expect(words);
        }
    }
}

fn a_reader_that_goes_away_ends_a_list_quietly() {
    let hub = Hub::new();
    populate(&hub, 5_000);
    for words in ["user list", "user list --json", "key list", "export", "audit"] {
        let outcome = by_a_shell(&hub, &format!("hubgate {words} | head -n 1; echo ${{PIPESTATUS[0]}}"));
        let stdout = outcome.succeeded().stdout();
        assert!(stdout.ends_with("\n0\n") && outcome.stderr().is_empty(), "{words}: {outcome}");
    }
}

fn a_full_disk_is_an_error_and_not_the_end_of_a_list() {
    let hub = Hub::new();
    populate(&hub, 10);
    for words in ["user list", "key list --json", "export", "audit"] {
        let outcome = by_a_shell(&hub, &format!("hubgate {words} > /dev/full"));
        assert!(
            outcome.status == 1 && outcome.stderr().contains("standard output: No space left"),
            "{words}: {outcome}"
        );
    }
}

fn a_long_list_over_ssh_waits_in_a_file_and_arrives_whole() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.rows_of_repositories("alice", 20_000, "public");
    let files = || {
        let entries = std::fs::read_dir(hub.path("db")).expect("a directory").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.filter(|name| !name.starts_with("hubgate.db")).collect::<std::collections::BTreeSet<String>>()
    };
    alice.ssh("whoami").succeeded();
    let before = files();
    let table = alice.ssh("repo list").succeeded().stdout();
    assert_eq!(table.lines().count(), 20_001);
    assert!(table.ends_with("alice/x20000  public\n"), "{}", table.lines().last().unwrap_or_default());
    let rows: Value = serde_json::from_str(&alice.ssh("repo list --json").succeeded().stdout()).expect("JSON");
    assert_eq!(rows.as_array().map(Vec::len), Some(20_000));
    // The file has no name, so that nothing stays.
    assert_eq!(files(), before);
}

fn a_long_list_over_ssh_without_a_file_is_a_fault_and_fills_no_memory() {
    let hub = Hub::new();
    let state = crate::state::move_state(&hub);
    let alice = hub.user("alice");
    hub.rows_of_repositories("alice", 20_000, "public");
    assert_eq!(alice.ssh("repo list --limit 100").succeeded().stdout().lines().count(), 101);
    hub.log();
    let outcome = alice.ssh("repo list --json");
    assert!(outcome.status == 128 && outcome.stdout.is_empty(), "{outcome}");
    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
    assert!(log.iter().any(|line| line.contains(&format!("{state}: No such file or directory"))), "{log:?}");
}

fn a_list_of_keys_does_not_tell_which_keys_others_have() {
    let hub = Hub::new();
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    let after = |key: &str| alice.ssh(format!("key list --after {key}"));
    for client in [&bob, &stranger] {
        let key = &client.key.fingerprint;
        after(key).is(&refused(format!("hubgate: there is no key {key} here\n")));
    }
    assert_eq!(after(&alice.key.fingerprint).succeeded().stdout().lines().count(), 1);
}

fn what_expires_soon_is_listed() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.user("bob");
    let key = crate::harness::Key::new("soon");
    let file = hub.path("soon.pub");
    std::fs::write(&file, &key.line).expect("a file");
    hub.did(&["key", "add", "alice", file.to_str().expect("UTF-8"), "--expires", "10d"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "member", "set", "acme", "bob", "read", "--until", "10d"]);
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "read", "--until", "10d"]);
    let ca = crate::harness::Key::new("ca").public_file();
    hub.did(&["org", "ca", "add", "acme", ca.to_str().expect("UTF-8"), "--expires", "10d"]);
    for words in [
        "key list",
        "key list alice",
        "org member list",
        "org member list acme",
        "org ca list",
        "org ca list acme",
        "repo collaborator list",
    ] {
        let rows = |time: &str| {
            let words = format!("{words} --expiring {time}");
            hub.did(&words.split(' ').collect::<Vec<_>>()).lines().count() - 1
        };
        assert_eq!((rows("14d"), rows("9d")), (1, 0), "{words}");
    }
    let own = alice.ssh("key list --expiring 14d").succeeded().stdout();
    assert!(own.lines().count() == 2 && own.contains("soon"), "{own}");
    let grants = alice.ssh("repo collaborator list alice/x --expiring 14d").succeeded().stdout();
    assert!(grants.contains("bob"), "{grants}");
    assert_eq!(alice.ssh("org member list acme --expiring 9d").succeeded().stdout().lines().count(), 1);
}
