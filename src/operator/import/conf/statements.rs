//! What the lines of `gitolite.conf` say: groups, rules and options. Text enters; no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::regex;
use super::text::{Line, MASTER, Place, Source, Unread};

/// All users, or all repositories.
pub(super) const ALL: &str = "@all";
/// The refex of a rule without one.
pub(super) const EVERY_REF: &str = "refs/.*";
/// Roles that users of a repository give each other, which gitolite-admin does not know.
const ROLES: [&str; 3] = ["CREATOR", "READERS", "WRITERS"];
/// Options that change what rules mean.
const CREATE_IS_C: &str = "CREATE_IS_C";
const DELETE_IS_D: &str = "DELETE_IS_D";
const MERGE_CHECK: &str = "MERGE_CHECK";
const DENY_RULES: &str = "deny-rules";

/// What a rule permits, by gitolite's letters.
#[expect(clippy::struct_excessive_bools, reason = "each is a letter or an option of gitolite")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Letters {
    pub(super) is_deny: bool,
    pub(super) reads: bool,
    pub(super) writes: bool,
    pub(super) rewinds: bool,
    pub(super) creates: bool,
    pub(super) deletes: bool,
    pub(super) merges: bool,
}

/// The users of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Users {
    pub(super) names: BTreeSet<Rc<str>>,
    /// Those that are not named by a group alone.
    pub(super) alone: BTreeSet<Rc<str>>,
    /// The groups of which the others are.
    pub(super) groups: BTreeSet<Rc<str>>,
    /// Users who belong to them if gitolite makes groups of the directories in `keydir`.
    pub(super) perhaps: BTreeSet<Rc<str>>,
    /// `@all`.
    pub(super) all: bool,
    /// Roles and unknown groups: any user may be among them.
    pub(super) unknown: Vec<Rc<str>>,
}

/// One rule. Its refexes are complete.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) place: Place,
    /// As written.
    pub(super) text: Rc<str>,
    pub(super) letters: Letters,
    pub(super) refexes: Vec<String>,
    pub(super) users: Rc<Users>,
}

/// A rule or an option of some repositories.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Rule(Rc<Rule>),
    Option(Rc<str>, bool),
    /// What a repository is about.
    Description(Rc<str>),
}

/// The content of all files.
#[derive(Debug, Default)]
pub(super) struct Statements {
    /// The members of each group, with nested groups expanded.
    pub(super) groups: BTreeMap<Rc<str>, BTreeSet<Rc<str>>>,
    /// By repository, pattern or group, in their order, with their number in it.
    pub(super) entries: BTreeMap<Rc<str>, Vec<(usize, Entry)>>,
    pub(super) unread: Vec<Unread>,
    /// Lines that gitolite ignores.
    pub(super) ignored: Vec<Unread>,
    /// The number of settings of web pages and of git.
    pub(super) settings: usize,
}

/// The lines as statements. `enabled` as in [`Source`].
pub(super) fn read(source: &Source, lines: &[Line]) -> Statements {
    let mut reader = Reader { source, found: Statements::default(), masters: BTreeMap::new(), pending: Vec::new() };
    if source.has("keysubdirs-as-groups", false) {
        for (directory, users) in &source.directories {
            let group = format!("@{directory}");
            let place = Place { file: format!("keydir/{directory}").into(), line: 0 };
            reader.add_group(&place, MASTER, &group, users.iter().map(String::as_str));
        }
    }
    let mut repositories: Rc<[Rc<str>]> = Rc::new([]);
    let mut subconf = MASTER.to_owned();
    let mut seen = BTreeSet::new();
    let mut number = 0;
    for line in lines {
        number += 1;
        let (place, text) = (&line.place, line.text.as_str());
        if let Some((group, members)) = text
            .split_once(" = ")
            .filter(|(group, _)| group.starts_with('@') && !group.contains(' ') && group.len() > 1)
        {
            reader.add_group(place, &subconf, group, members.split(' '));
        } else if let Some(names) = text.strip_prefix("repo ") {
            seen.clear();
            repositories = reader.repositories(place, &subconf, names);
        } else if let Some((permission, refexes, users)) = rule_of(text) {
            reader.add_rule(line, (permission, refexes, users), &repositories, &mut number, &mut seen);
        } else if let Some(description) = description_of(text) {
            reader.add_entry(&repositories, number, &Entry::Description(description.into()));
        } else if let Some(option) = option_of(text) {
            if let Some((name, value)) = option {
                reader.add_option(&repositories, number, name, value);
            } else {
                reader.found.settings += 1;
            }
        } else if let Some(name) = text.strip_prefix("subconf ").filter(|name| !name.contains(' ')) {
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
                reader.fail(place, format!("{name:?} is not the name of a subconf"));
            }
            name.clone_into(&mut subconf);
        } else if let Some((name, description)) = old_description_of(text) {
            reader.add_entry(&[name.into()], number, &Entry::Description(description.into()));
        } else {
            let ignored = Unread { place: place.clone(), why: format!("gitolite ignores the line: {text}") };
            if source.enabled.is_some() {
                reader.found.ignored.push(ignored);
            } else {
                reader.found.unread.push(ignored);
            }
        }
    }
    reader.finish()
}

