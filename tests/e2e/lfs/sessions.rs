//! The hub's processes that transfer LFS objects, found in `/proc`.

use std::fs;
use std::time::Duration;

use nix::unistd::Pid;

use crate::harness::{Hub, wait_for};

/// The sessions that transfer objects, without sshd's processes and the authorizers.
pub(super) fn sessions(hub: &Hub) -> Vec<Pid> {
    let transfers = |pid: &Pid| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        words.split(|byte| *byte == 0).nth(1) == Some(b"lfs-transfer")
    };
    hub.processes().into_iter().filter(transfers).collect()
}

/// Waits until sshd has no session of any kind.
#[track_caller]
pub(super) fn all_have_ended(hub: &Hub) {
    wait_for(|| {
        let left = hub.processes();
        let words = left.iter().map(|pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default());
        if left.len() <= 1 { Ok(()) } else { Err(words.collect::<Vec<_>>().join("\n")) }
    });
}

/// Whether a process has an object open that it receives or sends.
fn is_in_the_middle(session: Pid) -> bool {
    let entries = fs::read_dir(format!("/proc/{session}/fd")).into_iter().flatten().flatten();
    let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.map(|link| link.to_string_lossy().into_owned()).any(|link| {
        link.contains("/lfs/incomplete/#")
            || link.contains("/lfs/objects/") && link.rsplit('/').next().is_some_and(|name| name.len() == 64)
    })
}

/// Waits for a session that is in the middle of an object. The connection must be held there.
#[track_caller]
pub(super) fn in_the_middle(hub: &Hub) -> Pid {
    wait_for(|| sessions(hub).into_iter().find(|pid| is_in_the_middle(*pid)).ok_or("no session came to an object"))
}

/// The peak memory of a process so far, in bytes; `None` after its end.
pub(super) fn peak(process: Pid) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

/// The peak memory of any session of the hub while `work` runs, in bytes.
pub(super) fn peak_memory(hub: &Hub, work: impl FnOnce() + Send) -> u64 {
    std::thread::scope(|scope| {
        let work = scope.spawn(work);
        let mut most = 0;
        while !work.is_finished() {
            most = sessions(hub).into_iter().filter_map(peak).chain([most]).max().unwrap_or_default();
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(work.join().is_ok(), "the work failed");
        most
    })
}
