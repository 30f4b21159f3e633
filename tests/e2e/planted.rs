//! Configuration planted in stored repositories: no command of the operator runs a program that it names.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::harness::{Hub, Setup, machine, run, run_with, says, silent, trials};

trials![
    nothing_planted_in_a_repository_runs_in_a_command_of_the_operator,
    nothing_planted_while_a_command_of_the_operator_runs_leaves_the_sandbox,
    a_planted_link_leads_no_command_of_the_operator_to_another_repository,
    a_planted_head_reads_no_file_outside_its_repository,
];

/// The keys that git-config(1) of git 2.39.5 and 2.47.3 documents as naming a command, or a URL or directory that leads
/// to one.
const KEYS: [&str; 61] = [
    "alias.fsck",
    "alias.gc",
    "browser.x.cmd",
    "core.alternateRefsCommand",
    "core.askPass",
    "core.editor",
    "core.fsmonitor",
    "core.gitProxy",
    "core.hooksPath",
    "core.pager",
    "core.sshCommand",
    "credential.helper",
    "credential.https://x.helper",
    "diff.external",
    "diff.x.command",
    "diff.x.textconv",
    "difftool.x.cmd",
    "difftool.x.path",
    "filter.x.clean",
    "filter.x.process",
    "filter.x.smudge",
    "gc.recentObjectsHook",
    "gpg.openpgp.program",
    "gpg.program",
    "gpg.ssh.defaultKeyCommand",
    "gpg.ssh.program",
    "gpg.x509.program",
    "guitool.x.cmd",
    "help.browser",
    "imap.tunnel",
    "instaweb.browser",
    "instaweb.httpd",
    "interactive.diffFilter",
    "man.x.cmd",
    "man.x.path",
    "merge.x.driver",
    "mergetool.x.cmd",
    "mergetool.x.path",
    "pager.cat-file",
    "pager.for-each-ref",
    "pager.fsck",
    "pager.gc",
    "pager.rev-list",
    "pager.symbolic-ref",
    "receive.procReceiveRefs",
    "remote.x.proxy",
    "remote.x.receivepack",
    "remote.x.uploadpack",
    "remote.x.vcs",
    "sendemail.ccCmd",
    "sendemail.headerCmd",
    "sendemail.sendmailCmd",
    "sendemail.smtpServer",
    "sendemail.toCmd",
    "sequence.editor",
    "submodule.x.update",
    "tar.x.command",
    "trailer.x.cmd",
    "trailer.x.command",
    "uploadpack.packObjectsHook",
    "web.browser",
];

/// A program for the login account to run, and the file that it writes then.
struct Plant {
    program: PathBuf,
    sign: PathBuf,
}

impl Plant {
    fn new(hub: &Hub) -> Self {
        let (program, signs) = (hub.path("program"), hub.path("signs"));
        fs::create_dir(&signs).expect("a directory");
        give(hub, &signs);
        let sign = signs.join("sign");
        fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\n", sign.display())).expect("a program");
        run(Command::new("chmod").arg("755").arg(&program)).succeeded();
        run(&mut hub.as_login(&program)).is(&silent());
        fs::remove_file(&sign).expect("the sign of a program that ran");
        Self { program, sign }
    }

    /// The configuration of `directory` with all planted keys.
    fn configuration(&self, directory: &Path) -> String {
        let mut text = fs::read_to_string(directory.join("config")).expect("a configuration");
        let program = self.program.display();
        for key in KEYS {
            let (section, rest) = key.split_once('.').expect("a section");
            let (name, variable) = rest.rsplit_once('.').unwrap_or(("", rest));
            let name = if name.is_empty() { String::new() } else { format!(" {name:?}") };
            let bang = if matches!(section, "alias" | "submodule") { "!" } else { "" };
            write!(text, "[{section}{name}]\n\t{variable} = {bang}{program}\n").expect("a string");
        }
        let promisor = format!("ext::{program} %S");
        write!(text, "[remote \"x\"]\n\turl = {promisor}\n\tpromisor = true\n[protocol]\n\tallow = always\n")
            .expect("a string");
        text
    }

    fn has_not_run(&self, what: &str) {
        assert!(!self.sign.exists(), "{what}: {}", fs::read_to_string(&self.sign).unwrap_or_default());
    }
}

