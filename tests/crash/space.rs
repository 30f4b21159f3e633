//! A file system that takes no writes, or no more of them: who reads goes on.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::Test;
use crate::faults::is_served;
use crate::hub::Hub;
use crate::killed::{Reported, Writer};
use crate::model;
use crate::run::{helper_answer, sqlite3};

pub(crate) const TESTS: [Test; 4] = [
    ("a_read_only_file_system_is_served", || read_only("read-only", |_| ())),
    ("a_read_only_file_system_without_wal_is_served", || read_only("read-only-clean", close_as_root)),
    ("a_full_disk_is_served_and_keeps_its_keys", || full("full", |_| ())),
    ("a_full_disk_without_wal_is_served_and_keeps_its_keys", || full("full-clean", close_as_root)),
];

/// A small file system in memory, for as long as this lives.
#[derive(Debug)]
struct Disk(PathBuf);

impl Disk {
    fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).expect("a directory");
        let disk = Self(directory);
        disk.mount(&["-t", "tmpfs", "-o", "size=8m,mode=755", "tmpfs"]);
        disk
    }

    fn mount(&self, words: &[&str]) {
        let status = Command::new("mount").args(words).arg(&self.0).status();
        assert!(status.expect("mount runs").success(), "mount {words:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// What a tool leaves that closes the database as SQLite does by default: neither -wal nor -shm.
fn close_as_root(hub: &Hub) {
    sqlite3(hub.database(), "SELECT count(*) FROM key");
    assert!(!hub.beside("-wal").exists() && !hub.beside("-shm").exists());
}

fn read_only(name: &str, prepare: fn(&Hub)) {
    let disk = Disk::new(crate::hub::place(name));
    let hub = Hub::new(name);
    prepare(&hub);
    disk.mount(&["-o", "remount,ro"]);
    is_served(&hub);
    is_served(&hub);
    disk.mount(&["-o", "remount,rw"]);
    is_served(&hub);
}

fn full(name: &str, prepare: fn(&Hub)) {
    let _disk = Disk::new(crate::hub::place(name));
    let hub = Hub::new(name);
    let reported = Reported::new(&hub, 1);
    prepare(&hub);
    let filling = hub.path("filling");
    fill(&filling);
    is_served(&hub);
    // A writer fails and says so; what was there stays.
    let status = Writer::start(&hub, true, &reported).wait();
    assert!(status.code().is_some_and(|code| code != 0), "{status:?}");
    is_served(&hub);
    assert_eq!(helper_answer(&hub, 1), Ok(None));
    fs::remove_file(filling).expect("room again");
    let writer = Writer::start(&hub, true, &reported);
    while reported.done() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(writer.kill(), "a writer ended by itself");
    assert_eq!(helper_answer(&hub, 2), Ok(Some(model::owner(2))));
    is_served(&hub);
}

/// Writes until nothing goes any more.
fn fill(path: &PathBuf) {
    let mut file = File::create(path).expect("a file");
    for size in [1 << 16, 1 << 10, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}
