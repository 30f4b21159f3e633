//! `gitolite.conf` and the files that it includes: what gitolite permits, as roles and rules of this hub. Text enters;
//! no I/O.
//!
//! Nothing is guessed. Where roles and rules cannot say what gitolite permits, they permit less, and [`Lost`] says
//! what.

mod files;
mod found;
mod pattern;
mod refex;
mod regex;
mod rights;
mod statements;
mod text;
mod who;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

pub(crate) use found::{Kind, Lost, Name, PathText, Person, Repository, RuleText};
use pattern::{Match, Repositories};
use rights::{Rights, is_person};
use statements::{ALL, Entry, Options, Statements, is_name};
pub(crate) use text::{Place, Source, Unread};
pub(crate) use who::{Named, Who};

/// What gitolite permits.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Conf {
    pub(crate) repositories: Vec<Repository>,
    /// The users of each group that a rule names.
    pub(crate) groups: BTreeMap<Rc<str>, BTreeSet<Rc<str>>>,
    /// Without duplicates, ordered.
    pub(crate) lost: Vec<Lost>,
    /// What cannot be read: it may deny anything.
    pub(crate) unread: Vec<Unread>,
    /// Lines that gitolite ignores too.
    pub(crate) ignored: Vec<Unread>,
    /// The number of settings of web pages and of git.
    pub(crate) settings: usize,
    /// Users who may create repositories, and whether every user may.
    pub(crate) creators: (BTreeSet<Rc<str>>, bool),
}

/// The repository with gitolite's own configuration.
pub(crate) const ADMIN: &str = "gitolite-admin";

/// Reads all files.
pub(crate) fn read(source: &Source) -> Conf {
    let (lines, mut unread) = text::lines(source);
    let statements = statements::read(source, &lines);
    let model = Model::of(&statements);
    let mut lost = BTreeSet::new();
    let mut creators = (BTreeSet::new(), false);
    for (name, entries) in &statements.entries {
        for (_, entry) in entries {
            let Entry::Rule(rule) = entry else { continue };
            if rule.letters.creates && !rule.letters.writes {
                creators.0.extend(rule.users.names.iter().cloned());
                creators.1 |= rule.users.all;
            }
            if !rule.letters.is_deny && !is_name(name) {
                lost.insert(Lost {
                    kind: Kind::Pattern,
                    place: rule.place.clone(),
                    what: format!("repo {name}: {}", rule.text),
                });
            }
        }
    }
    for (name, pattern) in &model.patterns {
        if !pattern.is_understood() {
            let place =
                statements.entries.get(name).and_then(|entries| entries.iter().find_map(|(_, entry)| place_of(entry)));
            let place = place.unwrap_or(Place { file: "gitolite.conf".into(), line: 0 });
            unread.push(Unread { place, why: format!("the pattern {name} is not understood") });
        }
    }
    let mut repositories = Vec::new();
    for name in model.names(&statements) {
        let mut keep = |new| {
            lost.insert(new);
        };
        // gitolite's own repository is not imported, so no single right on it is reported as lost.
        let rights = model.rights(&statements, &name);
        repositories.push(if &*name == ADMIN { rights.repository(&mut |_| {}) } else { rights.repository(&mut keep) });
    }
    let groups = user_groups(&statements);
    unread.extend(statements.unread);
    unread.sort();
    unread.dedup();
    let Statements { ignored, settings, .. } = statements;
    Conf { repositories, groups, lost: lost.into_iter().collect(), unread, ignored, settings, creators }
}

/// The users of the groups that rules name.
fn user_groups(statements: &Statements) -> BTreeMap<Rc<str>, BTreeSet<Rc<str>>> {
    let mut groups = BTreeMap::new();
    for (_, entry) in statements.entries.values().flatten() {
        let Entry::Rule(rule) = entry else { continue };
        for group in &rule.users.groups {
            if !groups.contains_key(group) {
                let users = statements.groups.get(group).into_iter().flatten().filter(|user| is_person(user));
                groups.insert(Rc::clone(group), users.cloned().collect());
            }
        }
    }
    groups
}

fn place_of(entry: &Entry) -> Option<Place> {
    match entry {
        Entry::Rule(rule) => Some(rule.place.clone()),
        Entry::Option(..) | Entry::Description(_) => None,
    }
}

/// The groups and patterns of `gitolite.conf`, to find those that a repository belongs to.
struct Model {
    /// The patterns among the names of entries and the members of groups.
    patterns: BTreeMap<Rc<str>, Repositories>,
    /// The groups of each name.
    groups: BTreeMap<Rc<str>, Vec<Rc<str>>>,
}

impl Model {
    fn of(statements: &Statements) -> Self {
        let is_used = |group: &Rc<str>| statements.entries.contains_key(group);
        let mut groups: BTreeMap<Rc<str>, Vec<Rc<str>>> = BTreeMap::new();
        for (group, members) in statements.groups.iter().filter(|(group, _)| is_used(group)) {
            for member in members {
                groups.entry(Rc::clone(member)).or_default().push(Rc::clone(group));
            }
        }
        let names = statements.entries.keys().chain(groups.keys());
        let patterns = names.filter(|name| !is_name(name)).map(|name| (Rc::clone(name), Repositories::read(name)));
        Self { patterns: patterns.collect(), groups }
    }

    /// The repositories that gitolite creates: those that it names.
    fn names(&self, statements: &Statements) -> BTreeSet<Rc<str>> {
        let named = statements.entries.keys().chain(self.groups.keys());
        named.filter(|name| is_name(name) && !name.starts_with('@') && !name.starts_with("EXTCMD/")).cloned().collect()
    }

    fn rights<'a>(&self, statements: &Statements, name: &'a str) -> Rights<'a> {
        let mut keys: BTreeMap<Rc<str>, Match> = BTreeMap::from([(name.into(), Match::Yes), (ALL.into(), Match::Yes)]);
        keys.extend(self.groups.get(name).into_iter().flatten().map(|group| (Rc::clone(group), Match::Yes)));
        for (pattern, repositories) in &self.patterns {
            let concerns = repositories.concern(name);
            if concerns != Match::No {
                for key in self.groups.get(pattern).into_iter().flatten().chain([pattern]) {
                    let before = keys.entry(Rc::clone(key)).or_insert(concerns);
                    *before = if concerns == Match::Yes { concerns } else { *before };
                }
            }
        }
        let mut entries: Vec<(usize, &Entry, Match)> = Vec::new();
        for (key, concerns) in &keys {
            let of = statements.entries.get(key).into_iter().flatten();
            entries.extend(of.map(|(number, entry)| (*number, entry, *concerns)));
        }
        entries.sort_by_key(|(number, ..)| *number);
        let mut options = Options::default();
        let (mut rules, mut description) = (Vec::new(), None);
        for (_, entry, concerns) in entries {
            match entry {
                Entry::Rule(rule) => rules.push((Rc::clone(rule), concerns)),
                Entry::Option(option, value) => options.set(option, *value),
                Entry::Description(text) => description = Some(Rc::clone(text)),
            }
        }
        Rights { name, options, entries: rules, description }
    }
}

#[cfg(test)]
mod tests;
