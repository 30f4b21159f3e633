//! Quotas: one count that all sessions share, whatever happens to the sessions.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};

use super::wire::{Wire, oid};
use super::{tree, tree_with};
use crate::harness::{Client, Held, Hub, Setup, background, run, silent, trials};
use crate::lfs::sessions::{all_have_ended, in_the_middle};

trials![
    eight_workers_together_store_no_more_than_a_quota,
    a_quota_holds_to_the_byte_over_objects_and_repositories,
    a_failed_upload_gives_its_bytes_back,
    an_upload_whose_processes_are_killed_gives_its_bytes_back,
    quota_check_corrects_a_count_and_says_so,
    without_a_count_a_quota_lets_nothing_in,
    a_quota_is_a_positive_number_or_a_word,
    without_a_quota_nothing_is_counted,
    an_object_that_is_stored_while_another_session_measures_counts,
    maintenance_of_the_operator_leaves_a_right_count,
    a_push_counts_with_large_files_and_stops_at_the_quota,
    pushes_at_once_stay_together_within_a_quota,
    a_push_that_is_killed_leaves_a_right_count,
    a_push_is_refused_if_its_bytes_cannot_be_counted,
];

const RIGHT: &str = "every count is right\n";

/// Sends an object. Returns the answer.
#[track_caller]
fn put(session: &mut Wire, content: &str) -> Vec<String> {
    session.send(&[&format!("put-object {}", oid(content)), &format!("size={}", content.len()), "0001"]);
    session.data(content.as_bytes());
    session.ask(&[])
}

/// Asks for an upload of one object.
#[track_caller]
fn batch(session: &mut Wire, content: &str) -> Vec<String> {
    session.ask(&["batch", "0001", &format!("{} {}", oid(content), content.len())])
}

fn full(sentence: &str) -> [String; 3] {
    ["status 507", "0001", sentence].map(str::to_owned)
}

/// The bytes of all LFS objects on disk.
fn stored(hub: &Hub, path: &str) -> u64 {
    bytes_in(&hub.directory(path).join("lfs/objects"))
}

/// The bytes of all git objects on disk, without those of pushes that did not end.
fn packed(hub: &Hub, path: &str) -> u64 {
    bytes_in(&hub.directory(path).join("objects"))
}

fn bytes_in(directory: &Path) -> u64 {
    if !directory.exists() {
        return 0;
    }
    let sizes = run(Command::new("find").arg(directory).args([
        "-name",
        "tmp_objdir-*",
        "-prune",
        "-o",
        "-type",
        "f",
        "-printf",
        "%s\n",
    ]));
    sizes.succeeded().stdout().lines().map(|size| size.parse::<u64>().expect("a size")).sum()
}

fn eight_workers_together_store_no_more_than_a_quota() {
    const QUOTA: u64 = 15_000_000;
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.did(&["owner", "quota", "alice", &QUOTA.to_string()]);
    // git-lfs announces 100 objects at a time. Each of these three batches fits alone.
    let contents: Vec<(String, String)> =
        (0..300).map(|number| (format!("{number}.bin"), format!("{number:06}").repeat(22_000))).collect();
    let files: Vec<(&str, String)> = contents.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    tree(&alice, "alice/x", &files);
    alice.git_in("x", &["config", "lfs.concurrenttransfers", "8"]).succeeded();
    let push = alice.git_in("x", &["push", "origin", "HEAD:main"]);
    let stored = stored(&hub, "alice/x");
    assert!(push.status != 0 && push.stderr().contains("more bytes do not fit in the quota of the owner"), "{push}");
    assert!(push.stderr().contains(&format!("of {QUOTA} bytes are in use")), "{push}");
    assert!((1..=QUOTA).contains(&stored), "{stored}");
    all_have_ended(&hub);
    let used = format!("alice stores 0 bytes in git objects and {stored} in LFS objects; the quota is {QUOTA}\n");
    assert_eq!(hub.did(&["owner", "quota", "alice"]), used);
    assert_eq!(hub.did(&["quota", "check"]), RIGHT);
}

