//! `hubgate backup`, `restore` and `export`: the database as a file.

use std::fs;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use crate::accounts::{is_usage, json_of, without_times};
use crate::harness::{Hub, Skip, background, machine, refused, run, run_with, says, trials, wait_until};
use crate::programs::program;
use crate::texts::hi;

trials![
    a_backup_is_one_file_that_only_root_reads_and_can_be_restored,
    a_backup_works_through_standard_output_and_input,
    a_backup_replaces_only_a_copy_of_a_database,
    a_file_that_is_not_a_copy_is_not_restored,
    a_restore_looks_at_a_file_before_it_copies_it,
    a_backup_with_values_that_hubgate_does_not_write_changes_nothing,
    a_damaged_or_missing_database_is_restored,
    an_old_wal_beside_a_damaged_database_does_not_come_back,
    restore_names_lost_repositories_and_unknown_directories,
    readers_continue_during_a_restore,
    no_acknowledged_change_is_lost_in_a_restore,
    a_backup_of_a_full_or_read_only_disk_goes_to_another_disk,
    kept_databases_are_listed_and_removed,
    a_killed_restore_leaves_the_old_or_the_new_database,
    export_writes_everything_but_secrets,
];

/// A directory that only root can read.
fn roots_own(hub: &Hub) -> PathBuf {
    let directory = hub.path("roots");
    fs::create_dir(&directory).expect("a directory");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).expect("a mode");
    directory
}

fn words<'a>(verb: &'a str, file: &'a Path) -> [&'a str; 2] {
    [verb, file.to_str().expect("UTF-8")]
}

/// The names of a directory's entries.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    // A backup leaves its time in the directory of the state, which is that of the database.
    names.retain(|name| name != "last-backup");
    names.sort();
    names
}

#[track_caller]
fn restore(hub: &Hub, file: &Path) -> String {
    hub.did(&["restore", file.to_str().expect("UTF-8"), "--yes"])
}

fn a_backup_is_one_file_that_only_root_reads_and_can_be_restored() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let directory = roots_own(&hub);
    let file = directory.join("hub.db");
    let row = hub.directory("alice/x");
    let id: String = row
        .components()
        .rev()
        .take(2)
        .collect::<Vec<_>>()
        .iter()
        .rev()
        .map(|part| part.as_os_str().to_str().expect("UTF-8"))
        .collect();
    let id = id.trim_end_matches(".git");
    hub.hubgate(&words("backup", &file))
        .is(&says(format!("REPOSITORY  ID\nalice/x     {id}\nthe database is in {}\n", file.display())));
    assert_eq!(
        json_of(&hub, &words("backup", &file)),
        json!({ "file": file, "repositories": [{ "path": "alice/x", "id": id }] })
    );
    let copy = file.metadata().expect("a copy");
    assert_eq!((copy.mode() & 0o7777, copy.uid()), (0o600, 0));
    assert_eq!(names(&directory), ["hub.db"]);
    assert_eq!(names(&hub.path("db")), ["hubgate.db", "hubgate.db-shm", "hubgate.db-wal"]);
    // The restore undoes all later changes.
    hub.did(&["key", "remove", &alice.key.fingerprint, "--yes"]);
    hub.did(&["user", "add", "bob"]);
    alice.greet().succeeded().stdout().contains("anonymous").then_some(()).expect("a key on no account");
    let question = hub.hubgate(&words("restore", &file));
    is_usage(&question, "Replace the database of this hub with one of 1 account, 1 key and 1 repository, last changed");
    let said = restore(&hub, &file);
    assert!(said.starts_with("restored 1 account, 1 key and 1 repository\nthe previous database is in "), "{said}");
    alice.greet().is(&says(hi("alice")));
    hub.hubgate(&["user", "show", "bob"]).is(&refused("hubgate: there is no user bob\n"));
    let events = json_of(&hub, &["audit"]);
    let last = events.as_array().and_then(|events| events.last()).expect("an event");
    assert_eq!((&last["event"], &last["actor"]), (&json!("hub.restore"), &json!("operator:root")), "{last}");
    // The previous database can be restored too.
    let before =
        said.lines().nth(1).and_then(|line| line.strip_prefix("the previous database is in ")).expect("a file");
    restore(&hub, Path::new(before));
    hub.did(&["user", "show", "bob"]);
    let database = hub.path("db/hubgate.db").metadata().expect("a database");
    assert_eq!((database.mode() & 0o7777, database.uid(), database.gid()), (0o640, hub.login.uid, machine().keys.gid));
}

