//! Repositories with planted files: what git would otherwise run, read or serve because of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hubgate::sandbox::Mode;

use crate::inside::{Session, kernel_abi};
use crate::store::{Store, gits};

pub(crate) const TRIALS: &[(&str, fn())] = &[
    ("nothing_planted_in_a_repository_runs", programs),
    ("planted_hooks_cannot_be_executed", hooks_without_pins),
    ("planted_alternates_have_no_effect", alternates),
    ("a_foreign_object_is_not_served_by_its_id", foreign_object),
    ("a_planted_link_to_another_repository_has_no_effect", links),
    ("a_planted_include_reads_no_other_file", include),
    ("a_repository_of_another_owner_is_served_only_with_the_pinned_setting", another_owner),
    ("a_pack_that_unpacks_to_450_mb_uses_little_memory", bomb),
];

/// git's hooks on the receiving side.
const HOOKS: [&str; 8] = [
    "post-receive",
    "post-update",
    "pre-auto-gc",
    "pre-receive",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "update",
];

/// Settings that name a program, on both sides.
const COMMANDS: [&str; 16] = [
    "core.alternateRefsCommand",
    "core.askPass",
    "core.editor",
    "core.fsmonitor",
    "core.gitProxy",
    "core.pager",
    "core.sshCommand",
    "credential.helper",
    "diff.external",
    "filter.x.process",
    "filter.x.smudge",
    "gc.recentObjectsHook",
    "gpg.program",
    "merge.x.driver",
    "uploadpack.packObjectsHook",
    "tar.x.command",
];

