//! Instructions in user space, counted by valgrind: the one figure that repeats to the thousandth on any load.

use std::os::unix::process::CommandExt;

use super::Outcome;
use super::accounts::Ids;
use super::interrupt;
use super::spawner::Job;

/// The helper gives itself two seconds; under valgrind on a busy machine that may not do.
const TRIES: u32 = 3;

/// How many instructions a job takes as `ids`; `None` where there is no valgrind.
pub(crate) fn count(job: &Job, ids: Ids) -> Outcome<Option<u64>> {
    for _ in 0..TRIES {
        interrupt::check()?;
        let mut command = job.behind(&["/usr/bin/valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        let output = match command.uid(ids.uid).gid(ids.gid).output() {
            Ok(output) => output,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        // "==PID== Collected : N"
        let text = String::from_utf8_lossy(&output.stderr);
        let count = text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
        if output.status.code() == Some(job.expected_status()) && count.is_some() {
            return Ok(count);
        }
    }
    Ok(None)
}

/// As it stands in a table, in thousands.
pub(crate) fn thousands(count: Option<u64>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| format!("{}k", (count + 500) / 1000))
}
