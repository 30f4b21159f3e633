//! The lines of `gitolite.conf` and of the files that it includes, as gitolite sees them: without comments, with
//! continued lines joined and macros expanded. Text enters; no I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

/// The file that gitolite reads first.
const FIRST: &str = "gitolite.conf";
/// The longest line, its most quotes, the deepest nesting of includes, and the most lines with all macros expanded.
const LINE_MAX: usize = 64 << 10;
const QUOTES_MAX: usize = 200;
const DEPTH_MAX: usize = 16;
const LINES_MAX: usize = 2_000_000;

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Relative to `conf`.
    pub(crate) file: Rc<str>,
    /// Counted from 1; 0 for what is in no file.
    pub(crate) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 { f.write_str(&self.file) } else { write!(f, "conf/{}:{}", self.file, self.line) }
    }
}

/// What cannot be read as gitolite reads it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unread {
    pub(crate) place: Place,
    pub(crate) why: String,
}

/// The files below `conf`, by name, and how gitolite is configured.
#[derive(Debug, Default, Clone)]
pub(crate) struct Source {
    /// The text of each file, or why it cannot be read.
    pub(crate) files: BTreeMap<String, Result<String, String>>,
    /// The users of each directory in `keydir`.
    pub(crate) directories: BTreeMap<String, BTreeSet<String>>,
    /// The words that gitolite's own configuration enables; `None` if it is not known.
    pub(crate) enabled: Option<BTreeSet<String>>,
}

impl Source {
    /// Whether a feature is enabled; `otherwise` if that is not known.
    pub(super) fn has(&self, feature: &str, otherwise: bool) -> bool {
        self.enabled.as_ref().map_or(otherwise, |enabled| enabled.contains(feature))
    }
}

/// A line with single blanks, and with blanks around its first `=`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) text: String,
}

/// The lines in their order, and what cannot be read.
pub(super) fn lines(source: &Source) -> (Vec<Line>, Vec<Unread>) {
    let mut reader = Reader {
        source,
        included: BTreeSet::from([FIRST.to_owned()]),
        prefixed: BTreeMap::new(),
        lines: Vec::new(),
        unread: Vec::new(),
    };
    let place = Place { file: FIRST.into(), line: 0 };
    reader.explode(FIRST, MASTER, &place, 0);
    let Reader { mut lines, mut unread, .. } = reader;
    if source.has("continuation-lines", true) {
        lines = continued(lines, source.enabled.is_some(), &mut unread);
    }
    if source.has("macros", true) {
        lines = expanded(lines, &mut unread);
    }
    (without_blocks(lines), unread)
}

/// gitolite's name for what is not in a subconf.
pub(super) const MASTER: &str = "master";

struct Reader<'a> {
    source: &'a Source,
    included: BTreeSet<String>,
    /// The full names of the groups of a subconf, by their short names.
    prefixed: BTreeMap<(String, String), String>,
    lines: Vec<Line>,
    unread: Vec<Unread>,
}

impl Reader<'_> {
    fn explode(&mut self, file: &str, subconf: &str, from: &Place, depth: usize) {
        let source = self.source;
        let text = match source.files.get(file) {
            Some(Ok(text)) => text,
            Some(Err(why)) => return self.fail(from, format!("conf/{file}: {why}")),
            None => return self.fail(from, format!("there is no file conf/{file}")),
        };
        let name: Rc<str> = file.into();
        for (index, line) in text.split('\n').enumerate() {
            let place = Place { file: Rc::clone(&name), line: index + 1 };
            if line.len() > LINE_MAX || line.matches('"').count() > QUOTES_MAX {
                self.fail(&place, "the line is too long, or has too many quotes".to_owned());
                continue;
            }
            let mut line = cleaned(line);
            if line.is_empty() {
                continue;
            }
            if line.contains("%HOSTNAME") {
                self.fail(&place, "%HOSTNAME stands for a name that is not in gitolite-admin".to_owned());
            }
            if subconf != MASTER {
                line = self.with_prefixed_groups(&line, subconf);
            }
            match line.split_once(' ') {
                Some((word @ ("include" | "subconf"), rest)) => self.include(word, rest, subconf, &place, depth),
                _ => self.lines.push(Line { place, text: line }),
            }
        }
    }

    fn fail(&mut self, place: &Place, why: String) {
        self.unread.push(Unread { place: place.clone(), why });
    }

    /// `include "GLOB"` and `subconf [NAME] "GLOB"`.
    fn include(&mut self, word: &str, rest: &str, subconf: &str, place: &Place, depth: usize) {
        let (new, quoted) = match rest.split_once(' ') {
            Some((new, quoted)) => (Some(new), quoted),
            None => (None, rest),
        };
        let is_quoted = |quote: char| quoted.len() > 2 && quoted.starts_with(quote) && quoted.ends_with(quote);
        let glob = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        if !(is_quoted('"') || is_quoted('\'')) {
            return self.fail(place, format!("{word} has no file in quotes"));
        }
        let is_subconf = word == "subconf";
        if is_subconf && subconf != MASTER {
            return self.fail(place, "a subconf cannot have a subconf".to_owned());
        }
        if depth >= DEPTH_MAX {
            return self.fail(place, "too many files include each other".to_owned());
        }
        let Some(glob) = beneath(glob) else {
            return self.fail(place, format!("{quoted} is not below conf"));
        };
        let files: Vec<String> = if glob.contains(['*', '?']) {
            self.source.files.keys().filter(|file| matches_glob(&glob, file)).cloned().collect()
        } else {
            vec![glob]
        };
        for file in files {
            let Some(base) = file.rsplit('/').next().and_then(|name| name.strip_suffix(".conf")) else {
                self.fail(place, format!("{file} does not end in .conf"));
                continue;
            };
            if !self.included.insert(file.clone()) {
                continue;
            }
            if is_subconf {
                let name = new.unwrap_or(base).to_owned();
                let line = |name: &str| Line { place: place.clone(), text: format!("subconf {name}") };
                self.lines.push(line(&name));
                self.explode(&file, &name, place, depth + 1);
                self.lines.push(line(subconf));
            } else {
                self.explode(&file, subconf, place, depth + 1);
            }
        }
    }

    /// In a subconf, `@group` is `@SUBCONF.group` from its definition on.
    fn with_prefixed_groups(&mut self, line: &str, subconf: &str) -> String {
        let own = |name: &str| (subconf.to_owned(), name.to_owned());
        let defined = line
            .split_once(" = ")
            .map(|(group, _)| group)
            .filter(|group| group.starts_with('@') && !group.contains(' '));
        let mut words: Vec<String> = line
            .split(' ')
            .map(|word| self.prefixed.get(&own(word)).cloned().unwrap_or_else(|| word.to_owned()))
            .collect();
        if let (Some(group), Some(first)) = (defined.filter(|group| group.len() > 1), words.first_mut()) {
            let whole = format!("@{subconf}.{}", group.trim_start_matches('@'));
            first.clone_from(&whole);
            self.prefixed.insert(own(group), whole);
        }
        words.join(" ")
    }
}

