//! `put-object`, `verify-object`, `get-object`.

use std::io::{IoSlice, Read};

use super::*;

#[test]
fn an_object_is_stored_and_sent() {
    let mut hub = Hub::new();
    let request = "put-object {test content}; size=12; 0001; =test ; =content; 0000; \
                   verify-object {test content}; size=12; 0000";
    assert_answer(&hub.upload(request), "status 200; 0000; status 200; 0000", request);
    let name = Oid::of(CONTENT.as_bytes()).to_string();
    let place = format!("lfs/objects/{}/{}/{name}", &name[..2], &name[2..4]);
    assert_eq!(hub.files(), vec![(place, CONTENT.as_bytes().to_vec())]);
    for request in ["get-object {test content}; 0000", "get-object {test content}; size=12; id=1; token=2; 0000"] {
        assert_answer(&hub.download(request), "status 200; size=12; 0001; =test content; 0000", request);
    }
}

#[test]
fn the_empty_object_is_stored_and_sent() {
    for request in
        ["put-object {}; size=0; 0001; 0000", "put-object {}; size=0; 0000", "put-object {}; size=0; 0001; =; =; 0000"]
    {
        let mut hub = Hub::new();
        let request = format!("{request}; verify-object {{}}; size=0; 0000");
        assert_answer(&hub.upload(&request), "status 200; 0000; status 200; 0000", &request);
        let request = "get-object {}; 0000";
        assert_answer(&hub.download(request), "status 200; size=0; 0001; 0000", request);
    }
}

#[test]
fn bytes_that_do_not_match_the_object_id_are_not_stored() {
    let announced = |came| format!("the object {{abc}} was announced with 3 bytes, but {came} came");
    let hash =
        |hash: &str| format!("the bytes that came are not those of the object {{abc}}: their hash is {{{hash}}}");
    let digits = "an object is named by 64 lower-case hexadecimal digits".to_owned();
    for (request, sentence) in [
        ("put-object {abc}; size=3; 0001; =abd; 0000", hash("abd")),
        ("put-object {abc}; size=3; 0001; =ab; 0000", announced(2)),
        ("put-object {abc}; size=3; 0001; =abcd; 0000", announced(4)),
        ("put-object {abc}; size=3; 0001; =abc; =defghi; 0000", announced(9)),
        ("put-object {abc}; size=3; 0001; 0000", announced(0)),
        ("put-object {abc}; size=3; 0000", announced(0)),
        ("put-object {abc}; size=2; 0001; =ab; 0000", hash("ab")),
        ("put-object {abc}; size=0; 0001; 0000", hash("")),
        ("put-object {abc}; size=0; 0000", hash("")),
        ("put-object {abc}; 0001; =abc; 0000", "put-object needs the argument size".to_owned()),
        ("put-object {abc}; 0000", "put-object needs the argument size".to_owned()),
        ("put-object {abc}; size=; 0001; =abc; 0000", "a size is a number of bytes".to_owned()),
        ("put-object {abc}; size=-3; 0001; =abc; 0000", "a size is a number of bytes".to_owned()),
        ("put-object {abc}; size=3; size=3; 0001; =abc; 0000", "the argument size is given twice".to_owned()),
        ("put-object ../../../../tmp/x; size=3; 0001; =abc; 0000", digits.clone()),
        ("put-object %2e%2e; size=3; 0001; =abc; 0000", digits.clone()),
        ("put-object {abc}/../x; size=3; 0001; =abc; 0000", digits),
    ] {
        // The second time, the object is stored. The client must send its bytes nevertheless.
        for there in [&[][..], &["abc"]] {
            let mut hub = Hub::with(there);
            let before = hub.files();
            let answer = hub.upload(&format!("{request}; {PING}"));
            assert_answer(&answer, &format!("status 400; 0001; {sentence}; 0000; {PONG}"), request);
            assert_eq!(hub.files(), before, "{request}");
        }
    }
}

#[test]
fn a_stored_object_may_be_uploaded_again() {
    let mut hub = Hub::with(&["abc"]);
    let before = hub.files();
    let request = "put-object {abc}; size=3; 0001; =abc; 0000";
    assert_answer(&hub.upload(&format!("{request}; {request}")), "status 200; 0000; status 200; 0000", request);
    assert_eq!(hub.files(), before);
    assert!(hub.policy.admitted.is_empty(), "it takes no room");
}

#[test]
fn the_next_upload_repairs_a_truncated_object() {
    for damaged in ["", "ab", "abcd"] {
        let mut hub = Hub::new();
        hub.put_file(&Oid::of(b"abc"), damaged.as_bytes());
        let request = "verify-object {abc}; size=3; 0000; put-object {abc}; size=3; 0001; =abc; 0000";
        let sentence = format!("the object {{abc}} is stored with {} bytes, not 3", damaged.len());
        assert_answer(&hub.upload(request), &format!("status 409; 0001; {sentence}; 0000; status 200; 0000"), request);
        let request = "get-object {abc}; size=3; 0000";
        assert_answer(&hub.download(request), "status 200; size=3; 0001; =abc; 0000", request);
        assert_eq!(hub.files().len(), 1);
    }
}

