//! The system calls of a session, seen by strace(1). No peer's text becomes a path, and hidden and missing repositories
//! cause the same calls. Incomplete repositories are never opened.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Client, Hub, Skip, machine, run, run_with, trials};
use crate::texts::not_found;

trials![
    a_peers_text_never_becomes_a_path,
    no_session_starts_a_shell,
    the_helper_reads_files_and_does_nothing_else,
    a_session_is_in_the_log_before_its_git_starts,
    a_hidden_repository_causes_the_same_calls_as_a_missing_one,
    a_hidden_repository_takes_the_time_of_a_missing_repository,
    a_mount_point_beneath_the_root_is_not_served,
    a_list_tells_no_hidden_repository_by_its_time,
    an_incomplete_repository_does_not_exist,
];

/// The age of a process at which the client reads that there is no repository.
const FLOOR: Duration = Duration::from_millis(20);

/// A word in everything that the peer of these tests sends, and in no path of the machine.
const MARK: &str = "zq7mark";

/// A session of alice under strace.
struct Traced<'a> {
    hub: &'a Hub,
    alice: &'a Client,
    file: PathBuf,
}

impl<'a> Traced<'a> {
    fn new(hub: &'a Hub, alice: &'a Client) -> Self {
        if run(Command::new("/usr/bin/strace").args(["-qq", "-o", "/dev/null", "true"])).status != 0 {
            Skip::now("strace may not trace here");
        }
        Self { hub, alice, file: machine().fresh("trace") }
    }

    /// The calls of a command, one per line, each after its process id.
    fn calls(&self, options: &[&str], command: &str, input: &[u8]) -> Vec<String> {
        let mut strace = Command::new("/usr/bin/strace");
        strace.env_clear().env("SSH_CONNECTION", format!("{MARK} 40000 ::1 22")).env("GIT_PROTOCOL", MARK);
        strace.env("SSH_ORIGINAL_COMMAND", command).args(["-f", "-qq", "-e", "signal=none", "-s", "4096"]);
        strace
            .args(options)
            .args(["-u", &self.hub.login.name, "-o"])
            .arg(&self.file)
            .arg(self.hub.path("libexec/gateway"));
        strace.arg("--config").arg(self.hub.config()).args(["alice", "--key", &self.alice.key.fingerprint]);
        run_with(&mut strace, input);
        let trace = fs::read(&self.file).expect("a trace");
        String::from_utf8_lossy(&trace).lines().map(str::to_owned).collect()
    }
}

/// A call without the arguments and the environment of a new program, which are not paths.
fn without_words(call: &str) -> &str {
    if call.contains(" execve(") { call.split_once('[').map_or(call, |(before, _)| before) } else { call }
}

fn a_peers_text_never_becomes_a_path() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let path = format!("alice/{MARK}");
    hub.empty_repo(&path, &[]);
    let directory = hub.directory(&path);
    let shard = directory.parent().and_then(|shard| shard.file_name()).expect("a shard").to_string_lossy().into_owned();
    let traced = Traced::new(&hub, &alice);
    let key = alice.key.line.clone();
    let locks =
        format!("000eversion 1\n00000009lock\n0011path={MARK}\n0000000dlist-lock\n0011path={MARK}\n00000009quit\n0000");
    for (command, input) in [
        (format!("git-upload-pack '{path}'"), "0000"),
        (format!("git-receive-pack '{path}'"), "0000"),
        (format!("git-upload-pack '{MARK}/{MARK}'"), ""),
        (format!("git-upload-pack '../{MARK}'"), ""),
        (format!("git-upload-pack '/etc/{MARK}'"), ""),
        (format!("git-upload-archive '{path}'"), ""),
        (format!("git-lfs-authenticate {path} download"), ""),
        (format!("git-lfs-transfer {path} upload"), locks.as_str()),
        (format!("git-lfs-transfer {path} download"), ""),
        (format!("repo create alice/{MARK}2 --description {MARK}"), ""),
        (format!("repo rename alice/{MARK}2 alice/{MARK}3"), ""),
        (format!("repo show alice/{MARK}3"), ""),
        (format!("explain alice/{MARK}3 push"), ""),
        (format!("key add {MARK}"), key.as_str()),
        (format!("key rename {} {MARK}", alice.key.fingerprint), ""),
        (format!("join {MARK}"), ""),
        (MARK.to_owned(), ""),
    ] {
        let calls = traced.calls(&["-e", "trace=%file"], &command, input.as_bytes());
        assert!(calls.iter().any(|call| call.contains("hubgate.db")), "{command}: nothing was traced");
        for call in &calls {
            assert!(!without_words(call).contains(MARK), "{command}: {call}");
        }
        // The served directory has the name from its row.
        let is_served = command.starts_with("git-upload-pack 'alice");
        assert!(!is_served || calls.iter().any(|call| call.contains(&format!("\"{shard}/"))), "{command}: {calls:#?}");
    }
}

