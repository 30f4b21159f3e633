//! Rights that end while a session runs: the session ends, and a push moves no ref.

use std::fs;
use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::{Background, Client, Hub, Key, Setup, background, run, silent, trials, wait_for, wait_until};
use crate::limits::PUSH;

trials![
    each_change_that_takes_a_right_away_ends_the_sessions_that_used_it,
    a_right_that_expires_ends_the_sessions_that_used_it,
    a_fetch_that_is_sending_ends_too,
    a_push_is_decided_again_when_refs_move,
    rules_that_change_during_a_push_are_asked_again,
    an_idle_session_and_an_old_session_end,
    the_operator_lists_and_ends_sessions,
    git_does_not_outlive_its_guard,
    a_guard_that_has_nothing_to_do_sleeps,
    commands_on_the_whole_hub_end_sessions_too,
    a_session_that_is_stopped_ends_too,
    a_guard_finds_a_change_that_no_command_made,
    without_a_directory_of_the_state_limits_do_not_hold_and_expired_rights_still_end_sessions,
];

/// The longest time from a revocation to the end of a session.
pub(crate) const PROMISED: Duration = Duration::from_secs(5);

/// A session of git that has begun and waits for its client.
pub(crate) struct Running {
    process: Background,
    stdin: ChildStdin,
    stdout: ChildStdout,
    errors: std::path::PathBuf,
    is_lfs: bool,
}

impl Running {
    /// Starts a session by protocol version 2, and waits until git has written its first packet.
    #[track_caller]
    pub(crate) fn open(client: &Client, command: &str) -> Self {
        let errors = crate::harness::machine().fresh("errors");
        let mut ssh = client.ssh_command(&["-oBatchMode=yes", "-oControlPath=none", "-oSetEnv=GIT_PROTOCOL=version=2"]);
        ssh.arg(command).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = background(ssh.stderr(fs::File::create(&errors).expect("a file")));
        let (stdin, mut stdout) = process.streams();
        let mut first = [0; 4];
        stdout
            .read_exact(&mut first)
            .unwrap_or_else(|_| panic!("{command}: {}", fs::read_to_string(&errors).expect("it")));
        Self { process, stdin, stdout, errors, is_lfs: command.starts_with("git-lfs-transfer") }
    }

    fn fetch(client: &Client, path: &str) -> Self {
        Self::open(client, &format!("git-upload-pack '{path}'"))
    }

    fn push(client: &Client, path: &str) -> Self {
        Self::open(client, &format!("git-receive-pack '{path}'"))
    }

    /// Asks for refs, as a client may do at any time.
    fn ask(&mut self) -> std::io::Result<()> {
        self.stdin.write_all(b"0014command=ls-refs\n0000")
    }

    /// Waits for the end of the session. Returns what the client reads on standard error.
    #[track_caller]
    pub(crate) fn ended(mut self, within: Duration, what: &str) -> String {
        let begin = Instant::now();
        wait_until(what, || self.process.has_ended());
        assert!(begin.elapsed() < within, "{what}: {:?}", begin.elapsed());
        let errors = fs::read_to_string(&self.errors).expect("a file");
        let _ = fs::remove_file(&self.errors);
        errors
    }
}

/// The hub of the first test, with everything that its changes need.
struct Scene {
    hub: Hub,
    alice: Client,
    bob: Client,
}

impl Scene {
    fn new() -> Self {
        let hub = Hub::new();
        let (alice, bob) = (hub.user("alice"), hub.user("bob"));
        hub.did(&["org", "add", "acme", "--admin", "alice"]);
        for (path, option) in [("alice/x", "--private"), ("acme/x", "--private"), ("acme/gated", "--gated=manual")] {
            hub.repo(path, &[option]);
        }
        hub.repo("alice/open", &[]);
        Self { hub, alice, bob }
    }

    /// A client with a new key on an account.
    fn key_of(&self, user: &str, options: &[&str]) -> Client {
        let key = Key::new(&format!("{user}@elsewhere"));
        self.hub.add_key(user, &key, options);
        Client::new(&self.hub, Some(user), key)
    }

    /// Makes a change as the operator, checks that it ended exactly this session, and that it did so in time.
    #[track_caller]
    fn ends(&self, session: Running, change: &[&str]) {
        let begin = Instant::now();
        let said = self.hub.did(change);
        assert!(said.ends_with("ended 1 running session\n"), "{change:?}: {said}");
        self.is_over(session, begin, &change.join(" "));
    }

