//! Hostile inputs through the real programs: the rows of `tests/data/hostile-inputs.jsonl`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::Command;

use hubgate::sealed::Sealed;

use crate::harness::{Client, Entry, Hub, Setup, machine, refused, run, run_with, says, trials};
use crate::rows::{Row, of_kind};
use crate::texts::{INVALID, hi, not_found, not_supported, unknown_key};

trials![
    every_hostile_command_is_answered_as_its_row_says,
    login_rows_are_answered_as_they_say,
    every_forced_command_that_sshd_cannot_have_written_is_a_fault,
    every_forced_command_that_sshd_writes_is_accepted,
    git_gets_an_environment_built_from_nothing,
    the_push_hook_gets_its_descriptors_and_no_other_variables,
    services_runs_only_for_a_sealed_message,
    no_variable_of_a_client_reaches_git_through_sshd,
    no_variable_that_sshd_admits_reaches_git,
    an_invalid_address_is_logged_as_unknown,
    helper_rows_are_answered_as_they_say,
];

/// What LFS clients read that ask for an HTTP server.
pub(crate) const LFS_INSIDE_SSH: &str = "hubgate: this server serves LFS over SSH alone: git-lfs 3.0 and newer use that \
    unless lfs.sshtransfer is never\n\
    hubgate: git-xet is not needed; clients that need HTTP, such as git-annex and dvc, get no LFS objects here\n";
/// A fingerprint that is not registered.
const NOBODY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn every_hostile_command_is_answered_as_its_row_says() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for owner in ["0", "_a", "etc"] {
        hub.did(&["user", "add", owner]);
    }
    let known =
        ["alice/x", "datasets/alice/x", "alice/x.y-z_0", "0/1", "_a/b_", "alice/git", "alice/datasets", "etc/passwd"];
    for path in known {
        hub.repo(path, &[]);
    }
    let _master = alice.master();
    hub.log();
    let (mut answered, mut undeliverable) = (0, Vec::new());
    for row in of_kind("soc") {
        if row.input.contains(&0) {
            // ssh's command line cannot contain it; sshd drops the connection of other clients that send it
            // (reference/SSHD.md).
            undeliverable.push(row.id);
            continue;
        }
        // A flush packet ends git's conversation at its start.
        let outcome = alice.ssh_with(&[], row.command(), b"0000");
        let log = hub.log();
        let [line] = log.as_slice() else { panic!("{}: not one line in the log: {log:?}\n{outcome}", row.id) };
        check_line(&row, line);
        match row.message.as_deref() {
            Some("E_SYNTAX") => outcome.is(&refused(INVALID)),
            Some("E_VERB") => outcome.is(&refused(not_supported(&alice)).status(127)),
            Some("E_NOREPO") => outcome.is(&refused(not_found(&alice))),
            None => {
                let kind = row.normalized["repo_type"].as_str().expect("a type");
                let prefix = if kind == "model" { String::new() } else { format!("{kind}s/") };
                let path = prefix + row.normalized["repo"].as_str().expect("a path");
                match row.normalized["verb"].as_str() {
                    _ if !known.contains(&path.as_str()) => outcome.is(&refused(not_found(&alice))),
                    Some("git-upload-pack") => {
                        let refs = outcome.succeeded().stdout();
                        assert!(refs.contains(&format!(" refs/tags/of/{path}\n")), "{}: {outcome}", row.id);
                        assert!(outcome.stderr.is_empty(), "{outcome}");
                    }
                    Some("git-upload-archive") => outcome.is(&refused(not_supported(&alice)).status(127)),
                    Some("git-lfs-authenticate") => outcome.is(&refused(LFS_INSIDE_SSH)),
                    verb => panic!("{}: no answer known for {verb:?}", row.id),
                }
            }
            Some(code) => panic!("{}: no answer known for {code}", row.id),
        }
        answered += 1;
    }
    assert_eq!((answered, undeliverable), (128, vec!["soc-185".to_owned()]));
}

