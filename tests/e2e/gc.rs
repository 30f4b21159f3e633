//! `hubgate repo gc`, and faults of one repository in the commands that walk all repositories.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use crate::accounts::json_of;
use crate::harness::{Background, Client, Hub, Setup, background, run, says, silent, trials, wait_until};
use crate::programs::program;

trials![
    one_lost_directory_stops_no_command_for_the_rest,
    a_directory_that_cannot_be_deleted_stops_no_other,
    an_unchanged_repository_is_collected_without_git,
    every_command_that_walks_all_repositories_shows_its_progress,
    a_secret_that_was_pushed_away_is_not_served_after_prune_now,
    prune_now_waits_for_a_push_in_progress_and_admits_no_other,
    prune_now_waits_for_no_gateway_that_has_ended,
    prune_now_ends_its_own_freeze_only_and_finds_its_repository_after_a_rename,
    prune_now_ends_its_freeze_after_a_fault_of_the_counts,
    a_branch_that_was_deleted_while_git_packed_is_collected_next_time,
];

type Loss = fn(&Path);

/// What can happen to the directory of one repository.
const LOSSES: [(&str, Loss, &str); 3] = [
    ("missing", |place| fs::remove_dir_all(place).expect("a directory"), "its directory is missing: "),
    (
        "a file",
        |place| {
            fs::remove_dir_all(place).expect("a directory");
            fs::write(place, "").expect("a file");
        },
        " is not a directory\n",
    ),
    (
        "unreadable",
        |place| {
            fs::set_permissions(place, fs::Permissions::from_mode(0o000)).expect("a mode");
            chown(place, Some(0), Some(0)).expect("an owner");
        },
        "",
    ),
];

fn one_lost_directory_stops_no_command_for_the_rest() {
    for (what, lose, said) in LOSSES {
        let hub = Hub::new();
        hub.did(&["user", "add", "alice"]);
        for path in ["alice/a", "alice/lost", "alice/z"] {
            hub.repo(path, &[]);
        }
        lose(&hub.directory("alice/lost"));
        for path in ["alice/a", "alice/z"] {
            // A fault that each command finds: a corrupt LFS object, a broken HEAD, an old leftover.
            let directory = hub.directory(path);
            let name = "0".repeat(64);
            let object = directory.join("lfs/objects/00/00").join(name);
            fs::create_dir_all(object.parent().expect("a directory")).expect("a directory");
            fs::write(&object, "corrupt").expect("an object");
            fs::write(directory.join("packed-refs.new"), "").expect("a file");
            run(Command::new("touch").args(["-d", "3 days ago"]).arg(directory.join("packed-refs.new"))).succeeded();
            run(Command::new("chown").args(["-R", &hub.login.name]).arg(&directory)).succeeded();
        }
        let outcome = hub.hubgate(&["repo", "gc", "--all"]);
        assert_eq!(outcome.status, 1, "{what}: {outcome}");
        let lines = outcome.stdout();
        assert!(lines.starts_with("alice/a: packed, 1 leftover removed\nalice/lost: "), "{what}: {outcome}");
        assert!(lines.ends_with("\nalice/z: packed, 1 leftover removed\n"), "{what}: {outcome}");
        assert!(lines.contains(said) && outcome.stderr.is_empty(), "{what}: {outcome}");
        let check = hub.hubgate(&["lfs", "check"]);
        let lines = check.stdout();
        assert_eq!(check.status, 1, "{what}: {check}");
        assert!(lines.starts_with("alice/a: 0000") && lines.contains("\nalice/z: 0000"), "{what}: {check}");
        assert!(lines.contains("\nalice/lost: ") && lines.contains(said), "{what}: {check}");
        for path in ["alice/a", "alice/z"] {
            fs::write(hub.directory(path).join("HEAD"), "garbage\n").expect("a file");
        }
        let check = hub.hubgate(&["repo", "check"]);
        for path in ["alice/a", "alice/lost", "alice/z"] {
            assert!(check.status == 1 && check.stdout().contains(&format!("{path} (")), "{what}: {check}");
        }
        assert!(check.stdout().contains(said), "{what}: {check}");
    }
    // A directory between the root and the repositories.
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/x"]);
    let (shard, stray) = (hub.path("repositories/zz"), hub.path("repositories/stray"));
    fs::create_dir(&shard).expect("a directory");
    fs::set_permissions(&shard, fs::Permissions::from_mode(0o700)).expect("a mode");
    fs::write(&stray, "").expect("a file");
    let check = hub.hubgate(&["repo", "check"]);
    let unread = format!("{}: Permission denied", shard.display());
    assert!(check.status == 1 && check.stdout().contains(&unread), "{check}");
    assert!(check.stdout().contains(&format!("{}: not a directory of this hub", stray.display())), "{check}");
}

