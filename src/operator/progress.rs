//! Progress on a terminal, for commands that walk all repositories.

use std::io::{IsTerminal, Write};

use crate::clock::now;

/// A progress bar on standard error, if that is a terminal.
pub(super) struct Bar {
    all: u64,
    done: u64,
    shown: i64,
}

impl Bar {
    /// A bar that is full after `all` steps.
    pub(super) fn new(all: u64) -> Self {
        Self { all, done: 0, shown: 0 }
    }

    pub(super) fn add(&mut self, steps: u64) {
        self.done += steps;
        if now() > self.shown && std::io::stderr().is_terminal() {
            self.shown = now();
            let percent = self.done.saturating_mul(100) / self.all.max(1);
            let filled = usize::try_from(percent.min(100) / 2).unwrap_or_default();
            let _ = write!(std::io::stderr(), "\r[{:50}] {percent} %", "#".repeat(filled));
        }
    }
}

impl Drop for Bar {
    /// Removes the bar from the terminal.
    fn drop(&mut self) {
        if std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
