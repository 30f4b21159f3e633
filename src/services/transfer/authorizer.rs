//! The authorizer: a process beside a sandboxed LFS session, which asks the database again at each step.
//!
//! The session reads the client's bytes, so it has no descriptor of the database, and in the sandbox it can open none.
//! It asks the authorizer over a pipe, one line of JSON each way. The authorizer also writes the session's log lines,
//! with the session's own fields, and ends a session whose rights do not stand any more. It has the gateway's message,
//! as the session has. It reads no byte of the client, and ends when the pipe closes.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::unistd::{getppid, read, write};
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::clock::now;
use crate::db::Reader;
use crate::lfs::{Fault, HolderId, Refusal, Stored};
use crate::log::{self, Level, Tell};
use crate::message::Status;
use crate::name::RepoPath;
use crate::process::Process;
use crate::request::Operation;
use crate::sealed::{DESCRIPTORS, Sealed};
use crate::services::caller::Caller;
use crate::session::{Record, Watch, quota};
use crate::usage::{self, Part, Reservation};

/// The argument with which `services` becomes the authorizer.
pub(in crate::services) const WORD: &str = "lfs-authorizer";
/// The protocol's statuses for a refusal, and for a full store.
const FORBIDDEN: u16 = 403;
const FULL: u16 = 507;
/// How long the session may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);
/// The most log lines of one session.
const LOGGED_MAX: u32 = 1_000;
/// The longest question, in bytes. A session keeps to it.
const LINE_MAX: usize = 32 * 1024;
/// The most characters of an event's text. The log shows fewer.
const TEXT_MAX: usize = 1_000;

/// An event for the log. The authorizer adds the session's own fields, which the session cannot choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Event {
    /// A step failed, for that cause.
    Fault(String),
    /// The session ended, with these fields.
    Ended { sandbox: String, stored: String, sent: String, refused: String, refusal: String, faults: String },
}

impl Event {
    pub(super) fn fault(cause: &str) -> Self {
        Self::Fault(cause.chars().take(TEXT_MAX).collect())
    }
}

/// A question of the session, about its own repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Question {
    /// Whether the client may go on with the session's operation.
    Permit,
    /// Whether the client administers the repository.
    Administer,
    /// The name of the account of that row.
    Name(i64),
    /// Whether the quotas have room for so many bytes.
    Admit(u64),
    /// The same, and the bytes are reserved until the next answer to `Settle`.
    Reserve(u64),
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

/// Why the authorizer ends without its session.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("cannot use the pipe to the session: {0}")]
    Pipe(Errno),
    #[error("the session's question is malformed: {0}")]
    Question(serde_json::Error),
    #[error("the session's question is longer than {LINE_MAX} bytes")]
    Long,
    #[error("the session does not read its answers")]
    Unread,
}

/// Answers the session's questions until the session ends. Ends the session if its rights do not stand any more, or if
/// it is too old.
pub(in crate::services) fn authorize(caller: &Caller, operation: Operation, path: &RepoPath, row: i64) -> Status {
    let Some(session) = Process::running(getppid()) else { return Status::Fault };
    let record = Record {
        proposes: false,
        sid: caller.sid.clone(),
        process: session,
        since: caller.now,
        activity: operation.into(),
        forced_command: caller.forced_command.clone(),
        proven: caller.proven.clone(),
        address: caller.address.clone(),
        repository: Some((path.clone(), row)),
    };
    let mut answering = Answering {
        caller,
        record,
        row,
        operation,
        watch: Watch::begin(),
        ended_at: None,
        reader: None,
        reserved: None,
        is_uncounted: false,
        logged: 0,
    };
    let served = answering.serve();
    // A session that was killed has not said what it stored.
    answering.note_uncounted();
    match served {
        Ok(()) => Status::Done,
        Err(broken) => {
            // No session runs without its authorizer, which alone could end it.
            let _ = session.signal(Signal::SIGKILL);
            caller.log_fault(&broken.to_string());
            Status::Fault
        }
    }
}

/// The authorizer of one session.
struct Answering<'a> {
    caller: &'a Caller,
    record: Record,
    /// The row of the session's repository.
    row: i64,
    operation: Operation,
    watch: Watch,
    /// When the session got SIGTERM.
    ended_at: Option<Instant>,
    /// Open after a question that the database answered.
    reader: Option<Reader>,
    /// The bytes of the object that the session is storing. If the session ends before it settles them, the next
    /// session measures the repository.
    reserved: Option<Reservation>,
    /// Whether the session stores bytes that no quota counts.
    is_uncounted: bool,
    /// The number of events.
    logged: u32,
}