    /// The same for a command that says more.
    #[track_caller]
    fn ends_among(&self, session: Running, change: &[&str]) {
        let begin = Instant::now();
        let said = self.hub.did(change);
        assert!(said.contains("ended 1 running session\n"), "{change:?}: {said}");
        self.is_over(session, begin, &change.join(" "));
    }

    /// The same for a change that a client makes.
    #[track_caller]
    fn ends_for(&self, session: Running, client: &Client, change: &str) {
        let begin = Instant::now();
        let said = client.ssh(change).succeeded().stdout();
        assert!(said.ends_with("ended 1 running session\n"), "{change}: {said}");
        self.is_over(session, begin, change);
    }

    #[track_caller]
    fn is_over(&self, session: Running, begin: Instant, change: &str) {
        let is_lfs = session.is_lfs;
        let errors = session.ended(PROMISED.saturating_sub(begin.elapsed()), change);
        // git-lfs shows no text after the end of a session. A login shell may say that a signal ended it.
        let is_silent = ["", "Terminated\n"].contains(&errors.as_str());
        assert!(if is_lfs { is_silent } else { errors.starts_with("hubgate: ") }, "{change}: {errors:?}");
        let ended = self.hub.log().into_iter().filter(|entry| entry.fields.contains("decision=end")).count();
        assert_eq!(ended, 1, "{change}: one line in the log");
    }
}

