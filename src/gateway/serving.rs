//! What an allowed session becomes: git in its sandbox beside its guard, or `services`.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use super::guard::{self, Watched};
use super::trace::Traced;
use super::{Context, Fault, Services, Session, push_context, say};
use crate::access::{Access, Decision, Identity, decide, network};
use crate::child::{self, Ended, Limits, Terminal};
use crate::config::{Config, ConfigError, LfsMode};
use crate::db::ServedRepository;
use crate::git::{self, Serving};
use crate::key::Fingerprint;
use crate::log::{self, Level};
use crate::message::Messages;
use crate::name::RepoPath;
use crate::process::Process;
use crate::push::{OperatorChecks, PushContext};
use crate::repository::open_repository;
use crate::request::{Activity, ForcedCommand, LfsProgram, Request, Service};
use crate::sandbox::{self, Plan};
use crate::sealed::{DESCRIPTORS, Sealed};
use crate::session::rules::{self, Deciding, Reading};
use crate::session::{Handover, Opened, Record, Work};
use crate::session_limits::{self, SessionLock};

/// How long a session of git or LFS waits for the end of another session.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long it waits before the client reads that it waits.
const SILENT_WAIT: Duration = Duration::from_secs(5);
/// How long it first waits before it looks again. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest of these pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How many sessions of LFS count as one session: git-lfs opens so many for one push or pull, and loses objects if one
/// is refused. Connections cannot be counted instead, because git-lfs 3.0 to 3.4 may open a connection per session.
const LFS_SESSIONS: u32 = 8;
/// What `services` may take to open a proposal. Its answer is a number, or why there is none.
const PROPOSING: Limits = Limits { time: Duration::from_secs(30), output: 4_096, terminal: Terminal::Closed };

/// What a push needs besides git.
struct Push {
    /// What the hook of the push must know.
    message: Sealed,
    /// What the hook decides by, for which the guard asks again.
    deciding: Deciding,
    /// The directory of the operator's own checks, if there are any.
    checks_directory: Option<File>,
    /// The operator's own checks.
    checks: Vec<PathBuf>,
}

impl Session {
    /// Writes the session's record, and returns it. `proposes` is whether a push may only propose.
    pub(super) fn record(
        &self,
        context: &Context<'_>,
        activity: Activity,
        repository: Option<(RepoPath, i64)>,
        proposes: bool,
    ) -> Result<Record, Fault> {
        let Services { forced_command, proven, .. } = context.services;
        let record = Record {
            proposes,
            sid: self.id.to_string(),
            process: Process::own().ok_or(Fault::NoProcess)?,
            since: context.now,
            activity,
            forced_command: forced_command.clone(),
            proven: proven.cloned(),
            address: String::from_utf8_lossy(self.environment.peer()).into_owned(),
            repository,
        };
        // If it cannot be written, the session still has its guard or its authorizer.
        if let SessionLock::Held(held) = &context.lock {
            let _ = held.write(&record.to_string());
        }
        Ok(record)
    }

    /// Starts git, in the sandbox, in the repository's directory, and guards it until it ends.
    pub(super) fn serve(
        &mut self,
        context: &Context<'_>,
        service: Service,
        path: &RepoPath,
        identity: &Identity,
        repository: &ServedRepository,
    ) -> Result<ExitCode, Fault> {
        let Context { config, now, .. } = context;
        let decision = decide(identity, Some(&repository.facts), service.needs(), *now);
        let proposes = decision == Decision::Allow(Access::Propose);
        let own = std::env::current_exe().map_err(Fault::Git)?;
        let hooks = own.with_file_name("hooks");
        let services = own.with_file_name("services");
        // A fetch asks for no rules.
        let push = match service {
            Service::ReceivePack => Some(self.push(context, path, proposes, identity, repository, &hooks)?),
            Service::UploadPack | Service::UploadArchive => None,
        };
        let directory = open_repository(&config.paths.repositories, &repository.directory)?;
        let serving = Serving {
            git: &config.paths.git,
            service,
            protocol: self.environment.protocol.as_deref(),
            hooks: &hooks,
            push_bytes: config.limits.push_bytes,
        };
        let mut command = serving.command();
        // The gateway opens nothing outside the repository by path after this.
        self.connection = log::connect(&config.log.socket).ok();
        let place = Some((path.clone(), repository.facts.id));
        let record = self.record(context, service.into(), place, proposes)?;
        let guarded = match guard::split(push.is_some(), self.trace.take())? {
            guard::Copy::Git(guarded) => guarded,
            guard::Copy::Guard(guard) => {
                let deciding = push.as_ref().map(|push| &push.deciding);
                let services = context.services;
                let watched = Watched { session: self, config, services, record: &record, deciding };
                return Ok(guard.watch(&watched).into());
            }
        };
        // From here on, this is the copy that becomes git. It keeps neither the lock nor the connection to the log.
        let hook = guarded.hook();
        let message = push.as_ref().map(|push| &push.message);
        if let Some(message) = message {
            command.env(DESCRIPTORS, message.leave_open(hook));
        }
        let traced = guarded.traced();
        command.envs(traced.and_then(Traced::variables).into_iter().flatten());
        let inherited = [message.map(AsFd::as_fd), hook, traced.map(AsFd::as_fd)];
        let keep: Vec<_> = inherited.into_iter().flatten().collect();
        let mut programs = vec![config.paths.git.as_path()];
        programs.extend(push.as_ref().map(|_| services.as_path()));
        programs.extend(push.iter().flat_map(|push| &push.checks).map(PathBuf::as_path));
        let reads: Vec<_> = push.iter().filter_map(|push| push.checks_directory.as_ref()).map(AsFd::as_fd).collect();
        let limits = &config.limits;
        let plan = match service {
            Service::ReceivePack => Plan {
                keep: &keep,
                file_size_limit: (limits.push_bytes > 0).then(|| limits.push_bytes.saturating_mul(2)),
                memory_limit: (limits.push_memory > 0).then_some(limits.push_memory),
                reads: &reads,
                ..Plan::push(&programs)
            },
            Service::UploadPack | Service::UploadArchive => Plan { keep: &keep, ..Plan::fetch(&programs) },
        };
        let in_force = sandbox::enter(config.sandbox.mode, directory.as_fd(), &plan)?;
        self.line.add("sandbox", in_force);
        self.log(Level::Info, "allow", "");
        Err(Fault::Git(git::exec_git(command, directory)))
    }

