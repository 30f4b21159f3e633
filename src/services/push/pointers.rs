//! The LFS pointers of a push whose objects are not here.
//!
//! The check reads the objects in quarantine, which are those of the push, and not history. Only if an object is
//! missing, it asks git where the pointer is.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use crate::child::{self, Limits, Terminal};
use crate::git::objects::{next_blob, small_blob};
use crate::lfs::{LocalStore, Oid, Options, Pointer, Store};
use crate::name::Shown;
use crate::push::PushContext;

/// The most pointers whose commit and path the client reads.
const SHOWN: usize = 5;
/// The most pointers without an object that are examined.
const EXAMINED: usize = 100_000;

/// What one git of this check may take. The blobs of a push are read one by one.
const GIT: Limits = Limits { time: Duration::from_secs(3_600), output: u64::MAX, terminal: Terminal::Closed };

/// What the search for the places of pointers may take. Without an answer, the client reads the objects alone.
const SEARCH: Limits = Limits { time: Duration::from_secs(30), output: 256 << 20, terminal: Terminal::Closed };
/// The most bytes of an id and a path that are shown.
const BEGINNING: u64 = 4_096;

/// Why the pointers of a push cannot be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot run git or read its output: {0}")]
    Git(io::Error),
    #[error("git cannot list the objects of the push")]
    Objects,
    #[error("cannot read the LFS objects: {0}")]
    Store(io::Error),
}

/// A pointer whose object is not here, and its blob.
struct Missing {
    blob: String,
    pointer: Pointer,
}

/// A place of such a pointer.
struct Placed {
    commit: String,
    path: String,
    oid: Oid,
}

/// What a search for the places of pointers found.
#[derive(Default)]
struct Search {
    placed: Vec<Placed>,
    /// Pointers that the search did not reach within its limits.
    unplaced: Vec<Pointer>,
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { commit, path, oid } = self;
        // A tag may lead to a tree or a blob without a commit.
        if !commit.is_empty() {
            write!(f, "commit {commit}: ")?;
        }
        write!(f, "{} is an LFS pointer, but its object {oid} is not here", Shown(path))
    }
}

/// The reasons to refuse a push with these new ids of refs, as the client reads them.
///
/// A pointer that the repository already has is not a reason: its object may have been lost long ago, and the client
/// may not have it.
pub(super) fn problems(context: &PushContext, tips: &[&str]) -> Result<Vec<String>, Error> {
    // git sets this variable for a hook while it keeps new objects in quarantine (git-receive-pack(1)).
    if std::env::var_os("GIT_QUARANTINE_PATH").is_none() {
        return Ok(Vec::new());
    }
    let missing = new_ones(context, of_quarantine(context)?)?;
    let Search { placed, unplaced } =
        if missing.is_empty() { Search::default() } else { places(context, tips, &missing)? };
    let unplaced = unplaced.iter().map(|Pointer { oid, size }| {
        format!("the object {oid} of {size} bytes is not here, and this push has an LFS pointer to it")
    });
    let mut problems: Vec<String> = placed.iter().map(ToString::to_string).chain(unplaced).collect();
    if !problems.is_empty() {
        let more = missing.len() - problems.len();
        problems.extend((more > 0).then(|| format!("the objects of {more} more LFS pointers are not here")));
        problems.push("upload the objects, then push again: git lfs push --all origin".to_owned());
    }
    Ok(problems)
}

