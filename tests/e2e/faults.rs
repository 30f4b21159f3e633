//! Faults of the server, as peers and the operator's log see them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{
    Background, Client, Hub, Outcome, Setup, background, refused, run, says, silent, trials, wait_until,
};
use crate::texts::{denied, hi};

trials![
    a_missing_database_is_reported_as_unavailable,
    a_corrupt_database_is_unavailable,
    a_locked_database_is_unavailable,
    a_busy_writer_delays_no_session,
    a_broken_configuration_is_a_fault_on_a_live_connection,
    missing_repositories_are_a_fault,
    a_missing_repository_is_a_fault_that_names_no_path,
    an_inner_git_directory_is_a_fault,
    a_missing_git_is_a_fault,
    a_missing_push_hook_refuses_only_pushes,
    a_helper_that_others_can_change_is_not_run,
    a_read_only_hub_still_serves,
    a_repository_of_another_owner_is_a_fault,
    a_newer_database_is_unavailable,
    a_newer_schema_that_only_adds_is_served_and_not_changed,
    a_missing_or_blocked_log_delays_sessions_but_stops_none,
];

/// The log's only line about a fault: its level, its reference, and its reason.
#[track_caller]
fn is_logged(hub: &Hub, reference: &str, reason: &str) {
    let log: Vec<_> = hub.log().into_iter().filter(|entry| entry.program == "hubgate").collect();
    let [line] = log.as_slice() else { panic!("{log:?}") };
    assert_eq!((line.level, line.sid.as_deref()), ("error", Some(reference)));
    assert!(line.fields.contains(&format!("decision=fault reason=\"{reason}")), "{line}\nexpected: {reason}");
}

/// Checks that the peer reads only the fault's sentence and git's own words. Returns the reference.
#[track_caller]
fn git_fault(hub: &Hub, outcome: &Outcome) -> String {
    let stderr = outcome.stderr();
    let reference = stderr.split_once("(reference ").and_then(|(_, rest)| rest.get(..16)).unwrap_or_default();
    let sentence = format!("hubgate: the server could not serve this request (reference {reference})\n");
    outcome.is(&refused(sentence + crate::texts::GIT_GIVES_UP).status(128));
    assert!(!stderr.contains(hub.dir.to_str().expect("UTF-8")));
    reference.to_owned()
}

fn a_missing_database_is_reported_as_unavailable() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    let master = alice.master();
    let away = |from: &str, to: &str| fs::rename(hub.path(from), hub.path(to)).expect("a rename");
    away("db/hubgate.db", "db/away");
    hub.log();
    let reference = alice.greet().is_unavailable();
    is_logged(&hub, &reference, "the database ");
    let reference = alice.ssh("git-upload-pack 'alice/x'").is_unavailable();
    is_logged(&hub, &reference, "the database ");
    // A refused login would count against the client's address, so the gateway reports the fault in a session without
    // identity. Without an answer, the key is not treated as unknown.
    drop(master);
    for client in [&stranger, &alice] {
        let reference = client.ssh("git-upload-pack 'alice/x'").is_unavailable();
        is_logged(&hub, &reference, "authorized-keys could not ask the database; its own line says why");
    }
    away("db/away", "db/hubgate.db");
    alice.greet().is(&says(hi("alice")));
}

fn a_corrupt_database_is_unavailable() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let _master = alice.master();
    let database = hub.path("db/hubgate.db");
    let mut file = fs::File::options().write(true).open(&database).expect("a database");
    file.write_all(&[0xff; 100]).expect("a write");
    let reference = alice.greet().is_unavailable();
    is_logged(&hub, &reference, "the database");
}

fn a_locked_database_is_unavailable() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let _master = alice.master();
    let mut sqlite = hub.as_login(Path::new("/usr/bin/sqlite3"));
    sqlite
        .arg(hub.path("db/hubgate.db"))
        .args(["PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE held (x); SELECT 1", ".shell echo locked; sleep 100"]);
    let sqlite = lock(&hub, sqlite);
    let reference = alice.greet().is_unavailable();
    is_logged(&hub, &reference, "the database");
    drop(sqlite);
    alice.greet().is(&says(hi("alice")));
}

/// Starts a program that holds a lock, and waits until the program prints a line.
pub(crate) fn lock(hub: &Hub, mut command: Command) -> Background {
    let said = hub.path("locked");
    let output = fs::File::create(&said).expect("a file");
    let process = background(command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null()));
    wait_until("no lock", || fs::read_to_string(&said).is_ok_and(|said| said.contains("locked")));
    process
}

