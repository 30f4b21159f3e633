//! What git says of a push that it refuses before it runs any hook: the fault of an object (git-fsck(1)).
//!
//! git tells its client the fault in its own words. It writes the same words to its trace (trace2, "error" events),
//! which is a pipe to the guard. The text comes from a process that reads a stranger's bytes, so the guard uses it for
//! that stranger's client alone.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

/// How much of the trace is read. A pipe holds no more, and git stops its trace once the pipe is full.
const MOST: usize = 64 * 1024;

/// The guard's end of git's trace.
pub(super) struct Trace(File);

/// git's end.
pub(super) struct Traced(OwnedFd);

/// A pipe that never makes git wait.
///
/// # Errors
/// Too many descriptors.
pub(super) fn pipe() -> io::Result<(Trace, Traced)> {
    let (read, write) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC)?;
    Ok((Trace(read.into()), Traced(write)))
}

impl Traced {
    /// The values of `GIT_TRACE2_EVENT` and `GIT_TRACE2_EVENT_BRIEF` with which git writes its trace here. git accepts
    /// only descriptors below 10 (api-trace2).
    pub(super) fn variables(&self) -> Option<[(&'static str, String); 2]> {
        let number = Some(self.0.as_raw_fd()).filter(|number| *number < 10)?;
        Some([("GIT_TRACE2_EVENT", number.to_string()), ("GIT_TRACE2_EVENT_BRIEF", "1".to_owned())])
    }
}

impl AsFd for Traced {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Trace {
    /// The sentence for the client about a fault of an object, if git refused the push for that. git has ended.
    pub(super) fn refusal(self) -> Option<String> {
        let mut text = vec![0; MOST];
        let mut pipe = self.0;
        let length = pipe.read(&mut text).ok()?;
        let (object, fault) = String::from_utf8_lossy(text.get(..length)?).lines().find_map(fault)?;
        Some(format!(
            "the object {object} has the fault {fault} of git-fsck(1), which this server refuses: remove it from the \
             history, for example with git filter-repo"
        ))
    }
}

/// The object and the fault in an event such as `{"event":"error",…,"msg":"object 12ab: hasDotgit: …",…}`.
fn fault(event: &str) -> Option<(String, String)> {
    let (_, said) = event.strip_prefix("{\"event\":\"error\"")?.split_once("\"msg\":\"object ")?;
    let mut words = said.splitn(3, ": ");
    let (object, fault) = (words.next()?, words.next()?);
    words.next()?;
    let is_object = matches!(object.len(), 40 | 64) && object.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_fault = (1..=64).contains(&fault.len()) && fault.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_object && is_fault).then(|| (object.to_owned(), fault.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn said(text: &str) -> Option<String> {
        let (trace, traced) = pipe().unwrap();
        File::from(traced.0).write_all(text.as_bytes()).unwrap();
        trace.refusal()
    }

    #[test]
    fn neither_end_of_the_pipe_waits_and_no_other_program_inherits_it() {
        use nix::fcntl::{FcntlArg, FdFlag, fcntl};
        let (trace, traced) = pipe().unwrap();
        for end in [trace.0.as_fd(), traced.as_fd()] {
            let status = OFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFL).unwrap());
            let descriptor = FdFlag::from_bits_retain(fcntl(end, FcntlArg::F_GETFD).unwrap());
            assert!(status.contains(OFlag::O_NONBLOCK) && descriptor.contains(FdFlag::FD_CLOEXEC));
        }
        // Full or empty, it does not make its user wait.
        let mut filled = 0;
        while let Ok(length) = nix::unistd::write(&traced, &[0; 4096]) {
            filled += length;
        }
        assert_eq!(filled, MOST);
    }

    #[test]
    fn the_fault_of_an_object_is_found_in_gits_trace() {
        let id = "844e32858c207f74f3d80721ef01c4b82fad2423";
        let event =
            format!("{{\"event\":\"error\",\"sid\":\"x\",\"msg\":\"object {id}: hasDotgit: contains '.git'\"}}\n");
        let sentence = said(&format!("{{\"event\":\"version\"}}\n{event}")).unwrap();
        assert!(
            sentence.starts_with(&format!("the object {id} has the fault hasDotgit of git-fsck(1), ")),
            "{sentence}"
        );
        for other in [
            String::new(),
            "{\"event\":\"error\",\"msg\":\"fsck error in packed object\"}\n".to_owned(),
            event.replace("hasDotgit", "a b"),
            event.replace("hasDotgit", "\\u001b[31m"),
            event.replace(id, "844e"),
            event.replace("error", "start"),
        ] {
            assert_eq!(said(&other), None, "{other}");
        }
    }
}
