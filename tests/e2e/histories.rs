//! What real histories bring: faults of old commits and trees, names in every language, refs of other tools, and
//! fetches by id under every version of the protocol.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Client, Hub, Outcome, Setup, machine, run, run_with, silent, trials};

trials![
    an_old_history_is_pushed_and_imported,
    a_dangerous_object_is_refused_and_imported_only_on_request,
    a_fault_that_is_information_to_git_is_accepted_with_a_warning,
    branches_in_living_languages_are_pushed,
    two_branches_that_look_the_same_are_refused_as_a_pair,
    a_refused_ref_leaves_the_others_unless_the_push_is_atomic,
    a_mirrored_clone_of_another_hub_arrives_without_its_pull_requests,
    an_object_is_fetched_by_its_id_under_every_version_of_the_protocol,
    a_partial_clone_works_under_every_version_of_the_protocol,
    a_shallow_submodule_is_cloned_under_every_version_of_the_protocol,
    no_setting_of_a_repository_changes_what_sessions_offer_and_accept,
];

/// The gits of this machine, each as the hub's, with alice who uses the newest.
fn with_each_server(test: fn(&Hub, &Client)) {
    for server in &machine().gits {
        let hub = Hub::with(&Setup { git: Some(&server.path), ..Setup::default() });
        let alice = hub.user("alice");
        test(&hub, &alice);
    }
}

/// Writes an object as it is given, without git's checks, and returns its id.
fn object(alice: &Client, kind: &str, bytes: &[u8]) -> String {
    let mut command = alice.git_command("x");
    let written = run_with(command.args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"]), bytes);
    written.succeeded().stdout().trim_end().to_owned()
}

/// A tree `x` with one commit, whose `origin` is `alice/x`. Returns the id of its tree.
fn scene(hub: &Hub, alice: &Client) -> String {
    hub.empty_repo("alice/x", &[]);
    alice.git(&["init", "--quiet", "--initial-branch=main", "x"]).is(&silent());
    alice.git_in("x", &["remote", "add", "origin", &Client::url("alice/x")]).is(&silent());
    alice.commit("x", "first", "1");
    alice.git_in("x", &["rev-parse", "HEAD^{tree}"]).succeeded().stdout().trim_end().to_owned()
}

fn push(alice: &Client, words: &[&str]) -> Outcome {
    alice.git_in("x", &[&["push", "--quiet", "origin"], words].concat())
}

fn names(hub: &Hub) -> String {
    hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)"])
}

/// A directory that every user can read, with a bare copy of the tree `x`.
fn source(hub: &Hub, alice: &Client) -> PathBuf {
    let place = hub.path("source");
    run(Command::new("cp").arg("-r").arg(alice.home.join("x/.git")).arg(&place)).succeeded();
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(&place)).succeeded();
    place
}

/// A commit of a tree with one wrong line each, as programs wrote them before git checked.
fn old_commits(alice: &Client, tree: &str) -> Vec<String> {
    let good = "A <a@example.com> 1112911993 +0000";
    let identities = [
        "A <a@example.com> 1112911993 -700",
        "A<a@example.com> 1112911993 +0000",
        "<a@example.com> 1112911993 +0000",
        "A <a@example.com>1112911993 +0000",
        "A <a@example.com> 01112911993 +0000",
    ];
    let mut lines: Vec<String> = identities.iter().map(|identity| format!("author {identity}")).collect();
    lines.push(format!("author {good}\nauthor {good}"));
    let commit = |line: &String| {
        let text = format!("tree {tree}\n{line}\ncommitter {good}\n\nold\n");
        object(alice, "commit", text.as_bytes())
    };
    lines.iter().map(commit).collect()
}

/// A tree with one entry of this mode and name.
fn entry(alice: &Client, mode: &str, name: &str, id: &str) -> String {
    let bytes: Vec<u8> =
        (0..id.len()).step_by(2).filter_map(|at| u8::from_str_radix(&id[at..at + 2], 16).ok()).collect();
    object(alice, "tree", &[format!("{mode} {name}\0").as_bytes(), &bytes].concat())
}