fn a_backup_works_through_standard_output_and_input() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/x"]);
    let outcome = hub.hubgate(&["backup", "-"]);
    assert!(outcome.status == 0 && outcome.stdout.starts_with(b"SQLite format 3\0"), "{}", outcome.status);
    assert!(outcome.stderr().starts_with("REPOSITORY  ID\nalice/x     "), "{}", outcome.stderr());
    hub.did(&["user", "add", "bob"]);
    let said = run_with(hub.hubgate_command().args(["restore", "-", "--yes"]), &outcome.stdout);
    assert!(said.stdout().starts_with("restored 1 account"), "{said}");
    // The login account can make copies too.
    let own = hub.path("repositories/copy.db");
    let program = &program("hubgate");
    let mut command = hub.as_login(program);
    command.arg("--config").arg(hub.config()).args(words("backup", &own));
    if run(hub.as_login(program).arg("--version")).status == 0 {
        run(&mut command).succeeded();
        assert_eq!(own.metadata().expect("a copy").uid(), hub.login.uid);
    }
}

fn a_backup_replaces_only_a_copy_of_a_database() {
    let hub = Hub::new();
    let directory = roots_own(&hub);
    let (text, link) = (directory.join("passwd"), directory.join("link"));
    fs::write(&text, "root:x:0:0\n").expect("a file");
    std::os::unix::fs::symlink(&text, &link).expect("a link");
    for file in [&text, &link, &directory, &PathBuf::from("/dev/null")] {
        let problem =
            format!("hubgate: {} exists and is not a copy of a database: name another file\n", file.display());
        hub.hubgate(&words("backup", file)).is(&refused(problem).status(2));
    }
    assert_eq!(fs::read_to_string(&text).expect("a file"), "root:x:0:0\n");
    let database = hub.path("db/hubgate.db");
    let problem = format!("hubgate: {} is the database itself: name another file\n", database.display());
    hub.hubgate(&words("backup", &database)).is(&refused(problem).status(2));
    let nowhere = directory.join("none/hub.db");
    let outcome = hub.hubgate(&words("backup", &nowhere));
    assert!(outcome.status == 1 && outcome.stderr().contains("No such file or directory"), "{outcome}");
    // If the database cannot be read, the old copy stays.
    let copy = directory.join("hub.db");
    hub.did(&words("backup", &copy));
    let yesterday = fs::read(&copy).expect("a copy");
    fs::remove_file(&database).expect("a file");
    assert_eq!(hub.hubgate(&words("backup", &copy)).status, 1);
    assert!(fs::read(&copy).expect("a copy") == yesterday);
    assert_eq!(names(&directory), ["hub.db", "link", "passwd"]);
}

fn a_file_that_is_not_a_copy_is_not_restored() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let directory = roots_own(&hub);
    let copy = directory.join("hub.db");
    hub.did(&words("backup", &copy));
    let sql = |file: &Path, statement: &str| {
        run(Command::new("sqlite3").arg(file).arg(statement)).succeeded();
    };
    let other = |name: &str, statement: &str| {
        let file = directory.join(name);
        fs::copy(&copy, &file).expect("a copy");
        sql(&file, statement);
        file
    };
    let cases = [
        (other("newer", "UPDATE hubgate SET version = 99, min_reader = 99"), "schema version 99 and needs 99 or newer"),
        (other("old", "UPDATE hubgate SET version = 0"), "its tables are not those of a hub's database of version 0"),
        (other("table", "CREATE TABLE more (id INTEGER)"), "its tables are not those of a hub's database of version 4"),
        (
            other("trigger", "CREATE TRIGGER t AFTER INSERT ON owner BEGIN DELETE FROM key; END"),
            "its tables are not those of a hub's database of version 4",
        ),
        (
            other("dangling", "INSERT INTO member VALUES (77, 78, 'admin', NULL)"),
            "it is damaged: a row of the table member refers to a missing row",
        ),
    ];
    for (file, problem) in &cases {
        let outcome = hub.hubgate(&["restore", file.to_str().expect("UTF-8"), "--yes"]);
        assert!(outcome.status == 1 && outcome.stderr().contains(problem), "{outcome}\nexpected: {problem}");
    }
    let text = directory.join("text");
    fs::write(&text, "no database at all, and long enough to be looked at twice\n".repeat(99)).expect("a file");
    let empty = directory.join("empty");
    fs::write(&empty, "").expect("a file");
    let foreign = directory.join("foreign");
    sql(&foreign, "CREATE TABLE x (y)");
    let torn = directory.join("torn");
    fs::write(&torn, &fs::read(&copy).expect("a copy")[..9000]).expect("a file");
    for file in [&text, &empty, &foreign, &torn, &directory, &directory.join("none")] {
        let outcome = hub.hubgate(&["restore", file.to_str().expect("UTF-8"), "--yes"]);
        assert!(outcome.status == 1 && outcome.stderr().contains(file.to_str().expect("UTF-8")), "{outcome}");
    }
    hub.did(&["user", "show", "alice"]);
    assert_eq!(names(&hub.path("db")), ["hubgate.db", "hubgate.db-shm", "hubgate.db-wal"]);
}

