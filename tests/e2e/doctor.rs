//! `hubgate doctor`: each problem is named with a command that fixes it, as text, as JSON, and by the exit status.

pub(crate) mod machine;
pub(crate) mod server;

use std::fs;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::faults::lock;
use crate::harness::{Hub, Skip, run, trials};
use crate::programs::program;

trials![
    doctor_finds_no_problem_on_a_shipped_hub,
    doctor_names_wrong_owners_and_modes_with_commands_that_fix_them,
    doctor_names_sshd_settings_that_differ,
    doctor_names_an_unreadable_database,
    doctor_names_a_database_of_another_version,
    doctor_names_a_locked_database,
    doctor_names_a_read_only_or_full_file_system,
    doctor_names_a_log_without_a_reader,
    doctor_names_repositories_that_cannot_be_opened,
];

/// A problem: check, state, text, fix.
type Complaint = [String; 4];

fn words(hub: &Hub) -> Vec<String> {
    ["doctor", "--sshd-config"]
        .map(str::to_owned)
        .into_iter()
        .chain([hub.path("sshd_config").display().to_string()])
        .collect()
}

/// Runs doctor with and without `--json`, and compares the outputs.
#[track_caller]
fn complaints_of(hub: &Hub, words: &[String]) -> Vec<Complaint> {
    let text = run(hub.hubgate_command().args(words));
    let json = run(hub.hubgate_command().arg("--json").args(words));
    let findings: Vec<Value> = serde_json::from_slice(&json.stdout).unwrap_or_else(|error| panic!("{error}: {json}"));
    let mut complaints = Vec::new();
    for finding in &findings {
        let [check, state, what, fix] =
            ["check", "state", "text", "fix"].map(|key| finding[key].as_str().unwrap_or_default());
        assert_eq!(fix.is_empty(), state == "ok", "{finding}");
        if state != "ok" {
            assert!(text.stdout().contains(&format!("{state:8} {check:14} {what}\n")), "{text}\n{finding}");
            assert!(text.stdout().contains(&format!("{:8} {:14} {fix}\n", "", "fix:")), "{text}\n{finding}");
            complaints.push([check, state, what, fix].map(str::to_owned));
        }
    }
    let is_well = complaints.iter().all(|[_, state, ..]| state != "bad");
    let last = if is_well { "no problems found\n" } else { "problems found\n" };
    assert!(text.stdout().ends_with(last) && text.stderr.is_empty(), "{text}");
    assert_eq!((text.status, json.status), (i32::from(!is_well), i32::from(!is_well)), "{text}");
    complaints
}

#[track_caller]
fn complaints(hub: &Hub) -> Vec<Complaint> {
    complaints_of(hub, &words(hub))
}

/// Doctor reports this problem with this text and fix.
#[track_caller]
fn names(complaints: &[Complaint], check: &str, state: &str, text: &str, fix: &str) {
    let is_it = |[a, b, c, d]: &Complaint| a == check && b == state && c.contains(text) && d == fix;
    assert!(complaints.iter().any(is_it), "{complaints:#?}\nexpected: {check} {state}: {text}\nmend: {fix}");
}

/// A fix whose commands name this hub.
fn of(hub: &Hub, fix: &str) -> String {
    fix.replace("hubgate ", &format!("hubgate --config {} ", hub.config().display()))
}

#[track_caller]
fn is_well(hub: &Hub) {
    assert_eq!(complaints(hub), [[""; 4]; 0]);
}

fn shell(command: &str) {
    run(Command::new("sh").args(["-c", command])).succeeded();
}

fn doctor_finds_no_problem_on_a_shipped_hub() {
    let hub = Hub::new();
    is_well(&hub);
    hub.user("alice");
    hub.repo("alice/x", &[]);
    is_well(&hub);
    let findings =
        hub.did(&[vec!["--json".to_owned()], words(&hub)].concat().iter().map(String::as_str).collect::<Vec<_>>());
    let findings: Vec<Value> = serde_json::from_str(&findings).expect("JSON");
    let mut checks: Vec<&str> = Vec::new();
    for finding in &findings {
        let keys: Vec<&str> = finding.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["check", "fix", "state", "text"], "{finding}");
        assert_eq!((&finding["state"], &finding["fix"]), (&json!("ok"), &Value::Null), "{finding}");
        checks.push(finding["check"].as_str().expect("a word"));
    }
    checks.dedup();
    assert_eq!(
        checks,
        [
            "config",
            "login",
            "shell",
            "shadow",
            "home",
            "sshd",
            "sshd-config",
            "programs",
            "keys-login",
            "repositories",
            "database",
            "repositories",
            "disk",
            "helper",
            "git",
            "sandbox",
            "log"
        ]
    );
}

