//! Work that the sandbox must permit: everything that git does for a client.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use hubgate::sandbox::Mode;

use crate::inside::{kernel_abi, word};
use crate::store::{Store, gits};

pub(crate) const TRIALS: &[(&str, fn())] = &[
    ("git_commands_work_in_the_sandbox", ordinary),
    ("every_protocol_version_works_in_the_sandbox", protocols),
    ("a_push_of_100_mb_works_in_the_sandbox", large_push),
    ("a_sha256_repository_works_in_the_sandbox", sha256),
    ("reftables_reflogs_and_shared_repositories_work_in_the_sandbox", configured),
    ("every_landlock_version_that_git_works_with_serves", every_abi),
    ("a_git_outside_usr_serves", git_elsewhere),
    ("a_hook_outside_usr_runs_if_the_plan_has_it", hook_elsewhere),
    ("a_push_beyond_the_limit_is_refused_and_leaves_nothing", push_size),
    ("a_file_that_grows_beyond_the_limit_leaves_nothing", file_size),
    ("descriptors_umask_and_limits_match_the_plan", surroundings),
];

fn ordinary() {
    for git in gits() {
        let store = Store::new();
        let by = store.boxed(&git);
        let url = Store::url(&store.own());
        let mut refs = Vec::new();

        // A first push, of a branch and both kinds of tags.
        let first = store.commit("work", "file", "one");
        store.git_in("work", ["tag", "light"]);
        store.git_in("work", ["tag", "--annotate", "--message", "v1", "v1"]);
        store.git_by(&by, &["-C", "work", "push", &url, "main", "--tags"]);
        for number in 0..120 {
            fs::write(store.path("client/work").join(format!("f{number}")), format!("{number}")).expect("a file");
        }
        // From 100 objects on, receive-pack keeps the pack.
        let second = store.commit("work", "file", "two");
        store.git_by(&by, &["-C", "work", "push", &url, "main"]);
        assert!(store.refs().contains(&format!("{second} refs/heads/main")));
        assert_eq!(store.told(), format!("{}\n", word(7)).repeat(2));

        store.git_by(&by, &["clone", "--quiet", &url, "whole"]);
        assert_eq!(store.git_in("whole", ["rev-parse", "HEAD"]), second);
        store.git_by(&by, &["clone", "--quiet", "--depth=1", &url, "shallow"]);
        assert_eq!(store.git_in("shallow", ["rev-list", "--count", "HEAD"]), "1");
        store.git_by(&by, &["-C", "shallow", "fetch", "--quiet", "--unshallow"]);
        assert_eq!(store.git_in("shallow", ["rev-list", "--count", "HEAD"]), "2");
        store.git_by(&by, &["clone", "--quiet", "--filter=blob:none", "--no-checkout", &url, "partial"]);
        store.git_by(&by, &["-C", "partial", "checkout", "--quiet"]);
        assert_eq!(fs::read_to_string(store.path("client/partial/file")).expect("a blob"), "two");
        store.git_by(&by, &["clone", "--quiet", "--mirror", &url, "mirror"]);

        // Pushes: from a shallow clone, atomic, refused as a whole, forced, and deletions.
        store.commit("shallow", "file", "three");
        store.git_by(&by, &["-C", "shallow", "push", "--quiet", &url, "main"]);
        let third = store.git_in("shallow", ["rev-parse", "HEAD"]);
        store.git_in("work", ["branch", "a", "main"]);
        store.git_in("work", ["branch", "b", "main"]);
        store.git_by(&by, &["-C", "work", "push", "--quiet", "--atomic", &url, "a", "b"]);
        let said = store.refused_by(&by, &["-C", "work", "push", "--atomic", &url, "main", "a:c"]);
        assert!(said.contains("main"), "{said}");
        assert!(!store.refs().contains("refs/heads/c"), "an atomic push moved one ref of two");
        store.git_by(&by, &["-C", "work", "push", "--quiet", "--force", &url, &format!("{first}:refs/heads/main")]);
        store.git_by(&by, &["-C", "work", "push", "--quiet", &url, ":b", ":refs/tags/light"]);
        refs.extend([format!("{second} refs/heads/a"), format!("{first} refs/heads/main")]);
        assert_eq!(store.refs().lines().take(2).collect::<Vec<_>>(), refs, "{third}");
        store.git_by(&by, &["-C", "whole", "fetch", "--quiet", "--prune", "--prune-tags", "--force"]);
        store.git_by(&by, &["ls-remote", "--quiet", &url]);
        store.fsck();
        assert!(store.told().lines().all(|told| told == word(7)));
    }
}

