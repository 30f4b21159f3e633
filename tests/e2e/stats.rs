//! `hubgate stats`: its numbers after real sessions, from a log file that is rotated and from the journal.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Client, Hub, Skip, refused, run, run_with, silent, trials, wait_for_next_second};
use crate::programs::program;

trials![
    stats_have_the_rows_the_bytes_and_the_running_sessions,
    sessions_are_counted_once_although_the_log_is_rotated,
    sessions_are_counted_from_the_journal_since_the_last_run,
    stats_know_the_last_backup_and_only_if_it_was_made,
    what_prometheus_reads_is_well_formed_and_only_grows,
    stats_without_a_database_still_tell_what_doctor_found,
    a_file_of_stats_that_the_login_made_opens_no_other_file,
];

fn stats(hub: &Hub, words: &[&str]) -> Value {
    let outcome = run(command(hub, words).arg("--json"));
    serde_json::from_str(&outcome.succeeded().stdout()).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}

fn command(hub: &Hub, words: &[&str]) -> Command {
    let mut command = hub.hubgate_command();
    command.args(["stats", "--sshd-config"]).arg(hub.path("sshd_config")).args(words);
    command
}

/// An empty log file of the hub, and the option that names it.
fn log_file(hub: &Hub) -> (PathBuf, Vec<String>) {
    let file = hub.path("auth.log");
    fs::write(&file, "").expect("a file");
    let words = vec!["--log".to_owned(), file.display().to_string()];
    (file, words)
}

/// Appends lines of the hub's log to a file, beginning with one.
fn append(hub: &Hub, file: &Path, from: usize) -> usize {
    let lines = hub.raw_log();
    let mut file = fs::File::options().append(true).create(true).open(file).expect("a file");
    for line in &lines[from..] {
        let line = line.split_once('>').expect("a priority").1;
        writeln!(file, "2026-11-30T00:00:00+00:00 hub {line}").expect("a line");
    }
    lines.len()
}

