//! git over ssh. Each test runs with the distribution's git on one side and the newest git on the other.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Client, Git, Hub, Setup, machine, refused, run, run_with, says, silent, trials};
use crate::texts::{GIT_GIVES_UP, not_supported};

trials![
    a_clone_has_the_content_of_the_repository,
    protocol_versions_0_1_and_2_work,
    every_git_session_runs_in_the_sandbox,
    every_form_of_the_url_works,
    models_datasets_and_spaces_of_one_name_are_three_repositories,
    a_shallow_clone_is_shallow_and_can_be_deepened,
    a_partial_clone_fetches_blobs_when_they_are_needed,
    a_filter_that_costs_the_server_much_is_refused,
    branches_and_tags_are_pushed_and_fetched,
    a_branch_is_deleted,
    a_forced_push_moves_a_branch_back,
    an_atomic_push_moves_all_or_nothing,
    a_mirror_is_pushed_and_cloned,
    an_empty_repository_is_cloned_and_filled,
    the_first_push_of_another_branch_becomes_head,
    a_sha256_repository_is_cloned_and_pushed,
    a_repository_of_100_000_objects_is_cloned,
    archives_are_off_unless_turned_on,
    refs_outside_branches_and_tags_are_refused,
    nothing_in_a_repository_is_executed,
];

/// Pairs of git versions (server, client); each version is on each side once.
fn sides() -> Vec<(&'static Git, &'static Git)> {
    let (own, newest) = (machine().git(), machine().newest_git());
    if own.path == newest.path { vec![(own, own)] } else { vec![(own, newest), (newest, own)] }
}

/// Runs a test for each pair, with a hub and the client of its user alice.
fn with_each_git(test: fn(&Hub, &Client)) {
    for (server, client) in sides() {
        let hub = Hub::with(&Setup { git: Some(&server.path), ..Setup::default() });
        let alice = hub.user("alice").git_of(&client.path);
        test(&hub, &alice);
    }
}

fn refs(client: &Client, path: &str) -> String {
    let refs = client.git(&["ls-remote", "--quiet", &Client::url(path)]).succeeded().stdout();
    refs.lines().map(|line| line.split_once('\t').map_or(line, |(_, name)| name).to_owned() + "\n").collect()
}

fn a_clone_has_the_content_of_the_repository() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", &Client::url("alice/x")]).succeeded();
        assert_eq!(alice.read("x/README.md"), "hello\n");
        alice.git_in("x", &["fsck", "--strict"]).succeeded();
        assert_eq!(refs(alice, "alice/x"), "HEAD\nrefs/heads/main\nrefs/tags/of/alice/x\nrefs/tags/v1\n");
        let key = &alice.key.fingerprint;
        let line = format!(
            "info hubgate: user=alice key={key} from=127.0.0.1 verb=upload-pack repo=alice/x decision=allow reason=\"\""
        );
        hub.logged(&[&line, &line]);
    });
}

fn protocol_versions_0_1_and_2_work() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        for (version, first) in [("0", " HEAD\\0"), ("1", "version 1"), ("2", "version 2")] {
            let trace = alice.home.join(format!("trace{version}"));
            let mut command = alice.git_command("");
            command.env("GIT_TRACE_PACKET", &trace);
            command.args(["-c", &format!("protocol.version={version}"), "clone", "--quiet", &Client::url("alice/x")]);
            run(command.arg(format!("v{version}"))).is(&silent());
            let trace = alice.read(&format!("trace{version}"));
            let received = trace.lines().find(|line| line.contains("clone< ")).expect("a packet");
            assert!(received.contains(first), "version {version}: {received}");
            assert_eq!(alice.read(&format!("v{version}/README.md")), "hello\n");
            alice.commit(&format!("v{version}"), "more", version);
            let mut push = alice.git_command(&format!("v{version}"));
            push.args(["-c", &format!("protocol.version={version}"), "push", "--quiet", "origin"]);
            run(push.arg(format!("HEAD:refs/heads/v{version}"))).is(&silent());
        }
    });
}

