//! Program 2, `gateway`: the forced command of every session, and the login shell of the account that serves.
//!
//! It decides: it greets, refuses, or becomes git. Strangers' bytes enter in `SSH_ORIGINAL_COMMAND` and the environment;
//! what leaves is one answer or one `exec`. Identity comes from the forced command alone and is held against the
//! database, and against the key that sshd says was proven, at every start.

mod briefing;
mod serving;
mod session;

use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixDatagram;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use crate::access::{Identity, NotAdmitted, OwnerFacts, Scope, may_create};
use crate::clock::{now, wait_to_deny};
use crate::config::{AnonymousMode, Config, DEFAULT_PATH, LfsMode};
use crate::db::Reader;
use crate::key::Fingerprint;
use crate::log::{self, Level, Line, PROGRAM};
use crate::message::{Answer, FaultKind, Refusal, Speaker, Status};
use crate::name::RepoPath;
use crate::request::{Arguments, BadRequest, ForcedCommand, LfsProgram, Request, Service};
use crate::session::{SessionContext, Work, admit, user_auth};
use crate::session_limits::SessionLock;

use session::{Environment, SessionId};

/// What broke on our side. For the log; the peer reads a reference.
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
    Briefing(#[from] briefing::Error),
    #[error(transparent)]
    Sandbox(#[from] crate::sandbox::Error),
    #[error("cannot start services: {0}")]
    Services(std::io::Error),
    #[error("cannot start git: {0}")]
    Git(std::io::Error),
    #[error("a push without a key")]
    Keyless,
}

impl Fault {
    /// What the peer hears, and how loud the log is.
    fn kind(&self) -> (FaultKind, Level) {
        match self {
            Self::Database(_) | Self::Unavailable => (FaultKind::Unavailable, Level::Error),
            // sshd writes none of these: somebody changed its configuration, or tries to speak in its place.
            Self::UserAuth(error) if !matches!(error, user_auth::Error::Gone) => (FaultKind::Broken, Level::Critical),
            Self::NotSshd | Self::Arguments(_) | Self::OtherAccount => (FaultKind::Broken, Level::Critical),
            Self::UserAuth(_)
            | Self::Process(_)
            | Self::Config(_)
            | Self::Repository(_)
            | Self::Briefing(_)
            | Self::Sandbox(_)
            | Self::Services(_)
            | Self::Git(_)
            | Self::Keyless => (FaultKind::Broken, Level::Error),
        }
    }
}

/// Runs the program. Returns only if it has not become git.
#[must_use]
pub fn main() -> ExitCode {
    let began = Instant::now();
    let id = SessionId::random();
    let reference = id.to_string();
    panic::set_hook(Box::new(move |panic| {
        // No panic speaks to the peer: the fixed sentence, a line in the log, the status of a fault.
        let cause = panic.location().map(ToString::to_string).unwrap_or_default();
        let line = Line::default().field("sid", &reference).field("decision", "fault").field("cause", cause);
        log::send(&crate::config::Log::default().socket, PROGRAM, Level::Critical, &line);
        say(&Answer::fault(FaultKind::Broken, &reference));
        std::process::exit(Status::Fault.code().into());
    }));
    let line = Line::default().field("sid", id);
    let mut session = Session { began, id, environment: Environment::take(), line, socket: None, connection: None };
    match session.run() {
        Ok(status) => status.into(),
        Err(fault) => {
            let (kind, level) = fault.kind();
            let answer = Answer::fault(kind, &session.id.to_string());
            say(&answer);
            session.log(level, "fault", &fault.to_string());
            answer.status.into()
        }
    }
}

/// Writes an answer; a peer that has gone cannot be told anything.
fn say(answer: &Answer) {
    let _ = std::io::stderr().write_all(answer.stderr().as_bytes());
    let _ = std::io::stdout().write_all(answer.out.as_bytes());
}

/// One start of the gateway.
struct Session {
    began: Instant,
    id: SessionId,
    environment: Environment,
    /// The session's line in the log, as far as it is known.
    line: Line,
    /// Where the log goes, once the configuration said so.
    socket: Option<PathBuf>,
    /// The way there that is open already: in its box a process can open none.
    connection: Option<UnixDatagram>,
}

impl Session {
    fn run(&mut self) -> Result<Status, Fault> {
        let words: Vec<Vec<u8>> = std::env::args_os().skip(1).map(OsStringExt::into_vec).collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let arguments = Arguments::parse(&words)
            .ok_or_else(|| Fault::Arguments(String::from_utf8_lossy(&words.join(&b' ')).into_owned()))?;
        let config = Config::load(Path::new(arguments.config.as_deref().unwrap_or(DEFAULT_PATH)))?;
        self.socket = Some(config.log.socket.clone());
        let Some(words) = &arguments.form else {
            self.line.add_bytes("from", self.environment.peer());
            return Err(Fault::Unavailable);
        };
        let request = Request::parse(self.environment.command.as_deref());
        let path = request.as_ref().ok().and_then(Request::path);
        let now = now();
        let asked = self.ask(&config, words, arguments.login_shell, path, now);
        let form = asked.as_ref().map_or(words, |(_, standing)| &standing.form);
        self.line.add("user", form.user());
        self.line.add("key", form.key());
        self.line.add_bytes("from", self.environment.peer());
        let (reader, standing) = asked?;
        let form = &standing.form;
        if matches!((words, form), (ForcedCommand::AuthInfo, ForcedCommand::Anonymous(_)))
            && config.access.anonymous == AnonymousMode::Fallback
        {
            // The helper passes unknown keys over, unless it could not ask.
            return Err(Fault::Unavailable);
        }
        let speaker = standing.speaker(&config);
        let identity = match &standing.identity {
            Ok(identity) => identity,
            Err(NotAdmitted::OtherAccount) => return Err(Fault::OtherAccount),
            Err(reason) if reason.leaves_release() && is_release(&request) => {
                self.line.add("verb", "account");
                return self.become_services(Work::Account, &arguments, form);
            }
            Err(_) if config.lfs.mode != LfsMode::Http && is_transfer(&request) => {
                return self.become_services(Work::Transfer, &arguments, form);
            }
            Err(reason) => return Ok(self.refuse(speaker, &Refusal::NotAdmitted(reason.clone()))),
        };
        if let Identity::Account(_) | Identity::DeployKey { .. } = identity {
            form.fingerprint().inspect(|key| session::touch_time(&config.last_used_dir(), *key));
        }
        let lock = self.take_session_lock(&config, identity);
        if matches!(lock, SessionLock::LimitReached) {
            return Ok(self.refuse(speaker, &Refusal::TooManySessions));
        }
        match request {
            Ok(request) => self.fulfil(
                &request,
                &Context { config: &config, form, arguments: &arguments, reader: &reader, lock, now },
                &standing,
                identity,
            ),
            Err(bad) => {
                self.line.add_bytes("command", &self.environment.command_for_log());
                Ok(self.refuse(speaker, &Refusal::Bad(bad)))
            }
        }
    }

    /// Checks that sshd started this process and proved what the words name, and asks who that is and what the path
    /// leads to.
    fn ask(
        &self,
        config: &Config,
        words: &ForcedCommand,
        login_shell: bool,
        path: Option<&RepoPath>,
        now: i64,
    ) -> Result<(Reader, SessionContext), Fault> {
        if self.environment.connection.is_none() {
            return Err(Fault::NotSshd);
        }
        session::check_process(&config.paths.repositories)?;
        let proven = user_auth::check(self.environment.user_auth.as_deref(), words, login_shell)?;
        let reader = Reader::open(&config.paths.database)?;
        let address = String::from_utf8_lossy(self.environment.peer());
        let standing =
            reader.ask(|view| SessionContext::ask(view, config, words, proven.as_ref(), path, &address, now))?;
        Ok((reader, standing))
    }

    /// Answers a request of somebody who is admitted, or becomes what fulfils it.
    fn fulfil(
        &mut self,
        request: &Request,
        context: &Context<'_>,
        standing: &SessionContext,
        identity: &Identity,
    ) -> Result<Status, Fault> {
        let Context { config, form, arguments, now, .. } = *context;
        let speaker = standing.speaker(config);
        let expires_at = standing.key.as_ref().and_then(|(key, _)| key.expires_at);
        self.line.add("verb", request.verb());
        if let Some(path) = request.path() {
            self.line.add("repo", path);
        }
        match request {
            Request::Greeting => {
                say(&speaker.notices(expires_at, now, None));
                if let (Identity::Account(account), Some(key)) = (identity, form.fingerprint()) {
                    tell_of_added_keys(context, speaker, account.id, key);
                }
                Ok(self.answer(&speaker.greeting()))
            }
            Request::Help => Ok(self.answer(&speaker.help())),
            Request::Account(_) => self.become_services(Work::Account, arguments, form),
            Request::Git(Service::UploadArchive, _) if !config.git.archive => {
                Ok(self.refuse(speaker, &Refusal::NotSupported))
            }
            Request::Git(service, path) => match admit(identity, standing.repository.as_ref(), service.needs(), now) {
                Ok(repository) => {
                    let moved = repository.path.folded() != path.folded();
                    say(&speaker.notices(expires_at, now, moved.then_some(&repository.path)));
                    self.serve(context, *service, repository)
                }
                Err(Refusal::NoRepository) if may_create_it(identity, standing.owner, *service, now) => {
                    Ok(self.refuse(speaker, &Refusal::NotCreated(path.clone())))
                }
                Err(refusal) => Ok(self.refuse(speaker, &refusal)),
            },
            Request::Lfs(program, ..) => match (program, config.lfs.mode) {
                // It says no inside the protocol, where the peer reads it after one session.
                (LfsProgram::Transfer, LfsMode::Ssh | LfsMode::Off) => {
                    self.become_services(Work::Transfer, arguments, form)
                }
                (LfsProgram::Authenticate, LfsMode::Http) => self.become_services(Work::Authenticate, arguments, form),
                (LfsProgram::Authenticate, LfsMode::Ssh) => Ok(self.refuse(speaker, &Refusal::LfsInsideSsh)),
                (LfsProgram::Authenticate, LfsMode::Off) => Ok(self.refuse(speaker, &Refusal::LfsOff)),
                (LfsProgram::Transfer, LfsMode::Http) => Ok(self.refuse(speaker, &Refusal::LfsOverHttp)),
            },
        }
    }

    fn answer(&self, answer: &Answer) -> Status {
        say(answer);
        self.log(Level::Info, "allow", "");
        answer.status
    }

    /// Refuses: the peer first, so that the log's pace says nothing about the reason.
    fn refuse(&self, speaker: Speaker<'_>, refusal: &Refusal) -> Status {
        let answer = speaker.refusal(refusal);
        if let Refusal::NoRepository | Refusal::NotCreated(_) = refusal {
            wait_to_deny(self.began);
        }
        say(&answer);
        self.log(Level::Notice, "deny", refusal.reason());
        answer.status
    }

    fn log(&self, level: Level, decision: &str, reason: &str) {
        self.send(level, &self.line.clone().field("decision", decision).field("reason", reason));
    }

    fn send(&self, level: Level, line: &Line) {
        if let Some(connection) = &self.connection {
            log::send_on(connection, PROGRAM, level, line);
        } else {
            let default = crate::config::Log::default().socket;
            log::send(self.socket.as_deref().unwrap_or(&default), PROGRAM, level, line);
        }
    }
}

/// Says which keys came onto the account since this one was greeted last. Nobody is refused a greeting for it: where it
/// cannot be found out, the next greeting says so.
fn tell_of_added_keys(context: &Context<'_>, speaker: Speaker<'_>, account: i64, key: Fingerprint) {
    let directory = context.config.last_greeted_dir();
    let since = session::last_time(&directory, key);
    if let Ok(added) = context.reader.ask(|view| view.keys_added(account, key, since)) {
        say(&speaker.added(added));
        session::touch_time(&directory, key);
    }
}

fn is_transfer(request: &Result<Request, BadRequest>) -> bool {
    matches!(request, Ok(Request::Lfs(LfsProgram::Transfer, ..)))
}

fn is_release(request: &Result<Request, BadRequest>) -> bool {
    matches!(request, Ok(Request::Account(command)) if command.is_release())
}

/// What holds for one session, whatever it asks for.
struct Context<'a> {
    config: &'a Config,
    form: &'a ForcedCommand,
    arguments: &'a Arguments,
    reader: &'a Reader,
    lock: SessionLock,
    now: i64,
}

/// Whether the peer may create what it pushes to, by a command of its account.
fn may_create_it(identity: &Identity, owner: Option<OwnerFacts>, service: Service, now: i64) -> bool {
    match (identity, owner, service) {
        (Identity::Account(account), Some(owner), Service::ReceivePack) => {
            account.scope == Scope::Write && may_create(account, &owner, now)
        }
        _ => false,
    }
}
