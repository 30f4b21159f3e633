//! The local store: links, names, races and remains.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use super::super::storage::{Directory, Naming};
use super::*;

const NAMINGS: [Naming; 3] = [Naming::Descriptor, Naming::Proc, Naming::Rename];

/// An upload session on a store that names its files in this way.
fn upload(hub: &mut Hub, naming: Naming, requests: &str) -> String {
    let mut store = hub.store().naming(naming);
    let mut output = Vec::new();
    let input = bytes(&format!("version 1; 0000; {requests}"));
    hub.talk_with(&mut store, Operation::Upload, Plain(input.as_slice()), &mut output);
    words(&output).replacen("version=1; locking; 0000; status 200; 0000; ", "", 1)
}

#[test]
fn an_unnamed_file_can_get_a_name_on_this_machine() {
    let directory = tempfile::tempdir().unwrap();
    let opened = Directory::of(File::open(directory.path()).unwrap().as_fd()).unwrap();
    assert_ne!(
        Naming::usable_in(&opened).unwrap(),
        Naming::Rename,
        "this host cannot give a name to an unnamed file, so partial files would have names"
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn with_each_way_to_name_files_objects_are_stored_repaired_and_replaced() {
    for naming in NAMINGS {
        let mut hub = Hub { options: Options { fsync: true }, ..Hub::new() };
        let put = "put-object {abc}; size=3; 0001; =abc; 0000";
        let bad = "put-object {abc}; size=3; 0001; =abx; 0000";
        let answer = upload(&mut hub, naming, &format!("{put}; {bad}; {put}"));
        assert!(answer.starts_with("status 200; 0000; status 400; "), "{naming:?}: {answer}");
        assert!(answer.ends_with("; 0000; status 200; 0000"), "{naming:?}: {answer}");
        let place = hub.place(&Oid::of(b"abc"));
        assert_eq!(hub.files().len(), 1, "{naming:?}");
        assert_eq!(fs::metadata(&place).unwrap().mode() & 0o777 & !0o444, 0, "an object never changes");
        // A truncated file from a full disk, a file whose bytes have changed, a link, and a pipe.
        let somewhere = hub.directory.path().join("somewhere");
        fs::write(&somewhere, "abc").unwrap();
        for kind in ["short", "changed", "link", "pipe"] {
            fs::remove_file(&place).unwrap();
            match kind {
                "short" => fs::write(&place, "a").unwrap(),
                "changed" => fs::write(&place, "abx").unwrap(),
                "link" => symlink(&somewhere, &place).unwrap(),
                _ => nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRUSR).unwrap(),
            }
            let answer = upload(&mut hub, naming, &format!("{put}; verify-object {{abc}}; size=3; 0000"));
            assert_eq!(answer, "status 200; 0000; status 200; 0000", "{naming:?} {kind}");
            assert!(fs::symlink_metadata(&place).unwrap().is_file(), "{naming:?} {kind}");
            assert_eq!(fs::read(&place).unwrap(), b"abc", "{naming:?} {kind}");
            assert_eq!(hub.files().len(), 2, "{naming:?} {kind}");
        }
        assert_eq!(fs::read(&somewhere).unwrap(), b"abc");
    }
}

#[test]
fn a_directory_in_the_place_of_an_object_is_a_fault_and_nothing_remains() {
    for naming in NAMINGS {
        let mut hub = Hub::new();
        fs::create_dir_all(hub.place(&Oid::of(b"abc"))).unwrap();
        let answer = upload(&mut hub, naming, &format!("put-object {{abc}}; size=3; 0001; =abc; 0000; {PING}"));
        assert_answer(&answer, &format!("status 500; 0001; {FAULT}; 0000; {PONG}"), "put-object");
        assert_eq!(hub.files(), vec![]);
    }
}

#[test]
fn a_link_in_the_path_is_never_followed() {
    let name = Oid::of(b"abc").to_string();
    for link in [
        "lfs",
        "lfs/objects",
        &format!("lfs/objects/{}", &name[..2]),
        &format!("lfs/objects/{}/{}", &name[..2], &name[2..4]),
    ] {
        let mut hub = Hub::with(&["abc"]);
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("target");
        let link = hub.directory.path().join(link);
        fs::rename(&link, &target).unwrap();
        symlink(&target, &link).unwrap();
        let before = fs::read_dir(&target).unwrap().count();
        let repository = File::open(hub.directory.path()).unwrap();
        let Ok(mut store) = LocalStore::open(repository.as_fd(), hub.options) else { continue };
        for operation in [Operation::Download, Operation::Upload] {
            let request = match operation {
                Operation::Download => "get-object {abc}; 0000",
                Operation::Upload => "put-object {abc}; size=3; 0001; =abc; 0000",
            };
            let mut output = Vec::new();
            let input = bytes(&format!("version 1; 0000; {request}"));
            hub.talk_with(&mut store, operation, Plain(input.as_slice()), &mut output);
            assert!(
                words(&output).ends_with(&format!("status 500; 0001; {FAULT}; 0000")),
                "{link:?}: {}",
                words(&output)
            );
        }
        assert_eq!(fs::read_dir(&target).unwrap().count(), before, "{link:?}");
    }
}

#[test]
fn a_link_in_the_place_of_an_object_counts_as_missing() {
    let mut hub = Hub::new();
    let secret = hub.directory.path().join("secret");
    fs::write(&secret, "abc").unwrap();
    let place = hub.place(&Oid::of(b"abc"));
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    symlink(&secret, &place).unwrap();
    let missing = "status 404; 0001; the object {abc} is not stored here; 0000";
    for request in ["get-object {abc}; 0000", "get-object {abc}; size=3; 0000"] {
        assert_answer(&hub.download(request), missing, request);
    }
    assert_answer(&hub.download("batch; 0001; {abc} 3; 0000"), "status 200; 0001; {abc} 3 noop; 0000", "batch");
    fs::remove_file(&place).unwrap();
    nix::unistd::mkfifo(&place, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
    assert_answer(&hub.download("get-object {abc}; 0000"), missing, "a pipe, which nobody waits for");
}

#[test]
fn a_session_sees_a_store_that_another_session_creates() {
    let hub = Hub::new();
    let mut store = hub.store();
    assert_eq!(store.size(&Oid::of(b"abc")).unwrap(), None);
    hub.put_file(&Oid::of(b"abc"), b"abc");
    assert_eq!(store.size(&Oid::of(b"abc")).unwrap(), Some(3));
    assert!(store.free().unwrap().unwrap() > 0);
}

#[test]
fn reading_creates_no_directories() {
    let mut hub = Hub::new();
    hub.download("batch; 0001; {abc} 3; 0000; get-object {abc}; 0000; list-lock; 0000; quit; 0000");
    hub.upload("verify-object {abc}; size=3; 0000; list-lock; 0000; quit; 0000");
    // A refused batch announces nothing.
    hub.policy.quota = Some(2);
    hub.upload("batch; 0001; {abc} 3; 0000; quit; 0000");
    assert_eq!(fs::read_dir(hub.directory.path()).unwrap().count(), 0);
}

#[test]
fn an_lfs_that_is_not_a_directory_is_a_fault_from_the_start() {
    let hub = Hub::new();
    fs::write(hub.lfs(), "").unwrap();
    let repository = File::open(hub.directory.path()).unwrap();
    assert!(LocalStore::open(repository.as_fd(), hub.options).is_err());
}

#[test]
fn sessions_that_store_one_object_at_once_all_succeed() {
    for naming in NAMINGS {
        let hub = Hub::new();
        let object = "y".repeat(300_000);
        let put = [
            bytes("version 1; 0000"),
            bytes(&format!("put-object {}; size=300000; 0001", Oid::of(object.as_bytes()))),
            object.as_bytes().chunks(32_768).flat_map(packet).collect(),
            b"0000".to_vec(),
        ]
        .concat();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                let (directory, put) = (hub.directory.path(), &put);
                scope.spawn(move || {
                    for _ in 0..10 {
                        let mut store = open_store(directory, Options { fsync: false }).naming(naming);
                        let mut hub = Hub::new();
                        let mut output = Vec::new();
                        hub.talk_with(&mut store, Operation::Upload, Plain(put.as_slice()), &mut output);
                        assert!(words(&output).ends_with("status 200; 0000; status 200; 0000"), "{:?}", hub.faults);
                    }
                });
            }
        });
        assert_eq!(hub.files().len(), 1, "{naming:?}");
        assert_eq!(fs::read(hub.place(&Oid::of(object.as_bytes()))).unwrap(), object.as_bytes());
    }
}

