//! Checks of the content of pushes: large files, directories, names, text, authors.

use std::process::Command;

use crate::harness::{Client, Hub, Outcome, refused, run, run_with, says, silent, trials};

trials![
    a_large_file_outside_git_lfs_is_refused_and_the_printed_command_moves_it,
    a_directory_of_too_many_entries_is_refused,
    names_that_are_one_on_other_systems_are_refused_where_the_check_is_on,
    files_that_are_not_text_are_refused_where_the_check_is_on,
    commits_by_others_are_refused_where_the_check_is_on_and_the_printed_command_rewrites_them,
    what_the_repository_has_already_is_not_checked,
    each_of_many_objects_is_read_and_the_first_faults_are_shown,
    an_object_of_a_refused_ref_does_not_enter_with_an_accepted_one,
    those_who_administer_a_scope_set_its_checks,
];

/// A hub, and a client that has cloned `alice/x`.
fn scene(options: &[&str]) -> (Hub, Client) {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", options);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).is(&silent());
    (hub, alice)
}

fn set(hub: &Hub, check: &str, value: &str) {
    hub.did(&["check", "set", "alice/x", check, value]);
}

fn push(alice: &Client) -> Outcome {
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"])
}

/// Pushes, and checks that the push is refused with these sentences.
#[track_caller]
fn is_refused(alice: &Client, sentences: &[String]) {
    let pushed = push(alice);
    assert!(pushed.status == 1 && said(&pushed) == sentences, "{pushed}\nexpected: {sentences:#?}");
}

