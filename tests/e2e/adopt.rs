//! `hubgate repo import`, `adopt`, `restore`: existing repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::accounts::{is_usage, json_of};
use crate::harness::{Client, Hub, Setup, machine, refused, run, says, silent, trials, wait_for};

trials![
    a_removed_repository_is_restored_with_its_grants,
    a_removed_repository_whose_path_is_in_use_is_restored_elsewhere,
    repositories_removed_long_ago_are_deleted_on_request,
    a_directory_without_a_row_is_adopted,
    a_foreign_directory_is_not_adopted,
    links_and_pipes_in_an_imported_directory_are_neither_followed_nor_waited_for,
    a_directory_is_imported_with_branches_tags_and_large_files,
    a_repository_is_imported_over_ssh_and_https,
    an_import_names_the_refs_that_a_push_could_not_create,
    an_import_fails_if_its_source_offers_another_ref_while_it_is_fetched,
    an_import_takes_no_object_of_another_repository,
    a_failed_import_leaves_nothing,
    a_source_cannot_run_anything,
];

fn a_removed_repository_is_restored_with_its_grants() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.repo("alice/x", &["--private"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "read"]);
    let directory = hub.directory("alice/x");
    alice.ssh("repo remove alice/x --yes").succeeded();
    assert_eq!(bob.git(&["ls-remote", &Client::url("alice/x")]).status, 128);
    let list = json_of(&hub, &["repo", "list", "--removed"]);
    assert_eq!(
        (&list[0]["path"], &list[0]["removed_at"], &list[0]["kept_until"]),
        (&json!("alice/x"), &json!("TIME"), &json!("TIME"))
    );
    hub.hubgate(&["repo", "restore", "Alice/X"]).is(&says("restored alice/x (private)\n"));
    assert_eq!(hub.directory("alice/x"), directory);
    bob.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    hub.hubgate(&["repo", "restore", "alice/x"])
        .is(&refused("hubgate: no repository alice/x was removed: hubgate repo list --removed\n"));
    let events = json_of(&hub, &["audit", "--repo", "alice/x"]);
    let names: Vec<&str> =
        events.as_array().expect("a list").iter().filter_map(|event| event["event"].as_str()).collect();
    assert!(names.ends_with(&["repo.delete", "repo.restore"]), "{names:?}");
}

fn a_removed_repository_whose_path_is_in_use_is_restored_elsewhere() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["user", "add", "bob"]);
    let mut directories = Vec::new();
    for _ in 0..2 {
        hub.did(&["repo", "create", "alice/x"]);
        directories.push(hub.directory("alice/x"));
        hub.did(&["repo", "remove", "alice/x", "--yes"]);
    }
    hub.did(&["repo", "create", "alice/x"]);
    let outcome = hub.hubgate(&["repo", "restore", "alice/x"]);
    assert!(
        outcome.status == 1
            && outcome
                .stderr()
                .starts_with("hubgate: 2 repositories alice/x were removed: name one by its directory\nhubgate: --id "),
        "{outcome}"
    );
    let id = |directory: &Path| {
        let name = directory.file_stem().expect("a name").to_str().expect("UTF-8").to_owned();
        let shard = directory.parent().and_then(Path::file_name).expect("a shard").to_str().expect("UTF-8");
        format!("{shard}{name}")
    };
    let first = id(&directories[0]);
    hub.hubgate(&["repo", "restore", "alice/x", "--id", &first])
        .is(&refused("hubgate: there is already a model alice/x\nhubgate: to restore it elsewhere: --as PATH\n"));
    hub.hubgate(&["repo", "restore", "alice/x", "--id", &first, "--as", "datasets/bob/x"])
        .is(&refused("hubgate: it was a model: it cannot come back as a dataset\n"));
    hub.hubgate(&["repo", "restore", "alice/x", "--id", &first, "--as", "bob/old"])
        .is(&says("restored bob/old (public)\n"));
    assert_eq!(hub.directory("bob/old"), directories[0]);
    // A repository of a removed owner needs a new path.
    hub.did(&["user", "remove", "alice", "--transfer-to", "bob", "--yes"]);
    hub.hubgate(&["repo", "restore", "alice/x"])
        .is(&refused("hubgate: there is no account alice\nhubgate: to restore it elsewhere: --as PATH\n"));
    hub.did(&["repo", "restore", "alice/x", "--as", "bob/second"]);
    assert_eq!(hub.directory("bob/second"), directories[1]);
}

