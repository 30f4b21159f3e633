use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, any};
use proptest::{collection, prop_assert, prop_assert_eq, prop_oneof, sample};
use tempfile::TempDir;

use super::{Level, Line, Sink, VALUE_MAX, connect, on_panic, send, send_on};
use crate::tests::holds;

/// A field read back from the log: its key, its value, and the number of bytes cut off.
type Field = (String, Vec<u8>, usize);

/// Reads one value from the start of a text, up to the byte that ends it.
fn value<'a>(mut text: &'a str, end: &str) -> (Vec<u8>, &'a str) {
    let mut value = Vec::new();
    while value.len() < VALUE_MAX && !text.is_empty() && !text.starts_with(end) {
        if let Some(escaped) = text.strip_prefix("\\x") {
            value.push(u8::from_str_radix(&escaped[..2], 16).unwrap());
            text = &escaped[2..];
        } else {
            assert!(!text.starts_with(['\\', '"']), "{text}");
            value.push(text.as_bytes()[0]);
            text = &text[1..];
        }
    }
    (value, text)
}

/// Reads a line of the log independently of `parse`.
fn read(line: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = line;
    while let Some((key, text)) = rest.split_once('=') {
        let (value, text) = match text.strip_prefix('"') {
            Some(quoted) => {
                let (value, text) = value(quoted, "\"");
                (value, text.strip_prefix('"').unwrap())
            }
            None => value(text, " "),
        };
        let (end, next) = text.split_once(' ').unwrap_or((text, ""));
        let cut = end.strip_prefix("...+").map_or(0, |number| number.parse().unwrap());
        assert_eq!(cut == 0, end.is_empty(), "{line}");
        fields.push((key.to_owned(), value, cut));
        rest = next;
    }
    assert_eq!(rest, "", "{line}");
    fields
}

