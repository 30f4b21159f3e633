//! Which refs of a push are refused, and why. No I/O here: [`Facts`] come from git.

use std::collections::{HashMap, HashSet};

use super::proposals::{Judged, Problem, Proposals};
use super::updates::Update;
use crate::access::rule::{Action, AppliedRule, RefDecision, decide_ref};
use crate::name::Shown;
use crate::push::canonical::canonical;
use crate::push::{BadRef, DefaultBranch, check_ref};
use crate::word::counted;

/// Where branches are.
pub(super) const BRANCHES: &str = "refs/heads/";
/// The most refused refs that are named to the client. git itself names each.
pub(super) const MOST_NAMED: usize = 10;

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
    /// A rule denies it.
    #[error("{who} may not {} ({label})", .action.phrase())]
    Rule {
        /// Who pushes.
        who: String,
        /// What the push would do.
        action: Action,
        /// What the client may read about the rule.
        label: String,
    },
    /// A rule would deny to rewrite the ref, and git did not say in time whether the push does.
    #[error("its commits could not be compared in time: push fewer refs at once")]
    Time,
    /// What it does with a proposal is not allowed.
    #[error(transparent)]
    Proposal(#[from] Problem),
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
    /// Where the refs are that a push may create or update.
    pub(super) namespaces: &'a [String],
    /// What the session may do with proposals, and what git says about those of the push.
    pub(super) proposals: &'a Proposals,
    /// Who pushes, as the client reads it.
    pub(super) who: &'a str,
    /// The rules that concern the session.
    pub(super) rules: &'a [AppliedRule],
    /// Whether the new commit of an update contains the old one, where it matters ([`Ancestry`]) and git knew in time.
    pub(super) ancestry: &'a HashMap<usize, bool>,
}

/// Why git must say whether the new commit of an update contains the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ancestry {
    /// The rules allow the update in either case, or the ref is new or removed.
    Unimportant,
    /// They deny it in either case, and the client reads what it is.
    Named,
    /// They decide by it.
    Decides,
}

impl Ancestry {
    pub(super) fn of(update: &Update, rules: &[AppliedRule]) -> Self {
        if update.creates() || update.removes() {
            return Self::Unimportant;
        }
        let is_denied = |action| matches!(decide_ref(rules, action, &update.name), RefDecision::Deny(_));
        match (is_denied(Action::Update), is_denied(Action::Force)) {
            (false, false) => Self::Unimportant,
            (true, true) => Self::Named,
            (true, false) | (false, true) => Self::Decides,
        }
    }
}