fn a_directory_that_cannot_be_deleted_stops_no_other() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for path in ["alice/a", "alice/stuck", "alice/z"] {
        hub.did(&["repo", "create", path]);
    }
    let places = ["alice/a", "alice/stuck", "alice/z"].map(|path| hub.directory(path));
    for path in ["alice/a", "alice/stuck", "alice/z"] {
        hub.did(&["repo", "remove", path, "--yes"]);
    }
    hub.sql("UPDATE repository SET removed_at = removed_at - 31 * 86400");
    // The login may not rename a directory in a directory of root.
    let shard = places[1].parent().expect("a directory");
    chown(shard, Some(0), Some(0)).expect("an owner");
    fs::set_permissions(shard, fs::Permissions::from_mode(0o755)).expect("a mode");
    let outcome = hub.hubgate(&["repo", "gc", "--all", "--removed", "--yes"]);
    assert_eq!(outcome.status, 1, "{outcome}");
    let said = format!("{} is not deleted: Permission denied", places[1].display());
    assert!(outcome.stdout().contains(&said) && places[1].exists(), "{outcome}");
    for place in [&places[0], &places[2]].into_iter().filter(|place| place.parent() != Some(shard)) {
        assert!(outcome.stdout().contains(&format!("deleted {}\n", place.display())) && !place.exists(), "{outcome}");
    }
}

/// A hub with one packed repository, and a git that always fails.
fn collected() -> (Hub, Client, PathBuf) {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.did(&["repo", "gc", "--all"]);
    let git = hub.path("git");
    fs::write(&git, "#!/bin/sh\necho git has run >&2\nexit 1\n").expect("a file");
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("a mode");
    (hub, alice, git)
}

/// A change of a repository whose clone is `x`.
type Change = fn(&Hub, &Client, &Path);

