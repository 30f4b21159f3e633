//! Rules for refs: what each identity may do to which refs, and what its client reads.

use std::fs;

use crate::harness::{
    BACK_TO_2, BACK_TO_3, Client, Hub, Key, Outcome, Setup, machine, refused, run, run_with, says, silent, trials,
};

trials![
    a_rule_refuses_each_action_with_its_sentence,
    a_push_with_a_refused_ref_goes_through_unless_it_is_atomic,
    a_mirror_and_a_lease_are_judged_ref_by_ref,
    many_refs_are_judged_one_by_one,
    personal_branches_belong_to_their_account,
    rules_of_owner_and_hub_come_in_their_order_and_hide_from_guests,
    a_rule_for_deploy_keys_concerns_no_account,
    a_protected_branch_is_updated_by_those_who_may,
    administrators_set_rules_over_ssh,
    explain_and_a_policy_say_what_a_push_reads,
    a_database_without_rules_serves_pushes_and_fetches,
    the_operator_chooses_where_refs_are,
    no_push_opens_a_proposal_by_its_number,
];

/// acme/x with a commit on `main`: root is an admin of acme, alice has the role write. Both have a clone `x`.
struct Scene {
    hub: Hub,
    root: Client,
    alice: Client,
}

impl Scene {
    fn new() -> Self {
        Self::with(&Setup::default(), "sha1")
    }