fn words(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn stats_have_the_rows_the_bytes_and_the_running_sessions() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.did(&["user", "disable", "bob", "--reason", "away"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/x", &[]);
    hub.empty_repo("datasets/alice/d", &[]);
    hub.empty_repo("spaces/alice/s", &[]);
    hub.empty_repo("alice/gone", &[]);
    hub.did(&["repo", "remove", "alice/gone", "--yes"]);
    hub.did(&["deploy-key", "add", "acme/x", crate::harness::Key::new("d").public_file().to_str().expect("UTF-8")]);
    let now = stats(&hub, &[]);
    assert_eq!(now["accounts"], json!({ "users": 2, "disabled": 1, "organizations": 1 }));
    assert_eq!(now["keys"], json!({ "account": 1, "deploy": 1 }));
    assert_eq!(now["repositories"], json!({ "models": 1, "datasets": 1, "spaces": 1, "removed": 1 }));
    assert_eq!(now["stored"], json!({ "git": 0, "lfs": 0, "current": 0, "outdated": 0, "missing": 4 }));
    assert_eq!((&now["running"], &now["last_backup_at"]), (&json!({}), &Value::Null));
    assert_eq!(now["version"], env!("CARGO_PKG_VERSION"));
    // What is measured is known until the repository changes.
    let size = |path: &str| {
        let mut find = Command::new("find");
        let found =
            run(find.arg(hub.directory(path).join("objects")).args(["-type", "f", "-printf", "%s\\n"])).stdout();
        found.lines().map(|bytes| bytes.parse::<u64>().expect("a number")).sum::<u64>()
    };
    let known = |stored: &Value| {
        let number = |name: &str| stored[name].as_u64().expect("a number");
        (number("git"), number("current"), number("outdated"), number("missing"))
    };
    let measured = known(&stats(&hub, &["--measure"])["stored"]);
    assert!((measured.1, measured.2, measured.3) == (4, 0, 0) && measured.0 >= size("acme/x"), "{measured:?}");
    assert_eq!(known(&stats(&hub, &[])["stored"]), measured);
    alice.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
    fs::write(alice.home.join("x/more"), "more\n".repeat(1_000)).expect("a file");
    alice.git_in("x", &["add", "more"]).is(&silent());
    alice.git_in("x", &["commit", "--quiet", "-m", "More"]).is(&silent());
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    assert_eq!(known(&stats(&hub, &[])["stored"]), (measured.0, 3, 1, 0));
    let again = known(&stats(&hub, &["--measure"])["stored"]);
    assert!(again.0 > measured.0 && (again.1, again.2, again.3) == (4, 0, 0), "{again:?}");
    // People read the same.
    let text = run(&mut command(&hub, &[])).succeeded().stdout();
    for line in [
        "Test Hub\n",
        "  accounts      2 users (1 disabled), 1 organization\n",
        "  keys          1 on accounts, 1 deploy key\n",
        "  repositories  1 model, 1 dataset, 1 space; 1 removed\n",
        "  running       nothing\n",
        "  last backup   never\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(text.contains(&format!("  stored        {} bytes in git objects, 0 in LFS objects\n", again.0)), "{text}");
    let both = run(&mut command(&hub, &["--prometheus", "--json"]));
    assert!(both.status == 2 && both.stdout.is_empty(), "{both}");
    assert_eq!(hub.hubgate(&["--json", "stats", "--prometheus"]).status, 2);
}

fn sessions_are_counted_once_although_the_log_is_rotated() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    let (file, log) = log_file(&hub);
    alice.greet();
    let mut read = append(&hub, &file, 0);
    let log = words(&log);
    // The first run begins.
    let first = &stats(&hub, &log)["log"];
    let nothing = json!({ "sessions": {}, "refusals": {}, "ended": {}, "faults": 0 });
    assert_eq!((&first["since"], &first["counted"], &first["total"]), (&Value::Null, &nothing, &nothing));
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    assert_eq!(stranger.ssh("git-receive-pack 'alice/x'").status, 1);
    assert_eq!(alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/x/y"]).status, 1);
    assert_eq!(alice.ssh("whoami --json").status, 0);
    assert_eq!(alice.ssh("git-upload-pack 'alice/missing'").status, 1);
    read = append(&hub, &file, read);
    // A line that has no end yet.
    let line = "2026-11-30T00:00:00+00:00 hub hubgate[7]: sid=00 verb=greeting decision=allow reason=\"\"";
    let half = |text: &str| {
        let mut file = fs::File::options().append(true).open(&file).expect("a file");
        file.write_all(text.as_bytes()).expect("a line");
    };
    half(&line[..60]);
    let counted = json!({
        "sessions": { "account": 1, "receive-pack": 1, "upload-pack": 1 },
        "refusals": { "no-repository": 1, "push": 1, "read-only": 1 },
        "ended": {},
        "faults": 0,
    });
    let second = &stats(&hub, &log)["log"];
    assert_eq!((&second["counted"], &second["total"]), (&counted, &counted));
    assert_eq!(second["begun_at"], first["begun_at"]);
    // The file is rotated before its last lines were counted.
    half(&format!("{}\n", &line[60..]));
    alice.greet();
    read = append(&hub, &file, read);
    fs::rename(&file, hub.path("auth.log.1")).expect("a rename");
    alice.greet();
    read = append(&hub, &file, read);
    let third = &stats(&hub, &log)["log"];
    assert_eq!(third["counted"]["sessions"], json!({ "greeting": 3 }));
    assert_eq!(third["total"]["sessions"], json!({ "account": 1, "greeting": 3, "receive-pack": 1, "upload-pack": 1 }));
    // The file is emptied, as by copytruncate, and has as many bytes again.
    fs::write(&file, "").expect("a file");
    alice.greet();
    append(&hub, &file, read);
    let fourth = &stats(&hub, &log)["log"];
    assert_eq!(
        (&fourth["counted"]["sessions"], &fourth["total"]["sessions"]["greeting"]),
        (&json!({ "greeting": 1 }), &json!(4))
    );
    assert_eq!(stats(&hub, &log)["log"]["counted"], nothing);
    let text = run(&mut command(&hub, &log)).succeeded().stdout();
    assert!(text.contains("    sessions    7: greeting 4, account 1, receive-pack 1, upload-pack 1\n"), "{text}");
    // Runs at the same time count a line once.
    half(&format!("{line}\n").repeat(100));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| stats(&hub, &log));
        }
    });
    assert_eq!(stats(&hub, &log)["log"]["total"]["sessions"]["greeting"], json!(104));
    // Another log has numbers of its own.
    let other = hub.path("other.log");
    fs::write(&other, "").expect("a file");
    let other = ["--log", other.to_str().expect("UTF-8")];
    assert_eq!(stats(&hub, &other)["log"]["total"], nothing);
    let missing = run(&mut command(&hub, &["--log", "/nonexistent"]));
    missing.is(&refused("hubgate: /nonexistent: No such file or directory (os error 2)\n"));
    let pipe = run(&mut command(&hub, &["--log", "/dev/null"]));
    assert!(pipe.status == 2 && pipe.stderr().contains("/dev/null is not a regular file"), "{pipe}");
}