/// The pointers in quarantine whose objects are not stored with their size.
fn of_quarantine(context: &PushContext) -> Result<Vec<Missing>, Error> {
    let repository = File::open(".").map_err(Error::Store)?;
    let mut store = LocalStore::open(repository.as_fd(), Options::default()).map_err(Error::Store)?;
    // Without alternates, git sees the quarantine alone.
    let quarantined = |words: &[&str]| {
        let mut command = Command::new(&context.git);
        command.arg("cat-file").args(words).env_remove("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        command
    };
    let format = "--batch-check=%(objectname) %(objecttype) %(objectsize)";
    let mut list = quarantined(&["--batch-all-objects", "--unordered", format]);
    let mut missing = Vec::new();
    let ended = child::ask(
        &mut list,
        GIT,
        |_| Ok(()),
        |sizes| {
            let mut candidates = sizes
                .lines()
                .filter_map(|line| line.map(|line| small_blob(&line, &Pointer::SIZES).map(str::to_owned)).transpose());
            let Some(first) = candidates.next() else { return Ok(()) };
            // One git's list is the next one's input.
            let ids = |ids: &mut dyn Write| {
                std::iter::once(first).chain(candidates).try_for_each(|id| writeln!(ids, "{}", id?))
            };
            answers(quarantined(&["--batch", "--buffer"]), ids, |output| {
                while let Some((blob, text)) = next_blob(output, Pointer::SIZES.end).map_err(Error::Git)? {
                    let Some(pointer) = Pointer::parse(&text) else { continue };
                    let is_here = store.size(&pointer.oid).map_err(Error::Store)? == Some(pointer.size);
                    if !is_here && missing.len() < EXAMINED {
                        missing.push(Missing { blob, pointer });
                    }
                }
                Ok(())
            })
        },
    );
    let ended = ended.map_err(Error::Git)?;
    ended.read?;
    if ended.status.success() { Ok(missing) } else { Err(Error::Objects) }
}

/// The pointers that the repository did not have before this push.
fn new_ones(context: &PushContext, mut missing: Vec<Missing>) -> Result<Vec<Missing>, Error> {
    if missing.is_empty() {
        return Ok(missing);
    }
    let mut command = Command::new(&context.git);
    command.args(["cat-file", "--buffer", "--batch-check=%(objectname)"]);
    // Without these, git sees the repository without the quarantine.
    for variable in ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"] {
        command.env_remove(variable);
    }
    let blobs: Vec<String> = missing.iter().map(|missing| missing.blob.clone()).collect();
    let mut lines = Vec::new();
    let ids = |ids: &mut dyn Write| blobs.iter().try_for_each(|blob| writeln!(ids, "{blob}"));
    answers(command, ids, |output| {
        lines = output.lines().collect::<io::Result<_>>().map_err(Error::Git)?;
        Ok(())
    })?;
    // A line per object, in order: the id, and ` missing` after it if there is no such object.
    let mut lines = lines.iter();
    missing.retain(|_| lines.next().is_some_and(|line: &String| line.ends_with(" missing")));
    Ok(missing)
}

/// Where the pointers are that these tips lead to, from the oldest commit on.
///
/// git visits each object once, as in its own check of the push before this hook. A comparison of commits would visit
/// a tree as often as it occurs.
fn places(context: &PushContext, tips: &[&str], missing: &[Missing]) -> Result<Search, Error> {
    let mut command = Command::new(&context.git);
    command.args(["rev-list", "--objects", "--in-commit-order", "--reverse", "--topo-order"]);
    command.args(["--stdin", "--not", "--all"]);
    let tips = |input: &mut dyn Write| tips.iter().try_for_each(|tip| writeln!(input, "{tip}"));
    let mut left: HashMap<&str, &Missing> = missing.iter().map(|missing| (missing.blob.as_str(), missing)).collect();
    let mut placed = Vec::new();
    let ended = child::ask(&mut command, SEARCH, tips, |output| {
        let (mut commit, mut line) = (String::new(), Vec::new());
        while next_beginning(output, &mut line)? {
            let line = String::from_utf8_lossy(&line);
            // `COMMIT`, or `OBJECT PATH`.
            let Some((object, path)) = line.split_once(' ') else {
                commit = line.into_owned();
                continue;
            };
            if let Some(Missing { pointer, .. }) = left.remove(object).filter(|_| placed.len() < SHOWN) {
                placed.push(Placed { commit: commit.clone(), path: path.to_owned(), oid: pointer.oid });
            }
        }
        io::Result::Ok(())
    });
    let is_whole = match ended {
        Ok(ended) => ended.status.success() && ended.read.is_ok(),
        Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::FileTooLarge) => false,
        Err(error) => return Err(Error::Git(error)),
    };
    let unplaced = missing.iter().filter(|missing| !is_whole && left.contains_key(missing.blob.as_str()));
    let unplaced = unplaced.take(SHOWN - placed.len()).map(|missing| missing.pointer).collect();
    Ok(Search { placed, unplaced })
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

/// Runs git with this input, and reads its output.
fn answers(
    mut command: Command,
    input: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
    read: impl FnOnce(&mut (dyn BufRead + Send)) -> Result<(), Error>,
) -> Result<(), Error> {
    let ended = child::ask(&mut command, GIT, input, read).map_err(Error::Git)?;
    if ended.status.success() { ended.read } else { Err(Error::Objects) }
}
