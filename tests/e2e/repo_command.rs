//! `hubgate repo`: the operator's commands for repositories.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use nix::fcntl::{Flock, FlockArg};
use serde_json::json;

use crate::accounts::json_of;
use crate::harness::{Client, Hub, Skip, machine, refused, run, says, silent, trials};
use crate::programs::program;

trials![
    repositories_are_created_listed_shown_and_changed,
    collaborators_are_set_and_removed,
    a_description_is_set_by_those_who_administer_the_repository,
    each_account_lists_what_it_reaches_and_with_which_access,
    cgit_serves_the_public_repositories_and_no_other,
    the_umask_of_root_does_not_show_in_a_repository,
    two_creates_of_one_path_create_one_repository,
    check_finds_lost_repositories_and_unknown_directories,
    roots_git_configuration_does_not_reach_a_repository,
    a_broken_head_is_found_in_every_object_format,
    the_machines_git_configuration_does_not_reach_a_repository,
    a_failing_git_reports_no_repository_as_sound,
    gc_packs_and_removes_leftovers,
    a_renamed_repository_keeps_its_directory,
    a_removed_repository_leaves_its_directory_and_frees_its_path,
    files_created_by_root_belong_to_the_login,
];

fn repositories_are_created_listed_shown_and_changed() {
    let hub = Hub::new();
    hub.did(&["user", "add", "Alice"]);
    let login = &hub.login.name;
    hub.hubgate(&["repo", "create", "alice/x", "--private", "--description", "A model"])
        .is(&says(format!("created the model Alice/x (private): git clone {login}@hub.test:Alice/x\n")));
    let row = json!({
        "path": "datasets/Alice/x", "kind": "dataset", "visibility": "public", "gate": "none", "gate_members": false,
        "object_format": "sha256", "description": "", "frozen": null, "proposals": null, "created_at": "TIME",
    });
    assert_eq!(json_of(&hub, &["repo", "create", "datasets/alice/x", "--object-format", "sha256"]), row);
    hub.hubgate(&["repo", "create", "ALICE/X"]).is(&refused("hubgate: there is already a model Alice/x\n"));
    hub.hubgate(&["repo", "create", "bob/x"]).is(&refused("hubgate: there is no account bob\n"));
    hub.hubgate(&["repo", "create", "alice/y", "--created-by", "bob"]).is(&refused("hubgate: there is no user bob\n"));
    hub.hubgate(&["repo", "list"]).is(&says(
        "REPOSITORY        STATE    DESCRIPTION\ndatasets/Alice/x  public\nAlice/x           private  A model\n",
    ));
    assert_eq!(json_of(&hub, &["repo", "list", "alice"])[0], row);
    let directory = hub.directory("alice/x");
    let shown = json!({
        "path": "Alice/x", "kind": "model", "visibility": "private", "gate": "none", "gate_members": false,
        "object_format": "sha1", "description": "A model", "frozen": null, "proposals": null, "created_at": "TIME",
        "directory": directory, "head": "refs/heads/main, no commits yet", "collaborators": [],
    });
    let mut seen = json_of(&hub, &["repo", "show", "alice/x"]);
    // The wording does not matter here, only the branch name.
    assert!(seen["head"].as_str().is_some_and(|head| head.contains("main")), "{seen}");
    seen["head"] = shown["head"].clone();
    assert_eq!(seen, shown);
    assert_eq!(json_of(&hub, &["repo", "path", "alice/x"]), json!({ "directory": directory }));
    hub.hubgate(&["repo", "visibility", "alice/x", "public"]).is(&says("Alice/x is public\n"));
    hub.hubgate(&["repo", "freeze", "alice/x", "--reason", "moving"]).is(&says("Alice/x rejects pushes\n"));
    assert_eq!(json_of(&hub, &["repo", "show", "alice/x"])["frozen"], "moving");
    assert!(hub.did(&["repo", "list"]).contains("public, read-only: moving"));
    hub.hubgate(&["repo", "unfreeze", "alice/x"]).is(&says("Alice/x accepts pushes\n"));
    for verb in ["show", "path", "unfreeze"] {
        hub.hubgate(&["repo", verb, "alice/none"]).is(&refused("hubgate: there is no repository alice/none\n"));
    }
}

