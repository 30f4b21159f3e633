//! `git-lfs-transfer` for a session of the hub: access, the repository's objects and the sandbox.
//!
//! A refusal is an answer of the protocol, so that git-lfs shows it and does not try again. At each step the session
//! asks the authorizer, a process outside the sandbox.

mod authorizer;
mod policy;

use std::cell::RefCell;
use std::error::Error;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::unistd::alarm;

use super::caller::{Caller, answer_panics};
use crate::access::{Identity, NotAdmitted};
use crate::clock::{now, wait_to_deny};
use crate::config::LfsMode;
use crate::db::Reader;
use crate::lfs::{
    Ask, Fault, FileLocks, Group, GroupId, Holder, Limits, LocalStore, LockLimits, MemoryLocks, Object, Oid, Options,
    Patience, Policy, Refusal, Session, Staged, Store, Streams, stdout,
};
use crate::log::Sink;
use crate::message::{self, FaultKind, Messages, Status};
use crate::name::RepoPath;
use crate::repository::open_repository;
use crate::request::Operation;
use crate::sandbox::{self, Plan};
use crate::sealed::Sealed;
use crate::session::admit;
use crate::session::rules::lock_holder;

use authorizer::{Authorizer, Event};
pub(super) use authorizer::{WORD as AUTHORIZER, authorize};
use policy::HubPolicy;

/// The protocol's statuses for a refusal, for LFS that is off, and for a fault.
const FORBIDDEN: u16 = 403;
const NOT_OFFERED: u16 = 501;
const FAULT: u16 = 500;

/// How long a refused session may take to read its refusal, and to send a command.
const REFUSED_AGE: u32 = 60;
const REFUSED_IDLE: Duration = Duration::from_secs(20);

/// Speaks the protocol on standard input and output. `message` is the gateway's, for the authorizer.
pub(super) fn run(caller: &Caller, message: Sealed, operation: Operation, path: &RepoPath) -> Status {
    let began = Instant::now();
    match prepare(caller, message, operation, path) {
        Ok(prepared) => transfer(caller, operation, prepared).unwrap_or_else(|cause| {
            caller.log_fault(&cause.to_string());
            Status::Fault
        }),
        Err(refusal) => {
            // The session writes its first message before it reads one. Its time must not tell what is hidden.
            wait_to_deny(began);
            refuse(operation, refusal)
        }
    }
}

/// What a session needs that has access.
struct Prepared {
    authorizer: Authorizer,
    holder: Holder,
    repository: OwnedFd,
}

/// Decides about the client's access, opens the repository and starts the authorizer.
fn prepare(caller: &Caller, message: Sealed, operation: Operation, path: &RepoPath) -> Result<Prepared, Refusal> {
    let config = &caller.config;
    let fault = |cause: &dyn std::fmt::Display| {
        caller.log_fault(&cause.to_string());
        Refusal::new(FAULT, fault_sentence(caller))
    };
    if config.lfs.mode == LfsMode::Off {
        return Err(Refusal::new(NOT_OFFERED, "LFS is not served here"));
    }
    let reader = Reader::open(&config.paths.database).map_err(|error| fault(&error))?;
    let context = reader.ask(|view| caller.session_context(view, Some(path))).map_err(|error| fault(&error))?;
    let refused =
        |refusal: &message::Refusal| Refusal::new(FORBIDDEN, context.messages(config).refusal(refusal).err.join("\n"));
    let not_admitted = |reason: &NotAdmitted| refused(&message::Refusal::NotAdmitted(reason.clone()));
    let identity = context.identity.as_ref().map_err(not_admitted)?;
    let served = admit(identity, context.repository.as_ref(), operation.needs(), now()).map_err(|why| refused(&why))?;
    if served.path.folded() != path.folded() {
        let messages = Messages::new(config, &caller.forced_command);
        // git-lfs shows standard error at once.
        let _ = std::io::stderr().write_all(messages.notices(None, caller.now, Some(&served.path)).stderr().as_bytes());
    }
    let repository = open_repository(&config.paths.repositories, &served.directory).map_err(|error| fault(&error))?;
    let authorizer = std::env::current_exe().and_then(|program| Authorizer::start(&program, message, served.facts.id));
    let authorizer = authorizer.map_err(|error| fault(&error))?;
    Ok(Prepared { authorizer, holder: holder(caller, identity), repository })
}

/// Speaks the protocol and answers every command with the refusal, for a limited time.
fn refuse(operation: Operation, refusal: Refusal) -> Status {
    alarm::set(REFUSED_AGE);
    let patience = Patience { version: REFUSED_IDLE, command: Some(REFUSED_IDLE), rest: REFUSED_IDLE };
    let streams = stdout().and_then(|output| Streams::new(output, Operation::Download, None, patience));
    let Ok(streams) = streams else { return Status::Fault };
    let mut session = Session {
        operation,
        refusal: Some(refusal),
        policy: &mut Nobody,
        store: &mut NoStore,
        locks: &mut MemoryLocks::new(""),
        limits: Limits::default(),
        clock: &now,
        fault_sentence: "",
        on_fault: &mut |_| {},
    };
    streams.serve(&mut session);
    Status::Done
}

