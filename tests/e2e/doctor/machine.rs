//! `hubgate doctor` on the whole machine: git, the sandbox, the configuration, the accounts, a login.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{complaints, complaints_of, is_well, names, of, shell, words};
use crate::harness::{Hub, Setup, Skip, background, run, trials, wait_until};
use crate::operator::on_a_fresh_machine;

trials![
    doctor_names_a_missing_git_and_a_disabled_sandbox,
    doctor_names_a_rejected_configuration,
    doctor_names_accounts_that_cannot_serve_with_commands_that_fix_them,
    doctor_runs_a_helper_in_roots_group_as_sshd_does,
    name_service_modules_crash_no_program,
    doctor_tries_a_login_and_leaves_no_traces,
    a_killed_doctor_leaves_no_account,
];

fn doctor_names_a_missing_git_and_a_disabled_sandbox() {
    let hub = Hub::new();
    for (git, text, fix) in [
        ("/nonexistent/git", "/nonexistent/git: No such file or directory", "apt-get install git, or set [paths] git"),
        ("/bin/echo", "/bin/echo is not git: --version prints \"echo ", "apt-get install git, or set [paths] git"),
    ] {
        hub.configure(&Setup { git: Some(Path::new(git)), ..Setup::default() });
        names(&complaints(&hub), "git", "bad", text, fix);
    }
    hub.configure(&Setup { more: "[sandbox]\nmode = \"off\"\n", ..Setup::default() });
    let found = complaints(&hub);
    names(&found, "sandbox", "warning", "mode off: fetch ", "set [sandbox] mode = \"best-effort\"");
    assert_eq!(found.len(), 1, "{found:#?}");
}

fn doctor_names_a_rejected_configuration() {
    let hub = Hub::new();
    let file = hub.config();
    let shown = file.display();
    let own = fs::read_to_string(&file).expect("a file");
    let line = format!("correct that line of {shown}; hubgate.toml(5) has every key");
    for (text, cause) in
        [("[hub]\nnane = \"x\"\n", "at line 2, column 1"), ("[hub]\nname = \"\"\n", "[hub] name and keys_help")]
    {
        fs::write(&file, text).expect("a file");
        names(&complaints(&hub), "config", "bad", cause, &line);
    }
    fs::write(&file, own).expect("a file");
    let fix = format!("chown root {shown} && chmod go-w {shown}");
    shell(&format!("chmod 666 {shown}"));
    names(&complaints(&hub), "config", "bad", "must be owned by root and not writable by group or others", &fix);
    shell(&fix);
    is_well(&hub);
    fs::remove_file(&file).expect("a file");
    names(&complaints(&hub), "config", "bad", "No such file or directory", &of(&hub, "hubgate init"));
}

fn doctor_names_accounts_that_cannot_serve_with_commands_that_fix_them() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "hubgate init >/dev/null\nusermod --lock git\nusermod --append --groups root git\n\
         usermod --shell /usr/sbin/nologin --home /var/lib/nowhere git\nuserdel --force hubgate-keys\n\
         hubgate doctor --json >/etc/before || true\n\
         sed -n 's/^    \"fix\": \"\\(.*\\)\",*$/\\1/p' /etc/before |\n\
         grep -E '^(usermod|gpasswd|install|hubgate init)' | uniq >/etc/fixes\n\
         sh -e /etc/fixes >/dev/null\nhubgate doctor --json >/etc/after || true\n\
         cat /etc/fixes\necho BEFORE\ncat /etc/before\necho AFTER\ncat /etc/after\n",
    );
    assert_eq!((outcome.status, outcome.stderr().as_str()), (0, ""), "{outcome}");
    let stdout = outcome.stdout();
    let (fixes, reports) = stdout.split_once("BEFORE\n").expect("two reports");
    let expected = "gpasswd --delete git root\nusermod --shell /usr/libexec/hubgate/gateway git\nusermod --password '*' git\n\
                    install -d -m 755 /var/lib/nowhere\nhubgate init\n";
    assert_eq!(fixes, expected);
    let (before, after) = reports.split_once("AFTER\n").expect("two reports");
    for (report, state) in [(before, "bad"), (after, "ok")] {
        let report: Vec<Value> = serde_json::from_str(report).expect("JSON");
        for check in ["login", "shell", "shadow", "home", "keys-login"] {
            let is_so = |finding: &Value| finding["check"] == check && finding["state"] == state;
            assert!(report.iter().any(is_so), "{check} should be {state}: {report:#?}");
        }
    }
}

