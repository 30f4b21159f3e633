use std::num::NonZeroU64;

use super::*;
use crate::quota::{Holder, Quota};

/// A directory of repositories, and the counts.
struct Hub {
    directory: tempfile::TempDir,
    usage: Usage,
}

impl Hub {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let usage = Usage::new(&directory.path().join("usage"), directory.path()).unwrap();
        Self { directory, usage }
    }

    fn place(&self, row: u8) -> PathBuf {
        self.directory.path().join(repository(row).directory.relative())
    }

    /// Stores a file of so many bytes.
    fn store(&self, row: u8, file: &str, bytes: u64) {
        let file = self.place(row).join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        File::create(file).unwrap().set_len(bytes).unwrap();
    }

    fn count(&self, row: u8) -> (u64, u64) {
        let Count { git, lfs } = self.usage.count(&repository(row)).unwrap();
        (git, lfs)
    }

    fn reserve(&self, demand: &Demand, bytes: u64) -> Result<Reservation, Full> {
        self.usage.reserve(demand, Part::Lfs, bytes).unwrap()
    }
}

fn repository(row: u8) -> Counted {
    Counted { id: row.into(), directory: Directory::of_id(row.into()) }
}

/// A demand on repository 1 of an owner with the repositories 1 and 2.
fn demand(repository_quota: u64, owner_quota: u64) -> Demand {
    let quota = |bytes| NonZeroU64::new(bytes).map_or(Quota::Unlimited, Quota::Bytes);
    Demand {
        repository: repository(1),
        owner: 7,
        siblings: vec![repository(1), repository(2)],
        quotas: Quotas { repository: quota(repository_quota), owner: quota(owner_quota) },
    }
}

#[test]
fn a_repository_is_measured_once_and_then_counted() {
    let hub = Hub::new();
    hub.store(1, "objects/pack/pack-1.pack", 100);
    hub.store(1, "objects/ab/cd", 10);
    hub.store(1, "objects/tmp_objdir-incoming-x/pack/pack-2.pack", 1_000);
    hub.store(1, "lfs/objects/aa/bb/x", 5);
    hub.store(1, "lfs/incomplete/y", 1_000);
    hub.store(1, "HEAD", 1_000);
    std::os::unix::fs::symlink("/", hub.place(1).join("lfs/objects/root")).unwrap();
    assert_eq!(hub.count(1), (110, 5));
    assert_eq!(hub.count(2), (0, 0), "a directory that is gone stores nothing");
    // Nothing is measured again until a session says that it is necessary.
    hub.store(1, "lfs/objects/aa/bb/z", 50);
    assert_eq!(hub.count(1), (110, 5));
    forget(&hub.usage.file, 1).unwrap();
    assert_eq!(hub.count(1), (110, 55));
}

#[test]
fn sessions_together_reserve_no_more_than_a_quota_has_room_for() {
    let hub = Hub::new();
    hub.store(2, "objects/pack/pack-1.pack", 40);
    let demand = demand(0, 100);
    // Neither object alone is too large.
    let first = hub.reserve(&demand, 35).unwrap();
    assert_eq!(hub.reserve(&demand, 26).unwrap_err(), Full { holder: Holder::Owner, more: 26, used: 75, quota: 100 });
    let second = hub.reserve(&demand, 25).unwrap();
    assert!(hub.reserve(&demand, 1).is_err() && hub.reserve(&demand, 0).is_ok());
    // One fails, the other is stored.
    first.settle(0, 0).unwrap();
    second.settle(25, 0).unwrap();
    assert_eq!(hub.count(1), (0, 25));
    assert!(hub.usage.check(&demand, 36).unwrap().is_err());
    assert!(hub.usage.check(&demand, 35).unwrap().is_ok());
}

