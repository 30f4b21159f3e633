//! Writers killed with `kill -9` at random moments. Readers continue, and `sqlite3` opens and closes the database in
//! between.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use hubgate::name::Owner;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::Test;
use crate::child::Asker;
use crate::hub::Hub;
use crate::model::{self, Random};
use crate::run::{gateway_answer, helper_answer, sqlite3};

pub(crate) const TESTS: [Test; 1] = [("a_writer_killed_at_any_moment_stops_no_reader_and_loses_no_key", killed)];

/// The number of changes that are known to be safe. It outlives the writer that reports it.
#[derive(Debug)]
pub(crate) struct Reported(File);

impl Reported {
    pub(crate) fn new(hub: &Hub, done: u64) -> Self {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(true).open(hub.path("reported"));
        let file = file.expect("a file for reports");
        file.write_all_at(&done.to_le_bytes(), 0).expect("a number");
        Self(file)
    }

    pub(crate) fn done(&self) -> u64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, 0).expect("a number");
        u64::from_le_bytes(bytes)
    }
}

/// A process that makes changes one by one.
#[derive(Debug)]
pub(crate) struct Writer(Child);

impl Writer {
    /// Starts a writer; `reopen` says whether it opens the database for each change.
    pub(crate) fn start(hub: &Hub, reopen: bool, reported: &Reported) -> Self {
        let mut command = hub.child("write");
        command.arg(if reopen { "reopen" } else { "once" }).arg(reported.done().to_string());
        command.stdout(reported.0.try_clone().expect("a descriptor"));
        Self(command.spawn().expect("a writer"))
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().try_into().expect("a pid"))
    }

    /// Kills it with SIGKILL. Returns whether it was still running.
    pub(crate) fn kill(mut self) -> bool {
        let _ = self.0.kill();
        let status = self.0.wait().expect("a child");
        status.signal() == Some(9)
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("a child")
    }

    pub(crate) fn stop(&self) {
        kill(self.pid(), Signal::SIGSTOP).expect("a signal");
        let status = waitpid(self.pid(), Some(WaitPidFlag::WUNTRACED)).expect("a child");
        assert!(matches!(status, WaitStatus::Stopped(..)), "the writer ended by itself: {status:?}");
    }

    pub(crate) fn go_on(&self) {
        kill(self.pid(), Signal::SIGCONT).expect("a signal");
    }
}

/// The number of changes in the database; exactly one of `candidates` must match.
pub(crate) fn state(asker: &mut Asker, candidates: &[u64], random: &Random) -> u64 {
    let newest = candidates.iter().copied().max().unwrap_or(0);
    let mut keys: Vec<u64> = (newest.saturating_sub(16)..newest + 5).collect();
    keys.extend((0..8).map(|_| random.below(newest + 1)));
    let heard: BTreeMap<u64, Option<Owner>> =
        keys.iter().map(|key| (*key, asker.ask(*key).unwrap_or_else(|error| panic!("{error}")))).collect();
    let holds = |done: &u64| heard.iter().all(|(key, owner)| *owner == model::answer(*key, *done));
    let state = candidates.iter().copied().find(|done| holds(done));
    state.unwrap_or_else(|| panic!("none of the states {candidates:?} is what was heard: {heard:?}"))
}

/// Readers and their results.
#[derive(Debug)]
struct Readers {
    hub: Hub,
    reported: Reported,
    /// Lookups hold it shared; holding it exclusively excludes lookups.
    under_way: RwLock<()>,
    end: AtomicBool,
    /// The number of answers, and the slowest lookup.
    lookups: Mutex<BTreeMap<&'static str, (u64, Duration)>>,
    failures: Mutex<Vec<String>>,
}

impl Readers {
    /// Looks up random keys until the end, and checks each answer against the model.
    fn read(&self, who: &'static str, random: &Random, mut ask: impl FnMut(u64) -> Result<Option<Owner>, String>) {
        while !self.end.load(Ordering::Relaxed) {
            let _under_way = self.under_way.read().unwrap_or_else(PoisonError::into_inner);
            let done = self.reported.done();
            let key = random.key(done);
            let start = Instant::now();
            match ask(key) {
                Ok(owner) if model::is_possible(owner.as_ref(), key, done) => {
                    let mut lookups = self.lookups.lock().expect("a lock");
                    let (count, slowest) = lookups.entry(who).or_default();
                    (*count, *slowest) = (*count + 1, start.elapsed().max(*slowest));
                }
                heard => self.failures.lock().expect("a lock").push(format!("{who}: key {key} at {done}: {heard:?}")),
            }
        }
    }

