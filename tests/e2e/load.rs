//! Many concurrent clients of one sshd: each session succeeds, and no memory stays in use.
//!
//! `SESSIONS=2000 cargo test --test e2e -- load` is the long run. `FETCHES=50 cargo test --test e2e -- 'load: an idle'`
//! measures what a fetch keeps in memory.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;

use crate::harness::{Client, Hub, trials, wait_for};
use crate::revocation::Running;

trials![sessions_of_64_concurrent_clients_succeed_and_leave_no_memory, an_idle_fetch_keeps_little_memory_beside_git,];

/// Concurrent clients.
const CLIENTS: u64 = 64;
/// Accounts that the clients share. An account may have 64 sessions, and a client's next session may start while its
/// last one is ending.
const ACCOUNTS: u64 = 8;
/// The most memory of a guard that no other process shares, in bytes.
const GUARD: u64 = 1 << 20;
/// The allowed growth, in bytes.
const MORE: u64 = 5 << 20;

/// The memory of processes in bytes; each shared page is divided among its users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Memory {
    all: u64,
    /// Without pages of files, whose share depends on other users of the programs.
    own: u64,
}

impl Memory {
    /// The sum over processes (proc(5), `smaps_rollup`).
    fn of(processes: &[Pid]) -> Self {
        // The process may have ended.
        let rollup = |pid: &Pid| fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let texts: Vec<String> = processes.iter().map(rollup).collect();
        let kilobytes = |text: &String, key: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
        };
        let sum = |key: &str| texts.iter().map(|text| kilobytes(text, key)).sum::<u64>() << 10;
        Self { all: sum("Pss:"), own: sum("Pss_Anon:") + sum("Pss_Shmem:") }
    }
}

/// Waits until sshd has no children, and measures its memory.
fn at_rest(hub: &Hub) -> Memory {
    wait_for(|| {
        let processes = hub.processes_and_strays();
        if processes.len() == 1 { Ok(Memory::of(&processes)) } else { Err(format!("{processes:?}")) }
    })
}

/// A session, of a kind that depends on the number.
fn session(client: &Client, worker: u64, number: u64) {
    let ended = match number % 8 {
        0 | 1 => client.greet(),
        2 | 3 => client.ssh_with(&["-oBatchMode=yes"], "git-upload-pack 'u0/x'", b"0000"),
        4 => client.ssh("whoami"),
        5 => client.ssh("explain u0/x fetch"),
        6 => client.git(&["ls-remote", "--quiet", &Client::url("u0/x")]),
        _ => client.git(&["clone", "--quiet", &Client::url("u0/x"), &format!("x{worker}-{number}")]),
    };
    assert_eq!(ended.status, 0, "session {number}: {ended}");
}

fn sessions_of_64_concurrent_clients_succeed_and_leave_no_memory() {
    let asked: Option<u64> = std::env::var("SESSIONS").ok().and_then(|sessions| sessions.parse().ok());
    let sessions = asked.unwrap_or(96);
    let hub = Hub::new();
    let clients: Vec<Client> = (0..ACCOUNTS).map(|account| hub.user(&format!("u{account}"))).collect();
    hub.repo("u0/x", &[]);
    (0..8).for_each(|kind| session(&clients[0], CLIENTS, kind));
    let before = at_rest(&hub);
    let (next, ended, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let start = Instant::now();
    let peak = thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let (mut processes, mut memory) = (0, Memory::default());
            while !done.load(Ordering::Relaxed) {
                let now = hub.processes_and_strays();
                processes = processes.max(now.len());
                memory = memory.max(Memory::of(&now));
                thread::sleep(Duration::from_millis(250));
            }
            (processes, memory)
        });
        let workers: Vec<_> = (0..CLIENTS)
            .map(|worker| {
                let client = &clients[usize::try_from(worker % ACCOUNTS).expect("an account")];
                let (next, ended) = (&next, &ended);
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= sessions {
                            return;
                        }
                        session(client, worker, number);
                        ended.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let outcomes: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(outcomes.iter().all(Result::is_ok), "a session did not end with status 0");
        watcher.join().expect("a watcher")
    });
    let took = start.elapsed();
    assert_eq!(ended.into_inner(), sessions);
    let after = at_rest(&hub);
    println!(
        "load: {sessions} sessions of {CLIENTS} clients in {took:.1?}, all with status 0; memory {} KiB before, {} KiB \
         after ({} and {} KiB without pages of files), at most {} KiB in {} processes",
        before.all >> 10,
        after.all >> 10,
        before.own >> 10,
        after.own >> 10,
        peak.1.all >> 10,
        peak.0
    );
    assert!(after.own <= before.own + MORE, "{before:?}, and then {after:?}");
    // A run without other tests at the same time.
    assert!(asked.is_none() || after.all <= before.all + MORE, "{before:?}, and then {after:?}");
    let louder = hub.log().into_iter().find(|entry| entry.level != "info");
    assert!(louder.is_none(), "{louder:?}");
}

fn an_idle_fetch_keeps_little_memory_beside_git() {
    let asked: Option<usize> = std::env::var("FETCHES").ok().and_then(|fetches| fetches.parse().ok());
    let fetches = asked.unwrap_or(8);
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    let sessions: Vec<Running> = (0..fetches).map(|_| Running::open(&alice, "git-upload-pack 'alice/x'")).collect();
    let named = |name: &str| -> Vec<Pid> {
        let is_it =
            |pid: &Pid| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim_end() == name);
        hub.processes().into_iter().filter(is_it).collect()
    };
    let (guards, gits, sshds) = (named("hubgate-guard"), named("git"), named("sshd"));
    assert_eq!((guards.len(), gits.len()), (fetches, fetches));
    let of_each = |processes: &[Pid]| Memory::of(processes).all / fetches as u64;
    let own = Memory::of(&guards).own / fetches as u64;
    println!(
        "load: of {fetches} idle fetches, each has {} KiB in its guard ({} KiB of it anonymous), {} KiB in git and {} KiB \
         in sshd",
        of_each(&guards) >> 10,
        own >> 10,
        of_each(&gits) >> 10,
        of_each(&sshds) >> 10
    );
    assert!(own <= GUARD, "{own} bytes");
    drop(sessions);
}