fn doctor_names_wrong_owners_and_modes_with_commands_that_fix_them() {
    let hub = Hub::new();
    let shown = |path: &str| hub.path(path).display().to_string();
    let (login, keys) = (&hub.login.name, &crate::harness::machine().keys.name);
    let [libexec, database, directory, repositories, open, config] =
        ["libexec", "db/hubgate.db", "db", "repositories", "open", "config.toml"].map(shown);
    for (broken, check, text, fix) in [
        (
            format!("chmod 775 {libexec}"),
            "programs",
            "users other than root can change",
            format!("chown root:root {libexec} && chmod go-w {libexec}"),
        ),
        (
            format!("cd {libexec} && cp gateway own && mv own gateway && chmod 600 gateway"),
            "programs",
            "is not executable for every user",
            format!("chmod 755 {libexec}/gateway"),
        ),
        (
            format!("chmod 600 {database}"),
            "database",
            "0600, not",
            format!("chown {login}:{keys} {database} && chmod 640 {database}"),
        ),
        (
            format!("chown root {database}-wal"),
            "database",
            "hubgate.db-wal is 0:",
            format!("chown {login}:{keys} {database}-wal && chmod 640 {database}-wal"),
        ),
        (
            format!("chmod g-s {directory}"),
            "database",
            "0750, not",
            format!("chown {login}:{keys} {directory} && chmod 2750 {directory}"),
        ),
        (
            format!("chmod 755 {repositories}"),
            "repositories",
            "0755, not",
            format!("chown {login}:{login} {repositories} && chmod 750 {repositories}"),
        ),
        (
            format!(
                "mkdir {open} && mv {repositories} {open}/ && sed -i 's,{repositories},{open}/repositories,' {config} && chmod 777 {open}"
            ),
            "repositories",
            "can be replaced",
            format!("chown root:root {open} && chmod go-w {open}"),
        ),
    ] {
        shell(&broken);
        names(&complaints(&hub), check, "bad", text, &fix);
        shell(&fix);
    }
    is_well(&hub);
    fs::remove_file(hub.path("libexec/services")).expect("a file");
    names(&complaints(&hub), "programs", "bad", "services is missing", "reinstall hubgate");
}

/// The only finding. Applies its fix, which has no effect on a running sshd here, and asks again.
#[track_caller]
fn fixes(hub: &Hub, state: &str, text: &str) {
    let found = complaints(hub);
    names(&found, "sshd-config", state, text, &found.first().expect("a finding")[3]);
    let [[_, _, _, fix]] = found.as_slice() else { panic!("{found:#?}") };
    shell(fix.strip_suffix(" && systemctl reload hubgate-sshd").unwrap_or_else(|| panic!("{fix}")));
    is_well(hub);
}

/// The block is in sshd's own file here, so each fix changes a line.
fn doctor_names_sshd_settings_that_differ() {
    let hub = Hub::new();
    let file = hub.path("sshd_config");
    let own = fs::read_to_string(&file).expect("a file");
    for (line, other, text) in [
        ("AcceptEnv GIT_PROTOCOL", "AcceptEnv *", "acceptenv should be GIT_PROTOCOL, sshd has *: a client could set"),
        (
            "ExposeAuthInfo yes",
            "ExposeAuthInfo no",
            "exposeauthinfo should be yes, sshd has no: the gateway cannot see",
        ),
        (
            "AuthorizedKeysFile none",
            "AuthorizedKeysFile .ssh/authorized_keys",
            "authorizedkeysfile should be none, sshd has .ssh/authorized_keys: a key in a file opens the account",
        ),
        (
            "TrustedUserCAKeys none",
            "TrustedUserCAKeys /etc/ca",
            "a certificate opens the account without asking hubgate",
        ),
        ("PermitUserRC no", "PermitUserRC yes", "a file in the home directory runs before the gateway"),
        ("DisableForwarding yes", "DisableForwarding no", "disableforwarding should be yes, sshd has no"),
    ] {
        assert!(own.contains(line), "{line}");
        fs::write(&file, own.replace(line, other)).expect("a file");
        fixes(&hub, "bad", text);
    }
    // Settings that may differ give only a warning.
    fs::write(&file, own.replace("LoginGraceTime 30", "LoginGraceTime 60")).expect("a file");
    fixes(&hub, "warning", "logingracetime should be 30, sshd has 60");
}

