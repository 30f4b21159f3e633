//! The guard: what the gateway stays when git serves, outside git's sandbox.
//!
//! It ends git when the session's rights do not stand any more, when the session moves no byte for too long, and when it
//! is too old. It answers the push hook whether the rights stand at the moment at which refs move. It writes the push's
//! lines to the log, with the session's own fields. git and the hook have no descriptor but one end of a socket to it.
//!
//! git cannot outlive its guard, because the kernel ends git with it. The guard outlives no git, and ends what git leaves.

use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_name, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, getpid, getppid, setpgid};

use super::{Fault, Session, say};
use crate::clock::now;
use crate::config::Config;
use crate::db::{Error, Reader};
use crate::log::{Level, Line};
use crate::message::{Answer, Status};
use crate::process::{self, GUARD, bytes_moved, children};
use crate::push::{FromHook, PushVerdict};
use crate::session::{Record, Withdrawn, quota};
use crate::usage::{self, Part, Reservation};

/// When the guard first asks whether the rights stand: a change that came before the record was written may have missed
/// the session. Most sessions have ended by then.
const FIRST_CHECK: Duration = Duration::from_secs(1);
/// How often it asks afterwards. A change that takes rights away ends sessions by itself, so this is for other causes.
const CHECK: Duration = Duration::from_secs(30);
/// How long git may take to end after SIGTERM, which lets it remove its temporary files.
const GRACE: Duration = Duration::from_secs(2);
/// The most questions and log lines of one push, besides one line for each ref. A hook needs fewer.
const MOST_LINES: u64 = 16;
/// The longest line of the hook, in bytes.
const LINE_MAX: usize = 128 * 1024;

/// What the copy of the gateway that becomes git needs: the hook's end of the socket.
pub(super) struct Guarded {
    hook: Option<UnixStream>,
}

impl Guarded {
    /// The hook's end of the socket, if git serves a push.
    pub(super) fn hook(&self) -> Option<BorrowedFd<'_>> {
        self.hook.as_ref().map(AsFd::as_fd)
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
    hook: Option<Hook>,
    began: Instant,
    /// When to ask next whether the rights stand.
    check_at: Instant,
    /// The bytes that git had moved, and when the guard saw this number first.
    moved: (Option<u64>, Instant),
    /// When git got SIGTERM.
    ended_at: Option<Instant>,
}

/// The push hook, as far as the guard knows it.
struct Hook {
    stream: UnixStream,
    /// The bytes of a line that have arrived so far.
    line: Vec<u8>,
    lines: u64,
    /// Whether the log took the last line about a ref.
    is_logged: bool,
    /// The bytes of the push. git may still refuse the push, so nothing settles them: the next session with a quota
    /// measures the git objects.
    reserved: Option<Box<Reservation>>,
}

fn signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT].into_iter().collect()
}

/// Makes two of the gateway.
///
/// # Errors
/// Too many processes, or no memory.
pub(super) fn split(is_push: bool) -> Result<Copy, Fault> {
    let failed = |errno: Errno| Fault::Git(errno.into());
    let pair = if is_push { Some(UnixStream::pair().map_err(Fault::Git)?) } else { None };
    let (ours, hook) = pair.map_or((None, None), |(ours, hook)| (Some(ours), Some(hook)));
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
            Ok(Copy::Git(Guarded { hook }))
        }
        ForkResult::Parent { child: git } => {
            // Whichever of the two is first.
            let _ = setpgid(git, git);
            // From here on, a list of processes tells it from a gateway that has not decided yet.
            let _ = set_name(GUARD);
            let hook = match ours {
                Some(stream) => {
                    stream.set_nonblocking(true).map_err(Fault::Git)?;
                    Some(Hook { stream, line: Vec::new(), lines: 0, is_logged: true, reserved: None })
                }
                None => None,
            };
            let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
            let began = Instant::now();
            Ok(Copy::Guard(Guard {
                git,
                signals: signals.map_err(failed)?,
                hook,
                began,
                check_at: began + FIRST_CHECK,
                moved: (None, began),
                ended_at: None,
            }))
        }
    }
}

