//! `batch`.

use super::*;

#[test]
fn each_object_is_answered_once_with_its_action() {
    for (operation, there, missing) in
        [(Operation::Upload, "noop", "upload"), (Operation::Download, "download", "noop")]
    {
        let request = "batch; transfer=ssh; hash-algo=sha256; refname=refs/heads/main; 0001; \
                       {there} 5; {missing} 7; {there} 5; {other} 5; 0000";
        let (answer, summary) = Hub::with(&["there"]).answers(operation, request);
        let expected =
            format!("status 200; 0001; {{there}} 5 {there}; {{missing}} 7 {missing}; {{other}} 5 {missing}; 0000");
        assert_answer(&answer, &expected, request);
        assert_eq!(summary.refused, 0);
    }
}

#[test]
fn an_object_of_another_size_counts_as_missing() {
    let mut hub = Hub::new();
    hub.put_file(&Oid::of(b"abcdef"), b"abc");
    let request = "batch; 0001; {abcdef} 6; 0000";
    assert_answer(&hub.upload(request), "status 200; 0001; {abcdef} 6 upload; 0000", request);
    assert_answer(&hub.download(request), "status 200; 0001; {abcdef} 6 noop; 0000", request);
}

#[test]
fn the_empty_object_is_an_object() {
    let request = "batch; 0001; {} 0; 0000";
    assert_answer(&Hub::new().upload(request), "status 200; 0001; {} 0 upload; 0000", request);
    assert_answer(&Hub::with(&[""]).upload(request), "status 200; 0001; {} 0 noop; 0000", request);
    assert_answer(&Hub::with(&[""]).download(request), "status 200; 0001; {} 0 download; 0000", request);
}

#[test]
fn differences_between_clients_have_no_effect() {
    for request in [
        "batch; 0001; {abc} 3; 0000",
        "batch; transfer=ssh; 0001; {abc} 3; 0000",
        "batch; refname=; hash-algo=; 0001; {abc} 3; 0000",
        "batch; unknown=x; 0001; {abc} 3; 0000",
        "batch; 0001; {abc} 3 id=x token=y; 0000",
        "batch; 0001; {abc} 3 ; 0000",
        "batch; 0001; ={abc} 3; 0000",
        "batch; 0001; =; {abc} 3; =; 0000",
    ] {
        assert_answer(&Hub::new().upload(request), "status 200; 0001; {abc} 3 upload; 0000", request);
    }
    for request in ["batch; 0000", "batch; 0001; 0000", "batch; hash-algo=sha256; 0000"] {
        assert_answer(&Hub::new().upload(request), "status 200; 0001; 0000", request);
    }
}

#[test]
fn a_malformed_list_is_refused_and_the_next_request_is_understood() {
    let digits = "an object is named by 64 lower-case hexadecimal digits";
    let size = "a size is a number of bytes";
    let upper = format!("batch; 0001; {} 3; 0000", Oid::of(b"abc").to_string().to_uppercase());
    for (request, sentence) in [
        ("batch; 0001; {abc}; 0000", &named("the object {abc} is listed without a size")[..]),
        ("batch; 0001; {abc} ; 0000", size),
        ("batch; 0001; {abc} x; 0000", size),
        ("batch; 0001; {abc} -1; 0000", size),
        ("batch; 0001; {abc} 3.0; 0000", size),
        ("batch; 0001; {abc} 9223372036854775808; 0000", size),
        ("batch; 0001; {abc}  3; 0000", size),
        ("batch; 0001; 3 {abc}; 0000", digits),
        ("batch; 0001; =\n; 0000", digits),
        ("batch; 0001; {good} 4; abc 3; {good2} 5; 0000", digits),
        ("batch; 0001; ../../x 3; 0000", digits),
        (&upper, digits),
        ("batch; 0001; ={abc} 3\n{abc} 3; 0000", "a line has no control characters"),
        ("batch; hash-algo=sha512; 0001; {abc} 3; 0000", "this server names objects by sha256 only"),
        ("batch; 0001; {abc} 3; {abc} 4; 0000", &named("the object {abc} is listed with two sizes")),
    ] {
        let answer = Hub::new().upload(&format!("{request}; {PING}"));
        assert_answer(&answer, &format!("status 400; 0001; {sentence}; 0000; {PONG}"), request);
    }
}

