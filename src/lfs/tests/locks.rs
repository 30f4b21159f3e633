//! `lock`, `unlock`, `list-lock`, `list-locks`.

use super::*;

/// A hub with alice's lock on `a` and bob's lock on `b c`, and the ids of both.
fn locked() -> (Hub, String, String) {
    let mut hub = Hub::new();
    hub.upload("lock; path=a; 0000");
    hub.locks = hub.locks.seen_by("bob");
    hub.upload("lock; path=b c; 0000");
    hub.locks = hub.locks.seen_by("alice");
    let locks = hub.locks.list(&Filter::default(), 0, 9).unwrap();
    let [a, b] = locks.as_slice() else { panic!("{locks:?}") };
    let (a, b) = (a.id.to_string(), b.id.to_string());
    (hub, a, b)
}

fn told(id: &str, path: &str, owner: &str) -> String {
    format!("id={id}; path={path}; locked-at=2023-11-14T22:13:20Z; ownername={owner}")
}

fn listed(id: &str, path: &str, owner: &str) -> String {
    format!("lock {id}; path {id} {path}; locked-at {id} 2023-11-14T22:13:20Z; ownername {id} {owner}")
}

#[test]
fn a_path_is_locked_once() {
    let (mut hub, a, b) = locked();
    let ours = told(&a, "a", "alice");
    let theirs = told(&b, "b c", "bob");
    for (request, expected) in [
        ("lock; path=a; 0000", format!("status 409; {ours}; 0001; you have already locked a; 0000")),
        (
            "lock; path=b c; refname=refs/heads/x; 0000",
            format!("status 409; {theirs}; 0001; b c is locked by bob; 0000"),
        ),
    ] {
        assert_answer(&hub.upload(&format!("{request}; {PING}")), &format!("{expected}; {PONG}"), request);
    }
    let answer = hub.upload("lock; path=ü/d.bin; refname=refs/heads/main; 0000");
    let id = hub.locks.list(&Filter::default(), 0, 9).unwrap().pop().unwrap().id;
    assert_eq!(answer, format!("status 201; {}; 0000", told(id.as_str(), "ü/d.bin", "alice")));
}

#[test]
fn only_valid_paths_can_be_locked() {
    let long = format!("lock; path={}; 0000", "a".repeat(4097));
    for (request, sentence) in [
        ("lock; 0000", "lock needs the argument path"),
        ("lock; path=; 0000", "a path to lock has 1 to 4096 bytes"),
        (&long, "a path to lock has 1 to 4096 bytes"),
        (
            "lock; path=/etc/passwd; 0000",
            "a path to lock is relative to the repository and has no part \".\" or \"..\"",
        ),
        ("lock; path=a/../../b; 0000", "a path to lock is relative to the repository and has no part \".\" or \"..\""),
        ("lock; path=\u{9b}31m; 0000", "a path to lock is UTF-8 without control characters and invisible characters"),
        ("lock; path=a\tb; 0000", "a line has no control characters"),
        ("lock; path=a; path=b; 0000", "the argument path is given twice"),
        ("lock a; path=a; 0000", "a command has too few or too many words"),
    ] {
        let mut hub = Hub::new();
        let answer = hub.upload(&format!("{request}; {PING}"));
        assert_answer(&answer, &format!("status 400; 0001; {sentence}; 0000; {PONG}"), request);
        assert_eq!(hub.locks.list(&Filter::default(), 0, 9).unwrap(), vec![]);
    }
    let mut input = bytes("version 1; 0000; lock");
    input.extend([packet(b"path=a\xff"), b"0000".to_vec()].concat());
    let mut output = Vec::new();
    Hub::new().talk(Operation::Upload, Plain(input.as_slice()), &mut output);
    assert!(words(&output).ends_with(
        "status 400; 0001; a path to lock is UTF-8 without control characters and invisible characters; 0000"
    ));
}

#[test]
fn the_holder_unlocks_a_path_and_reads_which() {
    let (mut hub, a, _) = locked();
    for request in [format!("unlock {a}; 0000"), format!("unlock {a}; refname=refs/heads/main; force=true; 0000")] {
        let expected = format!(
            "status 200; {}; 0000; status 404; 0001; there is no lock {a}: it may have been removed; 0000",
            told(&a, "a", "alice")
        );
        assert_answer(&hub.clone_locks().upload(&format!("{request}; unlock {a}; 0000")), &expected, &request);
    }
    hub.upload(&format!("unlock {a}; 0000"));
    assert!(hub.upload("lock; path=a; 0000").starts_with("status 201; "), "the path is free again");
}

