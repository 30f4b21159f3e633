//! Who decides for a session that is in its box: a process beside it, which asks the database anew at each step.
//!
//! The session reads what peers send, so it keeps no descriptor of the database, and in its box it could open none. It
//! asks over a pipe, a line of JSON each way; the process beside it never sees a byte of the peer's beyond the command
//! that the gateway has read already, and ends with the pipe.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::access::{Access, Identity};
use crate::clock::now;
use crate::db::{Reader, ServedRepository};
use crate::lfs::{Denial, Fault, HolderId};
use crate::message::{Refusal, Status};
use crate::name::RepoPath;
use crate::request::{LfsProgram, Operation, Request};
use crate::services::caller::Caller;
use crate::session::admit;

/// The word by which `services` becomes the process beside.
pub(in crate::services) const WORD: &str = "lfs-adviser";
/// What the protocol calls refused.
const FORBIDDEN: u16 = 403;

/// What a session asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Question {
    /// Whether the peer may go on with what the session is for, on the repository of that row.
    Permit(i64),
    /// Whether the peer administers it.
    Administer(i64),
    /// What the account of that row is called.
    Name(i64),
}

/// What it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Advice {
    Yes,
    /// No, and what the peer reads.
    No(String),
    Name(Option<String>),
    /// Nobody knows, and why: for the log.
    Failed(String),
}

/// Why a step is not permitted.
pub(super) enum Stop {
    Denied(Denial),
    Fault(String),
}

/// Who the session speaks for and the repository, if they have that access to it now.
pub(super) fn permitted(
    caller: &Caller,
    reader: &Reader,
    access: Access,
    path: &RepoPath,
) -> Result<(Identity, ServedRepository), Stop> {
    let standing =
        reader.ask(|view| caller.standing(view, Some(path))).map_err(|error| Stop::Fault(error.to_string()))?;
    let refused = |refusal: &Refusal| {
        let lines = standing.speaker(&caller.config).refusal(refusal).err;
        Stop::Denied(Denial::new(FORBIDDEN, lines.join("\n")))
    };
    let identity = standing.identity.as_ref().map_err(|reason| refused(&Refusal::NotAdmitted(reason.clone())))?;
    admit(identity, standing.repository.as_ref(), access, now())
        .map(|served| (identity.clone(), served.clone()))
        .map_err(|refusal| refused(&refusal))
}

/// The process beside: answers what the session asks until that is gone.
pub(in crate::services) fn advise(caller: &Caller) -> Status {
    let Ok(Request::Lfs(LfsProgram::Transfer, operation, path)) = Request::parse(Some(&caller.command)) else {
        return Status::Fault;
    };
    let Ok(reader) = Reader::open(&caller.config.paths.database) else { return Status::Fault };
    let mut output = io::stdout();
    for line in io::stdin().lines() {
        let question = line.ok().and_then(|line| serde_json::from_str(&line).ok());
        let advice = question.map(|question| advice(caller, &reader, operation, &path, question));
        let told = advice.and_then(|advice| serde_json::to_string(&advice).ok()).map(|text| text + "\n");
        if told.is_none_or(|told| output.write_all(told.as_bytes()).and_then(|()| output.flush()).is_err()) {
            return Status::Fault;
        }
    }
    Status::Done
}

fn advice(caller: &Caller, reader: &Reader, operation: Operation, path: &RepoPath, question: Question) -> Advice {
    let (repository, access) = match question {
        Question::Permit(repository) => (repository, operation.needs()),
        Question::Administer(repository) => (repository, Access::Admin),
        Question::Name(row) => return Advice::Name(reader.account_name(row)),
    };
    match permitted(caller, reader, access, path) {
        Ok((_, served)) if served.facts.id == repository => Advice::Yes,
        // Another repository got the path; the session's is not to be had by it any more.
        Ok(_) => Advice::No("the repository has moved meanwhile: try again".to_owned()),
        Err(Stop::Denied(denial)) => Advice::No(denial.sentence().to_owned()),
        Err(Stop::Fault(cause)) => Advice::Failed(cause),
    }
}

/// The session's end of the pipe.
#[derive(Debug)]
pub(super) struct Adviser {
    process: Child,
    /// Closed before the process is waited for.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    repository: i64,
}

impl Adviser {
    /// Starts the process, for the session that was started with these words, on the repository of that row.
    pub(super) fn start(services: &Path, repository: i64) -> io::Result<Self> {
        let mut command = Command::new(services);
        // The session's own words, behind the one that says which work it is; the environment is handed on.
        command.arg(WORD).args(std::env::args_os().skip(2));
        // Standard error is the client's: whoever holds it keeps sshd's session open.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let (questions, answers) = (process.stdin.take(), process.stdout.take());
        let answers = answers.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self { process, questions, answers: BufReader::new(answers), repository })
    }

    fn ask(&mut self, question: Question) -> Result<Advice, Fault> {
        let mut line = serde_json::to_string(&question)? + "\n";
        let questions = self.questions.as_mut().ok_or("the session is over")?;
        questions.write_all(line.as_bytes())?;
        line.clear();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the process that decides for the session is gone".into());
        }
        match serde_json::from_str(&line)? {
            Advice::Failed(cause) => Err(cause.into()),
            advice => Ok(advice),
        }
    }

    /// Whether the peer may still do what the session is for.
    pub(super) fn permit(&mut self) -> Result<Result<(), Denial>, Fault> {
        match self.ask(Question::Permit(self.repository))? {
            Advice::Yes => Ok(Ok(())),
            Advice::No(sentence) => Ok(Err(Denial::new(FORBIDDEN, sentence))),
            advice @ (Advice::Name(_) | Advice::Failed(_)) => Err(format!("no answer: {advice:?}").into()),
        }
    }

    /// Whether the peer administers the repository; not where nobody knows.
    pub(super) fn may_administer(&mut self) -> bool {
        matches!(self.ask(Question::Administer(self.repository)), Ok(Advice::Yes))
    }

    /// What a holder of locks is called now.
    pub(super) fn name(&mut self, id: &HolderId) -> Option<String> {
        let HolderId::Account(row) = *id else { return None };
        match self.ask(Question::Name(row)) {
            Ok(Advice::Name(name)) => name,
            Ok(Advice::Yes | Advice::No(_) | Advice::Failed(_)) | Err(_) => None,
        }
    }
}

impl Drop for Adviser {
    /// Ends the process with the session.
    fn drop(&mut self) {
        self.questions = None;
        let _ = self.process.wait();
    }
}