    /// Becomes `services`, which gets the session in a sealed message and none of its variables.
    pub(super) fn become_services(
        &self,
        services: &Services<'_>,
        work: Work,
        lock: &SessionLock,
    ) -> Result<ExitCode, Fault> {
        if let SessionLock::Held(held) = lock {
            held.survive_exec().map_err(Fault::Lock)?;
        }
        let handover = self.handover(services, work);
        let message = Sealed::write(&handover.to_string())?;
        let mut command = services_command(&message, &handover.work).map_err(Fault::Services)?;
        // `services` decides about an account command, and logs it.
        if !matches!(handover.work, Work::Account(_)) {
            let line = self.line.clone().field("command", &handover.command);
            self.send(Level::Info, &line.field("decision", "allow").field("reason", ""));
        }
        Err(Fault::Services(command.exec()))
    }

    /// Lets `services` open a proposal: the gateway changes no database. The message names the session, so `services`
    /// asks for its rights again.
    pub(super) fn propose(&self, services: &Services<'_>, opened: Opened) -> Result<Ended<Vec<u8>>, Fault> {
        let handover = self.handover(services, Work::Propose(opened));
        let message = Sealed::write(&handover.to_string())?;
        let mut command = services_command(&message, &handover.work).map_err(Fault::Services)?;
        child::output(&mut command, PROPOSING).map_err(Fault::Services)
    }

    /// What `services` must know of the session.
    fn handover(&self, services: &Services<'_>, work: Work) -> Handover {
        Handover {
            sid: self.id.to_string(),
            config: services.config.map(str::to_owned),
            forced_command: services.forced_command.clone(),
            proven: services.proven.cloned(),
            connection: self.environment.connection_text().to_owned(),
            command: String::from_utf8_lossy(&self.environment.command_for_log()).into_owned(),
            work,
        }
    }

    /// Reads what holds for a push, and tells it to the hook of the push by a sealed message. `proposes` is whether the
    /// push may only propose.
    fn push(
        &self,
        context: &Context<'_>,
        path: &RepoPath,
        proposes: bool,
        identity: &Identity,
        repository: &ServedRepository,
        hooks: &Path,
    ) -> Result<Push, Fault> {
        let Context { config, reader, now, .. } = context;
        let (rules, checks) =
            reader.ask(|view| rules::rules_and_checks(view, identity, repository, *now, Reading::Session))?;
        let operator_checks = operator_checks(config, &repository.path, context.services.forced_command)?;
        let checks_directory = operator_checks.as_ref().map(|checks| File::open(&checks.directory));
        let checks_directory = checks_directory.transpose().map_err(Fault::Checks)?;
        let programs = operator_checks.iter().flat_map(OperatorChecks::programs).collect();
        let push_context = PushContext {
            sid: self.id.to_string(),
            git: config.paths.git.clone(),
            bytes: config.limits.push_bytes,
            refs: config.limits.push_refs,
            commits: config.limits.push_commits,
            stores_objects: config.lfs.mode == LfsMode::Ssh,
            default_branch: config.git.default_branch.clone(),
            choose_branch: format!("{} repo default-branch {path}", config.address().ssh()),
            checks: checks.clone(),
            operator_checks,
            namespaces: config.git.refs.clone(),
            who: rules::who(identity),
            lock_holder: rules::lock_holder(identity, context.services.forced_command),
            writes: !proposes,
            url: config.address().url(&repository.path),
            rules: rules.clone(),
        };
        let message = push_context::seal(&push_context, hooks)?;
        Ok(Push { message, deciding: Deciding { rules, checks }, checks_directory, checks: programs })
    }