impl Hub {
    /// A hub with a copy of these locks.
    fn clone_locks(&mut self) -> Self {
        let mut hub = Self::new();
        hub.locks = self.locks.seen_by("alice").apart();
        hub
    }
}

#[test]
fn only_an_administrator_removes_the_locks_of_others() {
    let (mut hub, _, b) = locked();
    let sentence = "b c is locked by bob: only they and administrators of the repository can unlock it";
    for request in [format!("unlock {b}; 0000"), format!("unlock {b}; force=true; 0000")] {
        let answer = hub.upload(&format!("{request}; {PING}"));
        assert_answer(&answer, &format!("status 403; 0001; {sentence}; 0000; {PONG}"), &request);
    }
    hub.policy.may_break_locks = true;
    let request = format!("unlock {b}; 0000");
    assert_answer(&hub.upload(&request), &format!("status 200; {}; 0000", told(&b, "b c", "bob")), &request);
}

#[test]
fn a_missing_lock_is_not_found() {
    for id in ["1", "0123456789abcdef0123456789abcdef", "-", "A_z"] {
        let request = format!("unlock {id}; 0000; {PING}");
        let sentence = format!("there is no lock {id}: it may have been removed");
        assert_answer(&Hub::new().upload(&request), &format!("status 404; 0001; {sentence}; 0000; {PONG}"), &request);
    }
}

#[test]
fn locks_are_listed_by_the_clients_conditions() {
    let (mut hub, a, b) = locked();
    let (first, second) = (listed(&a, "a", "alice"), listed(&b, "b c", "bob"));
    let ours = format!("{first}; owner {a} ours");
    let theirs = format!("{second}; owner {b} theirs");
    for (arguments, expected) in [
        (String::new(), format!("{ours}; {theirs}; ")),
        ("path=b c; ".to_owned(), format!("{theirs}; ")),
        ("path=c; ".to_owned(), String::new()),
        (format!("id={a}; "), format!("{ours}; ")),
        (format!("id={a}; path=b c; "), String::new()),
        ("id=1; ".to_owned(), String::new()),
        ("refname=refs/heads/main; ".to_owned(), format!("{ours}; {theirs}; ")),
        ("refspec=refs/heads/other; refname=; path=; id=; cursor=; limit=; ".to_owned(), format!("{ours}; {theirs}; ")),
        ("limit=0; ".to_owned(), format!("{ours}; {theirs}; ")),
        ("limit=9999999999999999999999; ".to_owned(), format!("{ours}; {theirs}; ")),
    ] {
        for command in ["list-lock", "list-locks"] {
            let request = format!("{command}; {arguments}0000");
            assert_answer(&hub.upload(&request), &format!("status 200; 0001; {expected}0000"), &request);
        }
    }
    // A download session does not show which locks are the client's.
    let answer = hub.download("list-lock; 0000");
    assert_eq!(answer, format!("status 200; 0001; {first}; {second}; 0000"));
}

#[test]
fn a_malformed_list_request_is_refused_and_the_next_is_understood() {
    for (request, sentence) in [
        ("list-lock; limit=-1; 0000", "a limit is a number of locks"),
        ("list-lock; limit=ten; 0000", "a limit is a number of locks"),
        ("list-lock; cursor=x; 0000", "a cursor is one that this server gave"),
        ("list-lock; cursor=-1; 0000", "a cursor is one that this server gave"),
        ("list-lock; id=../x; 0000", "an id of a lock has 1 to 64 letters and digits"),
        ("list-lock; path=../x; 0000", "a path to lock is relative to the repository and has no part \".\" or \"..\""),
    ] {
        let answer = Hub::new().upload(&format!("{request}; {PING}"));
        assert_answer(&answer, &format!("status 400; 0001; {sentence}; 0000; {PONG}"), request);
    }
}