#[test]
fn old_partial_files_without_a_writer_are_removed() {
    let hub = Hub::new();
    let incomplete = hub.lfs().join("incomplete");
    let sweep = || hub.store().sweep(Duration::from_secs(24 * 60 * 60)).unwrap();
    assert_eq!(sweep(), [""; 0], "nothing to look through");
    fs::create_dir_all(incomplete.join("a directory")).unwrap();
    let old = std::time::SystemTime::now() - Duration::from_secs(25 * 60 * 60);
    for (name, age) in [("old", Some(old)), ("held", Some(old)), ("new", None)] {
        let file = File::create(incomplete.join(name)).unwrap();
        file.set_modified(age.unwrap_or_else(std::time::SystemTime::now)).unwrap();
    }
    symlink("/etc/passwd", incomplete.join("link")).unwrap();
    let held = Flock::lock(File::open(incomplete.join("held")).unwrap(), FlockArg::LockExclusive).unwrap();
    assert_eq!(sweep(), ["old"]);
    let names = || {
        let mut names: Vec<_> = fs::read_dir(&incomplete).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["a directory", "held", "link", "new"]);
    drop(held);
    assert_eq!(sweep(), ["held"]);
    assert_eq!(names(), ["a directory", "link", "new"]);
}

#[test]
fn an_upload_removes_old_named_partial_files() {
    let hub = Hub::new();
    let incomplete = hub.lfs().join("incomplete");
    fs::create_dir_all(&incomplete).unwrap();
    let file = File::create(incomplete.join("old")).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    drop(file);
    let mut store = hub.store().naming(Naming::Rename);
    drop(store.stage(&Oid::of(b"abc"), 3).unwrap());
    assert_eq!(fs::read_dir(&incomplete).unwrap().count(), 0);
}

#[test]
fn a_directory_that_cannot_be_written_is_a_fault_and_fetches_still_work() {
    // Root can write everywhere.
    if nix::unistd::Uid::effective().is_root() {
        return;
    }
    let mut hub = Hub::with(&["abc"]);
    fs::set_permissions(hub.lfs(), fs::Permissions::from_mode(0o555)).unwrap();
    let answer = hub.upload(&format!("put-object {{x}}; size=1; 0001; =x; 0000; {PING}"));
    assert_answer(&answer, &format!("status 500; 0001; {FAULT}; 0000; {PONG}"), "put-object");
    assert_answer(&hub.download("get-object {abc}; 0000"), "status 200; size=3; 0001; =abc; 0000", "get-object");
    fs::set_permissions(hub.lfs(), fs::Permissions::from_mode(0o755)).unwrap();
}
