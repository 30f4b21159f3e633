//! The push hook: git runs it before refs move, with what was pushed still in quarantine, and again after.
//!
//! It knows of the session what the gateway's brief says, and of the world what git shows it; it reaches neither the
//! database nor the log's socket by path. What it refuses, git drops whole: no ref moves, no object stays.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, Read};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};

use crate::log::{self, Level, Line};
use crate::message::{Answer, FaultKind, Status};
use crate::push::{BadBrief, Brief, DESCRIPTORS, check_ref};

/// The longest brief that is read, in bytes.
const BRIEF_MAX: u64 = 64 * 1024;
/// How many updates of one push have a line of their own in the log.
const LOGGED_UPDATES: usize = 100;

/// One ref that a push moves, makes or removes, as git tells a hook (githooks(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Update {
    old: String,
    new: String,
    name: Vec<u8>,
}

impl Update {
    fn parse(line: &[u8]) -> Option<Self> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let mut id = || {
            let word = words.next()?;
            word.iter().all(u8::is_ascii_hexdigit).then(|| String::from_utf8_lossy(word).into_owned())
        };
        let (old, new) = (id()?, id()?);
        Some(Self { old, new, name: words.next()?.to_owned() })
    }

    fn removes(&self) -> bool {
        is_zero(&self.new)
    }
}

/// Whether an id is the one that stands for nothing.
fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

/// Why the hook cannot do its work. git refuses the push for it.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{DESCRIPTORS} does not name the gateway's descriptors: is this hook run by the gateway's git?")]
    Descriptors,
    #[error(transparent)]
    Brief(#[from] BadBrief),
    #[error("what git told the hook does not read: {0}")]
    Input(std::io::Error),
    #[error("a line of git's is no update of a ref")]
    Line,
    #[error("cannot run git: {0}")]
    Git(std::io::Error),
}

/// What the gateway left open for the hook.
struct Inherited {
    brief: Brief,
    log: Option<UnixDatagram>,
}

impl Inherited {
    fn take() -> Result<Self, Fault> {
        let value = std::env::var(DESCRIPTORS).map_err(|_| Fault::Descriptors)?;
        let mut numbers = value.split(',').map(str::parse::<RawFd>);
        let brief = numbers.next().and_then(Result::ok).filter(|number| *number > 2).ok_or(Fault::Descriptors)?;
        let log = numbers.next().and_then(Result::ok).filter(|number| *number > 2 && *number != brief);
        let mut text = String::new();
        // Both hooks read the same open file, so each starts where it begins.
        let mut file = File::from(inherited(brief));
        std::io::Seek::rewind(&mut file).map_err(Fault::Input)?;
        file.take(BRIEF_MAX).read_to_string(&mut text).map_err(Fault::Input)?;
        Ok(Self { brief: text.parse()?, log: log.map(|log| UnixDatagram::from(inherited(log))) })
    }

    fn send(&self, level: Level, line: &Line) {
        if let Some(log) = &self.log {
            log::send_on(log, log::PROGRAM, level, line);
        }
    }

    /// The first fields of each line of this push, which are those of the session's own.
    fn line(&self) -> Line {
        let Brief { sid, user, key, from, repository, .. } = &self.brief;
        Line::default()
            .field("sid", sid)
            .field("user", user)
            .field("key", key)
            .field("from", from)
            .field("verb", "push")
            .field("repo", repository)
    }
}

/// A descriptor that the gateway opened, and that git handed on.
fn inherited(number: RawFd) -> OwnedFd {
    #[expect(unsafe_code, reason = "the standard library takes an inherited descriptor by its number only")]
    // SAFETY: the gateway left the descriptor open for this process and no other part of it knows the number; if it
    // is not open, every use of it fails with EBADF.
    unsafe {
        OwnedFd::from_raw_fd(number)
    }
}

/// When git runs the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// Before any ref moves.
    PreReceive,
    /// After all of them have.
    PostReceive,
}

/// Runs the hook. One that cannot work refuses the push, and says under which reference the log has the cause.
pub(super) fn run(hook: Hook) -> Answer {
    let inherited = match Inherited::take() {
        Ok(inherited) => inherited,
        Err(fault) => return Answer::fault(FaultKind::Broken, &fault.to_string()),
    };
    let outcome = match hook {
        Hook::PreReceive => pre_receive(&inherited),
        Hook::PostReceive => post_receive(&inherited),
    };
    outcome.unwrap_or_else(|fault| {
        let line = inherited.line().field("decision", "fault").field("cause", fault);
        inherited.send(Level::Error, &line);
        Answer::fault(FaultKind::Broken, &inherited.brief.sid)
    })
}