fn every_git_session_runs_in_the_sandbox() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        alice.git_in("x", &["push", "--quiet", "origin", "HEAD:new"]).is(&silent());
        let log = hub.log();
        let sessions: Vec<_> = log.iter().filter(|entry| entry.fields.contains("decision=allow")).collect();
        assert_eq!(sessions.len(), 2, "{log:?}");
        // The parts of the sandbox depend on the kernel, but the log must name them.
        assert!(
            sessions.iter().all(|entry| entry.sandbox.as_deref().is_some_and(|sandbox| !sandbox.is_empty())),
            "{log:?}"
        );
    });
}

fn every_form_of_the_url_works() {
    with_each_git(|hub, alice| {
        hub.repo("alice/X.y-z_0", &[]);
        for url in [
            "hub.test:alice/X.y-z_0",
            "hub.test:alice/X.y-z_0.git",
            "hub.test:/alice/X.y-z_0.git/",
            "hub.test:ALICE/x.Y-Z_0",
            "ssh://hub.test/alice/X.y-z_0",
            "ssh://hub.test/alice/x.y-z_0.git",
            &format!("ssh://{}@hub.test:{}/alice/X.y-z_0/", hub.login.name, hub.port),
            &format!("{}@hub.test:alice/X.y-z_0", hub.login.name),
            &format!("git+ssh://hub.test/{}", "alice/X.y-z_0"),
        ] {
            let refs = alice.git(&["ls-remote", url, "refs/tags/of/*"]);
            assert!(refs.succeeded().stdout().ends_with("\trefs/tags/of/alice/X.y-z_0\n"), "{refs}");
        }
    });
}

fn models_datasets_and_spaces_of_one_name_are_three_repositories() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for path in ["alice/x", "datasets/alice/x", "spaces/alice/x"] {
        hub.repo(path, &["--private"]);
    }
    for path in ["alice/x", "datasets/alice/x", "spaces/alice/x"] {
        assert_eq!(refs(&alice, path), format!("HEAD\nrefs/heads/main\nrefs/tags/of/{path}\nrefs/tags/v1\n"));
        let tree = path.replace('/', "-");
        alice.git(&["clone", "--quiet", &Client::url(path), &tree]).is(&silent());
        alice.commit(&tree, "own", path);
        alice.git_in(&tree, &["push", "--quiet"]).is(&silent());
        assert_eq!(hub.git_in(path, &["show", "main:own"]), path);
    }
}

fn a_shallow_clone_is_shallow_and_can_be_deepened() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x"), "full"]).is(&silent());
        alice.commit("full", "second", "2");
        alice.git_in("full", &["push", "--quiet"]).is(&silent());
        alice.git(&["clone", "--quiet", "--depth=1", &Client::url("alice/x"), "shallow"]).is(&silent());
        alice.git_in("shallow", &["rev-list", "--count", "HEAD"]).is(&says("1\n"));
        alice.commit("shallow", "third", "3");
        alice.git_in("shallow", &["push", "--quiet"]).is(&silent());
        alice.git_in("shallow", &["fetch", "--quiet", "--unshallow"]).is(&silent());
        alice.git_in("shallow", &["rev-list", "--count", "HEAD"]).is(&says("3\n"));
    });
}

fn missing(client: &Client, tree: &str) -> usize {
    let objects = client.git_in(tree, &["rev-list", "--objects", "--missing=print", "--all"]).succeeded().stdout();
    objects.lines().filter(|line| line.starts_with('?')).count()
}

fn a_partial_clone_fetches_blobs_when_they_are_needed() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x"), "full"]).is(&silent());
        alice.commit("full", "large", &"x".repeat(10_000));
        alice.git_in("full", &["push", "--quiet"]).is(&silent());
        for (filter, left_out) in [("blob:none", 2), ("blob:limit=1k", 1), ("tree:0", 2)] {
            let tree = filter.replace([':', '='], "-");
            let clone = ["clone", "--quiet", "--no-checkout", &format!("--filter={filter}")];
            alice.git(&[clone.as_slice(), &[&Client::url("alice/x"), &tree]].concat()).is(&silent());
            assert_eq!(missing(alice, &tree), left_out, "{filter}");
            alice.git_in(&tree, &["checkout", "--quiet", "main"]).is(&silent());
            assert_eq!(alice.read(&format!("{tree}/large")).len(), 10_000);
        }
    });
}