fn each_change_that_takes_a_right_away_ends_the_sessions_that_used_it() {
    let scene = Scene::new();
    let Scene { hub, alice, bob } = &scene;
    hub.log();
    // Sessions that no change concerns.
    let mut others = [Running::fetch(alice, "alice/open"), Running::fetch(alice, "acme/x")];

    // Keys.
    let other = scene.key_of("bob", &[]);
    scene.ends(Running::fetch(&other, "alice/open"), &["key", "remove", &other.key.fingerprint, "--yes"]);
    let other = scene.key_of("bob", &[]);
    let remove = ["key", "remove", &other.key.fingerprint, "--compromised", "--yes"];
    scene.ends(Running::fetch(&other, "alice/open"), &remove);
    let other = scene.key_of("bob", &[]);
    let remove = format!("key remove {}", other.key.fingerprint);
    scene.ends_for(Running::fetch(&other, "alice/open"), bob, &remove);
    let other = scene.key_of("bob", &[]);
    scene.ends_for(Running::fetch(&other, "alice/open"), &other, "key release --yes");
    let robot = Client::new(hub, None, Key::new("robot"));
    let file = robot.key.public_file();
    hub.did(&["deploy-key", "add", "alice/x", "--write", file.to_str().expect("UTF-8")]);
    scene.ends(Running::push(&robot, "alice/x"), &["deploy-key", "remove", &robot.key.fingerprint, "--yes"]);

    // Accounts.
    scene.ends(Running::fetch(bob, "alice/open"), &["user", "disable", "bob", "--reason", "away"]);
    hub.did(&["user", "enable", "bob"]);
    let carol = hub.user("carol");
    scene.ends(Running::fetch(&carol, "alice/open"), &["user", "remove", "carol", "--yes"]);

    // Sessions of git-lfs.
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let lfs = |operation: &str| Running::open(bob, &format!("git-lfs-transfer alice/x {operation}"));
    scene.ends(lfs("upload"), &["repo", "collaborator", "set", "alice/x", "bob", "read"]);
    scene.ends(lfs("download"), &["repo", "collaborator", "remove", "alice/x", "bob"]);

    // Roles on a repository, and in an organization.
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    scene.ends(Running::push(bob, "alice/x"), &["repo", "collaborator", "set", "alice/x", "bob", "read"]);
    scene.ends(Running::fetch(bob, "alice/x"), &["repo", "collaborator", "remove", "alice/x", "bob"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    scene.ends_for(Running::push(bob, "alice/x"), alice, "repo collaborator remove alice/x bob");
    hub.did(&["org", "member", "set", "acme", "bob", "write"]);
    scene.ends(Running::push(bob, "acme/x"), &["org", "member", "set", "acme", "bob", "read"]);
    scene.ends(Running::fetch(bob, "acme/x"), &["org", "member", "set", "acme", "bob", "no_access"]);
    hub.did(&["org", "member", "set", "acme", "bob", "read"]);
    scene.ends(Running::fetch(bob, "acme/x"), &["org", "member", "remove", "acme", "bob"]);
    hub.did(&["org", "member", "set", "acme", "bob", "write"]);
    scene.ends_for(Running::push(bob, "acme/x"), alice, "org member remove acme bob");
    for team in ["acme/devs", "acme/ops"] {
        hub.did(&["org", "member", "set", "acme", "bob", "no_access"]);
        hub.did(&["team", "add", team]);
        hub.did(&["team", "member", "add", team, "bob"]);
        hub.did(&["repo", "collaborator", "set", "acme/x", &format!("@{team}"), "write"]);
    }
    scene.ends(Running::push(bob, "acme/x"), &["org", "member", "remove", "acme", "bob"]);
    hub.did(&["org", "member", "set", "acme", "bob", "no_access"]);
    hub.did(&["team", "member", "add", "acme/devs", "bob"]);
    scene.ends_for(Running::push(bob, "acme/x"), alice, "team member remove acme/devs bob");
    hub.did(&["team", "member", "add", "acme/devs", "bob"]);
    scene.ends_for(Running::push(bob, "acme/x"), alice, "repo collaborator set acme/x @acme/devs read");
    scene.ends(Running::fetch(bob, "acme/x"), &["team", "remove", "acme/devs", "--yes"]);
    hub.did(&["team", "member", "add", "acme/ops", "bob"]);
    scene.ends(Running::push(bob, "acme/x"), &["repo", "collaborator", "remove", "acme/x", "@acme/ops"]);
    hub.did(&["org", "member", "remove", "acme", "bob"]);
    hub.did(&["access", "grant", "acme/gated", "bob"]);
    scene.ends(Running::fetch(bob, "acme/gated"), &["access", "revoke", "acme/gated", "bob"]);
    hub.did(&["access", "grant", "acme/gated", "bob"]);
    scene.ends(Running::fetch(bob, "acme/gated"), &["access", "reject", "acme/gated", "bob"]);

    // Repositories. A freeze ends pushes, and fetches go on.
    hub.repo("alice/y", &[]);
    others[0].ask().expect("a session");
    let mut fetch = Running::fetch(bob, "alice/y");
    scene.ends(Running::push(alice, "alice/y"), &["repo", "freeze", "alice/y", "--reason", "moving"]);
    hub.did(&["repo", "unfreeze", "alice/y"]);
    fetch.ask().expect("a session");
    scene.ends(fetch, &["repo", "gate", "alice/y", "manual"]);
    hub.did(&["repo", "gate", "alice/y", "none"]);
    scene.ends(Running::fetch(&hub.stranger(), "alice/y"), &["repo", "visibility", "alice/y", "private"]);
    scene.ends(Running::fetch(alice, "alice/y"), &["repo", "remove", "alice/y", "--yes"]);

    // Certificates.
    let authority = Key::new("authority");
    let file = authority.public_file();
    hub.did(&["org", "ca", "add", "acme", file.to_str().expect("UTF-8"), "--max-ttl", "2h"]);
    let certified = Client::new(hub, Some("alice"), Key::new("certified"));
    let mut sign = Command::new("ssh-keygen");
    sign.arg("-q").arg("-s").arg(&authority.file).args(["-I", "work", "-n", "alice", "-z", "7", "-V", "-1m:+1h"]);
    run(sign.arg(certified.key.public_file())).succeeded();
    let config = fs::read_to_string(certified.ssh_config()).expect("a configuration");
    let more = format!("    CertificateFile {}-cert.pub\n", certified.key.file.display());
    fs::write(certified.ssh_config(), config + &more).expect("a configuration");
    let session = Running::fetch(&certified, "acme/x");
    hub.did(&["org", "ca", "revoke", "acme", "8"]);
    scene.ends(session, &["org", "ca", "revoke", "acme", "7"]);
    run(Command::new("ssh-keygen")
        .arg("-q")
        .arg("-s")
        .arg(&authority.file)
        .args(["-I", "work", "-n", "alice"])
        .args(["-z", "9", "-V", "-1m:+1h"])
        .arg(certified.key.public_file()))
    .succeeded();
    let session = Running::fetch(&certified, "acme/x");
    scene.ends(session, &["org", "ca", "remove", "acme", &authority.fingerprint, "--yes"]);

    for other in &mut others {
        other.ask().expect("a session that no change concerned");
        assert!(!other.process.has_ended());
    }
}

fn a_right_that_expires_ends_the_sessions_that_used_it() {
    let scene = Scene::new();
    let Scene { hub, bob, .. } = &scene;
    let short = scene.key_of("bob", &["--expires", "6s"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "read", "--until", "6s"]);
    hub.did(&["access", "grant", "acme/gated", "bob", "--until", "6s"]);
    let begin = Instant::now();
    let sessions =
        [Running::fetch(&short, "alice/open"), Running::fetch(bob, "alice/x"), Running::fetch(bob, "acme/gated")];
    for session in sessions {
        let errors = session.ended(Duration::from_secs(6) + PROMISED, "an expired right");
        assert!(errors.starts_with("hubgate: "), "{errors}");
    }
    assert!(begin.elapsed() > Duration::from_secs(3), "no session ended before its right did");
    let reasons: Vec<String> = hub.log().into_iter().map(|entry| entry.fields).collect();
    for reason in ["key-expired", "no-repository", "gated"] {
        let end = format!("decision=end reason={reason}");
        assert_eq!(reasons.iter().filter(|fields| fields.contains(&end)).count(), 1, "{reason}: {reasons:#?}");
    }
}

fn a_fetch_that_is_sending_ends_too() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    hub.did(&["check", "set", "hub", "blob-size", "off"]);
    let bytes = "import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(60_000_000))";
    alice.write("x/large", run(Command::new("python3").args(["-c", bytes])).succeeded().stdout.as_slice());
    alice.git_in("x", &["add", "large"]).succeeded();
    alice.git_in("x", &["commit", "--quiet", "-m", "large"]).succeeded();
    alice.git_in("x", &["push", "--quiet"]).is(&silent());
    let head = alice.git_in("x", &["rev-parse", "HEAD"]).stdout();
    let mut session = Running::fetch(&alice, "alice/x");
    let want = format!("0032want {}\n", head.trim_end());
    let wanted = format!("0011command=fetch0001000fno-progress{want}0009done\n0000");
    session.stdin.write_all(wanted.as_bytes()).expect("a session");
    // The client reads the start of the pack, and then nothing more.
    let mut start = vec![0; 100_000];
    session.stdout.read_exact(&mut start).expect("a pack");
    let directory = hub.directory("alice/x");
    assert!(git_runs(&directory));
    let begin = Instant::now();
    assert!(hub.did(&["user", "disable", "alice", "--reason", "away"]).ends_with("ended 1 running session\n"));
    wait_until("git runs on", || !git_runs(&directory));
    assert!(begin.elapsed() < PROMISED, "{:?}", begin.elapsed());
}

/// Whether a process has this directory as its own, as the git of a session has that of its repository.
fn git_runs(directory: &std::path::Path) -> bool {
    let is_there = |entry: fs::DirEntry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory);
    fs::read_dir("/proc").expect("/proc").flatten().any(is_there)
}

