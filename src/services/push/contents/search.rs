//! Where the objects with faults are in the pushed commits, and the lines that the client reads.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, BufRead, Read, Write};
use std::process::Command;
use std::time::Duration;

use super::faults::{Error, Fault, Found, Remedy};
use crate::child::{self, Limits, Terminal};
use crate::push::PushContext;

/// The most faults whose commit and path the client reads.
const SHOWN: usize = 5;
/// The most bytes of an id and a path that are shown.
const BEGINNING: u64 = 4_096;

/// What the search may take. Without an answer, the client reads the objects alone.
const SEARCH: Limits = Limits { time: Duration::from_secs(30), output: 256 << 20, terminal: Terminal::Closed };

/// A place of a fault.
struct Placed<'a> {
    commit: String,
    path: String,
    found: &'a Found,
}

impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A tag may lead to a tree or a blob without a commit.
        if !self.commit.is_empty() {
            write!(f, "commit {}: ", self.commit)?;
        }
        f.write_str(&self.found.fault.at(&self.path))
    }
}

/// The lines about these faults: where each is, how many more there are, and what to do about them.
///
/// An object with a fault also gets a line if no tip leads to it. The push would store it, and a later push could then
/// name it without a check.
pub(super) fn problems(context: &PushContext, tips: &[&str], found: &[Found]) -> Result<Vec<String>, Error> {
    let (commits, others): (Vec<&Found>, Vec<&Found>) =
        found.iter().partition(|found| matches!(found.fault, Fault::Author(..)));
    let placed = if others.is_empty() { Vec::new() } else { places(context, tips, &others)? };
    let is_placed = |found: &Found| placed.iter().any(|placed| placed.found.object == found.object);
    let others = others.into_iter().filter(|found| !is_placed(found));
    let more: Vec<&Found> = commits.into_iter().chain(others).take(SHOWN - placed.len()).collect();
    let shown: Vec<&Fault> =
        placed.iter().map(|placed| placed.found).chain(more.iter().copied()).map(|found| &found.fault).collect();
    let mut problems: Vec<String> = placed.iter().map(Placed::to_string).collect();
    problems.extend(more.iter().map(|found| found.fault.somewhere(&found.object)));
    let left = found.len() - shown.len();
    if left > 0 {
        let what = if shown.iter().all(|fault| fault.remedy() == Remedy::Upload) {
            format!("the objects of {left} more LFS pointers are not here")
        } else {
            format!("{left} more objects of this push are refused")
        };
        problems.push(what);
    }
    for remedy in Remedy::ALL.into_iter().filter(|remedy| shown.iter().any(|fault| fault.remedy() == *remedy)) {
        let of_remedy = placed.iter().filter(|placed| placed.found.fault.remedy() == remedy);
        problems.push(remedy.line(&of_remedy.map(|placed| placed.path.as_str()).collect::<Vec<_>>()));
    }
    Ok(problems)
}

/// Where the first of the objects are that these tips lead to, from the oldest commit on. An object that the search
/// does not reach within its limits has no place.
///
/// git visits each object once, as in its own check of the push before this hook. A comparison of commits would visit
/// a tree as often as it occurs.
fn places<'a>(context: &PushContext, tips: &[&str], found: &[&'a Found]) -> Result<Vec<Placed<'a>>, Error> {
    let mut command = Command::new(&context.git);
    command.args(["rev-list", "--objects", "--in-commit-order", "--reverse", "--topo-order"]);
    command.args(["--stdin", "--not", "--all"]);
    let tips = |input: &mut dyn Write| tips.iter().try_for_each(|tip| writeln!(input, "{tip}"));
    let mut left: HashMap<&str, &'a Found> = found.iter().map(|found| (found.object.as_str(), *found)).collect();
    let mut placed = Vec::new();
    let ended = child::ask(&mut command, SEARCH, tips, |output| {
        let (mut commit, mut line) = (String::new(), Vec::new());
        while next_beginning(output, &mut line)? {
            let line = String::from_utf8_lossy(&line);
            // `COMMIT`, or `OBJECT PATH`. The path of the uppermost directory is empty.
            let Some((object, path)) = line.split_once(' ') else {
                commit = line.into_owned();
                continue;
            };
            if let Some(found) = left.remove(object).filter(|_| placed.len() < SHOWN) {
                placed.push(Placed { commit: commit.clone(), path: path.to_owned(), found });
            }
        }
        io::Result::Ok(())
    });
    match ended {
        Ok(_) => Ok(placed),
        Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::FileTooLarge) => Ok(placed),
        Err(error) => Err(Error::Git(error)),
    }
}

/// Reads the beginning of the next line, without its newline. Returns whether there is a line.
fn next_beginning(output: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    #[expect(clippy::disallowed_methods, reason = "the end of a long path is not needed")]
    if (&mut *output).take(BEGINNING).read_until(b'\n', line)? == 0 {
        return Ok(false);
    }
    if line.ends_with(b"\n") {
        line.pop();
    } else {
        output.skip_until(b'\n')?;
    }
    Ok(true)
}
