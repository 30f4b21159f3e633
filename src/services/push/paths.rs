//! The checks of paths and of locks: which files the new commits of a push change.
//!
//! A commit is compared with its parent. A merge changes a file if the result is not the one that git itself makes of
//! the same parents, or if no parent has it. So a merge that takes each file from a parent, as git would, changes
//! nothing, and one that drops the work of others changes their files. git's own result is not enough: it carries a
//! change over to another path if it takes the file there for a renamed one, and the person who merges chooses the
//! parents. A commit is new if no ref leads to it, apart from refs of proposals.
//!
//! Rules by ref instead compare what a ref had before the push with what it has behind it, whichever commits are new. A
//! new ref adds all of its files, and a removed ref removes them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::commits::{Error, NEW_COMMITS};
use super::updates::Update;
use crate::access::rule::{GranteeRow, PathRules};
use crate::child::{self, ANY_LENGTH, Limits, Terminal};
use crate::content::ContentCheck;
use crate::lfs::{FileLocks, Filter, Holder, Locks};
use crate::name::Shown;
use crate::push::PushContext;
use crate::word::counted;

/// The most changes that the client reads.
const SHOWN: usize = 5;
/// The most bytes of a path that are compared. A longer path begins with the same directories, and Linux opens none
/// (`path_resolution(7)`).
const PATH_MAX: u64 = 4_096;
/// Begins a line about a commit. git writes no such line between the two parts of a change.
const COMMIT: u8 = 1;
/// What one git of this check may take.
const GIT: Limits = Limits { time: Duration::from_secs(900), output: ANY_LENGTH, terminal: Terminal::Closed };

/// The tree without files, of repositories with SHA-1 and with SHA-256.
const EMPTY: [&str; 2] =
    ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"];

/// What the session may not change.
struct Denied<'a> {
    /// None if the check of paths is off.
    rules: Option<&'a PathRules<GranteeRow>>,
    who: &'a str,
    /// The files that others have locked, with the names of these others. Empty if the check of locks is off.
    locked: HashMap<String, String>,
}

/// What the checks have found: the changes that are denied.
struct Seen<'a> {
    denied: Denied<'a>,
    /// Whether a rule denies one of them, and whether a lock does.
    by_rule: bool,
    by_lock: bool,
    /// What is compared: a commit, or a ref.
    commit: String,
    /// Whether one of the commits is a merge.
    has_merges: bool,
    /// Merges of three and more commits, which git does not make by itself.
    octopuses: Vec<String>,
    lines: Vec<String>,
    count: usize,
}

/// Whether one of the checks is on.
pub(super) fn is_on(context: &PushContext) -> bool {
    context.checks.paths().is_some() || context.checks.is_on(ContentCheck::LfsLocks)
}