/// The database is changed directly, so that the session does not end before its push arrives.
fn rules_that_change_during_a_push_are_asked_again() {
    let hub = Hub::new();
    let (_alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let head = hub.git_in("alice/x", &["rev-parse", "main"]);
    let push = run(Command::new("python3").args(["-c", PUSH, "plain", head.trim_end()])).succeeded().stdout.clone();
    let refs = || hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)"]);
    for (scope, rule, is_accepted) in [
        // A rule that does not concern bob changes nothing.
        ("alice/x", "deny all ** alice", true),
        ("alice/x", "deny create refs/tags/** bob", false),
        ("hub", "deny create refs/tags/** bob", false),
        ("alice", "deny create refs/tags/** bob", false),
    ] {
        let before = refs();
        let mut session = Running::push(&bob, "alice/x");
        hub.did(&["rule", "add", scope, rule]);
        session.stdin.write_all(&push).expect("a session");
        let errors = session.errors.clone();
        let mut said = String::new();
        session.stdout.read_to_string(&mut said).expect("an answer");
        let read = fs::read_to_string(&errors).expect("a file");
        if is_accepted {
            assert!(said.contains("ok refs/tags/new"), "{said} {read}");
            hub.did(&["rule", "remove", scope, "1"]);
            let delete = ["update-ref", "-d", "refs/tags/new"];
            let mut git = hub.as_login(&crate::harness::machine().git().path);
            git.env("HOME", "/").arg("--git-dir").arg(hub.directory("alice/x"));
            run(git.args(delete)).succeeded();
            continue;
        }
        assert!(said.contains("ng refs/tags/new pre-receive hook declined"), "{said}");
        assert!(read.starts_with("hubgate: the rules changed during this push: push again\n"), "{read}");
        assert_eq!(refs(), before, "{scope}");
        hub.did(&["rule", "remove", scope, "1"]);
    }
}

