//! LFS over SSH: a peer's stream, whole sessions, names.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Cursor, IoSlice, Read};
use std::rc::Rc;

use arbitrary::Unstructured;
use hubgate::lfs::{
    Ask, Ending, Fault, Input, Limits, LockId, LockPath, MemoryLocks, Object, Oid, Plain, Policy, Refusal, Session,
    Staged, Store, Summary, Verified, serve,
};
use hubgate::request::Operation;

use crate::input::{self, is_plain, is_sentence, one_of};

const FAULT: &str = "the server could not serve this request (reference 7f3a)";
/// Contents of objects: empty, short, similar to a packet, longer than several packets.
const CONTENTS: [&[u8]; 4] = [b"", b"test content", b"0000", &[b'x'; 3_000]];
const REFUSED: (u16, &str) = (403, "no\u{1b}[2J");

type Objects = Rc<RefCell<BTreeMap<Oid, Vec<u8>>>>;

/// Objects in memory.
struct Memory(Objects);

struct Incoming {
    objects: Objects,
    oid: Oid,
    bytes: Vec<u8>,
}

impl Store for Memory {
    fn size(&mut self, oid: &Oid) -> io::Result<Option<u64>> {
        Ok(self.0.borrow().get(oid).map(|bytes| bytes.len() as u64))
    }

    fn open(&mut self, oid: &Oid) -> io::Result<Option<Object>> {
        let object = |bytes: &Vec<u8>| Object { size: bytes.len() as u64, bytes: Box::new(Cursor::new(bytes.clone())) };
        Ok(self.0.borrow().get(oid).map(object))
    }

    fn stage(&mut self, oid: &Oid, _size: u64) -> io::Result<Box<dyn Staged + '_>> {
        Ok(Box::new(Incoming { objects: Rc::clone(&self.0), oid: *oid, bytes: Vec::new() }))
    }

    fn free(&mut self) -> io::Result<Option<u64>> {
        Ok(Some(1 << 40))
    }
}

impl Staged for Incoming {
    fn write(&mut self, pieces: &mut [IoSlice<'_>]) -> io::Result<()> {
        for piece in pieces.iter() {
            self.bytes.extend_from_slice(piece);
        }
        Ok(())
    }

    fn commit(self: Box<Self>, verified: Verified) -> io::Result<Option<u64>> {
        assert_eq!((verified.oid(), verified.size()), (&self.oid, self.bytes.len() as u64));
        assert_eq!(Oid::of(&self.bytes), self.oid, "bytes that are not the object's");
        let replaced = self.objects.borrow_mut().insert(self.oid, self.bytes);
        Ok(replaced.map(|bytes| bytes.len() as u64))
    }
}

/// A policy that permits what the input says.
#[derive(Clone, Copy)]
struct Rules {
    refused: Option<Ask>,
    quota: u64,
    breaks_locks: bool,
}

impl Policy for Rules {
    fn permit(&mut self, ask: Ask) -> Result<Result<(), Refusal>, Fault> {
        Ok(if self.refused == Some(ask) { Err(Refusal::new(REFUSED.0, REFUSED.1)) } else { Ok(()) })
    }

    fn admit(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        Ok(if bytes > self.quota { Err(Refusal::new(507, "the quota is full")) } else { Ok(()) })
    }