fn commit_of(alice: &Client, tree: &str) -> String {
    let who = "A <a@example.com> 1112911993 +0000";
    object(alice, "commit", format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nx\n").as_bytes())
}

fn an_old_history_is_pushed_and_imported() {
    with_each_server(|hub, alice| {
        let tree = scene(hub, alice);
        let mut commits = old_commits(alice, &tree);
        let padded = entry(alice, "040000", "directory", &tree);
        commits.push(commit_of(alice, &padded));
        for (number, commit) in commits.iter().enumerate() {
            alice.git_in("x", &["update-ref", &format!("refs/heads/old{number}"), commit]).is(&silent());
        }
        push(alice, &["refs/heads/old*"]).is(&silent());
        alice.git(&["clone", "--quiet", "--bare", &Client::url("alice/x"), "again"]).is(&silent());
        let place = source(hub, alice);
        hub.did(&["repo", "import", "alice/y", place.to_str().expect("UTF-8")]);
        assert_eq!(hub.git_in("alice/y", &["for-each-ref", "refs/heads/old*"]).lines().count(), commits.len());
        hub.did(&["repo", "check"]);
    });
}

/// git-fsck(1) marks the faults that are no errors as INFO. Old tags have no tagger.
fn a_fault_that_is_information_to_git_is_accepted_with_a_warning() {
    with_each_server(|hub, alice| {
        scene(hub, alice);
        let commit = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
        let text = format!("object {commit}type commit\ntag v1\n\nold\n");
        let tag = object(alice, "tag", text.as_bytes());
        let pushed = push(alice, &[&format!("{tag}:refs/tags/v1")]);
        assert!(pushed.status == 0 && pushed.stderr().contains("missingTaggerEntry"), "{pushed}");
        assert_eq!(names(hub), "refs/tags/v1\n");
    });
}

fn a_dangerous_object_is_refused_and_imported_only_on_request() {
    with_each_server(|hub, alice| {
        let tree = scene(hub, alice);
        let blob = alice.git_in("x", &["rev-parse", "HEAD:first"]).succeeded().stdout();
        let blob = blob.trim_end();
        let bytes: Vec<u8> =
            (0..40).step_by(2).filter_map(|at| u8::from_str_radix(&blob[at..at + 2], 16).ok()).collect();
        let twice = [b"100644 a\0", bytes.as_slice()].concat().repeat(2);
        let trees = [
            ("hasDotgit", entry(alice, "40000", ".git", &tree)),
            ("hasDotdot", entry(alice, "40000", "..", &tree)),
            ("hasDot", entry(alice, "40000", ".", &tree)),
            ("fullPathname", entry(alice, "100644", "a/b", blob)),
            ("duplicateEntries", object(alice, "tree", &twice)),
            ("gitmodulesSymlink", entry(alice, "120000", ".gitmodules", blob)),
        ];
        for (fault, tree) in &trees {
            let commit = commit_of(alice, tree);
            let outcome = push(alice, &[&format!("{commit}:refs/heads/bad")]);
            assert_eq!(outcome.status, 1, "{fault}: {outcome}");
            let sentence = format!(" has the fault {fault} of git-fsck(1), which this server refuses: remove it");
            assert!(outcome.stderr().contains(&sentence), "{fault}: {outcome}");
        }
        let nul = format!("tree {tree}\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\0y\n");
        let nul = object(alice, "commit", nul.as_bytes());
        assert!(push(alice, &[&format!("{nul}:refs/heads/bad")]).stderr().contains("nulInCommit"));
        assert_eq!(names(hub), "");
        // The operator may take a history in spite of one fault, and the audit says so.
        let commit = commit_of(alice, &trees[4].1);
        alice.git_in("x", &["update-ref", "refs/heads/main", &commit]).is(&silent());
        let place = source(hub, alice);
        let import = ["repo", "import", "alice/y", place.to_str().expect("UTF-8")];
        let outcome = hub.hubgate(&import);
        assert_eq!(outcome.status, 1, "{outcome}");
        assert!(outcome.stderr().contains("duplicateEntries"), "{outcome}");
        assert!(outcome.stderr().contains("--allow-fsck"), "{outcome}");
        let unknown = hub.hubgate(&[&import[..], &["--allow-fsck", "noSuchFault"]].concat());
        assert!(unknown.status == 1 && unknown.stderr().to_lowercase().contains("nosuchfault"), "{unknown}");
        let fatal = hub.hubgate(&[&import[..], &["--allow-fsck", "nulInHeader"]].concat());
        assert_eq!(fatal.status, 1, "{fatal}");
        hub.did(&[&import[..], &["--allow-fsck", "duplicateEntries"]].concat());
        let noted = hub.did(&["--json", "audit", "--repo", "alice/y"]);
        assert!(noted.contains("--allow-fsck duplicateEntries"), "{noted}");
    });
}

fn branches_in_living_languages_are_pushed() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    scene(&hub, &alice);
    let branches = [
        "हिन्दी",
        "می\u{200c}خواهم",
        "ภาษาไทย",
        "gro\u{308}ße",
        "日本",
        "👩🏽\u{200d}💻",
        "R&D",
        "don't",
        "feat/fix(parser)",
        "wow!",
    ];
    let refs: Vec<String> = branches.iter().map(|branch| format!("HEAD:refs/heads/{branch}")).collect();
    push(&alice, &refs.iter().map(String::as_str).collect::<Vec<_>>()).is(&silent());
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "again"]).is(&silent());
    for branch in branches {
        alice
            .git_in("again", &["rev-parse", "--verify", "--quiet", &format!("refs/remotes/origin/{branch}")])
            .succeeded();
    }
}

