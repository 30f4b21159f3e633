use super::*;
use crate::lfs::TooManyLocks;

/// A repository's directory, and its locks as one client sees them.
struct Place(tempfile::TempDir, File);

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let repository = File::open(directory.path()).unwrap();
        Self(directory, repository)
    }

    fn locks(&self, account: i64, name: &str) -> FileLocks<'static> {
        let holder = Holder { id: Some(HolderId::Account(account)), name: name.to_owned() };
        FileLocks::new(self.1.as_fd(), holder).unwrap()
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        std::fs::create_dir_all(self.0.path().join("lfs")).unwrap();
        std::fs::write(self.0.path().join("lfs").join(FILE), text).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.0.path().join("lfs").join(FILE)).unwrap()
    }
}

/// Name and `ours` of each lock.
fn owners(mut locks: FileLocks<'_>) -> Vec<(String, bool)> {
    let locks = locks.list(&Filter::default(), 0, 9).unwrap();
    locks.into_iter().map(|lock| (lock.owner, lock.ours)).collect()
}

fn path(text: &str) -> LockPath {
    LockPath::parse(text.as_bytes()).unwrap()
}

fn owned(name: &str, ours: bool) -> (String, bool) {
    (name.to_owned(), ours)
}

#[test]
fn locks_outlive_a_session_and_numbers_are_never_reused() {
    let place = Place::new();
    let (alice, bob) = (|| place.locks(1, "alice"), || place.locks(2, "bob"));
    let path = path("a dir/file");
    assert_eq!(alice().list(&Filter::default(), 0, 9).unwrap(), vec![]);
    let Locking::Locked(lock) = alice().lock(&path, None, 1_700_000_000).unwrap() else { panic!() };
    let held = Lock { ours: false, ..lock.clone() };
    assert_eq!(bob().lock(&path, None, 0).unwrap(), Locking::Held(held.clone()));
    assert_eq!(bob().find(&lock.id).unwrap(), Some(held));
    assert_eq!(alice().list(&Filter::default(), 0, 9).unwrap(), vec![lock.clone()]);
    assert_eq!(alice().unlock(&lock.id).unwrap(), Some(lock.clone()));
    assert_eq!(alice().unlock(&lock.id).unwrap(), None);
    let Locking::Locked(again) = bob().lock(&path, None, 0).unwrap() else { panic!() };
    assert!(again.place > lock.place);
}

#[test]
fn a_lock_stays_with_its_holder_under_every_name() {
    let place = Place::new();
    place.locks(1, "alice").lock(&path("a"), None, 0).unwrap();
    assert_eq!(owners(place.locks(1, "alicia")), [owned("alicia", true)]);
    // Another account with the same name.
    assert_eq!(owners(place.locks(2, "alice")), [owned("alice", false)]);
    let names = |id: &HolderId| (*id == HolderId::Account(1)).then(|| "alicia".to_owned());
    assert_eq!(owners(place.locks(2, "alice").with_names(names)), [owned("alicia", false)]);
    // The operator, who has no locks.
    let operator = FileLocks::new(place.1.as_fd(), Holder::named("alice")).unwrap();
    assert_eq!(owners(operator), [owned("alice", false)]);
}

#[test]
fn a_file_without_holders_is_read_by_names_and_gets_holders_with_new_locks() {
    let place = Place::new();
    place.write("hubgate locks 1 7\n3 aa 1700000000 alice a\n7 bb 1700000000 bob b c\n");
    assert_eq!(owners(place.locks(1, "alice")), [owned("alice", true), owned("bob", false)]);
    place.locks(2, "bob").lock(&path("d"), None, 0).unwrap();
    assert_eq!(owners(place.locks(2, "robert")), [owned("alice", false), owned("bob", false), owned("robert", true)]);
    assert_eq!(owners(place.locks(2, "bob")), [owned("alice", false), owned("bob", true), owned("bob", true)]);
    let text = place.text();
    let known = "hubgate locks 3 8\n+ 3 aa 1700000000 - alice a\n+ 7 bb 1700000000 - bob b c\n+ 8 ";
    assert!(text.starts_with(known) && text.ends_with(" 0 account:2 bob d\n"), "{text}");
}