/// The reasons to refuse a push with these updates of refs, as the client reads them. `tips` are their new ids.
pub(super) fn problems(context: &PushContext, updates: &[&Update], tips: &[&str]) -> Result<Vec<String>, Error> {
    let (by_ref, by_commit) = match context.checks.paths() {
        Some(rules) if rules.by_ref => (Some(rules), None),
        rules => (None, rules),
    };
    if by_ref.is_some() {
        let mut seen = Seen::new(context, by_ref, HashMap::new());
        seen.compare(&context.git, updates)?;
        if seen.count > 0 {
            return Ok(seen.lines());
        }
    }
    let locked = locked(context)?;
    if by_commit.is_none() && locked.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = Seen::new(context, by_commit, locked);
    let log = |of_merges: &[&str]| {
        let mut log = Command::new(&context.git);
        log.args(["log", "--stdin", "--format=%x01%H %P", "--no-show-signature", "--no-notes", "--no-decorate"]);
        log.arg("--no-color").args(of_merges).args(AS_CHANGES).args(NEW_COMMITS);
        log
    };
    seen.read(&mut log(&["--diff-merges=remerge"]), tips)?;
    if seen.count == 0 && seen.has_merges {
        // What differs from every parent. A change that is in both lists counts once.
        seen.octopuses.clear();
        seen.read(&mut log(&["--merges", "--diff-merges=combined"]), tips)?;
    }
    let octopuses = std::mem::take(&mut seen.octopuses);
    if !octopuses.is_empty() {
        let mut tree = Command::new(&context.git);
        tree.args(["diff-tree", "--stdin", "-m", "--root", "--format=%x01%H"]).args(AS_CHANGES);
        seen.read(&mut tree, &octopuses.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    Ok(seen.lines())
}

/// The files that others than the session have locked, if the check of locks is on. git runs the hook in the
/// repository's directory (githooks(5)).
fn locked(context: &PushContext) -> Result<HashMap<String, String>, Error> {
    if !context.checks.is_on(ContentCheck::LfsLocks) {
        return Ok(HashMap::new());
    }
    let holder = Holder { id: context.lock_holder, name: context.who.clone() };
    let locks = File::open(".").and_then(|repository| FileLocks::new(repository.as_fd(), holder));
    let locks = locks.map_err(Into::into).and_then(|mut locks| locks.list(&Filter::default(), 0, usize::MAX));
    let others = locks.map_err(Error::Locks)?.into_iter().filter(|lock| !lock.ours);
    Ok(others.map(|lock| (lock.path.to_string(), lock.owner)).collect())
}

/// How git prints changes: two parts for each, with a null byte behind both. The first begins with a colon.
const AS_CHANGES: [&str; 6] = ["-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--ignore-submodules=none"];

/// The trees of some objects. One that has none, such as a tag of a file, counts as empty.
fn trees(git: &Path, ids: &[&str]) -> Result<Vec<String>, Error> {
    let mut command = Command::new(git);
    command.args(["cat-file", "--batch-check=%(objectname)"]);
    let input = |input: &mut dyn Write| ids.iter().try_for_each(|id| writeln!(input, "{id}^{{tree}}"));
    let ended = child::ask(&mut command, GIT, input, |output| output.lines().collect::<io::Result<Vec<String>>>());
    let ended = ended.map_err(Error::Git)?;
    let found = ended.read.map_err(Error::Git)?;
    if !ended.status.success() || found.len() != ids.len() {
        return Err(Error::Commits);
    }
    let tree = |(line, id): (String, &&str)| {
        let is_tree = line.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_tree { line } else { empty(id).to_owned() }
    };
    Ok(found.into_iter().zip(ids).map(tree).collect())
}

/// The empty tree of a repository whose ids are as long as this one.
fn empty(id: &str) -> &'static str {
    let [sha1, sha256] = EMPTY;
    if id.len() == sha1.len() { sha1 } else { sha256 }
}

impl<'a> Seen<'a> {
    fn new(
        context: &'a PushContext,
        rules: Option<&'a PathRules<GranteeRow>>,
        locked: HashMap<String, String>,
    ) -> Self {
        Self {
            denied: Denied { rules, who: &context.who, locked },
            by_rule: false,
            by_lock: false,
            commit: String::new(),
            has_merges: false,
            octopuses: Vec::new(),
            lines: Vec::new(),
            count: 0,
        }
    }

    /// Compares what each ref had with what it gets.
    fn compare(&mut self, git: &Path, updates: &[&Update]) -> Result<(), Error> {
        let ids: Vec<&str> = updates.iter().flat_map(|update| [update.old.as_str(), update.new.as_str()]).collect();
        let trees = trees(git, &ids)?;
        let pairs: Vec<&[String]> = trees.chunks(2).collect();
        let mut names = updates.iter().map(|update| String::from_utf8_lossy(&update.name).into_owned());
        let mut diff = Command::new(git);
        diff.args(["diff-tree", "--stdin"]).args(AS_CHANGES);
        let input = |input: &mut dyn Write| pairs.iter().try_for_each(|pair| writeln!(input, "{}", pair.join(" ")));
        let ended = child::ask(&mut diff, GIT, input, |output| {
            let (mut part, mut is_path) = (Vec::new(), false);
            while next_part(output, &mut part)? {
                if is_path {
                    self.changed(&part);
                    is_path = false;
                    continue;
                }
                // A line with both trees is before the changes of each pair, also if there are none.
                for line in part.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                    is_path = line.starts_with(b":");
                    if !is_path {
                        self.commit = names.next().unwrap_or_default();
                    }
                }
            }
            io::Result::Ok(())
        });
        let ended = ended.map_err(Error::Git)?;
        ended.read.map_err(Error::Git)?;
        if ended.status.success() { Ok(()) } else { Err(Error::Commits) }
    }

    /// Reads the changes of these commits, or of all new ones that lead to them.
    fn read(&mut self, command: &mut Command, commits: &[&str]) -> Result<(), Error> {
        let input = |input: &mut dyn Write| commits.iter().try_for_each(|id| writeln!(input, "{id}"));
        let ended = child::ask(command, GIT, input, |output| {
            let (mut part, mut is_path) = (Vec::new(), false);
            while next_part(output, &mut part)? {
                // Behind the line of a commit is a line break.
                let begin = part.iter().position(|byte| *byte != b'\n').unwrap_or(part.len());
                match (is_path, part.get(begin)) {
                    (true, _) => self.changed(&part),
                    (false, Some(b':')) => {}
                    (false, _) => self.commit(&part),
                }
                is_path = !is_path && part.get(begin) == Some(&b':');
            }
            io::Result::Ok(())
        });
        let ended = ended.map_err(Error::Git)?;
        ended.read.map_err(Error::Git)?;
        if ended.status.success() { Ok(()) } else { Err(Error::Commits) }
    }

    /// Reads the line that git prints for each commit: its id and those of its parents. A warning of git may be before
    /// it.
    fn commit(&mut self, part: &[u8]) {
        let Some(begin) = part.iter().rposition(|byte| *byte == COMMIT) else { return };
        let line = String::from_utf8_lossy(part.get(begin + 1..).unwrap_or_default());
        let mut ids = line.split_whitespace();
        ids.next().unwrap_or_default().clone_into(&mut self.commit);
        let parents = ids.count();
        self.has_merges |= parents > 1;
        if parents > 2 {
            self.octopuses.push(self.commit.clone());
        }
    }

    fn changed(&mut self, path: &[u8]) {
        let Denied { rules, who, locked } = &self.denied;
        let shown = || Shown(&String::from_utf8_lossy(path)).to_string();
        let reason = if rules.is_some() && path.len() as u64 == PATH_MAX {
            self.by_rule = true;
            format!("a path has more than {} bytes", PATH_MAX - 1)
        } else if let Some(pattern) = rules.and_then(|rules| rules.denies(path)) {
            self.by_rule = true;
            format!("{who} may not change {} (deny {pattern})", shown())
        } else if let Some(holder) = std::str::from_utf8(path).ok().and_then(|path| locked.get(path)) {
            self.by_lock = true;
            format!("{} is locked by {}", shown(), Shown(holder))
        } else {
            return;
        };
        self.count += 1;
        if self.lines.len() < SHOWN {
            let at = if rules.is_some_and(|rules| rules.by_ref) { "" } else { "commit " };
            self.lines.push(format!("{at}{}: {reason}", Shown(&self.commit)));
        }
    }

    fn lines(mut self) -> Vec<String> {
        let left = self.count - self.lines.len();
        if left > 0 {
            self.lines.push(counted(
                left,
                "more change of this push is refused",
                "more changes of this push are refused",
            ));
        }
        if self.by_lock {
            self.lines.push("ask who has locked a file to unlock it: git lfs unlock PATH".to_owned());
        }
        if self.by_rule {
            let remedy = if self.denied.rules.is_some_and(|rules| rules.by_ref) {
                "leave these files as the ref has them, or ask the administrators of the repository"
            } else {
                "take these changes out of the commits of this push: git rebase -i @{upstream}"
            };
            self.lines.push(remedy.to_owned());
        }
        self.lines
    }
}

