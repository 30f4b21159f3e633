//! The clock: Unix time in whole seconds, and the age of the process.

use std::time::{Duration, Instant, SystemTime};

/// The age of the process at which the peer reads that a repository does not exist.
const NOT_FOUND_AFTER: Duration = Duration::from_millis(20);

/// The current Unix time in seconds.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}

/// Waits before the peer reads that a repository does not exist. To find a hidden repository takes some microseconds
/// longer than to find none, and an answer at a fixed age does not reveal them.
pub fn wait_to_deny(began: Instant) {
    std::thread::sleep(NOT_FOUND_AFTER.saturating_sub(began.elapsed()));
}