fn doctor_names_an_unreadable_database() {
    let hub = Hub::new();
    hub.user("alice");
    let database = hub.path("db/hubgate.db");
    let away = |from: &str, to: &str| fs::rename(hub.path(from), hub.path(to)).expect("a rename");
    away("db/hubgate.db", "db/away");
    let found = complaints(&hub);
    let fix = of(&hub, "hubgate restore BACKUP, or create an empty database: hubgate init");
    names(&found, "database", "bad", "hubgate.db is missing", &fix);
    assert_eq!(found.len(), 1, "{found:#?}");
    away("db/away", "db/hubgate.db");
    is_well(&hub);
    let fix = of(&hub, "restore the last backup: hubgate restore BACKUP");
    let whole = fs::read(&database).expect("the database");
    let file = fs::File::options().write(true).open(&database).expect("the database");
    file.write_all_at(&[0xff; 100], 0).expect("noise");
    let found = complaints(&hub);
    names(&found, "database", "bad", "file is not a database", &fix);
    assert_eq!(found.len(), 1, "{found:#?}");
    file.write_all_at(&whole, 0).expect("the database as it was");
    is_well(&hub);
    // In a page that lookups do not read, so only doctor notices it.
    file.write_all_at(&[0xff; 4096], (whole.len() - 4096) as u64).expect("noise");
    names(&complaints(&hub), "database", "bad", "is damaged: ", &fix);
}

fn doctor_names_a_database_of_another_version() {
    let hub = Hub::new();
    let own = hub.sql("SELECT version, min_reader FROM hubgate");
    let (version, reader) = own.trim_end().split_once('|').expect("two numbers");
    hub.sql("UPDATE hubgate SET version = 99, min_reader = 98");
    let found = complaints(&hub);
    let text = format!("the database has schema version 99 and needs 98 or newer; this hubgate has {version}");
    names(&found, "database", "bad", &text, "upgrade hubgate");
    assert_eq!(found.len(), 1, "{found:#?}");
    for (other, fix) in [("99", "upgrade hubgate"), ("0", "hubgate migrate")] {
        hub.sql(&format!("UPDATE hubgate SET version = {other}, min_reader = {reader}"));
        let text = format!("version {other}, but this hubgate writes {version}: sessions work, changes are refused");
        let found = complaints(&hub);
        names(&found, "database", "warning", &text, &of(&hub, fix));
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}

fn doctor_names_a_locked_database() {
    let hub = Hub::new();
    hub.user("alice");
    let mut sqlite = hub.as_login(Path::new("/usr/bin/sqlite3"));
    sqlite
        .arg(hub.path("db/hubgate.db"))
        .args(["PRAGMA locking_mode = EXCLUSIVE; CREATE TABLE held (x); SELECT 1", ".shell echo locked; sleep 100"]);
    let sqlite = lock(&hub, sqlite);
    let found = complaints(&hub);
    let fix =
        format!("find the process that holds it and end it: fuser --verbose {}", hub.path("db/hubgate.db").display());
    names(&found, "database", "bad", "database is locked: another process holds an exclusive lock", &fix);
    assert_eq!(found.len(), 1, "{found:#?}");
    drop(sqlite);
    is_well(&hub);
}

/// Runs doctor with mounts that a script makes in its own namespace.
#[track_caller]
fn complaints_among(hub: &Hub, mounts: &str) -> Vec<Complaint> {
    if run(Command::new("unshare").args(["--mount", "true"])).status != 0 {
        Skip::now("this container may not make mount namespaces");
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-ec", &format!("{mounts}\nexec \"$@\""), "sh"]);
    command.arg(program("hubgate")).arg("--config").arg(hub.config()).arg("--json").args(words(hub));
    let outcome = run(&mut command);
    assert_eq!(outcome.status, 1, "{outcome}");
    let findings: Vec<Value> =
        serde_json::from_slice(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"));
    let keys = ["check", "state", "text", "fix"];
    let of = |finding: &Value| keys.map(|key| finding[key].as_str().unwrap_or_default().to_owned());
    findings.iter().map(of).filter(|[_, state, ..]| state != "ok").collect()
}

