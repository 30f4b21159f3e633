//! The limits of a push, as its peer and the operator's log see them. For limits on sessions see `concurrency`.

use crate::harness::{Client, Hub, Outcome, Setup, silent, trials};

trials![
    a_push_of_too_many_refs_is_refused_as_a_whole,
    a_push_of_too_many_commits_is_refused_as_a_whole,
    a_push_of_too_many_bytes_is_refused_and_leaves_nothing,
    dangerous_refs_are_refused_each_with_its_reason,
];

/// A hub with a limit, and a client that has cloned `alice/x`.
fn scene(limits: &str) -> (Hub, Client) {
    let hub = Hub::with(&Setup { more: &format!("[limits]\n{limits}\n"), ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    hub.log();
    (hub, alice)
}

fn push(alice: &Client, refs: &[&str]) -> Outcome {
    alice.git_in("x", &[&["push", "--quiet", "origin"], refs].concat())
}

/// Checks a refused push: the peer's text, two lines in the log, no ref.
#[track_caller]
fn is_refused(hub: &Hub, alice: &Client, push: &Outcome, sentences: &[&str]) {
    let who = format!("user=alice key={} from=127.0.0.1", alice.key.fingerprint);
    assert_eq!(push.status, 1, "{push}");
    let said: Vec<String> = push
        .stderr()
        .lines()
        .filter_map(|line| line.strip_prefix("remote: hubgate: "))
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert_eq!(said, sentences, "{push}");
    assert!(push.stderr().contains("(pre-receive hook declined)"), "{push}");
    let shown: String = sentences[0].chars().take(128).collect();
    let more = sentences[0].len() - shown.len();
    let more = if more == 0 { String::new() } else { format!("...+{more}") };
    hub.logged(&[
        format!("info hubgate: {who} verb=receive-pack repo=alice/x decision=allow reason=\"\""),
        format!("notice hubgate: {who} verb=push repo=alice/x decision=deny reason=\"{shown}\"{more}"),
    ]);
    assert_eq!(branches(hub), "main\n");
}

fn branches(hub: &Hub) -> String {
    hub.git_in("alice/x", &["for-each-ref", "--format=%(refname:short)", "refs/heads"])
}

fn a_push_of_too_many_refs_is_refused_as_a_whole() {
    let (hub, alice) = scene("push_refs = 2");
    let pushed = push(&alice, &["HEAD:a", "HEAD:b", "HEAD:c"]);
    is_refused(&hub, &alice, &pushed, &["this push updates 3 refs, of at most 2 at once: push in parts"]);
    push(&alice, &["HEAD:a", "HEAD:b"]).is(&silent());
    // Deletions count too.
    let pushed = push(&alice, &[":a", ":b", "HEAD:c"]);
    assert!(pushed.stderr().contains("updates 3 refs, of at most 2"), "{pushed}");
    assert_eq!(branches(&hub), "a\nb\nmain\n");
}

fn a_push_of_too_many_commits_is_refused_as_a_whole() {
    let (hub, alice) = scene("push_commits = 3");
    for number in 0..4 {
        alice.commit("x", "file", &number.to_string());
    }
    let pushed = push(&alice, &["HEAD:new", "HEAD~3:refs/heads/older"]);
    is_refused(&hub, &alice, &pushed, &["this push adds more than 3 commits: push in parts"]);
    push(&alice, &["HEAD~1:refs/heads/new"]).is(&silent());
    // Existing commits do not count.
    push(&alice, &["HEAD:new", "HEAD:other"]).is(&silent());
    assert_eq!(branches(&hub), "main\nnew\nother\n");
}

fn a_push_of_too_many_bytes_is_refused_and_leaves_nothing() {
    let (hub, alice) = scene("push_bytes = 20000");
    // Content that does not compress.
    let digits: String =
        (1..9_000_u64).map(|number| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    alice.commit("x", "large", &digits);
    let pushed = push(&alice, &["HEAD:new"]);
    assert!(
        pushed.status != 0 && pushed.stderr().contains("remote: fatal: pack exceeds maximum allowed size"),
        "{pushed}"
    );
    // git ends the push before a hook runs, so the log has a line for the session but none for the push.
    hub.logged(&[format!(
        "info hubgate: user=alice key={} from=127.0.0.1 verb=receive-pack repo=alice/x decision=allow reason=\"\"",
        alice.key.fingerprint
    )]);
    assert_eq!(branches(&hub), "main\n");
    let objects = std::fs::read_dir(hub.directory("alice/x").join("objects")).expect("objects").flatten();
    let left: Vec<_> =
        objects.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().starts_with("tmp_")).collect();
    assert!(left.is_empty(), "{left:?}");
    alice.git_in("x", &["reset", "--quiet", "--hard", "HEAD~1"]).is(&silent());
    alice.commit("x", "small", "1");
    push(&alice, &["HEAD:new"]).is(&silent());
}

fn dangerous_refs_are_refused_each_with_its_reason() {
    let (hub, alice) = scene("");
    let id = "835d0c0a38e1b9aa60c83dd70a1d226ac316453d";
    let deep = format!("refs/heads/{}x", "d/".repeat(20));
    let signs = "is not accepted: a ref has letters, digits and the signs . _ - + @ # % = , between slashes, and no part starts with '-'";
    for (name, why) in [
        ("refs/pull/1/head", "is not accepted: only branches (refs/heads/) and tags (refs/tags/) can be pushed"),
        ("refs/heads/-x", signs),
        ("refs/heads/$(id)", signs),
        (&deep, "is not accepted: a ref has at most 255 bytes and 10 levels"),
        (
            &format!("refs/tags/{id}"),
            "is not accepted: git could confuse a ref named HEAD, or named like an object id, with HEAD or that object",
        ),
    ] {
        let pushed = push(&alice, &[&format!("HEAD:{name}")]);
        is_refused(&hub, &alice, &pushed, &[&format!("{name} {why}")]);
    }
    // One bad name refuses the whole push, and each bad name has its sentence.
    let pushed = push(&alice, &["HEAD:refs/heads/fine", "HEAD:refs/x/y", "HEAD:refs/heads/-x"]);
    let place = "refs/x/y is not accepted: only branches (refs/heads/) and tags (refs/tags/) can be pushed";
    let mut said: Vec<String> = pushed
        .stderr()
        .lines()
        .filter(|line| line.contains("is not accepted"))
        .map(|line| line.trim_end().to_owned())
        .collect();
    said.sort();
    assert_eq!(said, [format!("remote: hubgate: refs/heads/-x {signs}"), format!("remote: hubgate: {place}")]);
    assert_eq!(branches(&hub), "main\n");
    // Existing refs may be deleted, whatever their names are.
    hub.git_in("alice/x", &["update-ref", "refs/heads/-x", "refs/heads/main"]);
    push(&alice, &[":refs/heads/-x"]).is(&silent());
}