fn said(pushed: &Outcome) -> Vec<String> {
    let lines = pushed.stderr();
    let lines = lines.lines().filter_map(|line| line.strip_prefix("remote: hubgate: "));
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Runs the command at the end of a sentence in the working tree, as a shell reads it.
#[track_caller]
fn run_printed(alice: &Client, sentence: &str) {
    let (_, printed) = sentence.split_once(": ").expect("a command");
    let mut command = alice.git_command("x");
    let environment: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    // What the person sets counts.
    let environment = environment.into_iter().filter(|(name, _)| !name.to_string_lossy().ends_with("_EMAIL"));
    let directory = command.get_current_dir().map(ToOwned::to_owned);
    command = Command::new("/bin/sh");
    command.env_clear().envs(environment).args(["-c", printed]).current_dir(directory.expect("a directory"));
    run(&mut command).succeeded();
}

/// Commits many files at once. Returns the commit.
fn commit_files(alice: &Client, files: impl Iterator<Item = String>) -> String {
    for file in files {
        alice.write(&format!("x/{file}"), "text\n");
    }
    alice.git_in("x", &["add", "--all"]).succeeded();
    alice.git_in("x", &["commit", "--quiet", "-m", "files"]).succeeded();
    alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout().trim_end().to_owned()
}

fn a_large_file_outside_git_lfs_is_refused_and_the_printed_command_moves_it() {
    for format in ["sha1", "sha256"] {
        let (hub, alice) = scene(&["--object-format", format]);
        let size = (10 << 20) + 1;
        std::fs::create_dir(alice.home.join("x/d")).expect("a directory");
        let commit = alice.commit("x", "d/big file.bin", &"x".repeat(size));
        alice.git_in("x", &["rm", "--quiet", "d/big file.bin"]).succeeded();
        alice.git_in("x", &["commit", "--quiet", "-m", "away"]).succeeded();
        let at = format!(
            "commit {commit}: d/big file.bin has {size} bytes, and a file outside Git LFS has at most 10485760"
        );
        let remedy = "move the files to Git LFS, then push again: git lfs migrate import --include=\"d/big file.bin\"";
        is_refused(&alice, &[at, remedy.to_owned()]);
        if format == "sha1" {
            alice.git_in("x", &["lfs", "install", "--local"]).succeeded();
            run_printed(&alice, remedy);
            push(&alice).succeeded();
            assert!(hub.did(&["lfs", "check", "alice/x"]).starts_with("1 object, "));
        }
        set(&hub, "blob-size", "1");
        alice.commit("x", "small", "ab");
        let pushed = push(&alice);
        assert!(pushed.stderr().contains(": small has 2 bytes, and a file outside Git LFS has at most 1"), "{pushed}");
        set(&hub, "blob-size", &size.to_string());
        push(&alice).succeeded();
    }
}

fn a_directory_of_too_many_entries_is_refused() {
    let (hub, alice) = scene(&[]);
    let remedy = "put the files into subdirectories in every commit of this push".to_owned();
    let blob = alice.git_in("x", &["rev-parse", "HEAD:README.md"]).succeeded().stdout();
    let lines: String = (0..10_001).map(|n| format!("100644 blob {}\tdata{n}\n", blob.trim_end())).collect();
    let tree = run_with(alice.git_command("x").arg("mktree"), lines.as_bytes()).succeeded().stdout();
    let commit = alice.git_in("x", &["commit-tree", "-p", "HEAD", "-m", "many", tree.trim_end()]).succeeded().stdout();
    let pushed = alice.git_in("x", &["push", "--quiet", "origin", &format!("{}:refs/heads/many", commit.trim_end())]);
    let at = format!("commit {}: the uppermost directory has 10001 entries, of at most 10000", commit.trim_end());
    assert!(pushed.status == 1 && pushed.stderr().contains(&at) && pushed.stderr().contains(&remedy), "{pushed}");
    std::fs::create_dir_all(alice.home.join("x/a/b")).expect("directories");
    set(&hub, "directory-entries", "300");
    let commit = commit_files(&alice, (0..301).map(|n| format!("a/b/data{n}")));
    is_refused(&alice, &[format!("commit {commit}: a/b/ has 301 entries, of at most 300"), remedy]);
    set(&hub, "directory-entries", "301");
    push(&alice).succeeded();
}

fn names_that_are_one_on_other_systems_are_refused_where_the_check_is_on() {
    let (hub, alice) = scene(&[]);
    std::fs::create_dir(alice.home.join("x/d")).expect("a directory");
    let commit = commit_files(&alice, ["d/Notes.md", "d/notes.md"].map(str::to_owned).into_iter());
    set(&hub, "case-collision", "on");
    let at = format!("commit {commit}: d/ has Notes.md and notes.md, which are one name on macOS or Windows");
    is_refused(&alice, &[at, "rename one of each pair in every commit of this push".to_owned()]);
    set(&hub, "case-collision", "off");
    push(&alice).succeeded();
}

fn files_that_are_not_text_are_refused_where_the_check_is_on() {
    let (hub, alice) = scene(&[]);
    alice.commit("x", "text", "caf\u{e9}\n");
    set(&hub, "binary", "on");
    push(&alice).succeeded();
    let commit = alice.commit("x", "image.png", "\0");
    let at = format!("commit {commit}: image.png is not text, and such files belong in Git LFS here");
    let remedy = "move the files to Git LFS, then push again: git lfs migrate import --include=\"image.png\"";
    is_refused(&alice, &[at, remedy.to_owned()]);
    alice.git_in("x", &["lfs", "install", "--local"]).succeeded();
    run_printed(&alice, remedy);
    push(&alice).succeeded();
}

fn each_of_many_objects_is_read_and_the_first_faults_are_shown() {
    let (hub, alice) = scene(&[]);
    set(&hub, "binary", "on");
    // More than one git reads at once, and each has a fault.
    let is_binary = |number: usize| number % 500 == 499;
    let name = |number: usize| format!("d{:02}/{number:04}", number / 100);
    let files: String = (0..4_000)
        .map(|number| {
            format!(
                "M 644 inline {}\ndata 5\n{number:04}{}\n",
                name(number),
                ["x", "\0"][usize::from(is_binary(number))]
            )
        })
        .collect();
    let stream = format!("commit refs/heads/many\ncommitter A <a@example.com> 1 +0000\ndata 1\nm\n{files}");
    run_with(alice.git_command("x").args(["fast-import", "--quiet"]), stream.as_bytes()).succeeded();
    alice.git_in("x", &["checkout", "--quiet", "many"]).succeeded();
    let commit = alice.git_in("x", &["rev-parse", "HEAD"]).succeeded().stdout();
    let bad: Vec<String> = (0..4_000).filter(|number| is_binary(*number)).map(name).collect();
    let mut sentences: Vec<String> = bad[..5]
        .iter()
        .map(|path| format!("commit {}: {path} is not text, and such files belong in Git LFS here", commit.trim_end()))
        .collect();
    sentences.push("3 more objects of this push are refused".to_owned());
    let remedy = "move the files to Git LFS, then push again: git lfs migrate import --include=";
    sentences.push(format!("{remedy}\"{}\"", bad[..5].join(",")));
    let pushed = alice.git_in("x", &["push", "--quiet", "origin", "HEAD:many"]);
    assert_eq!(said(&pushed), sentences, "{pushed}");
    set(&hub, "binary", "off");
    set(&hub, "author", "*@example.org");
    let pushed = alice.git_in("x", &["push", "--quiet", "origin", "HEAD:many"]);
    assert!(said(&pushed)[0].starts_with(&format!("commit {}: its author", commit.trim_end())), "{pushed}");
}

fn commits_by_others_are_refused_where_the_check_is_on_and_the_printed_command_rewrites_them() {
    let (hub, alice) = scene(&[]);
    let commit = alice.commit("x", "a", "content");
    hub.did(&["check", "set", "alice", "author", "*@example.org,bot@*"]);
    let at = format!(
        "commit {commit}: its author or committer is a@example.com, and this repository accepts *@example.org,bot@*"
    );
    let remedy = "set user.email and rewrite the commits, with --root in place of @{upstream} if nothing was pushed \
                  before: git rebase -r --exec 'git commit --amend --no-edit --allow-empty --reset-author' @{upstream}";
    is_refused(&alice, &[at, remedy.to_owned()]);
    alice.git_in("x", &["config", "user.email", "alice@example.org"]).succeeded();
    run_printed(&alice, remedy);
    push(&alice).succeeded();
}

fn what_the_repository_has_already_is_not_checked() {
    let (hub, alice) = scene(&[]);
    alice.commit("x", "image.png", "\0\0\0");
    push(&alice).succeeded();
    for (check, value) in [("binary", "on"), ("blob-size", "1"), ("author", "nobody@nowhere")] {
        set(&hub, check, value);
    }
    // The same commits under another name, and a removal.
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:refs/heads/other"]).is(&silent());
    alice.git_in("x", &["push", "--quiet", "origin", ":refs/heads/other"]).is(&silent());
}

fn those_who_administer_a_scope_set_its_checks() {
    let (hub, alice) = scene(&[]);
    let bob = hub.user("bob");
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    alice.ssh("check set alice/x blob-size 5M").is(&says("blob-size of alice/x: 5242880\n"));
    alice.ssh("check set alice binary on").is(&says("binary of alice: on\n"));
    hub.did(&["check", "set", "hub", "author", "*@example.org"]);
    let list = "CHECK              VALUE          SET BY\n\
                blob-size          5242880        repository\n\
                lfs-missing        on             default\n\
                lfs-locks          off            default\n\
                directory-entries  10000          default\n\
                case-collision     off            default\n\
                binary             on             owner\n\
                author             *@example.org  hub\n\
                signed             off            default\n\
                path               off            default\n";
    alice.ssh("check list alice/x").is(&says(list));
    assert_eq!(hub.did(&["check", "list", "alice/x"]), list);
    let behind = hub.did(&["check", "list", "alice/x", "--after", "binary"]);
    assert_eq!(
        behind,
        "CHECK   VALUE          SET BY\nauthor  *@example.org  hub\nsigned  off            default\npath    off            default\n"
    );
    alice.ssh("check set alice/x blob-size default").is(&says("blob-size of alice/x: 10485760 (set by: default)\n"));
    let bad = "hubgate: the value of binary is on, or off\n";
    alice.ssh("check set alice/x binary 5").is(&refused(bad).status(2));
    bob.ssh("check set alice/x blob-size off").is(&refused("hubgate: you do not administer alice/x\n"));
    bob.ssh("check list alice").is(&refused("hubgate: you do not administer alice\n"));
    alice
        .ssh("check set hub blob-size off")
        .is(&refused("hubgate: only the operator may see and change what applies to the whole hub\n"));
}

fn an_object_of_a_refused_ref_does_not_enter_with_an_accepted_one() {
    let (hub, alice) = scene(&[]);
    hub.did(&["rule", "add", "alice/x", "deny create refs/heads/no @everyone"]);
    set(&hub, "blob-size", "100");
    let git = |words: &[&str]| _ = alice.git_in("x", words).succeeded();
    git(&["branch", "small"]);
    git(&["checkout", "--quiet", "-b", "large"]);
    alice.commit("x", "large", &"x".repeat(101));
    git(&["checkout", "--quiet", "small"]);
    alice.commit("x", "small", "x");
    for refs in [&["small:refs/heads/yes", "large:refs/heads/no"][..], &["large:refs/heads/other"]] {
        let pushed = alice.git_in("x", &[&["push", "--quiet", "origin"], refs].concat());
        let at = " has 101 bytes, and a file outside Git LFS has at most 100";
        assert!(pushed.status == 1 && pushed.stderr().contains(at), "{refs:?}: {pushed}");
    }
}
