//! The authorizer: a process beside a sandboxed LFS session, which asks the database again at each step.
//!
//! The session reads the client's bytes, so it has no descriptor of the database, and in the sandbox it can open none. It
//! asks the authorizer over a pipe, one line of JSON each way. The authorizer also writes the session's log lines, with
//! the session's own fields, and ends a session whose rights do not stand any more. It has the gateway's message, as the
//! session has. It reads no byte of the client, and ends when the pipe closes.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::getppid;
use serde::{Deserialize, Serialize};

use crate::access::{Access, Identity};
use crate::clock::now;
use crate::db::{self, Reader, ServedRepository};
use crate::lfs::{Fault, HolderId, Refusal, Stored};
use crate::log::{self, Level, Tell};
use crate::message::{self, Status};
use crate::name::RepoPath;
use crate::process::Process;
use crate::request::Operation;
use crate::sealed::{DESCRIPTORS, Sealed};
use crate::services::caller::Caller;
use crate::session::{admit, quota};
use crate::usage::{self, Part, Reservation};

/// The argument with which `services` becomes the authorizer.
pub(in crate::services) const WORD: &str = "lfs-authorizer";
/// The protocol's statuses for a refusal, and for a full store.
const FORBIDDEN: u16 = 403;
const FULL: u16 = 507;
/// When the authorizer first asks without a question whether the rights stand, and how often afterwards.
const FIRST_CHECK: Duration = Duration::from_secs(1);
const CHECK: Duration = Duration::from_secs(30);
/// How long the session may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// The most log lines of one session.
const LOGGED_MAX: u32 = 1_000;

/// An event for the log. The authorizer adds the session's own fields, which the session cannot choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Event {
    /// A step failed, for that cause.
    Fault(String),
    /// The session ended, with these fields.
    Ended { sandbox: String, stored: String, sent: String, refused: String, refusal: String, faults: String },
}

/// A question of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Question {
    /// Whether the client may go on with the session's operation, on the repository of that row.
    Permit(i64),
    /// Whether the client administers the repository.
    Administer(i64),
    /// The name of the account of that row.
    Name(i64),
    /// Whether the quotas have room for so many bytes.
    Admit { repository: i64, bytes: u64 },
    /// The same, and the bytes are reserved until the next answer to `Settle`.
    Reserve { repository: i64, bytes: u64 },
    /// The object for which bytes were reserved is complete: so many bytes are stored, in place of so many others.
    Settle { stored: u64, replaced: u64 },
    /// Whether that object is stored is not known.
    Abandon,
    /// No question: an event for the log.
    Log(Event),
}

/// An answer of the authorizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Verdict {
    Yes,
    /// Yes, and a quota is set, so the session asks before it stores bytes.
    Counted,
    /// No, with the text for the client.
    No(String),
    /// No room, with the text for the client.
    Full(String),
    Name(Option<String>),
    /// The database did not answer, with the cause for the log.
    Failed(String),
}

/// Why a step is not permitted.
pub(super) enum Stop {
    Refused {
        refusal: Refusal,
        /// The text of `reason=` in the log.
        reason: &'static str,
    },
    Fault(db::Error),
}

/// The session's identity and its repository, if the identity has that access now.
pub(super) fn permitted(
    caller: &Caller,
    reader: &Reader,
    access: Access,
    path: &RepoPath,
) -> Result<(Identity, ServedRepository), Stop> {
    let session_context = reader.ask(|view| caller.session_context(view, Some(path))).map_err(Stop::Fault)?;
    let refused = |refusal: &message::Refusal| {
        let lines = session_context.messages(&caller.config).refusal(refusal).err;
        Stop::Refused { refusal: Refusal::new(FORBIDDEN, lines.join("\n")), reason: refusal.reason() }
    };
    let identity =
        session_context.identity.as_ref().map_err(|reason| refused(&message::Refusal::NotAdmitted(reason.clone())))?;
    admit(identity, session_context.repository.as_ref(), access, now())
        .map(|served| (identity.clone(), served.clone()))
        .map_err(|refusal| refused(&refusal))
}

