//! `kill -9` of pushes at random moments, and what is left of them: a sound repository, refs that are old or new, and
//! after `hubgate repo gc` nothing else.
//!
//! `ROUNDS=200 cargo test --test e2e -- killed` is the long run; `SEED=N` repeats the moments of one.

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

trials![a_push_killed_at_any_moment_leaves_a_sound_repository_and_gc_the_rest];

/// About as long as it takes from the first byte of a pack to its last, and from there to the last ref.
const AT_WORK: Duration = Duration::from_millis(10);

/// The name of each ref, and what it points to.
type Refs = BTreeMap<String, String>;

/// Numbers at random, the same for the same seed (splitmix64).
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

/// What came of all rounds.
#[derive(Debug, Default)]
struct Tally {
    rounds: u64,
    /// Rounds in which something was still there to be killed.
    killed: u64,
    /// Refs that had their new value, and their old one, after a kill.
    new: u64,
    old: u64,
    /// What gc took away, by the kind of thing.
    removed: BTreeMap<String, u64>,
}

/// One repository, and one client that pushes to it.
struct Scene {
    hub: Hub,
    alice: Client,
    directory: PathBuf,
    random: Random,
    /// How long after its start a session is killed at most; follows what pushes take.
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

    /// Commits something, and gives the tree and what of it to push where: small, with many files and refs, with refs
    /// removed, or with a large file.
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
            // They are packed by now, so that the file of packed refs is written anew.
            2 if !large => refs.extend(named(round - 1).map(|name| format!(":{name}"))),
            _ => {}
        }
        (tree, refs)
    }

    /// What refs are like once that is pushed.
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

    /// Pushes, and kills some of the session at some moment; says whether there was something to kill.
    fn push_and_kill(&mut self, tree: &str, specs: &[String]) -> bool {
        let mut push = self.alice.git_command(tree);
        push.args(["push", "--quiet", "origin"]).args(specs);
        let mut push = background(push.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        // From a session's start on; or where most can go wrong, while the pack comes; or once its refs are next.
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
        // Three of four moments should find the push at work.
        if from_start {
            self.window = if killed { self.window.mul_f64(1.1) } else { took.mul_f64(0.9) };
        }
        killed
    }

    /// Whether anything runs in the repository: what lost its parent is no child of sshd's any more.
    fn is_served(&self) -> bool {
        let is_there =
            |entry: fs::DirEntry| fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == self.directory);
        fs::read_dir("/proc").expect("/proc").flatten().any(is_there)
    }

    /// Whether a push has its quarantine.
    fn is_receiving(&self) -> bool {
        let entries = fs::read_dir(self.directory.join("objects")).expect("objects");
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("tmp_objdir-"))
    }

    /// Kills git or `services` alone, everything of the session, or one process of it whichever it is.
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
        // Nothing is in the way of the same push.
        let mut push = self.alice.git_command(tree);
        run(push.args(["push", "--quiet", "origin"]).args(left_of(&specs, &now))).succeeded();
        assert_eq!(self.refs(), after, "round {round}");
    }

    /// Collects garbage, however young, and sees that nothing but a repository is left.
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
        assert!(checked.ends_with("all is well\n"), "round {round}: {checked}");
    }
}

/// One round of a dozen is about a large file: git-lfs takes its time.
fn is_large(round: u64) -> bool {
    round % 12 == 6
}

/// Waits until something is so, or the push has ended; says when that was.
fn wait(push: &mut Background, is_so: impl Fn() -> bool) -> Instant {
    while !is_so() && !push.has_ended() {
        std::thread::sleep(Duration::from_micros(300));
    }
    Instant::now()
}

/// What is still to be pushed: a ref that has gone already cannot be removed again.
fn left_of(specs: &[String], now: &Refs) -> Vec<String> {
    let gone = |spec: &&String| spec.strip_prefix(':').is_some_and(|name| !now.contains_key(name));
    specs.iter().filter(|spec| !gone(spec)).cloned().collect()
}

/// Whether it is git, or `services`, and neither sshd nor a shell.
fn is_at_work(pid: Pid) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let program = words.split(|byte| *byte == 0).next().unwrap_or_default();
    program.ends_with(b"git") || program.ends_with(b"services") || program.ends_with(b"-receive")
}

/// What a leftover is: its name without what differs each time.
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

/// Everything below a directory that is no part of a repository.
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

fn a_push_killed_at_any_moment_leaves_a_sound_repository_and_gc_the_rest() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(12);
    let mut scene = Scene::new();
    // On a busy machine many a push is through before its moment comes: then there are more of them.
    let is_enough = |scene: &Scene| scene.tally.rounds >= rounds && scene.tally.killed * 3 >= rounds;
    while !is_enough(&scene) && scene.tally.rounds < 4 * rounds {
        scene.round(scene.tally.rounds);
    }
    println!("killed pushes: {:?}", scene.tally);
    // A busy machine lets most moments pass.
    assert!(scene.tally.killed * 8 >= rounds, "too few were at work: {:?}", scene.tally);
}
