//! The rights on one repository: what gitolite permits, as roles and rules of this hub. No I/O.
//!
//! Where rules of this hub cannot say the same, they permit less.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::files::{accepted, refused};
use super::found::{Kind, Lost, Name, PathText, Person, Repository, Right, RuleText};
use super::pattern::Match;
use super::refex::{EVERY, around, within};
use super::statements::{EVERY_REF, Letters, Options, Rule, Users, is_of_refs};
use super::text::Place;
use super::who::{Named, Who};
use crate::access::rule::{Action, Actions, Verdict};

/// Users of gitolite that stand for other services.
const SERVICES: [&str; 2] = ["daemon", "gitweb"];
const TAGS: &str = "refs/tags/";
const EVERY_TAG: &str = "refs/tags/**";
/// gitolite treats these refs as tags too.
const INNER_TAGS: &str = "refs/**refs/tags/**";

/// A rule, and whether it concerns the repository. A rule for a pattern with an unknown creator may concern it or not.
pub(super) type Entry = (Rc<Rule>, Match);

/// Rights and rules, in gitolite's order of the rules.
pub(super) struct Rights<'a> {
    pub(super) name: &'a str,
    pub(super) options: Options,
    pub(super) entries: Vec<Entry>,
    pub(super) description: Option<Rc<str>>,
}

