//! The operator's own checks of a push: programs that run while the pushed objects are in quarantine.
//!
//! The hook starts `services` once for each check. That process puts itself into a sandbox within git's, and becomes
//! the check. There the check reads the repository with the quarantine, the directory of checks, and the system's
//! programs and libraries. It writes an empty directory that is removed after it. It has no network, no connection to
//! the guard, and no descriptor but the first three.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::updates::Update;
use crate::child::{self, Limits, Terminal};
use crate::message::{Answer, Status};
use crate::push::{OperatorChecks, PushContext};
use crate::sandbox::{self, Plan};
use crate::sealed::{self, DESCRIPTORS, Sealed};

/// The word by which the hook starts `services` as a check.
pub(in crate::services) const CHECK: &str = "check";

/// The most bytes that a check may print.
const OUTPUT: u64 = 64 * 1024;
/// The most lines of one check that the client reads.
const SHOWN: usize = 100;

/// Why a check did not decide.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the check {0} cannot run: {1}")]
    Run(String, io::Error),
    #[error("the check {0} ended with {1}, which is neither 0 nor 1: {2}")]
    Status(String, String, String),
}

/// What checks of a push said.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What the client reads.
    pub(super) lines: Vec<String>,
    /// The reason for the log, if a check refused the push.
    pub(super) refusal: Option<String>,
}

impl Outcome {
    /// A refusal, if there are problems.
    pub(super) fn of(problems: Vec<String>) -> Self {
        Self { refusal: problems.first().cloned(), lines: problems }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.refusal = self.refusal.take().or(other.refusal);
    }
}

/// Runs all checks, so that a client reads all reasons at once.
pub(super) fn run(context: &PushContext, message: &Sealed, updates: &[Update]) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    let Some(checks) = &context.operator_checks else { return Ok(outcome) };
    for name in &checks.names {
        let run = |error| Error::Run(name.clone(), error);
        // A push that only deletes has no quarantine. `repo gc` removes what a killed hook leaves by this name.
        let place = std::env::current_dir().map_err(run)?.join(format!("objects/tmp_objdir-check-{}", context.sid));
        std::fs::create_dir(&place).map_err(run)?;
        let answer = ask(context, checks, message, name, updates, &place);
        std::fs::remove_dir_all(&place).map_err(run)?;
        outcome.add(answer?);
    }
    Ok(outcome)
}

/// Runs one check.
fn ask(
    context: &PushContext,
    checks: &OperatorChecks,
    message: &Sealed,
    name: &str,
    updates: &[Update],
    scratch: &Path,
) -> Result<Outcome, Error> {
    let run = |error| Error::Run(name.to_owned(), error);
    let mut command = Command::new(std::env::current_exe().map_err(run)?);
    command.args([CHECK, name]);
    // git's trace is for the guard.
    for variable in ["GIT_TRACE2_EVENT", "GIT_TRACE2_EVENT_BRIEF"] {
        command.env_remove(variable);
    }
    command.env(DESCRIPTORS, message.leave_open(None)).env("TMPDIR", scratch).env("HOME", scratch);
    command.env("HUBGATE_USER", &checks.user).env("HUBGATE_KEY", &checks.key);
    command.env("HUBGATE_REPO", &checks.repository).env("HUBGATE_SID", &context.sid);
    let lines = updates.iter().flat_map(|Update { old, new, name }| {
        [old.as_bytes(), b" ", new.as_bytes(), b" ", name.as_slice(), b"\n"].concat()
    });
    let limits =
        Limits { time: Duration::from_secs(checks.seconds.into()), output: OUTPUT, terminal: Terminal::Closed };
    let ended = child::output_for(&mut command, limits, &lines.collect::<Vec<u8>>()).map_err(run)?;
    let printed = String::from_utf8_lossy(&ended.read);
    let said: Vec<&str> = printed.lines().chain(ended.said.lines()).collect();
    let shown = said.iter().take(SHOWN).map(|line| format!("{name}: {line}"));
    match ended.status.code() {
        Some(0) => Ok(Outcome { lines: shown.collect(), refusal: None }),
        Some(1) if said.is_empty() => Ok(Outcome::of(vec![format!("{name}: this push is refused")])),
        Some(1) => Ok(Outcome::of(shown.collect())),
        code => {
            let by_signal = || format!("signal {}", ended.status.signal().unwrap_or_default());
            let how = code.map_or_else(by_signal, |code| format!("status {code}"));
            let last = said.last().map_or("it said nothing", |line| *line).to_owned();
            Err(Error::Status(name.to_owned(), how, last))
        }
    }
}

/// Becomes a check in its sandbox. Returns only if that fails; the hook then refuses the push.
pub(in crate::services) fn become_check(name: &str) -> Answer {
    let error = enter(name).map_or_else(|error| error.to_string(), |error| error.to_string());
    Answer { out: String::new(), err: vec![error], status: Status::Fault }
}

/// Returns why the check cannot become this process.
fn enter(name: &str) -> Result<io::Error, Box<dyn std::error::Error>> {
    let (message, _) = sealed::receive()?;
    let context: PushContext = message.read()?.parse()?;
    let checks = context.operator_checks.filter(|checks| checks.names.iter().any(|check| check == name));
    let checks = checks.ok_or("the gateway named no such check")?;
    let scratch = File::open(std::env::var_os("TMPDIR").ok_or("TMPDIR is not set")?)?;
    let (repository, directory) = (File::open(".")?, File::open(&checks.directory)?);
    let program = checks.directory.join(name);
    let memory = (checks.memory > 0).then_some(checks.memory);
    let (reads, programs) = ([directory.as_fd()], [program.as_path(), &context.git]);
    let limits = Plan { file_size_limit: memory, memory_limit: memory, ..Plan::check(&programs, scratch.as_fd()) };
    let plan = Plan { reads: &reads, ..limits };
    sandbox::enter(checks.sandbox, repository.as_fd(), &plan)?;
    Ok(Command::new(&program).env_remove(DESCRIPTORS).exec())
}