    /// Takes a lock among the sessions of the account, or of the address if the session is anonymous. A session of git
    /// or LFS waits for it, if not too many wait. The second result is whether the session has waited.
    pub(super) fn take_session_lock(
        &self,
        config: &Config,
        identity: &Identity,
        key: Option<Fingerprint>,
        request: Option<&Request>,
        messages: Messages<'_>,
    ) -> (SessionLock, bool) {
        let limit = self.limit(config, Some(identity), key, request);
        let lock = limit.acquire();
        let waits = matches!(request, Some(Request::Git(..) | Request::Lfs(LfsProgram::Transfer, ..)));
        if !waits || !matches!(lock, SessionLock::LimitReached) {
            return (lock, false);
        }
        // As many may wait as may run, so that a client cannot fill the machine with waiting sessions.
        let waiting = limit.of_waiting().acquire();
        if matches!(waiting, SessionLock::LimitReached) {
            return (waiting, false);
        }
        let begin = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            let lock = limit.acquire();
            if begin.elapsed() >= LONGEST_WAIT || !matches!(lock, SessionLock::LimitReached) {
                return (lock, true);
            }
            if begin.elapsed() >= SILENT_WAIT && !std::mem::replace(&mut told, true) {
                say(&messages.waiting(limit.most));
            }
        }
    }

    /// The limit that a session counts for. A session that is not admitted has no identity, and counts for its address.
    /// `key` is the key of the forced command.
    pub(super) fn limit(
        &self,
        config: &Config,
        identity: Option<&Identity>,
        key: Option<Fingerprint>,
        request: Option<&Request>,
    ) -> Limit {
        let address = || network(&String::from_utf8_lossy(self.environment.peer()));
        let (subject, most) = match identity {
            Some(Identity::Account(account) | Identity::Certificate { account, .. }) => {
                (format!("account {}", account.id), config.limits.sessions_per_account)
            }
            Some(Identity::DeployKey { repository, .. }) => {
                (format!("deploy {repository}"), config.limits.sessions_per_account)
            }
            Some(Identity::Anonymous) => (format!("address {}", address()), config.limits.sessions_per_address),
            None => (format!("refused {}", address()), config.limits.sessions_per_address),
        };
        let (subject, most) = match request {
            Some(Request::Lfs(..)) => (format!("lfs {subject}"), most.saturating_mul(LFS_SESSIONS)),
            // Sessions that fetch must not keep a person from joining an account.
            Some(Request::Account(command)) if command.is_join() => (format!("join {subject}"), most),
            // Sessions of a stolen key must not keep an owner from removing that key by another one.
            Some(Request::Account(_)) => match (identity, key) {
                (Some(Identity::Account(_)), Some(key)) => (format!("commands {key}"), most),
                (_, _) => (subject, most),
            },
            Some(_) | None => (subject, most),
        };
        Limit { directory: config.running_dir(), subject, most }
    }
}

/// The command that starts `services` with a message, and with none of the session's variables.
fn services_command(message: &Sealed, work: &Work) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?.with_file_name("services"));
    command.env_clear().env("PATH", git::SAFE_PATH).env("LC_ALL", "C.UTF-8");
    command.env(DESCRIPTORS, message.leave_open(None)).current_dir("/").arg(work.as_str());
    Ok(command)
}

/// The operator's own checks for a push into this repository, if there are any.
fn operator_checks(
    config: &Config,
    repository: &RepoPath,
    forced_command: &ForcedCommand,
) -> Result<Option<OperatorChecks>, ConfigError> {
    let names = config.checks()?;
    let checks = &config.checks;
    Ok((!names.is_empty()).then(|| OperatorChecks {
        directory: checks.directory.clone(),
        names,
        seconds: checks.seconds,
        memory: checks.memory,
        sandbox: config.sandbox.mode,
        user: forced_command.user().to_owned(),
        key: forced_command.key(),
        repository: repository.to_string(),
    }))
}

/// How many sessions a subject may have at a time.
pub(super) struct Limit {
    directory: PathBuf,
    subject: String,
    most: u32,
}

impl Limit {
    /// How many may wait.
    fn of_waiting(&self) -> Self {
        Self { directory: self.directory.clone(), subject: format!("waiting {}", self.subject), most: self.most }
    }

    /// Takes a lock if one is free.
    pub(super) fn acquire(&self) -> SessionLock {
        session_limits::acquire(&self.directory, &self.subject, self.most)
    }
}