/// A program that copied such a file would fill the disk of the database, and here reach the limit of files first.
fn a_restore_looks_at_a_file_before_it_copies_it() {
    let hub = Hub::new();
    let directory = roots_own(&hub);
    let copy = directory.join("hub.db");
    hub.did(&words("backup", &copy));
    let bytes = fs::metadata(&copy).expect("a copy").len();
    let zeros = directory.join("zeros");
    fs::File::create(&zeros).and_then(|file| file.set_len(1 << 40)).expect("a file");
    let longer = directory.join("longer");
    fs::copy(&copy, &longer).expect("a copy");
    fs::File::options().write(true).open(&longer).and_then(|file| file.set_len(1 << 40)).expect("a file");
    // The number of changes for which the length is valid, at byte 92 of the head.
    let silent = directory.join("silent");
    fs::copy(&copy, &silent).expect("a copy");
    let file = fs::File::options().write(true).open(&silent).expect("a file");
    file.write_all_at(&[0xff; 4], 92).and_then(|()| file.set_len(1 << 40)).expect("a file");
    let other = "it is not a database of SQLite\n".to_owned();
    let long = format!("it is not whole: according to its first page, it has {bytes} bytes\n");
    let unknown = "its first page does not say how long it is\n".to_owned();
    for (file, problem) in [(&zeros, other), (&longer, long), (&silent, unknown)] {
        for is_stream in [false, true] {
            let mut command = Command::new("prlimit");
            command.arg("--fsize=16777216").arg(program("hubgate")).arg("--config").arg(hub.config());
            command.args(["restore", "--yes"]).arg(if is_stream { Path::new("-") } else { file });
            command.stdin(fs::File::open(file).expect("a file"));
            let outcome = command.output().expect("hubgate");
            let said = String::from_utf8_lossy(&outcome.stderr);
            assert!(
                outcome.status.code() == Some(1) && said.ends_with(&problem),
                "{} {is_stream}: {outcome:?}",
                file.display()
            );
        }
    }
    assert_eq!(names(&hub.path("db")), ["hubgate.db", "hubgate.db-shm", "hubgate.db-wal"]);
}

