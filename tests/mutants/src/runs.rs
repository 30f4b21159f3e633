//! Runs of the suites: which tests reach which mutants, and whether a test fails on a mutant.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::list::Mutant;
use crate::tree::{NOTE, NOTES, Programs};

/// What one test took, and the mutants that it reaches.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reach {
    pub(crate) millis: u64,
    pub(crate) ids: Vec<u32>,
}

/// A suite: `unit`, `e2e`, `sandbox`, `exchanges` or `crash`.
#[derive(Clone, Copy)]
pub(crate) struct Suite<'a> {
    pub(crate) work: &'a Path,
    pub(crate) name: &'a str,
}

/// How a mutant ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Caught(String),
    TimedOut,
    Survived,
}

impl Suite<'_> {
    fn programs(self) -> Result<Programs, String> {
        let suite = format!("suites/{}", self.name);
        let names = ["programs", suite.as_str()];
        Programs::read(self.work, if self.name == "unit" { &names[1..] } else { &names })
    }

    fn command(self) -> Command {
        let mut command = Command::new(self.work.join("suites").join(self.name));
        command.current_dir(self.work.join("tree")).env("HUBGATE_PROGRAMS", self.work.join("programs"));
        command.env("CARGO_MANIFEST_DIR", self.work.join("tree")).stdin(Stdio::null()).process_group(0);
        command
    }

    fn names(self) -> Result<Vec<String>, String> {
        let mut command = self.command();
        let output = command.args(["--list", "--format", "terse"]).output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    fn reach_file(self) -> std::path::PathBuf {
        self.work.join(format!("reach-{}.json", self.name))
    }

    /// The tests with what they reach, from a file of an earlier run if there is one.
    pub(crate) fn reach(self, filter: &str) -> Result<BTreeMap<String, Reach>, String> {
        if let Ok(text) = fs::read(self.reach_file()) {
            return serde_json::from_slice(&text).map_err(|error| error.to_string());
        }
        let mut reach = BTreeMap::new();
        // Patterns, as grep -e has them, in a file or as they are.
        let wanted = fs::read_to_string(filter).unwrap_or_else(|_| filter.to_owned());
        let is_wanted = |name: &String| wanted.is_empty() || wanted.lines().any(|part| name.contains(part));
        let names: Vec<String> = self.names()?.into_iter().filter(is_wanted).collect();
        if names.is_empty() {
            return Err(format!("{}: no tests", self.name));
        }
        self.programs()?.set(NOTE)?;
        self.notes();
        if self.name == "e2e" {
            // One process, one test at a time: what is noted when a test ends is that test's.
            let mut began = Instant::now();
            self.watch(&names, 1, Duration::from_secs(7200), |name, _| {
                reach.insert(name.to_owned(), Reach { millis: millis(began), ids: self.notes() });
                self.keep(&reach);
                began = Instant::now();
                true
            })?;
        } else {
            for name in names {
                let began = Instant::now();
                self.watch(std::slice::from_ref(&name), 1, Duration::from_secs(120), |_, _| true)?;
                reach.insert(name, Reach { millis: millis(began), ids: self.notes() });
            }
        }
        self.programs()?.set(0)?;
        self.keep(&reach);
        Ok(reach)
    }

    fn keep(self, reach: &BTreeMap<String, Reach>) {
        let text = serde_json::to_vec(reach).unwrap_or_default();
        if let Err(error) = fs::write(self.reach_file(), text) {
            eprintln!("mutants: {}: {error}", self.reach_file().display());
        }
    }

    /// Takes the notes and empties them.
    fn notes(self) -> Vec<u32> {
        let file = self.work.join(NOTES);
        let bytes = fs::read(&file).unwrap_or_default();
        let _ = OpenOptions::new().write(true).open(&file).and_then(|mut file| file.write_all(&vec![0; bytes.len()]));
        (0..).zip(bytes).filter(|(_, byte)| *byte != 0).map(|(id, _)| id).collect()
    }

    /// Runs tests. Calls back for each that ends with its name and whether it failed, until that returns false.
    /// Returns whether time ran out.
    fn watch(
        self,
        names: &[String],
        threads: u32,
        most: Duration,
        mut ended: impl FnMut(&str, bool) -> bool,
    ) -> Result<bool, String> {
        if matches!(self.name, "unit" | "e2e") {
            return self.watch_at_once(names, threads, most, ended);
        }
        // The other suites run one test or all.
        let end = Instant::now() + most;
        let mut goes_on = true;
        for name in names {
            let left = end.saturating_duration_since(Instant::now());
            let timed_out = self.watch_at_once(std::slice::from_ref(name), threads, left, |name, failed| {
                goes_on = ended(name, failed);
                goes_on
            })?;
            if timed_out || !goes_on {
                return Ok(timed_out);
            }
        }
        Ok(false)
    }

    fn watch_at_once(
        self,
        names: &[String],
        threads: u32,
        most: Duration,
        mut ended: impl FnMut(&str, bool) -> bool,
    ) -> Result<bool, String> {
        let mut command = self.command();
        command.args(["--test-threads", &threads.to_string()]).stdout(Stdio::piped()).stderr(Stdio::null());
        if self.name == "e2e" {
            let file = self.work.join("trials");
            fs::write(&file, names.join("\n")).map_err(|error| error.to_string())?;
            command.env("HUBGATE_TRIALS", file);
        } else {
            command.args(["--exact", "--include-ignored"]).args(names);
        }
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", self.name))?;
        let (sender, lines) = mpsc::channel();
        let stdout = child.stdout.take().ok_or("no output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    break;
                }
            }
        });
        let end = Instant::now() + most;
        let mut count = 0;
        loop {
            match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let Some((name, result)) = line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... "))
                    else {
                        continue;
                    };
                    count += 1;
                    if !ended(name.trim(), result.starts_with("FAILED")) {
                        stop(&mut child);
                        return Ok(false);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    stop(&mut child);
                    return Ok(true);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            }
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        // Such as an abort, of which no line tells.
        if !status.success() || count == 0 {
            ended("(the suite ended)", true);
        }
        Ok(false)
    }

    /// Runs these tests on a mutant, the quickest first.
    fn verdict(self, names: &[String], millis: u64, threads: u32) -> Result<Verdict, String> {
        let most = Duration::from_millis(millis * 6) + Duration::from_secs(if self.name == "unit" { 20 } else { 90 });
        let mut caught = None;
        let timed_out = self.watch(names, threads, most, |name, failed| {
            if failed {
                caught = Some(name.to_owned());
            }
            !failed
        })?;
        Ok(match caught {
            Some(by) => Verdict::Caught(by),
            None if timed_out => Verdict::TimedOut,
            None => Verdict::Survived,
        })
    }

    /// Runs each mutant that no suite has caught. Appends a line for each to `verdicts`, which it also reads.
    pub(crate) fn run(self, mutants: &[&Mutant], filter: &str, most: usize, threads: u32) -> Result<(), String> {
        let reach = self.reach(filter)?;
        let mut by_mutant: HashMap<u32, Vec<(u64, &String)>> = HashMap::new();
        for (name, reach) in &reach {
            for id in &reach.ids {
                by_mutant.entry(*id).or_default().push((reach.millis, name));
            }
        }
        let mut programs = self.programs()?;
        let file = self.work.join("verdicts");
        let mut verdicts = File::options().create(true).append(true).open(&file).map_err(|error| error.to_string())?;
        for mutant in mutants {
            let mut tests = by_mutant.remove(&mutant.id).unwrap_or_default();
            // Programs that note enter no sandbox, so nothing is known of its code.
            if self.name == "sandbox" && mutant.file.starts_with("src/sandbox") {
                tests = reach.iter().map(|(name, reach)| (reach.millis, name)).collect();
            }
            tests.sort_unstable();
            let count = tests.len();
            tests.truncate(most);
            let (mut names, mut millis) = (vec![], 0);
            for (time, name) in tests {
                names.push(name.clone());
                millis += time;
            }
            let began = Instant::now();
            let verdict = if names.is_empty() {
                "unreached".to_owned()
            } else {
                programs.set(mutant.id)?;
                match self.verdict(&names, millis, threads)? {
                    Verdict::Caught(by) => format!("caught\t{by}"),
                    Verdict::TimedOut => "timeout".to_owned(),
                    Verdict::Survived => format!("survived\t{} of {count}", names.len()),
                }
            };
            let took = began.elapsed().as_millis();
            writeln!(verdicts, "{}\t{}\t{took}\t{verdict}", mutant.name, self.name)
                .map_err(|error| error.to_string())?;
        }
        programs.set(0)
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Ends a suite: it may clean up, then it is killed with its children.
fn stop(child: &mut Child) {
    let group = format!("-{}", child.id());
    let signal =
        |name: &str, to: &str| drop(Command::new("kill").args([name, "--", to]).stderr(Stdio::null()).status());
    signal("-TERM", &child.id().to_string());
    for _ in 0..300 {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    signal("-KILL", &group);
    let _ = child.wait();
}