/// What the guard's decisions need.
pub(super) struct Watched<'a> {
    pub(super) session: &'a Session,
    pub(super) config: &'a Config,
    pub(super) record: &'a Record,
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
                // The process that sent the signal has logged it.
                let lines = self
                    .withdrawn(watched)
                    .map_or_else(|| vec!["the server ended this session".to_owned()], |withdrawn| withdrawn.lines);
                self.end(lines);
            }
            self.hear(watched);
            self.look(watched);
        };
        end_children();
        self.hear(watched);
        status
    }

    /// How long there is nothing to do.
    fn pause(&self, config: &Config) -> Duration {
        let now = Instant::now();
        let until = |instant: Instant| instant.saturating_duration_since(now);
        if let Some(ended_at) = self.ended_at {
            return until(ended_at + GRACE);
        }
        let age = seconds(config.limits.session_age).map(|age| until(self.began + age));
        let idle = seconds(config.limits.session_idle).map(sample);
        [age, idle].into_iter().flatten().fold(until(self.check_at), Duration::min)
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
        let limits = &watched.config.limits;
        if let Some(age) = seconds(limits.session_age).filter(|age| self.began.elapsed() >= *age) {
            return self.end_and_log(watched, "age", vec![format!("a session ends after {} seconds", age.as_secs())]);
        }
        if let Some(idle) = seconds(limits.session_idle) {
            let (before, since) = self.moved;
            if since.elapsed() >= sample(idle) || before.is_none() {
                let moved = bytes_moved(self.git);
                if moved.is_none() || moved != before {
                    self.moved = (moved, Instant::now());
                } else if since.elapsed() >= idle {
                    let line = format!("a session ends that is idle for {} seconds", idle.as_secs());
                    return self.end_and_log(watched, "idle", vec![line]);
                }
            }
        }
        if Instant::now() >= self.check_at {
            if let Some(withdrawn) = self.withdrawn(watched) {
                self.end_and_log(watched, withdrawn.reason, withdrawn.lines);
            }
        }
    }

    fn end_and_log(&mut self, watched: &Watched<'_>, reason: &str, lines: Vec<String>) {
        let line = watched.record.line().field("decision", "end").field("reason", reason);
        watched.session.send(Level::Notice, &line);
        self.end(lines);
    }

    fn end(&mut self, lines: Vec<String>) {
        self.ended_at = Some(Instant::now());
        say(&Answer { out: String::new(), err: lines, status: Status::Refused });
        let _ = killpg(self.git, Signal::SIGTERM);
    }

    /// Why the rights do not stand, if they do not. If the database does not answer, the session goes on.
    fn withdrawn(&mut self, watched: &Watched<'_>) -> Option<Withdrawn> {
        let (next, withdrawn) = match check(watched) {
            Ok(Ok(end)) => (end, None),
            Ok(Err(withdrawn)) => (None, Some(withdrawn)),
            Err(_) => (None, None),
        };
        let until_end = next.and_then(|end| u64::try_from(end - now()).ok()).map(Duration::from_secs);
        self.check_at = Instant::now() + until_end.map_or(CHECK, |end| end.min(CHECK));
        withdrawn
    }

    /// Reads what the hook says.
    fn hear(&mut self, watched: &Watched<'_>) {
        let refs = watched.config.limits.push_refs;
        let most = if refs == 0 { u64::MAX } else { refs.saturating_add(MOST_LINES) };
        while let Some(hook) = &mut self.hook {
            let mut bytes = [0; 4096];
            let read = match hook.stream.read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Ok(0) | Err(_) => 0,
                Ok(length) => length,
            };
            let mut is_over = read == 0;
            for byte in bytes.into_iter().take(read) {
                if is_over {
                    break;
                }
                if byte == b'\n' {
                    let line = std::mem::take(&mut hook.line);
                    hook.lines += 1;
                    is_over = hook.lines > most || !hook.fulfil(watched, &line);
                } else {
                    hook.line.push(byte);
                }
            }
            if is_over || hook.line.len() > LINE_MAX {
                self.hook = None;
            }
        }
    }
}

