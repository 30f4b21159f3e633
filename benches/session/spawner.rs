//! Starts programs as an account without privileges, and times them: a copy of this bench that became that account.
//!
//! Not `Command::uid` for each program: with it the standard library forks, which costs by the parent's memory; without
//! it spawning shares the parent's, and what is timed is the program.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

use super::Outcome;
use super::accounts::Ids;
use super::place::Place;

/// The word on the command line that makes this program a spawner.
pub(crate) const WORD: &str = "--spawner";

/// A program to start, from an environment made from nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    /// The status that it must end with.
    status: i32,
}

impl Job {
    pub(crate) fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), arguments: Vec::new(), environment: Vec::new(), status: 0 }
    }

    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&word| word.to_owned()));
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn status(mut self, status: i32) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn expected_status(&self) -> i32 {
        self.status
    }

    /// The program behind the words of `before`, as in `valgrind …`.
    pub(crate) fn behind(&self, before: &[&str]) -> Command {
        let own = [self.program.as_os_str()];
        let mut words = before.iter().map(std::ffi::OsStr::new).chain(own);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).args(&self.arguments).env_clear().envs(self.environment.iter().cloned());
        command.current_dir("/").stdin(Stdio::null());
        command
    }
}

/// What became of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ran {
    /// From before the start until it was gone.
    pub(crate) microseconds: f64,
    /// Pages that the kernel mapped for it without reading a disk.
    pub(crate) faults: u32,
    status: Option<i32>,
    /// What it wrote, where that was asked for.
    said: String,
}

/// A running spawner. It ends when dropped.
pub(crate) struct Spawner {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Spawner {
    /// Starts one as `ids`, from a copy of this program that everybody may run.
    pub(crate) fn start(place: &Place, ids: Ids) -> Outcome<Self> {
        let program = place.path("spawner");
        if !program.exists() {
            std::fs::copy(std::env::current_exe()?, &program)?;
        }
        let mut command = Command::new(program);
        command.arg(WORD).env_clear().current_dir("/").uid(ids.uid).gid(ids.gid);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let requests = child.stdin.take().ok_or("no pipe to the spawner")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe from the spawner")?);
        Ok(Self { child, requests, answers })
    }

    /// Times a job.
    pub(crate) fn time(&mut self, job: &Job) -> Outcome<Ran> {
        self.ask(job, false)
    }

    /// Runs a job and fails unless it says what it must: nothing here may be fast because it is wrong.
    pub(crate) fn check(&mut self, job: &Job, expected: &str) -> Outcome {
        let ran = self.ask(job, true)?;
        if ran.said.contains(expected) {
            return Ok(());
        }
        Err(format!("{job:?} said {:?}, not {expected:?}", ran.said).into())
    }

    fn ask(&mut self, job: &Job, shown: bool) -> Outcome<Ran> {
        writeln!(self.requests, "{}", serde_json::to_string(&(job, shown))?)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let ran: Ran = serde_json::from_str(&answer).map_err(|_| format!("no answer from the spawner: {answer}"))?;
        if ran.status == Some(job.status) { Ok(ran) } else { Err(format!("{job:?} came to {ran:?}").into()) }
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs one job a line of standard input, until its end.
pub(crate) fn serve() -> Outcome {
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let (job, shown): (Job, bool) = serde_json::from_str(&line?)?;
        let ran = if shown { show(&job)? } else { time(&job)? };
        writeln!(answers, "{}", serde_json::to_string(&ran)?)?;
        answers.flush()?;
    }
    Ok(())
}

fn show(job: &Job) -> Outcome<Ran> {
    let output = job.behind(&[]).output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok(Ran { microseconds: 0.0, faults: 0, status: output.status.code(), said })
}

fn time(job: &Job) -> Outcome<Ran> {
    let mut command = job.behind(&[]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let faults_before = getrusage(UsageWho::RUSAGE_CHILDREN)?.minor_page_faults();
    let start = Instant::now();
    let status = command.status()?;
    let microseconds = start.elapsed().as_secs_f64() * 1e6;
    let faults = getrusage(UsageWho::RUSAGE_CHILDREN)?.minor_page_faults() - faults_before;
    Ok(Ran { microseconds, faults: faults.try_into()?, status: status.code(), said: String::new() })
}
