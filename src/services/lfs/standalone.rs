//! LFS for a bare repository in a directory, with the caller's rights: no hub, no database, no configuration.

use std::error::Error;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{Uid, User};

use super::locks::FileLocks;
use super::storage::Naming;
use super::{
    Ask, Denial, Ending, Fault, Group, Interruption, Limits, LocalStore, Options, Patience, Policy, Session, Siblings,
    Stdin, serve, stdout,
};
use crate::clock::now;
use crate::message::Status;
use crate::request::Operation;

/// What the peer reads where something failed. The cause goes to standard error, which git-lfs shows with `GIT_TRACE`.
const FAULT: &str = "the server could not serve this request";

/// Serves a bare repository's LFS objects and locks on standard input and output, as `git-lfs-transfer` does.
#[must_use]
pub fn serve_directory(directory: &Path, operation: Operation) -> ExitCode {
    match stdout().map_err(Fault::from).and_then(|output| serve_on(directory, operation, output, None)) {
        Ok(status) => status.into(),
        Err(fault) => {
            say(&format!("{}: {fault}", directory.display()));
            Status::Refused.into()
        }
    }
}

pub(super) fn serve_on(
    directory: &Path,
    operation: Operation,
    output: impl Write,
    naming: Option<Naming>,
) -> Result<Status, Fault> {
    let directory = git_directory(directory);
    let flags = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_CLOEXEC;
    let repository = open(&directory, flags, Mode::empty())?;
    let mut store = LocalStore::open(repository.as_fd(), Options::default())?;
    if let Some(naming) = naming {
        store = store.naming(naming);
    }
    let caller = User::from_uid(Uid::current()).ok().flatten();
    let login = caller.map_or_else(|| Uid::current().to_string(), |user| user.name);
    let mut locks = FileLocks::new(repository.as_fd(), &login)?;
    let mut policy = Caller { may_break_locks: is_owner(&repository)? };
    let mut input = Stdin::new(Patience::default())?;
    if operation == Operation::Upload {
        input = input.with_interruption(Interruption::on_signals()?);
    }
    if let Some(siblings) = siblings(&directory, &repository, operation) {
        input = input.with_siblings(siblings);
    }
    let mut session = Session {
        operation,
        denied: None,
        policy: &mut policy,
        store: &mut store,
        locks: &mut locks,
        limits: Limits::default(),
        clock: &now,
        fault_sentence: FAULT,
        on_fault: &mut |fault: &(dyn Error + 'static)| say(&fault.to_string()),
    };
    let summary = serve(&mut input, output, &mut session);
    input.leave_word(&summary);
    match summary.ending {
        Ending::Quit | Ending::End => Ok(Status::Done),
        Ending::Broken(error) => {
            say(&error.to_string());
            Ok(Status::Refused)
        }
    }
}

/// A working tree stands for the repository in it.
fn git_directory(directory: &Path) -> PathBuf {
    let inner = directory.join(".git");
    if !directory.join("objects").is_dir() && inner.is_dir() { inner } else { directory.to_owned() }
}

/// The board of the sessions of this repository. A reader who may not write there does without.
fn siblings(directory: &Path, repository: &OwnedFd, operation: Operation) -> Option<Siblings> {
    let connection = std::env::var_os("SSH_CONNECTION").map(OsStringExt::into_vec);
    let group = Group::of(connection.as_deref(), repository.as_fd(), operation).ok()?;
    let lfs = directory.join("lfs");
    if operation == Operation::Upload {
        std::fs::create_dir_all(&lfs).ok()?;
    }
    Siblings::open(&lfs.join("sessions"), group).ok()
}

fn is_owner(repository: &OwnedFd) -> Result<bool, Fault> {
    let uid = Uid::current();
    Ok(uid.is_root() || fstat(repository)?.st_uid == uid.as_raw())
}

fn say(line: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "hubgate: {}", line.replace(char::is_control, "?"));
}

/// Whoever calls may do what the file system lets him.
struct Caller {
    may_break_locks: bool,
}

impl Policy for Caller {
    fn permit(&mut self, _: Ask) -> Result<(), Denial> {
        Ok(())
    }

    fn admit(&mut self, _: u64) -> Result<(), Denial> {
        Ok(())
    }

    fn may_break_locks(&mut self) -> bool {
        self.may_break_locks
    }
}
