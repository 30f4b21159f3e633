//! Concurrency: clones and pushes during key changes, limits, sessions whose client goes away.

use std::fs::File;
use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::harness::{
    Background, Client, Hub, Key, Outcome, Setup, background, refused, says, silent, trials, wait_until,
};
use crate::hostile::LFS_INSIDE_SSH;
use crate::texts::{hi, not_found, not_supported, read_only};

trials![
    clones_and_pushes_go_on_while_keys_are_added_and_removed,
    of_concurrent_pushes_to_one_branch_one_wins,
    sessions_of_a_stolen_key_do_not_keep_the_owner_from_removing_it,
    strangers_of_one_address_share_a_limit,
    an_account_command_counts_as_a_session,
    an_account_command_lasts_no_longer_than_a_session,
    deploy_keys_of_two_repositories_do_not_share_a_limit,
    a_session_of_git_waits_for_the_end_of_another,
    no_more_sessions_wait_than_may_run,
    a_right_revoked_while_a_session_waits_is_not_used,
    a_role_that_ends_while_a_session_waits_is_not_used,
    a_session_that_has_waited_has_the_account_that_its_key_has_then,
    operators_and_accounts_change_the_hub_at_the_same_time,
    readers_never_wait_for_writers,
    a_wrong_invitation_code_waits_for_no_change,
    a_right_revoked_while_a_command_waits_is_not_used,
    nothing_keeps_running_after_the_client_has_gone,
];

fn clones_and_pushes_go_on_while_keys_are_added_and_removed() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let bob = hub.user("bob");
    hub.repo("alice/x", &["--private"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let keys: Vec<Key> = (0..4).map(|number| Key::new(&format!("key{number}"))).collect();
    for worker in 0..8 {
        alice.git(&["clone", "--quiet", &Client::url("alice/x"), &format!("tree{worker}")]).is(&silent());
        alice.commit(&format!("tree{worker}"), &format!("file{worker}"), "1");
    }
    let done = AtomicBool::new(false);
    let changes = std::thread::scope(|scope| {
        let operator = scope.spawn(|| {
            let mut changes = 0;
            while !done.load(Ordering::Relaxed) {
                for key in &keys {
                    hub.add_key("bob", key, &[]);
                    hub.did(&["key", "remove", &key.fingerprint, "--yes"]);
                    changes += 2;
                }
            }
            changes
        });
        let (alice, bob) = (&alice, &bob);
        let clones = (0..16).map(|worker| {
            let client = if worker % 2 == 0 { alice } else { bob };
            scope.spawn(move || client.git(&["clone", "--quiet", &Client::url("alice/x"), &format!("clone{worker}")]))
        });
        let pushes = (0..8).map(|worker| {
            scope.spawn(move || {
                alice.git_in(&format!("tree{worker}"), &["push", "--quiet", "origin", &format!("HEAD:branch{worker}")])
            })
        });
        let workers: Vec<_> = clones.chain(pushes).collect();
        let outcomes: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        for outcome in outcomes {
            outcome.expect("a worker").is(&silent());
        }
        operator.join().expect("the operator")
    });
    assert!(changes >= 8, "only {changes} changes");
    for worker in 0..8 {
        let own = alice.git_in(&format!("tree{worker}"), &["rev-parse", "HEAD"]).stdout();
        assert_eq!(hub.git_in("alice/x", &["rev-parse", &format!("branch{worker}")]), own);
    }
    let faults: Vec<_> = hub.log().into_iter().filter(|entry| entry.fields.contains("decision=fault")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

fn of_concurrent_pushes_to_one_branch_one_wins() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    for worker in 0..4 {
        alice.git(&["clone", "--quiet", &Client::url("alice/x"), &format!("tree{worker}")]).is(&silent());
        alice.commit(&format!("tree{worker}"), &format!("file{worker}"), "1");
    }
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let alice = &alice;
        let pushes: Vec<_> = (0..4)
            .map(|worker| scope.spawn(move || alice.git_in(&format!("tree{worker}"), &["push", "--quiet"])))
            .collect();
        pushes.into_iter().map(|push| push.join().expect("a push")).collect()
    });
    let won: Vec<usize> = (0..4).filter(|worker| outcomes[*worker].status == 0).collect();
    assert_eq!(won.len(), 1, "{}", outcomes[0]);
    let head = alice.git_in(&format!("tree{}", won[0]), &["rev-parse", "HEAD"]).stdout();
    assert_eq!(hub.git_in("alice/x", &["rev-parse", "main"]), head);
    hub.git_in("alice/x", &["fsck", "--strict"]);
}

