//! `git-lfs-transfer` on the wire: the exchanges of `tests/data/lfs-exchanges.txt`. Each runs in a separate process of
//! `hubgate lfs serve`, which uses the same protocol code as the hub.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot continue fails")]

mod programs;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use sha2::{Digest, Sha256};

const EXCHANGES: &str = include_str!("data/lfs-exchanges.txt");

/// A block of the file.
struct Exchange {
    name: String,
    operation: &'static str,
    stored: Vec<String>,
    request: String,
    answer: String,
    is_cut: bool,
}

fn main() -> ExitCode {
    let exchanges: Vec<Exchange> = EXCHANGES.split("\n== ").skip(1).map(read).collect();
    // Each theme has enough exchanges.
    for theme in ["framing", "order", "gating", "traversal", "batch", "objects", "locks", "paging"] {
        assert!(exchanges.iter().filter(|exchange| exchange.name.starts_with(theme)).count() > 4, "{theme}");
    }
    let trial = |exchange: Exchange| Trial::test(exchange.name.clone(), move || hold(&exchange));
    libtest_mimic::run(&Arguments::from_args(), exchanges.into_iter().map(trial).collect()).exit_code()
}

fn read(block: &str) -> Exchange {
    let mut lines = block.lines().map(str::trim_end);
    let name = lines.next().expect("a name").to_owned();
    let mut words = lines.next().expect("an operation").split(' ');
    let operation = match words.next() {
        Some("up") => "upload",
        Some("down") => "download",
        other => panic!("{name}: {other:?}"),
    };
    let mut exchange = Exchange {
        name,
        operation,
        stored: words.map(str::to_owned).collect(),
        request: String::new(),
        answer: String::new(),
        is_cut: false,
    };
    for line in lines.filter(|line| !line.is_empty()) {
        match line.split_at(1) {
            (">", words) => exchange.request += words.strip_prefix(' ').unwrap_or_default(),
            ("<", words) => exchange.answer += words.trim_start(),
            _ if line == "cut" => exchange.is_cut = true,
            _ => panic!("{}: {line}", exchange.name),
        }
    }
    exchange
}

fn oid(content: &str) -> String {
    format!("{:x}", Sha256::digest(content))
}

/// Replaces `{NAME}` by the id of the object with the bytes `NAME`; `{lock}` stays.
fn named(text: &str) -> String {
    let (mut named, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a name");
        named += before;
        named += &if name == "lock" { "{lock}".to_owned() } else { oid(name) };
        rest = after;
    }
    named + rest
}

/// The bytes of a word.
fn packet(word: &str) -> Vec<u8> {
    let framed = |data: &str| [format!("{:04x}", data.len() + 4), data.to_owned()].concat().into_bytes();
    match word.split_at_checked(1) {
        _ if word == "0000" || word == "0001" => word.as_bytes().to_vec(),
        Some(("=", text)) => framed(text),
        Some(("!", raw)) => raw.replace("\\n", "\n").replace("\\t", "\t").into_bytes(),
        _ => framed(&format!("{word}\n")),
    }
}

/// The words of an answer.
fn words(mut output: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    while output.len() >= 4 {
        let length = usize::from_str_radix(&String::from_utf8_lossy(&output[..4]), 16).expect("a length");
        let (packet, rest) = output.split_at(length.max(4));
        let data = String::from_utf8_lossy(&packet[4..]).into_owned();
        words.push(match data.strip_suffix('\n') {
            _ if length < 4 => format!("{length:04}"),
            Some(line) => line.to_owned(),
            None => format!("={data}"),
        });
        output = rest;
    }
    words
}

/// Whether a word matches the expected one; `*` matches any word.
fn is_as(said: &str, expected: &str) -> bool {
    let mut rest = said;
    let mut parts = expected.split('*').peekable();
    let first = parts.next().unwrap_or_default();
    let Some(after) = rest.strip_prefix(first) else { return false };
    rest = after;
    for part in parts {
        let end = rest.find([' ', ';']).unwrap_or(rest.len());
        if end == 0 || !rest[end..].starts_with(part) {
            return false;
        }
        rest = &rest[end + part.len()..];
    }
    rest.is_empty()
}

fn store(directory: &Path, content: &str) {
    let name = oid(content);
    let place = directory.join("lfs/objects").join(&name[..2]).join(&name[2..4]);
    fs::create_dir_all(&place).expect("a directory");
    fs::write(place.join(name), content).expect("an object");
}

fn hold(exchange: &Exchange) -> Result<(), Failed> {
    let place = tempfile::tempdir().expect("a directory");
    fs::create_dir(place.path().join("objects")).expect("a directory");
    exchange.stored.iter().for_each(|content| store(place.path(), content));
    let mut command = Command::new(programs::program("hubgate"));
    command.args(["lfs", "serve"]).arg(place.path()).arg(exchange.operation).env_clear();
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (mut stdin, stdout) = process.stdin.take().zip(process.stdout.take()).expect("pipes");

    // The message after an exchange shows whether the session is still in step.
    let (behind, then) = if exchange.is_cut {
        ("", "")
    } else {
        ("version 1; 0000; quit; 0000", "; status 200; 0000; status 200; 0000")
    };
    let greeting = "version=1; locking; 0000; status 200; 0000";
    let mut answer = named(&exchange.answer);
    if !answer.is_empty() {
        answer.insert_str(0, "; ");
    }
    let expected = format!("{greeting}{answer}{then}");
    let requests = [named(&exchange.request), behind.to_owned()].into_iter().filter(|words| !words.is_empty());
    let requests: Vec<String> =
        requests.flat_map(|words| words.split("; ").map(str::to_owned).collect::<Vec<_>>()).collect();
    let reader = std::thread::spawn(move || read_all(stdout));
    stdin.write_all(b"000eversion 1\n0000")?;
    for word in &requests {
        let word =
            if word.contains("{lock}") { word.replace("{lock}", &first_lock(place.path())) } else { word.clone() };
        // The session may have ended after the previous message.
        if stdin.write_all(&packet(&word)).is_err() {
            break;
        }
    }
    drop(stdin);
    let output = reader.join().map_err(|_| "no answer")?;
    let _ = process.wait()?;
    let said = words(&output);
    let lock = said.iter().find_map(|word| word.strip_prefix("id=")).unwrap_or("none").to_owned();
    let expected: Vec<String> = expected.split("; ").map(|word| word.replace("{lock}", &lock)).collect();
    let same = said.len() == expected.len() && said.iter().zip(&expected).all(|(said, word)| is_as(said, word));
    if same { Ok(()) } else { Err(format!("said:     {}\nexpected: {}", said.join("; "), expected.join("; ")).into()) }
}

fn read_all(mut stream: impl std::io::Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// The id of the first lock, once it exists: `+ PLACE ID …` in the file of locks.
fn first_lock(directory: &Path) -> String {
    for _ in 0..1_000 {
        let text = fs::read_to_string(directory.join("lfs/locks.txt")).unwrap_or_default();
        if let Some(id) = text.lines().nth(1).and_then(|line| line.split(' ').nth(2)) {
            return id.to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("no lock")
}