/// Answers the session's questions until the session ends. Ends the session if its rights do not stand any more.
pub(in crate::services) fn authorize(caller: &Caller, operation: Operation, path: &RepoPath) -> Status {
    let (Ok(reader), Some(session)) = (Reader::open(&caller.config.paths.database), Process::running(getppid())) else {
        return Status::Fault;
    };
    let mut answering = Answering { caller, reader: &reader, operation, path, reserved: None };
    let (mut input, mut output) = (io::stdin().lock(), io::stdout());
    let (mut pause, mut logged, mut line) = (FIRST_CHECK, 0, String::new());
    loop {
        // The session waits for an answer before it asks again, so no second line is in the buffer.
        let timeout = PollTimeout::try_from(pause).unwrap_or(PollTimeout::MAX);
        if poll(&mut [PollFd::new(io::stdin().as_fd(), PollFlags::POLLIN)], timeout) == Ok(0) {
            match (pause, answering.withdrawn()) {
                (GRACE, _) => drop(session.signal(Signal::SIGKILL)),
                (_, Some(reason)) => {
                    let line = answering.line().field("decision", "end").field("reason", reason);
                    log::send(&caller.config.log.socket, log::PROGRAM, Level::Notice, &line);
                    let _ = session.signal(Signal::SIGTERM);
                    pause = GRACE;
                }
                (_, None) => pause = CHECK,
            }
            continue;
        }
        line.clear();
        match input.read_line(&mut line) {
            Ok(0) => return Status::Done,
            Ok(_) => {}
            Err(_) => return Status::Fault,
        }
        let verdict = match serde_json::from_str(&line) {
            Ok(Question::Log(_)) if logged >= LOGGED_MAX => Verdict::Yes,
            Ok(Question::Log(event)) => {
                logged += 1;
                answering.log(&event);
                Verdict::Yes
            }
            Ok(question) => {
                // The answer is a check.
                pause = pause.max(CHECK);
                answering.verdict(&question)
            }
            Err(_) => return Status::Fault,
        };
        let answer = serde_json::to_string(&verdict).map(|text| text + "\n");
        if answer.is_ok_and(|answer| output.write_all(answer.as_bytes()).and_then(|()| output.flush()).is_err()) {
            return Status::Fault;
        }
    }
}

/// The authorizer of one session.
struct Answering<'a> {
    caller: &'a Caller,
    reader: &'a Reader,
    operation: Operation,
    path: &'a RepoPath,
    /// The bytes of the object that the session is storing. If the session ends before it settles them, the next
    /// session measures the repository.
    reserved: Option<Reservation>,
}

