//! How many bytes each repository stores, in one file that all sessions share.
//!
//! A session with a quota reserves bytes before it stores them, and settles the reservation afterwards. Only processes
//! outside the sandbox use the file. It has a record per repository, at an offset that its row gives.
//!
//! A record is a copy of what the directory says, and never the only truth. It is valid for one directory during one
//! boot, because a power failure can lose writes. While a session has a reservation, it holds a lock, which the kernel
//! releases when the session ends in any way. A reservation without its session makes the next session measure the
//! directory. So a crash leaves no wrong number behind.
//!
//! Locks are taken in the order owner, repository, records. The locks of owners keep two sessions from finding the same
//! free bytes. No lock waits for a client.

mod measure;
mod record;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

use crate::quota::{Full, InUse, Quotas};
use crate::repository::Directory;

pub use record::{Count, Part};
use record::{LENGTH, Record};

/// The file with the kernel's id of this boot (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// The most records, so that their offsets are smaller than those of the locks.
const RECORDS_MAX: i64 = 1 << 40;
/// How long `recount` waits until no session has a reservation.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
const RETRY: Duration = Duration::from_millis(20);

/// Why bytes cannot be counted. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened, read, written or locked.
    #[error("cannot count what repositories store: {0}: {1}")]
    File(PathBuf, io::Error),
    /// A directory of a repository cannot be read.
    #[error("cannot measure {0}: {1}")]
    Measure(PathBuf, io::Error),
    /// Never seen: the row of the repository has no record.
    #[error("cannot count what repositories store: there is no record for the row {0}")]
    Row(i64),
}

/// A repository whose bytes are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Its row.
    pub id: i64,
    /// Its directory.
    pub directory: Directory,
}

/// What a session wants to store more, and the quotas that apply.
#[derive(Debug, Clone)]
pub struct Demand {
    /// The repository.
    pub repository: Counted,
    /// The row of its owner.
    pub owner: i64,
    /// All repositories of the owner, if the owner has a quota.
    pub siblings: Vec<Counted>,
    /// The quotas.
    pub quotas: Quotas,
}

/// The counts of all repositories.
#[derive(Debug)]
pub struct Usage {
    file: PathBuf,
    root: PathBuf,
    boot: u128,
}

/// A lock on one thing, in the file.
#[derive(Debug, Clone, Copy)]
enum Subject {
    /// The records. Held only to read or write one.
    Records,
    /// The owner of that row: one session at a time compares the owner's bytes with quotas.
    Owner(i64),
    /// The repository of that row: sessions with reservations share it, and measuring needs it alone.
    Repository(i64),
}

