//! Things that are done over and over, in a shuffled order, and what they cost.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use super::Outcome;
use super::interrupt;
use super::samples::{Random, Samples, print_table, ratio};
use super::sshd::Server;

/// What is to be true before a run, or after it.
pub(crate) type Step<'a> = Box<dyn Fn() -> Outcome + 'a>;

/// One of the things.
pub(crate) struct Run<'a> {
    pub(crate) name: String,
    /// The run whose time is its floor.
    pub(crate) floor: String,
    pub(crate) command: Command,
    pub(crate) stdin: Option<PathBuf>,
    pub(crate) server: Option<&'a Server>,
    pub(crate) before: Step<'a>,
    pub(crate) after: Step<'a>,
    wall: Samples,
    client: Samples,
    served: Samples,
}

impl<'a> Run<'a> {
    pub(crate) fn new(name: &str, floor: &str, command: Command) -> Self {
        Self {
            name: name.to_owned(),
            floor: floor.to_owned(),
            command,
            stdin: None,
            server: None,
            before: Box::new(|| Ok(())),
            after: Box::new(|| Ok(())),
            wall: Samples::default(),
            client: Samples::default(),
            served: Samples::default(),
        }
    }

    pub(crate) fn reading(self, file: PathBuf) -> Self {
        Self { stdin: Some(file), ..self }
    }

    pub(crate) fn at(self, server: &'a Server) -> Self {
        Self { server: Some(server), ..self }
    }

    pub(crate) fn before(self, step: impl Fn() -> Outcome + 'a) -> Self {
        Self { before: Box::new(step), ..self }
    }

    pub(crate) fn after(self, step: impl Fn() -> Outcome + 'a) -> Self {
        Self { after: Box::new(step), ..self }
    }

    /// Seconds of wall time, of the client's processor, of the server's.
    pub(crate) fn once(&mut self) -> Outcome<(f64, f64, f64)> {
        (self.before)()?;
        let served = || self.server.map_or(Ok(0.0), |server| server.meter.milliseconds());
        let (before, used) = (served()?, children()?);
        let stdin = match &self.stdin {
            Some(file) => Stdio::from(File::open(file)?),
            None => Stdio::null(),
        };
        let start = Instant::now();
        let output = self.command.stdin(stdin).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
        let wall = start.elapsed().as_secs_f64();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(format!("{}: {}: {}", self.name, output.status, said.trim()).into());
        }
        let client = children()? - used;
        if let Some(server) = self.server {
            server.settle()?;
        }
        let served = (served()? - before) / 1e3;
        (self.after)()?;
        Ok((wall, client, served))
    }
}

/// The processor time of all children that have ended and were waited for.
fn children() -> Outcome<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| {
        let (whole, rest) = (i32::try_from(time.tv_sec()), i32::try_from(time.tv_usec()));
        f64::from(whole.unwrap_or_default()) + f64::from(rest.unwrap_or_default()) / 1e6
    };
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// Does everything so many times.
pub(crate) fn measure(runs: &mut [Run<'_>], rounds: usize) -> Outcome {
    let mut random = Random(5);
    let mut order: Vec<usize> = (0..runs.len()).collect();
    // The first round warms up what can be.
    for round in 0..=rounds {
        random.shuffle(&mut order);
        for number in &order {
            interrupt::check()?;
            let Some(run) = runs.get_mut(*number) else { continue };
            let (wall, client, served) = run.once()?;
            if round > 0 || rounds == 1 {
                run.wall.push(wall);
                run.client.push(client);
                run.served.push(served);
            }
        }
    }
    Ok(())
}

/// Prints what came of it.
pub(crate) fn print(title: &str, runs: &[Run<'_>], unit: (&str, f64)) {
    let has_server = runs.iter().any(|run| run.server.is_some());
    let row = |run: &Run<'_>| {
        let floor = runs.iter().find(|other| other.name == run.floor).unwrap_or(run);
        let scaled = |samples: &Samples| format!("{:.2}", samples.median() * unit.1);
        let mut cells = vec![run.name.clone(), scaled(&run.wall), ratio(run.wall.median(), floor.wall.median())];
        cells.push(scaled(&run.client));
        if has_server {
            cells.push(scaled(&run.served));
        }
        cells
    };
    let (wall, client, served) =
        (format!("wall {}", unit.0), format!("its CPU {}", unit.0), format!("server CPU {}", unit.0));
    let head = ["", &wall, "x floor", &client, &served];
    let head = head.get(..if has_server { 5 } else { 4 }).unwrap_or_default();
    let rounds = runs.first().map_or(0, |run| run.wall.len());
    print_table(&format!("{title} ({rounds} runs each)"), head, &runs.iter().map(row).collect::<Vec<_>>());
}
