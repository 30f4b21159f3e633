//! Checks of the content of a push: large blobs, LFS pointers without objects, directories, and who wrote the commits.
//!
//! They read the objects in quarantine, which are those of the push, and not history. Only if an object has a fault,
//! they ask git where it is.

mod faults;
mod search;

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::readers::GIT;
use crate::child;
use crate::content::{CheckValues, ContentCheck, Patterns};
use crate::git::objects::Kind;
use crate::git::pack::{Object, Pack};
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
/// How long the objects of a push may be read.
const READING: Duration = Duration::from_secs(3_600);

/// Whether one of these checks is on.
pub(super) fn is_on(context: &PushContext) -> bool {
    use ContentCheck::{Author, Binary, BlobSize, CaseCollision, DirectoryEntries, LfsMissing};
    let checks = [BlobSize, LfsMissing, DirectoryEntries, CaseCollision, Binary, Author];
    checks.into_iter().any(|check| context.checks.is_on(check))
}

/// The reasons to refuse a push with these new ids of refs, as the client reads them. Its objects are in `quarantine`.
///
/// An object that the repository already has is not a reason: the LFS object of a pointer may have been lost long ago,
/// and the client may not have it.
pub(super) fn problems(context: &PushContext, quarantine: &Path, tips: &[&str]) -> Result<Vec<String>, Error> {
    let found = new_ones(context, of_quarantine(context, quarantine)?)?;
    if found.is_empty() { Ok(Vec::new()) } else { search::problems(context, tips, &found) }
}

/// The objects in quarantine that have a fault.
fn of_quarantine(context: &PushContext, quarantine: &Path) -> Result<Vec<Found>, Error> {
    let checks = &context.checks;
    let has_store = context.stores_objects && checks.is_on(ContentCheck::LfsMissing);
    let Some(pack) = Pack::only_in(quarantine)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let judged = (0..).zip(pack.objects()).map(|(number, object)| match judge(checks, has_store, object) {
        Judgement::Good => 0,
        Judgement::Read => most(object),
        Judgement::Bad(fault) => {
            add(&mut found, &pack, number, fault);
            0
        }
    });
    let wanted: Vec<u64> = judged.collect();
    let reader = || {
        let repository = File::open(".").map_err(Error::Store)?;
        let store = has_store.then(|| LocalStore::open(repository.as_fd(), Options::default()));
        Ok::<_, Error>((store.transpose().map_err(Error::Store)?, Vec::new()))
    };
    let read = pack.read(&wanted, Instant::now() + READING, reader, |(store, faults), number, object, bytes| {
        let fault = examine(checks, store.as_mut(), object, pack.id_length(), bytes)?;
        faults.extend(fault.filter(|_| faults.len() < EXAMINED).map(|fault| (number, fault)));
        Ok::<(), Error>(())
    })?;
    let mut read: Vec<(usize, Fault)> = read.into_iter().flat_map(|(_, faults)| faults).collect();
    // In the order of the pack.
    read.sort_unstable_by_key(|(number, _)| *number);
    for (number, fault) in read {
        add(&mut found, &pack, number, fault);
    }
    Ok(found)
}

fn add(found: &mut Vec<Found>, pack: &Pack, number: usize, fault: Fault) {
    if found.len() < EXAMINED {
        found.push(Found { object: pack.id(number), fault });
    }
}

/// What the type and the size of an object say.
enum Judgement {
    Good,
    Bad(Fault),
    /// Its bytes decide.
    Read,
}

fn judge(checks: &CheckValues, has_store: bool, object: Object) -> Judgement {
    let bytes_decide = match object.kind {
        Kind::Blob => match checks.limit(ContentCheck::BlobSize) {
            Some(most) if object.size > most => return Judgement::Bad(Fault::Large(object.size, most)),
            Some(_) | None => checks.is_on(ContentCheck::Binary) || has_store && Pointer::SIZES.contains(&object.size),
        },
        Kind::Tree => {
            let may_be_long = |most| may_have_more(object, most);
            checks.is_on(ContentCheck::CaseCollision)
                || checks.limit(ContentCheck::DirectoryEntries).is_some_and(may_be_long)
        }
        Kind::Commit => checks.is_on(ContentCheck::Author),
        Kind::Tag => false,
    };
    if bytes_decide { Judgement::Read } else { Judgement::Good }
}

/// Whether a directory has room for more entries.
fn may_have_more(directory: Object, entries: u64) -> bool {
    directory.size / SHORTEST_ENTRY > entries
}

/// How many bytes of an object are read.
fn most(object: Object) -> u64 {
    match object.kind {
        Kind::Blob => BEGINNING,
        Kind::Tree | Kind::Commit | Kind::Tag => WHOLE,
    }
}

/// What the bytes of an object say.
fn examine(
    checks: &CheckValues,
    store: Option<&mut LocalStore>,
    object: Object,
    id_length: usize,
    bytes: &[u8],
) -> Result<Option<Fault>, Error> {
    Ok(match object.kind {
        Kind::Blob => {
            let is_short = Pointer::SIZES.contains(&object.size);
            let pointer = if is_short { Pointer::parse(bytes) } else { None };
            if let (Some(store), Some(pointer)) = (store, pointer) {
                let is_here = store.size(&pointer.oid).map_err(Error::Store)? == Some(pointer.size);
                return Ok((!is_here).then_some(Fault::Missing(pointer)));
            }
            (checks.is_on(ContentCheck::Binary) && faults::is_binary(bytes)).then_some(Fault::Binary)
        }
        Kind::Tree => {
            let names = || faults::entries(bytes, id_length);
            let limit = checks.limit(ContentCheck::DirectoryEntries).filter(|most| may_have_more(object, *most));
            let long = limit.and_then(|most| {
                let count = names().count() as u64;
                (count > most).then_some(Fault::Entries(count, most))
            });
            match long {
                None if checks.is_on(ContentCheck::CaseCollision) => {
                    faults::collision(names).map(|(one, two)| Fault::Collision(one, two))
                }
                long => long,
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
