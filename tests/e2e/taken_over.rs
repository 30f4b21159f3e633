//! A git that an attacker has taken over: a program in its place, in the real sandbox of a session.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Background, Client, Hub, Setup, background, machine, trials, wait_until};
use crate::revocation::{PROMISED, Running};

trials![
    a_taken_over_git_inherits_nothing_that_it_could_spoil,
    a_taken_over_git_cannot_choose_the_fields_of_a_log_line,
    a_taken_over_git_cannot_flood_the_log,
    a_taken_over_git_that_ignores_signals_ends_with_all_its_processes,
    a_client_that_reads_nothing_keeps_no_session,
    a_taken_over_session_of_lfs_ends_whatever_it_asks,
];

/// A hub whose git is this Python program, and a client that may push to `alice/x`.
fn taken_over(program: &str) -> (Hub, Client) {
    taken_over_with(program, "push_refs = 10")
}

/// The same with this limit.
fn taken_over_with(program: &str, limit: &str) -> (Hub, Client) {
    let file = script(program);
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.configure(&Setup { git: Some(&file), more: &format!("[limits]\n{limit}\n"), ..Setup::default() });
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
    // The pipe is git's trace, which only its own guard reads.
    assert_eq!(inherited, ["/memfd", "pipe", "socket", "stream", "stream", "stream"]);
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
    // At most 16 lines, and one for each ref of a push.
    let moved = "b'moved forced %s %s x%d' % (b'0' * 40, b'0' * 40, number)";
    for (line, limit, most) in [
        ("b'refused %d' % number", "push_refs = 10", 16),
        ("b'refused %d' % number", "push_refs = 0", 16),
        (moved, "push_refs = 10", 10),
    ] {
        let (hub, alice) = taken_over_with(
            &format!(
                r"
guard = int(os.environ['HUBGATE_DESCRIPTORS'].split(',')[1])
try:
    for number in range(100000):
        os.write(guard, {line} + b'\n')
    os.write(guard, b'x' * 10000000)
except OSError:
    print('not heard')
"
            ),
            limit,
        );
        assert_eq!(alice.ssh("git-receive-pack 'alice/x'").stdout(), "not heard\n");
        let pushes = hub.log().into_iter().filter(|entry| entry.fields.contains("verb=push")).count();
        assert_eq!(pushes, most, "{line} {limit}");
    }
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

fn a_client_that_reads_nothing_keeps_no_session() {
    let (hub, alice) = taken_over_with(
        r"
while True:
    os.write(2, b'x' * 65536)
",
        "session_idle = 2",
    );
    let sessions = || hub.did(&["--json", "session", "list"]).matches("\"pid\"").count();
    let mut ssh = alice.ssh_command(&["-oBatchMode=yes", "-oControlPath=none"]);
    ssh.arg("git-upload-pack 'alice/x'").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let client = background(&mut ssh);
    wait_until("no session", || sessions() == 1);
    wait_until("its guard runs on", || sessions() == 0);
    assert!(hub.log().iter().any(|entry| entry.fields.ends_with("decision=end reason=idle")));
    drop(client);
}

/// A program in place of the session, which has a real authorizer. It ignores SIGTERM. Its arguments are what it does,
/// the program `services`, the repository's row and the gateway's message.
const SESSION: &str = r#"
import fcntl, os, signal, subprocess, sys, time
how, services, row, text = sys.argv[1:]
signal.signal(signal.SIGTERM, signal.SIG_IGN)
message = os.memfd_create('message', os.MFD_ALLOW_SEALING)
os.write(message, text.encode())
fcntl.fcntl(message, 1033, 15)
authorizer = subprocess.Popen([services, 'lfs-authorizer', row], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              pass_fds=[message], env={'HUBGATE_DESCRIPTORS': str(message)})
def ask(question):
    authorizer.stdin.write(question)
    authorizer.stdin.flush()
ask(b'"Permit"\n')
print(authorizer.stdout.readline().decode(), end='', flush=True)
if how == 'malformed':
    ask(b'{\n')
elif how == 'long':
    ask(b'x' * 1000000)
while how == 'unread':
    ask(b'"Abandon"\n')
while how == 'busy':
    ask(b'"Abandon"\n')
    authorizer.stdout.readline()
    time.sleep(0.05)
time.sleep(600)
"#;

fn a_taken_over_session_of_lfs_ends_whatever_it_asks() {
    use std::io::{BufRead, BufReader};
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let row = hub.sql("SELECT id FROM repository");
    let text = format!(
        "hubgate services 1\n00ff\n{}\nalice --key {}\n\n\ngit-lfs-transfer\nlfs-transfer\nupload\nalice/x\n",
        hub.config().display(),
        alice.key.fingerprint
    );
    let open = |how: &str| -> Background {
        let mut session = hub.as_login(Path::new("/usr/bin/python3"));
        session.args(["-I", "-c", SESSION, how]).arg(hub.path("libexec/services")).arg(row.trim()).arg(&text);
        let mut session = background(session.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let mut answer = String::new();
        BufReader::new(session.streams().1).read_line(&mut answer).expect("an answer");
        assert_eq!(answer, "\"Yes\"\n", "{how}");
        session
    };
    // A fault of the authorizer ends the session.
    for (how, cause) in [("malformed", "is malformed"), ("long", "is longer than"), ("unread", "does not read")] {
        open(how).ended();
        let log = hub.log();
        let is_logged = log.iter().any(|entry| entry.fields.contains("decision=fault") && entry.fields.contains(cause));
        assert!(is_logged, "{how}: {log:?}");
    }
    // Only the authorizer can find the change of the database.
    let sessions = ["busy", "silent"].map(open);
    hub.sql("UPDATE owner SET disabled = 'away'");
    let begin = Instant::now();
    for session in sessions {
        session.ended();
    }
    assert!(begin.elapsed() < Duration::from_secs(45), "{:?}", begin.elapsed());
}