fn a_backup_with_values_that_hubgate_does_not_write_changes_nothing() {
    let hub = Hub::new();
    hub.user("alice");
    hub.user("bob");
    for path in ["alice/x", "alice/y"] {
        hub.did(&["repo", "create", path]);
    }
    let directory = roots_own(&hub);
    let copy = directory.join("hub.db");
    hub.did(&words("backup", &copy));
    let dump = || hub.sql("SELECT name FROM owner; SELECT name, directory FROM repository; SELECT title FROM key");
    let before = dump();
    for (statement, problem) in [
        ("UPDATE owner SET name = char(27) || '[31m' WHERE name = 'alice'", "the value of owner.name in row 1 is not"),
        (
            "UPDATE owner SET name = 'anonymous', folded = 'anonymous' WHERE name = 'bob'",
            "the value of owner.name in row 2",
        ),
        (
            "UPDATE repository SET directory = '../../../../../../root/.ssh/0000'",
            "the value of repository.directory in row 1",
        ),
        (
            "UPDATE repository SET directory = (SELECT min(directory) FROM repository)",
            "two repositories have the same directory",
        ),
        (
            "UPDATE key SET blob = x'00' WHERE title LIKE 'alice%'",
            "is not one that hubgate writes: its type, its fingerprint",
        ),
        ("PRAGMA page_size = 1024; VACUUM", "page_size is 1024 and not 4096"),
    ] {
        let file = directory.join("bad.db");
        fs::copy(&copy, &file).expect("a copy");
        run(Command::new("sqlite3").arg(&file).arg(statement)).succeeded();
        let outcome = hub.hubgate(&["restore", file.to_str().expect("UTF-8"), "--yes"]);
        let expected = outcome.stderr().contains(problem) && !outcome.stderr().contains('\u{1b}');
        assert!(outcome.status == 1 && expected, "{statement}: {outcome}");
        assert_eq!(dump(), before, "{statement}");
        // sqlite3 removes the files beside the database.
        let mut left = names(&hub.path("db"));
        left.retain(|name| !name.ends_with("-shm") && !name.ends_with("-wal"));
        assert_eq!(left, ["hubgate.db"], "{statement}");
    }
    // A page of the copy that SQLite does not need to open it.
    let file = directory.join("broken.db");
    let mut bytes = fs::read(&copy).expect("a copy");
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xA5);
    fs::write(&file, bytes).expect("a file");
    let outcome = hub.hubgate(&["restore", file.to_str().expect("UTF-8"), "--yes"]);
    assert!(outcome.status == 1 && outcome.stderr().contains("broken.db: "), "{outcome}");
    assert_eq!(dump(), before);
}

/// The `-wal` of a crash has changes that a restore must not bring back.
fn an_old_wal_beside_a_damaged_database_does_not_come_back() {
    for first in [0, 4096] {
        let hub = Hub::new();
        let alice = hub.user("alice");
        let copy = roots_own(&hub).join("hub.db");
        hub.did(&words("backup", &copy));
        let (database, wal) = (hub.path("db/hubgate.db"), hub.path("db/hubgate.db-wal"));
        // A long reader keeps the changes in the `-wal`.
        let mut reader = Command::new("sqlite3");
        reader.arg("-readonly").arg(&database).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = background(&mut reader);
        let (mut input, mut output) = process.streams();
        std::io::Write::write_all(&mut input, b"BEGIN; SELECT count(*) FROM owner;\n").expect("a question");
        std::io::Read::read_exact(&mut output, &mut [0; 2]).expect("an answer");
        hub.did(&["user", "add", "mallory"]);
        assert!(wal.metadata().expect("a -wal").len() > 4096, "the -wal has the change");
        let (old, owner) = (fs::read(&wal).expect("a -wal"), wal.metadata().expect("a -wal"));
        drop(process);
        let mut bytes = fs::read(&database).expect("a database");
        bytes[first..].fill(0xA5);
        fs::write(&database, bytes).expect("a file");
        fs::write(&wal, old).expect("a -wal");
        std::os::unix::fs::chown(&wal, Some(owner.uid()), Some(owner.gid())).expect("an owner");
        let said = restore(&hub, &copy);
        assert!(said.contains(".db.damaged."), "{said}");
        alice.greet().is(&says(hi("alice")));
        hub.hubgate(&["user", "show", "mallory"]).is(&refused("hubgate: there is no user mallory\n"));
        assert_eq!(hub.sql("PRAGMA integrity_check"), "ok\n");
    }
}

fn a_damaged_or_missing_database_is_restored() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let copy = roots_own(&hub).join("hub.db");
    hub.did(&words("backup", &copy));
    let database = hub.path("db/hubgate.db");
    fs::write(&database, "this was a database once").expect("a file");
    assert_eq!(hub.hubgate(&["user", "list"]).status, 1);
    let said = restore(&hub, &copy);
    assert!(said.contains("the previous database is in ") && said.contains(".db.damaged."), "{said}");
    alice.greet().is(&says(hi("alice")));
    hub.did(&["user", "add", "bob"]);
    fs::remove_file(&database).expect("a file");
    let said = "restored 1 account, 1 key and 0 repositories\n1 older file is kept: hubgate kept list\n";
    assert_eq!(restore(&hub, &copy), said);
    alice.greet().is(&says(hi("alice")));
    // A page in the middle: SQLite opens the file but reads wrong data.
    let mut bytes = fs::read(&database).expect("a database");
    bytes[4096..].fill(0xA5);
    fs::write(&database, bytes).expect("a file");
    restore(&hub, &copy);
    alice.greet().is(&says(hi("alice")));
    hub.hubgate(&["user", "show", "bob"]).is(&refused("hubgate: there is no user bob\n"));
    let database = database.metadata().expect("a database");
    assert_eq!((database.mode() & 0o7777, database.uid(), database.gid()), (0o640, hub.login.uid, machine().keys.gid));
}