/// A path below `conf`, without `.` and `..`; `None` for other places and for what perl's glob would expand.
fn beneath(glob: &str) -> Option<String> {
    let mut levels: Vec<&str> = Vec::new();
    if glob.starts_with(['/', '~']) || glob.contains(['{', '}', '[', ']', '\\', ' ', '"', '\'']) {
        return None;
    }
    for level in glob.split('/') {
        match level {
            "" | "." => {}
            ".." => drop(levels.pop()?),
            level => levels.push(level),
        }
    }
    (!levels.is_empty()).then(|| levels.join("/"))
}

/// Whether a path matches a pattern of `*` and `?`, level by level. A wildcard matches no dot at the beginning.
fn matches_glob(glob: &str, file: &str) -> bool {
    let (globs, levels): (Vec<&str>, Vec<&str>) = (glob.split('/').collect(), file.split('/').collect());
    globs.len() == levels.len()
        && globs.iter().zip(levels).all(|(glob, level)| {
            (glob.starts_with('.') || !level.starts_with('.')) && matches_level(glob.as_bytes(), level.as_bytes())
        })
}

fn matches_level(glob: &[u8], level: &[u8]) -> bool {
    // The beginnings of the level that the pattern so far matches.
    let mut reached = BTreeSet::from([0]);
    for byte in glob {
        reached = match (byte, reached.first()) {
            (_, None) => return false,
            (b'*', Some(first)) => (*first..=level.len()).collect(),
            (b'?', _) => reached.iter().filter(|at| **at < level.len()).map(|at| at + 1).collect(),
            (byte, _) => reached.iter().filter(|at| level.get(**at) == Some(byte)).map(|at| at + 1).collect(),
        };
    }
    reached.contains(&level.len())
}