fn collaborators_are_set_and_removed() {
    let hub = Hub::new();
    for user in ["alice", "bob"] {
        hub.did(&["user", "add", user]);
    }
    hub.did(&["repo", "create", "alice/x"]);
    hub.hubgate(&["repo", "collaborator", "set", "alice/x", "bob", "write"])
        .is(&says("bob has the role write on alice/x\n"));
    let set = ["repo", "collaborator", "set", "alice/x", "bob", "read", "--until", "2999-12-31"];
    assert_eq!(json_of(&hub, &set), json!({ "path": "alice/x", "user": "bob", "role": "read", "until": "TIME" }));
    let shown = &json_of(&hub, &["repo", "show", "alice/x"])["collaborators"];
    assert_eq!(*shown, json!([{ "user": "bob", "role": "read", "until": "TIME" }]));
    assert!(
        hub.did(&["repo", "show", "alice/x"])
            .ends_with("COLLABORATOR  ROLE  UNTIL\nbob           read  3000-01-01 00:00\n")
    );
    hub.hubgate(&["repo", "collaborator", "set", "alice/x", "carol", "read"])
        .is(&refused("hubgate: there is no user carol\n"));
    hub.hubgate(&["repo", "collaborator", "remove", "alice/x", "bob"])
        .is(&says("bob is no longer a collaborator on alice/x\n"));
    hub.hubgate(&["repo", "collaborator", "remove", "alice/x", "bob"])
        .is(&refused("hubgate: there is no collaborator bob on alice/x\n"));
}

/// Mode, owner and group of everything in a directory, in order.
fn modes(directory: &Path) -> Vec<(String, u32, u32, u32)> {
    let find = run(Command::new("find").arg(directory).args(["-printf", "%P\\n"])).succeeded().stdout();
    let mut entries: Vec<(String, u32, u32, u32)> = find
        .lines()
        .map(|name| {
            let file = directory.join(name).symlink_metadata().expect("a file");
            (name.to_owned(), file.permissions().mode(), file.uid(), file.gid())
        })
        .collect();
    entries.sort();
    entries
}

fn the_umask_of_root_does_not_show_in_a_repository() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let mut seen = Vec::new();
    for umask in ["000", "022", "077"] {
        let path = format!("alice/u{umask}");
        let command = format!("umask {umask}; exec \"$@\"");
        let mut sh = Command::new("sh");
        sh.args(["-c", &command, "sh"]).arg(program("hubgate")).arg("--config").arg(hub.config());
        run(sh.args(["repo", "create", &path])).succeeded();
        let directory = hub.directory(&path);
        seen.push(modes(&directory));
        let shard = directory.parent().expect("a shard").metadata().expect("a directory");
        assert_eq!((shard.mode() & 0o7777, shard.uid(), shard.gid()), (0o750, hub.login.uid, hub.login.gid));
        let top = directory.metadata().expect("a directory");
        assert_eq!((top.mode() & 0o7777, top.uid(), top.gid()), (0o750, hub.login.uid, hub.login.gid));
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2], "{seen:#?}");
}

fn two_creates_of_one_path_create_one_repository() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for round in 0..3 {
        let path = format!("alice/x{round}");
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let creates: Vec<_> = (0..4).map(|_| scope.spawn(|| hub.hubgate(&["repo", "create", &path]))).collect();
            creates.into_iter().map(|create| create.join().expect("a create")).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.iter().partition(|outcome| outcome.status == 0);
        assert_eq!((won.len(), lost.len()), (1, 3));
        for outcome in lost {
            outcome.is(&refused(format!("hubgate: there is already a model {path}\n")));
        }
        hub.hubgate(&["repo", "check"]).is(&says("every repository has its directory\n"));
    }
}