impl Answering<'_> {
    /// Answers questions. Looks after the session between any two of them, and never waits for the session.
    fn serve(&mut self) -> Result<(), Broken> {
        let (input, output) = (io::stdin(), io::stdout());
        fcntl(&output, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(Broken::Pipe)?;
        let mut bytes = [0; 4096];
        let mut asked = Vec::new();
        loop {
            if let Some(end) = asked.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = asked.drain(..=end).collect();
                let question = serde_json::from_slice(&line).map_err(Broken::Question)?;
                let answer = serde_json::to_string(&self.answer(question)).map_err(Broken::Question)? + "\n";
                // An answer is shorter than the pipe, which is empty if the session has read the answer before.
                if write(&output, answer.as_bytes()) != Ok(answer.len()) {
                    return Err(Broken::Unread);
                }
            } else if asked.len() > LINE_MAX {
                return Err(Broken::Long);
            } else if has_input(&input, self.pause()).map_err(Broken::Pipe)? {
                match read(&input, &mut bytes).map_err(Broken::Pipe)? {
                    0 => return Ok(()),
                    length => asked.extend(bytes.into_iter().take(length)),
                }
            }
            self.look();
        }
    }

    /// How long there is nothing to do.
    fn pause(&self) -> Duration {
        let grace = |ended_at: Instant| (ended_at + GRACE).saturating_duration_since(Instant::now());
        self.ended_at.map_or_else(|| self.watch.pause(&self.caller.config.limits), grace)
    }

    /// Ends the session if it is time.
    fn look(&mut self) {
        let session = self.record.process;
        if let Some(ended_at) = self.ended_at {
            if ended_at.elapsed() >= GRACE {
                let _ = session.signal(Signal::SIGKILL);
            }
        } else if let Some(end) = self.watch.look(&self.caller.config, &self.record) {
            let _ = session.signal(Signal::SIGTERM);
            self.ended_at = Some(Instant::now());
            self.send(Level::Notice, &self.record.line().field("decision", "end").field("reason", end.reason));
        }
    }

    fn answer(&mut self, question: Question) -> Verdict {
        match question {
            Question::Settle { stored, replaced } => self.settle(stored, replaced),
            Question::Abandon => {
                // The next session measures the repository.
                self.note_uncounted();
                self.reserved = None;
                Verdict::Yes
            }
            Question::Log(event) => {
                self.logged = self.logged.saturating_add(1);
                if self.logged <= LOGGED_MAX {
                    self.log(&event);
                }
                Verdict::Yes
            }
            Question::Name(_) | Question::Permit | Question::Administer | Question::Admit(_) | Question::Reserve(_) => {
                let open = || Reader::open(&self.caller.config.paths.database);
                let reader = match self.reader.take().map_or_else(open, Ok) {
                    Ok(reader) => reader,
                    Err(error) => return Verdict::Failed(error.to_string()),
                };
                let verdict = self.verdict(&reader, &question);
                // After a fault, the next question opens the database again.
                self.reader = (!matches!(verdict, Verdict::Failed(_))).then_some(reader);
                verdict
            }
        }
    }

    /// What the database says.
    fn verdict(&mut self, reader: &Reader, question: &Question) -> Verdict {
        let needed = match *question {
            Question::Name(row) => return Verdict::Name(reader.account_name(row)),
            Question::Administer => Access::Admin,
            Question::Permit | Question::Admit(_) | Question::Reserve(_) => self.record.needed(),
            Question::Settle { .. } | Question::Abandon | Question::Log(_) => return Verdict::Yes,
        };
        match reader.ask(|view| self.record.check(view, &self.caller.config, needed, now())) {
            Ok(Ok(_)) => {}
            Ok(Err(end)) => return Verdict::No(end.lines.join("\n")),
            Err(error) => return Verdict::Failed(error.to_string()),
        }
        let counted = match *question {
            Question::Admit(bytes) => self.admit(reader, bytes),
            Question::Reserve(bytes) => self.reserve(reader, bytes),
            Question::Permit if self.operation == Operation::Upload => self.count(reader),
            Question::Permit
            | Question::Administer
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
    fn count(&mut self, reader: &Reader) -> Result<Verdict, quota::Fault> {
        self.is_uncounted = quota::demand(&self.caller.config, reader, self.row)?.is_none();
        self.note_uncounted();
        Ok(if self.is_uncounted { Verdict::Yes } else { Verdict::Counted })
    }

    fn admit(&self, reader: &Reader, bytes: u64) -> Result<Verdict, quota::Fault> {
        let config = &self.caller.config;
        let Some(demand) = quota::demand(config, reader, self.row)? else { return Ok(Verdict::Yes) };
        let room = quota::usage(config)?.check(&demand, bytes)?;
        Ok(room.map_or_else(|full| Verdict::Full(full.to_string()), |()| Verdict::Yes))
    }

    fn reserve(&mut self, reader: &Reader, bytes: u64) -> Result<Verdict, quota::Fault> {
        let config = &self.caller.config;
        let Some(demand) = quota::demand(config, reader, self.row)? else {
            // The quota was removed since the last question.
            self.is_uncounted = true;
            return Ok(Verdict::Yes);
        };
        match quota::usage(config)?.reserve(&demand, Part::Lfs, bytes)? {
            Ok(reservation) => {
                self.reserved = Some(reservation);
                Ok(Verdict::Yes)
            }
            Err(full) => Ok(Verdict::Full(full.to_string())),
        }
    }

    fn settle(&mut self, stored: u64, replaced: u64) -> Verdict {
        // A session that measured while the object was stored has not seen it.
        self.note_uncounted();
        let settled = self.reserved.take().map_or(Ok(()), |reserved| reserved.settle(stored, replaced));
        settled.map_or_else(|error| Verdict::Failed(error.to_string()), |()| Verdict::Yes)
    }

    /// Marks the repository's count as out of date, if no quota counts what the session stores.
    fn note_uncounted(&self) {
        let noted = if self.is_uncounted { usage::forget(&self.caller.config.usage_file(), self.row) } else { Ok(()) };
        // No quota is set, so a fault must not stop the session.
        noted.unwrap_or_else(|fault| self.caller.log_fault(&fault.to_string()));
    }

    fn log(&self, event: &Event) {
        match event {
            Event::Fault(cause) => self.caller.log_fault(cause),
            Event::Ended { sandbox, stored, sent, refused, refusal, faults } => {
                let line = self.caller.line().field("verb", self.record.activity);
                let line = line.field("sandbox", sandbox).field("stored", stored).field("sent", sent);
                let line = line.field("refused", refused).field("refusal", refusal).field("faults", faults);
                self.send(Level::Info, &line);
            }
        }
    }

    fn send(&self, level: Level, line: &log::Line) {
        log::send(&self.caller.config.log.socket, log::PROGRAM, level, line);
    }
}

/// Waits until there is something to read, but not longer than this.
fn has_input(input: &impl AsFd, longest: Duration) -> Result<bool, Errno> {
    // One more millisecond, because poll(2) counts whole ones.
    let timeout = PollTimeout::try_from(longest + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(input.as_fd(), PollFlags::POLLIN)], timeout) {
        Ok(ready) => Ok(ready > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The session's end of the pipe.
#[derive(Debug)]
pub(super) struct Authorizer {
    process: Child,
    /// Closed before the session waits for the process.
    questions: Option<Arc<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Authorizer {
    /// Starts the process, which inherits the gateway's message, for the repository of that row.
    pub(super) fn start(services: &Path, message: Sealed, row: i64) -> io::Result<Self> {
        let mut command = Command::new(services);
        command.arg(WORD).arg(row.to_string()).env(DESCRIPTORS, message.leave_open(None));
        // Standard error is the client's, and sshd ends a session only after every process has closed it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        drop(message);
        let (questions, answers) = (process.stdin.take().map(Arc::new), process.stdout.take());
        let answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, questions, answers: BufReader::new(answers) })
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
        match self.ask(&Question::Permit)? {
            Verdict::Yes => Ok(Ok(false)),
            Verdict::Counted => Ok(Ok(true)),
            verdict => refused(verdict),
        }
    }

    /// Whether the quotas have room for so many bytes.
    pub(super) fn admit(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        self.ask_for_room(&Question::Admit(bytes))
    }

    /// Reserves bytes for an object, if the quotas have room.
    pub(super) fn reserve(&mut self, bytes: u64) -> Result<Result<(), Refusal>, Fault> {
        self.ask_for_room(&Question::Reserve(bytes))
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
        matches!(self.ask(&Question::Administer), Ok(Verdict::Yes))
    }

    /// What a panic of the session calls with its place. It does not wait for the answer, because the process ends.
    pub(super) fn tells_of_panics(&self) -> Option<Tell> {
        // The authorizer ends when the session has closed the pipe, so the panic must not keep it open.
        let questions = Arc::downgrade(self.questions.as_ref()?);
        Some(Box::new(move |cause| {
            let line = serde_json::to_string(&Question::Log(Event::fault(cause))).map(|line| line + "\n");
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