fn restore_names_lost_repositories_and_unknown_directories() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/old"]);
    let copy = roots_own(&hub).join("hub.db");
    hub.did(&words("backup", &copy));
    let old = hub.directory("alice/old");
    hub.did(&["repo", "create", "alice/new"]);
    let new = hub.directory("alice/new");
    fs::remove_dir_all(&old).expect("a directory");
    let outcome = hub.hubgate(&["restore", copy.to_str().expect("UTF-8"), "--yes"]);
    let said = outcome.stdout();
    let line = format!("{}: not a repository of this hub: adopt it with hubgate repo adopt\n", new.display());
    assert!(outcome.status == 1 && said.contains("alice/old (") && said.contains(&line), "{outcome}");
    let lost = format!("its directory is missing: {}: restore it from a backup", old.display());
    assert!(said.contains(&lost), "{outcome}");
    // With all directories, the status is 0, also if there is an unknown directory.
    hub.did(&["repo", "remove", "alice/old", "--yes"]);
    hub.did(&words("backup", &copy));
    let said = restore(&hub, &copy);
    assert!(said.contains(&line) && said.contains("1 older file is kept: hubgate kept list\n"), "{said}");
}

/// Real processes change the database while another one restores a copy.
fn no_acknowledged_change_is_lost_in_a_restore() {
    for is_damaged in [false, true] {
        let hub = Hub::new();
        hub.did(&["user", "add", "alice"]);
        let copy = roots_own(&hub).join("hub.db");
        hub.did(&words("backup", &copy));
        hub.sql(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
             INSERT INTO audit (at, actor, event, object, detail) SELECT 1, 'operator:root', 'x', 'x', '{}' FROM n",
        );
        if is_damaged {
            // A page in the middle of the audit table. SQLite can still add users.
            hub.sql("PRAGMA wal_checkpoint(TRUNCATE)");
            let database = fs::File::options().write(true).open(hub.path("db/hubgate.db")).expect("a database");
            let middle = database.metadata().expect("a size").len() / 2 / 4096 * 4096;
            std::os::unix::fs::FileExt::write_all_at(&database, &[0xA5; 4096], middle).expect("a page");
        }
        let users = |file: &Path| -> Vec<String> {
            let names = run(Command::new("sqlite3").arg(file).arg("SELECT name FROM owner")).succeeded().stdout();
            names.lines().map(str::to_owned).collect()
        };
        let (done, number) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
        let mut acknowledged = Vec::new();
        std::thread::scope(|scope| {
            let adding = || {
                let mut added = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    let name = format!("user{}", number.fetch_add(1, Ordering::Relaxed));
                    let outcome = hub.hubgate(&["user", "add", &name]);
                    if outcome.status == 0 {
                        added.push(name);
                    }
                }
                added
            };
            let adders: Vec<_> = (0..3).map(|_| scope.spawn(adding)).collect();
            let restores = scope.spawn(|| {
                let more = || {
                    let enough = number.load(Ordering::Relaxed) + 6;
                    wait_until("no user is added", || number.load(Ordering::Relaxed) >= enough);
                };
                for _ in 0..if is_damaged { 1 } else { 5 } {
                    more();
                    restore(&hub, &copy);
                }
                more();
            });
            let restored = restores.join();
            done.store(true, Ordering::Relaxed);
            restored.expect("restores");
            acknowledged.extend(adders.into_iter().flat_map(|adder| adder.join().expect("users")));
        });
        let mut found = users(&hub.path("db/hubgate.db"));
        let kept = json_of(&hub, &["kept", "list"]);
        let kept = kept.as_array().expect("kept files");
        assert_eq!(kept.len(), if is_damaged { 1 } else { 5 }, "{kept:?}");
        for kept in kept {
            assert_eq!(kept["kind"], if is_damaged { "damaged" } else { "before-restore" });
            found.extend(users(Path::new(kept["file"].as_str().expect("a file"))));
        }
        assert!(acknowledged.len() > 10, "{acknowledged:?}");
        let lost: Vec<&String> = acknowledged.iter().filter(|name| !found.contains(name)).collect();
        assert!(lost.is_empty(), "{lost:?} of {} are in no file", acknowledged.len());
    }
}

