//! The check of paths: which files the new commits of a push change.
//!
//! A commit is compared with its parent, and a merge with the result that git itself makes of the same parents. So a
//! merge that keeps the work of others changes nothing, and a merge that drops such work changes its files. A commit is
//! new if no ref leads to it, apart from refs of proposals.
//!
//! Rules by ref instead compare what a ref had before the push with what it has behind it, whichever commits are new. A
//! new ref adds all of its files, and a removed ref removes them.

use std::io::{self, BufRead, Read, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::commits::{Error, NEW_COMMITS};
use super::updates::Update;
use crate::access::rule::{GranteeRow, PathRules};
use crate::child::{self, Limits, Terminal};
use crate::name::Shown;
use crate::push::PushContext;

/// The most changes that the client reads.
const SHOWN: usize = 5;
/// The most bytes of a path that are compared. A longer path begins with the same directories.
const PATH_MAX: u64 = 64 << 10;
/// Begins a line about a commit. git writes no such line between the two parts of a change.
const COMMIT: u8 = 1;
/// What one git of this check may take.
const GIT: Limits = Limits { time: Duration::from_secs(3_600), output: u64::MAX, terminal: Terminal::Closed };

/// The tree without files, of repositories with SHA-1 and with SHA-256.
const EMPTY: [&str; 2] =
    ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"];

/// What the check has found: the changes that rules deny.
struct Seen<'a> {
    rules: &'a PathRules<GranteeRow>,
    who: &'a str,
    /// What is compared: a commit, or a ref.
    commit: String,
    /// Merges of three and more commits, which git does not make by itself.
    octopuses: Vec<String>,
    lines: Vec<String>,
    count: usize,
}

/// The reasons to refuse a push with these updates of refs, as the client reads them. `tips` are their new ids.
pub(super) fn problems(context: &PushContext, updates: &[&Update], tips: &[&str]) -> Result<Vec<String>, Error> {
    let Some(rules) = context.checks.paths() else { return Ok(Vec::new()) };
    let mut seen =
        Seen { rules, who: &context.who, commit: String::new(), octopuses: Vec::new(), lines: Vec::new(), count: 0 };
    if rules.by_ref {
        seen.compare(&context.git, updates)?;
        return Ok(seen.lines());
    }
    let mut log = Command::new(&context.git);
    log.args(["log", "--stdin", "--diff-merges=remerge", "--format=%x01%H %P", "--no-show-signature", "--no-notes"]);
    log.args(["--no-decorate", "--no-color"]).args(AS_CHANGES).args(NEW_COMMITS);
    seen.read(&mut log, tips)?;
    let octopuses = std::mem::take(&mut seen.octopuses);
    if !octopuses.is_empty() {
        let mut tree = Command::new(&context.git);
        tree.args(["diff-tree", "--stdin", "-m", "--root", "--format=%x01%H"]).args(AS_CHANGES);
        seen.read(&mut tree, &octopuses.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    Ok(seen.lines())
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

impl Seen<'_> {
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

    /// Reads the line of a commit: its id and those of its parents. A warning of git may be before it.
    fn commit(&mut self, part: &[u8]) {
        let Some(begin) = part.iter().rposition(|byte| *byte == COMMIT) else { return };
        let line = String::from_utf8_lossy(part.get(begin + 1..).unwrap_or_default());
        let mut ids = line.split_whitespace();
        ids.next().unwrap_or_default().clone_into(&mut self.commit);
        if ids.count() > 2 {
            self.octopuses.push(self.commit.clone());
        }
    }

    fn changed(&mut self, path: &[u8]) {
        let Some(pattern) = self.rules.denies(path) else { return };
        self.count += 1;
        if self.lines.len() < SHOWN {
            let path = String::from_utf8_lossy(path);
            let (at, who) = (&self.commit, self.who);
            let at = if self.rules.by_ref { Shown(at).to_string() } else { format!("commit {at}") };
            self.lines.push(format!("{at}: {who} may not change {} (deny {pattern})", Shown(&path)));
        }
    }

    fn lines(mut self) -> Vec<String> {
        let left = self.count - self.lines.len();
        if left > 0 {
            self.lines.push(format!("{left} more changes of this push are refused"));
        }
        if self.count > 0 {
            let remedy = if self.rules.by_ref {
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