    fn with(setup: &Setup<'_>, format: &str) -> Self {
        let hub = Hub::with(setup);
        let (root, alice) = (hub.user("rooty"), hub.user("alice"));
        hub.did(&["org", "add", "acme", "--admin", "rooty"]);
        hub.did(&["org", "member", "set", "acme", "alice", "write"]);
        hub.empty_repo("acme/x", &["--private", "--object-format", format]);
        let init = ["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}"), "x"];
        root.git(&init).is(&silent());
        root.git_in("x", &["remote", "add", "origin", &Client::url("acme/x")]).is(&silent());
        root.commit("x", "first", "1");
        push(&root, &["HEAD:main", "HEAD:dev"]).is(&silent());
        alice.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
        Self { hub, root, alice }
    }

    #[track_caller]
    fn rule(&self, scope: &str, rule: &str) {
        self.hub.did(&["rule", "add", scope, rule]);
    }

    /// The refs of the repository, by their names.
    fn refs(&self) -> String {
        self.hub.git_in("acme/x", &["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    fn names(&self) -> String {
        self.hub.git_in("acme/x", &["for-each-ref", "--format=%(refname)"])
    }
}

fn push(client: &Client, words: &[&str]) -> Outcome {
    client.git_in("x", &[&["push", "--quiet", "origin"], words].concat())
}

/// What the hub says in an outcome, one sentence each.
fn said(outcome: &Outcome) -> Vec<String> {
    let sentence = |line: &str| line.strip_prefix("remote: hubgate: ").map(|line| line.trim_end().to_owned());
    outcome.stderr().lines().filter_map(sentence).collect()
}

/// Checks that a push is refused as a whole, with this sentence alone, and that no ref has moved.
#[track_caller]
fn is_refused(scene: &Scene, client: &Client, words: &[&str], sentence: &str) {
    let before = scene.refs();
    let outcome = push(client, words);
    assert_eq!((outcome.status, said(&outcome)), (1, vec![sentence.to_owned()]), "{words:?}: {outcome}");
    assert_eq!(scene.refs(), before, "{words:?}");
}

fn a_rule_refuses_each_action_with_its_sentence() {
    for (git, format) in machine().gits.iter().flat_map(|git| [(git, "sha1"), (git, "sha256")]) {
        let scene = Scene::with(&Setup { git: Some(&git.path), ..Setup::default() }, format);
        for rule in [
            "deny force,delete refs/heads/main @everyone",
            "allow update refs/heads/main rooty",
            "deny update refs/heads/main @everyone",
            "deny create refs/heads/new-* alice",
            "deny update,force,delete refs/tags/v* @everyone",
            "deny force refs/heads/dev @write",
        ] {
            scene.rule("acme/x", rule);
        }
        let (alice, root) = (&scene.alice, &scene.root);
        alice.commit("x", "second", "2");
        let three = "(rule 3 of acme/x: deny update refs/heads/main @everyone)";
        is_refused(&scene, alice, &["HEAD:main"], &format!("refs/heads/main: alice may not update it {three}"));
        // git keeps no object of such a push.
        let one = "(rule 1 of acme/x: deny force,delete refs/heads/main @everyone)";
        alice.git_in("x", &["commit", "--quiet", "--amend", "--message=other"]).is(&silent());
        push(alice, &["HEAD:dev"]).is(&silent());
        alice.git_in("x", &["commit", "--quiet", "--amend", "--message=another"]).is(&silent());
        let six = "(rule 6 of acme/x: deny force refs/heads/dev @write)";
        is_refused(&scene, alice, &["+HEAD:dev"], &format!("refs/heads/dev: alice may not rewrite it {six}"));
        let orphan = ["commit-tree", "-m", "orphan", "HEAD^{tree}"];
        let orphan = alice.git_in("x", &orphan).succeeded().stdout().trim_end().to_owned();
        let onto_main = format!("+{orphan}:refs/heads/main");
        is_refused(&scene, alice, &[&onto_main], &format!("refs/heads/main: alice may not rewrite it {one}"));
        is_refused(&scene, alice, &[":main"], &format!("refs/heads/main: alice may not delete it {one}"));
        let four = "(rule 4 of acme/x: deny create refs/heads/new-* alice)";
        is_refused(&scene, alice, &["HEAD:new-a"], &format!("refs/heads/new-a: alice may not create it {four}"));
        push(root, &["HEAD:new-b"]).is(&silent());
        // Tags: new ones are accepted, and stay as they are.
        push(alice, &["HEAD:refs/tags/v1", "HEAD:refs/tags/w1"]).is(&silent());
        let five = "(rule 5 of acme/x: deny update,force,delete refs/tags/v* @everyone)";
        alice.commit("x", "third", "3");
        is_refused(&scene, alice, &["+HEAD:refs/tags/v1"], &format!("refs/tags/v1: alice may not update it {five}"));
        let onto_tag = format!("+{orphan}:refs/tags/v1");
        is_refused(&scene, alice, &[&onto_tag], &format!("refs/tags/v1: alice may not rewrite it {five}"));
        is_refused(&scene, alice, &[":refs/tags/v1"], &format!("refs/tags/v1: alice may not delete it {five}"));
        push(alice, &["+HEAD:refs/tags/w1"]).is(&silent());
        push(alice, &[":refs/tags/w1"]).is(&silent());
        // An annotated tag is an update of a tag of the same history, and a tree is none.
        alice.git_in("x", &["tag", "-a", "-m", "x", "annotated"]).is(&silent());
        is_refused(
            &scene,
            alice,
            &["+annotated:refs/tags/v1"],
            &format!("refs/tags/v1: alice may not update it {five}"),
        );
        // The rules allow it to another user.
        root.commit("x", "fourth", "4");
        push(root, &["HEAD:main"]).is(&silent());
        root.git_in("x", &["commit", "--quiet", "--amend", "--message=other"]).is(&silent());
        is_refused(&scene, root, &["+HEAD:main"], &format!("refs/heads/main: rooty may not rewrite it {one}"));
        assert!(scene.hub.log().iter().any(|line| line.to_string().contains(
            "verb=push repo=acme/x decision=deny reason=\"refs/heads/main: rooty may not rewrite it (rule 1 of acme/x: "
        )));
    }
}

fn a_push_with_a_refused_ref_goes_through_unless_it_is_atomic() {
    let scene = Scene::new();
    scene.rule("acme/x", "deny all refs/heads/main @everyone");
    let alice = &scene.alice;
    alice.commit("x", "second", "2");
    let before = scene.refs();
    let outcome = push(alice, &["--atomic", "HEAD:main", "HEAD:dev", "HEAD:refs/tags/v1"]);
    let sentence = "refs/heads/main: alice may not update it (rule 1 of acme/x: deny all refs/heads/main @everyone)";
    assert_eq!((outcome.status, said(&outcome)), (1, vec![sentence.to_owned()]), "{outcome}");
    assert!(outcome.stderr().contains("(another ref of this push was refused)"), "{outcome}");
    assert_eq!(scene.refs(), before);
    let outcome = push(alice, &["HEAD:main", "HEAD:dev", "HEAD:refs/tags/v1"]);
    assert_eq!((outcome.status, said(&outcome)), (1, vec![sentence.to_owned()]), "{outcome}");
    // git names the refused ref with the same reason.
    let reason = sentence.strip_prefix("refs/heads/main: ").expect("a reason");
    let line = format!("! [remote rejected] HEAD -> main ({reason})");
    assert!(outcome.stderr().contains(&line), "{outcome}");
    assert_eq!(scene.names(), "refs/heads/dev\nrefs/heads/main\nrefs/tags/v1\n");
    let head = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
    assert_eq!(scene.hub.git_in("acme/x", &["rev-parse", "dev"]), head);
    push(alice, &["--atomic", "HEAD:a", "HEAD:b"]).is(&silent());
    assert!(scene.names().starts_with("refs/heads/a\nrefs/heads/b\n"));
}

fn a_mirror_and_a_lease_are_judged_ref_by_ref() {
    let scene = Scene::new();
    scene.rule("acme/x", "deny force,delete refs/heads/main @everyone");
    scene.rule("acme/x", "deny delete refs/tags/** @everyone");
    let alice = &scene.alice;
    push(alice, &["HEAD:refs/tags/v1"]).is(&silent());
    // A mirror of a repository with another history deletes what it does not have, and rewrites what it has.
    alice.git(&["init", "--quiet", "--initial-branch=main", "other"]).is(&silent());
    let new = alice.commit("other", "file", "other");
    alice.git_in("other", &["branch", "fresh"]).is(&silent());
    let outcome = alice.git_in("other", &["push", "--quiet", "--mirror", &Client::url("acme/x")]);
    let mut sentences = said(&outcome);
    sentences.sort();
    assert_eq!(
        sentences,
        [
            "refs/heads/main: alice may not rewrite it (rule 1 of acme/x: deny force,delete refs/heads/main @everyone)",
            "refs/tags/v1: alice may not delete it (rule 2 of acme/x: deny delete refs/tags/** @everyone)",
        ],
        "{outcome}"
    );
    assert_eq!(scene.names(), "refs/heads/fresh\nrefs/heads/main\nrefs/tags/v1\n");
    assert_eq!(scene.hub.git_in("acme/x", &["rev-parse", "fresh"]).trim_end(), new);
    // A lease is the client's own check, and gives no right.
    let old = scene.hub.git_in("acme/x", &["rev-parse", "main"]);
    alice.git_in("x", &["commit", "--quiet", "--amend", "--message=other"]).is(&silent());
    let lease = format!("--force-with-lease=main:{}", old.trim_end());
    is_refused(
        &scene,
        alice,
        &[&lease, "HEAD:main"],
        "refs/heads/main: alice may not rewrite it (rule 1 of acme/x: deny force,delete refs/heads/main @everyone)",
    );
    push(alice, &["HEAD:topic"]).is(&silent());
    alice.git_in("x", &["commit", "--quiet", "--amend", "--message=another"]).is(&silent());
    push(alice, &["--force-with-lease", "HEAD:topic"]).is(&silent());
}

/// More refs than git compares one by one: most move forward, one by a merge, and some do not.
fn many_refs_are_judged_one_by_one() {
    let scene = Scene::new();
    scene.rule("acme/x", "deny force refs/heads/m/** @everyone");
    let alice = &scene.alice;
    let stream = |from: u32, text: &str| -> String {
        let commit = |number: u32| {
            let who = "committer A <a@example.com> 1700000000 +0000";
            format!(
                "commit refs/heads/m/{number}\n{who}\ndata 1\n{text}\nfrom refs/heads/main\nM 644 inline {text}{number}\ndata 1\nx\n"
            )
        };
        (from..40).map(commit).collect()
    };
    let import = |stream: &str| {
        let mut command = alice.git_command("x");
        run_with(command.args(["fast-import", "--quiet", "--force"]), stream.as_bytes()).succeeded();
    };
    import(&stream(0, "a"));
    push(alice, &["refs/heads/m/*:refs/heads/m/*"]).is(&silent());
    // Every branch gets a commit behind its own, but the last ones begin again at main.
    for number in 0..37 {
        let name = format!("refs/heads/m/{number}");
        let tree = alice.git_in("x", &["rev-parse", &format!("{name}^{{tree}}")]).succeeded().stdout();
        let merged = if number == 0 { &["-p", "main"][..] } else { &[] };
        let words = [&["commit-tree", "-m", "b", "-p", &name], merged, &[tree.trim_end()]].concat();
        let new = alice.git_in("x", &words).succeeded().stdout();
        alice.git_in("x", &["update-ref", &name, new.trim_end()]).is(&silent());
    }
    import(&stream(37, "c"));
    let outcome = push(alice, &["+refs/heads/m/*:refs/heads/m/*"]);
    let rule = "(rule 1 of acme/x: deny force refs/heads/m/** @everyone)";
    let expected: Vec<String> =
        (37..40).map(|number| format!("refs/heads/m/{number}: alice may not rewrite it {rule}")).collect();
    assert_eq!((outcome.status, said(&outcome)), (1, expected), "{outcome}");
    let moved = scene.hub.git_in("acme/x", &["for-each-ref", "--format=%(subject)", "refs/heads/m"]);
    assert_eq!((moved.matches('b').count(), moved.matches('a').count()), (37, 3), "{moved}");
}

fn personal_branches_belong_to_their_account() {
    let scene = Scene::new();
    scene.rule("acme", "allow all refs/heads/users/{user}/** @write");
    scene.rule("acme", "deny all refs/heads/users/** @everyone");
    let alice = &scene.alice;
    push(alice, &["HEAD:users/alice/topic"]).is(&silent());
    alice.git_in("x", &["commit", "--quiet", "--amend", "--message=other"]).is(&silent());
    push(alice, &["+HEAD:users/alice/topic"]).is(&silent());
    let two = "(rule 2 of acme: deny all refs/heads/users/** @everyone)";
    for name in ["rooty/topic", "alice", "alice2/topic", "Alice/topic", "x/alice/topic"] {
        let sentence = format!("refs/heads/users/{name}: alice may not create it {two}");
        is_refused(&scene, alice, &[&format!("HEAD:refs/heads/users/{name}")], &sentence);
    }
    push(alice, &[":users/alice/topic"]).is(&silent());
}

fn rules_of_owner_and_hub_come_in_their_order_and_hide_from_guests() {
    let scene = Scene::new();
    let hub = &scene.hub;
    let guest = hub.user("guest");
    hub.did(&["repo", "collaborator", "set", "acme/x", "guest", "admin"]);
    guest.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
    hub.did(&["rule", "add", "hub", "--final", "deny delete refs/heads/keep @everyone"]);
    scene.rule("hub", "deny create refs/heads/hub-* @everyone");
    hub.did(&["rule", "add", "acme", "final deny create refs/heads/never @everyone"]);
    scene.rule("acme", "deny create refs/heads/acme-* @everyone");
    for rule in ["allow all refs/heads/keep @everyone", "allow all refs/heads/never @everyone"] {
        scene.rule("acme/x", rule);
    }
    scene.rule("acme/x", "allow create refs/heads/hub-1 @everyone");
    scene.rule("acme/x", "allow create refs/heads/acme-1 @everyone");
    let alice = &scene.alice;
    // A repository's rule softens neither final rule, and softens the others.
    push(alice, &["HEAD:keep", "HEAD:hub-1", "HEAD:acme-1"]).is(&silent());
    is_refused(&scene, alice, &[":keep"], "refs/heads/keep: alice may not delete it (a rule of the hub)");
    is_refused(&scene, alice, &["HEAD:hub-2"], "refs/heads/hub-2: alice may not create it (a rule of the hub)");
    let [one, two] = ["1 of acme: final deny create refs/heads/never", "2 of acme: deny create refs/heads/acme-*"];
    for (client, name, never, other) in [
        (alice, "alice", format!("rule {one} @everyone"), format!("rule {two} @everyone")),
        (&guest, "guest", "a rule of acme".to_owned(), "a rule of acme".to_owned()),
    ] {
        is_refused(&scene, client, &["HEAD:never"], &format!("refs/heads/never: {name} may not create it ({never})"));
        is_refused(&scene, client, &["HEAD:acme-2"], &format!("refs/heads/acme-2: {name} may not create it ({other})"));
    }
    // A list says as much as a refusal: an administrator of the repository lists its rules only.
    assert_eq!(guest.ssh("rule list acme/x").succeeded().stdout().lines().count(), 5);
    guest.ssh("rule list acme").is(&refused("hubgate: you do not administer acme\n"));
    let the_hub = "hubgate: only the operator may see and change what applies to the whole hub\n";
    guest.ssh("rule list hub").is(&refused(the_hub));
    scene.root.ssh("rule list hub").is(&refused(the_hub));
}

fn a_rule_for_deploy_keys_concerns_no_account() {
    let scene = Scene::new();
    let deploy = Key::new("deploy");
    let file = deploy.public_file().display().to_string();
    scene.hub.did(&["deploy-key", "add", "acme/x", &file, "--write"]);
    let deployer = Client::new(&scene.hub, None, deploy);
    deployer.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
    scene.rule("acme/x", "deny all refs/heads/main @deploy-keys");
    scene.rule("acme/x", "allow all refs/heads/{user}/** @everyone");
    scene.rule("acme/x", "deny create refs/heads/**/topic @everyone");
    deployer.commit("x", "second", "2");
    let one = "(rule 1 of acme/x: deny all refs/heads/main @deploy-keys)";
    is_refused(&scene, &deployer, &["HEAD:main"], &format!("refs/heads/main: this deploy key may not update it {one}"));
    let three = "(rule 3 of acme/x: deny create refs/heads/**/topic @everyone)";
    is_refused(
        &scene,
        &deployer,
        &["HEAD:alice/topic"],
        &format!("refs/heads/alice/topic: this deploy key may not create it {three}"),
    );
    push(&deployer, &["HEAD:dev"]).is(&silent());
    scene.alice.commit("x", "third", "3");
    push(&scene.alice, &["HEAD:main", "HEAD:alice/topic"]).is(&silent());
}

fn a_protected_branch_is_updated_by_those_who_may() {
    let scene = Scene::new();
    let (hub, alice, root) = (&scene.hub, &scene.alice, &scene.root);
    let lines = "rule 1 of acme/x: deny force,delete refs/heads/main @everyone\n\
                 rule 2 of acme/x: allow create,update refs/heads/main @admin\n\
                 rule 3 of acme/x: deny create,update refs/heads/main @everyone\n";
    hub.hubgate(&["repo", "protect", "acme/x", "main", "--update", "@admin"]).is(&says(lines));
    alice.commit("x", "second", "2");
    let three = "(rule 3 of acme/x: deny create,update refs/heads/main @everyone)";
    is_refused(&scene, alice, &["HEAD:main"], &format!("refs/heads/main: alice may not update it {three}"));
    root.commit("x", "third", "3");
    push(root, &["HEAD:main"]).is(&silent());
    root.git_in("x", &["commit", "--quiet", "--amend", "--message=other"]).is(&silent());
    let one = "(rule 1 of acme/x: deny force,delete refs/heads/main @everyone)";
    is_refused(&scene, root, &["+HEAD:main"], &format!("refs/heads/main: rooty may not rewrite it {one}"));
    hub.hubgate(&["repo", "unprotect", "acme/x", "main"])
        .is(&says("removed 3 rules of acme/x: refs/heads/main is no longer protected\n"));
    push(root, &["+HEAD:main"]).is(&silent());
    hub.hubgate(&["repo", "unprotect", "acme/x", "main"])
        .is(&refused("hubgate: there is no protection of refs/heads/main in acme/x\n"));
}

fn administrators_set_rules_over_ssh() {
    let scene = Scene::new();
    let (alice, root) = (&scene.alice, &scene.root);
    root.ssh("rule add acme/x deny force 'refs/heads/**' @everyone")
        .is(&says("rule 1 of acme/x: deny force refs/heads/** @everyone\n"));
    root.ssh("rule add acme/x allow force refs/heads/{user}/* alice --at 1")
        .is(&says("rule 1 of acme/x: allow force refs/heads/{user}/* alice\n"));
    root.ssh("rule move acme/x 1 2")
        .is(&says("rule 1 of acme/x is rule 2 now: allow force refs/heads/{user}/* alice\n"));
    root.ssh("rule list acme/x").is(&says(
        "NUMBER  RULE\n1       deny force refs/heads/** @everyone\n2       allow force refs/heads/{user}/* alice\n",
    ));
    root.ssh("rule remove acme/x 2").is(&says("removed rule 2 of acme/x: allow force refs/heads/{user}/* alice\n"));
    root.ssh("rule remove acme/x 2").is(&refused("hubgate: there is no rule 2 of acme/x\n"));
    root.ssh("rule add acme --final deny delete ** alice").is(&says("rule 1 of acme: final deny delete ** alice\n"));
    root.ssh("rule add acme/x deny delete heads/main alice").is(&refused(
        "hubgate: a pattern is ** or the full name of a ref, such as refs/heads/main or refs/heads/release-*\n",
    )
    .status(2));
    let none = "hubgate: you do not administer acme/x\n";
    for command in ["rule list acme/x", "rule add acme/x allow all ** alice", "repo unprotect acme/x main"] {
        alice.ssh(command).is(&refused(none));
    }
    alice.ssh("rule list alice").is(&says("NUMBER  RULE\n"));
    assert_eq!(scene.hub.did(&["rule", "list", "acme"]), "NUMBER  RULE\n1       final deny delete ** alice\n");
    // The rule stays with the account when its name changes.
    scene.hub.did(&["user", "rename", "alice", "alicia"]);
    assert_eq!(scene.hub.did(&["rule", "list", "acme"]), "NUMBER  RULE\n1       final deny delete ** alicia\n");
}

fn explain_and_a_policy_say_what_a_push_reads() {
    let scene = Scene::new();
    let (hub, alice) = (&scene.hub, &scene.alice);
    scene.rule("hub", "deny delete refs/heads/dev @everyone");
    scene.rule("acme/x", "allow create,update refs/heads/main alice");
    scene.rule("acme/x", "deny all refs/heads/main @everyone");
    let command = "git-receive-pack 'acme/x'";
    let explain = |user: &str, name: &str, action: &str| {
        let words = ["explain", "--user", user, "--command", command, "--ref", name, "--action", action];
        let outcome = hub.hubgate(&words);
        (outcome.status, outcome.stdout().lines().last().expect("a step").to_owned())
    };
    alice.commit("x", "second", "2");
    push(alice, &["HEAD:main"]).is(&silent());
    for (name, action, refspec, rule) in [
        ("refs/heads/main", "force", "+HEAD~1:main", "rule 2 of acme/x: deny all refs/heads/main @everyone"),
        ("refs/heads/main", "delete", ":main", "rule 2 of acme/x: deny all refs/heads/main @everyone"),
        ("refs/heads/dev", "delete", ":dev", "rule 1 of the hub: deny delete refs/heads/dev @everyone"),
    ] {
        let (status, said_by_explain) = explain("alice", name, action);
        let read = said(&push(alice, &[refspec])).concat();
        // The operator reads the rules of the hub too, and the client only that there is one.
        let shown = if rule.contains("the hub") { "a rule of the hub" } else { rule };
        let phrase = if action == "force" { "rewrite it" } else { "delete it" };
        assert_eq!(read, format!("{name}: alice may not {phrase} ({shown})"));
        assert_eq!((status, said_by_explain), (1, format!("deny: {name}: alice may not {phrase} ({rule})")));
        let by_ssh = alice.ssh(format!("explain acme/x push --ref {name} --action {action}"));
        assert_eq!((by_ssh.status, by_ssh.stdout().lines().last()), (1, Some(format!("deny: {read}").as_str())));
    }
    let one = "rule 1 of acme/x: allow create,update refs/heads/main alice";
    let allowed = format!("allow: refs/heads/main: alice may update it ({one})");
    assert_eq!(explain("alice", "refs/heads/main", "update"), (0, allowed));
    let free = "allow: refs/heads/other: alice may create it (no rule names it)".to_owned();
    assert_eq!(explain("alice", "refs/heads/other", "create"), (0, free));
    let place = "branches (refs/heads/), tags (refs/tags/) and notes (refs/notes/)";
    let name = format!("deny: refs/x/y is not accepted: this hub accepts only {place}");
    assert_eq!(explain("alice", "refs/x/y", "create"), (1, name));
    for words in [
        &["--command", "git-upload-pack 'acme/x'", "--ref", "refs/heads/a", "--action", "create"][..],
        &["--command", command, "--ref", "refs/heads/a"],
        &["--command", command, "--ref", "refs/heads/a", "--action", "push"],
    ] {
        assert_eq!(hub.hubgate(&[&["explain", "--user", "alice"], words].concat()).status, 2, "{words:?}");
    }
    assert_eq!(alice.ssh("explain acme/x fetch --ref refs/heads/a --action create").status, 2);
    let policy = hub.path("policy");
    fs::write(
        &policy,
        "alice update acme/x refs/heads/main = allow\nalice force acme/x refs/heads/main = deny\n\
         rooty update acme/x refs/heads/main = allow # it is not\n",
    )
    .expect("a file");
    let outcome = hub.hubgate(&["policy", "test", policy.to_str().expect("UTF-8")]);
    let denied =
        "deny: refs/heads/main: rooty may not update it (rule 2 of acme/x: deny all refs/heads/main @everyone)";
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stdout().ends_with(&format!("{denied}\n2 passed, 1 failed\n")), "{outcome}");
}