fn a_push_is_decided_again_when_refs_move() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let bob = hub.user("bob");
    hub.repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let head = hub.git_in("alice/x", &["rev-parse", "main"]);
    let push = run(Command::new("python3").args(["-c", PUSH, "plain", head.trim_end()])).succeeded().stdout.clone();
    let refs = || hub.git_in("alice/x", &["for-each-ref"]);
    let before = refs();
    hub.log();
    for (take, give, sentence, reason) in [
        (
            "UPDATE repository SET frozen = 'moving'",
            "UPDATE repository SET frozen = NULL",
            "alice/x is read-only: moving",
            "\"alice/x is read-only: moving\"",
        ),
        (
            "UPDATE owner SET disabled = 'away' WHERE folded = 'bob'",
            "UPDATE owner SET disabled = NULL",
            "the account bob is disabled: away",
            "\"the account bob is disabled: away\"",
        ),
        (
            "UPDATE collaborator SET role = 'read'",
            "UPDATE collaborator SET role = 'write'",
            "you have no write access to alice/x",
            "\"you have no write access to alice/x\"",
        ),
    ] {
        let mut session = Running::push(&bob, "alice/x");
        // The guard has asked once, and asks again only after half a minute.
        std::thread::sleep(Duration::from_millis(1_500));
        hub.sql(take);
        session.stdin.write_all(&push).expect("a session");
        let errors = session.errors.clone();
        let mut said = String::new();
        session.stdout.read_to_string(&mut said).expect("an answer");
        assert!(said.contains("ng refs/tags/new pre-receive hook declined"), "{said}");
        let read = fs::read_to_string(&errors).expect("a file");
        assert!(read.starts_with(&format!("hubgate: {sentence}\n")), "{read}");
        assert_eq!(refs(), before, "{take}");
        let denied = format!(
            "user=bob key={} from=127.0.0.1 verb=push repo=alice/x decision=deny reason={reason}",
            bob.key.fingerprint
        );
        assert!(hub.log().iter().any(|entry| entry.fields.ends_with(&denied)), "{denied}");
        hub.sql(give);
    }
    let mut session = Running::push(&alice, "alice/x");
    session.stdin.write_all(&push).expect("a session");
    let mut said = String::new();
    session.stdout.read_to_string(&mut said).expect("an answer");
    assert!(said.contains("ok refs/tags/new"), "{said}");
    assert_ne!(refs(), before);
}