fn a_backup_of_a_full_or_read_only_disk_goes_to_another_disk() {
    if run(Command::new("unshare").args(["--mount", "true"])).status != 0 {
        Skip::now("this container may not make mount namespaces");
    }
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    hub.did(&["repo", "create", "alice/x"]);
    let directory = roots_own(&hub);
    let db = hub.path("db").display().to_string();
    let read_only = |place: &str| format!("mount --bind {place} {place}\nmount -o remount,bind,ro {place}\n");
    let all_read_only: String = [&db, "/tmp", "/var/tmp"].map(read_only).concat();
    let full = format!(
        "mkdir {db}.aside\nmount --bind {db} {db}.aside\nmount -t tmpfs -o size=400k,mode=2750 full {db}\n\
         chown --reference={db}.aside {db}\ncp -p {db}.aside/* {db}/\ndd if=/dev/zero of={db}/rest 2>/dev/null || true\n"
    );
    for (what, mounts) in [("read-only", read_only(&db)), ("all read-only", all_read_only), ("full", full)] {
        let copy = directory.join(what);
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec", &format!("{mounts}exec \"$@\""), "sh"]);
        command.arg(program("hubgate")).arg("--config").arg(hub.config()).args(words("backup", &copy));
        let outcome = run(&mut command);
        assert!(outcome.status == 0 && outcome.stdout().contains("alice/x"), "{what}: {outcome}");
        let said = run(Command::new("sqlite3").arg(&copy).arg("PRAGMA integrity_check; SELECT name FROM owner"));
        assert_eq!(said.stdout(), "ok\nalice\n", "{what}");
        hub.did(&["restore", copy.to_str().expect("UTF-8"), "--yes"]);
    }
    let left = ["/tmp", "/var/tmp", "/dev/shm"].map(|place| names(Path::new(place))).concat();
    assert!(!left.iter().any(|name| name.starts_with("hubgate.db.new-")), "{left:?}");
}

fn kept_databases_are_listed_and_removed() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let copy = roots_own(&hub).join("hub.db");
    hub.did(&words("backup", &copy));
    assert_eq!(json_of(&hub, &["kept", "list"]), json!([]));
    for _ in 0..3 {
        restore(&hub, &copy);
    }
    let listed = json_of(&hub, &["kept", "list"]);
    let files: Vec<String> = listed
        .as_array()
        .expect("files")
        .iter()
        .map(|kept| kept["file"].as_str().expect("a file").to_owned())
        .collect();
    assert_eq!(files.len(), 3, "{listed}");
    assert_eq!(listed[0]["kind"], "before-restore");
    assert!(hub.did(&["kept", "list"]).contains(&files[0]));
    is_usage(&hub.hubgate(&["kept", "remove", &files[0]]), "Delete 1 file with ");
    assert_eq!(hub.hubgate(&["kept", "remove"]).status, 2);
    // Only kept files are removed, never the database or a file elsewhere.
    let database = hub.path("db/hubgate.db");
    for other in [database.to_str().expect("UTF-8"), copy.to_str().expect("UTF-8"), "/etc/passwd", "."] {
        let outcome = hub.hubgate(&["kept", "remove", other, "--yes"]);
        assert!(outcome.status == 1 && outcome.stderr().contains("is not a kept file"), "{outcome}");
    }
    hub.did(&["kept", "remove", "--older-than", "1d", "--yes"]);
    assert!(files.iter().all(|file| Path::new(file).exists()));
    let name = Path::new(&files[1]).file_name().and_then(|name| name.to_str()).expect("a name");
    let said = hub.did(&["kept", "remove", &files[1], name, &files[1], "--yes"]);
    assert!(said.starts_with("removed 1 file with ") && !Path::new(&files[1]).exists(), "{said}");
    run(Command::new("touch").args(["-d", "3 days ago", &files[0]])).succeeded();
    hub.did(&["kept", "remove", "--older-than", "1d", "--yes"]);
    assert!(!Path::new(&files[0]).exists() && Path::new(&files[2]).exists());
    hub.did(&["kept", "remove", "--all", "--yes"]);
    assert_eq!(names(&hub.path("db")), ["hubgate.db", "hubgate.db-shm", "hubgate.db-wal"]);
}