fn a_quota_holds_to_the_byte_over_objects_and_repositories() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for path in ["alice/x", "alice/gone"] {
        hub.empty_repo(path, &[]);
    }
    hub.did(&["owner", "quota", "alice", "20"]);
    let mut session = Wire::open(&alice, "alice/gone", "upload");
    assert_eq!(put(&mut session, "12345"), ["status 200"]);
    session.hang_up();
    // A removed repository keeps its bytes until it is purged.
    hub.did(&["repo", "remove", "alice/gone", "--yes"]);
    hub.did(&["repo", "quota", "alice/x", "12"]);
    let (mut one, mut two) = (Wire::open(&alice, "alice/x", "upload"), Wire::open(&alice, "alice/x", "upload"));
    // Each fits alone, and each session asks before the other one stores.
    for session in [&mut one, &mut two] {
        assert_eq!(batch(session, "0123456").last().map(|line| line.ends_with(" upload")), Some(true));
    }
    assert_eq!(put(&mut one, "0123456"), ["status 200"]);
    let sentence = "6 more bytes do not fit in the quota of the repository: 7 of 12 bytes are in use";
    assert_eq!(put(&mut two, "abcdef"), full(sentence));
    assert_eq!(batch(&mut two, "abcdef"), full(sentence));
    assert_eq!(put(&mut two, "abcde"), ["status 200"], "the last byte");
    hub.did(&["repo", "quota", "alice/x", "default"]);
    let sentence = "4 more bytes do not fit in the quota of the owner: 17 of 20 bytes are in use";
    assert_eq!(put(&mut one, "wxyz"), full(sentence));
    // What is stored already needs no room.
    assert_eq!(put(&mut one, "0123456"), ["status 200"]);
    assert_eq!(put(&mut one, "xyz"), ["status 200"]);
    hub.did(&["owner", "quota", "alice", "3"]);
    assert_eq!(
        put(&mut one, "!"),
        full("1 more byte does not fit in the quota of the owner: 20 of 3 bytes are in use")
    );
    hub.did(&["owner", "quota", "alice", "unlimited"]);
    assert_eq!(put(&mut one, "!"), ["status 200"]);
}

fn a_failed_upload_gives_its_bytes_back() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "quota", "alice/x", "10"]);
    let mut session = Wire::open(&alice, "alice/x", "upload");
    let bad = |session: &mut Wire, bytes: &str| {
        session.send(&[&format!("put-object {}", oid("0123456789")), "size=10", "0001"]);
        session.data(bytes.as_bytes());
    };
    for bytes in ["9876543210", "012", "0123456789 and more"] {
        bad(&mut session, bytes);
        assert_eq!(session.ask(&[])[0], "status 400", "{bytes}");
    }
    // The client is cut off in the middle.
    bad(&mut session, "012");
    let mut other = Wire::open(&alice, "alice/x", "upload");
    let sentence = "1 more byte does not fit in the quota of the repository: 10 of 10 bytes are in use";
    crate::harness::wait_until("the bytes are not reserved", || put(&mut other, "x") == full(sentence));
    session.hang_up();
    all_but_one_have_ended(&hub);
    assert_eq!(put(&mut other, "0123456789"), ["status 200"]);
    other.hang_up();
    assert_eq!(hub.did(&["quota", "check"]), RIGHT);
}

/// Waits until one session of LFS is left: its process and its authorizer.
fn all_but_one_have_ended(hub: &Hub) {
    let services = || {
        let sessions = hub.sessions();
        let name = |pid: &nix::unistd::Pid| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        sessions.iter().filter(|pid| name(pid) == "services\n").count()
    };
    crate::harness::wait_until("the session has not ended", || services() == 2);
}