/// Stores an old object that no ref needs. Only such an object makes git 2.47.3 ask `gc.recentObjectsHook`.
fn forget_an_object(hub: &Hub, directory: &Path) {
    let mut command = hub.as_login(&machine().newest_git().path);
    command.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(directory);
    let id = run_with(command.args(["hash-object", "-w", "--stdin"]), b"old").succeeded().stdout();
    let (shard, name) = id.trim_end().split_at(2);
    let object = directory.join("objects").join(shard).join(name);
    run(Command::new("touch").args(["-d", "3 weeks ago"]).arg(object)).succeeded();
}

fn give(hub: &Hub, path: &Path) {
    run(Command::new("chown").arg("-R").arg(format!("{}:{}", hub.login.uid, hub.login.gid)).arg(path)).succeeded();
}

/// In mode `off`, only the replaced configuration protects.
fn nothing_planted_in_a_repository_runs_in_a_command_of_the_operator() {
    for git in &machine().gits {
        for mode in ["best-effort", "off"] {
            let more = format!("[sandbox]\nmode = {mode:?}\n");
            let hub = Hub::with(&Setup { git: Some(&git.path), more: &more, ..Setup::default() });
            hub.did(&["user", "add", "alice"]);
            let plant = Plant::new(&hub);
            for (format, path) in [("sha1", "alice/x"), ("sha256", "alice/y")] {
                hub.repo(path, &["--object-format", format]);
                let directory = hub.directory(path);
                let original = fs::read_to_string(directory.join("config")).expect("a configuration");
                let planted = plant.configuration(&directory);
                for file in ["config", "commondir"] {
                    forget_an_object(&hub, &directory);
                    let all = |words: &[&str], expected: &str| {
                        // A directory that git would use in place of this one, or this one's own configuration.
                        if file == "commondir" {
                            let elsewhere = hub.path("elsewhere");
                            let _ = fs::remove_dir_all(&elsewhere);
                            run(Command::new("cp").arg("-r").arg(&directory).arg(&elsewhere)).succeeded();
                            fs::write(elsewhere.join("config"), &planted).expect("a file");
                            give(&hub, &elsewhere);
                            fs::write(directory.join("commondir"), elsewhere.as_os_str().as_encoded_bytes())
                                .expect("a file");
                        } else {
                            fs::write(directory.join("config"), &planted).expect("a file");
                        }
                        give(&hub, &directory);
                        hub.log();
                        let outcome = hub.hubgate(words);
                        assert!(outcome.stdout().contains(expected), "{outcome}");
                        let what = format!("{words:?} on {path} with {file} in mode {mode} by {}", git.version);
                        plant.has_not_run(&what);
                        what
                    };
                    let replaced = |what: &str| {
                        let kept = fs::read_to_string(directory.join("config")).expect("a configuration");
                        assert_eq!(kept, original, "{what}");
                        assert!(!directory.join("commondir").exists(), "{what}");
                        let cause = format!("cause=\"{file} is not as hubgate wrote it: it is now {file}.replaced\"");
                        let logged = hub.raw_log().into_iter().any(|line| line.contains(&cause));
                        assert!(logged, "{what}");
                    };
                    replaced(&all(&["repo", "gc", path], ": packed, "));
                    replaced(&all(&["lfs", "check", path], "no problems found"));
                    // libgit2 replaces nothing. In the sandbox, it cannot read the directory elsewhere.
                    let is_broken = (format, file, mode) == ("sha1", "commondir", "best-effort");
                    let shown = all(&["repo", "show", path], if is_broken { " broken: " } else { "refs/heads/main" });
                    let well = "every repository has its directory";
                    let checked = all(&["repo", "check"], if is_broken { "): broken: " } else { well });
                    if format == "sha256" {
                        replaced(&shown);
                        replaced(&checked);
                    }
                    hub.sql("DELETE FROM repository");
                    let place = directory.to_str().expect("UTF-8").to_owned();
                    replaced(&all(&["repo", "adopt", &place, "--as", path], "adopted"));
                }
                hub.sql("DELETE FROM repository");
                fs::remove_dir_all(&directory).expect("a directory");
            }
        }
    }
}

