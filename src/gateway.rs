//! The program `gateway`: the forced command of every session, and the login shell of the account that serves.
//!
//! It greets, refuses, becomes `services`, or starts git and guards it. Strangers' bytes enter in
//! `SSH_ORIGINAL_COMMAND` and the environment; one answer or one `exec` leaves. The forced command names the identity.
//! At every start, the gateway checks it against the database and against the key that the client proved to sshd.

mod guard;
mod push_context;
mod serving;
mod session;
mod trace;

use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::access::{Account, Identity, NotAdmitted, Place, Scope, may_create, may_use};
use crate::clock::{self, wait_to_deny};
use crate::config::{AnonymousMode, Config, DEFAULT_PATH, LfsMode};
use crate::db::{Error, Reader};
use crate::key::Fingerprint;
use crate::log::{self, Level, Line, PROGRAM};
use crate::message::{Answer, FaultKind, Messages, Refusal, Status};
use crate::request::{Activity, Arguments, BadRequest, ForcedCommand, LfsProgram, Request, Service};
use crate::session::user_auth::{self, Proven};
use crate::session::{SessionContext, Work, admit};
use crate::session_limits::SessionLock;

use session::{Environment, SessionId};
use trace::{Trace, Traced};

/// A fault of the server. The log shows its cause; the client reads a reference.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("not started by sshd: SSH_CONNECTION is not set")]
    NotSshd,
    #[error("the forced command is malformed: {0}")]
    Arguments(String),
    #[error("the key is on another account than the forced command says")]
    OtherAccount,
    #[error(transparent)]
    UserAuth(#[from] user_auth::Error),
    #[error(transparent)]
    Process(#[from] session::ProcessError),
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Database(#[from] crate::db::Error),
    #[error("authorized-keys could not ask the database; its own line says why")]
    Unavailable,
    #[error(transparent)]
    Repository(#[from] crate::repository::OpenError),
    #[error(transparent)]
    PushContext(#[from] push_context::Error),
    #[error(transparent)]
    Sandbox(#[from] crate::sandbox::Error),
    #[error(transparent)]
    Handover(#[from] crate::sealed::SendError),
    #[error("cannot start services: {0}")]
    Services(std::io::Error),
    #[error("cannot start git: {0}")]
    Git(std::io::Error),
    #[error("cannot open the directory of [checks]: {0}")]
    Checks(std::io::Error),
    #[error("cannot read this process's start time in /proc")]
    NoProcess,
    #[error("cannot leave the session's lock to services: {0}")]
    Lock(std::io::Error),
}

impl Fault {
    /// What the client reads, and the level of the log line.
    fn kind(&self) -> (FaultKind, Level) {
        match self {
            Self::Database(_) | Self::Unavailable => (FaultKind::Unavailable, Level::Error),
            // sshd causes none of these: its configuration has changed, or another program started the gateway.
            Self::UserAuth(error) if !matches!(error, user_auth::Error::Gone) => (FaultKind::Broken, Level::Critical),
            Self::NotSshd | Self::Arguments(_) | Self::OtherAccount => (FaultKind::Broken, Level::Critical),
            Self::UserAuth(_)
            | Self::Process(_)
            | Self::Config(_)
            | Self::Repository(_)
            | Self::PushContext(_)
            | Self::Handover(_)
            | Self::Sandbox(_)
            | Self::Services(_)
            | Self::Git(_)
            | Self::Checks(_)
            | Self::NoProcess
            | Self::Lock(_) => (FaultKind::Broken, Level::Error),
        }
    }
}

/// Runs the program. Returns if the program has not become `services`.
#[must_use]
pub fn main() -> ExitCode {
    let began = Instant::now();
    let id = SessionId::random();
    answer_panics(id, crate::config::Log::default().socket);
    let line = Line::default().field("sid", id);
    let mut session =
        Session { began, id, environment: Environment::take(), line, socket: None, connection: None, trace: None };
    match session.run() {
        Ok(status) => status,
        Err(fault) => {
            let (kind, level) = fault.kind();
            let answer = Answer::fault(kind, &session.id.to_string());
            say(&answer);
            session.log(level, "fault", &fault.to_string());
            answer.status.into()
        }
    }
}

/// Lets the client of this session read the sentence of a fault if the process panics.
fn answer_panics(id: SessionId, socket: PathBuf) {
    let reference = id.to_string();
    log::on_panic(log::Sink::Socket(socket), PROGRAM, Line::default().field("sid", id), move || {
        say(&Answer::fault(FaultKind::Broken, &reference));
        Status::Fault.code()
    });
}

/// Writes an answer. Errors are ignored, because they mean that the client has gone.
fn say(answer: &Answer) {
    let _ = std::io::stderr().write_all(answer.stderr().as_bytes());
    let _ = std::io::stdout().write_all(answer.out.as_bytes());
}

/// One start of the gateway.
struct Session {
    began: Instant,
    id: SessionId,
    environment: Environment,
    /// The fields of the session's log line that are known so far.
    line: Line,
    /// The log's socket, after the configuration was read.
    socket: Option<PathBuf>,
    /// An open connection to the log, because a sandboxed process cannot open one.
    connection: Option<UnixDatagram>,
    /// The pipe for git's trace of a push.
    trace: Option<(Trace, Traced)>,
}

impl Session {
    fn run(&mut self) -> Result<ExitCode, Fault> {
        let words: Vec<Vec<u8>> = std::env::args_os().skip(1).map(OsStringExt::into_vec).collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let arguments = Arguments::parse(&words)
            .ok_or_else(|| Fault::Arguments(String::from_utf8_lossy(&words.join(&b' ')).into_owned()))?;
        let config = Config::load(Path::new(arguments.config.as_deref().unwrap_or(DEFAULT_PATH)))?;
        self.socket = Some(config.log.socket.clone());
        answer_panics(self.id, config.log.socket.clone());
        let Some(words) = &arguments.forced_command else {
            self.line.add_bytes("from", self.environment.peer());
            return Err(Fault::Unavailable);
        };
        let request = Request::parse(self.environment.command.as_deref());
        if let Ok(Request::Git(Service::ReceivePack, _)) = request {
            // Before other files are open, because git accepts only a low number for its trace.
            self.trace = trace::pipe().ok();
        }
        let now = clock::now();
        let asked = self.ask(&config, words, arguments.login_shell, &request, now);
        let forced_command = asked.as_ref().map_or(words, |asked| &asked.session_context.forced_command);
        self.line = self.fields(forced_command);
        let mut asked = asked?;
        if matches!(
            (words, &asked.session_context.forced_command),
            (ForcedCommand::AuthInfo, ForcedCommand::Anonymous(_))
        ) && config.access.anonymous == AnonymousMode::Fallback
        {
            // In this mode the helper admits an unknown key only when it cannot read the database.
            return Err(Fault::Unavailable);
        }
        let identity = match &asked.session_context.identity {
            Ok(identity) => identity,
            Err(NotAdmitted::OtherAccount) => return Err(Fault::OtherAccount),
            Err(reason) => return self.bar(&config, &arguments, &asked, &request, reason),
        };
        if let Identity::Account(_) | Identity::DeployKey { .. } = identity {
            let key = asked.session_context.forced_command.fingerprint();
            key.inspect(|key| session::touch_time(&config.last_used_dir(), *key));
        }
        let (lock, waited) = if is_brief(&accept(&config, &request, &asked.session_context, identity, now)) {
            (SessionLock::Unavailable, false)
        } else {
            let SessionContext { forced_command, .. } = &asked.session_context;
            let messages = asked.session_context.messages(&config);
            self.take_session_lock(&config, identity, forced_command.fingerprint(), request.as_ref().ok(), messages)
        };
        if matches!(lock, SessionLock::LimitReached) {
            return Ok(self.refuse(asked.session_context.messages(&config), &Refusal::TooManySessions));
        }
        let mut now = now;
        if waited {
            // A right may have been withdrawn, or have expired, while the session waited.
            now = clock::now();
            asked = self.ask(&config, words, arguments.login_shell, &request, now)?;
            self.line = self.fields(&asked.session_context.forced_command);
        }
        let Asked { reader, session_context, .. } = &asked;
        let identity = match &session_context.identity {
            Ok(identity) => identity,
            Err(NotAdmitted::OtherAccount) => return Err(Fault::OtherAccount),
            Err(reason) => {
                return Ok(self.refuse(session_context.messages(&config), &Refusal::NotAdmitted(reason.clone())));
            }
        };
        let context = Context { config: &config, services: asked.services(&arguments), reader, lock, now };
        self.answer_or_serve(&request, &context, session_context, identity)
    }

    /// Refuses a session that is not admitted, or leaves that to `services`: git-lfs shows a refusal only as an answer
    /// of its protocol, which `services` speaks.
    fn bar(
        &mut self,
        config: &Config,
        arguments: &Arguments,
        asked: &Asked,
        request: &Result<Request, BadRequest>,
        reason: &NotAdmitted,
    ) -> Result<ExitCode, Fault> {
        let messages = asked.session_context.messages(config);
        let work = request.as_ref().ok().and_then(Work::of).filter(|work| match work {
            Work::Account(_) => reason.leaves_release() && is_release(request),
            Work::Transfer(..) => config.lfs.mode != LfsMode::Http,
            Work::Authenticate(..) | Work::Propose(_) => false,
        });
        let Some(work) = work else {
            return Ok(self.refuse(messages, &Refusal::NotAdmitted(reason.clone())));
        };
        // Such a session counts for its address, and does not wait.
        let lock = self.limit(config, None, None, request.as_ref().ok()).acquire();
        if matches!(lock, SessionLock::LimitReached) {
            return Ok(self.refuse(messages, &Refusal::TooManySessions));
        }
        if let Work::Account(_) = work {
            self.line.add("verb", "account");
        }
        self.become_services(&asked.services(arguments), work, &lock)
    }

    /// The first fields of the session's log line.
    fn fields(&self, forced_command: &ForcedCommand) -> Line {
        Line::default()
            .field("sid", self.id)
            .field("user", forced_command.user())
            .field("key", forced_command.key())
            .bytes("from", self.environment.peer())
    }

    /// Checks that sshd started this process and that the client proved the key of the forced command. Then asks the
    /// database for the identity and the repository.
    fn ask(
        &self,
        config: &Config,
        words: &ForcedCommand,
        login_shell: bool,
        request: &Result<Request, BadRequest>,
        now: i64,
    ) -> Result<Asked, Fault> {
        if self.environment.connection.is_none() {
            return Err(Fault::NotSshd);
        }
        session::check_process(&config.paths.repositories)?;
        let proven = user_auth::check(self.environment.user_auth.as_deref(), words, login_shell)?;
        let reader = Reader::open(&config.paths.database)?;
        let address = String::from_utf8_lossy(self.environment.peer());
        let path = request.as_ref().ok().and_then(Request::path);
        let session_context = reader.ask(|view| {
            let mut context = SessionContext::ask(view, config, words, proven.as_ref(), path, &address, now)?;
            if let Ok(Request::Git(Service::ReceivePack, _)) = request {
                context.ask_about_proposals(view, config, now)?;
            }
            Ok::<_, Error>(context)
        })?;
        Ok(Asked { reader, proven, session_context })
    }

    /// Answers the request of an admitted session, or becomes the program that fulfils it.
    fn answer_or_serve(
        &mut self,
        request: &Result<Request, BadRequest>,
        context: &Context<'_>,
        session_context: &SessionContext,
        identity: &Identity,
    ) -> Result<ExitCode, Fault> {
        let Context { config, services, now, lock, .. } = context;
        let now = *now;
        let messages = session_context.messages(config);
        let expires_at = session_context.key.as_ref().and_then(|(key, _)| key.expires_at);
        match request {
            Ok(request) => self.line.add("verb", request.verb()),
            Err(_) => self.line.add_bytes("command", &self.environment.command_for_log()),
        }
        if let Some(path) = request.as_ref().ok().and_then(Request::path) {
            self.line.add("repo", path);
        }
        let request = match accept(config, request, session_context, identity, now) {
            Ok(request) => request,
            Err(refusal) => return Ok(self.refuse(messages, &refusal)),
        };
        let admitted = |needed| admit(identity, session_context.repository.as_ref(), needed, now);
        match request {
            Request::Greeting => {
                say(&messages.notices(expires_at, now, None));
                if let (Identity::Account(account), Some(key)) = (identity, services.forced_command.fingerprint()) {
                    tell_of_additions(context, messages, account, key);
                }
                Ok(self.answer(&messages.greeting()))
            }
            Request::Help => Ok(self.answer(&messages.help())),
            Request::Account(command) => {
                self.record(context, Activity::Account, None, false)?;
                self.become_services(services, Work::Account(command.clone()), lock)
            }
            Request::Git(service, path) => match admitted(service.needs()) {
                Ok(repository) => {
                    let moved = repository.path.folded() != path.folded();
                    say(&messages.notices(expires_at, now, moved.then_some(&repository.path)));
                    self.serve(context, *service, path, identity, repository)
                }
                Err(refusal) => Ok(self.refuse(messages, &refusal)),
            },
            Request::Lfs(LfsProgram::Transfer, operation, path) => {
                match admitted(operation.needs()) {
                    Ok(repository) => {
                        let repository = Some((path.clone(), repository.facts.id));
                        self.record(context, (*operation).into(), repository, false)?;
                    }
                    // A session without access only reads why, and ends soon. `services` asks the database again, and
                    // waits as long after that.
                    Err(_) => wait_to_deny(self.began),
                }
                self.become_services(services, Work::Transfer(*operation, path.clone()), lock)
            }
            Request::Lfs(LfsProgram::Authenticate, operation, path) => {
                if admitted(operation.needs()).is_err() {
                    wait_to_deny(self.began);
                }
                self.record(context, Activity::Account, None, false)?;
                self.become_services(services, Work::Authenticate(*operation, path.clone()), lock)
            }
        }
    }

    fn answer(&self, answer: &Answer) -> ExitCode {
        say(answer);
        self.log(Level::Info, "allow", "");
        answer.status.into()
    }

    /// Refuses. The client reads the answer before the log gets its line, so the log cannot delay it.
    fn refuse(&self, messages: Messages<'_>, refusal: &Refusal) -> ExitCode {
        let answer = messages.refusal(refusal);
        if let Refusal::NoRepository | Refusal::NotCreated(_) | Refusal::Reserved(_) = refusal {
            wait_to_deny(self.began);
        }
        say(&answer);
        self.log(Level::Notice, "deny", refusal.reason());
        answer.status.into()
    }

    fn log(&self, level: Level, decision: &str, reason: &str) {
        self.send(level, &self.line.clone().field("decision", decision).field("reason", reason));
    }

    /// Sends a line to the log. Returns whether the log took it, if there is an open connection.
    fn send(&self, level: Level, line: &Line) -> bool {
        if let Some(connection) = &self.connection {
            return log::send_on(connection, PROGRAM, level, line);
        }
        let default = crate::config::Log::default().socket;
        log::send(self.socket.as_deref().unwrap_or(&default), PROGRAM, level, line);
        false
    }
}

/// Lists the keys that were added to the account since this key's last greeting, and the organizations that it was put
/// into. If the database does not answer, the next greeting lists them.
fn tell_of_additions(context: &Context<'_>, messages: Messages<'_>, account: &Account, key: Fingerprint) {
    let directory = context.config.last_greeted_dir();
    let since = session::last_time(&directory, key);
    if let Ok(keys) = context.reader.ask(|view| view.keys_added(account.id, key, since)) {
        // An older schema does not have what this question needs.
        let memberships = context.reader.ask(|view| view.memberships_added(account, key, since)).unwrap_or_default();
        say(&messages.added(keys, memberships));
        session::touch_time(&directory, key);
    }
}

fn is_release(request: &Result<Request, BadRequest>) -> bool {
    matches!(request, Ok(Request::Account(command)) if command.is_release())
}

/// What the client proved to sshd, and what the database says about it.
struct Asked {
    reader: Reader,
    proven: Option<Proven>,
    session_context: SessionContext,
}

impl Asked {
    fn services<'a>(&'a self, arguments: &'a Arguments) -> Services<'a> {
        Services {
            config: arguments.config.as_deref(),
            forced_command: &self.session_context.forced_command,
            proven: self.proven.as_ref(),
        }
    }
}

/// What `services` must know of a session, apart from its environment.
#[derive(Clone, Copy)]
struct Services<'a> {
    /// The configuration file, if it is not the default one.
    config: Option<&'a str>,
    forced_command: &'a ForcedCommand,
    proven: Option<&'a Proven>,
}

/// What every request of a session needs.
struct Context<'a> {
    config: &'a Config,
    services: Services<'a>,
    reader: &'a Reader,
    lock: SessionLock,
    now: i64,
}

/// Whether the gateway itself answers at once: with the greeting, with the help, or with a refusal. Such an answer
/// counts for no limit, so sessions that are idle cannot block it.
fn is_brief(accepted: &Result<&Request, Refusal>) -> bool {
    matches!(accepted, Err(_) | Ok(Request::Greeting | Request::Help))
}

/// The request, or the refusal with which the gateway itself answers it. `services` refuses sessions of
/// `git-lfs-transfer` and account commands, in their own protocols.
fn accept<'a>(
    config: &Config,
    request: &'a Result<Request, BadRequest>,
    session_context: &SessionContext,
    identity: &Identity,
    now: i64,
) -> Result<&'a Request, Refusal> {
    let request = request.as_ref().map_err(|bad| Refusal::Bad(*bad))?;
    match request {
        Request::Greeting | Request::Help | Request::Account(_) => Ok(request),
        Request::Git(Service::UploadArchive, _) if !config.git.archive => Err(Refusal::NotSupported),
        Request::Git(service, _) => match admit(identity, session_context.repository.as_ref(), service.needs(), now) {
            Ok(_) => Ok(request),
            Err(Refusal::NoRepository) => Err(missing(identity, session_context.place.as_ref(), *service, now)),
            Err(refusal) => Err(refusal),
        },
        Request::Lfs(program, ..) => match (program, config.lfs.mode) {
            (LfsProgram::Transfer, LfsMode::Ssh | LfsMode::Off) | (LfsProgram::Authenticate, LfsMode::Http) => {
                Ok(request)
            }
            (LfsProgram::Transfer, LfsMode::Http) => Err(Refusal::LfsOverHttp),
            (LfsProgram::Authenticate, LfsMode::Ssh) => Err(Refusal::LfsInsideSsh),
            (LfsProgram::Authenticate, LfsMode::Off) => Err(Refusal::LfsOff),
        },
    }
}

/// The refusal for a repository that the client does not see. A client that pushes and may create repositories there
/// reads what `repo create` would answer.
fn missing(identity: &Identity, place: Option<&Place>, service: Service, now: i64) -> Refusal {
    match (identity, place, service) {
        (Identity::Account(account), Some(place), Service::ReceivePack) if account.scope == Scope::Write => {
            match (may_create(account, &place.owner, now), may_use(account, place, now)) {
                (true, true) => Refusal::NotCreated(place.path.clone()),
                (true, false) => Refusal::Reserved(place.path.clone()),
                (false, _) => Refusal::NoRepository,
            }
        }
        _ => Refusal::NoRepository,
    }
}

#[cfg(test)]
mod tests;