impl Subject {
    fn offset(self) -> i64 {
        match self {
            Self::Records => 0,
            Self::Owner(row) => (1 << 61) + row,
            Self::Repository(row) => (1 << 62) + row,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Mode {
    Shared,
    Alone,
}

impl Usage {
    /// The counts in `file` of the repositories beneath `root`.
    ///
    /// # Errors
    /// [`Error::File`], if the kernel does not tell which boot this is.
    pub fn new(file: &Path, root: &Path) -> Result<Self, Error> {
        let failed = |error| Error::File(BOOT_ID.into(), error);
        let text = std::fs::read_to_string(BOOT_ID).map_err(failed)?.replace('-', "");
        let boot = u128::from_str_radix(text.trim(), 16);
        let boot = boot.map_err(|_| failed(io::ErrorKind::InvalidData.into()))?;
        Ok(Self { file: file.to_owned(), root: root.to_owned(), boot })
    }

    /// Whether the quotas have room for so many bytes.
    ///
    /// # Errors
    /// [`Error`].
    pub fn check(&self, demand: &Demand, bytes: u64) -> Result<Result<(), Full>, Error> {
        let file = self.open()?;
        self.lock(&file, Subject::Owner(demand.owner), Mode::Alone)?;
        Ok(demand.quotas.check(self.in_use(&file, demand)?, bytes))
    }

    /// Reserves bytes for a session, if the quotas have room.
    ///
    /// # Errors
    /// [`Error`].
    pub fn reserve(&self, demand: &Demand, part: Part, bytes: u64) -> Result<Result<Reservation, Full>, Error> {
        let owner = self.open()?;
        self.lock(&owner, Subject::Owner(demand.owner), Mode::Alone)?;
        if let Err(full) = demand.quotas.check(self.in_use(&owner, demand)?, bytes) {
            return Ok(Err(full));
        }
        let file = self.open()?;
        self.lock(&file, Subject::Repository(demand.repository.id), Mode::Shared)?;
        let place = Place { id: demand.repository.id, tag: self.tag(&demand.repository) };
        self.change(&file, place, |record| record.reserve(part, bytes))?;
        Ok(Ok(Reservation { file, path: self.file.clone(), place, part, bytes }))
    }

    /// The bytes that a repository stores.
    ///
    /// # Errors
    /// [`Error`].
    pub fn count(&self, counted: &Counted) -> Result<Count, Error> {
        Ok(self.record(&self.open()?, counted)?.count())
    }

    /// What is known of the bytes of repositories, without measuring any: the last count of each in this boot, and
    /// whether it is up to date.
    ///
    /// # Errors
    /// [`Error`].
    pub fn last_counts(&self, repositories: &[Counted]) -> Result<Vec<Option<(Count, bool)>>, Error> {
        let file = match options().open(&self.file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![None; repositories.len()]),
            opened => opened.map_err(|error| self.failed(error))?,
        };
        self.lock(&file, Subject::Records, Mode::Shared)?;
        let counts = repositories.iter().map(|counted| {
            offset(counted.id).map_err(|_| Error::Row(counted.id))?;
            let record = read(&file, counted.id).map_err(|error| self.failed(error))?;
            let is_valid = record.tag == self.tag(counted);
            Ok(is_valid.then(|| (record.count(), record.is_settled())))
        });
        let counts = counts.collect();
        self.unlock(&file, Subject::Records)?;
        counts
    }

    /// Measures a repository again. Returns what the next session would have counted, if the repository was counted,
    /// and what is stored. `None` if sessions store objects now; the next session measures the repository then.
    ///
    /// The next session measures what is reserved without a session, or stale. So no count of that kind is wrong.
    ///
    /// # Errors
    /// [`Error`].
    pub fn recount(&self, counted: &Counted) -> Result<Option<(Option<Count>, Count)>, Error> {
        let file = self.open()?;
        let begin = Instant::now();
        while !self.try_lock(&file, Subject::Repository(counted.id), Mode::Alone)? {
            if begin.elapsed() >= LONGEST_WAIT {
                forget(&self.file, counted.id)?;
                return Ok(None);
            }
            std::thread::sleep(RETRY);
        }
        let before = self.known(&file, counted)?;
        let after = self.measure(&file, counted, None)?.count();
        let before = before.map(|record| Count {
            git: record.settled(Part::Git).unwrap_or(after.git),
            lfs: record.settled(Part::Lfs).unwrap_or(after.lfs),
        });
        Ok(Some((before, after)))
    }

    fn in_use(&self, file: &File, demand: &Demand) -> Result<InUse, Error> {
        let mut in_use = InUse { repository: self.record(file, &demand.repository)?.in_use().sum(), owner: 0 };
        for counted in &demand.siblings {
            in_use.owner = in_use.owner.saturating_add(self.record(file, counted)?.in_use().sum());
        }
        Ok(in_use)
    }

    /// The record of a repository. Measures the repository if the record is not valid, or if the session of a
    /// reservation has ended without settling it.
    fn record(&self, file: &File, counted: &Counted) -> Result<Record, Error> {
        let record = self.known(file, counted)?;
        if let Some(record) = record.filter(Record::is_settled) {
            return Ok(record);
        }
        // Its own open file, because the locks of one open file do not exclude each other.
        let alone = self.open()?;
        if self.try_lock(&alone, Subject::Repository(counted.id), Mode::Alone)? {
            return match self.known(&alone, counted)? {
                // Another session has just settled or measured.
                Some(record) if record.is_settled() => Ok(record),
                record => self.measure(&alone, counted, record),
            };
        }
        // The reservations are those of living sessions.
        if let Some(record) = record {
            return Ok(record);
        }
        // Another session measures, and may have reserved bytes before this walk ends.
        let measured = self.walk(file, counted, None)?;
        self.enter(file, counted, &measured, Over::Nothing)
    }

    /// The record of a repository, if it is valid.
    fn known(&self, file: &File, counted: &Counted) -> Result<Option<Record>, Error> {
        Ok(Some(self.read(file, counted.id)?).filter(|record| record.tag == self.tag(counted)))
    }

    /// Measures a repository and writes its record. No session may have a reservation. A part without reservations is
    /// not measured if its count is known.
    fn measure(&self, file: &File, counted: &Counted, known: Option<Record>) -> Result<Record, Error> {
        let measured = self.walk(file, counted, known)?;
        self.enter(file, counted, &measured, Over::Anything)
    }

    fn walk(&self, file: &File, counted: &Counted, known: Option<Record>) -> Result<Measured, Error> {
        // Read first: a change during the walk makes the result out of date.
        let at = self.read(file, counted.id)?.uncounted;
        let directory = self.root.join(counted.directory.relative());
        let measured = |part| match known.and_then(|record| record.settled(part)) {
            Some(bytes) => Ok(bytes),
            None => measure::stored(&directory, part).map_err(|error| Error::Measure(directory.clone(), error)),
        };
        Ok(Measured { at, count: Count { git: measured(Part::Git)?, lfs: measured(Part::Lfs)? } })
    }

    /// Writes the record of a measured repository, or leaves a valid one as it is.
    fn enter(&self, file: &File, counted: &Counted, measured: &Measured, over: Over) -> Result<Record, Error> {
        let tag = self.tag(counted);
        self.lock(file, Subject::Records, Mode::Alone)?;
        let entered = read(file, counted.id).and_then(|present| {
            if over == Over::Nothing && present.tag == tag {
                return Ok(present);
            }
            let record = Record::of(tag, measured.count, measured.at, present.uncounted);
            file.write_all_at(&record.to_bytes(), offset(counted.id)?).map(|()| record)
        });
        self.unlock(file, Subject::Records)?;
        entered.map_err(|error| self.failed(error))
    }

    /// Valid for this directory and this boot only. Two repositories never have the same directory.
    fn tag(&self, counted: &Counted) -> u128 {
        self.boot ^ u128::from_str_radix(counted.directory.id(), 16).unwrap_or_default()
    }

    fn open(&self) -> Result<File, Error> {
        options().create(true).truncate(false).mode(0o600).open(&self.file).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::File(self.file.clone(), error)
    }

    fn read(&self, file: &File, row: i64) -> Result<Record, Error> {
        offset(row).map_err(|_| Error::Row(row))?;
        self.lock(file, Subject::Records, Mode::Shared)?;
        let record = read(file, row).map_err(|error| self.failed(error));
        self.unlock(file, Subject::Records)?;
        record
    }

    /// Changes a record that is valid for this place.
    fn change(&self, file: &File, place: Place, change: impl FnOnce(&mut Record)) -> Result<(), Error> {
        change_record(file, place, change).map_err(|error| self.failed(error))
    }

    fn lock(&self, file: &File, subject: Subject, mode: Mode) -> Result<(), Error> {
        lock(file, subject, mode).map_err(|error| self.failed(error))
    }

    fn try_lock(&self, file: &File, subject: Subject, mode: Mode) -> Result<bool, Error> {
        match set_lock(file, subject, mode.kind(), Wait::No) {
            Ok(()) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(errno) => Err(self.failed(errno.into())),
        }
    }

    fn unlock(&self, file: &File, subject: Subject) -> Result<(), Error> {
        unlock(file, subject).map_err(|error| self.failed(error))
    }
}

/// Notes that the bytes of the repository of that row have changed uncounted, so that the next session with a quota
/// measures them. Costs one system call if no session has ever counted.
///
/// A session that measures before the change does not see the bytes, so a call must follow the change.
///
/// # Errors
/// [`Error`].
pub fn forget(file: &Path, row: i64) -> Result<(), Error> {
    let failed = |error| Error::File(file.to_owned(), error);
    let counts = match options().open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(failed)?,
    };
    let offset = offset(row).map_err(|_| Error::Row(row))?;
    // Closing the file releases the lock.
    lock(&counts, Subject::Records, Mode::Alone).map_err(failed)?;
    let mut record = read(&counts, row).map_err(failed)?;
    record.uncounted = record.uncounted.wrapping_add(1);
    counts.write_all_at(&record.to_bytes(), offset).map_err(failed)
}

fn options() -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    options
}