fn repositories_removed_long_ago_are_deleted_on_request() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for name in ["alice/old", "alice/young", "alice/x"] {
        hub.did(&["repo", "create", name]);
    }
    let (old, young) = (hub.directory("alice/old"), hub.directory("alice/young"));
    for name in ["alice/old", "alice/young"] {
        hub.did(&["repo", "remove", name, "--yes"]);
    }
    hub.sql("UPDATE repository SET removed_at = removed_at - 30 * 86400 - 1 WHERE name = 'old'");
    is_usage(
        &hub.hubgate(&["repo", "gc", "--all", "--removed"]),
        "Delete for good what was removed more than 30 days ago?",
    );
    hub.did(&["repo", "gc", "--all"]);
    assert!(old.exists());
    hub.hubgate(&["repo", "gc", "--all", "--removed", "--yes"])
        .is(&says(format!("deleted {}\n1 unchanged repository since the last gc\n", old.display())));
    assert!(!old.exists() && young.exists());
    hub.hubgate(&["repo", "gc", "--all", "--removed", "--yes"]).is(&says("1 unchanged repository since the last gc\n"));
    let outcome = hub.hubgate(&["repo", "restore", "alice/old"]);
    outcome.is(&refused(format!("hubgate: the directory of alice/old is gone: {}\n", old.display())));
    hub.did(&["repo", "restore", "alice/young"]);
}

/// A bare repository of this hub whose row is missing.
fn orphan(hub: &Hub, path: &str) -> PathBuf {
    hub.repo(path, &[]);
    let directory = hub.directory(path);
    hub.sql("DELETE FROM repository");
    directory
}

fn a_directory_without_a_row_is_adopted() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let directory = orphan(&hub, "alice/x");
    let shown = directory.to_str().expect("UTF-8");
    hub.hubgate(&["repo", "adopt", shown, "--as", "alice/y"]).is(&says("adopted alice/y (private)\n"));
    assert_eq!(hub.directory("alice/y"), directory);
    alice.git(&["clone", "--quiet", &Client::url("alice/y")]).is(&silent());
    assert_eq!(hub.stranger().ssh("git-upload-pack 'alice/y'").status, 1);
    hub.hubgate(&["repo", "check"]).is(&says("every repository has its directory\n"));
    hub.hubgate(&["repo", "adopt", shown, "--as", "alice/z"])
        .is(&refused(format!("hubgate: {shown} is the directory of alice/y\n")));
    hub.did(&["repo", "remove", "alice/y", "--yes"]);
    let outcome = hub.hubgate(&["repo", "adopt", shown, "--as", "alice/z"]);
    assert!(
        outcome.status == 1 && outcome.stderr().contains("which was removed: hubgate repo restore alice/y --id "),
        "{outcome}"
    );
}

fn a_foreign_directory_is_not_adopted() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let directory = orphan(&hub, "alice/x");
    let root = hub.path("repositories");
    let elsewhere = hub.path("elsewhere/00/0123456789abcdef0123456789abcd.git");
    fs::create_dir_all(&elsewhere).expect("a directory");
    for given in [&root, &elsewhere, &directory.join(".."), &directory.join("refs"), &PathBuf::from("/etc")] {
        let outcome = hub.hubgate(&["repo", "adopt", given.to_str().expect("UTF-8"), "--as", "alice/y"]);
        is_usage(&outcome, "is not a directory of a repository beneath");
    }
    // A link in place of a repository's directory is rejected.
    let link = directory.with_file_name("00000000000000000000000000000a.git");
    std::os::unix::fs::symlink(&elsewhere, &link).expect("a link");
    let adopt = |place: &Path| hub.hubgate(&["repo", "adopt", place.to_str().expect("UTF-8"), "--as", "alice/y"]);
    let outcome = adopt(&link);
    assert!(outcome.status == 1 && outcome.stderr().contains("cannot open"), "{outcome}");
    // A copy that root made belongs to root.
    let copy = directory.with_file_name("00000000000000000000000000000b.git");
    run(Command::new("cp").arg("-r").args([&directory, &copy])).succeeded();
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(&copy)).succeeded();
    let problem =
        format!("hubgate: {} belongs to uid 0: give it to the login account that serves first\n", copy.display());
    adopt(&copy).is(&refused(problem));
    run(Command::new("chown").arg("-R").arg(&hub.login.name).arg(&copy)).succeeded();
    fs::remove_dir_all(copy.join("objects")).expect("a directory");
    let outcome = adopt(&copy);
    assert!(outcome.status == 1 && outcome.stderr().contains(copy.to_str().expect("UTF-8")), "{outcome}");
    hub.hubgate(&["repo", "adopt", directory.to_str().expect("UTF-8"), "--as", "bob/y"])
        .is(&refused("hubgate: there is no account bob\n"));
    assert_eq!(json_of(&hub, &["repo", "list"]), json!([]));
}

