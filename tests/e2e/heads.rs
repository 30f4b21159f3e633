//! The default branch of a repository: which branch a clone checks out, who chooses it, and what a push may do to it.

use std::fs;
use std::os::unix::fs::chown;
use std::process::Stdio;

use crate::harness::{Client, Hub, Outcome, background, refused, says, silent, trials, wait_until};

trials![
    head_follows_pushes_until_a_preferred_branch_comes,
    the_default_branch_is_chosen_by_the_operator_and_over_ssh,
    a_choice_of_the_default_branch_holds_up_no_change,
    a_push_does_not_delete_the_default_branch,
    a_mirror_is_pushed_over_a_repository_with_another_head,
    an_imported_and_an_adopted_repository_keep_their_head,
];

fn head(hub: &Hub) -> String {
    hub.git_in("alice/x", &["symbolic-ref", "--short", "HEAD"]).trim_end().to_owned()
}

/// A tree `x` with one commit, and the address of the hub's `alice/x` as `origin`.
fn tree(alice: &Client, format: &str) {
    alice.git(&["init", "--quiet", "--initial-branch=work", &format!("--object-format={format}"), "x"]).is(&silent());
    alice.commit("x", "first", "1");
    alice.git_in("x", &["remote", "add", "origin", &Client::url("alice/x")]).is(&silent());
}

fn push(alice: &Client, words: &[&str]) -> Outcome {
    alice.git_in("x", &[&["push", "--quiet", "origin"], words].concat())
}

fn head_follows_pushes_until_a_preferred_branch_comes() {
    for format in ["sha1", "sha256"] {
        let hub = Hub::new();
        let alice = hub.user("alice");
        hub.empty_repo("alice/x", &["--object-format", format]);
        tree(&alice, format);
        // A tool's branch comes first in git's list.
        push(&alice, &["HEAD:gh-pages", "HEAD:synced/work"]).is(&silent());
        assert_eq!(head(&hub), "gh-pages");
        push(&alice, &["HEAD:work", "HEAD:dev"]).is(&silent());
        assert_eq!(head(&hub), "work");
        push(&alice, &["HEAD:another"]).is(&silent());
        assert_eq!(head(&hub), "work");
        push(&alice, &["HEAD:master"]).is(&silent());
        assert_eq!(head(&hub), "master");
        push(&alice, &["HEAD:main"]).is(&silent());
        assert_eq!(head(&hub), "master");
    }
}

fn the_default_branch_is_chosen_by_the_operator_and_over_ssh() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &[]);
    let unborn = "the default branch of alice/x is main, which does not exist yet\n";
    assert_eq!(hub.did(&["repo", "default-branch", "alice/x"]), unborn);
    tree(&alice, "sha1");
    push(&alice, &["HEAD:work"]).is(&silent());
    alice.ssh("repo default-branch alice/x").is(&says("the default branch of alice/x is work\n"));
    let missing = "alice/x has no branch nowhere: push it first\n";
    alice.ssh("repo default-branch alice/x nowhere").is(&refused(format!("hubgate: {missing}")));
    let outcome = hub.hubgate(&["repo", "default-branch", "alice/x", "nowhere"]);
    assert!(outcome.status == 1 && outcome.stderr().contains(missing), "{outcome}");
    push(&alice, &["HEAD:dev"]).is(&silent());
    alice.ssh("repo default-branch alice/x dev").is(&says("the default branch of alice/x is dev\n"));
    assert_eq!(head(&hub), "dev");
    // What was chosen does not follow.
    push(&alice, &["HEAD:main"]).is(&silent());
    assert_eq!(head(&hub), "dev");
    bob.ssh("repo default-branch alice/x").is(&says("the default branch of alice/x is dev\n"));
    bob.ssh("repo default-branch alice/x main").is(&refused("hubgate: you do not administer alice/x\n"));
    assert_eq!(
        hub.did(&["repo", "default-branch", "alice/x", "refs/heads/main"]),
        "the default branch of alice/x is main\n"
    );
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "again"]).is(&silent());
    alice.git_in("again", &["branch", "--show-current"]).is(&says("main\n"));
    let entries = hub.did(&["--json", "audit", "--repo", "alice/x"]);
    let changes = entries.matches("\"repo.set_default_branch\"").count();
    assert_eq!(changes, 2, "{entries}");
}