/// What a walk through a repository found.
struct Measured {
    count: Count,
    /// How many uncounted changes there were before.
    at: u64,
}

/// Which valid record a measured one replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// None: it may have reservations.
    Nothing,
    /// Any: no session has a reservation.
    Anything,
}

/// The place of a record, and the tag that makes it valid.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: i64,
    tag: u128,
}

/// Bytes that a session is about to store.
///
/// If it is dropped, the next session measures the repository.
#[derive(Debug)]
pub struct Reservation {
    /// Has the lock that shows that the session is alive.
    file: File,
    path: PathBuf,
    place: Place,
    part: Part,
    bytes: u64,
}

impl Reservation {
    /// Replaces the reservation by what was stored, of which `replaced` bytes were stored before.
    ///
    /// # Errors
    /// [`Error`]. The next session measures the repository.
    pub fn settle(self, stored: u64, replaced: u64) -> Result<(), Error> {
        let settle = |record: &mut Record| record.settle(self.part, self.bytes, stored, replaced);
        change_record(&self.file, self.place, settle).map_err(|error| Error::File(self.path.clone(), error))
    }
}

/// Changes a record, if it is valid for this place.
fn change_record(file: &File, place: Place, change: impl FnOnce(&mut Record)) -> io::Result<()> {
    lock(file, Subject::Records, Mode::Alone)?;
    let changed = read(file, place.id).and_then(|mut record| {
        if record.tag != place.tag {
            return Ok(());
        }
        change(&mut record);
        file.write_all_at(&record.to_bytes(), offset(place.id)?)
    });
    unlock(file, Subject::Records)?;
    changed
}

