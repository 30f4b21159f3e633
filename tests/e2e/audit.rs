//! `hubgate audit`: database changes, and sessions and pushes from the system log, in one list.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Client, Hub, Outcome, Skip, refused, run, silent, trials};
use crate::programs::program;

trials![
    a_log_file_adds_sessions_and_pushes_to_the_changes,
    a_long_line_of_a_log_file_takes_no_memory,
    a_list_of_changes_continues_behind_any_entry,
    the_journal_adds_only_what_the_login_wrote,
];

fn audit(hub: &Hub, words: &[&str]) -> Vec<Value> {
    serde_json::from_str(&hub.did(&[&["--json", "audit"], words].concat())).expect("JSON")
}

/// A summary of the entries: the event; for a session also verb, decision and reason.
fn told(entries: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let session = |entry: &Value| {
        let field = |key: &str| word(&entry["session"][key]);
        format!("{} {} {} {}", word(&entry["event"]), field("verb"), field("decision"), field("reason"))
            .trim_end()
            .to_owned()
    };
    entries
        .iter()
        .map(|entry| if entry["session"].is_null() { word(&entry["event"]) } else { session(entry) })
        .collect()
}

fn a_log_file_adds_sessions_and_pushes_to_the_changes() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:new"]).is(&silent());
    assert_eq!(alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/x/y"]).status, 1);
    assert_eq!(stranger.ssh("git-receive-pack 'alice/x'").status, 1);
    let now = run(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S+00:00"])).succeeded().stdout();
    let line = |stamp: &str, line: &String| format!("{stamp} hub {}\n", line.split_once('>').expect("a priority").1);
    let lines = |stamp: &str| hub.raw_log().iter().map(|raw| line(stamp, raw)).collect::<String>();
    let sid = "sid=00aa00aa00aa00aa user=alice key=x from=::1 verb=upload-pack repo=alice/x decision=allow reason=\"\"";
    let noise = format!(
        "{0} hub sshd[9]: Invalid user x hubgate[1]: {sid} from ::1 port 9\n{0} hub cron[1]: {sid}\nhubgate[1]: {sid}\n",
        now.trim_end()
    );
    let file = hub.path("auth.log");
    let log = ["--log", file.to_str().expect("UTF-8")];
    fs::write(&file, [noise.as_bytes(), b"\xff\xfe\n", lines(now.trim_end()).as_bytes()].concat()).expect("a file");
    let sessions = [
        "session upload-pack allow",
        "session receive-pack allow",
        "push push",
        "session receive-pack allow",
        "push push deny refs/x/y is not accepted: this hub accepts only branches (refs/heads/), tags (refs/tags/) and \
         notes (refs/notes/)",
        "session receive-pack deny read-only",
    ];
    let changes = ["user.create", "key.add", "repo.create"];
    let entries = audit(&hub, &log);
    assert_eq!(told(&entries), [changes.as_slice(), &sessions].concat());
    assert_eq!(entries[3]["session"]["user"], "alice");
    assert_eq!(entries[5]["session"]["ref"], "refs/heads/new");
    let table = hub.did(&[&["audit"], log.as_slice()].concat());
    assert_eq!(table.lines().count(), 10, "{table}");
    // The filters apply to both sources.
    let of_stranger = ["--key", &stranger.key.fingerprint];
    assert_eq!(told(&audit(&hub, &[log, of_stranger].concat())), ["session receive-pack deny read-only"]);
    let of_alice = audit(&hub, &[log.as_slice(), &["--user", "alice"]].concat());
    assert_eq!(told(&of_alice), [&["user.create", "key.add"], &sessions[..5]].concat());
    assert_eq!(told(&audit(&hub, &[log.as_slice(), &["--repo", "alice/y"]].concat())), [""; 0]);
    // Who pushed a ref.
    let of_ref = |name: &str| audit(&hub, &[log.as_slice(), &["--repo", "alice/x", "--ref", name]].concat());
    let pushed = of_ref("refs/heads/new");
    assert_eq!((told(&pushed), &pushed[0]["session"]["user"]), (vec!["push push".to_owned()], &json!("alice")));
    assert_eq!((of_ref("refs/heads/NEW").len(), of_ref("new").len()), (0, 0));
    // Entries older than `--since` are skipped; without a year, the age is unknown.
    fs::write(&file, lines("2001-01-01T00:00:00+00:00")).expect("a file");
    assert_eq!(told(&audit(&hub, &log)), changes);
    let all = audit(&hub, &[log.as_slice(), &["--since", "2000-01-01"]].concat());
    assert_eq!(told(&all), [sessions.as_slice(), &changes].concat(), "by time");
    fs::write(&file, lines("Nov 24 09:00:00")).expect("a file");
    let entries = audit(&hub, &log);
    assert_eq!(told(&entries), [changes.as_slice(), &sessions].concat());
    assert_eq!(entries[3]["at"], Value::Null, "its year is unknown");
    // A pipe has each line once, also a line without a year.
    let hubgate = format!("'{}' --config '{}' --json audit", program("hubgate").display(), hub.config().display());
    for script in [
        format!("cat '{0}' | {hubgate} --log -", file.display()),
        format!("{hubgate} --log - <'{0}'", file.display()),
        format!("{hubgate} --log <(cat '{0}')", file.display()),
    ] {
        let outcome = run(Command::new("bash").arg("-c").arg(&script));
        let piped: Vec<Value> = serde_json::from_str(&outcome.succeeded().stdout()).expect("JSON");
        assert_eq!(piped, entries, "{script}");
    }
    let following = hub.hubgate(&["audit", "--follow", "--log", "-"]);
    following.is(&refused("hubgate: --follow needs a log file: leave it out to read standard input\n").status(2));
    let missing = hub.hubgate(&["audit", "--log", "/nonexistent"]);
    missing.is(&refused("hubgate: /nonexistent: No such file or directory (os error 2)\n"));
}

/// After a crash of the machine, a log file may have a long part of zeros.
fn a_long_line_of_a_log_file_takes_no_memory() {
    let hub = Hub::new();
    let file = hub.path("auth.log");
    let line = |sid: u8| {
        let line = format!("sid={sid:016x} user=alice from=::1 verb=greeting decision=allow reason=\"\"");
        format!("2020-09-13T12:26:39Z hub hubgate[1]: {line}\n")
    };
    fs::write(&file, line(1)).expect("a file");
    let mut log = fs::OpenOptions::new().append(true).open(&file).expect("a file");
    log.set_len(256 << 20).expect("a length");
    log.write_all(format!("\n{}", line(2)).as_bytes()).expect("a line");
    log.set_len(512 << 20).expect("a length");
    let mut command = Command::new("prlimit");
    command.arg("--as=268435456").arg(program("hubgate")).arg("--config").arg(hub.config());
    let listed = run(command.args(["audit", "--since", "2000-01-01", "--log"]).arg(&file)).succeeded().stdout();
    assert_eq!(listed.matches("verb=greeting").count(), 2, "{listed}");
}

fn a_list_of_changes_continues_behind_any_entry() {
    let hub = Hub::new();
    hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    // Three changes of one second, between two sessions of that second and one of another; and two without a year.
    hub.sql("UPDATE audit SET at = 1600000000; UPDATE audit_about SET at = 1600000000");
    let line = |at: &str, sid: u8| {
        format!("{at} hub hubgate[1]: sid={sid:016x} user=alice from=::1 verb=greeting decision=allow reason=\"\"\n")
    };
    let file = hub.path("auth.log");
    let second = "2020-09-13T12:26:40Z";
    let lines = [("2020-09-13T12:26:39Z", 1), (second, 2), ("Nov 24 09:00:00", 3), (second, 4), ("Nov 24 09:00:00", 5)];
    fs::write(&file, lines.map(|(at, sid)| line(at, sid)).concat()).expect("a file");
    let log = ["audit", "--log", file.to_str().expect("UTF-8")];
    let list = |more: &[&str]| hub.hubgate(&[log.as_slice(), more].concat());
    let rows = |outcome: &Outcome| {
        let text = outcome.succeeded().stdout();
        text.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    let whole = rows(&list(&["--since", "2000-01-01"]));
    assert_eq!(whole.len(), 8, "{whole:?}");
    for limit in ["1", "3", "7"] {
        let (mut parts, mut after) = (Vec::new(), "2000-01-01T00:00:00Z".to_owned());
        loop {
            let part = list(&["--after", &after, "--limit", limit]);
            parts.extend(rows(&part));
            assert!(parts.len() <= whole.len(), "{parts:?}");
            match part.stderr().split_once("there are more rows: to continue, add --after ") {
                Some((_, next)) => next.trim_end().clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!(parts, whole, "{limit}");
    }
    assert_eq!(rows(&list(&["--after", &format!("{second}/2")])), whole[3..]);
    assert_eq!(rows(&list(&["--after", second])), whole[1..]);
    assert_eq!(rows(&list(&["--after", "undated/1"])), whole[7..]);
    for position in [format!("{second}/9"), "2020-09-13T12:26:38Z/1".to_owned(), "undated/3".to_owned()] {
        list(&["--after", &position]).is(&refused(format!("hubgate: there is no entry {position} in this list\n")));
    }
}

/// `HUBGATE CONFIG GATEWAY UID GID KEY`: starts a separate journald, logs sessions of the login account and lines of
/// other accounts, and runs `hubgate audit`.
const JOURNAL: &str = r#"set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/journal /run/log/journal
"$(command -v systemd-journald || echo /lib/systemd/systemd-journald)" 2>/run/complaints &
trap 'kill $!' EXIT
tries=0
until [ -S /run/systemd/journal/dev-log ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || { cat /run/complaints >&2; exit 1; }
    sleep 0.05
done
session() {
    setpriv --reuid="$4" --regid="$5" --clear-groups env -i SSH_CONNECTION='192.0.2.1 4 192.0.2.2 22' \
        ${7:+SSH_ORIGINAL_COMMAND="$7"} "$3" --config "$2" alice --key "$6" 2>&1 || true
}
session "$@" ''
session "$@" 'git-upload-pack missing/x'
logger --socket /run/systemd/journal/dev-log --tag hubgate 'sid=00 user=alice verb=greeting decision=allow reason=""'
setpriv --reuid=65534 --clear-groups logger --socket /run/systemd/journal/dev-log --tag hubgate \
    'sid=00 user=alice verb=greeting decision=allow reason=""'
journalctl --sync
echo LIST
"$1" --config "$2" --json audit
"#;

fn the_journal_adds_only_what_the_login_wrote() {
    let there = |path: &&str| Path::new(path).exists();
    if !["/usr/lib/systemd/systemd-journald", "/lib/systemd/systemd-journald"].iter().any(there) {
        Skip::now("there is no journald");
    }
    if run(Command::new("unshare").args(["--mount", "true"])).status != 0 {
        Skip::now("this container may not make mount namespaces");
    }
    let hub = Hub::new();
    let alice = hub.user("alice");
    let config = fs::read_to_string(hub.config()).expect("a configuration");
    let own = format!("socket = \"{}\"", hub.path("log").display());
    assert!(config.contains(&own));
    fs::write(hub.config(), config.replace(&own, "socket = \"/run/systemd/journal/dev-log\"")).expect("a file");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", JOURNAL, "sh"]).arg(program("hubgate"));
    command
        .arg(hub.config())
        .arg(hub.path("libexec/gateway"))
        .args([hub.login.uid, hub.login.gid].map(|id| id.to_string()));
    let outcome = run(command.arg(&alice.key.fingerprint));
    let stdout = outcome.succeeded().stdout();
    let (said, list) = stdout.split_once("LIST\n").expect("two parts");
    assert!(said.starts_with(&crate::texts::hi("alice")) && said.contains("repository not found"), "{outcome}");
    let entries: Vec<Value> = serde_json::from_str(list).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    assert_eq!(
        told(&entries),
        ["user.create", "key.add", "session greeting allow", "session upload-pack deny no-repository"],
        "{outcome}"
    );
    assert_eq!(entries[2]["session"]["from"], json!("192.0.2.1"));
    assert!(entries[2]["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{outcome}");
}
