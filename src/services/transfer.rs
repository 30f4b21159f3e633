//! `git-lfs-transfer` for a session of the hub: who may, where the objects lie, in which box.
//!
//! A refusal is said inside the protocol, so that the peer reads it after one session. The policy is asked again at
//! each step, on a connection to the database that was open before the box.

use std::error::Error;
use std::os::fd::{AsFd, OwnedFd};

use super::caller::Caller;
use super::lfs::{
    Ask, Denial, Ending, FileLocks, Group, Interruption, Limits, LocalStore, MemoryLocks, Object, Oid, Options,
    Patience, Policy, Session, Siblings, Staged, Stdin, Store, serve, stdout,
};
use crate::access::{Access, Decision, Identity, decide};
use crate::clock::now;
use crate::config::{Config, LfsMode};
use crate::db::{Reader, ServedRepository};
use crate::log::{self, Level};
use crate::message::{FaultKind, Refusal, Status};
use crate::name::RepoPath;
use crate::repository::{Directory, open_repository, stored_bytes};
use crate::request::{LfsProgram, Operation, Request};
use crate::sandbox::{self, Plan};

/// What the protocol calls refused, full, not offered, and our fault.
const FORBIDDEN: u16 = 403;
const FULL: u16 = 507;
const NOT_OFFERED: u16 = 501;
const FAULT: u16 = 500;

/// Speaks the protocol on standard input and output.
pub(super) fn run(caller: &Caller) -> Status {
    let Ok(Request::Lfs(LfsProgram::Transfer, operation, path)) = Request::parse(Some(&caller.command)) else {
        caller.log_fault("not a git-lfs-transfer of the gateway's");
        return Status::Fault;
    };
    match prepare(caller, operation, path) {
        Ok((policy, repository)) => transfer(caller, operation, policy, &repository).unwrap_or_else(|cause| {
            caller.log_fault(&cause.to_string());
            Status::Fault
        }),
        Err(denial) => refuse(operation, denial),
    }
}

/// Asks whether the peer may, and opens what it may see.
fn prepare(caller: &Caller, operation: Operation, path: RepoPath) -> Result<(HubPolicy<'_>, OwnedFd), Denial> {
    let config = &caller.config;
    let fault = |cause: &dyn std::fmt::Display| {
        caller.log_fault(&cause.to_string());
        Denial::new(FAULT, fault_sentence(caller))
    };
    if config.lfs.mode == LfsMode::Off {
        return Err(Denial::new(NOT_OFFERED, "LFS is not served here"));
    }
    let reader = Reader::open(&config.paths.database).map_err(|error| fault(&error))?;
    let served = permitted(caller, &reader, operation, &path).map_err(|stop| match stop {
        Stop::Denied(denial) => denial,
        Stop::Fault(cause) => fault(&cause),
    })?;
    let quotas = match operation {
        Operation::Upload => quotas(config, &reader, &served).map_err(|error| fault(&error))?,
        Operation::Download => Vec::new(),
    };
    let repository = open_repository(&config.paths.repositories, &served.directory).map_err(|error| fault(&error))?;
    Ok((HubPolicy { caller, reader, path, operation, quotas, storing: false }, repository))
}

/// The quotas that are set, with what is used of them. Looking at every repository of an owner costs, so it is done
/// only where the owner has one.
fn quotas(config: &Config, reader: &Reader, served: &ServedRepository) -> Result<Vec<Quota>, crate::db::Error> {
    let limits = &config.limits;
    let used = |directory: &Directory| stored_bytes(&config.paths.repositories, directory);
    let set = reader.quotas(served.facts.id, served.facts.owner)?;
    let mut quotas = Vec::new();
    let repository = set.repository.unwrap_or(limits.lfs_repository_bytes);
    if repository > 0 {
        quotas.push(Quota { whose: "repository", bytes: repository, used: used(&served.directory) });
    }
    let owner = set.owner.unwrap_or(limits.lfs_owner_bytes);
    if owner > 0 {
        let used = reader.directories_of(served.facts.owner)?.iter().map(used).sum();
        quotas.push(Quota { whose: "owner", bytes: owner, used });
    }
    Ok(quotas)
}

/// Why a step is not permitted.
enum Stop {
    Denied(Denial),
    Fault(String),
}

/// The repository, if the peer may do this with it now.
fn permitted(
    caller: &Caller,
    reader: &Reader,
    operation: Operation,
    path: &RepoPath,
) -> Result<ServedRepository, Stop> {
    let standing = caller.standing(reader, Some(path)).map_err(|error| Stop::Fault(error.to_string()))?;
    let refused = |refusal: &Refusal| {
        let lines = standing.speaker(&caller.config, &caller.form).refusal(refusal).err;
        Stop::Denied(Denial::new(FORBIDDEN, lines.join("\n")))
    };
    let identity = standing.identity.as_ref().map_err(|reason| refused(&Refusal::NotAdmitted(reason.clone())))?;
    crate::gateway::admit(identity, standing.repository.as_ref(), operation.needs(), now())
        .cloned()
        .map_err(|refusal| refused(&refusal))
}