fn an_upload_whose_processes_are_killed_gives_its_bytes_back() {
    const SIZE: usize = 24 << 20;
    for all in [false, true] {
        let hub = Hub::new();
        let alice = hub.user("alice");
        hub.empty_repo("alice/x", &[]);
        hub.did(&["owner", "quota", "alice", "25M"]);
        tree_with(&alice, "x", "alice/x", &[("a.bin", "a".repeat(SIZE))]);
        let held = Held::after(1 << 20, &alice, &hub);
        let mut push = alice.git_command("x");
        push.args(["push", "--quiet", "origin", "HEAD:main"]);
        let push = background(push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        let session = in_the_middle(&hub);
        // Its bytes are in use while it is alive.
        let mut other = Wire::open(&alice, "alice/x", "upload");
        let two = "b".repeat(2 << 20);
        let sentence = format!(
            "{} more bytes do not fit in the quota of the owner: {SIZE} of {} bytes are in use",
            two.len(),
            25 << 20
        );
        assert_eq!(batch(&mut other, &two), full(&sentence));
        let running = hub.did_with_status(&["quota", "check"], 1);
        assert_eq!(running, "alice/x: sessions are storing objects there: run this command again later\n");
        if all {
            // All but the listening sshd: the sessions, and their authorizers.
            for process in hub.processes().into_iter().skip(1) {
                let _ = kill(process, Signal::SIGKILL);
            }
        } else {
            kill(session, Signal::SIGKILL).expect("a process");
            other.hang_up();
        }
        held.open();
        push.ended();
        all_have_ended(&hub);
        let mut again = Wire::open(&alice, "alice/x", "upload");
        assert!(batch(&mut again, &two)[2].ends_with(" upload"), "{all}");
        again.hang_up();
        alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
        assert_eq!(stored(&hub, "alice/x"), SIZE as u64);
        counts_what_is_on_disk(&hub, "alice/x");
    }
}

fn quota_check_corrects_a_count_and_says_so() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let counts = "alice/x: it stores 0 bytes in git objects and 0 in LFS objects, which was not counted yet\n";
    assert_eq!(hub.did(&["quota", "check"]), counts);
    hub.did(&["owner", "quota", "alice", "20"]);
    let mut session = Wire::open(&alice, "alice/x", "upload");
    for content in ["0123456789", "abcdefgh"] {
        assert_eq!(put(&mut session, content), ["status 200"]);
    }
    assert_eq!(hub.did(&["quota", "check", "alice"]), RIGHT);
    let name = oid("0123456789");
    let object = hub.directory("alice/x").join("lfs/objects").join(&name[..2]).join(&name[2..4]).join(name);
    fs::remove_file(object).expect("an object");
    assert_eq!(put(&mut session, "xyz")[0], "status 507", "nothing tells the count that a file is gone");
    let corrected = "alice/x: it stores 0 bytes in git objects and 8 in LFS objects, \
                     but 0 bytes in git objects and 18 in LFS objects counted\n";
    assert_eq!(hub.did(&["quota", "check", "alice"]), corrected);
    assert_eq!(put(&mut session, "xyz"), ["status 200"]);
    assert_eq!(hub.did(&["quota", "check"]), RIGHT);
    let json: serde_json::Value = serde_json::from_str(&hub.did(&["--json", "quota", "check"])).expect("JSON");
    let count = serde_json::json!({ "git": 0, "lfs": 11 });
    let expected = serde_json::json!([{ "path": "alice/x", "busy": false, "before": count, "stored": count }]);
    assert_eq!(json, expected);
    // The state of sessions is gone, and the next session measures.
    fs::remove_file(hub.path("db/usage")).expect("the counts");
    assert_eq!(put(&mut session, "0123456789")[0], "status 507");
    assert_eq!(put(&mut session, "012345678"), ["status 200"]);
}

fn without_a_count_a_quota_lets_nothing_in() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let counts = hub.path("db/usage");
    let mut session = Wire::open(&alice, "alice/x", "upload");
    assert_eq!(put(&mut session, "one"), ["status 200"]);
    let refused = |answer: &[String]| {
        let sentence = "a quota is set, and what is stored cannot be counted now: tell the operator (reference ";
        answer[0] == "status 507" && answer[2].starts_with(sentence)
    };
    let faults = |cause: &str| {
        let log = hub.log();
        log.iter().any(|entry| entry.level == "error" && entry.fields.contains(cause))
    };
    // A quota that hubgate does not write.
    hub.sql("UPDATE owner SET quota = -1 WHERE name = 'alice'");
    let answer = put(&mut session, "two");
    assert!(refused(&answer) && faults("a value in column owner_quota that hubgate does not write"), "{answer:?}");
    let answer = batch(&mut session, "two");
    assert!(refused(&answer), "{answer:?}");
    let mut download = Wire::open(&alice, "alice/x", "download");
    assert!(batch(&mut download, "one")[2].ends_with(" download"));
    hub.did(&["owner", "quota", "alice", "10"]);
    // The counts cannot be opened.
    let _ = fs::remove_file(&counts);
    fs::create_dir(&counts).expect("a directory");
    let answer = put(&mut session, "two");
    assert!(refused(&answer) && faults("cannot count what repositories store"), "{answer:?}");
    // Without a quota, the counts stop no session.
    hub.sql("UPDATE owner SET quota = NULL");
    assert_eq!(put(&mut session, "two"), ["status 200"]);
    fs::remove_dir(&counts).expect("the directory");
    hub.did(&["owner", "quota", "alice", "10"]);
    assert_eq!(
        put(&mut session, "three"),
        full("5 more bytes do not fit in the quota of the owner: 6 of 10 bytes are in use")
    );
}