/// Refuses names, numbers of refs and numbers of commits that are over the limits.
fn pre_receive(inherited: &Inherited) -> Result<Answer, Fault> {
    let updates = updates()?;
    let problems = problems(&inherited.brief, &updates)?;
    let answer = Answer {
        out: String::new(),
        status: if problems.is_empty() { Status::Done } else { Status::Refused },
        err: problems,
    };
    if let Some(problem) = answer.err.first() {
        let line = inherited.line().field("decision", "deny").field("reason", problem);
        inherited.send(Level::Notice, &line);
    }
    Ok(answer)
}

fn updates() -> Result<Vec<Update>, Fault> {
    let parse = |line: std::io::Result<Vec<u8>>| Update::parse(&line.map_err(Fault::Input)?).ok_or(Fault::Line);
    std::io::stdin().lock().split(b'\n').map(parse).collect()
}

/// What the peer reads of everything that is wrong with a push; nothing if all is well.
fn problems(brief: &Brief, updates: &[Update]) -> Result<Vec<String>, Fault> {
    let count = updates.len() as u64;
    if brief.refs > 0 && count > brief.refs {
        return Ok(vec![format!("this push updates {count} refs, of at most {} at once: push in parts", brief.refs)]);
    }
    let mut problems = Vec::new();
    // What is there may go, whatever its name.
    for update in updates.iter().filter(|update| !update.removes()) {
        if let Err(problem) = check_ref(&update.name) {
            problems.push(format!("{} is not taken: {problem}", String::from_utf8_lossy(&update.name)));
        }
    }
    if problems.is_empty() && brief.commits > 0 && new_commits(brief, updates)? > brief.commits {
        problems.push(format!("this push brings more than {} commits: push in parts", brief.commits));
    }
    Ok(problems)
}

/// How many commits a push brings, counted to one over the limit.
fn new_commits(brief: &Brief, updates: &[Update]) -> Result<u64, Fault> {
    let most = (brief.commits + 1).to_string();
    let mut words = vec!["rev-list", "--count", "--max-count", &most];
    words.extend(updates.iter().filter(|update| !update.removes()).map(|update| update.new.as_str()));
    words.extend(["--not", "--all"]);
    let output = git(brief, &words)?;
    // Not a commit but a tag of a blob, say: nothing to count.
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap_or(0))
}

/// Runs git in the repository, with the environment that the gateway made and git handed on.
fn git(brief: &Brief, words: &[&str]) -> Result<Output, Fault> {
    Command::new(&brief.git).args(words).stdin(Stdio::null()).output().map_err(Fault::Git)
}

/// Writes one line to the log for each ref, and points HEAD to a branch that exists.
fn post_receive(inherited: &Inherited) -> Result<Answer, Fault> {
    let updates = updates()?;
    for update in updates.iter().take(LOGGED_UPDATES) {
        let line = inherited.line().bytes("ref", &update.name).field("old", &update.old).field("new", &update.new);
        inherited.send(Level::Info, &line);
    }
    if updates.len() > LOGGED_UPDATES {
        inherited.send(Level::Info, &inherited.line().field("more", updates.len() - LOGGED_UPDATES));
    }
    move_head(&inherited.brief, &updates)?;
    Ok(Answer { out: String::new(), err: Vec::new(), status: Status::Done })
}

/// Points HEAD to the first branch of a push where it names one that does not exist: a first push of `master` to a
/// repository whose HEAD is `main` would else clone as empty.
fn move_head(brief: &Brief, updates: &[Update]) -> Result<(), Fault> {
    let first = updates.iter().find(|update| !update.removes() && update.name.starts_with(b"refs/heads/"));
    let Some(first) = first else { return Ok(()) };
    if git(brief, &["rev-parse", "--quiet", "--verify", "HEAD"])?.status.success() {
        return Ok(());
    }
    let name = OsStr::from_bytes(&first.name);
    let mut command = Command::new(&brief.git);
    command.args(["symbolic-ref", "HEAD"]).arg(name).stdin(Stdio::null()).output().map_err(Fault::Git)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_git_are_read_to_the_end_of_the_name() {
        let line = b"0000000000000000000000000000000000000000 89e6c98d92887913cadf06b2adb97f26cde4849b refs/heads/a b";
        let update = Update::parse(line).unwrap();
        assert_eq!((update.name.as_slice(), update.removes()), (b"refs/heads/a b".as_slice(), false));
        assert!(is_zero(&update.old));
        for bad in [&b""[..], b"0 1", b"x 1 refs/heads/a", b"01 g2 refs/heads/a"] {
            assert_eq!(Update::parse(bad), None);
        }
    }
}
