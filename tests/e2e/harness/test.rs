//! Tests and their registration.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed, Trial};

/// A test: its name and its function.
pub(crate) type Test = (&'static str, fn());

/// Registers the tests of a module as `TRIALS`. A test that is not registered is dead code, which does not compile.
macro_rules! trials {
    ($($test:ident),+ $(,)?) => {
        pub(crate) const TRIALS: &[$crate::harness::Test] =
            &[$((concat!(module_path!(), "::", stringify!($test)), $test)),+];
    };
}
pub(crate) use trials;

/// Skips a test that cannot run on this machine, and shows the reason.
pub(crate) struct Skip(pub(crate) String);

impl Skip {
    pub(crate) fn now(reason: impl Into<String>) -> ! {
        std::panic::panic_any(Self(reason.into()))
    }
}

thread_local! {
    /// The report of a failing test: its panic, and the logs of its hubs.
    static REPORT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Adds to the report of this thread's test.
pub(super) fn report(text: &str) {
    REPORT.with_borrow_mut(|report| match report {
        Some(report) => report.push_str(text),
        // A thread that a test started, or the setup: it has no report.
        None => eprintln!("{text}"),
    });
}

/// A test as the test runner expects it.
pub(crate) fn trial((name, run): Test) -> Trial {
    let words = name.strip_prefix("e2e::").unwrap_or(name).replace("::", ": ").replace('_', " ");
    Trial::ignorable_test(words, move || {
        REPORT.set(Some(String::new()));
        let _timed = Timed(name, Instant::now());
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(()) => Ok(Completion::Completed),
            Err(panic) => match panic.downcast::<Skip>() {
                Ok(skip) => Ok(Completion::ignored_with(format!("SKIPPED: {}", skip.0))),
                Err(_) => Err(Failed::from(REPORT.take().unwrap_or_default())),
            },
        }
    })
}

/// The tests that have ended, with their times.
static TIMES: Mutex<Vec<(Duration, &str)>> = Mutex::new(Vec::new());

/// Notes how long a test took when it is dropped.
struct Timed(&'static str, Instant);

impl Drop for Timed {
    fn drop(&mut self) {
        TIMES.lock().unwrap_or_else(PoisonError::into_inner).push((self.1.elapsed(), self.0));
    }
}

/// Makes a panic part of its test's report instead of printing it between the tests.
pub(super) fn set_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        if panic.payload().is::<Skip>() {
            return;
        }
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        report(&format!("{place}:\n{text}\n"));
    }));
}

static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// Counts the sessions of an sshd by its log.
pub(super) fn count_sessions(log: &str) {
    let count = |words: &str| log.lines().filter(|line| line.contains(words)).count() as u64;
    CONNECTIONS.fetch_add(count("Accepted publickey"), Ordering::Relaxed);
    SESSIONS.fetch_add(count("Starting session:"), Ordering::Relaxed);
}

/// Prints the number of sessions, and the slowest tests.
pub(crate) fn report_sessions() {
    let (connections, sessions) = (CONNECTIONS.load(Ordering::Relaxed), SESSIONS.load(Ordering::Relaxed));
    println!("e2e: {connections} ssh connections (\"Accepted publickey\") with {sessions} sessions went through sshd");
    let mut times = std::mem::take(&mut *TIMES.lock().unwrap_or_else(PoisonError::into_inner));
    times.sort_unstable();
    for (time, name) in times.iter().rev().take(8) {
        println!("e2e: {:.1} s for {name}", time.as_secs_f64());
    }
}
