//! The limits of a push, as its peer and the operator's log see them. For limits on sessions see `concurrency`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Client, Hub, Outcome, Setup, background, machine, run, run_with, silent, trials, wait_until};

trials![
    a_push_of_too_many_refs_is_refused_as_a_whole,
    a_limit_of_0_limits_nothing,
    a_push_of_too_many_commits_is_refused_as_a_whole,
    git_has_the_limits_of_a_push_and_a_fetch_has_none,
    a_push_of_more_refs_than_a_command_line_takes_is_checked_like_any_other,
    a_push_of_too_many_bytes_is_refused_and_leaves_nothing,
    a_small_pack_cannot_take_memory,
    a_small_pack_cannot_fill_the_disk,
    what_a_push_stores_counts_and_not_only_what_it_sends,
    a_push_certificate_is_neither_asked_for_nor_kept,
    dangerous_refs_are_refused_each_with_its_reason,
];

/// A hub with a limit, and a client that has cloned `alice/x`.
fn scene(limits: &str) -> (Hub, Client) {
    scene_with(limits, &machine().git().path)
}

/// The same with this git on the hub.
fn scene_with(limits: &str, git: &Path) -> (Hub, Client) {
    let hub = Hub::with(&Setup { git: Some(git), more: &format!("[limits]\n{limits}\n"), ..Setup::default() });
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    hub.log();
    (hub, alice)
}

fn push(alice: &Client, refs: &[&str]) -> Outcome {
    alice.git_in("x", &[&["push", "--quiet", "origin"], refs].concat())
}

/// Checks a refused push: the peer's text, two lines in the log, no ref.
#[track_caller]
fn is_refused(hub: &Hub, alice: &Client, push: &Outcome, sentences: &[&str]) {
    let who = format!("user=alice key={} from=127.0.0.1", alice.key.fingerprint);
    assert_eq!(push.status, 1, "{push}");
    let said: Vec<String> = push
        .stderr()
        .lines()
        .filter_map(|line| line.strip_prefix("remote: hubgate: "))
        .map(|line| line.trim_end().to_owned())
        .collect();
    assert_eq!(said, sentences, "{push}");
    assert!(push.stderr().contains("(pre-receive hook declined)"), "{push}");
    let shown: String = sentences[0].chars().take(256).collect();
    let more = sentences[0].len() - shown.len();
    let more = if more == 0 { String::new() } else { format!("...+{more}") };
    hub.logged(&[
        format!("info hubgate: {who} verb=receive-pack repo=alice/x decision=allow reason=\"\""),
        format!("notice hubgate: {who} verb=push repo=alice/x decision=deny reason=\"{shown}\"{more}"),
    ]);
    assert_eq!(branches(hub), "main\n");
}

fn branches(hub: &Hub) -> String {
    hub.git_in("alice/x", &["for-each-ref", "--format=%(refname:short)", "refs/heads"])
}

fn a_push_of_too_many_refs_is_refused_as_a_whole() {
    for git in &machine().gits {
        let (hub, alice) = scene_with("push_refs = 2", &git.path);
        let pushed = push(&alice, &["HEAD:a", "HEAD:b", "HEAD:c"]);
        let command = "git for-each-ref --format='%(refname)' refs/heads refs/tags | xargs -n 2 git push origin";
        // One sentence, and git's own about the end of the session. No line names a ref.
        let said = pushed.stderr();
        let sentence = format!("hubgate: this push updates 3 refs, of at most 2 at once: {command}\n");
        assert!(pushed.status != 0 && said.contains(&sentence), "{pushed}");
        assert!(!said.contains("remote rejected") && said.lines().count() <= 6, "{pushed}");
        assert_eq!(branches(&hub), "main\n");
        assert!(hub.raw_log().iter().any(|line| line.contains("decision=deny reason=\"this push updates 3 refs")));
        // The command that the client read works.
        for name in ["a", "b", "c"] {
            alice.git_in("x", &["branch", name]).is(&silent());
        }
        let mut shell = alice.command("sh");
        shell.envs(
            alice.git_command("x").get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
        );
        shell.current_dir(alice.home.join("x")).args(["-c", &command.replace("git push", "git push --quiet")]);
        run(&mut shell).succeeded();
        assert_eq!(branches(&hub), "a\nb\nc\nmain\n");
        // Deletions count too.
        let pushed = push(&alice, &[":a", ":b", "HEAD:d"]);
        assert!(pushed.stderr().contains("updates 3 refs, of at most 2"), "{pushed}");
        assert_eq!(branches(&hub), "a\nb\nc\nmain\n");
    }
}

