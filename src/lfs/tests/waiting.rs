//! A waiting session, with a slow client, a client that has forgotten it, and a client that has gone.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::*;

/// Long enough for a machine that runs other tests too.
const SHORT: Patience = Patience { version: Duration::from_secs(2), command: None, rest: Duration::from_secs(1) };

/// The client's end of a session that runs in a thread.
struct Client {
    stream: UnixStream,
    session: Option<std::thread::JoinHandle<(Summary, bool)>>,
}

impl Client {
    fn start(directory: &Path, patience: Patience, group: Option<Group>) -> Self {
        let (stream, theirs) = UnixStream::pair().unwrap();
        let output = theirs.try_clone().unwrap();
        let directory = directory.to_owned();
        let session = std::thread::spawn(move || {
            let mut store = open_store(&directory, Options { fsync: false });
            let mut input = Stdin::of(theirs.into(), patience);
            if let Some(group) = group {
                input = input.with_group(Rc::new(group));
            }
            let summary = Hub::new().talk_with(&mut store, Operation::Upload, &mut input, output);
            input.note_end(&summary);
            (summary, input.was_told_to_go())
        });
        Self { stream, session: Some(session) }
    }

    fn send(&mut self, text: &str) {
        self.stream.write_all(&bytes(text)).unwrap();
    }

    /// Reads until an answer ends.
    fn answer(&mut self) -> String {
        let mut output = Vec::new();
        loop {
            let mut length = [0; 4];
            self.stream.read_exact(&mut length).unwrap();
            output.extend(length);
            let length = usize::from_str_radix(std::str::from_utf8(&length).unwrap(), 16).unwrap();
            if length == 0 {
                return words(&output);
            }
            let mut data = vec![0; length.saturating_sub(4)];
            self.stream.read_exact(&mut data).unwrap();
            output.extend(data);
        }
    }

    fn greet(&mut self) {
        self.answer();
        self.send("version 1; 0000");
        assert_eq!(self.answer(), "status 200; 0000");
    }

    fn is_over(&self) -> bool {
        self.session.as_ref().unwrap().is_finished()
    }

    /// How the session ends, and whether it ended as forgotten.
    fn end(mut self) -> (Summary, bool) {
        self.session.take().unwrap().join().unwrap()
    }
}

#[test]
fn a_client_that_sends_nothing_is_disconnected() {
    let hub = Hub::new();
    let client = Client::start(hub.directory.path(), SHORT, None);
    let (summary, _) = client.end();
    let Ending::Broken(Broken::Io(error)) = summary.ending else { panic!("{summary:?}") };
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn a_request_that_stops_in_the_middle_ends_the_session() {
    for part in ["000abat", "000abatch\n", "0005x"] {
        let hub = Hub::new();
        let mut client = Client::start(hub.directory.path(), SHORT, None);
        client.greet();
        if part == "0005x" {
            client.send("put-object {abc}; size=3; 0001");
        }
        client.stream.write_all(part.as_bytes()).unwrap();
        let (summary, _) = client.end();
        let Ending::Broken(Broken::Io(error)) = summary.ending else { panic!("{summary:?}") };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{part}");
        assert_eq!(hub.files(), vec![]);
    }
}

#[test]
fn between_two_requests_a_client_may_take_its_time() {
    let hub = Hub::new();
    let mut client = Client::start(hub.directory.path(), SHORT, None);
    client.greet();
    std::thread::sleep(Duration::from_millis(2_600));
    client.send("batch; 0000");
    assert_eq!(client.answer(), "status 200; 0001; 0000");
    client.stream.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(matches!(client.end().0.ending, Ending::End));
}

/// The group of the connection in most tests.
fn group(hub: &Hub, grace: u64) -> Group {
    group_on(hub, "192.0.2.1 50000 192.0.2.2 22", grace)
}

fn group_on(hub: &Hub, connection: &str, grace: u64) -> Group {
    let repository = std::fs::File::open(hub.directory.path()).unwrap();
    let id = GroupId::of(Some(connection.as_bytes()), repository.as_fd(), Operation::Upload).unwrap();
    Group::open(&hub.directory.path().join("sessions"), id).unwrap().with_grace(Duration::from_millis(grace))
}

fn start(hub: &Hub, group: Group) -> Client {
    let mut client = Client::start(hub.directory.path(), Patience::default(), Some(group));
    client.greet();
    client
}

#[test]
fn waiting_sessions_end_after_one_of_them_has_quit() {
    let hub = Hub::new();
    let mut first = start(&hub, group(&hub, 600));
    let (idle, mut used) = (start(&hub, group(&hub, 600)), start(&hub, group(&hub, 600)));
    let other_connection = start(&hub, group_on(&hub, "192.0.2.1 50001 192.0.2.2 22", 600));
    used.send(PING);
    used.answer();
    // A client quits right after its last object, before any session has read the group's event.
    let begin = Instant::now();
    first.send("quit; 0000");
    assert_eq!(first.answer(), "status 200; 0000");
    assert!(!first.end().1, "it quit by itself");
    for client in [idle, used] {
        let (summary, told_to_go) = client.end();
        assert!(matches!(summary.ending, Ending::End) && told_to_go);
    }
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(20), "{took:?}");
    std::thread::sleep(Duration::from_millis(600));
    assert!(!other_connection.is_over());
}

#[test]
fn a_session_that_works_or_got_a_command_does_not_end() {
    let hub = Hub::new();
    let mut first = start(&hub, group(&hub, 2_000));
    let (mut sending, mut later) = (start(&hub, group(&hub, 2_000)), start(&hub, group(&hub, 2_000)));
    sending.send("put-object {abc}; size=3; 0001; =ab");
    std::thread::sleep(Duration::from_millis(100));
    first.send("quit; 0000");
    first.answer();
    // The session notes the command before it answers.
    assert!(!first.end().1);
    later.send(PING);
    later.answer();
    std::thread::sleep(Duration::from_millis(3_500));
    assert!(!sending.is_over() && !later.is_over());
    sending.send("=c; 0000");
    assert_eq!(sending.answer(), "status 200; 0000");
    for mut client in [sending, later] {
        client.send("quit; 0000");
        assert_eq!(client.answer(), "status 200; 0000");
        assert!(!client.end().1);
    }
}

#[test]
fn no_session_ends_because_a_client_lost_its_connection() {
    let hub = Hub::new();
    let (first, second) = (start(&hub, group(&hub, 300)), start(&hub, group(&hub, 300)));
    first.stream.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(matches!(first.end().0.ending, Ending::End));
    std::thread::sleep(Duration::from_millis(1_500));
    assert!(!second.is_over());
}