fn an_unchanged_repository_is_collected_without_git() {
    let unchanged = || says("1 unchanged repository since the last gc\n");
    let (hub, alice, git) = collected();
    let with_git = |is_broken: bool| {
        hub.configure(&Setup { git: is_broken.then_some(git.as_path()), ..Setup::default() });
    };
    with_git(true);
    hub.hubgate(&["repo", "gc", "--all"]).is(&unchanged());
    assert!(hub.hubgate(&["repo", "gc", "alice/x"]).stdout().contains("git gc failed: git has run"));
    with_git(false);
    hub.did(&["repo", "gc", "--all"]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    // Fetches change nothing.
    with_git(true);
    hub.hubgate(&["repo", "gc", "--all"]).is(&unchanged());
    let changes: [(&str, Change); 7] = [
        ("a push", |_, alice, _| {
            alice.git_in("x", &["commit", "--quiet", "--allow-empty", "-m", "more"]).succeeded();
            alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
        }),
        ("a new branch of the same commit", |_, alice, _| {
            alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/heads/a/b/c"]).succeeded();
        }),
        ("a deleted branch", |_, alice, _| {
            alice.git_in("x", &["push", "--quiet", "origin", ":refs/heads/a/b/c"]).succeeded();
        }),
        ("a forced push", |_, alice, _| {
            alice.git_in("x", &["commit", "--quiet", "--allow-empty", "--amend", "-m", "other"]).succeeded();
            alice.git_in("x", &["push", "--quiet", "--force", "origin", "HEAD:main"]).succeeded();
        }),
        ("a changed configuration whose time is set back", |_, _, place| {
            let config = place.join("config");
            let time = config.metadata().and_then(|file| file.modified()).expect("a time");
            let text = fs::read_to_string(&config).expect("a file") + "[gc]\n\tauto = 0\n";
            fs::write(&config, text).expect("a file");
            fs::File::options().write(true).open(&config).and_then(|file| file.set_modified(time)).expect("a time");
        }),
        ("a foreign configuration", |_, _, place| fs::write(place.join("commondir"), "/x\n").expect("a file")),
        ("an object", |hub, _, place| {
            let mut command = hub.as_login(Path::new("/bin/sh"));
            command.args(["-c", "echo more | git --git-dir=\"$0\" hash-object -w --stdin"]).arg(place);
            run(&mut command).succeeded();
        }),
    ];
    for (what, change) in changes {
        with_git(false);
        hub.did(&["repo", "gc", "--all"]);
        change(&hub, &alice, &hub.directory("alice/x"));
        with_git(true);
        let outcome = hub.hubgate(&["repo", "gc", "--all"]);
        assert!(outcome.status == 1 && outcome.stdout().contains("git has run"), "{what}: {outcome}");
        // A failure is not remembered as a collection.
        assert!(hub.hubgate(&["repo", "gc", "--all"]).stdout().contains("git has run"), "{what}");
        with_git(false);
        hub.did(&["repo", "gc", "--all"]);
        with_git(true);
        hub.hubgate(&["repo", "gc", "--all"]).is(&unchanged());
    }
    // git deletes the unreachable objects two weeks later, in a repository that did not change.
    let note = hub.path("db/gc").read_dir().expect("notes").next().expect("a note").expect("a note").path();
    let text = fs::read_to_string(&note).expect("a note");
    let (hash, until) = text.trim_end().split_once(' ').expect("a time");
    assert!(until.parse::<i64>().is_ok(), "{text}");
    fs::write(&note, format!("{hash} 1\n")).expect("a note");
    assert!(hub.hubgate(&["repo", "gc", "--all"]).stdout().contains("git has run"));
    // A note that cannot be read or written is like none.
    with_git(false);
    fs::remove_dir_all(hub.path("db/gc")).expect("notes");
    fs::write(hub.path("db/gc"), "").expect("a file");
    hub.did(&["repo", "gc", "--all"]);
    assert!(json_of(&hub, &["repo", "gc", "--all"])[0]["unchanged"] == false);
}

fn every_command_that_walks_all_repositories_shows_its_progress() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    for words in ["repo gc --all", "repo check", "lfs check"] {
        let command = format!("{} --config {} {words}", program("hubgate").display(), hub.config().display());
        // script(1) gives the command a terminal and records its output.
        let shown = run(Command::new("script").args(["--quiet", "--return", "--command", &command, "/dev/null"]));
        assert!(shown.status == 0, "{shown}");
        // lfs check counts bytes, of which there are none here.
        let bar = format!("\r[{}] 100 %", "#".repeat(50));
        assert!(shown.stdout().contains(&bar) || words == "lfs check", "{words}: {shown}");
        let (_, last) = shown.stdout().rsplit_once('\r').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a bar");
        assert!(!last.contains('['), "{words}: it is gone at the end: {shown}");
    }
}

/// The status of a fetch of one commit by its id.
fn fetch_by_id(alice: &Client, path: &str, id: &str, format: &str) -> i32 {
    let clone = format!("fetched-{}", path.replace('/', "-"));
    let _ = fs::remove_dir_all(alice.home.join(&clone));
    alice.git(&["init", "--quiet", "--object-format", format, &clone]).succeeded();
    alice.git_in(&clone, &["-c", "protocol.version=2", "fetch", "--quiet", &Client::url(path), id]).status
}

