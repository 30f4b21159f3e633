//! Power loss, as far as copies of files can simulate it: copies of the database while a writer runs, changed as a disk
//! might change them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Test;
use crate::child::Asker;
use crate::hub::{Hub, give};
use crate::killed::{Reported, Writer, state};
use crate::model::{self, Random};
use crate::run::{helper_answer, sqlite3};

pub(crate) const TESTS: [Test; 1] = [("power_lost_at_any_moment_leaves_a_prefix_of_the_changes", power_lost)];

/// The database's files at one moment.
#[derive(Debug, Clone)]
struct Files {
    database: Vec<u8>,
    wal: Vec<u8>,
    shm: Vec<u8>,
}

/// The possible states of `-shm`, which is never synced, after a restart.
#[derive(Debug, Clone, Copy)]
enum Shm {
    AsItWas,
    Zeros,
    Noise,
    Missing,
}

/// The possible states of data that was being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    None,
    /// The `-wal` ends in the middle of its last frame.
    TornFrame,
    /// Some sectors of the pages that a checkpoint was copying are new, others old.
    TornPages,
}

/// The valid frames of a `-wal` (sqlite.org/fileformat2.html#walformat).
#[derive(Debug)]
struct Wal<'a> {
    bytes: &'a [u8],
    page_size: usize,
    frames: usize,
}

const WAL_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

fn number(bytes: &[u8], at: usize) -> usize {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    bytes.try_into().expect("64 bits")
}

impl<'a> Wal<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let page_size = number(bytes, 8).max(512);
        let mut wal = Self { bytes, page_size, frames: 0 };
        while let Some(frame) = wal.frame(wal.frames) {
            // Frames of the previous round have other salts.
            if frame.get(8..16) != bytes.get(16..24) {
                break;
            }
            wal.frames += 1;
        }
        wal
    }

    fn start(&self, frame: usize) -> usize {
        WAL_HEADER + frame * (FRAME_HEADER + self.page_size)
    }

    fn frame(&self, frame: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.start(frame)..self.start(frame + 1))
    }

    /// How many of the first `frames` frames belong to complete changes.
    fn committed(&self, frames: usize) -> usize {
        let is_last_of_change = |frame: &usize| self.frame(*frame).is_some_and(|frame| number(frame, 4) != 0);
        (0..frames).rev().find(is_last_of_change).map_or(0, |frame| frame + 1)
    }

    /// The newest content of each page in complete changes.
    fn pages(&self) -> BTreeMap<usize, &'a [u8]> {
        let frames = (0..self.committed(self.frames)).filter_map(|frame| self.frame(frame));
        frames.filter_map(|frame| Some((number(frame, 0), frame.get(FRAME_HEADER..)?))).collect()
    }
}

impl Files {
    fn copy(hub: &Hub) -> Self {
        let read = |suffix| fs::read(hub.beside(suffix)).unwrap_or_default();
        Self { database: read(""), wal: read("-wal"), shm: read("-shm") }
    }

    /// How many frames a checkpoint may have begun to copy; `None` if the index does not belong to this `-wal`.
    fn checkpointed(&self) -> Option<usize> {
        let of_this_wal = self.shm.get(32..40) == self.wal.get(16..24) && self.shm.get(12) == Some(&1);
        // nBackfillAttempted, in native byte order (wal.c, `WalCkptInfo`).
        let attempted = self.shm.get(128..132).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
        attempted.filter(|_| of_this_wal).and_then(|attempted| attempted.try_into().ok())
    }

    /// Cuts the `-wal` inside its last frame, unless a checkpoint has begun to copy the frame, which was synced before.
    fn tear_frame(&mut self, random: &Random) -> bool {
        let wal = Wal::of(&self.wal);
        let Some(last) = wal.frames.checked_sub(1) else {
            return false;
        };
        if self.checkpointed().is_none_or(|checkpointed| checkpointed > wal.committed(last)) {
            return false;
        }
        let length = FRAME_HEADER + wal.page_size;
        let cut = wal.start(last) + usize::try_from(random.below(length as u64)).expect("64 bits");
        self.wal.truncate(cut);
        true
    }

