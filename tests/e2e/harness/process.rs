//! Processes: run with a time limit, or in the background until dropped.

use std::fmt::Display;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::outcome::Outcome;

/// After this time, a command is considered hanging and is killed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Set when the run ends: no process may start after that.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Prevents new processes from now on. A thread that tries to start a process blocks until the end of the run.
pub(super) fn stop() {
    STOPPED.store(true, Ordering::SeqCst);
}

fn wait_if_stopped() {
    while STOPPED.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Retries a step until it succeeds, and returns its result. If it never succeeds, the test fails with the last error,
/// which says what is missing.
#[track_caller]
pub(crate) fn wait_for<T, E: Display>(mut step: impl FnMut() -> Result<T, E>) -> T {
    let start = Instant::now();
    // A step can be expensive, such as a scan of all processes, so later tries are less frequent.
    let mut pause = Duration::from_millis(1);
    loop {
        match step() {
            Ok(value) => return value,
            Err(state) => assert!(start.elapsed() < PATIENCE, "still so after {PATIENCE:?}: {state}"),
        }
        std::thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(50));
    }
}

/// Waits until a condition is true. `otherwise` is the failure's text.
#[track_caller]
pub(crate) fn wait_until(otherwise: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(|| if is_so() { Ok(()) } else { Err(otherwise) });
}

/// Waits until this time, in Unix seconds.
pub(crate) fn wait_for_second(second: u64) {
    let start = UNIX_EPOCH + Duration::from_secs(second);
    while let Ok(rest) = start.duration_since(SystemTime::now()).map(|rest| rest.max(Duration::from_micros(1))) {
        std::thread::sleep(rest);
    }
}

/// Waits for the next second of the clock.
pub(crate) fn wait_for_next_second() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    wait_for_second(now.as_secs() + 1);
}

/// Runs a command without input and waits for it.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Outcome {
    run_with(command, b"")
}

/// Runs a command with this standard input and waits for it.
#[track_caller]
pub(crate) fn run_with(command: &mut Command, input: &[u8]) -> Outcome {
    run_within(command, input, PATIENCE)
}

/// Runs a command that may take longer than others.
#[track_caller]
pub(crate) fn run_within(command: &mut Command, input: &[u8], patience: Duration) -> Outcome {
    wait_if_stopped();
    let shown = show(command);
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let spawned = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{shown}: {error}"));
    let pid = pid_of(&child);
    let (ended, watch) = mpsc::channel::<()>();
    let (mut stdin, mut out, mut err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (stdout, stderr, status, hung) = std::thread::scope(|scope| {
        let watchdog = scope.spawn(move || {
            let hung = watch.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout);
            if hung {
                for process in descendants(pid).into_iter().chain([pid]) {
                    let _ = kill(process, Signal::SIGKILL);
                }
            }
            hung
        });
        // A program may end without reading all its input.
        scope.spawn(move || stdin.take().map(|mut stdin| stdin.write_all(input)));
        let stdout = scope.spawn(move || read(out.as_mut()));
        let stderr = read(err.as_mut());
        let stdout = stdout.join().expect("a reader");
        let status = child.wait().expect("a status");
        drop(ended);
        (stdout, stderr, status, watchdog.join().expect("a watchdog"))
    });
    let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    let outcome = Outcome { command: shown, stdout, stderr, status };
    assert!(!hung, "still running after {patience:?}\n{outcome}");
    outcome.check_no_panic();
    outcome
}

fn read(stream: Option<&mut impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.map(|stream| stream.read_to_end(&mut bytes));
    bytes
}

fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.as_encoded_bytes().escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
}

pub(super) fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).expect("a pid"))
}

/// A process that runs until it is dropped, with all its children.
pub(crate) struct Background(Child);

#[track_caller]
pub(crate) fn background(command: &mut Command) -> Background {
    wait_if_stopped();
    let shown = show(command);
    Background(command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}")))
}

impl Background {
    /// Its standard input and output, if they are pipes.
    pub(crate) fn streams(&mut self) -> (ChildStdin, ChildStdout) {
        self.0.stdin.take().zip(self.0.stdout.take()).expect("pipes")
    }

    /// The process and its descendants.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let own = pid_of(&self.0);
        std::iter::once(own).chain(descendants(own)).collect()
    }

    /// Sends a signal and waits for the end. Returns the exit status, if it has one.
    #[track_caller]
    pub(crate) fn end_with(&mut self, signal: Signal) -> Option<i32> {
        kill(pid_of(&self.0), signal).expect("a signal");
        wait_for(|| self.0.try_wait().expect("a status").ok_or("it is running")).code()
    }

    /// Waits until the process ends.
    #[track_caller]
    pub(crate) fn ended(mut self) {
        wait_until("it is running", || self.has_ended());
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a status").is_some()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let children = descendants(pid_of(&self.0));
        let _ = self.0.kill();
        let _ = self.0.wait();
        // This process is the subreaper, so it can wait for orphans too.
        for child in children {
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, None);
        }
    }
}

/// All descendants of a process, as far as their parents still run.
///
/// It reads the lists of children (proc(5), `/proc/pid/task/tid/children`), because tests ask many times a second, and
/// a walk through all processes of the machine took a fifth of the suite's time.
pub(super) fn descendants(of: Pid) -> Vec<Pid> {
    let mut found = vec![of.as_raw()];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(children(parent));
        next += 1;
    }
    found.into_iter().skip(1).map(Pid::from_raw).collect()
}

/// The children of a process. The kernel may leave one out if another ends during the read, so two reads must agree.
fn children(of: i32) -> Vec<i32> {
    let read = || -> Vec<i32> {
        let threads = std::fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        lists
            .flat_map(|list| list.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect::<Vec<_>>())
            .collect()
    };
    let mut last = read();
    loop {
        let again = read();
        if again == last {
            return again;
        }
        last = again;
    }
}