fn protocols() {
    for git in gits() {
        let store = Store::new();
        let by = store.boxed(&git);
        let url = Store::url(&store.own());
        for version in ["0", "1", "2"] {
            let commit = store.commit("work", "file", version);
            let version = format!("protocol.version={version}");
            store.git_by(&by, &["-C", "work", "-c", &version, "push", "--quiet", &url, "main"]);
            let _ = fs::remove_dir_all(store.path("client/clone"));
            store.git_by(&by, &["-c", &version, "clone", "--quiet", &url, "clone"]);
            assert_eq!(store.git_in("clone", ["rev-parse", "HEAD"]), commit);
        }
    }
}

fn large_push() {
    let store = Store::new();
    let url = Store::url(&store.own());
    fs::create_dir(store.path("client/work")).expect("a directory");
    let mut bytes = vec![0; 100 << 20];
    let mut random = fs::File::open("/dev/urandom").expect("randomness");
    random.read_exact(&mut bytes).expect("randomness");
    fs::write(store.path("client/work/large"), bytes).expect("a file");
    store.git(["init", "--quiet", "work"]);
    let commit = store.commit("work", "file", "large");
    for git in gits() {
        let by = store.boxed(&git);
        store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main:refs/heads/large"]);
        assert!(store.refs().contains(&commit));
        store.git_by(&by, &["clone", "--quiet", "--bare", &url, &format!("clone-{}", git.display()).replace('/', "-")]);
        store.git_by(&by, &["-C", "work", "push", "--quiet", &url, ":refs/heads/large"]);
        // The next git starts with an empty store.
        fs::remove_dir_all(store.own().join("objects/pack")).expect("remove");
    }
}

fn sha256() {
    for git in gits() {
        let store = Store::new();
        fs::remove_dir_all(store.own()).expect("remove");
        let own = store.own().display().to_string();
        store.git(["init", "--quiet", "--bare", "--template=", "--object-format=sha256", &own]);
        store.give_away();
        store.git(["init", "--quiet", "--object-format=sha256", "work"]);
        let commit = store.commit("work", "file", "one");
        let by = store.boxed(&git);
        let url = Store::url(&store.own());
        store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
        store.git_by(&by, &["clone", "--quiet", &url, "clone"]);
        assert_eq!(store.git_in("clone", ["rev-parse", "HEAD"]), commit);
    }
}

/// The sandbox has neither `/etc/passwd`, which gives reflogs their identity, nor changes of modes.
fn configured() {
    let reftable = ["--ref-format=reftable", "core.logAllRefUpdates=false"];
    let shared = ["--shared=group", "core.logAllRefUpdates=always"];
    let renaming = ["--quiet", "core.createObject=rename"];
    for git in gits() {
        for [option, setting] in [reftable, shared, renaming] {
            let store = Store::new();
            let own = store.own().display().to_string();
            fs::remove_dir_all(&own).expect("remove");
            let init = ["init", "--quiet", "--bare", "--template=", option, &own];
            // git knows reftable from 2.45 on.
            if !Command::new(&git).args(init).output().expect("git").status.success() {
                continue;
            }
            let (key, value) = setting.split_once('=').expect("a setting");
            store.git(["config", "--file", &format!("{own}/config"), key, value]);
            store.give_away();
            let by = store.boxed(&git);
            let url = Store::url(&store.own());
            for text in ["one", "two"] {
                store.commit("work", "file", text);
                store.git_by(&by, &["-C", "work", "push", "--quiet", "--force", &url, "main", "main:refs/tags/x"]);
            }
            store.git_by(&by, &["clone", "--quiet", &url, "clone"]);
            assert_eq!(store.own().join("logs/refs/heads/main").exists(), option == "--shared=group");
        }
    }
}

fn every_abi() {
    for git in gits() {
        let store = Store::new();
        let url = Store::url(&store.own());
        for abi in 1..=kernel_abi() {
            let by = store.session(Mode::BestEffort).with("git", git.display()).with("abi", abi);
            let pushed = store.commit("work", "file", &abi.to_string());
            store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
            let expected = if abi == 1 { "no-landlock(abi1)+seccomp".to_owned() } else { word(abi) };
            assert_eq!(store.told(), expected + "\n");
            let clone = format!("clone{abi}");
            store.git_by(&by, &["clone", "--quiet", &url, &clone]);
            assert_eq!(store.git_in(&clone, ["rev-parse", "HEAD"]), pushed);
            assert_eq!(store.told(), word(abi) + "\n");
        }
        store.fsck();
    }
}