fn a_quota_is_a_positive_number_or_a_word() {
    let hub = Hub::with(&Setup { more: "[limits]\nowner_bytes = 7\nlfs_repository_bytes = 5\n", ..Setup::default() });
    hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let nothing = "alice/x stores 0 bytes in git objects and 0 in LFS objects; ";
    assert_eq!(hub.did(&["repo", "quota", "alice/x"]), format!("{nothing}the quota is 5\n"));
    assert_eq!(hub.did(&["repo", "quota", "alice/x", "unlimited"]), format!("{nothing}there is no quota\n"));
    assert_eq!(hub.did(&["repo", "quota", "alice/x", "2K"]), format!("{nothing}the quota is 2048\n"));
    assert_eq!(hub.did(&["repo", "quota", "alice/x", "default"]), format!("{nothing}the quota is 5\n"));
    for (value, reason) in [
        ("0", "0 is not a quota: unlimited sets no limit, and repo freeze rejects pushes"),
        ("none", "a quota is a number of bytes, or 500M, 20G, 1T, unlimited, default"),
        ("--=-1", "a quota is a number of bytes, or 500M, 20G, 1T, unlimited, default"),
        ("9223372036854775808", "a quota has at most 9223372036854775807 bytes: unlimited sets no limit"),
    ] {
        for command in [["owner", "quota", "alice"], ["repo", "quota", "alice/x"]] {
            let words = match value.strip_prefix("--=") {
                Some(value) => [command.as_slice(), &["--", value]].concat(),
                None => [command.as_slice(), &[value]].concat(),
            };
            let outcome = hub.hubgate(&words);
            assert!(outcome.status == 2 && outcome.stderr().contains(reason), "{words:?}: {outcome}");
        }
    }
    let quotas = "SELECT count(*) FROM owner WHERE quota IS NOT NULL";
    assert_eq!(hub.sql(quotas), "0\n");
}

fn without_a_quota_nothing_is_counted() {
    let hub = Hub::new();
    let alice: Client = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let mut session = Wire::open(&alice, "alice/x", "upload");
    assert_eq!(put(&mut session, "one"), ["status 200"]);
    assert!(!hub.path("db/usage").exists());
    // Counted once, then again without a quota: what is stored in between is not forgotten.
    hub.did(&["owner", "quota", "alice", "8"]);
    assert_eq!(put(&mut session, "two"), ["status 200"]);
    hub.did(&["owner", "quota", "alice", "default"]);
    assert_eq!(put(&mut session, "three"), ["status 200"]);
    hub.did(&["owner", "quota", "alice", "12"]);
    let sentence = "4 more bytes do not fit in the quota of the owner: 11 of 12 bytes are in use";
    assert_eq!(put(&mut session, "four"), full(sentence));
}

