use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::{Connection, FileVersion, Files, Mode, Opened, Reader};
use crate::db::{Error, OwnerKind, Store};

/// A database in WAL mode whose `-wal` stays, with one number in it.
struct Numbers {
    directory: TempDir,
    writer: rusqlite::Connection,
}

impl Numbers {
    fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join(name).parent().unwrap()).unwrap();
        let writer = rusqlite::Connection::open(directory.path().join(name)).unwrap();
        writer.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (n); INSERT INTO t VALUES (1)").unwrap();
        let numbers = Self { directory, writer };
        numbers.empty_wal();
        numbers
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn empty_wal(&self) {
        self.writer.execute_batch("PRAGMA wal_checkpoint(truncate)").unwrap();
    }

    fn write(&self, number: i64) {
        self.writer.execute("UPDATE t SET n = ?1", [number]).unwrap();
    }
}

fn number(connection: Connection<'_>) -> Result<i64, Error> {
    Ok(connection.first("SELECT n FROM t", &[], |row| row.get("n"))?.unwrap())
}

fn mode(path: &Path) -> Mode {
    if Opened::new(path, Mode::Locked).unwrap().unchanged.is_some() { Mode::Immutable } else { Mode::Locked }
}

#[test]
fn the_bundled_sqlite_does_not_corrupt_its_wal() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    let numbers = Numbers::new("n.db");
    let query = "SELECT sqlite_version() AS version";
    let library = Connection(&numbers.writer).first(query, &[], |row| row.get::<String>("version")).unwrap();
    assert_eq!(library.as_deref(), Some(rusqlite::version()), "the bundled library and not the machine's");
}

#[test]
fn an_answer_is_rejected_if_the_database_changed_during_the_read() {
    for checkpoint in [false, true] {
        let numbers = Numbers::new("n.db");
        let path = numbers.path("n.db");
        assert_eq!(mode(&path), Mode::Immutable);
        let asked = Cell::new(0);
        let answer = Reader::open(&path).unwrap().ask(|connection| {
            let answer = number(connection);
            if asked.replace(asked.get() + 1) == 0 {
                numbers.write(2);
                if checkpoint {
                    numbers.empty_wal();
                }
            }
            answer
        });
        assert_eq!((answer.unwrap(), asked.get()), (2, 2), "checkpoint: {checkpoint}");
    }
}

#[test]
fn a_reader_that_stays_open_sees_each_change() {
    let numbers = Numbers::new("n.db");
    let reader = Reader::open(&numbers.path("n.db")).unwrap();
    for written in 2..6 {
        numbers.write(written);
        assert_eq!((mode(&numbers.path("n.db")), reader.ask(number).unwrap()), (Mode::Locked, written));
        numbers.empty_wal();
        assert_eq!((mode(&numbers.path("n.db")), reader.ask(number).unwrap()), (Mode::Immutable, written));
    }
}

#[test]
fn a_wal_is_longer_than_its_header_before_it_has_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hubgate.db");
    let length = || fs::metadata(directory.path().join("hubgate.db-wal")).unwrap().len();
    drop(Store::create(&path).unwrap());
    assert_eq!(length(), 0);
    let mut store = Store::open(&path).unwrap();
    let change = |store: &mut Store| store.change("test", |_| Ok::<_, Error>(length())).unwrap();
    assert_eq!(change(&mut store), super::WAL_HEADER + 1);
    let name = "alice".parse().unwrap();
    store.change("test", |change| change.add_owner(OwnerKind::User, &name, true)).unwrap();
    // A `-wal` with frames stays as long as it is.
    let whole = length();
    assert!(whole > 4096);
    assert_eq!(change(&mut store), whole);
}

#[test]
fn a_rollback_journal_makes_the_reader_use_locks() {
    let numbers = Numbers::new("n.db");
    fs::write(numbers.path("n.db-journal"), "").unwrap();
    assert_eq!(mode(&numbers.path("n.db")), Mode::Locked);
}

#[test]
fn a_file_that_changed_within_a_clock_tick_is_not_read_without_locks() {
    let second = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let changed =
        |nanoseconds| FileVersion { file: (1, 2), size: 0, modified: (0, 0), changed: (1_700_000_000, nanoseconds) };
    let are_settled = |database, wal: Option<i64>, milliseconds| {
        let files = Files { database: changed(database), wal: wal.map(changed) };
        files.are_settled(second + Duration::from_millis(milliseconds))
    };
    assert!(!are_settled(0, None, 0) && !are_settled(0, None, 10) && are_settled(0, None, 11));
    assert!(!are_settled(0, Some(5_000_000), 11) && are_settled(0, Some(5_000_000), 16));
    // After the clock was set back, a later change has an earlier time. The reader detects this too.
    assert!(are_settled(900_000_000, Some(900_000_000), 0));
}

#[test]
fn no_path_adds_a_parameter_to_the_uri() {
    for name in ["a b/n.db", "n?immutable=1", "n%41.db", "n#.db", "n&vfs=none", "é\u{202e}/n.db"] {
        let numbers = Numbers::new(name);
        numbers.write(2);
        assert_eq!(Reader::open(&numbers.path(name)).unwrap().ask(number).unwrap(), 2, "{name}");
        numbers.empty_wal();
        assert_eq!(Reader::open(&numbers.path(name)).unwrap().ask(number).unwrap(), 2, "{name}");
    }
}

#[test]
fn only_a_file_that_is_missing_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let short = directory.path().join("d".repeat(251));
    fs::write(&short, "").unwrap();
    assert!(Files::of(&short).is_err_and(|error| error.raw_os_error() == Some(nix::libc::ENAMETOOLONG)));
    let shorter = directory.path().join("d".repeat(240));
    fs::write(&shorter, "").unwrap();
    assert!(Files::of(&shorter).is_ok_and(|files| files.wal.is_none()));
}
