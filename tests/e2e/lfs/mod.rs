//! LFS over SSH with Debian's git-lfs.

pub(crate) mod durable;
pub(crate) mod flows;
pub(crate) mod http;
pub(crate) mod kills;
pub(crate) mod large;
pub(crate) mod limits;
pub(crate) mod locks;
pub(crate) mod operator;
pub(crate) mod pointers;
pub(crate) mod quotas;
mod sessions;
pub(crate) mod wire;

use std::process::Command;

use wire::{Wire, oid};

use crate::harness::{Client, Hub, Outcome, refused, run, trials};
use crate::texts::you_are;

trials![
    large_files_are_pushed_cloned_and_checked,
    a_reader_uploads_nothing_and_a_stranger_sees_nothing,
    a_full_quota_is_reported_in_one_sentence,
    in_mode_ssh_authenticate_is_refused,
    a_session_continues_during_changes_and_ends_with_its_right,
    a_session_that_is_not_admitted_reads_why_inside_the_protocol,
    the_log_line_of_a_session_names_its_last_refusal,
];

impl Client {
    /// Clones with the filters of `git lfs install`, so that the working tree has the files and not their pointers.
    #[track_caller]
    fn clone_with_lfs(&self, path: &str, directory: &str) -> Outcome {
        run(&mut self.clone_with_lfs_command(path, directory))
    }

    fn clone_with_lfs_command(&self, path: &str, directory: &str) -> Command {
        let filters = [
            "filter.lfs.smudge=git-lfs smudge -- %f",
            "filter.lfs.process=git-lfs filter-process",
            "filter.lfs.required=true",
        ];
        let mut command = self.git_command("");
        command.args(filters.iter().flat_map(|filter| ["-c", *filter]));
        command.args(["clone", "--quiet", &Self::url(path), directory]);
        command
    }
}

/// A working tree `x` with large files of these contents, committed, and with the repository as remote.
fn tree(client: &Client, path: &str, files: &[(&str, String)]) {
    tree_with(client, "x", path, files);
}

/// The same working tree with another name.
fn tree_with(client: &Client, name: &str, path: &str, files: &[(&str, String)]) {
    client.git(&["init", "--quiet", name]).succeeded();
    client.git_in(name, &["remote", "add", "origin", &Client::url(path)]).succeeded();
    client.git_in(name, &["lfs", "install", "--local"]).succeeded();
    client.git_in(name, &["lfs", "track", "*.bin"]).succeeded();
    for (file, content) in files {
        client.write(&format!("{name}/{file}"), content);
    }
    client.git_in(name, &["add", "."]).succeeded();
    client.git_in(name, &["commit", "--quiet", "-m", "large"]).succeeded();
}

fn large_files_are_pushed_cloned_and_checked() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &["--private"]);
    let content = "weights ".repeat(100_000);
    tree(&alice, "alice/x", &[("a.bin", content.clone()), ("b.bin", "small".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    assert_eq!(hub.did(&["lfs", "check", "alice/x"]), "2 objects, 800005 bytes: no problems found\n");
    alice.clone_with_lfs("alice/x", "again").succeeded();
    assert_eq!(alice.read("again/a.bin"), content);
    let boxed = |entry: &crate::harness::Entry| {
        entry.fields.contains("verb=lfs-upload")
            && entry.sandbox.as_deref().is_some_and(|word| word.contains("landlock"))
    };
    assert!(hub.log().iter().any(boxed));
    // A byte of an object changes on disk; the check names the object.
    let objects = hub.directory("alice/x").join("lfs/objects");
    let mut find = std::process::Command::new("find");
    let file = crate::harness::run(find.arg(objects).args(["-size", "5c"])).succeeded().stdout();
    std::fs::write(file.trim_end(), "smaLl").expect("the object");
    assert!(hub.hubgate(&["lfs", "check"]).stdout().contains("is corrupt"));
}

fn a_reader_uploads_nothing_and_a_stranger_sees_nothing() {
    let hub = Hub::new();
    let (_alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/public", &[]);
    hub.empty_repo("alice/private", &["--private"]);
    tree(&bob, "alice/public", &[("a.bin", "a".to_owned())]);
    for (path, sentence) in [
        ("alice/public", "you have no write access to alice/public"),
        ("alice/private", "repository not found, or you have no access to it"),
    ] {
        bob.git_in("x", &["remote", "set-url", "origin", &Client::url(path)]).succeeded();
        let push = bob.git_in("x", &["lfs", "push", "origin", "HEAD"]);
        assert!(push.status != 0 && push.stderr().contains(sentence), "{push}");
    }
}

fn a_full_quota_is_reported_in_one_sentence() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "quota", "alice/x", "1K"]);
    tree(&alice, "alice/x", &[("a.bin", "x".repeat(4_096))]);
    let push = alice.git_in("x", &["push", "origin", "HEAD:main"]);
    let sentence = "4096 more bytes do not fit in the quota of the repository: 0 of 1024 bytes are in use";
    assert!(push.status != 0 && push.stderr().contains(sentence), "{push}");
    let stored = "alice/x stores 0 bytes in git objects and 0 in LFS objects; the quota is 1024\n";
    assert_eq!(hub.did(&["repo", "quota", "alice/x"]), stored);
}