impl Answering<'_> {
    fn verdict(&mut self, question: &Question) -> Verdict {
        let (repository, access) = match *question {
            Question::Permit(repository)
            | Question::Admit { repository, .. }
            | Question::Reserve { repository, .. } => (repository, self.operation.needs()),
            Question::Administer(repository) => (repository, Access::Admin),
            Question::Name(row) => return Verdict::Name(self.reader.account_name(row)),
            Question::Settle { stored, replaced } => return self.settle(stored, replaced),
            Question::Abandon => {
                // The next session measures the repository.
                self.reserved = None;
                return Verdict::Yes;
            }
            Question::Log(_) => return Verdict::Yes,
        };
        let served = match permitted(self.caller, self.reader, access, self.path) {
            Ok((_, served)) if served.facts.id == repository => served,
            // The path now belongs to another repository than the session's.
            Ok(_) => return Verdict::No("the repository was moved during this session: try again".to_owned()),
            Err(Stop::Refused { refusal, .. }) => return Verdict::No(refusal.sentence().to_owned()),
            Err(Stop::Fault(error)) => return Verdict::Failed(error.to_string()),
        };
        let counted = match *question {
            Question::Admit { bytes, .. } => self.admit(&served, bytes),
            Question::Reserve { bytes, .. } => self.reserve(&served, bytes),
            Question::Permit(_) if self.operation == Operation::Upload => self.count(&served),
            Question::Permit(_)
            | Question::Administer(_)
            | Question::Name(_)
            | Question::Settle { .. }
            | Question::Abandon
            | Question::Log(_) => return Verdict::Yes,
        };
        // Without a count, a quota would be no limit.
        counted.unwrap_or_else(|fault| {
            self.caller.log_fault(&fault.to_string());
            Verdict::Full(quota::uncounted(&self.caller.sid))
        })
    }

    /// Whether what this session stores is counted. If not, the repository's count is out of date from now on.
    fn count(&self, served: &ServedRepository) -> Result<Verdict, quota::Fault> {
        let config = &self.caller.config;
        if quota::is_set(config, self.reader, served.facts.id)? {
            return Ok(Verdict::Counted);
        }
        // No quota is set, so a fault must not stop the session.
        usage::forget(&config.usage_file(), served.facts.id)
            .unwrap_or_else(|fault| self.caller.log_fault(&fault.to_string()));
        Ok(Verdict::Yes)
    }

    fn admit(&self, served: &ServedRepository, bytes: u64) -> Result<Verdict, quota::Fault> {
        let config = &self.caller.config;
        let room = quota::usage(config)?.check(&quota::demand(config, self.reader, served.facts.id)?, bytes)?;
        Ok(room.map_or_else(|full| Verdict::Full(full.to_string()), |()| Verdict::Yes))
    }

    fn reserve(&mut self, served: &ServedRepository, bytes: u64) -> Result<Verdict, quota::Fault> {
        let config = &self.caller.config;
        let demand = quota::demand(config, self.reader, served.facts.id)?;
        match quota::usage(config)?.reserve(&demand, Part::Lfs, bytes)? {
            Ok(reservation) => {
                self.reserved = Some(reservation);
                Ok(Verdict::Yes)
            }
            Err(full) => Ok(Verdict::Full(full.to_string())),
        }
    }

    /// Why the rights do not stand, if they do not. If the database does not answer, the session goes on.
    fn withdrawn(&self) -> Option<&'static str> {
        match permitted(self.caller, self.reader, self.operation.needs(), self.path) {
            Err(Stop::Refused { reason, .. }) => Some(reason),
            Ok(_) | Err(Stop::Fault(_)) => None,
        }
    }

    /// The first fields of each log line.
    fn line(&self) -> log::Line {
        self.caller.line().field("verb", format_args!("lfs-{}", self.operation))
    }

    fn log(&self, event: &Event) {
        let (level, line) = match event {
            Event::Fault(cause) => (Level::Error, self.caller.line().field("decision", "fault").field("cause", cause)),
            Event::Ended { sandbox, stored, sent, refused, refusal, faults } => {
                let line = self.line().field("sandbox", sandbox).field("stored", stored).field("sent", sent);
                let line = line.field("refused", refused).field("refusal", refusal).field("faults", faults);
                (Level::Info, line)
            }
        };
        log::send(&self.caller.config.log.socket, log::PROGRAM, level, &line);
    }

    fn settle(&mut self, stored: u64, replaced: u64) -> Verdict {
        let settled = self.reserved.take().map_or(Ok(()), |reserved| reserved.settle(stored, replaced));
        settled.map_or_else(|error| Verdict::Failed(error.to_string()), |()| Verdict::Yes)
    }
}

/// The session's end of the pipe.
#[derive(Debug)]
pub(super) struct Authorizer {
    process: Child,
    /// Closed before the session waits for the process.
    questions: Option<Arc<ChildStdin>>,
    answers: BufReader<ChildStdout>,
    repository: i64,
}

