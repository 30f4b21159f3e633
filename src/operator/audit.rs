//! `hubgate audit`: changes from the database, and sessions and pushes from the system log, in one list sorted by time.
//!
//! Both sources are read in step, so that no list waits in memory. Only a list with a limit does: it shows the last
//! rows.

mod entry;
mod follow;
mod sessions;

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::Value;

use super::backup::STREAM;
use super::cli::{Audit, Position};
use super::context::Context;
use super::failure::Failure;
use super::printer::Printer;
use crate::commands::Refused;
use crate::config::Config;
use crate::db::{ChangeError, Direction, Event};
use crate::message::FaultKind;
use crate::name::{Owner, fold};
use crate::report::Report;
use crate::report::listing::{Form, Listing};

use entry::{Entries, Entry, change};
use sessions::Sessions;
pub(super) use sessions::{LINE_MAX, fields_of_line, fields_of_record, journal};

pub(super) fn run(command: &Audit, json: bool, config: &Path, printer: &mut Printer) -> Result<Report, Failure> {
    if command.follow && command.log.as_deref() == Some(Path::new(STREAM)) {
        return Err(Failure::Usage("--follow needs a log file: leave it out to read standard input".to_owned()));
    }
    if command.follow {
        return follow::run(command, json, config);
    }
    // The log belongs to root, so it is opened before root privileges are dropped.
    let loaded = Config::load(config)?;
    let mut sessions = match &command.log {
        Some(file) => Sessions::of_file(file, loaded.state_dir())?,
        None => Sessions::of_journal(command.begin(), &loaded.paths.repositories),
    };
    let context = Context::open(config)?;
    let mut form = printer.form(command.wide);
    let mut last_ones = command.limit.or(form.limit.take());
    if command.after.is_some() {
        form.limit = last_ones.take();
    }
    form.matching.clone_from(&command.matching);
    let mut listing = Listing::new(&form, &Entries, printer);
    let is_cut = match last_ones {
        None => {
            print_all(command, &mut sessions, &context, &mut |entry| listing.row(entry))?;
            false
        }
        Some(limit) => {
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let (last, is_cut) = last(command, &form, &mut sessions, &context, limit)?;
            let _ = last.iter().try_for_each(|entry| listing.row(entry));
            is_cut
        }
    };
    let more =
        listing.finish().map_err(|error| Refused::Fault(FaultKind::Broken, format!("standard output: {error}")))?;
    let earlier = || "these are the last entries: for more, add --limit NUMBER".to_owned();
    Ok(Report::printed(more.or_else(|| is_cut.then(earlier))))
}