/// A session that lasts until it is dropped: git that waits for its client.
fn hold(hub: &Hub, client: &Client) -> impl Drop {
    let mut ssh = client.ssh_command(&["-oBatchMode=yes", "-oControlPath=none"]);
    ssh.arg("git-upload-pack 'alice/x'").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let session = background(&mut ssh);
    wait_until("no session", || hub.log().iter().any(|entry| entry.fields.contains("verb=upload-pack")));
    session
}

pub(crate) const TOO_MANY: &str = "hubgate: too many sessions: wait until one of your sessions has ended\n";

/// A thief must not lock out the owner, who removes the stolen key by another key.
fn sessions_of_a_stolen_key_do_not_keep_the_owner_from_removing_it() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let stolen = Key::new("stolen");
    hub.add_key("alice", &stolen, &[]);
    let thief = Client::new(&hub, Some("alice"), stolen.clone());
    let _fetch = hold(&hub, &thief);
    let _command = hold_command(&hub, &thief);
    assert_eq!(thief.ssh("whoami").stderr(), TOO_MANY);
    alice.ssh(format!("key remove {} --yes", stolen.fingerprint)).succeeded();
    wait_until("the sessions run on", || hub.sessions().is_empty());
}

/// An account command that waits for a key on its standard input.
fn hold_command(hub: &Hub, client: &Client) -> Background {
    let mut ssh = client.ssh_command(&["-oBatchMode=yes"]);
    ssh.arg("key add").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let command = background(&mut ssh);
    let runs = |pid: &nix::unistd::Pid| {
        let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).nth(1) == Some(b"account")
    };
    wait_until("the command does not run", || hub.sessions().iter().any(runs));
    command
}

fn strangers_of_one_address_share_a_limit() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_address = 1\n", ..Setup::default() });
    let (alice, one, two) = (hub.user("alice"), hub.stranger(), hub.stranger());
    hub.repo("alice/x", &[]);
    let session = hold(&hub, &one);
    two.ssh("whoami").is(&refused(TOO_MANY));
    hub.logged(&[format!(
        "notice hubgate: user=anonymous key={} from=127.0.0.1 decision=deny reason=too-many-sessions",
        two.key.fingerprint
    )]);
    alice.greet().is(&says(hi("alice")));
    // What costs nothing is answered: the greeting, the help, a refusal, and joining an account.
    two.greet().succeeded();
    two.ssh("help").succeeded();
    two.ssh("git-upload-pack 'alice/missing'").is(&refused(not_found(&two)));
    two.ssh("git-receive-pack 'alice/x'").is(&refused(read_only(&two, "alice/x")));
    two.ssh("git-upload-archive 'alice/x'").is(&refused(not_supported(&two)).status(127));
    two.ssh("git-lfs-authenticate alice/x download").is(&refused(LFS_INSIDE_SSH));
    two.ssh("no-command").is(&refused(not_supported(&two)).status(127));
    let code = hub.did(&["invite", "alice"]).lines().next().expect("a code").to_owned();
    two.ssh(format!("join {code}")).succeeded();
    drop(session);
    wait_until("no place is free", || hub.stranger().ssh("whoami").status == 0);
}

fn an_account_command_counts_as_a_session() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    let command = hold_command(&hub, &alice);
    hub.log();
    alice.ssh("whoami").is(&refused(TOO_MANY));
    hub.logged(&[format!(
        "notice hubgate: user=alice key={} from=127.0.0.1 decision=deny reason=too-many-sessions",
        alice.key.fingerprint
    )]);
    drop(command);
    wait_until("no place is free", || alice.ssh("whoami").status == 0);
}

