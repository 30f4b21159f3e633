//! Whole exchanges, as strings of bytes: written from `reference/LFS.md`.
//!
//! A request is written as `put-object OID; size=12; 0001; =bytes; 0000`: one packet per part. Special packets are
//! written by their digits, and `=` marks bytes without a newline. `{name}` stands for the id of the object with the
//! bytes `name`.

mod batches;
mod crashes;
mod framing;
mod gating;
mod hostile;
mod locks;
mod packets;
mod properties;
mod storage;
mod transfers;
mod waiting;

use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::*;

/// 2023-11-14T22:13:20Z.
const NOW: i64 = 1_700_000_000;
const FAULT: &str = "the server could not serve this request (reference 7f3a)";

/// The bytes of the object in most tests, which is also the object in the table of hostile inputs.
const CONTENT: &str = "test content";

/// A repository in its own directory, and its client.
struct Hub {
    directory: tempfile::TempDir,
    locks: MemoryLocks,
    policy: Script,
    refusal: Option<Refusal>,
    limits: Limits,
    options: Options,
    faults: Vec<String>,
}

/// A policy with fixed answers.
#[derive(Default)]
struct Script {
    refused: Vec<(Ask, Refusal)>,
    quota: Option<u64>,
    may_break_locks: bool,
    /// Whether the policy fails to decide.
    failing: bool,
    asked: Vec<Ask>,
    admitted: Vec<u64>,
    settled: Vec<Stored>,
}

impl Policy for Script {
    fn permit(&mut self, ask: Ask) -> Result<Result<(), Refusal>, Fault> {
        self.asked.push(ask);
        if self.failing {
            return Err("database is locked".into());
        }
        Ok(self.refused.iter().find(|(refused, _)| *refused == ask).map_or(Ok(()), |(_, refusal)| Err(refusal.clone())))
    }

    fn admit(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        self.admitted.push(bytes);
        Ok(match self.quota {
            Some(quota) if bytes > quota => Err(Refusal::new(507, format!("{quota} bytes of the quota are left"))),
            Some(_) | None => Ok(()),
        })
    }

    fn settle(&mut self, stored: Stored) -> Result<(), Fault> {
        self.settled.push(stored);
        Ok(())
    }

    fn may_break_locks(&mut self) -> bool {
        self.may_break_locks
    }
}