/// Checks the log line of a session: printable ASCII, at most the level of a refusal, and the reason of the row.
#[track_caller]
fn check_line(row: &Row, line: &Entry) {
    let printable = line.fields.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    assert!(printable && ["info", "notice"].contains(&line.level) && line.program == "hubgate", "{}: {line}", row.id);
    let reason = match row.message.as_deref() {
        Some("E_SYNTAX") => "decision=deny reason=syntax",
        Some("E_VERB") => "decision=deny reason=verb",
        Some("E_NOREPO") => "decision=deny reason=path",
        _ => "decision=",
    };
    let unread = row.message.as_deref() == Some("E_NOREPO") && line.fields.ends_with("reason=no-repository");
    assert!(unread || line.fields.contains(reason), "{}: {line}", row.id);
}

fn login_rows_are_answered_as_they_say() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    for row in of_kind("login") {
        match row.id.as_str() {
            "login-001" => alice.greet().is(&says(hi("alice"))),
            "login-002" => stranger.greet().is(&says(hi("anonymous")).warning(unknown_key(&stranger))),
            "login-004" => {
                hub.log();
                let mut gateway = hub.gateway_command();
                gateway.env_remove("SSH_CONNECTION").args(["alice", "--key", &alice.key.fingerprint]);
                let reference = run(&mut gateway).is_fault();
                let log = hub.log();
                assert_eq!((log[0].level, log[0].sid.as_deref(), log.len()), ("critical", Some(reference.as_str()), 1));
                assert!(
                    log[0].fields.ends_with("reason=\"not started by sshd: SSH_CONNECTION is not set\""),
                    "{log:?}"
                );
            }
            id => panic!("{id}: no answer known"),
        }
    }
}

/// The words of a row, split as a shell does.
fn words(row: &Row) -> Vec<OsString> {
    row.input.split(|byte| *byte == b' ').map(|word| OsString::from_vec(word.to_vec())).collect()
}

fn every_forced_command_that_sshd_cannot_have_written_is_a_fault() {
    let hub = Hub::new();
    hub.user("alice");
    let rows: Vec<Row> = of_kind("argv").into_iter().filter(|row| !row.accepted).collect();
    assert_eq!(rows.len(), 11);
    for row in rows {
        let as_user = [row.command(), "--key".into(), NOBODY.into()];
        let as_shell = [b"/libexec/gateway ".as_slice(), &row.input].concat();
        let as_shell = ["-c".into(), OsString::from_vec(as_shell)];
        let mut forced_commands: Vec<Vec<OsString>> = vec![vec![row.command()], words(&row), as_shell.to_vec()];
        // These are a whole identity without its key, so they are valid as a user.
        if !["argv-022", "argv-025"].contains(&row.id.as_str()) {
            forced_commands.push(as_user.to_vec());
        }
        for forced_command in forced_commands {
            let mut gateway = hub.gateway_command();
            gateway.env("SSH_ORIGINAL_COMMAND", "git-upload-pack 'alice/x'").args(forced_command);
            // An unreadable forced command names no configuration, so the fault is in the machine's log.
            let reference = hub.with_dev_log(hub.login, &gateway).is_fault();
            let log = hub.log();
            let [line] = log.as_slice() else { panic!("{}: {log:?}", row.id) };
            assert_eq!((line.level, line.sid.as_deref()), ("critical", Some(reference.as_str())), "{}", row.id);
            assert!(line.fields.bytes().all(|byte| (0x20..=0x7e).contains(&byte)), "{}: {line}", row.id);
            assert!(line.fields.contains("decision=fault reason=\"the forced command is malformed: "), "{line}");
        }
    }
}

fn every_forced_command_that_sshd_writes_is_accepted() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for row in of_kind("argv").into_iter().filter(|row| row.accepted) {
        let outcome = run(hub.gateway_command().args(words(&row)));
        if row.id == "argv-021" {
            outcome.is(&refused(format!("hubgate: the key {NOBODY} is no longer on the account alice\n")));
        } else {
            let at = &alice.at;
            outcome.is(&says(hi("anonymous")).warning(format!(
                "hubgate: the key {NOBODY} is on no account here\n\
                 hubgate: to use another key: ssh -o IdentitiesOnly=yes -i FILE {at}\n"
            )));
        }
    }
    // Bob's key with alice's name: the database decides.
    let bob = hub.user("bob");
    hub.log();
    let reference = run(hub.gateway_command().args(["alice", "--key", &bob.key.fingerprint])).is_fault();
    let log = hub.log();
    assert_eq!((log[0].level, log[0].sid.as_deref(), log.len()), ("critical", Some(reference.as_str()), 1));
}