/// `HUBGATE CONFIG GATEWAY UID GID KEY`: starts a separate journald, and runs `hubgate stats` between sessions.
const JOURNAL: &str = r#"set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
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
        ${7:+SSH_ORIGINAL_COMMAND="$7"} "$3" --config "$2" alice --key "$6" >/dev/null 2>&1 || true
}
stats() {
    journalctl --sync
    "$1" --config "$2" --json stats
}
session "$@" ''
journalctl --sync
sleep 1.1
stats "$@"
session "$@" 'git-upload-pack missing/x'
session "$@" ''
# Not the login account.
logger --socket /run/systemd/journal/dev-log --tag hubgate 'sid=00 user=alice verb=greeting decision=allow reason=""'
stats "$@"
stats "$@"
session "$@" ''
stats "$@"
# Without a journal, the numbers stay.
rm -r /run/log/journal
"$1" --config "$2" --json stats 2>/run/said
cat /run/said >&2
"$1" --config "$2" stats --prometheus 2>/dev/null | grep -e hubgate_log_up -e '"greeting"' >&2
"#;

fn sessions_are_counted_from_the_journal_since_the_last_run() {
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
    fs::write(hub.config(), config.replace(&own, "socket = \"/run/systemd/journal/dev-log\"")).expect("a file");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", JOURNAL, "sh"]).arg(program("hubgate"));
    command
        .arg(hub.config())
        .arg(hub.path("libexec/gateway"))
        .args([hub.login.uid, hub.login.gid].map(|id| id.to_string()));
    let outcome = run(command.arg(&alice.key.fingerprint));
    let values =
        serde_json::Deserializer::from_str(&outcome.succeeded().stdout()).into_iter().collect::<Result<_, _>>();
    let values: Vec<Value> = values.unwrap_or_else(|error| panic!("{error}: {outcome}"));
    let sessions = |number: usize, part: &str| values[number]["log"][part]["sessions"]["greeting"].as_u64();
    assert_eq!(values.len(), 5, "{outcome}");
    assert_eq!([0, 1, 2, 3].map(|number| sessions(number, "counted")), [None, Some(1), None, Some(1)], "{outcome}");
    assert_eq!([0, 1, 2, 3, 4].map(|number| sessions(number, "total")), [None, Some(1), Some(1), Some(2), Some(2)]);
    assert_eq!(values[1]["log"]["counted"]["refusals"], json!({ "no-repository": 1 }), "{outcome}");
    let said = "hubgate: sessions are not counted: there is no journal: name the log file with --log\n\
                hubgate_log_up 0\nhubgate_sessions_total{verb=\"greeting\"} 2\n";
    assert!(outcome.stderr().replace("# HELP hubgate_log_up Whether the sessions in the log could be counted.\n# TYPE hubgate_log_up gauge\n", "").ends_with(said), "{outcome}");
}

fn stats_know_the_last_backup_and_only_if_it_was_made() {
    let hub = Hub::new();
    let at = || stats(&hub, &[])["last_backup_at"].as_str().map(str::to_owned);
    assert_eq!(at(), None);
    let copy = hub.path("copy.db").display().to_string();
    hub.did(&["backup", &copy]);
    let first = at().expect("a time");
    assert!(crate::accounts::is_time(&first), "{first}");
    wait_for_next_second();
    // A backup that has no place is none.
    assert_eq!(hub.hubgate(&["backup", "/proc/none/copy"]).status, 1);
    fs::write(hub.path("text"), "no copy").expect("a file");
    assert_eq!(hub.hubgate(&["backup", &hub.path("text").display().to_string()]).status, 2);
    assert_eq!(at(), Some(first.clone()));
    // To standard output.
    assert!(hub.hubgate(&["backup", "-"]).succeeded().stdout.starts_with(b"SQLite format 3"));
    let second = at().expect("a time");
    assert!(second > first, "{first} {second}");
    wait_for_next_second();
    hub.did(&["--json", "backup", &copy]);
    assert!(at().expect("a time") > second);
    // The time cannot be noted: the backup is made, and says so.
    let file = hub.path("db/last-backup");
    fs::remove_file(&file).expect("a file");
    fs::create_dir(&file).expect("a directory");
    let outcome = hub.hubgate(&["backup", &copy]);
    let said = format!("hubgate: hubgate stats does not know of this backup: {}: ", file.display());
    assert!(outcome.status == 0 && outcome.stderr().starts_with(&said), "{outcome}");
}

