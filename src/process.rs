//! Processes: a child by fork, and signals that reach only the process for which they are meant.
//!
//! A process is named by its number and its start time, because a later process may get the same number.

use std::ffi::CStr;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::str::FromStr;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::unistd::{ForkResult, Pid, getpid};

/// A process, by its number and its start time in clock ticks since the boot.
///
/// Holding one tells you that the process existed. It does not tell you that the process still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    pid: i32,
    started: u64,
}

/// The name of a gateway that guards git, in a list of processes.
pub const GUARD: &CStr = c"hubgate-guard";

/// The text is not a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a process")]
pub struct NoProcess;

impl Process {
    /// The calling process; `None` if `/proc` does not show it.
    #[must_use]
    pub fn own() -> Option<Self> {
        Self::running(getpid())
    }

    /// The running process with this number.
    #[must_use]
    pub fn running(pid: Pid) -> Option<Self> {
        let (state, started) = stat(pid)?;
        (state != 'Z' && state != 'X').then_some(Self { pid: pid.as_raw(), started })
    }

    /// The number.
    #[must_use]
    pub fn pid(self) -> Pid {
        Pid::from_raw(self.pid)
    }

    /// Whether the process runs. A process that has ended and was not waited for does not run.
    #[must_use]
    pub fn is_running(self) -> bool {
        Self::running(self.pid()) == Some(self)
    }

    /// Sends a signal. If the process has ended, does nothing and returns `false`.
    #[must_use]
    pub fn signal(self, signal: Signal) -> bool {
        // The descriptor stays with one process, so the check that follows is about the process that gets the signal.
        match open(self.pid()) {
            Ok(process) => self.is_running() && send(&process, signal).is_ok(),
            // Linux before 5.3.
            Err(Errno::ENOSYS) => self.is_running() && nix::sys::signal::kill(self.pid(), signal).is_ok(),
            Err(_) => false,
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started)
    }
}

impl FromStr for Process {
    type Err = NoProcess;

    fn from_str(text: &str) -> Result<Self, NoProcess> {
        let (pid, started) = text.split_once(' ').ok_or(NoProcess)?;
        let pid = pid.parse().ok().filter(|pid| *pid > 1).ok_or(NoProcess)?;
        Ok(Self { pid, started: started.parse().map_err(|_| NoProcess)? })
    }
}

/// A process's state and start time.
fn stat(pid: Pid) -> Option<(char, u64)> {
    let fields = fields(pid)?;
    let mut fields = fields.split(' ');
    // The start time is field 22 (proc(5)).
    Some((fields.next()?.chars().next()?, fields.nth(18)?.parse().ok()?))
}

/// What the kernel says about a process, from its state on (proc(5), `/proc/pid/stat`).
fn fields(pid: Pid) -> Option<String> {
    let mut text = [0; 512];
    let length = File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read(&mut text)).ok()?;
    // The name before it may contain anything, even blanks and brackets.
    Some(String::from_utf8_lossy(text.get(..length)?).rsplit_once(") ")?.1.to_owned())
}

/// The bytes that a process and its children have read and written so far, whether to files, pipes or sockets; `None`
/// if the kernel does not show them.
#[must_use]
pub fn bytes_moved(pid: Pid) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/io")).ok()?;
    let number = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse::<u64>().ok());
    let own = number("rchar:")?.wrapping_add(number("wchar:")?);
    // A child that ends in between was at work.
    Some(children(pid)?.into_iter().filter_map(bytes_moved).fold(own, u64::wrapping_add))
}

/// Whether a process is a copy of the gateway that its guard has started, and that has not become git yet.
#[must_use]
pub fn becomes_git(pid: Pid) -> bool {
    let parent = fields(pid).and_then(|fields| fields.split(' ').nth(1)?.parse::<i32>().ok());
    let name = parent.and_then(|parent| std::fs::read(format!("/proc/{parent}/comm")).ok());
    name.is_some_and(|name| name.strip_suffix(b"\n") == Some(GUARD.to_bytes()))
}

/// The children of a process with one thread; `None` if the kernel does not show them.
#[must_use]
pub fn children(pid: Pid) -> Option<Vec<Pid>> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    Some(text.split_whitespace().filter_map(|child| child.parse().ok()).map(Pid::from_raw).collect())
}

/// Starts a copy of the calling process.
///
/// # Errors
/// The kernel's: too many processes, or no memory.
#[expect(unsafe_code, reason = "no crate has a safe fork")]
pub fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the small programs have one thread, so the child finds no lock that another thread holds.
    unsafe { nix::unistd::fork() }
}

/// Blocks signals, so that a process can read them from a descriptor.
///
/// # Errors
/// Not expected.
pub fn block(signals: &SigSet) -> nix::Result<()> {
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(signals), None)
}

/// Ends the effect of [`block`].
///
/// # Errors
/// Not expected.
pub fn unblock(signals: &SigSet) -> nix::Result<()> {
    sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(signals), None)
}

#[expect(unsafe_code, reason = "no crate has pidfd_open")]
fn open(pid: Pid) -> nix::Result<OwnedFd> {
    // SAFETY: two numbers go in; the result is a new descriptor, which nothing else knows.
    unsafe {
        let descriptor = Errno::result(libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0))?;
        Ok(OwnedFd::from_raw_fd(i32::try_from(descriptor).map_err(|_| Errno::EBADF)?))
    }
}

#[expect(unsafe_code, reason = "no crate has pidfd_send_signal")]
fn send(process: &OwnedFd, signal: Signal) -> nix::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: numbers go in, and a null pointer, which the kernel reads as no more information.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal as i32, none, 0) };
    Errno::result(sent).map(drop)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> (Child, Process) {
        let child = Command::new("/bin/sleep").arg("600").spawn().unwrap();
        let process = Process::running(Pid::from_raw(child.id().try_into().unwrap())).unwrap();
        (child, process)
    }

    #[test]
    fn a_signal_reaches_a_process_only_while_its_start_time_is_the_same() {
        let (mut child, process) = sleeper();
        let earlier = Process { started: process.started - 1, ..process };
        assert!(!earlier.is_running() && !earlier.signal(Signal::SIGKILL), "an earlier process of this number");
        assert!(process.is_running() && child.try_wait().unwrap().is_none());
        assert!(process.signal(Signal::SIGTERM));
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::SIGTERM as i32));
        assert!(!process.is_running() && !process.signal(Signal::SIGTERM));
    }

    #[test]
    fn a_process_reads_back_as_it_was_written_and_a_number_alone_is_none() {
        let own = Process::own().unwrap();
        assert_eq!(own.to_string().parse(), Ok(own));
        for text in ["", "1", "1 1", "0 1", "-7 1", "7", "7 x", "x 7", "7 7 7"] {
            assert_eq!(text.parse::<Process>(), Err(NoProcess), "{text}");
        }
    }

    #[test]
    fn what_a_child_moves_counts_for_its_parent() {
        let own = getpid();
        let before = bytes_moved(own).unwrap();
        let (mut child, process) = sleeper();
        assert!(bytes_moved(process.pid()).is_some());
        assert!(bytes_moved(own).unwrap() > before);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(bytes_moved(process.pid()), None);
    }
}