fn two_branches_that_look_the_same_are_refused_as_a_pair() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    scene(&hub, &alice);
    push(&alice, &["HEAD:refs/heads/caf\u{e9}"]).is(&silent());
    let outcome = push(&alice, &["HEAD:refs/heads/cafe\u{301}", "HEAD:refs/heads/fine"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    assert!(outcome.stderr().contains("is not accepted: it looks the same as refs/heads/caf\\u{e9}"), "{outcome}");
    assert_eq!(names(&hub), "refs/heads/caf\u{e9}\nrefs/heads/fine\n");
    // The first may be replaced.
    push(&alice, &["HEAD:refs/heads/cafe\u{301}", ":refs/heads/caf\u{e9}"]).is(&silent());
}

fn a_refused_ref_leaves_the_others_unless_the_push_is_atomic() {
    with_each_server(|hub, alice| {
        scene(hub, alice);
        let refs = ["HEAD:refs/heads/fine", "HEAD:refs/changes/1", "HEAD:refs/tags/v1"];
        let outcome = push(alice, &[&["--atomic"], &refs[..]].concat());
        assert_eq!((outcome.status, names(hub).as_str()), (1, ""), "{outcome}");
        assert!(outcome.stderr().contains("(another ref of this push was refused)"), "{outcome}");
        let outcome = push(alice, &refs);
        assert_eq!((outcome.status, names(hub).as_str()), (1, "refs/heads/fine\nrefs/tags/v1\n"), "{outcome}");
        let place = "this hub accepts only branches (refs/heads/), tags (refs/tags/) and notes (refs/notes/)";
        assert!(
            outcome.stderr().contains(&format!("remote: hubgate: refs/changes/1 is not accepted: {place}")),
            "{outcome}"
        );
        assert!(outcome.stderr().contains(&format!("refs/changes/1 ({place})")), "{outcome}");
    });
}

fn a_mirrored_clone_of_another_hub_arrives_without_its_pull_requests() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    scene(&hub, &alice);
    alice.git(&["clone", "--quiet", "--mirror", "x", "mirror"]).is(&silent());
    let refs: String = (0..300).map(|number| format!("create refs/pull/{number}/head HEAD\n")).collect();
    run_with(alice.git_command("mirror").args(["update-ref", "--stdin"]), refs.as_bytes()).succeeded();
    let outcome = alice.git_in("mirror", &["push", "--mirror", &Client::url("alice/x")]);
    assert_eq!((outcome.status, names(&hub).as_str()), (1, "refs/heads/main\n"), "{outcome}");
    let said: Vec<String> = outcome
        .stderr()
        .lines()
        .filter(|line| line.contains("hubgate: "))
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert_eq!(said.len(), 12, "{said:?}");
    assert_eq!(said[10], "remote: hubgate: 290 more refs are not accepted");
    assert_eq!(said[11], "remote: hubgate: to push branches and tags only: git push --all && git push --tags");
}