/// git waits at a pipe in place of its list of refs, as it would take long in a large repository.
fn a_choice_of_the_default_branch_holds_up_no_change() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let refs = hub.directory("alice/x").join("packed-refs");
    let pipe = hub.path("pipe");
    let _ = fs::remove_file(&refs);
    nix::unistd::mkfifo(&refs, nix::sys::stat::Mode::S_IRUSR).expect("a pipe");
    chown(&refs, Some(hub.login.uid), Some(hub.login.gid)).expect("an owner");
    let mut ssh = alice.ssh_command(&["-oBatchMode=yes", "-oControlPath=none"]);
    ssh.arg("repo default-branch alice/x nowhere").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let choice = background(&mut ssh);
    let is_git = |pid: &nix::unistd::Pid| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).any(|word| word == b"show-ref")
    };
    wait_until("git does not run", || hub.sessions().iter().any(is_git));
    hub.did(&["user", "add", "carol"]);
    assert!(hub.sessions().iter().any(is_git), "git has not waited");
    fs::rename(&refs, &pipe).expect("a pipe");
    // git goes on when the pipe is open at both ends.
    drop(fs::OpenOptions::new().write(true).open(&pipe).expect("a pipe"));
    choice.ended();
}

fn a_push_does_not_delete_the_default_branch() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    push(&alice, &["HEAD:dev"]).is(&silent());
    let outcome = push(&alice, &[":main", ":dev"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    let said = outcome.stderr();
    assert!(said.contains("remote: hubgate: refs/heads/main is not deleted: it is the default branch"), "{said}");
    let command = "repo default-branch alice/x BRANCH";
    assert!(said.contains("remote: hubgate: choose another default branch first: ssh "), "{said}");
    assert!(said.contains(command), "{said}");
    assert!(!said.contains("receive.denyDeleteCurrent"), "{said}");
    // The other deletion of that push was done.
    assert_eq!(hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)", "refs/heads"]), "refs/heads/main\n");
    push(&alice, &["HEAD:dev"]).is(&silent());
    alice.ssh("repo default-branch alice/x dev").succeeded();
    push(&alice, &[":main"]).is(&silent());
    assert_eq!(head(&hub), "dev");
    // A chosen branch does not follow a mirror either.
    alice.git_in("x", &["checkout", "--quiet", "-b", "other"]).is(&silent());
    let outcome = push(&alice, &[":dev", "HEAD:other"]);
    assert!(outcome.stderr().contains("refs/heads/dev is not deleted"), "{outcome}");
}

fn a_mirror_is_pushed_over_a_repository_with_another_head() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["init", "--quiet", "--bare", "--initial-branch=trunk", "y"]).is(&silent());
    alice.git(&["init", "--quiet", "--initial-branch=trunk", "z"]).is(&silent());
    alice.commit("z", "first", "1");
    alice.git_in("z", &["push", "--quiet", "../y", "trunk", "trunk:topic"]).is(&silent());
    alice.git_in("y", &["push", "--quiet", "--mirror", &Client::url("alice/x")]).is(&silent());
    // Neither is preferred, so the first in git's list is as good as the other.
    assert_eq!(head(&hub), "topic");
    let left = hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(left, "refs/heads/topic\nrefs/heads/trunk\n");
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "again"]).is(&silent());
    assert_eq!(alice.read("again/first"), "1");
}

fn an_imported_and_an_adopted_repository_keep_their_head() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    alice.git(&["init", "--quiet", "--bare", "--initial-branch=trunk", "source"]).is(&silent());
    tree(&alice, "sha1");
    alice.git_in("x", &["push", "--quiet", "../source", "HEAD:trunk"]).is(&silent());
    let source = hub.path("source");
    crate::harness::run(std::process::Command::new("cp").arg("-r").arg(alice.home.join("source")).arg(&source))
        .succeeded();
    crate::harness::run(std::process::Command::new("chmod").args(["-R", "a+rX"]).arg(&source)).succeeded();
    hub.did(&["repo", "import", "alice/x", source.to_str().expect("UTF-8"), "--public"]);
    push(&alice, &["HEAD:main"]).is(&silent());
    assert_eq!(head(&hub), "trunk");
    // A repository whose row is lost.
    let directory = hub.directory("alice/x");
    std::fs::remove_file(directory.join(hubgate::push::MARK)).expect("a mark");
    hub.did(&["repo", "remove", "alice/x", "--yes"]);
    hub.sql("DELETE FROM repository");
    hub.did(&["repo", "adopt", directory.to_str().expect("UTF-8"), "--as", "alice/x"]);
    push(&alice, &["HEAD:master"]).is(&silent());
    assert_eq!(head(&hub), "trunk");
}