fn a_push_of_too_many_commits_is_refused_as_a_whole() {
    let (hub, alice) = scene("push_commits = 3");
    for number in 0..4 {
        alice.commit("x", "file", &number.to_string());
    }
    let pushed = push(&alice, &["HEAD:new", "HEAD~3:refs/heads/older"]);
    is_refused(&hub, &alice, &pushed, &["this push adds more than 3 commits: push in parts"]);
    push(&alice, &["HEAD~1:refs/heads/new"]).is(&silent());
    // Existing commits do not count.
    push(&alice, &["HEAD:new", "HEAD:other"]).is(&silent());
    assert_eq!(branches(&hub), "main\nnew\nother\n");
    // Commits to which only a refused ref leads do not count.
    alice.commit("x", "file", "a last commit");
    let last = alice.git_in("x", &["rev-parse", "HEAD"]).stdout().trim().to_owned();
    for number in 0..4 {
        alice.commit("x", "file", &format!("more {number}"));
    }
    let pushed = push(&alice, &["HEAD:refs/pull/1/head", &format!("{last}:refs/heads/last")]);
    assert!(pushed.stderr().contains("refs/pull/1/head is not accepted"), "{pushed}");
    assert_eq!(branches(&hub), "last\nmain\nnew\nother\n");
}

fn a_limit_of_0_limits_nothing() {
    let (hub, alice) = scene("push_bytes = 0\npush_memory = 0\npush_refs = 0\npush_commits = 0");
    for number in 0..3 {
        alice.commit("x", "file", &number.to_string());
    }
    push(&alice, &["HEAD:new", "HEAD~1:refs/heads/other"]).is(&silent());
    assert_eq!(branches(&hub), "main\nnew\nother\n");
}

fn git_has_the_limits_of_a_push_and_a_fetch_has_none() {
    let (hub, alice) = scene("push_bytes = 20000\npush_memory = 1000000000");
    for (service, limits) in [("receive-pack", ["40000", "1000000000"]), ("upload-pack", ["unlimited", "unlimited"])] {
        let mut ssh = alice.ssh_command(&["-oBatchMode=yes"]);
        ssh.arg(format!("git-{service} 'alice/x'"));
        let session = background(ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()));
        // Once git serves, it waits for the client's answer.
        let serving = |pid: &nix::unistd::Pid| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.split(|byte| *byte == 0).any(|word| word == service.as_bytes())
                && std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|program| program.ends_with("git"))
        };
        let find = || hub.sessions().into_iter().find(serving);
        wait_until("git does not serve", || find().is_some());
        let text = std::fs::read_to_string(format!("/proc/{}/limits", find().expect("git"))).expect("limits");
        let limit = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{text}"));
            let words: Vec<&str> = line.trim_start_matches(name).split_whitespace().take(2).collect();
            assert_eq!(words.first(), words.last(), "{line}: it cannot be raised");
            words.concat()
        };
        for (name, expected) in ["Max file size", "Max data size"].into_iter().zip(limits) {
            assert_eq!(limit(name), expected.repeat(2), "{service}: {text}");
        }
        drop(session);
    }
}

fn a_push_of_more_refs_than_a_command_line_takes_is_checked_like_any_other() {
    // 60,000 ids take 2.4 MB, and Linux gives a command line 2 MB.
    let (hub, alice) = scene("push_refs = 0\npush_commits = 1");
    alice.commit("x", "file", "1");
    let two = alice.commit("x", "file", "2");
    let mut numbers: Vec<String> = (0..60_000).map(|number| number.to_string()).collect();
    numbers.sort();
    let refs: String = numbers.iter().map(|number| format!("{two} refs/tags/{number}\n")).collect();
    alice.write("x/.git/packed-refs", format!("# pack-refs with: peeled fully-peeled sorted \n{refs}"));
    let pushed = push(&alice, &["refs/tags/*:refs/tags/*"]);
    is_refused(&hub, &alice, &pushed, &["this push adds more than 1 commits: push in parts"]);
    push(&alice, &["HEAD~1:refs/heads/one"]).is(&silent());
}