/// A repository outside the hub that belongs to root and that every user can read.
fn outside(hub: &Hub, name: &str, format: &str) -> PathBuf {
    let place = hub.path(name);
    run(Command::new("cp").arg("-r").arg(machine().dir.join("seed").join(format)).arg(&place)).succeeded();
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(&place)).succeeded();
    place
}

fn git(place: &Path, words: &[&str]) -> String {
    let mut command = Command::new(&machine().git().path);
    command.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(place).args(words);
    run(&mut command).succeeded().stdout()
}

/// A push could not create such refs, so nobody could push to them later, and their names could act on a terminal.
fn an_import_names_the_refs_that_a_push_could_not_create() {
    let hub = Hub::new();
    hub.user("alice");
    let source = outside(&hub, "source", "sha1");
    let deep = format!("refs/heads/{}x", "d/".repeat(20));
    for name in ["refs/heads/-x", "refs/heads/a\u{a0}b", "refs/heads/\u{202e}x", &deep, "refs/tags/-x"] {
        git(&source, &["update-ref", name, "main"]);
    }
    git(&source, &["symbolic-ref", "HEAD", "refs/heads/a\u{a0}b"]);
    let signs = "a ref is UTF-8 text without invisible characters, and no part of it starts with '-'";
    let place = source.to_str().expect("UTF-8");
    hub.hubgate(&["repo", "import", "alice/x", place]).is(&says(format!(
        "imported alice/x (private): 1 branch, 1 tag, 0 large files\n\
         not imported: refs/heads/-x: {signs}\n\
         not imported: refs/heads/a\\xc2\\xa0b: {signs}\n\
         not imported: {deep}: a ref has at most 255 bytes and 10 levels\n\
         not imported: refs/heads/\\xe2\\x80\\xaex: {signs}\n\
         not imported: refs/tags/-x: {signs}\n"
    )));
    assert_eq!(hub.git_in("alice/x", &["for-each-ref", "--format=%(refname)"]), "refs/heads/main\nrefs/tags/v1\n");
}

fn an_import_fails_if_its_source_offers_another_ref_while_it_is_fetched() {
    let hub = Hub::new();
    hub.user("alice");
    let source = outside(&hub, "source", "sha1");
    let add = "case \"$*\" in *' fetch '*) git \"$1\" \"$2\" update-ref refs/heads/HEAD main;; esac";
    let program = hub.path("git");
    fs::write(&program, format!("#!/bin/sh\ngit \"$@\" || exit\n{add}\n")).expect("a file");
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    hub.configure(&Setup { git: Some(&program), ..Setup::default() });
    let outcome = hub.hubgate(&["repo", "import", "alice/x", source.to_str().expect("UTF-8")]);
    assert!(outcome.stderr().contains("it got the ref refs/heads/HEAD during the import: try again"), "{outcome}");
    assert_eq!(outcome.status, 1);
}

