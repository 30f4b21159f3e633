//! Kills in the middle of an object: of the client, of the session, of sshd, of all at once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::sessions::{all_have_ended, in_the_middle};
use super::tree_with;
use crate::harness::{Background, Client, Held, Hub, background, run, trials};

trials![
    an_upload_whose_session_is_killed_leaves_nothing,
    an_upload_whose_client_is_killed_leaves_nothing,
    an_upload_whose_sshd_is_killed_leaves_nothing,
    an_upload_whose_processes_are_all_killed_leaves_nothing,
    a_download_whose_session_is_killed_succeeds_the_next_time,
];

const SIZE: u64 = 24 << 20;

/// A hub with a push that is held in the middle of its object, and the session that receives it.
struct HeldPush {
    hub: Hub,
    alice: Client,
    held: Held,
    push: Background,
    session: Pid,
}

impl HeldPush {
    fn new() -> Self {
        let hub = Hub::new();
        let alice = hub.user("alice");
        hub.empty_repo("alice/x", &[]);
        tree_with(&alice, "x", "alice/x", &[("a.bin", "a".repeat(usize::try_from(SIZE).expect("a size")))]);
        let held = Held::after(1 << 20, &alice, &hub);
        let mut push = alice.git_command("x");
        push.args(["push", "--quiet", "origin", "HEAD:main"]);
        let push = background(push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        let session = in_the_middle(&hub);
        Self { hub, alice, held, push, session }
    }

    /// Checks that nothing of the killed push is left, and that the next push stores exactly the object.
    #[track_caller]
    fn leaves_nothing_and_is_repaired(self) {
        let Self { hub, alice, held, push, .. } = self;
        held.open();
        push.ended();
        all_have_ended(&hub);
        let lfs = hub.directory("alice/x").join("lfs");
        assert_eq!(files(&lfs), Vec::<String>::new());
        assert_eq!(hub.did(&["lfs", "check", "alice/x"]), "0 objects, 0 bytes: no problems found\n");
        alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
        hub.did(&["repo", "gc", "alice/x"]);
        assert_eq!(hub.did(&["lfs", "check", "alice/x"]), format!("1 object, {SIZE} bytes: no problems found\n"));
        assert_eq!(files(&lfs).len(), 1);
    }
}

/// All files beneath a directory.
fn files(directory: &Path) -> Vec<String> {
    let found = run(Command::new("find").arg(directory).args(["-type", "f"]));
    found.succeeded().stdout().lines().map(str::to_owned).collect()
}

fn kill_hard(process: Pid) {
    kill(process, Signal::SIGKILL).expect("a process");
}

fn an_upload_whose_session_is_killed_leaves_nothing() {
    let push = HeldPush::new();
    kill_hard(push.session);
    push.leaves_nothing_and_is_repaired();
}

fn an_upload_whose_client_is_killed_leaves_nothing() {
    let push = HeldPush::new();
    for process in push.push.processes() {
        // A process may have ended with another one.
        let _ = kill(process, Signal::SIGKILL);
    }
    push.leaves_nothing_and_is_repaired();
}

fn an_upload_whose_sshd_is_killed_leaves_nothing() {
    let push = HeldPush::new();
    let stat = fs::read_to_string(format!("/proc/{}/stat", push.session)).expect("a process");
    let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)).and_then(|pid| pid.parse().ok());
    kill_hard(Pid::from_raw(parent.expect("a parent")));
    push.leaves_nothing_and_is_repaired();
}

fn an_upload_whose_processes_are_all_killed_leaves_nothing() {
    let push = HeldPush::new();
    // All but the listening sshd: its sessions, git, the authorizer.
    for process in push.hub.processes().into_iter().skip(1) {
        let _ = kill(process, Signal::SIGKILL);
    }
    push.leaves_nothing_and_is_repaired();
}

fn a_download_whose_session_is_killed_succeeds_the_next_time() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let content = "a".repeat(usize::try_from(SIZE).expect("a size"));
    tree_with(&alice, "x", "alice/x", &[("a.bin", content.clone())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    let mut pointers = alice.git_command("");
    pointers.env("GIT_LFS_SKIP_SMUDGE", "1").args(["clone", "--quiet", &Client::url("alice/x"), "copy"]);
    run(&mut pointers).succeeded();
    alice.git_in("copy", &["lfs", "install", "--local"]).succeeded();
    let held = Held::after(1 << 20, &alice, &hub);
    let mut pull = alice.git_command("copy");
    pull.args(["lfs", "pull"]);
    let pull = background(pull.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    kill_hard(in_the_middle(&hub));
    held.open();
    pull.ended();
    all_have_ended(&hub);
    alice.git_in("copy", &["lfs", "pull"]).succeeded();
    assert_eq!(alice.read("copy/a.bin"), content);
}