fn a_database_without_rules_serves_pushes_and_fetches() {
    let scene = Scene::new();
    let (hub, alice) = (&scene.hub, &scene.alice);
    hub.sql(BACK_TO_3);
    hub.sql(BACK_TO_2);
    alice.commit("x", "second", "2");
    push(alice, &["HEAD:main"]).is(&silent());
    alice.git_in("x", &["fetch", "--quiet"]).is(&silent());
    alice.greet().succeeded();
    let old = "hubgate: the database has schema version 2, and this hubgate needs 4: run hubgate migrate\n";
    hub.hubgate(&["rule", "list", "hub"]).is(&refused(old));
    assert!(hub.did(&["migrate"]).starts_with("migrated the database from version 2 to 4; a copy is in "));
    scene.rule("hub", "deny all refs/heads/main @everyone");
    alice.commit("x", "third", "3");
    is_refused(&scene, alice, &["HEAD:main"], "refs/heads/main: alice may not update it (a rule of the hub)");
}

fn the_operator_chooses_where_refs_are() {
    let scene = Scene::new();
    let (hub, alice) = (&scene.hub, &scene.alice);
    push(alice, &["HEAD:refs/notes/commits"]).is(&silent());
    let text = fs::read_to_string(hub.config()).expect("the configuration");
    let refs = "refs = [\"refs/heads/\", \"refs/changes/\"]";
    assert!(text.contains("[git]\n"), "{text}");
    fs::write(hub.config(), text.replace("[git]\n", &format!("[git]\n{refs}\n"))).expect("a file");
    push(alice, &["HEAD:refs/changes/1"]).is(&silent());
    let outcome = push(alice, &["HEAD:refs/notes/others"]);
    assert_eq!(
        said(&outcome),
        [
            "refs/notes/others is not accepted: this hub accepts only branches (refs/heads/) and refs/changes/",
            "to push branches and tags only: git push --all && git push --tags",
        ]
    );
    // Rules decide about what the operator added too.
    scene.rule("acme/x", "deny create refs/changes/** alice");
    is_refused(
        &scene,
        alice,
        &["HEAD:refs/changes/2"],
        "refs/changes/2: alice may not create it (rule 1 of acme/x: deny create refs/changes/** alice)",
    );
    fs::write(hub.config(), text.replace("[git]\n", "[git]\nrefs = [\"refs/heads/\", \"refs/replace/\"]\n"))
        .expect("a file");
    assert!(hub.hubgate(&["rule", "list", "hub"]).stderr().contains("neither refs/replace/ nor refs/original/"));
    fs::write(hub.config(), text).expect("a file");
}

fn no_push_opens_a_proposal_by_its_number() {
    let scene = Scene::new();
    for name in ["refs/pr/1", "refs/pr/1/head"] {
        let sentence = format!("{name} is not accepted: only the hub opens proposals (refs/pr/)");
        is_refused(&scene, &scene.root, &[&format!("HEAD:{name}")], &sentence);
    }
    // One that is there may be removed.
    let mut create = scene.hub.as_login(&machine().git().path);
    create.env("HOME", "/").arg("--git-dir").arg(scene.hub.directory("acme/x"));
    run(create.args(["update-ref", "refs/pr/1", "HEAD"])).succeeded();
    push(&scene.root, &[":refs/pr/1"]).is(&silent());
}