/// Reads the next part, up to a null byte. Returns whether there is one.
fn next_part(output: &mut dyn BufRead, part: &mut Vec<u8>) -> io::Result<bool> {
    part.clear();
    #[expect(clippy::disallowed_methods, reason = "the end of a long path is not needed")]
    if (&mut *output).take(PATH_MAX).read_until(0, part)? == 0 {
        return Ok(false);
    }
    if part.ends_with(b"\0") {
        part.pop();
    } else {
        output.skip_until(0)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_too_long_to_compare_is_denied_where_rules_are() {
        let rules = "deny **/*.pem @everyone".parse().unwrap();
        let sentences = |rules, length: usize| {
            let locked = HashMap::from([("a".to_owned(), "alice".to_owned())]);
            let mut seen = Seen {
                denied: Denied { rules, who: "bob", locked },
                by_rule: false,
                by_lock: false,
                commit: "c0ffee".to_owned(),
                has_merges: false,
                octopuses: Vec::new(),
                lines: Vec::new(),
                count: 0,
            };
            let (mut part, path) = (Vec::new(), [vec![b'a'; length], b"\0next\0".to_vec()].concat());
            let mut output = path.as_slice();
            assert!(next_part(&mut output, &mut part).unwrap());
            seen.changed(&part);
            // What follows a long path is read as before.
            assert!(next_part(&mut output, &mut part).unwrap() && part == b"next");
            seen.lines()
        };
        let long = "commit c0ffee: a path has more than 4095 bytes";
        for length in [4_096, 70_000] {
            assert_eq!(sentences(Some(&rules), length).first().map(String::as_str), Some(long), "{length}");
            assert_eq!(sentences(None, length), [""; 0], "{length}");
        }
        assert_eq!(sentences(Some(&rules), 4_095), [""; 0]);
        let locked =
            ["commit c0ffee: a is locked by alice", "ask who has locked a file to unlock it: git lfs unlock PATH"];
        assert_eq!(sentences(None, 1), locked);
    }
}