fn check_finds_lost_repositories_and_unknown_directories() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/x"]);
    hub.did(&["repo", "create", "alice/y"]);
    assert_eq!(json_of(&hub, &["repo", "check"]), json!({ "problems": [] }));
    let (lost, other) = (hub.directory("alice/x"), hub.directory("alice/y"));
    let stray = other.with_file_name("0123456789abcdef0123456789abcd.git");
    fs::rename(&lost, &stray).expect("a rename");
    fs::create_dir(hub.path("repositories/.new-0123")).expect("a directory");
    let outcome = hub.hubgate(&["repo", "check"]);
    let root = hub.path("repositories");
    let mut lines = [
        format!("{}/.new-0123: not a directory of this hub: left by a create that was cut off?\n", root.display()),
        format!("{}: not a repository of this hub: adopt it with hubgate repo adopt\n", stray.display()),
    ];
    lines.sort();
    assert_eq!(outcome.status, 1, "{outcome}");
    for line in lines {
        assert!(outcome.stdout().contains(&line), "{outcome}\nexpected: {line}");
    }
    assert!(outcome.stdout().contains("alice/x"), "{outcome}");
}

fn gc_packs_and_removes_leftovers() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    for number in 0..3 {
        alice.commit("x", &format!("file{number}"), "1");
        alice.git_in("x", &["push", "--quiet"]).is(&silent());
    }
    let directory = hub.directory("alice/x");
    let old = |name: &str| {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, "").expect("a file");
        run(Command::new("touch").args(["-d", "3 days ago"]).arg(&path)).succeeded();
        run(Command::new("chown").arg("-R").arg(format!("{}:{}", hub.login.uid, hub.login.gid)).arg(&directory))
            .succeeded();
        path
    };
    let gone = [
        "refs/heads/main.lock",
        "packed-refs.new",
        "objects/tmp_objdir-incoming-x/pack/tmp_pack_y",
        "objects/pack/tmp_pack_z",
        "objects/pack/.tmp-1-pack-0123.pack",
        "lfs/incomplete/a",
    ]
    .map(old);
    let objdir = directory.join("objects/tmp_objdir-incoming-x");
    run(Command::new("touch").args(["-d", "3 days ago"]).arg(&objdir)).succeeded();
    // Leftovers that stay: an old file that its writer still locks, a new file, and the quarantine of a running push.
    let young = directory.join("objects/tmp_objdir-incoming-young");
    old("objects/tmp_objdir-incoming-young/pack/tmp_pack_y");
    run(Command::new("touch").arg(&young)).succeeded();
    let held = old("lfs/incomplete/held");
    let writer = Flock::lock(fs::File::open(&held).expect("a file"), FlockArg::LockExclusive).expect("a lock");
    let new = old("lfs/incomplete/new");
    run(Command::new("touch").arg(&new)).succeeded();
    hub.hubgate(&["repo", "gc", "alice/x"]).is(&says("alice/x: packed, 6 leftovers removed\n"));
    assert!(!objdir.exists() && gone.iter().all(|path| !path.exists()));
    assert!(held.exists() && new.exists());
    assert!(young.join("pack/tmp_pack_y").exists());
    drop(writer);
    let removed = json_of(&hub, &["repo", "gc", "alice/x"]);
    assert_eq!(removed, json!([{ "path": "alice/x", "removed": [held], "error": null, "unchanged": false }]));
    let loose = hub.git_in("alice/x", &["count-objects", "-v"]);
    assert!(loose.contains("count: 0\n") && loose.contains("packs: 1\n"), "{loose}");
    let all = json!([{ "path": "alice/x", "removed": [], "error": null, "unchanged": true }]);
    assert_eq!(json_of(&hub, &["repo", "gc", "--all"]), all);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "again"]).is(&silent());
    assert_eq!(run(Command::new("find").arg(&directory).args(["-uid", "0"])).stdout(), "");
}

