//! A process that is killed during an upload, and a real client if one is installed.
//!
//! The process is this test program, which runs only the test [`a_session_in_a_process`]. Its output is descriptor 3,
//! because the test runner writes to descriptor 1.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::hash::BESIDE;
use super::super::standalone;
use super::super::storage::Naming;
use super::*;
use crate::sandbox;

/// The directory and the operation of such a process.
const DIRECTORY: &str = "HUBGATE_TEST_LFS_DIRECTORY";
const OPERATION: &str = "HUBGATE_TEST_LFS_OPERATION";
/// How its files get their names, if the test prescribes it.
const NAMING: &str = "HUBGATE_TEST_LFS_NAMING";
/// Whether it serves as nobody and in the hub's sandbox.
const SANDBOXED: &str = "HUBGATE_TEST_LFS_SANDBOXED";
const NOBODY: u32 = 65_534;

#[test]
fn a_session_in_a_process() {
    let (Some(directory), Ok(operation)) = (std::env::var_os(DIRECTORY), std::env::var(OPERATION)) else { return };
    let output = File::options().write(true).open("/dev/fd/3").unwrap();
    let naming = std::env::var(NAMING).ok().and_then(|naming| namings().find(|known| format!("{known:?}") == naming));
    if std::env::var_os(SANDBOXED).is_some() {
        if nix::unistd::Uid::effective().is_root() {
            nix::unistd::setgid(NOBODY.into()).unwrap();
            nix::unistd::setuid(NOBODY.into()).unwrap();
        }
        let repository = File::open(&directory).unwrap();
        sandbox::enter(sandbox::Mode::Required, repository.as_fd(), &sandbox::Plan::upload(&[])).unwrap();
    }
    standalone::serve_on(Path::new(&directory), operation.parse().unwrap(), output, naming).unwrap();
}

fn namings() -> impl Iterator<Item = Naming> {
    [Naming::Descriptor, Naming::Proc, Naming::Rename].into_iter()
}

/// The words of a shell that start such a process.
fn shell_command() -> String {
    let program = std::env::current_exe().unwrap();
    format!(
        "exec '{}' --exact lfs::tests::crashes::a_session_in_a_process --nocapture 3>&1 >/dev/null",
        program.display()
    )
}

/// Such a process.
fn process(hub: &Hub, naming: Option<Naming>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &shell_command()]).env(DIRECTORY, hub.directory.path()).env(OPERATION, "upload");
    if let Some(naming) = naming {
        command.env(NAMING, format!("{naming:?}"));
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    std::fs::create_dir(hub.directory.path().join("objects")).unwrap();
    command
}

/// Starts an upload, waits until the process has its partial file open, and sends the process a signal.
fn ended_in_the_middle(naming: Option<Naming>, signal: Signal) -> (Hub, std::process::ExitStatus) {
    let hub = Hub::new();
    let mut child = process(&hub, naming).spawn().unwrap();
    let input = bytes("version 1; 0000; put-object {abc}; size=3; 0001; =ab");
    child.stdin.as_mut().unwrap().write_all(&input).unwrap();
    // A file without a name also shows as a descriptor. The shell becomes the process and keeps its process id.
    let descriptors = format!("/proc/{}/fd", child.id());
    let is_open = |entry: std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|link| link.to_string_lossy().contains("/lfs/incomplete/"))
    };
    let begin = Instant::now();
    while !std::fs::read_dir(&descriptors).unwrap().flatten().any(is_open) {
        assert!(begin.elapsed() < Duration::from_secs(120), "no upload has begun");
        std::thread::sleep(Duration::from_millis(5));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
    let status = child.wait().unwrap();
    (hub, status)
}

#[test]
fn a_process_that_is_killed_leaves_no_partial_file() {
    let (hub, status) = ended_in_the_middle(None, Signal::SIGKILL);
    assert_eq!(status.signal(), Some(9));
    assert_eq!(partial_files(&hub), Vec::<String>::new());
}

#[test]
fn a_process_that_gets_a_signal_removes_its_partial_file_even_if_it_has_a_name() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let (hub, status) = ended_in_the_middle(Some(Naming::Rename), signal);
        assert_eq!(status.signal(), None, "{signal}");
        assert_eq!(partial_files(&hub), Vec::<String>::new(), "{signal}");
    }
}

#[test]
fn a_named_partial_file_of_a_killed_process_is_removed() {
    let (hub, _) = ended_in_the_middle(Some(Naming::Rename), Signal::SIGKILL);
    let [left] = partial_files(&hub).try_into().unwrap();
    let sweep = || hub.store().sweep(Duration::from_secs(60)).unwrap();
    assert_eq!(sweep(), [""; 0], "it is not old");
    // Opened read-only: an object's mode forbids writing even to its owner, but the owner may set its time.
    let file = File::open(hub.directory.path().join(&left)).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(sweep(), [left.rsplit('/').next().unwrap()]);
}

