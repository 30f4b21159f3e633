//! Which refs of a push are refused, and why. No I/O here: [`Facts`] come from git.

use std::collections::{HashMap, HashSet};

use super::updates::Update;
use crate::name::Shown;
use crate::push::canonical::canonical;
use crate::push::{BadRef, DefaultBranch, check_ref};

/// Where branches are.
pub(super) const BRANCHES: &str = "refs/heads/";
/// The most refused refs that are named to the client. git itself names each.
const MOST_NAMED: usize = 10;

/// Why a ref is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Reason {
    #[error(transparent)]
    Name(#[from] BadRef),
    /// Another ref of this name looks the same.
    #[error("it looks the same as {}, which is spelled with other characters", spelling(.0))]
    Twin(String),
    #[error("it is the default branch")]
    Default,
    /// The client wanted all refs or none.
    #[error("another ref of this push was refused")]
    Atomic,
}

/// A name with the numbers of its characters that are not ASCII, so that a reader sees how it is spelled.
fn spelling(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii() { c.to_string() } else { c.escape_unicode().to_string() }).collect()
}

/// What the decision needs to know of the repository.
pub(super) struct Facts<'a> {
    /// The branch that HEAD names, if the push deletes a branch.
    pub(super) head: Option<DefaultBranch<'a>>,
    /// The refs that exist, if the push creates a ref whose name is not ASCII.
    pub(super) existing: &'a [String],
}

/// Whether [`Facts::head`] is needed.
pub(super) fn deletes_branches(updates: &[Update]) -> bool {
    updates.iter().any(|update| update.removes() && branch(update).is_some())
}

/// Whether [`Facts::existing`] is needed.
pub(super) fn creates_unicode(updates: &[Update]) -> bool {
    updates.iter().any(|update| update.creates() && !update.name.is_ascii())
}

/// The branch of an update, without `refs/heads/`.
pub(super) fn branch(update: &Update) -> Option<&str> {
    std::str::from_utf8(&update.name).ok()?.strip_prefix(BRANCHES)
}

/// Why each update is refused; `None` if it is accepted.
pub(super) fn decide(updates: &[Update], facts: &Facts<'_>) -> Vec<Option<Reason>> {
    let removed: HashSet<&[u8]> =
        updates.iter().filter(|update| update.removes()).map(|it| it.name.as_slice()).collect();
    let stay = facts.existing.iter().filter(|name| !removed.contains(name.as_bytes()));
    // The spelling that came first of each canonical form.
    let mut spellings: HashMap<String, String> =
        stay.filter(|name| !name.is_ascii()).map(|name| (canonical(name), name.clone())).collect();
    let brings_a_branch = updates.iter().any(|it| !it.removes() && branch(it).is_some() && check_ref(&it.name).is_ok());
    let refusal = |update: &Update| {
        if update.removes() {
            // A ref may be removed whatever its name is.
            let head = facts.head.filter(|head| branch(update) == Some(head.name));
            // HEAD follows to a branch of the same push, as for `git push --mirror`.
            return head.is_some_and(|head| head.is_chosen || !brings_a_branch).then_some(Reason::Default);
        }
        if let Err(reason) = check_ref(&update.name) {
            return Some(reason.into());
        }
        let name = std::str::from_utf8(&update.name).ok().filter(|name| update.creates() && !name.is_ascii())?;
        let spelling = spellings.entry(canonical(name)).or_insert_with(|| name.to_owned());
        (spelling != name).then(|| Reason::Twin(spelling.clone()))
    };
    updates.iter().map(refusal).collect()
}

/// Refuses every ref if one is refused.
pub(super) fn all_or_none(verdicts: &mut [Option<Reason>]) {
    if verdicts.iter().any(Option::is_some) {
        for verdict in verdicts {
            *verdict = verdict.take().or(Some(Reason::Atomic));
        }
    }
}