fn an_idle_session_and_an_old_session_end() {
    let limits = "[limits]\nsession_idle = 3\nsession_age = 12\n";
    let hub = Hub::with(&Setup { more: limits, ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.log();
    let begin = Instant::now();
    let idle = [Running::fetch(&alice, "alice/x"), Running::push(&alice, "alice/x")];
    let mut busy = Running::fetch(&alice, "alice/x");
    std::thread::scope(|scope| {
        let busy = scope.spawn(move || {
            let begin = Instant::now();
            while busy.ask().is_ok() && !busy.process.has_ended() {
                std::thread::sleep(Duration::from_millis(300));
            }
            let age = begin.elapsed();
            (age, busy.ended(PROMISED, "an old session"))
        });
        for session in idle {
            let errors = session.ended(Duration::from_secs(3) + PROMISED, "an idle session");
            assert_eq!(errors, "hubgate: this session ends because it moved no data for 3 seconds\n");
        }
        assert!(begin.elapsed() >= Duration::from_secs(3));
        let (age, errors) = busy.join().expect("a session");
        assert!((10..12 + PROMISED.as_secs()).contains(&age.as_secs()), "{age:?}");
        assert!(errors.starts_with("hubgate: this session ends because it has run for 12 seconds\n"), "{errors}");
    });
    let log: Vec<String> = hub.log().iter().map(|entry| entry.fields.clone()).collect();
    let ends =
        |reason: &str| log.iter().filter(|line| line.ends_with(&format!("decision=end reason={reason}"))).count();
    assert_eq!((ends("idle"), ends("age")), (2, 1), "{log:#?}");
}

fn the_operator_lists_and_ends_sessions() {
    let scene = Scene::new();
    let Scene { hub, alice, bob } = &scene;
    let list = || -> Vec<Value> { serde_json::from_str(&hub.did(&["--json", "session", "list"])).expect("JSON") };
    assert_eq!(hub.did(&["session", "list"]), "SESSION  USER  KEY  FROM  VERB  REPOSITORY  SINCE\n");
    assert_eq!(list(), Vec::<Value>::new());
    let fetch = Running::fetch(alice, "acme/x");
    let push = Running::push(alice, "alice/x");
    let other = Running::fetch(bob, "alice/open");
    let stranger = hub.stranger();
    let anonymous = Running::fetch(&stranger, "alice/open");
    let found = list();
    let mut shown: Vec<String> = found
        .iter()
        .map(|session| {
            let text = |key: &str| session[key].as_str().expect("text").to_owned();
            assert!(text("since").ends_with('Z') && session["pid"].as_i64().is_some_and(|pid| pid > 1));
            [text("user"), text("key"), text("from"), text("verb"), text("repository")].join(" ")
        })
        .collect();
    shown.sort();
    let key = |client: &Client| client.key.fingerprint.clone();
    let mut expected = [
        format!("alice {} 127.0.0.1 upload-pack acme/x", key(alice)),
        format!("alice {} 127.0.0.1 receive-pack alice/x", key(alice)),
        format!("bob {} 127.0.0.1 upload-pack alice/open", key(bob)),
        format!("anonymous {} 127.0.0.1 upload-pack alice/open", key(&stranger)),
    ];
    expected.sort();
    assert_eq!(shown, expected);
    let id = |verb: &str| {
        let session = found.iter().find(|session| session["verb"] == verb).expect("a session");
        session["session"].as_str().expect("an id").to_owned()
    };
    let one = id("receive-pack");
    assert_eq!(hub.did(&["session", "end", &one]), "ended 1 running session\n");
    push.ended(PROMISED, "one session");
    assert_eq!(hub.did(&["session", "end", "--repo", "acme/x"]), "ended 1 running session\n");
    assert_eq!(fetch.ended(PROMISED, "a repository"), "hubgate: the server ended this session\n");
    assert_eq!(hub.did(&["session", "end", "--key", &key(&stranger)]), "ended 1 running session\n");
    anonymous.ended(PROMISED, "a key");
    assert_eq!(hub.did(&["session", "end", "--user", "alice"]), "no such session runs\n");
    assert_eq!(hub.did(&["session", "end", "--user", "bob"]), "ended 1 running session\n");
    other.ended(PROMISED, "an account");
    let [one_more, and_another] = [Running::fetch(alice, "acme/x"), Running::fetch(bob, "alice/open")];
    assert_eq!(hub.did(&["session", "end", "--all"]), "ended 2 running sessions\n");
    one_more.ended(PROMISED, "all");
    and_another.ended(PROMISED, "all");
    let outcome = hub.hubgate(&["session", "end", &one]);
    assert_eq!((outcome.status, outcome.stderr()), (1, format!("hubgate: there is no session {one}\n")));
    assert_eq!(hub.hubgate(&["session", "end"]).status, 2);
    assert_eq!(list(), Vec::<Value>::new());
}

fn git_does_not_outlive_its_guard() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let session = Running::push(&alice, "alice/x");
    let directory = hub.directory("alice/x");
    assert!(git_runs(&directory));
    kill(process_of_session(&hub), Signal::SIGKILL).expect("a signal");
    session.ended(PROMISED, "a session without its guard");
    wait_for(|| if git_runs(&directory) { Err("git runs") } else { Ok(()) });
}

fn a_guard_that_has_nothing_to_do_sleeps() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let _session = Running::push(&alice, "alice/x");
    let guard = process_of_session(&hub);
    let read = |file: &str| fs::read_to_string(format!("/proc/{guard}/{file}")).expect("the guard");
    // How often it has slept, and its processor time in hundredths of a second (proc(5)).
    let work = || -> (u64, u64) {
        let (status, stat) = (read("status"), read("stat"));
        let slept = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).expect("a line");
        let times = stat.rsplit_once(')').expect("a name").1.split_whitespace().skip(11).take(2);
        let number = |text: &str| text.trim().parse::<u64>().expect("a number");
        (number(slept), times.map(number).sum())
    };
    let before = work();
    std::thread::sleep(Duration::from_secs(3));
    let after = work();
    let (slept, ticks) = (after.0 - before.0, after.1 - before.1);
    assert!(slept <= 60 && ticks <= 60, "in 3 seconds it woke {slept} times and used {ticks} ticks");
}