fn a_renamed_repository_keeps_its_directory() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.repo("alice/x", &["--private"]);
    hub.repo("alice/y", &[]);
    let directory = hub.directory("alice/x");
    hub.hubgate(&["repo", "rename", "alice/x", "alice/Y"]).is(&refused("hubgate: there is already a model alice/Y\n"));
    hub.hubgate(&["repo", "rename", "alice/x", "datasets/alice/x"])
        .is(&refused("hubgate: alice/x is a model: it cannot become a dataset\n"));
    hub.hubgate(&["repo", "rename", "alice/x", "alice/new"]).is(&says("renamed alice/x to alice/new\n"));
    assert_eq!(hub.directory("alice/new"), directory);
    alice.git(&["clone", "--quiet", &Client::url("alice/new")]).is(&silent());
    hub.did(&["repo", "rename", "alice/new", "bob/new"]);
    alice.ssh("git-upload-pack 'bob/new'").is(&refused(crate::texts::not_found(&alice)));
}

fn a_removed_repository_leaves_its_directory_and_frees_its_path() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let directory = hub.directory("alice/x");
    let place = directory.display();
    hub.hubgate(&["repo", "remove", "alice/x", "--yes"]).is(&says(format!(
        "removed alice/x; its directory stays: {place}\nto restore it: hubgate repo restore alice/x\n"
    )));
    assert!(directory.join("HEAD").exists());
    hub.hubgate(&["repo", "check"]).is(&says("every repository has its directory\n"));
    hub.did(&["repo", "create", "alice/x"]);
    assert_ne!(hub.directory("alice/x"), directory);
    alice.git(&["ls-remote", &Client::url("alice/x")]).is(&silent());
}

fn files_created_by_root_belong_to_the_login() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/x", &["--private"]);
    hub.did(&["repo", "visibility", "acme/x", "public"]);
    hub.did(&["key", "list"]);
    hub.did(&["migrate"]);
    hub.did(&["repo", "gc", "--all"]);
    hub.did(&["audit"]);
    alice.git(&["clone", "--quiet", &Client::url("acme/x")]).is(&silent());
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:new"]).is(&silent());
    for directory in ["db", "repositories"] {
        let directory = hub.path(directory);
        let find = |words: &[&str]| run(Command::new("find").arg(&directory).args(words)).succeeded().stdout();
        assert_eq!(find(&["-uid", "0"]), "");
        assert_eq!(find(&["-gid", "0"]), "");
    }
    // Files of a push may be readable for others, but the directories above are not.
    for (directory, mode) in [("db", 0o2750), ("repositories", 0o750)] {
        assert_eq!(hub.path(directory).metadata().expect("a directory").mode() & 0o7777, mode);
    }
    let database = hub.path("db/hubgate.db").metadata().expect("a database");
    assert_eq!((database.mode() & 0o7777, database.uid(), database.gid()), (0o640, hub.login.uid, machine().keys.gid));
}

