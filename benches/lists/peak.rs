//! One run of a program: its time, the most memory that it had, and how much it printed.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Outcome;

/// What a run came to.
pub(crate) struct Peak {
    pub(crate) seconds: f64,
    /// The most memory, in bytes.
    pub(crate) memory: f64,
    /// How much it wrote to standard output.
    pub(crate) bytes: u64,
    pub(crate) status: Option<i32>,
    /// What it wrote to standard error.
    pub(crate) said: String,
}

impl Peak {
    /// Runs the program, and looks at its memory until it has ended.
    pub(crate) fn of(mut run: Command) -> Outcome<Self> {
        run.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut process = run.spawn()?;
        let status = PathBuf::from(format!("/proc/{}/status", process.id()));
        let mut out = process.stdout.take().ok_or("no output")?;
        let mut err = process.stderr.take().ok_or("no output")?;
        let reader = std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        let errors = std::thread::spawn(move || {
            let mut said = String::new();
            err.read_to_string(&mut said).map(|_| said)
        });
        let mut peak: f64 = 0.0;
        let ended = loop {
            if let Some(ended) = process.try_wait()? {
                break ended;
            }
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let kilobytes = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
            peak = kilobytes
                .and_then(|number| number.parse().ok())
                .map_or(peak, |kilobytes: f64| peak.max(kilobytes * 1024.0));
            std::thread::sleep(Duration::from_micros(300));
        };
        let seconds = start.elapsed().as_secs_f64();
        let bytes = reader.join().map_err(|_| "no output")??;
        let said = errors.join().map_err(|_| "no output")??;
        Ok(Self { seconds, memory: peak, bytes, status: ended.code(), said })
    }
}