fn a_push_of_too_many_bytes_is_refused_and_leaves_nothing() {
    let (hub, alice) = scene("push_bytes = 20000");
    // Content that does not compress.
    let digits: String =
        (1..9_000_u64).map(|number| format!("{:x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    alice.commit("x", "large", &digits);
    let pushed = push(&alice, &["HEAD:new"]);
    assert!(
        pushed.status != 0 && pushed.stderr().contains("remote: fatal: pack exceeds maximum allowed size"),
        "{pushed}"
    );
    // git ends the push before a hook runs, so the log has a line for the session but none for the push.
    hub.logged(&[format!(
        "info hubgate: user=alice key={} from=127.0.0.1 verb=receive-pack repo=alice/x decision=allow reason=\"\"",
        alice.key.fingerprint
    )]);
    assert_eq!(branches(&hub), "main\n");
    let objects = std::fs::read_dir(hub.directory("alice/x").join("objects")).expect("objects").flatten();
    let left: Vec<_> =
        objects.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().starts_with("tmp_")).collect();
    assert!(left.is_empty(), "{left:?}");
    alice.git_in("x", &["reset", "--quiet", "--hard", "HEAD~1"]).is(&silent());
    alice.commit("x", "small", "1");
    push(&alice, &["HEAD:new"]).is(&silent());
}

/// Prints a push as a client would send it: a tag on an existing object, and a pack.
///
/// The arguments are a kind, the id of the object, and ids of blobs for the pack to refer to.
pub(crate) const PUSH: &str = r"
import hashlib, random, struct, sys, zlib
kind, target, bases = sys.argv[1], sys.argv[2], sys.argv[3:]
def size_of(number, first, bits):
    text, number = [first | number & (1 << bits) - 1], number >> bits
    while number:
        text[-1] |= 128
        text.append(number & 127)
        number >>= 7
    return bytes(text)
def entry(kind, body, base=b''):
    return size_of(len(body), kind << 4, 4) + base + zlib.compress(body)
def delta(base, copies, tail=b''):
    # Each instruction copies at most 2^24-1 bytes from the start of the base.
    copy = b'\xf0' + struct.pack('<I', base)[:3]
    insert = bytes([len(tail)]) + tail if tail else b''
    return size_of(base, 0, 7) + size_of(base * copies + len(tail), 0, 7) + copy * copies + insert
def blob(body):
    return hashlib.sha1(b'blob %d\0' % len(body) + body).digest()
entries = []
if kind == 'memory':
    base = bytes(15 << 20)
    entries = [entry(3, base), entry(7, delta(len(base), 80), blob(base))]
elif kind == 'disk':
    base = random.Random(1).randbytes(2 << 20)
    entries = [entry(3, base)] + [entry(7, delta(len(base), 1, b'%d' % n), blob(base)) for n in range(90)]
elif kind == 'thin':
    entries = [entry(7, delta(400000, 1, b'x'), bytes.fromhex(base)) for base in bases]
pack = b'PACK' + struct.pack('>II', 2, len(entries)) + b''.join(entries)
pack += hashlib.sha1(pack).digest()
def packet(text):
    return b'%04x' % (len(text) + 4) + text
command = b'%s %s refs/tags/new' % (b'0' * 40, target.encode())
if kind == 'certificate':
    text = [b'certificate version 0.1', b'pusher A <a@example.com> 0 +0000', b'nonce 1', b'', command,
            b'-----BEGIN PGP SIGNATURE-----', b'-----END PGP SIGNATURE-----', b'push-cert-end']
    head = packet(b'push-cert\0report-status') + b''.join(packet(line + b'\n') for line in text)
    if bases:
        sys.exit(sys.stdout.buffer.write(b'\n'.join(text[:-1]) + b'\n') and 0)
else:
    head = packet(command + b'\0report-status')
sys.stdout.buffer.write(head + b'0000' + pack)
";

/// Sends a push of [`PUSH`] to `alice/x`.
fn send(alice: &Client, kind: &str, target: &str, bases: &[&str]) -> Outcome {
    let push = run(Command::new("python3").args(["-c", PUSH, kind, target]).args(bases));
    alice.ssh_with(&["-oBatchMode=yes"], "git-receive-pack 'alice/x'", &push.succeeded().stdout)
}

/// All files beneath the objects of `alice/x`, with their sizes.
fn objects(hub: &Hub) -> Vec<(PathBuf, u64)> {
    let (mut files, mut directories) = (Vec::new(), vec![hub.directory("alice/x").join("objects")]);
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("metadata");
            if metadata.is_dir() {
                directories.push(entry.path());
            } else {
                files.push((entry.path(), metadata.len()));
            }
        }
    }
    files.sort();
    files
}

