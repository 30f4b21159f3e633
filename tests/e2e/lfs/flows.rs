//! Whole flows with real clients: each available version of git-lfs, over one connection and over many.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{tree, tree_with};
use crate::harness::{Client, Hub, Key, Machine, Outcome, Setup, Skip, run, trials};
use crate::hostile::LFS_INSIDE_SSH;
use crate::texts::not_found;

trials![
    large_files_with_debians_git_lfs,
    large_files_with_git_lfs_3_6,
    large_files_with_git_lfs_3_8,
    large_files_over_a_shared_connection,
    large_files_with_one_session_per_connection,
    a_push_of_twelve_objects_by_debians_client_does_not_hang,
    a_push_by_debians_git_lfs_ends_however_late_its_other_sessions_are,
    a_push_of_twelve_objects_by_newer_clients_succeeds,
    pushes_of_the_same_object_at_once_all_succeed,
    a_checkout_that_pauses_after_another_client_quit_gets_its_files,
    large_files_need_fetch_access,
    a_client_that_may_not_transfer_over_ssh_reads_what_to_change,
];

/// A directory for sockets, outside the client's home because the name of a socket has at most 108 bytes.
fn runtime() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

/// git in a client's working tree inside a login session, where git-lfs shares one connection.
#[track_caller]
fn git(client: &Client, runtime: Option<&Path>, directory: &str, words: &[&str]) -> Outcome {
    let mut command = client.git_command(directory);
    in_session(&mut command, client, runtime);
    run(command.args(words))
}

/// Each client has its own directory for sockets, because a socket's name contains host and login but not the key.
fn in_session(command: &mut Command, client: &Client, runtime: Option<&Path>) {
    if let Some(runtime) = runtime {
        let own = runtime.join(client.user.as_deref().unwrap_or("stranger"));
        fs::create_dir_all(&own).expect("a directory");
        command.env("XDG_RUNTIME_DIR", own);
    }
}

/// The number of objects in a working tree's LFS store.
fn stored(client: &Client, directory: &str) -> usize {
    let objects = client.home.join(directory).join(".git/lfs/objects");
    let found = run(Command::new("find").arg(objects).args(["-type", "f"]));
    found.succeeded().stdout().lines().count()
}

