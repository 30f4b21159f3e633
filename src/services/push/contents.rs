//! Checks of the content of a push: large blobs, LFS pointers without objects, directories, and who wrote the commits.
//!
//! They read the objects in quarantine, which are those of the push, and not history. Only if an object has a fault,
//! they ask git where it is.

mod faults;
mod search;

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::Duration;

use crate::child::{self, Limits, Terminal};
use crate::content::{CheckValues, ContentCheck, Patterns};
use crate::git::objects::{Kind, Listed, next_object};
use crate::lfs::{LocalStore, Options, Pointer, Store};
use crate::push::PushContext;

pub(super) use faults::Error;
use faults::{Fault, Found};

/// The most faults that are looked for in the repository.
const EXAMINED: usize = 100_000;
/// The bytes of a blob that say whether it is text (xdiff-interface.c, `buffer_is_binary`).
const BEGINNING: u64 = 8_000;
/// The fewest bytes of an entry of a directory: `100644 x`, a null byte, and an id of SHA-1; of a directory, one fewer.
const SHORTEST_ENTRY: u64 = 28;
/// The most bytes of a directory or a commit that are read. git itself refuses no larger one.
const WHOLE: u64 = 64 << 20;

/// What one git of this check may take. The objects of a push are read one by one.
const GIT: Limits = Limits { time: Duration::from_secs(3_600), output: u64::MAX, terminal: Terminal::Closed };

/// The reasons to refuse a push with these new ids of refs, as the client reads them.
///
/// An object that the repository already has is not a reason: the LFS object of a pointer may have been lost long ago,
/// and the client may not have it.
pub(super) fn problems(context: &PushContext, tips: &[&str]) -> Result<Vec<String>, Error> {
    // git sets this variable for a hook while it keeps new objects in quarantine (git-receive-pack(1)).
    if std::env::var_os("GIT_QUARANTINE_PATH").is_none() {
        return Ok(Vec::new());
    }
    let found = new_ones(context, of_quarantine(context)?)?;
    if found.is_empty() { Ok(Vec::new()) } else { search::problems(context, tips, &found) }
}