/// Opens the protocol to say no, whatever is asked.
fn refuse(operation: Operation, denial: Denial) -> Status {
    let (Ok(mut input), Ok(output)) = (Stdin::new(Patience::default()), stdout()) else { return Status::Fault };
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
    serve(&mut input, output, &mut session);
    Status::Done
}

fn transfer(
    caller: &Caller,
    operation: Operation,
    mut policy: HubPolicy<'_>,
    repository: &OwnedFd,
) -> Result<Status, Box<dyn Error + Send + Sync>> {
    let config = &caller.config;
    let output = stdout()?;
    let mut input = Stdin::new(Patience::default())?;
    if operation == Operation::Upload {
        input = input.with_interruption(Interruption::on_signals()?);
    }
    // The last things that are opened by path outside the repository.
    let variable = std::env::var_os("SSH_CONNECTION").map(std::os::unix::ffi::OsStringExt::into_vec);
    let board = config.paths.database.with_file_name("lfs-sessions");
    // Without it clients of git-lfs 3.3 and 3.4 may hang at the end of a push or a pull; the work itself is done.
    let siblings =
        Group::of(variable.as_deref(), repository.as_fd(), operation).and_then(|group| Siblings::open(&board, group));
    if let Ok(siblings) = siblings {
        input = input.with_siblings(siblings);
    }
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
    let mut locks = FileLocks::new(repository.as_fd(), caller.form.user())?;
    let send = |level, line: &log::Line| {
        if let Some(connection) = &connection {
            log::send_on(connection, super::PROGRAM, level, line);
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
    let summary = serve(&mut input, output, &mut session);
    input.leave_word(&summary);
    let line = caller
        .line()
        .field("verb", format_args!("lfs-{operation}"))
        .field("sandbox", in_force)
        .field("stored", format_args!("{}/{}", summary.stored.0, summary.stored.1))
        .field("sent", format_args!("{}/{}", summary.sent.0, summary.sent.1))
        .field("refused", summary.refused)
        .field("faults", summary.faults);
    send(Level::Info, &line);
    match summary.ending {
        Ending::Quit | Ending::End => Ok(Status::Done),
        Ending::Broken(_) => Ok(Status::Refused),
    }
}

fn fault_sentence(caller: &Caller) -> String {
    crate::message::Answer::fault(FaultKind::Broken, &caller.sid).err.join("\n")
}

/// How much may be stored, and how much is.
struct Quota {
    whose: &'static str,
    bytes: u64,
    used: u64,
}

/// The hub's rights, asked again at each step.
struct HubPolicy<'a> {
    caller: &'a Caller,
    reader: Reader,
    path: RepoPath,
    operation: Operation,
    quotas: Vec<Quota>,
    /// Whether what is asked next is about an object that comes now.
    storing: bool,
}

impl HubPolicy<'_> {
    fn identity_may(&self, access: Access) -> bool {
        let Ok(standing) = self.caller.standing(&self.reader, Some(&self.path)) else { return false };
        let facts = standing.repository.as_ref().map(|repository| &repository.facts);
        let decide = |identity: Identity| matches!(decide(&identity, facts, access, now()), Decision::Allow(_));
        standing.identity.is_ok_and(decide)
    }
}

impl Policy for HubPolicy<'_> {
    fn permit(&mut self, ask: Ask) -> Result<(), Denial> {
        self.storing = ask == Ask::Put;
        match permitted(self.caller, &self.reader, self.operation, &self.path) {
            Ok(_) => Ok(()),
            Err(Stop::Denied(denial)) => Err(denial),
            Err(Stop::Fault(_)) => Err(Denial::new(FAULT, fault_sentence(self.caller))),
        }
    }

    fn admit(&mut self, bytes: u64) -> Result<(), Denial> {
        for Quota { whose, bytes: quota, used } in &self.quotas {
            if used.saturating_add(bytes) > *quota {
                let left = quota.saturating_sub(*used);
                let sentence =
                    format!("the quota of the {whose} is full: {left} of {quota} bytes are left, {bytes} are needed");
                return Err(Denial::new(FULL, sentence));
            }
        }
        if self.storing {
            for quota in &mut self.quotas {
                quota.used = quota.used.saturating_add(bytes);
            }
        }
        Ok(())
    }

    fn may_break_locks(&mut self) -> bool {
        self.identity_may(Access::Admin)
    }
}

/// A policy for sessions in which nothing is asked.
struct Nobody;

impl Policy for Nobody {
    fn permit(&mut self, _: Ask) -> Result<(), Denial> {
        Err(Denial::new(FORBIDDEN, "refused"))
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