/// The calls of `authorized-keys` for words from sshd, as the account that runs it.
fn calls_of_the_helper(hub: &Hub, words: &[&str]) -> Vec<String> {
    let file = machine().fresh("trace");
    let mut strace = Command::new("/usr/bin/strace");
    strace.env_clear().args(["-f", "-qq", "-e", "signal=none", "-e", "trace=%process,%network,%file", "-u"]);
    strace.arg(&machine().keys.name).arg("-o").arg(&file).arg(hub.path("libexec/authorized-keys"));
    run(strace.arg("--config").arg(hub.config()).args(words));
    fs::read_to_string(&file).expect("a trace").lines().map(str::to_owned).collect()
}

/// Only a fault writes to the log, by a socket of this machine.
fn the_helper_reads_files_and_does_nothing_else() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    // Skips the test where strace may not trace.
    drop(Traced::new(&hub, &alice));
    let login = hub.login.name.as_str();
    let words = |client: &Client| client.key.line.split(' ').take(2).map(str::to_owned).collect::<Vec<_>>();
    for (client, is_fault) in [(&alice, false), (&stranger, false), (&alice, true)] {
        if is_fault {
            fs::rename(hub.path("db/hubgate.db"), hub.path("db/away")).expect("a rename");
        }
        let key = words(client);
        let calls = calls_of_the_helper(&hub, &[login, &key[0], &key[1]]);
        let named = |name: &str| calls.iter().filter(|call| call.contains(&format!(" {name}("))).count();
        assert!(calls.iter().any(|call| call.contains("hubgate.db")), "{calls:#?}");
        assert_eq!(named("execve"), 1, "{calls:#?}");
        for call in &calls {
            let call = call.split_once(' ').map_or(call.as_str(), |(_, call)| call.trim_start());
            let is_harmless = ["execve(", "exit_group(", "open", "stat", "lstat", "newfstatat(", "statx(", "readlink"]
                .iter()
                .chain(&["access(", "faccessat", "getcwd("])
                .any(|name| call.starts_with(name));
            let logs =
                ["socket(AF_UNIX,", "setsockopt(", "connect(", "sendto("].iter().any(|name| call.starts_with(name));
            assert!(is_harmless || is_fault && logs, "{call}");
            let writes = ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| call.contains(flag));
            assert!(!writes || call.contains("\"/dev/null\""), "{call}");
        }
    }
}

fn no_session_starts_a_shell() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let traced = Traced::new(&hub, &alice);
    let ours = [hub.path("libexec/gateway"), hub.path("libexec/services"), machine().git().path.clone()];
    let mut started = 0;
    for command in [
        "git-upload-pack 'alice/x'",
        "git-receive-pack 'alice/x'",
        "git-lfs-transfer alice/x upload",
        "git-upload-pack '$(touch /tmp/zq7mark)'",
        "git-upload-pack 'alice/x;id'",
        "git-upload-pack `id`",
        "repo create alice/y --description $(id)",
        "repo create alice/y --description ';id'",
        "key rename $(id) |id",
        "key add $(id)",
        "$(id)",
        "|id",
    ] {
        for call in traced.calls(&["-e", "trace=execve,execveat"], command, b"0000") {
            let program = PathBuf::from(call.split('"').nth(1).unwrap_or_default());
            assert!(ours.contains(&program), "{command}: {call}");
            started += 1;
        }
    }
    assert!(started > 12, "{started} programs");
}

fn a_session_is_in_the_log_before_its_git_starts() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let traced = Traced::new(&hub, &alice);
    for service in ["upload-pack", "receive-pack"] {
        let calls = traced.calls(&["-e", "trace=execve,write"], &format!("git-{service} 'alice/x'"), b"0000");
        let at = |what: &[&str]| calls.iter().position(|call| what.iter().all(|word| call.contains(word)));
        let logged = at(&[" write(", &format!("verb={service}"), "decision=allow"]).expect("a line in the log");
        let started = at(&[" execve(", &format!("\"{service}\"")]).expect("git");
        assert!(logged < started, "{calls:#?}");
        // Killed between log line and git, it has moved no ref; killed later, it is in the log.
        assert!(
            calls
                .get(..started)
                .is_some_and(|calls| calls.iter().filter(|call| call.contains(" execve(")).count() == 1)
        );
    }
}

