//! `hubgate lfs serve` with a plain account, and `hubgate lfs check`.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::sessions::peak;
use super::tree;
use super::wire::{Wire, oid};
use crate::harness::{Client, Hub, Outcome, Setup, background, machine, run, run_with, says, trials, wait_until};
use crate::programs::program;

trials![
    lfs_serve_has_the_rights_of_its_caller,
    lfs_serve_rejects_what_is_not_a_repository,
    lfs_check_names_corrupt_and_missing_objects,
    lfs_check_finds_pointers_of_every_length,
    a_corrupt_object_is_replaced_by_verified_bytes,
    lfs_check_shows_its_progress_on_a_terminal,
    lfs_check_takes_little_memory_however_many_objects_are_missing,
];

/// A bare repository of the login account in the hub's directory, and a copy of `hubgate` that every user can run.
fn plain(hub: &Hub) -> (PathBuf, PathBuf) {
    let (repository, program) = (hub.path("plain.git"), hub.path("hubgate"));
    run(Command::new("git").args(["init", "--quiet", "--bare"]).arg(&repository)).succeeded();
    run(Command::new("chown").arg("-R").arg(format!("{0}:{0}", hub.login.name)).arg(&repository)).succeeded();
    // A separate process copies the file. If this process wrote it, a process that another test starts could inherit
    // the descriptor, and the file would stay busy.
    run(Command::new("cp").arg(crate::programs::program("hubgate")).arg(&program)).succeeded();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("a mode");
    (repository, program)
}

/// The packets of a session.
fn packets(lines: &[&str]) -> Vec<u8> {
    let packet = |line: &&str| match *line {
        "0000" | "0001" => (*line).to_owned(),
        line => format!("{:04x}{line}\n", line.len() + 5),
    };
    ["version 1", "0000"].iter().chain(lines).map(packet).collect::<String>().into_bytes()
}

fn serve(mut command: Command, repository: &Path, operation: &str, lines: &[&str]) -> Outcome {
    command.args(["lfs", "serve"]).arg(repository).arg(operation);
    run_with(&mut command, &packets(lines))
}

fn lfs_serve_has_the_rights_of_its_caller() {
    let hub = Hub::new();
    let (repository, program) = plain(&hub);
    let owner = || hub.as_login(&program);
    let other = || {
        let mut command = Command::new(&program);
        let account = &machine().gateway_login;
        std::os::unix::process::CommandExt::uid(&mut command, account.uid);
        std::os::unix::process::CommandExt::gid(&mut command, account.gid);
        command.env_clear().current_dir("/");
        command
    };
    let (name, size) = (oid("abc\n"), "size=4");
    let put = format!("put-object {name}");
    let stored = serve(owner(), &repository, "upload", &[&put, size, "0001", "abc", "0000", "lock", "path=a", "0000"]);
    assert!(stored.status == 0 && stored.stderr.is_empty(), "{stored}");
    let text = stored.stdout();
    // No hub knows the caller, so its name is its login.
    assert!(text.contains("status 201") && text.contains(&format!("ownername={}", hub.login.name)), "{text}");
    let id = text.split("id=").nth(1).and_then(|rest| rest.lines().next()).expect("an id").to_owned();
    // A caller that can read the directory may download, but neither upload nor unlock.
    let get = format!("get-object {name}");
    let got = serve(other(), &repository, "download", &[&get, "0000", "list-lock", "0000"]);
    assert!(got.succeeded().stdout().contains("abc\n"), "{got}");
    assert!(got.stdout().contains(&format!("ownername {id} {}", hub.login.name)), "{got}");
    let (more, unlock) = (format!("put-object {}", oid("def\n")), format!("unlock {id}"));
    let refused = serve(other(), &repository, "upload", &[&more, size, "0001", "def", "0000", &unlock, "0000"]);
    let text = refused.stdout();
    assert!(text.contains("status 500") && text.contains("status 403") && !text.contains("/plain.git"), "{text}");
    assert!(refused.stderr().contains("Permission denied"), "the caller reads the cause: {refused}");
    let unlocked = serve(owner(), &repository, "upload", &[&unlock, "0000"]);
    assert!(unlocked.succeeded().stdout().contains(&format!("id={id}")), "{unlocked}");
    // The command reads no configuration, so an invalid file has no effect.
    fs::write(hub.config(), "garbage").expect("a file");
    serve(owner(), &repository, "download", &[&get, "0000"]).succeeded();
}