/// Why the rules refuse an update, which is the one with this index.
fn refused_by_rule(index: usize, update: &Update, facts: &Facts<'_>) -> Option<Reason> {
    let denial = |action| match decide_ref(facts.rules, action, &update.name) {
        RefDecision::Allow(_) => None,
        RefDecision::Deny(rule) => Some(Reason::Rule { who: facts.who.to_owned(), action, label: rule.label.clone() }),
    };
    match (update.removes(), update.creates(), facts.ancestry.get(&index)) {
        (true, ..) => denial(Action::Delete),
        (false, true, _) => denial(Action::Create),
        (false, false, Some(true)) => denial(Action::Update),
        (false, false, Some(false)) => denial(Action::Force),
        (false, false, None) => match Ancestry::of(update, facts.rules) {
            Ancestry::Unimportant => None,
            Ancestry::Named => denial(Action::Update),
            Ancestry::Decides => Some(Reason::Time),
        },
    }
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
    let is_named_well = |update: &Update| check_ref(&update.name, facts.namespaces);
    let by_rules: Vec<Option<Reason>> =
        updates.iter().enumerate().map(|(index, update)| refused_by_rule(index, update, facts)).collect();
    let brings_a_branch = updates.iter().zip(&by_rules).any(|(update, refused)| {
        !update.removes() && branch(update).is_some() && refused.is_none() && is_named_well(update).is_ok()
    });
    let refusal = |(index, (update, by_rule)): (usize, (&Update, Option<Reason>))| {
        match facts.proposals.decide(index, update, facts.namespaces) {
            Judged::Refused(problem) => return Some(problem.into()),
            Judged::Accepted => return by_rule,
            Judged::NotOne => {}
        }
        if update.removes() {
            if by_rule.is_some() {
                return by_rule;
            }
            // A ref may be removed whatever its name is.
            let head = facts.head.filter(|head| branch(update) == Some(head.name));
            // HEAD follows to a branch of the same push, as for `git push --mirror`.
            return head.is_some_and(|head| head.is_chosen || !brings_a_branch).then_some(Reason::Default);
        }
        if let Err(reason) = is_named_well(update) {
            return Some(reason.into());
        }
        if by_rule.is_some() {
            return by_rule;
        }
        let name = std::str::from_utf8(&update.name).ok().filter(|name| update.creates() && !name.is_ascii())?;
        let spelling = spellings.entry(canonical(name)).or_insert_with(|| name.to_owned());
        (spelling != name).then(|| Reason::Twin(spelling.clone()))
    };
    updates.iter().zip(by_rules).enumerate().map(refusal).collect()
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
            Reason::Rule { .. } => format!("{name}: {reason}"),
            Reason::Name(_) | Reason::Twin(_) | Reason::Time | Reason::Proposal(_) | Reason::Atomic => {
                format!("{name} is not accepted: {reason}")
            }
        }
    };
    let mut lines: Vec<String> = refused.iter().take(MOST_NAMED).map(line).collect();
    let more = refused.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        lines.push(counted(more, "more ref is not accepted", "more refs are not accepted"));
    }
    let has = |wanted: fn(&Reason) -> bool| refused.iter().any(|(_, reason)| wanted(reason));
    if has(|reason| *reason == Reason::Proposal(Problem::ReadOnly)) {
        lines.push("to propose a change: git push REMOTE HEAD:refs/for/BRANCH".to_owned());
    }
    if has(|reason| matches!(reason, Reason::Name(BadRef::Place(_)))) {
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
        let (namespaces, ancestry) = (namespaces(), HashMap::new());
        let proposals = Proposals::of_writer();
        let facts = Facts { existing: &existing, head, ..facts(&namespaces, &[], &ancestry, &proposals) };
        decide(&updates(lines), &facts)
    }

    fn namespaces() -> Vec<String> {
        vec!["refs/heads/".to_owned(), "refs/tags/".to_owned()]
    }

    fn facts<'a>(
        namespaces: &'a [String],
        rules: &'a [AppliedRule],
        ancestry: &'a HashMap<usize, bool>,
        proposals: &'a Proposals,
    ) -> Facts<'a> {
        Facts { head: None, existing: &[], namespaces, proposals, who: "alice", rules, ancestry }
    }

    fn place() -> Reason {
        Reason::Name(BadRef::Place("branches (refs/heads/) and tags (refs/tags/)".to_owned()))
    }

    fn rules(lines: &[&str]) -> Vec<AppliedRule> {
        lines.iter().zip(1..).map(|(line, number)| format!("{line} rule {number}").parse().unwrap()).collect()
    }

    #[test]
    fn a_rule_decides_by_what_the_push_does_to_the_ref() {
        let rules =
            rules(&["deny force,delete refs/heads/main", "deny create refs/tags/**", "allow all refs/heads/**"]);
        let lines = [
            "12 13 refs/heads/main",
            "12 13 refs/heads/main",
            "12 13 refs/heads/main",
            "12 00 refs/heads/main",
            "00 12 refs/heads/main",
            "00 12 refs/tags/v1",
            "12 13 refs/heads/dev",
        ];
        let ancestry = HashMap::from([(0, true), (1, false)]);
        let namespaces = namespaces();
        let rule =
            |action, label: &str| Some(Reason::Rule { who: "alice".to_owned(), action, label: label.to_owned() });
        let updates = updates(&lines);
        assert_eq!(
            decide(&updates, &facts(&namespaces, &rules, &ancestry, &Proposals::of_writer())),
            [
                None,
                rule(Action::Force, "rule 1"),
                // git did not say in time whether it is rewritten.
                Some(Reason::Time),
                rule(Action::Delete, "rule 1"),
                None,
                rule(Action::Create, "rule 2"),
                None,
            ]
        );
        let found: Vec<Ancestry> = updates.iter().map(|update| Ancestry::of(update, &rules)).collect();
        let (decides, unimportant) = (Ancestry::Decides, Ancestry::Unimportant);
        assert_eq!(found, [decides, decides, decides, unimportant, unimportant, unimportant, unimportant]);
        let of = |rules: &[AppliedRule]| Ancestry::of(updates.first().unwrap(), rules);
        assert_eq!(of(&self::rules(&["deny all **"])), Ancestry::Named);
        assert_eq!(of(&[]), Ancestry::Unimportant, "without rules, nothing is compared");
    }

    #[test]
    fn a_name_is_refused_before_a_rule_is_asked_and_a_rule_before_the_default_branch() {
        let rules = rules(&["deny all **"]);
        let (namespaces, ancestry) = (namespaces(), HashMap::new());
        let head = Some(DefaultBranch { name: "main", exists: true, is_chosen: false });
        let proposals = Proposals::of_writer();
        let facts = Facts { head, ..facts(&namespaces, &rules, &ancestry, &proposals) };
        let found = decide(&updates(&["00 12 refs/pull/1", "12 00 refs/heads/main", "00 12 refs/heads/b"]), &facts);
        let said: Vec<String> = found.iter().flatten().map(ToString::to_string).collect();
        let place = "this hub accepts only branches (refs/heads/) and tags (refs/tags/)";
        assert_eq!(said, [place, "alice may not delete it (rule 1)", "alice may not create it (rule 1)"]);
        // A branch that a rule refuses is none to which HEAD could move.
        let rules = [self::rules(&["deny create refs/heads/b"])].concat();
        let facts = Facts { rules: &rules, ..facts };
        let found = decide(&updates(&["12 00 refs/heads/main", "00 12 refs/heads/b"]), &facts);
        assert_eq!(found.first(), Some(&Some(Reason::Default)));
    }

    #[test]
    fn a_refused_ref_leaves_the_others_unless_the_push_is_atomic() {
        let lines = ["00 12 refs/heads/a", "00 12 refs/pull/1", "12 00 refs/pull/2"];
        let mut verdicts = decided(&lines, None, &[]);
        assert_eq!(verdicts, [None, Some(place()), None]);
        all_or_none(&mut verdicts);
        assert_eq!(verdicts, [Some(Reason::Atomic), Some(place()), Some(Reason::Atomic)]);
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
    fn git_is_asked_for_refs_and_head_only_where_a_decision_needs_them() {
        for (line, needs) in [
            ("00 12 refs/heads/main", [false, false]),
            ("00 12 refs/heads/caf\u{e9}", [true, false]),
            ("12 13 refs/heads/caf\u{e9}", [false, false]),
            ("12 00 refs/heads/main", [false, true]),
            ("12 00 refs/tags/v1", [false, false]),
        ] {
            let updates = updates(&[line]);
            assert_eq!([creates_unicode(&updates), deletes_branches(&updates)], needs, "{line}");
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
        for name in [composed, decomposed] {
            assert_eq!(decided(&[&format!("12 13 {name}")], None, &[composed, decomposed]), [None]);
        }
        assert_eq!(decided(&[&format!("12 00 {composed}"), &create], None, &[composed]), [None, None]);
        assert_eq!(decided(&[&create], None, &[]), [None]);
    }

    #[test]
    fn the_lines_for_the_client_are_bounded_and_name_a_way_out() {
        let many: Vec<String> = (0..300).map(|number| format!("00 12 refs/pull/{number}/head")).collect();
        let updates = updates(&many.iter().map(String::as_str).collect::<Vec<_>>());
        let (namespaces, ancestry) = (namespaces(), HashMap::new());
        let verdicts = decide(&updates, &facts(&namespaces, &[], &ancestry, &Proposals::of_writer()));
        let said = lines(&updates, &verdicts, "ssh git@hub repo default-branch a/x");
        assert_eq!(said.len(), MOST_NAMED + 2);
        assert_eq!(said.get(MOST_NAMED).map(String::as_str), Some("290 more refs are not accepted"));
        assert_eq!(said.last().unwrap(), "to push branches and tags only: git push --all && git push --tags");
    }
}