/// One command waits for a key. The client of the other reads nothing, and the list is longer than all pipes.
fn an_account_command_lasts_no_longer_than_a_session() {
    let hub = Hub::with(&Setup { more: "[limits]\nsession_age = 3\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.rows_of_repositories("alice", 20_000, "public");
    let runs = || {
        let is_it = |pid: &nix::unistd::Pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).nth(1) == Some(b"account")
        };
        hub.sessions().iter().any(is_it)
    };
    for command in ["key add", "repo list --json"] {
        let mut ssh = alice.ssh_command(&["-oBatchMode=yes", "-oControlPath=none"]);
        ssh.arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let client = background(&mut ssh);
        wait_until("the command does not run", runs);
        wait_until("the command runs on", || !runs());
        drop(client);
    }
    let log: Vec<String> = hub.log().into_iter().map(|entry| entry.fields).collect();
    for decision in ["command=\"key add\" decision=deny reason=usage", "command=\"repo list --json\" decision=allow"] {
        assert!(log.iter().any(|fields| fields.contains(decision)), "{decision}: {log:#?}");
    }
}

fn deploy_keys_of_two_repositories_do_not_share_a_limit() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    hub.did(&["user", "add", "alice"]);
    let deployed = ["alice/x", "alice/y"].map(|path| {
        hub.repo(path, &[]);
        let key = Key::new(path);
        hub.did(&["deploy-key", "add", path, key.public_file().to_str().expect("UTF-8")]);
        Client::new(&hub, None, key)
    });
    let session = hold(&hub, &deployed[0]);
    assert_eq!(deployed[0].ssh("whoami").stderr(), TOO_MANY);
    deployed[1].ssh("whoami").succeeded();
    drop(session);
}

const WAITING: &str = "hubgate: waiting for the end of another of your sessions: at most 1 run at once\n";

/// The output and the errors of a fetch by an account whose only session is held until `change` has been made.
fn fetch_after(hub: &Hub, alice: &Client, path: &str, change: impl FnOnce()) -> (String, String) {
    let session = hold(hub, alice);
    alice.write("input", "0000");
    let file = |name: &str| File::create(alice.home.join(name)).expect("a file");
    let mut ssh = alice.ssh_command(&["-oBatchMode=yes", "-oControlPath=none"]);
    ssh.arg(format!("git-upload-pack '{path}'")).stdin(File::open(alice.home.join("input")).expect("a file"));
    let fetch = background(ssh.stdout(file("output")).stderr(file("errors")));
    wait_until("it does not wait", || alice.read("errors") == WAITING);
    change();
    drop(session);
    fetch.ended();
    (alice.read("output"), alice.read("errors"))
}

fn a_session_of_git_waits_for_the_end_of_another() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let (output, errors) = fetch_after(&hub, &alice, "alice/x", || ());
    assert!(output.contains("refs/heads/main") && errors == WAITING, "{output} {errors}");
}

fn no_more_sessions_wait_than_may_run() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let (output, _) = fetch_after(&hub, &alice, "alice/x", || {
        // The second session waits, so the third does not.
        let begin = Instant::now();
        alice.ssh_with(&["-oControlPath=none"], "git-upload-pack 'alice/x'", b"0000").is(&refused(TOO_MANY));
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    });
    assert!(output.contains("refs/heads/main"), "{output}");
}

fn a_right_revoked_while_a_session_waits_is_not_used() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let disable = || drop(hub.did(&["user", "disable", "alice", "--reason", "away"]));
    let (output, errors) = fetch_after(&hub, &alice, "alice/x", disable);
    assert_eq!((output.as_str(), errors), ("", format!("{WAITING}hubgate: the account alice is disabled: away\n")));
}

