//! The check of signatures: each new commit is signed by a key of the right account.

use std::process::Command;

use crate::harness::{Client, Hub, Key, KeyKind, Outcome, run, silent, trials};

trials![
    a_commit_that_no_key_of_the_account_signed_is_refused_and_the_printed_commands_sign_it,
    commits_by_every_kind_of_key_are_accepted_in_both_formats,
    no_account_signs_in_the_name_of_another,
    a_key_that_may_not_write_or_was_removed_signs_nothing,
    a_commit_that_only_a_proposal_has_is_checked_and_one_that_a_branch_has_is_not,
    only_named_refs_ask_for_signatures_and_no_other_ref_is_a_way_to_them,
    a_proposal_asks_for_signatures_if_a_pattern_can_name_it,
];

/// A hub, and a client that has cloned `alice/x`, where commits must be signed.
fn scene(by: &str, options: &[&str]) -> (Hub, Client) {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", options);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).is(&silent());
    hub.did(&["check", "set", "alice/x", "signed", by]);
    (hub, alice)
}

fn sign_with(client: &Client, key: &Key) {
    for (name, value) in
        [("gpg.format", "ssh"), ("user.signingKey", key.file.to_str().expect("UTF-8")), ("commit.gpgSign", "true")]
    {
        client.git_in("x", &["config", name, value]).succeeded();
    }
}

/// Makes a commit by a committer with this address.
fn commit_as(client: &Client, email: &str, file: &str) -> String {
    client.write(&format!("x/{file}"), "content");
    client.git_in("x", &["add", file]).succeeded();
    run(client.git_command("x").env("GIT_COMMITTER_EMAIL", email).args(["commit", "--quiet", "-m", file])).succeeded();
    client.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout().trim_end().to_owned()
}

fn push(client: &Client) -> Outcome {
    client.git_in("x", &["push", "--quiet", "origin", "HEAD:main"])
}