#[test]
fn many_processes_at_once_stay_within_a_quota() {
    let hub = Hub::new();
    let stored: u64 = std::thread::scope(|scope| {
        let session = || {
            let demand = demand(1_000, 0);
            (0..100).map(|_| hub.reserve(&demand, 7).map_or(0, |room| room.settle(7, 0).map(|()| 7).unwrap())).sum()
        };
        let sessions: Vec<_> = (0..8).map(|_| scope.spawn(session)).collect();
        sessions.into_iter().map(|session| session.join().unwrap_or(0)).sum::<u64>()
    });
    assert_eq!((stored, hub.count(1).1), (994, 994));
}

#[test]
fn a_reservation_whose_session_died_is_replaced_by_what_is_on_disk() {
    let hub = Hub::new();
    let demand = demand(100, 0);
    // The session dies before or after it stored the object.
    drop(hub.reserve(&demand, 90).unwrap());
    assert!(hub.reserve(&demand, 60).unwrap().settle(0, 0).is_ok(), "its bytes are free again");
    let dead = hub.reserve(&demand, 90).unwrap();
    hub.store(1, "lfs/objects/aa/bb/x", 90);
    drop(dead);
    assert_eq!(hub.count(1), (0, 90));
    assert!(hub.reserve(&demand, 11).is_err());
}

#[test]
fn a_dead_reservation_beside_a_living_one_still_counts() {
    let hub = Hub::new();
    let demand = demand(100, 0);
    let living = hub.reserve(&demand, 10).unwrap();
    drop(hub.reserve(&demand, 80).unwrap());
    assert!(hub.reserve(&demand, 11).is_err(), "the count is not too low at any time");
    hub.store(1, "lfs/objects/aa/bb/x", 10);
    living.settle(10, 0).unwrap();
    assert!(hub.reserve(&demand, 90).is_ok());
}

#[test]
fn a_recount_corrects_a_count_in_both_directions_and_says_so() {
    let hub = Hub::new();
    hub.store(1, "lfs/objects/aa/bb/x", 10);
    let recount = || hub.usage.recount(&repository(1)).unwrap().unwrap();
    let lfs = |lfs| Count { git: 0, lfs };
    assert_eq!(recount(), (None, lfs(10)));
    assert_eq!(recount(), (Some(lfs(10)), lfs(10)));
    for bytes in [30, 0] {
        let before = hub.usage.count(&repository(1)).unwrap();
        hub.store(1, "lfs/objects/aa/bb/x", bytes);
        assert_eq!(recount(), (Some(before), lfs(bytes)));
        assert_eq!(hub.count(1), (0, bytes));
    }
    let living = hub.reserve(&demand(0, 50), 1).unwrap();
    hub.store(1, "lfs/objects/aa/bb/y", 20);
    assert_eq!(hub.usage.recount(&repository(1)).unwrap(), None);
    living.settle(1, 0).unwrap();
    assert_eq!(hub.count(1), (0, 20), "the next session measures a repository that was busy");
}

#[test]
fn a_recount_calls_no_count_wrong_that_the_next_session_measures() {
    let hub = Hub::new();
    let recount = || hub.usage.recount(&repository(1)).unwrap().unwrap();
    let lfs = |lfs| Count { git: 0, lfs };
    assert_eq!(hub.count(1), (0, 0));
    // A push reserves more than it stores, and nothing settles its reservation.
    drop(hub.usage.reserve(&demand(0, 200), Part::Git, 125).unwrap().unwrap());
    hub.store(1, "objects/pack/pack-1.pack", 100);
    assert_eq!(recount(), (Some(Count { git: 100, lfs: 0 }), Count { git: 100, lfs: 0 }));
    // A session without a quota has stored something.
    std::fs::remove_dir_all(hub.place(1).join("objects")).unwrap();
    hub.store(1, "lfs/objects/aa/bb/x", 10);
    forget(&hub.usage.file, 1).unwrap();
    assert_eq!(recount(), (Some(lfs(10)), lfs(10)));
    // The part without a reservation is not measured, so its count is wrong.
    drop(hub.usage.reserve(&demand(0, 200), Part::Git, 125).unwrap().unwrap());
    hub.store(1, "lfs/objects/aa/bb/x", 11);
    assert_eq!(recount(), (Some(lfs(10)), lfs(11)));
}

