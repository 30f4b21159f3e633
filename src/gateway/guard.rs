//! The guard: what the gateway stays when git serves, outside git's sandbox.
//!
//! It ends git when the session's rights do not stand any more, when the session moves no byte for too long, and when
//! it is too old. It answers the push hook whether the rights stand at the moment at which refs move. It writes the
//! push's lines to the log, with the session's own fields. git and the hook have no descriptor but one end of a socket
//! to it.
//!
//! git cannot outlive its guard, because the kernel ends git with it. The guard outlives no git, and ends what git
//! leaves.

mod hook;

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_name, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, alarm, getpid, getppid, setpgid};

use super::trace::{Trace, Traced};
use super::{Fault, say};
use crate::config::{Config, Limits};
use crate::log::Level;
use crate::message::{Answer, Status};
use crate::process::{self, GUARD, bytes_moved, children};
use crate::session::{End, Watch};
use crate::usage;
use hook::{Hook, Storing};

pub(super) use hook::Watched;

/// The longest time between two looks whether bytes moved.
const SAMPLE: Duration = Duration::from_secs(30);
/// How long git may take to end after SIGTERM, which lets it remove its temporary files.
const GRACE: Duration = Duration::from_secs(2);
/// How long a client may take to read why its session ended, in seconds.
const LAST_WORDS: u32 = 2;
/// What the copy of the gateway that becomes git needs for a push: the hook's end of the socket, and git's of its
/// trace.
pub(super) struct Guarded {
    hook: Option<UnixStream>,
    traced: Option<Traced>,
}

impl Guarded {
    /// The hook's end of the socket, if git serves a push.
    pub(super) fn hook(&self) -> Option<BorrowedFd<'_>> {
        self.hook.as_ref().map(AsFd::as_fd)
    }

    /// Where git writes its trace, if it serves a push.
    pub(super) fn traced(&self) -> Option<&Traced> {
        self.traced.as_ref()
    }
}

/// Which of the two copies of the gateway this process is.
pub(super) enum Copy {
    /// The one that becomes git.
    Git(Guarded),
    /// The one that guards git.
    Guard(Guard),
}

/// The guard of a running git.
pub(super) struct Guard {
    git: Pid,
    signals: SignalFd,
    hook: Option<Box<Hook>>,
    /// Open as long as git may write to it.
    trace: Option<Trace>,
    /// Whether the hook has run.
    has_hooked: bool,
    storing: Storing,
    watch: Watch,
    /// The bytes that git had moved, and when the guard saw this number first.
    moved: (Option<u64>, Instant),
    /// When git got SIGTERM.
    ended_at: Option<Instant>,
    /// Why, for the client.
    lines: Vec<String>,
}

fn signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT].into_iter().collect()
}

/// Makes two of the gateway.
///
/// # Errors
/// Too many processes, or no memory.
pub(super) fn split(is_push: bool, trace: Option<(Trace, Traced)>) -> Result<Copy, Fault> {
    let failed = |errno: Errno| Fault::Git(errno.into());
    let pair = is_push.then(UnixStream::pair).transpose().map_err(Fault::Git)?;
    let (stream, hook) = pair.unzip();
    let (trace, traced) = trace.unzip();
    let signals = signals();
    process::block(&signals).map_err(failed)?;
    set_child_subreaper(true).map_err(failed)?;
    let guard = getpid();
    match process::fork().map_err(failed)? {
        ForkResult::Child => {
            set_pdeathsig(Signal::SIGKILL).map_err(failed)?;
            if getppid() != guard {
                return Err(Fault::Git(ErrorKind::BrokenPipe.into()));
            }
            setpgid(Pid::from_raw(0), Pid::from_raw(0)).map_err(failed)?;
            process::unblock(&signals).map_err(failed)?;
            Ok(Copy::Git(Guarded { hook, traced }))
        }
        ForkResult::Parent { child: git } => {
            // Whichever of the two is first.
            let _ = setpgid(git, git);
            // From here on, a list of processes tells it from a gateway that has not decided yet.
            let _ = set_name(GUARD);
            stream.iter().try_for_each(|stream| stream.set_nonblocking(true)).map_err(Fault::Git)?;
            let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
            Ok(Copy::Guard(Guard {
                git,
                signals: signals.map_err(failed)?,
                hook: stream.map(Hook::new).map(Box::new),
                trace,
                has_hooked: false,
                storing: Storing::Nothing,
                watch: Watch::begin(),
                moved: (None, Instant::now()),
                ended_at: None,
                lines: Vec::new(),
            }))
        }
    }
}

