//! `git-lfs-transfer` for a session of the hub: who may, where the objects lie, in which box.
//!
//! A refusal is said inside the protocol, so that the peer reads it after one session. The policy is asked again at
//! each step, of a process outside the box.

mod adviser;
mod policy;

use std::cell::RefCell;
use std::error::Error;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use super::caller::Caller;
use crate::access::Identity;
use crate::clock::now;
use crate::config::LfsMode;
use crate::db::Reader;
use crate::lfs::{
    Ask, Denial, Fault, FileLocks, Group, GroupId, Holder, HolderId, Limits, LocalStore, MemoryLocks, Object, Oid,
    Options, Policy, Session, Staged, Store, Streams, stdout,
};
use crate::log::{self, Level};
use crate::message::{FaultKind, Speaker, Status};
use crate::name::RepoPath;
use crate::repository::open_repository;
use crate::request::{LfsProgram, Operation, Request};
use crate::sandbox::{self, Plan};

use adviser::{Adviser, Stop, permitted};
pub(super) use adviser::{WORD as ADVISER, advise};
use policy::{HubPolicy, Quota, quotas};

/// What the protocol calls refused, not offered, and our fault.
const FORBIDDEN: u16 = 403;
const NOT_OFFERED: u16 = 501;
const FAULT: u16 = 500;

/// Speaks the protocol on standard input and output.
pub(super) fn run(caller: &Caller) -> Status {
    let Ok(Request::Lfs(LfsProgram::Transfer, operation, path)) = Request::parse(Some(&caller.command)) else {
        caller.log_fault("not a git-lfs-transfer of the gateway's");
        return Status::Fault;
    };
    match prepare(caller, operation, &path) {
        Ok(prepared) => transfer(caller, operation, prepared).unwrap_or_else(|cause| {
            caller.log_fault(&cause.to_string());
            Status::Fault
        }),
        Err(denial) => refuse(operation, denial),
    }
}

/// What a session that may go on goes on with.
struct Prepared {
    adviser: Adviser,
    quotas: Vec<Quota>,
    holder: Holder,
    repository: OwnedFd,
}

/// Asks whether the peer may, and opens what it may see.
fn prepare(caller: &Caller, operation: Operation, path: &RepoPath) -> Result<Prepared, Denial> {
    let config = &caller.config;
    let fault = |cause: &dyn std::fmt::Display| {
        caller.log_fault(&cause.to_string());
        Denial::new(FAULT, fault_sentence(caller))
    };
    if config.lfs.mode == LfsMode::Off {
        return Err(Denial::new(NOT_OFFERED, "LFS is not served here"));
    }
    let reader = Reader::open(&config.paths.database).map_err(|error| fault(&error))?;
    let (identity, served) = permitted(caller, &reader, operation.needs(), path).map_err(|stop| match stop {
        Stop::Denied(denial) => denial,
        Stop::Fault(cause) => fault(&cause),
    })?;
    if served.path.folded() != path.folded() {
        let speaker = Speaker { config, form: &caller.form, title: None, deployed: None };
        // On standard error, which git-lfs shows as it comes.
        let _ = std::io::stderr().write_all(speaker.notices(None, caller.now, Some(&served.path)).stderr().as_bytes());
    }
    let quotas = match operation {
        Operation::Upload => quotas(config, &reader, &served).map_err(|error| fault(&error))?,
        Operation::Download => Vec::new(),
    };
    let repository = open_repository(&config.paths.repositories, &served.directory).map_err(|error| fault(&error))?;
    let adviser = std::env::current_exe().and_then(|services| Adviser::start(&services, served.facts.id));
    let adviser = adviser.map_err(|error| fault(&error))?;
    Ok(Prepared { adviser, quotas, holder: holder(caller, &identity), repository })
}

/// Opens the protocol to say no, whatever is asked.
fn refuse(operation: Operation, denial: Denial) -> Status {
    let streams = stdout().and_then(|output| Streams::new(output, Operation::Download, None));
    let Ok(streams) = streams else { return Status::Fault };
    let mut session = Session {
        operation,
        denied: Some(denial),
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
    let Prepared { adviser, quotas, holder, repository } = prepared;
    let adviser = Rc::new(RefCell::new(adviser));
    let mut policy = HubPolicy::new(Rc::clone(&adviser), quotas);
    let config = &caller.config;
    // The last things that are opened by path outside the repository.
    let variable = std::env::var_os("SSH_CONNECTION").map(std::os::unix::ffi::OsStringExt::into_vec);
    let file = config.lfs_sessions_file();
    // Without it clients of git-lfs 3.3 and 3.4 may hang at the end of a push or a pull; the work itself is done.
    let group = GroupId::of(variable.as_deref(), repository.as_fd(), operation).and_then(|id| Group::open(&file, id));
    let streams = Streams::new(stdout()?, operation, group.ok())?;
    let connection = log::connect(&config.log.socket).ok();
    let own = std::env::current_exe()?;
    let programs = [own.as_path()];
    let plan = match operation {
        Operation::Upload => Plan::push(&programs),
        Operation::Download => Plan::fetch(&programs),
    };
    let in_force = sandbox::enter(config.sandbox.mode, repository.as_fd(), &plan)?;
    let options = Options { fsync: config.lfs.fsync };
    let mut store = LocalStore::open(repository.as_fd(), options)?;
    let locks = FileLocks::new(repository.as_fd(), holder)?;
    let mut locks = locks.with_names(|id| adviser.try_borrow_mut().ok()?.name(id));
    let send = |level, line: &log::Line| {
        if let Some(connection) = &connection {
            log::send_on(connection, log::PROGRAM, level, line);
        }
    };
    let sentence = fault_sentence(caller);
    let mut session = Session {
        operation,
        denied: None,
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
            send(Level::Error, &caller.line().field("decision", "fault").field("cause", fault));
        },
    };
    let summary = streams.serve(&mut session);
    let line = caller
        .line()
        .field("verb", format_args!("lfs-{operation}"))
        .field("sandbox", in_force)
        .field("stored", format_args!("{}/{}", summary.stored.0, summary.stored.1))
        .field("sent", format_args!("{}/{}", summary.sent.0, summary.sent.1))
        .field("refused", summary.refused)
        .field("refusal", summary.refusal.as_ref().map_or("", Denial::sentence))
        .field("faults", summary.faults);
    send(Level::Info, &line);
    Ok(summary.ending.status())
}

/// Whom a session locks for: a deploy key locks for itself.
fn holder(caller: &Caller, identity: &Identity) -> Holder {
    match identity {
        Identity::Account(account) | Identity::Certificate { account, .. } => {
            Holder { id: Some(HolderId::Account(account.id)), name: account.name.to_string() }
        }
        Identity::DeployKey { .. } => {
            Holder { id: caller.form.fingerprint().map(HolderId::Key), name: caller.form.key() }
        }
        // Who locks nothing.
        Identity::Anonymous => Holder::named(caller.form.user()),
    }
}

fn fault_sentence(caller: &Caller) -> String {
    crate::message::Answer::fault(FaultKind::Broken, &caller.sid).err.join("\n")
}

/// A policy for sessions in which nothing is asked.
struct Nobody;

impl Policy for Nobody {
    fn permit(&mut self, _: Ask) -> Result<Result<(), Denial>, Fault> {
        Ok(Err(Denial::new(FORBIDDEN, "refused")))
    }

    fn admit(&mut self, _: u64) -> Result<(), Denial> {
        Err(Denial::new(FORBIDDEN, "refused"))
    }

    fn may_break_locks(&mut self) -> bool {
        false
    }
}

/// A store for sessions that see none.
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