impl Authorizer {
    /// Starts the process, which inherits the gateway's message, for the repository of that row.
    pub(super) fn start(services: &Path, message: Sealed, repository: i64) -> io::Result<Self> {
        let mut command = Command::new(services);
        command.arg(WORD).env(DESCRIPTORS, message.descriptors(None));
        // Standard error is the client's, and sshd ends a session only after every process has closed it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        drop(message);
        let (questions, answers) = (process.stdin.take().map(Arc::new), process.stdout.take());
        let answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, questions, answers: BufReader::new(answers), repository })
    }

    fn ask(&mut self, question: &Question) -> Result<Verdict, Fault> {
        let mut line = serde_json::to_string(question)? + "\n";
        let mut questions = self.questions.as_deref().ok_or("the session is over")?;
        questions.write_all(line.as_bytes())?;
        line.clear();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the authorizer has ended".into());
        }
        match serde_json::from_str(&line)? {
            Verdict::Failed(cause) => Err(cause.into()),
            verdict => Ok(verdict),
        }
    }

    /// Whether the client may still do what the session is for, and whether what it stores is counted.
    pub(super) fn permit(&mut self) -> Result<Result<bool, Refusal>, Fault> {
        match self.ask(&Question::Permit(self.repository))? {
            Verdict::Yes => Ok(Ok(false)),
            Verdict::Counted => Ok(Ok(true)),
            verdict => refused(verdict),
        }
    }

    /// Whether the quotas have room for so many bytes.
    pub(super) fn admit(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        self.ask_for_room(&Question::Admit { repository: self.repository, bytes })
    }

    /// Reserves bytes for an object, if the quotas have room.
    pub(super) fn reserve(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        self.ask_for_room(&Question::Reserve { repository: self.repository, bytes })
    }

    fn ask_for_room(&mut self, question: &Question) -> Result<Result<(), Refusal>, Fault> {
        match self.ask(question)? {
            Verdict::Yes => Ok(Ok(())),
            verdict => refused(verdict),
        }
    }

    /// Says how the object ended for which bytes were reserved.
    pub(super) fn settle(&mut self, stored: Stored) -> Result<(), Fault> {
        let question = match stored {
            Stored::Yes { bytes, replaced } => Question::Settle { stored: bytes, replaced },
            Stored::No => Question::Settle { stored: 0, replaced: 0 },
            Stored::Perhaps => Question::Abandon,
        };
        match self.ask(&question)? {
            Verdict::Yes => Ok(()),
            verdict => refused(verdict)?.map_err(|refusal| refusal.sentence().into()),
        }
    }

    /// Whether the client administers the repository; a fault means no.
    pub(super) fn may_administer(&mut self) -> bool {
        matches!(self.ask(&Question::Administer(self.repository)), Ok(Verdict::Yes))
    }

    /// What a panic of the session calls with its place. It does not wait for the answer, because the process ends.
    pub(super) fn tells_of_panics(&self) -> Option<Tell> {
        // The authorizer ends when the session has closed the pipe, so the panic must not keep it open.
        let questions = Arc::downgrade(self.questions.as_ref()?);
        Some(Box::new(move |cause| {
            let line = serde_json::to_string(&Question::Log(Event::Fault(cause.to_owned()))).map(|line| line + "\n");
            let _ = line.map(|line| questions.upgrade().map(|questions| (&*questions).write_all(line.as_bytes())));
        }))
    }

    /// Writes a line to the log. Errors are ignored, because a session must not fail because of its log.
    pub(super) fn log(&mut self, event: Event) {
        let _ = self.ask(&Question::Log(event));
    }

    /// The present name of a lock's holder.
    pub(super) fn name(&mut self, id: &HolderId) -> Option<String> {
        let HolderId::Account(row) = *id else { return None };
        match self.ask(&Question::Name(row)) {
            Ok(Verdict::Name(name)) => name,
            Ok(_) | Err(_) => None,
        }
    }
}

/// The refusal of a verdict that is not the answer to the question.
fn refused<T>(verdict: Verdict) -> Result<Result<T, Refusal>, Fault> {
    match verdict {
        Verdict::No(sentence) => Ok(Err(Refusal::new(FORBIDDEN, sentence))),
        Verdict::Full(sentence) => Ok(Err(Refusal::new(FULL, sentence))),
        Verdict::Yes | Verdict::Counted | Verdict::Name(_) | Verdict::Failed(_) => {
            Err(format!("no answer: {verdict:?}").into())
        }
    }
}

impl Drop for Authorizer {
    /// Ends the process with the session.
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.process.wait();
    }
}
