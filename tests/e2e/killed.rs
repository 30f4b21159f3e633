//! Pushes killed with `kill -9` at random moments. The repository stays sound, each ref is old or new, and `hubgate
//! repo gc` removes all leftovers.
//!
//! `ROUNDS=200 cargo test --test e2e -- killed` is the long run; `SEED=N` repeats the moments of a run.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::{Background, Client, Hub, background, machine, run, trials, wait_until};

trials![a_push_killed_at_any_moment_leaves_a_sound_repository_and_gc_removes_the_rest];

/// About the time from the first byte of a pack to its last, and from there to the last ref.
const AT_WORK: Duration = Duration::from_millis(10);

/// The refs: name and target.
type Refs = BTreeMap<String, String>;

/// Random numbers, equal for equal seeds (splitmix64).
struct Random(Cell<u64>);

impl Random {
    fn new() -> Self {
        let clock =
            || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().subsec_nanos().into();
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(clock);
        println!("killed pushes: SEED={seed}");
        Self(Cell::new(seed))
    }

    fn below(&self, end: u64) -> u64 {
        self.0.set(self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mixed = (self.0.get() ^ (self.0.get() >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// The totals of all rounds.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    /// Rounds in which a process could still be killed.
    killed: u64,
    /// Refs with the new and with the old value after a kill.
    new: u64,
    old: u64,
    /// What gc removed, by kind.
    removed: BTreeMap<String, u64>,
}

/// A repository and a client that pushes to it.
struct Scene {
    hub: Hub,
    alice: Client,
    directory: PathBuf,
    random: Random,
    /// The longest time from a session's start to its kill; adapts to the duration of pushes.
    window: Duration,
    tally: Tally,
}

impl Scene {
    fn new() -> Self {
        let hub = Hub::new();
        let alice = hub.user("alice");
        hub.repo("alice/x", &[]);
        for tree in ["small", "large"] {
            alice.git(&["clone", "--quiet", &Client::url("alice/x"), tree]).succeeded();
        }
        alice.git_in("large", &["lfs", "install", "--local"]).succeeded();
        alice.git_in("large", &["lfs", "track", "*.bin"]).succeeded();
        let directory = hub.directory("alice/x");
        let window = Duration::from_millis(300);
        Self { hub, alice, directory, random: Random::new(), window, tally: Tally::default() }
    }

    /// git on the stored repository.
    fn git(&self, words: &[&str]) -> String {
        let mut command = self.hub.as_login(&machine().git().path);
        command.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(&self.directory);
        run(command.args(words)).succeeded().stdout()
    }

    fn refs(&self) -> Refs {
        let text = self.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
        text.lines().filter_map(|line| line.split_once(' ')).map(|(name, id)| (name.into(), id.into())).collect()
    }

    /// Makes a commit. Returns the working tree and the refs to push: a small push, many files and refs, deletions, or
    /// a large file.
    fn prepare(&self, round: u64) -> (&'static str, Vec<String>) {
        let large = is_large(round);
        let tree = if large { "large" } else { "small" };
        let count = if round % 3 == 1 { 150 } else { 2 };
        for file in 0..count {
            self.alice.write(&format!("{tree}/f{file}"), format!("{round} {}", self.random.below(u64::MAX)));
        }
        if large {
            let content: String = (0..60_000).map(|_| format!("{:016x}", self.random.below(u64::MAX))).collect();
            self.alice.write("large/weights.bin", content);
        }
        self.alice.git_in(tree, &["add", "--all"]).succeeded();
        self.alice.git_in(tree, &["commit", "--quiet", "-m", &round.to_string()]).succeeded();
        let named = |number: u64| [format!("refs/heads/a{number}"), format!("refs/heads/deep/b{number}")];
        let mut refs = vec![if large { "HEAD:refs/heads/large".to_owned() } else { "HEAD:refs/heads/main".to_owned() }];
        match round % 3 {
            1 => {
                refs.extend(named(round).map(|name| format!("HEAD:{name}")));
                refs.push(format!("HEAD:refs/tags/t{round}"));
            }
            // These refs are packed by now, so git rewrites the file of packed refs.
            2 if !large => refs.extend(named(round - 1).map(|name| format!(":{name}"))),
            _ => {}
        }
        (tree, refs)
    }

    /// The refs after a complete push.
    fn pushed(&self, tree: &str, before: &Refs, specs: &[String]) -> Refs {
        let head = self.alice.git_in(tree, &["rev-parse", "HEAD"]).succeeded().stdout().trim_end().to_owned();
        let mut after = before.clone();
        for (source, target) in specs.iter().filter_map(|spec| spec.split_once(':')) {
            if source.is_empty() {
                after.remove(target);
            } else {
                after.insert(target.to_owned(), head.clone());
            }
        }
        after
    }

    /// Pushes, and kills some processes of the session at a random moment. Returns whether any process could be killed.
    fn push_and_kill(&mut self, tree: &str, specs: &[String]) -> bool {
        let mut push = self.alice.git_command(tree);
        push.args(["push", "--quiet", "origin"]).args(specs);
        let mut push = background(push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        // From the start of the session, or while the pack arrives or the refs are about to move, where most can go
        // wrong.
        let (from_start, kind) = (self.random.below(2) == 0, self.random.below(2));
        let window = if from_start { self.window } else { AT_WORK };
        let has_begun = || if from_start { !self.hub.sessions().is_empty() } else { self.is_receiving() };
        let mut start = wait(&mut push, has_begun);
        if !from_start && kind == 0 {
            start = wait(&mut push, || !self.is_receiving());
        }
        let moment = Duration::from_micros(self.random.below(u64::try_from(window.as_micros()).unwrap_or(1)));
        let took = wait(&mut push, || start.elapsed() >= moment) - start;
        let killed = self.kill_some();
        wait_until("it goes on", || push.has_ended() && self.hub.sessions().is_empty() && !self.is_served());
        // Three of four moments should hit the push.
        if from_start {
            self.window = if killed { self.window.mul_f64(1.1) } else { took.mul_f64(0.9) };
        }
        killed
    }

    /// Whether a process runs in the repository, including processes that have lost sshd as their parent.
    fn is_served(&self) -> bool {
        let is_there =
            |entry: fs::DirEntry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == self.directory);
        fs::read_dir("/proc").expect("/proc").flatten().any(is_there)
    }

    /// Whether a push has a quarantine directory.
    fn is_receiving(&self) -> bool {
        let entries = fs::read_dir(self.directory.join("objects")).expect("objects");
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("tmp_objdir-"))
    }

    /// Kills only git or `services`, all processes of the session, or one of them.
    fn kill_some(&self) -> bool {
        let sessions = self.hub.sessions();
        let at_work: Vec<Pid> = sessions.iter().copied().filter(|pid| is_at_work(*pid)).collect();
        let one = usize::try_from(self.random.below(sessions.len() as u64)).unwrap_or(0);
        let victims = match self.random.below(3) {
            0 if !at_work.is_empty() => at_work,
            1 => sessions.get(one).copied().into_iter().collect(),
            _ => sessions,
        };
        victims.into_iter().map(|pid| kill(pid, Signal::SIGKILL).is_ok()).fold(false, |some, one| some | one)
    }

    fn round(&mut self, round: u64) {
        let (tree, specs) = self.prepare(round);
        let before = self.refs();
        let after = self.pushed(tree, &before, &specs);
        self.tally.rounds += 1;
        self.tally.killed += u64::from(self.push_and_kill(tree, &specs));
        self.git(&["fsck", "--full", "--strict"]);
        let now = self.refs();
        for name in before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)) {
            let value = now.get(name);
            assert!(value == before.get(name) || value == after.get(name), "round {round}: {name} is {value:?}");
            *if value == after.get(name) { &mut self.tally.new } else { &mut self.tally.old } += 1;
        }
        let others = |refs: &Refs| -> Refs {
            refs.iter()
                .filter(|(name, id)| after.get(*name) == before.get(*name) && Some(*id) == after.get(*name))
                .map(|(name, id)| (name.clone(), id.clone()))
                .collect()
        };
        assert_eq!(others(&now), others(&before), "round {round}");
        self.collect(round);
        assert_eq!(self.refs(), now, "round {round}: gc changes no ref");
        if now == after {
            return;
        }
        // The same push succeeds now.
        let mut push = self.alice.git_command(tree);
        run(push.args(["push", "--quiet", "origin"]).args(left_of(&specs, &now))).succeeded();
        assert_eq!(self.refs(), after, "round {round}");
    }

    /// Collects garbage of any age, and checks that nothing else is left in the repository.
    fn collect(&mut self, round: u64) {
        let words = ["--json", "repo", "gc", "alice/x", "--older-than", "0s"];
        let report: Value = serde_json::from_str(&self.hub.did(&words)).expect("JSON");
        for path in report[0]["removed"].as_array().expect("a list").iter().filter_map(Value::as_str) {
            *self.tally.removed.entry(kind(path)).or_default() += 1;
        }
        let mut left = Vec::new();
        leftovers(&self.directory, &mut left);
        assert_eq!(left, [""; 0], "round {round}");
        self.git(&["fsck", "--full", "--strict"]);
        let checked = self.hub.did(&["lfs", "check", "alice/x"]);
        assert!(checked.ends_with("no problems found\n"), "round {round}: {checked}");
    }
}

/// One of twelve rounds pushes a large file, because git-lfs is slow.
fn is_large(round: u64) -> bool {
    round % 12 == 6
}

/// Waits until a condition is true or the push has ended. Returns the time.
fn wait(push: &mut Background, is_so: impl Fn() -> bool) -> Instant {
    while !is_so() && !push.has_ended() {
        std::thread::sleep(Duration::from_micros(300));
    }
    Instant::now()
}

/// The refs that still have to be pushed; a deleted ref cannot be deleted again.
fn left_of(specs: &[String], now: &Refs) -> Vec<String> {
    let gone = |spec: &&String| spec.strip_prefix(':').is_some_and(|name| !now.contains_key(name));
    specs.iter().filter(|spec| !gone(spec)).cloned().collect()
}

/// Whether the process is git or `services`, not sshd or a shell.
fn is_at_work(pid: Pid) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let program = words.split(|byte| *byte == 0).next().unwrap_or_default();
    program.ends_with(b"git") || program.ends_with(b"services") || program.ends_with(b"-receive")
}