/// The session began without a quota. When the quota is set, another one measures before the object has its name.
fn an_object_that_is_stored_while_another_session_measures_counts() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    counts_what_is_on_disk(&hub, "alice/x");
    for (round, is_cut_off) in [(1, false), (2, true)] {
        hub.did(&["owner", "quota", "alice", "default"]);
        let content = format!("{round}").repeat(30_000);
        let mut session = Wire::open(&alice, "alice/x", "upload");
        session.send(&[&format!("put-object {}", oid(&content)), &format!("size={}", content.len()), "0001"]);
        session.data(&content.as_bytes()[..20_000]);
        in_the_middle(&hub);
        hub.did(&["owner", "quota", "alice", "1M"]);
        let before = (round - 1) * 30_000;
        assert!(hub.did(&["repo", "quota", "alice/x"]).contains(&format!(" and {before} in LFS objects; ")));
        session.data(&content.as_bytes()[20_000..]);
        if is_cut_off {
            // The client is gone before it reads the answer.
            session.raw(b"0000");
        } else {
            assert_eq!(session.ask(&[]), ["status 200"]);
            // The session goes on, and has not asked again.
            counts_what_is_on_disk(&hub, "alice/x");
        }
        session.hang_up();
        all_have_ended(&hub);
        assert_eq!(stored(&hub, "alice/x"), round * 30_000);
        counts_what_is_on_disk(&hub, "alice/x");
    }
}

fn maintenance_of_the_operator_leaves_a_right_count() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.did(&["owner", "quota", "alice", "9M"]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    for (seed, file) in [(0, "a"), (1 << 32, "b")] {
        commit_noise(&alice, "x", file, 300_000, seed);
        alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    }
    alice.git_in("x", &["push", "--quiet", "--force", "origin", "HEAD^:main"]).is(&silent());
    let mut session = Wire::open(&alice, "alice/x", "upload");
    for content in ["0123456789", "abcdef"] {
        assert_eq!(put(&mut session, content), ["status 200"]);
    }
    session.hang_up();
    all_have_ended(&hub);
    counts_what_is_on_disk(&hub, "alice/x");
    let before = packed(&hub, "alice/x");
    hub.did(&["repo", "gc", "--prune-now", "alice/x"]);
    assert!(packed(&hub, "alice/x") < before - 200_000);
    counts_what_is_on_disk(&hub, "alice/x");
    let name = oid("abcdef");
    let object = hub.directory("alice/x").join("lfs/objects").join(&name[..2]).join(&name[2..4]).join(name);
    fs::write(object, "ABCDEF").expect("an object");
    hub.did_with_status(&["lfs", "check", "--quarantine"], 1);
    assert_eq!(stored(&hub, "alice/x"), 10);
    counts_what_is_on_disk(&hub, "alice/x");
}

/// Bytes that do not compress.
fn noise(bytes: usize, seed: u64) -> String {
    let words = (seed..).map(|number| format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)));
    words.take(bytes / 8).collect()
}

/// Commits a file with so many bytes of noise.
fn commit_noise(client: &Client, tree: &str, file: &str, bytes: usize, seed: u64) {
    client.commit(tree, file, &noise(bytes, seed));
}

/// Checks that the count of a repository is what its directory has, and that there is nothing to correct.
#[track_caller]
fn counts_what_is_on_disk(hub: &Hub, path: &str) {
    let (git, lfs) = (packed(hub, path), stored(hub, path));
    let counted = hub.did(&["repo", "quota", path]);
    assert!(
        counted.starts_with(&format!("{path} stores {git} bytes in git objects and {lfs} in LFS objects; ")),
        "{counted}"
    );
    assert_eq!(hub.did(&["quota", "check"]), RIGHT);
}

fn a_push_counts_with_large_files_and_stops_at_the_quota() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.did(&["owner", "quota", "alice", "2M"]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    commit_noise(&alice, "x", "a", 500_000, 0);
    let push = |words: &[&str]| alice.git_in("x", &[&["push", "--quiet", "origin"], words].concat());
    push(&["HEAD:main"]).is(&silent());
    counts_what_is_on_disk(&hub, "alice/x");
    let before = packed(&hub, "alice/x");
    assert!(before > 400_000, "{before}");
    // LFS objects and git objects share the quota.
    let mut session = Wire::open(&alice, "alice/x", "upload");
    let large = "l".repeat(65_000);
    for number in 0..20 {
        assert_eq!(put(&mut session, &format!("{number}{large}")), ["status 200"]);
    }
    commit_noise(&alice, "x", "b", 500_000, 1 << 32);
    let pushed = push(&["HEAD:main"]);
    let sentence = " more bytes do not fit in the quota of the owner: ";
    let in_use = format!(": {} of 2097152 bytes are in use", before + stored(&hub, "alice/x"));
    let text = pushed.stderr();
    assert!(pushed.status != 0 && text.contains(sentence) && text.contains(&in_use), "{pushed}");
    assert!(hub.log().iter().any(|entry| entry.fields.contains("decision=deny") && entry.fields.contains(sentence)));
    assert_eq!(packed(&hub, "alice/x"), before, "nothing of it is left");
    counts_what_is_on_disk(&hub, "alice/x");
    // A push that stores nothing needs no room, also if the quota was lowered.
    hub.did(&["owner", "quota", "alice", "1K"]);
    push(&["HEAD~1:refs/heads/second"]).is(&silent());
    push(&[":second"]).is(&silent());
    hub.did(&["owner", "quota", "alice", "unlimited"]);
    push(&["HEAD:main"]).is(&silent());
    // Bytes that were not counted are measured.
    hub.did(&["owner", "quota", "alice", "9M"]);
    counts_what_is_on_disk(&hub, "alice/x");
}