#[test]
fn a_batch_is_bounded() {
    let line = |i: u32| format!("{} 1; ", Oid::of(&i.to_ne_bytes()));
    let list = |count| format!("batch; 0001; {}0000", (0..count).map(line).collect::<String>());
    let mut hub = Hub { limits: Limits { batch_objects: 100, ..Limits::default() }, ..Hub::new() };
    let answer = hub.upload(&list(100));
    assert!(answer.starts_with("status 200; 0001; ") && answer.matches(" 1 upload; ").count() == 100);
    let answer = hub.upload(&format!("{}; {PING}", list(101)));
    assert_answer(
        &answer,
        &format!("status 413; 0001; a batch lists at most 100 objects; 0000; {PONG}"),
        "101 objects",
    );
}

#[test]
fn an_object_that_is_too_large_is_refused_before_the_client_sends_it() {
    let mut hub = Hub { limits: Limits { object_size: Some(5), ..Limits::default() }, ..Hub::with(&["too large"]) };
    let request = "batch; 0001; {small} 5; {too long} 8; 0000";
    let sentence = "the object {too long} has 8 bytes, and this server accepts at most 5";
    assert_answer(&hub.upload(request), &format!("status 413; 0001; {sentence}; 0000"), request);
    let request = "batch; 0001; {small} 5; 0000";
    assert_answer(&hub.upload(request), "status 200; 0001; {small} 5 upload; 0000", request);
    // Objects from before the limit are still sent.
    let request = "batch; 0001; {too large} 9; 0000";
    assert_answer(&hub.upload(request), "status 200; 0001; {too large} 9 noop; 0000", request);
    assert_answer(&hub.download(request), "status 200; 0001; {too large} 9 download; 0000", request);
}

#[test]
fn the_quota_counts_missing_objects_only() {
    let mut hub = Hub::with(&["there"]);
    hub.policy.quota = Some(10);
    let request = "batch; 0001; {there} 5; {a} 4; {b} 6; {a} 4; 0000";
    assert_answer(&hub.upload(request), "status 200; 0001; {there} 5 noop; {a} 4 upload; {b} 6 upload; 0000", request);
    let request = "batch; 0001; {there} 5; {a} 4; {b} 7; 0000";
    assert_answer(&hub.upload(request), "status 507; 0001; 10 bytes of the quota are left; 0000", request);
    hub.upload("batch; 0001; {there} 5; 0000");
    hub.download("batch; 0001; {there} 5; {a} 4; 0000");
    assert_eq!(hub.policy.admitted, vec![10, 11], "nothing is stored by the others");
    // Sizes whose sum is greater than any number.
    let most = i64::MAX;
    let request = format!("batch; 0001; {{a}} {most}; {{b}} {most}; {{c}} {most}; 0000");
    assert!(hub.upload(&request).starts_with("status 507; 0001; "));
}

#[test]
fn a_full_disk_is_reported_before_the_client_sends_anything() {
    let request = "batch; 0001; {a} 1; 0000";
    let mut hub = Hub { limits: Limits { reserve: u64::MAX, ..Limits::default() }, ..Hub::with(&["b"]) };
    let expected = "status 507; 0001; this server has no room for 1 more byte: tell its operator; 0000";
    assert_answer(&hub.upload(request), expected, request);
    let request = "batch; 0001; {b} 1; 0000";
    assert_answer(&hub.upload(request), "status 200; 0001; {b} 1 noop; 0000", request);
    assert_answer(&hub.download(request), "status 200; 0001; {b} 1 download; 0000", request);
}