fn in_mode_ssh_authenticate_is_refused() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    alice.ssh("git-lfs-authenticate alice/x download").is(&refused(crate::hostile::LFS_INSIDE_SSH));
    assert!(!you_are(&alice).is_empty());
}

fn a_session_continues_during_changes_and_ends_with_its_right() {
    let hub = Hub::new();
    let (_alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &["--private"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let mut session = Wire::open(&bob, "alice/x", "upload");
    let put = |session: &mut Wire, content: &str| {
        let oid = oid(content);
        session.send(&[&format!("put-object {oid}"), &format!("size={}", content.len()), "0001"]);
        session.data(content.as_bytes());
        session.ask(&[])
    };
    for content in ["one", "two"] {
        assert_eq!(put(&mut session, content), ["status 200"]);
        hub.user(&format!("carol-{content}"));
    }
    // A writer that continues while the session asks.
    hub.sql("BEGIN; UPDATE owner SET name = name; COMMIT");
    assert_eq!(put(&mut session, "three"), ["status 200"]);
    session.hang_up();
    // A command would end a session at once, so the database is changed directly. A session's authorizer looks after a
    // second, and then not for half a minute.
    let looked = || {
        let session = Wire::open(&bob, "alice/x", "upload");
        std::thread::sleep(std::time::Duration::from_secs(2));
        session
    };
    let mut session = looked();
    hub.sql("UPDATE collaborator SET role = 'read'");
    let refused = put(&mut session, "four");
    assert_eq!(refused[..3], ["status 422", "0001", "you have no write access to alice/x"]);
    session.hang_up();
    hub.sql("UPDATE collaborator SET role = 'write'");
    let mut session = looked();
    hub.sql("DELETE FROM collaborator");
    assert_eq!(session.ask(&["batch", "0001"])[2], "repository not found, or you have no access to it");
    session.hang_up();
    assert_eq!(hub.did(&["lfs", "check", "alice/x"]), "3 objects, 11 bytes: no problems found\n");
}

fn a_session_that_is_not_admitted_reads_why_inside_the_protocol() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &[]);
    hub.empty_repo("bob/x", &[]);
    hub.sql("UPDATE key SET expires_at = 1000000000 WHERE owner_id = (SELECT id FROM owner WHERE name = 'alice')");
    hub.did(&["user", "disable", "bob", "--reason", "away"]);
    let expired = format!("the key \"alice@laptop\" ({}) expired on ", alice.key.fingerprint);
    for (client, path, reason) in
        [(&alice, "alice/x", expired.as_str()), (&bob, "bob/x", "the account bob is disabled: away")]
    {
        for operation in ["upload", "download"] {
            let mut session = Wire::open(client, path, operation);
            let answer = session.ask(&["batch", "0001", &format!("{} 1", oid("x"))]);
            assert_eq!(answer[..2], ["status 403", "0001"], "{answer:?}");
            assert!(answer[2].contains(reason), "{answer:?}");
        }
        // git-lfs shows it.
        tree(client, path, &[("a.bin", "a".to_owned())]);
        let push = client.git_in("x", &["lfs", "push", "origin", "HEAD"]);
        assert!(push.status != 0 && push.stderr().contains(reason), "{push}");
    }
}

fn the_log_line_of_a_session_names_its_last_refusal() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let mut session = Wire::open(&alice, "alice/x", "upload");
    assert_eq!(session.ask(&["put-object 00", "size=1"])[0], "status 400");
    assert_eq!(session.ask(&["unlock 00"])[0], "status 404");
    session.hang_up();
    let expected = "refused=2 refusal=\"there is no lock 00: it may have been removed\" faults=0";
    crate::harness::wait_until("the line is missing", || {
        hub.raw_log().iter().any(|line| line.contains("verb=lfs-upload") && line.contains(expected)) || {
            hub.log();
            false
        }
    });
}