/// A git that records its arguments and environment.
struct Recorder<'a>(&'a Hub);

impl<'a> Recorder<'a> {
    fn install(hub: &'a Hub) -> Self {
        let record = hub.path("record");
        fs::create_dir(&record).expect("a directory");
        std::os::unix::fs::chown(&record, Some(hub.login.uid), Some(hub.login.gid)).expect("an owner");
        let git = hub.path("git");
        // /proc has the environment in which the script was started, without the shell's changes. The push hook starts
        // git too, so only the first start is recorded.
        let script = format!(
            "#!/bin/sh\n[ -e {0}/environ ] || {{ cat /proc/$$/environ >{0}/environ; cat /proc/$$/cmdline >{0}/cmdline; }}\n\
             exec {1} \"$@\"\n",
            record.display(),
            machine().git().path.display()
        );
        fs::write(&git, script).expect("a script");
        run(Command::new("chmod").arg("755").arg(&git)).succeeded();
        // In the sandbox, the script could not write the record.
        hub.configure(&Setup { git: Some(&git), more: "[sandbox]\nmode = \"off\"\n", ..Setup::default() });
        Self(hub)
    }

    fn read(&self, name: &str) -> Vec<String> {
        let file = self.0.path(&format!("record/{name}"));
        let bytes = fs::read(&file).expect("a record");
        let _ = fs::remove_file(&file);
        let text = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
        text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    /// The arguments after the script's own.
    fn words(&self) -> Vec<String> {
        self.read("cmdline").into_iter().skip(2).collect()
    }

    /// The environment; git's configuration in it is returned separately, as `key` = `value`.
    fn environment(&self) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
        let pair = |word: String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        let pairs: Vec<(String, String)> = self.read("environ").into_iter().filter_map(pair).collect();
        let mut variables: BTreeMap<String, String> = pairs.iter().cloned().collect();
        assert_eq!(variables.len(), pairs.len(), "no name twice");
        let count: usize = variables.remove("GIT_CONFIG_COUNT").expect("a count").parse().expect("a number");
        let mut take = |name: &str, index| variables.remove(&format!("GIT_CONFIG_{name}_{index}")).expect("a setting");
        let settings = (0..count).map(|index| (take("KEY", index), take("VALUE", index))).collect();
        (variables, settings)
    }
}

fn expected_environment(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let fixed = [
        ("PATH", "/usr/bin:/bin"),
        ("HOME", "/nonexistent"),
        ("LC_ALL", "C.UTF-8"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ];
    fixed.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn git_gets_an_environment_built_from_nothing() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let recorder = Recorder::install(&hub);
    alice.git(&["-c", "protocol.version=2", "ls-remote", "--quiet", &Client::url("alice/x")]).succeeded();
    assert_eq!(recorder.words(), ["upload-pack", "--strict", "--", "."]);
    let (variables, settings) = recorder.environment();
    assert_eq!(variables, expected_environment(&[("GIT_PROTOCOL", "version=2")]));
    for (key, value) in [
        ("safe.directory", "."),
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.alternateRefsCommand", "true"),
        ("protocol.allow", "never"),
        ("uploadpack.allowFilter", "true"),
        ("uploadpackfilter.allow", "false"),
        ("gc.auto", "0"),
    ] {
        assert_eq!(settings.get(key).map(String::as_str), Some(value), "{key}");
    }
}

fn the_push_hook_gets_its_descriptors_and_no_other_variables() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let recorder = Recorder::install(&hub);
    alice.git(&["init", "--quiet", "x"]).succeeded();
    alice.commit("x", "file", "1");
    alice.git_in("x", &["-c", "protocol.version=0", "push", "--quiet", &Client::url("alice/x"), "main"]).succeeded();
    assert_eq!(recorder.words(), ["receive-pack", "--", "."]);
    let (mut variables, settings) = recorder.environment();
    let descriptors = variables.remove("HUBGATE_DESCRIPTORS").expect("the hook's descriptors");
    assert!(descriptors.split(',').all(|number| number.parse::<u32>().is_ok_and(|number| number > 2)), "{descriptors}");
    // git's trace goes to the guard.
    let trace = variables.remove("GIT_TRACE2_EVENT").expect("the trace's descriptor");
    assert!(trace.parse::<u32>().is_ok_and(|number| (3..10).contains(&number)), "{trace}");
    assert_eq!(variables.remove("GIT_TRACE2_EVENT_BRIEF").as_deref(), Some("1"));
    assert_eq!(variables, expected_environment(&[]));
    let hooks = hub.path("libexec/hooks").display().to_string();
    assert_eq!(settings.get("core.hooksPath"), Some(&hooks));
    assert_eq!(settings.get("receive.fsckObjects").map(String::as_str), Some("true"));
}