/// The objects in quarantine that have a fault.
fn of_quarantine(context: &PushContext) -> Result<Vec<Found>, Error> {
    let repository = File::open(".").map_err(Error::Store)?;
    let checks = &context.checks;
    let mut store = None;
    if context.stores_objects && checks.is_on(ContentCheck::LfsMissing) {
        store = Some(LocalStore::open(repository.as_fd(), Options::default()).map_err(Error::Store)?);
    }
    let has_store = store.is_some();
    // Without alternates, git sees the quarantine alone.
    let quarantined = |words: &[&str]| {
        let mut command = Command::new(&context.git);
        command.arg("cat-file").args(words).env_remove("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        command
    };
    let format = "--batch-check=%(objectname) %(objecttype) %(objectsize)";
    let mut list = quarantined(&["--batch-all-objects", "--unordered", format]);
    let (mut large, mut read) = (Vec::new(), Vec::new());
    let ended = child::ask(
        &mut list,
        GIT,
        |_| Ok(()),
        |lines| {
            let mut candidates = lines.lines().filter_map(|line| {
                let candidate = |line: String| {
                    let object = Listed::parse(&line)?;
                    match judge(checks, has_store, object) {
                        Judgement::Good => None,
                        Judgement::Read => Some(object.id.to_owned()),
                        Judgement::Bad(fault) => {
                            add(&mut large, object.id, fault);
                            None
                        }
                    }
                };
                line.map(candidate).transpose()
            });
            let Some(first) = candidates.next() else { return Ok(()) };
            // One git's list is the next one's input.
            let ids = |ids: &mut dyn Write| {
                std::iter::once(first).chain(candidates).try_for_each(|id| writeln!(ids, "{}", id?))
            };
            answers(quarantined(&["--batch", "--buffer"]), ids, |output| {
                while next_object(
                    output,
                    |object| Some(most(object)),
                    |object, bytes| {
                        if let Some(fault) = examine(checks, store.as_mut(), object, &bytes)? {
                            add(&mut read, object.id, fault);
                        }
                        Ok::<(), Error>(())
                    },
                )? {}
                Ok(())
            })
        },
    );
    let ended = ended.map_err(Error::Git)?;
    ended.read?;
    if !ended.status.success() {
        return Err(Error::Objects);
    }
    large.extend(read);
    Ok(large)
}

fn add(found: &mut Vec<Found>, object: &str, fault: Fault) {
    if found.len() < EXAMINED {
        found.push(Found { object: object.to_owned(), fault });
    }
}

/// What the type and the size of an object say.
enum Judgement {
    Good,
    Bad(Fault),
    /// Its bytes decide.
    Read,
}

fn judge(checks: &CheckValues, has_store: bool, object: Listed<'_>) -> Judgement {
    let bytes_decide = match object.kind {
        Kind::Blob => match checks.limit(ContentCheck::BlobSize) {
            Some(most) if object.size > most => return Judgement::Bad(Fault::Large(object.size, most)),
            Some(_) | None => checks.is_on(ContentCheck::Binary) || has_store && Pointer::SIZES.contains(&object.size),
        },
        Kind::Tree => {
            // A smaller directory has no room for so many entries.
            let is_long = |most: u64| object.size / SHORTEST_ENTRY > most;
            let may_be_long = checks.limit(ContentCheck::DirectoryEntries).is_some_and(is_long);
            checks.is_on(ContentCheck::CaseCollision) || may_be_long
        }
        Kind::Commit => checks.is_on(ContentCheck::Author),
        Kind::Tag => false,
    };
    if bytes_decide { Judgement::Read } else { Judgement::Good }
}

/// How many bytes of an object are read.
fn most(object: Listed<'_>) -> u64 {
    match object.kind {
        Kind::Blob => BEGINNING,
        Kind::Tree | Kind::Commit | Kind::Tag => WHOLE,
    }
}

/// What the bytes of an object say.
fn examine(
    checks: &CheckValues,
    store: Option<&mut LocalStore>,
    object: Listed<'_>,
    bytes: &[u8],
) -> Result<Option<Fault>, Error> {
    Ok(match object.kind {
        Kind::Blob => {
            if let (Some(store), Some(pointer)) = (store, Pointer::parse(bytes)) {
                let is_here = store.size(&pointer.oid).map_err(Error::Store)? == Some(pointer.size);
                return Ok((!is_here).then_some(Fault::Missing(pointer)));
            }
            (checks.is_on(ContentCheck::Binary) && faults::is_binary(bytes)).then_some(Fault::Binary)
        }
        Kind::Tree => {
            let names = || faults::entries(bytes, object.id.len() / 2);
            let count = names().count() as u64;
            let limit = checks.limit(ContentCheck::DirectoryEntries).filter(|most| count > *most);
            let collides = || faults::collision(names()).map(|(one, two)| Fault::Collision(one, two));
            match limit {
                Some(most) => Some(Fault::Entries(count, most)),
                None if checks.is_on(ContentCheck::CaseCollision) => collides(),
                None => None,
            }
        }
        Kind::Commit => {
            let fault = |accepted: &Patterns| {
                faults::refused_address(bytes, accepted).map(|email| Fault::Author(email, accepted.to_string()))
            };
            checks.authors().and_then(fault)
        }
        Kind::Tag => None,
    })
}

/// The objects that the repository did not have before this push.
fn new_ones(context: &PushContext, mut found: Vec<Found>) -> Result<Vec<Found>, Error> {
    if found.is_empty() {
        return Ok(found);
    }
    let mut command = Command::new(&context.git);
    command.args(["cat-file", "--buffer", "--batch-check=%(objectname)"]);
    // Without these, git sees the repository without the quarantine.
    for variable in ["GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"] {
        command.env_remove(variable);
    }
    let objects: Vec<String> = found.iter().map(|found| found.object.clone()).collect();
    let mut lines = Vec::new();
    let ids = |ids: &mut dyn Write| objects.iter().try_for_each(|object| writeln!(ids, "{object}"));
    answers(command, ids, |output| {
        lines = output.lines().collect::<io::Result<_>>().map_err(Error::Git)?;
        Ok(())
    })?;
    // A line per object, in order: the id, and ` missing` after it if there is no such object.
    let mut lines = lines.iter();
    found.retain(|_| lines.next().is_some_and(|line: &String| line.ends_with(" missing")));
    Ok(found)
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