fn doctor_runs_a_helper_in_roots_group_as_sshd_does() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "hubgate init >/dev/null\nusermod --append --groups root hubgate-keys\nhubgate doctor || true\n\
         gpasswd --delete hubgate-keys root >/dev/null\necho FIXED\nhubgate doctor || true\n",
    );
    let stdout = outcome.stdout();
    let (before, after) = stdout.split_once("FIXED\n").expect("two reports");
    assert!(before.contains("bad      keys-login     hubgate-keys is in the group root"), "{outcome}");
    assert!(before.contains("fix:           gpasswd --delete hubgate-keys root\n"), "{outcome}");
    // The failure of the helper is a consequence.
    assert!(!before.contains("helper"), "{outcome}");
    assert!(after.contains("ok       keys-login     hubgate-keys\n"), "{outcome}");
    assert!(after.contains("ok       helper         answers as hubgate-keys\n"), "{outcome}");
}

fn doctor_tries_a_login_and_leaves_no_traces() {
    let mut hub = Hub::new();
    let login = [words(&hub), vec!["--login".to_owned()]].concat();
    let doctor = |hub: &Hub| run(hub.hubgate_command().args(&login));
    let outcome = doctor(&hub);
    let greeted = format!("ok       loopback       a login at 127.0.0.1 port {} was greeted by name\n", hub.port);
    assert!(outcome.status == 0 && outcome.stdout().contains(&greeted), "{outcome}");
    hub.stop_sshd();
    let found = complaints_of(&hub, &login);
    let fix = "systemctl start hubgate-sshd";
    names(&found, "loopback", "bad", &format!("a login at 127.0.0.1 port {} failed", hub.port), fix);
    assert_eq!(hub.did(&["--json", "user", "list"]), "[]\n");
    let rows = || {
        let tables = ["owner", "former_name", "key", "repository", "member", "former_path", "invite"];
        tables.map(|table| hub.sql(&format!("SELECT count(*) FROM {table}"))).concat()
    };
    assert_eq!(rows(), "0\n".repeat(7));
    for directory in ["last-used", "last-greeted"] {
        let files = fs::read_dir(hub.path("db").join(directory)).map(|files| files.count());
        assert_eq!(files.unwrap_or_default(), 0, "{directory}");
    }
    // Two audit rows a login.
    let rows_of_audit: Value = serde_json::from_str(&hub.did(&["--json", "audit"])).expect("JSON");
    let events: Vec<&str> =
        rows_of_audit.as_array().expect("rows").iter().filter_map(|row| row["event"].as_str()).collect();
    assert_eq!(events, ["doctor.login", "doctor.logout"].repeat(3));
    for row in rows_of_audit.as_array().expect("rows") {
        let account = row["object"].as_str().expect("an account");
        assert!(!Path::new("/run").join(format!("hubgate-{account}")).exists(), "{account}");
    }
}

