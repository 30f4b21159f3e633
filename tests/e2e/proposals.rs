//! Proposals by accounts that may only fetch: what they may push, what the hub makes of it, and what its client reads.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{BACK_TO_3, Client, Hub, Key, Outcome, Setup, machine, refused, says, silent, trials, wait_until};

trials![
    an_account_that_may_fetch_opens_a_proposal_and_updates_it,
    an_account_that_may_fetch_pushes_nothing_else,
    large_files_of_a_proposal_must_be_on_the_hub_already,
    two_pushes_at_the_same_moment_get_two_numbers,
    an_atomic_push_opens_one_proposal_or_nothing,
    a_proposal_is_closed_reopened_and_merged,
    proposals_are_off_until_the_repository_accepts_them,
    a_private_repository_accepts_proposals_of_those_who_may_fetch_it,
    keys_that_change_nothing_open_no_proposal,
    rules_checks_and_quotas_hold_for_proposals,
    a_right_that_ends_in_the_middle_of_a_push_opens_nothing,
    refs_of_an_import_keep_their_numbers,
    proposals_keep_their_author_under_another_name_and_in_another_place,
    explain_says_what_a_proposal_needs,
    a_database_without_proposals_serves_pushes,
];

/// acme/x with a commit on `main`, which accepts proposals: root is an admin of acme, alice may write, and bob and
/// carol may only fetch. Each has a clone `x`.
struct Scene {
    hub: Hub,
    root: Client,
    alice: Client,
    bob: Client,
    carol: Client,
}

impl Scene {
    fn new() -> Self {
        Self::with(&Setup::default(), &["--proposals"])
    }

    fn with(setup: &Setup<'_>, options: &[&str]) -> Self {
        let hub = Hub::with(setup);
        let [root, alice, bob, carol] = ["rooty", "alice", "bob", "carol"].map(|name| hub.user(name));
        hub.did(&["org", "add", "acme", "--admin", "rooty"]);
        hub.did(&["org", "member", "set", "acme", "alice", "write"]);
        for reader in ["bob", "carol"] {
            hub.did(&["org", "member", "set", "acme", reader, "read"]);
        }
        hub.empty_repo("acme/x", options);
        let format = if options.contains(&"sha256") { "sha256" } else { "sha1" };
        let init = ["init", "--quiet", "--initial-branch=main", &format!("--object-format={format}"), "x"];
        root.git(&init).is(&silent());
        root.git_in("x", &["remote", "add", "origin", &Client::url("acme/x")]).is(&silent());
        root.commit("x", "first", "1");
        push(&root, &["HEAD:main", "HEAD:dev"]).is(&silent());
        for client in [&alice, &bob, &carol] {
            client.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
        }
        Self { hub, root, alice, bob, carol }
    }

    /// The refs of the repository, with what they name.
    fn refs(&self) -> String {
        self.hub.git_in("acme/x", &["for-each-ref", "--format=%(refname) %(objectname)"])
    }

    /// The commit of a ref.
    fn tip(&self, name: &str) -> String {
        self.hub.git_in("acme/x", &["rev-parse", "--verify", name]).trim().to_owned()
    }