#[test]
fn a_file_with_a_line_per_lock_is_read_and_becomes_a_journal_with_the_next_change() {
    let place = Place::new();
    place.write("hubgate locks 2 9\n3 aa 1700000000 account:1 alice a\n7 bb 1700000000 - bob b c\n");
    assert_eq!(owners(place.locks(1, "alicia")), [owned("alicia", true), owned("bob", false)]);
    let id: LockId = "bb".parse().unwrap();
    place.locks(1, "alice").unlock(&id).unwrap().unwrap();
    assert_eq!(place.text(), "hubgate locks 3 9\n+ 3 aa 1700000000 account:1 alice a\n");
    place.locks(1, "alice").unlock(&"aa".parse().unwrap()).unwrap().unwrap();
    assert_eq!(place.text(), "hubgate locks 3 9\n+ 3 aa 1700000000 account:1 alice a\n- aa\n");
    assert_eq!(owners(place.locks(1, "alice")), []);
}

#[test]
fn a_line_that_a_killed_session_did_not_finish_means_nothing() {
    let place = Place::new();
    let mut alice = place.locks(1, "alice");
    alice.lock(&path("a"), None, 0).unwrap();
    let whole = place.text();
    // The fourth ends within a character.
    for torn in ["+".as_bytes(), b"+ 2 cc 0 account:1 alice b", b"- ", b"+ 2 cc 0 account:1 alice \xc3", b"\x01"] {
        place.write([whole.as_bytes(), torn].concat());
        assert_eq!(owners(place.locks(1, "alice")), [owned("alice", true)], "{torn:?}");
        let Locking::Locked(lock) = alice.lock(&path("b"), None, 0).unwrap() else { panic!("{torn:?}") };
        assert_eq!(owners(place.locks(1, "alice")).len(), 2, "{torn:?}: {}", place.text());
        alice.unlock(&lock.id).unwrap().unwrap();
        place.write(&whole);
    }
}

#[test]
fn sessions_see_each_others_changes_also_after_the_file_was_written_again() {
    let place = Place::new();
    let (mut alice, mut bob) = (place.locks(1, "alice"), place.locks(2, "bob"));
    for round in 0..200 {
        let Locking::Locked(lock) = alice.lock(&path("a"), None, 0).unwrap() else { panic!("{round}") };
        assert!(matches!(bob.lock(&path("a"), None, 0).unwrap(), Locking::Held(_)), "{round}");
        assert_eq!(bob.find(&lock.id).unwrap().map(|lock| lock.owner), Some("alice".to_owned()));
        assert!(bob.unlock(&lock.id).unwrap().is_some());
        assert_eq!(alice.find(&lock.id).unwrap(), None);
    }
    assert!(place.text().lines().count() <= 2 + 2 * IDLE_MAX, "{}", place.text());
    let Locking::Locked(last) = alice.lock(&path("a"), None, 0).unwrap() else { panic!() };
    assert_eq!(last.place, 201, "numbers are never reused");
}

/// A file system may give the number of a removed file to the next one.
#[test]
fn a_file_that_replaced_another_is_read_from_its_start() {
    let place = Place::new();
    let mut alice = place.locks(1, "alice");
    alice.lock(&path("a"), None, 0).unwrap();
    let text = place.text();
    for round in 0..20 {
        // Its beginning is as long as the file that the session has read.
        std::fs::remove_file(place.0.path().join("lfs").join(FILE)).unwrap();
        place.write(text.replace("alice a\n", &format!("alice {}\n", if round % 2 == 0 { 'b' } else { 'c' })));
        let locks = alice.list(&Filter::default(), 0, 9).unwrap();
        let expected = if round % 2 == 0 { "b" } else { "c" };
        assert_eq!(locks.iter().map(|lock| lock.path.as_str()).collect::<Vec<_>>(), [expected], "{round}");
    }
}