/// Clone with smudge, push, pull, fetch of everything, locks: with or without one shared connection.
#[track_caller]
fn flow(hub: &Hub, alice: &Client, bob: &Client, runtime: Option<&Path>) {
    let name = if runtime.is_some() { "one" } else { "many" };
    let path = format!("alice/{name}");
    hub.empty_repo(&path, &["--private"]);
    hub.did(&["repo", "collaborator", "set", &path, "bob", "write"]);
    let files: Vec<(String, String)> =
        (0..5).map(|n| (format!("{n}.bin"), format!("{path} {n}").repeat(9_999))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    tree_with(alice, name, &path, &files);
    git(alice, runtime, name, &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    assert!(hub.did(&["lfs", "check", &path]).starts_with("5 objects, "));

    let mut clone = bob.clone_with_lfs_command(&path, name);
    in_session(&mut clone, bob, runtime);
    run(&mut clone).succeeded();
    for (file, content) in &files {
        assert_eq!(bob.read(&format!("{name}/{file}")), *content);
    }
    bob.git_in(name, &["lfs", "install", "--local"]).succeeded();

    alice.write(&format!("{name}/0.bin"), "the second of that name");
    git(alice, runtime, name, &["commit", "--quiet", "-am", "second"]).succeeded();
    git(alice, runtime, name, &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    git(bob, runtime, name, &["pull", "--quiet"]).succeeded();
    assert_eq!(bob.read(&format!("{name}/0.bin")), "the second of that name");

    // All versions of all files, in a working tree without objects.
    let all = format!("{name}-all");
    let mut pointers = bob.git_command("");
    pointers.env("GIT_LFS_SKIP_SMUDGE", "1").args(["clone", "--quiet", &Client::url(&path), &all]);
    run(&mut pointers).succeeded();
    git(bob, runtime, &all, &["lfs", "fetch", "--all"]).succeeded();
    assert_eq!(stored(bob, &all), 6);

    git(alice, runtime, name, &["lfs", "lock", "1.bin"]).succeeded();
    let locks = git(bob, runtime, name, &["lfs", "locks"]).succeeded().stdout();
    assert!(locks.contains("1.bin") && locks.contains("alice"), "{locks}");
    assert_ne!(git(bob, runtime, name, &["lfs", "lock", "1.bin"]).status, 0);
    let verified = git(alice, runtime, name, &["lfs", "locks", "--verify"]).succeeded().stdout();
    assert!(verified.starts_with("O "), "{verified}");
    // A push of a locked file names the lock's owner and fails.
    bob.write(&format!("{name}/1.bin"), "bob's");
    git(bob, runtime, name, &["commit", "--quiet", "-am", "locked"]).succeeded();
    git(bob, runtime, name, &["config", "lfs.locksverify", "true"]).succeeded();
    let push = git(bob, runtime, name, &["push", "--quiet", "origin", "HEAD:main"]);
    assert!(push.status != 0 && push.stdout().contains("1.bin - alice"), "{push}");
    git(alice, runtime, name, &["lfs", "unlock", "1.bin"]).succeeded();
    git(bob, runtime, name, &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    // A push without new objects.
    git(bob, runtime, name, &["push", "--quiet", "origin", "HEAD:other"]).succeeded();
    assert!(hub.did(&["lfs", "check", &path]).starts_with("7 objects, "));
}

#[track_caller]
fn both_ways(programs: Option<&Path>) {
    let hub = Hub::new();
    let [alice, bob] = ["alice", "bob"].map(|name| {
        let client = hub.user(name);
        match programs {
            Some(directory) => client.with_programs(directory),
            None => client,
        }
    });
    flow(&hub, &alice, &bob, Some(runtime().path()));
    for client in [&alice, &bob] {
        client.git(&["config", "--global", "lfs.ssh.automultiplex", "false"]).succeeded();
    }
    flow(&hub, &alice, &bob, None);
}

/// The directory of a newer git-lfs.
fn newer(minor: &str) -> PathBuf {
    Machine::git_lfs(minor).unwrap_or_else(|| Skip::now(format!("no git-lfs {minor} here: sh tests/git-lfs.sh")))
}

fn large_files_with_debians_git_lfs() {
    both_ways(None);
}

fn large_files_with_git_lfs_3_6() {
    both_ways(Some(&newer("3.6")));
}

fn large_files_with_git_lfs_3_8() {
    both_ways(Some(&newer("3.8")));
}

fn large_files_over_a_shared_connection() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    let _masters = [alice.master(), bob.master()];
    flow(&hub, &alice, &bob, None);
}

fn large_files_with_one_session_per_connection() {
    let hub = Hub::with(&Setup { sshd: |block, _| format!("MaxSessions 1\n{block}"), ..Setup::default() });
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    flow(&hub, &alice, &bob, Some(runtime().path()));
}

/// Pushes this many objects of a new repository in a login session, with the given command, and waits for it.
#[track_caller]
fn push_of(objects: usize, hub: &Hub, client: &Client, name: &str, words: &[&str]) -> Outcome {
    let runtime = runtime();
    let path = format!("alice/{name}");
    hub.empty_repo(&path, &[]);
    let files: Vec<(String, String)> = (0..objects).map(|n| (format!("{n}.bin"), format!("{path} {n}"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(file, content)| (file.as_str(), content.clone())).collect();
    tree_with(client, name, &path, &files);
    let push = git(client, Some(runtime.path()), name, words);
    push.succeeded();
    assert!(hub.did(&["lfs", "check", &path]).starts_with(&format!("{objects} objects")));
    push
}

fn a_push_of_twelve_objects_by_debians_client_does_not_hang() {
    let hub = Hub::new();
    push_of(12, &hub, &hub.user("alice"), "x", &["push", "origin", "HEAD:main"]);
}

/// Every session except the first sends each message half a second late, so that the client quits the first one before
/// the others wait. `ROUNDS=100 cargo test --test e2e -- however` is the long run.
fn a_push_by_debians_git_lfs_ends_however_late_its_other_sessions_are() {
    let rounds: usize = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    let hub = Hub::new();
    let alice = hub.user("alice");
    let (services, real, first) = (hub.path("libexec/services"), hub.path("libexec/services.real"), hub.path("first"));
    fs::rename(&services, &real).expect("the program");
    let script = format!(
        "#!/bin/sh\n\
         [ \"$1\" = lfs-transfer ] || exec '{real}' \"$@\"\n\
         rmdir '{first}' 2>/dev/null && exec '{real}' \"$@\"\n\
         exec strace -f -qq -o /dev/null -e trace=write,writev -e inject=write,writev:delay_exit=500000 '{real}' \"$@\"\n",
        real = real.display(),
        first = first.join("waits").display(),
    );
    fs::write(&services, script).expect("a script");
    fs::set_permissions(&services, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::create_dir(&first).expect("a directory");
    fs::set_permissions(&first, fs::Permissions::from_mode(0o777)).expect("a mode");
    for round in 0..rounds {
        fs::create_dir(first.join("waits")).expect("a directory");
        push_of(16, &hub, &alice, &format!("x{round}"), &["lfs", "push", "origin", "HEAD"]);
        assert!(!first.join("waits").exists(), "the first session came");
    }
    super::sessions::all_have_ended(&hub);
}

fn a_push_of_twelve_objects_by_newer_clients_succeeds() {
    for directory in [newer("3.6"), newer("3.8")] {
        let hub = Hub::new();
        let alice = hub.user("alice").with_programs(&directory);
        let push = push_of(12, &hub, &alice, "x", &["push", "origin", "HEAD:main"]);
        let words = push.stderr().to_lowercase();
        assert!(!["warning", "error", "eof", "fail"].iter().any(|word| words.contains(word)), "{push}");
    }
}

fn pushes_of_the_same_object_at_once_all_succeed() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.empty_repo("alice/x", &[]);
    let clients: Vec<Client> = (0..4)
        .map(|n| {
            let key = Key::new(&format!("{n}"));
            hub.add_key("alice", &key, &[]);
            Client::new(&hub, Some("alice"), key)
        })
        .collect();
    let content = "the same ".repeat(1_000_000);
    for client in &clients {
        tree(client, "alice/x", &[("a.bin", content.clone())]);
    }
    std::thread::scope(|scope| {
        for (n, client) in clients.iter().enumerate() {
            let branch = format!("HEAD:branch{n}");
            scope.spawn(move || client.git_in("x", &["push", "--quiet", "origin", &branch]).succeeded().status);
        }
    });
    assert_eq!(hub.did(&["lfs", "check", "alice/x"]), "1 object, 9000000 bytes: no problems found\n");
    assert!(fs::read_dir(hub.directory("alice/x").join("lfs/incomplete")).is_ok_and(|mut left| left.next().is_none()));
}

fn a_client_that_may_not_transfer_over_ssh_reads_what_to_change() {
    let hub = Hub::new();
    let alice = hub.user("alice").with_programs(&newer("3.8"));
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[("a.bin", "weights".to_owned())]);
    let over_http = ["-c", "lfs.sshtransfer=never", "-c", "lfs.ssh.retries=0", "push", "origin", "HEAD:main"];
    let push = alice.git_in("x", &over_http);
    assert!(push.status != 0 && push.stderr().contains(LFS_INSIDE_SSH.trim_end()), "{push}");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
}

fn large_files_need_fetch_access() {
    let hub = Hub::new();
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[("a.bin", "weights".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    let deploy = |title: &str, options: &[&str]| {
        let key = Key::new(title);
        let file = key.public_file();
        let words = ["deploy-key", "add", "alice/x", file.to_str().expect("UTF-8")];
        hub.did(&[words.as_slice(), options].concat());
        Client::new(&hub, None, key)
    };
    let (reading, writing) = (deploy("reading", &[]), deploy("writing", &["--write"]));
    let mut clones = 0;
    let mut gets_it = |client: &Client| {
        clones += 1;
        let copy = format!("copy{clones}");
        client.clone_with_lfs("alice/x", &copy).succeeded();
        assert_eq!(client.read(&format!("{copy}/a.bin")), "weights");
        copy
    };
    // What a client with fetch access reads after a push, by git and by git-lfs alone.
    let pushes_nothing = |client: &Client, copy: &str| {
        client.git_in(copy, &["lfs", "install", "--local"]).succeeded();
        client.commit(copy, "b.bin", "more");
        let push = client.git_in(copy, &["lfs", "push", "origin", "HEAD"]);
        assert!(push.status != 0 && push.stderr().contains("you have no write access to alice/x"), "{push}");
        assert_ne!(client.git_in(copy, &["push", "origin", "HEAD:main"]).status, 0);
    };
    for client in [&bob, &stranger, &reading] {
        let copy = gets_it(client);
        pushes_nothing(client, &copy);
    }
    let copy = gets_it(&writing);
    writing.git_in(&copy, &["lfs", "install", "--local"]).succeeded();
    writing.commit(&copy, "c.bin", "by a deploy key");
    writing.git_in(&copy, &["push", "--quiet", "origin", "HEAD:main"]).succeeded();

    // Private: only with a grant.
    hub.did(&["repo", "visibility", "alice/x", "private"]);
    for client in [&bob, &stranger] {
        let clone = client.clone_with_lfs("alice/x", "private");
        assert!(clone.status != 0 && clone.stderr().contains(&not_found(client)), "{clone}");
    }
    gets_it(&reading);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "read"]);
    gets_it(&bob);

    // Gated: only with an accepted request.
    hub.empty_repo("alice/gated", &["--gated", "manual"]);
    tree_with(&alice, "gated", "alice/gated", &[("a.bin", "weights".to_owned())]);
    alice.git_in("gated", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    for client in [&bob, &stranger] {
        let clone = client.clone_with_lfs("alice/gated", "gated");
        assert!(clone.status != 0 && clone.stderr().contains("access to alice/gated is restricted"), "{clone}");
        let fetch = client.ssh("git-lfs-transfer alice/gated download");
        assert!(fetch.status == 0 && fetch.stdout().starts_with("000e"), "refused inside the protocol: {fetch}");
    }
    bob.ssh("access request alice/gated").succeeded();
    hub.did(&["access", "grant", "alice/gated", "bob"]);
    bob.clone_with_lfs("alice/gated", "gated").succeeded();
    assert_eq!(bob.read("gated/a.bin"), "weights");
}

/// git-lfs opens a session when the checkout reaches the first large file, and sends `batch` after git has written all
/// other files. `PAUSE=80 cargo test --test e2e -- pauses` is the long run.
fn a_checkout_that_pauses_after_another_client_quit_gets_its_files() {
    let pause: u64 = std::env::var("PAUSE").ok().and_then(|pause| pause.parse().ok()).unwrap_or(7);
    let hub = Hub::new();
    let alice = hub.user("alice");
    let _master = alice.master();
    alice.git(&["config", "--global", "lfs.ssh.automultiplex", "false"]).succeeded();
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[("a.bin", "large".to_owned())]);
    alice.write("x/slow.txt", "slow");
    alice.write("x/.gitattributes", "*.bin filter=lfs -text\nslow.txt filter=slow\n");
    git(&alice, None, "x", &["add", "."]).succeeded();
    git(&alice, None, "x", &["commit", "--quiet", "-m", "slow"]).succeeded();
    git(&alice, None, "x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    for directory in ["first", "second"] {
        alice.git(&["clone", "--quiet", "--no-checkout", &Client::url("alice/x"), directory]).succeeded();
        alice.git_in(directory, &["lfs", "install", "--local"]).succeeded();
    }
    git(&alice, None, "first", &["checkout", "--quiet", "main"]).succeeded();
    alice.git_in("second", &["config", "filter.slow.smudge", &format!("sleep {pause}; cat")]).succeeded();
    git(&alice, None, "second", &["checkout", "--quiet", "main"]).succeeded();
    assert_eq!(alice.read("second/a.bin"), "large");
}