impl Rights<'_> {
    /// The repository here, and what is lost.
    pub(super) fn repository(&self, lost: &mut impl FnMut(Lost)) -> Repository {
        let named = |users: &Users| users.names.iter().chain(&users.perhaps).cloned().collect::<Vec<_>>();
        let people: BTreeSet<Rc<str>> = self.entries.iter().flat_map(|(rule, _)| named(&rule.users)).collect();
        let (services, people): (Vec<Rc<str>>, Vec<Rc<str>>) = people.into_iter().partition(|user| !is_person(user));
        let checks_files = self.entries.iter().any(|(rule, _)| of_files(rule).next().is_some());
        let blocked: BTreeMap<Rc<str>, Vec<Action>> = people
            .iter()
            .filter(|_| checks_files)
            .map(|user| (Rc::clone(user), self.blocked(user)))
            .filter(|(_, actions)| !actions.is_empty())
            .collect();
        self.report(&services, lost);
        let rules = self.rules(&people, &blocked, lost);
        let paths = self.paths(&people, lost);
        let writes = |user: Option<&str>| {
            let mut denied: Vec<&RuleText> = Vec::new();
            rules.iter().filter(|rule| rule.who.names(user)).any(|rule| match rule.verdict {
                Verdict::Allow => !denied.iter().any(|denied| denies_whole(denied, rule)),
                Verdict::Deny => {
                    denied.push(rule);
                    false
                }
            })
        };
        let mut members = Vec::new();
        for user in &people {
            if let Some(place) = self.reads(Some(user)) {
                let pushed = self.may_push(Some(user));
                let writes = pushed.is_some() && writes(Some(user));
                if let Some(place) = pushed.filter(|_| !writes) {
                    let what = format!("{user} on {}", self.name);
                    lost(Lost { kind: Kind::Push, place, what });
                }
                members.push(Person { name: Rc::clone(user), writes, place });
            }
        }
        let all_read = self.reads(None);
        let all_write = all_read.is_some() && self.may_push(None).is_some();
        // A visibility has no exception for single users.
        let everyone_reads = all_read.clone().filter(|_| people.iter().all(|user| self.reads(Some(user)).is_some()));
        if let Some(place) = all_read.filter(|_| all_write || everyone_reads.is_none()) {
            let may = if all_write { "push to" } else { "read" };
            lost(Lost { kind: Kind::Everybody, place, what: format!("every user could {may} {}", self.name) });
        }
        // Without rules, a writer may do everything.
        let is_full = |user: Option<&str>| {
            let first = rules.iter().find(|rule| rule.who.names(user));
            first.is_some_and(|rule| {
                rule.verdict == Verdict::Allow && rule.actions == Actions::ALL && rule.pattern == EVERY
            })
        };
        let needs_rules = members.iter().filter(|person| person.writes).any(|person| !is_full(Some(&person.name)))
            || all_write && !is_full(None);
        let closed_rules = rules.clone();
        let rules = if needs_rules { rules } else { Vec::new() };
        let description = self.description.clone().filter(|text| !text.is_empty());
        let (name, named) = (self.name.to_owned(), self.named());
        Repository { name, people: members, named, rules, closed_rules, paths, everyone_reads, description }
    }

    /// The names in the rules that let someone read.
    fn named(&self) -> BTreeMap<Name, Right> {
        let mut named: BTreeMap<Name, Right> = BTreeMap::new();
        for (rule, concerns) in &self.entries {
            let Rule { letters, users, place, .. } = &**rule;
            if letters.is_deny || !letters.reads || *concerns != Match::Yes {
                continue;
            }
            let groups = users.groups.iter().cloned().map(Name::Group);
            let alone = users.alone.iter().filter(|user| is_person(user)).cloned().map(Name::User);
            for name in users.all.then_some(Name::All).into_iter().chain(groups).chain(alone) {
                let new = || Right { writes: false, place: place.clone() };
                named.entry(name).or_insert_with(new).writes |= letters.writes;
            }
        }
        named
    }

    /// The rule by which a user may read. `None` stands for a user that no rule names.
    fn reads(&self, user: Option<&str>) -> Option<Place> {
        self.before_git(user, |letters| letters.reads)
    }

    fn may_push(&self, user: Option<&str>) -> Option<Place> {
        self.before_git(user, |letters| letters.writes)
    }

    /// gitolite's check before git runs: every refex matches, and rules that deny count only with an option.
    fn before_git(&self, user: Option<&str>, permits: impl Fn(Letters) -> bool) -> Option<Place> {
        for (rule, concerns) in &self.entries {
            if rule.letters.is_deny {
                if self.options.deny_rules && is_denied(&rule.users, user) {
                    return None;
                }
            } else if *concerns == Match::Yes && is_allowed(&rule.users, user) && permits(rule.letters) {
                return Some(rule.place.clone());
            }
        }
        None
    }

    /// The actions that are denied to a user on every ref. A check of gitolite could refuse some of these pushes, and
    /// no rule for paths says which.
    fn blocked(&self, user: &str) -> Vec<Action> {
        let is_blocked = |action: &Action| {
            self.can_refuse(user, *action, |refex| refused(refex).is_none())
                || self.lacks(user, *action) && self.can_refuse(user, *action, |_| true)
        };
        Action::ALL.iter().copied().filter(is_blocked).collect()
    }

    /// Whether checks of what is pushed, of those that `counts` names, could refuse an action.
    fn can_refuse(&self, user: &str, action: Action, counts: impl Fn(&str) -> bool) -> bool {
        self.entries.iter().enumerate().any(|(index, (rule, _))| {
            let denies = rule.letters.is_deny && is_denied(&rule.users, Some(user));
            denies && of_files(rule).any(|refex| counts(refex) && !self.is_passed(user, action, index, refex))
        })
    }

    /// Whether an earlier rule allows all that a rule for files denies, the one with this index.
    fn is_passed(&self, user: &str, action: Action, index: usize, refex: &str) -> bool {
        self.entries.iter().take(index).any(|(rule, concerns)| {
            *concerns == Match::Yes
                && !rule.letters.is_deny
                && is_allowed(&rule.users, Some(user))
                && self.permits(rule.letters, action)
                && of_files(rule).any(|passed| covers(passed, refex))
        })
    }

    /// Whether a rule here would allow files for an action that it does not permit in gitolite.
    fn lacks(&self, user: &str, action: Action) -> bool {
        self.pushes(user).contains(&action)
            && self.entries.iter().any(|(rule, concerns)| {
                *concerns == Match::Yes
                    && !rule.letters.is_deny
                    && is_allowed(&rule.users, Some(user))
                    && !self.permits(rule.letters, action)
                    && of_files(rule).any(|refex| accepted(refex).is_some())
            })
    }

    /// The rules for files. A rule that allows and cannot be said is left out.
    fn paths(&self, people: &[Rc<str>], lost: &mut impl FnMut(Lost)) -> Vec<PathText> {
        let mut paths = Vec::new();
        for (index, (rule, concerns)) in self.entries.iter().enumerate() {
            let Rule { letters, users, .. } = &**rule;
            let mut say = |kind, what| lost(Lost { kind, place: rule.place.clone(), what });
            for refex in of_files(rule) {
                let (verdict, patterns, who) = if letters.is_deny {
                    let Some((patterns, is_exact)) = refused(refex) else { continue };
                    if !is_exact {
                        say(Kind::Wider, format!("{} denies {} too", rule.text, patterns.join(" ")));
                    }
                    (Verdict::Deny, patterns, self.denied_files(index, refex, people))
                } else if *concerns == Match::Perhaps {
                    continue;
                } else {
                    let mut named = people.iter().filter(|user| is_allowed(users, Some(user)));
                    let patterns = accepted(refex);
                    if patterns.is_none() || named.any(|user| !self.blocked(user).is_empty()) {
                        say(Kind::Check, rule.text.to_string());
                    }
                    let who = if users.all { Who::Everyone } else { Who::Users(Named::allowed(users)) };
                    (Verdict::Allow, patterns.unwrap_or_default(), who)
                };
                paths.extend(patterns.into_iter().map(|pattern| PathText { verdict, pattern, who: who.clone() }));
            }
        }
        paths.retain(|path| !path.who.is_nobody());
        // What is not denied needs no rule.
        if paths.iter().any(|path| path.verdict == Verdict::Deny) { paths } else { Vec::new() }
    }

    /// The users that the rule with this index denies files. It denies nothing to a user who has all of it by earlier
    /// rules.
    fn denied_files(&self, index: usize, refex: &str, people: &[Rc<str>]) -> Who {
        let Some((rule, _)) = self.entries.get(index) else { return Who::Everyone };
        let is_passed = |user: &Rc<str>| {
            let pushes = self.pushes(user);
            !pushes.is_empty() && pushes.iter().all(|action| self.is_passed(user, *action, index, refex))
        };
        let (passed, others): (Vec<Rc<str>>, Vec<Rc<str>>) = people.iter().cloned().partition(is_passed);
        match Who::denied(&rule.users) {
            Who::Everyone if passed.is_empty() => Who::Everyone,
            Who::Everyone => Who::Users(Named::alone(others)),
            Who::Users(named) => Who::Users(named.without(&passed)),
        }
    }

    /// What a user may do to some refs.
    fn pushes(&self, user: &str) -> Vec<Action> {
        let may = |action: &Action| {
            self.entries.iter().any(|(rule, concerns)| {
                *concerns == Match::Yes
                    && !rule.letters.is_deny
                    && rule.refexes.iter().any(|refex| is_of_refs(refex))
                    && is_allowed(&rule.users, Some(user))
                    && self.permits(rule.letters, *action)
            })
        };
        Action::ALL.iter().copied().filter(may).collect()
    }

    fn permits(&self, letters: Letters, action: Action) -> bool {
        let Options { create_is_c, delete_is_d, merge_check, .. } = self.options;
        // Rules of this hub cannot ask whether a push has a merge.
        let merges = letters.merges || !merge_check;
        match action {
            Action::Create if create_is_c => letters.creates && letters.writes,
            Action::Create => letters.writes,
            Action::Update => letters.writes && merges,
            Action::Force => letters.rewinds && merges,
            Action::Delete if delete_is_d => letters.deletes,
            Action::Delete => letters.rewinds,
        }
    }

    fn rules(
        &self,
        people: &[Rc<str>],
        blocked: &BTreeMap<Rc<str>, Vec<Action>>,
        lost: &mut impl FnMut(Lost),
    ) -> Vec<RuleText> {
        let everyone = if blocked.is_empty() { Who::Everyone } else { Who::Users(Named::alone(people.to_vec())) };
        let mut writing = Writing::default();
        for (rule, concerns) in &self.entries {
            let Rule { letters, users, .. } = &**rule;
            let refexes = rule.refexes.iter().filter(|refex| is_of_refs(refex));
            if letters.is_deny {
                let who = Who::denied(users);
                refexes.for_each(|refex| writing.deny(rule, refex, &who, lost));
                continue;
            }
            if *concerns == Match::Perhaps {
                continue;
            }
            let who = if users.all { everyone.clone() } else { Who::Users(Named::allowed(users)) };
            let actions: Vec<Action> =
                Action::ALL.iter().copied().filter(|action| self.permits(*letters, *action)).collect();
            if !actions.is_empty() {
                refexes.for_each(|refex| writing.allow(rule, refex, &actions, &who, lost));
            }
            if letters.writes && self.options.merge_check && !letters.merges {
                let what = format!("{}: no pushes to branches, since merges are refused to them", rule.text);
                lost(Lost { kind: Kind::Merge, place: rule.place.clone(), what });
            }
        }
        // An option lets rules for some refs deny everything. A role from before must not open what is allowed here.
        let is_closed = |user: &&Rc<str>| self.may_push(Some(user)).is_none() && !self.pushes(user).is_empty();
        let closed: Vec<Rc<str>> = people.iter().filter(is_closed).cloned().collect();
        let who = Who::Users(Named::alone(closed));
        let mut first =
            vec![RuleText { verdict: Verdict::Deny, actions: Actions::ALL, pattern: EVERY.to_owned(), who }];
        first.extend(blocked_rules(blocked));
        joined(writing.finish(first))
    }

    /// Reports what is lost whatever the rules of this hub say.
    fn report(&self, services: &[Rc<str>], lost: &mut impl FnMut(Lost)) {
        for (rule, concerns) in &self.entries {
            let mut say = |kind, what| lost(Lost { kind, place: rule.place.clone(), what });
            for group in &rule.users.unknown {
                let what = if rule.letters.is_deny {
                    format!("{}: every user may belong to {group}", rule.text)
                } else {
                    format!("{}: nobody is known to belong to {group}", rule.text)
                };
                say(Kind::Group, what);
            }
            if !rule.users.perhaps.is_empty() {
                say(Kind::Directory, rule.text.to_string());
            }
            let has_service = services.iter().any(|user| rule.users.names.contains(user));
            if has_service && !rule.letters.is_deny {
                say(Kind::Service, rule.text.to_string());
            }
            let is_unsaid = |refex: &String| !is_of_refs(refex) && refused(refex).is_none();
            if rule.refexes.iter().any(is_unsaid) {
                say(Kind::Check, rule.text.to_string());
            }
            if *concerns == Match::Perhaps && !rule.letters.is_deny {
                say(Kind::Pattern, rule.text.to_string());
            }
        }
    }
}