/// hubgate's account can read every repository of the hub, and a stranger's source can refer to any of them.
fn an_import_takes_no_object_of_another_repository() {
    type Plant = fn(&Path, &Path);
    let plants: [(&str, Plant); 6] = [
        ("its objects is a link", |source, private| {
            fs::remove_dir_all(source.join("objects")).expect("a directory");
            std::os::unix::fs::symlink(private.join("objects"), source.join("objects")).expect("a link");
        }),
        ("its objects/pack is a link", |source, private| {
            fs::remove_dir_all(source.join("objects/pack")).expect("a directory");
            std::os::unix::fs::symlink(private.join("objects/pack"), source.join("objects/pack")).expect("a link");
        }),
        ("it has a file objects/info/alternates", |source, private| {
            let alternates = format!("{}\n", private.join("objects").display());
            fs::create_dir_all(source.join("objects/info")).expect("a directory");
            fs::write(source.join("objects/info/alternates"), alternates).expect("a file");
        }),
        ("it has a file commondir", |source, private| {
            fs::write(source.join("commondir"), private.as_os_str().as_encoded_bytes()).expect("a file");
        }),
        ("its refs is a link", |source, private| {
            fs::remove_dir_all(source.join("refs")).expect("a directory");
            std::os::unix::fs::symlink(private.join("refs"), source.join("refs")).expect("a link");
        }),
        ("its .git is a file or a link", |source, private| {
            fs::write(source.join(".git"), format!("gitdir: {}\n", private.display())).expect("a file");
        }),
    ];
    let hub = Hub::new();
    hub.user("alice");
    hub.repo("alice/private", &["--private"]);
    let private = hub.directory("alice/private");
    let id = hub.git_in("alice/private", &["rev-parse", "main"]);
    for (number, (what, plant)) in plants.into_iter().enumerate() {
        let source = outside(&hub, &format!("source{number}"), "sha1");
        plant(&source, &private);
        if !source.join("refs").is_symlink() {
            fs::write(source.join("refs/heads/stolen"), &id).expect("a ref");
        }
        run(Command::new("chmod").args(["-R", "a+rX"]).arg(&source)).succeeded();
        let outcome = hub.hubgate(&["repo", "import", "alice/x", source.to_str().expect("UTF-8")]);
        let said = format!("{what}: hubgate imports only what a directory holds itself");
        assert!(outcome.status == 1 && outcome.stderr().contains(&said), "{what}: {outcome}");
        assert_eq!(hub.hubgate(&["repo", "show", "alice/x"]).status, 1, "{what}");
    }
    // The source itself is a link. The operator may name a repository of the hub.
    let source = hub.path("source");
    std::os::unix::fs::symlink(&private, &source).expect("a link");
    let outcome = hub.hubgate(&["repo", "import", "alice/x", source.to_str().expect("UTF-8")]);
    let said = format!("hubgate: {}: it is a link to a repository of this hub\n", source.display());
    assert!(outcome.status == 1 && outcome.stderr().starts_with(&said), "{outcome}");
    hub.did(&["repo", "import", "alice/copy", private.to_str().expect("UTF-8")]);
    for path in ["alice/private", "alice/copy"] {
        assert_eq!(hub.git_in(path, &["rev-parse", "main"]), id);
    }
}

/// The links of a stranger's source would lead to objects that only the hub's account can read.
fn links_and_pipes_in_an_imported_directory_are_neither_followed_nor_waited_for() {
    let hub = Hub::new();
    hub.user("alice");
    hub.empty_repo("alice/private", &["--private"]);
    let source = outside(&hub, "source", "sha1");
    let place = source.to_str().expect("UTF-8");
    let oid = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let private = hub.directory("alice/private").join("lfs/objects");
    fs::create_dir_all(private.join("ba/78")).expect("a directory");
    fs::write(private.join("ba/78").join(oid), "abc").expect("an object");
    run(Command::new("chown").arg("-R").arg(&hub.login.name).arg(private.parent().expect("a parent"))).succeeded();
    // A link in place of each directory above an object.
    for (number, link) in ["lfs", "lfs/objects", "lfs/objects/ba", "lfs/objects/ba/78"].iter().enumerate() {
        let at = source.join(link);
        fs::create_dir_all(at.parent().expect("a parent")).expect("a directory");
        let target = private.parent().expect("a parent").parent().expect("a parent").join(link);
        std::os::unix::fs::symlink(target, &at).expect("a link");
        let path = format!("alice/{number}");
        let imported = hub.did(&["repo", "import", &path, place]);
        assert!(imported.contains(", 0 large files\n"), "{link}: {imported}");
        assert_eq!(hub.did(&["lfs", "check", &path]), "0 objects, 0 bytes: no problems found\n");
        fs::remove_file(&at).expect("the link");
    }
    // A link and a pipe in place of an object.
    let object = source.join("lfs/objects/ba/78").join(oid);
    fs::create_dir_all(object.parent().expect("a parent")).expect("a directory");
    std::os::unix::fs::symlink(private.join("ba/78").join(oid), &object).expect("a link");
    let refused = |outcome: crate::harness::Outcome| {
        let said = outcome.stderr();
        assert!(outcome.status == 1 && said.contains("it is a link, or not a regular file"), "{outcome}");
    };
    refused(hub.hubgate(&["repo", "import", "alice/link", place]));
    fs::remove_file(&object).expect("the link");
    run(Command::new("mkfifo").args(["-m", "644"]).arg(&object)).succeeded();
    refused(hub.hubgate(&["repo", "import", "alice/pipe", place]));
    // The same in the hub's own store.
    let stored = private.join("ba/78").join(oid);
    for plant in [["ln", "-s", "/etc/passwd"].as_slice(), &["mkfifo"]] {
        fs::remove_file(&stored).expect("an object");
        run(Command::new(plant[0]).args(&plant[1..]).arg(&stored)).succeeded();
        let check = hub.hubgate(&["lfs", "check", "alice/private"]);
        let problem = format!("alice/private: {oid}: it is a link, or not a regular file\n");
        assert!(check.status == 1 && check.stdout().starts_with(&problem), "{check}");
    }
}

