//! git-lfs opens many sessions for one pull. They must not lose objects to the limit of sessions.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};

use super::tree;
use super::wire::{Wire, oid};
use crate::concurrency::TOO_MANY;
use crate::harness::{Client, Hub, Key, Setup, refused, run, says, trials};
use crate::hostile::LFS_INSIDE_SSH;
use crate::revocation::process_of_session;
use crate::texts::hi;

trials![
    three_anonymous_pulls_from_one_address_at_once_succeed,
    an_anonymous_pull_with_32_workers_succeeds,
    nine_pulls_of_one_account_at_once_succeed,
    lfs_sessions_have_a_limit_of_their_own_and_wait_for_it,
    an_object_is_no_larger_than_the_limit,
    a_key_that_is_not_admitted_holds_few_sessions_of_lfs_and_none_for_long,
    an_idle_session_of_lfs_ends,
    an_old_session_of_lfs_is_ended_from_outside,
    a_session_of_lfs_ends_when_its_authorizer_finds_its_right_withdrawn,
];

/// The large files of a public repository `alice/x`.
fn scene(hub: &Hub, files: usize) -> Vec<(String, String)> {
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let files: Vec<(String, String)> = (0..files).map(|n| (format!("{n}.bin"), format!("object {n}"))).collect();
    let contents: Vec<(&str, String)> = files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    tree(&alice, "alice/x", &contents);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    files
}

/// Pulls all large files, with every client at once. In a login session, git-lfs shares one connection, otherwise it
/// opens one for each session.
#[track_caller]
fn pull(clients: &[Client], files: &[(String, String)], workers: usize) {
    let runtime = tempfile::tempdir().expect("a directory");
    for is_login_session in [false, true] {
        std::thread::scope(|scope| {
            for (number, client) in clients.iter().enumerate() {
                let runtime = &runtime;
                scope.spawn(move || {
                    let tree = format!("tree-{is_login_session}");
                    client.git(&["config", "--global", "lfs.concurrenttransfers", &workers.to_string()]).succeeded();
                    client.git(&["clone", "--quiet", &Client::url("alice/x"), &tree]).succeeded();
                    client.git_in(&tree, &["lfs", "install", "--local"]).succeeded();
                    let mut pull = client.git_command(&tree);
                    if is_login_session {
                        let own = runtime.path().join(number.to_string());
                        std::fs::create_dir(&own).expect("a directory");
                        pull.env("XDG_RUNTIME_DIR", own);
                    }
                    run(pull.args(["lfs", "pull"])).succeeded();
                    for (name, content) in files {
                        assert_eq!(client.read(&format!("{tree}/{name}")), *content);
                    }
                });
            }
        });
    }
}

fn three_anonymous_pulls_from_one_address_at_once_succeed() {
    let hub = Hub::new();
    let files = scene(&hub, 24);
    let clients: Vec<Client> = (0..3).map(|_| hub.stranger()).collect();
    pull(&clients, &files, 8);
}

fn an_anonymous_pull_with_32_workers_succeeds() {
    let hub = Hub::new();
    let files = scene(&hub, 40);
    pull(&[hub.stranger()], &files, 32);
}

fn nine_pulls_of_one_account_at_once_succeed() {
    let hub = Hub::new();
    let files = scene(&hub, 10);
    hub.did(&["user", "add", "bob"]);
    let clients: Vec<Client> = (0..9)
        .map(|number| {
            let key = Key::new(&number.to_string());
            hub.add_key("bob", &key, &[]);
            Client::new(&hub, Some("bob"), key)
        })
        .collect();
    pull(&clients, &files, 8);
}

/// One session of git, and eight of LFS.
fn lfs_sessions_have_a_limit_of_their_own_and_wait_for_it() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_account = 1\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let mut sessions: Vec<Wire> = (0..8).map(|_| Wire::open(&alice, "alice/x", "download")).collect();
    // Sessions of git do not count with them.
    alice.greet().is(&says(hi("alice")));
    // A ninth waits, and is refused if none of the others ends.
    let begin = Instant::now();
    let waiting = "hubgate: waiting for the end of another of your sessions: at most 8 run at once\n";
    alice.ssh("git-lfs-transfer alice/x download").is(&refused(format!("{waiting}{TOO_MANY}")));
    assert!(begin.elapsed() >= Duration::from_secs(30), "{:?}", begin.elapsed());
    // What the gateway refuses itself counts for no limit.
    alice.ssh("git-lfs-authenticate alice/x download").is(&refused(LFS_INSIDE_SSH));
    // It is served if one ends.
    std::thread::scope(|scope| {
        let ninth = scope.spawn(|| Wire::open(&alice, "alice/x", "download").hang_up());
        std::thread::sleep(Duration::from_secs(1));
        sessions.pop().expect("a session").hang_up();
        ninth.join().expect("a session");
    });
}