    fn may_break_locks(&mut self) -> bool {
        self.breaks_locks
    }
}

/// Returns at most this many bytes per read.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

/// The result of a session.
struct Run {
    summary: Summary,
    output: Vec<u8>,
    objects: BTreeMap<Oid, Vec<u8>>,
    faults: usize,
}

fn run(input: impl Input, operation: Operation, refusal: Option<Refusal>, mut rules: Rules) -> Run {
    let stored = CONTENTS[..2].iter().map(|bytes| (Oid::of(bytes), bytes.to_vec())).collect();
    let objects: Objects = Rc::new(RefCell::new(stored));
    let (mut store, mut locks) = (Memory(Rc::clone(&objects)), MemoryLocks::new("alice"));
    let (mut output, mut faults) = (Vec::new(), 0);
    let mut session = Session {
        operation,
        refusal,
        policy: &mut rules,
        store: &mut store,
        locks: &mut locks,
        limits: Limits { object_size: Some(100_000), batch_objects: 8, ..Limits::default() },
        clock: &|| 1_800_000_000,
        fault_sentence: FAULT,
        on_fault: &mut |_: &(dyn Error + 'static)| faults += 1,
    };
    let summary = serve(input, &mut output, &mut session);
    let objects = objects.borrow().clone();
    Run { summary, output, objects, faults }
}

/// One packet of a stream, read independently.
#[derive(Debug, PartialEq, Eq)]
enum Packet<'a> {
    Flush,
    Delimiter,
    Data(&'a [u8]),
}

/// The packets of a stream up to its first error, and whether there is an error.
fn packets(mut stream: &[u8]) -> (Vec<Packet<'_>>, bool) {
    let mut packets = Vec::new();
    while !stream.is_empty() {
        let digits = stream.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else { return (packets, true) };
        let length = usize::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
        let (packet, end) = match length {
            0 => (Packet::Flush, 4),
            1 => (Packet::Delimiter, 4),
            4..=65_520 if stream.len() >= length => (Packet::Data(&stream[4..length]), length),
            _ => return (packets, true),
        };
        packets.push(packet);
        stream = &stream[end..];
    }
    (packets, false)
}

/// The number of complete requests at the start of a stream, and whether it ends after the last one.
fn requests(stream: &[u8]) -> (usize, bool) {
    #[derive(PartialEq)]
    enum State {
        Between,
        Arguments,
        Data,
    }
    let (packets, is_broken) = packets(stream);
    let (mut count, mut state) = (0, State::Between);
    for packet in packets {
        state = match (packet, state) {
            (Packet::Flush, _) => {
                count += 1;
                State::Between
            }
            (Packet::Delimiter, State::Arguments) => State::Data,
            (Packet::Delimiter, State::Between | State::Data) => return (count, false),
            (Packet::Data(b""), state) => state,
            (Packet::Data(_), State::Between) => State::Arguments,
            (Packet::Data(_), state) => state,
        };
    }
    (count, !is_broken && state == State::Between)
}

/// The answers of a session: status, lines and data.
struct Answer {
    status: u16,
    lines: Vec<String>,
    data: Vec<u8>,
}

/// Reads the answers as a client does. The first one is the server's list of capabilities.
fn answers(output: &[u8]) -> Vec<Answer> {
    let (packets, is_broken) = packets(output);
    assert!(!is_broken, "an output that is no packets");
    assert_eq!(packets.last(), Some(&Packet::Flush));
    let mut answers = Vec::new();
    for packets in packets.split(|packet| *packet == Packet::Flush).filter(|packets| !packets.is_empty()) {
        let mut halves = packets.splitn(2, |packet| *packet == Packet::Delimiter);
        let bytes = |packet: &Packet<'_>| match packet {
            Packet::Data(data) => data.to_vec(),
            Packet::Flush | Packet::Delimiter => panic!("a packet in the wrong place"),
        };
        let lines = halves.next().unwrap_or_default().iter().map(bytes);
        let lines: Vec<String> = lines.map(|line| String::from_utf8(line).expect("a line is text")).collect();
        for line in &lines {
            assert!(line.strip_suffix('\n').is_some_and(|line| !line.contains(char::is_control)), "{line:?}");
        }
        let status = lines.first().and_then(|line| line.strip_prefix("status ")?.trim_end().parse().ok());
        let data = halves.next().unwrap_or_default().iter().flat_map(bytes).collect();
        answers.push(Answer { status: status.unwrap_or(0), lines, data });
    }
    let first = answers.remove(0);
    assert_eq!(first.lines, ["version=1\n", "locking\n"]);
    for answer in &answers {
        assert!(matches!(answer.status, 200 | 201 | 400..=599), "{:?}", answer.lines);
        if answer.status >= 400 {
            let text = std::str::from_utf8(&answer.data).expect("a sentence is text");
            assert!(!text.trim().is_empty(), "clients crash without a sentence");
            assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
        }
    }
    answers
}

/// A direction, a number, and arbitrary bytes as a peer's stream.
///
/// Each complete request has one answer in packets that a client can read, and a framing error ends the session. The
/// result is the same whether the bytes arrive together or in small pieces. A stored object always matches its id.
pub fn lfs_packets(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let operation = one_of(&mut u, Operation::ALL);
    let at_once = 1 + usize::from(u.arbitrary::<u8>().unwrap_or(0));
    let stream = u.take_rest();
    let rules = Rules { refused: None, quota: 1 << 20, breaks_locks: false };
    let whole = run(Plain(stream), operation, None, rules);
    let dripped = run(Plain(Dripping(stream, at_once)), operation, None, rules);
    // Locks have random ids.
    if !String::from_utf8_lossy(&whole.output).contains("locked-at") {
        assert_eq!(whole.output.escape_ascii().to_string(), dripped.output.escape_ascii().to_string());
    }
    assert!(whole.objects == dripped.objects && whole.faults == 0);
    assert_eq!(format!("{:?}", whole.summary), format!("{:?}", dripped.summary));

    let answers = answers(&whole.output);
    let (count, is_whole) = requests(stream);
    match &whole.summary.ending {
        Ending::Quit => assert!(answers.last().is_some_and(|answer| answer.status == 200) && answers.len() <= count),
        Ending::End => assert!(is_whole && answers.len() == count, "{} of {count}", answers.len()),
        Ending::Broken(error) => {
            assert!(!is_whole && answers.len() == count, "{} of {count}: {error}", answers.len());
            assert!(is_plain(&error.to_string()));
        }
    }
    assert!(operation == Operation::Upload || whole.objects.len() == 2);
    count > 1
}

/// A request as it is sent: its lines, and its data, if any, in packets of some size.
fn request(lines: &[String], data: Option<&[u8]>, size: usize) -> Vec<u8> {
    let packet = |bytes: &[u8]| [format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat();
    let mut stream: Vec<u8> = lines.iter().flat_map(|line| packet(format!("{line}\n").as_bytes())).collect();
    if let Some(data) = data {
        stream.extend(b"0001");
        stream.extend(data.chunks(size).flat_map(packet));
    }
    stream.extend(b"0000");
    stream
}

/// A peer's rights, and a session of valid or nearly valid commands.
///
/// Every command has one answer. A download session or a refused session changes nothing. A put is stored only if it is
/// permitted and its bytes match the id; a get sends exactly these bytes.
pub fn lfs_session(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let operation = one_of(&mut u, Operation::ALL);
    let denied = one_of(&mut u, &[false, false, false, true]).then(|| Refusal::new(REFUSED.0, REFUSED.1));
    let asks = [None, None, Some(Ask::Batch), Some(Ask::Put), Some(Ask::Lock), Some(Ask::Unlock)];
    let rules = Rules {
        refused: one_of(&mut u, &asks),
        quota: one_of(&mut u, &[1 << 20, 0]),
        breaks_locks: one_of(&mut u, &[true, false]),
    };
    let mut stream = request(&["version 1".to_owned()], None, 1);
    let (mut names, mut expected_data) = (vec!["version"], vec![None]);
    while !u.is_empty() && names.len() < 12 {
        let content = one_of(&mut u, &CONTENTS);
        let oid = Oid::of(content);
        let size = content.len() as u64 + one_of(&mut u, &[0, 0, 0, 1]);
        let sent = one_of(&mut u, &[content, content, CONTENTS[1], CONTENTS[3]]);
        let packet = one_of(&mut u, &[65_516, 1_000, 100]);
        let (name, lines, data) = match u.arbitrary::<u8>().unwrap_or(0) % 7 {
            0 => ("batch", vec!["batch".to_owned()], Some(format!("{oid} {size}\n").into_bytes())),
            1 | 2 => ("put", vec![format!("put-object {oid}"), format!("size={size}")], Some(sent.to_vec())),
            3 => ("get", vec![format!("get-object {oid}")], None),
            4 => ("verify", vec![format!("verify-object {oid}"), format!("size={size}")], None),
            5 => {
                let path = input::text(&mut u).replace(['\n', '\r'], " ");
                ("lock", vec!["lock".to_owned(), format!("path={path}"), "refname=refs/heads/main".to_owned()], None)
            }
            _ => ("list", vec!["list-lock".to_owned(), "limit=1".to_owned()], None),
        };
        stream.extend(request(&lines, data.as_deref(), packet));
        names.push(name);
        expected_data.push((name == "get").then_some(content));
    }
    let at_once = 1 + usize::from(u.arbitrary::<u16>().unwrap_or(u16::MAX));
    let run = run(Plain(Dripping(&stream, at_once)), operation, denied.clone(), rules);

    assert!(matches!(run.summary.ending, Ending::End), "{:?}", run.summary);
    assert_eq!((run.faults, run.summary.faults), (0, 0));
    let answers = answers(&run.output);
    assert_eq!(answers.len(), names.len());
    let refused = answers.iter().filter(|answer| answer.status >= 400).count();
    assert_eq!(run.summary.refused, refused as u64);
    let mut puts = 0;
    for ((name, answer), content) in names.iter().zip(&answers).zip(expected_data) {
        let is_ok = answer.status < 400;
        let (uploads, downloads) = (["put", "verify", "lock"].contains(name), *name == "get");
        assert!(!is_ok || !uploads || operation == Operation::Upload, "{name}");
        assert!(!is_ok || !downloads || operation == Operation::Download, "{name}");
        assert!(!is_ok || denied.is_none() || *name == "version", "{name}");
        let asked = [("batch", Ask::Batch), ("put", Ask::Put), ("lock", Ask::Lock)];
        assert!(!is_ok || !asked.iter().any(|(other, ask)| other == name && rules.refused == Some(*ask)), "{name}");
        if let (true, Some(content)) = (is_ok, content) {
            assert_eq!(answer.data, content);
        }
        puts += u64::from(is_ok && *name == "put");
    }
    assert_eq!(run.summary.stored.0, puts);
    assert!(puts > 0 || run.objects.len() == 2);
    assert!(run.objects.iter().all(|(oid, bytes)| Oid::of(bytes) == *oid));
    refused + 1 < answers.len()
}

/// Arbitrary bytes as an object id, as the path of a lock and as the id of a lock.
pub fn lfs_names(data: &[u8]) -> bool {
    let oid = Oid::parse(data);
    let is_hex = data.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    assert_eq!(oid.is_ok(), data.len() == 64 && is_hex);
    assert!(oid.is_err() || oid.map(|oid| oid.to_string().into_bytes()) == Ok(data.to_vec()));
    assert_eq!(Oid::parse(Oid::of(data).to_string().as_bytes()), Ok(Oid::of(data)));

    let path = LockPath::parse(data);
    match &path {
        Ok(path) => {
            let text = path.as_str();
            assert_eq!((text.as_bytes(), path.to_string().as_bytes()), (data, data));
            assert!((1..=4096).contains(&text.len()) && !text.contains(char::is_control));
            let parts: Vec<&str> = text.split(['/', '\\']).collect();
            assert!(!parts.iter().any(|part| part.is_empty() || *part == "." || *part == ".."), "{text:?}");
        }
        Err(error) => assert!(is_sentence(&error.to_string())),
    }
    let id = std::str::from_utf8(data).ok().and_then(|text| text.parse::<LockId>().ok());
    if let Some(id) = &id {
        let text = id.as_str();
        assert_eq!(text.as_bytes(), data);
        assert!(text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
    oid.is_ok() || path.is_ok()
}