fn a_role_that_ends_while_a_session_waits_is_not_used() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.repo("alice/x", &[]);
    hub.repo("bob/y", &["--private"]);
    hub.did(&["repo", "collaborator", "set", "bob/y", "alice", "read"]);
    let end = || {
        hub.sql("UPDATE collaborator SET until = unixepoch()");
    };
    let (output, errors) = fetch_after(&hub, &alice, "bob/y", end);
    assert!(output.is_empty() && errors.starts_with(&format!("{WAITING}hubgate: repository not found")), "{errors}");
}

/// In this mode, the gateway looks the account up by the key that sshd reports.
fn a_session_that_has_waited_has_the_account_that_its_key_has_then() {
    let more = "[limits]\nsessions_per_account = 1\n";
    let hub = Hub::with(&Setup { anonymous: "fallback", gateway_is_shell: true, more, ..Setup::default() });
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.repo("alice/x", &[]);
    let (output, errors) = fetch_after(&hub, &alice, "alice/x", || {
        hub.sql("UPDATE key SET owner_id = (SELECT id FROM owner WHERE folded = 'bob')");
        hub.log();
    });
    assert!(output.contains("refs/heads/main") && errors == WAITING, "{output} {errors}");
    let log: Vec<String> = hub.log().into_iter().map(|entry| entry.fields).collect();
    assert!(log.iter().all(|fields| fields.starts_with("user=bob ")) && !log.is_empty(), "{log:#?}");
}

fn operators_and_accounts_change_the_hub_at_the_same_time() {
    let hub = Hub::new();
    let clients: Vec<Client> = (0..4).map(|number| hub.user(&format!("client{number}"))).collect();
    let before = hub.sql("SELECT count(*) FROM audit");
    // A reader that holds an old snapshot all the time.
    let reader = Holder::new(&hub, "BEGIN; SELECT 'held' FROM owner LIMIT 1;");
    std::thread::scope(|scope| {
        let hub = &hub;
        let operators =
            (0..16).map(|number| scope.spawn(move || drop(hub.did(&["user", "add", &format!("u{number}")]))));
        let accounts = clients.iter().flat_map(|client| {
            (0..4).map(move |number| {
                let rename = format!("key rename {} title {number}", client.key.fingerprint);
                scope.spawn(move || {
                    client.ssh_with(&["-oControlPath=none"], rename, b"").succeeded();
                })
            })
        });
        let all: Vec<_> = operators.chain(accounts).collect();
        for one in all {
            one.join().expect("a change");
        }
    });
    drop(reader);
    let after = hub.sql("SELECT count(*) FROM audit");
    let [before, after] = [before, after].map(|count| count.trim_end().parse::<u32>().expect("a number"));
    assert_eq!(after - before, 32);
}

fn a_wrong_invitation_code_waits_for_no_change() {
    let hub = Hub::new();
    let stranger = hub.stranger();
    let holder = Holder::new(&hub, "BEGIN IMMEDIATE; UPDATE owner SET disabled = NULL; SELECT 'held';");
    let wrong = "hubgate: this code is wrong, used or expired: ask for a new one\n";
    stranger.ssh("join 0123456789abcdef0123456789abcdef").is(&refused(wrong));
    holder.commit();
}

/// sqlite3 with the database open inside a transaction, until it is dropped.
struct Holder {
    sqlite: Background,
    /// The transaction lasts while the input is open.
    input: ChildStdin,
}

impl Holder {
    /// Runs statements that end with a query for the word `held`.
    #[track_caller]
    fn new(hub: &Hub, statements: &str) -> Self {
        use std::io::{BufRead, BufReader, Write};
        let mut sqlite = hub.as_login(std::path::Path::new("/usr/bin/sqlite3"));
        sqlite.args(["-batch", "-bail"]).arg(hub.path("db/hubgate.db"));
        let mut sqlite = background(sqlite.stdin(Stdio::piped()).stdout(Stdio::piped()));
        let (mut input, output) = sqlite.streams();
        input.write_all(format!("{statements}\n").as_bytes()).expect("statements");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).expect("a line");
        assert_eq!(line, "held\n");
        Self { sqlite, input }
    }
}