/// The tags of a new `alice/x`.
const TAGS: &str = "of/alice/x\nv1\n";

fn tags(hub: &Hub) -> String {
    hub.git_in("alice/x", &["for-each-ref", "--format=%(refname:short)", "refs/tags"])
}

/// A base of 15 MiB and a delta of 80 copies: 15 KB that git would unpack to 1.2 GiB in memory.
fn a_small_pack_cannot_take_memory() {
    for git in &machine().gits {
        let (hub, alice) = scene_with("push_memory = 268435456", &git.path);
        let before = objects(&hub);
        let zeros = "a8510dfb73c38fd17edc112545bef811955798f4";
        let pushed = send(&alice, "memory", zeros, &[]);
        let said = pushed.stderr();
        assert!(said.contains("fatal: Out of memory, malloc failed (tried to allocate 12582912"), "{said}");
        assert!(pushed.stdout().contains("unpack index-pack abnormal exit"), "{pushed}");
        assert_eq!((tags(&hub).as_str(), objects(&hub)), (TAGS, before));
        alice.commit("x", "small", "1");
        push(&alice, &["HEAD:new"]).is(&silent());
    }
}

/// 91 objects of 2 MiB each, as one base and deltas: git would store each in a file of its own.
fn a_small_pack_cannot_fill_the_disk() {
    for git in &machine().gits {
        let (hub, alice) = scene_with("", &git.path);
        let head = hub.git_in("alice/x", &["rev-parse", "main"]);
        let pushed = send(&alice, "disk", head.trim_end(), &[]);
        assert!(pushed.stdout().contains("ok refs/tags/new"), "{pushed}");
        let stored: u64 = objects(&hub).iter().map(|(_, size)| size).sum();
        assert!((2 << 20..3 << 20).contains(&stored), "{stored} bytes are stored");
    }
}

/// git completes a pack whose deltas refer to objects of the repository with a copy of each.
fn what_a_push_stores_counts_and_not_only_what_it_sends() {
    let (hub, alice) = scene("push_bytes = 1000000");
    let mut blobs = Vec::new();
    for number in 0..3 {
        let name = format!("large{number}");
        let random = format!("import random, sys; sys.stdout.buffer.write(random.Random({number}).randbytes(400000))");
        alice.write(
            &format!("x/{name}"),
            run(Command::new("python3").args(["-c", &random])).succeeded().stdout.as_slice(),
        );
        alice.git_in("x", &["add", &name]).succeeded();
        alice.git_in("x", &["commit", "--quiet", "-m", &name]).succeeded();
        push(&alice, &["HEAD:main"]).is(&silent());
        blobs.push(hub.git_in("alice/x", &["rev-parse", &format!("main:{name}")]).trim_end().to_owned());
    }
    let before = objects(&hub);
    let bases: Vec<&str> = blobs.iter().map(String::as_str).collect();
    let pushed = send(&alice, "thin", bases[0], &bases);
    let said = pushed.stderr();
    assert!(said.starts_with("hubgate: this push stores 120"), "{said}");
    assert!(said.contains(" bytes, of at most 1000000 at once: push in parts\n"), "{said}");
    assert!(pushed.stdout().contains("ng refs/tags/new pre-receive hook declined"), "{pushed}");
    assert_eq!((tags(&hub).as_str(), objects(&hub)), (TAGS, before));
    assert!(send(&alice, "thin", bases[0], &bases[..2]).stdout().contains("ok refs/tags/new"));
}