fn a_filter_that_costs_the_server_much_is_refused() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        for filter in ["tree:5", "sparse:oid=main:README.md", "combine:blob:none+tree:1"] {
            let outcome = alice.git(&["clone", "--quiet", &format!("--filter={filter}"), &Client::url("alice/x"), "y"]);
            assert_eq!((outcome.status, outcome.stdout().as_str()), (128, ""), "{outcome}");
            assert!(outcome.stderr().contains("fatal: remote error: "), "{outcome}");
        }
    });
}

fn branches_and_tags_are_pushed_and_fetched() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        let base = hub.git_in("alice/x", &["rev-parse", "main"]);
        hub.log();
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        let new = alice.commit("x", "file", "content");
        alice.git_in("x", &["tag", "light"]).is(&silent());
        alice.git_in("x", &["tag", "-a", "-m", "words", "heavy"]).is(&silent());
        alice
            .git_in("x", &["push", "--quiet", "origin", "main", "main:feature/#1-größe", "light", "heavy"])
            .is(&silent());
        assert_eq!(
            refs(alice, "alice/x"),
            "HEAD\nrefs/heads/feature/#1-größe\nrefs/heads/main\nrefs/tags/heavy\nrefs/tags/heavy^{}\n\
             refs/tags/light\nrefs/tags/of/alice/x\nrefs/tags/v1\n"
        );
        alice.git(&["clone", "--quiet", "--branch", "heavy", &Client::url("alice/x"), "again"]).is(&silent());
        alice.git_in("again", &["rev-parse", "HEAD"]).is(&says(format!("{new}\n")));
        let key = &alice.key.fingerprint;
        let who = format!("info hubgate: user=alice key={key} from=127.0.0.1");
        let session = |verb: &str| format!("{who} verb={verb} repo=alice/x decision=allow reason=\"\"");
        let moved = |name: &str, old: &str, new: &str| {
            let effect = if old.starts_with("0000") { "created" } else { "updated" };
            format!("{who} verb=push repo=alice/x ref={name} old={old} new={new} effect={effect}")
        };
        let heavy = alice.git_in("x", &["rev-parse", "heavy"]).stdout();
        let none = "0".repeat(40);
        hub.logged(&[
            session("upload-pack"),
            session("receive-pack"),
            moved("refs/heads/main", base.trim_end(), &new),
            moved("refs/heads/feature/#1-gr\\xc3\\xb6\\xc3\\x9fe", &none, &new),
            moved("refs/tags/light", &none, &new),
            moved("refs/tags/heavy", &none, heavy.trim_end()),
            session("upload-pack"),
            session("upload-pack"),
        ]);
    });
}

fn a_branch_is_deleted() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        alice.git_in("x", &["push", "--quiet", "origin", "HEAD:feature"]).is(&silent());
        alice.git_in("x", &["push", "--quiet", "origin", "--delete", "feature", "v1"]).is(&silent());
        assert_eq!(refs(alice, "alice/x"), "HEAD\nrefs/heads/main\nrefs/tags/of/alice/x\n");
    });
}

fn a_forced_push_moves_a_branch_back() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        let first = alice.git_in("x", &["rev-parse", "HEAD"]).stdout();
        alice.commit("x", "second", "2");
        alice.git_in("x", &["push", "--quiet"]).is(&silent());
        alice.git_in("x", &["reset", "--quiet", "--hard", "HEAD~"]).is(&silent());
        let other = alice.commit("x", "other", "3");
        let outcome = alice.git_in("x", &["push", "--quiet"]);
        assert!(outcome.status == 1 && outcome.stderr().contains("[rejected]"), "{outcome}");
        alice.git_in("x", &["push", "--quiet", "--force-with-lease"]).is(&silent());
        assert_eq!(hub.git_in("alice/x", &["rev-parse", "main", "main~"]), format!("{other}\n{first}"));
    });
}

fn an_atomic_push_moves_all_or_nothing() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        let before = refs(alice, "alice/x");
        // One ref cannot be beneath another: git refuses the second update on the server.
        let words = ["push", "--quiet", "--atomic", "origin", "HEAD:refs/heads/new", "HEAD:refs/heads/main/beneath"];
        let outcome = alice.git_in("x", &words);
        assert_eq!(outcome.status, 1, "{outcome}");
        assert_eq!(refs(alice, "alice/x"), before);
        alice.git_in("x", &["push", "--quiet", "--atomic", "origin", "HEAD:one", "HEAD:two"]).is(&silent());
        assert!(refs(alice, "alice/x").contains("refs/heads/one\nrefs/heads/two\n"));
    });
}