/// Calls a test for each version of the protocol.
fn each_version(hub: &Hub, alice: &Client, test: fn(&Hub, &Client, &str)) {
    for version in ["0", "2"] {
        test(hub, alice, version);
    }
}

fn git_with(alice: &Client, version: &str, directory: &str, words: &[&str]) -> Outcome {
    run(alice.git_command(directory).args(["-c", &format!("protocol.version={version}")]).args(words))
}

fn an_object_is_fetched_by_its_id_under_every_version_of_the_protocol() {
    with_each_server(|hub, alice| {
        scene(hub, alice);
        push(alice, &["main"]).is(&silent());
        let first = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
        alice.commit("x", "second", "2");
        push(alice, &["main"]).is(&silent());
        each_version(hub, alice, |hub, alice, version| {
            let reachable = hub.git_in("alice/x", &["rev-parse", "main~"]);
            let tree = format!("by-id-{version}");
            alice.git(&["init", "--quiet", &tree]).is(&silent());
            let fetch = ["fetch", "--quiet", "--depth=1", &Client::url("alice/x"), reachable.trim_end()];
            git_with(alice, version, &tree, &fetch).is(&silent());
        });
        // A commit that no ref needs any more, such as a secret pushed by mistake, is served until it is pruned.
        push(alice, &["--force", &format!("{}:main", first.trim_end())]).is(&silent());
        each_version(hub, alice, |_, alice, version| {
            let gone = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
            let fetch = ["fetch", "--quiet", &Client::url("alice/x"), gone.trim_end()];
            git_with(alice, version, &format!("by-id-{version}"), &fetch).is(&silent());
        });
    });
}

fn a_partial_clone_works_under_every_version_of_the_protocol() {
    with_each_server(|hub, alice| {
        scene(hub, alice);
        push(alice, &["main"]).is(&silent());
        each_version(hub, alice, |_, alice, version| {
            for filter in ["blob:none", "tree:0", "tree:1", "object:type=commit"] {
                let tree = format!("partial-{version}-{}", filter.replace([':', '=', '+'], "-"));
                let clone = ["clone", "--quiet", &format!("--filter={filter}"), &Client::url("alice/x"), &tree];
                git_with(alice, version, "", &clone).is(&silent());
                assert_eq!(alice.read(&format!("{tree}/first")), "1");
            }
        });
    });
}