/// Plants all programs in `own.git`. A program that runs writes files beside its repository and in it.
fn plant(store: &Store) {
    let own = store.own();
    let program = own.join("planted");
    // The output says who ran it, so the directory must be writable for every user.
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> '{}/ran'\n", own.display())).expect("a program");
    fs::create_dir_all(own.join("hooks")).expect("a directory");
    for hook in HOOKS {
        fs::copy(&program, own.join("hooks").join(hook)).expect("a hook");
        fs::set_permissions(own.join("hooks").join(hook), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let config = own.join("config").display().to_string();
    for key in COMMANDS {
        store.git(["config", "--file", &config, key, &program.display().to_string()]);
    }
    let other = store.other().join("objects").display().to_string();
    for (key, value) in [
        ("core.hooksPath", "hooks"),
        ("receive.procReceiveRefs", "refs/heads/"),
        ("receive.certNonceSeed", "seed"),
        ("receive.autogc", "true"),
        ("gc.auto", "1"),
        ("maintenance.auto", "true"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", &format!("ext::{} %S", program.display())),
        ("protocol.ext.allow", "always"),
    ] {
        store.git(["config", "--file", &config, key, value]);
    }
    store.git(["config", "--file", &config, "core.repositoryFormatVersion", "1"]);
    fs::create_dir_all(own.join("objects/info")).expect("a directory");
    fs::write(own.join("objects/info/alternates"), other + "\n").expect("alternates");
    store.give_away();
}

/// The planted programs that have run.
fn ran(store: &Store) -> String {
    fs::read_to_string(store.own().join("ran")).unwrap_or_default()
}

/// Clones, fetches existing and missing objects, and pushes, with any result.
fn exercise(store: &Store, session: &Session) {
    let url = Store::url(&store.own());
    store.commit("work", "file", "one");
    let missing = "1234567890123456789012345678901234567890";
    for arguments in [
        &["ls-remote", &url][..],
        &["clone", "--quiet", &url, "clone"],
        &["clone", "--quiet", "--depth=1", &url, "shallow"],
        &["-C", "work", "fetch", &url, missing],
        &["-C", "work", "push", &url, "main", "main:refs/heads/x", "main:refs/tags/x"],
        &["-C", "work", "push", "--force", &url, ":refs/heads/x"],
        &["clone", "--quiet", &url, "again"],
    ] {
        let _ = store.try_git_by(session, arguments);
    }
}

/// T20 (CVE-2026-60004), T34, T38.
fn programs() {
    for git in gits() {
        // Without the pinned settings and the sandbox, a planted program runs; otherwise the test would prove nothing.
        let store = Store::new();
        plant(&store);
        exercise(&store, &store.session(Mode::Off).with("git", git.display()).with("pins", "no"));
        let seen = ran(&store);
        assert!(
            seen.contains("hooks/proc-receive") || seen.contains("hooks/reference-transaction"),
            "{}: {seen}",
            git.display()
        );

        for mode in [Mode::BestEffort, Mode::Off] {
            let store = Store::new();
            plant(&store);
            exercise(&store, &store.session(mode).with("git", git.display()));
            assert_eq!(ran(&store), "", "{} in mode {mode}", git.display());
            // The session was complete: the tag was pushed. (Branches wait for a missing hook: proc-receive.)
            assert!(store.refs().contains("refs/tags/x"), "{} in mode {mode}: {}", git.display(), store.refs());
        }
    }
}

/// T20, without the pinned settings.
fn hooks_without_pins() {
    if kernel_abi() < 2 {
        return;
    }
    for git in gits() {
        let store = Store::new();
        plant(&store);
        exercise(&store, &store.session(Mode::Required).with("git", git.display()).with("pins", "no"));
        assert_eq!(ran(&store), "", "{}", git.display());
    }
}

/// T35, with a planted pool.
fn alternates() {
    if kernel_abi() == 0 {
        return;
    }
    for git in gits() {
        let store = Store::new();
        let other = store.other().join("objects").display().to_string();
        fs::create_dir_all(store.own().join("objects/info")).expect("a directory");
        fs::write(store.own().join("objects/info/alternates"), other + "\n").expect("alternates");
        store.give_away();
        store.git(["init", "--quiet", "work"]);
        let url = Store::url(&store.own());
        let secret = store.secret();
        let want = ["-C", "work", "-c", "protocol.version=2", "fetch", &url, &secret];
        let off = store.session(Mode::Off).with("git", git.display());
        let boxed = store.boxed(&git);
        store.refused_by(&boxed, &want);
        // Without the sandbox the object is served, so the attack is real.
        store.git_by(&off, &want);
    }
}

/// T35 (CVE-2026-28740 is similar).
fn foreign_object() {
    for git in gits() {
        let store = Store::new();
        store.git(["init", "--quiet", "work"]);
        store.commit("work", "file", "one");
        let url = Store::url(&store.own());
        let boxed = store.boxed(&git);
        store.git_by(&boxed, &["-C", "work", "push", "--quiet", &url, "main"]);
        for version in ["protocol.version=0", "protocol.version=2"] {
            let said = store.refused_by(&boxed, &["-C", "work", "-c", version, "fetch", &url, &store.secret()]);
            assert!(said.contains("not our ref") || said.contains("unadvertised object"), "{said}");
        }
    }
}

fn links() {
    if kernel_abi() == 0 {
        return;
    }
    for git in gits() {
        let store = Store::new();
        let objects = store.own().join("objects");
        let secret = store.secret();
        // All loose objects of the other repository, as links, and its refs.
        for shard in fs::read_dir(store.other().join("objects")).expect("objects") {
            let shard = shard.expect("a directory").file_name();
            let link = objects.join(&shard);
            if !link.exists() {
                std::os::unix::fs::symlink(store.other().join("objects").join(&shard), link).expect("a link");
            }
        }
        fs::write(store.own().join("refs/heads/main"), format!("{secret}\n")).expect("a ref");
        store.give_away();
        let url = Store::url(&store.own());
        let boxed = store.boxed(&git);
        store.refused_by(&boxed, &["clone", "--quiet", "--branch=main", &url, "clone"]);
        let off = store.session(Mode::Off).with("git", git.display());
        store.git_by(&off, &["clone", "--quiet", &url, "outside"]);
    }
}

/// T33 (CVE-2022-24765, CVE-2024-32004): without the setting git refuses it, and with `*` git would follow its
/// configuration.
fn another_owner() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    for git in gits() {
        let store = Store::new();
        for entry in [store.own(), store.own().join("objects")] {
            std::os::unix::fs::chown(entry, Some(0), Some(0)).expect("chown");
        }
        let url = Store::url(&store.own());
        store.git_by(&store.boxed(&git), &["ls-remote", &url]);
        let said = store.refused_by(&store.boxed(&git).with("pins", "no"), &["ls-remote", &url]);
        assert!(said.contains("dubious ownership"), "{said}");
    }
}

fn include() {
    for git in gits() {
        let store = Store::new();
        let config = store.own().join("config").display().to_string();
        store.git(["config", "--file", &config, "include.path", "/etc/passwd"]);
        let boxed = store.boxed(&git);
        let said = store.try_git_by(&boxed, &["ls-remote", &Store::url(&store.own())]);
        assert!(!String::from_utf8_lossy(&said.stderr).contains("root:"), "{said:?}");
    }
}

/// T39.
fn bomb() {
    let store = Store::new();
    let url = Store::url(&store.own());
    store.git(["init", "--quiet", "work"]);
    let zeros = fs::File::create(store.path("client/work/zeros")).expect("a file");
    zeros.set_len(450_000_000).expect("a size");
    store.git_in("work", ["config", "core.bigFileThreshold", "16m"]);
    let commit = store.commit("work", "file", "bomb");
    fs::remove_file(store.path("client/work/zeros")).expect("remove");
    for git in gits() {
        let peak = store.path("peak");
        let session = store.boxed(&git).with("peak", peak.display());
        let took_little = |what: &str| {
            let kilobytes: u64 = fs::read_to_string(&peak).expect("a peak").parse().expect("a number");
            assert!((1 << 10..64 << 10).contains(&kilobytes), "{what} by {} took {kilobytes} KB", git.display());
        };
        store.git_by(&session, &["-C", "work", "push", "--quiet", &url, "main"]);
        assert!(store.refs().contains(&commit));
        took_little("the push");
        store.git_by(&session, &["ls-remote", &url]);
        took_little("a look");
        fs::remove_dir_all(store.own()).expect("remove");
        store.git(["init", "--quiet", "--bare", "--template=", &store.own().display().to_string()]);
        store.give_away();
    }
}