fn a_directory_is_imported_with_branches_tags_and_large_files() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    for format in ["sha1", "sha256"] {
        let source = outside(&hub, format, format);
        git(&source, &["branch", "dev", "main"]);
        git(&source, &["update-ref", "refs/pull/1/head", "main"]);
        git(&source, &["symbolic-ref", "HEAD", "refs/heads/dev"]);
        let bytes = b"a large file\n";
        let oid = "3a4a2dd6a45bd3b12d1e2d2b35a5ee2fbb5d8c2e1f0a9e1a6ff5a2a3e9b0f6d1";
        let hash =
            run(Command::new("sh").args(["-c", "printf 'a large file\\n' | sha256sum | cut -d' ' -f1"])).stdout();
        let hash = hash.trim_end();
        let objects = source.join("lfs/objects").join(&hash[..2]).join(&hash[2..4]);
        fs::create_dir_all(&objects).expect("a directory");
        fs::write(objects.join(hash), bytes).expect("a file");
        let path = format!("alice/{format}");
        let place = source.to_str().expect("UTF-8");
        hub.hubgate(&["repo", "import", &path, place]).is(&says(format!(
            "imported {path} (private): 2 branches, 1 tag, 1 large file\n\
             not imported: 1 ref outside branches and tags\n"
        )));
        let shown = json_of(&hub, &["repo", "show", &path]);
        assert_eq!((&shown["object_format"], &shown["visibility"]), (&json!(format), &json!("private")));
        assert_eq!(hub.git_in(&path, &["symbolic-ref", "HEAD"]), "refs/heads/dev\n");
        assert_eq!(
            hub.git_in(&path, &["for-each-ref", "--format=%(refname)"]),
            "refs/heads/dev\nrefs/heads/main\nrefs/tags/v1\n"
        );
        assert_eq!(git(&source, &["rev-parse", "main"]), hub.git_in(&path, &["rev-parse", "main"]));
        assert_eq!(hub.did(&["lfs", "check", &path]), "1 object, 13 bytes: no problems found\n");
        alice.git(&["clone", "--quiet", &Client::url(&path)]).is(&silent());
        // An LFS object whose content does not match its name.
        fs::create_dir_all(source.join("lfs/objects/3a/4a")).expect("a directory");
        fs::write(source.join("lfs/objects/3a/4a").join(oid), bytes).expect("a file");
        let outcome = hub.hubgate(&["repo", "import", "alice/broken", place]);
        let file = source.join("lfs/objects/3a/4a").join(oid);
        let said = format!("{}: the large file is broken", file.display());
        assert!(outcome.status == 1 && outcome.stderr().contains(&said), "{outcome}");
        let owner = run(Command::new("find").arg(hub.path("repositories")).args(["-not", "-user", &hub.login.name]));
        owner.is(&silent());
    }
    let empty = hub.path("empty");
    run(Command::new(&machine().git().path).args(["init", "--quiet", "--bare"]).arg(&empty)).succeeded();
    hub.hubgate(&["repo", "import", "alice/empty", empty.to_str().expect("UTF-8"), "--public"])
        .is(&says("imported alice/empty (public): 0 branches, 0 tags, 0 large files\n"));
}