    /// Writes to the database what an interrupted checkpoint may have written: each sector is old or new.
    fn tear_pages(&mut self, random: &Random) -> bool {
        let wal = Wal::of(&self.wal);
        if self.checkpointed().is_none() {
            return false;
        }
        let pages = wal.pages();
        for (page, content) in &pages {
            let start = (page - 1) * wal.page_size;
            for (sector, new) in content.chunks(512).enumerate() {
                let at = start + sector * 512;
                if random.below(2) == 0 {
                    if self.database.len() < at + new.len() {
                        self.database.resize(at + new.len(), 0);
                    }
                    self.database.get_mut(at..at + new.len()).expect("a sector").copy_from_slice(new);
                }
            }
        }
        !pages.is_empty()
    }

    /// Writes the files to the hub's directory.
    fn place(&self, hub: &Hub, shm: Shm, random: &Random) {
        let put = |path: &Path, bytes: &[u8]| {
            fs::write(path, bytes).expect("a file");
            give(path);
        };
        put(&hub.database(), &self.database);
        put(&hub.beside("-wal"), &self.wal);
        let noise: Vec<u8> = self.shm.iter().map(|_| random.next().to_le_bytes()[0]).collect();
        match shm {
            Shm::AsItWas => put(&hub.beside("-shm"), &self.shm),
            Shm::Zeros => put(&hub.beside("-shm"), &vec![0; self.shm.len()]),
            Shm::Noise => put(&hub.beside("-shm"), &noise),
            Shm::Missing => {}
        }
    }
}

fn power_lost() {
    let copies: u64 = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100) / 8;
    let random = Random::seeded("power lost");
    let hub = Hub::new("power");
    let reported = Reported::new(&hub, 1);
    let mut writer = Writer::start(&hub, false, &reported);
    let mut tried: BTreeMap<String, u32> = BTreeMap::new();
    for copy in 0..copies {
        thread::sleep(Duration::from_micros(random.below(60_000)));
        writer.stop();
        let (done, files) = (reported.done(), Files::copy(&hub));
        writer.go_on();
        if copy % 6 == 5 {
            assert!(writer.kill(), "a writer ended by itself");
            // From now on with a checkpoint after each change, or without one again.
            writer = Writer::start(&hub, copy % 12 == 5, &reported);
        }
        for (variant, shm) in [Shm::AsItWas, Shm::Zeros, Shm::Noise, Shm::Missing].into_iter().enumerate() {
            let loss = match (copy + variant as u64) % 3 {
                0 => Loss::None,
                1 => Loss::TornFrame,
                _ => Loss::TornPages,
            };
            let mut files = files.clone();
            let loss = match loss {
                Loss::TornFrame if files.tear_frame(&random) => loss,
                Loss::TornPages if files.tear_pages(&random) => loss,
                Loss::None | Loss::TornFrame | Loss::TornPages => Loss::None,
            };
            *tried.entry(format!("{loss:?}, shm {shm:?}")).or_default() += 1;
            let lost = Hub::bare(&hub.path(&format!("copy-{copy}-{variant}")));
            files.place(&lost, shm, &random);
            // A reported change is safe. Only a torn frame may lose the last change.
            let least = if loss == Loss::TornFrame { done - 1 } else { done };
            try_copy(&lost, &[least, done, done + 1], &random);
            fs::remove_dir_all(lost.path("")).expect("remove a copy");
        }
    }
    assert!(writer.kill(), "a writer ended by itself");
    eprintln!("power lost: {copies} instants, {} changes, {tried:?}", reported.done());
    let torn = |what: &str| tried.iter().filter(|(how, _)| how.starts_with(what)).map(|(_, count)| count).sum::<u32>();
    assert!(copies < 50 || torn("TornFrame") > 1 && torn("TornPages") > 1, "{tried:?}");
}

/// Reads the copy with read-only rights, then continues with a writer.
fn try_copy(hub: &Hub, candidates: &[u64], random: &Random) {
    let mut asker = Asker::new(hub);
    let done = state(&mut asker, candidates, random);
    let key = random.key(done);
    assert_eq!(helper_answer(hub, key), Ok(model::answer(key, done)));
    let reported = Reported::new(hub, done);
    let writer = Writer::start(hub, false, &reported);
    while reported.done() < done + 3 {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(writer.kill(), "a writer ended by itself");
    let known = reported.done();
    state(&mut asker, &[known, known + 1], random);
    drop(asker);
    assert_eq!(sqlite3(hub.database(), "PRAGMA integrity_check"), "ok\n");
}
