//! Pushes of pointers whose objects are not on the hub.

use std::path::PathBuf;

use super::wire::oid;
use super::{tree, tree_with};
use crate::harness::{Client, Hub, Outcome, Setup, run_with, silent, trials};

trials![
    a_push_without_the_objects_of_its_pointers_is_refused,
    a_mirror_without_objects_is_refused_and_with_them_accepted,
    a_pointer_that_the_repository_has_is_not_checked_again,
    a_pointer_in_a_tree_bomb_is_found_within_the_limits_of_a_push,
    a_pointer_whose_place_is_not_found_in_time_is_refused_by_its_object,
    a_pointer_behind_a_tag_without_a_commit_is_refused,
    pointers_are_not_checked_where_objects_are_stored_elsewhere,
];

const REMEDY: &str = "upload the objects, then push again: git lfs push --all origin";

fn problem(commit: &str, path: &str, content: &str) -> String {
    format!("commit {commit}: {path} is an LFS pointer, but its object {} is not here", oid(content))
}

/// Checks that the push hook refused a push, with exactly these lines.
#[track_caller]
fn is_refused(push: &Outcome, lines: &[String]) {
    let text = push.stderr();
    let said: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("remote: hubgate: ")).map(str::trim_end).collect();
    assert_eq!((push.status, said), (1, lines.iter().map(String::as_str).collect()), "{push}");
    assert!(push.stderr().contains("(pre-receive hook declined)"), "{push}");
}

fn head(client: &Client, tree: &str, revision: &str) -> String {
    client.git_in(tree, &["rev-parse", revision]).succeeded().stdout().trim_end().to_owned()
}

/// The file of a stored object.
fn place(hub: &Hub, path: &str, content: &str) -> PathBuf {
    let name = oid(content);
    hub.directory(path).join("lfs/objects").join(&name[..2]).join(&name[2..4]).join(&name)
}

fn a_push_without_the_objects_of_its_pointers_is_refused() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[("a b ä.bin", "first".to_owned())]);
    let first = head(&alice, "x", "HEAD");
    alice.commit("x", "plain", "no pointer");
    // The file has another object in the newest commit.
    alice.commit("x", "a b ä.bin", "second");
    let second = head(&alice, "x", "HEAD");
    let refused = [problem(&first, "a b ä.bin", "first"), problem(&second, "a b ä.bin", "second"), REMEDY.to_owned()];
    hub.log();
    is_refused(&alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", "HEAD:main"]), &refused);
    let log = hub.log();
    assert!(log.iter().any(|entry| entry.fields.contains("verb=push") && entry.fields.contains("decision=deny")));
    assert_eq!(hub.git_in("alice/x", &["for-each-ref"]), "");
    assert_eq!(hub.git_in("alice/x", &["count-objects"]), "0 objects, 0 kilobytes\n");
    // The remedy works, and an ordinary push needs none.
    alice.git_in("x", &["lfs", "push", "--all", "origin"]).succeeded();
    alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", "HEAD:main"]).is(&silent());
    alice.commit("x", "c.bin", "third");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    // A pointer that comes in a merge, and the object with another size than its pointer says.
    alice.git_in("x", &["switch", "--quiet", "-c", "side", "HEAD~1"]).succeeded();
    let side = alice.commit("x", "d.bin", "fourth");
    alice.git_in("x", &["switch", "--quiet", "main"]).succeeded();
    alice.git_in("x", &["merge", "--quiet", "--no-ff", "side"]).succeeded();
    let push = || alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", "HEAD:main"]);
    let refused = [problem(&side, "d.bin", "fourth"), REMEDY.to_owned()];
    is_refused(&push(), &refused);
    alice.git_in("x", &["lfs", "push", "--all", "origin"]).succeeded();
    std::fs::write(place(&hub, "alice/x", "fourth"), "four").expect("an object");
    is_refused(&push(), &refused);
}

fn a_mirror_without_objects_is_refused_and_with_them_accepted() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for path in ["alice/x", "alice/mirror"] {
        hub.empty_repo(path, &[]);
    }
    let files: Vec<(String, String)> = (0..8).map(|n| (format!("{n}.bin"), format!("object {n}"))).collect();
    let files: Vec<(&str, String)> = files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    tree(&alice, "alice/x", &files);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main", "HEAD:other"]).succeeded();
    let commit = head(&alice, "x", "HEAD");
    alice.git(&["clone", "--quiet", "--mirror", &Client::url("alice/x"), "mirror"]).is(&silent());
    alice.git_in("mirror", &["remote", "add", "hub", &Client::url("alice/mirror")]).succeeded();
    let mirror = || alice.git_in("mirror", &["push", "--quiet", "--mirror", "hub"]);
    let mut refused: Vec<String> =
        files.iter().take(5).map(|(name, content)| problem(&commit, name, content)).collect();
    refused.push("the objects of 3 more LFS pointers are not here".to_owned());
    refused.push(REMEDY.to_owned());
    is_refused(&mirror(), &refused);
    assert_eq!(hub.git_in("alice/mirror", &["for-each-ref"]), "");
    alice.git_in("mirror", &["lfs", "fetch", "--all", "origin"]).succeeded();
    alice.git_in("mirror", &["lfs", "push", "--all", "hub"]).succeeded();
    mirror().is(&silent());
    assert!(hub.did(&["lfs", "check", "alice/mirror"]).starts_with("8 objects, "));
}

