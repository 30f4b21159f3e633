//! The start and the end of a session, and malformed input.

use super::*;

#[test]
fn a_session_begins_with_capabilities_and_ends_with_a_bare_status() {
    for operation in [Operation::Upload, Operation::Download] {
        let mut output = Vec::new();
        let input = bytes("version 1; 0000; quit; 0000");
        let summary = Hub::new().talk(operation, Plain(input.as_slice()), &mut output);
        let expected = "version=1; locking; 0000; status 200; 0000; status 200; 0000";
        assert_eq!(words(&output), expected);
        assert!(matches!(summary.ending, Ending::Quit));
    }
}

#[test]
fn capabilities_come_before_the_client_says_anything() {
    let mut output = Vec::new();
    let summary = Hub::new().talk(Operation::Upload, Plain(io::empty()), &mut output);
    assert_eq!(words(&output), "version=1; locking; 0000");
    assert!(matches!(summary.ending, Ending::End));
}

#[test]
fn requests_of_every_client_version_stay_in_step() {
    let only = "status 400; 0001; this server speaks version 1 only; 0000";
    let first = "status 400; 0001; a session begins with version 1; 0000";
    for (input, expected) in [
        ("version 2; 0000; version 1; 0000; quit; 0000", format!("{only}; status 200; 0000; status 200; 0000")),
        ("version; 0000; quit; 0000", format!("{only}; status 200; 0000")),
        ("version 10; 0000", only.to_owned()),
        ("version -1; 0000", only.to_owned()),
        ("version 1 1; 0000", "status 400; 0001; a command has too few or too many words; 0000".to_owned()),
        ("version 1; 0000; version 1; 0000", "status 200; 0000; status 200; 0000".to_owned()),
        ("=version 1; 0000", "status 200; 0000".to_owned()),
        ("version 1; session-id=x; 0000", "status 200; 0000".to_owned()),
        ("version 1; 0001; 0000", "status 200; 0000".to_owned()),
        ("batch; 0000; version 1; 0000", format!("{first}; status 200; 0000")),
        ("put-object {x}; size=1; 0001; =x; 0000; version 1; 0000", format!("{first}; status 200; 0000")),
        ("quit; 0000", "status 200; 0000".to_owned()),
    ] {
        let mut output = Vec::new();
        Hub::new().talk(Operation::Upload, Plain(bytes(input).as_slice()), &mut output);
        assert_eq!(words(&output), format!("version=1; locking; 0000; {expected}"), "{input}");
    }
}

#[test]
fn nothing_is_answered_after_quit() {
    assert_eq!(Hub::new().upload("quit; 0000; batch; 0000"), "status 200; 0000");
    assert_eq!(Hub::new().upload("quit; x=y; 0001; =data; 0000; batch; 0000"), "status 200; 0000");
}

#[test]
fn each_malformed_request_gets_one_answer_and_the_next_is_understood() {
    let many: String = (0..65).fold("batch; ".to_owned(), |text, i| text + &format!("key{i}=value; ")) + "0000";
    let long = format!("batch; refname={}; 0000", "x".repeat(8 * 1024));
    let long_command = format!("{}; 0000", "x".repeat(9 * 1024));
    for (request, sentence) in [
        ("0000", "a request begins with a command"),
        ("hello; 0000", "unknown command"),
        ("; 0000", "a request begins with a command"),
        ("=; 0000", "a request begins with a command"),
        ("=\n; 0000", "unknown command"),
        ("BATCH; 0000", "unknown command"),
        ("hello; a=b; 0001; =data; =more; 0000", "unknown command"),
        (" batch; 0000", "unknown command"),
        ("batch ; 0000", "a command has too few or too many words"),
        ("batch x; 0000", "a command has too few or too many words"),
        ("quit now; 0000", "a command has too few or too many words"),
        ("list-lock x; 0000", "a command has too few or too many words"),
        ("put-object; size=1; 0001; =x; 0000", "an object is named by 64 lower-case hexadecimal digits"),
        ("put-object  {x}; size=1; 0001; =x; 0000", "an object is named by 64 lower-case hexadecimal digits"),
        ("put-object {x} {x}; size=1; 0001; =x; 0000", "a command has too few or too many words"),
        ("put-object {x} ; size=1; 0001; =x; 0000", "a command has too few or too many words"),
        ("get-object ../../../etc/passwd; 0000", "an object is named by 64 lower-case hexadecimal digits"),
        ("unlock; 0000", "an id of a lock has 1 to 64 letters and digits"),
        ("unlock ../../x; 0000", "an id of a lock has 1 to 64 letters and digits"),
        ("batch; novalue; 0000", "an argument is KEY=VALUE"),
        ("batch; =\n; 0000", "an argument is KEY=VALUE"),
        ("batch; =\x1b[2J=x; 0000", "a line has no control characters"),
        ("=batch\n\n; 0000", "a line has no control characters"),
        ("=batch\0; 0000", "a line has no control characters"),
        ("=batch\n0000; 0000", "a line has no control characters"),
        ("verify-object {x}; size=1; 0001; =data; 0000", "this command takes no data"),
        ("list-lock; 0001; =data; 0000", "this command takes no data"),
        ("verify-object {x}; size=1; size=2; 0000", "the argument size is given twice"),
        (&many, "a request has at most 64 arguments"),
        (&long, "a line has at most 8192 bytes"),
        (&long_command, "a line has at most 8192 bytes"),
    ] {
        let answer = Hub::new().upload(&format!("{request}; {PING}"));
        let shown = &request[..request.len().min(100)];
        assert_answer(&answer, &format!("status 400; 0001; {sentence}; 0000; {PONG}"), shown);
    }
}