/// The bytes that this thread has read and written so far.
fn traffic() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let number = |line: &str| line.split_once(": ").and_then(|(_, number)| number.parse::<u64>().ok()).unwrap();
    text.lines().filter(|line| line.contains("char:")).map(number).sum()
}

#[test]
fn the_cost_of_a_lock_does_not_grow_with_the_number_of_locks() {
    let place = Place::new();
    let mut alice = place.locks(1, "alice");
    let mut cost = |round: u32| {
        let before = traffic();
        for number in 0..200 {
            alice.lock(&path(&format!("{round}/{number}/{}", "x".repeat(4_000))), None, 0).unwrap();
        }
        traffic() - before
    };
    let (first, last) = (cost(0), (1..5).map(&mut cost).last().unwrap());
    assert!(last < first * 2, "{first} and {last} bytes");
    assert!(place.text().len() < 5 * 200 * 4_200);
}

#[test]
fn a_repository_and_a_holder_have_at_most_so_many_locks() {
    let place = Place::new();
    let limits = Limits { of_repository: 3, of_holder: 2 };
    let (mut alice, mut bob) = (place.locks(1, "alice").within(limits), place.locks(2, "bob").within(limits));
    let lock = |locks: &mut FileLocks<'_>, name: &str| locks.lock(&path(name), None, 0).unwrap();
    let locked = |locking: &Locking| matches!(locking, Locking::Locked(_));
    assert!(locked(&lock(&mut alice, "a")) && locked(&lock(&mut alice, "b")));
    assert_eq!(lock(&mut alice, "c"), Locking::Full(TooManyLocks::OfHolder(2)));
    assert!(matches!(lock(&mut alice, "a"), Locking::Held(_)), "a held path is named as such");
    let Locking::Locked(third) = lock(&mut bob, "c") else { panic!() };
    assert_eq!(lock(&mut bob, "d"), Locking::Full(TooManyLocks::OfRepository(3)));
    bob.unlock(&third.id).unwrap().unwrap();
    assert!(locked(&lock(&mut bob, "d")), "an unlocked file makes room");
}

#[test]
fn a_malformed_file_is_a_fault_and_stays_unchanged() {
    for text in [
        "",
        "garbage",
        "hubgate locks 4 1\n",
        "hubgate locks 3 1\n1 aa 0 - alice a\n",
        "hubgate locks 3 1\n+ 1 aa 0 alice a\n",
        "hubgate locks 3 1\n- aa\n",
        "hubgate locks 3 1\n* aa\n",
        "hubgate locks 2\n",
        "hubgate locks 2 x\n",
        "hubgate locks 2 1\n1 aa 0 alice a\n",
        "hubgate locks 2 1\n1 aa 0 account:x alice a\n",
        "hubgate locks 2 1\n1 aa 0 - alice ../a\n",
        "hubgate locks 2 1\n\n",
        "hubgate locks 1 1\n1 aa 0 alice\n",
    ] {
        let place = Place::new();
        place.write(text);
        assert!(place.locks(1, "alice").list(&Filter::default(), 0, 9).is_err(), "{text:?}");
        assert!(place.locks(1, "alice").lock(&path("a"), None, 0).is_err(), "{text:?}");
        assert_eq!(place.text(), text);
    }
}

/// The git of a push can write a file that takes all memory of the next reader.
#[test]
fn a_file_without_an_end_is_not_read() {
    let place = Place::new();
    place.locks(1, "alice").lock(&path("a"), None, 0).unwrap();
    let file = File::options().write(true).open(place.0.path().join("lfs").join(FILE)).unwrap();
    file.set_len(1 << 40).unwrap();
    let said = place.locks(1, "alice").list(&Filter::default(), 0, 9).unwrap_err().to_string();
    assert_eq!(said, format!("longer than {FILE_MAX} bytes"));
}