fn a_busy_writer_delays_no_session() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let mut sqlite = hub.as_login(Path::new("/usr/bin/sqlite3"));
    sqlite.arg(hub.path("db/hubgate.db"));
    sqlite
        .args(["BEGIN IMMEDIATE; UPDATE owner SET disabled = 'half done'; SELECT 1", ".shell echo locked; sleep 100"]);
    let _sqlite = lock(&hub, sqlite);
    alice.greet().is(&says(hi("alice")));
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
}

fn a_broken_configuration_is_a_fault_on_a_live_connection() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let _master = alice.master();
    fs::write(hub.config(), "[hub]\nnane = \"x\"\n").expect("a file");
    alice.greet().is_fault();
    hub.configure(&Setup::default());
    alice.greet().is(&says(hi("alice")));
}

fn missing_repositories_are_a_fault() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    fs::rename(hub.path("repositories"), hub.path("away")).expect("a rename");
    hub.log();
    let reference = alice.greet().is_fault();
    is_logged(&hub, &reference, "cannot read the directory of the repositories: No such file or directory");
    let outcome = alice.git(&["ls-remote", &Client::url("alice/x")]);
    let reference = git_fault(&hub, &outcome);
    is_logged(&hub, &reference, "cannot read the directory of the repositories: No such file or directory");
}

fn a_missing_repository_is_a_fault_that_names_no_path() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let directory = hub.directory("alice/x");
    fs::rename(&directory, hub.path("away")).expect("a rename");
    hub.log();
    let reference = git_fault(&hub, &alice.git(&["clone", "--quiet", &Client::url("alice/x")]));
    is_logged(&hub, &reference, "cannot open ");
    // A link in place of the directory is a fault too.
    std::os::unix::fs::symlink(hub.path("away"), &directory).expect("a link");
    let reference = git_fault(&hub, &alice.git(&["clone", "--quiet", &Client::url("alice/x")]));
    is_logged(&hub, &reference, "cannot open ");
    // A client without access reads nothing about the fault.
    let stranger = hub.stranger();
    stranger.ssh("git-upload-pack 'alice/x'").is(&refused(crate::texts::not_found(&stranger)));
}

fn an_inner_git_directory_is_a_fault() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    fs::create_dir(hub.directory("alice/x").join(".git")).expect("a directory");
    hub.log();
    let reference = git_fault(&hub, &alice.git(&["clone", "--quiet", &Client::url("alice/x")]));
    let log = hub.log();
    assert_eq!((log[0].level, log[0].sid.as_deref()), ("error", Some(reference.as_str())));
    assert!(log[0].fields.contains("contains a .git"), "{log:?}");
}

fn a_missing_git_is_a_fault() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.configure(&Setup { git: Some(Path::new("/nonexistent/git")), ..Setup::default() });
    hub.log();
    let reference = git_fault(&hub, &alice.git(&["clone", "--quiet", &Client::url("alice/x")]));
    let log = hub.log();
    let last = log.last().expect("a line");
    assert_eq!((last.level, last.sid.as_deref()), ("error", Some(reference.as_str())));
    assert!(last.fields.ends_with("reason=\"cannot start git: No such file or directory (os error 2)\""), "{last}");
}

fn a_missing_push_hook_refuses_only_pushes() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    fs::remove_file(hub.path("libexec/hooks/pre-receive")).expect("a file");
    hub.log();
    let reference = git_fault(&hub, &alice.git_in("x", &["push", "--quiet", "origin", "HEAD:new"]));
    is_logged(&hub, &reference, "the push hook ");
    alice.git_in("x", &["fetch", "--quiet"]).is(&silent());
}

fn a_helper_that_others_can_change_is_not_run() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    alice.greet().is(&says(hi("alice")));
    fs::set_permissions(hub.path("libexec"), fs::Permissions::from_mode(0o777)).expect("a mode");
    alice.greet().is(&refused(denied(&alice)).status(255));
    assert!(hub.sshd_log().contains("Unsafe AuthorizedKeysCommand"), "{}", hub.sshd_log());
}

fn a_read_only_hub_still_serves() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    // Neither a key's last use nor the locks of sessions can be written.
    for (path, mode) in [("db", "0550"), ("repositories", "0550")] {
        run(Command::new("chmod").arg(mode).arg(hub.path(path))).succeeded();
    }
    alice.greet().is(&says(hi("alice")));
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    stranger.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
}