fn lfs_serve_rejects_what_is_not_a_repository() {
    let hub = Hub::new();
    let (_, program) = plain(&hub);
    let missing = hub.path("missing");
    let outcome = serve(hub.as_login(&program), &missing, "download", &[]);
    assert_eq!(outcome.status, 1, "{outcome}");
    let sentence = format!("hubgate: {}: ", missing.display());
    assert!(outcome.stdout.is_empty() && outcome.stderr().starts_with(&sentence), "{outcome}");
    let outcome = run(hub.as_login(&program).args(["lfs", "serve", "/", "sideways"]));
    assert_eq!(outcome.status, 2, "{outcome}");
}

/// The file of a stored object.
fn place(hub: &Hub, content: &str) -> PathBuf {
    let name = oid(content);
    hub.directory("alice/x").join("lfs/objects").join(&name[..2]).join(&name[2..4]).join(&name)
}

fn lfs_check_names_corrupt_and_missing_objects() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.empty_repo("alice/other", &[]);
    let files = ["whole", "broken", "short", "missing"].map(|name| (format!("{name}.bin"), name.to_owned()));
    let files: Vec<(&str, String)> = files.iter().map(|(file, content)| (file.as_str(), content.clone())).collect();
    tree(&alice, "alice/x", &files);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    assert_eq!(hub.did(&["lfs", "check"]), "4 objects, 23 bytes: no problems found\n");
    let blob = hub.git_in("alice/x", &["rev-parse", "main:missing.bin"]);
    // A file keeps its owner when only its bytes change.
    fs::write(place(&hub, "broken"), "brokeN").expect("an object");
    fs::write(place(&hub, "short"), "sho").expect("an object");
    fs::remove_file(place(&hub, "missing")).expect("an object");
    let corrupt = |content: &str, found: &str, file: &str, place: &Path| {
        format!("alice/x: {} is corrupt: its hash is {}; {file} {}\n", oid(content), oid(found), place.display())
    };
    let mut expected = [
        corrupt("broken", "brokeN", "the file is", &place(&hub, "broken")),
        corrupt("short", "sho", "the file is", &place(&hub, "short")),
    ];
    expected.sort();
    let aside = "to move corrupt objects aside: hubgate lfs check --quarantine\n";
    let upload = "clients that have the files can upload them: git lfs push --all origin\n";
    let missing = format!("alice/x: {} is missing; a pointer is in the blob {}\n", oid("missing"), blob.trim_end());
    for words in [["lfs", "check"].as_slice(), &["lfs", "check", "alice/x"]] {
        let outcome = hub.hubgate(words);
        assert_eq!((outcome.stdout(), outcome.status), (expected.concat() + &missing + aside + upload, 1), "{outcome}");
    }
    assert_eq!(hub.did(&["lfs", "check", "alice/other"]), "0 objects, 0 bytes: no problems found\n");
    let json = hub.hubgate(&["--json", "lfs", "check", "alice/x"]);
    let json: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((&json["objects"], &json["bytes"]), (&3.into(), &5.into()));
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(3));
    // An object that history no longer names is not missing.
    hub.git_in("alice/x", &["update-ref", "-d", "refs/heads/main"]);
    assert!(!hub.hubgate(&["lfs", "check"]).stdout().contains("is missing"));
    // The next push replaces objects with a wrong size and missing objects.
    alice.git_in("x", &["push", "--quiet", "--force", "origin", "HEAD:main"]).succeeded();
    let push = || alice.git_in("x", &["lfs", "push", "--all", "origin"]).succeeded().status;
    push();
    let left = corrupt("broken", "brokeN", "the file is", &place(&hub, "broken"));
    assert_eq!(hub.hubgate(&["lfs", "check"]).stdout(), left + aside + upload);
    // git-lfs uploads an object again whose file has been moved aside.
    let moved = hub.directory("alice/x").join("lfs/quarantine").join(oid("broken"));
    let outcome = hub.hubgate(&["lfs", "check", "--quarantine"]);
    let expected = corrupt("broken", "brokeN", "moved to", &moved) + upload;
    assert_eq!((outcome.stdout(), outcome.status), (expected, 1), "{outcome}");
    assert_eq!(fs::read_to_string(&moved).expect("the corrupt object"), "brokeN");
    push();
    hub.hubgate(&["lfs", "check", "--quarantine"]).is(&says("4 objects, 23 bytes: no problems found\n"));
}