/// Root's home is 0700 on Debian. Its files are not readable for the login and not meant for the hub.
fn roots_git_configuration_does_not_reach_a_repository() {
    let hub = Hub::new();
    let home = hub.path("root-home");
    fs::create_dir(&home).expect("a directory");
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).expect("a mode");
    for file in [".gitconfig", "git/config"] {
        let file = home.join(file);
        fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        fs::write(file, "[core]\n\trepositoryformatversion = 99\n[init]\n\tdefaultBranch = planted\n").expect("a file");
    }
    let run = |words: &[&str]| {
        let mut command = hub.hubgate_command();
        command.env("HOME", &home).env("XDG_CONFIG_HOME", &home).env("GIT_CONFIG_GLOBAL", home.join(".gitconfig"));
        command.env("GIT_DIR", "/nowhere").env("GIT_OBJECT_DIRECTORY", "/nowhere").env("LD_LIBRARY_PATH", "/nowhere");
        let outcome = run(command.current_dir(&home).args(words));
        assert!(outcome.status == 0 && outcome.stderr.is_empty(), "{outcome}");
        outcome.stdout()
    };
    run(&["user", "add", "alice"]);
    for (path, format) in [("alice/x", "sha1"), ("alice/y", "sha256")] {
        run(&["repo", "create", path, "--object-format", format]);
        let shown = run(&["repo", "show", path]);
        assert!(shown.contains("head           refs/heads/main (empty)\n"), "{shown}");
    }
    assert_eq!(run(&["repo", "check"]), "every repository has its directory\n");
    run(&["repo", "gc", "--all"]);
    let backup = hub.path("backup.db");
    run(&["backup", backup.to_str().expect("UTF-8")]);
    let restored = run(&["restore", backup.to_str().expect("UTF-8"), "--yes"]);
    assert!(!restored.contains("broken"), "{restored}");
}

fn a_broken_head_is_found_in_every_object_format() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for format in ["sha1", "sha256"] {
        let path = format!("alice/{format}");
        hub.repo(&path, &["--object-format", format]);
        assert!(hub.did(&["repo", "show", &path]).contains("head           refs/heads/main\n"));
        hub.git_in(&path, &["update-ref", "--no-deref", "HEAD", "refs/heads/main"]);
        assert!(hub.did(&["repo", "show", &path]).contains("head           detached\n"));
        assert_eq!(hub.did(&["repo", "check"]), "every repository has its directory\n");
        let head = hub.directory(&path).join("HEAD");
        fs::write(&head, "garbage\n").expect("a file");
        let check = hub.hubgate(&["repo", "check"]);
        assert!(check.status == 1 && check.stdout().contains(&path) && check.stdout().contains("broken"), "{check}");
        fs::write(&head, "ref: refs/heads/main\n").expect("a file");
    }
}

/// libgit2 would read it in any environment.
fn the_machines_git_configuration_does_not_reach_a_repository() {
    let hub = Hub::new();
    let outcome = crate::operator::on_a_fresh_machine(
        &hub,
        "hubgate init >/dev/null\nhubgate user add alice\nhubgate repo create alice/x >/dev/null\n\
         for mode in 600 644; do echo garbage >/etc/gitconfig; chmod $mode /etc/gitconfig; hubgate repo check; done\n",
    );
    outcome.is(&says("added alice\nevery repository has its directory\nevery repository has its directory\n"));
}

fn a_failing_git_reports_no_repository_as_sound() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/y", "--object-format", "sha256"]);
    let git = hub.path("git");
    fs::write(&git, "#!/bin/sh\ncase $* in *symbolic-ref*) kill -9 $$ ;; esac\nexec /usr/bin/git \"$@\"\n")
        .expect("a file");
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("a mode");
    hub.configure(&crate::harness::Setup { git: Some(&git), ..crate::harness::Setup::default() });
    let check = hub.hubgate(&["repo", "check"]);
    assert!(check.status == 1 && check.stdout().contains("alice/y") && check.stdout().contains("broken"), "{check}");
}

fn a_description_is_set_by_those_who_administer_the_repository() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    alice.ssh("repo describe alice/x A small model").is(&says("alice/x is about \"A small model\"\n"));
    assert_eq!(json_of(&hub, &["repo", "show", "alice/x"])["description"], "A small model");
    assert_eq!(bob.ssh("repo describe alice/x mine").status, 1);
    assert_eq!(hub.hubgate(&["repo", "describe", "alice/x", "a\tb"]).status, 2);
    hub.hubgate(&["repo", "describe", "alice/x", ""]).is(&says("alice/x is about nothing\n"));
    assert_eq!(json_of(&hub, &["repo", "describe", "alice/x", "two", "words"])["description"], "two words");
}