#[test]
fn verify_and_get_need_an_object_of_the_announced_size() {
    let missing = "status 404; 0001; the object {abc} is not stored here; 0000";
    for (operation, request, expected) in [
        (Operation::Upload, "verify-object {abc}; size=3; 0000", missing),
        (Operation::Upload, "verify-object {ab}; size=2; 0000", "status 200; 0000"),
        (
            Operation::Upload,
            "verify-object {ab}; size=3; 0000",
            "status 409; 0001; the object {ab} is stored with 2 bytes, not 3; 0000",
        ),
        (
            Operation::Upload,
            "verify-object {ab}; 0000",
            "status 400; 0001; verify-object needs the argument size; 0000",
        ),
        (Operation::Download, "get-object {abc}; 0000", missing),
        (Operation::Download, "get-object {abc}; size=3; 0000", missing),
        (
            Operation::Download,
            "get-object {ab}; size=3; 0000",
            "status 404; 0001; the object {ab} is not stored here; 0000",
        ),
        (Operation::Download, "get-object {ab}; size=x; 0000", "status 400; 0001; a size is a number of bytes; 0000"),
        (Operation::Download, "get-object {ab}; size=2; 0000", "status 200; size=2; 0001; =ab; 0000"),
    ] {
        let (answer, _) = Hub::with(&["ab"]).answers(operation, request);
        assert_answer(&answer, expected, request);
    }
}

#[test]
fn limits_are_checked_again_for_each_object() {
    let mut hub = Hub { limits: Limits { object_size: Some(2), ..Limits::default() }, ..Hub::new() };
    let put = "put-object {abc}; size=3; 0001; =abc; 0000";
    let sentence = "the object {abc} has 3 bytes, and this server accepts at most 2";
    assert_answer(&hub.upload(&format!("{put}; {PING}")), &format!("status 413; 0001; {sentence}; 0000; {PONG}"), put);
    // A client cannot store more bytes than it announces.
    let lie = "put-object {abc}; size=2; 0001; =abc; 0000";
    assert!(hub.upload(lie).starts_with("status 400; 0001; "));

    let mut hub = Hub::new();
    hub.policy.quota = Some(2);
    let answer = hub.upload(&format!("{put}; {PING}"));
    assert_answer(&answer, &format!("status 507; 0001; 2 bytes of the quota are left; 0000; {PONG}"), put);

    let mut hub = Hub { limits: Limits { reserve: u64::MAX, ..Limits::default() }, ..Hub::new() };
    let sentence = "this server has no room for 3 more bytes: tell its operator";
    assert_answer(&hub.upload(&format!("{put}; {PING}")), &format!("status 507; 0001; {sentence}; 0000; {PONG}"), put);
    assert_eq!(hub.files(), vec![]);
}

/// A store that fails.
struct Failing {
    stage: Option<io::ErrorKind>,
    write: Option<io::ErrorKind>,
    commit: Option<io::ErrorKind>,
    size: Option<io::ErrorKind>,
    /// How many of ten bytes can be read, and the error after them.
    read: (u64, Option<io::ErrorKind>),
}

impl Failing {
    fn nowhere() -> Self {
        Self { stage: None, write: None, commit: None, size: None, read: (10, None) }
    }
}

/// The end of the readable bytes.
struct Breaking(Option<io::ErrorKind>);

impl Read for Breaking {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        fail(self.0).map(|()| 0)
    }
}

#[test]
fn every_reservation_is_settled_however_its_object_ended() {
    let put = "put-object {abc}; size=3; 0001; =abc; 0000";
    let stored = Stored::Yes { bytes: 3, replaced: 0 };
    for (request, expected) in [
        (put.to_owned(), vec![stored]),
        ("put-object {abc}; size=3; 0001; =abd; 0000".to_owned(), vec![Stored::No]),
        ("put-object {abc}; size=3; 0001; =ab; 0000".to_owned(), vec![Stored::No]),
        ("put-object {abc}; size=3; 0001; =abcd; 0000".to_owned(), vec![Stored::No]),
        ("put-object {abc}; size=3; 0000".to_owned(), vec![Stored::No]),
        // The client is cut off.
        ("put-object {abc}; size=3; 0001; =ab".to_owned(), vec![Stored::No]),
        // The second object is stored already, so nothing is reserved for it.
        (format!("{put}; {put}"), vec![stored]),
    ] {
        let mut hub = Hub::new();
        hub.upload(&request);
        assert_eq!(hub.policy.settled, expected, "{request}");
        assert_eq!(hub.policy.admitted, vec![3; expected.len()], "{request}");
    }
    let mut hub = Hub::new();
    hub.put_file(&Oid::of(b"abc"), b"longer than it");
    hub.upload(put);
    assert_eq!(hub.policy.settled, [Stored::Yes { bytes: 3, replaced: 14 }], "a corrupt object is replaced");
    for (store, expected) in [
        (&mut Failing { stage: Some(io::ErrorKind::StorageFull), ..Failing::nowhere() }, Stored::No),
        (&mut Failing { write: Some(io::ErrorKind::StorageFull), ..Failing::nowhere() }, Stored::No),
        (&mut Failing { commit: Some(io::ErrorKind::StorageFull), ..Failing::nowhere() }, Stored::Perhaps),
    ] {
        let (_, hub, _) = answer_of(store, Operation::Upload, put);
        assert_eq!(hub.policy.settled, [expected]);
    }
}