/// What the client reads about refused refs, and what it can do. `choose_branch` is the command that chooses the
/// default branch, without the branch.
pub(super) fn lines(updates: &[Update], verdicts: &[Option<Reason>], choose_branch: &str) -> Vec<String> {
    let own = |reason: &&Reason| **reason != Reason::Atomic;
    let refused: Vec<(&Update, &Reason)> = updates
        .iter()
        .zip(verdicts)
        .filter_map(|(update, verdict)| Some((update, verdict.as_ref().filter(own)?)))
        .collect();
    let line = |(update, reason): &(&Update, &Reason)| {
        let name = String::from_utf8_lossy(&update.name);
        let name = Shown(&name);
        match reason {
            Reason::Default => format!("{name} is not deleted: {reason}"),
            Reason::Name(_) | Reason::Twin(_) | Reason::Atomic => format!("{name} is not accepted: {reason}"),
        }
    };
    let mut lines: Vec<String> = refused.iter().take(MOST_NAMED).map(line).collect();
    match refused.len().saturating_sub(MOST_NAMED) {
        0 => {}
        1 => lines.push("1 more ref is not accepted".to_owned()),
        more => lines.push(format!("{more} more refs are not accepted")),
    }
    let has = |wanted: fn(&Reason) -> bool| refused.iter().any(|(_, reason)| wanted(reason));
    if has(|reason| *reason == Reason::Name(BadRef::Place)) {
        lines.push("to push branches and tags only: git push --all && git push --tags".to_owned());
    }
    if has(|reason| *reason == Reason::Default) {
        lines.push(format!("choose another default branch first: {choose_branch} BRANCH"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updates(lines: &[&str]) -> Vec<Update> {
        lines.iter().map(|line| Update::parse(line.as_bytes()).unwrap()).collect()
    }

    fn decided(lines: &[&str], head: Option<DefaultBranch<'_>>, existing: &[&str]) -> Vec<Option<Reason>> {
        let existing: Vec<String> = existing.iter().map(ToString::to_string).collect();
        decide(&updates(lines), &Facts { head, existing: &existing })
    }

    #[test]
    fn a_refused_ref_leaves_the_others_unless_the_push_is_atomic() {
        let lines = ["00 12 refs/heads/a", "00 12 refs/pull/1", "12 00 refs/pull/2"];
        let mut verdicts = decided(&lines, None, &[]);
        assert_eq!(verdicts, [None, Some(Reason::Name(BadRef::Place)), None]);
        all_or_none(&mut verdicts);
        let place = Some(Reason::Name(BadRef::Place));
        assert_eq!(verdicts, [Some(Reason::Atomic), place, Some(Reason::Atomic)]);
        let mut none = [None, None];
        all_or_none(&mut none);
        assert_eq!(none, [None, None]);
    }

    #[test]
    fn the_default_branch_is_deleted_only_if_head_can_follow_the_same_push() {
        let head = DefaultBranch { name: "main", exists: true, is_chosen: false };
        let (alone, mirror) = (["12 00 refs/heads/main"], ["12 00 refs/heads/main", "00 12 refs/heads/dev"]);
        assert_eq!(decided(&alone, Some(head), &[]), [Some(Reason::Default)]);
        assert_eq!(decided(&mirror, Some(head), &[]), [None, None]);
        let chosen = DefaultBranch { is_chosen: true, ..head };
        assert_eq!(decided(&mirror, Some(chosen), &[]), [Some(Reason::Default), None]);
        for other in ["00 12 refs/tags/v1", "00 12 refs/pull/1", "12 00 refs/heads/dev"] {
            let found = decided(&["12 00 refs/heads/main", other], Some(head), &[]);
            assert_eq!(found.first(), Some(&Some(Reason::Default)), "{other}");
        }
    }

    #[test]
    fn two_names_that_look_the_same_are_refused_as_a_pair() {
        let (composed, decomposed) = ("refs/heads/caf\u{e9}", "refs/heads/cafe\u{301}");
        let twin = Some(Reason::Twin(composed.to_owned()));
        let create = format!("00 12 {decomposed}");
        assert_eq!(decided(&[&create], None, &[composed]), std::slice::from_ref(&twin));
        assert_eq!(decided(&[&format!("00 12 {composed}"), &create], None, &[]), [None, twin]);
        // The existing ref itself may be updated, and replaced in one push.
        assert_eq!(decided(&[&format!("12 13 {decomposed}")], None, &[composed, decomposed]), [None]);
        assert_eq!(decided(&[&format!("12 00 {composed}"), &create], None, &[composed]), [None, None]);
        assert_eq!(decided(&[&create], None, &[]), [None]);
    }

    #[test]
    fn the_lines_for_the_client_are_bounded_and_name_a_way_out() {
        let many: Vec<String> = (0..300).map(|number| format!("00 12 refs/pull/{number}/head")).collect();
        let updates = updates(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let verdicts = decide(&updates, &Facts { head: None, existing: &[] });
        let said = lines(&updates, &verdicts, "ssh git@hub repo default-branch a/x");
        assert_eq!(said.len(), MOST_NAMED + 2);
        assert_eq!(said.get(MOST_NAMED).map(String::as_str), Some("290 more refs are not accepted"));
        assert_eq!(said.last().unwrap(), "to push branches and tags only: git push --all && git push --tags");
    }
}