fn services_runs_only_for_a_sealed_message() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let (config, key) = (hub.config(), &alice.key.fingerprint);
    let forged =
        format!("hubgate services 1\n00ff\n{}\nalice --key {key}\n\n::1 40000 ::1 22\nwhoami\n", config.display());
    let (message, link) = (hub.path("forged"), hub.path("hooks-by-hand"));
    fs::create_dir(&link).expect("a directory");
    std::os::unix::fs::symlink(hub.path("libexec/services"), link.join("pre-receive")).expect("a link");
    for (program, word, work) in [
        (hub.path("libexec/services"), Some("account"), "account\nwhoami\n"),
        (hub.path("libexec/services"), Some("lfs-transfer"), "lfs-transfer\ndownload\nalice/x\n"),
        (hub.path("libexec/services"), Some("lfs-authorizer"), "lfs-transfer\ndownload\nalice/x\n"),
        (hub.path("libexec/services"), None, ""),
        (link.join("pre-receive"), None, ""),
    ] {
        fs::write(&message, format!("{forged}{work}")).expect("a file");
        for value in [None, Some("3"), Some("9"), Some("")] {
            let mut services = hub.as_login(Path::new("/bin/sh"));
            services.args(["-c", "exec \"$@\" 3< \"$MESSAGE\"", "sh"]).arg(&program).args(word);
            services.env("MESSAGE", &message).envs(value.map(|value| ("HUBGATE_DESCRIPTORS", value)));
            let is_file = matches!(value, Some("3" | "9")) && (word.is_some() || program.ends_with("pre-receive"));
            let cause = if is_file {
                "the descriptor in HUBGATE_DESCRIPTORS is not a sealed memory file"
            } else {
                "HUBGATE_DESCRIPTORS does not name the gateway's descriptors"
            };
            let line = format!("hubgate: only the gateway and git start services: {cause}\n");
            run(&mut services).is(&refused(line).status(128));
        }
    }
    hub.logged(&[""; 0]);
    // The same text in a sealed message is accepted, and any other text is a fault.
    let run_with = |program: &Path, word: Option<&str>, text: &str| {
        let message = Sealed::write(text).expect("a sealed message");
        run(hub.as_login(program).args(word).env("HUBGATE_DESCRIPTORS", message.leave_open(None)))
    };
    let (services, hook) = (hub.path("libexec/services"), link.join("pre-receive"));
    let whoami = format!("{forged}account\nwhoami\n");
    run_with(&services, Some("account"), &whoami).is(&says(format!("alice by the key \"alice@laptop\" ({key})\n")));
    let other_release = whoami.replace("services 1", "services 2");
    let fault = refused("hubgate: the server could not serve this request (reference none)\n").status(128);
    for outcome in [
        run_with(&services, Some("account"), &other_release),
        run_with(&hook, None, &whoami),
        run_with(&services, Some("account"), ""),
    ] {
        outcome.is(&fault);
    }
}

/// An environment row: name, value, and what git may see of it.
fn variable(row: &Row) -> (OsString, OsString, Option<String>) {
    let (name, value) = row.input.split_at(row.input.iter().position(|byte| *byte == b'=').expect("a name"));
    let (name, value) = (OsStr::from_bytes(name).to_owned(), OsStr::from_bytes(&value[1..]).to_owned());
    let passed = row.accepted && name == "GIT_PROTOCOL" && !value.is_empty();
    let seen = passed.then(|| value.to_string_lossy().into_owned());
    (name, value, seen)
}

