//! The operator's own checks of pushes: what they are told, what they can do, and what their end means.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Client, Hub, Outcome, Setup, Skip, run, silent, trials};

trials![
    a_check_reads_the_push_and_refuses_it_with_its_own_words,
    a_check_is_confined_to_reading_the_repository,
    a_check_that_does_not_decide_refuses_the_push,
    checks_run_in_the_order_of_their_names_and_only_if_they_are_executable,
    a_check_that_another_user_could_have_written_stops_pushes,
    the_example_secrets_refuses_tokens_and_private_keys,
    the_example_pickles_refuses_models_that_run_code,
];

/// A hub with a directory for checks, and a client that has cloned `alice/x`.
fn scene(more: &str) -> (Hub, Client) {
    let hub = Hub::new();
    let directory = directory(&hub);
    fs::create_dir(&directory).expect("a directory");
    let more = format!("[checks]\ndirectory = \"{}\"\n{more}", directory.display());
    hub.configure(&Setup { more: &more, ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).is(&silent());
    hub.log();
    (hub, alice)
}

fn directory(hub: &Hub) -> PathBuf {
    hub.path("checks.d")
}

/// Installs a check. Returns its file.
fn check(hub: &Hub, name: &str, script: &str) -> PathBuf {
    let file = directory(hub).join(name);
    fs::write(&file, script).expect("a check");
    fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a mode");
    file
}

fn push(alice: &Client, refs: &[&str]) -> Outcome {
    alice.git_in("x", &[&["push", "origin"], refs].concat())
}

/// What the peer reads of hubgate.
fn said(push: &Outcome) -> Vec<String> {
    let lines = push.stderr();
    let lines = lines.lines().filter_map(|line| line.strip_prefix("remote: hubgate: "));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// The reason or cause of the last line in the log.
fn last_in_log(hub: &Hub) -> String {
    hub.log().last().map(|entry| entry.fields.clone()).unwrap_or_default()
}

fn a_check_reads_the_push_and_refuses_it_with_its_own_words() {
    let (hub, alice) = scene("");
    let script = "#!/bin/sh\n\
        while read -r old new ref; do\n\
            echo \"$old $new $ref by $HUBGATE_USER, $HUBGATE_KEY, in $HUBGATE_REPO, ${#HUBGATE_SID}\"\n\
            git cat-file -p \"$new:a\"\n\
            [ \"$ref\" != refs/heads/bad ] || status=1\n\
        done\n\
        echo 'and on standard error' >&2\n\
        exit ${status:-0}\n";
    check(&hub, "talks", script);
    let head = alice.commit("x", "a", "content");
    let told = |name: &str| {
        let zeros = "0".repeat(40);
        let fingerprint = &alice.key.fingerprint;
        let first = format!("talks: {zeros} {head} refs/heads/{name} by alice, {fingerprint}, in alice/x, 16");
        [first, "talks: content".to_owned(), "talks: and on standard error".to_owned()]
    };
    let good = push(&alice, &["HEAD:good"]);
    assert_eq!(said(good.succeeded()), told("good"));
    let bad = push(&alice, &["HEAD:bad"]);
    assert_eq!((bad.status, said(&bad)), (1, told("bad").into()), "{bad}");
    let reason = last_in_log(&hub);
    assert!(reason.contains("verb=push") && reason.contains("decision=deny reason=\"talks: 0000"), "{reason}");
    let branches = hub.git_in("alice/x", &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    assert_eq!(branches, "good\nmain\n");
    // A push that only deletes has no quarantine.
    check(&hub, "talks", "#!/bin/sh\nread -r line; echo \"$line\" >\"$TMPDIR/line\"; cat \"$TMPDIR/line\"\n");
    let deleted = push(&alice, &[":good"]);
    let line = format!("talks: {head} {} refs/heads/good", "0".repeat(40));
    assert_eq!(said(deleted.succeeded()), [line]);
    let objects = hub.directory("alice/x").join("objects");
    let left: Vec<String> = names(&objects).into_iter().filter(|name| name.len() > 4).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn a_check_is_confined_to_reading_the_repository() {
    let (hub, alice) = scene("");
    hub.repo("alice/other", &[]);
    let script = r#"#!/usr/bin/python3 -I
import os, socket
def tries(what, act):
    try:
        act()
        print(what, "done")
    except OSError as error:
        print(what, type(error).__name__)
def is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False
tries("writes the repository", lambda: open("written", "w"))
tries("writes the quarantine", lambda: open(os.environ["GIT_QUARANTINE_PATH"] + "/written", "w"))
tries("reads the repository", lambda: open("HEAD").read())
tries("reads another one", lambda: open("OTHER/HEAD"))
tries("reads the configuration", lambda: open("CONFIG"))
tries("reads its directory", lambda: open("DIRECTORY/words").read())
tries("writes its directory", lambda: open("DIRECTORY/words", "a"))
tries("opens a socket", lambda: socket.create_connection(("127.0.0.1", PORT)))
print(os.listdir(os.environ["HOME"]))
tries("writes its own place", lambda: open(os.environ["TMPDIR"] + "/file", "w").write("x"))
print([fd for fd in range(3, 1024) if is_open(fd)], [name for name in os.environ if name.startswith("HUBGATE_D")])
"#;
    let script = script
        .replace("OTHER", &hub.directory("alice/other").display().to_string())
        .replace("CONFIG", &hub.config().display().to_string())
        .replace("DIRECTORY", &directory(&hub).display().to_string())
        .replace("PORT", &hub.port.to_string());
    check(&hub, "tries", &script);
    fs::write(directory(&hub).join("words"), "").expect("a file");
    alice.commit("x", "a", "content");
    let pushed = push(&alice, &["HEAD:main"]);
    let lines: Vec<String> =
        said(pushed.succeeded()).iter().map(|line| line.trim_start_matches("tries: ").to_owned()).collect();
    let denied = "PermissionError";
    let expected = [
        format!("writes the repository {denied}"),
        format!("writes the quarantine {denied}"),
        "reads the repository done".to_owned(),
        format!("reads another one {denied}"),
        format!("reads the configuration {denied}"),
        "reads its directory done".to_owned(),
        format!("writes its directory {denied}"),
        format!("opens a socket {denied}"),
        "[]".to_owned(),
        "writes its own place done".to_owned(),
        "[] []".to_owned(),
    ];
    assert_eq!(lines, expected);
}

fn a_check_that_does_not_decide_refuses_the_push() {
    let (hub, alice) = scene("seconds = 1\nmemory = 100000000\n");
    alice.commit("x", "a", "content");
    for (script, cause) in [
        ("#!/bin/sh\necho broken; exit 2\n", "the check fails ended with status 2, which is neither 0 nor 1: broken"),
        ("#!/bin/sh\nkill -9 $$\n", "the check fails ended with signal 9, which is neither 0 nor 1: it said nothing"),
        ("#!/bin/sh\nexec sleep 60\n", "the check fails cannot run: no answer within 1 s"),
        ("#!/bin/sh\nexec cat /dev/zero\n", "the check fails ended with status 1"),
        ("#!/usr/bin/yes\n", "the check fails cannot run: more than 65536 bytes of output"),
        ("#!/usr/bin/python3 -I\nbytearray(200000000)\n", "the check fails ended with status 1"),
        ("#!/nonexistent\n", "the check fails ended with status 128, which is neither 0 nor 1"),
    ] {
        check(&hub, "fails", script);
        let pushed = push(&alice, &["HEAD:main"]);
        assert_ne!(pushed.status, 0, "{script}: {pushed}");
        let log = last_in_log(&hub);
        // A Python that finds no memory ends with 1, like a check that refuses.
        if cause.ends_with("status 1") {
            assert!(log.contains("decision=deny"), "{script}: {log}");
            continue;
        }
        assert!(log.contains("decision=fault") && log.contains(cause), "{script}: {log}");
        let lines = said(&pushed);
        let [line] = lines.as_slice() else { panic!("{pushed}") };
        assert!(line.starts_with("the server could not serve this request (reference "), "{line}");
    }
    fs::remove_file(directory(&hub).join("fails")).expect("a file");
    push(&alice, &["HEAD:main"]).succeeded();
}

fn checks_run_in_the_order_of_their_names_and_only_if_they_are_executable() {
    let (hub, alice) = scene("");
    for name in ["20-b", "10-a", "off", ".hidden", "copy~", "30-c"] {
        check(&hub, name, "#!/bin/sh\nbasename \"$0\"\n");
    }
    fs::set_permissions(directory(&hub).join("off"), Permissions::from_mode(0o644)).expect("a mode");
    fs::create_dir(directory(&hub).join("lib")).expect("a directory");
    alice.commit("x", "a", "content");
    let pushed = push(&alice, &["HEAD:main"]);
    assert_eq!(said(pushed.succeeded()), ["10-a: 10-a", "20-b: 20-b", "30-c: 30-c"]);
    // Each says its reasons, and one refusal refuses the push.
    for name in ["10-a", "30-c"] {
        check(&hub, name, "#!/bin/sh\nexit 1\n");
    }
    alice.commit("x", "a", "again");
    let pushed = push(&alice, &["HEAD:main"]);
    assert_eq!(pushed.status, 1, "{pushed}");
    assert_eq!(said(&pushed), ["10-a: this push is refused", "20-b: 20-b", "30-c: this push is refused"]);
    let doctor = hub.hubgate(&["doctor"]).stdout();
    assert!(doctor.contains("each push runs 10-a, 20-b, 30-c"), "{doctor}");
    assert!(doctor.contains("off does not run, because nobody may execute it"), "{doctor}");
}

fn a_check_that_another_user_could_have_written_stops_pushes() {
    let (hub, alice) = scene("");
    let file = check(&hub, "mine", "#!/bin/sh\n");
    let elsewhere = hub.path("elsewhere");
    alice.commit("x", "a", "content");
    let refuses = |untrusted: &Path| {
        let pushed = push(&alice, &["HEAD:main"]);
        assert_eq!(pushed.status, 128, "{pushed}");
        let log = last_in_log(&hub);
        let cause = format!("{} must be owned by root and not writable by group or others: until", untrusted.display());
        assert!(log.contains("decision=fault") && log.contains(&cause), "{log}");
        let doctor = hub.hubgate(&["doctor"]).stdout();
        assert!(doctor.contains(&cause), "{doctor}");
        // A fetch runs no check.
        alice.git_in("x", &["fetch", "--quiet"]).is(&silent());
    };
    chown(&file, Some(hub.login.uid), None).expect("an owner");
    refuses(&file);
    chown(&file, Some(0), None).expect("an owner");
    fs::set_permissions(directory(&hub), Permissions::from_mode(0o775)).expect("a mode");
    refuses(&directory(&hub));
    fs::set_permissions(directory(&hub), Permissions::from_mode(0o755)).expect("a mode");
    fs::rename(&file, &elsewhere).expect("a rename");
    std::os::unix::fs::symlink(&elsewhere, &file).expect("a link");
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o777)).expect("a mode");
    refuses(&elsewhere);
    fs::set_permissions(&elsewhere, Permissions::from_mode(0o755)).expect("a mode");
    push(&alice, &["HEAD:main"]).succeeded();
}

/// Installs an example as its first lines say.
fn install_example(hub: &Hub, name: &str, package: &str) {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/checks").join(name);
    check(hub, name, &fs::read_to_string(&example).expect("the example"));
    let lib = directory(hub).join("lib");
    let mut pip = Command::new("/usr/bin/python3");
    pip.args(["-m", "pip", "install", "--quiet", "--root-user-action", "ignore", "--target"]).arg(&lib).arg(package);
    if run(&mut pip).status != 0 {
        Skip::now(format!("{package} is not on PyPI, or PyPI cannot be reached"));
    }
}

fn the_example_secrets_refuses_tokens_and_private_keys() {
    let (hub, alice) = scene("");
    install_example(&hub, "secrets", "detect-secrets");
    alice.commit("x", "notes.md", "nothing that is secret, only sha256:0123456789abcdef0123456789abcdef");
    push(&alice, &["HEAD:main"]).succeeded();
    let token = format!("ghp_{}", "0123456789abcdefghijklmnopqrstuvwxyz");
    alice.commit("x", "config.env", &format!("# settings\nTOKEN={token}\n"));
    // A later commit of the same push does not hide it.
    alice.commit("x", "config.env", "# settings\n");
    let pushed = push(&alice, &["HEAD:main"]);
    assert_eq!(pushed.status, 1, "{pushed}");
    let lines = said(&pushed);
    assert_eq!(lines[0], "secrets: config.env, line 2: GitHub Token");
    assert!(!pushed.stderr().contains(&token), "{pushed}");
}

fn the_example_pickles_refuses_models_that_run_code() {
    let (hub, alice) = scene("memory = 4000000000\n");
    install_example(&hub, "pickles", "picklescan");
    let pickle = |name: &str, python: &str| {
        let file = alice.home.join("x").join(name);
        let program = format!("import os, pickle, sys\n{python}\npickle.dump(model, open(sys.argv[1], 'wb'))");
        run(Command::new("/usr/bin/python3").args(["-c", &program]).arg(file)).succeeded();
        alice.git_in("x", &["add", "--all"]).succeeded();
        alice.git_in("x", &["commit", "--quiet", "-m", name]).succeeded();
    };
    pickle("good.pkl", "model = {'weights': [1.0, 2.0]}");
    push(&alice, &["HEAD:main"]).succeeded();
    let evil = "class Model:\n    def __reduce__(self):\n        return os.system, ('true',)\nmodel = Model()";
    pickle("bad.pkl", evil);
    let pushed = push(&alice, &["HEAD:main"]);
    assert_eq!(pushed.status, 1, "{pushed}");
    assert!(said(&pushed)[0].starts_with("pickles: bad.pkl: loading it runs "), "{pushed}");
    // A check that cannot work does not look like one that refuses.
    let lib = directory(&hub).join("lib");
    fs::rename(&lib, hub.path("lib")).expect("a rename");
    assert_ne!(push(&alice, &["HEAD:main"]).status, 0);
    let log = last_in_log(&hub);
    assert!(log.contains("decision=fault") && log.contains("ModuleNotFoundError"), "{log}");
    fs::rename(hub.path("lib"), &lib).expect("a rename");
    // The same as a large file.
    alice.git_in("x", &["reset", "--quiet", "--hard", "HEAD^"]).succeeded();
    alice.git_in("x", &["lfs", "install", "--local"]).succeeded();
    alice.git_in("x", &["lfs", "track", "*.pt"]).succeeded();
    pickle("bad.pt", evil);
    let pushed = push(&alice, &["HEAD:main"]);
    assert_eq!(pushed.status, 1, "{pushed}");
    assert!(said(&pushed)[0].starts_with("pickles: bad.pt: loading it runs "), "{pushed}");
}
