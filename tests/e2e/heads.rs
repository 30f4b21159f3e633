//! The default branch of a repository: which branch a clone checks out, who chooses it, and what a push may do to it.

use crate::harness::{Client, Hub, Outcome, refused, says, silent, trials};

trials![
    head_follows_pushes_until_a_preferred_branch_comes,
    the_default_branch_is_chosen_by_the_operator_and_over_ssh,
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
    let changes = entries.matches("\"repo.default-branch\"").count();
    assert_eq!(changes, 2, "{entries}");
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