/// A line without its comment, with single blanks and with blanks around its first `=`.
pub(super) fn cleaned(line: &str) -> String {
    let line = comment(line).and_then(|at| line.get(..at)).unwrap_or(line);
    let line = line.replacen('=', " = ", 1);
    line.split([' ', '\t', '\r', '\n', '\u{b}', '\u{c}']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Where the comment of a line begins: at the first `#` before which each quote has its end. If a later quote would
/// otherwise have no end, a string extends to that quote.
fn comment(line: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let end_of = |begin: usize| {
        let rest = bytes.get(begin..)?;
        rest.iter().position(|byte| b"\"#".contains(byte)).map(|at| begin + at)
    };
    // Each place where a string may begin, with the places of quotes behind it that are not tried yet.
    let mut failed = BTreeSet::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut at = end_of(0)?;
    loop {
        match bytes.get(at) {
            Some(b'#') => return Some(at),
            Some(b'"') if !failed.contains(&at) => open.push((at, at + 1)),
            _ => {}
        }
        // The next quote at which the last open string can end.
        loop {
            let (begin, from) = open.last_mut().map(|open| (open.0, &mut open.1))?;
            let quote =
                bytes.get(*from..).and_then(|rest| rest.iter().position(|byte| *byte == b'"')).map(|at| *from + at);
            let Some(quote) = quote else {
                failed.insert(begin);
                open.pop();
                continue;
            };
            *from = quote + 1;
            if let Some(next) = end_of(quote + 1).filter(|next| !failed.contains(next)) {
                at = next;
                break;
            }
        }
    }
}

/// Joins lines that end in a backslash with the next one (gitolite's continuation-lines).
///
/// Without that feature, gitolite rejects a file with such a line, with few exceptions, which this module does not
/// guess.
fn continued(lines: Vec<Line>, is_known: bool, unread: &mut Vec<Unread>) -> Vec<Line> {
    let mut joined: Vec<Line> = Vec::new();
    let mut kept: Option<Line> = None;
    for line in lines {
        let (text, goes_on) = match line.text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (line.text.as_str(), false),
        };
        if goes_on && !is_known && is_read_without_joining(&line.text) {
            let why =
                "the line ends in a backslash, which gitolite joins with the next line only if continuation-lines \
                       is enabled: say so with --rc"
                    .to_owned();
            unread.push(Unread { place: line.place.clone(), why });
        }
        let whole = match kept.take() {
            Some(before) => Line { text: format!("{}{text}", before.text), ..before },
            None => Line { text: text.to_owned(), place: line.place.clone() },
        };
        if goes_on {
            kept = Some(whole);
        } else {
            joined.push(Line { text: cleaned(&whole.text), ..whole });
        }
    }
    joined.retain(|line| !line.text.is_empty());
    joined
}

/// Whether gitolite also accepts the line without the next one.
fn is_read_without_joining(line: &str) -> bool {
    let word = line.split(' ').next().unwrap_or_default();
    matches!(word, "option" | "config" | "desc" | "owner" | "category") || !line.ends_with(" \\")
}

/// Expands macros (gitolite's macros): `macro NAME …` up to `end`, with `%1` for the first word behind the name.
fn expanded(lines: Vec<Line>, unread: &mut Vec<Unread>) -> Vec<Line> {
    let mut macros: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    let mut others = Vec::new();
    let mut lines = lines.into_iter();
    while let Some(line) = lines.next() {
        let Some(rest) = line.text.strip_prefix("macro ") else {
            others.push(line);
            continue;
        };
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (name, first) = rest.split_at(length);
        let mut body = vec![Line { place: line.place.clone(), text: first.to_owned() }];
        let mut is_ended = false;
        for line in lines.by_ref() {
            is_ended = line.text == "end";
            if is_ended {
                break;
            }
            body.push(line);
        }
        if name.is_empty() || !is_ended {
            unread.push(Unread { place: line.place, why: "a macro without a name or an end".to_owned() });
        } else {
            macros.insert(name.to_owned(), body);
        }
    }
    if macros.is_empty() {
        return others;
    }
    let mut all = Vec::new();
    for line in others {
        let word = line.text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(line.text.len());
        match line.text.get(..word).and_then(|word| macros.get(word)) {
            None => all.push(line),
            Some(body) => match with_arguments(body, &line.text) {
                Ok(lines) if all.len() + lines.len() <= LINES_MAX => all.extend(lines),
                Ok(_) => unread.push(Unread { place: line.place, why: "too many lines".to_owned() }),
                Err(why) => unread.push(Unread { place: line.place, why }),
            },
        }
    }
    all
}

fn with_arguments(body: &[Line], call: &str) -> Result<Vec<Line>, String> {
    if call.contains(['"', '\'', '\\']) {
        return Err("an argument of a macro in quotes".to_owned());
    }
    let words: Vec<&str> = call.split(' ').collect();
    let name = words.first().copied().unwrap_or_default();
    let mut lines = Vec::new();
    for line in body {
        let mut parts = line.text.split('%');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let length = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            let (digits, rest) = part.split_at(length);
            if digits.is_empty() {
                text.push('%');
            } else {
                let number = digits.parse().ok().filter(|number: &usize| *number > 0);
                let argument = number.and_then(|number| words.get(number)).filter(|argument| **argument != "0");
                text.push_str(argument.ok_or_else(|| format!("the macro {name} has no argument {digits} here"))?);
            }
            text.push_str(rest);
            if text.len() > LINE_MAX {
                return Err("the line is too long".to_owned());
            }
        }
        let text = cleaned(&text);
        if !text.is_empty() {
            lines.push(Line { text, place: line.place.clone() });
        }
    }
    Ok(lines)
}

/// Drops blocks that gitolite reads for other purposes than rules.
fn without_blocks(lines: Vec<Line>) -> Vec<Line> {
    let mut is_block = false;
    let mut kept = Vec::new();
    for line in lines {
        let is_begin = matches!(line.text.as_str(), "= begin testconf" | "= begin template-data");
        let is_end = line.text == "= end";
        is_block = is_block || is_begin;
        if !is_block {
            kept.push(line);
        }
        is_block = is_block && (!is_end);
    }
    kept
}

#[cfg(test)]
mod tests;