/// A rule whose users are known only after the last group.
struct Pending {
    number: usize,
    repositories: Rc<[Rc<str>]>,
    rule: Rule,
    words: Vec<Rc<str>>,
}

struct Reader<'a> {
    source: &'a Source,
    found: Statements,
    /// The members that each group got outside subconfs.
    masters: BTreeMap<Rc<str>, BTreeSet<Rc<str>>>,
    pending: Vec<Pending>,
}

impl Reader<'_> {
    fn fail(&mut self, place: &Place, why: String) {
        self.found.unread.push(Unread { place: place.clone(), why });
    }

    fn add_group<'b>(&mut self, place: &Place, subconf: &str, group: &str, members: impl Iterator<Item = &'b str>) {
        if !is_name(group) {
            return self.fail(place, format!("gitolite does not accept the name {group}"));
        }
        // A nested group has the members that it has now, not those that it gets later.
        let mut added: BTreeSet<Rc<str>> = BTreeSet::new();
        for member in members.filter(|member| !member.is_empty()) {
            if !is_pattern(member) {
                self.fail(place, format!("gitolite does not accept {member} in a group"));
            } else if !member.starts_with('@') || member == ALL {
                added.insert(member.into());
            } else if let Some(members) = self.found.groups.get(member) {
                added.extend(members.iter().cloned());
            } else {
                self.fail(place, format!("there is no group {member} yet"));
            }
        }
        let group: Rc<str> = group.into();
        let members = self.found.groups.entry(Rc::clone(&group)).or_default();
        let new: Vec<Rc<str>> = added.into_iter().filter(|member| members.insert(Rc::clone(member))).collect();
        if subconf == MASTER {
            self.masters.entry(group).or_default().extend(new);
        }
    }

    /// The repositories of a `repo` line for which a subconf may have rules.
    fn repositories(&mut self, place: &Place, subconf: &str, names: &str) -> Rc<[Rc<str>]> {
        let mut open: Vec<Rc<str>> = names.split(' ').map(Rc::from).collect();
        open.reverse();
        let mut all: Vec<Rc<str>> = Vec::new();
        while let Some(name) = open.pop() {
            if !self.may_speak_of(subconf, &name, place) {
                match self.found.groups.get(&name) {
                    Some(members) => open.extend(members.iter().rev().cloned()),
                    None => self.found.ignored.push(Unread {
                        place: place.clone(),
                        why: format!("the subconf {subconf} may not speak of {name}"),
                    }),
                }
                continue;
            }
            let name: Rc<str> = name.strip_suffix(".git").map_or(Rc::clone(&name), Rc::from);
            if is_pattern(&name) {
                all.push(name);
            } else {
                self.fail(place, format!("gitolite does not accept the repository {name}"));
            }
        }
        all.into()
    }

    fn may_speak_of(&mut self, subconf: &str, name: &str, place: &Place) -> bool {
        if subconf == MASTER || name == subconf || name.strip_prefix('@') == Some(subconf) {
            return true;
        }
        let members = self.masters.get(format!("@{subconf}").as_str()).cloned().unwrap_or_default();
        members.iter().any(|member| {
            &**member == name
                || regex::parse(member).map_or_else(
                    || {
                        self.fail(place, format!("the pattern {member} is not understood"));
                        false
                    },
                    |pattern| regex::matches(&pattern, name),
                )
        })
    }

    fn add_rule(
        &mut self,
        line: &Line,
        (permission, refexes, users): (&str, &str, &str),
        repositories: &Rc<[Rc<str>]>,
        number: &mut usize,
        seen: &mut BTreeSet<&'static str>,
    ) {
        let Line { place, text } = line;
        let Some(letters) = letters(permission) else { return };
        // gitolite writes ` NAME/` as ` VREF/NAME/`, except in rules for reading.
        let is_sugared = permission != "R" && permission != "C" && !refexes.is_empty();
        let mut whole = Vec::new();
        for word in refexes.split(' ').filter(|word| !word.is_empty()) {
            let word = if is_sugared && word.starts_with("NAME/") { format!("VREF/{word}") } else { word.to_owned() };
            if word.starts_with('@') && word != ALL {
                match self.found.groups.get(word.as_str()) {
                    Some(members) => whole.extend(members.iter().map(|member| member.to_string())),
                    None => self.fail(place, format!("there is no group {word} yet")),
                }
            } else {
                whole.push(word);
            }
        }
        if whole.is_empty() {
            whole.push(EVERY_REF.to_owned());
        }
        for refex in &mut whole {
            if !refex.starts_with("refs/") && !refex.starts_with("VREF/") {
                *refex = format!("refs/heads/{refex}");
            }
        }
        let is_role = |word: &str| {
            ROLES.contains(&word)
                || self.source.enabled.iter().flatten().any(|enabled| enabled.strip_prefix("role:") == Some(word))
        };
        let words: Vec<Rc<str>> =
            users.split(' ').map(|word| if is_role(word) { format!("@{word}").into() } else { word.into() }).collect();
        if let Some(word) = words.iter().find(|word| !is_user(word)) {
            return self.fail(place, format!("gitolite does not accept the user {word}"));
        }
        if let Some(refex) = whole.iter().find(|refex| !is_pattern(refex)) {
            return self.fail(place, format!("gitolite does not accept the refex {refex}"));
        }
        for (has, option) in [
            (letters.deletes, DELETE_IS_D),
            (letters.creates && letters.writes, CREATE_IS_C),
            (letters.merges, MERGE_CHECK),
        ] {
            if has && seen.insert(option) {
                *number += 1;
                self.add_option(repositories, *number, option, true);
            }
        }
        *number += 1;
        let rule =
            Rule { place: place.clone(), text: text.as_str().into(), letters, refexes: whole, users: Rc::default() };
        self.pending.push(Pending { number: *number, repositories: Rc::clone(repositories), rule, words });
    }

    fn add_option(&mut self, repositories: &[Rc<str>], number: usize, name: &str, value: bool) {
        self.add_entry(repositories, number, &Entry::Option(name.into(), value));
    }

    fn add_entry(&mut self, repositories: &[Rc<str>], number: usize, entry: &Entry) {
        for repository in repositories {
            let entries = self.found.entries.entry(Rc::clone(repository)).or_default();
            entries.push((number, entry.clone()));
        }
    }

    fn finish(mut self) -> Statements {
        for Pending { number, repositories, mut rule, words } in std::mem::take(&mut self.pending) {
            rule.users = Rc::new(self.users(&words));
            let rule = Rc::new(rule);
            for repository in repositories.iter() {
                let entries = self.found.entries.entry(Rc::clone(repository)).or_default();
                entries.push((number, Entry::Rule(Rc::clone(&rule))));
            }
        }
        for entries in self.found.entries.values_mut() {
            entries.sort_by_key(|(number, _)| *number);
        }
        self.found
    }

    /// The users that words stand for. A group in a rule has the members that it has at the end, unlike a group in a
    /// group.
    fn users(&self, words: &[Rc<str>]) -> Users {
        let mut users = Users::default();
        let knows_directories = self.source.enabled.is_some();
        for word in words {
            let Some(group) = word.strip_prefix('@') else {
                users.names.insert(Rc::clone(word));
                users.alone.insert(Rc::clone(word));
                continue;
            };
            let directory = self.source.directories.get(group).filter(|_| !knows_directories);
            users.perhaps.extend(directory.into_iter().flatten().map(|user| Rc::from(user.as_str())));
            match self.found.groups.get(word) {
                _ if &**word == ALL => users.all = true,
                // `@all` in a group means no user.
                Some(members) => {
                    users.names.extend(members.iter().filter(|member| !member.starts_with('@')).cloned());
                    users.groups.insert(Rc::clone(word));
                }
                None if ROLES.contains(&group)
                    || !knows_directories
                    || self.source.has(&format!("role:{group}"), false) =>
                {
                    users.unknown.push(Rc::clone(word));
                }
                None => {}
            }
        }
        users
    }
}