/// The kind of a leftover: its name without the random part.
fn kind(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    if name.starts_with("tmp_objdir-") {
        "quarantine".to_owned()
    } else if path.contains("/refs/") {
        "lock of a ref".to_owned()
    } else {
        name.to_owned()
    }
}

/// Everything beneath a directory that does not belong to a repository.
fn leftovers(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry")) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_lock = Path::new(&name).extension().is_some_and(|extension| extension == "lock");
        let is_temporary = ["tmp_", ".tmp-"].iter().any(|start| name.starts_with(start));
        if is_lock || is_temporary || name == "packed-refs.new" || directory.ends_with("lfs/incomplete") {
            found.push(entry.path().display().to_string());
        }
        if entry.file_type().expect("a type").is_dir() {
            leftovers(&entry.path(), found);
        }
    }
}

fn a_push_killed_at_any_moment_leaves_a_sound_repository_and_gc_removes_the_rest() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(6);
    let mut scene = Scene::new();
    // On a busy machine, many pushes end before their kill, so more rounds are run.
    let is_enough = |scene: &Scene| scene.tally.rounds >= rounds && scene.tally.killed * 3 >= rounds;
    while !is_enough(&scene) && scene.tally.rounds < 4 * rounds {
        scene.round(scene.tally.rounds);
    }
    println!("killed pushes: {:?}", scene.tally);
    // On a busy machine, most kills come too late.
    assert!(scene.tally.killed > 0, "too few were at work: {:?}", scene.tally);
}
