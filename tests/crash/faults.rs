//! A database that cannot be read, or only in part, and how each of the two small programs reacts.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::Test;
use crate::hub::{Hub, give};
use crate::model::{self, Random};
use crate::run::{Ended, forced_command, gateway, gateway_answer, helper, helper_answer, line, sqlite3};

pub(crate) const TESTS: [Test; 20] = [
    ("missing", || unavailable("missing", |hub| remove(hub, &["", "-wal", "-shm"]), "unable to open database file")),
    ("only_its_wal_is_left", || unavailable("wal-alone", |hub| remove(hub, &[""]), "unable to open database file")),
    ("unreadable", || unavailable("unreadable", |hub| mode(hub, "", 0), "unable to open database file")),
    ("a_directory_in_its_place", || unavailable("directory", make_directory, "disk I/O error")),
    ("a_link_in_its_place", || unavailable("link", make_link, "unable to open database file")),
    ("a_text_in_its_place", || unavailable("text", make_text, "not a database")),
    ("empty", || unavailable("empty", |hub| replace(hub, b""), "no such table: hubgate")),
    ("cut_off", || unavailable("cut-off", cut_off, "database disk image is malformed")),
    ("of_another_program", || unavailable("other", other_schema, "no such table: hubgate")),
    ("of_no_version", || unavailable("no-version", |hub| change(hub, "DELETE FROM hubgate"), "not made by hubgate")),
    ("of_an_unversioned_schema", || {
        unavailable("no-table", |hub| change(hub, "DROP TABLE hubgate"), "no such table: hubgate");
    }),
    ("too_new_to_read", || {
        let newer = "UPDATE hubgate SET version = 99, min_reader = 98";
        unavailable("too-new", |hub| change(hub, newer), "schema version 99 and needs 98 or newer");
    }),
    ("newer_and_readable_is_served", newer_and_readable),
    ("locked_for_longer_than_the_helper_waits", locked),
    ("locked_before_a_change_is_committed_is_served", locked_before_a_change),
    ("a_wal_without_frames_after_a_crash_is_served", wal_without_frames),
    ("an_unreadable_wal_is_not_ignored", unreadable_wal),
    ("a_wal_without_its_index_is_read", wal_without_index),
    ("a_page_of_noise_gives_no_wrong_answer", noise),
    ("a_file_that_never_opens_stops_the_helper_at_its_deadline", never_opens),
];

/// Far longer than a lookup waits for a lock (1 s) and than the helper's alarm (2 s). On a busy machine, only a hang
/// takes this long.
const DEADLINE: Duration = Duration::from_secs(20);

fn remove(hub: &Hub, suffixes: &[&str]) {
    for suffix in suffixes {
        fs::remove_file(hub.beside(suffix)).unwrap_or_else(|error| panic!("{suffix}: {error}"));
    }
}

fn mode(hub: &Hub, suffix: &str, mode: u32) {
    fs::set_permissions(hub.beside(suffix), Permissions::from_mode(mode)).expect("a mode");
}

fn replace(hub: &Hub, bytes: &[u8]) {
    remove(hub, &["-wal", "-shm"]);
    fs::write(hub.database(), bytes).expect("a file");
}

fn change(hub: &Hub, statement: &str) {
    sqlite3(hub.database(), &format!("PRAGMA foreign_keys = off; {statement}"));
}

fn make_text(hub: &Hub) {
    replace(hub, &b"no database\n".repeat(900));
}

fn make_directory(hub: &Hub) {
    remove(hub, &["", "-wal", "-shm"]);
    fs::create_dir(hub.database()).expect("a directory");
}

fn make_link(hub: &Hub) {
    fs::rename(hub.database(), hub.path("db/elsewhere.db")).expect("a rename");
    symlink(hub.path("db/elsewhere.db"), hub.database()).expect("a link");
}

fn cut_off(hub: &Hub) {
    // First all content goes to the database file.
    sqlite3(hub.database(), "PRAGMA wal_checkpoint(TRUNCATE)");
    let file = OpenOptions::new().write(true).open(hub.database()).expect("the database");
    let length = file.metadata().expect("its size").len();
    file.set_len(length / 2).expect("half of it");
}