impl Holder {
    /// Commits the transaction and ends.
    #[track_caller]
    fn commit(mut self) {
        use std::io::Write;
        self.input.write_all(b"COMMIT;\n").expect("a statement");
        drop(self.input);
        self.sqlite.ended();
    }
}

/// Runs an account command while the database is locked, changes the database before the lock is released, and lets the
/// command continue.
#[track_caller]
fn overtaken(hub: &Hub, client: &Client, command: &str, change: &str) -> Outcome {
    let holder = Holder::new(hub, &format!("BEGIN IMMEDIATE; {change}; SELECT 'held';"));
    std::thread::scope(|scope| {
        // sshd's log shows the command's session, and `services` then waits for the database.
        let sessions = || hub.sshd_log().matches("Starting session:").count();
        let before = sessions();
        let session = scope.spawn(|| client.ssh(command));
        wait_until("no session", || sessions() > before);
        // Long enough for a program that decides before it waits.
        std::thread::sleep(Duration::from_secs(1));
        holder.commit();
        session.join().expect("a session")
    })
}

fn a_right_revoked_while_a_command_waits_is_not_used() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    let made =
        overtaken(&hub, &alice, "repo create alice/x", "UPDATE owner SET disabled = 'away' WHERE folded = 'alice'");
    made.is(&refused("hubgate: the account alice is disabled: away\n"));
    assert_eq!(hub.did(&["repo", "list", "--json"]).trim(), "[]");
    assert_eq!(hub.did(&["repo", "check"]), "every repository has its directory\n");
    hub.did(&["user", "enable", "alice"]);

    // Another account's private repository gets the path of the contributor's own repository.
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "member", "set", "acme", "bob", "contributor"]);
    bob.ssh("repo create acme/mine").succeeded();
    alice.ssh("repo create acme/secret --private").succeeded();
    let moved = "UPDATE repository SET folded = 'old', name = 'old' WHERE folded = 'mine'; \
                 UPDATE repository SET folded = 'mine', name = 'mine' WHERE folded = 'secret'";
    let removed = overtaken(&hub, &bob, "repo remove acme/mine --yes", moved);
    removed.is(&refused("hubgate: you may neither rename nor remove acme/mine\n"));
    assert!(hub.did(&["repo", "show", "acme/mine"]).contains("private"));
}

fn readers_never_wait_for_writers() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    let writer = Holder::new(&hub, "BEGIN IMMEDIATE; UPDATE owner SET disabled = 'x'; SELECT 'held';");
    for command in
        ["whoami", "key list", "repo list", "repo show alice/x", "org member list acme", "explain alice/x push", "help"]
    {
        within_a_wait(command, || {
            alice.ssh(command).succeeded();
        });
    }
    within_a_wait("fetch", || {
        alice.git(&["ls-remote", &Client::url("alice/x")]).succeeded();
    });
    for command in [
        &["user", "list"][..],
        &["user", "show", "alice"],
        &["org", "show", "acme"],
        &["key", "list"],
        &["repo", "list"],
        &["repo", "show", "alice/x"],
        &["audit"],
        &["explain", "--user", "alice", "--command", "git-upload-pack 'alice/x'"],
        &["export"],
    ] {
        within_a_wait(&command.join(" "), || drop(hub.did(command)));
    }
    drop(writer);
}

/// A step must take less than half of the 10 seconds that a change waits for another change. One of three tries must
/// pass, because a busy machine may be slow for other reasons.
#[track_caller]
fn within_a_wait(name: &str, step: impl Fn()) {
    let times: Vec<Duration> = (0..3)
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed()
        })
        .take_while(|time| *time >= Duration::from_secs(5))
        .collect();
    assert!(times.len() < 3, "{name}: {times:?}");
}

fn nothing_keeps_running_after_the_client_has_gone() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let directory = hub.directory("alice/x");
    // git's working directory is the directory of its repository.
    let is_there =
        |entry: std::fs::DirEntry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory);
    let running = || std::fs::read_dir("/proc").expect("/proc").flatten().any(is_there);
    let session = hold(&hub, &alice);
    wait_until("git does not run", running);
    drop(session);
    wait_until("git runs on", || !running());
}