fn a_shallow_submodule_is_cloned_under_every_version_of_the_protocol() {
    with_each_server(|hub, alice| {
        scene(hub, alice);
        push(alice, &["main"]).is(&silent());
        hub.empty_repo("alice/super", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/super"), "super"]);
        alice.git_in("super", &["submodule", "--quiet", "add", &Client::url("alice/x"), "sub"]).succeeded();
        alice.git_in("super", &["commit", "--quiet", "-m", "x"]).is(&silent());
        alice.git_in("super", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
        // The submodule's commit is not the tip of its branch any more.
        alice.commit("x", "second", "2");
        push(alice, &["main"]).is(&silent());
        each_version(hub, alice, |_, alice, version| {
            let tree = format!("super-{version}");
            let clone = [
                "clone",
                "--quiet",
                "--recurse-submodules",
                "--shallow-submodules",
                &Client::url("alice/super"),
                &tree,
            ];
            git_with(alice, version, "", &clone).succeeded();
            assert!(Path::new(&alice.home.join(&tree).join("sub/first")).exists());
        });
    });
}

/// Settings against hubgate's own, as a taken-over git could write them to its repository.
const AGAINST: &str = "
[transfer]
\tadvertiseSID = true
\tfsckObjects = false
[receive]
\tadvertisePushOptions = true
\tfsckObjects = false
\tunpackLimit = 1000
\tautogc = true
\tdenyDeleteCurrent = refuse
\tprocReceiveRefs = !refs/heads
[receive \"fsck\"]
\tbadTimezone = error
[gc]
\tauto = 1
\tautoPackLimit = 1
\tautoDetach = false
[maintenance]
\tauto = true
[uploadpack]
\tallowFilter = false
\tallowAnySHA1InWant = false
[uploadpackfilter]
\tallow = true
[uploadpackfilter \"blob:none\"]
\tallow = false
[uploadpackfilter \"tree\"]
\tallow = false
\tmaxDepth = 1000
[uploadpackfilter \"object:type\"]
\tallow = false
";

/// What a session offers at first, under this version of the protocol.
fn offer(alice: &Client, service: &str, version: &str) -> String {
    let version = format!("SetEnv=GIT_PROTOCOL=version={version}");
    let outcome = alice.ssh_with(&["-oBatchMode=yes", "-o", &version], format!("git-{service} 'alice/x'"), b"0000");
    String::from_utf8_lossy(&outcome.stdout).into_owned()
}

fn no_setting_of_a_repository_changes_what_sessions_offer_and_accept() {
    with_each_server(|hub, alice| {
        let tree = scene(hub, alice);
        let directory = hub.directory("alice/x");
        let config = directory.join("config");
        let planted = std::fs::read_to_string(&config).expect("a configuration") + AGAINST;
        std::fs::write(&config, planted).expect("a configuration");
        push(alice, &["main"]).is(&silent());
        for version in ["0", "2"] {
            let pushing = offer(alice, "receive-pack", version);
            assert!(pushing.contains(" atomic"), "{pushing}");
            let fetching = offer(alice, "upload-pack", version);
            assert!(fetching.contains("filter"), "{fetching}");
            assert_eq!(fetching.contains("allow-reachable-sha1-in-want"), version == "0", "{fetching}");
            let offers = pushing + &fetching;
            for absent in ["session-id", "push-options"] {
                assert!(!offers.contains(absent), "{absent}: {offers}");
            }
            // A partial clone, the objects that it lacks, and a filter that costs the server too much.
            for filter in ["blob:none", "tree:4", "object:type=commit"] {
                let name = format!("{version}-{}", filter.replace([':', '=', '+'], "-"));
                let clone = ["clone", "--quiet", &format!("--filter={filter}"), &Client::url("alice/x"), &name];
                git_with(alice, version, "", &clone).is(&silent());
            }
            for filter in ["tree:5", "combine:blob:none+tree:1", "sparse:oid=main:first"] {
                let clone = ["clone", "--quiet", &format!("--filter={filter}"), &Client::url("alice/x"), "none"];
                // The client may be killed by its closed connection.
                assert_ne!(git_with(alice, version, "", &clone).status, 0, "{filter}");
            }
        }
        // Each push stays one pack. Nothing collects them.
        for number in 0..3 {
            alice.commit("x", "more", &number.to_string());
            push(alice, &["main"]).is(&silent());
        }
        let counted = hub.git_in("alice/x", &["count-objects", "-v"]);
        assert!(counted.contains("count: 0\n") && counted.contains("packs: 4\n"), "{counted}");
        push(alice, &[&format!("{}:refs/heads/old", old_commits(alice, &tree)[0])]).is(&silent());
        let bad = commit_of(alice, &entry(alice, "40000", ".git", &tree));
        assert!(push(alice, &[&format!("{bad}:refs/heads/bad")]).stderr().contains("hasDotgit"));
        let refused = push(alice, &["HEAD:refs/x/y", "HEAD:fine", ":main"]);
        assert!(refused.stderr().contains("refs/x/y is not accepted") && !names(hub).contains("refs/heads/main\n"));
    });
}