/// gitolite's letters: `-`, `C`, `R`, `RW` or `RW+`, and behind these `C`, `D` and `M`.
fn letters(permission: &str) -> Option<Letters> {
    let none = Letters {
        is_deny: false,
        reads: false,
        writes: false,
        rewinds: false,
        creates: false,
        deletes: false,
        merges: false,
    };
    match permission {
        "-" => return Some(Letters { is_deny: true, ..none }),
        "C" => return Some(Letters { creates: true, ..none }),
        "R" => return Some(Letters { reads: true, ..none }),
        _ => {}
    }
    let rest = permission.strip_prefix("RW")?;
    let rewinds = rest.starts_with('+');
    let rest = rest.strip_prefix('+').unwrap_or(rest);
    let (rest, merges) = rest.strip_suffix('M').map_or((rest, false), |rest| (rest, true));
    let (creates, deletes) = match rest {
        "" => (false, false),
        "C" => (true, false),
        "D" => (false, true),
        "CD" | "DC" => (true, true),
        _ => return None,
    };
    Some(Letters { is_deny: false, reads: true, writes: true, rewinds, creates, deletes, merges })
}

/// Permission, refexes and users of a rule.
fn rule_of(text: &str) -> Option<(&str, &str, &str)> {
    let (permission, rest) = text.split_once(' ')?;
    letters(permission)?;
    // The users follow the last `=`.
    let at = if let Some(at) = rest.rfind(" = ") { at + 1 } else { rest.starts_with("= ").then_some(0)? };
    let (refexes, users) = rest.split_at_checked(at)?;
    let users = users.strip_prefix("= ").filter(|users| !users.is_empty())?;
    Some((permission, refexes.trim(), users))
}