fn readers_continue_during_a_restore() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let directory = roots_own(&hub);
    let (one, two) = (directory.join("one.db"), directory.join("two.db"));
    hub.did(&words("backup", &one));
    for number in 0..40 {
        hub.did(&["user", "add", &format!("user{number}")]);
    }
    hub.did(&words("backup", &two));
    let (kind, blob) = alice.key.type_and_blob();
    let key = [hub.login.name.as_str(), kind, blob];
    let expected = hub.helper(&key).succeeded().stdout();
    assert!(expected.contains("alice --key SHA256:"), "{expected}");
    let (done, lookups) = (AtomicBool::new(false), std::sync::atomic::AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    hub.helper(&key).is(&says(expected.clone()));
                    lookups.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let restores = scope.spawn(|| {
            for round in 0..6 {
                restore(&hub, if round % 2 == 0 { &one } else { &two });
            }
        });
        let restored = restores.join();
        done.store(true, Ordering::Relaxed);
        restored.expect("six restores");
    });
    assert!(lookups.load(Ordering::Relaxed) > 10);
}

fn a_killed_restore_leaves_the_old_or_the_new_database() {
    let hub = Hub::new();
    let directory = roots_own(&hub);
    let (small, large, copy) = (directory.join("small.db"), directory.join("large.db"), directory.join("copy.db"));
    hub.did(&["user", "add", "alice"]);
    hub.did(&words("backup", &small));
    hub.sql(
        "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
         INSERT INTO owner (name, folded, kind, may_create, created_at) SELECT 'u' || i, 'u' || i, 'user', 1, 0 FROM n",
    );
    let start = Instant::now();
    hub.did(&words("backup", &large));
    let whole = start.elapsed();
    let count = |file: &Path| {
        let statement = "PRAGMA integrity_check; SELECT count(*) FROM owner WHERE removed_at IS NULL";
        run(Command::new("sqlite3").arg("-batch").arg(file).arg(statement)).succeeded().stdout()
    };
    assert_eq!(count(&large), "ok\n20001\n");
    let watched = [copy.clone(), hub.path("db/hubgate.db"), hub.path("db/hubgate.db-wal")];
    let stamps = || {
        let stamp = |file: &PathBuf| file.metadata().ok().map(|file| (file.ino(), file.len(), file.mtime_nsec()));
        watched.iter().map(stamp).collect::<Vec<_>>()
    };
    for round in 0..8 {
        // From the small database to the large one, and back.
        let target = if round % 2 == 0 { &large } else { &small };
        let pause = whole * round / 4;
        for words in [vec!["restore", target.to_str().expect("UTF-8"), "--yes"], words("backup", &copy).to_vec()] {
            let mut command = hub.hubgate_command();
            command.args(&words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // At a random moment or, every other time, at the first change of the file.
            let before = stamps();
            let mut process = background(&mut command);
            if round % 4 < 2 {
                std::thread::sleep(pause);
            } else {
                while stamps() == before && !process.has_ended() {}
            }
            drop(process);
        }
        let users = json_of(&hub, &["user", "list"]).as_array().expect("a list").len();
        assert!([1, 20_001].contains(&users), "{users} users");
        if copy.exists() {
            let counted = count(&copy);
            assert!(["ok\n1\n", "ok\n20001\n"].contains(&counted.as_str()), "{counted}");
        }
    }
    // The next commands remove leftovers of the killed ones. A child process may outlive its killed command for a
    // moment.
    wait_until("a killed command runs on", || hub.commands().is_empty());
    hub.did(&words("backup", &copy));
    restore(&hub, &small);
    for directory in [&directory, &hub.path("db")] {
        assert!(!names(directory).iter().any(|name| name.contains(".new-")), "{:?}", names(directory));
    }
}

fn export_writes_everything_but_secrets() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/x", &["--gated", "manual"]);
    hub.did(&["repo", "collaborator", "set", "acme/x", "bob", "read", "--until", "2999-12-31"]);
    hub.did(&["access", "grant", "acme/x", "bob"]);
    hub.did(&["repo", "rename", "acme/x", "acme/y"]);
    hub.did(&["rule", "add", "hub", "deny", "force", "**", "@everyone", "--final"]);
    hub.did(&["rule", "add", "acme", "deny all ** @deploy-keys"]);
    hub.did(&["check", "set", "acme", "blob-size", "20M"]);
    hub.did(&["repo", "protect", "acme/y", "main", "--update", "bob"]);
    hub.did(&["user", "email", "add", "alice", "alice@example.org"]);
    let code = json_of(&hub, &["invite", "bob"])["code"].as_str().expect("a code").to_owned();
    let export = export_of(&hub);
    let user = |name: &str, emails: &Value| json!({ "name": name, "emails": emails, "may_create": true, "disabled": null, "quota": null, "created_at": "TIME" });
    let confirmed = json!([{ "email": "alice@example.org", "state": "confirmed", "added_at": "TIME" }]);
    assert_eq!(export["users"], json!([user("alice", &confirmed), user("bob", &json!([]))]));
    assert_eq!(export["organizations"], json!([{ "name": "acme", "quota": null, "created_at": "TIME" }]));
    assert_eq!(export["members"], json!([{ "organization": "acme", "user": "alice", "role": "admin", "until": null }]));
    let (kind, blob) = alice.key.type_and_blob();
    assert_eq!(
        export["keys"],
        json!([{
            "fingerprint": alice.key.fingerprint, "user": "alice", "title": "alice@laptop", "type": kind,
            "key": format!("{kind} {blob}"), "scope": "write", "from": null, "added_at": "TIME", "expires_at": null,
            "removal": null, "removed_at": null,
        }])
    );
    assert_eq!(export["repositories"][0]["path"], "acme/y");
    assert_eq!(
        (&export["repositories"][0]["gate"], &export["repositories"][0]["gate_members"]),
        (&json!("manual"), &json!(false))
    );
    assert_eq!(export["collaborators"], json!([{ "path": "acme/y", "user": "bob", "role": "read", "until": "TIME" }]));
    let request = json!({ "path": "acme/y", "user": "bob", "state": "accepted", "asked_at": "TIME", "until": null });
    assert_eq!(export["gate_requests"], json!([request]));
    assert_eq!(export["former_paths"], json!([{ "former": "acme/x", "path": "acme/y", "moved_at": "TIME" }]));
    let protection = [
        "deny force,delete refs/heads/main @everyone",
        "allow create,update refs/heads/main bob",
        "deny create,update refs/heads/main @everyone",
    ];
    assert_eq!(export["checks"], json!([{ "scope": "acme", "checks": { "blob-size": "20971520" } }]));
    assert_eq!(
        export["rules"],
        json!([
            { "scope": "hub", "rules": ["final deny force ** @everyone"] },
            { "scope": "acme", "rules": ["deny all ** @deploy-keys"] },
            { "scope": "acme/y", "rules": protection },
        ])
    );
    let text = hub.did(&["export"]);
    let hash = hub.sql("SELECT lower(hex(code)) FROM invite");
    assert!(!text.contains(&code) && !text.contains(hash.trim_end()) && !text.contains("invit"), "{text}");
    let tables: Vec<&str> = export.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        tables,
        [
            "checks",
            "collaborators",
            "former_paths",
            "gate_requests",
            "hub",
            "keys",
            "members",
            "organizations",
            "repositories",
            "rules",
            "users"
        ]
    );
    assert_eq!(export["hub"], json!([{ "name": "Test Hub", "exported_at": "TIME" }]));
}

/// The rows of an export by their tables; times are replaced by `TIME`.
fn export_of(hub: &Hub) -> Value {
    let mut tables = serde_json::Map::new();
    for line in hub.did(&["export"]).lines() {
        let mut row: Value = serde_json::from_str(line).expect("an object on each line");
        without_times(&mut row);
        let table = row.as_object_mut().and_then(|row| row.remove("table")).expect("a table");
        let rows = tables.entry(table.as_str().expect("a name")).or_insert_with(|| json!([]));
        rows.as_array_mut().expect("rows").push(row);
    }
    tables.into()
}