/// A push that runs at the same time can write the configuration again after it was replaced.
fn nothing_planted_while_a_command_of_the_operator_runs_leaves_the_sandbox() {
    let hub = Hub::with(&Setup { git: Some(&machine().newest_git().path), ..Setup::default() });
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    let plant = Plant::new(&hub);
    let directory = hub.directory("alice/x");
    let planted = plant.configuration(&directory);
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                let new = directory.join("config.planted");
                let _ = fs::write(&new, &planted).and_then(|()| {
                    std::os::unix::fs::chown(&new, Some(hub.login.uid), Some(hub.login.gid))?;
                    fs::rename(new, directory.join("config"))
                });
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..10 {
            forget_an_object(&hub, &directory);
            let _ = hub.hubgate(&["repo", "gc", "alice/x"]);
        }
        ended.store(true, Ordering::Relaxed);
    });
    plant.has_not_run("repo gc beside a push");
    hub.hubgate(&["repo", "gc", "alice/x"]).is(&says("alice/x: packed, 0 leftovers removed\n"));
}

/// The git of a push can replace any directory of its repository by a link.
fn a_planted_link_leads_no_command_of_the_operator_to_another_repository() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/victim", &[]);
    let victim = hub.directory("alice/victim");
    let corrupt = format!("lfs/objects/00/00/{}", "0".repeat(64));
    let pack = "objects/pack/pack-0123456789012345678901234567890123456789";
    let (keep, promisor) = (format!("{pack}.keep"), format!("{pack}.promisor"));
    for file in [
        "objects/tmp_objdir-incoming-x/pack/tmp_pack_x",
        "objects/pack/tmp_pack_x",
        &keep,
        &promisor,
        "refs/heads/main.lock",
        "lfs/incomplete/x",
        &corrupt,
    ] {
        let path = victim.join(file);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, "corrupt").expect("a file");
    }
    give(&hub, &victim);
    let files = || {
        let find = run(Command::new("find").arg(&victim).args(["-printf", "%P %y %s %i %T@\\n"])).succeeded().stdout();
        let mut lines: Vec<String> = find.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let before = files();
    for (number, name) in ["objects", "objects/pack", "refs", "refs/heads", "lfs", "lfs/objects"].iter().enumerate() {
        let path = format!("alice/{number}");
        hub.repo(&path, &[]);
        let directory = hub.directory(&path);
        let _ = fs::rename(directory.join(name), directory.join("was-here"));
        let _ = fs::create_dir(directory.join("lfs"));
        let _ = fs::remove_dir(directory.join(name));
        std::os::unix::fs::symlink(victim.join(name), directory.join(name)).expect("a link");
        give(&hub, &directory);
        for words in [
            ["repo", "gc", &path, "--older-than", "0s"].as_slice(),
            &["repo", "gc", "--prune-now", &path],
            &["lfs", "check", "--quarantine", &path],
            &["repo", "quota", &path],
        ] {
            let outcome = hub.hubgate(words);
            assert_eq!(files(), before, "{name}: {words:?}: {outcome}");
            assert!(!outcome.stdout().contains("corrupt"), "{name}: {words:?}: {outcome}");
        }
    }
    // A corrupt object is moved to a directory of its own repository only.
    hub.repo("alice/x", &[]);
    let directory = hub.directory("alice/x");
    fs::create_dir_all(directory.join("lfs/objects/00/00")).expect("a directory");
    fs::write(directory.join(&corrupt), "corrupt").expect("a file");
    std::os::unix::fs::symlink(victim.join("lfs"), directory.join("lfs/quarantine")).expect("a link");
    give(&hub, &directory);
    let said = hub.did_with_status(&["lfs", "check", "--quarantine", "alice/x"], 1);
    assert!(said.contains("it cannot be moved aside: ") && directory.join(&corrupt).exists(), "{said}");
    assert_eq!(files(), before);
}

/// libgit2 reads HEAD of a SHA-1 repository.
fn a_planted_head_reads_no_file_outside_its_repository() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.repo("alice/x", &[]);
    hub.repo("alice/secret", &["--private"]);
    let shown = hub.did(&["repo", "show", "alice/x"]);
    assert!(shown.contains(" refs/heads/main\n"), "{shown}");
    hub.git_in("alice/secret", &["symbolic-ref", "HEAD", "refs/heads/hidden"]);
    let head = hub.directory("alice/x").join("HEAD");
    fs::remove_file(&head).expect("HEAD");
    std::os::unix::fs::symlink(hub.directory("alice/secret").join("HEAD"), &head).expect("a link");
    let shown = hub.did(&["repo", "show", "alice/x"]);
    assert!(shown.contains(" broken: ") && !shown.contains("hidden"), "{shown}");
    let checked = hub.hubgate(&["repo", "check"]);
    assert!(checked.status == 1 && !checked.stdout().contains("hidden"), "{checked}");
}