fn an_object_is_no_larger_than_the_limit() {
    let hub = Hub::with(&Setup { more: "[limits]\nlfs_object_bytes = 10\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let mut session = Wire::open(&alice, "alice/x", "upload");
    for (content, is_accepted) in [("0123456789", true), ("0123456789a", false)] {
        let sentence = format!("the object {} has 11 bytes, and this server accepts at most 10", oid(content));
        let batch = session.ask(&["batch", "0001", &format!("{} {}", oid(content), content.len())]);
        session.send(&[&format!("put-object {}", oid(content)), &format!("size={}", content.len()), "0001"]);
        session.data(content.as_bytes());
        let put = session.ask(&[]);
        if is_accepted {
            assert_eq!((batch[0].as_str(), put[0].as_str()), ("status 200", "status 200"));
        } else {
            assert_eq!([batch, put], [["status 413", "0001", &sentence], ["status 413", "0001", &sentence]]);
        }
    }
}

fn a_key_that_is_not_admitted_holds_few_sessions_of_lfs_and_none_for_long() {
    let hub = Hub::with(&Setup { more: "[limits]\nsessions_per_address = 1\n", ..Setup::default() });
    let (alice, bob, carol) = (hub.user("alice"), hub.user("bob"), hub.user("carol"));
    hub.empty_repo("alice/x", &[]);
    hub.did(&["user", "disable", "alice", "--reason", "away"]);
    hub.sql(&format!("UPDATE key SET expires_at = 1 WHERE fingerprint = x'{}'", hex(&bob.key)));
    hub.did(&["key", "remove", &carol.key.fingerprint, "--compromised", "--yes"]);
    let clients = [&alice, &bob, &carol];
    let sessions: Vec<Wire> =
        clients.iter().cycle().take(8).map(|client| Wire::open(client, "alice/x", "download")).collect();
    let begin = Instant::now();
    for client in clients {
        client.ssh("git-lfs-transfer alice/x download").is(&refused(TOO_MANY));
    }
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    // A session that only waits ends.
    for session in sessions {
        session.ended();
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    alice.ssh("git-lfs-transfer alice/x download").succeeded();
}

/// The hash in a fingerprint, in hexadecimal digits.
fn hex(key: &Key) -> String {
    let hash = key.fingerprint.strip_prefix("SHA256:").expect("a fingerprint");
    let bytes = <base64ct::Base64Unpadded as base64ct::Encoding>::decode_vec(hash).expect("base64");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn an_idle_session_of_lfs_ends() {
    let hub = Hub::with(&Setup { more: "[limits]\nlfs_idle = 2\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    for operation in ["download", "upload"] {
        let begin = Instant::now();
        Wire::open(&alice, "alice/x", operation).ended();
        assert!((2..10).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    }
}

/// A stopped process can end neither itself nor by SIGALRM.
fn an_old_session_of_lfs_is_ended_from_outside() {
    let hub = Hub::with(&Setup { more: "[limits]\nsession_age = 3\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let session = Wire::open(&alice, "alice/x", "download");
    kill(process_of_session(&hub), Signal::SIGSTOP).expect("a signal");
    session.ended();
    let log = hub.log();
    let end = "verb=lfs-download repo=alice/x decision=end reason=age";
    assert!(log.iter().any(|entry| entry.fields.ends_with(end)), "{log:?}");
}

/// The database is changed directly, so that only the authorizer can find out.
fn a_session_of_lfs_ends_when_its_authorizer_finds_its_right_withdrawn() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let session = Wire::open(&alice, "alice/x", "upload");
    hub.sql("UPDATE owner SET disabled = 'away'");
    let begin = Instant::now();
    session.ended();
    assert!(begin.elapsed() < Duration::from_secs(45), "{:?}", begin.elapsed());
    let log = hub.log();
    assert!(
        log.iter()
            .any(|entry| entry.fields.ends_with("verb=lfs-upload repo=alice/x decision=end reason=account-disabled")),
        "{log:?}"
    );
}