fn read(file: &File, row: i64) -> io::Result<Record> {
    let mut bytes = [0; LENGTH];
    match file.read_exact_at(&mut bytes, offset(row)?) {
        Ok(()) => Ok(Record::from_bytes(&bytes)),
        // The end of the file: the record was never written.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Record::from_bytes(&[0; LENGTH])),
        Err(error) => Err(error),
    }
}

fn offset(row: i64) -> io::Result<u64> {
    let row = u64::try_from(row).ok().filter(|_| row < RECORDS_MAX);
    row.map(|row| row * LENGTH as u64).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

impl Mode {
    fn kind(self) -> libc::c_int {
        match self {
            Self::Shared => libc::F_RDLCK,
            Self::Alone => libc::F_WRLCK,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Wait {
    Yes,
    No,
}

fn lock(file: &File, subject: Subject, mode: Mode) -> io::Result<()> {
    loop {
        match set_lock(file, subject, mode.kind(), Wait::Yes) {
            Err(Errno::EINTR) => {}
            done => return done.map_err(io::Error::from),
        }
    }
}

fn unlock(file: &File, subject: Subject) -> io::Result<()> {
    set_lock(file, subject, libc::F_UNLCK, Wait::No).map_err(io::Error::from)
}

/// Sets a lock of the open file (fcntl(2), open file description locks).
fn set_lock(file: &File, subject: Subject, kind: libc::c_int, wait: Wait) -> Result<(), Errno> {
    let short = |constant: libc::c_int| i16::try_from(constant).map_err(|_| Errno::EINVAL);
    let lock = libc::flock {
        l_type: short(kind)?,
        l_whence: short(libc::SEEK_SET)?,
        l_start: subject.offset(),
        l_len: 1,
        l_pid: 0,
    };
    let argument = match wait {
        Wait::Yes => FcntlArg::F_OFD_SETLKW(&lock),
        Wait::No => FcntlArg::F_OFD_SETLK(&lock),
    };
    fcntl(file, argument).map(drop)
}

#[cfg(test)]
mod tests;