fn transfer(caller: &Caller, operation: Operation, prepared: Prepared) -> Result<Status, Box<dyn Error + Send + Sync>> {
    let Prepared { authorizer, holder, repository } = prepared;
    let authorizer = Rc::new(RefCell::new(authorizer));
    let mut policy = HubPolicy::new(Rc::clone(&authorizer));
    let config = &caller.config;
    // The session opens nothing outside the repository by path after this.
    let file = config.lfs_sessions_file();
    // Without the file, git-lfs 3.3 and 3.4 can hang at the end of a push or a pull, after all objects are stored.
    let id = GroupId::of(Some(caller.connection.as_bytes()), repository.as_fd(), operation);
    let group = id.and_then(|id| Group::open(&file, id));
    let patience = Patience { command: config.limits.longest_lfs_idle(), ..Patience::default() };
    let streams = Streams::new(stdout()?, operation, group.ok(), patience)?;
    if let Some(tell) = authorizer.try_borrow()?.tells_of_panics() {
        answer_panics(caller.line(), &caller.sid, Sink::Process(tell));
    }
    let own = std::env::current_exe()?;
    let programs = [own.as_path()];
    let plan = match operation {
        Operation::Upload => Plan::upload(&programs),
        // It writes only to its group's file.
        Operation::Download => Plan { file_size_limit: Some(Group::FILE_MAX), ..Plan::fetch(&programs) },
    };
    let in_force = sandbox::enter(config.sandbox.mode, repository.as_fd(), &plan)?;
    let options = Options { fsync: config.lfs.fsync };
    let mut store = LocalStore::open(repository.as_fd(), options)?;
    let limits = &config.limits;
    let limits = LockLimits { of_repository: limits.lfs_locks, of_holder: limits.lfs_locks_per_account };
    let locks = FileLocks::new(repository.as_fd(), holder)?.within(limits);
    let mut locks = locks.with_names(|id| authorizer.try_borrow_mut().ok()?.name(id));
    // A session in the sandbox has no connection to the log.
    let log = |event: Event| {
        if let Ok(mut authorizer) = authorizer.try_borrow_mut() {
            authorizer.log(event);
        }
    };
    let sentence = fault_sentence(caller);
    let mut session = Session {
        operation,
        refusal: None,
        policy: &mut policy,
        store: &mut store,
        locks: &mut locks,
        limits: Limits {
            object_size: Some(config.limits.lfs_object_bytes).filter(|bytes| *bytes > 0),
            ..Limits::default()
        },
        clock: &now,
        fault_sentence: &sentence,
        on_fault: &mut |fault: &(dyn Error + 'static)| {
            log(Event::fault(&fault.to_string()));
        },
    };
    let summary = streams.serve(&mut session);
    log(Event::Ended {
        sandbox: in_force.to_string(),
        stored: format!("{}/{}", summary.stored.0, summary.stored.1),
        sent: format!("{}/{}", summary.sent.0, summary.sent.1),
        refused: summary.refused.to_string(),
        refusal: summary.refusal.as_ref().map_or("", Refusal::sentence).to_owned(),
        faults: summary.faults.to_string(),
    });
    Ok(summary.ending.status())
}

/// The holder of a session's locks.
fn holder(caller: &Caller, identity: &Identity) -> Holder {
    let name = match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => account.name.to_string(),
        Identity::DeployKey { .. } => caller.forced_command.key(),
        Identity::Anonymous => caller.forced_command.user().to_owned(),
    };
    Holder { id: lock_holder(identity, &caller.forced_command), name }
}

fn fault_sentence(caller: &Caller) -> String {
    crate::message::Answer::fault(FaultKind::Broken, &caller.sid).err.join("\n")
}

/// The policy of a refused session, which never asks it.
struct Nobody;

impl Policy for Nobody {
    fn permit(&mut self, _: Ask) -> Result<Result<(), Refusal>, Fault> {
        Ok(Err(Refusal::new(FORBIDDEN, "refused")))
    }

    fn admit(&mut self, _: u64) -> Result<Result<(), Refusal>, Fault> {
        Ok(Err(Refusal::new(FORBIDDEN, "refused")))
    }

    fn may_break_locks(&mut self) -> bool {
        false
    }
}

/// The store of a refused session, which never reads it.
struct NoStore;

impl Store for NoStore {
    fn size(&mut self, _: &Oid) -> std::io::Result<Option<u64>> {
        Ok(None)
    }

    fn open(&mut self, _: &Oid) -> std::io::Result<Option<Object>> {
        Ok(None)
    }

    fn stage(&mut self, _: &Oid, _: u64) -> std::io::Result<Box<dyn Staged + '_>> {
        Err(std::io::ErrorKind::PermissionDenied.into())
    }

    fn free(&mut self) -> std::io::Result<Option<u64>> {
        Ok(None)
    }
}