#[test]
fn blanks_quote_a_value_and_unprintable_bytes_are_escaped() {
    let (longest, longer) = ("a".repeat(256), "é".repeat(129));
    for (value, expected) in [
        ("", r#""""#),
        ("alice", "alice"),
        ("a=b;c'd", "a=b;c'd"),
        ("a b", r#""a b""#),
        ("x decision=allow", r#""x decision=allow""#),
        ("a\"b", r"a\x22b"),
        ("a\\x22", r"a\x5cx22"),
        ("a\nb\r\t\0", r"a\x0ab\x0d\x09\x00"),
        ("\x1b[2J\x7f", r"\x1b[2J\x7f"),
        ("é\u{202e}", r"\xc3\xa9\xe2\x80\xae"),
        (&longest, &longest),
        (&format!("{longest}b c"), &format!("{longest}...+3")),
        // 256 bytes are exactly 128 of these letters.
        (&longer, &format!("{}...+2", r"\xc3\xa9".repeat(128))),
    ] {
        assert_eq!(Line::default().field("k", value).as_str(), format!("k={expected}"));
        assert_eq!(Line::default().bytes("k", value.as_bytes()).as_str(), format!("k={expected}"));
    }
}

#[test]
fn fields_keep_their_order() {
    let line = Line::default().field("sid", 7).bytes("from", b"::1").field("user", "a b").field("reason", "");
    assert_eq!(line.as_str(), r#"sid=7 from=::1 user="a b" reason="""#);
}

#[test]
fn a_strangers_text_cannot_add_a_line_or_change_a_field() {
    let key = sample::select(vec!["sid", "user", "command", "repo"]);
    let bytes = prop_oneof![
        2 => collection::vec(any::<u8>(), 0..300),
        2 => "[ -~]{0,300}".prop_map(String::into_bytes),
        1 => "[a\\n\"\\\\ =x.+0-9]{0,12}".prop_map(String::into_bytes),
    ];
    let cut = holds(2_000, &collection::vec((key, bytes), 0..5), |fields| {
        let mut by_bytes = Line::default();
        let mut by_text = Line::default();
        for (key, bytes) in &fields {
            by_bytes = by_bytes.bytes(key, bytes);
            by_text = by_text.field(key, String::from_utf8_lossy(bytes));
        }
        for line in [&by_bytes, &by_text] {
            prop_assert!(line.as_str().bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", line.as_str());
        }
        let expected = |key: &str, value: &[u8]| {
            let shown = &value[..value.len().min(VALUE_MAX)];
            (key.to_owned(), shown.to_vec(), value.len() - shown.len())
        };
        let bytes: Vec<Field> = fields.iter().map(|(key, value)| expected(key, value)).collect();
        let texts = fields.iter().map(|(key, value)| expected(key, String::from_utf8_lossy(value).as_bytes()));
        prop_assert_eq!(read(by_bytes.as_str()), bytes.clone());
        prop_assert_eq!(read(by_text.as_str()), texts.collect::<Vec<_>>());
        Ok(bytes.iter().any(|(_, _, cut)| *cut > 0))
    });
    assert!(cut > 200, "{cut} cut");
}

/// A system log for these tests.
fn daemon() -> (TempDir, PathBuf, UnixDatagram) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    (directory, path, socket)
}

fn receive(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

#[test]
fn a_line_arrives_with_its_priority_in_the_facility_auth() {
    let (_directory, path, socket) = daemon();
    let line = Line::default().field("user", "a b\n");
    let pid = std::process::id();
    for (level, priority) in [(Level::Info, 38), (Level::Notice, 37), (Level::Error, 35), (Level::Critical, 34)] {
        let expected = format!("<{priority}>hubgate[{pid}]: user=\"a b\\x0a\"");
        send(&path, "hubgate", level, &line);
        assert_eq!(receive(&socket), expected);
        let connection = connect(&path).unwrap();
        for _ in 0..2 {
            send_on(&connection, "hubgate", level, &line);
            assert_eq!(receive(&socket), expected);
        }
    }
}

/// The time that a call takes.
fn time(call: impl FnOnce()) -> Duration {
    let start = Instant::now();
    call();
    start.elapsed()
}

#[test]
fn a_missing_log_stops_no_session() {
    let (directory, path, socket) = daemon();
    let connection = connect(&path).unwrap();
    drop(socket);
    let line = Line::default().field("user", "alice");
    let missing = directory.path().join("missing");
    for socket in [&missing, &path, &directory.path().to_owned()] {
        assert!(time(|| send(socket, "hubgate", Level::Info, &line)) < Duration::from_millis(100), "{socket:?}");
        assert!(connect(socket).is_err(), "{socket:?}");
    }
    assert!(time(|| assert!(!send_on(&connection, "hubgate", Level::Info, &line))) < Duration::from_millis(100));
}

#[test]
fn a_blocked_log_delays_a_session_briefly() {
    let (_directory, path, socket) = daemon();
    // One sender may reach the end of its own buffer before the queue is full (net.unix.max_dgram_qlen).
    let (mut queued, mut fillers) = (0, Vec::new());
    loop {
        let filler = connect(&path).unwrap();
        filler.set_nonblocking(true).unwrap();
        let sent = (0..10_000).take_while(|_| filler.send(b"x").is_ok()).count();
        fillers.push(filler);
        queued += sent;
        assert!(queued < 10_000, "the queue has no end");
        if sent == 0 {
            break;
        }
    }

    let line = Line::default().field("user", "alice");
    let connection = connect(&path).unwrap();
    assert!(time(|| send(&path, "hubgate", Level::Info, &line)) < Duration::from_secs(1));
    assert!(time(|| assert!(!send_on(&connection, "hubgate", Level::Info, &line))) < Duration::from_secs(1));

    // Once the daemon reads again, it receives the next line.
    (0..queued).for_each(|_| assert_eq!(receive(&socket), "x"));
    send_on(&connection, "hubgate", Level::Notice, &line);
    assert!(receive(&socket).starts_with("<37>"));
}

/// The program that [`a_panic_is_one_line_in_the_log_and_the_end_that_the_program_chose`] starts.
#[test]
fn a_program_that_panics() {
    let Some(socket) = std::env::var_os("HUBGATE_TEST_PANICS") else { return };
    on_panic(Sink::Socket(socket.into()), "hubgate", Line::default().field("sid", "00ff"), || 128);
    panic!("words that no client may read");
}

#[test]
fn a_panic_is_one_line_in_the_log_and_the_end_that_the_program_chose() {
    let (_directory, path, socket) = daemon();
    let mut program = std::process::Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "log::tests::a_program_that_panics", "--nocapture"]).env("HUBGATE_TEST_PANICS", path);
    let output = program.output().unwrap();
    assert_eq!(output.status.code(), Some(128));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("words"), "{output:?}");
    let line = receive(&socket);
    assert!(
        line.starts_with("<34>hubgate[") && line.contains(": sid=00ff decision=fault cause=\"panic at src/log/"),
        "{line}"
    );
}

#[test]
fn each_program_sets_what_a_panic_does_before_it_does_anything_else() {
    for (name, source) in [
        ("authorized-keys", include_str!("../authorized_keys.rs")),
        ("gateway", include_str!("../gateway.rs")),
        ("services", include_str!("../services/mod.rs")),
        ("hubgate", include_str!("../operator/mod.rs")),
    ] {
        let (_, main) = source.split_once("pub fn main() -> ExitCode {").expect(name);
        let (before, _) = main.split_once("panic").expect(name);
        assert!(
            before.lines().count() < 10 && !before.contains("args_os") && !before.contains("parse"),
            "{name}: {before}"
        );
    }
}