impl Guard {
    /// Guards git until it ends. Returns its exit status.
    pub(super) fn watch(mut self, watched: &Watched<'_>) -> u8 {
        let status = loop {
            match waitpid(self.git, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, status)) => break u8::try_from(status).unwrap_or(Status::Fault.code()),
                Ok(WaitStatus::Signaled(_, signal, _)) => {
                    break 128_u8.saturating_add(u8::try_from(signal as i32).unwrap_or_default());
                }
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => break Status::Fault.code(),
            }
            self.wait(self.pause(watched.config));
            if self.was_told_to_end() && self.ended_at.is_none() {
                self.end();
                // The process that sent the signal has logged it.
                self.lines = self
                    .watch
                    .ask(watched.config, watched.record)
                    .map_or_else(|| vec!["the server ended this session".to_owned()], |end| end.lines);
            }
            self.hear(watched);
            self.look(watched);
        };
        end_children();
        while self.hear(watched) {}
        // git runs no hook if it refuses an object.
        if self.lines.is_empty() && !self.has_hooked {
            self.lines.extend(self.trace.take().and_then(Trace::refusal));
        }
        if let Storing::Uncounted(row) = self.storing {
            // A session that measured while the push was stored has not seen it. A fault fails no push.
            let _ = usage::forget(&watched.config.usage_file(), row);
        }
        self.say();
        status
    }

    /// How long there is nothing to do.
    fn pause(&self, config: &Config) -> Duration {
        if let Some(ended_at) = self.ended_at {
            return (ended_at + GRACE).saturating_duration_since(Instant::now());
        }
        let idle = config.limits.longest_idle().map(sample);
        idle.into_iter().fold(self.watch.pause(&config.limits), Duration::min)
    }

    fn wait(&self, pause: Duration) {
        // One more millisecond, because poll(2) counts whole ones.
        let timeout = PollTimeout::try_from(pause + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX);
        let mut descriptors = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        descriptors.extend(self.hook.as_ref().map(|hook| PollFd::new(hook.stream.as_fd(), PollFlags::POLLIN)));
        let _ = poll(&mut descriptors, timeout);
    }

    fn was_told_to_end(&self) -> bool {
        let mut was_told = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            was_told |= i32::try_from(signal.ssi_signo) != Ok(Signal::SIGCHLD as i32);
        }
        was_told
    }

    /// Ends git if it is time.
    fn look(&mut self, watched: &Watched<'_>) {
        if let Some(ended_at) = self.ended_at {
            if ended_at.elapsed() >= GRACE {
                let _ = killpg(self.git, Signal::SIGKILL);
            }
            return;
        }
        let end = self.idle(&watched.config.limits).or_else(|| self.watch.look(watched.config, watched.record));
        if let Some(End { lines, reason }) = end {
            self.end();
            self.lines = lines;
            let line = watched.record.line().field("decision", "end").field("reason", reason);
            watched.session.send(Level::Notice, &line);
        }
    }

    /// Why the session ends, if it has moved no byte for too long.
    fn idle(&mut self, limits: &Limits) -> Option<End> {
        let idle = limits.longest_idle()?;
        let (before, since) = self.moved;
        if since.elapsed() < sample(idle) && before.is_some() {
            return None;
        }
        let moved = bytes_moved(self.git);
        if moved.is_none() || moved != before {
            self.moved = (moved, Instant::now());
            return None;
        }
        let line = || format!("this session ends because it moved no data for {} seconds", idle.as_secs());
        (since.elapsed() >= idle).then(|| End { lines: vec![line()], reason: "idle" })
    }

    /// Asks git to end. A stopped git gets the signal when it continues.
    fn end(&mut self) {
        self.ended_at = Some(Instant::now());
        for signal in [Signal::SIGTERM, Signal::SIGCONT] {
            let _ = killpg(self.git, signal);
        }
    }

    /// Tells the client why its session ended. git has ended, so a client that does not read keeps nothing running but
    /// this process, which the alarm then ends.
    fn say(self) {
        if !self.lines.is_empty() {
            alarm::set(LAST_WORDS);
            say(&Answer { out: String::new(), err: self.lines, status: Status::Refused });
        }
    }

    /// Reads once what the hook says. Returns whether the hook may say more.
    fn hear(&mut self, watched: &Watched<'_>) -> bool {
        let Some(hook) = &mut self.hook else { return false };
        let mut bytes = [0; 4096];
        let read = match hook.stream.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == ErrorKind::Interrupted => return true,
            Ok(0) | Err(_) => 0,
            Ok(length) => length,
        };
        self.has_hooked |= read > 0;
        let is_heard = hook.take(watched, &mut self.storing, bytes.get(..read).unwrap_or_default());
        if let Some(reason) = hook.ends.take().filter(|_| self.ended_at.is_none()) {
            self.lines = vec![reason];
            self.end();
        }
        if !is_heard {
            self.hook = None;
        }
        self.hook.is_some()
    }
}

/// How often the guard looks whether bytes moved.
fn sample(idle: Duration) -> Duration {
    (idle / 4).clamp(Duration::from_millis(250), SAMPLE)
}

/// Ends all children. As the subreaper, the guard is the parent of every process that git left.
fn end_children() {
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {
                // A child that was not waited for keeps its number.
                let running = children(getpid()).unwrap_or_default();
                if running.is_empty() {
                    return;
                }
                for child in running {
                    let _ = kill(child, Signal::SIGKILL);
                }
                let _ = waitpid(None, None);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}