impl Hub {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            locks: MemoryLocks::new("alice"),
            policy: Script::default(),
            refusal: None,
            limits: Limits::default(),
            options: Options { fsync: false },
            faults: Vec::new(),
        }
    }

    /// A repository with these objects.
    fn with(objects: &[&str]) -> Self {
        let hub = Self::new();
        for object in objects {
            hub.put_file(&Oid::of(object.as_bytes()), object.as_bytes());
        }
        hub
    }

    fn lfs(&self) -> PathBuf {
        self.directory.path().join("lfs")
    }

    /// The path of an object.
    fn place(&self, oid: &Oid) -> PathBuf {
        let name = oid.to_string();
        self.lfs().join("objects").join(&name[..2]).join(&name[2..4]).join(name)
    }

    fn put_file(&self, oid: &Oid, bytes: &[u8]) {
        let place = self.place(oid);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }

    /// The files beneath `lfs`, by their paths there, and their bytes.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut found = Vec::new();
        let mut places = vec![self.directory.path().to_owned()];
        while let Some(place) = places.pop() {
            for entry in std::fs::read_dir(place).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    places.push(entry.path());
                } else {
                    let path = entry.path();
                    let name = path.strip_prefix(self.directory.path()).unwrap().to_str().unwrap().to_owned();
                    found.push((name, std::fs::read(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    fn store(&self) -> LocalStore {
        open_store(self.directory.path(), self.options)
    }

    /// Runs a session with the repository's store.
    fn talk(&mut self, operation: Operation, input: impl Input, output: impl io::Write) -> Summary {
        let mut store = self.store();
        self.talk_with(&mut store, operation, input, output)
    }

    fn talk_with(
        &mut self,
        store: &mut dyn Store,
        operation: Operation,
        input: impl Input,
        output: impl io::Write,
    ) -> Summary {
        let mut locks = self.locks.clone();
        self.talk_with_locks(store, &mut locks, operation, input, output)
    }

    fn talk_with_locks(
        &mut self,
        store: &mut dyn Store,
        locks: &mut dyn Locks,
        operation: Operation,
        input: impl Input,
        output: impl io::Write,
    ) -> Summary {
        let faults = &mut self.faults;
        let mut session = Session {
            operation,
            refusal: self.refusal.clone(),
            policy: &mut self.policy,
            store,
            locks,
            limits: self.limits,
            clock: &|| NOW,
            fault_sentence: FAULT,
            on_fault: &mut |fault: &(dyn Error + 'static)| faults.push(fault.to_string()),
        };
        serve(input, output, &mut session)
    }

    /// The answers to these requests, after the answer to the version.
    fn answers(&mut self, operation: Operation, requests: &str) -> (String, Summary) {
        let input = [bytes("version 1; 0000"), bytes(requests)].concat();
        let mut output = Vec::new();
        let summary = self.talk(operation, Plain(input.as_slice()), &mut output);
        let text = words(&output);
        let greeting = "version=1; locking; 0000; status 200; 0000";
        let rest = text.strip_prefix(greeting).unwrap_or_else(|| panic!("{text}"));
        (rest.strip_prefix("; ").unwrap_or(rest).to_owned(), summary)
    }

    fn upload(&mut self, requests: &str) -> String {
        self.answers(Operation::Upload, requests).0
    }

    fn download(&mut self, requests: &str) -> String {
        self.answers(Operation::Download, requests).0
    }
}

fn open_store(directory: &Path, options: Options) -> LocalStore {
    LocalStore::open(std::fs::File::open(directory).unwrap().as_fd(), options).unwrap()
}

/// Replaces `{name}` by the id of the object whose bytes are `name`.
fn named(text: &str) -> String {
    let mut named = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        named = named + before + &Oid::of(name.as_bytes()).to_string();
        rest = after;
    }
    named + rest
}

/// The packets of a request.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in named(text).split("; ").filter(|word| !word.is_empty()) {
        match word.strip_prefix('=') {
            _ if matches!(word, "0000" | "0001") => bytes.extend(word.bytes()),
            Some(data) => bytes.extend(packet(data.as_bytes())),
            None => bytes.extend(packet(format!("{word}\n").as_bytes())),
        }
    }
    bytes
}

fn packet(data: &[u8]) -> Vec<u8> {
    [format!("{:04x}", data.len() + 4).as_bytes(), data].concat()
}

/// The packets of an answer, as [`bytes`] takes them.
fn words(mut output: &[u8]) -> String {
    let mut words = Vec::new();
    while !output.is_empty() {
        let length = usize::from_str_radix(std::str::from_utf8(&output[..4]).unwrap(), 16).unwrap();
        if length < 4 {
            words.push(format!("{length:04}"));
            output = &output[4..];
            continue;
        }
        let data = &output[4..length];
        match data.strip_suffix(b"\n") {
            Some(line) => words.push(String::from_utf8(line.to_owned()).unwrap()),
            None => words.push(format!("={}", String::from_utf8_lossy(data))),
        }
        output = &output[length..];
    }
    words.join("; ")
}

/// Whether an answer is exactly these words.
#[track_caller]
fn assert_answer(answer: &str, expected: &str, request: &str) {
    assert_eq!(answer, named(expected), "the answer to: {request}");
}

/// A request that a session can answer if it is still in step.
const PING: &str = "verify-object {test content}; size=12; 0000";
/// Its answer in an upload session of an empty repository.
const PONG: &str = "status 404; 0001; the object {test content} is not stored here; 0000";