fn a_repository_is_imported_over_ssh_and_https() {
    const SERVER: &str = "import http.server, ssl, sys
server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1])
server.socket = context.wrap_socket(server.socket, server_side=True)
open(sys.argv[2] + '.new', 'w').write(str(server.server_address[1]))
import os; os.rename(sys.argv[2] + '.new', sys.argv[2])
server.serve_forever()";
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    // From another hub over ssh.
    let other = Hub::new();
    let carol = other.user("carol");
    other.repo("carol/x", &["--private"]);
    let key = hub.path("id");
    fs::copy(&carol.key.file, &key).expect("a key");
    run(Command::new("chown").arg(&hub.login.name).arg(&key)).succeeded();
    let ssh = format!(
        "ssh -F none -oBatchMode=yes -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -oLogLevel=ERROR -i {} -p {}",
        key.display(),
        other.port
    );
    let mut command = hub.hubgate_command();
    let url = format!("{}@127.0.0.1:carol/x", other.login.name);
    run(command.env("GIT_SSH_COMMAND", ssh).args(["repo", "import", "alice/ssh", &url]))
        .is(&says("imported alice/ssh (private): 1 branch, 2 tags, 0 large files\n"));
    // ssh asks about a host that it does not know. Its answer comes from the operator's terminal.
    let answer = "import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said = b''
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    if b'(yes/no' in more:
        os.write(terminal, b'yes\\n')
    said += more
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))";
    let ssh =
        format!("ssh -F none -oUserKnownHostsFile={}/known -i {} -p {}", hub.dir.display(), key.display(), other.port);
    let mut command = Command::new("python3");
    command.env_clear().env("PATH", "/usr/bin:/bin").env("GIT_SSH_COMMAND", ssh).args(["-c", answer]);
    command.arg(crate::programs::program("hubgate")).arg("--config").arg(hub.config());
    let asked = run(command.args(["repo", "import", "alice/asked", &url]));
    assert!(asked.succeeded().stdout().contains("imported alice/asked (private): 1 branch"), "{asked}");
    // From a web server without git support.
    let place = outside(&hub, "web", "sha1");
    git(&place, &["update-server-info"]);
    let certificate = hub.path("certificate.pem");
    let words = [
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ];
    let certificate_file = certificate.to_str().expect("UTF-8");
    run(Command::new("openssl").args(words).args([
        "-keyout",
        certificate_file,
        "-out",
        &format!("{certificate_file}.crt"),
    ]))
    .succeeded();
    let public = fs::read(format!("{certificate_file}.crt")).expect("a certificate");
    let mut pair = fs::read(&certificate).expect("a key");
    pair.extend(public);
    fs::write(&certificate, pair).expect("a file");
    let port_file = hub.path("port");
    let mut server = Command::new("python3");
    server.args(["-c", SERVER, certificate_file]).arg(&port_file).current_dir(&hub.dir);
    server.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let _server = crate::harness::background(&mut server);
    let port: u16 = wait_for(|| fs::read_to_string(&port_file).unwrap_or_default().trim().parse());
    let url = format!("https://alice:secret-token@127.0.0.1:{port}/web");
    let import = |name: &str| {
        let mut command = hub.hubgate_command();
        command.args(["repo", "import", name, &url]);
        command
    };
    run(import("alice/https").env("GIT_SSL_CAINFO", format!("{certificate_file}.crt")))
        .is(&says("imported alice/https (private): 1 branch, 1 tag, 0 large files\n"));
    let outcome = run(&mut import("alice/untrusted"));
    assert!(outcome.status == 1 && outcome.stderr().contains("certificate"), "{outcome}");
    // A password in the URL is neither shown nor kept.
    assert!(!outcome.stderr().contains("secret-token"), "{outcome}");
    let noted = hub.did(&["--json", "audit"]);
    assert!(noted.contains(&format!("https://alice@127.0.0.1:{port}/web")), "{noted}");
    assert!(!noted.contains("secret-token"), "{noted}");
}