/// The process of the only session.
#[track_caller]
pub(crate) fn process_of_session(hub: &Hub) -> Pid {
    let list = hub.did(&["--json", "session", "list"]);
    let list: Vec<Value> = serde_json::from_str(&list).expect("JSON");
    let [session] = list.as_slice() else { panic!("{list:?}") };
    Pid::from_raw(session["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a pid"))
}

fn commands_on_the_whole_hub_end_sessions_too() {
    let scene = Scene::new();
    let Scene { hub, alice, bob } = &scene;
    let copy = hub.path("copy");
    let copy = copy.to_str().expect("UTF-8");
    hub.did(&["backup", copy]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "read"]);
    hub.log();
    scene.ends_among(Running::fetch(bob, "alice/x"), &["restore", copy, "--yes"]);
    // A repository gets the old path of another.
    let source = hub.directory("alice/open");
    for (old, new) in [("alice/x", "alice/y"), ("acme/x", "acme/y")] {
        hub.did(&["repo", "rename", old, new]);
    }
    scene.ends_among(Running::fetch(alice, "alice/x"), &["repo", "import", "alice/x", source.to_str().expect("UTF-8")]);
    hub.did(&["repo", "remove", "alice/x", "--yes"]);
    scene.ends_among(Running::fetch(alice, "acme/x"), &["repo", "restore", "alice/x", "--as", "acme/x"]);
}

fn a_session_that_is_stopped_ends_too() {
    let scene = Scene::new();
    let Scene { hub, alice, bob } = &scene;
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let stopped = |command: &str| {
        let session = Running::open(bob, command);
        kill(process_of_session(hub), Signal::SIGSTOP).expect("a signal");
        session
    };
    hub.log();
    let change = ["repo", "collaborator", "set", "alice/x", "bob", "read"];
    scene.ends(stopped("git-receive-pack 'alice/x'"), &change);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    scene.ends(stopped("git-lfs-transfer alice/x upload"), &change);
    // git itself.
    let session = Running::fetch(alice, "alice/open");
    let guard = process_of_session(hub);
    let git = hub.sessions().into_iter().find(|process| parent(*process) == Some(guard)).expect("git");
    kill(git, Signal::SIGSTOP).expect("a signal");
    scene.ends(session, &["user", "disable", "alice", "--reason", "away"]);
}

/// The parent of a process.
fn parent(process: Pid) -> Option<Pid> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(Pid::from_raw(status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()?))
}

/// The database is changed directly, after the guard has asked for the first time.
fn a_guard_finds_a_change_that_no_command_made() {
    // Without a limit for idle sessions, a guard reads nothing but the database.
    let hub = Hub::with(&Setup { more: "[limits]\nsession_idle = 0\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let session = Running::fetch(&alice, "alice/x");
    let guard = process_of_session(&hub);
    let read = || {
        let text = fs::read_to_string(format!("/proc/{guard}/io")).expect("a guard");
        text.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse::<u64>().ok()).expect("a number")
    };
    let before = read();
    wait_until("the guard does not ask", || read() > before);
    hub.sql("UPDATE owner SET disabled = 'away'");
    let errors = session.ended(Duration::from_secs(45), "a change that no command made");
    assert_eq!(errors, "hubgate: the account alice is disabled: away\n");
    assert!(hub.log().iter().any(|entry| entry.fields.ends_with("decision=end reason=account-disabled")));
}

fn without_a_directory_of_the_state_limits_do_not_hold_and_expired_rights_still_end_sessions() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    crate::state::move_state(&hub);
    let key = Key::new("short");
    hub.add_key("alice", &key, &["--expires", "6s"]);
    let begin = Instant::now();
    let short = Running::fetch(&Client::new(&hub, Some("alice"), key), "alice/x");
    let mut other = Running::fetch(&alice, "alice/x");
    assert_eq!(hub.did(&["--json", "session", "list"]).trim(), "[]");
    let errors = short.ended(Duration::from_secs(6) + PROMISED, "an expired key");
    assert!(errors.starts_with("hubgate: the key \"short\""), "{errors}");
    assert!(begin.elapsed() > Duration::from_secs(3), "it ended before its key did");
    other.ask().expect("a session");
}
