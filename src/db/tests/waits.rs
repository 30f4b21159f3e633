//! No connection waits for another connection when it ends, and the `-wal` stays bounded.

use std::fs;
use std::time::{Duration, Instant};

use super::{Hub, owner};
use crate::db::engine::Writer;
use crate::db::{OwnerKind, Reader, Store};

/// Far longer than any step takes on a busy machine, and shorter than a change waits for another change.
const NO_WAIT: Duration = Duration::from_secs(5);

/// A reader that keeps the present state of the database.
fn snapshot(hub: &Hub) -> Writer {
    let reader = Writer::open(&hub.path()).unwrap();
    reader.connection().define("BEGIN; SELECT count(*) FROM owner").unwrap();
    reader
}

fn wal_length(hub: &Hub) -> u64 {
    fs::metadata(hub.directory.path().join("hubgate.db-wal")).unwrap().len()
}

/// Disables alice for a reason of 4 KiB, `times` times.
fn disable(store: &mut Store, times: usize) {
    for time in 0..times {
        let reason = format!("{time:04}").repeat(1024);
        store.change("operator:test", |change| change.set_disabled(&owner("alice"), Some(&reason))).unwrap();
    }
}

#[test]
fn a_long_reader_delays_neither_changes_nor_the_end_of_a_connection() {
    let hub = Hub::new();
    let reader = snapshot(&hub);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let path = hub.path();
            scope.spawn(move || {
                let mut store = Store::open(&path).unwrap();
                let name = owner(&format!("user{number}"));
                store.change("operator:test", |change| change.add_owner(OwnerKind::User, &name, true)).unwrap();
            });
        }
    });
    // This connection only reads.
    drop(Store::open(&hub.path()).unwrap());
    assert!(start.elapsed() < NO_WAIT, "{:?}", start.elapsed());
    reader.connection().define("COMMIT").unwrap();
}

#[test]
fn a_reader_answers_while_a_writer_holds_the_lock() {
    let hub = Hub::new();
    let writer = Writer::open(&hub.path()).unwrap();
    writer.connection().define("BEGIN IMMEDIATE; UPDATE owner SET disabled = 'x'").unwrap();
    let start = Instant::now();
    let reader = Reader::open_current(&hub.path()).unwrap();
    assert_eq!(reader.ask(|view| view.owner(&owner("alice"))).unwrap().disabled, None);
    drop(reader);
    drop(Store::open(&hub.path()).unwrap());
    assert!(start.elapsed() < NO_WAIT, "{:?}", start.elapsed());
}

#[test]
fn the_wal_is_empty_when_the_last_connection_has_ended() {
    let mut hub = Hub::new();
    disable(&mut hub.store, 4);
    assert!(wal_length(&hub) > 4 * 4096);
    let Hub { directory, store } = hub;
    drop(store);
    assert_eq!(fs::metadata(directory.path().join("hubgate.db-wal")).unwrap().len(), 0);
}

#[test]
fn a_wal_that_a_long_reader_let_grow_is_cut_by_the_writers_after_it() {
    let mut hub = Hub::new();
    let reader = snapshot(&hub);
    disable(&mut hub.store, 300);
    let grown = wal_length(&hub);
    assert!(grown > 4 << 20, "{grown}");
    reader.connection().define("COMMIT").unwrap();
    // The first change copies the `-wal` into the database. The second change begins the `-wal` again.
    disable(&mut hub.store, 2);
    let cut = wal_length(&hub);
    assert!(cut <= 2 << 20, "{cut}");
}

#[test]
fn a_change_is_copied_into_the_database_before_the_close_locks_readers_out() {
    let hub = Hub::new();
    // With `hub.store` open, the connection below is not the last one: SQLite copies nothing when it closes.
    let mut store = Store::open(&hub.path()).unwrap();
    store.change("operator:test", |change| change.add_owner(OwnerKind::User, &owner("zed"), true)).unwrap();
    drop(store);
    let without_wal = hub.directory.path().join("copy.db");
    fs::copy(hub.path(), &without_wal).unwrap();
    assert!(Reader::open(&without_wal).unwrap().ask(|view| view.owner(&owner("zed"))).is_ok());
}

#[test]
fn a_connection_that_wrote_nothing_copies_nothing_when_it_ends() {
    let hub = Hub::new();
    let grown = wal_length(&hub);
    // The files as a killed writer would leave them.
    let left = tempfile::tempdir().unwrap();
    for name in ["hubgate.db", "hubgate.db-wal"] {
        fs::copy(hub.directory.path().join(name), left.path().join(name)).unwrap();
    }
    let before = fs::read(left.path().join("hubgate.db")).unwrap();
    drop(Store::open(&left.path().join("hubgate.db")).unwrap());
    assert_eq!(fs::metadata(left.path().join("hubgate.db-wal")).unwrap().len(), grown);
    assert!(fs::read(left.path().join("hubgate.db")).unwrap() == before);
}