#[test]
fn files_get_names_and_large_objects_get_a_thread_in_the_sandbox_as_nobody() {
    if !matches!(sandbox::expected(true), sandbox::InForce::Box { landlock: Ok(_), seccomp: Ok(()) }) {
        return;
    }
    let large = vec![7; usize::try_from(BESIDE).unwrap() + 1];
    let put = [
        bytes(&format!(
            "version 1; 0000; put-object {{abc}}; size=3; 0001; =abc; 0000; lock; path=a; 0000; \
            put-object {}; size={}; 0001",
            Oid::of(&large),
            large.len()
        )),
        large.chunks(65_516).flat_map(packet).collect(),
        b"0000".to_vec(),
        bytes("put-object {abc}; size=3; 0001; =abc; 0000; quit; 0000"),
    ]
    .concat();
    for naming in namings().map(Some).chain([None]) {
        let hub = Hub::new();
        hub.put_file(&Oid::of(b"abc"), b"a");
        let mut command = process(&hub, naming);
        command.env(SANDBOXED, "1");
        if nix::unistd::Uid::effective().is_root() {
            let chown = Command::new("chown").args(["-R", &NOBODY.to_string()]).arg(hub.directory.path()).status();
            assert!(chown.unwrap().success());
        }
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let (sent, output) = std::thread::scope(|scope| {
            let sending = scope.spawn(|| input.write_all(&put).map(|()| drop(input)));
            (sending.join(), child.wait_with_output().unwrap())
        });
        let text = words(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            sent.unwrap().is_ok() && text.matches("; status 200; 0000").count() == 5,
            "{naming:?}: {text} {stderr}"
        );
        assert!(text.contains("; status 201; id="), "{naming:?}: {text}");
        assert_eq!(partial_files(&hub), Vec::<String>::new(), "{naming:?}");
        assert_eq!(std::fs::read(hub.place(&Oid::of(b"abc"))).unwrap(), b"abc", "{naming:?}");
    }
}

fn partial_files(hub: &Hub) -> Vec<String> {
    hub.files().into_iter().map(|(path, _)| path).filter(|path| path.contains("incomplete")).collect()
}

/// Runs git in its own directory, with such a process at the other end of ssh.
fn git(home: &Path, at: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(at)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        // git-lfs leaves directories there.
        .env("TMPDIR", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_SSH_COMMAND", home.join("ssh"))
        .env("GIT_SSH_VARIANT", "simple")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_real_client_pushes_pulls_and_locks() {
    if !Command::new("git").args(["lfs", "version"]).output().is_ok_and(|output| output.status.success()) {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let hub = home.path().join("hub.git");
    // Stands for sshd: git commands run unchanged, and LFS commands run the process above.
    let script = format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do shift; done\nset -- $1\ncase $1 in git-lfs-transfer)\n\
         export {DIRECTORY}=\"$2\" {OPERATION}=\"$3\" SSH_CONNECTION='192.0.2.1 1 192.0.2.2 22'\n{}\n;;\n\
         git-lfs-*) exit 127;;\nesac\neval \"$*\"\n",
        shell_command()
    );
    let ssh = home.path().join("ssh");
    std::fs::write(&ssh, script).unwrap();
    std::fs::set_permissions(&ssh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let run = |at: &Path, arguments: &[&str]| {
        let (success, text) = git(home.path(), at, arguments);
        assert!(success, "git {arguments:?}: {text}");
        text
    };
    let url = format!("git@hub.example:{}", hub.display());
    run(home.path(), &["init", "-q", "--bare", "-b", "main", "hub.git"]);
    for (key, value) in [("user.name", "a"), ("user.email", "a@example"), ("lfs.concurrenttransfers", "3")] {
        run(home.path(), &["config", "--global", key, value]);
    }
    run(home.path(), &["lfs", "install", "--skip-repo"]);
    run(home.path(), &["clone", "-q", &url, "work"]);
    let work = home.path().join("work");
    run(&work, &["lfs", "track", "--lockable", "*.bin"]);
    for i in 0..12 {
        std::fs::write(work.join(format!("{i}.bin")), format!("object {i}").repeat(10_000)).unwrap();
    }
    run(&work, &["add", "."]);
    run(&work, &["commit", "-qm", "twelve objects"]);
    run(&work, &["push", "-q", "origin", "HEAD:main"]);
    let objects = std::fs::read_dir(hub.join("lfs/objects")).unwrap().count();
    assert!(objects > 0, "nothing came");

    run(home.path(), &["clone", "-q", &url, "copy"]);
    for i in 0..12 {
        let name = format!("{i}.bin");
        let copy = std::fs::read(home.path().join("copy").join(&name)).unwrap();
        assert!(copy == std::fs::read(work.join(&name)).unwrap(), "{name}");
    }
    run(&hub, &["lfs", "fsck", "--objects", "main"]);

    run(&work, &["lfs", "lock", "3.bin"]);
    let (success, text) = git(home.path(), &work, &["lfs", "lock", "3.bin"]);
    assert!(!success && text.contains("you have already locked 3.bin"), "{text}");
    assert!(run(&work, &["lfs", "locks"]).contains("3.bin"));
    run(&work, &["lfs", "unlock", "3.bin"]);
    assert!(!run(&work, &["lfs", "locks"]).contains("3.bin"));
}