fn a_hidden_repository_causes_the_same_calls_as_a_missing_one() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.user("bob");
    hub.repo("bob/secret", &["--private"]);
    hub.repo("bob/public", &[]);
    let traced = Traced::new(&hub, &alice);
    alice.greet().succeeded();
    // The names of the calls, and the opened paths. For an existing row, SQLite reads a few more pages from memory, and
    // the allocator may need more of them. The wait before the answer hides this, but not under slow strace.
    let steps = |path: &str| -> Vec<String> {
        let calls = traced.calls(&[], &format!("git-upload-pack '{path}'"), b"");
        let call = |line: &String| {
            let call = line.split_once(' ').map_or("", |(_, call)| call).trim_start();
            let (name, words) = call.split_once('(').unwrap_or((call, ""));
            let opened = if name.starts_with("open") { words.split('"').nth(1).unwrap_or_default() } else { "" };
            format!("{name} {opened}")
        };
        calls
            .iter()
            .map(call)
            .filter(|call| !["pread64 ", "brk ", "clock_nanosleep "].contains(&call.as_str()))
            .collect()
    };
    let missing = steps("bob/missing");
    assert!(missing.iter().any(|step| step.ends_with("hubgate.db")), "{missing:#?}");
    for path in ["bob/secret", "nobody/secret", "datasets/bob/secret"] {
        let taken = steps(path);
        let same = taken.iter().zip(&missing).take_while(|(one, other)| one == other).count();
        assert!(taken == missing, "{path}: {:#?}\n{:#?}", taken.get(same..), missing.get(same..));
    }
    assert_ne!(steps("bob/public"), missing);
}

/// The median and its standard error, computed from the distance of the quartiles. For normally distributed values, the
/// error is 1.2533 times sigma, and sigma is the distance / 1.349.
fn median_and_error(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 4).expect("times").as_secs_f64();
    let count = f64::from(u32::try_from(times.len()).expect("few"));
    (at(2), 1.2533 * (at(3) - at(1)) / 1.349 / count.sqrt())
}

/// How often each command runs. `ROUNDS=2000 cargo test --test e2e -- 'takes the time'` is the long run.
fn rounds() -> usize {
    std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60)
}

/// Runs a session of alice, and returns its output and its time.
fn take(hub: &Hub, alice: &Client, command: &str) -> (Output, Duration) {
    let mut gateway = hub.gateway_command();
    gateway.env("SSH_ORIGINAL_COMMAND", command).args(["alice", "--key", &alice.key.fingerprint]);
    let start = Instant::now();
    let output = gateway.stdin(Stdio::null()).output().expect("a gateway");
    (output, start.elapsed())
}

/// Compares the times of two commands with the same output. They alternate, so that other load affects both.
fn compare_times(hub: &Hub, alice: &Client, hidden: &str, missing: &str, least: Duration) {
    let run = |command: &str| {
        let (output, time) = take(hub, alice, command);
        assert!(time >= least, "{command}: the answer came after {time:?}");
        (output, time)
    };
    let ((one, _), (other, _)) = (run(hidden), run(missing));
    assert_eq!((one.status, one.stdout, one.stderr), (other.status, other.stdout, other.stderr), "{hidden}, {missing}");
    let (times, others): (Vec<_>, Vec<_>) = (0..rounds()).map(|_| (run(hidden).1, run(missing).1)).unzip();
    let ((one, its_error), (other, error)) = (median_and_error(times), median_and_error(others));
    let (difference, error) = ((one - other).abs(), its_error.hypot(error));
    let [one, other, shown] = [one, other, error].map(|seconds| seconds * 1e6);
    println!("{hidden}: {one:.1} us, {missing}: {other:.1} us, standard error {shown:.1} us");
    // A difference of three errors would happen by chance once in 370 runs.
    assert!(difference < 5.0 * error, "{hidden}: {one} us, {missing}: {other} us, with an error of {shown} us");
}

