//! The guard: what the gateway stays when git serves, outside git's sandbox.
//!
//! It ends git when the session's rights do not stand any more, when the session moves no byte for too long, and when
//! it is too old. It answers the push hook whether the rights stand at the moment at which refs move. It writes the
//! push's lines to the log, with the session's own fields. git and the hook have no descriptor but one end of a socket
//! to it.
//!
//! git cannot outlive its guard, because the kernel ends git with it. The guard outlives no git, and ends what git
//! leaves.

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
use nix::unistd::{ForkResult, Pid, alarm, getpid, getppid, setpgid};

use super::trace::{Trace, Traced};
use super::{Fault, Services, Session, say};
use crate::access::{SignedBy, decide_signer};
use crate::clock::now;
use crate::config::{Config, Limits};
use crate::db::{Error, Reader};
use crate::log::{Level, Line};
use crate::message::{Answer, PREFIX, Status};
use crate::process::{self, GUARD, bytes_moved, children};
use crate::push::{BranchName, FromHook, ProposalNumber, ProposalReply, PushVerdict, SignerVerdicts, Signing};
use crate::session::rules::Deciding;
use crate::session::{End, Opened, Record, Watch, quota};
use crate::usage::{self, Part, Reservation};

/// The longest time between two looks whether bytes moved.
const SAMPLE: Duration = Duration::from_secs(30);
/// How long git may take to end after SIGTERM, which lets it remove its temporary files.
const GRACE: Duration = Duration::from_secs(2);
/// How long a client may take to read why its session ended, in seconds.
const LAST_WORDS: u32 = 2;
/// The most questions and log lines of one push, besides the lines about refs. A hook needs fewer.
const MOST_LINES: u64 = 16;
/// The most questions about keys that signed commits of one push. A hook asks about so many in each.
const MOST_SIGNERS: u64 = 64;
/// What the client reads if the hook has decided by rules that do not hold any more.
const RULES_CHANGED: &str = "the rules changed during this push: push again";
/// The longest line of the hook, in bytes.
const LINE_MAX: usize = 128 * 1024;

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

/// The push hook, as far as the guard knows it.
struct Hook {
    stream: UnixStream,
    /// The bytes of a line that have arrived so far.
    line: Vec<u8>,
    /// The number of lines about refs.
    refs: u64,
    /// The number of questions about keys.
    signers: u64,
    /// The number of other lines.
    others: u64,
    /// Whether the log took the last line about a ref.
    is_logged: bool,
    /// Why the hook wants git to end.
    ends: Option<String>,
}