fn what_prometheus_reads_is_well_formed_and_only_grows() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let (file, log) = log_file(&hub);
    let log: Vec<&str> = ["--prometheus"].into_iter().chain(words(&log)).collect();
    let metrics = || run(&mut command(&hub, &log)).succeeded().stdout();
    let value = |metrics: &str, name: &str| -> Option<u64> {
        metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    };
    let first = metrics();
    assert_eq!(value(&first, "hubgate_sessions_total{verb=\"upload-pack\"}"), Some(0), "{first}");
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    assert_eq!(alice.ssh("git-upload-pack 'alice/none'").status, 1);
    append(&hub, &file, 0);
    // A run of a person in between.
    stats(&hub, &log[1..]);
    let second = metrics();
    for (name, number) in [
        (concat!("hubgate_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1),
        ("hubgate_database_up", 1),
        ("hubgate_log_up", 1),
        ("hubgate_accounts{kind=\"user\",state=\"enabled\"}", 1),
        ("hubgate_keys{of=\"account\"}", 1),
        ("hubgate_repositories{kind=\"model\"}", 1),
        ("hubgate_counted_repositories{count=\"missing\"}", 1),
        ("hubgate_running_sessions{verb=\"upload-pack\"}", 0),
        ("hubgate_sessions_total{verb=\"upload-pack\"}", 1),
        ("hubgate_refusals_total{reason=\"no-repository\"}", 1),
        ("hubgate_faults_total", 0),
        ("hubgate_last_backup_timestamp_seconds", 0),
        ("hubgate_doctor_check{check=\"git\"}", 0),
    ] {
        assert_eq!(value(&second, name), Some(number), "{name}: {second}");
    }
    // Each metric that ends with _total is a counter, and none of its numbers is smaller than before.
    for line in second.lines().filter(|line| line.contains("_total")) {
        if let Some(heading) = line.strip_prefix("# TYPE ") {
            assert!(heading.ends_with("_total counter"), "{line}");
        } else if let Some((name, number)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) {
            let before = value(&first, name).unwrap_or_default();
            assert!(before <= number.parse().expect("a number"), "{line}: {first}");
        }
    }
    // As node_exporter would read it, where promtool is there.
    let promtool = std::env::var_os("PROMTOOL").map_or_else(|| PathBuf::from("/usr/bin/promtool"), PathBuf::from);
    if promtool.exists() {
        run_with(Command::new(promtool).args(["check", "metrics"]), second.as_bytes()).is(&silent());
    }
    // A problem of the machine.
    fs::set_permissions(hub.path("repositories"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a mode");
    let third = metrics();
    assert_eq!(value(&third, "hubgate_doctor_check{check=\"repositories\"}"), Some(2), "{third}");
    assert!(
        value(&third, "hubgate_doctor_findings{state=\"bad\"}")
            > value(&second, "hubgate_doctor_findings{state=\"bad\"}")
    );
}

fn stats_without_a_database_still_tell_what_doctor_found() {
    let hub = Hub::new();
    let database = hub.path("db/hubgate.db");
    fs::rename(&database, hub.path("db/away")).expect("a rename");
    let (_, log) = log_file(&hub);
    let outcome = run(&mut command(&hub, &[&["--prometheus"], words(&log).as_slice()].concat()));
    let text = outcome.succeeded().stdout();
    assert!(
        text.contains("\nhubgate_database_up 0\n") && text.contains("hubgate_doctor_check{check=\"database\"} 2\n"),
        "{outcome}"
    );
    assert!(!text.contains("hubgate_accounts") && outcome.stderr().contains("hubgate.db"), "{outcome}");
    let outcome = run(command(&hub, &words(&log)).arg("--json"));
    let json: Value = serde_json::from_str(&outcome.stdout()).expect("JSON");
    assert!(outcome.status == 1 && json["accounts"].is_null() && json["doctor"]["bad"] != json!(0), "{outcome}");
    fs::rename(hub.path("db/away"), &database).expect("a rename");
    // As the login account, doctor is not asked.
    let mut own = hub.as_login(&program("hubgate"));
    let outcome =
        run(own.arg("--config").arg(hub.config()).args(["--json", "stats", "--log"]).arg(hub.path("auth.log")));
    let json: Value = serde_json::from_str(&outcome.succeeded().stdout()).expect("JSON");
    assert!(json["doctor"].is_null() && json["accounts"]["users"] == json!(0), "{outcome}");
}

fn a_file_of_stats_that_the_login_made_opens_no_other_file() {
    let hub = Hub::new();
    let (_, log) = log_file(&hub);
    let log = words(&log);
    let state = hub.path("db/stats");
    let secret = hub.path("secret");
    fs::write(&secret, "{\"secret\": 1}").expect("a file");
    std::os::unix::fs::symlink(&secret, &state).expect("a link");
    let outcome = run(&mut command(&hub, &log));
    assert!(outcome.status == 1 && !outcome.stderr().contains("secret"), "{outcome}");
    fs::remove_file(&state).expect("a link");
    fs::hard_link(&secret, &state).expect("a link");
    let outcome = run(&mut command(&hub, &log));
    assert!(outcome.status == 1 && outcome.stderr().contains("it is not a file of the login account"), "{outcome}");
    assert_eq!(fs::read_to_string(&secret).expect("a file"), "{\"secret\": 1}");
    fs::remove_file(&state).expect("a link");
    // With a damaged file, a run begins again.
    stats(&hub, &log);
    fs::write(&state, "}{").expect("a file");
    assert!(stats(&hub, &log)["log"]["since"].is_null());
    assert!(stats(&hub, &log)["log"]["since"].is_string());
}