/// The rules of one repository, while they are written.
#[derive(Default)]
struct Writing {
    main: Vec<RuleText>,
    /// Rules for the update of tags. In gitolite, an update of a tag needs the right to rewind.
    of_tags: Vec<RuleText>,
    /// Whether a rule allows update but not rewind, by a pattern that matches tags and other refs.
    spans_tags: bool,
    /// Whether such a rule has a pattern for more than one ref.
    has_wildcards: bool,
}

impl Writing {
    fn deny(&mut self, rule: &Rule, refex: &str, who: &Who, lost: &mut impl FnMut(Lost)) {
        let found = around(refex, *who == Who::Everyone || who.is_dotted());
        if !found.is_exact && refex != EVERY_REF {
            let what = format!("{} denies {} too", rule.text, found.patterns.join(" "));
            lost(Lost { kind: Kind::Wider, place: rule.place.clone(), what });
        }
        for pattern in found.patterns {
            let deny = |actions, pattern| RuleText { verdict: Verdict::Deny, actions, pattern, who: who.clone() };
            if let Some(tags) = tags_of(&pattern) {
                let of_tags = if pattern.starts_with(TAGS) { pattern.clone() } else { tags };
                self.of_tags.push(deny(update(), of_tags));
            }
            self.main.push(deny(Actions::ALL, pattern));
        }
    }