fn each_account_lists_what_it_reaches_and_with_which_access() {
    let hub = Hub::new();
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    for path in ["alice/x", "acme/y", "acme/z", "bob/shown", "bob/hidden"] {
        hub.did(&["repo", "create", path, "--private"]);
    }
    hub.did(&["repo", "visibility", "bob/shown", "public"]);
    hub.did(&["org", "member", "set", "acme", "bob", "no_access"]);
    hub.did(&["repo", "collaborator", "set", "acme/z", "bob", "write"]);
    hub.did(&["repo", "freeze", "acme/y", "--reason", "moving"]);
    let rows = "REPOSITORY  ACCESS  STATE\n";
    let of_alice = "acme/y      fetch   private, read-only: moving\nacme/z      admin   private\n\
                    alice/x     admin   private\n";
    let of_bob = "acme/z      write   private\nbob/hidden  admin   private\nbob/shown   admin   public\n";
    let table = |outcome: &str| {
        outcome.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    for (client, user, expected) in [(&alice, "alice", of_alice), (&bob, "bob", of_bob)] {
        let own = client.ssh("repo list --reachable").succeeded().stdout();
        let expected = format!("{rows}{expected}");
        let heading = table(&own)[0].starts_with("REPOSITORY ACCESS STATE");
        assert!(heading && table(&own)[1..] == table(&expected)[1..], "{own}");
        assert_eq!(hub.did(&["repo", "list", "--reachable", user]), own);
    }
    let behind = bob.ssh("repo list --reachable --json --after bob/hidden").succeeded().stdout();
    let behind: serde_json::Value = serde_json::from_str(&behind).expect("JSON");
    assert_eq!(
        (behind[0]["path"].as_str(), behind[0]["access"].as_str(), &behind[1]),
        (Some("bob/shown"), Some("admin"), &serde_json::Value::Null)
    );
    assert_eq!(stranger.ssh("repo list --reachable").status, 1);
    hub.did(&["repo", "collaborator", "remove", "acme/z", "bob"]);
    assert!(!bob.ssh("repo list --reachable").stdout().contains("acme"));
    hub.did(&["user", "disable", "bob", "--reason", "left"]);
    assert_eq!(json_of(&hub, &["repo", "list", "--reachable", "bob"]), json!([]));
}

fn cgit_serves_the_public_repositories_and_no_other() {
    let cgit = Path::new("/usr/lib/cgit/cgit.cgi");
    if !cgit.exists() {
        Skip::now("there is no cgit");
    }
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for (path, options) in [
        ("alice/x", &["--description", "A <model> of mine"][..]),
        ("datasets/alice/d", &[]),
        ("alice/private", &["--private"]),
        ("alice/internal", &["--internal"]),
        ("alice/gated", &["--gated", "auto"]),
    ] {
        hub.repo(path, options);
    }
    let rc = hub.path("cgitrc");
    fs::write(&rc, format!("virtual-root=/\n{}", hub.did(&["export", "--cgit"]))).expect("a file");
    let page = |url: &str| {
        let mut command = Command::new(cgit);
        command.env_clear().env("CGIT_CONFIG", &rc).env("PATH_INFO", url).env("REQUEST_METHOD", "GET");
        // git refuses repositories of another user.
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
        run(&mut command).succeeded().stdout()
    };
    let index = page("/");
    assert!(index.contains("/alice/x/") && index.contains("/datasets/alice/d/"), "{index}");
    assert!(index.contains("A &lt;model&gt; of mine"), "{index}");
    for hidden in ["private", "internal", "gated"] {
        assert!(!index.contains(hidden), "{index}");
    }
    assert!(page("/alice/x/log/").contains("README") || page("/alice/x/tree/").contains("README.md"));
}