fn a_failed_import_leaves_nothing() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/taken"]);
    let before = fs::read_dir(hub.path("repositories")).expect("a directory").count();
    let import = |path: &str, source: &Path| hub.hubgate(&["repo", "import", path, source.to_str().expect("UTF-8")]);
    let good = outside(&hub, "good", "sha1");
    import("alice/taken", &good).is(&refused("hubgate: there is already a model alice/taken\n"));
    import("bob/x", &good).is(&refused("hubgate: there is no account bob\n"));
    for source in ["http://127.0.0.1/x", "git://127.0.0.1/x", "ext::sh -c id", "--upload-pack=id"] {
        let words = ["repo", "import", "alice/x", "--", source];
        is_usage(&hub.hubgate(&words), "the source of a repository is a directory, or a URL with https://");
    }
    let secret = outside(&hub, "secret", "sha1");
    run(Command::new("chmod").arg("700").arg(&secret)).succeeded();
    let outcome = import("alice/x", &secret);
    assert!(
        outcome.status == 1
            && outcome.stderr().ends_with("hubgate: the login account that serves must be able to read it\n"),
        "{outcome}"
    );
    // A commit that git's checks reject, and a missing commit.
    let bad = outside(&hub, "bad", "sha1");
    let tree = git(&bad, &["rev-parse", "main^{tree}"]);
    let commit = hub.path("commit");
    fs::write(
        &commit,
        format!("tree {}\nauthor A <a@example.com> 0 +0000\ncommitter A a@example.com 0 +0000\n\nx\n", tree.trim_end()),
    )
    .expect("a file");
    let id = git(&bad, &["hash-object", "-t", "commit", "-w", "--literally", commit.to_str().expect("UTF-8")]);
    git(&bad, &["update-ref", "refs/heads/bad", id.trim_end()]);
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(&bad)).succeeded();
    let outcome = import("alice/x", &bad);
    assert!(outcome.status == 1 && outcome.stderr().contains("missingEmail"), "{outcome}");
    let torn = outside(&hub, "torn", "sha1");
    run(Command::new("sh").arg("-c").arg(format!("rm -rf {}/objects/pack/*", torn.display()))).succeeded();
    run(Command::new("sh").arg("-c").arg(format!("find {}/objects -type f -delete", torn.display()))).succeeded();
    assert_eq!(import("alice/x", &torn).status, 1);
    assert_eq!(fs::read_dir(hub.path("repositories")).expect("a directory").count(), before);
    hub.hubgate(&["repo", "check"]).is(&says("every repository has its directory\n"));
}

fn a_source_cannot_run_anything() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let source = outside(&hub, "planted", "sha1");
    let signs = hub.path("signs");
    fs::create_dir(&signs).expect("a directory");
    fs::set_permissions(&signs, std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("a mode");
    let sign = signs.join("sign");
    let plant = format!("#!/bin/sh\necho planted >> {}\n", sign.display());
    let hook = source.join("plant");
    fs::write(&hook, &plant).expect("a file");
    run(Command::new("chmod").arg("755").arg(&hook)).succeeded();
    fs::create_dir_all(source.join("hooks")).expect("a directory");
    for name in ["post-checkout", "pre-receive", "update", "post-update", "reference-transaction", "post-receive"] {
        fs::copy(&hook, source.join("hooks").join(name)).expect("a hook");
    }
    let command = hook.to_str().expect("UTF-8");
    for key in [
        "uploadpack.packObjectsHook",
        "core.fsmonitor",
        "core.sshCommand",
        "core.alternateRefsCommand",
        "core.gitProxy",
        "core.pager",
    ] {
        git(&source, &["config", key, command]);
    }
    run(&mut hub.as_login(&hook)).is(&silent());
    fs::remove_file(&sign).expect("the sign of a plant that ran");
    hub.hubgate(&["repo", "import", "alice/x", source.to_str().expect("UTF-8")])
        .is(&says("imported alice/x (private): 1 branch, 1 tag, 0 large files\n"));
    assert!(!sign.exists(), "{}", fs::read_to_string(&sign).unwrap_or_default());
    let config = hub.git_in("alice/x", &["config", "--list", "--local"]);
    assert!(!config.contains("plant"), "{config}");
}