    /// Starts and kills writers one after the other. Returns the number of changes at the end.
    fn kill_writers(&self, rounds: u64, random: &Random) -> u64 {
        let Self { hub, reported, .. } = self;
        let mut asker = Asker::new(hub);
        let (mut done, mut wal_gone) = (1, 0);
        for round in 0..rounds {
            let writer = Writer::start(hub, round % 2 == 1, reported);
            let start = Instant::now();
            // Most writers are killed during a change, some before the first.
            while round % 4 != 0 && reported.done() < done + 2 && start.elapsed() < Duration::from_secs(5) {
                thread::sleep(Duration::from_micros(200));
            }
            thread::sleep(Duration::from_micros(random.below(40_000)));
            let disturbed = round % 5 == 4;
            if disturbed {
                sqlite3(hub.database(), "SELECT count(*) FROM key");
                thread::sleep(Duration::from_micros(random.below(5_000)));
            }
            // Root's sqlite3 creates a -shm and then gives it to the login. A writer fails in between, without a
            // change.
            assert!(writer.kill() || disturbed, "a writer ended by itself");
            let known = reported.done();
            done = state(&mut asker, &[known, known + 1], random);
            if round % 3 == 2 {
                let quiet = self.under_way.write().unwrap_or_else(PoisonError::into_inner);
                sqlite3(hub.database(), "SELECT count(*) FROM key");
                wal_gone += u64::from(!hub.beside("-wal").exists());
                // Read with read-only rights. A complete but unreported change may appear now: earlier readers use the
                // killed writer's index, and a reader that builds a new index finds the whole change.
                done = state(&mut asker, &[done, known + 1], random);
                assert_eq!(helper_answer(hub, done), Ok(model::answer(done, done)));
                drop(quiet);
                thread::sleep(Duration::from_millis(5));
                state(&mut asker, &[done], random);
            }
        }
        // No earlier reader is left.
        done = state(&mut asker, &[done, reported.done() + 1], random);
        for key in 0..done + 5 {
            assert_eq!(asker.ask(key), Ok(model::answer(key, done)), "key {key} after {done} changes");
        }
        assert!(rounds < 50 || wal_gone > rounds / 10, "sqlite3 removed the -wal only {wal_gone} times");
        eprintln!("killed: {rounds} writers, {done} changes, the -wal removed {wal_gone} times");
        done
    }
}

fn killed() {
    let rounds: u64 = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(100);
    let random = Random::seeded("killed");
    let hub = Hub::new("killed");
    let readers = Readers {
        reported: Reported::new(&hub, 1),
        hub,
        under_way: RwLock::default(),
        end: AtomicBool::new(false),
        lookups: Mutex::default(),
        failures: Mutex::default(),
    };
    thread::scope(|scope| {
        let readers = &readers;
        let start = |who, ask: fn(&Hub, u64) -> Result<Option<Owner>, String>| {
            let random = Random::new(random.next());
            scope.spawn(move || readers.read(who, &random, |key| ask(&readers.hub, key)));
        };
        for _ in 0..4 {
            start("authorized-keys", helper_answer);
        }
        start("gateway", gateway_answer);
        let others = Random::new(random.next());
        scope.spawn(move || {
            let mut asker = Asker::new(&readers.hub);
            readers.read("one process", &others, |key| asker.ask(key));
        });
        // The readers must end after a failure too.
        let outcome = catch_unwind(AssertUnwindSafe(|| readers.kill_writers(rounds, &random)));
        readers.end.store(true, Ordering::Relaxed);
        outcome.unwrap_or_else(|panic| resume_unwind(panic));
    });
    assert_eq!(sqlite3(readers.hub.database(), "PRAGMA integrity_check"), "ok\n");
    let (lookups, failures) = (readers.lookups.into_inner(), readers.failures.into_inner());
    let (lookups, failures) = (lookups.expect("a lock"), failures.expect("a lock"));
    eprintln!("killed: lookups {lookups:?}, failed {}", failures.len());
    assert!(failures.is_empty(), "{:#?}", failures.iter().take(20).collect::<Vec<_>>());
    assert!(lookups.len() == 3 && lookups.values().all(|(count, _)| *count > rounds), "{lookups:?}");
}