fn check_environment(recorder: &Recorder<'_>, row: &Row, seen: Option<&str>) {
    let expected = match seen {
        Some(protocol) => expected_environment(&[("GIT_PROTOCOL", protocol)]),
        None => expected_environment(&[]),
    };
    assert_eq!(recorder.environment().0, expected, "{}", row.id);
}

fn no_variable_of_a_client_reaches_git_through_sshd() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let recorder = Recorder::install(&hub);
    let rows = of_kind("env");
    assert_eq!(rows.len(), 14);
    for row in rows {
        let (name, value, seen) = variable(&row);
        let send = format!("-oSendEnv={}", name.to_string_lossy());
        let mut ssh = alice.ssh_command(&[&send]);
        ssh.env(name, value).arg("git-upload-pack 'alice/x'");
        let outcome = run_with(&mut ssh, b"0000");
        assert!(outcome.succeeded().stderr.is_empty(), "{outcome}");
        check_environment(&recorder, &row, seen.as_deref());
    }
}

fn no_variable_that_sshd_admits_reaches_git() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let recorder = Recorder::install(&hub);
    for row in of_kind("env") {
        let (name, value, seen) = variable(&row);
        let mut gateway = hub.gateway_command();
        gateway.env("SSH_ORIGINAL_COMMAND", "git-upload-pack 'alice/x'").env(name, value);
        let outcome = run_with(gateway.args(["alice", "--key", &alice.key.fingerprint]), b"0000");
        assert!(outcome.succeeded().stderr.is_empty(), "{outcome}");
        check_environment(&recorder, &row, seen.as_deref());
    }
}

fn an_invalid_address_is_logged_as_unknown() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let key = &alice.key.fingerprint;
    let rows = of_kind("env");
    let row = rows.iter().find(|row| row.id == "env-024").expect("the row");
    let (name, value, _) = variable(row);
    assert_eq!(name, "SSH_CONNECTION");
    run(hub.gateway_command().env(name, value).args(["alice", "--key", key])).is(&says(hi("alice")));
    let line = format!("info hubgate: user=alice key={key} from=unknown verb=greeting decision=allow reason=\"\"");
    hub.logged(&[line]);
}

fn helper_rows_are_answered_as_they_say() {
    // In both modes: a row that is not accepted must not be anonymous either.
    for anonymous in ["any-key", "off"] {
        let hub = Hub::with(&Setup { anonymous, ..Setup::default() });
        let login = hub.login.name.as_str();
        for row in of_kind("helper") {
            match row.id.as_str() {
                "helper-002" => hub.helper(&[login, "ssh-dss", DSS]).is(&says("")),
                "helper-003" => hub.helper(&["root", "ssh-ed25519", ED25519]).is(&says("")),
                "helper-004" => {
                    let mut helper = hub.helper_command();
                    helper.arg("--config").arg(hub.config()).arg(login);
                    hub.with_dev_log(&machine().keys, &helper).is(&refused(""));
                    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
                    assert!(
                        log.len() == 1 && log[0].starts_with("error hubgate-keys: decision=fault cause=\"usage: "),
                        "{log:?}"
                    );
                }
                "helper-005" => {
                    hub.helper(&[login, "ssh-ed25519", "not*base64"]).is(&refused(""));
                    hub.logged(&["error hubgate-keys: decision=fault \
                                  cause=\"cannot decode the key from sshd: AuthorizedKeysCommand must pass %t %k\""]);
                }
                "helper-008" => {
                    hub.helper(&[login, "sk-ssh-ed25519@openssh.com", SK_WITH_NEWLINE]).is(&says(""));
                }
                id => panic!("{id}: no answer known"),
            }
        }
        hub.logged::<&str>(&[]);
    }
}

const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/";
/// The application is `ssh:`, a newline and `command="id"`.
const SK_WITH_NEWLINE: &str = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIOMK5L44mGvJzcd/EXD1se558ABEBcnT7mJknNpvbswBAAAAEXNzaDoKY29tbWFuZD0iaWQi";
/// p, q, g and y are 1, because only the type matters.
const DSS: &str = "AAAAB3NzaC1kc3MAAAABAQAAAAEBAAAAAQEAAAABAQ==";
