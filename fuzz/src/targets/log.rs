//! The log: any field results in one line.

use std::os::unix::net::UnixDatagram;

use arbitrary::Unstructured;
use hubgate::log::{Level, Line, send_on};

use crate::input::{self, is_plain, one_of};

const KEYS: [&str; 6] = ["sid", "user", "from", "repo", "reason", "cause"];
const LEVELS: [Level; 4] = [Level::Info, Level::Notice, Level::Error, Level::Critical];
/// The bytes of a value that are shown.
const SHOWN: usize = 256;

thread_local! {
    static SOCKETS: (UnixDatagram, UnixDatagram) = UnixDatagram::pair().expect("two ends of a socket");
}

/// Fields with arbitrary bytes, as a line of the system log.
///
/// The line is printable ASCII and reads back as exactly these fields. Each is complete, or cut with the number of
/// missing bytes.
pub fn log_escaping(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let level = one_of(&mut u, &LEVELS);
    let mut line = Line::default();
    let mut expected = Vec::new();
    while !u.is_empty() {
        let key = one_of(&mut u, &KEYS);
        let value = input::bytes(&mut u);
        let by_bytes = line.clone().bytes(key, value);
        if let Ok(text) = std::str::from_utf8(value) {
            assert_eq!(line.clone().field(key, text), by_bytes);
        }
        line = by_bytes;
        let (shown, cut) = value.split_at(value.len().min(SHOWN));
        expected.push((key.to_owned(), shown.to_vec(), cut.len()));
    }
    assert!(is_plain(line.as_str()), "{line:?}");
    assert_eq!(fields(line.as_str()), expected, "{line:?}");

    SOCKETS.with(|(ours, daemons)| {
        let mut received = vec![0; line.as_str().len() + 100];
        send_on(ours, "hubgate", level, &line);
        let length = daemons.recv(&mut received).expect("a datagram");
        let sent = std::str::from_utf8(&received[..length]).expect("ASCII");
        let (head, rest) = sent.split_once("]: ").expect("the program and its process id");
        assert_eq!(rest, line.as_str());
        assert!(head.starts_with('<') && head.contains(">hubgate["), "{head:?}");
    });
    line.as_str().contains(['\\', '"']) || expected.iter().any(|(_, _, cut)| *cut > 0)
}

/// Reads a line back: keys, values, and the missing bytes of each.
fn fields(line: &str) -> Vec<(String, Vec<u8>, usize)> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=').expect("a key");
        let (value, cut, after) = if let Some(quoted) = after.strip_prefix('"') {
            let (value, after) = quoted.split_once('"').expect("a closing quote");
            let (cut, after) = after.split_once(' ').map_or((after, ""), |(cut, after)| (cut, after));
            (unescape(value), cut, after)
        } else {
            let (word, after) = after.split_once(' ').unwrap_or((after, ""));
            // Only a value of full length can be cut, so no value can imitate a cut one.
            let escaped = word.len() - unescape(word).get(SHOWN..).map_or(0, <[u8]>::len);
            (unescape(&word[..escaped]), &word[escaped..], after)
        };
        let cut = cut.strip_prefix("...+").map_or(0, |missing| missing.parse().expect("a number"));
        fields.push((key.to_owned(), value, cut));
        rest = after;
    }
    fields
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut value = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            value.push(byte);
            continue;
        }
        assert_eq!(bytes.next(), Some(b'x'));
        let digits: Vec<u8> = bytes.by_ref().take(2).collect();
        value.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).expect("two digits"));
    }
    value
}
