//! The authorizer: a process beside a sandboxed LFS session, which asks the database again at each step.
//!
//! The session reads the client's bytes, so it has no descriptor of the database, and in the sandbox it can open none. It
//! asks the authorizer over a pipe, one line of JSON each way. The authorizer has the gateway's message, as the session
//! has. It reads no byte of the client, and ends when the pipe closes.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::access::{Access, Identity};
use crate::clock::now;
use crate::db::{self, Reader, ServedRepository};
use crate::lfs::{Fault, HolderId, Refusal};
use crate::message::{self, Status};
use crate::name::RepoPath;
use crate::request::Operation;
use crate::sealed::{DESCRIPTORS, Sealed};
use crate::services::caller::Caller;
use crate::session::admit;

/// The argument with which `services` becomes the authorizer.
pub(in crate::services) const WORD: &str = "lfs-authorizer";
/// The protocol's status for a refusal.
const FORBIDDEN: u16 = 403;

/// A question of the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Question {
    /// Whether the client may go on with the session's operation, on the repository of that row.
    Permit(i64),
    /// Whether the client administers the repository.
    Administer(i64),
    /// The name of the account of that row.
    Name(i64),
}

/// An answer of the authorizer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Verdict {
    Yes,
    /// No, with the text for the client.
    No(String),
    Name(Option<String>),
    /// The database did not answer, with the cause for the log.
    Failed(String),
}

/// Why a step is not permitted.
pub(super) enum Stop {
    Refused(Refusal),
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
        Stop::Refused(Refusal::new(FORBIDDEN, lines.join("\n")))
    };
    let identity =
        session_context.identity.as_ref().map_err(|reason| refused(&message::Refusal::NotAdmitted(reason.clone())))?;
    admit(identity, session_context.repository.as_ref(), access, now())
        .map(|served| (identity.clone(), served.clone()))
        .map_err(|refusal| refused(&refusal))
}

/// Answers the session's questions until the session ends.
pub(in crate::services) fn authorize(caller: &Caller, operation: Operation, path: &RepoPath) -> Status {
    let Ok(reader) = Reader::open(&caller.config.paths.database) else { return Status::Fault };
    let mut output = io::stdout();
    for line in io::stdin().lines() {
        let question = line.ok().and_then(|line| serde_json::from_str(&line).ok());
        let verdict = question.map(|question| verdict(caller, &reader, operation, path, question));
        let answer = verdict.and_then(|verdict| serde_json::to_string(&verdict).ok()).map(|text| text + "\n");
        if answer.is_none_or(|answer| output.write_all(answer.as_bytes()).and_then(|()| output.flush()).is_err()) {
            return Status::Fault;
        }
    }
    Status::Done
}

fn verdict(caller: &Caller, reader: &Reader, operation: Operation, path: &RepoPath, question: Question) -> Verdict {
    let (repository, access) = match question {
        Question::Permit(repository) => (repository, operation.needs()),
        Question::Administer(repository) => (repository, Access::Admin),
        Question::Name(row) => return Verdict::Name(reader.account_name(row)),
    };
    match permitted(caller, reader, access, path) {
        Ok((_, served)) if served.facts.id == repository => Verdict::Yes,
        // The path now belongs to another repository than the session's.
        Ok(_) => Verdict::No("the repository was moved during this session: try again".to_owned()),
        Err(Stop::Refused(refusal)) => Verdict::No(refusal.sentence().to_owned()),
        Err(Stop::Fault(error)) => Verdict::Failed(error.to_string()),
    }
}

/// The session's end of the pipe.
#[derive(Debug)]
pub(super) struct Authorizer {
    process: Child,
    /// Closed before the session waits for the process.
    questions: Option<ChildStdin>,
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
        let (questions, answers) = (process.stdin.take(), process.stdout.take());
        let answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, questions, answers: BufReader::new(answers), repository })
    }

    fn ask(&mut self, question: Question) -> Result<Verdict, Fault> {
        let mut line = serde_json::to_string(&question)? + "\n";
        let questions = self.questions.as_mut().ok_or("the session is over")?;
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

    /// Whether the client may still do what the session is for.
    pub(super) fn permit(&mut self) -> Result<Result<(), Refusal>, Fault> {
        match self.ask(Question::Permit(self.repository))? {
            Verdict::Yes => Ok(Ok(())),
            Verdict::No(sentence) => Ok(Err(Refusal::new(FORBIDDEN, sentence))),
            verdict @ (Verdict::Name(_) | Verdict::Failed(_)) => Err(format!("no answer: {verdict:?}").into()),
        }
    }

    /// Whether the client administers the repository; a fault means no.
    pub(super) fn may_administer(&mut self) -> bool {
        matches!(self.ask(Question::Administer(self.repository)), Ok(Verdict::Yes))
    }

    /// The present name of a lock's holder.
    pub(super) fn name(&mut self, id: &HolderId) -> Option<String> {
        let HolderId::Account(row) = *id else { return None };
        match self.ask(Question::Name(row)) {
            Ok(Verdict::Name(name)) => name,
            Ok(Verdict::Yes | Verdict::No(_) | Verdict::Failed(_)) | Err(_) => None,
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