/// How the bytes of a push count. It holds until git and its children have ended, whatever the hook says.
enum Storing {
    /// The hook has not asked, or was refused.
    Nothing,
    /// They are reserved. git may still refuse the push, so nothing settles them: the next session with a quota
    /// measures the git objects.
    Reserved { _until_dropped: Box<Reservation> },
    /// No quota counts them, in the repository of that row.
    Uncounted(i64),
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
            let hook =
                |stream| Hook { stream, line: Vec::new(), refs: 0, signers: 0, others: 0, is_logged: true, ends: None };
            let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
            Ok(Copy::Guard(Guard {
                git,
                signals: signals.map_err(failed)?,
                hook: stream.map(hook).map(Box::new),
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

/// What the guard's decisions need.
pub(super) struct Watched<'a> {
    pub(super) session: &'a Session,
    pub(super) config: &'a Config,
    /// What `services` needs to open a proposal.
    pub(super) services: Services<'a>,
    pub(super) record: &'a Record,
    /// What the hook decides by; `None` if git serves no push.
    pub(super) deciding: Option<&'a Deciding>,
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
        let mut is_heard = read > 0;
        self.has_hooked |= is_heard;
        for byte in bytes.into_iter().take(read) {
            if !is_heard {
                break;
            }
            if byte == b'\n' {
                let line = std::mem::take(&mut hook.line);
                is_heard = hook.fulfil(watched, &mut self.storing, &line);
            } else {
                hook.line.push(byte);
            }
        }
        if let Some(reason) = hook.ends.take().filter(|_| self.ended_at.is_none()) {
            self.lines = vec![reason];
            self.end();
        }
        let Some(hook) = &self.hook else { return false };
        if !is_heard || hook.line.len() > LINE_MAX {
            self.hook = None;
        }
        self.hook.is_some()
    }
}

impl Hook {
    /// Answers a question, or writes a line to the log. Returns `false` if the hook has not said this, or says too
    /// much.
    fn fulfil(&mut self, watched: &Watched<'_>, storing: &mut Storing, line: &[u8]) -> bool {
        let push = || watched.record.line_of("push");
        let send = |level, line: &Line| watched.session.send(level, line);
        let said = FromHook::parse(line);
        if !self.count(said.as_ref(), watched.config.limits.push_refs) {
            return false;
        }
        match said {
            Some(FromHook::Decide(bytes)) => {
                let verdict = verdict(watched, storing, bytes).unwrap_or_else(|error| {
                    send(Level::Error, &push().field("decision", "fault").field("cause", error));
                    PushVerdict::Unknown
                });
                return self.stream.write_all(format!("{verdict}\n").as_bytes()).is_ok();
            }
            Some(FromHook::Signers(by, signings)) => {
                // Without an answer, the hook refuses the push.
                let verdicts = signers(watched, by, &signings).unwrap_or_else(|error| {
                    send(Level::Error, &push().field("decision", "fault").field("cause", error));
                    SignerVerdicts(Vec::new())
                });
                return self.stream.write_all(format!("{verdicts}\n").as_bytes()).is_ok();
            }
            Some(FromHook::Proposals(numbers)) => {
                let reply = proposal_rights(watched, &numbers).unwrap_or_else(|error| {
                    send(Level::Error, &push().field("decision", "fault").field("cause", error));
                    ProposalReply::Unknown
                });
                return self.stream.write_all(format!("{reply}\n").as_bytes()).is_ok();
            }
            Some(FromHook::Open { branch, after }) => {
                let reply = open_proposal(watched, branch, after).unwrap_or_else(|cause| {
                    send(Level::Error, &push().field("decision", "fault").field("cause", cause));
                    ProposalReply::Unknown
                });
                return self.stream.write_all(format!("{reply}\n").as_bytes()).is_ok();
            }
            Some(FromHook::Refused(reason)) => {
                send(Level::Notice, &push().field("decision", "deny").field("reason", reason));
            }
            Some(FromHook::Ended(reason)) => {
                send(Level::Notice, &push().field("decision", "deny").field("reason", &reason));
                self.ends = Some(reason);
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

    /// Counts a line. Returns `false` if there were too many of its kind.
    fn count(&mut self, said: Option<&FromHook>, push_refs: u64) -> bool {
        let (heard, most) = match said {
            Some(FromHook::Moved { .. }) => (&mut self.refs, push_refs),
            Some(FromHook::Signers(..)) => (&mut self.signers, MOST_SIGNERS),
            Some(_) | None => (&mut self.others, MOST_LINES),
        };
        *heard += 1;
        most == 0 || *heard <= most
    }
}

/// What the database says about the keys that signed commits of a push.
fn signers(watched: &Watched<'_>, by: SignedBy, signings: &[Signing]) -> Result<SignerVerdicts, Error> {
    let Watched { config, record, .. } = *watched;
    let reader = Reader::open(&config.paths.database)?;
    reader.ask(|view| {
        let now = now();
        let pusher = record.account(view, config, now)?;
        let verdict = |Signing { key, email }: &Signing| {
            let named = email.as_ref().map_or(Ok(None), |email| view.user_with_email(email))?;
            Ok(decide_signer(by, view.signer(key)?, named, pusher, now))
        };
        signings.iter().map(verdict).collect::<Result<_, _>>().map(SignerVerdicts)
    })
}

/// Whether the rights of the session and the rules for its refs stand at this moment, and the quotas have room for the
/// bytes of the push.
fn verdict(watched: &Watched<'_>, storing: &mut Storing, bytes: u64) -> Result<PushVerdict, Error> {
    let Watched { session, config, record, deciding, .. } = *watched;
    let reader = Reader::open(&config.paths.database)?;
    match reader.ask(|view| record.check_push(view, config, now()))? {
        Err(end) => return Ok(PushVerdict::Refused(end.lines)),
        Ok(now) if !deciding.is_some_and(|then| now.decides_like(then)) => {
            return Ok(PushVerdict::Refused(vec![RULES_CHANGED.to_owned()]));
        }
        Ok(_) => {}
    }
    let Some((_, row)) = record.repository else { return Ok(PushVerdict::Stands) };
    Ok(reserve(config, &reader, row, bytes, storing).unwrap_or_else(|fault| {
        session.send(Level::Error, &record.line_of("push").field("decision", "fault").field("cause", fault));
        // Without a count, a quota would be no limit.
        PushVerdict::Refused(vec![quota::uncounted(&record.sid)])
    }))
}

/// What the session may do with proposals at this moment.
fn proposal_rights(watched: &Watched<'_>, numbers: &[ProposalNumber]) -> Result<ProposalReply, Error> {
    let Watched { config, record, .. } = *watched;
    let reader = Reader::open(&config.paths.database)?;
    let rights = reader.ask(|view| record.check_proposals(view, config, numbers, now()))?;
    Ok(rights.map_or_else(|end| ProposalReply::Refused(end.lines), ProposalReply::Rights))
}

/// Lets `services` open a proposal, which decides about the session's rights again. The hook cannot choose the author,
/// nor a number that was given before.
fn open_proposal(watched: &Watched<'_>, branch: BranchName, after: i64) -> Result<ProposalReply, String> {
    let (path, row) = watched.record.repository.clone().ok_or("this session has no repository")?;
    let opened = Opened { path, row, after, branch };
    let ended = watched.session.propose(&watched.services, opened).map_err(|fault| fault.to_string())?;
    match ended.status.code() {
        Some(0) => {
            let number = String::from_utf8_lossy(&ended.read).trim().parse().map_err(|_| "services gave no number")?;
            Ok(ProposalReply::Opened(number))
        }
        Some(code) if code == i32::from(Status::Refused.code()) => {
            let line = |line: &str| line.strip_prefix(PREFIX).unwrap_or(line).to_owned();
            Ok(ProposalReply::Refused(ended.said.lines().map(line).collect()))
        }
        // `services` has logged the cause.
        Some(_) | None => Err(format!("services could not open a proposal: {}", ended.status)),
    }
}

/// Reserves the bytes of the push, if a quota is set and has room.
fn reserve(
    config: &Config,
    reader: &Reader,
    row: i64,
    bytes: u64,
    storing: &mut Storing,
) -> Result<PushVerdict, quota::Fault> {
    // git starts one hook of this kind in a push, so there is nothing to keep.
    *storing = Storing::Nothing;
    let Some(demand) = quota::demand(config, reader, row)? else {
        *storing = Storing::Uncounted(row);
        // Now too, because the guard may be killed. No quota is set, so a fault stops no push.
        let _ = usage::forget(&config.usage_file(), row);
        return Ok(PushVerdict::Stands);
    };
    Ok(match quota::usage(config)?.reserve(&demand, Part::Git, bytes)? {
        Ok(reservation) => {
            *storing = Storing::Reserved { _until_dropped: Box::new(reservation) };
            PushVerdict::Stands
        }
        Err(full) => PushVerdict::Refused(vec![full.to_string()]),
    })
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
