//! The clock: whole seconds UTC since 1970, and how long a process has been there.

use std::time::{Duration, Instant, SystemTime};

/// How old a process is when its peer reads that a repository is not there.
const NOT_FOUND_AFTER: Duration = Duration::from_millis(20);

/// The second that it is now.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}

/// Waits before a peer reads that a repository is not there: to find one that is hidden takes some microseconds more
/// than to find none, and an answer at a fixed age does not tell them.
pub fn wait_to_deny(began: Instant) {
    std::thread::sleep(NOT_FOUND_AFTER.saturating_sub(began.elapsed()));
}