/// The description of the repositories that a line speaks of; empty if the line removes it.
fn description_of(text: &str) -> Option<&str> {
    let value = text.strip_prefix("desc = ").or_else(|| text.strip_prefix("config gitweb.description ="));
    value.map(|value| unquoted(value.trim_start()))
}

/// A repository and its description as the second version of gitolite had them: `x = "text"`, or `x "owner" = "text"`.
fn old_description_of(text: &str) -> Option<(&str, &str)> {
    let (name, description) = text.split_once(" = ").filter(|(_, value)| value.starts_with('"'))?;
    let name = name.split_once(" \"").map_or(name, |(name, _)| name);
    (is_name(name) && !name.starts_with('@')).then(|| (name, unquoted(description)))
}

/// A value without the quotes around it, as gitolite takes them off.
fn unquoted(value: &str) -> &str {
    let quotes = ['"', '\''];
    value.strip_prefix(quotes).and_then(|inner| inner.strip_suffix(quotes)).unwrap_or(value)
}

/// The option of a line that is no rule and no group: inside, `None` for settings that say nothing about access.
#[expect(clippy::option_option, reason = "a line that is not an option, and an option without meaning here")]
fn option_of(text: &str) -> Option<Option<(&'static str, bool)>> {
    let (before, value) = text.split_once(" = ").or_else(|| text.strip_suffix(" =").map(|before| (before, "")))?;
    if value.is_empty() && !before.starts_with("config ") {
        return None;
    }
    let name = match before.split_once(' ') {
        Some(("option", name)) if !name.contains(' ') => name,
        Some(("config", name)) => name.strip_prefix("gitolite-options.").unwrap_or_default(),
        None if matches!(before, "desc" | "owner" | "category") => "",
        _ => return None,
    };
    let is_on = !matches!(value.trim_matches(['"', '\'']), "" | "0");
    Some(
        [CREATE_IS_C, DELETE_IS_D, MERGE_CHECK, DENY_RULES]
            .into_iter()
            .find(|option| *option == name)
            .map(|option| (option, is_on)),
    )
}

/// What options make of the rules of one repository.
#[expect(clippy::struct_excessive_bools, reason = "each is a letter or an option of gitolite")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Options {
    pub(super) create_is_c: bool,
    pub(super) delete_is_d: bool,
    pub(super) merge_check: bool,
    pub(super) deny_rules: bool,
}

impl Options {
    pub(super) fn set(&mut self, name: &str, value: bool) {
        match name {
            CREATE_IS_C => self.create_is_c = value,
            DELETE_IS_D => self.delete_is_d = value,
            MERGE_CHECK => self.merge_check = value,
            DENY_RULES => self.deny_rules = value,
            _ => {}
        }
    }
}

/// Whether a word names one repository or group, and is not a pattern (gitolite's `REPONAME_PATT`).
pub(super) fn is_name(word: &str) -> bool {
    is_word(word, |c| c.is_ascii_alphanumeric(), "-._@/+")
}

/// Whether gitolite accepts a word as a pattern (`REPOPATT_PATT`).
fn is_pattern(word: &str) -> bool {
    is_word(word, |c| c.is_ascii_alphanumeric() || c == '[', "-._@/+\\^$|()[]*?{},")
}

/// Whether gitolite accepts a word as a user or group (`USERNAME_PATT`).
fn is_user(word: &str) -> bool {
    is_word(word, |c| c.is_ascii_alphanumeric(), "-._@+")
}

fn is_word(word: &str, is_first: impl Fn(char) -> bool, others: &str) -> bool {
    let word = word.strip_prefix('@').unwrap_or(word);
    word.starts_with(is_first) && word.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

/// Whether a refex concerns refs, not files or other things.
pub(super) fn is_of_refs(refex: &str) -> bool {
    !refex.starts_with("VREF/")
}