#[test]
fn unknown_arguments_are_ignored() {
    for request in [
        "verify-object {test content}; size=12; id=../../x; token=; x=y=z; 0000",
        "verify-object {test content}; size=12; x= ; ü=ü; 0000",
        "verify-object {test content}; size=12; x=a; x=b; 0000",
        "verify-object {test content}; size=12; 0001; 0000",
        "=verify-object {test content}; =size=12; 0000",
        "=; =; verify-object {test content}; =; size=12; =; 0000",
    ] {
        assert_answer(&Hub::with(&[CONTENT]).upload(request), "status 200; 0000", request);
    }
}

#[test]
fn a_broken_frame_ends_the_session_without_an_answer() {
    for (input, why) in [
        ("zzzz", "\"zzzz\" is not the length of a packet"),
        ("fff1", "\"fff1\" is not the length of a packet"),
        ("0002", "\"0002\" is not the length of a packet"),
        ("0003", "\"0003\" is not the length of a packet"),
        ("0001", "a delimiter in the wrong place"),
        ("0001batch", "a delimiter in the wrong place"),
        ("000abatch\n000100010000", "a delimiter in the wrong place"),
        ("GET / HTTP/1.1\r\n\r\n", "\"GET \" is not the length of a packet"),
        ("000abatch\n", "the input ended within a request"),
        ("000abat", "the input ended within a request"),
        ("00", "the input ended within a request"),
        ("000abatch\n0001", "the input ended within a request"),
    ] {
        let mut output = Vec::new();
        let input = [bytes("version 1; 0000"), input.as_bytes().to_vec()].concat();
        let summary = Hub::new().talk(Operation::Upload, Plain(input.as_slice()), &mut output);
        assert_eq!(words(&output), "version=1; locking; 0000; status 200; 0000");
        let Ending::Broken(error) = summary.ending else { panic!("{input:?}") };
        assert_eq!(error.to_string(), why);
    }
}

#[test]
fn requests_may_come_before_their_answers_are_read() {
    let requests = format!("{PING}; batch; 0001; {{a}} 1; 0000; put-object {{a}}; size=1; 0001; =a; 0000; quit; 0000");
    let expected = format!("{PONG}; status 200; 0001; {{a}} 1 upload; 0000; status 200; 0000; status 200; 0000");
    assert_answer(&Hub::new().upload(&requests), &expected, &requests);
}

#[test]
fn a_closed_output_ends_the_session() {
    struct Gone;
    impl io::Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let summary = Hub::new().talk(Operation::Upload, Plain(io::repeat(b'0')), Gone);
    assert!(matches!(summary.ending, Ending::Broken(Broken::Io(_))));
}

#[test]
fn the_summary_counts_objects_in_both_directions() {
    let (_, summary) = Hub::new().answers(
        Operation::Upload,
        "put-object {abc}; size=3; 0001; =abc; 0000; put-object {d}; size=1; 0001; =d; 0000; hello; 0000",
    );
    assert_eq!((summary.stored, summary.sent, summary.refused, summary.faults), ((2, 4), (0, 0), 1, 0));
    let (_, summary) = Hub::with(&["abc"]).answers(Operation::Download, "get-object {abc}; 0000; quit; 0000");
    assert_eq!((summary.stored, summary.sent, summary.refused, summary.faults), ((0, 0), (1, 3), 0, 0));
}