impl Hook {
    /// Answers a question, or writes a line to the log. Returns `false` if the hook has not said this.
    fn fulfil(&mut self, watched: &Watched<'_>, line: &[u8]) -> bool {
        let push = || push_line(watched.record);
        let send = |level, line: &Line| watched.session.send(level, line);
        match FromHook::parse(line) {
            Some(FromHook::Decide(bytes)) => {
                let verdict = match check(watched) {
                    Ok(Ok(_)) => self.reserve(watched, bytes).unwrap_or_else(|fault| {
                        send(Level::Error, &push().field("decision", "fault").field("cause", fault));
                        // Without a count, a quota would be no limit.
                        PushVerdict::Refused(vec![quota::uncounted(&watched.record.sid)])
                    }),
                    Ok(Err(withdrawn)) => PushVerdict::Refused(withdrawn.lines),
                    Err(error) => {
                        send(Level::Error, &push().field("decision", "fault").field("cause", error));
                        PushVerdict::Unknown
                    }
                };
                return self.stream.write_all(format!("{verdict}\n").as_bytes()).is_ok();
            }
            Some(FromHook::Refused(reason)) => {
                send(Level::Notice, &push().field("decision", "deny").field("reason", reason));
            }
            Some(FromHook::Fault(cause)) => {
                send(Level::Error, &push().field("decision", "fault").field("cause", cause));
            }
            // A log that does not read delays each line, and the client waits.
            Some(FromHook::Moved { old, new, name, effect }) if self.is_logged => {
                let line = push().bytes("ref", &name).field("old", old).field("new", new);
                self.is_logged = send(Level::Info, &line.field("effect", effect));
            }
            Some(FromHook::Moved { .. }) => {}
            None => return false,
        }
        true
    }

    /// Reserves the bytes of the push, if a quota is set and has room.
    fn reserve(&mut self, watched: &Watched<'_>, bytes: u64) -> Result<PushVerdict, quota::Fault> {
        let config = watched.config;
        let Some((_, row)) = &watched.record.repository else { return Ok(PushVerdict::Stands) };
        let reader = Reader::open(&config.paths.database)?;
        if !quota::is_set(config, &reader, *row)? {
            // What it stores is not counted. No quota is set, so a fault stops no push.
            let _ = usage::forget(&config.usage_file(), *row);
            return Ok(PushVerdict::Stands);
        }
        let demand = quota::demand(config, &reader, *row)?;
        // git starts one hook of this kind in a push, so there is nothing to keep.
        self.reserved = None;
        Ok(match quota::usage(config)?.reserve(&demand, Part::Git, bytes)? {
            Ok(reservation) => {
                self.reserved = Some(Box::new(reservation));
                PushVerdict::Stands
            }
            Err(full) => PushVerdict::Refused(vec![full.to_string()]),
        })
    }
}

/// The first fields of each log line about a push.
fn push_line(record: &Record) -> Line {
    let line = Line::default()
        .field("sid", &record.sid)
        .field("user", record.forced_command.user())
        .field("key", record.forced_command.key())
        .field("from", &record.address)
        .field("verb", "push");
    record.repository.iter().fold(line, |line, (path, _)| line.field("repo", path))
}

/// Asks the database whether the session's rights stand.
fn check(watched: &Watched<'_>) -> Result<Result<Option<i64>, Withdrawn>, Error> {
    let reader = Reader::open(&watched.config.paths.database)?;
    reader.ask(|view| watched.record.check(view, watched.config, now()))
}

/// A limit in seconds; 0 means no limit.
fn seconds(limit: u32) -> Option<Duration> {
    (limit > 0).then(|| Duration::from_secs(limit.into()))
}

/// How often the guard looks whether bytes moved.
fn sample(idle: Duration) -> Duration {
    (idle / 4).clamp(Duration::from_millis(250), CHECK)
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