/// A client that sends the bytes of a corrupt object repairs it.
/// An extension makes a pointer longer, and a large object's size too.
fn lfs_check_finds_pointers_of_every_length() {
    let hub = Hub::with(&Setup { more: "[lfs]\nmode = \"off\"\n", ..Setup::default() });
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    let version = "version https://git-lfs.github.com/spec/v1\n";
    let extension = |number: usize| format!("ext-{number}-case sha256:{}\n", oid("extension"));
    let pointers = [("short", 0, "1"), ("large", 0, "123456789012345"), ("extended", 1, "1"), ("longest", 9, "1")];
    for (name, extensions, size) in pointers {
        let extensions: String = (0..extensions).map(extension).collect();
        let pointer = format!("{version}{extensions}oid sha256:{}\nsize {size}\n", oid(name));
        assert!((120..1_024).contains(&pointer.len()), "{}", pointer.len());
        alice.commit("x", name, &pointer);
    }
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    hub.configure(&Setup::default());
    let check = hub.hubgate(&["lfs", "check", "alice/x"]);
    for (name, ..) in pointers {
        let problem = format!("alice/x: {} is missing; a pointer is in the blob ", oid(name));
        assert!(check.status == 1 && check.stdout().contains(&problem), "{name}: {check}");
    }
}

fn a_corrupt_object_is_replaced_by_verified_bytes() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let put = || {
        let mut session = Wire::open(&alice, "alice/x", "upload");
        session.send(&[&format!("put-object {}", oid("right")), "size=5", "0001"]);
        session.data(b"right");
        let answer = session.ask(&[]);
        session.hang_up();
        answer
    };
    assert_eq!(put(), ["status 200"]);
    fs::write(place(&hub, "right"), "wrong").expect("an object");
    assert_eq!(put(), ["status 200"]);
    assert_eq!(fs::read_to_string(place(&hub, "right")).expect("an object"), "right");
}

fn lfs_check_shows_its_progress_on_a_terminal() {
    let hub = Hub::new();
    hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let object = place(&hub, "an object");
    fs::create_dir_all(object.parent().expect("a directory")).expect("a directory");
    fs::write(&object, "an object").expect("an object");
    chown(&object, Some(hub.login.uid), Some(hub.login.gid)).expect("an owner");
    run(Command::new("chown").arg("-R").arg(&hub.login.name).arg(hub.directory("alice/x"))).succeeded();
    let command = format!("{} --config {} lfs check", program("hubgate").display(), hub.config().display());
    // script(1) gives the command a terminal and records its output.
    let shown = run(Command::new("script").args(["--quiet", "--return", "--command", &command, "/dev/null"]));
    let bar = format!("\r[{}] 100 %", "#".repeat(50));
    assert!(shown.status == 0 && shown.stdout().contains(&bar), "{shown}");
    let (_, behind) = shown.stdout().rsplit_once('%').map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a bar");
    assert_eq!(
        behind.trim_start_matches(['\r', ' ']),
        "1 object, 9 bytes: no problems found\r\n",
        "it is gone at the end"
    );
    // Without a terminal, there is no bar.
    assert_eq!(hub.did(&["lfs", "check"]), "1 object, 9 bytes: no problems found\n");
}

fn lfs_check_takes_little_memory_however_many_objects_are_missing() {
    const COUNT: usize = 100_000;
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.empty_repo("alice/x", &[]);
    let directory = hub.directory("alice/x");
    let version = "version https://git-lfs.github.com/spec/v1";
    let pointer = |number: usize| format!("{version}\noid sha256:{}\nsize 12\n", oid(number.to_string()));
    let blob = |number: usize| {
        let text = pointer(number);
        format!("blob\nmark :{number}\ndata {}\n{text}\n", text.len())
    };
    let entry = |number: usize| format!("M 100644 :{number} {}/{number}\n", number / 1_000);
    let commit = "commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n".to_owned();
    let stream: String = (1..=COUNT).map(blob).chain([commit]).chain((1..=COUNT).map(entry)).collect();
    let mut import = Command::new("git");
    import.args(["-c", "safe.directory=*", "--git-dir"]).arg(&directory).args(["fast-import", "--quiet"]);
    run_with(&mut import, stream.as_bytes()).succeeded();
    run(Command::new("chown").args(["-R", &hub.login.name]).arg(&directory)).succeeded();
    let said = hub.path("said");
    let mut command = hub.hubgate_command();
    command.args(["lfs", "check"]).stdin(Stdio::null()).stdout(fs::File::create(&said).expect("a file"));
    let mut check = background(command.stderr(Stdio::null()));
    let (mut most, process) = (0, check.processes()[0]);
    wait_until("it does not end", || {
        most = most.max(peak(process).unwrap_or_default());
        check.has_ended()
    });
    let said = fs::read_to_string(&said).expect("a report");
    assert_eq!(said.matches(" is missing; a pointer is in the blob ").count(), 10_000);
    let more = "90000 more problems are not shown\nclients that have the files can upload them: ";
    assert!(said.contains(more), "{}", said.lines().last().unwrap_or_default());
    assert!(most > 1 << 20 && most < 50 << 20, "{most} bytes");
}
