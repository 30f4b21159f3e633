//! What the process beside a session watches: the session's age, and whether its rights stand.
//!
//! The guard of git and the authorizer of LFS watch in this one way. Every time is a point in time, so nothing that a
//! session does postpones a check.

use std::time::{Duration, Instant};

use super::record::{End, Record};
use crate::clock::now;
use crate::config::{Config, Limits};

/// When the process first asks whether the rights stand: a change that came before the record was written may have
/// missed the session. Most sessions have ended by then.
const FIRST_CHECK: Duration = Duration::from_secs(1);
/// How often it asks afterwards. A change that takes rights away ends sessions by itself, so this is for other causes.
const CHECK: Duration = Duration::from_secs(30);

/// The times of one session.
#[derive(Debug)]
pub(crate) struct Watch {
    began: Instant,
    /// When to ask next whether the rights stand.
    check_at: Instant,
}

impl Watch {
    /// Watches a session that begins now.
    pub(crate) fn begin() -> Self {
        let began = Instant::now();
        Self { began, check_at: began + FIRST_CHECK }
    }

    /// How long there is nothing to do.
    pub(crate) fn pause(&self, limits: &Limits) -> Duration {
        let next = limits.longest_age().map_or(self.check_at, |age| self.check_at.min(self.began + age));
        next.saturating_duration_since(Instant::now())
    }

    /// Why the session ends, if it is too old, or if it is time to ask and its rights do not stand.
    pub(crate) fn look(&mut self, config: &Config, record: &Record) -> Option<End> {
        if let Some(age) = config.limits.longest_age().filter(|age| self.began.elapsed() >= *age) {
            let line = format!("this session ends because it has run for {} seconds", age.as_secs());
            return Some(End { lines: vec![line], reason: "age" });
        }
        if Instant::now() >= self.check_at { self.ask(config, record) } else { None }
    }

    /// Why the rights do not stand, if they do not. If the database does not answer, the session goes on.
    pub(crate) fn ask(&mut self, config: &Config, record: &Record) -> Option<End> {
        let now = now();
        let (next, end) = match record.ask(config, now) {
            Ok(Ok(next)) => (next, None),
            Ok(Err(end)) => (None, Some(end)),
            Err(_) => (None, None),
        };
        let until_next = next.map(|next| Duration::from_secs(next.saturating_sub(now).max(0).unsigned_abs()));
        self.check_at = Instant::now() + until_next.map_or(CHECK, |until| until.min(CHECK));
        end
    }
}