/// Hands on every entry, sorted by time. Changes come before sessions of the same second, and sessions whose lines have
/// no year come last.
fn print_all(
    command: &Audit,
    sessions: &mut Sessions,
    context: &Context,
    print: &mut dyn FnMut(&Entry) -> ControlFlow<()>,
) -> Result<(), Failure> {
    let mut failed = None;
    let mut flow = ControlFlow::Continue(());
    let mut place =
        Place { after: command.after, last: None, is_found: command.after.is_none_or(|after| after.number == 0) };
    let mut wanted = |mut entry: Entry| match command.wants(&entry) && place.is_behind(&mut entry) {
        true if place.is_found => print(&entry),
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let mut step = |event: Event| {
        flow = sessions.until(event.at, &mut wanted).unwrap_or_else(|error| {
            failed = Some(error);
            ControlFlow::Break(())
        });
        if flow.is_continue() {
            flow = wanted(change(&event));
        }
        flow
    };
    let about = command.about();
    context.store.read(|view| view.events(command.begin(), about.as_deref(), Direction::OldestFirst, &mut step))?;
    if let Some(error) = failed {
        return Err(error);
    }
    if flow.is_continue() && sessions.until(i64::MAX, &mut wanted)?.is_continue() {
        let _ = sessions.without_a_year(&mut wanted)?;
    }
    match command.after {
        Some(after) if !place.is_found => {
            Err(Refused::from(ChangeError::NotFound(format!("entry {after} in this list"))).into())
        }
        Some(_) | None => Ok(()),
    }
}

/// Where in the list an entry is, and whether the list begins before it.
struct Place {
    after: Option<Position>,
    /// The position of the last entry.
    last: Option<Position>,
    /// Whether the list has the entry behind which it is to begin.
    is_found: bool,
}

impl Place {
    /// Notes the position of the next entry. Whether it is behind the beginning.
    fn is_behind(&mut self, entry: &mut Entry) -> bool {
        let before = self.last.filter(|last| last.second == entry.second).map_or(0, |last| last.number);
        let position = Position { second: entry.second, number: before + 1 };
        self.last = Some(position);
        entry.position = self.last;
        self.is_found |= self.after == Some(position);
        self.after.is_none_or(|after| position.order() > after.order())
    }
}

/// The last entries, and whether there are earlier ones.
fn last(
    command: &Audit,
    form: &Form,
    sessions: &mut Sessions,
    context: &Context,
    limit: usize,
) -> Result<(VecDeque<Entry>, bool), Failure> {
    let wants = |entry: &Entry| command.wants(entry) && form.matching.as_ref().is_none_or(|text| entry.contains(text));
    // One more than the limit shows that there are more.
    let most = limit.saturating_add(1);
    let mut changes = Vec::new();
    context.store.read(|view| {
        view.events(command.begin(), command.about().as_deref(), Direction::NewestFirst, &mut |event| {
            let entry = change(&event);
            if wants(&entry) {
                changes.push(entry);
            }
            if changes.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
    })?;
    let mut entries: VecDeque<Entry> = changes.into_iter().rev().collect();
    let mut kept = VecDeque::new();
    let mut keep = |entry: Entry| {
        if wants(&entry) {
            kept.push_back(entry);
            if kept.len() > most {
                kept.pop_front();
            }
        }
        ControlFlow::Continue(())
    };
    let _ = sessions.until(i64::MAX, &mut keep)?;
    let _ = sessions.without_a_year(&mut keep)?;
    entries.extend(kept);
    // A stable sort: entries of one second keep their order, and entries without a year come last.
    entries.make_contiguous().sort_by_key(|entry| entry.second.unwrap_or(i64::MAX));
    let is_cut = entries.len() > limit;
    entries.drain(..entries.len().saturating_sub(limit));
    Ok((entries, is_cut))
}

impl Audit {
    /// The first second of the list.
    fn begin(&self) -> i64 {
        self.after.map_or(self.since, |after| after.second.unwrap_or(i64::MAX))
    }

    /// The name by which the database finds the changes: that of the filter that fits the fewest.
    fn about(&self) -> Option<String> {
        let key = self.key.map(|key| key.to_string());
        let repo = self.repo.as_ref().map(ToString::to_string);
        key.or(repo).or_else(|| self.user.as_ref().map(ToString::to_string))
    }

    /// Whether an entry matches: it is not too old, and one of its values, at any depth, is the name.
    fn wants(&self, entry: &Entry) -> bool {
        let user = self.user.as_ref().map(Owner::folded);
        let repo = self.repo.as_ref().map(|repo| fold(&repo.to_string()));
        let key = self.key.map(|key| fold(&key.to_string()));
        let is_of_ref = |name: &String| entry.json.pointer("/session/ref").is_some_and(|of| of == name.as_str());
        entry.second.is_none_or(|second| second >= self.begin())
            && self.reference.as_ref().is_none_or(is_of_ref)
            && [user, repo, key].into_iter().flatten().all(|wanted| holds(&entry.json, &wanted))
    }
}

fn holds(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => fold(text) == wanted,
        Value::Array(values) => values.iter().any(|value| holds(value, wanted)),
        Value::Object(fields) => fields.values().any(|value| holds(value, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_compares_every_value() {
        let filter = Audit {
            since: 0,
            user: Some("Alice".parse().unwrap()),
            repo: None,
            reference: None,
            key: None,
            log: None,
            follow: false,
            after: None,
            limit: None,
            matching: None,
            wide: false,
        };
        let entry = |json: Value| Entry { json, ..Entry::default() };
        assert!(filter.wants(&entry(json!({ "object": "x", "detail": { "user": "alice" } }))));
        assert!(!filter.wants(&entry(json!({ "object": "bob" }))));
    }
}