#[test]
fn pages_contain_every_lock() {
    for (count, limit, pages) in
        [(99, "", 1), (100, "", 1), (101, "", 2), (250, "", 3), (250, "limit=500; ", 3), (7, "limit=3; ", 3)]
    {
        let mut hub = Hub::new();
        for i in 0..count {
            hub.locks.lock(&LockPath::parse(format!("f{i:03}").as_bytes()).unwrap(), None, NOW).unwrap();
        }
        let mut seen = Vec::new();
        let mut cursor = String::new();
        for page in 1.. {
            assert!(page <= pages, "{count} {limit}: page {page}");
            let answer = hub.upload(&format!("list-lock; {limit}{cursor}0000"));
            let paths = answer.split("; ").filter_map(|word| word.strip_prefix("path "));
            seen.extend(paths.map(|path| path.split_once(' ').unwrap().1.to_owned()));
            let Some(next) = answer.split("; ").find_map(|word| word.strip_prefix("next-cursor=")) else {
                assert_eq!(page, pages, "{count} {limit}");
                break;
            };
            cursor = format!("cursor={next}; ");
        }
        assert_eq!(seen, (0..count).map(|i| format!("f{i:03}")).collect::<Vec<_>>());
    }
}

#[test]
fn a_page_continues_after_the_last_lock_even_if_locks_change() {
    let mut hub = Hub::new();
    for path in ["a", "b", "c", "d"] {
        hub.locks.lock(&LockPath::parse(path.as_bytes()).unwrap(), None, NOW).unwrap();
    }
    let answer = hub.upload("list-lock; limit=2; 0000");
    let cursor = answer.split("; ").find_map(|word| word.strip_prefix("next-cursor=")).unwrap();
    // The last lock of the page is removed, and a new one is added.
    let locks = hub.locks.list(&Filter::default(), 0, 9).unwrap();
    hub.upload(&format!("unlock {}; 0000; lock; path=e; 0000", locks[1].id));
    let answer = hub.upload(&format!("list-lock; limit=9; cursor={cursor}; 0000"));
    let paths: Vec<&str> =
        answer.split("; ").filter_map(|word| word.strip_prefix("path ")?.split(' ').nth(1)).collect();
    assert_eq!(paths, ["c", "d", "e"]);
    assert!(hub.upload("list-lock; cursor=9999; 0000") == "status 200; 0001; 0000");
}

#[test]
fn a_cursor_always_grows() {
    /// Locks that ignore the cursor.
    struct Stuck(MemoryLocks);
    impl Locks for Stuck {
        fn lock(&mut self, path: &LockPath, refname: Option<&str>, now: i64) -> Result<Locking, Fault> {
            self.0.lock(path, refname, now)
        }
        fn find(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
            self.0.find(id)
        }
        fn unlock(&mut self, id: &LockId) -> Result<Option<Lock>, Fault> {
            self.0.unlock(id)
        }
        fn list(&mut self, filter: &Filter, _: u64, limit: usize) -> Result<Vec<Lock>, Fault> {
            self.0.list(filter, 0, limit)
        }
    }
    let (mut hub, ..) = locked();
    let mut locks = Stuck(hub.locks.clone());
    let mut output = Vec::new();
    let input = bytes("version 1; 0000; list-lock; limit=1; cursor=1; 0000");
    hub.talk_with_locks(&mut hub.store(), &mut locks, Operation::Upload, Plain(input.as_slice()), &mut output);
    assert!(!words(&output).contains("next-cursor"), "{}", words(&output));
}

#[test]
fn unreadable_locks_are_a_fault_and_the_next_request_is_understood() {
    struct Broken;
    impl Locks for Broken {
        fn lock(&mut self, _: &LockPath, _: Option<&str>, _: i64) -> Result<Locking, Fault> {
            Err("database is locked".into())
        }
        fn find(&mut self, _: &LockId) -> Result<Option<Lock>, Fault> {
            Err("database is locked".into())
        }
        fn unlock(&mut self, _: &LockId) -> Result<Option<Lock>, Fault> {
            Err("database is locked".into())
        }
        fn list(&mut self, _: &Filter, _: u64, _: usize) -> Result<Vec<Lock>, Fault> {
            Err("database is locked".into())
        }
    }
    let mut hub = Hub::new();
    let mut output = Vec::new();
    let input = bytes("version 1; 0000; lock; path=a; 0000; unlock 1; 0000; list-lock; 0000; quit; 0000");
    let store = &mut hub.store();
    let summary = hub.talk_with_locks(store, &mut Broken, Operation::Upload, Plain(input.as_slice()), &mut output);
    let fault = format!("status 500; 0001; {FAULT}; 0000");
    let expected = format!("version=1; locking; 0000; status 200; 0000; {fault}; {fault}; {fault}; status 200; 0000");
    assert_eq!(words(&output), expected);
    assert_eq!(summary.faults, 3);
    assert_eq!(hub.faults, ["database is locked"; 3]);
}