fn a_secret_that_was_pushed_away_is_not_served_after_prune_now() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for (format, plant) in
        [("sha1", "nothing"), ("sha256", "nothing"), ("sha1", "kept"), ("sha256", "kept"), ("sha1", "reflog")]
    {
        let path = format!("alice/{format}-{plant}");
        let name = format!("{format}-{plant}");
        hub.repo(&path, &["--object-format", format]);
        let directory = hub.directory(&path);
        if plant == "reflog" {
            // As in an adopted repository that had reflogs.
            run(hub.as_login(Path::new("/bin/mkdir")).arg("-p").arg(directory.join("logs/refs/heads"))).succeeded();
            run(hub.as_login(Path::new("/usr/bin/touch")).arg(directory.join("logs/refs/heads/main"))).succeeded();
        }
        alice.git(&["clone", "--quiet", &Client::url(&path)]).succeeded();
        fs::write(alice.home.join(&name).join("secret"), "the password\n").expect("a file");
        alice.git_in(&name, &["add", "secret"]).succeeded();
        alice.git_in(&name, &["commit", "--quiet", "-m", "secret"]).succeeded();
        alice.git_in(&name, &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
        let id = alice.git_in(&name, &["rev-parse", "HEAD"]).succeeded().stdout();
        let id = id.trim_end();
        if plant == "kept" {
            hub.did(&["repo", "gc", &path]);
            let packs: Vec<PathBuf> = directory
                .join("objects/pack")
                .read_dir()
                .expect("packs")
                .map(|entry| entry.expect("a file").path())
                .collect();
            let pack = packs.iter().find(|file| file.extension().is_some_and(|end| end == "pack")).expect("a pack");
            run(hub.as_login(Path::new("/usr/bin/touch")).arg(pack.with_extension("keep"))).succeeded();
        }
        alice.git_in(&name, &["reset", "--quiet", "--hard", "HEAD^"]).succeeded();
        alice.git_in(&name, &["push", "--quiet", "--force", "origin", "HEAD:main"]).succeeded();
        // git serves the object although no ref leads to it, and an ordinary gc keeps it.
        hub.did(&["repo", "gc", &path]);
        assert_eq!(fetch_by_id(&alice, &path, id, format), 0, "{path}: the secret is still served");
        let said = hub.did(&["repo", "gc", "--prune-now", &path]);
        assert_eq!(said, format!("{path}: packed, unreachable objects deleted, 0 leftovers removed\n"));
        assert_ne!(fetch_by_id(&alice, &path, id, format), 0, "{path}: the secret is gone");
        let found = run(Command::new("git")
            .args(["-c", "safe.directory=*", "--git-dir"])
            .arg(&directory)
            .args(["cat-file", "-e", id]));
        assert_ne!(found.status, 0, "{path}");
        // The rest is whole, and the repository accepts pushes again.
        hub.git_in(&path, &["fsck", "--full", "--strict"]);
        alice.git_in(&name, &["commit", "--quiet", "--allow-empty", "-m", "more"]).succeeded();
        alice.git_in(&name, &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    }
    let events = json_of(&hub, &["audit"]);
    let events: Vec<&str> = events.as_array().expect("rows").iter().filter_map(|row| row["event"].as_str()).collect();
    assert!(events.ends_with(&["repo.freeze", "repo.unfreeze", "repo.prune"]), "{events:?}");
    // A ref that clients cannot see keeps its objects, which the command says. The operator's own freeze stays.
    let path = "alice/sha1-nothing";
    hub.git_in(path, &["update-ref", "refs/original/refs/heads/main", "HEAD"]);
    run(Command::new("chown").arg("-R").arg(&hub.login.name).arg(hub.directory(path))).succeeded();
    hub.did(&["repo", "freeze", path, "--reason", "an audit"]);
    let said = hub.did(&["repo", "gc", "--prune-now", path]);
    assert!(said.ends_with("the ref refs/original/refs/heads/main still keeps its objects\n"), "{said}");
    assert_eq!(json_of(&hub, &["repo", "show", path])["frozen"], "an audit");
    assert_eq!(hub.hubgate(&["repo", "gc", "--prune-now", "--all"]).status, 2);
}

/// A session of git that has begun.
fn begun(client: &Client, command: &str) -> (Background, ChildStdin, ChildStdout) {
    let mut session = client.ssh_command(&["-oBatchMode=yes"]);
    session.arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = background(&mut session);
    let (input, mut output) = process.streams();
    std::io::Read::read_exact(&mut output, &mut [0; 8]).expect("refs");
    (process, input, output)
}

/// Starts to prune a repository, and waits until it is frozen.
fn prune(hub: &Hub, path: &str) -> Background {
    let mut command = hub.hubgate_command();
    command.args(["repo", "gc", "--prune-now", path]);
    let prune = background(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
    wait_until("the repository is not frozen", || frozen(hub, path).is_string());
    prune
}

fn frozen(hub: &Hub, path: &str) -> serde_json::Value {
    json_of(hub, &["repo", "show", path])["frozen"].clone()
}

/// Its parent has not looked, so its name is still among the processes.
fn prune_now_waits_for_no_gateway_that_has_ended() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    let gateway = hub.path("gateway");
    fs::copy("/bin/true", &gateway).expect("a program");
    let mut ended = hub.as_login(&gateway).spawn().expect("a process");
    let stat = format!("/proc/{}/stat", ended.id());
    wait_until("it runs", || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains("(gateway) Z ")));
    let begin = std::time::Instant::now();
    let said = hub.did(&["repo", "gc", "--prune-now", "alice/x"]);
    assert!(said.starts_with("alice/x: packed, unreachable objects deleted"), "{said}");
    assert!(begin.elapsed() < std::time::Duration::from_secs(60), "it waited");
    ended.wait().expect("a status");
}