/// Ends doctor, or both its processes, while the temporary account exists.
fn a_killed_doctor_leaves_no_account() {
    let hub = Hub::new();
    // Another process may be about to open the database. A connection of root, or one that may write, could replace
    // the files beside it at that moment.
    let users = || {
        let mut sqlite = hub.as_login(Path::new("/usr/bin/sqlite3"));
        sqlite.args(["-readonly", "-cmd", ".timeout 10000"]).arg(hub.path("db/hubgate.db"));
        run(sqlite.arg("SELECT name FROM owner ORDER BY name")).succeeded().stdout()
    };
    let login = [words(&hub), vec!["--login".to_owned()]].concat();
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        // sshd does not answer, so the login takes long.
        let ssh = hub.path("bin/ssh");
        fs::create_dir_all(hub.path("bin")).expect("a directory");
        fs::write(&ssh, "#!/bin/sh\nexec sleep 600\n").expect("a script");
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).expect("a mode");
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", hub.path("bin").display());
        let mut command = hub.hubgate_command();
        let said = hub.path("said");
        let file = fs::File::create(&said).expect("a file");
        command.args(&login).env("PATH", path).stdin(Stdio::null());
        let mut process = background(command.stdout(file.try_clone().expect("a file")).stderr(file));
        wait_until("no temporary account", || {
            assert!(!process.has_ended(), "{}", fs::read_to_string(&said).expect("a file"));
            users().starts_with("doctor-")
        });
        let account = users().trim_end().to_owned();
        process.end_with(signal);
        drop(process);
        wait_until("the account is left", || users().is_empty());
        // The next doctor removes the directory after ten minutes.
        fs::remove_dir_all(Path::new("/run").join(format!("hubgate-{account}"))).expect("a directory");
    }
    // A machine that lost power leaves the rows; the next login erases them. A person's account stays.
    hub.did(&["user", "add", "doctor-0123456789abcdef", "--no-create"]);
    hub.sql(
        "INSERT INTO owner (name, folded, kind, may_create, created_at) VALUES ('doctor-ff', 'doctor-ff', 'user', 0, 1);
         INSERT INTO audit (at, actor, event, object, detail) VALUES (1, 'x', 'doctor.login', 'doctor-ff', '{}');
         INSERT INTO key (fingerprint, owner_id, type, blob, title, scope, added_at)
             SELECT zeroblob(32), id, 'ssh-ed25519', x'00', 'doctor', 'read', 1 FROM owner WHERE name = 'doctor-ff'",
    );
    let notes = ["last-used", "last-greeted"].map(|name| hub.path("db").join(name).join("0".repeat(64)));
    for note in &notes {
        fs::create_dir_all(note.parent().expect("a directory")).expect("a directory");
        fs::write(note, "").expect("a file");
        run(Command::new("chown").arg("-R").arg(&hub.login.name).arg(note.parent().expect("a directory"))).succeeded();
    }
    let outcome = run(hub.hubgate_command().args(&login));
    assert!(outcome.stdout().contains("was greeted by name"), "{outcome}");
    assert_eq!(users(), "doctor-0123456789abcdef\n");
    assert!(notes.iter().all(|note| !note.exists()), "what sessions noted of its key is left");
    hub.did(&["user", "remove", "doctor-0123456789abcdef", "--yes"]);
}

/// Debian 12 with libnss-systemd. glibc's own lookups load such modules into a static program, which then dies of
/// SIGSEGV. So this test matters most for the programs of `packaging/build.sh`.
fn name_service_modules_crash_no_program() {
    let module = run(Command::new("sh").args(["-c", "ldconfig -p | grep -q libnss_systemd"]));
    if module.status != 0 {
        Skip::now("no libnss-systemd on this machine");
    }
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "printf '%s: files systemd\\n' passwd group shadow gshadow >/etc/nsswitch.conf\n\
         hubgate init >/dev/null\nhubgate user add alice\nhubgate doctor >/etc/said 2>&1 && status=$? || status=$?\n\
         echo \"doctor $status $(tail -n 1 /etc/said)\"\n\
         git init --quiet --bare /var/lib/x.git && chmod 755 /var/lib/x.git\n\
         printf '000eversion 1\\n0000' | setpriv --reuid=54321 --regid=54321 --clear-groups \
             hubgate lfs serve /var/lib/x.git download >/etc/answer && status=$? || status=$?\n\
         echo \"serve $status $(head -c 13 /etc/answer)\"\n",
    );
    let stdout = outcome.stdout();
    let lines: Vec<&str> = stdout.lines().collect();
    assert!(outcome.status == 0 && lines.first() == Some(&"added alice"), "{outcome}");
    assert_eq!(lines.get(1), Some(&"doctor 1 problems found"), "{outcome}");
    assert_eq!(lines.get(2), Some(&"serve 0 000eversion=1"), "{outcome}");
}
