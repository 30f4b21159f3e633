//! The operator's other commands: who may run them, setup, the audit log, JSON.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::accounts::json_of;
use crate::harness::{Hub, Outcome, Skip, background, machine, refused, run, says, trials, wait_for, wait_until};
use crate::programs::program;
use crate::texts::hi;

trials![
    only_root_and_the_login_account_may_run_hubgate,
    a_configuration_of_another_owner_is_rejected,
    migrating_twice_changes_nothing,
    an_old_database_asks_for_migrate,
    init_creates_a_hub_once,
    sshd_config_prints_the_block_that_the_tests_use,
    sshd_config_check_reads_what_sshd_reads,
    audit_lists_actors_and_changes,
    audit_lists_old_and_new_values,
    audit_follows_changes_and_sessions_until_a_signal,
    audit_ends_when_its_reader_goes_away,
    json_output_is_one_value_and_a_newline,
];

fn only_root_and_the_login_account_may_run_hubgate() {
    let hub = Hub::new();
    let run_as = |uid: u32, gid: u32, words: &[&str]| run(hub.hubgate_command().args(words).uid(uid).gid(gid));
    let login = hub.login;
    // The login account needs no root, and creates the same files.
    let program = &program("hubgate");
    if run(hub.as_login(program).arg("--version")).status != 0 {
        Skip::now("the login account may not enter cargo's target directory");
    }
    run_as(login.uid, login.gid, &["user", "add", "alice"]).is(&says("added alice\n"));
    run_as(login.uid, login.gid, &["repo", "create", "alice/x"]).succeeded();
    hub.did(&["user", "show", "alice"]);
    let answer =
        format!("hubgate: run this as root, or as the account that owns {}\n", hub.path("repositories").display());
    for (uid, gid) in [(65534, 65534), (machine().keys.uid, machine().keys.gid), (login.uid, 65534)] {
        run_as(uid, gid, &["user", "list"]).is(&refused(&answer));
    }
    run_as(login.uid, login.gid, &["init"])
        .is(&refused("hubgate: run hubgate init as root: it creates accounts and directories\n"));
    run_as(login.uid, login.gid, &["doctor"])
        .is(&refused("hubgate: run hubgate doctor as root: it checks files that only root can read\n"));
    // If root owns the store, there is no account to change to.
    run(Command::new("chown").arg("root:root").arg(hub.path("repositories"))).succeeded();
    let repositories = hub.path("repositories");
    hub.hubgate(&["user", "list"]).is(&refused(format!(
        "hubgate: {0} belongs to root: it must belong to the login account that serves: chown git:git {0}\n",
        repositories.display()
    )));
}