fn doctor_names_a_read_only_or_full_file_system() {
    let hub = Hub::new();
    for directory in ["db", "repositories"] {
        let place = hub.path(directory);
        let place = place.display();
        let found = complaints_among(&hub, &format!("mount --bind {place} {place}\nmount -o remount,bind,ro {place}"));
        let fix = format!("mount -o remount,rw \"$(findmnt -no TARGET -T {place})\"");
        names(&found, "disk", "bad", "is on a read-only file system: fetches work, pushes fail", &fix);
        assert_eq!(found.len(), 1, "{found:#?}");
    }
    let (repositories, login) = (hub.path("repositories"), hub.login);
    let full = format!(
        "mount -t tmpfs -o size=64k,mode=750,uid={},gid={} full {}",
        login.uid,
        login.gid,
        repositories.display()
    );
    let found = complaints_among(&hub, &full);
    let fix = of(&hub, "free space with hubgate repo gc --all, or enlarge the file system");
    names(&found, "disk", "bad", "65536 bytes left: fetches work, pushes fail", &fix);
    assert_eq!(found.len(), 1, "{found:#?}");
}

fn doctor_names_a_log_without_a_reader() {
    let fix = "start the log daemon, such as rsyslog or journald, or set [log] socket";
    let hub = Hub::new();
    let log = hub.path("log");
    fs::rename(&log, hub.path("away")).expect("a rename");
    names(&complaints(&hub), "log", "bad", "No such file or directory", fix);
    let stuck = UnixDatagram::bind(&log).expect("a socket");
    is_well(&hub);
    fill(&log);
    let found = complaints(&hub);
    names(&found, "log", "bad", "its queue is full", fix);
    assert_eq!(found.len(), 1, "{found:#?}");
    drop(stuck);
    names(&complaints(&hub), "log", "bad", "Connection refused", fix);
}

/// Fills the queue of a socket that has no reader. Where the queue is long, one sender's buffer is full before it.
pub(crate) fn fill(socket: &Path) {
    let fills = || {
        let sender = UnixDatagram::unbound().expect("a socket");
        sender.connect(socket).expect("a connection");
        sender.set_nonblocking(true).expect("a flag");
        std::iter::from_fn(|| sender.send(b"x").ok()).count() == 0
    };
    while !fills() {}
}

fn doctor_names_repositories_that_cannot_be_opened() {
    let hub = Hub::new();
    hub.user("alice");
    for name in ["a", "b", "c", "d", "e"] {
        hub.repo(&format!("alice/{name}"), &[]);
    }
    let (directory, login) = (hub.directory("alice/a"), &hub.login.name);
    let place = directory.display();
    shell(&format!("chown root {place} && chmod 700 {place}"));
    let fix = format!("chown -R {login}:{login} {place} && chmod 750 {place}");
    names(&complaints(&hub), "repositories", "bad", &format!("alice/a: {place} is not usable for {login}"), &fix);
    shell(&fix);
    is_well(&hub);
    let missing = |name: &str| fs::rename(hub.directory(name), hub.path(&name.replace('/', "-"))).expect("a rename");
    missing("alice/a");
    let fix = of(&hub, "restore it from a backup, or: hubgate repo remove alice/a");
    let found = complaints(&hub);
    names(&found, "repositories", "bad", &format!("alice/a: {place}: No such file or directory"), &fix);
    assert_eq!(found.len(), 1, "{found:#?}");
    for name in ["alice/b", "alice/c", "alice/d", "alice/e"] {
        missing(name);
    }
    let found = complaints(&hub);
    names(&found, "repositories", "bad", "and 2 more", &of(&hub, "hubgate repo check"));
    assert_eq!(found.len(), 4, "{found:#?}");
    fs::rename(hub.path("repositories"), hub.path("away")).expect("a rename");
    names(
        &complaints(&hub),
        "repositories",
        "bad",
        "repositories: No such file or directory",
        &of(&hub, "hubgate init"),
    );
}
