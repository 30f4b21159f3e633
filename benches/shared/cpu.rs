//! The processor time of a server and of all that it starts, by a cgroup of its own where this machine has them.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::Outcome;
use super::samples::Samples;

/// Where processor time is counted: version 1, version 2, version 2 beside version 1. Each with the file that says it.
const HIERARCHIES: [(&str, &str); 4] = [
    ("/sys/fs/cgroup/cpuacct", "cpuacct.usage"),
    ("/sys/fs/cgroup/cpu,cpuacct", "cpuacct.usage"),
    ("/sys/fs/cgroup", "cpu.stat"),
    ("/sys/fs/cgroup/unified", "cpu.stat"),
];

/// `/proc/pid/stat` counts in these on every machine that sshd runs on (proc(5), `USER_HZ`), in milliseconds.
const TICK: f64 = 10.0;

/// Reads the processor time of one server.
pub(crate) enum Meter {
    /// All processes that were ever in it.
    Cgroup { directory: PathBuf, file: &'static str },
    /// The listener and what it waited for, in ticks: less than all, as sessions end after their parents.
    Listener(u32),
}

impl Meter {
    /// Makes a cgroup, or does without.
    pub(crate) fn make(name: &str) -> Self {
        for (hierarchy, file) in HIERARCHIES {
            let directory = Path::new(hierarchy).join(format!("hubgate-bench-{}-{name}", std::process::id()));
            if std::fs::create_dir(&directory).is_err() {
                continue;
            }
            // A directory on the tmpfs that holds the hierarchies has no such file.
            if directory.join(file).exists() {
                return Self::Cgroup { directory, file };
            }
            let _ = std::fs::remove_dir(&directory);
        }
        Self::Listener(0)
    }

    /// From here on counts the server with this process id.
    pub(crate) fn enter(&mut self, listener: u32) -> Outcome {
        match self {
            Self::Cgroup { directory, .. } => std::fs::write(directory.join("cgroup.procs"), listener.to_string())?,
            Self::Listener(pid) => *pid = listener,
        }
        Ok(())
    }

    /// What stands for many readings of this meter: ticks are too coarse for a median.
    pub(crate) fn sum_up(&self, readings: &Samples) -> f64 {
        match self {
            Self::Cgroup { .. } => readings.median(),
            Self::Listener(_) => readings.mean(),
        }
    }

    /// What its figures are.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Cgroup { directory, file } => {
                format!("the median, by {} of a cgroup of its own", directory.with_file_name(file).display())
            }
            Self::Listener(_) => "the mean, by the listener's ticks: no cgroup can be made here, and a part of each \
                                  session is missed"
                .to_owned(),
        }
    }

    /// What was used so far, in milliseconds.
    pub(crate) fn milliseconds(&self) -> Outcome<f64> {
        match self {
            Self::Cgroup { directory, file } => {
                let text = std::fs::read_to_string(directory.join(file))?;
                // Either nanoseconds alone, or a line of microseconds among others.
                let (number, unit) = match text.strip_prefix("usage_usec ") {
                    Some(rest) => (rest.lines().next().unwrap_or_default(), 1e-3),
                    None => (text.trim(), 1e-6),
                };
                Ok(number.parse::<f64>()? * unit)
            }
            Self::Listener(pid) => {
                let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
                let (_, fields) = text.rsplit_once(") ").ok_or("no stat of sshd")?;
                let times = fields.split(' ').skip(11).take(4).map(str::parse::<f64>);
                Ok(times.sum::<Result<f64, _>>()? * TICK)
            }
        }
    }

    /// The processes of the server, itself among them.
    pub(crate) fn members(&self) -> Vec<i32> {
        let numbers = |path: &Path| -> Vec<i32> {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
        };
        match self {
            Self::Cgroup { directory, .. } => numbers(&directory.join("cgroup.procs")),
            Self::Listener(pid) => {
                let mut found: Vec<i32> = i32::try_from(*pid).into_iter().collect();
                let mut next = 0;
                while let Some(pid) = found.get(next) {
                    found.extend(numbers(Path::new(&format!("/proc/{pid}/task/{pid}/children"))));
                    next += 1;
                }
                found
            }
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let Self::Cgroup { directory, .. } = self else { return };
        // Busy until the last of its processes is gone for good.
        for _ in 0..50 {
            if std::fs::remove_dir(&*directory).is_ok() {
                return;
            }
            sleep(Duration::from_millis(20));
        }
        println!("{} stays", directory.display());
    }
}