fn a_push_certificate_is_neither_asked_for_nor_kept() {
    for git in &machine().gits {
        let (hub, alice) = scene_with("", &git.path);
        let signed = alice.git_in("x", &["push", "--signed", "origin", "HEAD:refs/heads/new"]);
        assert!(signed.stderr().contains("the receiving end does not support --signed push"), "{signed}");
        let before = objects(&hub);
        let head = hub.git_in("alice/x", &["rev-parse", "main"]);
        // git reads a certificate that it has not asked for.
        let pushed = send(&alice, "certificate", head.trim_end(), &[]);
        // git says first that it cannot check the signature.
        assert!(
            pushed.stderr().ends_with("hubgate: push certificates are not accepted: push without --signed\n"),
            "{pushed}"
        );
        assert_eq!((tags(&hub).as_str(), objects(&hub)), (TAGS, before));
        // An object that the repository had before stays.
        let text = run(Command::new("python3").args(["-c", PUSH, "certificate", head.trim_end(), "text"]));
        let mut write = hub.as_login(&git.path);
        write.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(hub.directory("alice/x"));
        run_with(write.args(["hash-object", "-w", "--stdin"]), &text.succeeded().stdout).succeeded();
        let before = objects(&hub);
        send(&alice, "certificate", head.trim_end(), &[]);
        assert_eq!(objects(&hub), before);
    }
}

fn dangerous_refs_are_refused_each_with_its_reason() {
    let (hub, alice) = scene("");
    let id = "835d0c0a38e1b9aa60c83dd70a1d226ac316453d";
    let deep = format!("refs/heads/{}x", "d/".repeat(20));
    let signs = "is not accepted: a ref is UTF-8 text without invisible characters, and no part of it starts with '-'";
    for (name, why) in [
        (
            "refs/pull/1/head",
            "is not accepted: this hub accepts only branches (refs/heads/), tags (refs/tags/) and notes (refs/notes/)",
        ),
        ("refs/heads/-x", signs),
        (&deep, "is not accepted: a ref has at most 255 bytes and 10 levels"),
        (
            &format!("refs/tags/{id}"),
            "is not accepted: git could confuse a ref named HEAD, or named like an object id, with HEAD or that object",
        ),
    ] {
        let pushed = push(&alice, &[&format!("HEAD:{name}")]);
        let way_out = "to push branches and tags only: git push --all && git push --tags";
        let way_out = name.starts_with("refs/pull").then_some(way_out);
        let said = format!("{name} {why}");
        is_refused(&hub, &alice, &pushed, &[said.as_str()].into_iter().chain(way_out).collect::<Vec<_>>());
    }
    // What is invisible is shown by its number.
    let pushed = push(&alice, &["HEAD:refs/heads/\u{202e}x"]);
    assert!(pushed.stderr().contains(&format!("hubgate: refs/heads/\\u{{202e}}x {signs}")), "{pushed}");
    // Each bad name has its sentence, and the others are accepted.
    let pushed = push(&alice, &["HEAD:refs/heads/fine", "HEAD:refs/x/y", "HEAD:refs/heads/-x"]);
    let place = "refs/x/y is not accepted: this hub accepts only branches (refs/heads/), tags (refs/tags/) and notes \
                 (refs/notes/)";
    let mut said: Vec<String> = pushed
        .stderr()
        .lines()
        .filter(|line| line.contains("is not accepted"))
        .map(|line| line.trim_end().to_owned())
        .collect();
    said.sort();
    assert_eq!(said, [format!("remote: hubgate: refs/heads/-x {signs}"), format!("remote: hubgate: {place}")]);
    assert_eq!(branches(&hub), "fine\nmain\n");
    // Existing refs may be deleted, whatever their names are.
    hub.git_in("alice/x", &["update-ref", "refs/heads/-x", "refs/heads/main"]);
    push(&alice, &[":refs/heads/-x"]).is(&silent());
}