fn a_configuration_of_another_owner_is_rejected() {
    let hub = Hub::new();
    let config = hub.config();
    let shown = config.display();
    std::os::unix::fs::chown(&config, Some(hub.login.uid), None).expect("an owner");
    hub.hubgate(&["user", "list"]).is(&refused(format!(
        "hubgate: {shown} must be owned by root and not writable by group or others, or {shown} is not used: \
         chown root {shown} && chmod go-w {shown}\n"
    )));
    fs::remove_file(&config).expect("a file");
    fs::write(&config, "[hub]\nnane = \"x\"\n").expect("a file");
    let outcome = hub.hubgate(&["user", "list"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("at line 2, column 1"), "{outcome}");
    assert!(outcome.stderr().lines().all(|line| line.starts_with("hubgate: ")), "{outcome}");
}

fn migrating_twice_changes_nothing() {
    let hub = Hub::new();
    let version = hub.sql("SELECT version FROM hubgate");
    let answer = format!("the database has version {}: nothing to do\n", version.trim_end());
    hub.hubgate(&["migrate"]).is(&says(&answer));
    hub.hubgate(&["migrate"]).is(&says(&answer));
    let version: i64 = version.trim_end().parse().expect("a number");
    assert_eq!(json_of(&hub, &["migrate"]), json!({ "found": version, "version": version, "backup": null }));
    // A newer database stays as it is.
    hub.sql("UPDATE hubgate SET version = 99, min_reader = 99");
    hub.hubgate(&["migrate"]).is(&says("the database has version 99: nothing to do\n"));
    hub.hubgate(&["user", "list"]).is(&refused(format!(
        "hubgate: the database has schema version 99 and needs 99 or newer; this hubgate has {version}\n"
    )));
}

fn an_old_database_asks_for_migrate() {
    let hub = Hub::new();
    let version = hub.sql("SELECT version FROM hubgate");
    hub.sql("UPDATE hubgate SET version = 0");
    hub.hubgate(&["user", "list"]).is(&refused(format!(
        "hubgate: the database has schema version 0, and this hubgate needs {}: run hubgate migrate\n",
        version.trim_end()
    )));
}

/// Runs a script with copies of `/etc`, `/usr/libexec` and `/var/lib`, so that no change stays. The script sees no
/// other processes, because usermod(8) refuses to change an account while a visible process has its uid.
#[track_caller]
pub(crate) fn on_a_fresh_machine(hub: &Hub, script: &str) -> Outcome {
    const MACHINE: &str = r#"set -e
work=$1
mkdir "$work/fresh"
mount -t tmpfs tmpfs "$work/fresh"
copy_etc() {
    rm -rf "$work/fresh/etc"
    cp -a /etc "$work/fresh/etc"
}
# cp fails if another program's temporary file goes while it copies, as useradd's do.
copy_etc 2>/dev/null || copy_etc 2>/dev/null || copy_etc
mkdir "$work/fresh/libexec" "$work/fresh/lib"
cp -a "$work/libexec" "$work/fresh/libexec/hubgate"
cp "$2" "$work/fresh/libexec/hubgate/hubgate"
mount --bind "$work/fresh/etc" /etc
mount --bind "$work/fresh/libexec" /usr/libexec
PATH="/usr/libexec/hubgate:$PATH"
mount --bind "$work/fresh/lib" /var/lib
rm -rf /etc/hubgate /etc/passwd.lock /etc/shadow.lock /etc/group.lock /etc/gshadow.lock
for account in git hubgate-keys; do
    # All of this is a copy.
    sed -i "/^$account:/d" /etc/passwd /etc/shadow /etc/group /etc/gshadow
done
"#;
    let alone = ["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"];
    if run(Command::new("unshare").args(alone).arg("true")).status != 0 {
        Skip::now("this container may not make mount and process namespaces");
    }
    let mut command = Command::new("unshare");
    command.args(alone).args(["sh", "-c", &format!("{MACHINE}{script}"), "sh"]);
    run(command.arg(&hub.dir).arg(program("hubgate")))
}

fn init_creates_a_hub_once() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "hubgate init --host hub.test\nhubgate --json init\nhubgate user add alice\n\
         stat -c '%n %U:%G %a' /etc/hubgate/config.toml /var/lib/hubgate /var/lib/hubgate/* /var/lib/hubgate/db/*\n\
         getent passwd git hubgate-keys | cut -d: -f1,6,7\n\
         getent shadow git hubgate-keys | cut -d: -f1,2\n",
    );
    outcome.is(&says(
        "created the configuration /etc/hubgate/config.toml\n\
         created the login account git\n\
         created the login account hubgate-keys\n\
         created the directory /var/lib/hubgate/db\n\
         created the directory /var/lib/hubgate/repositories\n\
         created the database /var/lib/hubgate/db/hubgate.db\n\
         next: hubgate sshd-config --install, and hubgate doctor to check the setup\n\
         {\n  \"made\": [],\n  \"set\": []\n}\n\
         added alice\n\
         /etc/hubgate/config.toml root:root 644\n\
         /var/lib/hubgate root:root 755\n\
         /var/lib/hubgate/db git:hubgate-keys 2750\n\
         /var/lib/hubgate/repositories git:git 750\n\
         /var/lib/hubgate/db/hubgate.db git:hubgate-keys 640\n\
         /var/lib/hubgate/db/hubgate.db-shm git:hubgate-keys 640\n\
         /var/lib/hubgate/db/hubgate.db-wal git:hubgate-keys 640\n\
         git:/var/lib/hubgate:/usr/libexec/hubgate/gateway\n\
         hubgate-keys:/:/usr/sbin/nologin\n\
         git:*\n\
         hubgate-keys:*\n",
    ));
}