fn a_pointer_that_the_repository_has_is_not_checked_again() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[("a.bin", "lost".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    std::fs::remove_file(place(&hub, "alice/x", "lost")).expect("an object");
    // The pointer leaves the branch and comes back. git keeps the pack of a push of more than 100 objects, so the
    // quarantine has the pointer again.
    alice.git_in("x", &["rm", "--quiet", "a.bin"]).succeeded();
    alice.git_in("x", &["commit", "--quiet", "-m", "removed"]).succeeded();
    let push = || alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", "HEAD:main"]);
    push().is(&silent());
    alice.git_in("x", &["revert", "--no-edit", "HEAD"]).succeeded();
    for number in 0..120 {
        alice.write(&format!("x/{number}"), number.to_string());
    }
    alice.git_in("x", &["add", "."]).succeeded();
    alice.git_in("x", &["commit", "--quiet", "-m", "many"]).succeeded();
    push().is(&silent());
    // The same client with a new pointer beside it.
    let commit = alice.commit("x", "b.bin", "new");
    is_refused(&push(), &[problem(&commit, "b.bin", "new"), REMEDY.to_owned()]);
}

/// Writes an object with a git command that reads it, and returns its id.
#[track_caller]
fn written(client: &Client, words: &[&str], input: &str) -> String {
    run_with(client.git_command("x").args(words), input.as_bytes()).succeeded().stdout().trim_end().to_owned()
}

/// A blob that is a pointer to an object of this content.
fn pointer(client: &Client, content: &str) -> String {
    let (oid, size) = (oid(content), content.len());
    let text = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n");
    written(client, &["hash-object", "-w", "--stdin"], &text)
}

/// A chain of trees, each with the one before it under each of these names; a pointer is in the innermost.
fn nested(client: &Client, depth: usize, names: &[String]) -> String {
    let mut tree = written(client, &["mktree"], &format!("100644 blob {}\tp.bin\n", pointer(client, "lost")));
    for _ in 0..depth {
        let entries: String = names.iter().map(|name| format!("040000 tree {tree}\t{name}\n")).collect();
        tree = written(client, &["mktree"], &entries);
    }
    written(client, &["commit-tree", "-m", "nested", &tree], "")
}

fn a_pointer_in_a_tree_bomb_is_found_within_the_limits_of_a_push() {
    let hub = Hub::with(&Setup { more: "[limits]\npush_memory = 268435456\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[]);
    let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let bomb = nested(&alice, 12, &names);
    let push = alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", &format!("{bomb}:refs/heads/main")]);
    is_refused(&push, &[problem(&bomb, &format!("{}p.bin", "0/".repeat(12)), "lost"), REMEDY.to_owned()]);
}

/// Each path is longer than the one before it: together they are longer than what is read of git.
fn a_pointer_whose_place_is_not_found_in_time_is_refused_by_its_object() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[]);
    let deep = nested(&alice, 400, &["n".repeat(4_000)]);
    let push = alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", &format!("{deep}:refs/heads/main")]);
    let lost = format!("the object {} of 4 bytes is not here, and this push has an LFS pointer to it", oid("lost"));
    is_refused(&push, &[lost, REMEDY.to_owned()]);
}

fn a_pointer_behind_a_tag_without_a_commit_is_refused() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    tree(&alice, "alice/x", &[]);
    let blob = pointer(&alice, "lost");
    let tree = written(&alice, &["mktree"], &format!("100644 blob {blob}\tp.bin\n"));
    for (object, path) in [(&tree, "p.bin"), (&blob, "")] {
        let push = alice.git_in("x", &["push", "--quiet", "--no-verify", "origin", &format!("{object}:refs/tags/t")]);
        let said = format!("{path} is an LFS pointer, but its object {} is not here", oid("lost"));
        is_refused(&push, &[said, REMEDY.to_owned()]);
    }
}

fn pointers_are_not_checked_where_objects_are_stored_elsewhere() {
    let hub = Hub::with(&Setup { more: "[lfs]\nmode = \"off\"\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &["--object-format", "sha256"]);
    alice.git(&["init", "--quiet", "--object-format=sha256", "seed"]).succeeded();
    tree_with(&alice, "seed", "alice/x", &[("a.bin", "elsewhere".to_owned())]);
    let push = || alice.git_in("seed", &["push", "--quiet", "--no-verify", "origin", "HEAD:main"]);
    push().is(&silent());
    hub.configure(&Setup::default());
    let commit = alice.commit("seed", "b.bin", "here");
    is_refused(&push(), &[problem(&commit, "b.bin", "here"), REMEDY.to_owned()]);
}