#[test]
fn a_change_during_the_walk_that_measures_a_repository_is_not_forgotten() {
    let hub = Hub::new();
    let file = hub.usage.open().unwrap();
    let measured = hub.usage.walk(&file, &repository(1), None).unwrap();
    // Behind the walk, another session stores an object uncounted.
    hub.store(1, "lfs/objects/aa/bb/x", 10);
    forget(&hub.usage.file, 1).unwrap();
    hub.usage.enter(&file, &repository(1), &measured, Over::Anything).unwrap();
    assert_eq!(hub.count(1), (0, 10));
    // Changes between two walks count once.
    assert!(hub.usage.read(&file, 1).unwrap().is_settled());
}

#[test]
fn a_reservation_that_was_granted_during_a_walk_stays() {
    let hub = Hub::new();
    let file = hub.usage.open().unwrap();
    // This session found no record and could not measure alone.
    let measured = hub.usage.walk(&file, &repository(1), None).unwrap();
    let reserved = hub.reserve(&demand(100, 0), 80).unwrap();
    let record = hub.usage.enter(&file, &repository(1), &measured, Over::Nothing).unwrap();
    assert_eq!(record.in_use().sum(), 80);
    assert!(hub.reserve(&demand(100, 0), 21).is_err());
    reserved.settle(80, 0).unwrap();
    assert_eq!(hub.count(1), (0, 80));
}

#[test]
fn nothing_is_noted_before_a_session_has_counted() {
    let hub = Hub::new();
    forget(&hub.usage.file, 1).unwrap();
    assert!(!hub.usage.file.exists());
    hub.count(2);
    // A record that was never written.
    forget(&hub.usage.file, 1).unwrap();
    assert_eq!(hub.count(1), (0, 0));
}

#[test]
fn a_count_of_another_boot_or_of_another_directory_is_not_used() {
    let mut hub = Hub::new();
    hub.store(1, "lfs/objects/aa/bb/x", 10);
    assert_eq!(hub.count(1), (0, 10));
    hub.store(1, "lfs/objects/aa/bb/x", 11);
    hub.usage.boot += 1;
    assert_eq!(hub.count(1), (0, 11));
    // The database was restored, and the row belongs to a new repository.
    let other = Counted { id: 1, directory: Directory::of_id(9) };
    assert_eq!(hub.usage.count(&other).unwrap(), Count::default());
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_and_never_a_count() {
    let hub = Hub::new();
    std::fs::create_dir(hub.directory.path().join("usage")).unwrap();
    assert!(matches!(hub.usage.count(&repository(1)), Err(Error::File(..))));
    assert!(matches!(hub.usage.reserve(&demand(0, 1), Part::Git, 1), Err(Error::File(..))));
    let hub = Hub::new();
    std::fs::create_dir_all(hub.place(1).join("lfs")).unwrap();
    std::fs::write(hub.place(1).join("lfs/objects"), "a file").unwrap();
    assert!(matches!(hub.usage.count(&repository(1)), Err(Error::Measure(..))));
    let hub = Hub::new();
    std::fs::create_dir_all(hub.place(1)).unwrap();
    hub.store(2, "lfs/objects/aa/bb/x", 10);
    std::os::unix::fs::symlink(hub.place(2).join("lfs"), hub.place(1).join("lfs")).unwrap();
    assert!(matches!(hub.usage.count(&repository(1)), Err(Error::Measure(..))), "what is behind a link is not counted");
    for row in [-1, RECORDS_MAX] {
        let counted = Counted { id: row, ..repository(1) };
        assert!(hub.usage.count(&counted).is_err(), "{row}");
    }
}