fn git_elsewhere() {
    let store = Store::new();
    fs::create_dir_all(store.path("prefix/bin")).expect("a directory");
    fs::copy("/usr/bin/git", store.path("prefix/bin/git")).expect("a copy");
    let by = store.boxed(&store.path("prefix/bin/git"));
    let url = Store::url(&store.own());
    store.commit("work", "file", "one");
    store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
    store.git_by(&by, &["clone", "--quiet", &url, "clone"]);
}

fn hook_elsewhere() {
    use std::os::unix::fs::PermissionsExt;
    let store = Store::new();
    let url = Store::url(&store.own());
    fs::create_dir(store.path("hooks")).expect("a directory");
    for hook in ["pre-receive", "post-receive"] {
        let hook = store.path("hooks").join(hook);
        fs::write(&hook, "#!/bin/sh\necho \"$0 ran\" >&2\n").expect("a hook");
        fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let by = store.boxed(Path::new("/usr/bin/git")).with("hooks", store.path("hooks").display());
    store.commit("work", "file", "one");
    let said = store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
    assert!(said.contains("hooks/pre-receive ran"), "{said}");
    // These tests put one of the two into the plan.
    assert_eq!(said.contains("hooks/post-receive ran"), kernel_abi() == 0, "{said}");
}

/// Pushes 3 MB in one commit. Returns the commit's id.
fn three_megabytes(store: &Store) -> String {
    let mut bytes = vec![0; 3 << 20];
    fs::File::open("/dev/urandom").expect("randomness").read_exact(&mut bytes).expect("randomness");
    store.git(["init", "--quiet", "work"]);
    fs::write(store.path("client/work/large"), bytes).expect("a file");
    store.commit("work", "file", "large")
}

/// Fails if a push left a ref or an object.
fn nothing_is_left(store: &Store) {
    assert_eq!(store.refs(), "");
    let own = store.own().display().to_string();
    let objects = store.git(["--git-dir", &own, "count-objects", "-v"]);
    for count in ["count: 0\n", "packs: 0\n", "garbage: 0\n"] {
        assert!(objects.contains(count), "{objects}");
    }
    let left = fs::read_dir(store.own().join("objects")).expect("objects").map(|entry| entry.expect("an entry"));
    assert_eq!(left.filter(|entry| entry.file_name().to_string_lossy().starts_with("tmp")).count(), 0);
}

fn push_size() {
    let store = Store::new();
    let url = Store::url(&store.own());
    let commit = three_megabytes(&store);
    for git in gits() {
        let said = store.refused_by(&store.boxed(&git).with("bytes", 1 << 20), &["-C", "work", "push", &url, "main"]);
        assert!(said.contains("pack exceeds maximum allowed size"), "{said}");
        nothing_is_left(&store);
    }
    let by = store.boxed(Path::new("/usr/bin/git")).with("bytes", 8 << 20);
    store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
    assert!(store.refs().contains(&commit));
}

/// The second limit, behind the one above: a signal ends git.
fn file_size() {
    let store = Store::new();
    let url = Store::url(&store.own());
    let commit = three_megabytes(&store);
    for git in gits() {
        let by = store.boxed(&git).with("fsize", 1 << 20);
        store.refused_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
        nothing_is_left(&store);
    }
    let by = store.boxed(Path::new("/usr/bin/git")).with("fsize", 8 << 20);
    store.git_by(&by, &["-C", "work", "push", "--quiet", &url, "main"]);
    assert!(store.refs().contains(&commit));
}

fn surroundings() {
    let store = Store::new();
    for (mode, close_range) in [(Mode::BestEffort, true), (Mode::BestEffort, false), (Mode::Off, true)] {
        let mut session = store.session(mode).with("keep", store.path("kept").display()).with("fsize", 1 << 20);
        if !close_range {
            session = session.with("missing", "close_range");
        }
        let script = r"
            umask; ulimit -n; ulimit -c; ulimit -f
            echo kept >&$KEPT || echo not kept
            (echo inherited >&9) 2>/dev/null && echo inherited || echo closed
        ";
        let command = session.command("git-receive-pack", &store.own(), &["/bin/sh", "-c", script]);
        // A descriptor that the caller left open: the shell's 9, which this program inherits.
        let shell = format!("exec 9>'{}'; exec \"$0\" \"$@\"", store.path("inherited").display());
        let mut outer = Command::new("/bin/sh");
        outer.arg("-c").arg(shell).arg(command.get_program()).args(command.get_args());
        let output = outer.stdout(Stdio::piped()).output().expect("a session");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(said, "0027\n1024\n0\n2048\nclosed\n", "{} {command:?}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read_to_string(store.path("kept")).expect("a file"), "kept\n");
    }
}