fn a_hidden_repository_takes_the_time_of_a_missing_repository() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.user("bob");
    hub.repo("bob/secret", &["--private"]);
    let expected = not_found(&alice);
    for command in ["git-receive-pack 'bob/secret'", "repo show bob/secret", "explain bob/missing fetch"] {
        let (output, time) = take(&hub, &alice, command);
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert!(time >= FLOOR, "{command}: the answer came after {time:?}");
    }
    // A push that could create the repository has one line more, and is not answered before that time either.
    let (create, time) = take(&hub, &alice, "git-receive-pack 'alice/missing'");
    let said = String::from_utf8_lossy(&create.stderr).into_owned();
    assert!(create.status.code() == Some(1) && said.contains("hubgate: create it with: "), "{said}");
    assert!(time >= FLOOR, "{time:?}");
    compare_times(&hub, &alice, "git-upload-pack 'bob/secret'", "git-upload-pack 'bob/missing'", FLOOR);
    // The first message of an LFS session comes before the client asks for anything.
    for operation in ["download", "upload"] {
        let transfer = |path: &str| format!("git-lfs-transfer bob/{path} {operation}");
        compare_times(&hub, &alice, &transfer("secret"), &transfer("missing"), FLOOR);
    }
}

fn a_list_tells_no_hidden_repository_by_its_time() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for name in ["many", "none"] {
        hub.did(&["user", "add", name]);
    }
    // Two thousand hidden repositories, and one that alice may see.
    hub.rows_of_repositories("many", 2_000, "private");
    compare_times(&hub, &alice, "repo list many", "repo list none", Duration::ZERO);
    hub.did(&["repo", "collaborator", "set", "many/x00700", "alice", "read"]);
    let (output, _) = take(&hub, &alice, "repo list many");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 2);
}

/// A file system mounted in place of a repository could hold anything, for example the repository of another hub.
fn a_mount_point_beneath_the_root_is_not_served() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let (uid, gid) = (hub.login.uid.to_string(), hub.login.gid.to_string());
    let served = |mount: &str| {
        let script = format!(
            "{mount}; exec setpriv --reuid \"$2\" --regid \"$3\" --clear-groups -- \"$4\" --config \"$5\" alice --key \"$6\""
        );
        let mut gateway = Command::new("unshare");
        gateway
            .env("SSH_CONNECTION", "127.0.0.1 40000 127.0.0.1 22")
            .env("SSH_ORIGINAL_COMMAND", "git-upload-pack 'alice/x'");
        gateway.args(["--mount", "sh", "-euc", &script, "sh"]).arg(hub.directory("alice/x")).args([&uid, &gid]);
        run_with(gateway.arg(hub.path("libexec/gateway")).arg(hub.config()).arg(&alice.key.fingerprint), b"0000")
    };
    assert_eq!(served("true").status, 0);
    hub.log();
    for mount in
        ["mount --bind \"$1\" \"$1\"", "mount -t tmpfs tmpfs \"${1%/*}\"", "mount --bind \"${1%/*}\" \"${1%/*}\""]
    {
        let refused = served(mount);
        assert!(refused.status == 128 && refused.stdout.is_empty(), "{mount}: {refused}");
    }
    let log = hub.log();
    assert!(log.len() == 3 && log.iter().all(|entry| entry.fields.contains("decision=fault")), "{log:?}");
}

fn an_incomplete_repository_does_not_exist() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let create = |path: &str| {
        let mut hubgate = hub.hubgate_command();
        hubgate.args(["repo", "create", path]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        hubgate
    };
    let start = Instant::now();
    run(&mut create("alice/whole")).succeeded();
    // The time that a creation takes; adapts to the previous rounds.
    let mut window = start.elapsed();
    let missing = not_found(&alice);
    let (mut made, mut not_made) = (0, 0);
    for step in 0..20 {
        let path = format!("alice/x{step}");
        let mut child = create(&path).spawn().expect("hubgate");
        std::thread::sleep(window * (step * 7 % 10 + 1) / 10);
        child.kill().expect("a child");
        child.wait().expect("a status");
        // The repository is complete or does not exist.
        let mut gateway = hub.gateway_command();
        gateway.env("SSH_ORIGINAL_COMMAND", format!("git-upload-pack '{path}'"));
        let outcome = run_with(gateway.args(["alice", "--key", &alice.key.fingerprint]), b"0000");
        if outcome.status == 0 {
            made += 1;
            window = window * 4 / 5;
        } else {
            assert!(outcome.status == 1 && outcome.stderr() == missing, "{outcome}");
            hub.did(&["repo", "create", &path]);
            not_made += 1;
            window = window * 6 / 5;
        }
        alice.git(&["ls-remote", "--quiet", &Client::url(&path)]).succeeded();
    }
    println!("half-made repositories: {not_made} were not there, {made} were whole");
    assert!(not_made > 0, "none was killed in time");
}