    fn allow(&mut self, rule: &Rule, refex: &str, actions: &[Action], who: &Who, lost: &mut impl FnMut(Lost)) {
        let found = within(refex);
        if !found.is_exact {
            let said = if found.patterns.is_empty() { "no rule".to_owned() } else { found.patterns.join(" ") };
            let what = format!("{}: {said}", rule.text);
            lost(Lost { kind: Kind::Refex, place: rule.place.clone(), what });
        }
        let rewinds = actions.contains(&Action::Force);
        for pattern in found.patterns {
            let mut actions = actions.to_vec();
            let allow = |actions, pattern| RuleText { verdict: Verdict::Allow, actions, pattern, who: who.clone() };
            let is_of_tags = pattern.starts_with(TAGS);
            // A pattern that matches only some tags and other refs gets no rule for tags.
            let has_every_tag = pattern.strip_suffix(EVERY).is_some_and(|text| TAGS.starts_with(text));
            if rewinds && is_of_tags {
                self.of_tags.push(allow(update(), pattern.clone()));
            } else if rewinds && has_every_tag {
                self.of_tags.push(allow(update(), EVERY_TAG.to_owned()));
            } else if is_of_tags && !rewinds {
                actions.retain(|action| *action != Action::Update);
            } else if actions.contains(&Action::Update) && !rewinds {
                self.spans_tags |= tags_of(&pattern).is_some();
                self.has_wildcards |= pattern.contains('*');
            }
            if let Ok(actions) = Actions::of(&actions) {
                self.main.push(allow(actions, pattern));
            }
        }
    }

