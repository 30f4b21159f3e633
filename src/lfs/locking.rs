//! `lock`, `unlock` and `list-lock`, which clients up to 3.3 also call `list-locks`.

use std::fmt;
use std::io::Write;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::locks::{Filter, Lock, LockId, LockPath, Locking};
use super::oid::number;
use super::packet::Input;
use super::protocol::{Stop, Talk, broken};
use super::reply::{Refusal, status};
use super::request::{Arguments, lock_id};
use crate::name::Shown;
use crate::request::Operation;

/// The most locks in one answer, unless the client asks for fewer.
const PAGE: usize = 100;

impl<I: Input, W: Write> Talk<'_, '_, I, W> {
    pub(super) fn lock(&mut self, arguments: &Arguments) -> Result<(), Stop> {
        let path = arguments.get("path")?.ok_or_else(|| Refusal::bad_request("lock needs the argument path"))?;
        let path = LockPath::parse(path)?;
        let refname = arguments.get_some("refname")?.map(std::str::from_utf8).transpose();
        let refname = refname.map_err(|_| Refusal::bad_request("a ref's name is UTF-8"))?;
        let now = (self.session.clock)();
        match self.session.locks.lock(&path, refname, now).map_err(Stop::Fault)? {
            Locking::Locked(lock) => self.answer_lock(status::CREATED, &lock, None),
            Locking::Full(limit) => Err(Refusal::forbidden(limit.to_string()).into()),
            Locking::Held(lock) => {
                let sentence = if lock.ours {
                    format!("you have already locked {}", Shown(lock.path.as_str()))
                } else {
                    format!("{} is locked by {}", Shown(lock.path.as_str()), lock.owner)
                };
                let refusal = Refusal::conflict(sentence);
                self.summary.count_refusal(&refusal);
                self.answer_lock(refusal.status(), &lock, Some(&refusal))
            }
        }
    }

    pub(super) fn unlock(&mut self, id: &LockId) -> Result<(), Stop> {
        let no_lock = || Refusal::not_found(format!("there is no lock {id}: it may have been removed"));
        let lock = self.session.locks.find(id).map_err(Stop::Fault)?.ok_or_else(no_lock)?;
        // `force` has no effect. Clients do not send it over SSH (3.3 to 3.8), and it would give no rights.
        if !lock.ours && !self.session.policy.may_break_locks() {
            return Err(Refusal::forbidden(format!(
                "{} is locked by {}: only they and administrators of the repository can unlock it",
                Shown(lock.path.as_str()),
                lock.owner
            ))
            .into());
        }
        // Removed by its id: another session may have locked the path again.
        let lock = self.session.locks.unlock(id).map_err(Stop::Fault)?.ok_or_else(no_lock)?;
        self.answer_lock(status::OK, &lock, None)
    }

    pub(super) fn list_locks(&mut self, arguments: &Arguments) -> Result<(), Stop> {
        // `refspec` and `refname` have no effect: a lock holds on every branch.
        let path = arguments.get_some("path")?.map(LockPath::parse_locked).transpose()?;
        let id = arguments.get_some("id")?.map(lock_id).transpose()?;
        let after = arguments.get_some("cursor")?.map_or(Some(0), number);
        let after = after.ok_or_else(|| Refusal::bad_request("a cursor is one that this server gave"))?;
        let limit = arguments.get_some("limit")?.map_or(Some(0), limit);
        let limit = limit.ok_or_else(|| Refusal::bad_request("a limit is a number of locks"))?;
        let limit = if limit == 0 { PAGE } else { limit };

        let mut locks = self.session.locks.list(&Filter { path, id }, after, limit + 1).map_err(Stop::Fault)?;
        let is_more = locks.len() > limit;
        locks.truncate(limit);
        // With a cursor that does not grow, the client would ask for ever.
        let next = locks.last().map(|last| last.place).filter(|place| is_more && *place > after);

        self.begin(status::OK, &[]).map_err(broken)?;
        if let Some(next) = next {
            self.writer.line(format_args!("next-cursor={next}"));
        }
        self.writer.delimiter();
        for Lock { id, path, locked_at, owner, ours, .. } in &locks {
            self.writer.line(format_args!("lock {id}"));
            self.writer.line(format_args!("path {id} {path}"));
            self.writer.line(format_args!("locked-at {id} {}", Time(*locked_at)));
            self.writer.line(format_args!("ownername {id} {owner}"));
            if self.session.operation == Operation::Upload {
                self.writer.line(format_args!("owner {id} {}", if *ours { "ours" } else { "theirs" }));
            }
        }
        self.writer.finish().map_err(broken)
    }

    /// Answers with a lock, and with the reason for a refusal.
    fn answer_lock(&mut self, status: u16, lock: &Lock, refusal: Option<&Refusal>) -> Result<(), Stop> {
        let Lock { id, path, locked_at, owner, .. } = lock;
        let told: [(&str, &dyn fmt::Display); 4] =
            [("id", id), ("path", path), ("locked-at", &Time(*locked_at)), ("ownername", owner)];
        self.begin(status, &told).map_err(broken)?;
        match refusal {
            Some(refusal) => self.explain(refusal).map_err(broken),
            None => self.writer.finish().map_err(broken),
        }
    }
}

/// Reads a limit: any number, but at most a page.
fn limit(text: &[u8]) -> Option<usize> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    is_number.then(|| number(text).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(PAGE).min(PAGE))
}

/// A time in the format of RFC 3339, in UTC.
struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp(self.0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        f.write_str(&time.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}
