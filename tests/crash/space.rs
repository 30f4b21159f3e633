//! A file system that is read-only or full: readers are served, and a push is refused with the reason.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use crate::Test;
use crate::faults::is_served;
use crate::hub::{Hub, LOGIN, program};
use crate::killed::{Reported, Writer};
use crate::model;
use crate::run::{Ended, forced_command, helper_answer, run, sqlite3};

pub(crate) const TESTS: [Test; 4] = [
    ("a_hub_on_a_read_only_file_system_serves", || read_only("read-only", |_| ())),
    ("a_hub_on_a_read_only_file_system_serves_without_wal", || read_only("read-only-clean", close_as_root)),
    ("a_hub_on_a_full_disk_serves_and_keeps_its_keys", || full("full", |_| ())),
    ("a_hub_on_a_full_disk_serves_without_wal_and_keeps_its_keys", || full("full-clean", close_as_root)),
];

/// A small file system in memory, unmounted on drop.
#[derive(Debug)]
struct Disk(PathBuf);

impl Disk {
    fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).expect("a directory");
        let disk = Self(directory);
        disk.mount(&["-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs"]);
        disk
    }

    fn mount(&self, words: &[&str]) {
        let status = Command::new("mount").args(words).arg(&self.0).status();
        assert!(status.expect("mount runs").success(), "mount {words:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// The state after a tool closed the database as SQLite does by default: without -wal and -shm.
fn close_as_root(hub: &Hub) {
    sqlite3(hub.database(), "SELECT count(*) FROM key");
    assert!(!hub.beside("-wal").exists() && !hub.beside("-shm").exists());
}

fn read_only(name: &str, prepare: fn(&Hub)) {
    let disk = Disk::new(crate::hub::place(name));
    let hub = Hub::new(name);
    prepare(&hub);
    disk.mount(&["-o", "remount,ro"]);
    is_served(&hub);
    is_served(&hub);
    pushes_fail(&hub, name, "remote unpack failed: unable to create temporary object directory");
    disk.mount(&["-o", "remount,rw"]);
    is_served(&hub);
    pushes_work(&hub, name);
}

fn full(name: &str, prepare: fn(&Hub)) {
    let _disk = Disk::new(crate::hub::place(name));
    let hub = Hub::new(name);
    let reported = Reported::new(&hub, 1);
    prepare(&hub);
    let filling = hub.path("filling");
    fill(&filling);
    is_served(&hub);
    pushes_fail(&hub, name, "No space left on device");
    // A writer fails with an error; the existing data stays.
    let status = Writer::start(&hub, true, &reported).wait();
    assert!(status.code().is_some_and(|code| code != 0), "{status:?}");
    is_served(&hub);
    assert_eq!(helper_answer(&hub, 1), Ok(None));
    fs::remove_file(filling).expect("room again");
    let writer = Writer::start(&hub, true, &reported);
    while reported.done() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(writer.kill(), "a writer ended by itself");
    assert_eq!(helper_answer(&hub, 2), Ok(Some(model::owner(2))));
    is_served(&hub);
    pushes_work(&hub, name);
}

/// A client that pushes a commit to a new branch, with the gateway in place of ssh.
fn push(hub: &Hub, name: &str) -> Ended {
    let client = crate::hub::place(&format!("{name}-client"));
    fs::create_dir_all(&client).expect("a directory");
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        let who = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
        git.current_dir(&client)
            .env("HOME", &client)
            .env("GIT_SSH", client.join("ssh"))
            .env("GIT_SSH_VARIANT", "simple");
        run(git.envs(who.map(|name| (name, "crash"))).args(words), b"")
    };
    let ssh = format!(
        "#!/bin/sh\nexec setpriv --reuid={LOGIN} --regid={LOGIN} --clear-groups env -i PATH=/usr/bin:/bin \\\n\
         SSH_CONNECTION='192.0.2.1 40000 192.0.2.2 22' SSH_ORIGINAL_COMMAND=\"$2\" {} --config {} {}\n",
        program("gateway").display(),
        hub.config().display(),
        forced_command(Some(&model::owner(0)), 0)
    );
    fs::write(client.join("ssh"), ssh).expect("a script");
    fs::set_permissions(client.join("ssh"), fs::Permissions::from_mode(0o755)).expect("a mode");
    git(&["init", "--quiet", "--bare", "."]);
    let tree = git(&["mktree"]).out;
    let commit = git(&["commit-tree", "-m", "second", tree.trim_end()]).out;
    hub.log("hubgate");
    let pushed = git(&["push", "hub:u0/x", &format!("{}:refs/heads/new", commit.trim_end())]);
    Ended { log: hub.log("hubgate"), ..pushed }
}

/// The peer reads git's error, and no object of the push stays. The log has a line for the session and none for the
/// push.
fn pushes_fail(hub: &Hub, name: &str, cause: &str) {
    let before = hub.names();
    let pushed = push(hub, name);
    assert_ne!(pushed.code(), 0, "{pushed:?}");
    assert!(pushed.err.contains(cause), "{pushed:?}");
    assert!(!pushed.err.contains("/var/lib"), "no path of the server's: {pushed:?}");
    assert_eq!(hub.names(), before, "{pushed:?}");
    let [session] = pushed.log.as_slice() else { panic!("{pushed:?}") };
    assert!(session.contains(" verb=receive-pack ") && session.contains(" decision=allow "), "{session}");
    is_served(hub);
}

fn pushes_work(hub: &Hub, name: &str) {
    let pushed = push(hub, name);
    assert_eq!(pushed.code(), 0, "{pushed:?}");
    let [session, push] = pushed.log.as_slice() else { panic!("{pushed:?}") };
    assert!(session.contains(" verb=receive-pack ") && push.contains(" verb=push "), "{pushed:?}");
    assert!(push.contains(" ref=refs/heads/new "), "{push}");
}

/// Writes until the file system is full.
fn fill(path: &PathBuf) {
    let mut file = File::create(path).expect("a file");
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