fn other_schema(hub: &Hub) {
    remove(hub, &["", "-wal", "-shm"]);
    sqlite3(hub.database(), "PRAGMA journal_mode = wal; CREATE TABLE song (title TEXT); PRAGMA user_version = 1");
    give(&hub.database());
}

/// Breaks the database of a new hub, and checks what both programs print.
fn unavailable(name: &str, spoil: impl FnOnce(&Hub), cause: &str) {
    let hub = Hub::new(name);
    assert_eq!(helper_answer(&hub, 0), Ok(Some(model::owner(0))), "before it is broken");
    spoil(&hub);
    is_unavailable(&hub, cause);
}

/// The helper prints the line with which the gateway reports the fault. The gateway reports it with that line and with
/// an earlier line. Each program writes one log line with the cause.
pub(crate) fn is_unavailable(hub: &Hub, cause: &str) {
    let printed = helper(hub, 0);
    assert!((printed.code(), printed.err.as_str()) == (0, "") && printed.took < DEADLINE, "{printed:?}");
    assert_eq!(printed.out, line(hub, "--unavailable", 0));
    let [logged] = printed.log.as_slice() else { panic!("{printed:?}") };
    assert!(logged.starts_with("<35> decision=fault cause=") && logged.contains(cause), "{logged}");
    for (forced_command, cause) in
        [("--unavailable", "authorized-keys"), (&forced_command(Some(&model::owner(0)), 0), cause)]
    {
        for command in [None, Some("git-upload-pack 'u0/x'")] {
            says_unavailable(&gateway(hub, forced_command, command, b"0000"), cause);
        }
    }
}

fn says_unavailable(ended: &Ended, cause: &str) {
    assert!((ended.code(), ended.out.as_str()) == (128, "") && ended.took < DEADLINE, "{ended:?}");
    let reference = ended.err.strip_prefix("hubgate: temporarily unavailable, try again in a minute (reference ");
    let reference = reference.and_then(|rest| rest.strip_suffix(")\n")).unwrap_or_else(|| panic!("{ended:?}"));
    let [logged] = ended.log.as_slice() else { panic!("{ended:?}") };
    assert!(logged.starts_with(&format!("<35> sid={reference} ")), "{logged}");
    assert!(logged.contains(" from=192.0.2.1 decision=fault reason=") && logged.contains(cause), "{logged}");
}

/// Both programs serve: a greeting, and a session in which git answers.
pub(crate) fn is_served(hub: &Hub) {
    assert_eq!(helper_answer(hub, 0), Ok(Some(model::owner(0))));
    assert_eq!(helper_answer(hub, 3), Ok(None));
    assert_eq!(gateway_answer(hub, 0), Ok(Some(model::owner(0))));
    let fetched = gateway(hub, &forced_command(Some(&model::owner(0)), 0), Some("git-upload-pack 'u0/x'"), b"0000");
    assert_eq!(fetched.code(), 0, "{fetched:?}");
    assert!(fetched.out.contains(" refs/heads/main"), "{fetched:?}");
}

fn newer_and_readable() {
    let hub = Hub::new("newer");
    change(&hub, "UPDATE hubgate SET version = 99; ALTER TABLE key ADD COLUMN later TEXT; CREATE TABLE later (x)");
    is_served(&hub);
}

/// A `sqlite3` that has run its statements and holds the database until it is killed.
#[derive(Debug)]
struct Holder(Child);