fn prune_now_ends_its_own_freeze_only_and_finds_its_repository_after_a_rename() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let push = begun(&alice, "git-receive-pack 'alice/x'");
    let mut pruning = prune(&hub, "alice/x");
    hub.did(&["repo", "rename", "alice/x", "alice/moved"]);
    hub.repo("alice/x", &[]);
    hub.did(&["repo", "freeze", "alice/x", "--reason", "an audit"]);
    drop(push);
    wait_until("it does not end", || pruning.has_ended());
    assert!(frozen(&hub, "alice/moved").is_null());
    assert_eq!(frozen(&hub, "alice/x"), "an audit", "the new repository at the old path");
    // The operator freezes it before the command has ended.
    let push = begun(&alice, "git-receive-pack 'alice/moved'");
    let mut pruning = prune(&hub, "alice/moved");
    hub.did(&["repo", "freeze", "alice/moved", "--reason", "an audit"]);
    drop(push);
    wait_until("it does not end", || pruning.has_ended());
    assert_eq!(frozen(&hub, "alice/moved"), "an audit");
}

fn prune_now_ends_its_freeze_after_a_fault_of_the_counts() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    fs::create_dir(hub.path("db/usage")).expect("a directory in place of the counts");
    let outcome = hub.hubgate(&["repo", "gc", "--prune-now", "alice/x"]);
    assert_ne!(outcome.status, 0, "{outcome}");
    assert!(frozen(&hub, "alice/x").is_null(), "{outcome}");
}

fn a_branch_that_was_deleted_while_git_packed_is_collected_next_time() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    let git = hub.path("git");
    let delete = "case \"$*\" in *' gc '*) git \"$1\" \"$2\" update-ref -d refs/heads/gone;; esac";
    fs::write(&git, format!("#!/bin/sh\ngit \"$@\" || exit\n{delete}\n")).expect("a file");
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("a mode");
    for (with, expected) in [
        (None, "alice/x: packed, 0 leftovers removed\n"),
        (None, "1 unchanged repository since the last gc\n"),
        (Some(git.as_path()), "alice/x: packed, 0 leftovers removed\n"),
        (None, "alice/x: packed, 0 leftovers removed\n"),
        (None, "1 unchanged repository since the last gc\n"),
    ] {
        if with.is_some() {
            hub.git_in("alice/x", &["update-ref", "refs/heads/gone", "main"]);
            run(Command::new("chown").arg("-R").arg(&hub.login.name).arg(hub.directory("alice/x"))).succeeded();
        }
        hub.configure(&Setup { git: with, ..Setup::default() });
        hub.hubgate(&["repo", "gc", "--all"]).is(&says(expected));
    }
    assert_eq!(hub.git_in("alice/x", &["for-each-ref", "refs/heads/gone"]), "");
}

fn prune_now_waits_for_a_push_in_progress_and_admits_no_other() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.repo("alice/y", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).succeeded();
    // The root is a link, so that a process shows another path of its directory.
    fs::rename(hub.path("repositories"), hub.path("elsewhere")).expect("a directory");
    std::os::unix::fs::symlink("elsewhere", hub.path("repositories")).expect("a link");
    // A push that has begun, and a fetch and a push elsewhere, which do not matter.
    let push = begun(&alice, "git-receive-pack 'alice/x'");
    let _fetch = begun(&alice, "git-upload-pack 'alice/x'");
    let _elsewhere = begun(&alice, "git-receive-pack 'alice/y'");
    let mut prune = prune(&hub, "alice/x");
    let refused = alice.git_in("x", &["push", "origin", "HEAD:refs/heads/new"]);
    assert!(refused.stderr().contains("alice/x is read-only: unreachable objects are being deleted"), "{refused}");
    assert!(!prune.has_ended(), "it waits for the push");
    drop(push);
    wait_until("it does not end", || prune.has_ended());
    assert!(frozen(&hub, "alice/x").is_null());
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/heads/new"]).succeeded();
}