fn sshd_config_prints_the_block_that_the_tests_use() {
    let hub = Hub::new();
    let block = hub.did(&["sshd-config"]);
    let own = fs::read_to_string(hub.path("sshd_config")).expect("a file");
    let (_, own) = own.split_once("\n\n").expect("the preamble");
    let libexec = hub.path("libexec").display().to_string();
    assert_eq!(block, own.replace(&libexec, "/usr/libexec/hubgate").replace(&machine().keys.name, "hubgate-keys"));
    let version = machine().sshd_version.to_string();
    assert_eq!(json_of(&hub, &["sshd-config"]), json!({ "version": version, "block": block }));
}

fn sshd_config_check_reads_what_sshd_reads() {
    let hub = Hub::new();
    let file = hub.path("sshd_config");
    let check = ["sshd-config", "--check", "--sshd-config", file.to_str().expect("UTF-8")];
    // The hub's own file differs from an installed one in the paths of its programs and in one account.
    let outcome = hub.hubgate(&check);
    let config = hub.config();
    let expected = format!(
        "authorizedkeyscommand should be /usr/libexec/hubgate/authorized-keys --config {0} %u %t %k, \
         sshd has {1}/authorized-keys --config {0} %u %t %k\n\
         authorizedkeyscommanduser should be hubgate-keys, sshd has {2}\n",
        config.display(),
        hub.path("libexec").display(),
        machine().keys.name
    );
    outcome.is(&says(expected).status(1));
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, format!("{text}\nMatch all\nFrobnicate yes\n")).expect("a file");
    let outcome = hub.hubgate(&check);
    assert!(outcome.status == 1 && outcome.stdout().starts_with("sshd -t: "), "{outcome}");
    assert!(outcome.stdout().contains("Bad configuration option: Frobnicate"), "{outcome}");
}

fn audit_lists_actors_and_changes() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["repo", "create", "alice/x", "--private"]);
    run(hub.hubgate_command().env("SUDO_USER", "carol").args(["user", "disable", "alice", "--reason", "r"]))
        .succeeded();
    let events = json_of(&hub, &["audit"]);
    let told: Vec<(&str, &str, &str)> = events
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| {
            let word = |key: &str| event[key].as_str().unwrap_or_default();
            assert_eq!(event["at"], "TIME");
            (word("event"), word("object"), word("actor"))
        })
        .collect();
    let key = alice.key.fingerprint.as_str();
    let root = "operator:root";
    assert_eq!(
        told,
        [
            ("user.create", "alice", root),
            ("key.add", key, root),
            ("repo.create", "alice/x", root),
            ("user.disable", "alice", "operator:carol")
        ]
    );
    let only = |words: &[&str]| json_of(&hub, &[&["audit"], words].concat()).as_array().expect("a list").len();
    assert_eq!((only(&["--repo", "Alice/X"]), only(&["--key", key]), only(&["--user", "alice"])), (1, 1, 3));
    assert_eq!(only(&["--since", "2999-01-01"]), 0);
}

fn audit_lists_old_and_new_values() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    alice.ssh("repo create alice/x --private").succeeded();
    alice.ssh("repo visibility alice/x public").succeeded();
    alice.ssh("repo collaborator set alice/x bob read").succeeded();
    alice.ssh("repo collaborator set alice/x bob write").succeeded();
    let key = alice.key.fingerprint.as_str();
    let events = json_of(&hub, &["audit", "--repo", "alice/x", "--user", "alice", "--key", key]);
    let events = events.as_array().expect("a list");
    let told: Vec<(&Value, &Value, &Value)> =
        events.iter().map(|event| (&event["event"], &event["actor"], &event["key"])).collect();
    let names =
        ["repo.create", "repo.update_settings", "repo.set_collaborator", "repo.set_collaborator"].map(Value::from);
    let (actor, key) = (json!("alice"), json!(key));
    assert_eq!(told, names.iter().map(|name| (name, &actor, &key)).collect::<Vec<_>>());
    // The session id is that of the log line.
    let logged: Vec<String> = hub.log().into_iter().filter_map(|entry| entry.sid).collect();
    for event in events {
        assert!(logged.iter().any(|sid| event["session"] == sid.as_str()), "{event} {logged:?}");
    }
    let details: Vec<Value> = events.iter().map(|event| event["detail"].clone()).collect();
    assert_eq!(details[1], json!({ "before": "private", "visibility": "public" }));
    assert_eq!(details[2], json!({ "user": "bob", "role": "read", "until": null, "before": null }));
    let before = json!({ "role": "read", "until": null });
    assert_eq!(details[3], json!({ "user": "bob", "role": "write", "until": null, "before": before }));
    let operators = json_of(&hub, &["audit", "--user", "bob"]);
    assert_eq!((&operators[0]["actor"], &operators[0]["key"]), (&json!("operator:root"), &Value::Null));
}