fn a_repository_of_another_owner_is_a_fault() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let directory = hub.directory("alice/x");
    run(Command::new("chown").arg("root").arg(&directory)).succeeded();
    run(Command::new("chmod").arg("700").arg(&directory)).succeeded();
    hub.log();
    let reference = git_fault(&hub, &alice.git(&["clone", "--quiet", &Client::url("alice/x")]));
    is_logged(&hub, &reference, "cannot open ");
}

fn a_newer_database_is_unavailable() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.sql("UPDATE hubgate SET version = 99, min_reader = 98");
    let reference = alice.ssh("git-upload-pack 'alice/x'").is_unavailable();
    is_logged(&hub, &reference, "authorized-keys could not ask the database; its own line says why");
    hub.sql("UPDATE hubgate SET version = 99, min_reader = 1");
    alice.greet().is(&says(hi("alice")));
}

/// As after `hubgate migrate` of a later release, while the programs of this release still serve.
fn a_newer_schema_that_only_adds_is_served_and_not_changed() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("alice/x", &["--private"]);
    hub.did(&["rule", "add", "alice/x", "deny all refs/heads/locked @everyone"]);
    let tables = hub.sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    assert!(tables.lines().count() > 5, "{tables}");
    let column = |table| format!("ALTER TABLE \"{table}\" ADD COLUMN later TEXT NOT NULL DEFAULT 'later';");
    let columns: String = tables.lines().map(column).collect();
    let table = "CREATE TABLE later (id INTEGER PRIMARY KEY, owner_id INTEGER NOT NULL REFERENCES owner (id)) STRICT;
                 CREATE INDEX later_owner ON later (owner_id);
                 INSERT INTO later (owner_id) SELECT id FROM owner;";
    hub.sql(&format!("BEGIN; {columns} {table} UPDATE hubgate SET version = 99; COMMIT;"));

    alice.greet().is(&says(hi("alice")));
    hub.stranger().greet().succeeded();
    let url = Client::url("alice/x");
    alice.git(&["clone", "--quiet", &url, "x"]).is(&silent());
    alice.commit("x", "new", "1");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    let refused = alice.git_in("x", &["push", "--quiet", "origin", "HEAD:locked"]);
    assert!(
        refused.status == 1 && refused.stderr().contains("alice may not create it (rule 1 of alice/x"),
        "{refused}"
    );
    let missing = bob.git(&["clone", "--quiet", &url, "x"]);
    assert!(missing.stderr().starts_with("hubgate: repository not found, or you have no access to it\n"), "{missing}");
    // What a later release removes is gone for this one.
    hub.sql("UPDATE owner SET disabled = 'away' WHERE folded = 'alice'");
    let disabled = alice.git_in("x", &["fetch", "--quiet"]);
    assert!(disabled.stderr().starts_with("hubgate: the account alice is disabled: away\n"), "{disabled}");
    // Only programs that know the whole schema change it.
    bob.ssh("repo create bob/y").is_unavailable();
    let outcome = hub.hubgate(&["user", "enable", "alice"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("the database has schema version 99"), "{outcome}");
}

fn a_missing_or_blocked_log_delays_sessions_but_stops_none() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let _master = alice.master();
    let log = hub.path("log");
    let works = |tree: &str| {
        let start = Instant::now();
        alice.greet().is(&says(hi("alice")));
        let greeting = start.elapsed();
        alice.git(&["clone", "--quiet", &Client::url("alice/x"), tree]).is(&silent());
        alice.git_in(tree, &["push", "--quiet", "origin", &format!("HEAD:{tree}")]).is(&silent());
        greeting
    };
    let quick = works("heard");
    fs::rename(&log, hub.path("away")).expect("a rename");
    works("missing");
    let stuck = UnixDatagram::bind(&log).expect("a socket");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o666)).expect("a mode");
    crate::doctor::fill(&log);
    let slow = works("stuck");
    assert!(slow >= Duration::from_millis(200), "it was not stuck: {slow:?}");
    assert!(slow < quick + Duration::from_secs(20), "{slow:?}, and {quick:?} where the log is read");
    // The socket exists but has no listener.
    drop(stuck);
    works("dead");
    assert_eq!(
        hub.git_in("alice/x", &["for-each-ref", "--format=%(refname:short)", "refs/heads"]),
        "dead\nheard\nmain\nmissing\nstuck\n"
    );
}