impl Holder {
    fn new(hub: &Hub, statements: &str) -> Self {
        let mut sqlite3 = Command::new("sqlite3");
        sqlite3.args(["-batch", "-init", "/dev/null"]).arg(hub.database()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = Self(sqlite3.spawn().expect("sqlite3 runs"));
        let to = holder.0.stdin.as_mut().expect("a pipe");
        to.write_all(format!("{statements};\n.print done\n").as_bytes()).expect("a pipe");
        let mut lines = BufReader::new(holder.0.stdout.take().expect("a pipe")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line == "done")), "{statements}");
        holder
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A change made with sqlite3.
const RENAME: &str = "UPDATE owner SET name = 'renamed', folded = 'renamed' WHERE name = 'u1'";

fn locked() {
    let hub = Hub::new("locked");
    let holder = Holder::new(&hub, &format!("PRAGMA locking_mode = exclusive; {RENAME}"));
    is_unavailable(&hub, "database is locked");
    drop(holder);
    is_served(&hub);
}

fn locked_before_a_change() {
    let hub = Hub::new("locked-early");
    let holder = Holder::new(&hub, &format!("PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE; {RENAME}"));
    is_served(&hub);
    drop(holder);
    is_served(&hub);
}

/// A change that is only in the `-wal`.
fn write_to_wal(hub: &Hub) {
    drop(Holder::new(hub, &format!("PRAGMA wal_autocheckpoint = 0; {RENAME}")));
    assert!(hub.beside("-wal").metadata().expect("a -wal").len() > 32);
}

fn wal_without_frames() {
    let hub = Hub::new("no-frames");
    write_to_wal(&hub);
    for length in [567, 33, 32, 31, 1, 0] {
        let wal = OpenOptions::new().write(true).open(hub.beside("-wal")).expect("the -wal");
        wal.set_len(length).expect("its head");
        is_served(&hub);
        assert_eq!(hub.beside("-wal").metadata().expect("the -wal").len(), length, "nobody writes to it");
    }
}

fn unreadable_wal() {
    let hub = Hub::new("unreadable-wal");
    write_to_wal(&hub);
    mode(&hub, "-wal", 0);
    is_unavailable(&hub, "unable to open database file");
}

fn wal_without_index() {
    let hub = Hub::new("no-index");
    write_to_wal(&hub);
    let wal = fs::read(hub.beside("-wal")).expect("the -wal");
    for index in [None, Some(0o640), Some(0)] {
        let _ = fs::remove_file(hub.beside("-shm"));
        if let Some(mode) = index {
            fs::write(hub.beside("-shm"), b"noise").expect("an index");
            give(&hub.beside("-shm"));
            fs::set_permissions(hub.beside("-shm"), Permissions::from_mode(mode)).expect("a mode");
        }
        is_served(&hub);
        assert_eq!(hub.beside("-shm").exists(), index.is_some(), "nobody makes one");
        assert_eq!(fs::read(hub.beside("-wal")).ok().as_ref(), Some(&wal), "nobody writes to it");
    }
}

fn noise() {
    let hub = Hub::new("noise");
    sqlite3(hub.database(), "PRAGMA wal_checkpoint(TRUNCATE)");
    let whole = fs::read(hub.database()).expect("the database");
    let random = Random::new(7);
    let (mut served, mut refused) = (0, 0);
    for page in 0..whole.len() / 4096 {
        let noise: Vec<u8> = (0..512).flat_map(|_| random.next().to_le_bytes()).collect();
        let file = OpenOptions::new().write(true).open(hub.database()).expect("the database");
        file.write_all_at(&noise, (page * 4096) as u64).expect("noise");
        for (key, owner) in [(0, Some(model::owner(0))), (3, None)] {
            match helper(&hub, key) {
                ended if ended.out == line(&hub, &forced_command(owner.as_ref(), key), key) => served += 1,
                ended if ended.out == line(&hub, "--unavailable", key) => refused += 1,
                ended => panic!("page {page} of noise: {ended:?}"),
            }
        }
        file.write_all_at(&whole, 0).expect("the database as it was");
    }
    assert!(served > 4 && refused > 4, "{served} served, {refused} refused");
    is_served(&hub);
}

fn never_opens() {
    let hub = Hub::new("stuck");
    remove(&hub, &["", "-wal", "-shm"]);
    mkfifo(&hub.database(), Mode::S_IRUSR | Mode::S_IWUSR).expect("a FIFO");
    give(&hub.database());
    let ended = helper(&hub, 0);
    assert_eq!((ended.code(), ended.out.as_str(), ended.err.as_str()), (-14, "", ""), "{ended:?}");
    assert!(ended.took < DEADLINE, "{ended:?}");
}