/// The sentences of a refused push.
#[track_caller]
fn refusal(client: &Client) -> Vec<String> {
    let pushed = push(client);
    assert_eq!(pushed.status, 1, "{pushed}");
    let said = pushed.stderr();
    said.lines()
        .filter_map(|line| line.strip_prefix("remote: hubgate: "))
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The first sentence of a refused push, which the commit begins. The commit does not stay.
#[track_caller]
fn why(client: &Client, commit: &str) -> String {
    let said = refusal(client);
    client.git_in("x", &["reset", "--quiet", "--hard", "HEAD~1"]).succeeded();
    said[0].strip_prefix(&format!("commit {commit}: ")).unwrap_or_else(|| panic!("{said:#?}")).to_owned()
}

fn a_commit_that_no_key_of_the_account_signed_is_refused_and_the_printed_commands_sign_it() {
    let (hub, alice) = scene("pusher", &[]);
    let commits: Vec<String> = (0..7).map(|number| alice.commit("x", &format!("f{number}"), "content")).collect();
    let said = refusal(&alice);
    assert_eq!(said.len(), 8, "{said:#?}");
    for line in &said[..5] {
        let (commit, why) = line.split_once(": ").expect("a commit");
        assert_eq!(why, "it is not signed by an SSH key");
        assert!(commits.contains(&commit.trim_start_matches("commit ").to_owned()), "{line}");
    }
    assert_eq!(said[5], "2 more commits of this push are refused");
    let follow = |sentence: &str| {
        let (_, printed) = sentence.split_once(": ").expect("a command");
        let printed = printed.replace("FILE.pub", alice.key.public_file().to_str().expect("UTF-8"));
        let git = alice.git_command("x");
        let mut command = Command::new("/bin/sh");
        command.env_clear().envs(git.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["-c", &printed]).current_dir(git.get_current_dir().expect("a directory"));
        run(&mut command).succeeded();
    };
    said[6..].iter().for_each(|sentence| follow(sentence));
    push(&alice).is(&silent());
    // Commits that another branch has already, one of them empty, and a branch without an upstream.
    hub.did(&["check", "set", "alice/x", "signed", "pusher refs/heads/main"]);
    alice.git_in("x", &["checkout", "--quiet", "--no-track", "-b", "dev"]).succeeded();
    alice.commit("x", "g", "content");
    alice.git_in("x", &["commit", "--quiet", "--allow-empty", "-m", "nothing"]).succeeded();
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:dev"]).is(&silent());
    follow(refusal(&alice).last().expect("a sentence"));
    push(&alice).is(&silent());
}

fn commits_by_every_kind_of_key_are_accepted_in_both_formats() {
    for format in ["sha1", "sha256"] {
        for by in ["pusher", "hub"] {
            let (hub, alice) = scene(by, &["--object-format", format]);
            for kind in KeyKind::ALL {
                let key = Key::of_kind(kind);
                hub.add_key("alice", &key, &[]);
                sign_with(&alice, &key);
                alice.commit("x", &format!("{}-{}", kind.name, kind.bits), "content");
            }
            push(&alice).is(&silent());
            // A merge is a commit too.
            alice.git_in("x", &["checkout", "--quiet", "-b", "side", "HEAD~1"]).succeeded();
            alice.commit("x", "side", "content");
            alice.git_in("x", &["-c", "commit.gpgSign=false", "merge", "--quiet", "--no-edit", "main"]).succeeded();
            let merge = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
            assert_eq!(why(&alice, merge.trim_end()), "it is not signed by an SSH key");
            alice.git_in("x", &["merge", "--quiet", "--no-edit", "main"]).succeeded();
            push(&alice).is(&silent());
        }
    }
}

fn no_account_signs_in_the_name_of_another() {
    let (hub, alice) = scene("pusher", &[]);
    let bob = hub.user("bob");
    hub.did(&["user", "email", "add", "alice", "alice@example.org"]);
    bob.ssh("user email add bob@example.org").succeeded();
    let mallory = hub.user("mallory");
    mallory.ssh("user email add claimed@example.org").succeeded();
    sign_with(&alice, &bob.key);
    let key = &bob.key.fingerprint;
    let other = format!("it is signed by {key}, which is not on the account that alice@example.org names");
    let pusher = format!(
        "it is signed by {key}, which is not on your account, and the committer's address names no account here"
    );
    // An address that is only claimed names nobody.
    for email in ["nobody@example.org", "bob@example.org", "claimed@example.org", "no address"] {
        let commit = commit_as(&alice, email, "a");
        assert_eq!(why(&alice, &commit), pusher, "{email}");
    }
    for email in ["alice@example.org", "ALICE@example.ORG"] {
        let commit = commit_as(&alice, email, "a");
        assert_eq!(why(&alice, &commit), other.replace("alice@example.org", email), "{email}");
    }
    // Another account's commits can be pushed once the operator has confirmed its address.
    hub.did(&["user", "email", "add", "bob", "bob@example.org"]);
    commit_as(&alice, "bob@example.org", "by bob");
    push(&alice).is(&silent());
    sign_with(&alice, &alice.key);
    let commit = commit_as(&alice, "bob@example.org", "a");
    let mine =
        format!("it is signed by {}, which is not on the account that bob@example.org names", alice.key.fingerprint);
    assert_eq!(why(&alice, &commit), mine);
    commit_as(&alice, "nobody@example.org", "own");
    push(&alice).is(&silent());
    // With the keys of the whole hub, the address still decides if it names an account.
    hub.did(&["check", "set", "alice/x", "signed", "hub"]);
    sign_with(&alice, &bob.key);
    let commit = commit_as(&alice, "alice@example.org", "a");
    assert_eq!(why(&alice, &commit), other);
    commit_as(&alice, "claimed@example.org", "by the hub");
    push(&alice).is(&silent());
    let stranger = Key::new("stranger");
    sign_with(&alice, &stranger);
    let commit = commit_as(&alice, "nobody@example.org", "a");
    let unknown = format!("it is signed by {}, and no account here may sign with this key", stranger.fingerprint);
    assert_eq!(why(&alice, &commit), unknown);
}

fn a_key_that_may_not_write_or_was_removed_signs_nothing() {
    let (hub, alice) = scene("hub", &[]);
    let (reading, removed, deploy) = (Key::new("reading"), Key::new("removed"), Key::new("deploy"));
    hub.add_key("alice", &reading, &["--scope", "read"]);
    hub.add_key("alice", &removed, &[]);
    hub.did(&["key", "remove", &removed.fingerprint, "--yes"]);
    let file = deploy.public_file().display().to_string();
    hub.did(&["deploy-key", "add", "alice/x", &file, "--write"]);
    let bob = hub.user("bob");
    hub.did(&["user", "disable", "bob", "--reason", "away"]);
    for key in [&reading, &removed, &deploy, &bob.key] {
        sign_with(&alice, key);
        let commit = alice.commit("x", "a", "content");
        let expected = format!("it is signed by {}, and no account here may sign with this key", key.fingerprint);
        assert_eq!(why(&alice, &commit), expected);
    }
    // A signature of other bytes.
    sign_with(&alice, &alice.key);
    alice.commit("x", "a", "content");
    let raw = alice.git_in("x", &["cat-file", "commit", "HEAD"]).succeeded().stdout();
    alice.write("x/.git/raw", raw.replace("\n\na\n", "\n\nb\n"));
    let forged = alice.git_in("x", &["hash-object", "-t", "commit", "-w", ".git/raw"]).succeeded().stdout();
    alice.git_in("x", &["reset", "--quiet", "--hard", forged.trim_end()]).succeeded();
    assert_eq!(why(&alice, forged.trim_end()), "its signature is not accepted: it is not valid");
}

fn a_commit_that_only_a_proposal_has_is_checked_and_one_that_a_branch_has_is_not() {
    let (hub, alice) = scene("off", &[]);
    let commit = alice.commit("x", "a", "content");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/heads/other"]).is(&silent());
    hub.did(&["check", "set", "alice/x", "signed", "pusher"]);
    push(&alice).is(&silent());
    hub.git_in("alice/x", &["update-ref", "refs/pr/1", &commit]);
    hub.git_in("alice/x", &["update-ref", "-d", "refs/heads/other"]);
    hub.git_in("alice/x", &["update-ref", "refs/heads/main", &format!("{commit}~1")]);
    assert_eq!(why(&alice, &commit), "it is not signed by an SSH key");
}

/// Pushes these refs, and checks that the push is refused for this commit.
#[track_caller]
fn is_unsigned(client: &Client, refs: &[&str], commit: &str) {
    let pushed = client.git_in("x", &[&["push", "--quiet", "origin"], refs].concat());
    let sentence = format!("hubgate: commit {commit}: it is not signed by an SSH key");
    assert!(pushed.status == 1 && pushed.stderr().contains(&sentence), "{refs:?}: {pushed}");
}

fn only_named_refs_ask_for_signatures_and_no_other_ref_is_a_way_to_them() {
    let (hub, alice) = scene("pusher refs/heads/main refs/tags/**", &[]);
    let listed = hub.did(&["check", "list", "alice/x"]);
    assert!(listed.contains("pusher refs/heads/main refs/tags/**"), "{listed}");
    let pushes = |refs: &[&str]| alice.git_in("x", &[&["push", "--quiet", "origin"], refs].concat()).is(&silent());
    // What a named ref has already is not new for another one.
    pushes(&["HEAD:refs/tags/v0", "HEAD:refs/heads/old"]);
    let commit = alice.commit("x", "a", "content");
    pushes(&["HEAD:refs/heads/dev"]);
    let said = refusal(&alice);
    assert_eq!(said[0], format!("commit {commit}: it is not signed by an SSH key"));
    assert_eq!(said[1], "a commit must be signed before it comes to refs/heads/main refs/tags/**");
    alice.git_in("x", &["fetch", "--quiet"]).succeeded();
    alice.git_in("x", &["tag", "-a", "-m", "one", "annotated"]).succeeded();
    for refs in [
        // The commit is here already, by a ref that asks for no signature.
        ["origin/dev:refs/heads/main", "HEAD:refs/heads/dev2"],
        ["HEAD:refs/tags/light", "HEAD:refs/heads/dev2"],
        ["annotated", "HEAD:refs/heads/dev2"],
        ["+HEAD:refs/heads/main", ":refs/heads/dev"],
    ] {
        is_unsigned(&alice, &refs, &commit);
    }
    // A signed merge does not bring unsigned commits.
    sign_with(&alice, &alice.key);
    alice.git_in("x", &["checkout", "--quiet", "-b", "side", "HEAD~1"]).succeeded();
    let signed = alice.commit("x", "side", "content");
    alice.git_in("x", &["merge", "--quiet", "--no-edit", "origin/dev"]).succeeded();
    is_unsigned(&alice, &["HEAD:refs/heads/main"], &commit);
    // The signed commit alone may come, also after it was on another branch.
    pushes(&["HEAD:refs/heads/dev"]);
    pushes(&[&format!("{signed}:refs/heads/main"), &format!("{signed}:refs/tags/a/b")]);
    // A ref that is gone has accepted nothing.
    hub.git_in("alice/x", &["update-ref", "refs/tags/unsigned", &commit]);
    pushes(&["HEAD:refs/heads/main"]);
    hub.git_in("alice/x", &["update-ref", "-d", "refs/tags/unsigned"]);
    hub.git_in("alice/x", &["update-ref", "refs/heads/main", &signed]);
    is_unsigned(&alice, &["HEAD:refs/heads/main"], &commit);
}

fn a_proposal_asks_for_signatures_if_a_pattern_can_name_it() {
    let (hub, alice) = scene("pusher refs/pr/**", &[]);
    hub.did(&["repo", "proposals", "alice/x", "on"]);
    let commit = alice.commit("x", "a", "content");
    is_unsigned(&alice, &["HEAD:refs/for/main"], &commit);
    hub.did(&["check", "set", "alice/x", "signed", "pusher", "refs/heads/main"]);
    let opened = alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/for/main"]);
    assert!(opened.succeeded().stderr().contains("opened proposal 1 for main"), "{opened}");
    is_unsigned(&alice, &["HEAD:refs/heads/main"], &commit);
    hub.did(&["check", "set", "alice/x", "signed", "pusher", "refs/**"]);
    alice.git_in("x", &["commit", "--quiet", "--amend", "-m", "b"]).succeeded();
    let commit = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
    is_unsigned(&alice, &["+HEAD:refs/pr/1"], commit.trim_end());
}