fn a_mirror_is_pushed_and_cloned() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        hub.repo("alice/copy", &[]);
        alice.git(&["clone", "--quiet", "--mirror", &Client::url("alice/x"), "mirror"]).is(&silent());
        alice.git_in("mirror", &["push", "--quiet", "--mirror", &Client::url("alice/copy")]).is(&silent());
        assert_eq!(refs(alice, "alice/copy"), refs(alice, "alice/x"));
    });
}

fn an_empty_repository_is_cloned_and_filled() {
    with_each_git(|hub, alice| {
        hub.empty_repo("alice/x", &[]);
        for version in ["0", "1", "2"] {
            let tree = format!("v{version}");
            let clone = ["-c", &format!("protocol.version={version}"), "clone", "--quiet"];
            let outcome = alice.git(&[clone.as_slice(), &[&Client::url("alice/x"), &tree]].concat());
            outcome.is(&silent().warning("warning: You appear to have cloned an empty repository.\n"));
        }
        alice.git(&["ls-remote", &Client::url("alice/x")]).is(&silent());
        let id = alice.commit("v2", "first", "1");
        alice.git_in("v2", &["push", "--quiet", "origin", "HEAD"]).is(&silent());
        alice.git(&["ls-remote", &Client::url("alice/x")]).is(&says(format!("{id}\tHEAD\n{id}\trefs/heads/main\n")));
        alice.git_in("v0", &["pull", "--quiet"]).is(&silent());
        assert_eq!(alice.read("v0/first"), "1");
    });
}

fn the_first_push_of_another_branch_becomes_head() {
    with_each_git(|hub, alice| {
        hub.empty_repo("alice/x", &[]);
        alice.git(&["init", "--quiet", "--initial-branch=trunk", "x"]).is(&silent());
        alice.commit("x", "first", "1");
        alice.git_in("x", &["push", "--quiet", &Client::url("alice/x"), "trunk"]).is(&silent());
        alice.git(&["clone", "--quiet", &Client::url("alice/x"), "again"]).is(&silent());
        alice.git_in("again", &["branch", "--show-current"]).is(&says("trunk\n"));
    });
}

fn a_sha256_repository_is_cloned_and_pushed() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &["--object-format", "sha256"]);
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        let id = alice.commit("x", "second", "2");
        assert_eq!(id.len(), 64);
        alice.git_in("x", &["push", "--quiet"]).is(&silent());
        assert_eq!(hub.git_in("alice/x", &["rev-parse", "main"]), format!("{id}\n"));
        alice.git(&["init", "--quiet", "short"]).is(&silent());
        alice.commit("short", "file", "1");
        let outcome = alice.git_in("short", &["push", "--quiet", &Client::url("alice/x"), "HEAD:other"]);
        assert!(outcome.status == 128 && outcome.stderr().contains("does not support"), "{outcome}");
    });
}

fn a_repository_of_100_000_objects_is_cloned() {
    with_each_git(|hub, alice| {
        hub.empty_repo("alice/large", &[]);
        // 990 commits, each with its own tree of 100 blobs: 990 * (1 + 1 + 100) = 100,980 objects.
        let commits = (0..990).map(|commit| {
            let files = (0..100).map(|file| {
                let content = format!("{commit} {file}");
                format!("M 100644 inline f{file}\ndata {}\n{content}\n", content.len())
            });
            let head =
                format!("commit refs/heads/main\ncommitter A <a@example.com> {commit} +0000\ndata 0\ndeleteall\n");
            head + &files.collect::<String>()
        });
        let stream: String = commits.collect();
        let mut import = hub.as_login(&machine().newest_git().path);
        import.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(hub.directory("alice/large"));
        run_with(import.args(["fast-import", "--quiet", "--depth=0"]), stream.as_bytes()).succeeded();
        alice.git(&["clone", "--quiet", "--bare", &Client::url("alice/large")]).is(&silent());
        let objects = alice.git_in("large.git", &["count-objects", "-v"]).succeeded().stdout();
        assert!(objects.contains("in-pack: 100980\n"), "{objects}");
    });
}

