//! The text of the file of locks. No I/O.
//!
//! The first line has the version and the greatest number of a lock. In version 3, each line after it adds a lock or
//! removes one. Files of version 2 have a line per lock, and files of version 1 have no holders. Both are read, and the
//! next change writes them again in version 3.

use std::fmt;

use super::table::{Limits, Table};
use super::{Holder, Lock, LockId, LockPath, Locking};
use crate::lfs::Fault;

/// The first line without its number, by version.
const HEADINGS: [&str; 3] = ["hubgate locks 1 ", "hubgate locks 2 ", "hubgate locks 3 "];
/// The holder's field if the holder is not known.
const UNKNOWN: &str = "-";

/// The locks that the lines read so far result in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Journal {
    table: Table,
    /// 0 before the first line was read.
    version: usize,
    /// The lines that a shorter file would not have.
    idle: usize,
}

/// A line of version 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Locked(Lock),
    Unlocked(LockId),
}

impl fmt::Display for Record {
    /// The line with its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(Lock { id, path, locked_at, owner, holder, place, .. }) => {
                let holder = holder.map_or_else(|| UNKNOWN.to_owned(), |holder| holder.to_string());
                writeln!(f, "+ {place} {id} {locked_at} {holder} {owner} {path}")
            }
            Self::Unlocked(id) => writeln!(f, "- {id}"),
        }
    }
}

impl Journal {
    pub(super) const EMPTY: Self = Self { table: Table { last: 0, locks: Vec::new() }, version: 0, idle: 0 };

    /// Reads more bytes. Returns the number of those in complete lines; `None` if a complete line is malformed.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        // Cut before it is read as UTF-8, because the last line may end within a character.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let complete = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut lines = complete.split_terminator('\n');
        if self.version == 0 {
            let heading = lines.next()?;
            let mut headings = (1..).zip(HEADINGS);
            let (version, last) =
                headings.find_map(|(version, start)| Some((version, heading.strip_prefix(start)?)))?;
            (self.version, self.table.last) = (version, last.parse().ok()?);
        }
        lines.try_for_each(|line| self.read_line(line))?;
        Some(complete.len())
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        match (self.version, line.split_once(' ')?) {
            (3, ("-", id)) => {
                let id = id.parse().ok()?;
                let found = self.table.locks.iter().position(|lock| lock.id == id)?;
                self.table.locks.remove(found);
                self.idle += 2;
            }
            (3, ("+", lock)) => self.table.locks.push(read_lock(lock, true)?),
            (3, _) => return None,
            (version, _) => self.table.locks.push(read_lock(line, version == 2)?),
        }
        let place = self.table.locks.last().map_or(0, |lock| lock.place);
        self.table.last = self.table.last.max(place);
        Some(())
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn lock(
        &mut self,
        holder: &Holder,
        path: &LockPath,
        now: i64,
        limits: Limits,
    ) -> Result<Locking, Fault> {
        self.table.lock(holder, path, now, limits)
    }

    pub(super) fn unlock(&mut self, holder: &Holder, id: &LockId) -> Option<Lock> {
        let unlocked = self.table.unlock(holder, id)?;
        self.idle += 2;
        Some(unlocked)
    }

    /// Whether the file has an earlier version, or does not exist.
    pub(super) fn is_old(&self) -> bool {
        self.version < HEADINGS.len()
    }

    pub(super) fn idle(&self) -> usize {
        self.idle
    }

    pub(super) fn live(&self) -> usize {
        self.table.locks.len()
    }

    /// The shortest text with these locks.
    pub(super) fn compact(&mut self) -> String {
        (self.version, self.idle) = (HEADINGS.len(), 0);
        let heading = format!("{}{}\n", HEADINGS.last().unwrap_or(&""), self.table.last);
        let records = self.table.locks.iter().map(|lock| Record::Locked(lock.clone()).to_string());
        std::iter::once(heading).chain(records).collect()
    }
}

fn read_lock(line: &str, has_holder: bool) -> Option<Lock> {
    let mut words = line.splitn(if has_holder { 6 } else { 5 }, ' ');
    let (place, id) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let locked_at = words.next()?.parse().ok()?;
    let holder = match if has_holder { words.next()? } else { UNKNOWN } {
        UNKNOWN => None,
        holder => Some(holder.parse().ok()?),
    };
    let (owner, path) = (words.next()?.to_owned(), LockPath::parse_locked(words.next()?.as_bytes()).ok()?);
    Some(Lock { id, path, locked_at, owner, holder, ours: false, place })
}
