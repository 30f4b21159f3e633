//! LFS for a bare repository in a directory, with the caller's rights: no hub, no database, no configuration.

use std::error::Error;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::Uid;

use super::locks::{FileLocks, Holder, HolderId};
use super::storage::Naming;
use super::{
    Ask, Ending, Fault, Group, GroupId, Limits, LocalStore, Options, Patience, Policy, Refusal, Session, Streams,
    stdout,
};
use crate::clock::now;
use crate::message::{Status, said};
use crate::passwd;
use crate::request::Operation;

/// The sentence of a fault. The cause goes to standard error, which git-lfs shows with `GIT_TRACE`.
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
    let mut locks = FileLocks::new(repository.as_fd(), caller())?.with_names(login);
    let mut policy = Caller { may_break_locks: is_owner(&repository)? };
    let streams = Streams::new(output, operation, group(&directory, &repository, operation), Patience::default())?;
    let mut session = Session {
        operation,
        refusal: None,
        policy: &mut policy,
        store: &mut store,
        locks: &mut locks,
        limits: Limits::default(),
        clock: &now,
        fault_sentence: FAULT,
        on_fault: &mut |fault: &(dyn Error + 'static)| say(&fault.to_string()),
    };
    let ending = streams.serve(&mut session).ending;
    if let Ending::Broken(error) = &ending {
        say(&error.to_string());
    }
    Ok(ending.status())
}

/// A working tree means the repository in it.
fn git_directory(directory: &Path) -> PathBuf {
    let inner = directory.join(".git");
    if !directory.join("objects").is_dir() && inner.is_dir() { inner } else { directory.to_owned() }
}

/// The group of this session, in a file of the repository. A caller who may not write there has no group.
fn group(directory: &Path, repository: &OwnedFd, operation: Operation) -> Option<Group> {
    let connection = std::env::var_os("SSH_CONNECTION").map(OsStringExt::into_vec);
    let id = GroupId::of(connection.as_deref(), repository.as_fd(), operation).ok()?;
    let lfs = directory.join("lfs");
    if operation == Operation::Upload {
        std::fs::create_dir_all(&lfs).ok()?;
    }
    Group::open(&lfs.join("sessions"), id).ok()
}

/// The caller as a holder of locks.
fn caller() -> Holder {
    let uid = Uid::current();
    let id = HolderId::Login(uid.as_raw());
    Holder { id: Some(id), name: login(&id).unwrap_or_else(|| uid.to_string()) }
}

/// The name of a login.
fn login(id: &HolderId) -> Option<String> {
    match id {
        HolderId::Login(uid) => passwd::name_of(*uid).ok().flatten(),
        HolderId::Account(_) | HolderId::Key(_) => None,
    }
}

fn is_owner(repository: &OwnedFd) -> Result<bool, Fault> {
    let uid = Uid::current();
    Ok(uid.is_root() || fstat(repository)?.st_uid == uid.as_raw())
}

fn say(line: &str) {
    // Standard error may be closed.
    let _ = std::io::stderr().write_all(said(line).as_bytes());
}

/// The file system decides what the caller may do.
struct Caller {
    may_break_locks: bool,
}

impl Policy for Caller {
    fn permit(&mut self, _: Ask) -> Result<Result<(), Refusal>, Fault> {
        Ok(Ok(()))
    }

    fn admit(&mut self, _: u64) -> Result<Result<(), Refusal>, Fault> {
        Ok(Ok(()))
    }

    fn may_break_locks(&mut self) -> bool {
        self.may_break_locks
    }
}