    /// Opens a proposal of bob for `main`, with a new commit.
    fn open(&self, file: &str) -> String {
        let commit = self.bob.commit("x", file, file);
        push(&self.bob, &["HEAD:refs/for/main"]).succeeded();
        commit
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

/// What the client reads about an opened proposal.
fn opened(client: &Client, number: u32, branch: &str) -> Vec<String> {
    let url = format!("{}:acme/x", client.at);
    vec![format!("opened proposal {number} for {branch}: refs/pr/{number} (git fetch {url} refs/pr/{number})")]
}

/// Checks that a push is refused as a whole, with these sentences alone, and that no ref has moved.
#[track_caller]
fn is_refused(scene: &Scene, client: &Client, words: &[&str], sentences: &[&str]) {
    let before = scene.refs();
    let outcome = push(client, words);
    assert_eq!((outcome.status, said(&outcome)), (1, sentences.iter().map(ToString::to_string).collect()), "{outcome}");
    assert_eq!(scene.refs(), before, "{words:?}");
}

const HINT: &str = "to propose a change: git push REMOTE HEAD:refs/for/BRANCH";

fn an_account_that_may_fetch_opens_a_proposal_and_updates_it() {
    for (git, format) in machine().gits.iter().flat_map(|git| [(git, "sha1"), (git, "sha256")]) {
        let setup = Setup { git: Some(&git.path), ..Setup::default() };
        let scene = Scene::with(&setup, &["--proposals", "--object-format", format]);
        let (bob, alice, main) = (&scene.bob, &scene.alice, scene.tip("refs/heads/main"));
        let commit = bob.commit("x", "second", "2");
        let outcome = bob.git_in("x", &["push", "origin", "HEAD:refs/for/main"]);
        assert_eq!((outcome.status, said(&outcome)), (0, opened(bob, 1, "main")), "{outcome}");
        assert!(outcome.stderr().contains("[new reference]   HEAD -> refs/pr/1"), "{outcome}");
        assert_eq!(scene.tip("refs/pr/1"), commit);
        // The author moves it, forward and back.
        let next = bob.commit("x", "third", "3");
        push(bob, &["HEAD:refs/pr/1"]).is(&silent());
        assert_eq!(scene.tip("refs/pr/1"), next);
        push(bob, &["+HEAD~1:refs/pr/1"]).is(&silent());
        assert_eq!(scene.tip("refs/pr/1"), commit);
        // The command that the author reads fetches it, also for an anonymous client, and a writer continues it.
        scene.hub.stranger().git_in(".", &["ls-remote", &Client::url("acme/x"), "refs/pr/1"]).succeeded();
        alice.git_in("x", &["fetch", "--quiet", &Client::url("acme/x"), "refs/pr/1"]).is(&silent());
        alice.git_in("x", &["checkout", "--quiet", "FETCH_HEAD"]).is(&silent());
        let review = alice.commit("x", "review", "4");
        push(alice, &["HEAD:refs/pr/1"]).is(&silent());
        assert_eq!(scene.tip("refs/pr/1"), review);
        // A writer proposes too, and the next number follows. Nothing else has moved.
        assert_eq!(said(&push(alice, &["HEAD:refs/for/dev"])), opened(bob, 2, "dev"));
        let refs: Vec<String> = scene.refs().lines().map(|line| line.split(' ').take(1).collect()).collect();
        assert_eq!(refs, ["refs/heads/dev", "refs/heads/main", "refs/pr/1", "refs/pr/2"]);
        assert_eq!(scene.tip("refs/heads/main"), main);
        let lines: Vec<String> = scene.hub.log().iter().map(ToString::to_string).collect();
        let moved = |name: &str, effect: &str| {
            let fields = [format!("ref={name} "), format!("effect={effect}"), "user=bob ".to_owned()];
            lines.iter().any(|line| fields.iter().all(|field| line.contains(field)))
        };
        assert!(moved("refs/pr/1", "created") && moved("refs/pr/1", "forced"), "{lines:?}");
        let audit: Value =
            serde_json::from_str(&scene.hub.did(&["--json", "audit", "--repo", "acme/x"])).expect("JSON");
        let events = audit.as_array().expect("a list").iter();
        let opened: Vec<_> = events.filter(|event| event["event"] == "proposal.open").map(|it| &it["actor"]).collect();
        assert_eq!(opened.len(), 2, "{audit}");
        assert!(opened.iter().all(|actor| ["bob", "alice"].iter().any(|name| **actor == *name)), "{audit}");
    }
}

fn an_account_that_may_fetch_pushes_nothing_else() {
    let scene = Scene::new();
    let (bob, carol) = (&scene.bob, &scene.carol);
    scene.open("second");
    let no = |name: &str| format!("{name} is not accepted: you have no write access, but may propose changes");
    for (refspec, name) in [
        ("HEAD:main", "refs/heads/main"),
        ("+HEAD:main", "refs/heads/main"),
        (":dev", "refs/heads/dev"),
        ("HEAD:new", "refs/heads/new"),
        ("HEAD:refs/tags/v1", "refs/tags/v1"),
        ("HEAD:refs/notes/commits", "refs/notes/commits"),
        ("HEAD:refs/pr/2", "refs/pr/2"),
        ("HEAD:refs/pr/1/head", "refs/pr/1/head"),
        ("HEAD:refs/pr/01", "refs/pr/01"),
        ("HEAD:refs/x/y", "refs/x/y"),
    ] {
        is_refused(&scene, bob, &[refspec], &[&no(name), HINT]);
    }
    let foreign = "refs/pr/1 is not accepted: this proposal is another account's";
    carol.commit("x", "other", "5");
    is_refused(&scene, carol, &["+HEAD:refs/pr/1"], &[foreign]);
    is_refused(&scene, carol, &[":refs/pr/1"], &[foreign]);
    let stays = "refs/pr/1 is not accepted: a proposal is not deleted, but closed: proposal close";
    is_refused(&scene, bob, &[":refs/pr/1"], &[stays]);
    is_refused(&scene, &scene.alice, &[":refs/pr/1"], &[stays]);
    let opens_only = "refs/for/main is not accepted: a push there opens a new proposal, and does nothing else";
    is_refused(&scene, bob, &[":refs/for/main"], &[opens_only]);
    is_refused(&scene, bob, &["HEAD:refs/for/none"], &["refs/for/none is not accepted: there is no branch none"]);
    let contained = "refs/for/main is not accepted: the branch main contains its commit already";
    is_refused(&scene, bob, &["HEAD~1:refs/for/main"], &[contained]);
    let no_commit = "refs/for/main is not accepted: a proposal is a commit";
    is_refused(&scene, bob, &["HEAD^{tree}:refs/for/main"], &[no_commit]);
    let tree = "refs/pr/1 is not accepted: a proposal is a commit";
    is_refused(&scene, bob, &["+HEAD^{tree}:refs/pr/1"], &[tree]);
    // Refs that are accepted go through beside those that are not.
    bob.commit("x", "third", "3");
    let outcome = push(bob, &["HEAD:refs/pr/1", "HEAD:main", "HEAD:refs/for/dev"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert_eq!(said(&outcome), [[no("refs/heads/main"), HINT.to_owned()].to_vec(), opened(bob, 2, "dev")].concat());
    assert_eq!(scene.tip("refs/pr/1"), scene.tip("refs/pr/2"));
}

fn large_files_of_a_proposal_must_be_on_the_hub_already() {
    let scene = Scene::new();
    let (alice, bob) = (&scene.alice, &scene.bob);
    for client in [alice, bob] {
        client.git_in("x", &["lfs", "install", "--local"]).succeeded();
    }
    alice.git_in("x", &["lfs", "track", "*.bin"]).succeeded();
    alice.git_in("x", &["add", ".gitattributes"]).succeeded();
    alice.commit("x", "a.bin", "large");
    push(alice, &["HEAD:main"]).succeeded();
    bob.git_in("x", &["pull", "--quiet", "origin", "main"]).succeeded();
    // git-lfs runs before each push, and has nothing to upload for a text.
    bob.commit("x", "README.md", "words");
    let outcome = push(bob, &["HEAD:refs/for/main"]);
    assert_eq!((outcome.status, said(&outcome)), (0, opened(bob, 1, "main")), "{outcome}");
    bob.commit("x", "b.bin", "another");
    let before = scene.refs();
    let outcome = push(bob, &["HEAD:refs/for/main"]);
    assert!(outcome.status != 0 && outcome.stderr().contains("you have no write access to acme/x"), "{outcome}");
    // Without git-lfs, the pointer has no object.
    let outcome = push(bob, &["--no-verify", "HEAD:refs/for/main"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("git lfs push"), "{outcome}");
    assert_eq!(scene.refs(), before);
}

fn two_pushes_at_the_same_moment_get_two_numbers() {
    let scene = Scene::new();
    for client in [&scene.bob, &scene.carol, &scene.alice] {
        client.commit("x", "own", "own");
    }
    let mut lines: Vec<String> = thread::scope(|scope| {
        let clients = [&scene.bob, &scene.carol, &scene.alice];
        let pushes = clients.map(|client| scope.spawn(move || said(push(client, &["HEAD:refs/for/main"]).succeeded())));
        pushes.into_iter().flat_map(|push| push.join().expect("a push")).collect()
    });
    lines.sort();
    assert_eq!(
        lines,
        [opened(&scene.bob, 1, "main"), opened(&scene.bob, 2, "main"), opened(&scene.bob, 3, "main")].concat()
    );
    let list = scene.hub.did(&["--json", "proposal", "list", "acme/x"]);
    assert_eq!(list.matches("\"number\"").count(), 3, "{list}");
    // One push opens several.
    scene.bob.commit("x", "more", "more");
    let outcome = push(&scene.bob, &["HEAD:refs/for/main", "HEAD:refs/for/dev"]);
    assert_eq!(said(&outcome).len(), 2, "{outcome}");
    assert_eq!(scene.tip("refs/pr/4"), scene.tip("refs/pr/5"));
}

fn an_atomic_push_opens_one_proposal_or_nothing() {
    let scene = Scene::new();
    let (bob, alice) = (&scene.bob, &scene.alice);
    bob.commit("x", "second", "2");
    assert_eq!(said(&push(bob, &["--atomic", "HEAD:refs/for/main"])), opened(bob, 1, "main"));
    bob.commit("x", "third", "3");
    let not_alone = "with --atomic, a push that opens a proposal has no other ref";
    is_refused(
        &scene,
        bob,
        &["--atomic", "HEAD:refs/for/main", "HEAD:refs/for/dev"],
        &[
            &format!("refs/for/main is not accepted: {not_alone}"),
            &format!("refs/for/dev is not accepted: {not_alone}"),
        ],
    );
    alice.commit("x", "fourth", "4");
    let refs = ["--atomic", "HEAD:main", "HEAD:refs/for/dev"];
    is_refused(&scene, alice, &refs, &[&format!("refs/for/dev is not accepted: {not_alone}")]);
    assert_eq!(scene.hub.sql("SELECT count(*) FROM proposal").trim(), "1", "no number was given");
    // Refs that exist move together or not at all.
    let no = "refs/heads/main is not accepted: you have no write access, but may propose changes";
    is_refused(&scene, bob, &["--atomic", "HEAD:refs/pr/1", "HEAD:main"], &[no, HINT]);
    push(bob, &["--atomic", "HEAD:refs/pr/1"]).is(&silent());
}

fn a_proposal_is_closed_reopened_and_merged() {
    let scene = Scene::new();
    let (hub, bob, alice, carol) = (&scene.hub, &scene.bob, &scene.alice, &scene.carol);
    let first = scene.open("second");
    bob.git_in("x", &["reset", "--quiet", "--hard", "HEAD~1"]).is(&silent());
    scene.open("third");
    let states = |client: &Client| {
        let list = client.ssh("proposal list acme/x").succeeded().stdout();
        let words = |line: &str| line.split_whitespace().take(4).collect::<Vec<_>>().join(" ");
        list.lines().skip(1).map(words).collect::<Vec<_>>()
    };
    assert_eq!(states(carol), ["1 open main bob", "2 open main bob"]);
    let page = carol.ssh("proposal show acme/x 1").succeeded().stdout();
    let url = format!("{}:acme/x", bob.at);
    for part in ["proposal 1 of acme/x\n", "open\n", &first, &format!("git fetch {url} refs/pr/1\n")] {
        assert!(page.contains(part), "{page}");
    }
    // Another reader closes nothing, and the author only its own.
    let no = "hubgate: you have no write access to acme/x\n";
    assert!(carol.ssh("proposal close acme/x 1").stderr().starts_with(no));
    bob.ssh("proposal close acme/x 1").is(&says("closed proposal 1 of acme/x\n"));
    bob.ssh("proposal close acme/x 1").is(&says("proposal 1 of acme/x is closed already\n"));
    assert!(bob.ssh("proposal reopen acme/x 1").stderr().starts_with(no));
    let closed = "refs/pr/1 is not accepted: this proposal is closed: open a new one, or ask for it to be opened again";
    is_refused(&scene, bob, &["+HEAD:refs/pr/1"], &[closed]);
    is_refused(&scene, alice, &["+HEAD:refs/pr/1"], &[closed]);
    assert_eq!(scene.tip("refs/pr/1"), first, "a closed proposal keeps its commit");
    alice.ssh("proposal reopen acme/x 1").is(&says("opened proposal 1 of acme/x again\n"));
    alice.ssh("proposal close acme/x 2").is(&says("closed proposal 2 of acme/x\n"));
    assert_eq!(states(bob), ["1 open main bob", "2 closed main bob"]);
    // A writer merges it by a push to its branch.
    alice.git_in("x", &["fetch", "--quiet", "origin", "refs/pr/1"]).is(&silent());
    alice.git_in("x", &["merge", "--quiet", "--no-ff", "--message=merge", "FETCH_HEAD"]).succeeded();
    push(alice, &["HEAD:main"]).is(&silent());
    assert_eq!(states(bob), ["1 merged main bob", "2 closed main bob"]);
    // The operator has the same commands, and a list continues where it was cut.
    let cut = hub.hubgate(&["proposal", "list", "acme/x", "--limit", "1"]);
    cut.succeeded();
    assert!(cut.stderr().contains("--after 1") && cut.stdout().contains("merged"), "{cut}");
    let rest = hub.did(&["--json", "proposal", "list", "acme/x", "--after", "1"]);
    assert!(rest.contains("\"number\": 2") && rest.contains("\"state\": \"closed\"") && !rest.contains("merged"));
    hub.hubgate(&["proposal", "reopen", "acme/x", "2"]).is(&says("opened proposal 2 of acme/x again\n"));
    let audit = hub.did(&["--json", "audit", "--repo", "acme/x"]);
    for event in ["proposal.open", "proposal.close", "proposal.reopen"] {
        assert!(audit.contains(event), "{audit}");
    }
    hub.hubgate(&["proposal", "show", "acme/x", "3"]).is(&refused("hubgate: there is no proposal 3 of acme/x\n"));
    assert_eq!(carol.ssh("proposal show acme/x 03").status, 2);
    assert_eq!(carol.ssh("proposal list acme/x --after x").status, 2);
}

fn proposals_are_off_until_the_repository_accepts_them() {
    let scene = Scene::with(&Setup::default(), &[]);
    let (hub, bob, root, alice) = (&scene.hub, &scene.bob, &scene.root, &scene.alice);
    bob.commit("x", "second", "2");
    let read_only = push(bob, &["HEAD:refs/for/main"]);
    assert!(read_only.stderr().starts_with("hubgate: you have no write access to acme/x\n"), "{read_only}");
    let off = "refs/for/main is not accepted: this repository does not accept proposals";
    alice.commit("x", "third", "3");
    is_refused(&scene, alice, &["HEAD:refs/for/main"], &[off]);
    assert!(alice.ssh("repo proposals acme/x on").stderr().starts_with("hubgate: you do not administer acme/x\n"));
    root.ssh("repo proposals acme/x on").is(&says("acme/x accepts proposals\n"));
    assert_eq!(said(&push(bob, &["HEAD:refs/for/main"])), opened(bob, 1, "main"));
    assert!(bob.ssh("repo show acme/x").stdout().contains("propose"));
    hub.hubgate(&["repo", "proposals", "acme/x", "off"]).is(&says("acme/x accepts no proposals\n"));
    bob.commit("x", "fourth", "4");
    for refspec in ["HEAD:refs/for/main", "HEAD:refs/pr/1"] {
        assert_eq!(push(bob, &[refspec]).stderr(), read_only.stderr());
    }
    // Writers still move what is open, and a refusal of the repository outranks the configuration.
    push(alice, &["+HEAD:refs/pr/1"]).is(&silent());
    let text = fs::read_to_string(hub.config()).expect("the configuration");
    fs::write(hub.config(), text.replace("[access]\n", "[access]\nproposals = true\n")).expect("the configuration");
    assert_eq!(push(bob, &["HEAD:refs/for/main"]).stderr(), read_only.stderr());
    hub.sql("UPDATE repository SET proposals = NULL");
    assert_eq!(said(&push(bob, &["HEAD:refs/for/main"])), opened(bob, 2, "main"));
}

fn a_private_repository_accepts_proposals_of_those_who_may_fetch_it() {
    let scene = Scene::with(&Setup::default(), &["--private", "--proposals"]);
    let dave = scene.hub.user("dave");
    scene.open("second");
    dave.git(&["init", "--quiet", "--initial-branch=main", "x"]).is(&silent());
    dave.commit("x", "own", "1");
    let refusal =
        |path: &str| dave.git_in("x", &["push", "--quiet", &Client::url(path), "HEAD:refs/for/main"]).stderr();
    assert_eq!(refusal("acme/x"), refusal("acme/missing"), "hidden looks missing");
    for command in ["proposal list PATH", "proposal show PATH 1", "proposal close PATH 1", "repo proposals PATH off"] {
        let said = |path: &str| dave.ssh(command.replace("PATH", path));
        let (hidden, missing) = (said("acme/x"), said("acme/missing"));
        assert_eq!((hidden.stderr(), hidden.status), (missing.stderr(), missing.status), "{command}");
        assert!(
            hidden.stderr().starts_with("hubgate: repository not found, or you have no access to it\n"),
            "{hidden}"
        );
    }
    scene.hub.did(&["repo", "collaborator", "set", "acme/x", "dave", "read"]);
    dave.git(&["clone", "--quiet", &Client::url("acme/x"), "y"]).is(&silent());
    dave.commit("y", "own", "1");
    let outcome = dave.git_in("y", &["push", "--quiet", "origin", "HEAD:refs/for/main"]);
    assert_eq!(said(&outcome), opened(&dave, 2, "main"), "{outcome}");
}

fn keys_that_change_nothing_open_no_proposal() {
    let scene = Scene::new();
    let reading = Key::new("reading");
    scene.hub.add_key("bob", &reading, &["--scope", "read"]);
    let (deploying, writing) = (Key::new("deploying"), Key::new("writing"));
    for (key, options) in [(&deploying, &[][..]), (&writing, &["--write"])] {
        let file = key.public_file().display().to_string();
        scene.hub.did(&[&["deploy-key", "add", "acme/x", &file], options].concat());
    }
    let clients =
        [Client::new(&scene.hub, Some("bob"), reading), Client::new(&scene.hub, None, deploying), scene.hub.stranger()];
    for client in &clients {
        client.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
        client.commit("x", "own", "1");
        let outcome = push(client, &["HEAD:refs/for/main"]);
        assert!(outcome.stderr().starts_with("hubgate: you have no write access to acme/x\n"), "{outcome}");
    }
    // A deploy key that writes moves proposals, and has no account to open one.
    scene.open("second");
    let writer = Client::new(&scene.hub, None, writing);
    writer.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
    writer.commit("x", "own", "1");
    let no_author = "only an account opens proposals, by a key of its own with the scope write";
    is_refused(&scene, &writer, &["HEAD:refs/for/main"], &[&format!("refs/for/main is not accepted: {no_author}")]);
    push(&writer, &["+HEAD:refs/pr/1"]).is(&silent());
    scene.hub.did(&["repo", "freeze", "acme/x", "--reason", "moving"]);
    scene.bob.commit("x", "third", "3");
    for refspec in ["HEAD:refs/for/main", "HEAD:refs/pr/1"] {
        let outcome = push(&scene.bob, &[refspec]);
        assert!(outcome.stderr().starts_with("hubgate: acme/x is read-only: moving\n"), "{outcome}");
    }
    assert!(scene.bob.ssh("proposal close acme/x 1").stderr().starts_with("hubgate: acme/x is read-only: moving\n"));
}

fn rules_checks_and_quotas_hold_for_proposals() {
    let scene = Scene::new();
    let (hub, bob) = (&scene.hub, &scene.bob);
    scene.open("second");
    hub.did(&["rule", "add", "acme/x", "deny create refs/for/dev bob"]);
    hub.did(&["rule", "add", "acme/x", "deny force refs/pr/* @everyone"]);
    bob.commit("x", "third", "3");
    let one = "refs/for/dev: bob may not create it (rule 1 of acme/x: deny create refs/for/dev bob)";
    is_refused(&scene, bob, &["HEAD:refs/for/dev"], &[one]);
    push(bob, &["HEAD:refs/pr/1"]).is(&silent());
    let two = "refs/pr/1: bob may not rewrite it (rule 2 of acme/x: deny force refs/pr/* @everyone)";
    is_refused(&scene, bob, &["+HEAD~1:refs/pr/1"], &[two]);
    // No rule gives a session more than its access.
    hub.did(&["rule", "add", "acme/x", "allow all ** bob", "--at", "1"]);
    let no = "refs/heads/main is not accepted: you have no write access, but may propose changes";
    is_refused(&scene, bob, &["HEAD:main"], &[no, HINT]);
    hub.did(&["check", "set", "acme/x", "blob-size", "1000"]);
    bob.commit("x", "large", &"x".repeat(2_000));
    let outcome = push(bob, &["HEAD:refs/for/main"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("git lfs migrate import"), "{outcome}");
    let outcome = push(bob, &["HEAD:refs/pr/1"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("git lfs migrate import"), "{outcome}");
    hub.did(&["check", "set", "acme/x", "blob-size", "off"]);
    hub.did(&["owner", "quota", "acme", "1000"]);
    let before = scene.refs();
    let outcome = push(bob, &["HEAD:refs/for/main"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("quota"), "{outcome}");
    assert_eq!(scene.refs(), before);
    assert_eq!(hub.sql("SELECT count(*) FROM proposal").trim(), "1", "a refused push takes no number");
}

/// A push of bob that has begun, and waits on the client's side before it sends anything.
struct Waiting<'a> {
    push: thread::ScopedJoinHandle<'a, Outcome>,
    go: std::path::PathBuf,
}

impl<'a> Waiting<'a> {
    fn begin<'s: 'a>(scope: &'a thread::Scope<'a, 's>, scene: &'s Scene, refspec: &'s str) -> Self {
        let (begun, go) = (scene.hub.path("begun"), scene.hub.path("go"));
        let _ = (fs::remove_file(&begun), fs::remove_file(&go));
        // git runs this hook once it knows the refs of the hub (githooks(5)).
        let script =
            format!("#!/bin/sh\n: >{}\nwhile ! [ -e {} ]; do sleep 0.05; done\n", begun.display(), go.display());
        scene.bob.write("x/.git/hooks/pre-push", script);
        let hook = scene.bob.home.join("x/.git/hooks/pre-push");
        fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).expect("a hook");
        let push = scope.spawn(move || push(&scene.bob, &[refspec]));
        wait_until("a push has begun", || begun.exists());
        Self { push, go }
    }

    fn goes_on(self) -> Outcome {
        fs::write(&self.go, "").expect("a file");
        self.push.join().expect("a push")
    }
}

fn a_right_that_ends_in_the_middle_of_a_push_opens_nothing() {
    let scene = Scene::new();
    let (hub, bob) = (&scene.hub, &scene.bob);
    scene.open("second");
    let read_only = "you have no write access to acme/x";
    let closed = "refs/pr/1 is not accepted: this proposal is closed: open a new one, or ask for it to be opened again";
    let foreign = "refs/pr/1 is not accepted: this proposal is another account's";
    for (take, give, refspec, sentence) in [
        (
            "UPDATE repository SET proposals = 0",
            "UPDATE repository SET proposals = 1",
            "HEAD:refs/for/main",
            "refs/for/main is not accepted: you have no write access to acme/x",
        ),
        (
            "UPDATE repository SET proposals = 0",
            "UPDATE repository SET proposals = 1",
            "HEAD:refs/pr/1",
            "refs/pr/1 is not accepted: you have no write access to acme/x",
        ),
        ("UPDATE proposal SET closed_at = 1", "UPDATE proposal SET closed_at = NULL", "HEAD:refs/pr/1", closed),
        (
            "UPDATE proposal SET author_id = (SELECT id FROM owner WHERE folded = 'carol')",
            "UPDATE proposal SET author_id = (SELECT id FROM owner WHERE folded = 'bob')",
            "HEAD:refs/pr/1",
            foreign,
        ),
        (
            "UPDATE owner SET disabled = 'away' WHERE folded = 'bob'",
            "UPDATE owner SET disabled = NULL",
            "HEAD:refs/for/main",
            "refs/for/main is not accepted: the account bob is disabled: away",
        ),
    ] {
        bob.commit("x", "more", &format!("{take}: {refspec}"));
        let before = scene.refs();
        let outcome = thread::scope(|scope| {
            let waiting = Waiting::begin(scope, &scene, refspec);
            // The guard has asked once, and asks again only after half a minute.
            thread::sleep(Duration::from_millis(1_500));
            hub.sql(take);
            waiting.goes_on()
        });
        assert_eq!(outcome.status, 1, "{take}: {outcome}");
        assert!(said(&outcome).first().is_some_and(|line| line.starts_with(sentence)), "{take}: {outcome}");
        assert_eq!(scene.refs(), before, "{take}: {outcome}");
        hub.sql(give);
    }
    // A command that takes the right away ends the session.
    let outcome = thread::scope(|scope| {
        let waiting = Waiting::begin(scope, &scene, "HEAD:refs/for/main");
        let said = hub.did(&["repo", "proposals", "acme/x", "off"]);
        assert!(said.ends_with("ended 1 running session\n"), "{said}");
        waiting.goes_on()
    });
    assert!(outcome.status != 0 && outcome.stderr().contains(read_only), "{outcome}");
    assert_eq!(hub.sql("SELECT count(*) FROM proposal").trim(), "1");
}

fn refs_of_an_import_keep_their_numbers() {
    let scene = Scene::new();
    let main = scene.tip("refs/heads/main");
    scene.hub.git_in("acme/x", &["update-ref", "refs/pr/7", &main]);
    scene.bob.commit("x", "second", "2");
    assert_eq!(said(&push(&scene.bob, &["HEAD:refs/for/main"])), opened(&scene.bob, 8, "main"));
    assert_eq!(scene.tip("refs/pr/7"), main);
    let no = "refs/pr/7 is not accepted: you have no write access, but may propose changes";
    is_refused(&scene, &scene.bob, &["+HEAD:refs/pr/7"], &[no, HINT]);
    let hub_only = "refs/pr/7 is not accepted: only the hub opens proposals (refs/pr/)";
    scene.alice.commit("x", "own", "1");
    is_refused(&scene, &scene.alice, &["+HEAD:refs/pr/7"], &[hub_only]);
    push(&scene.alice, &[":refs/pr/7"]).is(&silent());
    // A proposal whose push did not end is empty, and its author fills it.
    scene.hub.git_in("acme/x", &["update-ref", "-d", "refs/pr/8"]);
    assert!(scene.bob.ssh("proposal list acme/x").stdout().contains("8       empty"));
    is_refused(
        &scene,
        &scene.carol,
        &["HEAD~0:refs/pr/8"],
        &["refs/pr/8 is not accepted: this proposal is another account's"],
    );
    push(&scene.bob, &["HEAD:refs/pr/8"]).is(&silent());
}

fn proposals_keep_their_author_under_another_name_and_in_another_place() {
    let scene = Scene::new();
    let (hub, bob) = (&scene.hub, &scene.bob);
    scene.open("second");
    let copy = hub.path("copy").display().to_string();
    hub.did(&["backup", &copy]);
    hub.did(&["user", "rename", "bob", "robert"]);
    hub.did(&["repo", "rename", "acme/x", "rooty/y"]);
    bob.commit("x", "third", "3");
    push(bob, &["HEAD:refs/pr/1"]).succeeded();
    assert!(hub.did(&["proposal", "list", "rooty/y"]).contains("robert"));
    // A new account with the old name is another account.
    hub.did(&["user", "release", "bob"]);
    let other = hub.user("bob");
    other.git(&["clone", "--quiet", &Client::url("rooty/y"), "x"]).succeeded();
    other.commit("x", "own", "1");
    let outcome = push(&other, &["+HEAD:refs/pr/1"]);
    assert_eq!(said(&outcome), ["refs/pr/1 is not accepted: this proposal is another account's"], "{outcome}");
    hub.did(&["repo", "remove", "rooty/y", "--yes"]);
    hub.did(&["repo", "restore", "rooty/y"]);
    bob.commit("x", "fourth", "4");
    push(bob, &["HEAD:refs/pr/1"]).succeeded();
    hub.did(&["restore", &copy, "--yes"]);
    let list = hub.did(&["proposal", "list", "acme/x"]);
    assert!(list.contains("1       open   main    bob"), "{list}");
}

fn explain_says_what_a_proposal_needs() {
    let scene = Scene::new();
    let (hub, bob) = (&scene.hub, &scene.bob);
    scene.open("second");
    hub.did(&["rule", "add", "acme/x", "deny create refs/for/dev @everyone"]);
    let explain = |user: &str, name: &str, action: &str| {
        let command = "git-receive-pack 'acme/x'";
        let words = ["explain", "--user", user, "--command", command, "--ref", name, "--action", action];
        let outcome = hub.hubgate(&words);
        (outcome.status, outcome.stdout().lines().last().expect("a step").to_owned())
    };
    let free = "allow: refs/for/main: bob may create it (no rule names it)";
    assert_eq!(explain("bob", "refs/for/main", "create"), (0, free.to_owned()));
    let rule = "rule 1 of acme/x: deny create refs/for/dev @everyone";
    let denied = format!("deny: refs/for/dev: bob may not create it ({rule})");
    assert_eq!(explain("bob", "refs/for/dev", "create"), (1, denied.clone()));
    let by_ssh = bob.ssh("explain acme/x push --ref refs/for/dev --action create");
    assert_eq!((by_ssh.status, by_ssh.stdout().lines().last()), (1, Some(denied.as_str())));
    assert_eq!(explain("bob", "refs/pr/1", "force").0, 0);
    let foreign = "deny: refs/pr/1 is not accepted: this proposal is another account's";
    assert_eq!(explain("carol", "refs/pr/1", "update"), (1, foreign.to_owned()));
    assert_eq!(explain("alice", "refs/pr/1", "update").0, 0);
    let none = "deny: refs/heads/main is not accepted: no write access, and no proposal";
    assert_eq!(explain("bob", "refs/heads/main", "update"), (1, none.to_owned()));
    hub.did(&["repo", "proposals", "acme/x", "off"]);
    let read_only = "deny: may fetch, may not push";
    assert_eq!(explain("bob", "refs/for/main", "create"), (1, read_only.to_owned()));
    let off = "deny: refs/for/main is not accepted: this repository does not accept proposals";
    assert_eq!(explain("alice", "refs/for/main", "create"), (1, off.to_owned()));
    // A policy's line without a ref is about branches.
    hub.did(&["repo", "proposals", "acme/x", "on"]);
    let policy = hub.path("policy");
    let lines =
        "bob push acme/x = deny\nbob create acme/x refs/for/main = allow\ncarol update acme/x refs/pr/1 = deny\n";
    fs::write(&policy, lines).expect("a file");
    hub.hubgate(&["policy", "test", policy.to_str().expect("UTF-8")]).is(&says("3 passed, 0 failed\n"));
}

fn a_database_without_proposals_serves_pushes() {
    let scene = Scene::new();
    let (hub, bob, alice) = (&scene.hub, &scene.bob, &scene.alice);
    hub.sql(BACK_TO_3);
    alice.commit("x", "second", "2");
    push(alice, &["HEAD:main"]).is(&silent());
    bob.commit("x", "third", "3");
    let outcome = push(bob, &["HEAD:refs/for/main"]);
    assert!(outcome.stderr().starts_with("hubgate: you have no write access to acme/x\n"), "{outcome}");
    alice.commit("x", "fourth", "4");
    let off = "refs/for/main is not accepted: this repository does not accept proposals";
    let outcome = push(alice, &["HEAD:refs/for/main"]);
    assert_eq!((outcome.status, said(&outcome)), (1, vec![off.to_owned()]), "{outcome}");
    bob.git_in("x", &["fetch", "--quiet"]).is(&silent());
    hub.did(&["migrate"]);
    hub.did(&["repo", "proposals", "acme/x", "on"]);
    assert_eq!(said(&push(bob, &["HEAD:refs/for/main"])), opened(bob, 1, "main"));
}