/// Waits until a file has this many lines, and returns them.
#[track_caller]
fn lines_of(file: &Path, count: usize) -> Vec<String> {
    wait_for(|| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let is_enough = text.lines().count() >= count && text.ends_with('\n');
        if is_enough { Ok(text.lines().map(str::to_owned).collect()) } else { Err(format!("no {count} lines: {text}")) }
    })
}

fn audit_follows_changes_and_sessions_until_a_signal() {
    const SESSION: &str =
        "sid=00 user=alice key=SHA256:x from=::1 verb=upload-pack repo=alice/x decision=allow reason=\"\"";
    for signal in [nix::sys::signal::Signal::SIGTERM, nix::sys::signal::Signal::SIGINT] {
        let hub = Hub::new();
        hub.did(&["user", "add", "alice"]);
        let (log, out) = (hub.path("auth.log"), hub.path("out"));
        fs::write(&log, format!("Nov 24 09:00:00 hub hubgate[1]: {SESSION}\n")).expect("a log");
        fs::set_permissions(&log, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("a mode");
        let mut command = hub.hubgate_command();
        command.args(["--json", "audit", "--follow", "--user", "alice", "--log"]).arg(&log);
        command.stdin(std::process::Stdio::null()).stdout(fs::File::create(&out).expect("a file"));
        let mut follower = background(&mut command);
        lines_of(&out, 2);
        hub.did(&["user", "add", "bob"]);
        hub.did(&["user", "disable", "alice", "--reason", "r"]);
        lines_of(&out, 3);
        // After a log rotation, it continues.
        fs::rename(&log, hub.path("auth.log.1")).expect("a rotation");
        fs::write(&log, format!("Nov 24 09:00:01 hub hubgate[2]: {SESSION}\n")).expect("a log");
        let lines = lines_of(&out, 4);
        let events: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let mut told: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        told.sort_unstable();
        assert_eq!(told, ["session", "session", "user.create", "user.disable"]);
        let processes = follower.processes();
        assert_eq!(processes.len(), 2, "{processes:?}");
        assert_eq!(follower.end_with(signal), Some(0));
        // No process of the command keeps running.
        let runs = |pid: &nix::unistd::Pid| Path::new(&format!("/proc/{pid}/exe")).exists();
        wait_until("tail goes on", || !processes.iter().any(runs));
    }
}

fn audit_ends_when_its_reader_goes_away() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let program = program("hubgate");
    let line = format!("'{}' --config {} audit --follow | head -n 1", program.display(), hub.config().display());
    let outcome = run(Command::new("timeout").args(["30", "sh", "-c", &line]));
    assert!(
        outcome.status == 0 && outcome.stdout().contains("  user.create               alice by operator:root: {"),
        "{outcome}"
    );
}

fn json_output_is_one_value_and_a_newline() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    alice.greet().is(&says(hi("alice")));
    hub.did(&["repo", "create", "alice/x"]);
    for words in [
        &["user", "list"][..],
        &["user", "show", "alice"],
        &["org", "list"],
        &["key", "list"],
        &["key", "show", &alice.key.fingerprint],
        &["repo", "list"],
        &["repo", "show", "alice/x"],
        &["repo", "check"],
        &["migrate"],
        &["sshd-config"],
        &["audit"],
    ] {
        let text = hub.did(&[&["--json"], words].concat());
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error}\n{text}"));
        assert!(value.is_object() || value.is_array(), "{text}");
        // The flag may follow the command.
        assert_eq!(hub.did(&[words, &["--json"]].concat()), text);
    }
}