fn archives_are_off_unless_turned_on() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        let url = Client::url("alice/x");
        let archive = ["archive", "--remote", &url, "main"];
        let outcome = alice.git(&archive);
        assert_eq!(outcome.status, 128, "{outcome}");
        assert!(outcome.stderr().starts_with(&not_supported(alice)), "{outcome}");
        alice.ssh("git-upload-archive 'alice/x'").is(&refused(not_supported(alice)).status(127));
        let server = fs::read_to_string(hub.config()).expect("a configuration").contains("/usr/local/bin/git");
        let git = if server { machine().newest_git() } else { machine().git() };
        hub.configure(&Setup { git: Some(&git.path), archive: true, ..Setup::default() });
        let outcome = alice.git(&archive);
        let list = run_with(Command::new("tar").arg("-tf").arg("-"), &outcome.succeeded().stdout);
        list.is(&says("README.md\n"));
    });
}

fn refs_outside_branches_and_tags_are_refused() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let before = refs(&alice, "alice/x");
    let new = alice.commit("x", "new", "1");
    let outcome = alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/pull/1/head", "HEAD:refs/replace/x"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    let place =
        "is not accepted: this hub accepts only branches (refs/heads/), tags (refs/tags/) and notes (refs/notes/)";
    for name in ["refs/pull/1/head", "refs/replace/x"] {
        assert!(outcome.stderr().contains(&format!("remote: hubgate: {name} {place}")), "{outcome}");
    }
    assert_eq!(refs(&alice, "alice/x"), before);
    // git keeps no object of a push of which every ref is refused.
    let has = |object: &str| {
        let mut look = hub.as_login(&machine().git().path);
        look.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(hub.directory("alice/x"));
        run(look.args(["cat-file", "-e", object])).status == 0
    };
    assert!(has("main") && !has(&new));
}

fn nothing_in_a_repository_is_executed() {
    with_each_git(|hub, alice| {
        hub.repo("alice/x", &[]);
        let directory = hub.directory("alice/x");
        let ran = hub.path("repositories/ran");
        let script = format!("#!/bin/sh\ntouch {}\n", ran.display());
        plant(hub, &directory, &script);
        alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
        alice.commit("x", "file", "1");
        alice.git_in("x", &["push", "--quiet"]).is(&silent());
        assert!(!ran.exists());
        let none = refused(format!("{}{GIT_GIVES_UP}", crate::texts::not_found(alice))).status(128);
        alice.git(&["ls-remote", &Client::url("alice/x.git/hooks")]).is(&none);
    });
}

/// Puts a program everywhere that git might look for a program of the repository.
fn plant(hub: &Hub, directory: &Path, script: &str) {
    let program = directory.join("program");
    let hooks = directory.join("hooks");
    fs::create_dir_all(&hooks).expect("a directory");
    let names = [
        "pre-receive",
        "update",
        "post-receive",
        "post-update",
        "reference-transaction",
        "proc-receive",
        "push-to-checkout",
    ];
    for file in names.iter().map(|name| hooks.join(name)).chain([program.clone()]) {
        fs::write(&file, script).expect("a file");
        run(Command::new("chmod").arg("755").arg(&file)).succeeded();
    }
    run(Command::new("chown").arg("-R").arg(format!("{}:{}", hub.login.uid, hub.login.gid)).arg(directory)).succeeded();
    let program = program.display();
    for (key, value) in [
        ("core.hooksPath", hooks.display().to_string()),
        ("core.fsmonitor", program.to_string()),
        ("core.alternateRefsCommand", program.to_string()),
        ("core.pager", program.to_string()),
        ("uploadpack.packObjectsHook", program.to_string()),
        ("receive.autogc", "true".to_owned()),
        ("gc.auto", "1".to_owned()),
        ("gc.recentObjectsHook", program.to_string()),
        ("core.sshCommand", program.to_string()),
        ("diff.external", program.to_string()),
    ] {
        let file = directory.join("config");
        let mut config = hub.as_login(&machine().git().path);
        run(config.env("HOME", "/").args(["config", "--file"]).arg(&file).args([key, &value])).succeeded();
    }
}
