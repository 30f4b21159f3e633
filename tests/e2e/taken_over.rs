//! A git that an attacker has taken over: a program in its place, in the real sandbox of a session.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Instant;

use crate::harness::{Client, Hub, Setup, machine, trials, wait_until};
use crate::revocation::{PROMISED, Running};

trials![
    a_taken_over_git_inherits_nothing_that_it_could_spoil,
    a_taken_over_git_cannot_choose_the_fields_of_a_log_line,
    a_taken_over_git_cannot_flood_the_log,
    a_taken_over_git_that_ignores_signals_ends_with_all_its_processes,
];

/// A hub whose git is this Python program, and a client that may push to `alice/x`.
fn taken_over(program: &str) -> (Hub, Client) {
    let file = script(program);
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.configure(&Setup { git: Some(&file), more: "[limits]\npush_refs = 10\n", ..Setup::default() });
    hub.log();
    (hub, alice)
}

fn script(program: &str) -> PathBuf {
    let file = machine().fresh("taken-over");
    fs::write(&file, format!("#!/usr/bin/python3 -I\nimport os, sys, time, signal\n{program}")).expect("a program");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    file
}

fn a_taken_over_git_inherits_nothing_that_it_could_spoil() {
    let (_hub, alice) = taken_over(
        r"
for number in range(1024):
    try:
        os.fstat(number)
    except OSError:
        continue
    path = os.readlink('/proc/self/fd/%d' % number).split(':')[0].split(' ')[0]
    print('stream' if number < 3 and path in ('pipe', 'socket') else path)
",
    );
    // sshd connects its programs by sockets or by pipes.
    assert_eq!(alice.ssh("git-upload-pack 'alice/x'").stdout(), "stream\nstream\nstream\n");
    let said = alice.ssh("git-receive-pack 'alice/x'").stdout();
    let mut inherited: Vec<&str> = said.lines().collect();
    inherited.sort_unstable();
    assert_eq!(inherited, ["/memfd", "socket", "stream", "stream", "stream"]);
}

fn a_taken_over_git_cannot_choose_the_fields_of_a_log_line() {
    let (hub, alice) = taken_over(
        r#"
guard = int(os.environ['HUBGATE_DESCRIPTORS'].split(',')[1])
zero, name = b'0' * 40, b'x from=192.0.2.66 decision=deny reason=verb'
for line in [
    b'refused verb',
    b'refused x" from=192.0.2.66 decision=deny reason=verb',
    b'moved forced %s %s %s' % (zero, zero, name),
    b'fault x\r<38>hubgate[1]: sid=00aa00aa00aa00aa user=- key=- from=192.0.2.66 decision=deny reason=verb',
    b'sid=00aa00aa00aa00aa user=anonymous key=x from=192.0.2.66 command=x decision=deny reason=verb',
    b'refused after a line that is none, the guard hears nothing',
]:
    os.write(guard, line + b'\n')
"#,
    );
    alice.ssh("git-receive-pack 'alice/x'");
    let lines: Vec<(Option<String>, String)> = hub.log().into_iter().map(|entry| (entry.sid, entry.fields)).collect();
    let [(sid, first), rest @ ..] = lines.as_slice() else { panic!("no log") };
    assert!(first.contains("verb=receive-pack"), "{first}");
    let fields = format!("user=alice key={} from=127.0.0.1 verb=push repo=alice/x ", alice.key.fingerprint);
    let shown: Vec<&str> = rest.iter().map(|(_, fields)| fields.as_str()).collect();
    let zero = "0".repeat(40);
    let expected = [
        "decision=deny reason=verb".to_owned(),
        "decision=deny reason=\"x\\x22 from=192.0.2.66 decision=deny reason=verb\"".to_owned(),
        format!("ref=\"x from=192.0.2.66 decision=deny reason=verb\" old={zero} new={zero} effect=forced"),
        "decision=fault cause=\"x\\x0d<38>hubgate[1]: sid=00aa00aa00aa00aa user=- key=- from=192.0.2.66 decision=deny \
         reason=verb\""
            .to_owned(),
    ];
    let expected: Vec<String> = expected.iter().map(|more| format!("{fields}{more}")).collect();
    assert_eq!(shown, expected);
    assert!(rest.iter().all(|(other, _)| other == sid), "{lines:?}");
}

fn a_taken_over_git_cannot_flood_the_log() {
    let (hub, alice) = taken_over(
        r"
guard = int(os.environ['HUBGATE_DESCRIPTORS'].split(',')[1])
try:
    for number in range(100000):
        os.write(guard, b'refused %d\n' % number)
    os.write(guard, b'x' * 10000000)
except OSError:
    print('not heard')
",
    );
    assert_eq!(alice.ssh("git-receive-pack 'alice/x'").stdout(), "not heard\n");
    let lines = hub.log().len();
    assert!((20..30).contains(&lines), "{lines} lines");
}

fn a_taken_over_git_that_ignores_signals_ends_with_all_its_processes() {
    let (hub, alice) = taken_over(
        r"
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() > 0:
            os._exit(0)
os.write(1, b'here')
while True:
    time.sleep(1)
",
    );
    let session = Running::open(&alice, "git-receive-pack 'alice/x'");
    let directory = hub.directory("alice/x");
    let running = || {
        let is_there = |entry: &fs::DirEntry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory);
        fs::read_dir("/proc").expect("/proc").flatten().filter(is_there).count()
    };
    wait_until("its children do not run", || running() >= 4);
    let begin = Instant::now();
    let said = hub.did(&["user", "disable", "alice", "--reason", "away"]);
    assert!(said.ends_with("ended 1 running session\n"), "{said}");
    wait_until("it runs on", || running() == 0);
    assert!(begin.elapsed() < PROMISED, "{:?}", begin.elapsed());
    session.ended(PROMISED, "the session");
}