fn pushes_at_once_stay_together_within_a_quota() {
    const QUOTA: u64 = 1 << 20;
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["owner", "quota", "alice", &QUOTA.to_string()]);
    let paths: Vec<String> = (0..4).map(|number| format!("alice/{number}")).collect();
    for (path, seed) in paths.iter().zip(0..) {
        hub.empty_repo(path, &[]);
        let tree = path.replace('/', "-");
        alice.git(&["clone", "--quiet", &Client::url(path), &tree]).succeeded();
        commit_noise(&alice, &tree, "a", 400_000, seed << 32);
    }
    // Two of them fit.
    let pushed: Vec<bool> = std::thread::scope(|scope| {
        let alice = &alice;
        let push = |path: &String| {
            let tree = path.replace('/', "-");
            scope.spawn(move || alice.git_in(&tree, &["push", "--quiet", "origin", "HEAD:main"]).status == 0)
        };
        let pushes: Vec<_> = paths.iter().map(push).collect();
        pushes.into_iter().map(|push| push.join().expect("a push")).collect()
    });
    let stored: u64 = paths.iter().map(|path| packed(&hub, path)).sum();
    assert_eq!(pushed.iter().filter(|done| **done).count(), 2, "{pushed:?}");
    assert!(stored <= QUOTA, "{stored}");
    for path in &paths {
        counts_what_is_on_disk(&hub, path);
    }
}

fn a_push_that_is_killed_leaves_a_right_count() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "quota", "alice/x", "100M"]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    for (round, delay) in (0..6_u64).zip([0, 20, 50, 100, 200, 400]) {
        commit_noise(&alice, "x", "a", 300_000, round << 32);
        let mut push = alice.git_command("x");
        push.args(["push", "--quiet", "origin", &format!("HEAD:refs/heads/{round}")]);
        let mut push = background(push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        // A push may end before it is seen.
        crate::harness::wait_until("no session", || push.has_ended() || hub.sessions().len() > 1);
        std::thread::sleep(Duration::from_millis(delay));
        for process in hub.processes().into_iter().skip(1) {
            let _ = kill(process, Signal::SIGKILL);
        }
        push.ended();
        all_have_ended(&hub);
        counts_what_is_on_disk(&hub, "alice/x");
    }
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    counts_what_is_on_disk(&hub, "alice/x");
}

fn a_push_is_refused_if_its_bytes_cannot_be_counted() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    let counts = hub.path("db/usage");
    fs::create_dir(&counts).expect("a directory");
    let push = || alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]);
    alice.commit("x", "a", "without a quota");
    push().is(&silent());
    hub.sql("UPDATE owner SET quota = 1000000000");
    alice.commit("x", "a", "with a quota");
    let pushed = push();
    let sentence = "a quota is set, and what is stored cannot be counted now: tell the operator (reference ";
    assert!(pushed.status != 0 && pushed.stderr().contains(sentence), "{pushed}");
    let cause = "verb=push repo=alice/x decision=fault cause=\"cannot count what repositories store: ";
    assert!(hub.log().iter().any(|entry| entry.level == "error" && entry.fields.contains(cause)));
    fs::remove_dir(&counts).expect("the directory");
    push().is(&silent());
    counts_what_is_on_disk(&hub, "alice/x");
}