    /// All rules, after those that come first.
    fn finish(self, mut rules: Vec<RuleText>) -> Vec<RuleText> {
        let deny = |actions, pattern: &str| {
            let pattern = pattern.to_owned();
            RuleText { verdict: Verdict::Deny, actions, pattern, who: Who::Everyone }
        };
        if self.spans_tags {
            // If no rule allows, the last rule denies the same tags.
            if self.of_tags.iter().any(|rule| rule.verdict == Verdict::Allow) {
                rules.extend(self.of_tags);
            }
            rules.push(deny(update(), EVERY_TAG));
        }
        if self.has_wildcards {
            rules.push(deny(update(), INNER_TAGS));
        }
        rules.extend(self.main);
        rules.push(deny(Actions::ALL, EVERY));
        rules
    }
}

/// The rules for users whose pushes checks of contents could refuse.
fn blocked_rules(blocked: &BTreeMap<Rc<str>, Vec<Action>>) -> Vec<RuleText> {
    let mut users_of: Vec<(Actions, Vec<Rc<str>>)> = Vec::new();
    for (user, actions) in blocked {
        let Ok(actions) = Actions::of(actions) else { continue };
        match users_of.iter_mut().find(|(of, _)| *of == actions) {
            Some((_, users)) => users.push(Rc::clone(user)),
            None => users_of.push((actions, vec![Rc::clone(user)])),
        }
    }
    let mut rules = Vec::new();
    for (actions, users) in users_of {
        let mut deny = |actions, pattern: &str| {
            let (pattern, who) = (pattern.to_owned(), Who::Users(Named::alone(users.clone())));
            rules.push(RuleText { verdict: Verdict::Deny, actions, pattern, who });
        };
        deny(actions, EVERY);
        // In gitolite, an update of a tag needs the right to rewind.
        if actions.contains(Action::Force) && !actions.contains(Action::Update) {
            deny(update(), EVERY_TAG);
            deny(update(), INNER_TAGS);
        }
    }
    rules
}

/// Whether a rule that denies leaves a later rule without effect.
fn denies_whole(denied: &RuleText, rule: &RuleText) -> bool {
    let has_actions =
        Action::ALL.iter().all(|action| denied.actions.contains(*action) || !rule.actions.contains(*action));
    let has_refs = denied.pattern == EVERY
        || denied.pattern == rule.pattern
        || denied.pattern == EVERY_TAG && rule.pattern.starts_with(TAGS);
    has_actions && has_refs
}

fn update() -> Actions {
    Actions::of(&[Action::Update]).unwrap_or(Actions::ALL)
}

/// The pattern of all tags, if a pattern can match one.
fn tags_of(pattern: &str) -> Option<String> {
    let text = pattern.split(['*', '{']).next().unwrap_or_default();
    (TAGS.starts_with(text) || text.starts_with(TAGS)).then(|| EVERY_TAG.to_owned())
}

/// Whether a refex for files matches all that another one matches, as far as their texts tell.
fn covers(wide: &str, narrow: &str) -> bool {
    let is_text = wide.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-@,".contains(&byte));
    // Another alternative of the narrow refex could begin anywhere.
    wide == narrow || is_text && narrow.starts_with(wide) && !narrow.contains(['|', '*', '?', '{', '\\'])
}

/// The refexes of a rule that are about files or other contents.
fn of_files(rule: &Rule) -> impl Iterator<Item = &String> {
    rule.refexes.iter().filter(|refex| !is_of_refs(refex))
}

fn is_allowed(users: &Users, user: Option<&str>) -> bool {
    users.all || user.is_some_and(|user| users.names.contains(user))
}

fn is_denied(users: &Users, user: Option<&str>) -> bool {
    is_allowed(users, user) || !users.unknown.is_empty() || user.is_some_and(|user| users.perhaps.contains(user))
}

/// Whether a name is one of a user, and not of a group or a service.
pub(super) fn is_person(name: &str) -> bool {
    !name.starts_with('@') && !SERVICES.contains(&name)
}

/// Joins adjacent rules that differ only in their users.
fn joined(rules: Vec<RuleText>) -> Vec<RuleText> {
    let mut all: Vec<RuleText> = Vec::new();
    for rule in rules {
        if rule.who.is_nobody() {
            continue;
        }
        if let Some(last) = all.last_mut() {
            if (last.verdict, last.actions, &last.pattern) == (rule.verdict, rule.actions, &rule.pattern) {
                if let (Who::Users(before), Who::Users(named)) = (&mut last.who, &rule.who) {
                    before.extend(named.clone());
                    continue;
                }
            }
        }
        all.push(rule);
    }
    all
}