fn fail(kind: Option<io::ErrorKind>) -> io::Result<()> {
    kind.map_or(Ok(()), |kind| Err(kind.into()))
}

impl Store for Failing {
    fn size(&mut self, _: &Oid) -> io::Result<Option<u64>> {
        fail(self.size).map(|()| None)
    }

    fn open(&mut self, _: &Oid) -> io::Result<Option<Object>> {
        fail(self.size)?;
        let (readable, then) = self.read;
        let bytes = io::Cursor::new(vec![b'x'; usize::try_from(readable).unwrap()]).chain(Breaking(then));
        Ok(Some(Object { size: 10, bytes: Box::new(bytes) }))
    }

    fn stage(&mut self, _: &Oid, _: u64) -> io::Result<Box<dyn Staged + '_>> {
        fail(self.stage)?;
        Ok(Box::new(self))
    }

    fn free(&mut self) -> io::Result<Option<u64>> {
        Ok(None)
    }
}

impl Staged for &mut Failing {
    fn write(&mut self, _: &mut [IoSlice<'_>]) -> io::Result<()> {
        fail(self.write)
    }

    fn commit(self: Box<Self>, _: Verified) -> io::Result<Option<u64>> {
        fail(self.commit).map(|()| None)
    }
}

fn answer_of(store: &mut Failing, operation: Operation, request: &str) -> (String, Hub, Summary) {
    let mut hub = Hub::new();
    let mut output = Vec::new();
    let input = bytes(&format!("version 1; 0000; {request}; batch; 0000"));
    let summary = hub.talk_with(store, operation, Plain(input.as_slice()), &mut output);
    let text = words(&output).replacen("version=1; locking; 0000; status 200; 0000; ", "", 1);
    (text, hub, summary)
}

#[test]
fn a_store_error_is_a_fault_whose_cause_only_the_log_has() {
    let full = "status 507; 0001; this server has no room for 3 more bytes: tell its operator; 0000";
    let large = "status 413; 0001; the object {abc} is larger than this server can store; 0000";
    let fault = format!("status 500; 0001; {FAULT}; 0000");
    for (kind, expected) in [
        (io::ErrorKind::StorageFull, full),
        (io::ErrorKind::QuotaExceeded, full),
        (io::ErrorKind::FileTooLarge, large),
        (io::ErrorKind::ReadOnlyFilesystem, &fault),
        (io::ErrorKind::PermissionDenied, &fault),
    ] {
        for store in [
            &mut Failing { stage: Some(kind), ..Failing::nowhere() },
            &mut Failing { write: Some(kind), ..Failing::nowhere() },
            &mut Failing { commit: Some(kind), ..Failing::nowhere() },
        ] {
            let request = "put-object {abc}; size=3; 0001; =a; =b; =c; 0000";
            let (answer, hub, summary) = answer_of(store, Operation::Upload, request);
            assert_answer(&answer, &format!("{expected}; status 200; 0001; 0000"), request);
            let is_fault = expected == fault;
            assert_eq!((summary.faults, hub.faults.len()), (u64::from(is_fault), usize::from(is_fault)));
            assert_eq!(summary.stored, (0, 0));
        }
    }
    for request in [
        "batch; 0001; {abc} 3; 0000",
        "put-object {abc}; size=3; 0001; =abc; 0000",
        "verify-object {abc}; size=3; 0000",
    ] {
        let store = &mut Failing { size: Some(io::ErrorKind::PermissionDenied), ..Failing::nowhere() };
        let (answer, hub, _) = answer_of(store, Operation::Upload, request);
        assert_answer(&answer, &format!("{fault}; status 200; 0001; 0000"), request);
        assert_eq!(hub.faults, vec!["permission denied".to_owned()]);
    }
}

#[test]
fn a_read_error_while_an_object_is_sent_keeps_the_stream_in_step() {
    for (read, expected, fault) in [
        ((10, None), "=xxxxxxxxxx; 0000", None),
        ((4, None), "=xxxx; 0000", Some("an object was cut short")),
        ((4, Some(io::ErrorKind::PermissionDenied)), "=xxxx; 0000", Some("permission denied")),
        ((0, Some(io::ErrorKind::PermissionDenied)), "0000", Some("permission denied")),
    ] {
        let store = &mut Failing { read, ..Failing::nowhere() };
        let (answer, hub, summary) = answer_of(store, Operation::Download, "get-object {abc}; 0000");
        assert_eq!(answer, format!("status 200; size=10; 0001; {expected}; status 200; 0001; 0000"));
        assert_eq!(hub.faults, fault.map(str::to_owned).into_iter().collect::<Vec<_>>());
        assert_eq!(summary.sent, (1, read.0));
    }
}
